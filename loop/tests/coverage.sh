#!/usr/bin/env bash
# coverage.sh - line coverage of loop/, stream/ and http/ after the tests of the coverage build ran, as TAP
set -euo pipefail

# layer NUMBER FOLDER LEAST
layer() {
  local table percent
  table=$(gcovr -r . --object-directory build/cov --filter "$2/[^/]*\.[ch]" build/cov/loop build/cov/stream build/cov/http)
  percent=$(awk '/^TOTAL/ { sub("%", "", $4); print $4 }' <<<"$table")
  if [ "${percent:-0}" -ge "$3" ]; then
    echo "ok $1 - $percent % of the lines of $2/ ran (at least $3)"
  else
    echo "not ok $1 - ${percent:-no} % of the lines of $2/ ran (at least $3)"
    echo "$table"
    return 1
  fi
}

rc=0
echo "TAP version 13"
echo "1..3"
layer 1 loop 95 || rc=1
layer 2 stream 95 || rc=1
layer 3 http 95 || rc=1
exit $rc
