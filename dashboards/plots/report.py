"""Writes report.html (one self-contained page) and report.pdf from JSON on standard input; figures.py draws.

{"folder", "title", "about": [[name, value]...], "tables": [{"title", "html", "columns", "rows", "notes"}],
 "figures": [FIGURE...], "provenance": {"columns", "rows"}, "costs": [[name, value]...], "deviations": [text...]}
"""
import base64
import html
import io
import json
import os
import sys

import figures
import matplotlib.pyplot as plt
from matplotlib.backends.backend_pdf import PdfPages

STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:1200px;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums;display:block;overflow-x:auto}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #8884;white-space:nowrap}
th[scope=row],td:first-child{text-align:left}
.best{color:#c00;font-weight:700}.second{color:#06c;font-weight:700}.better{color:#c00}.worse{color:#080}
.paper{opacity:.65;font-size:.85em}.missing{font-size:.85em;opacity:.8}
figure{margin:1.5rem 0}figure img{max-width:100%;background:#fff}
@media(prefers-color-scheme:dark){.best,.better{color:#ff7b72}.second{color:#79c0ff}.worse{color:#7ee787}}
"""


def pairs(rows):
    cells = "".join(f"<tr><th scope=row>{html.escape(str(k))}</th><td>{html.escape(str(v))}</td></tr>" for k, v in rows)
    return f"<table>{cells}</table>"


def listing(table):
    head = "".join(f"<th scope=col>{html.escape(c)}</th>" for c in table["columns"])
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(c))}</td>" for c in row) + "</tr>" for row in table["rows"])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def embedded(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def table_page(title, columns, rows, notes=()):
    """A table on one A4 page, landscape, as small as it must be."""
    figure, axis = plt.subplots(figsize=(11.7, 8.3))
    axis.axis("off")
    axis.grid(False)
    axis.set_title(title, fontsize=11, loc="left")
    drawn = axis.table(cellText=rows, colLabels=columns, loc="upper center", cellLoc="center")
    drawn.auto_set_font_size(False)
    longest = sum(max([len(str(r[i])) for r in rows] + [len(columns[i])]) for i in range(len(columns)))
    drawn.set_fontsize(max(3.5, min(8, 1150 / max(longest, 1) / 1.2)))
    drawn.auto_set_column_width(list(range(len(columns))))
    if notes:
        axis.text(0, 0, "\n".join(notes[:12])[:2400], fontsize=6, va="bottom", wrap=True)
    return figure


def main():
    data = json.load(sys.stdin)
    os.makedirs(data["folder"], exist_ok=True)
    parts = [f"<h1>{html.escape(data['title'])}</h1>", pairs(data["about"]), "<h2>Tables</h2>"]
    with PdfPages(os.path.join(data["folder"], "report.pdf.tmp"), metadata={"CreationDate": None}) as pdf:
        def page(figure):
            pdf.savefig(figure)
            plt.close(figure)

        page(table_page(data["title"], ["", ""], [[str(k), str(v)] for k, v in data["about"] + data["costs"]]))
        for table in data["tables"]:
            parts.append(table["html"])
            page(table_page(table["title"], table["columns"], table["rows"], table["notes"]))
        parts.append("<h2>Figures</h2>")
        for spec in data["figures"]:
            figure = figures.draw(spec)
            parts.append(f"<figure><img alt=\"{html.escape(spec['title'])}\" src=\"{embedded(figure)}\"></figure>")
            page(figure)
        rows = data["provenance"]["rows"]
        for start in range(0, len(rows), 45):
            page(table_page("Provenance", data["provenance"]["columns"], rows[start:start + 45]))
        page(table_page("Deviations from the paper", [""], [[text[:170]] for text in data["deviations"]]))
    os.replace(os.path.join(data["folder"], "report.pdf.tmp"), os.path.join(data["folder"], "report.pdf"))
    parts += ["<h2>What it cost</h2>", pairs(data["costs"]), "<h2>Deviations from the paper</h2><ul>"]
    parts += [f"<li>{html.escape(text)}</li>" for text in data["deviations"]]
    parts += ["</ul><h2>Provenance</h2>", listing(data["provenance"])]
    page_text = ("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
                 f"content=\"width=device-width\"><title>{html.escape(data['title'])}</title><style>{STYLE}</style><body>"
                 + "\n".join(parts) + "</body></html>\n")
    path = os.path.join(data["folder"], "report.html")
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write(page_text)
    os.replace(path + ".tmp", path)


if __name__ == "__main__":
    main()
