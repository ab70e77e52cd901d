#!/usr/bin/env python3
"""catalogue.py - everything that blocks, hogs or looks so, under the detector; what it says against what each case measured. TAP.

    catalogue.py [--tier TIER]... [--times N] [--quiet-times N] [--busy] [--soak] [--work FOLDER] [FAMILY]...

Run it from the root, after make blocking-build. Nothing here is believed of the detector: each case in catalogue/ asks the
kernel itself how often it slept, and for how long, around its operation. It is one of the places where tests really sleep; the
machine may be loaded, so a case is judged by what happened, not by what should. The trap it exists for: a detector that is
tested with its own eyes."""
import argparse, functools, json, os, shutil, subprocess, sys, tempfile

BLOCKWATCH = os.environ.get("BLOCKWATCH", "build/bin/blockwatch")
PROGRAM = os.environ.get("CATALOGUE", "build/release/grader/tests/blocking/catalogue/catalogue")
PYTHON = "/usr/bin/python3"
OPERATIONS = "grader/tests/blocking/catalogue/operations.py"
OWED = 60_000           # ns: a sleep that the case saw so long itself must be told. That is 50 us, and what clocks differ by;
                        # where it waited for a processor as well, up to twice that
SAMPLED = 8_000_000     # ns: a hog that keeps the processor so long is looked at in time
SHARE = 0.97            # of what was judged must be named, and have its line
ERROR = 100_000         # ns: between its duration and the case's own
RUNS_AGAIN = 2          # of a family in which a time was off
BOUND = 600             # s
FAMILIES = ["sleep", "descriptor", "sync", "process", "disk", "files", "names", "stdio", "ipc", "async", "special", "stacks",
            "memory", "hogs", "starved", "quiet-descriptors", "quiet-others"]
PYTHON_FAMILIES = ["python", "python-hogs", "python-quiet"]
BLOCKED = ("BLOCKED", "FAULTS")


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def say(self, ok, name, notes=(), skip=None):
        self.count += 1
        self.failed += not ok and skip is None
        print(f"{'ok' if ok or skip else 'not ok'} {self.count} - {name}" + (f" # SKIP {skip}" if skip else ""))
        if not ok:
            print("\n".join("# " + n for n in notes))
        sys.stdout.flush()

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


class Report:
    """What the detector wrote: its sites, and on the time line what was told of them."""

    def __init__(self, events, over):
        self.over = over                # when the last case was
        of = lambda kind: [e for e in events if e["event"] == kind]
        self.sites = {s["site"]: s for s in of("site")}
        self.waits = [s for s in of("stretch") if s["kind"] == "wait" and s["site"] is not None]
        self.iterations = [s for s in of("stretch") if s["kind"] == "iteration" and s["site"] is not None]
        self.loops, self.notes, self.dropped = of("loop"), [n["text"] for n in of("note")], of("run")[0]["dropped"]
        self.tier = self.loops[0]["tier"] if self.loops else "none"

    def during(self, stretches, began, ended):
        return [s for s in stretches if s["began_ns"] < ended and s["ended_ns"] > began]

    def only_counted(self, case, sites):
        """What may be this case's of that which was not told one by one, or was told when all was over: of its sites, of those at
        its line, and of those without a name."""
        places = [s for s in self.sites.values() if s in sites or is_lined(s["at"], case) or not s["call"]]
        late = [w for w in self.waits if w["ended_ns"] > self.over and self.sites[w["site"]] in places]
        return len(late) + sum(s["suppressed"] for s in places)

    def counted(self):
        return sum(s["count"] for s in self.sites.values() if s["verdict"] in BLOCKED)

    def errors(self, trials, told):
        """Of a case's sleeps, sorted: between its own estimate and what was told. Not where something was only counted."""
        whole = [(t, w) for t, w in zip(trials, told) if w and not any(self.sites[s["site"]]["suppressed"] for s in w)]
        return sorted(abs(sum(s["took_ns"] for s in w) - t[2]) for t, w in whole)

    @staticmethod
    def times(trials, told):
        return ", ".join(f"{t[2] / 1e6:.3f} and {sum(s['took_ns'] for s in w) / 1e6:.3f} ms" for t, w in zip(trials, told))

    def sites_of(self, stretches):
        return [self.sites[n] for n in dict.fromkeys(s["site"] for s in stretches)]


def base(path):
    return os.path.basename(path or "")


def is_lined(frame, case):
    return frame is not None and frame["line"] == case["line"] and base(frame["file"]) in case["files"]


def is_named(site, case):
    """What has no name must be said to have none, and what it is: a page fault, a system call."""
    if not case["calls"]:
        return site["call"] is None and site["what"].startswith(("page fault", "system call"))
    calls = case["calls"].split()
    return site["call"] in calls or site["what"].split()[-1] in calls


def describe(site):
    at = site["at"] or {}
    return f"{site['verdict']} {site['what']} ({site['asked']}) at {base(at.get('file') or at.get('module'))}:{at.get('line')}"


