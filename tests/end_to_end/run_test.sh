#!/usr/bin/env bash
# One study through the real program: every row has values, a second run does nothing again, gangs of
# two ranks agree with gangs of one to float tolerance.
. "$(dirname "$0")/common.sh"
run one --gangs 2 >one.out 2>one.log || { cat one.log one/logs/* ; die "the first run"; }
grep -q "^| Bicubic" one.out || { cat one.out; die "no table printed"; }
table one >one.csv || die "table"
[ "$(grep -c ',,,0,' one.csv)" = 2 ] || { cat one.csv; die "only HR's PSNR and SSIM may be empty"; }
start=$SECONDS
run one >again.out 2>again.log || die "the second run"
grep -q "0 stages run, 10 already" again.log || { cat again.log; die "the second run ran stages again"; }
cmp one.out again.out || die "the second table differs"
run two --gangs 1 --ranks 2 >two.out 2>two.log || { cat two.log two/logs/*; die "gangs of two ranks"; }
table two >two.csv
python3 - <<'PY' || die "gang sizes disagree"
import csv
a, b = (list(csv.DictReader(open(f))) for f in ("one.csv", "two.csv"))
assert len(a) == len(b) == 20
for x, y in zip(a, b):
    assert (x["row"], x["column"], x["count"]) == (y["row"], y["column"], y["count"])
    if x["mean"]:
        assert abs(float(x["mean"]) - float(y["mean"])) < 2e-2 * max(1, abs(float(x["mean"]))), (x, y)
PY
"$REPRISE" plan "$HERE/tiny.toml" -w one --json | grep -q '"steps_left":0' || die "plan"
"$REPRISE" status "$HERE/tiny.toml" -w one | grep -vq "^done" && die "status: something is not done"
echo "ok"
