#!/usr/bin/env bash
# Trained weights in use: FID, export with a model card, comparison of rows, super-resolution and labels
# of volumes in their place in space, and one clear line for what cannot be.
# Usage: models_test.sh REPRISE PYTHON TESTS_FOLDER [OPEN_DATA]
. "$(dirname "$0")/common.sh"
PYTHON=$2 TESTS=$3 OPEN=${4:-}
volumes() { python3 "$HERE/volumes.py" "$@"; }
infer() { "$REPRISE" infer --workspace w "$@" >infer.log 2>&1 || { cat infer.log; die "infer $*"; }; }
# Enough steps to beat nothing, but to keep the images' mean.
python3 - "$HERE/tiny.toml" >small.toml <<'PY' || die "study"
import sys
text = open(sys.argv[1]).read()
head, *trials = text.split("[[trials]]")
tables = trials[-1][trials[-1].index("[[tables]]"):].split("paper =")[0]
print(head + '[[trials]]\nrow = "Bicubic"\nmethod = "bicubic"\n\n[[trials]]\nrow = "L1"\n\n' + tables)
PY
"$REPRISE" run small.toml -w w --plain >run.out 2>run.log || { cat run.log; die "training"; }

# FID: without the Inception the cell says what is needed; with it there is a number for every row but HR.
sed -e 's/"Dice-T", "Dice-G"/"FID"/' small.toml >fid.toml
"$REPRISE" table fid.toml -w w >fid.md 2>&1 || { cat fid.md; die "table with FID"; }
grep -q 'FID needs the Inception weights: \[weights\] inception' fid.md || { cat fid.md; die "no reason for FID"; }
"$PYTHON" "$TESTS/models/weights_files.py" inception . "$TESTS/models/keys" || die "weights"
printf '\n[weights]\ninception = "inception.pth"\n' >>fid.toml
sed -i 's/volume = .*/volume = [64, 64, 6]/' fid.toml
"$REPRISE" run fid.toml -w fid --plain >fid.out 2>fid.log || { cat fid.log fid/logs/*; die "FID"; }
"$REPRISE" table fid.toml -w fid --format csv >fid.csv || die "table of FID"
python3 - <<'PY' || { cat fid.csv; die "FID"; }
import csv
values = {row["row"]: float(row["mean"]) for row in csv.DictReader(open("fid.csv")) if row["column"] == "FID"}
assert set(values) == {"Bicubic", "L1"} and all(0 < value < 1e6 for value in values.values()), values
PY
mv inception.pth elsewhere.pth
refused 2 'weights.inception = .*inception.pth.: no such file' "$REPRISE" run fid.toml -w other --plain

# Export by row, by trial and by the beginning of an id; the card says what the database says.
"$REPRISE" export L1 --workspace w -o card >/dev/null || die "export"
stage=$("$REPRISE" query -w w --format csv "SELECT id FROM stages WHERE kind = 'finetune'" | tail -n 1)
"$REPRISE" export "${stage:0:12}" --workspace w -o again >/dev/null || die "export by id"
cmp card/l1.safetensors again/l1.safetensors || die "two exports differ"
grep -q "^| PSNR |" card/l1.md || { cat card/l1.md; die "no metrics on the card"; }
"$REPRISE" table small.toml -w w --format csv >table.csv || die "table"
python3 - "$stage" <<'PY' || die "the card"
import csv, hashlib, json, pathlib, sys
card = json.load(open("card/l1.json"))
assert card["stage"] == sys.argv[1] and card["kind"] == "finetune" and card["trials"] == ["l1"]
assert card["config"]["network"]["name"] == "rdst" and card["provenance"]["torch"]
stored = pathlib.Path(f"w/objects/{card['weights']['sha256']}.safetensors").read_bytes()
assert hashlib.sha256(stored).hexdigest() == card["weights"]["sha256"]
psnr = next(row for row in csv.DictReader(open("table.csv")) if (row["row"], row["column"]) == ("L1", "PSNR"))
own = card["metrics"][0]["values"]["PSNR"]
assert abs(own["mean"] - float(psnr["mean"])) < 1e-4 and own["count"] == int(psnr["count"])
PY

# Which difference is real: paired over slices, and over subjects (here one, which proves nothing).
"$REPRISE" compare small.toml Bicubic L1 -w w --metric PSNR >compare.md || die "compare"
grep -qE '^\| PSNR \| 16 slices .* to .*\| [<0-9. ]+ \|$' compare.md || { cat compare.md; die "compare: slices"; }
grep -qE '^\| PSNR \| 1 subject \|.*\| – \| – \|$' compare.md || { cat compare.md; die "compare: subjects"; }
"$REPRISE" compare small.toml Bicubic L1 -w w --json | python3 -c 'import json, sys; json.load(sys.stdin)' || die "compare --json"
refused 2 'row "L2": the study has no such row; did you mean "L1"' "$REPRISE" compare small.toml L1 L2 -w w
refused 2 'are one and the same' "$REPRISE" compare small.toml L1 l1 -w w
refused 2 'metric PNSR: the two rows do not share it; did you mean "PSNR"' "$REPRISE" compare small.toml L1 Bicubic -w w --metric PNSR
refused 2 'no database yet' "$REPRISE" compare small.toml L1 Bicubic -w nowhere
refused 2 'second is required' "$REPRISE" compare small.toml L1 -w w

volumes make low.nii
infer --model L1 --input low.nii --output sr.nii.gz --batch 3 --segment --labels seg.nii.gz
volumes finer low.nii sr.nii.gz 2 || die "geometry"
volumes labels seg.nii.gz 4 || die "labels"
infer --model card/l1.safetensors --input low.nii --output file.nii --batch 8
volumes same sr.nii.gz file.nii || die "the exported file gives other voxels than the stage, or batches differ"
infer --model "${stage:0:8}" --input low.nii --output across.nii --axis 0
volumes finer low.nii across.nii 0 || die "geometry across x"
# The same head stored from right to left comes out in the same place; only the network's own sense
# of left and right differs, so that voxels are not compared.
volumes twin low.nii twin.nii
infer --model L1 --input twin.nii --output twin-sr.nii
volumes finer twin.nii twin-sr.nii 2 || die "geometry of the twin"

refused 2 'model "nope": no file, trained stage or trial of that name; valid' "$REPRISE" infer --workspace w --model nope --input low.nii --output x.nii
refused 2 'none.nii: no such volume' "$REPRISE" infer --workspace w --model L1 --input none.nii --output x.nii
refused 2 'x.png: must end in .nii' "$REPRISE" infer --workspace w --model L1 --input low.nii --output x.png
refused 2 'low.nii: is an input or another output' "$REPRISE" infer --workspace w --model L1 --input low.nii --output ./low.nii
refused 2 '2 given, the network takes 1' "$REPRISE" infer --workspace w --model L1 --input low.nii low.nii --output x.nii y.nii
refused 2 '1 for 2 --input' "$REPRISE" infer --workspace w --model L1 --input low.nii low.nii --output x.nii
refused 3 'small.toml: neither NIfTI nor Analyze' "$REPRISE" infer --workspace w --model L1 --input small.toml --output x.nii
refused 2 'segment requires --labels' "$REPRISE" infer --workspace w --model L1 --input low.nii --output x.nii --segment
refused 2 'weights from a file know no U-Net' "$REPRISE" infer --workspace w --model card/l1.safetensors --input low.nii --output x.nii --segment --labels y.nii
unet=$("$REPRISE" query -w w --format csv "SELECT id FROM stages WHERE kind = 'train-unet'" | tail -n 1)
refused 2 'is a segmentation U-Net' "$REPRISE" infer --workspace w --model "$unet" --input low.nii --output x.nii
refused 3 'do not fit the network: missing' "$REPRISE" infer --workspace w --model card/l1.safetensors --network edsr-lite --input low.nii --output x.nii
refused 3 'safetensors' "$REPRISE" infer --workspace w --model low.nii --network edsr-lite --scale 4 --input low.nii --output x.nii
refused 2 'holds no reprise.db' "$REPRISE" export L1 --workspace nowhere
head -c 20000 card/l1.safetensors >cut.safetensors
refused 3 'cut.safetensors' "$REPRISE" infer --workspace w --model cut.safetensors --input low.nii --output x.nii
[ ! -e x.nii ] || die "a refused command left a file"

mkdir golden none
echo junk >golden/a.safetensors
"$REPRISE" golden golden >golden.out
[ $? = 1 ] || { cat golden.out; die "golden: a damaged file must end in exit code 1"; }
grep -q '^MISS  a.safetensors .*not a safetensors file' golden.out || { cat golden.out; die "golden: the reason"; }
refused 2 'none: has no .safetensors files' "$REPRISE" golden none
refused 2 'absent' "$REPRISE" golden absent

if [ -n "$OPEN" ] && [ -e "$OPEN/msd-hippocampus" ]; then
  infer --model L1 --input "$OPEN/msd-hippocampus/imagesTr/hippocampus_001.nii.gz" --output real.nii.gz --segment --labels real-seg.nii.gz
  volumes finer "$OPEN/msd-hippocampus/imagesTr/hippocampus_001.nii.gz" real.nii.gz 2 || die "a real volume"
  volumes labels real-seg.nii.gz 4 || die "labels of a real volume"
fi
echo "ok"
