#!/usr/bin/env bash
# kill -9 of the coordinator, of a rank and of everything at several moments; the same command again
# ends with the table of an undisturbed run, byte for byte, and runs no finished stage twice.
. "$(dirname "$0")/common.sh"
run calm --gangs 2 >calm.out 2>calm.log || { cat calm.log; die "the undisturbed run"; }
table calm >calm.csv
ranks() { pgrep -f "reprise-worker --workspace $WORK/$1 " ; }
for moment in 1 2 3 4 6 8; do
  folder=hurt$moment
  "$REPRISE" run "$HERE/tiny.toml" -w $folder --plain --gangs 2 >$folder.out 2>$folder.log &
  coordinator=$!
  sleep "$moment"
  case $((moment % 3)) in
    0) kill -9 $coordinator 2>/dev/null ;;
    1) ranks $folder | grep -v mpirun | tail -n 1 | xargs -r kill -9 2>/dev/null ;;
    2) { echo $coordinator; ranks $folder; } | xargs -r kill -9 2>/dev/null ;;
  esac
  wait $coordinator 2>/dev/null
  run $folder --gangs 2 >$folder.out 2>$folder.again || { cat $folder.log $folder.again; die "run after a kill at $moment s"; }
  table $folder >$folder.csv
  cmp calm.csv $folder.csv || die "the table after a kill at $moment s differs"
  cmp calm.out $folder.out || die "the printed table after a kill at $moment s differs"
done
echo "ok"
