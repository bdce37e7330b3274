#!/usr/bin/env python3
"""Does `reprise plan` keep its word: what it says stages will take, after short ones, and what they took.

    bench/prediction.py BUILD/bin [--short N] [--long N] [--gangs N] [--threads N] [--device cpu|cuda]

Trains a U-Net, two networks and three fine-tunings for N short steps, asks `reprise plan` what the
same trainings of N long steps will take, runs these, and prints a Markdown table for
docs/measurements.md. Exit code 1 where a training took a fifth more or less than planned.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

STUDY = """schema = 1
name = "{name}"
[datasets.phantom]
importer = "phantom"
subjects = 3
volume = [96, 96, 16]
test_subjects = 1
size = [96, 96]
[trial]
dataset = "phantom"
unet = {{ width = 8, train = {{ steps = {steps}, batch = 4, patch = 64 }} }}
pretrain = {{ steps = {steps}, batch = 4, patch = 24 }}
finetune = {{ steps = {steps}, batch = 4, patch = 24 }}
[[trials]]
network = {{ name = "rdst", width = 24, growth = 12, heads = 6, window = 8, blocks = 1, dense_layers = 2 }}
list = [
  {{ row = "L1", finetune.loss = ["l1"] }}, {{ row = "E(1)", finetune.loss = ["l1", "e1"] }},
  {{ row = "HRL", finetune.loss = ["l1", {{ name = "hrl", weight = 0.1 }}] }},
]
[[trials]]
row = "EDSR"
network = {{ name = "edsr-lite" }}
finetuned = false
pretrain.patch = 12
[[tables]]
name = "t"
columns = ["PSNR", "Dice-T"]
"""
TOOK = """SELECT s.id stage, s.kind kind, json_extract(r.body, '$.provenance.cost.wall_seconds') seconds
 FROM trial_stages t JOIN stages s ON s.id = t.stage JOIN results r ON r.stage = s.id
 WHERE t.study = 'long' GROUP BY s.id"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("--short", type=int, default=150)
    parser.add_argument("--long", type=int, default=600)
    parser.add_argument("--gangs", type=int, default=os.cpu_count())
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="prediction-") as folder:
        sys.exit(0 if is_kept(arguments, pathlib.Path(folder)) else 1)


def is_kept(arguments, workspace):
    reprise, device = arguments.bin / "reprise", ["--device", arguments.device]
    studies = {}
    for name, steps in ("short", arguments.short), ("long", arguments.long):
        studies[name] = workspace / f"{name}.toml"
        studies[name].write_text(STUDY.format(name=name, steps=steps))

    def call(*words):
        return subprocess.run([reprise, *words, "-w", workspace], check=True, stdout=subprocess.PIPE, text=True).stdout

    def run(study):
        call("run", study, "--plain", "--gangs", str(arguments.gangs), "--threads", str(arguments.threads), *device)

    run(studies["short"])
    planned = {stage["id"]: stage for stage in json.loads(call("plan", studies["long"], "--json", *device))["stages"]}
    run(studies["long"])
    print("| stage | planned, s | took, s | difference |\n|---|---|---|---|")
    wrong, sums = False, [0, 0]
    for row in json.loads(call("query", TOOK, "--format", "json")):
        plan = planned[row["stage"]]
        if plan["done"]:
            continue
        off = row["seconds"] / plan["seconds"] - 1
        wrong = wrong or (row["kind"] not in ("evaluate", "profile") and abs(off) > 0.2)
        sums = [sums[0] + plan["seconds"], sums[1] + row["seconds"]]
        print(f"| {plan['label']} ({plan['cost']}) | {plan['seconds']:.1f} | {row['seconds']:.1f} | {100 * off:+.0f} % |")
    print(f"| all | {sums[0]:.0f} | {sums[1]:.0f} | {100 * (sums[1] / sums[0] - 1):+.0f} % |")
    return not wrong


if __name__ == "__main__":
    main()
