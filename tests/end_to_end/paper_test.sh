#!/usr/bin/env bash
# A sliver of studies/mini from nothing to tables, figures, report and exported results.
. "$(dirname "$0")/common.sh"
"$REPRISE" run "$HERE/sliver" -w w --plain --gangs 2 >run.out 2>run.log || { cat run.log w/logs/*; die "run"; }
for format in md latex csv html json; do
  "$REPRISE" table all -w w --against paper --format $format >tables.$format || die "table all --format $format"
done
[ "$(grep -c '^Table [0-9]' tables.md)" = 17 ] || { grep '^Table' tables.md; die "not ten tables in 17 blocks"; }
grep -qE '^\| RDST-E .*\(.*\[33\.26\(3\.4\); [-+]' tables.md || die "no value of RDST-E beside the paper's"
grep -q '^- the plan has no trial table2.rdst' tables.md || die "no word on what is missing"
"$REPRISE" figure all -w w --format svg,png -o figures >figures.out 2>figures.log || { cat figures.log; die "figures"; }
for name in figure3 figure4 figure8 curves; do
  [ -s figures/$name.svg ] && [ -s figures/$name.png ] || die "no $name"
done
grep -q "figure 5: nothing of it is measured yet: reprise run" figures.log || { cat figures.log; die "figure 5"; }
"$REPRISE" report -w w -o report >report.out 2>report.log || { cat report.log; die "report"; }
# A plan of many stages is summed up.
"$REPRISE" status "$HERE/../../studies/mini" -w w >status.txt || die "status"
grep -qE '^[0-9]+ stages: .*[0-9]+ waiting; no coordinator runs here; --stages lists them all$' status.txt || { tail -n 3 status.txt; die "no sum of a long plan"; }
[ "$(wc -l <status.txt)" = 1 ] || die "status lists what needs nobody"
"$REPRISE" status "$HERE/../../studies/mini" -w w --stages >status.txt || die "status --stages"
[ "$(($(wc -l <status.txt) - 1))" = "$(sed -n 's/ stages: .*//p' status.txt)" ] || die "status --stages lists not all"
"$REPRISE" export results.csv --workspace w >/dev/null || die "export csv"
"$REPRISE" export results.json --workspace w >/dev/null || die "export json"
"$REPRISE" query "SELECT count(*) AS n FROM metrics" -w w --format csv >count.csv || die "query"
python3 - <<'PY' || die "contents"
import csv, json, re, xml.etree.ElementTree as xml
for name in ("figure3", "figure4", "figure8", "curves"):
    assert xml.parse(f"figures/{name}.svg").getroot().tag.endswith("svg"), name
page = open("report/report.html").read()
outside = re.findall(r'(?:src|href)="(?!data:|#)[^"]*"|url\(', page)
assert not outside, outside  # One file is enough.
assert page.count('<table class="results">') == 17 and page.count("<figure>") == 4, "tables and figures"
assert re.search(r"\d+ of the paper(&#39;|')s 626 cells have a value\. (\d+) of \2 stages", page), page[:6000]
for text in ("train.steps", "100000", "Deviations from the paper", "Device time of all finished stages",
             "&quot;importer&quot;:&quot;phantom&quot;", "48 slices of 1 x 64 x 64"):
    assert text in page, text
pdf = open("report/report.pdf", "rb").read()
assert pdf.startswith(b"%PDF-") and len(pdf) > 50_000, len(pdf)
rows = list(csv.DictReader(open("results.csv")))
assert [list(r.values()) for r in json.load(open("results.json"))][0][:6] == list(rows[0].values())[:6]
assert len(rows) == len(json.load(open("results.json")))
slices = [r for r in rows if r["slice"] != ""]
# Trials that share a stage have its values each.
assert len(slices) >= int(open("count.csv").read().split()[1]) > 0
assert {"study", "trial", "metric", "value"} <= rows[0].keys()
assert any(r["trial"] == "table1.rdst-e" and r["metric"] == "PSNR" and float(r["value"]) > 5 for r in rows)
assert any(r["metric"] == "steps" or r["slice"] == "" for r in rows), "no numbers of a whole stage"
PY
echo "ok"
