"""Prints an HTML page: {"page": FILE, "pdf": FILE} as JSON on standard input. Equal pages give equal files."""
import json
import os
import sys
from pathlib import Path

import matplotlib
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration


def main():
    request = json.load(sys.stdin)
    # matplotlib's own font files: a machine without any fonts prints the same.
    folder = Path(matplotlib.get_data_path()) / "fonts/ttf"
    faces = "".join(f'@font-face {{ font-family: "DejaVu Sans"; font-weight: {weight}; src: url("{(folder / file).as_uri()}"); }}\n'
                    for file, weight in (("DejaVuSans.ttf", "normal"), ("DejaVuSans-Bold.ttf", "bold")))
    fonts = FontConfiguration()
    temporary = request["pdf"] + ".tmp"
    HTML(filename=request["page"]).write_pdf(temporary, stylesheets=[CSS(string=faces, font_config=fonts)], font_config=fonts)
    os.replace(temporary, request["pdf"])


main()
