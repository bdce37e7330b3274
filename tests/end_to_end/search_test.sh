#!/usr/bin/env bash
# A search decides the same whether it ran through or was killed on the way, and a longer training goes
# on from the shorter one.
. "$(dirname "$0")/common.sh"
STUDY=$HERE/search.toml
ask() { "$REPRISE" query "$2" -w "$1" --format csv | tail -n +2; }
"$REPRISE" run "$STUDY" -w one --plain --gangs 2 >one.out 2>one.log || { cat one.log one/logs/*; die "the first run"; }
grep -q "^best of 5 configurations: #[0-4] .*learning_rate=.* (12 steps), validation " one.out || { cat one.out; die "no best"; }
[ "$(grep -c '^| #' one.out)" = 8 ] || { cat one.out; die "not five configurations, three of them promoted"; }
# Steps 7 to 12 only, and with the curve of the shorter training before them.
[ "$(ask one "SELECT count(*) FROM results r JOIN stages s ON s.id = r.stage WHERE s.kind = 'pretrain'
  AND s.config LIKE '%\"steps\":12%' AND json_extract(r.body, '$.provenance.resumed_from') = 6")" = 3 ] ||
  die "a longer training began anew"
[ "$(ask one "SELECT count(*) FROM stage_inputs i JOIN results a ON a.stage = i.stage JOIN results b ON b.stage = i.input
  WHERE i.role = 'continues' AND json_extract(a.body, '$.curve[0]') = json_extract(b.body, '$.curve[0]')
  AND json_extract(a.body, '$.validation[1]') = json_extract(b.body, '$.validation[1]')")" = 3 ] || die "curves do not go on"
"$REPRISE" run "$STUDY" -w one --plain >again.out 2>again.log || { cat again.log; die "again"; }
grep -q " 0 stages run, 16 already" again.log || { cat again.log; die "the second run ran stages again"; }
cmp one.out again.out || die "the second output differs"
# Killed when something is done, and once more when a promotion is.
for wanted in 2 11; do
  "$REPRISE" run "$STUDY" -w two --plain >two.out 2>two.log &
  victim=$!
  for _ in $(seq 3000); do
    [ "$(ask two "SELECT count(*) FROM results" 2>/dev/null || echo 0)" -ge $wanted ] 2>/dev/null && break
    kill -0 $victim 2>/dev/null || break
    sleep 0.1
  done
  kill -9 $victim 2>/dev/null
  wait $victim 2>/dev/null
done
"$REPRISE" run "$STUDY" -w two --plain >two.out 2>two.log || { cat two.log two/logs/*; die "the run after the kills"; }
cmp one.out two.out || { diff one.out two.out; die "the search went another way after kills"; }
# Others see the same trials.
"$REPRISE" table "$STUDY" -w two --format csv >two.csv || die "table"
"$REPRISE" table "$STUDY" -w one --format csv | cmp - two.csv || die "tables differ"
[ "$("$REPRISE" plan "$STUDY" -w two --json | grep -o '"trials":[0-9]*')" = '"trials":8' ] || die "plan"
# A study that joins a running sweep searches on like one that is run by itself.
"$REPRISE" run "$HERE/tiny.toml" -w three --plain --gangs 2 >three.out 2>three.log & first=$!
for _ in $(seq 300); do "$REPRISE" pause -w three >/dev/null 2>&1 && break; sleep 0.1; done
"$REPRISE" add "$STUDY" -w three >add.out 2>&1 || { cat add.out three.log; die "add"; }
"$REPRISE" resume -w three >/dev/null || die "resume"
wait $first || { cat three.log; die "the run with an added search"; }
[ "$(ask three "SELECT count(*) FROM trials WHERE study = 'seek'")" = 8 ] || { cat three.log; die "the added search stopped early"; }
grep "^best of" one.out >one.best
grep "^best of" three.out | cmp - one.best || { cat three.out; die "the added search decided otherwise"; }
echo "ok"
