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
# The promise: the same global batch gives the same loss to float tolerance. Later steps differ more,
# because training amplifies rounding errors: a pixel on the kink of L1 flips its gradient's sign,
# Adam makes full steps of small gradients. So the first steps are compared (gang_test.cpp compares
# losses and gradients of single steps), and of the tables what does not hang on a fresh U-Net.
python3 - <<'PY' || die "gang sizes disagree"
import csv, json, sqlite3
def curves(folder):
    rows = sqlite3.connect(f"{folder}/reprise.db").execute(
        "SELECT s.id, s.kind, r.body FROM results r JOIN stages s ON s.id = r.stage")
    return {i: (kind, json.loads(body)["curve"]) for i, kind, body in rows}
one, two = curves("one"), curves("two")
assert one.keys() == two.keys() and len(one) == 10
trained = 0
for stage, (kind, curve) in one.items():
    if not curve: continue
    trained += 1
    assert [p[0] for p in curve] == [p[0] for p in two[stage][1]]
    # A fine-tuning starts from weights that the whole of two trainings has moved apart.
    tolerance = {"pretrain": 1e-4, "train-unet": 1e-3, "finetune": 0.1}[kind]
    for (step, a), (_, b) in list(zip(curve, two[stage][1]))[:3]:
        assert abs(a - b) <= tolerance * abs(a), (kind, step, a, b)
assert trained == 5
a, b = (list(csv.DictReader(open(f))) for f in ("one.csv", "two.csv"))
assert len(a) == len(b) == 20
for x, y in zip(a, b):
    assert (x["row"], x["column"], x["count"]) == (y["row"], y["column"], y["count"])
    if x["mean"] and not x["column"].startswith("Dice"):
        assert abs(float(x["mean"]) - float(y["mean"])) < 0.05 * max(1, abs(float(x["mean"]))), (x, y)
PY
"$REPRISE" plan "$HERE/tiny.toml" -w one --json | grep -q '"steps_left":0' || die "plan"
"$REPRISE" status "$HERE/tiny.toml" -w one | grep -vq "^done" && die "status: something is not done"
echo "ok"
