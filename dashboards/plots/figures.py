"""Draws the paper's figures from JSON on standard input: {"figures": [FIGURE...], "folder", "formats"}.

FIGURE = {"name", "title", "kind", ...}; kinds: scatter, lines, bars, curves, panels. dashboards/figures.cpp
writes the JSON and says what each kind holds. Equal input gives equal files: no dates, fixed ids.
"""
import json
import os
import sys

import matplotlib
import matplotlib.ticker

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Patch
from matplotlib.transforms import Bbox

# Okabe and Ito's colours: told apart by colour-blind eyes.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#CC79A7", "#F0E442", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
# Of segmentations, as in the paper; errors are red.
LABEL_COLOURS = {"grey": (160, 160, 160), "yellow": (240, 228, 66), "cyan": (86, 180, 233)}
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


def place_labels(axis, points, sizes):
    """Writes each point's label on that of eight sides of its symbol where it covers the least."""
    figure = axis.figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    centres = [axis.transData.transform((p["x"], p["y"])) for p in points]
    radii = [0.6 * np.sqrt(size) * figure.dpi / 72 for size in sizes]
    taken = [Bbox.from_extents(x - r, y - r, x + r, y + r) for (x, y), r in zip(centres, radii)]
    for point, (x, y), radius in zip(points, centres, radii):
        best = None
        for right, up in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            away = (radius + 3) * 72 / figure.dpi * (1 if right == 0 or up == 0 else 0.75)
            text = axis.annotate(point["label"], (point["x"], point["y"]), xytext=(right * away, up * away),
                                 textcoords="offset points", fontsize=7,
                                 ha=["center", "left", "right"][right], va=["center", "bottom", "top"][up])
            box = text.get_window_extent(renderer)
            covered = sum(max(0, min(box.x1, o.x1) - max(box.x0, o.x0)) * max(0, min(box.y1, o.y1) - max(box.y0, o.y0))
                          for o in taken)
            inside = Bbox.intersection(box, axis.bbox)
            covered += box.width * box.height - (inside.width * inside.height if inside else 0)
            text.remove()
            if best is None or covered < best[0] - 1:
                best = (covered, text, box)
        axis.add_artist(best[1])
        taken.append(best[2])


