"""A stranger with h5py and FORMAT.md: reads a data set file and recomputes its content digest.

Usage: h5py_test.py REPRISE_PROGRAM FOLDER
"""
import hashlib
import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

try:
    import h5py
    import numpy as np
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)


def text(value):
    return value.decode("utf-8").rstrip("\0") if isinstance(value, bytes) else str(value)


def content_digest(file):
    """The steps of FORMAT.md, section content_digest."""
    sha = hashlib.sha256()

    def field(name, data):
        data = data.encode() if isinstance(data, str) else data
        sha.update(f"{name}:{len(data)}:".encode() + data)

    attribute = {name: text(value) for name, value in file.attrs.items()}
    field("format", "reprise-dataset " + attribute["format_version"])
    for name in ("name", "importer", "options"):
        field(name, attribute[name])
    for label in json.loads(attribute["label_names"]):
        field("label", label)
    for group in json.loads(attribute["label_groups"]):
        field("group", group["name"])
        field("labels", "".join(f"{label}," for label in group["labels"]))
    for path, digest in zip(file["source_path"], file["source_sha256"]):
        field("source", text(path))
        field("sha256", text(digest))
    for i, subject in enumerate(file["subject_id"]):
        field("subject", text(subject))
        field("split", text(file["subject_split"][i]))
        for name in ("slope", "intercept", "minimum", "maximum", "voxel_mm"):
            field(name, np.ascontiguousarray(file["subject_" + name][i], "<f8").tobytes())
    field("slice_subject", "".join(f"{int(subject)}," for subject in file["slice_subject"]))
    images = file["images"][:]
    field("element", images.dtype.name)
    for side in images.shape:
        field("side", str(side))
    field("images", hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest())
    field("labels", hashlib.sha256(np.ascontiguousarray(file["labels"][:]).tobytes()).hexdigest())
    return sha.hexdigest()


def main():
    program, folder = sys.argv[1], Path(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    raw, path = folder / "raw", folder / "d.h5"

    def reprise(*arguments):
        done = subprocess.run([program, "data", *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    reprise("phantom", "cardiac", "-o", raw, "--subjects", 3, "--size", "64x64x4")
    printed = reprise("import", "acdc", raw, "-o", path, "--size", "48x40", "--test-count", 1)
    with h5py.File(path, "r") as file:
        images, labels = file["images"], file["labels"]
        assert images.shape[1:] == (1, 48, 40) and labels.shape == (images.shape[0], 48, 40)
        assert images.dtype == np.int16 and labels.dtype == np.uint8
        assert images.chunks == (1, 1, 48, 40) and labels.chunks == (1, 48, 40)
        assert images.shuffle and images.fletcher32 and images.compression_opts == 1
        assert json.loads(text(file.attrs["label_names"])) == ["background", "RV", "MC", "LV"]
        groups = json.loads(text(file.attrs["label_groups"]))
        assert [group["name"] for group in groups] == ["T", "LV", "RV", "MC"]
        subjects = [text(value) for value in file["subject_id"]]
        assert len(subjects) == 6 and subjects[0].endswith("#frame01"), subjects
        splits = {text(value) for value in file["subject_split"]}
        assert splits == {"train", "test"}
        # Network input: in [0, 1], and both ends are met by whole subjects.
        subject = file["slice_subject"][:]
        scaled = images[:] * file["subject_slope"][:][subject][:, :, None, None]
        scaled = scaled + file["subject_intercept"][:][subject][:, :, None, None]
        low = file["subject_minimum"][:][subject][:, :, None, None]
        high = file["subject_maximum"][:][subject][:, :, None, None]
        normalised = (scaled - low) / (high - low)
        assert normalised.min() >= 0 and normalised.max() <= 1
        digest = content_digest(file)
        assert digest == text(file.attrs["content_digest"]), "FORMAT.md and the program disagree"
        assert digest in printed

    assert "whole" in reprise("verify", path)
    reprise("view", path, "-o", folder / "sheet.png")
    assert (folder / "sheet.png").read_bytes()[:4] == b"\x89PNG"
    # One flipped bit of a pixel is found.
    with h5py.File(path, "r") as file:
        chunk = file["images"].id.get_chunk_info(0)
    damaged = bytearray(path.read_bytes())
    damaged[chunk.byte_offset + chunk.size // 2] ^= 1
    path.write_bytes(damaged)
    done = subprocess.run([program, "data", "verify", str(path)], capture_output=True, text=True)
    assert done.returncode == 3 and "d.h5" in done.stderr, (done.returncode, done.stderr)
    print("h5py read the file, and the digest of FORMAT.md is the program's")


if __name__ == "__main__":
    main()
