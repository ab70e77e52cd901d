#!/usr/bin/env python3
"""test_stages.py [NN...] - the stages as they are called, against real peers. Speaks TAP. After `make stages-build`.

Each folder's expected.txt is a list of sessions: "$ command", what a server's clients do ("> ...": clients.py), and what is
said, lines sorted, since who is first is chance. The trap it exists for: a ladder whose steps print what their texts say on the
author's machine only."""
import os, re, signal, socket, struct, subprocess, sys, threading
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), d) for d in (".", "../run")]
from clients import Play, play
from stage_run import Check, awake
from world import PATIENCE, REQUEST, ROOT, STAGES, Fixture, Server, end_cleanly, program, read_all

VERDICTS = {"01": "sleeps in accept4, getaddrinfo, recv", "02": "busy wait; sleeps in getaddrinfo", "03": "sleeps in getaddrinfo",
            "04": "sleeps in getaddrinfo"}
SELECTOR_ONLY = "sleeps in its selector only"   # from 05 on
count, speaking = 0, threading.Lock()


def tap(ok, name, *notes):
    global count
    with speaking:
        count += 1
        print("\n".join([f"{'ok' if ok else 'not ok'} {count} - {name}", *(f"# {line}" for line in notes if not ok)]), flush=True)
    return ok


def side_by_side(tests):
    """Of tests that wait most of the time, each (function, arguments): what they return."""
    with ThreadPoolExecutor(8) as together:
        return [test.result() for test in [together.submit(*test) for test in tests]]


# ---- the sessions of expected.txt
def sessions(stage):
    """(stage, command, what clients do, what is said)"""
    with open(f"{ROOT}/stages/{stage}/expected.txt", encoding="utf-8") as f:
        blocks = f.read().split("\n\n")
    for block in filter(str.strip, blocks):
        command, *lines = block.strip("\n").split("\n")
        done = [line[2:] for line in lines if line.startswith("> ")]
        yield stage, command[2:], done, lines[len(done):]


def run(stage, command, done, fixture):
    words = fixture.put_in(command).split()
    if words[0] == "serve":
        return play(stage, words[1:-1], done)
    words.insert(words.index("fetch"), program(stage))
    r = subprocess.run(["timeout", str(PATIENCE), *words], capture_output=True, text=True)
    lines = sorted(fixture.take_out(r.stdout + r.stderr).splitlines())
    return lines + ([f"status {r.returncode}"] if r.returncode else [])


def test_sessions(stages, fixture):
    todo = [session for stage in stages for session in sessions(stage)]
    heard = side_by_side([(run, *session[:3], fixture) for session in todo])
    for (stage, command, done, expected), said in zip(todo, heard):
        tap(said == expected, f"{stage}: {'; '.join([command, *done])}", "expected:", *expected, "said:", *said)


def test_interrupt(stage, fixture):
    """What was fetched so far stays fetched, and a sentence says so."""
    hangs = fixture.hang(), fixture.hang()
    p = subprocess.Popen([program(stage), "fetch", fixture.urls["PAGES"] + "/a", *hangs], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = p.stdout.readline()
    fixture.wait_for(*hangs)
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=PATIENCE)
    tap(first == "200     1000 /a\n" and out == "Fetched 1000 bytes in 1 pages\n" and p.returncode == 1,
        f"{stage}: Ctrl-C keeps what was fetched", first, out, err, p.returncode)
    tap("interrupted" in err and "pages under way: 2" in err, f"{stage}: Ctrl-C is answered by a sentence", err)


