#!/usr/bin/env python3
"""test_patient.py - the program of lab 00, under the detector: what its number plants is what is found, as TAP.

The trap it exists for: a lab whose right answers cannot be found out."""
import json, os, re, subprocess, sys, tempfile

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
ANSWERS = ["labs/00-look/reference/answers.txt", "grader/tests/submissions/answers-only/answers.txt"]
TRIES = 3                               # a machine can be so busy that an innocent wakes up late
results = []


def say(ok, name, *why):
    results.append(ok)
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {name}")
    for line in () if ok else why:
        print(f"  {line}")


def planted(path):
    """(the program's number, its stalls)"""
    with open(path) as f:
        text = f.read()
    stalls = [dict(word.split("=") for word in line.split()) for line in re.findall(r"^stall \d: (.+)$", text, re.M)]
    return re.search(r"^program: (\d+)", text, re.M).group(1), stalls


def look(number):
    """(the findings, what the program said)"""
    with tempfile.TemporaryDirectory() as out:
        r = subprocess.run(["build/bin/blockwatch", "--quiet", "--json", out + "/found", "--", "build/bin/patient", number],
                           capture_output=True, text=True, timeout=60)
        with open(out + "/found") as f:
            return [e for e in map(json.loads, f) if e["event"] == "site"], r.stdout + r.stderr


def is_found(stall, sites):
    verdict = {"none": "HOG", "page-fault": "FAULTS"}.get(stall["call"], "BLOCKED")
    for s in sites:
        near = abs(s["longest_ns"] / 1e6 - float(stall["ms"])) <= 0.15 * float(stall["ms"]) + 2
        named = verdict != "BLOCKED" or stall["call"] in s["what"]
        if s["verdict"] == verdict and near and named and any(f["function"] == stall["callback"] for f in s["frames"]):
            return True
    return False


def check(path):
    number, stalls = planted(path)
    for _ in range(TRIES):
        sites, said = look(number)
        refused = "This machine refuses" in said
        wanted = [s for s in stalls if not (refused and s["call"] == "page-fault")]
        missed = [s for s in wanted if not is_found(s, sites)]
        late = [s for s in wanted if not re.search(rf"{s['suffered']} +late by", said)]
        if not missed and not late:
            break
    found = [f"found {s['verdict']} {s['what']} {s['longest_ns'] / 1e6:.1f} ms" for s in sites]
    say(not missed, f"patient {number}: the detector finds what was planted, with callback, call and time", missed, *found)
    say(not late, f"patient {number}: who suffers is late in what it says", late, said)
    if refused:
        print(f"# patient {number}: the page was not planted: this machine refuses userfaultfd")


print("TAP version 13")
for answers in ANSWERS:
    check(answers)
print(f"1..{len(results)}")
sys.exit(not all(results))
