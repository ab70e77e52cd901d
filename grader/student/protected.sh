#!/bin/sh
# protected.sh - the files that were given, and those of them that are not as they were given.
#
#   protected.sh check               a line for each; ends with 0 if there is none, 1 if there are, 2 if it cannot be told
#   F=path|all protected.sh restore  brings them back; a changed one is kept beside it as path.mine
#
# Given is what git tracks in the handout's commit: the tag `handout` if there is one, else where this branch left the
# remote's, else HEAD. Trap: a student's evening may be in such a file, so nothing is brought back before it is saved.
cd "$(dirname "$0")/../.." || exit 2
bold='' red='' green='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') red=$(printf '\033[1;31m') green=$(printf '\033[32m') plain=$(printf '\033[0m')
fi

# not_run WHY: nothing can be told
not_run() {
    printf '\n  %snot run%s  %s\n\n' "$bold" "$plain" "$1"
    exit 2
}

repository() {
    command -v git >/dev/null 2>&1 || not_run "git is not installed, so what was given cannot be told (apt-get install git)."
    said=$(git rev-parse --is-inside-work-tree 2>&1) || not_run "git says: $(printf '%s\n' "$said" | sed -n 1p)"
    git ls-files --error-unmatch Makefile >/dev/null 2>&1 ||
        not_run "git does not track this folder, so what was given cannot be told. Work in a clone of the handout."
}

# Prints the commit, and sets what it is called.
find_handout() {
    if handout=$(git rev-parse -q --verify 'refs/tags/handout^{commit}'); then
        called="the tag handout"
        return
    fi
    for remote in $(git remote); do
        for branch in HEAD main master; do
            if handout=$(git merge-base HEAD "refs/remotes/$remote/$branch" 2>/dev/null); then
                called="where this branch left $remote"
                return
            fi
        done
    done
    handout=$(git rev-parse -q --verify HEAD) || not_run "there is no commit yet, so nothing was given."
    called="the last commit, since there is neither a tag handout nor a remote"
}

# "M path", "D path": given files that were changed or are missing.
differences() {
    git -c core.quotePath=false diff --relative --no-renames --no-ext-diff --diff-filter=MDT --name-status "$handout" -- .
}

# New files where the kit would build them in.
strangers() {
    git -c core.quotePath=false ls-files --others --exclude-standard -- loop stream http grader labs | grep -v '\.mine\(\.[0-9]*\)\?$'
}

word() {
    case $1 in
        D) echo "missing" ;;
        T) echo "is no file" ;;
        *) echo "changed" ;;
    esac
}

# ---- check
put_new() {
    [ -n "$new" ] || return
    count=$(printf '%s\n' "$new" | wc -l)
    printf '%s\n' "$new" | sed -n '1,10s/^/  new      /p'
    [ "$count" -le 10 ] || printf '           ... and %d more\n' $((count - 10))
    printf '           New files there are built in here, but were not given.\n\n'
}

check() {
    list=$(differences) || not_run "git cannot compare with $called."
    new=$(strangers)
    printf '\n  given: %s (%s)\n\n' "$called" "$(git log -1 --format='%h, %as' "$handout")"
    put_new
    if [ -z "$list" ]; then
        printf '  %sEvery file that was given is as it was given.%s\n\n' "$green" "$plain"
        return 0
    fi
    printf '%s\n' "$list" | while read -r state path; do
        printf '  %s%-8s%s %s\n' "$red" "$(word "$state")" "$plain" "$path"
    done
    cat <<END

  An official grade is made with the files that were given: your changes to these do not count
  there, and a grade made here may differ from it. What you hand in lies under work/.

  make restore F=path brings one back, make restore F=all every one; yours is kept as path.mine.

END
    return 1
}

# ---- restore
# A name beside PATH that is free.
free_name() {
    name=$1.mine
    n=1
    while [ -e "$name" ] || [ -L "$name" ]; do
        n=$((n + 1))
        name=$1.mine.$n
    done
    printf '%s' "$name"
}

restore_one() {
    saved=
    if [ -e "$1" ] || [ -L "$1" ]; then
        saved=$(free_name "$1")
        mv -- "$1" "$saved" || return 2
    fi
    if git restore --source="$handout" --worktree -- ":(literal)$1"; then
        printf '  %srestored%s  %s%s\n' "$green" "$plain" "$1" "${saved:+   (yours is now $saved)}"
        return 0
    fi
    [ -z "$saved" ] || mv -- "$saved" "$1"
    echo "restore: git could not bring $1 back; it is as it was" >&2
    return 2
}

# As git names it: without ./ or what leads to this folder.
plain_path() {
    path=${1#"$PWD"/}
    while [ "${path#./}" != "$path" ]; do path=${path#./}; done
    printf '%s' "$path"
}

restore_named() {
    path=$(plain_path "$1")
    if printf '%s\n' "$list" | cut -f 2- | grep -qxF -- "$path"; then
        restore_one "$path"
    elif git cat-file -e "$handout:./$path" 2>/dev/null; then
        echo "  $path is as it was given: there is nothing to bring back."
    else
        echo "restore: $path was not given; make check-protected lists what was, and is changed" >&2
        return 2
    fi
}

restore_all() {
    if [ -z "$list" ]; then
        echo "  Every file that was given is as it was given."
        return 0
    fi
    printf '%s\n' "$list" | cut -f 2- | { rc=0
        while IFS= read -r path; do restore_one "$path" || rc=2; done
        exit $rc; }
}

restore() {
    if [ -z "${F:-}" ]; then
        echo "restore: say which file, F=loop/loop.c, or F=all; make check-protected lists what is changed" >&2
        return 2
    fi
    list=$(differences) || not_run "git cannot compare with $called."
    if [ "$F" = all ]; then restore_all; else restore_named "$F"; fi
}

repository
find_handout
case ${1:-} in
    check) check ;;
    restore) restore ;;
    *) sed -n '4,5s/^#   //p' "$0" >&2; exit 2 ;;
esac