class Row:
    """A line of the table at the end."""

    def __init__(self):
        self.cases = self.judged = self.detected = self.named = self.lined = self.unlined = self.false = self.error = 0


class Judge:
    def __init__(self, tap):
        self.tap, self.table = tap, {}

    def row(self, tier, family):
        return self.table.setdefault((tier, family), Row())

    def tiers(self):
        return dict.fromkeys(t for t, _ in self.table)

    def case(self, case, report, tier):
        name = f"{case['family']}/{case['name']} ({tier})"
        row = self.row(tier, case["family"])
        row.cases += 1
        if case["absent"] or not case["count"]:
            self.tap.say(True, name, skip=case["absent"] or "it was not run")
        elif case["expected"] in ("blocks", "faults"):
            self.blocking(name, row, case, report)
        else:
            self.busy(name, row, case, report)

    def blocking(self, name, row, case, report):
        owed = [t for t in case["trials"] if t[3] > 0 and t[2] >= OWED + min(t[4], OWED)]
        if not owed:
            self.tap.say(True, name, skip=f"it did not sleep for {OWED // 1000} us in {case['count']} runs")
            return
        told = [report.during(report.waits, t[0], t[0] + t[1]) for t in owed]
        sites = report.sites_of(sum(told, []))
        best = [s for s in sites if is_named(s, case)] or sites
        named, lined = any(is_named(s, case) for s in sites), any(is_lined(s["at"], case) for s in best)
        missed = max(0, sum(not w for w in told) - report.only_counted(case, sites))
        errors = report.errors(owed, told) or [0]
        error = errors[len(errors) // 2] if not missed else 0
        off = not missed and self.is_off(owed, told, report) and self.is_off_again(case)
        row.judged += 1
        row.detected += not missed
        row.named += named
        row.lined += lined
        row.error = max(row.error, error)
        wrong = [f"{missed} of {len(owed)} sleeps were not told"] if missed else []
        wrong += [f"its time is {error / 1e6:.3f} ms off (its own, and told: {report.times(owed, told)})"] if off else []
        less = [f"its call is {case['calls'] or 'none'}"] if not named else []
        less += [f"its line is {case['line']}"] if not lined else []
        said = [f"{'; '.join(wrong + less)}; it was told:"] + [describe(s) for s in sites]
        self.tap.say(not wrong, name, said)
        if less and not wrong:
            print("\n".join("# " + n for n in said))

    @staticmethod
    def is_off(owed, told, report):
        """A wrong clock is wrong each time. What a host does to its guest in the middle of a switch is the sleep's for one clock
        and the processor's for another, so two of three trials may be off."""
        errors = report.errors(owed, told)
        return bool(errors) and errors[(len(errors) - 1) // 3] > ERROR

    def is_off_again(self, case):
        """In a wrong clock's next runs, too."""
        for _ in range(RUNS_AGAIN):
            cases, report, _ = self.again()
            trials = [t for c in cases or [] if c["name"] == case["name"] for t in c["trials"]]
            owed = [t for t in trials if t[3] > 0 and t[2] >= OWED + min(t[4], OWED)]
            if owed and not self.is_off(owed, [report.during(report.waits, t[0], t[0] + t[1]) for t in owed], report):
                return False
        return True

    def busy(self, name, row, case, report):
        """Hogs, the starved, look-alikes: no sleep is told that the kernel did not count."""
        waits = [w for w in report.waits if report.sites[w["site"]]["verdict"] in BLOCKED]
        if case["family"] in PYTHON_FAMILIES:       # between its trials an interpreter sleeps, too
            each = [report.during(waits, t[0], t[0] + t[1]) for t in case["trials"]]
            false, waits = sum(max(0, len(w) - t[3]) for w, t in zip(each, case["trials"])), sum(each, [])
        else:
            waits = report.during(waits, case["began"], case["ended"])
            false = max(0, len(waits) - case["switches"])
        row.judged += 1
        row.false += false
        wrong = [f"{false} sleeps were told that did not happen"] if false else []
        sites = report.sites_of(waits)
        if case["expected"] != "silent":
            seen = report.sites_of(sum((report.during(report.iterations, t[0], t[0] + t[1]) for t in case["trials"]), []))
            seen += [s for s in report.sites.values() if s["verdict"] == "STARVED" and s not in seen and
                     s["first_ns"] < case["ended"] and s["last_ns"] > case["began"]]
            wrong += self.slow(row, case, [s for s in seen if s["verdict"] in ("HOG", "STARVED")])
            sites += seen
        self.tap.say(not wrong, name, [f"{'; '.join(wrong)}; of this was told:"] + [describe(s) for s in sites])

    @staticmethod
    def slow(row, case, sites):
        """What was wrong. A line is owed only where it had the processor most of the time, and long enough to be looked at."""
        hogged = [t for t in case["trials"] if t[1] - t[2] - t[4] > max(t[4], SAMPLED)]
        frames = [f for s in sites for part in [s] + s["samples"] for f in part["frames"]]
        lined = any(is_lined(f, case) for f in frames)
        verdict = "STARVED" if case["expected"] == "starves" or not hogged else "HOG"
        row.detected += bool(sites)
        row.named += any(s["verdict"] == verdict for s in sites)
        row.lined += lined
        row.unlined += not hogged and not lined
        if hogged and not lined:
            print(f"# {case['family']}/{case['name']}: its line {case['line']} was not seen")
        return [] if sites else ["it was not told"]

    def end(self, whole):
        for tier in self.tiers() if whole else ():
            rows = [r for (t, family), r in self.table.items() if t == tier and r.detected]
            judged = sum(r.judged for r in rows)
            for what, reached in (("named", sum(r.named for r in rows)), ("lined", sum(r.lined + r.unlined for r in rows))):
                if judged:
                    self.tap.say(reached >= SHARE * judged, f"{reached} of {judged} are {what} ({tier})",
                                 [f"{SHARE:.0%} is asked for"])
        print("# tier     family              cases judged detected named lined false  worst error")
        for (tier, family), r in self.table.items():
            print(f"# {tier:8} {family:18} {r.cases:6} {r.judged:6} {r.detected:8} {r.named:5} {r.lined:5} {r.false:5} "
                  f"{r.error / 1e3:9.1f} us")


def command_of(family, out, work, times):
    if family in PYTHON_FAMILIES:
        return [PYTHON, "-B", OPERATIONS, "--times", str(times), "--work", work, "--out", out, family]
    return [PROGRAM, "--times", str(times), "--work", work, "--out", out, family]


def run(family, tier, times, work):
    """The family under the detector: its cases' own measurements, what was reported, or why there is neither."""
    out, told = f"{work}/{family}.out", f"{work}/{family}.jsonl"
    for path in (out, told):
        if os.path.exists(path):
            os.remove(path)
    command = [BLOCKWATCH, *(["--tier", tier] if tier else []), "--json", told, "--quiet", "--"]
    command += command_of(family, out, work, times)
    try:
        r = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=BOUND)
    except subprocess.TimeoutExpired:
        return None, None, [f"it did not end in {BOUND} s"]
    said = (r.stderr + r.stdout).splitlines()[-20:]
    if r.returncode or not os.path.exists(out) or not os.path.exists(told):
        return None, None, [f"{' '.join(command)} ended with {r.returncode}"] + said
    cases = lines(out)
    for case in cases:
        case["files"] = set(case.get("files") or os.listdir("grader/tests/blocking/catalogue"))
    return cases, Report(lines(told), max(c["ended"] for c in cases)), []


def options_read():
    options = argparse.ArgumentParser()
    options.add_argument("--tier", action="append")
    options.add_argument("--times", type=int, default=3)
    options.add_argument("--quiet-times", type=int, default=100)
    options.add_argument("--busy", action="store_true", help="while every processor has something else to do, too")
    options.add_argument("--soak", action="store_true", help="each tier, 10 and 10000 times, at rest and busy")
    options.add_argument("--work", default="build", help="a folder on a disk, for files")
    options.add_argument("family", nargs="*")
    o = options.parse_args()
    if o.soak:
        o.tier, o.times, o.quiet_times = ["ring", "rseq", "switches"], 10, 10000
    o.tier = o.tier or [None, "rseq", "switches"]       # None: the best one
    return o


def families_run(o, tier, judge, tap, work):
    for family in o.family or FAMILIES + PYTHON_FAMILIES:
        judge.again = functools.partial(run, family, tier, o.quiet_times if "quiet" in family else o.times, work)
        cases, report, why = judge.again()
        if why:
            tap.say(False, f"{family} runs under the detector", why)
            continue
        tap.say(report.dropped == 0 and len(report.loops) == 1, f"{family} is one loop, of which nothing was dropped",
                [f"{len(report.loops)} loops, {report.dropped} records dropped"] + report.notes)
        if tier and report.tier != tier:
            tap.say(True, f"{family} ({tier})", skip="; ".join(report.notes) or "the tier is not there")
        if family.startswith("quiet"):
            counted, slept = report.counted(), sum(c["switches"] for c in cases)
            tap.say(counted <= slept, f"{family}: all together no more sleeps are counted than there were ({report.tier})",
                    [f"{counted} are, and there were {slept}"])
        for case in cases:
            judge.case(case, report, report.tier)


def main():
    o = options_read()
    tap = Tap()
    judge = Judge(tap)
    work = tempfile.mkdtemp(prefix="catalogue.", dir=o.work)
    try:
        for busy in (False, True) if o.soak else (o.busy,):
            burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() if busy else 0)]
            try:
                for tier in o.tier:
                    if tier not in judge.tiers() or busy:
                        families_run(o, tier, judge, tap, work)
            finally:
                for b in burners:
                    b.kill()
                    b.wait()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    judge.end(whole=not o.family)
    return tap.end()


sys.exit(main())
