#!/usr/bin/env python3
"""stage_run.py stage NN | ladder | check NN - what a stage does while it waits, and how long its clients wait.

    stage NN    its tests, where it slept, its latency and its CPU beside the former stage's (make stage-NN)
    ladder      all stages as one table, and build/stages/ladder.svg (make stages)
    check NN    where it slept, alone

What cannot be measured here is reported as "not run", with the reason. The trap it exists for: a figure without what it was
measured on; so the prober says how late it was itself, and CPU is compared in pairs that alternate."""
import glob, json, os, signal, statistics, subprocess, sys, tempfile, time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests"))
from clients import Client
from picture import draw
from world import BIN, REQUEST, ROOT, STAGES, Fixture, Server, end_cleanly, program, read_all

SLOW_NAMES = 50                                 # ms that a server of names takes, where one is asked
RATE, SECONDS, ROUNDS, PAIRS = 200, 2, 4, 25
SELECTORS = ("epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect")
BEHIND_MAIN = ("exit", "__run_exit_handlers", "_dl_fini")


# ---- where it slept --------------------------------------------------------------------------------------------------
# getopt, which all stages call before all else, is told to be a wait for events: so a stage without a selector has a loop,
# too, and what comes before the first wait of the others is looked at as well.
WATCHED = [f"{ROOT}/build/bin/blockwatch", "--quiet", "--least", "1us", "--wait", "getopt", "--json"]
SLOWED = dict(os.environ, LD_PRELOAD=f"{BIN}/slow_names.so", STAGE_SLOW_NAMES=str(SLOW_NAMES))


class Sleep:
    """A line at which it slept, of all runs: a site of blockwatch's (docs/blocking-events.md)."""

    def __init__(self, site, until_the_end):
        self.call, self.times, self.ns, self.until_the_end = site["call"], site["count"], site["total_ns"], until_the_end
        self.what = "page fault" if site["verdict"] == "FAULTS" else site["call"] or site["what"]
        self.frames = [f for f in site["frames"] if f["own"]]
        self.place = self.frames[0] if self.frames else site["at"]

    def key(self):
        return self.what, self.place and (self.place["file"], self.place["line"])

    def add(self, other):
        if other is not self:
            self.times, self.ns = self.times + other.times, self.ns + other.ns
            self.until_the_end |= other.until_the_end

    def lines(self):
        after = [f"| {self.place['source']}"] if self.place and self.place["source"] else []
        after += [f"called from {where(frame)}" for frame in self.frames[1:]]
        if self.until_the_end:
            after.append("... and there it still was when nothing more came, and it was stopped")
        yield f"{self.what:12} {self.times:4} x {self.ns / 1e6:9.1f} ms   {where(self.place)}"
        yield from (f"{'':35}{line}" for line in after)


def where(frame):
    """file:line in function, as far as that is known."""
    if not frame or not frame["file"]:
        return frame and frame["function"] or "a place without a name"
    return f"{os.path.relpath(frame['file'], ROOT)}:{frame['line']} in {frame['function']}"


