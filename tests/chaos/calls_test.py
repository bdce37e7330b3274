#!/usr/bin/env python3
"""Calls of the real programs that change a file or send a message: killed there, or the call fails; and allocations that fail.
Afterwards the same command goes on to the same table, whatever was on the disk. EVERY_CALL=1: not a sample of the
calls but all of them (of the allocations, which are thousands, a larger sample)."""
import concurrent.futures
import os
import pathlib
import shutil
import signal
import subprocess
import sys

from harness import check, main

STUDY = """schema = 1
name = "calls"
[datasets.phantom]
importer = "phantom"
subjects = 2
volume = [64, 64, 8]
test_subjects = 1
size = [64, 64]
[trial]
dataset = "phantom"
network = { width = 12, growth = 6, heads = 6, window = 8, blocks = 1, dense_layers = 1 }
unet = { width = 8, train = { steps = 5, batch = 4, patch = 64, learning_rate = 1e-3, checkpoint_every = 5 } }
pretrain = { steps = 5, batch = 2, patch = 16, learning_rate = 1e-3, checkpoint_every = 5 }
finetune = { steps = 5, batch = 2, patch = 16, learning_rate = 1e-3, checkpoint_every = 5 }
[[trials]]
row = "L1"
[[tables]]
name = "calls"
columns = ["PSNR", "SSIM"]
"""
# What a run may end with: done; failed stages; the environment; the disk. Killed: by signal 9.
CODES = {"eio": (0, 4, 5, 6), "enospc": (0, 4, 5, 6), "short": (0, 4, 5, 6), "kill": (-9,), "torn": (-9,),
         # boost::json and CLI11 allocate where nothing may be thrown, and toml++ takes it for a wrong number.
         "memory": (0, 2, 4, 6, -signal.SIGABRT)}


class Bench:
    """Runs of the study from a workspace in which only the data set is there."""

    def __init__(self, lab):
        self.lab = lab
        self.library = os.environ["FAILING_IO_LIBRARY"]
        self.aborted = 0
        lab.study = lab.folder / "calls.toml"
        lab.study.write_text(STUDY)
        # mpirun takes half a second and its own files: a gang of one rank needs none.
        stub = lab.folder / "bin" / "mpirun"
        stub.parent.mkdir()
        stub.write_text('#!/bin/sh\nwhile [ "$1" != -np ]; do shift; done\nshift 2\nexec "$@"\n')
        stub.chmod(0o755)
        lab.environment.update(PATH=f"{stub.parent}:{os.environ['PATH']}", CHAOS_STEP_MS="0",
                               OMPI_MCA_ess_singleton_isolated="1")
        lab.calm()
        self.stages = lab.done("calm")
        self.fresh = lab.folder / "fresh"
        (self.fresh / "datasets").mkdir(parents=True)
        for file in (lab.folder / "calm" / "datasets").iterdir():
            os.link(file, self.fresh / "datasets" / file.name)

    def plan(self, program, place, kind, at, marker):
        """What the preloaded library is told."""
        if kind == "memory":
            return {"LD_PRELOAD": os.environ["FAILING_MEMORY_LIBRARY"], "FAILING_MEMORY": f"{program} {at} {marker}"}
        return {"LD_PRELOAD": self.library, "FAILING_IO": f"{program} {place} {kind} {at} {marker}"}

    def case(self, program, kind, at, messages):
        """True if there was such a call."""
        workspace = f"{program}-{'message-' if messages else ''}{kind}-{at}"
        folder, marker = self.lab.folder / workspace, self.lab.folder / f"{workspace}.hit"
        shutil.copytree(self.fresh, folder, copy_function=os.link)
        done = subprocess.run(self.lab.words(workspace, "--gangs", 1), stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, timeout=120, env={
                                  **self.lab.environment,
                                  **self.plan(program, "socket:" if messages else folder, kind, at, marker)})
        where = f"{program}, call {at}, {kind}:"
        hit = marker.exists()
        if not hit or program != "reprise" or messages and kind == "eio":  # A gang that is gone is replaced.
            check(done.returncode == 0 or hit and done.returncode == 4, where, done.returncode, done.stdout[-2000:])
        else:
            check(done.returncode in CODES[kind], where, "exit code", done.returncode, done.stdout[-2000:])
        if kind == "memory":
            check(done.returncode != 6 or "out of memory" in done.stdout, where, done.stdout[-2000:])
            self.aborted += done.returncode == -signal.SIGABRT
        elif done.returncode in (5, 6):
            last = done.stdout.strip().splitlines()[-1]
            check(str(folder) in last, where, "the file is not named:", done.stdout[-2000:])
        had = self.lab.done(workspace)
        text = self.lab.run(workspace, "--gangs", 1)
        check(f"{self.stages - had} stages run, {had} already" in text, where, "a finished stage ran again:", text)
        self.lab.verify(workspace)
        shutil.rmtree(folder)
        return hit

    def calls(self, program, kind, least, step, messages=False):
        """Call after call until there is none, as many side by side as wait for each other's disk: every one of them, or
        every `step`-th."""
        if "EVERY_CALL" in os.environ:
            step = 50 if kind == "memory" else 1
        # Fewer than a hundred allocations make the constants of libraries, before there is a program that could care.
        width, at, hits = 4, 100 if kind == "memory" else 1 + len(kind) % step, 0
        with concurrent.futures.ThreadPoolExecutor(width) as pool:
            while True:
                batch = range(at, at + width * step, step)
                found = list(pool.map(lambda number: self.case(program, kind, number, messages), batch))
                hits += sum(found)
                at += width * step
                if not all(found):
                    break
        check(hits * step >= least, f"{program} {kind}: only {hits} of every {step} calls")
        print(f"        {program} {kind}: {hits} {'messages' if messages else 'calls'}, every {step}", flush=True)
        return hits


