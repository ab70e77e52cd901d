#!/usr/bin/env python3
"""test_languages.py - blocks and hogs of Python and JavaScript programs have those languages' lines, as TAP.

The trap it exists for: a report that is right, and says "the evaluator"."""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

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
const words = JSON.stringify(Array.from({ length: 60000 }, (_, i) => ({ i, word: 'word' + i })));
function parse() {
    return JSON.parse(words).length;                                        // PARSE
}
function spin(n) {                                                          // SPIN
    let sum = 0;
    for (let i = 0; i < n; i++) sum = (sum * 31 + i) | 0;
    return sum;
}
function deep(n) { return n < 2 ? n : deep(n - 1) + deep(n - 2); }          // DEEP
function rubbish() {
    const kept = [];
    for (let i = 0; i < 300000; i++) kept.push({ i });
    return kept.length;
}
setTimeout(() => { wait(); run(); sync(); for (let i = 0; i < 5; i++) rubbish(); }, 20);
setTimeout(parse, 30);
setTimeout(spin, 40, 50000000);
setTimeout(deep, 50, 31);
setTimeout(() => console.log('done'), 60);
'''

MODULE = '''
import { setTimeout as later } from 'node:timers/promises';
await later(5);
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);           // WAIT
'''

HANGING = {
    "hang.py": '''
import asyncio, sys, time
def hang():
    time.sleep(float(sys.argv[1]))      # HANG
async def main():
    while True:
        await asyncio.sleep(0.02)
        print("hangs", flush=True)
        hang()
asyncio.run(main())
''',
    "late.py": '''
import asyncio, sys, time
def hang():
    time.sleep(float(sys.argv[1]))      # HANG
async def main():
    print("hangs", flush=True)
    while True:
        hang()
        await asyncio.sleep(0)          # something is always due: epoll is asked, and never slept in
asyncio.run(main())
''',
    "hang.js": '''
const word = new Int32Array(new SharedArrayBuffer(4)), nap = () => Atomics.wait(word, 0, 0, 1000 * process.argv[2]);    // HANG
setInterval(function hang() {
    console.log('hangs');
    nap();
}, 20);
''',
}


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


def hanging(folder, name, interpreter, seconds):
    """It hangs for so long each time, and says so before."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as program:
        program.write(HANGING[name])
    return path, [interpreter, path, str(seconds)]


def killed(folder, name, interpreter):
    """What it hung in when it was killed is known from outside only."""
    path, command = hanging(folder, name, interpreter, 60)
    report, pid = os.path.join(folder, "killed.json"), os.path.join(folder, "pid")
    shell = ["sh", "-c", f'echo $$ > "{pid}"; exec "$@"', "sh"]
    watcher = subprocess.Popen([WATCH, "--quiet", "--json", report, "--"] + shell + command, stdout=subprocess.PIPE)
    watcher.stdout.readline()
    time.sleep(0.3)             # it hangs, and has been looked at
    with open(pid, encoding="ascii") as number:
        os.kill(int(number.read()), signal.SIGKILL)
    watcher.communicate(timeout=60)
    found = [s for s in sites(report) if s.get("verdict") == "BLOCKED"]
    line = line_of(HANGING[name], "HANG")
    check(f"{interpreter}: killed while it hangs, it has its line",
          [] if names_line(found, "BLOCKED", path, line) else [f"no {name}:{line} in {found}"])


def attached(folder, name, interpreter):
    path, command = hanging(folder, name, interpreter, 0.05)
    line, report, found = line_of(HANGING[name], "HANG"), os.path.join(folder, "attached.json"), []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
        program.stdout.readline()
        for _ in range(5):
            status = subprocess.run([WATCH, "--quiet", "--json", report, "--attach", str(program.pid), "--for", "600ms"],
                                    timeout=60).returncode
            found = [s for s in sites(report) if s.get("verdict") == "BLOCKED"]
            if names_line(found, "BLOCKED", path, line):
                break
        alive = program.poll() is None
        program.kill()
    good = alive and not status and names_line(found, "BLOCKED", path, line)
    check(f"{interpreter} {name}: attached to, its sleeps have their line",
          [] if good else [f"{alive} {status}: no {line} in {found}"])


def pythons():
    """Debian's, and whatever else there is of those whose frames are known."""
    yield "/usr/bin/python3"
    for path in sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python3"))):
        if re.search(r"/3\.(9|1[0-3])\.", path):
            yield path


def watch_python(folder, python):
    """Its sleep is another call since 3.11."""
    old = subprocess.run([python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]).returncode
    sleep = "select" if old else "nanosleep"
    watch(folder, "server.py", PYTHON, [python], {"# SLEEP": sleep, "# READ": "read", "# HOG": "HOG", "# FLOOD": sleep})


def watch_node(folder):
    watch(folder, "server.js", NODE, ["node"], {"// WAIT": "pthread_cond_timedwait", "// EXEC": "epoll_pwait",
                                                "// FSYNC": "fsync", "// PARSE": "HOG", "// SPIN": "HOG", "// DEEP": "HOG"})
    spaced = os.path.join(folder, "a b%")
    os.mkdir(spaced)
    watch(spaced, "module.mjs", MODULE, ["node"], {"// WAIT": "pthread_cond_timedwait"})
    names = {site["at"]["file"] for site in sites(os.path.join(spaced, "module.mjs.json"))
             if site.get("at") and (site["at"]["file"] or "").endswith("/module.mjs")}
    check("node: a module's file is a path", [] if names == {os.path.join(spaced, "module.mjs")} else [names])


def main():
    with tempfile.TemporaryDirectory() as folder:
        for python in filter(os.path.exists, pythons()):
            watch_python(folder, python)
        if os.path.exists("/usr/bin/python3"):
            killed(folder, "hang.py", "/usr/bin/python3")
            attached(folder, "hang.py", "/usr/bin/python3")
            attached(folder, "late.py", "/usr/bin/python3")
        if shutil.which("node"):
            watch_node(folder)
            killed(folder, "hang.js", "node")
            attached(folder, "hang.js", "node")
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
