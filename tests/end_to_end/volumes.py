"""NIfTI-1 volumes for models_test.sh, with nothing but Python's own library.

make OUT            a smooth 12x10x8 volume of 1 x 1.5 x 3 mm, rotated in space, in units of 100 to 900
twin IN OUT         the same voxels stored in the opposite order along x, in the same place in space
finer LOW HIGH AXIS checks that HIGH covers LOW's space, 4 times as fine but along AXIS
same A B            checks that two volumes have equal voxels, to float rounding
labels A CLASSES    checks a volume of labels
"""

import gzip
import math
import struct
import sys

FORMATS = {2: "B", 4: "h", 8: "i", 16: "f"}


def read(path):
    with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as file:
        data = file.read()
    dims = struct.unpack("<8h", data[40:56])[1:4]
    kind = struct.unpack("<h", data[70:72])[0]
    sizes = struct.unpack("<8f", data[76:108])[1:4]
    start = int(struct.unpack("<f", data[108:112])[0])
    affine = [struct.unpack("<4f", data[at : at + 16]) for at in (280, 296, 312)]
    count = dims[0] * dims[1] * dims[2]
    values = struct.unpack_from(f"<{count}{FORMATS[kind]}", data, start)
    return dims, sizes, affine, kind, values


def write(path, dims, sizes, affine, values):
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *dims, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 16, 32)
    struct.pack_into("<8f", header, 76, 1, *sizes, 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, 352, 1, 0)
    header[123] = 2  # Millimetres.
    struct.pack_into("<2h", header, 252, 0, 1)
    for row, at in zip(affine, (280, 296, 312)):
        struct.pack_into("<4f", header, at, *row)
    header[344:348] = b"n+1\0"
    with open(path, "wb") as file:
        file.write(header + struct.pack(f"<{len(values)}f", *values))


def make(out):
    dims, sizes = (12, 10, 8), (1.0, 1.5, 3.0)
    turn = math.radians(20)
    c, s = math.cos(turn), math.sin(turn)
    affine = [(c, -s * 1.5, 0, -5), (s, c * 1.5, 0, 7), (0, 0, 3.0, -20)]
    values = [
        500 + 400 * math.sin(x / 3) * math.cos(y / 4 + z / 5)
        for z in range(dims[2])
        for y in range(dims[1])
        for x in range(dims[0])
    ]
    write(out, dims, sizes, affine, values)


def twin(source, out):
    dims, sizes, affine, _, values = read(source)
    nx = dims[0]
    rows = [values[at : at + nx][::-1] for at in range(0, len(values), nx)]
    turned = [(-a, b, c, t + a * (nx - 1)) for a, b, c, t in affine]
    write(out, dims, sizes, turned, [value for row in rows for value in row])


def place(affine, index):
    return [sum(a * i for a, i in zip(row, index)) + row[3] for row in affine]


def close(a, b, tolerance=1e-3):
    assert all(abs(x - y) <= tolerance for x, y in zip(a, b)), (a, b)


def finer(low, high, axis):
    dims, sizes, affine, _, values = read(low)
    fine_dims, fine_sizes, fine_affine, kind, fine_values = read(high)
    factors = [1 if i == int(axis) else 4 for i in range(3)]
    assert list(fine_dims) == [n * f for n, f in zip(dims, factors)], fine_dims
    close(fine_sizes, [s / f for s, f in zip(sizes, factors)])
    # The outer corners stay where they are in space.
    close(place(affine, [-0.5] * 3), place(fine_affine, [-0.5] * 3))
    close(place(affine, [n - 0.5 for n in dims]), place(fine_affine, [n - 0.5 for n in fine_dims]))
    assert kind == 16
    # In the input's units: a network of a few steps is no artist, but a mean it can keep.
    mean, fine_mean = (sum(v) / len(v) for v in (values, fine_values))
    spread = max(values) - min(values)
    assert abs(mean - fine_mean) < 0.25 * spread, (mean, fine_mean, spread)


def same(a, b):
    (dims, _, affine, _, values), (other_dims, _, other_affine, _, other) = read(a), read(b)
    assert dims == other_dims
    for row, other_row in zip(affine, other_affine):
        close(row, other_row)
    spread = max(values) - min(values)
    worst = max(abs(x - y) for x, y in zip(values, other))
    assert worst <= 1e-4 * spread, (worst, spread)


def labels(path, classes):
    _, _, _, kind, values = read(path)
    assert kind == 2 and max(values) < int(classes), (kind, max(values))


command, *arguments = sys.argv[1:]
{"make": make, "twin": twin, "finer": finer, "same": same, "labels": labels}[command](*arguments)
