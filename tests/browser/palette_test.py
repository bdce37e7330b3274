#!/usr/bin/python3
"""The colours of lines and bars can be told apart by colour-blind readers, and from the page.

Simulates the three dichromacies as Machado, Oliveira and Fernandes (2009) do, severity 1, in linear
RGB, and measures the difference of any two colours by CIEDE2000.
Usage: palette_test.py STYLE.CSS"""
import itertools
import math
import pathlib
import re
import sys

APART = 12  # CIEDE2000: about six times what is just seen between two large fields side by side.
CONTRAST = 3  # WCAG 2.1, 1.4.11: parts of a picture against their ground.

VISIONS = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(colour):
    values = (int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5))
    return [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]


def seen(colour, vision):
    rgb = linear(colour)
    return [min(1, max(0, sum(a * b for a, b in zip(row, rgb)))) for row in VISIONS[vision]]


def lab(rgb):
    rows = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
    white = (0.95047, 1, 1.08883)
    x, y, z = (sum(a * b for a, b in zip(row, rgb)) / w for row, w in zip(rows, white))
    f = [t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z)]
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def ciede2000(one, two):
    """As Sharma, Wu and Dalal (2005) write it."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean ** 7 / (mean ** 7 + 25 ** 7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    grey = c1 * c2 == 0
    turn = 0 if grey else (h2 - h1 + 180) % 360 - 180
    hue = h1 + h2 if grey else h1 + turn / 2
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    cos = lambda factor, shift: math.cos(math.radians(factor * hue + shift))  # noqa: E731
    t = 1 - 0.17 * cos(1, -30) + 0.24 * cos(2, 0) + 0.32 * cos(3, 6) - 0.20 * cos(4, -63)
    dl = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2))
    dc = (c2 - c1) / (1 + 0.045 * chroma)
    dh = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    bend = math.sin(math.radians(60 * math.exp(-(((hue % 360) - 275) / 25) ** 2)))
    rotation = -2 * math.sqrt(chroma ** 7 / (chroma ** 7 + 25 ** 7)) * bend
    return math.sqrt(dl ** 2 + dc ** 2 + dh ** 2 + rotation * dc * dh)


def contrast(one, two):
    light, dark = sorted((sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear(c))) for c in (one, two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def schemes(css):
    """The variables of each :root block: light, dark by choice, dark by the system."""
    blocks = re.findall(r":root[^{]*\{([^}]*)\}", css)
    found = [dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]{6})\b", block)) for block in blocks]
    assert len(found) == 3 and found[1] == found[2], "the two dark blocks of style.css differ"
    return {"light": found[0], "dark": found[1]}


def main():
    # Pairs of Sharma, Wu and Dalal's table, so that the measure itself is right.
    for one, two, difference in (((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425), ((50, 2.5, 0), (56, -27, -3), 31.9030),
                                 ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082)):
        assert abs(ciede2000(one, two) - difference) < 1e-4, (one, two, ciede2000(one, two))
    faults = []
    for scheme, variables in schemes(pathlib.Path(sys.argv[1]).read_text()).items():
        colours = [variables[f"series-{i}"] for i in range(7)]
        nearest = min((ciede2000(lab(seen(a, vision)), lab(seen(b, vision))), vision, a, b)
                      for vision in VISIONS for a, b in itertools.combinations(colours, 2))
        faintest = min((contrast(colour, variables["card"]), colour) for colour in colours)
        print(f"{scheme}: nearest {nearest[0]:.1f} ({nearest[1]}, {nearest[2]} and {nearest[3]}); least contrast {faintest[0]:.2f} ({faintest[1]})")
        if nearest[0] < APART:
            faults.append(f"{scheme}: {nearest[2]} and {nearest[3]} are {nearest[0]:.1f} apart in {nearest[1]}, want {APART}")
        if faintest[0] < CONTRAST:
            faults.append(f"{scheme}: {faintest[1]} has a contrast of {faintest[0]:.2f} on the page, want {CONTRAST}")
        # A state carries a shape and its name too; done and failed must not look alike all the same.
        for vision in VISIONS:
            apart = ciede2000(lab(seen(variables["done"], vision)), lab(seen(variables["failed"], vision)))
            if apart < APART:
                faults.append(f"{scheme}: done and failed are {apart:.1f} apart in {vision}, want {APART}")
    assert not faults, "\n".join(faults)


main()
