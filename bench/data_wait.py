#!/usr/bin/env python3
"""What share of a training step waits for data: the set in memory, and larger than its limit.

    bench/data_wait.py BUILD/bin [--workspace DIR] [--steps N] [--batch N] [--network NAME]
                       [--ranks N] [--threads N] [--device cpu|cuda] [--limit-mib N]

Makes a phantom a little larger than the paper's OASIS (4350 training slices of 160x128),
imports it like real scans, and pretrains a network on it: once as it comes, once with
REPRISE_DATA_MEMORY_MIB below the size of the set, once so with flips and rotations. Prints a
Markdown table for docs/measurements.md. Exit code 1 where a step waits for 1 % of its time or more.
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
[datasets.brains]
importer = "phantom"
subjects = 42
volume = [128, 160, 145]
test_subjects = 1
[trial]
dataset = "brains"
seed = {seed}
segmented = false
finetuned = false
network = {{ name = "{network}" }}
pretrain = {{ steps = {steps}, batch = {batch}{turned} }}
[[trials]]
row = "{name}"
[[tables]]
name = "t"
columns = ["PSNR"]
"""
QUERY = """SELECT json_extract(r.body, '$.provenance.data_in') place,
 json_extract(r.body, '$.provenance.data_wait_seconds') wait,
 json_extract(r.body, '$.scalars.train_seconds') whole
 FROM trial_stages t JOIN results r ON r.stage = t.stage
 WHERE t.study = '{name}' AND t.role = 'pretrain'"""


def measure(arguments, workspace, seed, name, turned, environment):
    study = workspace / f"{name}.toml"
    study.write_text(STUDY.format(name=name, seed=seed, network=arguments.network, steps=arguments.steps,
                                  batch=arguments.batch, turned=", flips = true, rotations = true" if turned else ""))
    reprise = arguments.bin / "reprise"
    subprocess.run([reprise, "run", study, "-w", workspace, "--plain", "--gangs", "1", "--ranks",
                    str(arguments.ranks), "--threads", str(arguments.threads), "--device", arguments.device],
                   check=True, env={**os.environ, **environment}, stdout=sys.stderr)
    rows = subprocess.run([reprise, "query", QUERY.format(name=name), "-w", workspace, "--format", "json"],
                          check=True, capture_output=True, text=True).stdout
    return json.loads(rows)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("--workspace", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "data-wait")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--network", default="edsr-lite")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--limit-mib", type=int, default=64)
    arguments = parser.parse_args()
    arguments.workspace.mkdir(parents=True, exist_ok=True)
    tight = {"REPRISE_DATA_MEMORY_MIB": str(arguments.limit_mib)}
    print("| memory for data | slices are in | step, ms | of it waiting, ms | share |\n|---|---|---|---|---|")
    slow = False
    # Seeds differ, so that none is taken for another's stage and not run.
    for seed, (name, limit, turned, environment) in enumerate([
            ("free", "as it comes", False, {}),
            ("tight", f"{arguments.limit_mib} MiB", False, tight),
            ("turned", f"{arguments.limit_mib} MiB, flips and rotations", True, tight)], start=1):
        row = measure(arguments, arguments.workspace, seed, name, turned, environment)
        step, wait = (1000 * row[key] / arguments.steps for key in ("whole", "wait"))
        slow = slow or wait >= 0.01 * step
        print(f"| {limit} | {row['place']} | {step:.1f} | {wait:.2f} | {100 * wait / step:.3f} % |", flush=True)
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
