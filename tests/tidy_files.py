#!/usr/bin/env python3
"""Prints what clang-tidy is to check of a configured build folder: the control plane's translation units.

What includes LibTorch is left out: it takes a minute a file. The build compiles several files as one, so that
the headers of others are read and checked once for all of them. The analyzer follows paths only in a main file
and in what a file named UnifiedSource... includes: the joined files are written anew under such names, with a
compile_commands.json for them in BUILD/unified.
"""
import json
import pathlib
import sys

PARTS = ("sweep", "db", "datasets_h5", "dashboards", "orchestrator", "worker", "models")

build = pathlib.Path(sys.argv[1]).resolve()
unified = build / "unified"
unified.mkdir(exist_ok=True)
commands = []
for entry in json.loads((build / "compile_commands.json").read_text()):
    file = pathlib.Path(entry["file"])
    place = file.relative_to(build if file.is_relative_to(build) else pathlib.Path.cwd())
    if place.parts[0] not in PARTS or not file.exists() or "torch/include" in entry["command"]:
        continue
    if file.name.startswith("unity_"):
        joined = file.with_name("UnifiedSource_" + file.name)
        joined.write_text(file.read_text())
        entry = {**entry, "file": str(joined), "command": entry["command"].replace(str(file), str(joined))}
    commands.append(entry)
(unified / "compile_commands.json").write_text(json.dumps(commands))
for entry in commands:
    print(entry["file"])
