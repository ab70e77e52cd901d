#!/usr/bin/env python3
"""test_calls.py - a program is the same under the detector's wrappers: every return value, every errno, every jump, as TAP.

Each call of calls.tab is made once by a loop thread, with and without, in each tier, and with the lint, which puts every call
through the slow path. The trap it exists for: a detector that changes what it watches."""
import functools
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "../../..")
BUILT = os.path.join(TOP, "build/release/grader/tests/blocking")
WATCH = os.path.join(TOP, "build/bin/blockwatch")
LIBRARY = os.path.join(TOP, "build/bin/libblockwatch.so")
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import calls_once  # noqa: E402

WAYS = {"the ring": [], "rseq": ["--tier", "rseq"], "getrusage": ["--tier", "switches"], "the lint": ["--could-block"]}
ASKED = [r"20 ms", r"fd \d+ \(pipe\), 1 byte", r"sleep 0.02; echo inner", r"fd \d+ \(TCP to 127\.0\.0\.1:\d+\), 1 byte",
         r"fd \d+ \(timerfd\), 8 bytes", r"2 descriptors, the first of them fd \d+ \(pipe\), 3 ms"]
results = []


def check(name, problems):
    results.append((name, list(problems)))


def skip(name, reason):
    results.append((f"{name} # SKIP {reason}", []))


def run(command, folder):
    """(exit status, standard output, what came to descriptor 9) of a command, in a folder of its own."""
    os.makedirs(folder)
    with open(os.path.join(folder, "said"), "w+b") as said:
        os.set_inheritable(said.fileno(), True)
        done = subprocess.run(["sh", "-c", f'exec "$@" 9>&{said.fileno()}', "sh"] + command, cwd=folder, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=100, pass_fds=[said.fileno()])
        said.seek(0)
        return done.returncode, done.stdout, said.read().decode()


def differences(one, other):
    for a, b in zip(one.split("\n"), other.split("\n")):
        if a != b:
            yield f"without: {a}; with: {b}"
    if one.count("\n") != other.count("\n"):
        yield f"{one.count(chr(10))} lines without, {other.count(chr(10))} with"


def every_call_is_the_same(folder):
    names = calls_once.program(os.path.join(TOP, "grader/blocking/calls.tab"))[1]
    plain = run([os.path.join(BUILT, "calls_once"), "9"], os.path.join(folder, "plain"))
    answers = plain[2].count("\n")
    check(f"{len(names)} functions are called once",
          [] if plain[0] == 0 and answers == len(names) else [f"exit status {plain[0]}, {answers} answers"])
    for way, options in WAYS.items():
        watched = run([WATCH, "--quiet"] + options + ["--", os.path.join(BUILT, "calls_once"), "9"], os.path.join(folder, way))
        check(f"each gives the same under {way}", list(differences(plain[2], watched[2]))
              + ([f"exit status {watched[0]}"] if watched[0] else [])
              + (["its output differs"] if watched[1] != plain[1] else []))


def odd_calls_are_the_same(folder):
    plain = run([os.path.join(BUILT, "calls_odd")], os.path.join(folder, "odd"))
    check("a program is cancelled, interrupted and jumps", [] if plain[0] == 0 and plain[1] else [f"exit status {plain[0]}"])
    for way, options in WAYS.items():
        report = os.path.join(folder, "odd.json")
        watched = run([WATCH, "--quiet", "--json", report] + options + ["--", os.path.join(BUILT, "calls_odd")],
                      os.path.join(folder, "odd " + way))
        check(f"it comes through it the same under {way}", list(differences(plain[1].decode(), watched[1].decode()))
              + ([f"exit status {watched[0]}"] if watched[0] else []))
        with open(report, encoding="utf-8") as lines:
            text = lines.read()
        check(f"and what slept is named, under {way}", (f"no finding names {name}" for name in
              ("nanosleep", "read", "fgets") if f'"{name}"' not in text))
        check(f"and told what it was asked, under {way}",
              (f"nothing was asked {words}" for words in ASKED if not re.search(words, text)))
        check(f"the report is JSON, line by line, under {way}", bad_lines(text))


def bad_lines(text):
    for line in text.splitlines():
        try:
            json.loads(line)
        except ValueError as error:
            yield f"{error}: {line[:80]}"


