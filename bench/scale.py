#!/usr/bin/env python3
"""No-op work through Reprise and its peers, side by side in one run, on two slots.

    bench/scale.py BUILD/bin [--stages N] [--large N] [--gangs N] [--only NAME...]

Prints a Markdown table for docs/measurements.md. The peers come from PyPI, pinned, into a virtual
environment below $REPRISE_DEPS (default ~/.cache/reprise).
"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

PEERS = ["ray[tune]==2.60.0", "optuna==5.0.0", "hyperqueue==0.27.0"]
STUDY = """schema = 1
name = "noop"
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
row = "{{seed}}"
method = "{method}"
grid = {{ seed = [{seeds}] }}
[[tables]]
name = "t"
columns = ["PSNR"]
"""


def environment():
    """The peers' Python environment, made where it is missing."""
    folder = pathlib.Path(os.environ.get("REPRISE_DEPS", pathlib.Path.home() / ".cache/reprise")) / "peers"
    stamp = folder / ".complete"
    if not stamp.exists() or stamp.read_text() != " ".join(PEERS):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "-q", "--disable-pip-version-check", *PEERS], check=True)
        stamp.write_text(" ".join(PEERS))
    return folder / "bin"


def memory(pid, word):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(word):
            return int(line.split()[1]) / 1024
    return 0.0


