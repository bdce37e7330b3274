#!/usr/bin/env python3
"""status --watch, logs, pause and its kin, add, metrics, doctor, gc, db: beside a running study."""
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "chaos"))
from harness import check, load_json, main, wait_for  # noqa: E402

SLOW = {"CHAOS_STEP_MS": "25"}
VERY_SLOW = {"CHAOS_STEP_MS": "100"}


def command(lab, name, workspace, *words, expect=0):
    done = subprocess.run([lab.reprise, name, *map(str, words), "-w", str(lab.folder / workspace)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, env=lab.environment)
    check(done.returncode == expect, f"{name} {words}: exit code {done.returncode}, not {expect}:", done.stdout)
    return done.stdout


def background(lab, name, workspace, *words):
    return subprocess.Popen([lab.reprise, name, *map(str, words), "-w", str(lab.folder / workspace)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=lab.environment)


def get(lab, workspace, target, key="view_token"):
    where = load_json(lab.folder / workspace / "coordinator.json")
    request = urllib.request.Request(f"http://127.0.0.1:{where['port']}{target}",
                                     headers={"Authorization": f"Bearer {where[key]}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode(), answer.headers


def status(lab, workspace):
    return json.loads(get(lab, workspace, "/status")[0])


def states(lab, workspace):
    return {stage["label"]: stage["state"] for stage in status(lab, workspace)["stages"]}


def started(lab, workspace, *extra, environment=None):
    process = lab.start(workspace, *extra, environment=environment or SLOW)
    wait_for("a coordinator", lambda: (lab.folder / workspace / "coordinator.json").exists())
    wait_for("a stage at work", lambda: "running" in states(lab, workspace).values())
    return process


def watching(lab):
    """status --watch follows a run to its end; logs -f follows a stage over two attempts."""
    process = started(lab, "watch", "--gangs", 1, "--ranks", 2, environment={
        **SLOW, "CHAOS_FAULT": f"pretrain:1:30:{int(signal.SIGKILL)}"})
    watch = background(lab, "status", "watch", lab.study, "--watch", "--every", 0.2)
    logs = background(lab, "logs", "watch", "pretrain l1", "-f")
    lab.finish(process, "watch")
    text, _ = watch.communicate(timeout=60)
    check(watch.returncode == 0, "status --watch: exit code", watch.returncode, text)
    check(re.search(r"running .* pretrain l1 +\d+/40 on local-", text), "no progress shown:", text)
    check("10 stages: 10 done; no coordinator runs here" in text, text)
    text, _ = logs.communicate(timeout=60)
    check(logs.returncode == 0, "logs -f: exit code", logs.returncode, text)
    heads = re.findall(r"^-- attempt under fence (\d+) on (\S+) ", text, re.M)
    check(len(heads) == 2 and heads[0][1] != heads[1][1], "not both attempts:", text)
    check("signal 9" in text.lower(), "mpirun's words are missing:", text)
    # Afterwards: one attempt, or all; other stages' words are not mixed in.
    check(command(lab, "logs", "watch", "pretrain l1").count("-- attempt") == 1, "one attempt")
    check(command(lab, "logs", "watch", "pretrain l1", "--all").count("-- attempt") == 2, "both attempts")
    check("signal 9" not in command(lab, "logs", "watch", "evaluate HR").lower(), "another stage's log")
    text = command(lab, "logs", "watch", "pretrain l2", expect=2)
    check('did you mean "pretrain l1"' in text and text.count("\n") == 1, text)
    lab.verify("watch")
    # The structured log: every line is JSON, every stage is there with its end.
    lines = [json.loads(line) for line in
             (lab.folder / "watch" / "logs" / "coordinator.jsonl").read_text().splitlines()]
    check(all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]) for line in lines), lines[:3])
    done = [line["label"] for line in lines if line["event"] == "stage" and line["state"] == "done"]
    check(len(done) == len(set(done)) == 10, "stages done by the log:", done)


def asking(lab):
    """pause, prioritise, resume, cancel, retry, add, drain: each does what it says."""
    process = started(lab, "ask", "--gangs", 1, environment=VERY_SLOW)
    command(lab, "pause", "ask")
    check(status(lab, "ask")["paused"], "not paused")
    wait_for("what ran has ended", lambda: "running" not in states(lab, "ask").values(), 60)
    before = states(lab, "ask")
    time.sleep(1)
    check(states(lab, "ask") == before, "something started in a pause")
    command(lab, "cancel", "ask", "--trial", "hrl")
    check(states(lab, "ask")["finetune l1+hrl"] == "cancelled", states(lab, "ask"))
    check(states(lab, "ask")["evaluate HRL"] in ("aborted", "cancelled"), states(lab, "ask"))
    ids = {stage["label"]: stage["id"] for stage in status(lab, "ask")["stages"]}
    command(lab, "prioritise", "ask", 7, ids["evaluate E(1)"][:12])
    levels = {stage["label"]: stage["priority"] for stage in status(lab, "ask")["stages"]}
    check(levels["evaluate E(1)"] == levels["finetune l1+e1"] == 7 and levels["evaluate L1"] == 0, levels)
    more = lab.folder / "more.toml"
    more.write_text(lab.study.read_text().replace('name = "tiny"', 'name = "more"')
                    .replace('row = "L1"', 'row = "L1 again"\nseed = 5'))
    check("added study more" in command(lab, "add", "ask", more), "not added")
    check(len(states(lab, "ask")) > len(before), "no new stages")
    command(lab, "resume", "ask")
    command(lab, "retry", "ask", "--trial", "hrl")
    text = command(lab, "cancel", "ask", "--trial", "hrll", expect=2)
    check("hrl" in text and text.count("\n") == 1, text)
    check("want" in command(lab, "cancel", "ask", expect=2), "an empty selection")
    check("-1000" in command(lab, "prioritise", "ask", 5000, "--study", "tiny", expect=2), "priority out of range")
    broken = lab.folder / "broken.toml"
    broken.write_text("name = 3")
    text = command(lab, "add", "ask", broken, expect=2)
    check("broken.toml" in text and text.count("\n") == 1, text)
    events = lab.query("ask", "SELECT kind, who FROM events WHERE kind IN ('pause', 'cancel', 'add-study')")
    check({kind for kind, _ in events} == {"pause", "cancel", "add-study"}, events)
    check(all(who.endswith(" at 127.0.0.1") and not who.startswith("somebody") for _, who in events), events)
    command(lab, "drain", "ask")
    code = process.wait(timeout=120)
    check(code in (0, 4), "exit code", code, lab.log("ask")[-2000:])
    check("coordinator runs" in command(lab, "pause", "ask", expect=2), "nobody to pause")
    text = lab.run("ask", "--gangs", 2)
    lab.verify("ask")
    # A killed coordinator leaves its address: that is said, not waited for.
    process = started(lab, "killed", "--gangs", 1)
    process.kill()
    process.wait()
    text = command(lab, "pause", "killed", expect=5)
    check("does not answer" in text and text.count("\n") == 1, text)


def added(lab):
    """A study added to a run is run to its end, and its tables are printed."""
    process = started(lab, "added", "--gangs", 2)
    more = lab.folder / "second.toml"
    more.write_text(lab.study.read_text().replace('name = "tiny"', 'name = "second"')
                    .replace("pretrain = { steps = 40", "pretrain = { steps = 30")
                    .replace('name = "table6"', 'name = "again"'))
    command(lab, "add", "added", more)
    lab.finish(process, "added")
    text = lab.log("added")
    check("\ntable6\n" in text and "\nagain\n" in text, text[-3000:])
    lab.verify("added")
    alone = {**lab.environment}
    words = [lab.reprise, "run", str(more), "-w", str(lab.folder / "alone"), "--worker", lab.gang, "--plain"]
    subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=alone, timeout=120)
    tables = [subprocess.run([lab.reprise, "table", str(more), "-w", str(lab.folder / name), "--format", "csv"],
                             check=True, stdout=subprocess.PIPE).stdout for name in ("added", "alone")]
    check(tables[0] == tables[1], "an added study's table differs from its own run's")


