#!/usr/bin/python3
"""Every page over a running sweep: progress moves, a reload loses nothing, and its end shows.
Usage: live_test.py REPRISE TINY_STUDY SCREENSHOTS"""
import json
import pathlib
import re
import signal
import sys
import urllib.request

from browser import PATIENCE, Sweep, find, run_tests, workplace


def main():
    reprise, tiny, shots = sys.argv[1:4]
    with workplace(shots) as (folder, browser):
        # The pretraining goes on for longer than this test looks at it.
        text = pathlib.Path(tiny).read_text()
        study = folder / "live.toml"
        study.write_text(re.sub(r"pretrain = \{ steps = \d+(.*?)checkpoint_every = \d+", r"pretrain = { steps = 500000\1checkpoint_every = 500", text))
        assert "500000" in study.read_text(), "tiny.toml has changed"
        workspace, log = folder / "work", folder / "run.log"
        with Sweep(reprise, study, workspace, log, "--gangs", "2") as sweep:
            acting = sweep.address()
            port = int(re.search(r":(\d+)/", acting).group(1))

            def api(path):
                request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
                request.add_header("Authorization", "Bearer " + acting.split("token=")[1])
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

            def a_reload_loses_nothing():
                browser.page("stages", "tiny", query="?filter=evaluate&sort=state")
                browser.driver.refresh()
                browser.settle("stages")
                assert find(browser, "input[type=search]").get_attribute("value") == "evaluate"
                assert browser.run("return document.querySelector('th[aria-sort]').innerText.startsWith('State')")

            def the_end_of_the_run_shows():
                sweep.process.send_signal(signal.SIGTERM)
                assert sweep.process.wait(timeout=2 * PATIENCE) == 130, log.read_text()
                until("the loss is said", "return document.body.innerText.includes('Connection lost')")
                browser.shot("live-lost")
                with Sweep(reprise, study, workspace, log, "--gangs", "2") as again:
                    assert again.address() != acting
                    browser.driver.get(again.address())
                    browser.settle("overview")
                    until("it goes on", "return document.getElementById('connection').innerText === 'live'")

            run_tests([two_results_are_there, every_page, progress_moves_by_itself, a_reload_loses_nothing, the_end_of_the_run_shows])


main()
