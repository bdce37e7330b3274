#!/usr/bin/env python3
"""Clocks that jump, disks that cannot be written, damaged checkpoints, a second coordinator."""
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

from harness import SKIPPED, Failed, check, each, main, wait_for

SLOW = {"CHAOS_STEP_MS": "10"}


def jumping_clock(lab):
    """The wall clock jumps while stages run: no lease is decided by it."""
    def case(name, offset):
        workspace = f"clock-{name}"
        setting = lab.folder / f"{workspace}.time"
        setting.write_text("+0")
        library = subprocess.run(["faketime", "-f", "+0", "printenv", "LD_PRELOAD"], check=True,
                                 stdout=subprocess.PIPE, text=True).stdout.strip()
        process = lab.start(workspace, "--gangs", 2, "--lease", 5, "--stall", 20, environment={
            **SLOW, "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(setting),
            "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
        for done, jump in ((1, offset), (5, "+0")):
            wait_for("stages done", lambda: lab.done(workspace) >= done)
            setting.write_text(jump)
        lab.finish(process, workspace)
        lab.verify(workspace, attempts_max=10)  # No attempt was lost to the jump.
        spread = lab.query(workspace, "SELECT max(started) - min(started) FROM attempts")[0][0]
        check(spread > 3000000, workspace, "the clock did not jump:", spread)
    each([("hour", "+3600"), ("back", "-3600"), ("month", "+2592000"), ("before", "-2592000")], case)


@contextlib.contextmanager
def small_disk(lab, workspace, size):
    folder = lab.folder / workspace
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "reprise-test", folder], check=True)
    try:
        yield folder
    finally:
        # Its files are not needed any more; a process that still runs must not keep the mount.
        subprocess.run(["umount", "-l", folder], check=True)


def read_only_disk(lab):
    """Read-only before the start, and suddenly while stages run: one clear line; later it goes on."""
    with small_disk(lab, "ro", "64m") as folder:
        process = lab.start("ro", "--gangs", 1, environment=SLOW)
        wait_for("a stage done", lambda: lab.done("ro") >= 1)
        process.send_signal(signal.SIGINT)
        lab.finish(process, "ro", expect=130)
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        text = lab.run("ro", "--gangs", 1, expect=5)
        check(str(folder) in text and "Read-only" in text and text.count("\n") == 1, text)
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
        lab.run("ro", "--gangs", 1)
        lab.verify("ro")


def full_disk(lab):
    """The disk fills while stages run, and is freed later: nothing is lost."""
    with small_disk(lab, "enospc", "24m") as folder:
        process = lab.start("enospc", "--gangs", 2, environment=SLOW)
        wait_for("stages done", lambda: lab.done("enospc") >= 2)
        with contextlib.suppress(OSError), open(folder / "ballast", "wb") as ballast:
            while True:
                ballast.write(bytes(1 << 16))
        time.sleep(2)
        (folder / "ballast").unlink()
        code = process.wait(timeout=120)
        text = lab.log("enospc") + "".join(log.read_text() for log in (folder / "logs").iterdir())
        check(code in (0, 4, 6), "exit code", code, text[-2000:])
        check("disk is full" in text or "No space left" in text, "nobody noticed:", text[-2000:])
        lab.run("enospc", "--gangs", 2)
        lab.verify("enospc")


def damaged_files(lab):
    """Flipped bits and cuts in every checkpoint and every finished weight's file."""
    process = lab.start("damaged", "--gangs", 2, environment=SLOW)
    wait_for("a checkpoint", lambda: lab.done("damaged") >= 1
             and any((lab.folder / "damaged" / "checkpoints").glob("*/*")))
    process.kill()
    process.wait()
    checkpoints = [path for path in (lab.folder / "damaged" / "checkpoints").glob("*/*") if path.is_file()]
    check(checkpoints, "no checkpoint to damage")
    for number, path in enumerate(checkpoints):
        data = bytearray(path.read_bytes())
        if number % 2:
            data = data[:len(data) // 2]
        else:
            data[len(data) // 2] ^= 1
        path.write_bytes(data)
    lab.run("damaged", "--gangs", 2)
    lab.verify("damaged")


def second_coordinator(lab):
    """A second one is refused, by name of the first, also while that one is stopped."""
    for stopped in (False, True):
        workspace = f"two-{stopped}"
        first = lab.start(workspace, "--gangs", 1, environment={"CHAOS_STEP_MS": "20"})
        wait_for("a stage done", lambda: lab.done(workspace) >= 1)
        if stopped:
            first.send_signal(signal.SIGSTOP)
        for _ in range(2):
            text = lab.run(workspace, "--gangs", 1, expect=5)
            check(f"is in use by process {first.pid}" in text and text.count("\n") == 1, text)
        if stopped:
            first.send_signal(signal.SIGCONT)
        lab.finish(first, workspace)
        lab.verify(workspace)


def needs(lab, stack):
    missing = [name for name in ("faketime", "mount") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        print(f"skipped: needs root and {missing} (./reprise test installs them)")
        sys.exit(SKIPPED)


if __name__ == "__main__":
    main({f.__name__: f for f in (jumping_clock, read_only_disk, full_disk, damaged_files,
                                  second_coordinator)}, needs)
