#!/usr/bin/env bash
# coverage.sh - line coverage of loop/ after the tests of the coverage build ran, as TAP
set -euo pipefail
least=95
table=$(gcovr -r . --object-directory build/cov --filter 'loop/[^/]*\.[ch]' build/cov/loop)
percent=$(awk '/^TOTAL/ { sub("%", "", $4); print $4 }' <<<"$table")
echo "TAP version 13"
echo "1..1"
if [ "${percent:-0}" -ge "$least" ]; then
  echo "ok 1 - $percent % of the lines of loop/ ran (at least $least)"
else
  echo "not ok 1 - ${percent:-no} % of the lines of loop/ ran (at least $least)"
  echo "$table"
  exit 1
fi
