#!/usr/bin/env python3
"""Names that are really commands: for a shell, for SQL, for sbatch, for a path. They stay names, or are refused."""
import csv
import io
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "chaos"))
from harness import check, main  # noqa: E402

SHELL = ["; touch pwned", "$(touch pwned)", "`touch pwned`", "| touch pwned", "&& touch pwned", "x\ntouch pwned",
         "${IFS}touch${IFS}pwned", "'; touch pwned; '", "\"; touch pwned; \"", "-o ProxyCommand=touch", "--wrap=touch pwned",
         "> pwned", ">> pwned", "<(touch pwned)", "\\$(touch pwned)", "~/pwned", "*", "?", "!!", "%s%n%x", "x\0y",
         "\u202etxt.exe", "\u00e9\u4e2d\U0001f600"]
SQL = ["'; DROP TABLE results; --", "' OR '1'='1", "\"; DELETE FROM stages; --", "x' UNION SELECT sql FROM sqlite_schema --",
       "'); ATTACH '/tmp/pwned' AS p; --", "Robert'); DROP TABLE attempts;--", "x\"\"y", "''", "%", "_", "\\' OR 1=1 --",
       "1; PRAGMA writable_schema=1", "x'||load_extension('/tmp/x')||'", "/* */", "-- "]
BATCH = ["a\n#SBATCH --wrap=touch pwned", "a\n#SBATCH --output=/tmp/pwned", "#SBATCH -o pwned", "a\r\n#SBATCH -D /",
         "a b --job-name=c", "a;b|c&d", "%j%u%x"]
PATHS = ["../../pwned", "..", ".", "/tmp/pwned", "a/../../pwned", "..\\..\\pwned", "C:\\pwned", "./pwned", "//pwned",
         "pwned/", ".hidden", "-rf", "x" * 200, "", " ", "a b", "con\tcat"]
TERMINAL = ["\x1b[2J\x1b[1;1Hgone", "\x1b]0;pwned\x07", "\u009b31mred", "good\rbad", "a\b\b\bb", "x\x1bPpwned\x1b\\"]
ALL = SHELL + SQL + BATCH + PATHS + TERMINAL

STUDY = """schema = 1
name = {name}
title = {title}
[datasets.{dataset}]
importer = "phantom"
subjects = 2
volume = [64, 64, 8]
test_subjects = 1
size = [64, 64]
[trial]
dataset = {dataset}
network = {{ width = 12, growth = 6, heads = 6, window = 8, blocks = 1, dense_layers = 1 }}
unet = {{ width = 8, train = {{ steps = 2, batch = 4, patch = 64, learning_rate = 1e-3 }} }}
[[tables]]
name = {table}
columns = ["PSNR"]
"""


def text(value):
    """A TOML basic string."""
    return json.dumps(value, ensure_ascii=True).replace("\\ud83d\\ude00", "\\U0001F600")


def study(lab, file, rows, name="names", title="t", dataset="phantom", table="t"):
    path = lab.folder / file
    path.write_text(STUDY.format(name=text(name), title=text(title), dataset=text(dataset), table=text(table))
                    + "".join(f'[[trials]]\nrow = {text(row)}\nname = "t{number}"\nmethod = "bicubic"\n'
                              for number, row in enumerate(rows)))
    return path


