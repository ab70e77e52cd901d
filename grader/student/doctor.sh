#!/bin/sh
# doctor.sh - can this machine grade, and how well? The list that make doctor prints: what was found, whether that will do,
# and for what will not a line to paste. Works before anything is built or installed, without make or a compiler too.
# Ends with 0 if grading can work, 1 otherwise. What has to be measured is in doctor_main.c, doctor_sandbox_main.c.
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d 2>/dev/null) || tmp=
trap '[ -z "$tmp" ] || rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
tab=$(printf '\t')
problems=0 notes=0 fine=0 packages='' extras=''
green='' yellow='' red='' bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    green=$(printf '\033[32m') yellow=$(printf '\033[33m') red=$(printf '\033[1;31m') bold=$(printf '\033[1m')
    plain=$(printf '\033[0m')
fi
as_root='sudo '
[ "$(id -u 2>/dev/null)" = 0 ] && as_root=''

# ---- the list
head() {
    printf '\n  %s%s%s\n' "$bold" "$1" "$plain"
}

# line ok|note|problem NAME FOUND [FIX]
line() {
    case $1 in
        ok) fine=$((fine + 1)) ink=$green ;;
        note) notes=$((notes + 1)) ink=$yellow ;;
        *) problems=$((problems + 1)) ink=$red ;;
    esac
    printf '  %s%-8s%s %-12s %s\n' "$ink" "$1" "$plain" "$2" "$3"
    [ -z "${4:-}" ] || printf '           %-12s %s\n' "  fix" "$4"
}

has() {
    command -v "$1" >/dev/null 2>&1
}

first_line() {
    read -r text && printf '%s' "$text"
}

number_in() {
    cat "$1" 2>/dev/null || echo "${2:-}"
}

# ---- packages: what is missing is installed by one line each, and all of it by one at the end
install_line() {
    if has apt-get; then
        echo "${as_root}apt-get install -y --no-install-recommends $1"
    else
        echo "install what your system calls $1 (which is Debian's name)"
    fi
}

# needed NAME PACKAGE FOUND: a line for what grading cannot do without; FOUND is empty where it is missing
needed() {
    if [ -n "$3" ]; then
        line ok "$1" "$3"
    else
        packages="$packages $2"
        line problem "$1" "missing, and grading needs it" "$(install_line "$2")"
    fi
}

# useful NAME PACKAGE FOUND FOR
useful() {
    if [ -n "$3" ]; then
        line ok "$1" "$3"
    else
        extras="$extras $2"
        line note "$1" "missing: $4" "$(install_line "$2")"
    fi
}

# version PROGRAM [ARGUMENT]: what it says of itself in its first line, or nothing
version() {
    has "$1" || return
    said=$("$1" "${2:---version}" 2>/dev/null </dev/null | first_line)
    echo "${said:-is there}"
}

compiler() {
    has gcc || return
    echo "gcc $(gcc -dumpfullversion 2>/dev/null)"
}

# Whether it makes a static C17 program with threads: a probe is one.
makes_programs() {
    echo 'int main(void) { _Static_assert(__STDC_VERSION__ >= 201710L, "C17"); return 0; }' >"$tmp/t.c"
    gcc -std=c17 -static -pthread "$tmp/t.c" -o "$tmp/t" 2>"$tmp/said" && "$tmp/t"
}

# header FILE MODULE: the version of what has this header, or nothing
header() {
    has gcc || { [ -e "/usr/include/$1" ] && echo "its header is there"; return; }
    echo "#include <$1>" | gcc -E -x c - >/dev/null 2>&1 || return
    pkg-config --modversion "$2" 2>/dev/null || echo "its header is there"
}

check_tools() {
    head "what grading is built with"
    needed compiler gcc "$(compiler)"
    if has gcc && [ -n "$tmp" ]; then
        if makes_programs; then
            line ok "C library" "static C17 programs are made, and run"
        else
            packages="$packages libc6-dev"
            line problem "C library" "no static C17 program: $(first_line <"$tmp/said")" "$(install_line libc6-dev)"
        fi
    fi
    needed make make "$(version make)"
    needed binutils binutils "$(version ld)"
    needed patch patch "$(version patch)"
    needed pkg-config pkg-config "$(version pkg-config)"
    needed python3 python3 "$(version python3)"
    needed libcheck check "$(header check.h check)"
    needed inih libinih-dev "$(header ini.h inih)"
    needed jansson libjansson-dev "$(header jansson.h jansson)"
    needed libelf libelf-dev "$(header gelf.h libelf)"
    needed libdw libdw-dev "$(header elfutils/libdw.h libdw)"
    needed seccomp libseccomp-dev "$(header seccomp.h libseccomp)"
    head "what make test and a debugger want"
    useful g++ g++ "$(version g++)" "make test checks the headers with it"
    useful valgrind valgrind "$(version valgrind)" "make test needs it"
    useful gcovr gcovr "$(version gcovr)" "make test needs it"
    if [ "$(uname -m)" = x86_64 ]; then
        useful arm64 "gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" \
            "$(has aarch64-linux-gnu-gcc && has qemu-aarch64 && echo "cross compiler and emulator")" "make test needs it"
    fi
    useful gdb gdb "$(version gdb)" "make why tells how to use it"
    useful git git "$(version git)" "make check-protected needs it"
}

