#!/usr/bin/env python3
"""test_languages.py - blocks and hogs of Python and JavaScript programs have those languages' lines, as TAP.

The trap it exists for: a report that is right, and says "the evaluator"."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
WATCH = os.path.join(TOP, "build/bin/blockwatch")
results = []

PYTHON = '''
import asyncio, os, threading, time

def burn():
    total = 0
    for i in range(3000000): total += i * i         # HOG
    return total

def naïve():
    time.sleep(0.01)            # SLEEP

async def main():
    await asyncio.sleep(0.01)
    naïve()
    r, w = os.pipe()
    threading.Timer(0.02, os.write, (w, b"x")).start()
    os.read(r, 1)               # READ
    await asyncio.sleep(0.01)
    burn()
    await asyncio.sleep(0.01)
    for i in range(300):
        time.sleep(0.0002)      # FLOOD
    await asyncio.sleep(0)
    print("done")

asyncio.run(main())
'''

NODE = '''
const fs = require('fs');
function wait() {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);       // WAIT
}
function run() {
    require('child_process').execSync('sleep 0.02');                        // EXEC
}
function sync() {
    const file = fs.openSync(process.argv[2], 'w');
    for (let i = 0; i < 20; i++) {
        fs.writeSync(file, 'x'.repeat(100000));
        fs.fsyncSync(file);                                                 // FSYNC
    }
}
function rubbish() {
    const kept = [];
    for (let i = 0; i < 300000; i++) kept.push({ i });
    return kept.length;
}
setTimeout(() => { wait(); run(); sync(); for (let i = 0; i < 5; i++) rubbish(); }, 20);
setTimeout(() => console.log('done'), 40);
'''


def check(name, problems):
    results.append((name, list(problems)))


def line_of(text, mark):
    return next(n for n, line in enumerate(text.split("\n"), 1) if mark in line and f"'{mark}'" not in line)


def sites(report):
    """What was found: (everything that a line of the report says, as text)."""
    with open(report, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def names_line(found, call, path, line):
    """Whether a finding that names `call` has that place in its frames."""
    def places(value):
        if isinstance(value, dict):
            yield (value.get("file"), value.get("line"))
            for part in value.values():
                yield from places(part)
        elif isinstance(value, list):
            for part in value:
                yield from places(part)
    return any(call in json.dumps(finding) and any(file and os.path.basename(file) == os.path.basename(path) and n == line
                                                   for file, n in places(finding)) for finding in found)


def watch(folder, name, text, command, wanted):
    """Runs it with and without, and looks for {mark: call}."""
    path, report = os.path.join(folder, name), os.path.join(folder, name + ".json")
    with open(path, "w", encoding="utf-8") as program:
        program.write(text)
    command = command + [path, os.path.join(folder, "out")]
    plain = subprocess.run(command, capture_output=True, timeout=60)
    who, missing = command[0], wanted
    for _ in range(5):          # on a machine that is busy with something else a hog is starved, and has no line
        watched = subprocess.run([WATCH, "--quiet", "--json", report, "--"] + command, capture_output=True, timeout=60)
        found = sites(report) if os.path.exists(report) else []
        missing = {mark: call for mark, call in missing.items() if not names_line(found, call, path, line_of(text, mark))}
        if not missing:
            break
    without, having = (plain.returncode, plain.stdout), (watched.returncode, watched.stdout)
    check(f"{who} does the same", [] if without == having else [f"{without} without, {having} with: {watched.stderr[-300:]!r}"])
    for mark, call in wanted.items():
        check(f"{who}: {call} is found in its line",
              [f"no finding of {call} has {name}:{line_of(text, mark)}"] if mark in missing else [])


def pythons():
    """Debian's, and whatever else there is of those whose frames are known."""
    yield "/usr/bin/python3"
    for path in sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.1[123].*/bin/python3"))):
        yield path


def main():
    with tempfile.TemporaryDirectory() as folder:
        for python in pythons():
            if os.path.exists(python):
                watch(folder, "server.py", PYTHON, [python],
                      {"# SLEEP": "nanosleep", "# READ": "read", "# HOG": "HOG", "# FLOOD": "nanosleep"})
        if shutil.which("node"):
            watch(folder, "server.js", NODE, ["node"], {"// WAIT": "pthread_cond_timedwait", "// EXEC": "epoll_pwait",
                                                        "// FSYNC": "fsync"})
        else:
            results.append(("node # SKIP node is not installed", []))
    print("TAP version 13")
    print(f"1..{len(results)}")
    for i, (name, problems) in enumerate(results, 1):
        print(f"{'not ok' if problems else 'ok'} {i} - {name}")
        for problem in problems[:20]:
            print(f"  {problem}")
    sys.exit(any(problems for _, problems in results))


main()
