#!/bin/sh
# test_student_loop.sh - lab, hint and why as a student calls them, on a scratch root. Speaks TAP. Run it from the root, after
# make grader-build. The trap it exists for: a hint that is shown twice, lost, or for yesterday's files; a debugger's command
# that nobody has ever run.
GRADE=${GRADE:-$PWD/build/bin/grade}
BUILT=${BUILT:-$PWD/build/release}
export NO_COLOR=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT INT TERM
chmod 755 "$tmp"
root=$tmp/root work=$tmp/root/work/02-loop
count=0

tap() {
    count=$((count + 1))
    if [ "$1" = 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        sed 's/^/# /' "$tmp/said"
    fi
}

# run STATUS NAME WORD...: how it must end
run() {
    wanted=$1 name=$2
    shift 2
    "$GRADE" --root "$root" "$@" >"$tmp/said" 2>&1 </dev/null
    status=$?
    [ "$status" = "$wanted" ]
    tap $? "$name ends with $wanted (it was $status)"
}

says() {
    tr -s ' \n' ' ' <"$tmp/said" | grep -qF -- "$1"
    tap $? "... and says: $1"
}

silent_on() {
    ! tr -s ' \n' ' ' <"$tmp/said" | grep -qF -- "$1"
    tap $? "... and does not say: $1"
}

holds() {
    "$@"
    tap $? "... and $(echo "$*" | sed "s#$tmp/##g")"
}

mkdir -p "$root/build" "$root/labs"
cp -r labs/02-loop "$root/labs/"
cp -r loop "$root/"
ln -s "$BUILT" "$root/build/"

# ---- lab
run 0 "the list of labs" lab
says "02-loop"
says "not begun"
holds [ ! -e "$root/work" ]
run 2 "a lab that is none" lab --lab 99
says 'there is no lab "99"; there is 02-loop'
for name in 2 02 02-loop loop; do
    rm -rf "$root/work"
    run 0 "lab $name" lab --lab "$name"
    says "The starter lies in work/02-loop: timeouts.c, loop.c, tests.txt, predictions.md."
    holds cmp -s "$work/loop.c" "labs/02-loop/start/loop.c"
done
says "labs/02-loop/README.md"
says "make grade LAB=02"
echo '/* mine */' >>"$work/loop.c"
cp "$work/loop.c" "$tmp/mine"
rm "$work/timeouts.c"
run 0 "a lab that has begun, with a file missing" lab --lab 02
says "timeouts.c was missing in work/02-loop and is the starter's again."
holds cmp -s "$work/loop.c" "$tmp/mine"
holds cmp -s "$work/timeouts.c" labs/02-loop/start/timeouts.c
run 0 "a lab that is whole" lab --lab 02
says "is left as it is"
run 0 "the list, before a grade" lab
says "begun, not graded yet"

# ---- hint
run 2 "a hint for a lab that is none" hint --lab 99
says "there is 02-loop"
run 2 "a hint for an item that is none" hint --item Z9
says 'has no item "Z9"; there is A1'
run 2 "a hint for a folder" hint --sub "$work"
says "hints are for what is under work/"
run 0 "the first hint" hint
says "There is no grade of all items yet: grading lab 02 first"
says "hint 1 of 3, a question"
says "1 of 3 shown so far"
first=$(sed -n 's/^  \([A-Z][0-9]*\)  .*/\1/p' "$tmp/said" | head -n 1)
holds [ "$first" = A1 ]
holds grep -qx "A1 1" "$work/.hints"
says "likely"
run 0 "the second hint" hint
silent_on "grading"
says "hint 2 of 3, a place"
silent_on "hint 1 of 3"
run 0 "again" hint --again
says "hint 1 of 3"
says "hint 2 of 3"
silent_on "hint 3 of 3"
run 0 "the third hint" hint --item A1
says "hint 3 of 3, near-code"
run 0 "after the last" hint
says "hint 3 of 3"
says "All 3 were shown"
run 0 "another item's" hint --item B2
says "hint 1 of 3"
holds grep -qx "A1 3" "$work/.hints"
holds grep -qx "B2 1" "$work/.hints"
echo 'nonsense 7 7' >>"$work/.hints"
echo 'B2 999' >>"$work/.hints"
run 0 "a file of hints with nonsense in it" hint --item B2
says "All 3 were shown"
run 0 "the list, after a grade" lab
says "0 / 100"
run 1 "a grade" --lab 02 --seed 7
says "make hint LAB=02 T=A1 (3 of 3 shown)"
holds grep -q '"hints_shown": 3' "$root/build/report/grade.json"

# ---- a mistake with a name, and its reasons
cp "$BUILT"/labs/02-loop/mutants/removing-looks-in-the-heap-only.src/*.c "$work/"
run 0 "why, without naming an item" why
says "The files have changed since the last grade: grading lab 02 first"
says "A3 A removed timeout is not called"
says "in A: remove_timeout B"
says "turn by turn"
says "epoll_wait 10 ms = 0"
says "expected trace"
says "likely"
says "make why LAB=02 T=A3 SEED="
says "gdb -q -x build/why/02-A3/gdb"
run 0 "why once more" why --seed 5
silent_on "grading lab"
says "SEED=5"
run 0 "a hint for it" hint
says "A3 A removed timeout"
says "hint 1 of 3"
run 0 "why an item passes" why --item A1
says "it passes"
holds [ -e "$root/build/why/02-A1/passed.wire" ]
run 0 "why a text fails" why --item P1
says "there is nothing to run again"
run 0 "random schedules" why --item H1
says "gdb -q -x build/why/02-H1/gdb"

# ---- the replay, without the judge
(cd "$tmp" && "$root/build/why/02-A3/probe" "$root/build/why/02-A3/failed.wire" "$root/build/why/02-A3/steps") \
    >"$tmp/said" 2>&1 </dev/null
tap $? "the probe runs again without the judge"
says "8 remove_timeout B"
says "B was called"
says "here the recording ends"
"$root/build/why/02-A3/probe" "$tmp/nowhere" >"$tmp/said" 2>&1 </dev/null
says "the recording cannot be opened"
head -c 1000 "$root/build/why/02-A3/failed.wire" >"$tmp/cut.wire"
timeout 20 "$root/build/why/02-A3/probe" "$tmp/cut.wire" >"$tmp/said" 2>&1 </dev/null
[ $? -lt 124 ]
tap $? "a recording that was cut off comes to an end"
timeout 20 "$root/build/why/02-H1/probe" "$root/build/why/02-A1/passed.wire" >"$tmp/said" 2>&1 </dev/null
[ $? -lt 124 ]
tap $? "... and so does one of another program"
if command -v gdb >/dev/null; then
    (cd "$root" && timeout 120 gdb -batch -x build/why/02-A3/gdb -ex 'step_to 8' -ex 'break timeouts_remove' \
        -ex continue -ex backtrace -ex continue) >"$tmp/said" 2>&1 </dev/null
    says "Temporary breakpoint 1, replay_scene"
    says "replay_step (number="
    says "8 remove_timeout B"
    says "Breakpoint 3, timeouts_remove"
    says "loop_remove_timeout (l="
    says "at timeouts.c:"
    sed 's/^    return ts->root ? .*/    return *(int64_t *)8;/' loop/timeouts.c >"$work/timeouts.c"
    run 0 "a crash" why --item A1
    (cd "$root" && timeout 120 gdb -batch -x build/why/02-A1/gdb) >"$tmp/said" 2>&1 </dev/null
    says "SIGSEGV"
    says "timeouts_next (ts="
    says "This is where it dies"
else
    echo "ok $((count + 1)) - gdb # SKIP it is not installed"
    count=$((count + 1))
fi

# ---- what cannot be built, and what is complete
echo 'int f(void) { return 1 }' >>"$work/timeouts.c"
run 0 "a hint for what does not compile" hint
says "this must be put right"
says "error:"
run 0 "why it does not compile" why
says "Nothing could be run:"
says "error:"
cp loop/loop.c loop/timeouts.c labs/02-loop/reference/* "$work/"
run 0 "a hint when all is done" hint
says "Nothing fails in lab 02: 100 of 100 points"
run 0 "why, when all is done" why
says "Nothing fails in this lab"
run 0 "the list, when all is done" lab
says "100 / 100 complete"
echo '/* */' >>"$work/loop.c"
run 0 "the list, after a change" lab
says "changed since it was graded"
run 2 "two commands" hint why
run 2 "no command" hunt
says "the commands are lab, hint and why"
run 0 "the reference" why --who reference --item A3
says "it passes"
echo "1..$count"
