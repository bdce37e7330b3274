#!/usr/bin/python3
"""What people do to a running sweep, by clicks: each action shows, acts, and is kept with who did it.
A view-only address offers none of them, and the server refuses them.
Usage: actions_test.py REPRISE GANG SCREENSHOTS"""
import json
import re
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request

from selenium.webdriver.common.by import By

from browser import PATIENCE, Sweep, find, run_tests, workplace

WHO = "Ada <b>Lovelace</b>"
STUDY = """schema = 1
name = "{name}"
[datasets.phantom]
importer = "phantom"
subjects = 2
volume = [64, 64, 16]
size = [64, 64]
[trial]
dataset = "phantom"
segmented = false
finetuned = false
unet = {{ train = {{ patch = 32 }} }}
pretrain = {{ patch = 16 }}
[[trials]]
name = "t{{seed}}"
row = "seed {{seed}}"
grid = {{ seed = {seeds} }}
"""


def main():
    reprise, gang, shots = sys.argv[1:4]
    with workplace(shots) as (folder, browser):
        study, workspace = folder / "acted.toml", folder / "work"
        study.write_text(STUDY.format(name="acted", seeds=[1, 2, 3, 4]))
        orders = workspace / "orders"
        orders.mkdir(parents=True)
        (orders / "hold").touch()
        with Sweep(reprise, study, workspace, folder / "run.log", "--worker", gang, "--gangs", "1", "--failures-max", "1") as sweep:
            acting, viewing = sweep.address(), sweep.address("--view")
            port = int(re.search(r":(\d+)/", acting).group(1))

            def api(path, body=None, secret=acting.split("token=")[1]):
                request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=None if body is None else json.dumps(body).encode())
                request.add_header("Authorization", f"Bearer {secret}")
                return json.load(urllib.request.urlopen(request, timeout=PATIENCE))

            def running():
                return [s for s in api("/status")["stages"] if s["state"] == "running"]

            ids = {}     # The trials' stages: (trial, role) → id.
            trials = {}  # "runs": whose pretraining runs first; "first", "spare": two that wait.

            def confirm(title, **fields):
                """Fills in the dialog as a person does."""
                for label, text in {"Your name": WHO, **fields}.items():
                    field = browser.run("""return [...document.querySelectorAll('dialog label')]
                        .find(l => l.innerText.startsWith(arguments[0])).querySelector('input, textarea')""", label)
                    field.clear()
                    field.send_keys(text)
                find(browser, "dialog button[type=submit]").click()
                browser.wait(f"{title} is accepted", "return !document.querySelector('dialog')")

            def press(action, on):
                """The button of that name in the group of actions on `on`."""
                selector = f'[role=group][aria-label="Actions on {on}"] [data-action="{action}"]'
                browser.wait(f"{action} on {on}", lambda: find(browser, selector).click() or True)
                browser.wait("the dialog", "return document.querySelector('dialog[open]')")

            def recorded(kind, text=""):
                """What the database itself says of who did what."""
                with sqlite3.connect(f"file:{workspace}/reprise.db?mode=ro", uri=True) as database:
                    rows = database.execute("SELECT who, time, text FROM events WHERE kind = ?", (kind,)).fetchall()
                assert any(who.startswith(WHO + " at 127.0.0.1") and time > 1.7e12 and text in what for who, time, what in rows), (kind, text, rows)

            def shown(place, condition):
                """On a row of the table of `place`, by its name."""
                browser.wait(f"{place}: {condition}", f"""const row = [...document.querySelectorAll('table.virtual tbody tr')]
                    .find(r => r.cells[0].innerText.trim() === '{place}'); return row && row.innerText.includes('{condition}')""")

            def it_runs():
                browser.driver.get(acting)
                browser.settle("overview")
                browser.wait("a stage runs", lambda: len(running()) == 1)
                for trial in api("/api/study/acted")["trials"]:
                    for role, stage in trial["stages"].items():
                        ids[trial["name"], role] = stage
                assert running()[0]["kind"] == "pretrain"
                names = sorted({name for name, _ in ids}, key=lambda name: ids[name, "pretrain"] != running()[0]["id"])
                trials.update(runs=names[0], first=names[1], spare=names[2])

            def prioritise_by_hand():
                first = ids[trials["first"], "pretrain"]
                browser.page("study", "acted")
                press("Prioritise", f"seed {trials['first'][1]}")
                confirm("Prioritise", Priority="50")
                recorded("prioritise", first[:12])
                browser.wait("the coordinator knows", lambda: next(s for s in api("/status")["stages"] if s["id"] == first)["priority"] == 50)
                browser.page("stages", "acted", query="?filter=pretrain&sort=priority&desc=1")
                browser.wait("the priority shows", "return /\\b50\\b/.test(document.querySelector('table.virtual tbody tr').innerText)")
                browser.shot("actions-stages")

            def cancel_and_retry_a_trial():
                row, own = f"seed {trials['spare'][1]}", [ids[trials["spare"], role] for role in ("pretrain", "evaluate")]
                browser.page("study", "acted")
                press("Cancel", row)
                confirm("Cancel")
                recorded("cancel", own[0][:12])
                shown(row, "cancelled")
                assert all(s["state"] in ("cancelled", "aborted") for s in api("/status")["stages"] if s["id"] in own)
                press("Retry", row)
                confirm("Retry")
                recorded("retry", own[0][:12])
                shown(row, "waiting")

            def cancel_the_running_stage():
                now = running()[0]
                browser.page("stages", "acted", query="?state=running")
                # The page must have heard of this one first.
                browser.wait("its row", f"return document.querySelector('table.virtual tbody a').title === '{now['id']}'")
                press("Cancel", now["label"])
                confirm("Cancel")
                return now["id"]

            def cancel_what_runs():
                recorded("cancel", cancel_the_running_stage()[:12])
                # The gang goes on with the stage that was given precedence.
                browser.wait("the next one runs", lambda: [s["id"] for s in running()] == [ids[trials["first"], "pretrain"]])
                assert api("/api/overview")["studies"][0]["problems"] == [], "what was cancelled needs nobody"

            def retry_what_failed():
                # A gang that is given a stage has not begun it yet: it would take the order for itself.
                browser.wait("the gang is at it", lambda: [s["id"] for s in running() if s["progress"] > 0] == [ids[trials["first"], "pretrain"]])
                (orders / "fail").touch()
                cancel_the_running_stage()
                browser.wait("the next one fails", lambda: any(s["state"] == "failed" for s in api("/status")["stages"]))
                failed = next(s for s in api("/status")["stages"] if s["state"] == "failed")
                browser.page("overview")
                browser.wait("it needs a person", "return document.body.innerText.includes('Needs a person (1)') && document.body.innerText.includes('told to fail')")
                browser.shot("actions-failed")
                press("Retry", failed["label"])
                confirm("Retry")
                recorded("retry", failed["id"][:12])
                browser.wait("it is no longer failed", lambda: next(s for s in api("/status")["stages"] if s["id"] == failed["id"])["state"] != "failed")

            def the_terminal_tells_the_gangs():
                def said(*command):
                    answer = subprocess.run([reprise, *command, "-w", str(workspace)], capture_output=True, text=True, timeout=PATIENCE)
                    assert answer.returncode == 0, answer.stderr
                    return answer.stdout

                overview = browser.wait("a gang with progress", lambda: next((o for o in [json.loads(said("show", "overview", "--json"))]
                                        if o["live"] and any(s["progress"] > 0 for s in o["run"]["stages"])), None))
                told = api("/status")
                assert [g["name"] for g in overview["run"]["gangs"]] == [g["name"] for g in told["gangs"]]
                assert {s["id"] for s in overview["run"]["stages"]} == {s["id"] for s in running()}
                # What the page's WebSocket says is the same, but for the time between the two.
                live = browser.driver.execute_async_script("""const done = arguments[0], socket = new WebSocket(`ws://${location.host}/api/live`);
                    socket.onmessage = event => { socket.close(); done(JSON.parse(event.data)); }""")
                assert set(live) - {"revision"} == set(overview["run"]) and [set(s) for s in live["stages"]] == [set(s) for s in overview["run"]["stages"]]
                text = said("show", "overview")
                assert re.search(r"local-\S+ .*\d+ / 500000 +0\.25 +200", text) and "left " in text and "saved " in text, text
                line = next(s for s in json.loads(said("status", str(study), "--json")) if s["state"] == "running")
                assert line["progress_end"] == 500000 and line["loss"] == 0.25, line

            def add_a_study_by_hand():
                browser.page("overview")
                press("Add a study", "the run")
                browser.run("document.querySelector('dialog textarea').value = arguments[0]", "this is no study")
                find(browser, "dialog button[type=submit]").click()
                said = browser.wait("why not", "return document.querySelector('dialog [role=alert]').innerText")
                assert len(said) > 10, said
                browser.run("document.querySelector('dialog textarea').value = arguments[0]", STUDY.format(name="added", seeds=[4, 5]))
                confirm("Add a study")
                recorded("add-study", "added")
                browser.wait("its card is there", "return [...document.querySelectorAll('.study-card h2')].some(h => h.innerText === 'added')")
                # Seed 4 is shared with the study that was there; seed 5 is new work.
                assert sum(s["kind"] == "pretrain" for s in api("/status")["stages"]) == 5
                browser.must_be_quiet(allow="status of 400|/api/actions/")

            def pause_drain_and_resume_by_hand():
                browser.page("overview")
                for action, mark in (("Pause", "paused"), ("Resume", ""), ("Drain", "draining"), ("Resume", "")):
                    press(action, "the run")
                    confirm(action)
                    browser.wait(f"{action} shows", f"return (document.querySelector('.heading .warn') || {{innerText: ''}}).innerText === '{mark}'")
                    recorded(action.lower())
                browser.page("events")
                browser.wait("the events name her", f"return document.body.innerText.split('{WHO} at 127.0.0.1').length > 8")
                browser.shot("actions-events")
                assert browser.run("return document.querySelectorAll('main b').length") == 0, "her name became markup"

            def viewers_can_only_look():
                view = viewing.split("token=")[1]
                browser.driver.delete_all_cookies()
                browser.driver.get(viewing)
                browser.settle("overview")
                browser.wait("live for viewers too", "return document.getElementById('connection').innerText === 'live'")
                before = api("/api/events")["events"]
                for name, *parts in (("overview",), ("study", "acted"), ("stages", "acted"), ("stage", ids["t1", "pretrain"]), ("events",)):
                    browser.page(name, *parts)
                    assert not browser.driver.find_elements(By.CSS_SELECTOR, "[data-action]"), name
                everything = {"pause": {}, "resume": {}, "drain": {}, "cancel": {"study": "acted"}, "retry": {"study": "acted"},
                              "prioritise": {"study": "acted", "priority": 1}, "add-study": {"text": STUDY.format(name="more", seeds=[9])}}
                for action, body in everything.items():
                    # By the browser with its cookie, and by any program with the secret.
                    status = browser.driver.execute_async_script("""const [name, body, done] = arguments;
                        fetch('/api/actions/' + name, {method: 'POST', body: JSON.stringify(body)}).then(r => done(r.status))""", action, body)
                    assert status == 403, (action, status)
                    for secret, code in ((view, 403), ("wrong", 401)):
                        try:
                            api(f"/api/actions/{action}", body, secret)
                            raise AssertionError(f"{action} was accepted")
                        except urllib.error.HTTPError as refusal:
                            assert refusal.code == code, (action, refusal.code)
                assert api("/api/events")["events"] == before, "a refused action left a trace"
                browser.must_be_quiet(allow="403")

            def it_ends():
                (orders / "hold").unlink()
                code = sweep.process.wait(timeout=2 * PATIENCE)
                # Two pretrainings stay cancelled, so the run says that not all is done.
                assert code == 4, (code, sweep.log.read_text())

            run_tests([it_runs, prioritise_by_hand, cancel_and_retry_a_trial, cancel_what_runs, retry_what_failed, the_terminal_tells_the_gangs,
                       add_a_study_by_hand, pause_drain_and_resume_by_hand, viewers_can_only_look, it_ends])


main()
