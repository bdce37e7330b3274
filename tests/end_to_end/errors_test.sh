#!/usr/bin/env bash
# Bad input gives one clear line that names what is wrong, and the documented exit code.
. "$(dirname "$0")/common.sh"
study() { sed "$1" "$HERE/tiny.toml" >bad.toml; }
refused 2 'unknown command "rnu"; did you mean "run"' "$REPRISE" rnu x
refused 2 'no/such.toml: no such file' "$REPRISE" run no/such.toml -w w
study 's/subjects = 3/subjcts = 3/'
refused 2 'bad.toml:7:1: datasets.phantom.subjcts = 3: unknown key; did you mean "subjects"' "$REPRISE" plan bad.toml
study 's/subjects = 3/subjects = "3"/'
refused 2 'bad.toml:7:.*must be an integer' "$REPRISE" plan bad.toml
study 's/"e1"/"e9"/'
refused 2 'bad.toml.*finetune.loss.name.*unknown value' "$REPRISE" plan bad.toml
sed 's/^metric = .*/metric = "PSRN"/' "$HERE/search.toml" >bad.toml
refused 2 'bad.toml:23:10: search.metric = "PSRN": .*valid: validation, PSNR, SSIM$' "$REPRISE" plan bad.toml
refused 2 'bad.toml:23:10: search.metric' "$REPRISE" run bad.toml -w w
[ ! -e w/datasets ] || die "data were made for a search that cannot be"
sed 's/^metric = .*/metric = "Dice-ET"/; s/^segmented = .*//' "$HERE/search.toml" >bad.toml
refused 2 'valid: validation, PSNR, SSIM, Dice-T, Dice-G, Dice-W, Dice-CSF$' "$REPRISE" plan bad.toml
sed 's/^metric = .*/metric = "Dice-W"/; s/^segmented = .*//' "$HERE/search.toml" >good.toml
"$REPRISE" plan good.toml >out 2>err || { cat err; die "a metric that there is was refused"; }
refused 2 'no database yet' "$REPRISE" table "$HERE/tiny.toml" -w nowhere
refused 2 'unknown format; did you mean "csv"' "$REPRISE" table "$HERE/tiny.toml" --format cvs
refused 2 'source: must be NAME=FOLDER' "$REPRISE" run "$HERE/tiny.toml" --source source
refused 2 'no such folder' "$REPRISE" run "$HERE/tiny.toml" --source phantom=/no/such
head -c 3000 /dev/urandom >bad.h5
refused 3 'bad.h5' "$REPRISE" data info bad.h5
# A truncated data set, and a label map of another shape than its image.
"$REPRISE" data phantom brain -o small --subjects 2 --size 32x32x8 >/dev/null || die "phantom"
"$REPRISE" data phantom brain -o large --subjects 1 --size 40x32x8 >/dev/null || die "phantom"
"$REPRISE" data import oasis small -o whole.h5 --size 32x32 --test-count 1 >/dev/null || die "import"
head -c $(($(stat -c %s whole.h5) / 2)) whole.h5 >cut.h5
refused 3 'cut.h5: not a whole HDF5 file' "$REPRISE" data verify cut.h5
image=$(find small -name '*masked_gfc.hdr' | sort | head -n 1)
label=$(find large -name '*_fseg.hdr' | head -n 1)
printf 'subject,split,image,label\nodd,train,%s,%s\n' "$image" "$label" >odd.csv
refused 2 'shape .40, 32, 8. differs' "$REPRISE" data import generic odd.csv -o odd.h5
[ ! -e odd.h5 ] || die "a refused import left a file"
touch file
refused 5 'file' "$REPRISE" run "$HERE/tiny.toml" -w file/w
mkdir newer && sqlite3 newer/reprise.db 'PRAGMA user_version = 99; CREATE TABLE t (a);' 2>/dev/null ||
  python3 -c "import sqlite3; c = sqlite3.connect('newer/reprise.db'); c.execute('PRAGMA user_version = 99'); c.execute('CREATE TABLE t (a)'); c.commit()"
refused 2 'schema 99 is newer' "$REPRISE" status "$HERE/tiny.toml" -w newer
# A second coordinator, and a port in use, while a first one runs.
"$REPRISE" run "$HERE/tiny.toml" -w busy --plain >busy.out 2>busy.log & first=$!
for _ in $(seq 100); do [ -e busy/coordinator.json ] && break; sleep 0.1; done
refused 5 'is in use by process' "$REPRISE" run "$HERE/tiny.toml" -w busy --plain
port=$(sed -E 's/.*"port": ?([0-9]+).*/\1/' busy/coordinator.json)
"$REPRISE" run "$HERE/tiny.toml" -w other --plain --port "$port" >out 2>err
[ $? = 5 ] || { cat err; die "port in use: exit code"; }
grep -q "$port" err || { cat err; die "port in use: not named"; }
kill -TERM $first
wait $first
[ $? = 130 ] || { cat busy.log; die "an interrupted run ends with 130"; }
echo "ok"
