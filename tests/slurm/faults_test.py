#!/usr/bin/env python3
"""What Slurm does to a sweep: limits, preemption, lost nodes, lost jobs, a controller that dies."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "chaos"))
import cluster  # noqa: E402
from harness import check, each, kill, main, ranks, wait_for  # noqa: E402

PILOTS = ("--launcher", "slurm", "--poll", 1, "--time", 5)
SLOW = {"CHAOS_STEP_MS": "100"}


def pilot_job(lab, workspace):
    """The job of the newest gang that the coordinator speaks of."""
    found = re.findall(r"gang \S+ is Slurm job (\d+)", lab.log(workspace))
    return found[-1] if found else None


def busy(lab, workspace):
    """True while an attempt runs."""
    return lab.done(workspace) >= 1 and lab.query(
        workspace, "SELECT count(*) FROM attempts WHERE outcome IS NULL")[0][0] > 0


def count(lab, workspace, outcome):
    return lab.query(workspace, "SELECT count(*) FROM attempts WHERE outcome = ?", outcome)[0][0]


def time_limit(lab):
    """USR1 before the limit: a checkpoint, a hand-back; the allocation is requeued, the pilot replaced."""
    def allocation():
        words = lab.words("limit", "--gangs", 1, "--time", 1, "--grace", 45, command="submit")
        done = subprocess.run(words, text=True, env={**lab.environment, "CHAOS_STEP_MS": "250"},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        job = re.match(r"Slurm job (\d+) ", done.stdout).group(1)
        lab.cluster.wait_state(job, "COMPLETED", "FAILED", "TIMEOUT", seconds=300)
        log = (lab.folder / "limit" / "logs" / "coordinator.log").read_text()
        state = lab.cluster.state(job)
        check(state == "COMPLETED", "the job ended as", state, log[-3000:])
        check(f"asking Slurm to requeue job {job}" in log, "it did not ask to be requeued:", log[-3000:])
        restarts = lab.cluster.restarts(job)
        check(restarts > 0, "the job was not requeued", log[-3000:])

    def pilot():
        lab.run("pilot-limit", "--launcher", "slurm", "--poll", 1, "--gangs", 1, "--time", 1, "--grace", 45,
                environment={"CHAOS_STEP_MS": "250"}, seconds=300)

    each([(allocation,), (pilot,)], lambda run: run())
    for workspace in ("limit", "pilot-limit"):
        lab.verify(workspace)
        check(count(lab, workspace, "handed-back") > 0, workspace, "nothing was handed back")
        check(count(lab, workspace, "lost") + count(lab, workspace, "failed") == 0, workspace)


def preemption(lab):
    """A job of higher priority takes the nodes: ranks get SIGTERM, hand back, and go on later."""
    lab.cluster.idle()
    process = lab.start("preempted", *PILOTS, "--gangs", 2, environment=SLOW)
    wait_for("a busy gang", lambda: busy(lab, "preempted"))
    high = lab.cluster.command("sbatch", "--parsable", "-p", "high", "-N2", "--exclusive", "-o", "/dev/null",
                               "--wrap", "sleep 1").split()[-1]
    lab.cluster.wait_state(high, "COMPLETED", seconds=90)
    lab.finish(process, "preempted", seconds=180)
    lab.verify("preempted")
    check(count(lab, "preempted", "handed-back") > 0, "nothing was handed back")
    check(count(lab, "preempted", "failed") == 0, "a preemption counted as a failure")


def dead_controller(lab):
    """slurmctld is killed while pilots run and comes back: nothing is concluded from its silence."""
    lab.cluster.idle()
    process = lab.start("controller", *PILOTS, "--gangs", 2, environment=SLOW)
    wait_for("a busy gang", lambda: busy(lab, "controller"))
    time.sleep(6)  # Slurm saves a new job's state within five seconds.
    lab.cluster.kill_controller()
    time.sleep(3)
    lab.cluster.start_controller()
    lab.finish(process, "controller", seconds=180)
    lab.verify("controller")
    check(count(lab, "controller", "lost") == 0, "an attempt was lost")


def vanished_job(lab):
    """The controller forgets an accepted job and gives its id to another: the pilot is replaced."""
    lab.cluster.idle()
    blocker = lab.cluster.command("sbatch", "--parsable", "-N2", "--exclusive", "-o", "/dev/null", "--wrap",
                                  "sleep 600").split()[-1]
    lab.cluster.wait_state(blocker, "RUNNING")
    time.sleep(6)
    shutil.copytree(lab.cluster.folder / "state", lab.cluster.folder / "state.before")
    process = lab.start("vanished", *PILOTS, "--vanish", 3, "--gangs", 1)
    first = wait_for("a submission", lambda: pilot_job(lab, "vanished"))
    lab.cluster.kill_controller()
    shutil.rmtree(lab.cluster.folder / "state")
    shutil.move(lab.cluster.folder / "state.before", lab.cluster.folder / "state")
    lab.cluster.start_controller()
    check(all(job != first for job, _, _ in lab.cluster.jobs()), "the job is still known")
    other = lab.cluster.command("sbatch", "--parsable", "-H", "-J", "somebody-else", "-o", "/dev/null", "--wrap",
                                "true").split()[-1]
    check(other == first, "the id was not given away:", first, other)
    wait_for("a replacement", lambda: pilot_job(lab, "vanished") != first)
    lab.cluster.command("scancel", blocker, other)
    lab.finish(process, "vanished", seconds=180)
    lab.verify("vanished", attempts_max=10)
    check("vanished from the queue" in lab.log("vanished"), "not said")


def held_job(lab):
    """A job that Slurm will never start by itself is cancelled and replaced."""
    lab.cluster.idle()
    blocker = lab.cluster.command("sbatch", "--parsable", "-N2", "--exclusive", "-o", "/dev/null", "--wrap",
                                  "sleep 600").split()[-1]
    lab.cluster.wait_state(blocker, "RUNNING")
    process = lab.start("held", *PILOTS, "--gangs", 1)
    first = wait_for("a submission", lambda: pilot_job(lab, "held"))
    lab.cluster.command("scontrol", "hold", first)
    wait_for("a replacement", lambda: pilot_job(lab, "held") != first)
    lab.cluster.wait_state(first, "CANCELLED")
    lab.cluster.command("scancel", blocker)
    lab.finish(process, "held", seconds=180)
    lab.verify("held", attempts_max=10)


def dead_coordinator(lab):
    """kill -9 while a pilot waits in the queue: the next coordinator cancels it and submits its own."""
    lab.cluster.idle()
    blocker = lab.cluster.command("sbatch", "--parsable", "-N2", "--exclusive", "-o", "/dev/null", "--wrap",
                                  "sleep 600").split()[-1]
    lab.cluster.wait_state(blocker, "RUNNING")
    process = lab.start("orphan", *PILOTS, "--gangs", 1)
    first = wait_for("a submission", lambda: pilot_job(lab, "orphan"))
    process.kill()
    process.wait()
    process = lab.start("orphan", *PILOTS, "--gangs", 1)
    lab.cluster.wait_state(first, "CANCELLED")
    wait_for("its own pilot", lambda: pilot_job(lab, "orphan") != first)
    lab.cluster.command("scancel", blocker)
    lab.finish(process, "orphan", seconds=180)
    lab.verify("orphan", attempts_max=10)
    check(not list((lab.folder / "orphan" / "slurm" / "pilots").iterdir()), "intents are left")


def lost_node(lab):
    """slurmd dies: Slurm gives the job up while its ranks live on; they are told to leave."""
    lab.cluster.idle()
    process = lab.start("node", *PILOTS, "--gangs", 1, environment={"CHAOS_STEP_MS": "400"})
    wait_for("a busy gang", lambda: busy(lab, "node"))
    job = pilot_job(lab, "node")
    node = lab.cluster.command("squeue", "-h", "-j", job, "-o", "%N").strip()
    old = ranks(lab, "node")
    check(old, "no rank found")
    lab.cluster.kill_node(node)
    wait_for("the job is given up", lambda: pilot_job(lab, "node") != job, 90, 0.2)
    # Its name is unknown now: it is told so when it comes back, while its Slurm job "runs" on.
    wait_for("the old copy left", lambda: not set(old) & set(ranks(lab, "node")), 30, 0.2)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    lab.cluster.start_node(node)
    lab.run("node", "--gangs", 2)
    lab.verify("node")
    check(count(lab, "node", "lost") == 1, "the attempt was not lost")
    check("NODE_FAIL" in lab.log("node"), "not said")


if __name__ == "__main__":
    main({f.__name__: f for f in (time_limit, preemption, dead_controller, vanished_job, held_job, dead_coordinator,
                                  lost_node)},
         cluster.start)