class Reprise:
    def __init__(self, binaries, folder):
        self.binaries, self.folder = binaries, folder

    def start(self, workspace, trials, gangs, method="bicubic", variables=None):
        study = self.folder / f"{workspace}.toml"
        seeds = ", ".join(str(seed + 1) for seed in range(trials))
        study.write_text(STUDY.format(method=method, seeds=seeds))
        return self.run(study, gangs, variables)

    def run(self, study, gangs, variables=None):
        """A run of `study` in a workspace of its name."""
        words = [self.binaries / "reprise", "run", study, "-w", study.with_suffix(""), "--plain", "--gangs",
                 str(gangs), "--worker", self.binaries / "reprise-noop-gang"]
        log = open(study.with_suffix(".log"), "wb")
        began = time.time()
        return subprocess.Popen(words, stdout=log, stderr=log, env={**os.environ, **(variables or {})}), began

    def finish(self, process, workspace, stages):
        """Waits; returns (wall end, results' times, peak MiB of the coordinator)."""
        peak = 0.0
        while process.poll() is None:
            try:
                peak = max(peak, memory(process.pid, "VmHWM"))
            except OSError:
                pass
            time.sleep(0.05)
        end = time.time()
        if process.returncode != 0:
            sys.exit((self.folder / f"{workspace}.log").read_text()[-2000:])
        database = sqlite3.connect(self.folder / workspace / "reprise.db")
        times = [row[0] / 1000 for row in database.execute("SELECT committed_at FROM results ORDER BY 1")]
        attempts = database.execute("SELECT count(*) FROM attempts").fetchone()[0]
        assert len(times) == stages and attempts == stages, (len(times), attempts, stages)
        return end, times, peak

    def throughput(self, stages):
        process, began = self.start("throughput", stages, 2)
        end, times, peak = self.finish(process, "throughput", stages)
        return {"rate": (stages - 1) / max(1e-3, times[-1] - times[0]), "first_s": times[0] - began,
                "whole": stages / (end - began), "MiB": peak}

    def first_stage(self, count):
        """Studies that are added while gangs stand idle: from the command to the start of the study's stage."""
        study = self.folder / "idle.toml"
        # One trial trains and is evaluated; when the others are done, their gangs have nothing to do for a while.
        study.write_text(STUDY.format(method="bicubic", seeds=", ".join(map(str, range(1, count + 1)))).replace(
            "[[tables]]", '[[trials]]\nname = "longer"\nrow = "longer"\nmethod = "network"\n[[tables]]'))
        process, began = self.run(study, count + 1, variables={"NOOP_MS": "10000"})
        database = self.folder / "idle" / "reprise.db"
        gangs = "SELECT count(DISTINCT gang) FROM attempts JOIN results USING (stage)"
        while process.poll() is None and not (database.exists() and self.ask(database, gangs)[0][0] == count + 1):
            time.sleep(0.1)
        if process.poll() is not None:
            sys.exit((self.folder / "idle.log").read_text()[-2000:])
        waits = []
        for number in range(count):
            study = self.folder / f"added{number}.toml"
            study.write_text(STUDY.format(method="bicubic", seeds=str(100 + number)).replace('"noop"', f'"added{number}"'))
            start = time.time()
            subprocess.run([self.binaries / "reprise", "add", study, "-w", self.folder / "idle"], check=True,
                           stdout=subprocess.DEVNULL)
            time.sleep(0.5)
            waits.append(self.ask(database, "SELECT max(started) FROM attempts")[0][0] / 1000 - start)
        launched = self.ask(database, "SELECT count(DISTINCT gang) FROM attempts")[0][0]
        assert launched == count + 1, f"{launched} gangs: some were not idle but new"
        self.finish(process, "idle", 2 * count + 2)
        return {"first_s": sorted(waits)[count // 2], "longest": max(waits)}

    def killed(self, stages, kills):
        """kill -9 of everything, again and again; then how many stages were begun after they had a result."""
        variables = {"NOOP_MS": "20"}
        for pause in pauses(kills):
            process, began = self.start("killed", stages, 1, variables=variables)
            time.sleep(pause)
            kill_all(str(self.folder / "killed"))
            process.wait()
        process, began = self.start("killed", stages, 1, variables=variables)
        if process.wait() != 0:
            sys.exit((self.folder / "killed.log").read_text()[-2000:])
        database = self.folder / "killed" / "reprise.db"
        again = "SELECT count(*) FROM attempts a JOIN results r ON r.stage = a.stage WHERE a.started > r.committed_at"
        return {"finished work done again": self.ask(database, again)[0][0],
                "lost": stages - self.ask(database, "SELECT count(*) FROM results")[0][0]}

    @staticmethod
    def ask(database, sql):
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            with contextlib.suppress(sqlite3.OperationalError):
                return connection.execute(sql).fetchall()
        return [(0,)]

    def status_latency(self, workspace, process, seconds):
        address = json.loads((self.folder / workspace / "coordinator.json").read_text())
        latencies, size = [], 0
        until = time.time() + seconds
        while time.time() < until and process.poll() is None:
            request = urllib.request.Request(f"http://{address['host']}:{address['port']}/status",
                                             headers={"Authorization": f"Bearer {address['token']}"})
            start = time.time()
            try:
                size = len(urllib.request.urlopen(request, timeout=60).read())
            except OSError:
                break
            latencies.append(time.time() - start)
            time.sleep(0.2)
        return sorted(latencies), size

    def large(self, stages):
        """Each trial is a pretraining and an evaluation that needs it."""
        trials = stages // 2
        process, began = self.start("large", trials, 2, "network")
        address = self.folder / "large" / "coordinator.json"
        while not address.exists() and process.poll() is None:
            time.sleep(0.01)
        planned = time.time() - began
        latencies, size = self.status_latency("large", process, 20)
        end, times, peak = self.finish(process, "large", trials * 2)
        return {"planned_s": planned, "rate": len(times) / (times[-1] - times[0]), "MiB": peak,
                "status_ms": 1000 * latencies[len(latencies) // 2] if latencies else None,
                "status_max_ms": 1000 * latencies[-1] if latencies else None, "status_KiB": size / 1024,
                "wall_s": end - began}

    def many_gangs(self, gangs, stages):
        """So many gangs on loopback, each a process with a line of its own; mpirun is left out."""
        folder = self.folder / "no-mpirun"
        folder.mkdir()
        script = folder / "mpirun"
        script.write_text('#!/bin/sh\nwhile [ "$1" != -np ]; do shift; done\nshift 2\nexec "$@"\n')
        script.chmod(0o755)
        # Half a second of work a stage: otherwise the first gangs do it all before the last have come.
        process, began = self.start("gangs", stages, gangs, variables={
            "PATH": f"{folder}:{os.environ['PATH']}", "NOOP_MS": "500"})
        end, times, peak = self.finish(process, "gangs", stages)
        names = sqlite3.connect(self.folder / "gangs" / "reprise.db").execute(
            "SELECT count(DISTINCT gang) FROM attempts").fetchone()[0]
        return {"rate": (stages - 1) / max(1e-3, times[-1] - times[0]), "MiB": peak, "gangs that worked": names,
                "wall_s": end - began}


def pauses(kills):
    """How long each life lasts: seconds, the same ones in every run."""
    draw = random.Random(1)
    return [draw.uniform(1.5, 3) for _ in range(kills)]


def kill_all(path):
    """kill -9 of every process that has the path in its command line."""
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and int(entry.name) != os.getpid() and path in (entry / "cmdline").read_text():
                os.kill(int(entry.name), signal.SIGKILL)


HYPERQUEUE = """
import sys, time, pathlib
from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig
pathlib.Path(sys.argv[2]).mkdir()
with LocalCluster(sys.argv[2], worker_config=WorkerConfig(cores=2)) as cluster:
    client = cluster.client()
    def run(count):
        job = Job()
        for _ in range(count):
            job.program(['true'], stdout=None, stderr=None)
        client.wait_for_jobs([client.submit(job)])
    run(10)
    start = time.time()
    run(int(sys.argv[1]))
    print('RESULT', int(sys.argv[1]) / (time.time() - start))
    memory = pathlib.Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]
    print('RESULT', int(memory) / 1024)
"""


def results_of(name, words):
    """The numbers that a peer's script printed."""
    done = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    numbers = [float(word) for line in done.stdout.splitlines() if line.startswith("RESULT")
               for word in line.split()[1:]]
    if not numbers:
        sys.exit(f"{name}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
    return numbers


def hyperqueue(binaries, folder, tasks):
    rate, size = results_of("hyperqueue", [binaries / "python", "-c", HYPERQUEUE, str(tasks), folder / "hq"])
    return {"rate": rate, "MiB": size}


OPTUNA = """
import sys, optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
optuna.logging.set_verbosity(optuna.logging.ERROR)
path, count = sys.argv[1], int(sys.argv[2])
storage = JournalStorage(JournalFileBackend(path)) if path.endswith('.log') else f'sqlite:///{path}'
study = optuna.create_study(storage=storage, study_name='s', load_if_exists=True,
                            sampler=optuna.samplers.RandomSampler())
if count:
    study.optimize(lambda trial: trial.suggest_float('x', 0, 1), n_trials=count)
"""


def optuna(binaries, folder, trials, file):
    path = folder / file
    script = [binaries / "python", "-c", OPTUNA, path]
    subprocess.run([*script, "0"], check=True)
    start = time.time()
    loaded = subprocess.run([*script, "0"], check=True) and time.time() - start
    start = time.time()
    workers = [subprocess.Popen([*script, str(trials // 2)]) for _ in range(2)]
    for worker in workers:
        assert worker.wait() == 0
    return {"rate": trials / max(1e-3, time.time() - start - loaded)}  # Without the imports.


OPTUNA_GRID = """
import os, sys, time, optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
path, done, count = sys.argv[1], os.open(sys.argv[2], os.O_CREAT | os.O_APPEND | os.O_WRONLY), int(sys.argv[3])
study = optuna.create_study(storage=f'sqlite:///{path}', study_name='s', load_if_exists=True,
                            sampler=optuna.samplers.GridSampler({'x': list(range(count))}, seed=1))
def work(trial):
    x = trial.suggest_int('x', 0, count - 1)
    time.sleep(0.02)
    return x
def tell(study, trial):
    if trial.state == optuna.trial.TrialState.COMPLETE:
        os.write(done, f'{trial.params["x"]}\\n'.encode())
study.optimize(work, callbacks=[tell])
"""


def optuna_killed(binaries, folder, trials, kills):
    """Its grid sampler, killed at the same moments of its life; what stands in its storage at the end."""
    done = folder / "killed-optuna.txt"
    words = [binaries / "python", "-c", OPTUNA_GRID, folder / "killed-optuna.db", done, str(trials)]
    for pause in pauses(kills):
        process = subprocess.Popen(words)
        time.sleep(pause)
        process.kill()
        process.wait()
    subprocess.run(words, check=True)
    finished = done.read_text().split()
    return {"finished work done again": len(finished) - len(set(finished)), "lost": trials - len(set(finished))}


RAY = """
import sys, time, os, logging
os.environ['RAY_DEDUP_LOGS'] = '0'
os.environ['TUNE_MAX_PENDING_TRIALS_PG'] = '2'
import ray
from ray import tune
start = time.time()
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
first = {}
class Noop(tune.Trainable):
    def setup(self, config): pass
    def step(self): return {'done': True, 'x': 1, 'at': time.time()}
    def save_checkpoint(self, folder): pass
    def load_checkpoint(self, folder): pass
    def reset_config(self, config): return True
tuner = tune.Tuner(Noop, param_space={'i': tune.grid_search(list(range(int(sys.argv[1]))))},
                   tune_config=tune.TuneConfig(max_concurrent_trials=2, reuse_actors=True),
                   run_config=tune.RunConfig(storage_path=sys.argv[2], verbose=0))
results = tuner.fit()
stamps = sorted(result.metrics['at'] for result in results)
pss = 0
for name in os.listdir('/proc'):
    try:
        if name.isdigit() and 'ray' in open(f'/proc/{name}/cmdline').read():
            pss += next(int(line.split()[1]) for line in open(f'/proc/{name}/smaps_rollup') if line.startswith('Pss:'))
    except OSError: pass
print('RESULT', (len(stamps) - 1) / (stamps[-1] - stamps[0]), stamps[0] - start, pss / 1024)
"""


def ray_tune(binaries, folder, trials):
    rate, first, size = results_of("ray", [binaries / "python", "-c", RAY, str(trials), folder / "ray"])
    return {"rate": rate, "first_s": first, "MiB": size}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--stages", type=int, default=5000)
    parser.add_argument("--large", type=int, default=100000)
    parser.add_argument("--gangs", type=int, default=1000)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="reprise-scale-"))
    reprise = Reprise(options.binaries.resolve(), folder)
    runs = {
        "Reprise, 2 gangs": lambda: reprise.throughput(options.stages),
        "Reprise, a study added to idle gangs": lambda: reprise.first_stage(7),
        "HyperQueue": lambda: hyperqueue(environment(), folder, 2000),
        "Optuna, journal file": lambda: optuna(environment(), folder, 400, "optuna.log"),
        "Optuna, SQLite": lambda: optuna(environment(), folder, 200, "optuna.db"),
        "Reprise, killed ten times": lambda: reprise.killed(300, 10),
        "Optuna's grid, killed ten times": lambda: optuna_killed(environment(), folder, 300, 10),
        "Ray Tune": lambda: ray_tune(environment(), folder, 100),
        "Reprise, large": lambda: reprise.large(options.large),
        "Reprise, many gangs": lambda: reprise.many_gangs(options.gangs, 10 * options.gangs),
    }
    print("| | no-op stages/s | of Reprise's | first after, s | memory, MiB | more |\n|---|---|---|---|---|---|")
    ours = None
    try:
        for name, run in runs.items():
            if options.only and not any(word in name for word in options.only):
                continue
            got = run()
            rate = got.get("rate")
            ours = ours or rate
            more = ", ".join(f"{key} {value:.4g}" for key, value in got.items()
                             if key not in ("rate", "first_s", "MiB") and value is not None)
            cell = lambda key, text: format(got[key], text) if key in got else ""  # noqa: E731
            share = f"{rate / ours:.3f}" if rate else ""
            print(f"| {name} | {cell('rate', '.0f')} | {share} | {cell('first_s', '.2f')} |"
                  f" {cell('MiB', '.0f')} | {more} |", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(1))
    main()