def reprise(lab, *words, cwd=None):
    done = subprocess.run([lab.reprise, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120, env=lab.environment, cwd=cwd or lab.folder)
    done.stdout = done.stdout.decode()
    steers = re.search("[^\n\x20-\x7e\x80-\U0010ffff]|[\x80-\x9f]", done.stdout)
    check(steers is None, words, "a terminal would obey this:", steers and repr(done.stdout[steers.start() - 60:][:120]))
    return done


def files(lab):
    """Everything outside the workspace."""
    return sorted(str(path) for path in lab.folder.rglob("*") if not str(path).startswith(str(lab.folder / "names")))


def labels(lab):
    """Rows of a table may be called anything: they come out as they went in, and do nothing."""
    rows = [row for row in ALL if row.strip() and "{" not in row and "}" not in row and "\0" not in row]
    check(len(rows) >= 50, "payloads:", len(rows))
    path = study(lab, "labels.toml", rows, title=SQL[0], table="t")
    before = files(lab)
    done = reprise(lab, "run", path, "-w", lab.folder / "names", "--worker", lab.gang, "--plain", "--gangs", 1)
    check(done.returncode == 0, done.stdout[-3000:])
    check(files(lab) == before, "files appeared:", set(files(lab)) - set(before))
    # As bytes: Python would make one line end of "\\r\\n".
    table = subprocess.run([lab.reprise, "table", str(path), "-w", str(lab.folder / "names"), "--format", "csv"],
                           check=True, stdout=subprocess.PIPE, env=lab.environment).stdout.decode()
    shown = [row[1] for row in csv.reader(io.StringIO(table, newline=""))][1:]
    check(shown == rows, "labels changed:", [pair for pair in zip(shown, rows) if pair[0] != pair[1]][:3])
    stored = [row for row, in lab.query("names", "SELECT label FROM trials ORDER BY position")]
    check(stored == rows, "the database has others:", stored[:5])
    check("sound" in reprise(lab, "db", "check", "-w", lab.folder / "names").stdout, "damaged")
    for words in (("plan", path), ("status", path), ("table", path), ("show", "study", "names"), ("show", "tables", "names"),
                  ("show", "overview"), ("show", "stages", "names"), ("query", "SELECT label FROM trials"),
                  ("compare", path, TERMINAL[0], TERMINAL[1]), ("show", "events")):
        done = reprise(lab, *words, "-w", lab.folder / "names")
        check(done.returncode == 0, words, done.stdout[-2000:])
    # Asked for by such a name, nothing is done and the name is repeated in one line.
    for row in rows:
        for words in (("logs", row), ("show", "stage", row), ("show", "study", row)):
            done = reprise(lab, words[0], *words[1:-1], "-w", lab.folder / "names", "--", words[-1])
            check(done.returncode in (0, 2), words, done.returncode, done.stdout)
    check(files(lab) == before, "files appeared:", set(files(lab)) - set(before))
    check(lab.query("names", "SELECT count(*) FROM trials") == [(len(rows),)], "rows are gone")


def names(lab):
    """What becomes a file, a job or an address is of safe characters: everything else is refused in one line."""
    before = files(lab)
    refused = 0
    for number, payload in enumerate(ALL):
        for key in ("name", "dataset"):
            path = study(lab, "one.toml", ["Bicubic"], **{key: payload})
            done = reprise(lab, "submit", path, "-w", lab.folder / "names", "--dry-run")
            check(done.returncode == 2, key, repr(payload), "was taken:", done.returncode, done.stdout)
            check(done.stdout.count("\n") == 1 and "one.toml" in done.stdout, key, repr(payload), done.stdout)
            refused += 1
    path.unlink()
    check(refused >= 120, refused)
    check(files(lab) == before, "files appeared:", set(files(lab)) - set(before))


def places(lab):
    """Folders may be called anything: commands are lists of words, never a line for a shell."""
    for payload in ("a; touch pwned", "$(touch pwned)", "`touch pwned`", "a b 'c' \"d\"", "a&b|c"):
        folder = lab.folder / "names" / payload
        path = study(lab, "place.toml", ["Bicubic"])
        done = reprise(lab, "run", path, "-w", folder, "--worker", lab.gang, "--plain", "--gangs", 1,
                       cwd=lab.folder / "names")
        check(done.returncode == 0, repr(payload), done.stdout[-2000:])
    check(not list(lab.folder.rglob("pwned")), "a shell ran it")


if __name__ == "__main__":
    os.umask(0o022)
    main({f.__name__: f for f in (labels, names, places)})
