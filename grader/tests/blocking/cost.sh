#!/usr/bin/env bash
# cost.sh [RUNS [SECONDS [HANGS]]]     what watching costs, and how soon a hang is looked at
#
# First the watched, in ns: a call that does not sleep, an iteration, one that sleeps. cost (cost.c) is run without the interposer and in
# each tier, one after the other, RUNS times (5); the least of each counts, and what it is more than without.
#
# Then the watcher: how much of a core the look from outside takes, for SECONDS (10) at a loop that is idle, that has a thousand events a
# second, and that is always busy; side by side with a thread that does nothing but sleep, 5 ms at a time. That one is the floor on this
# machine: waking up costs what it costs. And how much later than the threshold a hang is looked at first, over HANGS (200) of them, as
# the user who runs this.
#
# A measurement, not a test: a busy machine shows in all of them.
set -euo pipefail
cd "$(dirname "$0")/../../.."

cost=build/release/grader/tests/blocking/cost
blockwatch=build/bin/blockwatch
runs=${1:-5} seconds=${2:-10} hangs=${3:-200}
if ! [ -x "$cost" ] || ! [ -x "$blockwatch" ]; then
  echo "cost.sh: build them first: make blocking-cost" >&2
  exit 2
fi

# ---- the watched -----------------------------------------------------------------------------------------------------------
for _ in $(seq "$runs"); do
  echo "without $("$cost")"
  for tier in ring rseq switches; do
    echo "$tier $("$blockwatch" --quiet --tier "$tier" -- "$cost" 2>/dev/null)"
  done
done | awk '
  { for (i = 2; i <= 4; i++) if (!(($1, i) in least) || $i < least[$1, i]) least[$1, i] = $i }
  END {
    printf "%-10s %14s %14s %14s\n", "ns", "lock", "iteration", "sleep"
    split("without ring rseq switches", tiers)
    for (t = 1; t <= 4; t++) {
      printf "%-10s", tiers[t]
      for (i = 2; i <= 4; i++) {
        value = least[tiers[t], i]
        printf "%14s", t == 1 ? sprintf("%.1f", value) : sprintf("+%.1f", value - least["without", i])
      }
      print ""
    }
  }'

# ---- the watcher -----------------------------------------------------------------------------------------------------------
# ns of processor time that these processes have used
used() {
  local pid
  for pid in "$@"; do cat "/proc/$pid"/task/*/schedstat; done 2>/dev/null | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# The watcher, and those of its children that are watchers, too.
watchers() {
  local pid
  for pid in "$1" $(cat "/proc/$1/task/$1/children"); do
    [ "$(readlink "/proc/$pid/exe")" = "$(readlink -f "$blockwatch")" ] && echo "$pid"
  done
}

# What it takes, in % of a core, and what the floor takes meanwhile.
look_at() {
  "$cost" ticks $((seconds + 2)) & floor=$!
  "$blockwatch" --quiet -- "$cost" "$1" $((seconds + 2)) 2>/dev/null & watcher=$!
  sleep 1
  local all from_all from_floor began took
  all=$(watchers "$watcher")
  began=$(date +%s%N) from_all=$(used $all) from_floor=$(used "$floor")
  sleep "$seconds"
  took=$(($(date +%s%N) - began))
  awk "BEGIN { printf \"%-24s %8.2f %% of a core (floor: %.2f %%)\n\", \"a loop that is $1\",
               100 * ($(used $all) - $from_all) / $took, 100 * ($(used "$floor") - $from_floor) / $took }"
  wait "$floor" "$watcher"
}

echo
echo "the look from outside, as $(id -un)"
for loop in idle steady busy; do look_at "$loop"; done
"$blockwatch" -- "$cost" hangs "$hangs" 2>&1 | tr -s ' \n' ' ' |
  sed -nE 's/.*note ([0-9]+) iterations that lasted ([0-9.]+) ms were looked at while they lasted: half of them within ([0-9.]+) ms more, 95 of 100 within ([0-9.]+) ms, all within ([0-9.]+) ms\..*/first look after \2 ms    median \3, p95 \4, worst \5 ms later, \1 of '"$hangs"' hangs/p'
