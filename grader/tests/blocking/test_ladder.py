#!/usr/bin/env python3
"""test_ladder.py - every stage of the ladder under the detector, as TAP: it serves, and it fetches from good and bad peers.

From the third on a stage waits in its selector, and nowhere else while its loop runs. What sleeps by chance, on a lock or a cold
page, does not do so in each of three runs. The trap it exists for: silence that only says that nobody looked; so each must have
been seen to wait for its events."""
import atexit, json, os, signal, socket, subprocess, sys, tempfile

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.dont_write_bytecode = True
sys.path.insert(0, f"{TOP}/stages/tests")
from world import PATIENCE, REQUEST, STAGES, Fixture, end_cleanly, program, read_all

WATCH = f"{TOP}/build/bin/blockwatch"
FIRST_WITH_A_LOOP = "03"
work = tempfile.TemporaryDirectory(prefix="ladder-")


def start(stage, words, report):
    before = [WATCH, "--quiet", "--json", report, "--"] if report else []
    process = subprocess.Popen([*before, program(stage), *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    atexit.register(lambda: process.poll() is None and process.terminate())
    return process


def end(process):
    """Its exit status, as a shell has it: blockwatch passes it on like that."""
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def serve(stage, _, report):
    """A client with half a request, which sends the rest when another one has been served, and is served too."""
    process = start(stage, ["serve", "0"], report)
    port = int(process.stdout.readline().rsplit(":")[1])
    half, other = (socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(2))
    half.sendall(REQUEST[:9])
    pages = []
    if stage[:2] >= FIRST_WITH_A_LOOP:
        other.sendall(REQUEST)
        pages.append(read_all(other))
        half.sendall(REQUEST[9:])
        pages.append(read_all(half))
    half.close()
    other.close()
    status = end(process)
    return status, [page and page.split(b"\r\n")[0] for page in pages]


def fetch(stage, fixture, report):
    """Pages, and one that never comes: the run is ended in the middle."""
    urls = [*fixture.put_in("PAGES/ PAGES/a PAGES/late NASTY/dribble NASTY/reset NASTY/half-body").split(), fixture.hang()]
    process = start(stage, ["fetch", *urls], report)
    fixture.wait_for(urls[-1])
    return end(process), []


def read(report):
    with open(report, encoding="utf-8") as f:
        events = [json.loads(line) for line in f]
    return [e for e in events if e["event"] == "loop"], [e for e in events if e["event"] == "site" and e["verdict"] == "BLOCKED"]


def tell(site):
    at = site["at"] or {}
    place = f"{at.get('function')} {at.get('file')}:{at.get('line')}"
    return f"{site['what']} ({site['asked']}) for {site['total_ns'] / 1e6:.3f} ms at {place}"


def trouble(stage, what, fixture):
    """What is wrong with it, a line each."""
    report = f"{work.name}/report"
    plain = what(stage, fixture, None)
    for _ in range(3):
        watched = what(stage, fixture, report)
        loops, blocked = read(report)
        if watched != plain:
            return [f"alone it ended with {plain}, watched with {watched}"]
        if stage[:2] < FIRST_WITH_A_LOOP:
            return [f"it has no selector, and a loop was found: {loop}" for loop in loops]
        if not any(loop["waited_ns"] > 0 for loop in loops):
            return ["its loop was not found"]
        if not blocked:
            return []
    return [tell(site) for site in blocked]


def main():
    end_cleanly()
    count = failed = 0
    with Fixture() as fixture:
        for stage in STAGES:
            for what in (serve, fetch):
                wrong, count = trouble(stage, what, fixture), count + 1
                failed += bool(wrong)
                sleeps = "has no loop to be watched" if stage[:2] < FIRST_WITH_A_LOOP else "sleeps in its selector only"
                verdict = "not ok" if wrong else "ok"
                print(f"{verdict} {count} - {stage} {what.__name__}: watched it is the same, and {sleeps}", flush=True)
                for line in wrong:
                    print(f"# {line}")
    print(f"1..{count}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
