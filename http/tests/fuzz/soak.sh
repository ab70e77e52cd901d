#!/usr/bin/env bash
# soak.sh PROGRAM   runs a libFuzzer program for SOAK_SECONDS over the corpus that lies in build/soak/NAME, as TAP; what it finds
# is left in build/soak/NAME.found. The trap it exists for: a fuzzer that ran for an hour and found nothing
# because it ran nothing.
set -u
program=$1 seconds=${SOAK_SECONDS:-60}
name=${program##*/}
dir=build/soak/$name
mkdir -p "$dir" "$dir.found"
ASAN_OPTIONS=detect_stack_use_after_return=0 "$program" -max_total_time="$seconds" -dict="$dir.dict" -max_len=1024 -timeout=20 \
  -rss_limit_mb=2048 -artifact_prefix="$dir.found/" -print_final_stats=1 "$dir" >"$dir.log" 2>&1
status=$?
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir.log")
echo 1..1
if [ "$status" = 0 ] && [ "${runs:-0}" -gt 100 ]; then
  echo "ok 1 - $name: what must hold holds, of $runs inputs"
else
  echo "not ok 1 - $name: see $dir.log and $dir.found (status $status, ${runs:-no} inputs)"
  tail -n 40 "$dir.log" | sed 's/^/# /'
  exit 1
fi