def metrics(lab):
    """Prometheus' text format, for the view token only, with numbers that are true."""
    process = started(lab, "metrics", "--gangs", 1, environment=VERY_SLOW)
    text, headers = get(lab, "metrics", "/metrics")
    check(headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers["Content-Type"])
    for line in text.splitlines():
        check(re.fullmatch(r"# (HELP|TYPE) reprise_\w+ .+|reprise_\w+(\{(\w+=\"([^\"\\]|\\.)*\",?)+\})? "
                           r"[-+0-9.e]+", line), "not Prometheus' format:", line)
    values = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
              if not line.startswith("#")}
    check(values['reprise_stages{state="running"}'] == 1, text)
    check(sum(value for key, value in values.items() if key.startswith("reprise_stages{")) == 10, text)
    check(values["reprise_gangs_connected"] == 1 and values['reprise_messages_total{type="hello"}'] == 1, text)
    check(values["reprise_commits_total"] >= 1 and 1e6 < values["reprise_resident_bytes"] < 1e9, text)
    for target, token in (("/metrics", "x" * 64), ("/metrics", "")):
        where = load_json(lab.folder / "metrics" / "coordinator.json")
        request = urllib.request.Request(f"http://127.0.0.1:{where['port']}{target}",
                                         headers={"Authorization": f"Bearer {token}"})
        try:
            urllib.request.urlopen(request, timeout=30)
            check(False, "answered without the secret")
        except urllib.error.HTTPError as error:
            check(error.code == 401, error.code)
    process.send_signal(signal.SIGINT)
    lab.finish(process, "metrics", expect=130)


