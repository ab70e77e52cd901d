#!/usr/bin/env python3
"""labs.py [LAB ...] - does every lab grade rightly? As TAP.

The reference scores full marks, the untouched starter its floor, each mutant fails the item that names its misconception,
honest samples get what they deserve, cheats get nothing for what they did not do and leave nothing running. That starter and
mutants define the reference's globals and no others is asked of whatever is graded (scan.c), so it is not asked again here. The
trap it exists for: a grader nobody grades."""
import configparser, ctypes, glob, json, os, re, shutil, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
GRADE, BUILD = "build/bin/grade", "build/release"
POOL = ThreadPoolExecutor(3)                # a grade waits about as much as it works
results = []


def grade(lab, *options, seed="7"):
    """(exit status, the grade as a dict)"""
    with tempfile.TemporaryDirectory() as out:
        r = subprocess.run([GRADE, "--lab", lab, "--seed", seed, "--out", out, *options],
                           capture_output=True, text=True, stdin=subprocess.DEVNULL)
        path = os.path.join(out, "grade.json")
        if not os.path.exists(path):
            return r.returncode, {"points": None, "items": [], "fault": r.stdout + r.stderr}
        with open(path) as f:
            return r.returncode, json.load(f)


def say(ok, name, *why):
    results.append(ok)
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {name}")
    for line in () if ok else why:
        print("  " + str(line).replace("\n", "\n  "))
    sys.stdout.flush()


def points(g):
    return g.get("total", {}).get("points")


def failed(g):
    return {i["id"] for i in g.get("items", []) if i["state"] == "fail"}


def summary(rc, g):
    return f"exit {rc}, {points(g)} points, failed {sorted(failed(g))}, refused {g.get('refused')!r}, fault {g.get('fault')!r}"


def catcher(mutant):
    """The item that must fail, from the head of the patch, or of the wrong answers."""
    with open(mutant) as f:
        return re.search(r"^(?:# )?caught-by: (\w+)$", f.read(), re.M).group(1)


def grade_mutant(number, mutant):
    lab, name = os.path.basename(os.path.dirname(os.path.dirname(mutant))), os.path.splitext(os.path.basename(mutant))
    if name[1] == ".patch":
        return grade(number, "--sub", f"{BUILD}/labs/{lab}/mutants/{name[0]}.src", "--item", catcher(mutant))
    with tempfile.TemporaryDirectory() as folder:           # the reference, with wrong answers
        shutil.copytree(f"{BUILD}/labs/{lab}/reference.src", folder, dirs_exist_ok=True)
        shutil.copy(mutant, folder + "/answers.txt")
        return grade(number, "--sub", folder, "--item", catcher(mutant))


def warnings(lab, ini):
    """What the compiler says of the starter."""
    for file in (w.split(":")[0] for w in ini["lab"]["files"].split() if ":" in w):
        compiler = ["gcc", "-std=c17", "-D_GNU_SOURCE", "-I.", "-Wall", "-Wextra", "-fsyntax-only"]
        yield subprocess.run([*compiler, f"{lab}/start/{file}"], capture_output=True, text=True).stderr


def check(lab):
    name = os.path.basename(lab)
    number = name[:2]
    ini = configparser.RawConfigParser()
    ini.read(lab + "/lab.ini")
    mutants = sorted(glob.glob(lab + "/mutants/*.patch") + glob.glob(lab + "/mutants/*.txt"))
    references = [(seed, POOL.submit(grade, number, "--who", "reference", seed=seed)) for seed in ("1", "2", "3")]
    starter = POOL.submit(grade, number, "--sub", lab + "/start")
    caught = [POOL.submit(grade_mutant, number, m) for m in mutants]
    samples = [(folder, POOL.submit(lambda f: list(expected(f)), folder)) for folder in samples_of(number)]
    said = "".join(warnings(lab, ini))
    say(not said, f"lab {name}: the starter builds without a warning", said)
    for seed, done in references:
        rc, g = done.result()
        say(rc == 0 and points(g) == 100, f"lab {name}: the reference scores 100 (seed {seed})", summary(rc, g))
    rc, g = starter.result()
    floor = int(ini["lab"]["floor"])
    say(rc == 1 and points(g) == floor, f"lab {name}: the starter scores its floor, {floor}", summary(rc, g))
    say(len(mutants) >= 8, f"lab {name}: has at least 8 mutants ({len(mutants)})")
    for mutant, done in zip(mutants, caught):
        rc, g = done.result()
        by = catcher(mutant)
        say(rc == 1 and failed(g) == {by}, f"lab {name}: {os.path.splitext(os.path.basename(mutant))[0]} is caught by {by}", summary(rc, g))
    for folder, done in samples:
        found = done.result()
        for ok, what in found[:-1]:
            say(ok, f"{folder[13:-1]} {what}", found[-1][1])
    left = children()
    say(not left, f"lab {number}: no sample and no cheat leaves anything running", *left)


def samples_of(number):
    return [f for f in sorted(glob.glob("grader/tests/submissions/*/") + glob.glob("grader/tests/cheats/*/"))
            if open(f + "expect").read().startswith(f"lab {number} ")]


def expected(folder):
    """The grade of a sample or cheat, and what its file `expect` demands of it:
        lab 02 points 45..60 fails A4 H1 H3?    the items that must fail, and no others; with ? they may
        uses common                             the lab's files that are not in the folder are taken from this one beside it
        only A1                                 it is enough to grade this item
        says a sentence                         words that must be in the grade
        never root:                             words that must not"""
    with open(folder + "expect") as f:
        want = dict(line.split(" ", 1) for line in f.read().splitlines())
    number, least, most, fails = re.match(r"(\w+) points (\d+)\.\.(\d+)(?: fails (.*))?$", want["lab"]).groups()
    with tempfile.TemporaryDirectory() as assembled:
        for source in [f"{folder}../{want['uses']}", folder] if "uses" in want else []:
            shutil.copytree(source, assembled, dirs_exist_ok=True)
        only = ["--item", want["only"]] if "only" in want else []
        rc, g = grade(number, "--sub", assembled if "uses" in want else folder, *only)
    said, must = json.dumps(g, ensure_ascii=False), {i for i in (fails or "").split() if not i.endswith("?")}
    may = must | {i.rstrip("?") for i in (fails or "").split()}
    total = points(g)
    yield total is not None and int(least) <= total <= int(most) and rc == (total != 100), f"gets {least}..{most} points"
    if fails:
        yield must <= failed(g) <= may, f"fails {fails} and nothing else"
    if "says" in want:
        yield want["says"] in said, f"is told: {want['says']}"
    if "never" in want:
        yield want["never"] not in said, f"is not told: {want['never']}"
    yield None, summary(rc, g)


def children():
    """What still runs below us after a moment: whatever outlives its parent becomes ours (PR_SET_CHILD_SUBREAPER)."""
    for _ in range(100):
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return []
        time.sleep(0.02)
    with open(f"/proc/self/task/{os.getpid()}/children") as f:
        return f.read().split()


ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)    # PR_SET_CHILD_SUBREAPER
print("TAP version 13")
for folder in sorted(glob.glob("labs/[0-9][0-9]-*")):
    if not sys.argv[1:] or os.path.basename(folder)[:2] in sys.argv[1:]:
        check(folder)
print(f"1..{len(results)}")
sys.exit(not all(results))
