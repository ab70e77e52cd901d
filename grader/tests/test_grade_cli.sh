#!/bin/sh
# test_grade_cli.sh - the program grade as it is called: by hand, wrongly, on folders that are no hand-ins. Speaks TAP.
# Run it from the root, after make grader-build.
GRADE=${GRADE:-$PWD/build/bin/grade}
export NO_COLOR=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT INT TERM
chmod 755 "$tmp"
count=0

# tap OK NAME: a result; when it is not ok, with what was said last
tap() {
    count=$((count + 1))
    if [ "$1" = 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        sed 's/^/# /' "$tmp/said"
    fi
}

# run STATUS NAME OPTION...: how it must end
run() {
    wanted=$1 name=$2
    shift 2
    "$GRADE" --root "$tmp/root" --out "$tmp/out" --seed 7 "$@" >"$tmp/said" 2>&1 </dev/null
    status=$?
    [ "$status" = "$wanted" ]
    tap $? "$name ends with $wanted (it was $status)"
}

# says WORDS: in the last run
says() {
    grep -qF -- "$1" "$tmp/said"
    tap $? "... and says: $1"
}

# one_sentence: the last run said one line
one_sentence() {
    [ "$(wc -l <"$tmp/said")" = 1 ]
    tap $? "... in one sentence"
}

# json WORDS: a line of the last grade
json() {
    grep -qF -- "$1" "$tmp/out/grade.json"
    tap $? "... and writes: $1"
}

# left: how much lies in the temporary folder
left() {
    find "$TMPDIR" -mindepth 1 -maxdepth 1 | wc -l
}

mkdir -p "$tmp/root/labs" "$tmp/out" "$tmp/tmp"
export TMPDIR="$tmp/tmp"
cp -r labs/02-loop "$tmp/root/labs/"
cp -r loop "$tmp/root/"
ln -s "$PWD/build" "$tmp/root/build"
ini=$tmp/root/labs/02-loop/lab.ini
cp "$ini" "$tmp/ini"
item=$(sed -n 's/^\[\([A-Z][0-9]*\)\]$/\1/p' "$ini" | head -n 1)
floor=$(sed -n 's/^floor *= *//p' "$ini")
code=$(sed -n 's/^files *= *\([^:]*\):.*/\1/p' "$ini")

# ---- wrong calls
run 0 "--help" --help
says "usage: grade"
for call in "--lab 77" "--lab ../02-loop" "--lab 02 --item Z9" "--seed -1" "--seed 12x" "--who me" \
            "--sub $tmp/nowhere" "extra"; do
    # shellcheck disable=SC2086
    run 2 "$call" $call
    one_sentence
done
run 2 "an unknown lab" --lab 77
says 'there is no lab "77"; there is 02-loop'
run 2 "an unknown item" --lab 02 --item Z9
says "lab 02 has no item \"Z9\"; there is $item"
run 2 "an unknown option" --lba 02
says "grade --help"
"$GRADE" --root "$tmp/nowhere" >"$tmp/said" 2>&1
[ $? = 2 ]
tap $? "a root that is none ends with 2"
"$GRADE" --root "$tmp/out" >"$tmp/said" 2>&1
[ $? = 2 ] && grep -q "run this in the folder that holds labs/" "$tmp/said"
tap $? "a root without labs is told so"

# ---- a lab file with a slip
sed 's/^floor.*/floor = many/' "$tmp/ini" >"$ini"
run 2 "a malformed lab.ini" --lab 02
says "lab.ini:"
says "floor must be a number"
one_sentence
rm "$ini"
run 2 "a missing lab.ini" --lab 02
says 'labs/02-loop/lab.ini: No such file'
cp "$tmp/ini" "$ini"

# ---- folders that are no hand-ins: the student's loss, with a sentence and a report
mkdir "$tmp/empty"
run 1 "an empty folder" --lab 02 --sub "$tmp/empty"
says "$code"
says "Nothing could be graded:"
json '"points": 0'
cp -r labs/02-loop/start "$tmp/broken"
echo 'int f(void) { return 1 }' >>"$tmp/broken/$code"
run 1 "a hand-in that does not compile" --lab 02 --sub "$tmp/broken"
says "error:"
says "total    0 / 100"
json '"state": "not_graded"'
cp -r labs/02-loop/start "$tmp/names"
mv "$tmp/names/$code" "$tmp/names/my$code"
run 1 "a hand-in with a wrong name" --lab 02 --sub "$tmp/names"
says "$code"
cp -r labs/02-loop/start "$tmp/link"
ln -sf /etc/passwd "$tmp/link/$code"
run 1 "a link out of the folder" --lab 02 --sub "$tmp/link"
says "$code"
cp -r labs/02-loop/start "$tmp/large"
head -c 104857600 /dev/zero >"$tmp/large/$code"
run 1 "a file of 100 MB" --lab 02 --sub "$tmp/large"
says "$code"
cp -r labs/02-loop/start "$tmp/lacks"
echo '/* nothing */' >"$tmp/lacks/$code"
run 1 "a hand-in that lacks its functions" --lab 02 --sub "$tmp/lacks"
says "$code"

# ---- the reader's folder
run 1 "the first call" --lab 02
says "work/02-loop is new"
says "make grade"
json "\"points\": $floor"
cmp -s "$tmp/root/work/02-loop/$code" "labs/02-loop/start/$code"
tap $? "the starter lies under work/"
echo '/* mine */' >>"$tmp/root/work/02-loop/$code"
run 1 "the second call, without naming the lab" --item "$item"
tail -n 1 "$tmp/root/work/02-loop/$code" | grep -q '/\* mine \*/'
tap $? "... and leaves the reader's file alone"
rm "$tmp/root/work/02-loop/$code"
run 1 "a file that the reader removed"
[ ! -e "$tmp/root/work/02-loop/$code" ]
tap $? "... is not put back"

# ---- a right one, and its reports
run 0 "one item of the reference" --lab 2 --who reference --item "$item"
says "pass  $item"
json '"schema": "eddy/grade/1"'
json '"seed": 7'
json '"state": "left_out"'
grep -q '<!DOCTYPE html>' "$tmp/out/index.html"
tap $? "there is a page"
grep -F '"seed"' "$tmp/out/grade.json" >"$tmp/seeds"
run 0 "the same seed again" --lab 02 --who reference --item "$item"
grep -F '"seed"' "$tmp/out/grade.json" | cmp -s - "$tmp/seeds"
tap $? "... is the same run"
run 1 "one item, when strict" --lab 02 --who reference --item "$item" --strict
run 2 "a report that cannot be written" --lab 02 --who reference --item "$item" --out /proc/nowhere
says "cannot be written"
ls -A "$TMPDIR" >"$tmp/said"
[ ! -s "$tmp/said" ]
tap $? "nothing is left in the temporary folder"

# ---- interrupted
for signal in TERM KILL; do
    "$GRADE" --root "$tmp/root" --lab 02 --who reference --out "$tmp/cut" >"$tmp/said" 2>&1 &
    pid=$!
    tries=0
    while [ "$(left)" = 0 ] && [ $tries -lt 500 ]; do sleep 0.01; tries=$((tries + 1)); done
    kill -$signal $pid
    wait $pid 2>/dev/null
    tries=0
    while [ "$(left)" != 0 ] && [ $tries -lt 1500 ]; do sleep 0.01; tries=$((tries + 1)); done
    [ "$(left)" = 0 ]
    tap $? "a run that gets SIG$signal leaves nothing in the temporary folder"
    [ ! -e "$tmp/cut" ]
    tap $? "... and writes no report"
done
echo "1..$count"
