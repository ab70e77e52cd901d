#!/usr/bin/env bash
# run.sh PROGRAM...     runs test programs side by side: one line each, and the whole output of one that fails
# run.sh --sum TALLY    adds up what runs with TALLY=file left there: "N passed, N failed"
#
# A program says how it went on standard output, as libcheck ("100%: Checks: 5, Failures: 0, Errors: 0") or as TAP. One that
# ends without either, with a status other than 0, or not at all, has failed.
#
#   RUN_WITH      a command to run each under, "valgrind -q --error-exitcode=9"
#   ONE_PROCESS   those of the programs whose tests share a process, instead of having one each (libcheck's CK_FORK=no): under a
#                 tool that is several times faster. One that does not pass so is run again as usual, and that counts
#   TEST_TIMEOUT  seconds each may take (300)
#
# The detector's own tests (tests/blocking/) really sleep, on a machine that does other things meanwhile: one that fails is run
# once more. Then that counts, and what it said first is shown.
#   TALLY         a file to which each program's "passed failed skipped" is appended
set -euo pipefail

limit=${TEST_TIMEOUT:-300}
read -ra wrapper <<<"${RUN_WITH:-}"
export CK_DEFAULT_TIMEOUT="${CK_DEFAULT_TIMEOUT:-$limit}"
if [ ${#wrapper[@]} -gt 0 ]; then
  export CK_TIMEOUT_MULTIPLIER="${CK_TIMEOUT_MULTIPLIER:-10}"
fi

# Reads tallies; says the last line; fails if something failed, or nothing passed.
sum() {
  awk '{ passed += $1; failed += $2; skipped += $3 }
       END { printf "%d passed, %d failed", passed, failed
             if (skipped) printf ", %d skipped", skipped
             print ""
             exit failed > 0 || passed == 0 }' "$1"
}

# Reads a program's standard output; prints "passed failed skipped", then a line for each that was not run, or is wrong.
count() {
  awk '
    /^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+/ {
      bad = $5 + $7; failed += bad; passed += $3 - bad; said = 1
    }
    /^1\.\.[0-9]+/ {
      planned = substr($1, 4) + 0; tap = said = 1
      if (planned == 0) { skipped++; note("not run: " reason($0)) }
    }
    /^Bail out!/ { failed++; said = 1 }
    /^not ok([ \t]|$)/ { seen++; said = 1; if (!skips($0)) failed++ }
    /^ok([ \t]|$)/ { seen++; said = 1; if (!skips($0)) passed++ }
    function reason(line) { sub(/^[^#]*#[ \t]*/, "", line); sub(/^[Ss][Kk][Ii][Pp][^ \t]*[ \t]*/, "", line); return line }
    function note(text) { notes = notes "    " text "\n" }
    function skips(line,    name) {
      if (toupper(line) !~ /#[ \t]*SKIP/) return 0
      name = line; sub(/^(not )?ok[ \t]*[0-9]*[ \t]*(- )?/, "", name); sub(/[ \t]*#.*/, "", name)
      skipped++; note("not run: " name " (" reason(line) ")")
      return 1
    }
    END {
      if (tap && seen != planned) { failed++; note(planned " tests were planned, " seen + 0 " reported") }
      if (!said) note("it ended without a summary")
      else if (passed + failed + skipped == 0) note("it tested nothing")
      if (passed + failed + skipped == 0) failed = 1
      printf "%d %d %d\n%s", passed, failed, skipped, notes
    }' "$1"
}

# Why a status other than 0.
ending() {
  case $1 in
    124) echo "was stopped after $limit s" ;;
    125 | 126 | 127) echo "could not be run" ;;
    *) if [ "$1" -gt 128 ]; then echo "was killed by signal $(($1 - 128))"; else echo "exited with status $1"; fi ;;
  esac
}

# Runs the program once, into run_one's variables.
attempt() {
  local child
  rc=0
  timeout --kill-after=5 "$limit" "${wrapper[@]}" "$program" >"$out" 2>"$err" </dev/null &
  child=$!
  trap 'kill "$child"; exit 143' TERM
  { wait "$child" || rc=$?; } 2>/dev/null
  {
    read -r passed failed skipped
    notes=$(cat)
  } < <(count "$out")
  if [ "$rc" -ne 0 ]; then
    notes+=${notes:+$'\n'}"    it $(ending "$rc")"
    [ "$failed" -gt 0 ] || failed=1
  fi
}

# One program, in a subshell of its own: runs it, then says everything at once.
run_one() {
  local program=$1 out=$2.out err=$2.err begin=${EPOCHREALTIME/[.,]/} rc passed failed skipped notes first
  if [[ " ${ONE_PROCESS:-} " == *" $program "* ]]; then
    CK_FORK=no attempt
    if [ "$failed" -gt 0 ]; then
      first=$(sed 's/^/    | /' "$out" "$err")
      attempt
      notes+=${notes:+$'\n'}"    with a process for each test; when they shared one (ONE_PROCESS), it said:"$'\n'"$first"
    fi
  else
    attempt
    if [ "$failed" -gt 0 ] && [[ $program == *tests/blocking/* ]]; then
      first=$(sed 's/^/    | /' "$out" "$err" | grep -v '^    | ok ' || true)
      attempt
      notes+=${notes:+$'\n'}"    the second time; the first time it said:"$'\n'"$first"
    fi
  fi
  local ms=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
  printf '%d %d %d\n' "$passed" "$failed" "$skipped" >"$2.tally"
  {
    flock 9
    printf '%-4s %-40s %6d checks %7d.%d s\n' "$([ "$failed" -eq 0 ] && echo ok || echo FAIL)" "${program##*/}" \
      $((passed + failed)) $((ms / 1000)) $((ms % 1000 / 100))
    [ -z "$notes" ] || printf '%s\n' "$notes"
    [ "$failed" -eq 0 ] || sed 's/^/    | /' "$out" "$err"
  } 9>>"$work/lock"
}

if [ "${1:-}" = --sum ]; then
  sum "$2"
  exit
fi
if [ $# -eq 0 ]; then
  sed -n '2,/^$/s/^# \{0,1\}//p;/^set/q' "$0" >&2
  exit 2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stop_all() {
  local running
  running=$(jobs -p)
  trap - TERM
  [ -z "$running" ] || xargs kill <<<"$running" || true
  wait
  exit 130
}
trap stop_all INT TERM
slots=$(nproc)
number=0
for program; do
  [ "$(jobs -rp | wc -l)" -lt "$slots" ] || wait -n || true
  number=$((number + 1))
  echo "0 1 0" >"$work/$number.tally"         # until it says otherwise
  run_one "$program" "$work/$number" &
done
wait
cat "$work"/*.tally >>"${TALLY:-/dev/null}"
cat "$work"/*.tally >"$work/all"
if [ -n "${TALLY:-}" ]; then
  sum "$work/all" >/dev/null
else
  sum "$work/all"
fi
