"""What the browser tests share: headless Chromium by its driver, a served dashboard, and the rule
that a page is quiet: no error on the console, nothing refused by the content security policy."""
import atexit
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

PATIENCE = 60  # Seconds until a page must be there: the machine may be busy.


def say(text):
    print(text, flush=True)


class Browser:
    """A headless Chromium. `shots` is the folder of the screenshots."""

    def __init__(self, shots, profile):
        self.shots = pathlib.Path(shots)
        self.shots.mkdir(parents=True, exist_ok=True)
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in (
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-extensions", "--disable-background-networking", "--no-first-run",
            "--hide-scrollbars", "--force-color-profile=srgb", f"--user-data-dir={profile}",
        ):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.page_load_strategy = "eager"
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.set_script_timeout(PATIENCE)
        self.size(1280, 900)

    def quit(self):
        self.driver.quit()

    def size(self, width, height, mobile=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile})

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, what, condition):
        """`condition` is JavaScript that returns something true, or a function."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                found = condition() if callable(condition) else self.run(condition)
                if found:
                    return found
            except (StaleElementReferenceException, WebDriverException):
                pass
            time.sleep(0.05)
        self.shot("FAILED")
        raise AssertionError(f"not within {PATIENCE} s: {what}; console: {self.console()}; page: "
                             + self.text()[:800])

    def console(self):
        return [entry for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def must_be_quiet(self, allow=None):
        bad = [entry["message"] for entry in self.console()
               if not (allow and re.search(allow, entry["message"]))]
        assert not bad, "errors on the console: " + "\n".join(bad)

    def text(self):
        return self.run("return document.body.innerText")

    def page(self, name, *parts, query=""):
        """Goes to a page and waits until it is drawn, its plots and pictures too."""
        from urllib.parse import quote
        address = "#/" + "/".join([name, *(quote(part, safe="") for part in parts)]) + query
        self.run("location.hash = arguments[0]; document.getElementById('main').dataset.page = ''", address)
        self.run("dispatchEvent(new Event('hashchange'))")
        self.settle(name)

    def settle(self, name):
        self.wait(f"page {name}", f"return document.getElementById('main').dataset.page === '{name}'")
        self.wait(f"plots and pictures of {name}", """
            return [...document.querySelectorAll('main .plot')].every(box => box.dataset.drawn === 'yes')
              && [...document.querySelectorAll('main canvas.viewer')].every(box => box.dataset.drawn)
              && [...document.querySelectorAll('main img')].every(image => image.complete && image.naturalWidth > 0)""")
        assert self.run("return document.getElementById('main').dataset.error") is None, self.text()

    def shot(self, name):
        self.driver.save_screenshot(str(self.shots / f"{name}.png"))

    def whole(self, name):
        """A screenshot of the page from top to end."""
        height = min(4000, self.run("return document.documentElement.scrollHeight"))
        width = self.run("return document.documentElement.clientWidth")
        self.size(width, max(900, height))
        time.sleep(0.3)
        self.shot(name)
        self.size(width, 900)

    def must_fit(self, name):
        """Nothing but scrolling boxes may be wider than the screen."""
        wide = self.run("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide[0] <= wide[1], f"{name} is {wide[0]} pixels wide on a screen of {wide[1]}"

    def must_be_accessible(self, name):
        """Names for everything that can be operated, one h1, no picture without a text."""
        faults = self.run("""
            const faults = [];
            const named = e => (e.getAttribute('aria-label') || e.textContent || e.title || '').trim()
              || (e.labels && [...e.labels].some(l => l.innerText.trim()));
            for (const e of document.querySelectorAll('a[href], button, input, select, textarea')) {
              if (!named(e) && e.offsetParent) faults.push('no name: ' + e.outerHTML.slice(0, 120));
            }
            for (const e of document.querySelectorAll('img:not([alt])')) faults.push('no alt: ' + e.src);
            for (const e of document.querySelectorAll('main [role=img]:not([aria-label])')) faults.push('no label: ' + e.outerHTML.slice(0, 120));
            const heads = document.querySelectorAll('main h1').length;
            if (heads !== 1) faults.push(heads + ' h1');
            // Contrast of texts against the page's own colours (WCAG AA: 4.5, large 3).
            const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
            const light = ([r, g, b]) => [r, g, b].map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; })
              .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
            const ground = e => { for (let at = e; at; at = at.parentElement) { const c = rgb(getComputedStyle(at).backgroundColor); if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
            const seen = new Set();
            for (const e of document.querySelectorAll('body *')) {
              if (!e.offsetParent || e.closest('svg') || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
              const style = getComputedStyle(e), a = light(rgb(style.color)), b = light(ground(e));
              const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
              const key = style.color + ground(e);
              if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5) && !seen.has(key)) {
                seen.add(key);
                faults.push(`contrast ${ratio.toFixed(2)}: ${e.tagName} ${e.className} "${e.innerText.slice(0, 30)}"`);
              }
            }
            return faults;""")
        assert not faults, f"{name}: " + "; ".join(faults[:8])


class Dashboard:
    """`reprise dashboard` over a workspace."""

    def __init__(self, reprise, workspace, port=0):
        self.process = subprocess.Popen(
            [reprise, "dashboard", "-w", str(workspace), "--port", str(port)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        atexit.register(self.process.kill)  # Also where a test fails before it stops it.
        self.address = self.process.stdout.readline().strip()
        assert self.address.startswith("http://127.0.0.1:"), self.address
        self.port = int(re.search(r":(\d+)/", self.address).group(1))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=PATIENCE)
        assert code == 0, f"reprise dashboard ends with {code}"


class Sweep:
    """`reprise run`, ended by SIGTERM where it has not ended."""

    def __init__(self, reprise, study, workspace, log, *flags):
        self.reprise, self.workspace, self.log = reprise, workspace, pathlib.Path(log)
        with open(log, "a") as out:
            self.process = subprocess.Popen([reprise, "run", str(study), "-w", str(workspace), "--plain", *flags], stdout=out, stderr=out)

    def __enter__(self):
        end = time.monotonic() + 2 * PATIENCE
        while not (self.workspace / "coordinator.json").exists():
            if self.process.poll() is not None or time.monotonic() > end:
                self.__exit__()
                raise AssertionError("the run does not start: " + self.log.read_text())
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=2 * PATIENCE)

    def address(self, *flags):
        found = subprocess.run([self.reprise, "dashboard", "-w", str(self.workspace), *flags], capture_output=True, text=True, timeout=PATIENCE)
        assert found.returncode == 0, found.stderr
        return found.stdout.strip()


@contextlib.contextmanager
def workplace(shots):
    """A scratch folder and a browser, both gone at the end."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("HOME", folder)
        browser = Browser(shots, f"{folder}/profile")
        try:
            yield pathlib.Path(folder), browser
        finally:
            browser.quit()


def find(browser, selector):
    return browser.driver.find_element(By.CSS_SELECTOR, selector)


def run_tests(tests):
    """Calls every test; ends with 1 if one failed, so that one failure hides no other."""
    failed = []
    for test in tests:
        start = time.monotonic()
        try:
            test()
            say(f"passed  {test.__name__}  {time.monotonic() - start:.1f} s")
        except Exception as error:  # noqa: BLE001: reported, and the exit code says it
            failed.append(test.__name__)
            say(f"FAILED  {test.__name__}  {time.monotonic() - start:.1f} s: {type(error).__name__}: {error}")
    sys.exit(1 if failed else 0)
