#!/usr/bin/python3
"""Every page over a running sweep: progress moves, actions act, and a view-only address only looks.
Usage: live_test.py REPRISE TINY_STUDY SCREENSHOTS"""
import contextlib
import json
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

from selenium.webdriver.common.by import By

from browser import PATIENCE, find, run_tests, workplace


def address(reprise, workspace, *flags):
    found = subprocess.run([reprise, "dashboard", "-w", str(workspace), *flags], capture_output=True, text=True, timeout=PATIENCE)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


@contextlib.contextmanager
def sweep(reprise, study, workspace, log):
    """A running sweep, ended by SIGTERM."""
    with open(log, "a") as out:
        process = subprocess.Popen([reprise, "run", str(study), "-w", str(workspace), "--plain", "--gangs", "2"], stdout=out, stderr=out)
    try:
        end = time.monotonic() + 2 * PATIENCE
        while not (workspace / "coordinator.json").exists():
            assert process.poll() is None and time.monotonic() < end, pathlib.Path(log).read_text()
            time.sleep(0.1)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=2 * PATIENCE)


def main():
    reprise, tiny, shots = sys.argv[1:4]
    with workplace(shots) as (folder, browser):
        # The pretraining goes on for longer than this test looks at it.
        text = pathlib.Path(tiny).read_text()
        study = folder / "live.toml"
        study.write_text(re.sub(r"pretrain = \{ steps = \d+(.*?)checkpoint_every = \d+", r"pretrain = { steps = 500000\1checkpoint_every = 500", text))
        assert "500000" in study.read_text(), "tiny.toml has changed"
        workspace, log = folder / "work", folder / "run.log"
        with sweep(reprise, study, workspace, log) as process:
            acting, viewing = address(reprise, workspace), address(reprise, workspace, "--view")
            port = int(re.search(r":(\d+)/", acting).group(1))
            token, view = acting.split("token=")[1], viewing.split("token=")[1]

            def api(path, secret=token, body=None):
                request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method="POST" if body is not None else "GET",
                                                 data=json.dumps(body).encode() if body is not None else None)
                request.add_header("Authorization", f"Bearer {secret}")
                return json.load(urllib.request.urlopen(request, timeout=PATIENCE))

            def until(what, condition):
                browser.wait(what, condition)

            def two_results_are_there():
                browser.driver.get(acting)
                browser.settle("overview")
                until("the U-Net and two evaluations are done", lambda: api("/api/overview")["studies"][0]["stages"]["done"] >= 3)

            def every_page():
                stages = api("/api/stages/tiny")["stages"]
                running = next(s for s in stages if s["state"] == "running")
                done = next(s for s in stages if s["kind"] == "evaluate" and s["state"] == "done")
                rows = urllib.request.quote(json.dumps(["hr", "bicubic"]))
                for name, parts, query in (("overview", (), ""), ("study", ("tiny",), ""), ("tables", ("tiny",), ""), ("images", ("tiny",), ""),
                                           ("stages", ("tiny",), ""), ("stage", (running["id"],), ""), ("stage", (done["id"],), ""),
                                           ("compare", ("tiny",), f"?rows={rows}"), ("datasets", (), ""), ("events", (), "")):
                    browser.page(name, *parts, query=query)
                    browser.must_be_quiet()
                    browser.must_fit(name)
                    browser.must_be_accessible(name)
                    browser.whole(f"live-{name}")

            def progress_moves_by_itself():
                browser.page("overview")
                number = "const m = /([\\d,]+) \\/ 500,000/.exec(document.body.innerText); return m && Number(m[1].replaceAll(',', ''))"
                first = browser.wait("a step is told", number)
                until("it grows without a reload", lambda: (browser.run(number) or 0) > first)
                assert "live" in find(browser, "#connection").text

            def an_action_needs_the_acting_token():
                for secret, code in ((view, 403), ("wrong", 401)):
                    try:
                        api("/api/actions/pause", secret, {"who": "nobody"})
                        raise AssertionError("accepted")
                    except urllib.error.HTTPError as refusal:
                        assert refusal.code == code, (secret, refusal.code)

            def pause_and_resume_by_hand():
                browser.page("overview")
                for name, said in (("Pause", "paused"), ("Resume", "")):
                    until(f"a button {name}", f"return document.querySelector('[data-action={name}]')")
                    find(browser, f"[data-action={name}]").click()
                    field = find(browser, "dialog input")
                    field.clear()
                    field.send_keys("Ada <b>Lovelace</b>")
                    find(browser, "dialog button[type=submit]").click()
                    until(f"{name} shows", f"return !document.querySelector('dialog') && (document.querySelector('.heading .warn') || {{innerText: ''}}).innerText === '{said}'")
                events = api("/api/events")["events"]
                assert any(e["kind"] == "pause" and "Ada <b>Lovelace</b>" in e["who"] for e in events), events
                browser.page("events")
                until("the event is listed", "return document.body.innerText.includes('Ada <b>Lovelace</b>')")
                browser.must_be_quiet()

            def a_refused_action_says_why():
                browser.page("overview")
                until("the button", "return document.querySelector('[data-action=\"Add a study\"]')")
                find(browser, "[data-action='Add a study']").click()
                find(browser, "dialog textarea").send_keys("this is no study")
                find(browser, "dialog button[type=submit]").click()
                said = browser.wait("why", "return document.querySelector('dialog [role=alert]').innerText")
                assert len(said) > 10, said
                browser.shot("live-refused")
                find(browser, "dialog button[type=button]").click()
                browser.must_be_quiet(allow="status of 4|/api/actions/")

            def a_reload_loses_nothing():
                browser.page("stages", "tiny", query="?filter=evaluate&sort=state")
                browser.driver.refresh()
                browser.settle("stages")
                assert find(browser, "input[type=search]").get_attribute("value") == "evaluate"
                assert browser.run("return document.querySelector('th[aria-sort]').innerText.startsWith('State')")

            def viewers_get_no_buttons():
                browser.driver.delete_all_cookies()
                browser.driver.get(viewing)
                browser.settle("overview")
                until("live for viewers too", "return document.getElementById('connection').innerText === 'live'")
                assert not browser.driver.find_elements(By.CSS_SELECTOR, "[data-action]")
                status = browser.driver.execute_async_script("""const done = arguments[0];
                    fetch('/api/actions/pause', {method: 'POST', body: '{}'}).then(r => done(r.status))""")
                assert status == 403, status
                browser.must_be_quiet(allow="403")

            def the_end_of_the_run_shows():
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=2 * PATIENCE) == 130, log.read_text()
                until("the loss is said", "return document.body.innerText.includes('Connection lost')")
                browser.shot("live-lost")
                with sweep(reprise, study, workspace, log):
                    assert address(reprise, workspace) != acting
                    browser.driver.get(address(reprise, workspace))
                    browser.settle("overview")
                    until("it goes on", "return document.getElementById('connection').innerText === 'live'")

            run_tests([two_results_are_there, every_page, progress_moves_by_itself, an_action_needs_the_acting_token, pause_and_resume_by_hand,
                       a_refused_action_says_why, a_reload_loses_nothing, viewers_get_no_buttons, the_end_of_the_run_shows])


main()
