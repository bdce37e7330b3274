"""What the chaos and Slurm tests share: studies run through the real program, and what must hold after.

Usage of a test file: TEST.py REPRISE CHAOS_GANG [SCENARIO...]; without scenarios all of them run.
"""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

TINY = pathlib.Path(__file__).parents[1] / "end_to_end" / "tiny.toml"
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


class Failed(Exception):
    """What should hold does not."""


def check(condition, *what):
    if not condition:
        raise Failed(" ".join(str(part) for part in what))


def wait_for(what, condition, seconds=60.0, every=0.02):
    """Returns the condition's first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(every)
    raise Failed(f"not within {seconds} s: {what}")


def each(cases, run, at_once=4):
    """Runs the cases side by side: they mostly wait. Raises the first failure, in the cases' order."""
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for future in [pool.submit(run, *(case if isinstance(case, tuple) else (case,))) for case in cases]:
            future.result()


class Lab:
    """A scratch folder, the programs, and the table of an undisturbed run to compare with."""

    def __init__(self, reprise, gang, folder):
        self.reprise, self.gang, self.folder = reprise, gang, pathlib.Path(folder)
        self.environment = {**os.environ, "CHAOS_STEP_MS": "2"}
        self.study = TINY
        self._calm = None
        self._lock = threading.Lock()

    def words(self, workspace, *extra, command="run"):
        words = [self.reprise, command, str(self.study), "-w", str(self.folder / workspace)]
        if command in ("run", "submit") and "--worker" not in extra:
            words += ["--worker", self.gang]
        if command == "run":
            words += ["--plain"]
        return words + [str(word) for word in extra]

    def start(self, workspace, *extra, environment=None, prefix=()):
        """A coordinator in the background; its output goes to WORKSPACE.log."""
        log = open(self.folder / f"{workspace}.log", "ab")
        return subprocess.Popen([*prefix, *self.words(workspace, *extra)], stdout=log, stderr=log,
                                env={**self.environment, **(environment or {})},
                                start_new_session=True)

    def run(self, workspace, *extra, expect=0, environment=None, seconds=120):
        done = subprocess.run(self.words(workspace, *extra), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=seconds,
                              env={**self.environment, **(environment or {})})
        with open(self.folder / f"{workspace}.log", "a") as log:
            log.write(done.stdout)
        check(done.returncode == expect, f"{workspace}: exit code {done.returncode}, not {expect}:\n",
              done.stdout[-3000:])
        return done.stdout

    def log(self, workspace):
        return (self.folder / f"{workspace}.log").read_text(errors="replace")

    def table(self, workspace):
        return subprocess.run(self.words(workspace, "--format", "csv", command="table"), check=True,
                              stdout=subprocess.PIPE, env=self.environment).stdout

    def calm(self):
        """The table of an undisturbed run."""
        with self._lock:
            if self._calm is None:
                self.run("calm", "--gangs", 2)
                self._calm = self.table("calm")
                check(self._calm.count(b"\n") > 2, "the undisturbed table is empty")
            return self._calm

    def query(self, workspace, sql, *values):
        path = self.folder / workspace / "reprise.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(sql, values).fetchall()

    def done(self, workspace):
        """How many stages have results; 0 while there is no database."""
        with contextlib.suppress(sqlite3.Error):
            return self.query(workspace, "SELECT count(*) FROM results")[0][0]
        return 0

    def verify(self, workspace, attempts_max=None):
        """The promise: the same bytes, a sound database, one result a stage, under its own fence."""
        calm = self.calm()
        check(self.table(workspace) == calm, f"{workspace}: the table differs from an undisturbed run's")
        check(self.query(workspace, "PRAGMA integrity_check") == [("ok",)], f"{workspace}: integrity_check")
        check(not self.query(workspace, "PRAGMA foreign_key_check"), f"{workspace}: foreign_key_check")
        loose = self.query(workspace, "SELECT r.stage FROM results r JOIN attempts a ON a.fence = r.fence"
                           " WHERE a.stage <> r.stage OR a.outcome IS NOT 'done'")
        check(not loose, f"{workspace}: results without their attempt: {loose}")
        doubles = self.query(workspace, "SELECT stage FROM attempts WHERE outcome = 'done'"
                             " GROUP BY stage HAVING count(*) > 1")
        check(not doubles, f"{workspace}: stages done twice: {doubles}")
        if attempts_max is not None:
            count = self.query(workspace, "SELECT count(*) FROM attempts")[0][0]
            check(count <= attempts_max, f"{workspace}: {count} attempts, more than {attempts_max}")

    def finish(self, process, workspace, expect=0, seconds=120):
        code = process.wait(timeout=seconds)
        check(code == expect, f"{workspace}: exit code {code}, not {expect}:\n",
              self.log(workspace)[-3000:])


def processes(*needles):
    """Living processes whose command line holds all needles; not this one, and no zombies."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            text = b" ".join(words).decode(errors="replace")
            if state != "Z" and all(str(needle) in text for needle in needles):
                found.append(int(entry.name))
    return sorted(found)


def ranks(lab, workspace):
    """The chaos gang's processes of a workspace, without mpirun, srun and their kin."""
    own = []
    for pid in processes(lab.gang, f"--workspace {lab.folder / workspace} "):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/exe") == os.path.realpath(lab.gang):
                own.append(pid)
    return own


def kill(pid, number=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def main(scenarios, setup=None):
    """Runs the named scenarios (name to function of a Lab), each in a folder of its own."""
    reprise, gang, *wanted = sys.argv[1:]
    unknown = [name for name in wanted if name not in scenarios]
    if unknown:
        sys.exit(f"no such scenario: {unknown}; valid: {', '.join(scenarios)}")
    folder = tempfile.mkdtemp(prefix="reprise-chaos-")
    os.chmod(folder, 0o755)  # munge wants its socket's folders open.
    failures = 0
    try:
        lab = Lab(os.path.realpath(reprise), os.path.realpath(gang), folder)
        with contextlib.ExitStack() as stack:
            if setup:
                setup(lab, stack)
            for name in wanted or scenarios:
                start = time.monotonic()
                try:
                    scenarios[name](lab)
                    print(f"ok      {name} ({time.monotonic() - start:.1f} s)", flush=True)
                except (Failed, subprocess.SubprocessError, OSError, sqlite3.Error) as error:
                    failures += 1
                    print(f"FAILED  {name} ({time.monotonic() - start:.1f} s): {error!r}\n{error}", flush=True)
                    for log in sorted(lab.folder.glob("*.log")):
                        print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}", flush=True)
                finally:
                    for pid in {*processes(f"-w {folder}/"), *processes(f"--workspace {folder}/")}:
                        kill(pid)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failures else 0)


def load_json(path):
    return json.loads(pathlib.Path(path).read_text())
