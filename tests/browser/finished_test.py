#!/usr/bin/python3
"""Every page over a finished database: drawn, quiet, accessible, on a phone and in the dark.
Usage: finished_test.py REPRISE MAKE_DEMO PAPER_STUDIES SCREENSHOTS"""
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browser import Dashboard, find, run_tests, say, workplace

HOSTILE = "hostile <img src=x onerror=document.title='pwned'>"


def main():
    reprise, make_demo, studies, shots = sys.argv[1:5]
    with workplace(shots) as (folder, browser):
        workspace = folder / "demo"
        subprocess.run([make_demo, str(workspace), studies], check=True)
        served = {"now": Dashboard(reprise, workspace)}
        address, port = served["now"].address, served["now"].port
        token = address.split("token=")[1]

        def api(path, secret=token):
            request = urllib.request.Request(f"http://127.0.0.1:{port}/api/{path}")
            if secret:
                request.add_header("Authorization", f"Bearer {secret}")
            return json.load(urllib.request.urlopen(request, timeout=60))

        stages = api("stages/demo")["stages"]
        evaluation = [s for s in stages if s["kind"] == "evaluate"][-1]
        trials = api("study/demo")["trials"]
        rows = json.dumps([t["name"] for t in trials[-4:]])
        pages = {
            "overview": ((), ""), "study": (("demo",), ""), "tables": (("demo",), ""),
            "images": (("demo",), ""), "stages": (("demo",), ""), "stage": ((evaluation["id"],), ""),
            "compare": (("demo",), "?rows=" + urllib.request.quote(rows)), "datasets": ((), ""), "events": ((), ""),
        }

        def secret_is_needed():
            for secret in (None, "wrong"):
                try:
                    api("overview", secret)
                    raise AssertionError("answered without the token")
                except urllib.error.HTTPError as refusal:
                    assert refusal.code == 401, refusal.code
            browser.driver.get(f"http://127.0.0.1:{port}/")
            browser.wait("the page asks for the token", "return document.body.innerText.includes('needs its token')")
            browser.must_be_quiet(allow="401")

        def log_in():
            browser.driver.get(address)
            browser.settle("overview")
            assert "token" not in browser.driver.current_url, "the token stays in the address"
            browser.must_be_quiet()

        def every_page():
            for name, (parts, query) in pages.items():
                browser.page(name, *parts, query=query)
                browser.must_be_quiet()
                browser.must_fit(name)
                browser.must_be_accessible(name)
                browser.whole(f"finished-{name}")

        def what_the_pages_say():
            browser.page("overview")
            text = browser.text()
            for part in ("RDST-E on brains", "saved by sharing", "Needs a person (21)", "loss is not finite"):
                assert part in text, part
            browser.page("tables", "demo")
            cell = find(browser, ".results .rank-best")
            assert "(" in browser.run("return arguments[0].textContent", cell)
            assert browser.run("return document.querySelectorAll('main .paper').length") > 4
            assert browser.run("return document.querySelectorAll('details.card').length") >= 10
            browser.run("arguments[0].click()", cell)
            browser.settle("stage")
            assert "What it stands on" in browser.text()
            browser.page("stage", evaluation["id"])
            for part in (evaluation["id"], "node-3", "network.width", "PSNR"):
                assert part in browser.text(), part
            browser.page("compare", *pages["compare"][0], query=pages["compare"][1])
            browser.wait("the paired tests", "return document.querySelector('[data-tests=there]')")
            assert re.search(r"[+−]\d\.\d\d \[[+−]\d\.\d\d, [+−]\d\.\d\d\], p (<|=) 0\.\d+\s+over \d+ slices", browser.text()), "differences to the first row, each with its interval"
            browser.wait("the intervals are drawn", "return document.querySelectorAll('main .errorbar, main .errorbars path').length >= 3")
            assert len(browser.run("return [...document.querySelectorAll('.strip img')].filter(i => i.naturalWidth > 0)")) >= 4

        def filter_sort_and_group():
            browser.page("study", "demo")
            box = find(browser, "input[type=search]")
            box.send_keys("network.width=60 PSNR>32")
            browser.wait("the filter", "return /[1-9]\\d* of 20 trials/.test(document.body.innerText)")
            box.clear()
            box.send_keys("PSMR>3")
            browser.wait("an unknown column is named", "return document.body.innerText.includes('no column is called PSMR')")
            browser.page("study", "demo", query="?sort=PSNR&desc=1")
            values = [float(v.split()[0]) for v in browser.run("""
                const at = [...document.querySelectorAll('table.virtual thead th')].findIndex(th => th.innerText === 'PSNR');
                return [...document.querySelectorAll('table.virtual tbody tr')].map(r => r.cells[at].innerText)""") if v != "–"]
            assert len(values) > 5 and values == sorted(values, reverse=True), values
            find(browser, "th[aria-sort] button").click()
            browser.wait("the other way", "return document.querySelector('th[aria-sort=ascending]')")
            assert "desc" not in browser.driver.current_url
            browser.page("study", "demo", query="?group=network.window")
            assert browser.run("return document.querySelectorAll('table.virtual tr.group').length") >= 3

        def thousands_stay_smooth():
            browser.page("study", "large")
            drawn = browser.run("return document.querySelectorAll('table.virtual tbody tr').length")
            assert drawn < 80, f"{drawn} rows are drawn of 5000"
            # A row that stays in sight is not drawn again, so a scroll costs what comes into sight.
            browser.run("document.querySelectorAll('table.virtual tbody tr')[8].dataset.mark = 'kept'; document.querySelector('.virtual-box').scrollTop = 102")
            browser.wait("rows further down", "return [...document.querySelectorAll('table.virtual tbody a')].some(a => a.innerText === 't32')")
            assert browser.run("return document.querySelector('[data-mark=kept] a').innerText") == "t8"
            slowest = browser.driver.execute_async_script("""
                const done = arguments[0], box = document.querySelector('.virtual-box');
                let frames = 0, slowest = 0, before = performance.now();
                const step = now => {
                  if (frames > 2) slowest = Math.max(slowest, now - before);
                  before = now;
                  box.scrollTop += 900;
                  if (++frames < 60) requestAnimationFrame(step); else done(slowest);
                };
                requestAnimationFrame(step);""")
            say(f"        the slowest of 60 frames took {slowest:.0f} ms")
            box = browser.run("""const box = document.querySelector('.virtual-box'); box.scrollTop = box.scrollHeight;
                return box.scrollHeight""")
            assert box > 5000 * 30, box
            browser.wait("the last row", "return document.querySelector('table.virtual tbody').innerText.includes('t4999')")
            browser.must_be_quiet()
            browser.shot("finished-large")

        def a_graph_of_any_size_is_whole():
            for study, count in (("paper", len(api("stages/paper")["stages"])), ("large", 10000)):
                browser.page("stages", study)
                browser.wait("all of it", f"return document.querySelector('.graph-view').dataset.drawn === '{count} far'")
                browser.shot(f"finished-graph-{study}")
                view = find(browser, ".graph-view")
                view.send_keys("+" * (8 if study == "paper" else 12))
                browser.wait("names and links near by", "return document.querySelectorAll('.graph-links a').length > 3 && document.querySelector('.graph-view').dataset.drawn.endsWith('near')")
                first = browser.run("return document.querySelector('.graph-links a').title")
                view.send_keys(Keys.ARROW_RIGHT * 6 + Keys.ARROW_DOWN * 6)
                browser.wait("moved", f"return document.querySelector('.graph-links a') && document.querySelector('.graph-links a').title !== {json.dumps(first)}")
                browser.wait("the view is in the address", "return location.hash.includes('view=')")
            browser.shot("finished-graph-near")
            target = browser.run("const a = [...document.querySelectorAll('.graph-links a')].find(a => a.offsetLeft > 60 && a.offsetTop > 60); a.click(); return a.title.split('\\n')[2]")
            browser.settle("stage")
            assert target in browser.driver.current_url
            browser.must_be_quiet()

        def ten_full_tables():
            browser.page("tables", "paper")
            empty = browser.run("""return [...document.querySelectorAll('details.card td')].filter(td => td.querySelector('.paper') && !/\\d/.test((td.querySelector('a') || {innerText: ''}).innerText))
                .map(td => td.innerText + ' of ' + td.parentNode.innerText)""")
            assert empty == [], empty
            tables = browser.run("""return [...document.querySelectorAll('details.card')].map(d => [d.open, d.querySelector('summary').innerText,
                d.querySelectorAll('td').length, d.querySelectorAll('td > a').length, d.querySelectorAll('.paper').length])""")
            assert {int(re.match(r"Table (\d+)\.", title).group(1)) for _, title, *_ in tables} == set(range(1, 11)), tables
            assert sum(published for *_, published in tables) == 626, "every number of the paper has a place"
            for is_open, title, cells, links, published in tables:
                # What the paper leaves out (PSNR of HR) has no value here either.
                assert is_open and cells > 0 and links >= published > 0, (title, cells, links, published)
            browser.must_be_accessible("the full tables")
            browser.whole("finished-ten-tables")
            link = find(browser, "details.card td > a")
            stage = link.get_attribute("href").rsplit("/", 1)[1]
            browser.run("arguments[0].click()", link)
            browser.settle("stage")
            assert stage in browser.text() and "What it stands on" in browser.text()
            browser.must_be_quiet()

        def hostile_names_are_text():
            for name in ("overview", "study", "tables", "images", "stages", "events", "datasets"):
                browser.page(name, *([HOSTILE] if name in ("study", "tables", "images", "stages") else []))
                assert browser.run("return document.querySelectorAll('main img[src=x], main script').length") == 0, name
            hostile = api("stages/" + urllib.request.quote(HOSTILE, safe=""))["stages"]
            for stage in hostile:
                browser.page("stage", stage["id"])
                assert "<script>alert(1)</script>" in browser.text(), "the label is shown as it is"
            names = json.dumps([t["name"] for t in api("study/" + urllib.request.quote(HOSTILE, safe=""))["trials"]])
            browser.page("compare", HOSTILE, query="?rows=" + urllib.request.quote(names))
            assert browser.driver.title != "pwned"
            browser.must_be_quiet()
            browser.page("study", HOSTILE)
            browser.shot("finished-hostile")

        def pictures():
            browser.page("images", "demo")
            before = find(browser, "canvas").screenshot_as_base64
            for name, value in (("Left", "hr"), ("Right", "error"), ("Overlay", "prediction")):
                browser.run("""const select = document.querySelector(`select[aria-label="${arguments[0]}"]`);
                    select.value = arguments[1]; select.dispatchEvent(new Event('change'))""", name, value)
            browser.wait("the layers", "return document.querySelector('canvas').dataset.drawn === 'hr error prediction 0 0'")
            assert find(browser, "canvas").screenshot_as_base64 != before
            find(browser, "canvas").send_keys("+++")
            browser.wait("zoomed by keyboard", "return /zoom 2\\.0/.test(document.body.innerText)")
            find(browser, "input[aria-label=Slice]").send_keys(Keys.ARROW_RIGHT)
            browser.wait("the next slice", "return document.body.innerText.includes('Sample 2 of 6')")
            link = browser.driver.current_url
            browser.must_be_quiet()
            browser.shot("finished-images-zoomed")
            browser.driver.get("about:blank")
            browser.driver.get(link)  # A deep link brings back the whole view.
            browser.settle("images")
            browser.wait("the same view", "return document.querySelector('canvas').dataset.drawn === 'hr error prediction 1 0'")

        def plots_can_be_saved():
            browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
            for place, name in ((("stage", stages[0]["id"]), "Training-loss"), (("stages", "demo"), "Stages-of-demo")):
                browser.page(*place)
                for ending, start in (("svg", b"<svg"), ("png", b"\x89PNG"), ("csv", b"")):
                    browser.run("""const figure = [...document.querySelectorAll('figure')].find(f => f.innerText.includes(arguments[0]));
                        figure.querySelector(`[data-export=${arguments[1]}]`).click()""", name.replace("-", " "), ending.upper())
                    file = folder / f"{name}.{ending}"
                    browser.wait(f"{file.name} is saved", lambda path=file: path.exists() and path.stat().st_size > 100)
                    assert file.read_bytes().startswith(start), file.name
            browser.must_be_quiet()

        def phone_and_dark():
            browser.size(390, 844, mobile=True)
            for name, (parts, query) in pages.items():
                browser.page(name, *parts, query=query)
                browser.must_fit(f"{name} on a phone")
                browser.shot(f"phone-{name}")
            browser.size(1280, 900)
            browser.run("document.querySelector('select[aria-label=Colours]').value = 'dark'; document.querySelector('select[aria-label=Colours]').dispatchEvent(new Event('change'))")
            for name, (parts, query) in pages.items():
                browser.page(name, *parts, query=query)
                browser.must_be_accessible(f"{name} in the dark")
                browser.shot(f"dark-{name}")
            browser.run("document.querySelector('select[aria-label=Colours]').value = 'auto'; document.querySelector('select[aria-label=Colours]').dispatchEvent(new Event('change'))")
            browser.must_be_quiet()

        def keyboard_reaches_everything():
            browser.page("overview")
            browser.run("document.activeElement.blur()")
            body, reached = find(browser, "body"), set()
            body.send_keys(Keys.TAB)
            for _ in range(40):
                reached.add(browser.run("return (document.activeElement.getAttribute('aria-label') || document.activeElement.innerText || '').trim()"))
                browser.driver.switch_to.active_element.send_keys(Keys.TAB)
            for name in ("Study", "Tables", "Images", "Stages", "Data sets", "Events", "Colours"):
                assert name in reached, (name, reached)

        def a_lost_connection_shows_and_heals():
            browser.page("overview")
            browser.wait("connected", "return document.getElementById('connection').className === 'there'")
            browser.must_be_quiet()
            served["now"].stop()
            browser.wait("the loss is said", "return document.body.innerText.includes('Connection lost')")
            browser.shot("finished-lost")
            assert "RDST-E on brains" in browser.text(), "what was there stays"
            # A new server has a new token; the page's cookie is renewed by the address it prints.
            served["now"] = Dashboard(reprise, workspace, port)
            browser.run("fetch(arguments[0])", "/?token=" + served["now"].address.split("token=")[1])
            browser.wait("healed", "return document.getElementById('connection').className === 'there'")
            browser.page("events")
            browser.must_be_quiet(allow="WebSocket|401|ERR_CONNECTION")

        def no_page_and_no_stage():
            browser.driver.get(f"http://127.0.0.1:{port}/#/nonsense")
            browser.wait("no such page", "return document.body.innerText.includes('No such page')")
            for place in ("stage/0000", "study/nobody", "compare/demo?rows=[broken", "images/demo?index=-9&zoom=NaN"):
                browser.driver.get("about:blank")
                browser.driver.get(f"http://127.0.0.1:{port}/#/{place}")
                browser.wait(f"an answer to {place}", "return document.getElementById('main') && document.getElementById('main').dataset.page")
                assert len(browser.text()) > 40
            browser.must_be_quiet(allow="400")

        def the_terminal_says_the_same():
            def show(*arguments):
                return subprocess.run([reprise, "show", *arguments, "-w", str(workspace)], capture_output=True, text=True, timeout=120)

            other = [s for s in stages if s["kind"] == "evaluate"][-2]
            curve = next(s for s in stages if s["kind"] == "pretrain")["id"]
            for path, arguments in (
                ("study/demo", ("study", "demo")), ("stages/demo", ("stages", "demo")),
                (f"stage/{evaluation['id']}", ("stage", evaluation["id"][:12])), (f"curve/{curve}", ("curve", curve)),
                (f"rows/{evaluation['id']}?metric=PSNR", ("rows", evaluation["id"], "--metric", "PSNR")),
                (f"samples/{evaluation['id']}", ("samples", evaluation["id"])),
                ("tables/demo", ("tables", "demo")), ("tables/paper", ("tables", "paper")),
                (f"compare/{other['id']}/{evaluation['id']}", ("compare", other["id"], evaluation["id"][:12])), ("events?limit=50&before=3", ("events", "--before", "3")), ("datasets", ("datasets",)), ("events?limit=50", ("events",)),
            ):
                said = show(*arguments, "--json")
                assert said.returncode == 0, said.stderr
                assert json.loads(said.stdout) == api(path), path
                text = show(*arguments)
                assert text.returncode == 0 and len(text.stdout) > (20 if "--before" in arguments else 100), arguments
            overview = json.loads(show("overview", "--json").stdout)
            assert api("overview")["studies"] == overview["studies"] and overview["live"] is False
            text = show("overview").stdout
            for part in ("RDST-E on brains", "of the steps by sharing", "left    about ", "no coordinator runs here", "need a person (21)", "loss is not finite"):
                assert part in text, (part, text)
            log = json.loads(show("log", evaluation["id"], "--json").stdout)
            assert log == api(f"log/{evaluation['id']}?fence={log['fence']}")
            show("samples", evaluation["id"], "-o", str(folder / "png"))
            assert len(list((folder / "png").glob("*.png"))) == 6 * 8
            for arguments, why in ((("stagge",), 'did you mean "stage"'), (("stage", "f" * 64), "not in this database"), (("stage", ""), "needs the id"),
                                   (("study", "dmo"), 'did you mean "demo"'), (("rows", evaluation["id"]), "needs --metric"),
                                   (("compare", evaluation["id"]), "two evaluations"), (("tables", "dmo"), 'did you mean "demo"')):
                said = show(*arguments)
                assert said.returncode == 2 and why in said.stderr and said.stderr.count("\n") == 1, (arguments, said)

        run_tests([the_terminal_says_the_same, secret_is_needed, log_in, every_page, what_the_pages_say, filter_sort_and_group, thousands_stay_smooth, a_graph_of_any_size_is_whole, ten_full_tables,
                   hostile_names_are_text, pictures, plots_can_be_saved, phone_and_dark, keyboard_reaches_everything,
                   no_page_and_no_stage, a_lost_connection_shows_and_heals])


main()
