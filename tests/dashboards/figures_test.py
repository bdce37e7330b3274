"""The plotting script on small requests: every kind of figure gives whole, equal files that show something.

Usage: figures_test.py FIGURES_SCRIPT FOLDER
"""
import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

import numpy as np
from matplotlib.image import imread


def write_safetensors(path, tensors):
    types = {"float32": "F32", "uint8": "U8", "int64": "I64"}
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.tobytes()
        header[name] = {"dtype": types[str(tensor.dtype)], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def sample_file(path, channels, wrong):
    """Two kept slices of 32 by 32; the prediction misses `wrong` rows of a square of labels 1, 2, 3."""
    label = np.zeros((2, 32, 32), np.uint8)
    label[1, 8:24, 8:24] = np.arange(256).reshape(16, 16) % 3 + 1
    prediction = label.copy()
    prediction[1, 8:8 + wrong] = 0
    image = np.linspace(0, 1, 2 * channels * 32 * 32, dtype=np.float32).reshape(2, channels, 32, 32)
    write_safetensors(path, {"hr": image, "sr": image[::-1].copy(), "label": label, "prediction": prediction,
                             "prediction_hr": label, "slice": np.array([0, 5], np.int64)})


def methods(folder, channels):
    made = []
    for label, wrong in (("HR", 0), ("Bicubic", 6), ("RDST", 2)):
        path = folder / f"{label}-{channels}.safetensors"
        sample_file(path, channels, wrong)
        made.append({"label": label, "reference": label == "HR", "file": str(path), "Dice_name": "Dice-T",
                     "PSNR": [] if label == "HR" else [20 + i for i in range(6)], "Dice": [0.5] * 5 + [None]})
    return made


def request(folder):
    points = [{"label": f"network {i}", "x": 30 + i / 10, "y": 0.8 + i / 100, "group": i, "size": i + 1} for i in range(5)]
    scatter = [{"title": t, "x_label": "PSNR (dB)", "y_label": t, "points": points} for t in ("Dice-T", "Dice-G")]
    lines = [{"title": f"({i})", "x_label": "width", "y_label": "PSNR", "x": [2, 4, 8], "y": [30, 31, 30.5]} for i in "abcde"]
    bars = [{"title": "PSNR", "y_label": "PSNR", "groups": [
        {"label": g, "bars": [{"label": "L1", "y": 30.0}, {"label": "E(1)", "y": 30.2}]} for g in ("RDN", "RCAN")]}]
    curves = [{"title": t, "curves": [{"label": "rdst", "points": [[s + 1, scale / (s + 1)] for s in range(50)]}] * 2}
              for t, scale in (("pretrain", 1.0), ("never above zero", -1.0))]
    labels = [["CSF", "cyan"], ["grey matter", "grey"], ["white matter", "yellow"]]
    return [{"name": "scatter", "title": "A title", "note": "2 of 5 measured so far", "kind": "scatter", "panels": scatter},
            {"name": "lines", "title": "A title", "kind": "lines", "panels": lines},
            {"name": "bars", "title": "A title", "kind": "bars", "panels": bars},
            {"name": "curves", "title": "A title", "kind": "curves", "panels": curves},
            {"name": "panels", "title": "A title", "kind": "panels", "channels": ["T1", "T2"], "labels": labels,
             "methods": methods(folder, 1)},
            {"name": "panels4", "title": "A title", "kind": "panels", "channels": ["T1", "T2"], "labels": labels,
             "methods": methods(folder, 4)[1:]}]


def draw(script, folder, figures):
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    text = json.dumps({"figures": figures, "folder": str(out), "formats": ["svg", "pdf", "png"]})
    subprocess.run([sys.executable, script], input=text, text=True, check=True)
    return {file.name: file.read_bytes() for file in out.iterdir()}


def share(picture, colour):
    """The share of pixels within a hundredth of a colour."""
    return float((np.abs(picture[..., :3] - np.array(colour)).max(axis=-1) < 0.01).mean())


def main():
    script, folder = Path(sys.argv[1]), Path(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    figures = request(folder)
    files = draw(script, folder, figures)
    assert files == draw(script, folder, figures), "the second drawing differs"
    assert sorted(files) == sorted(f"{f['name']}.{e}" for f in figures for e in ("svg", "pdf", "png")), sorted(files)
    for figure in figures:
        name = figure["name"]
        root = xml.fromstring(files[name + ".svg"])
        assert root.tag.endswith("svg") and sum(1 for e in root.iter() if e.tag.endswith("}path")) > 20, name
        assert files[name + ".pdf"].startswith(b"%PDF-") and files[name + ".pdf"].rstrip().endswith(b"%%EOF"), name
        picture = imread(folder / "out" / (name + ".png"))
        assert min(picture.shape[:2]) > 200 and picture.std() > 0.05, (name, picture.shape, picture.std())
        assert 0.3 < share(picture, (1, 1, 1)) < 0.99 or name.startswith("panels"), (name, share(picture, (1, 1, 1)))
        # Nothing is cut off: the outermost pixels are empty paper.
        edge = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
        assert edge.min() == 1.0, f"{name}: something touches the edge"
    # Errors are red where there are some, beside the legend's own patch.
    red = (0.86, 0.08, 0.1)
    wrong = share(imread(folder / "out/panels.png"), red)
    for method in figures[4]["methods"]:
        sample_file(Path(method["file"]), 1, 0)
    draw(script, folder, figures[4:5])
    right = share(imread(folder / "out/panels.png"), red)
    assert wrong > 1.5 * right > 0, (wrong, right)
    # A damaged file ends in an error, not in a picture.
    Path(figures[4]["methods"][0]["file"]).write_bytes(b"\xff" * 40)
    text = json.dumps({"figures": figures[4:5], "folder": str(folder / "bad"), "formats": ["png"]})
    bad = subprocess.run([sys.executable, script], input=text, text=True, capture_output=True)
    assert bad.returncode != 0 and "damaged header" in bad.stderr, bad
    print("ok")


main()
