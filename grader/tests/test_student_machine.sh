#!/bin/sh
# test_student_machine.sh - make doctor where things are missing, and the files that were given. Speaks TAP. Run it from the
# root. The trap it exists for: a doctor that needs what it should find missing, and a restore that loses an evening.
export NO_COLOR=1
unset MAKEFLAGS MFLAGS MAKELEVEL STRICT
here=$PWD
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT INT TERM
chmod 755 "$tmp"
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

skip() {
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

# run STATUS NAME COMMAND...: how it must end
run() {
    wanted=$1 name=$2
    shift 2
    "$@" >"$tmp/said" 2>&1 </dev/null
    status=$?
    [ "$status" = "$wanted" ]
    tap $? "$name ends with $wanted (it was $status)"
}

says() {
    tr -s ' ' <"$tmp/said" | grep -qF -- "$1"
    tap $? "... and says: $1"
}

holds() {
    "$@"
    tap $? "... and $*"
}

# narrow: nothing in the last run is wider than a terminal of 80 columns, but for lines to paste
narrow() {
    [ -z "$(grep -v '  fix ' "$tmp/said" | grep -v 'apt-get' | awk 'length > 80')" ]
    tap $? "... within 80 columns"
}

# ---- the doctor, in a copy where nothing is built
mkdir "$tmp/tree" "$tmp/bin"
cp -r Makefile .ci grader loop labs "$tmp/tree/"
cp -r stages stream http "$tmp/tree/"
for program in sh cat id uname df mktemp rm rmdir mkdir chmod dirname apt-get; do
    path=$(command -v "$program") && ln -s "$path" "$tmp/bin/"
done
[ -e "$tmp/bin/apt-get" ] || { printf '#!/bin/sh\n' >"$tmp/bin/apt-get"; chmod 755 "$tmp/bin/apt-get"; }
run 1 "the doctor without compiler and make" env PATH="$tmp/bin" "$tmp/tree/grader/student/doctor.sh"
says "problem compiler missing, and grading needs it"
says "problem make missing"
says "apt-get install -y --no-install-recommends gcc"
says "note valgrind missing: make test needs it"
says "not tried yet: that takes gcc and make"
says "Grading cannot work here yet"
says "apt-get update && "
narrow
holds [ ! -e "$tmp/tree/build" ]
printf '#!/bin/sh\necho "gcc: something is wrong" >&2\nexit 1\n' >"$tmp/bin/gcc"
chmod 755 "$tmp/bin/gcc"
run 1 "the doctor with a compiler that makes nothing" env PATH="$tmp/bin" "$tmp/tree/grader/student/doctor.sh"
says "problem C library no static C17 program: gcc: something is wrong"
rm "$tmp/bin/gcc"
run 1 "the doctor without a place for temporary files" env TMPDIR=/proc/nowhere "$tmp/tree/grader/student/doctor.sh"
says "problem temporary /proc/nowhere cannot be written"
says "export TMPDIR="
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    run 1 "the doctor in a tree of somebody else's" setpriv --reuid 65534 --regid 65534 --clear-groups \
        "$tmp/tree/grader/student/doctor.sh"
    says "problem work/ work cannot be written"
    says "sudo chown -R 65534"
else
    skip "the doctor in a tree of somebody else's" "it takes root to become somebody else"
fi
run 0 "the doctor where all is there" make -s -C "$tmp/tree" doctor
says "ok compiler gcc"
says "Grading can work here"
says "timers a step of"
says "CPU "
says "sandbox level"
narrow
holds [ ! -e "$tmp/tree/work" ]
run 0 "the doctor where the namespaces' level is limited" env EDDY_SANDBOX_MAX_LEVEL=1 make -s -C "$tmp/tree" doctor
says "note sandbox level 1 of 3"
says "EDDY_SANDBOX_MAX_LEVEL is set"
run 0 "make help" make -s -C "$tmp/tree" help
for command in doctor lab hint why check-protected restore; do
    says "make $command"
done

# ---- the files that were given
if ! command -v git >/dev/null; then
    skip "what was given" "git is not installed"
    echo "1..$count"
    exit
fi
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t GIT_CONFIG_GLOBAL=/dev/null
given=$tmp/given
protected() { "$given/grader/student/protected.sh" "$@"; }
restore() { F=$1 protected restore; }

mkdir -p "$given/grader/student" "$given/loop"
cp grader/student/protected.sh "$given/grader/student/"
run 2 "a folder without git" env GIT_CEILING_DIRECTORIES="$tmp" "$given/grader/student/protected.sh" check
says "not run git says: fatal: not a git repository"
run 2 "a machine without git" env PATH="$tmp/bin" "$given/grader/student/protected.sh" check
says "not run git is not installed"
cd "$given" || exit 1
git init -q -b main .
run 2 "a repository without a commit" protected check
says "not run git does not track this folder"
echo all: >Makefile
echo one >loop/one.c
echo two >"loop/two words.c"
echo work/ >.gitignore
git add . && git commit -qm given
run 0 "an untouched handout" protected check
says "given: the last commit, since there is neither a tag handout nor a remote"
says "Every file that was given is as it was given."
echo evening >loop/one.c
rm "loop/two words.c"
echo new >loop/new.c
mkdir -p work/02-loop && echo x >work/02-loop/loop.c
run 1 "a changed handout" protected check
says "changed loop/one.c"
says "missing loop/two words.c"
says "new loop/new.c"
says "your changes to these do not count"
run 2 "restoring nothing" restore ""
says "say which file"
run 2 "restoring what was not given" restore loop/new.c
says "loop/new.c was not given"
run 0 "restoring one" restore ./loop/one.c
says "yours is now loop/one.c.mine"
holds [ "$(cat loop/one.c loop/one.c.mine | tr '\n' ' ')" = "one evening " ]
run 0 "restoring what is as it was" restore loop/one.c
says "is as it was given"
echo night >loop/one.c
run 0 "restoring all" restore all
holds [ "$(cat loop/one.c loop/one.c.mine loop/one.c.mine.2 | tr '\n' ' ')" = "one evening night " ]
holds [ "$(cat "loop/two words.c")" = two ]
holds [ -e loop/new.c ]
run 0 "the handout again" protected check
git tag handout
echo later >loop/one.c && git commit -qam "a change that was committed"
run 1 "a change that was committed, since the tag" protected check
says "given: the tag handout"
says "changed loop/one.c"
git tag -d handout >/dev/null && git branch -q upstream HEAD~1
git clone -q --branch upstream "$given" "$tmp/clone"
echo more >>"$tmp/clone/loop/one.c"
git -C "$tmp/clone" commit -qam more
run 1 "a change that was committed, since the remote" "$tmp/clone/grader/student/protected.sh" check
says "given: where this branch left origin"
says "changed loop/one.c"
cd "$here" || exit 1
run 0 "make check-protected, which never fails by itself" make -s -C "$tmp/tree" check-protected
says "not run"
echo "1..$count"