@functools.lru_cache(maxsize=None)
def system_call_number(name):
    text = subprocess.run(["gcc", "-E", "-dM", "-x", "c", "-"], input="#include <asm/unistd.h>\n", capture_output=True, text=True).stdout
    found = re.search(rf"#define __NR_{name} (\d+)", text)
    return found and found.group(1)


def calls_of_our_own():
    """The system calls that the interposer makes, as far as there are such on this machine."""
    texts = [open(path, encoding="utf-8").read() for path in glob.glob(os.path.join(TOP, "grader/blocking/inside/*.[ch]"))]
    names = set(re.findall(r"raw(?:\d|_call)\(SYS_(\w+)", "\n".join(texts)))
    return sorted(name for name in names if system_call_number(name))


def filters_are_survived(folder):
    """What a program forbids itself, by death or by refusal, it may: it lives, and its sleeps are found, or it is said why not."""
    alive = (0, b"alive\n")
    for call, how in [(call, how) for call in calls_of_our_own() for how in ("kill", "refuse")]:
        for when in ("before", "after"):
            report = os.path.join(folder, f"{call} {when}.json")
            command = [os.path.join(BUILT, "calls_filtered"), system_call_number(call), how, when]
            plain = subprocess.run(command, capture_output=True, timeout=60)
            if (plain.returncode, plain.stdout) != alive:
                continue                # it needs that call itself
            done = subprocess.run([WATCH, "--quiet", "--json", report, "--"] + command, capture_output=True, timeout=60)
            with open(report, encoding="utf-8") as lines:
                text = lines.read()
            check(f"a program that filters {call} ({how}) {when} its first turn lives",
                  [] if (done.returncode, done.stdout) == alive else [f"exit status {done.returncode}: {done.stderr[-200:]}"])
            check("and its sleeps are found, or it is said why not",
                  [] if '"nanosleep"' in text or "seccomp" in text else [text[:200]])


def sandboxes_are_survived(folder):
    """A program that allows itself what it needs, and nothing else: it is not watched from there on, and that is said."""
    for how in ("kill", "refuse"):
        for when in ("before", "after"):
            report = os.path.join(folder, f"{how} {when}.json")
            command = [os.path.join(BUILT, "calls_filtered"), "all", how, when]
            done = subprocess.run([WATCH, "--quiet", "--json", report, "--"] + command, capture_output=True, timeout=60)
            with open(report, encoding="utf-8") as lines:
                text = lines.read()
            check(f"a program that allows itself only what it needs ({how}) {when} its first turn lives",
                  [] if (done.returncode, done.stdout) == (0, b"alive\n") else [f"exit status {done.returncode}: {done.stderr[-200:]}"])
            check("and it is said that it is not watched", [] if "(seccomp)" in text else [text[:200]])


def only_what_is_wrapped_is_visible():
    if not shutil.which("nm"):
        skip("the library shows the wrapped functions only", "nm (binutils) is not installed")
        return
    listed = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], capture_output=True, text=True).stdout
    seen = {line.split()[-1] for line in listed.splitlines()}
    entries = calls_once.generate.read_table(os.path.join(TOP, "grader/blocking/calls.tab"))
    wanted = {name for entry in entries for name in [entry.name] + entry.also}
    others = re.compile(r"exec\w+|fexecve|prctl|(__|_|sig)?longjmp(_chk)?|_?_?exit|_Exit|quick_exit|blockwatch_door_1")
    check("the library shows the wrapped functions only",
          [f"{name} is missing" for name in sorted(wanted - seen)]
          + [f"{name} is visible" for name in sorted(seen - wanted) if not others.fullmatch(name)])


def main():
    with tempfile.TemporaryDirectory() as folder:
        every_call_is_the_same(folder)
        odd_calls_are_the_same(folder)
        filters_are_survived(folder)
        sandboxes_are_survived(folder)
    only_what_is_wrapped_is_visible()
    print("TAP version 13")
    print(f"1..{len(results)}")
    for i, (name, problems) in enumerate(results, 1):
        print(f"{'not ok' if problems else 'ok'} {i} - {name}")
        for problem in problems[:20]:
            print(f"  {problem}")
    sys.exit(any(problems for _, problems in results))


main()