class Report:
    """A file for what blockwatch finds, and what that is."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile(prefix="stage-watch-")
        self.before = [*WATCHED, self.file.name, "--"]

    def events(self, kind):
        with open(self.file.name, encoding="utf-8") as f:
            return [e for e in map(json.loads, f) if e["event"] == kind]

    def sleeps(self, stopped):
        """Outside of the selector; `stopped` is when the program was told to end. What sleeps behind main holds up nobody."""
        last = [s["site"] for s in self.events("stretch") if s["kind"] == "wait" and s["began_ns"] < stopped < s["ended_ns"]]
        for site in self.events("site"):
            behind_main = any(f["function"] in BEHIND_MAIN for f in site["frames"])
            if site["verdict"] in ("BLOCKED", "FAULTS") and site["call"] not in SELECTORS and not behind_main:
                yield Sleep(site, site["site"] in last)


def ran(pid):
    """(ns that its main thread ran, ns that it waited for a processor)"""
    with open(f"/proc/{pid}/task/{pid}/schedstat", encoding="ascii") as f:
        return tuple(int(n) for n in f.read().split()[:2])


def awake(pid, seconds=0.3):
    """Which share of this time the main thread of pid ran or wanted to run; None where the kernel does not say."""
    try:
        before, begin = sum(ran(pid)), time.monotonic_ns()
        time.sleep(seconds)
        return (sum(ran(pid)) - before) / (time.monotonic_ns() - begin)
    except OSError:
        return None


def child_of(watcher):
    """The program that blockwatch runs; 0 where the kernel does not say."""
    try:
        with open(f"/proc/{watcher}/task/{watcher}/children", encoding="ascii") as f:
            return int(f.read().split()[0])
    except (OSError, IndexError):
        return 0


def watched_fetch(stage, fixture, report):
    """Pages of good and bad peers, by number and by name; then one that never comes, and the run is ended in the middle."""
    urls = fixture.put_in("PAGES/ PAGES/late NASTY/dribble NASTY/reset NASTY/half-body").split()
    urls += [fixture.urls["PAGES"].replace("127.0.0.1", "localhost") + "/a", "http://a..b/"]
    urls.append(fixture.hang())
    p = subprocess.Popen([*report.before, program(stage), "fetch", *urls], env=SLOWED, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    fixture.wait_for(urls[-1])
    return stop(p)


def watched_serve(stage, report):
    """A client with half a request, one in the middle of it, and then nobody."""
    with Server(stage, env=SLOWED, before=report.before) as server:
        half, other = server.connect(REQUEST[:9]), server.connect()
        half.sendall(REQUEST[9:])
        read_all(half)
        for byte in REQUEST:
            other.sendall(bytes([byte]))
            time.sleep(0.001)
        read_all(other)
        return stop(server.process)


def stop(watcher):
    """Looks at a program that has nothing to do, and ends it: how awake it was, and when it was told to end."""
    share, now = awake(child_of(watcher.pid)), time.monotonic_ns()
    watcher.send_signal(signal.SIGTERM)
    watcher.wait()
    return share, now


class Check:
    """What the watched runs of a stage showed."""

    def __init__(self, stage, fixture):
        self.sleeps, self.awake, self.missing = {}, None, None
        for run in (lambda r: watched_fetch(stage, fixture, r)), (lambda r: watched_serve(stage, r)):
            report = Report()
            share, stopped = run(report)
            if not report.events("loop"):
                self.missing = " ".join(e["text"] for e in report.events("note")) or "blockwatch saw nothing of it"
                return
            for sleep in report.sleeps(stopped):
                self.sleeps.setdefault(sleep.key(), sleep).add(sleep)
            if share is not None:
                self.awake = max(share, self.awake or 0)

    def calls(self):
        return sorted({sleep.call for sleep in self.sleeps.values() if sleep.call})

    def busy(self):
        return self.awake is not None and self.awake > 0.5

    def verdict(self):
        if self.missing:
            return "not run"
        sleeps = "sleeps in " + ", ".join(self.calls())
        if self.busy():
            return "busy wait" + (f"; {sleeps}" if self.calls() else "")
        return sleeps if self.calls() else "sleeps in its selector only"

    def lines(self):
        if self.missing:
            yield f"not run: {self.missing}"
            return
        for sleep in sorted(self.sleeps.values(), key=lambda s: -s.ns):
            yield from sleep.lines()
        if self.awake is None:
            yield "busy or not: not run: this kernel does not say how long a process ran (/proc/PID/task/PID/schedstat)"
        else:
            yield f"with nothing to do it was awake {self.awake:.0%} of the time"


def settled(stage, fixture):
    """The run with the fewest findings: what sleeps by chance, on a lock or a cold page, does not do so in each of three."""
    checks = [Check(stage, fixture)]
    while checks[-1].calls() and len(checks) < 3:
        checks.append(Check(stage, fixture))
    return min(checks, key=lambda check: len(check.calls()))


# ---- how long its clients wait --------------------------------------------------------------------------------------
class Latency:
    """Fixed-rate probes of `serve`, alone or beside a client that sends half a request and stays."""

    def __init__(self):
        self.late, self.took = 0, []

    def probe(self, stage, beside):
        with Server(stage) as server:
            half = server.connect(REQUEST[:9]) if beside else None
            r = subprocess.run([f"{BIN}/probe", str(server.port), str(RATE), str(SECONDS / ROUNDS)], capture_output=True,
                               text=True, check=True)
            if half:
                half.close()
        *lines, late = r.stdout.split("\n")[:-1]
        self.late = max(self.late, int(late.split()[1]))
        self.took = sorted(self.took + [float("inf") if l == "never" else int(l) for l in lines])

    def at(self, share):
        return self.took[min(int(len(self.took) * share), len(self.took) - 1)]

    def figures(self):
        return [figure(self.at(share)) for share in (0.5, 0.99, 1)]


def latencies(stages, beside):
    """Of each, in rounds, so that what else the machine does falls on all alike."""
    found = {stage: Latency() for stage in stages}
    for _ in range(ROUNDS):
        for stage in stages:
            found[stage].probe(stage, beside)
    return found


def figure(us):
    return "never" if us == float("inf") else f"{us / 1000:.2f} ms"


# ---- what it costs ---------------------------------------------------------------------------------------------------
def cpu(stage, port, pages=1000):
    """CPU of a run that fetches that many pages, 100 at a time, in ms."""
    command = [program(stage), "fetch", "-c", "100", "-n", str(pages), f"http://127.0.0.1:{port}/"]
    p = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        sys.exit(f"{' '.join(command)}: ended with {p.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def cpu_beside(stage, former):
    """(its CPU, the former's, quartiles of the paired ratio) in runs that alternate, from one server, the last stage's."""
    with Server(STAGES[-1]) as server:
        pairs = [(cpu(stage, server.port), cpu(former, server.port)) for _ in range(PAIRS + 1)][1:]
    ratios = statistics.quantiles([ours / theirs for ours, theirs in pairs], n=4)
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs), ratios


def cpu_of_connections(stage, together, pages=1000):
    """CPU of `serve` for that many pages, in ms: so many requests at a time on one connection; 0: each on one of its own."""
    with Server(stage) as server:
        before, client = ran(server.process.pid)[0], Client(server.port)
        for _ in range(pages // (together or pages)):
            client.asks(*["/"] * together)
            client.reads_pages(together)
        for _ in range(0 if together else pages):
            read_all(server.connect(REQUEST))
        return (ran(server.process.pid)[0] - before) / 1e6


# ---- what is said ----------------------------------------------------------------------------------------------------
def code_lines(stage):
    return sum(sum(1 for _ in open(f, encoding="utf-8")) for f in glob.glob(f"{ROOT}/stages/{stage}/*.c"))


def former_of(stage):
    return STAGES[STAGES.index(stage) - 1] if stage != STAGES[0] else None


def show_latency(stage, beside, title):
    print(f"\n{title}")
    for s, latency in latencies([s for s in (former_of(stage), stage) if s], beside).items():
        p50, p99, most = latency.figures()
        print(f"  {s:26} p50 {p50:>9}   p99 {p99:>9}   max {most:>9}   (the prober was late by up to {figure(latency.late)})")


def show_connections(stage):
    """From 10 on they are kept."""
    try:
        anew, kept, many = (statistics.median(cpu_of_connections(stage, n) for _ in range(5)) for n in (0, 1, 10))
    except OSError:
        print("CPU of `serve`: not run: this kernel has no /proc/PID/schedstat")
        return
    print(f"CPU of `serve` for 1000 pages: each on a connection of its own {anew:.1f} ms; all on one {kept:.1f} ms; "
          f"ten requests at a time {many:.1f} ms")


def show_stage(stage):
    tests = subprocess.run([sys.executable, f"{ROOT}/stages/tests/test_stages.py", stage[:2]], capture_output=True, text=True)
    failed = [l for l in tests.stdout.splitlines() if l.startswith(("not ok", "#"))]
    print(f"{stage}: {tests.stdout.count(chr(10) + 'ok ')} tests passed, {sum(l.startswith('not') for l in failed)} failed")
    for line in failed:
        print(f"  {line}")
    with Fixture() as fixture:
        check = settled(stage, fixture)
    print(f"\nwhere its thread slept, outside of the selector (a server of names was made to take {SLOW_NAMES} ms):")
    for line in check.lines():
        print(f"  {line}")
    print(f"  verdict: {check.verdict()}")
    show_latency(stage, False, f"latency of `serve`, {RATE} requests a second for {SECONDS} s, since each was meant to be sent:")
    show_latency(stage, True, "the same, beside a client that has sent half a request and stays:")
    if former_of(stage):
        ours, theirs, (low, middle, high) = cpu_beside(stage, former_of(stage))
        print(f"\nCPU of 1000 pages, 100 at a time: {ours:.1f} ms; {former_of(stage)} {theirs:.1f} ms; "
              f"ratio {middle:.2f} (quartiles {low:.2f} to {high:.2f}, {PAIRS} pairs)")
    if stage >= "10":
        show_connections(stage)
    return bool(failed) or tests.returncode != 0


def show_ladder():
    print("each step is watched, probed and paid for: this takes about a minute ...", file=sys.stderr, flush=True)
    with Fixture() as fixture, Server(STAGES[-1]) as server:
        verdicts = {stage: settled(stage, fixture).verdict() for stage in STAGES}
        costs = [[cpu(stage, server.port) for stage in STAGES] for _ in range(5)]
    alone, beside = latencies(STAGES, False), latencies(STAGES, True)
    rows = [(stage, verdicts[stage], alone[stage].figures()[1], *beside[stage].figures()[:2], f"{statistics.median(cost):.0f} ms",
             str(code_lines(stage))) for stage, cost in zip(STAGES, zip(*costs))]
    heads = ("stage", "while it waits it ...", "p99 alone", "p50 beside*", "p99 beside*", "CPU/1000", "lines")
    widths = [max(len(r[i]) for r in [heads, *rows]) for i in range(len(heads))]
    for r in [heads, *rows]:
        print("  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))).rstrip())
    print(f"* beside a client that has sent half a request and stays. {RATE} requests a second for {SECONDS} s, since\n"
          "  each was meant to be sent. CPU: of 1000 pages, 100 at a time. `make stage-NN` says more.")
    late = max(l.late for found in (alone, beside) for l in found.values())
    print(f"  The prober itself was late by {figure(late)} at most: what is not much more than that is the machine's.")
    draw([(stage, alone[stage].took, beside[stage].took) for stage in STAGES], f"{BIN}/ladder.svg")
    print(f"the curves: {os.path.relpath(BIN, os.getcwd())}/ladder.svg")


def main():
    end_cleanly()
    what, number = (sys.argv + ["", ""])[1:3]
    stage = next((s for s in STAGES if s[:2] == number), None)
    if what == "ladder" and not number:
        return show_ladder()
    if what == "stage" and stage:
        return show_stage(stage)
    if what == "check" and stage:
        with Fixture() as fixture:
            check = Check(stage, fixture)
        print("\n".join([*check.lines(), check.verdict()]))
        return 0
    sys.exit(f"usage: stage_run.py ladder | stage NN | check NN, where NN is one of {', '.join(s[:2] for s in STAGES)}")


if __name__ == "__main__":
    sys.exit(main())
