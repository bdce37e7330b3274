#!/usr/bin/env python3
"""How much of a step do the ranks of a gang wait for each other's gradients, by the speed of the network.

    bench/gang_step.py BUILD/bin [--rates none,1gbit,100mbit] [--steps N] [--rounds N]

Trains RDST (batch 4, patches of 24x24) with one rank of one thread and with two, by turns, over TCP on
a loopback device of the rate (needs root, unshare and tc: the device is one of a network namespace of
its own; "none": as fast as it is), and prints a Markdown table for docs/measurements.md.
"""
import argparse
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import tempfile

STUDY = """schema = 1
name = "gang"
[datasets.phantom]
importer = "phantom"
subjects = 3
volume = [96, 96, 16]
test_subjects = 1
size = [96, 96]
[trial]
dataset = "phantom"
network = {{ name = "rdst" }}
finetuned = false
unet = {{ width = 8, train = {{ steps = 2, batch = 2, patch = 64 }} }}
pretrain = {{ steps = {steps}, batch = 4, patch = 24 }}
[[trials]]
row = "RDST"
[[tables]]
name = "t"
columns = ["PSNR"]
"""
TOOK = "SELECT max(step_seconds) took FROM stage_costs WHERE steps > 2"


def step_seconds(arguments, rate, ranks):
    with tempfile.TemporaryDirectory(prefix="gang-") as folder:
        study = pathlib.Path(folder) / "gang.toml"
        study.write_text(STUDY.format(steps=arguments.steps))
        reprise = arguments.bin / "reprise"
        command = f"{shlex.quote(str(reprise))} run {study} -w {folder} --plain --gangs 1 --ranks {ranks} --threads 1"
        limit = "" if rate == "none" else f"tc qdisc add dev lo root tbf rate {rate} burst 256kb latency 1s && "
        environment = dict(os.environ, OMPI_MCA_btl="tcp,self", OMPI_MCA_btl_tcp_if_include="lo")
        ran = subprocess.run(["unshare", "-n", "sh", "-c", f"ip link set lo up && {limit}{command}"], env=environment,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if ran.returncode != 0:
            raise SystemExit(f"bench/gang_step.py: a run with --rates {rate} failed:\n{ran.stdout}")
        told = subprocess.run([reprise, "query", TOOK, "--format", "json", "-w", folder], check=True,
                              stdout=subprocess.PIPE, text=True)
        return json.loads(told.stdout)[0]["took"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("--rates", default="none,10gbit,1gbit,200mbit")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    arguments.bin = arguments.bin.resolve()
    if not (arguments.bin / "reprise").exists():
        parser.error(f"{arguments.bin} has no reprise; build it")
    if arguments.steps < 4:
        parser.error("--steps: at least 4, more than the U-Net's two")
    print("| network | one rank, s a step, fastest (median) | two ranks | above half of one, fastest |\n|---|--:|--:|--:|", flush=True)
    for rate in arguments.rates.split(","):
        pairs = [[step_seconds(arguments, rate, ranks) for ranks in (1, 2)] for _ in range(arguments.rounds)]
        one, two = ([pair[at] for pair in pairs] for at in (0, 1))
        texts = [f"{min(took):.2f} ({statistics.median(took):.2f})" for took in (one, two)]
        print(f"| {rate} | {' | '.join(texts)} | {100 * (2 * min(two) / min(one) - 1):.0f} % |", flush=True)


if __name__ == "__main__":
    main()