def scatter(spec):
    """"panels": [{"title", "x_label", "y_label", "points": [{"label", "x", "y", "size", "group"}]}]"""
    figure, axes = grid_of(len(spec["panels"]))
    for axis, panel in zip(axes, spec["panels"]):
        points = panel["points"]
        sizes = sizes_of(points)
        for point, size in zip(points, sizes):
            group = point.get("group", 0)
            axis.scatter(point["x"], point["y"], s=size, color=COLOURS[group % len(COLOURS)],
                         marker=MARKERS[group % len(MARKERS)], alpha=0.75, linewidths=0.8, edgecolors="black")
        for key, draw_line in (("x", axis.axvline), ("y", axis.axhline)):
            if points:
                draw_line(max(p[key] for p in points), color="grey", linewidth=0.6, linestyle=":")
        axis.set(title=panel["title"], xlabel=panel["x_label"], ylabel=panel["y_label"])
        axis.margins(0.2)
    finish_layout(figure, spec)
    for axis, panel in zip(axes, spec["panels"]):
        place_labels(axis, panel["points"], sizes_of(panel["points"]))
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
    """"panels": [{"title", "curves": [{"label", "points": [[step, loss]...]}]}]; equal labels, one colour"""
    figure, axes = grid_of(len(spec["panels"]))
    for axis, panel in zip(axes, spec["panels"]):
        labels = list(dict.fromkeys(curve["label"] for curve in panel["curves"]))
        several = len(panel["curves"]) > len(labels)
        for curve in panel["curves"]:
            index = labels.index(curve["label"])
            steps = [p[0] for p in curve["points"]]
            losses, window = smoothed([p[1] for p in curve["points"]], max(1, len(steps) // 40))
            axis.plot(steps[window - 1:], losses, color=COLOURS[index % len(COLOURS)], linewidth=1.0,
                      alpha=0.6 if several else 1.0, linestyle=["-", "--", ":"][index // len(COLOURS) % 3])
        axis.set(title=panel["title"], xlabel="step", ylabel="training loss")
        values = [p[1] for c in panel["curves"] for p in c["points"]]
        if min(values) > 0 and max(values) > 3 * min(values):
            axis.set_yscale("log")
            axis.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
            axis.yaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
            axis.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5), numticks=12))
        handles = [plt.Line2D([], [], color=COLOURS[i % len(COLOURS)], linestyle=["-", "--", ":"][i // len(COLOURS) % 3])
                   for i in range(len(labels))]
        if len(labels) > 1:
            axis.legend(handles, labels, fontsize=6, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
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


def coloured(labels, truth, colours):
    picture = colours[np.minimum(labels, len(colours) - 1)].copy()
    if truth is not None:
        picture[labels != truth] = ERROR
    return picture


def boxes_of(label, height, width):
    """Two boxes for the zoom: the middle of the labelled region, and its part farthest from there."""
    side = max(8, min(height, width) // 4)
    rows, columns = np.nonzero(label)
    if len(rows) == 0:
        rows, columns = np.array([height // 2]), np.array([width // 2])
    middle = np.abs(rows - rows.mean()) + np.abs(columns - columns.mean())
    far = np.maximum(np.abs(rows - rows[middle.argmin()]), np.abs(columns - columns[middle.argmin()]))
    return [(int(np.clip(rows[at] - side // 2, 0, height - side)), int(np.clip(columns[at] - side // 2, 0, width - side)),
             side) for at in (middle.argmin(), far.argmax())]


def caption_of(method, tensors, sample):
    """PSNR and Dice of the slice: its index in the test split leads to its row."""
    slice_index = int(tensors["slice"][sample])
    lines_ = []
    for values, form in ((method["PSNR"], "PSNR {:.2f} dB"), (method["Dice"], method["Dice_name"] + " {:.4f}")):
        if slice_index < len(values) and values[slice_index] is not None:
            lines_.append(form.format(values[slice_index]))
    return "\n".join(lines_)


BOX_COLOURS = ["red", "lime"]


def show_slice(whole, zoomed, plane, boxes):
    """A slice with its boxes, and below it what is in them, framed in their colours."""
    plane = np.clip(plane, 0, 1)
    whole.imshow(plane, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    for (top, left, side), colour in zip(boxes, BOX_COLOURS):
        whole.add_patch(plt.Rectangle((left - 0.5, top - 0.5), side, side, fill=False, color=colour, lw=0.8))
    gap = 1
    side = boxes[0][2]
    pieces = np.ones((side, 2 * side + gap))
    for index, (top, left, _) in enumerate(boxes):
        at = index * (side + gap)
        pieces[:, at:at + side] = plane[top:top + side, left:left + side]
        zoomed.add_patch(plt.Rectangle((at - 0.5, -0.5), side, side, fill=False, color=BOX_COLOURS[index], lw=1.2,
                                       clip_on=False))
    zoomed.imshow(pieces, cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def panels(spec):
    """"methods": [{"label", "reference", "file", "PSNR": [a slice...], "Dice": [...], "Dice_name"}],
    "channels": [name...], "labels": [[name, colour] of label 1, ...]"""
    loaded = [(m, read_safetensors(m["file"])) for m in spec["methods"]]
    first = loaded[0][1]
    # The kept slice with the largest labelled region: the ends of a volume show little.
    labels = first.get("label", np.zeros(first["hr"].shape[:1] + first["hr"].shape[2:], np.uint8))
    index = int(np.count_nonzero(labels, axis=(1, 2)).argmax())
    truth = labels[index]
    channels, height, width = first["hr"].shape[1:]
    boxes = boxes_of(truth, height, width)
    colours = np.array([(0, 0, 0)] + [LABEL_COLOURS[colour] for _, colour in spec["labels"]]) / 255.0
    columns = [("Ground truth", first["hr"][index], None, "")]
    if not any(method["reference"] for method, _ in loaded):
        columns.append(("HR", first["hr"][index], first.get("prediction_hr"), ""))
    for method, tensors in loaded:
        image = tensors["hr"] if method["reference"] else tensors["sr"]
        columns.append((method["label"], image[index], tensors.get("prediction"), caption_of(method, tensors, index)))
    cell = 1.5
    heights = [cell * height / width, cell / 2] * channels + [cell * height / width]
    figure, axes = plt.subplots(len(heights), len(columns), squeeze=False, layout="constrained",
                                height_ratios=heights, figsize=(cell * len(columns) + 0.3, sum(heights) + 1.1))
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)
    for column, (label, image, prediction, caption) in enumerate(columns):
        for channel in range(channels):
            show_slice(axes[2 * channel][column], axes[2 * channel + 1][column], image[channel], boxes)
            if column == 0 and channels > 1:
                name = spec["channels"][channel] if channel < len(spec["channels"]) else ""
                axes[2 * channel][column].set_ylabel(name)
        axes[0][column].set_title(label, fontsize=8)
        overlay = axes[-1][column]
        shown = coloured(truth, None, colours) if prediction is None else coloured(prediction[index], truth, colours)
        overlay.imshow(shown, interpolation="nearest")
        overlay.set_xlabel(caption, fontsize=7)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.grid(False)
        for spine in axis.spines.values():
            spine.set_visible(False)
    legend = [Patch(facecolor=colour, label=name) for (name, _), colour in zip(spec["labels"], colours[1:])]
    figure.legend(handles=legend + [Patch(facecolor=ERROR, label="error")], loc="outside lower center",
                  ncols=len(legend) + 1, fontsize=7, frameon=False)
    return figure


KINDS = {"scatter": scatter, "lines": lines, "bars": bars, "curves": curves, "panels": panels}


def finish_layout(figure, spec):
    """Title and final places of the axes: what is placed by pixels afterwards stays where it is put."""
    figure.suptitle(spec["title"] + (f"\n{spec['note']}" if spec.get("note") else ""), fontsize=10)
    figure.canvas.draw()
    figure.set_layout_engine("none")


def draw(spec):
    figure = KINDS[spec["kind"]](spec)
    if figure.get_suptitle() == "":
        finish_layout(figure, spec)
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