BENCH = []


def bench(lab):
    if not BENCH:
        BENCH.append(Bench(lab))
    return BENCH[0]


def coordinator_dies(lab):
    """kill -9 at calls of the coordinator that change a file, and half way through writes."""
    bench(lab).calls("reprise", "kill", 60, step=9)
    bench(lab).calls("reprise", "torn", 60, step=15)


def coordinator_fails(lab):
    """A call of the coordinator fails: the run ends with the right code and the file's name, or goes on."""
    bench(lab).calls("reprise", "eio", 60, step=15)
    bench(lab).calls("reprise", "enospc", 60, step=15)


def coordinator_out_of_memory(lab):
    """An allocation of the coordinator fails: it ends with code 6 and says so, or goes on; now and then a library that
    it uses ends it."""
    hits = bench(lab).calls("reprise", "memory", 6000, step=200)
    check(bench(lab).aborted * 10 <= hits, bench(lab).aborted, "of", hits, "runs were aborted")


def gang_dies(lab):
    """kill -9 of a rank at calls that change a checkpoint or an object, and half way through writes."""
    bench(lab).calls("reprise-chaos-gang", "kill", 20, step=5)
    bench(lab).calls("reprise-chaos-gang", "torn", 20, step=5)


def gang_fails(lab):
    """A call of a rank fails, or stops half way: the stage is tried again."""
    bench(lab).calls("reprise-chaos-gang", "eio", 20, step=5)
    bench(lab).calls("reprise-chaos-gang", "short", 20, step=5)


def messages(lab):
    """kill -9 of either side as it sends a message, the one that says a result is durable among them, and a line that
    breaks there."""
    for program in ("reprise", "reprise-chaos-gang"):
        bench(lab).calls(program, "kill", 6, step=1, messages=True)
        bench(lab).calls(program, "eio", 6, step=1, messages=True)


if __name__ == "__main__":
    main({f.__name__: f for f in (coordinator_dies, coordinator_fails, coordinator_out_of_memory, gang_dies, gang_fails,
                                  messages)})
