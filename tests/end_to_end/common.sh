# Shared by the end-to-end tests: REPRISE is the real binary, WORK a scratch folder that is gone after.
set -uo pipefail
REPRISE=$1
HERE=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'pkill -9 -P $$ 2>/dev/null; rm -rf "$WORK"' EXIT
cd "$WORK" || exit 1
die() { echo "FAILED: $*"; exit 1; }
run() { "$REPRISE" run "$HERE/tiny.toml" -w "$1" --plain "${@:2}"; }
table() { "$REPRISE" table "$HERE/tiny.toml" -w "$1" --format csv; }
refused() {  # refused CODE PATTERN COMMAND...
  local code=$1 pattern=$2 got
  shift 2
  "$@" >out 2>err
  got=$?
  [ $got = "$code" ] || { cat err; die "$*: exit code $got, not $code"; }
  [ "$(grep -c . err)" = 1 ] || { cat err; die "$*: not one line"; }
  grep -qE "$pattern" err || { cat err; die "$*: does not match $pattern"; }
}