def test_listing(stage, fixture):
    """What hangs can be asked what it waits for, and goes on."""
    hangs = fixture.hang(), fixture.hang()
    p = subprocess.Popen([program(stage), "fetch", *hangs], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    fixture.wait_for(*hangs)
    p.send_signal(signal.SIGUSR1)
    listed = "".join(p.stderr.readline() for _ in range(4))
    p.send_signal(signal.SIGINT)
    _, err = p.communicate(timeout=PATIENCE)
    many, waits = (5, "http fetch") if stage >= "11" else (3, "stream read")        # the client has some of its own
    tap(f"{many} coroutines:" in listed and "fetch_all " in listed and listed.count("fetch_in_turn ") == 2
        and listed.count(f"waits for {waits}") == 2, f"{stage}: SIGUSR1 lists its coroutines, and what each waits for", listed)
    tap("pages under way: 2" in err and p.returncode == 1, f"{stage}: ... and Ctrl-C cancels them, each gives its page up", err)


def test_progress(stage, fixture):
    """The run takes ten periods, so a line must have come before it timed out."""
    r = subprocess.run([program(stage), "fetch", "-p", "-t", "1", fixture.hang()], capture_output=True, text=True)
    tap("0 of 1 pages, 1 under way\n" in r.stderr, f"{stage}: -p says how far it is", r.stderr)


# ---- serving
def is_page(reply):
    head, _, body = (reply or b"").partition(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 200 OK\r\n") and b"Content-Length: %d\r\n" % len(body) in head + b"\r\n"


def is_refused(reply, status):
    return (reply or b"").startswith(b"HTTP/1.1 %d " % status) and b"\r\nConnection: close\r\n" in reply


def hang_up_rudely(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def test_serve(stage):
    with Server(stage) as server:
        tap(is_page(read_all(server.connect(REQUEST))), f"{stage}: a request is answered")
        slow = server.connect()
        for byte in REQUEST:
            slow.sendall(bytes([byte]))
        tap(is_page(read_all(slow)), f"{stage}: a request that comes byte by byte is answered")
        for beginning in b"", REQUEST[:9], REQUEST:
            server.connect(beginning).close()
            hang_up_rudely(server.connect(beginning))
        tap(is_page(read_all(server.connect(REQUEST))), f"{stage}: clients that leave or reset do no harm")
        long = server.connect()
        try:
            long.sendall(b"x" * 100000)
        except OSError:
            pass
        got = read_all(long)
        if stage >= "10":
            tap(is_refused(got, 414), f"{stage}: a request without end is refused, and the refusal arrives", got)
        else:
            tap(got == b"", f"{stage}: a request without end is not listened to")
        many = [server.connect(REQUEST) for _ in range(100)]
        tap(all([is_page(read_all(s)) for s in many]), f"{stage}: 100 clients at once are all answered")
        tap(server.process.poll() is None, f"{stage}: the server still runs")


def test_many(stage):
    with Server(stage) as server:
        r = subprocess.run([program(stage), "fetch", "-c", "100", "-n", "1000", f"http://127.0.0.1:{server.port}/"],
                           capture_output=True, text=True)
        tap(r.stdout.endswith("\nFetched 69000 bytes in 1000 pages\n") and not r.stderr and not r.returncode,
            f"{stage}: 1000 pages, 100 at a time, from itself", r.stdout[-200:], r.stderr)
        if stage >= "11":
            server.process.send_signal(signal.SIGTERM)
            _, err = server.process.communicate(timeout=PATIENCE)
            on = re.search(r"served 1000 pages on (\d+) connections", err)
            tap(on and int(on[1]) <= 100, f"{stage}: ... on connections that it keeps", err)


def test_half_a_request(stage):
    """The pain of 01: while one client thinks, the others wait. Gone from 02 on."""
    with Server(stage) as server:
        half = server.connect(REQUEST[:9])
        other = server.connect(REQUEST)
        if stage.startswith("01"):
            other.settimeout(0.2)
            try:
                got = other.recv(1)
            except TimeoutError:
                got = None
            tap(got is None, f"{stage}: half a request keeps everybody waiting")
            half.close()
            other.settimeout(PATIENCE)
            tap(is_page(read_all(other)), f"{stage}: ... until its client leaves")
        else:
            tap(is_page(read_all(other)), f"{stage}: half a request keeps nobody waiting")
            half.sendall(REQUEST[9:])
            tap(is_page(read_all(half)), f"{stage}: ... and its other half is answered")


def test_no_descriptor_left(stage, *options):
    with Server(stage, options, descriptors=16) as server:
        idle = [server.connect() for _ in range(30)]
        last = server.connect(REQUEST)
        share = awake(server.process.pid)
        what = "places" if options else "descriptors"
        tap(share is None or share < 0.5, f"{stage}: a server that is out of {what} sleeps", share)
        for s in idle:
            s.close()
        tap(is_page(read_all(last)), f"{stage}: ... and goes on when clients leave")


def test_turned_away(stage):
    """The same without a limit (-c): who comes need not wait, nor hope."""
    with Server(stage, descriptors=16) as server:
        idle = [server.connect() for _ in range(30)]
        tap(read_all(server.connect(REQUEST)) == b"", f"{stage}: who comes when no descriptor is left is turned away")
        share = awake(server.process.pid)
        tap(share is None or share < 0.5, f"{stage}: ... and the server sleeps", share)
        for s in idle:
            s.close()
        answered = (is_page(read_all(server.connect(REQUEST))) for _ in range(1000))
        tap(any(answered), f"{stage}: ... until others leave, and there is one again")


def test_time_out(stage):
    with Server(stage, ["-t", "1"]) as server:
        got = read_all(server.connect(REQUEST[:9]))
        tap(is_refused(got, 408) if stage >= "10" else got == b"", f"{stage}: half a request is given up in time", got)
        tap(is_page(read_all(server.connect(REQUEST))), f"{stage}: ... and the next one is answered")


def test_stop(stage):
    with Server(stage, ["-d", "0.1"] if stage >= "09" else []) as server:
        read_all(server.connect(REQUEST))
        half = server.connect(REQUEST[:9])
        server.process.send_signal(signal.SIGTERM)
        _, err = server.process.communicate(timeout=PATIENCE)
        ended = server.process.returncode == 0 and "served 1 page" in err
        tap(ended, f"{stage}: SIGTERM ends the server, which says what it did", err, server.process.returncode)
        tap(read_all(half) == b"", f"{stage}: ... and closes its connections")


def test_memory(stage):
    """Twenty pages of 32 MiB are wanted, and nobody reads one."""
    with Play(stage, ["-t", "1"]) as session:
        for i in range(20):
            session.tell(str(i), "asks", "for", "/huge")
        for _ in range(20):
            session.tell("server", "says", "given")
        with open(f"/proc/{session.server.process.pid}/status", encoding="ascii") as f:
            peak = next((int(line.split()[1]) for line in f if line.startswith("VmHWM")), float("inf"))
        tap(peak < 16384, f"{stage}: clients that do not read do not fill its memory", f"{peak} KiB at most")


# ---- where it sleeps
def test_verdict(stage, fixture):
    """A finding counts if it is there in each of three runs: a lock may be held by chance, a page of the program be cold."""
    verdict = VERDICTS.get(stage[:2], SELECTOR_ONLY)
    for _ in range(3):
        check = Check(stage, fixture)
        if check.missing or check.verdict() == verdict:
            break
    name = f"{stage}: {verdict}" + (f" # SKIP {check.missing}" if check.missing else "")
    tap(check.missing or check.verdict() == verdict, name, check.verdict(), *check.lines())
    test_places(stage, check)


def test_places(stage, check):
    """Each call that slept has its line, the text of it, and who called: in 01 also where it still was when it was stopped."""
    for sleep in (s for s in check.sleeps.values() if s.what in VERDICTS.get(stage[:2], "")):
        said = "\n".join(sleep.lines())
        tap(re.search(r" ms   stages/\S+\.c:\d+ in \w+\n +\| .*\b" + sleep.what + r"\(.*\n +called from stages/", said),
            f"{stage}: {sleep.what} is told with its line and its callers", said)
    if stage == STAGES[0]:
        ends = sorted(sleep.what for sleep in check.sleeps.values() if sleep.until_the_end)
        tap(check.missing or ends == ["accept4", "recv"], f"{stage}: where it was when it was stopped is told", *ends)


def main():
    wanted = [s for s in STAGES if not sys.argv[1:] or s[:2] in sys.argv[1:]]
    end_cleanly()
    print("TAP version 13")
    with Fixture() as fixture:
        test_sessions(wanted, fixture)
        side_by_side([(test_time_out, s) for s in wanted if s >= "04"] + [(test_progress, s, fixture) for s in wanted if s >= "05"]
                     + [(test_memory, s) for s in wanted if s >= "09"])
        for stage in wanted:
            test_verdict(stage, fixture)
            test_serve(stage)
            test_many(stage)
            test_half_a_request(stage)
            if stage >= "03":
                test_no_descriptor_left(stage, *(["-c", "4"] if stage >= "09" else []))
            if stage >= "05":
                test_interrupt(stage, fixture)
                test_stop(stage)
            if stage >= "08":
                test_listing(stage, fixture)
            if stage >= "09":
                test_turned_away(stage)
    print(f"1..{count}")


main()