# ---- the machine
check_system() {
    case $(uname -s) in
        Linux) line ok system "Linux $(uname -r) on $(uname -m)" ;;
        *) line problem system "$(uname -s): eddy needs Linux" "open the folder in its devcontainer, or a virtual machine" ;;
    esac
    case $(uname -r) in *Microsoft*) line problem WSL "version 1 has no Linux kernel" "wsl --set-version <name> 2" ;; esac
}

check_limits() {
    files=$(ulimit -Hn) soft=$(ulimit -Sn)
    if [ "$files" = unlimited ] || [ "$files" -ge 1024 ]; then
        line ok "open files" "$soft, up to $files (ulimit -n)"
    else
        line problem "open files" "$files at most; the sandbox needs 512" "${as_root}prlimit --pid \$\$ --nofile=4096:4096"
    fi
    case $(number_in /proc/sys/kernel/yama/ptrace_scope 0) in
        0 | 1) line ok debugging "gdb may run a program (ptrace_scope)" ;;
        *) line note debugging "gdb may not run a program" "${as_root}sysctl -w kernel.yama.ptrace_scope=1" ;;
    esac
    level=$(number_in /proc/sys/kernel/perf_event_paranoid 4)
    if [ "$level" -le 2 ]; then
        line ok "perf events" "own programs may be measured (perf_event_paranoid $level)"
    else
        line note "perf events" "closed (perf_event_paranoid $level); only profiles need them" \
            "${as_root}sysctl -w kernel.perf_event_paranoid=2"
    fi
}

# room FOLDER: MB that are free where it lies
room() {
    df -Pk "$1" 2>/dev/null | { read -r _; read -r _ _ _ free _; echo $((${free:-0} / 1024)); }
}

# check_folder NAME FOLDER MB: can be made and written, and has room
check_folder() {
    if ! mkdir -p "$2" 2>/dev/null || ! (: >"$2/.doctor") 2>/dev/null; then
        line problem "$1" "$2 cannot be written" "${as_root}chown -R $(id -u) '$(pwd)'"
        return
    fi
    rm -f "$2/.doctor"
    free=$(room "$2")
    rmdir "$2" 2>/dev/null
    if [ "$free" -ge "$3" ]; then
        line ok "$1" "can be written, $free MB free"
    else
        line problem "$1" "$free MB are free where it lies; it takes $3" "make clean, or make room in $(pwd)"
    fi
}

check_temporary() {
    if [ -z "$tmp" ]; then
        line problem "temporary" "${TMPDIR:-/tmp} cannot be written" "export TMPDIR=\$HOME"
        return
    fi
    printf '#!/bin/sh\n' >"$tmp/run" && chmod 755 "$tmp/run"
    if "$tmp/run" 2>/dev/null; then
        line ok temporary "${TMPDIR:-/tmp}, $(room "$tmp") MB free"
    else
        line problem temporary "no program runs in ${TMPDIR:-/tmp} (noexec)" "export TMPDIR=\$HOME"
    fi
}

check_machine() {
    head "this machine"
    check_system
    check_limits
    check_folder work/ work 20
    check_folder build/ build 300
    check_temporary
}

# ---- what is tried and measured
# records PROGRAM: builds it, runs it, and makes lines of what it says
records() {
    if ! "${MAKE:-make}" -s "$1" >"$tmp/said" 2>&1 || ! "$1" >"$tmp/records" 2>"$tmp/said"; then
        line note "$2" "not tried: $1 cannot be built: $(first_line <"$tmp/said")"
        return
    fi
    while IFS=$tab read -r state name found fix; do
        line "$state" "$name" "$found" "$fix"
    done <"$tmp/records"
}

check_kernel() {
    head "what the kernel allows, tried and measured"
    if ! has gcc || ! has "${MAKE:-make}" || [ -z "$tmp" ]; then
        line note kernel "not tried yet: that takes gcc and make"
        return
    fi
    records build/bin/doctor kernel
    if [ -n "$(header seccomp.h libseccomp)" ]; then
        records build/bin/doctor-sandbox sandbox
    else
        line note sandbox "not tried yet: that takes libseccomp-dev"
    fi
}

summary() {
    if [ "$problems" = 0 ]; then
        printf '\n  %sGrading can work here%s: %d ok, %d to note.' "$bold" "$plain" "$fine" "$notes"
        printf ' Next: make lab\n'
    else
        printf '\n  %sGrading cannot work here yet%s: %d to put right, %d to note, %d ok.\n' "$bold" "$plain" "$problems" \
            "$notes" "$fine"
    fi
    if [ -n "$packages" ] && has apt-get; then
        printf '\n  All that grading misses, in one line:\n  %sapt-get update && %s\n' "$as_root" "$(install_line "${packages# }")"
    fi
    if [ -n "$extras" ] && has apt-get; then
        printf '\n  What else could be of use:\n  %s\n' "$(install_line "${extras# }")"
    fi
    echo
    [ "$problems" = 0 ]
}

printf '\n  %seddy doctor%s  can this machine grade, and how well?\n' "$bold" "$plain"
check_tools
check_machine
check_kernel
summary
