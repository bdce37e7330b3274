"""A virtual Slurm cluster for a test: two nodes on this machine, real daemons."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "chaos"))
from harness import SKIPPED, wait_for  # noqa: E402

HERE = pathlib.Path(__file__).parent
# Two nodes on one host: Open MPI's shared-memory files would collide, so TCP over loopback only.
MPI = {"OMPI_MCA_btl": "self,tcp", "OMPI_MCA_btl_tcp_if_include": "lo"}


class Cluster:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.conf = self.folder / "slurm.conf"

    def command(self, *words, check=True):
        return subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, check=check, timeout=60,
                              env={**os.environ, "SLURM_CONF": str(self.conf)}).stdout

    def jobs(self, *states):
        """[(id, state, name)]"""
        text = self.command("squeue", "-h", "-t", ",".join(states) or "all", "-o", "%i|%T|%j")
        return [tuple(line.split("|")) for line in text.splitlines()]

    def state(self, job):
        return next((state for number, state, _ in self.jobs() if number == job), None)

    def restarts(self, job):
        """How often Slurm has started a job anew."""
        return int(re.search(r"Restarts=(\d+)", self.command("scontrol", "show", "job", job)).group(1))

    def wait_state(self, job, *states, seconds=60):
        return wait_for(f"job {job} is {states}", lambda: self.state(job) in states, seconds, 0.2)

    def pid(self, name):
        return int((self.folder / "run" / f"{name}.pid").read_text())

    def kill_controller(self):
        os.kill(self.pid("slurmctld"), signal.SIGKILL)

    def start_controller(self):
        self.command("slurmctld", "-f", self.conf)
        wait_for("slurmctld", lambda: "UP" in self.command("scontrol", "ping", check=False), 30, 0.2)

    def kill_node(self, node):
        os.kill(self.pid(f"slurmd-{node}"), signal.SIGKILL)

    def start_node(self, node):
        self.command("slurmd", "-f", self.conf, "-N", node)

    def idle(self, nodes=2):
        """Waits until nothing runs any more."""
        wait_for("nodes idle", lambda: len(self.command(
            "sinfo", "-h", "-N", "-p", "main", "-t", "idle", "-o", "%N").split()) == nodes, 90, 0.2)


def start(lab, stack, nodes=2, cpus=4, *extra):
    """Brings the cluster up until the stack closes; ends the test as skipped where Slurm is missing."""
    needed = ["munged", "slurmctld", "slurmd", "sbatch"]
    missing = [name for name in needed if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        print(f"skipped: needs root and {', '.join(needed)} (./reprise test installs them)")
        sys.exit(SKIPPED)
    cluster = Cluster(lab.folder / "cluster")
    port = 20000 + os.getpid() % 20000
    stack.callback(subprocess.run, [HERE / "down.sh", "-d", cluster.folder])
    subprocess.run([HERE / "up.sh", "-d", cluster.folder, "-n", str(nodes), "-c", str(cpus), "-p",
                    str(port), "-t", "8", *extra], check=True, stdout=subprocess.DEVNULL)
    lab.environment.update(MPI, SLURM_CONF=str(cluster.conf))
    lab.cluster = cluster
