#!/usr/bin/env python3
"""A gang on "another machine" (a network namespace) whose network fails in every way."""
import os
import shutil
import subprocess
import sys
import time

from harness import SKIPPED, check, each, main, wait_for

SLOW = {"CHAOS_STEP_MS": "40"}


class Net:
    """A namespace with one link to us."""

    def __init__(self, number):
        self.name, self.link = f"chaos{os.getpid()}n{number}", f"ch{os.getpid() % 100000}n{number}"
        self.subnet = f"10.{os.getpid() % 200 + 20}.{number}"
        self.host = f"{self.subnet}.1"

    def __enter__(self):
        ip = lambda *words: subprocess.run(["ip", *words], check=True)  # noqa: E731
        ip("netns", "add", self.name)
        ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("addr", "add", f"{self.host}/24", "dev", self.link)
        ip("link", "set", self.link, "up")
        ip("-n", self.name, "addr", "add", f"{self.subnet}.2/24", "dev", "eth0")
        ip("-n", self.name, "link", "set", "eth0", "up")
        ip("-n", self.name, "link", "set", "lo", "up")
        return self

    def __exit__(self, *unused):
        subprocess.run(["ip", "link", "del", self.link])
        subprocess.run(["ip", "netns", "del", self.name])

    def cut(self):
        subprocess.run(["ip", "link", "set", self.link, "down"], check=True)

    def heal(self):
        subprocess.run(["ip", "link", "set", self.link, "up"], check=True)
        subprocess.run(["ip", "netns", "exec", self.name, "iptables", "-F"], check=True)

    def rule(self, *words):
        subprocess.run(["ip", "netns", "exec", self.name, "iptables", "-A", *words], check=True)


def mpirun_inside(lab, net):
    """A PATH on which mpirun starts inside the namespace: a gang's ranks must reach their mpirun."""
    folder = lab.folder / f"bin-{net.name}"
    folder.mkdir()
    script = folder / "mpirun"
    script.write_text(f"#!/bin/sh\nexec nsenter --net=/run/netns/{net.name} {shutil.which('mpirun')} \"$@\"\n")
    script.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def failing_network(lab):
    """Cut shorter and longer than the lease, cut one way, 30 % loss, connections reset."""
    lab.calm()

    def case(number, name, seconds, fail):
        workspace = f"net-{name}"
        with Net(number) as net:
            process = lab.start(workspace, "--bind", net.host, "--gangs", 1, "--lease", 4,
                                environment={**SLOW, **mpirun_inside(lab, net)})
            wait_for("a stage done", lambda: lab.done(workspace) >= 1)
            fail(net)
            time.sleep(seconds)
            net.heal()
            lab.finish(process, workspace)
        lab.verify(workspace)
        lost = lab.query(workspace, "SELECT count(*) FROM attempts WHERE outcome = 'lost'")[0][0]
        if name in ("short", "reset"):
            check(lost == 0, workspace, "a short cut lost a lease")
        if name in ("long", "one-way"):
            check(lost > 0, workspace, "a long cut lost no lease")

    each([(1, "short", 2, Net.cut),
          (2, "long", 8, Net.cut),
          (3, "one-way", 8, lambda net: net.rule("OUTPUT", "-p", "tcp", "-j", "DROP")),
          (4, "loss", 8, lambda net: net.rule("INPUT", "-m", "statistic", "--mode", "random",
                                              "--probability", "0.3", "-j", "DROP")),
          (5, "reset", 2, lambda net: net.rule("OUTPUT", "-p", "tcp", "-j", "REJECT", "--reject-with",
                                               "tcp-reset"))], case, at_once=5)


def needs(lab, stack):
    missing = [name for name in ("ip", "iptables", "nsenter") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        print(f"skipped: needs root and {missing} (./reprise test installs them)")
        sys.exit(SKIPPED)


if __name__ == "__main__":
    main({f.__name__: f for f in (failing_network,)}, needs)
