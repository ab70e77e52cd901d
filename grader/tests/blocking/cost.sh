#!/usr/bin/env bash
# cost.sh [RUNS]     what watching costs the watched, in ns: a call that does not sleep, an iteration, one that sleeps
#
# cost (cost.c) is run without the interposer and in each tier, one after the other, RUNS times (5); the least of each counts, and what
# it is more than without. A measurement, not a test: a busy machine shows in all of them.
set -euo pipefail
cd "$(dirname "$0")/../../.."

cost=build/release/grader/tests/blocking/cost
blockwatch=build/bin/blockwatch
runs=${1:-5}
if ! [ -x "$cost" ] || ! [ -x "$blockwatch" ]; then
  echo "cost.sh: build them first: make blocking-cost" >&2
  exit 2
fi

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