def doctor(lab):
    """Everything that is there is tried; what is broken is named with its cure."""
    lab.calm()
    text = command(lab, "doctor", "calm", "--worker", lab.gang)
    for subject in ("MPI", "worker", "GPU", "NCCL", "HDF5", "disk", "folder", "port", "name", "TLS", "Slurm",
                    "coordinator"):
        check(re.search(rf"^\S+ +{subject} ", text, re.M), subject, "is not looked at:", text)
    check(re.search(r"^ok +MPI .*two ranks start", text, re.M), text)
    check(re.search(r"^ok +HDF5 .*1 data set", text, re.M), text)
    check(re.search(r"^ok +TLS +a certificate for 127.0.0.1 is made, shown and recognised", text, re.M), text)
    text = command(lab, "doctor", "calm", "--worker", lab.gang, "--bind", "0.0.0.0")
    check(re.search(rf"^ok +TLS +a certificate for {re.escape(socket.gethostname())} ", text, re.M), text)
    left = [path.name for path in (lab.folder / "calm").iterdir() if "doctor" in path.name]
    check(not left, "left behind:", left)
    findings = json.loads(command(lab, "doctor", "calm", "--json", "--worker", "/nowhere/worker", expect=5))
    bad = [finding for finding in findings if finding["health"] == "BAD"]
    check([finding["subject"] for finding in bad] == ["worker"] and bad[0]["fix"], bad)
    process = started(lab, "busy", "--gangs", 1)
    port = load_json(lab.folder / "busy" / "coordinator.json")["port"]
    text = command(lab, "doctor", "calm", "--worker", lab.gang, "--port", port, expect=5)
    check(re.search(rf"^BAD +port .*:{port}: Address already in use", text, re.M) and "another --port" in text, text)
    check("one runs in" in command(lab, "doctor", "busy", "--worker", lab.gang), "the coordinator is not seen")
    check("198.51.100.7" in command(lab, "doctor", "calm", "--worker", lab.gang, "--bind", "198.51.100.7", expect=5),
          "a foreign address")
    process.send_signal(signal.SIGINT)
    lab.finish(process, "busy", expect=130)
    data = next((lab.folder / "busy" / "datasets").glob("*.h5"))
    data.write_bytes(data.read_bytes()[:-100])
    check(re.search(r"^BAD +HDF5", command(lab, "doctor", "busy", "--worker", lab.gang, expect=5), re.M),
          "a cut data set is not found")


def tidying(lab):
    """gc deletes nothing that is needed, and never beside a coordinator; the run goes on after it."""
    process = started(lab, "gc", "--gangs", 1)
    wait_for("stages done", lambda: lab.done("gc") >= 2)
    check("in use by process" in command(lab, "gc", "gc", "--yes", expect=5), "beside a coordinator")
    process.send_signal(signal.SIGINT)
    lab.finish(process, "gc", expect=130)
    workspace = lab.folder / "gc"
    # A look at the database may make or drop its -wal and -shm.
    files = lambda: sorted(str(path) for path in workspace.rglob("*")  # noqa: E731
                           if path.is_file() and not path.name.startswith("reprise.db-"))
    (workspace / "objects" / ("0" * 64 + ".safetensors")).write_text("nobody's")
    before = files()
    text = command(lab, "gc", "gc", "--untouched", 0)
    check("would delete" in text and "no result names it" in text and "has its result" in text, text)
    check(files() == before, "a look deleted something")
    check("deleted" in command(lab, "gc", "gc", "--untouched", 0, "--yes"), "nothing deleted")
    check(len(files()) < len(before), "nothing deleted")
    check("nothing to delete" in command(lab, "gc", "gc", "--untouched", 0), "not at once")
    lab.run("gc", "--gangs", 2)
    lab.verify("gc", attempts_max=11)


def database(lab):
    """backup beside a running study gives a whole database; check finds damage; vacuum waits its turn."""
    process = started(lab, "db", "--gangs", 1)
    wait_for("stages done", lambda: lab.done("db") >= 2)
    copy = lab.folder / "copy" / "reprise.db"
    command(lab, "db", "db", "backup", copy)
    had = lab.query("copy", "SELECT count(*) FROM results")[0][0]
    check(had >= 2, "results in the copy:", had)
    check("in use by process" in command(lab, "db", "db", "vacuum", expect=5), "vacuum beside a coordinator")
    check("sound" in command(lab, "db", "db", "check"), "check beside a coordinator")
    lab.finish(process, "db")
    command(lab, "db", "db", "vacuum")
    lab.verify("db")
    # The copy alone is enough to go on from: nothing of it is run again.
    for folder in ("datasets", "objects"):
        (lab.folder / "copy" / folder).symlink_to(lab.folder / "db" / folder)
    text = lab.run("copy", "--gangs", 2)
    check(f"{10 - had} stages run, {had} already" in text, text)
    lab.verify("copy")
    data = bytearray(copy.read_bytes())
    at = data.find(b'"PSNR":[')
    check(at > 0, "no result's text found")
    data[at + 10] ^= 1
    copy.write_bytes(data)
    text = command(lab, "db", "copy", "check", expect=3)
    check("does not match its hash" in text, text)


if __name__ == "__main__":
    main({f.__name__: f for f in (watching, asking, added, metrics, doctor, tidying, database)})
