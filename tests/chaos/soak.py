#!/usr/bin/env python3
"""A long study while something dies every few seconds; not part of CI.

    tests/chaos/soak.py BUILD/bin/reprise BUILD/bin/reprise-chaos-gang

SOAK_SECONDS (default 1800, at least 240): about how long; SOAK_SEED (default 1) draws the victims. In the first half
coordinators die too; the last one lives through the second half, in which its open files must not grow and its memory
not by 2 MiB.
"""
import os
import pathlib
import random
import signal
import statistics
import time

from harness import TINY, check, kill, main, processes, ranks

SECONDS = int(os.environ.get("SOAK_SECONDS", "1800"))
EVERY = 5  # Seconds between deaths.
# The tiny study's trainings, once a seed.
STUDY = TINY.read_text().partition("[[trials]]")[0] + """[[trials]]
row = "seed {seed}"
grid = { seed = SEEDS }
[[tables]]
name = "t"
columns = ["PSNR", "Dice-T"]
"""


def memory_and_files(pid):
    """Resident MiB and open files of a process."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(os.listdir(f"/proc/{pid}/fd"))


class Soak:
    def __init__(self, lab):
        self.lab = lab
        self.draw = random.Random(int(os.environ.get("SOAK_SEED", "1")))
        self.deaths = dict.fromkeys(("rank", "launcher", "stopped rank", "coordinator"), 0)
        self.start = time.monotonic()
        self.process = self.run()

    def run(self):
        return self.lab.start("soak", "--gangs", 2, "--ranks", 2, "--lease", 4, "--stall", 4,
                              # A stage may be hit three times in a row by chance: here that is not its own fault.
                              "--failures-max", 20, environment={"CHAOS_STEP_MS": "50"})

    def strike(self, coordinators):
        kinds = ["rank", "rank", "launcher", "stopped rank", *(["coordinator"] if coordinators else [])]
        kind = self.draw.choice(kinds)
        if kind == "coordinator":
            self.process.kill()
            self.process.wait()
            self.process = self.run()
        else:
            pids = ranks(self.lab, "soak")
            if kind == "launcher":
                pids = sorted(set(processes("mpirun", f"--workspace {self.lab.folder / 'soak'} ")) - set(pids))
            if not pids:
                return
            kill(self.draw.choice(pids), signal.SIGSTOP if kind == "stopped rank" else signal.SIGKILL)
        self.deaths[kind] += 1

    def until(self, end, coordinators):
        """Strikes until then, or the study's end; what the coordinator took, second by second."""
        samples = []
        while time.monotonic() < end and self.process.poll() is None:
            self.strike(coordinators)
            for _ in range(EVERY):
                time.sleep(1)
                if self.process.poll() is None:
                    samples.append((time.monotonic() - self.start, *memory_and_files(self.process.pid)))
        return samples


def soak(lab):
    lab.study = lab.folder / "soak.toml"
    # Deaths cost about as much as the work itself.
    lab.study.write_text(STUDY.replace("SEEDS", str(list(range(1, max(4, SECONDS // 3) + 1)))))
    lab.calm()
    run = Soak(lab)
    half = run.start + SECONDS / 2
    run.until(half, coordinators=True)
    samples = run.until(half + 3 * SECONDS, coordinators=False)
    code = run.process.wait(timeout=60)
    check(code == 0, "exit code", code, "not done:", lab.query("soak", "SELECT stage, outcome, message FROM attempts"
          " WHERE outcome <> 'done' AND stage NOT IN (SELECT stage FROM results)"))
    lab.verify("soak")
    took = time.monotonic() - run.start
    check(sum(run.deaths.values()) >= took / EVERY / 2, "few died:", run.deaths)
    settled = samples[len(samples) // 5:]
    check(len(settled) >= 30, "the second half was too short to measure:", len(samples), "s")
    files = [number for _, _, number in settled]
    growth = statistics.linear_regression([at for at, _, _ in settled], [mib for _, mib, _ in settled]).slope * 3600
    print(f"        {took:.0f} s, deaths: {run.deaths}; memory {settled[0][1]:.1f} to {settled[-1][1]:.1f} MiB, {growth:+.2f} MiB"
          f" an hour; open files {min(files)} to {max(files)}", flush=True)
    check(max(files[len(files) // 2:]) <= max(files[:len(files) // 2]) + 2, "open files grow:", files)
    check(settled[-1][1] - settled[0][1] < 2, "memory grows:", settled[0], settled[-1])


if __name__ == "__main__":
    main({"soak": soak})
