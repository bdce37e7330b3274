#!/usr/bin/python3
"""What a frame costs while the table of 5,000 trials scrolls, beside the same page at rest.

    bench/scroll.py BUILD/bin [--frames N]

Prints a Markdown table for docs/measurements.md: the time between frames, which a busy machine
stretches, and the processor time of the page's main thread and of all of the browser a frame, which
it does not.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/browser"))
from browser import Dashboard, workplace  # noqa: E402

# The gaps between frames in milliseconds while the table scrolls by so many pixels a frame.
FRAMES = """
    const [count, pixels, done] = arguments, box = document.querySelector('.virtual-box'), gaps = [];
    box.scrollTop = 0;
    let before = 0, way = 1;
    const step = now => {
      if (before) gaps.push(now - before);
      before = now;
      if (pixels) {
        if (box.scrollTop + box.clientHeight >= box.scrollHeight - 1) way = -1;
        box.scrollTop += way * pixels;
      }
      if (gaps.length < count) requestAnimationFrame(step); else done(gaps);
    };
    requestAnimationFrame(step);"""


def processor_seconds(root):
    """User and system time of a process and all below it."""
    ticks, parents = {}, {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(folder.name)] = int(fields[1])
        ticks[int(folder.name)] = int(fields[11]) + int(fields[12])

    def is_below(pid):
        while pid and pid != root:
            pid = parents.get(pid, 0)
        return pid == root

    return sum(ticks[pid] for pid in ticks if is_below(pid)) / os.sysconf("SC_CLK_TCK")


def measure(browser, frames, pixels):
    driver = browser.driver
    driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})

    def page():
        return {m["name"]: m["value"] for m in driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]}

    root = driver.service.process.pid
    before, processor = page(), processor_seconds(root)
    gaps = driver.execute_async_script(FRAMES, frames, pixels)
    after, processor = page(), processor_seconds(root) - processor
    driver.execute_cdp_cmd("Performance.disable", {})
    spent = {name: 1000 * (after[name] - before[name]) / frames
             for name in ("TaskDuration", "ScriptDuration", "RecalcStyleDuration", "LayoutDuration")}
    gaps.sort()
    return [statistics.median(gaps), gaps[int(0.95 * len(gaps))], gaps[-1], *spent.values(), 1000 * processor / frames]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--workspace", type=pathlib.Path, help="one that browser_make_demo made (default: a new one)")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as shots, workplace(shots) as (folder, browser):
        workspace = flags.workspace or folder / "demo"
        if not flags.workspace:
            subprocess.run([flags.bin / "browser_make_demo", workspace], check=True)
        dashboard = Dashboard(flags.bin / "reprise", workspace)
        browser.driver.get(dashboard.address)
        browser.driver.set_script_timeout(600)
        browser.settle("overview")
        browser.page("study", "large")
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {flags.frames} frames")
        print("| page | median gap | 95 % | longest | main thread | script | style | layout | whole browser |")
        print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
        measure(browser, 20, 900)  # The first frames compile and load.
        for name, pixels in (("at rest", 0), ("3.5 rows a frame", 120), ("26 rows a frame", 900)):
            numbers = measure(browser, flags.frames, pixels)
            print(f"| {name} | " + " | ".join(f"{n:.1f} ms" for n in numbers) + " |", flush=True)
        dashboard.stop()


main()
