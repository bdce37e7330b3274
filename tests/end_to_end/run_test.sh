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
# A longer study of the same shapes is planned from what these steps took, as the database has it.
"$REPRISE" plan "$HERE/tiny.toml" -w new | grep -q "modelled for an H100-class GPU: nothing was measured" || die "plan of nothing"
sed 's/steps = 20/steps = 9000/; s/steps = 40/steps = 70000/' "$HERE/tiny.toml" >longer.toml
"$REPRISE" plan longer.toml -w one --json >longer.json || die "plan of a longer study"
"$REPRISE" plan longer.toml -w one | grep -q "as measured on cpu (1 CPU thread a rank)$" || die "plan: how costs are known"
python3 - <<'PY' || { cat longer.json; die "a longer study is not planned from measured steps"; }
import json, sqlite3
plan = json.load(open("longer.json"))
assert plan["costs"] == {"device": "cpu", "threads": 1, "measured": 10, "scaled": 0, "modelled": 0}, plan["costs"]
rows = sqlite3.connect("one/reprise.db").execute("""SELECT s.kind, s.config, c.step_seconds, c.start_seconds
    FROM stage_costs c JOIN attempts a ON a.fence = c.fence JOIN stages s ON s.id = a.stage""").fetchall()
def loss(config): return [term["name"] for term in json.loads(config).get("loss", [])]
trainings = {(kind, *loss(config)): (step, start) for kind, config, step, start in rows if kind not in ("evaluate", "profile")}
assert len(trainings) == 5, trainings
longer = {(s["kind"], *s["label"].split()[1].split("+")): s for s in plan["stages"] if s["kind"] in ("pretrain", "finetune")}
assert len(longer) == 4, longer
for shape, stage in longer.items():
    step, start = trainings[shape]
    assert stage["cost"] == "measured" and not stage["done"] and stage["steps"] >= 9000
    assert abs(stage["seconds"] - start - step * stage["steps"]) < 1e-6 * stage["seconds"], (shape, stage, step, start)
PY
"$REPRISE" status "$HERE/tiny.toml" -w one >status.txt || die "status"
[ "$(grep -c "^done" status.txt)" = 10 ] && [ "$(tail -n 1 status.txt)" = "10 stages: 10 done; no coordinator runs here" ] ||
  { cat status.txt; die "status: something is not done"; }
echo "ok"
