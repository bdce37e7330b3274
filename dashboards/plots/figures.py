"""Draws the paper's figures from JSON on standard input: {"figures": [FIGURE...], "folder", "formats"}.

FIGURE = {"name", "title", "kind", ...}; kinds: scatter, lines, bars, curves, panels. dashboards/figures.cpp
writes the JSON and says what each kind holds. Equal input gives equal files: no dates, fixed ids.
"""
import json
import os
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

# Okabe and Ito's colours: told apart by colour-blind eyes.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#CC79A7", "#F0E442", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
# Labels 1, 2, 3 as in the paper: grey, yellow, cyan; errors are red.
LABELS = np.array([[0, 0, 0], [160, 160, 160], [240, 228, 66], [86, 180, 233], [0, 158, 115], [204, 121, 167]]) / 255.0
ERROR = np.array([0.86, 0.08, 0.1])

plt.rcParams.update({
    "svg.hashsalt": "reprise", "pdf.fonttype": 42, "font.size": 9, "axes.grid": True, "grid.alpha": 0.3,
    "axes.spines.top": False, "axes.spines.right": False, "figure.dpi": 100, "savefig.dpi": 150,
})


def grid_of(count):
    columns = min(count, 4) if count != 5 else 5
    rows = -(-count // columns)
    size = (6.0, 5.0) if count == 1 else (3.4 * columns, 3.1 * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat[count:]:
        axis.axis("off")
    return figure, list(axes.flat[:count])


def sizes_of(points):
    values = np.array([p["size"] if p.get("size") else np.nan for p in points], float)
    top = np.nanmax(values) if np.isfinite(values).any() else 1.0
    return np.where(np.isfinite(values), 25 + 350 * values / top, 40)


def scatter(spec):
    """"panels": [{"title", "x_label", "y_label", "points": [{"label", "x", "y", "size", "group"}]}]"""
    figure, axes = grid_of(len(spec["panels"]))
    for axis, panel in zip(axes, spec["panels"]):
        points = panel["points"]
        groups = sorted({p.get("group", 0) for p in points})
        for point, size in zip(points, sizes_of(points)):
            group = groups.index(point.get("group", 0))
            axis.scatter(point["x"], point["y"], s=size, color=COLOURS[group % len(COLOURS)],
                         marker=MARKERS[group % len(MARKERS)], alpha=0.75, linewidths=0.8, edgecolors="black")
            axis.annotate(point["label"], (point["x"], point["y"]), xytext=(4, 4), textcoords="offset points",
                          fontsize=7)
        for value, key, draw in (("x", "x", axis.axvline), ("y", "y", axis.axhline)):
            if points:
                draw(max(p[key] for p in points), color="grey", linewidth=0.6, linestyle=":")
        axis.set(title=panel["title"], xlabel=panel["x_label"], ylabel=panel["y_label"])
        axis.margins(0.15)
    return figure


def lines(spec):
    """"panels": [{"title", "x_label", "y_label", "x": [...], "y": [...]}]"""
    figure, axes = grid_of(len(spec["panels"]))
    for axis, panel in zip(axes, spec["panels"]):
        axis.plot(panel["x"], panel["y"], marker="o", color=COLOURS[0])
        axis.set(title=panel["title"], xlabel=panel["x_label"], ylabel=panel["y_label"])
        if len(panel["x"]) <= 12:
            axis.set_xticks(panel["x"])
    return figure


def bars(spec):
    """"panels": [{"title", "y_label", "groups": [{"label", "bars": [{"label", "y"}]}]}]"""
    figure, axes = grid_of(len(spec["panels"]))
    for axis, panel in zip(axes, spec["panels"]):
        names = []
        for group in panel["groups"]:
            names += [b["label"] for b in group["bars"] if b["label"] not in names]
        values = [b["y"] for g in panel["groups"] for b in g["bars"]]
        for place, group in enumerate(panel["groups"]):
            for bar in group["bars"]:
                index = names.index(bar["label"])
                axis.bar(place + (index - (len(names) - 1) / 2) * 0.8 / len(names), bar["y"], 0.8 / len(names),
                         color=COLOURS[index % len(COLOURS)], edgecolor="black", linewidth=0.4,
                         label=bar["label"] if place == 0 else None)
        axis.set_xticks(range(len(panel["groups"])), [g["label"] for g in panel["groups"]])
        if values:  # Differences are small: the axis does not begin at 0, and says so.
            low, high = min(values), max(values)
            axis.set_ylim(low - max(0.15 * (high - low), 1e-4), high + max(0.35 * (high - low), 1e-4))
        axis.set(title=panel["title"], ylabel=panel["y_label"] + " (cut axis)")
        axis.legend(fontsize=7, ncols=2, loc="upper left", frameon=False)
    return figure


def smoothed(values, window):
    window = max(1, min(window, len(values)))
    sums = np.cumsum(np.insert(np.asarray(values, float), 0, 0.0))
    return (sums[window:] - sums[:-window]) / window, window


def curves(spec):
    """"panels": [{"title", "curves": [{"label", "points": [[step, loss]...]}]}]"""
    figure, axes = grid_of(len(spec["panels"]))
    for axis, panel in zip(axes, spec["panels"]):
        for index, curve in enumerate(panel["curves"]):
            steps = [p[0] for p in curve["points"]]
            losses, window = smoothed([p[1] for p in curve["points"]], max(1, len(steps) // 40))
            axis.plot(steps[window - 1:], losses, color=COLOURS[index % len(COLOURS)], linewidth=1.0,
                      linestyle=["-", "--", ":"][index // len(COLOURS) % 3], label=curve["label"])
        axis.set(title=panel["title"], xlabel="step", ylabel="training loss")
        if all(p[1] > 0 for c in panel["curves"] for p in c["points"]):
            axis.set_yscale("log")
        if len(panel["curves"]) <= 16:
            axis.legend(fontsize=6, frameon=False)
    return figure


def read_safetensors(path):
    """Tensors of a safetensors file; offsets and shapes are checked against the file."""
    types = {"F32": np.float32, "F64": np.float64, "U8": np.uint8, "I64": np.int64, "I32": np.int32}
    with open(path, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[:8], "little")
    if length > len(data) - 8:
        raise SystemExit(f"{path}: damaged header")
    tensors = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = data[8 + length + begin:8 + length + end]
        tensors[name] = np.frombuffer(raw, types[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def coloured(labels, truth):
    picture = LABELS[np.minimum(labels, len(LABELS) - 1)].copy()
    if truth is not None:
        picture[labels != truth] = ERROR
    return picture


def boxes_of(label, height, width):
    """Two boxes for the zoom: the centre of the labelled region and its upper edge."""
    side = max(8, min(height, width) // 4)
    rows, columns = np.nonzero(label)
    if len(rows) == 0:
        rows, columns = np.array([height // 2]), np.array([width // 2])
    centres = [(int(rows.mean()), int(columns.mean())), (int(rows.min()) + side // 3, int(columns[rows.argmin()]))]
    return [(min(max(r - side // 2, 0), height - side), min(max(c - side // 2, 0), width - side), side)
            for r, c in centres]


def caption_of(method, tensors, sample):
    """PSNR and Dice of the slice: its index in the test split leads to its row."""
    slice_index = int(tensors["slice"][sample])
    lines_ = []
    for values, form in ((method["PSNR"], "PSNR {:.2f} dB"), (method["Dice"], method["Dice_name"] + " {:.4f}")):
        if slice_index < len(values) and values[slice_index] is not None:
            lines_.append(form.format(values[slice_index]))
    return "\n".join(lines_)


def panels(spec):
    """"methods": [{"label", "file", "PSNR": [a slice...], "Dice": [...], "Dice_name"}], "channels": [name...]"""
    loaded = [(m, read_safetensors(m["file"])) for m in spec["methods"]]
    first = loaded[0][1]
    # The kept slice with the largest labelled region: the ends of a volume show little.
    labels = first.get("label", np.zeros(first["hr"].shape[:1] + first["hr"].shape[2:], np.uint8))
    index = int(np.count_nonzero(labels, axis=(1, 2)).argmax())
    hr, truth = first["hr"][index], labels[index]
    channels = hr.shape[0]
    height, width = hr.shape[1:]
    boxes = boxes_of(truth, height, width)
    columns = [("HR", hr, first.get("prediction_hr", labels), "")]
    for method, tensors in loaded:
        columns.append((method["label"], tensors["sr"][index], tensors.get("prediction"),
                        caption_of(method, tensors, index)))
    rows = channels * 2 + 1
    figure, axes = plt.subplots(rows, len(columns), figsize=(1.55 * len(columns), 1.7 * rows * height / width),
                                squeeze=False, layout="constrained")
    for column, (label, image, prediction, caption) in enumerate(columns):
        for channel in range(channels):
            whole, zoomed = axes[2 * channel][column], axes[2 * channel + 1][column]
            plane = np.clip(image[channel], 0, 1)
            whole.imshow(plane, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            for (top, left, side), colour in zip(boxes, ["red", "lime"]):
                whole.add_patch(plt.Rectangle((left - 0.5, top - 0.5), side, side, fill=False, color=colour, lw=0.8))
            pieces = [plane[t:t + s, l:l + s] for t, l, s in boxes]
            zoomed.imshow(np.hstack(pieces), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            if column == 0 and channels > 1:
                whole.set_ylabel(spec["channels"][channel] if channel < len(spec["channels"]) else "")
        axes[0][column].set_title(label, fontsize=8)
        overlay = axes[-1][column]
        if prediction is not None:
            overlay.imshow(coloured(prediction[index], truth), interpolation="nearest")
        else:
            overlay.imshow(coloured(truth, None), interpolation="nearest")
        overlay.set_xlabel(caption, fontsize=7)
        for row in range(rows):
            axes[row][column].set(xticks=[], yticks=[])
            axes[row][column].grid(False)
            for spine in axes[row][column].spines.values():
                spine.set_visible(False)
    return figure


KINDS = {"scatter": scatter, "lines": lines, "bars": bars, "curves": curves, "panels": panels}


def draw(spec):
    figure = KINDS[spec["kind"]](spec)
    title = spec["title"] + (f"\n{spec['note']}" if spec.get("note") else "")
    figure.suptitle(title, fontsize=10)
    return figure


def save(figure, stem, formats):
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
    for extension in formats:
        temporary = f"{stem}.{extension}.tmp"
        figure.savefig(temporary, format=extension, metadata=metadata[extension])
        os.replace(temporary, f"{stem}.{extension}")


def main():
    request = json.load(sys.stdin)
    os.makedirs(request["folder"], exist_ok=True)
    for spec in request["figures"]:
        figure = draw(spec)
        save(figure, os.path.join(request["folder"], spec["name"]), request["formats"])
        plt.close(figure)


if __name__ == "__main__":
    main()
