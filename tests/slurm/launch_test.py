#!/usr/bin/env python3
"""A study through a real Slurm, both ways, gives the table of a local run."""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "chaos"))
import cluster  # noqa: E402
from harness import check, main  # noqa: E402


def submit(lab, workspace, *extra):
    done = subprocess.run(lab.words(workspace, *extra, command="submit"), text=True, env=lab.environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    check(done.returncode == 0, done.stdout)
    return re.match(r"Slurm job (\d+) ", done.stdout).group(1)


def allocation(lab):
    """Coordinator and two gangs of two ranks as steps of one job over both nodes."""
    job = submit(lab, "allocation", "--gangs", 2, "--ranks", 2, "--time", 5, "--slurm", "nodes=2")
    lab.cluster.wait_state(job, "COMPLETED", seconds=120)
    lab.verify("allocation", attempts_max=10)
    gangs = {gang for gang, in lab.query("allocation", "SELECT DISTINCT gang FROM attempts")}
    check(all(gang.startswith("srun-") for gang in gangs), gangs)
    log = (lab.folder / "allocation" / "logs" / "coordinator.log").read_text()
    check(len(re.findall("gang srun-[0-9a-f]+-[01] started", log)) == 2, log)


def pilots(lab):
    """A coordinator outside, a job for each gang; none is left over."""
    lab.run("pilots", "--launcher", "slurm", "--gangs", 2, "--ranks", 2, "--time", 5)
    lab.verify("pilots", attempts_max=10)
    lab.cluster.idle()
    check(not lab.cluster.jobs("PENDING", "RUNNING"), lab.cluster.jobs())


def pilots_from_a_job(lab):
    """The coordinator as a small job that submits pilot jobs itself."""
    job = submit(lab, "nested", "--pilots", "--gangs", 2, "--time", 5)
    lab.cluster.wait_state(job, "COMPLETED", seconds=120)
    lab.verify("nested", attempts_max=10)


def refusals(lab):
    """What Slurm refuses, and what we do, is said in one line."""
    for extra, code, text in (
            (["--partition", "nowhere"], 5, "invalid partition"),
            (["--slurm", "wrap=touch /tmp/x"], 2, "reprise sets --wrap itself"),
            (["--slurm", "nodes 2"], 2, "want OPTION=VALUE")):
        done = subprocess.run(lab.words("refused", *extra, command="submit"), text=True,
                              env=lab.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        check(done.returncode == code and text in done.stdout and done.stdout.count("\n") == 1,
              extra, done.returncode, done.stdout)
    text = lab.run("outside", "--launcher", "srun", expect=5)
    check("not inside a Slurm allocation" in text, text)
    text = lab.run("nowhere", "--launcher", "slurm", "--partition", "nowhere", expect=4)
    check("invalid partition" in text, text)


if __name__ == "__main__":
    main({f.__name__: f for f in (allocation, pilots, pilots_from_a_job, refusals)}, cluster.start)
