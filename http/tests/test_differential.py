#!/usr/bin/env python3
"""test_differential.py - our parsers beside h11's and node's (llhttp): the same bytes, and what each finds in them. As TAP.

Cases are valid messages with one to three pieces replaced by what may be read in two ways, the same ones each time
(DIFFERENTIAL_CASES: how many beside those with one piece; DIFFERENTIAL_SEED). Where a peer differs, RULES says why, with the
section of the RFC that gives us right; a difference that is not there fails. The trap it exists for: parsers that differ are
how requests are smuggled, and a parser that is compared with itself differs from nobody."""
import json, os, random, re, shutil, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FUZZ = os.path.join(ROOT, "http/tests/fuzz")
sys.path[:0] = [FUZZ, os.path.join(ROOT, "build/peers/usr/lib/python3/dist-packages")]
from differential_cases import answers, requests
from differential_rules import RULES

try:
    import h11
except ImportError:
    h11 = None

PATIENCE = 300
OURS = os.path.join(ROOT, os.environ.get("VERDICT", "build/release/http/tests/fuzz/verdict"))
CASES = int(os.environ.get("DIFFERENTIAL_CASES", "2000"))
SEED = int(os.environ.get("DIFFERENTIAL_SEED", "1"))
count = 0


def tap(name, wrong=(), skip=None):
    global count
    count += 1
    note = f" # SKIP {skip}" if skip else ""
    print("\n".join([f"{'not ok' if wrong else 'ok'} {count} - {name}{note}", *(f"# {w}" for w in wrong[:20])]), flush=True)


# ---- who reads: (end, why, messages) of each case
def ours(letter, cases):
    said = b"".join(b"%s%d\n%s" % (letter.encode(), len(c), c) for c in cases)
    out = subprocess.run([OURS], input=said, capture_output=True, check=True, timeout=PATIENCE).stdout.decode("latin-1")
    lines = [line.split("\t") for line in out.split("\n")[:-1]]
    assert len(lines) == len(cases), (len(lines), len(cases))
    return [(end, why, messages) for end, why, *messages in lines]


def node(letter, cases):
    said = "".join(f"{letter}{c.hex()}\n" for c in cases)
    out = subprocess.run(["node", os.path.join(FUZZ, "node_peer.js")], input=said, capture_output=True, text=True, check=True,
                         timeout=PATIENCE)
    lines = [json.loads(line) for line in out.stdout.split("\n")[:-1]]
    assert len(lines) == len(cases), (len(lines), len(cases), out.stderr)
    return [(v["end"], v["why"], v["messages"]) for v in lines]


def h11_connection(letter):
    c = h11.Connection(h11.SERVER if letter == "r" else h11.CLIENT)
    if letter == "a":
        c.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
        c.send(h11.EndOfMessage())
    return c


def h11_next(c):
    """Behind a request: whether another one may come."""
    c.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
    c.send(h11.EndOfMessage())
    if c.our_state is not h11.DONE or c.their_state is not h11.DONE:
        return False
    c.start_next_cycle()
    return True


def h11_one(letter, case):
    c, messages, line, body = h11_connection(letter), [], "", b""
    c.receive_data(case)
    if letter == "a":
        c.receive_data(b"")
    try:
        while (event := c.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                line, body = f"{event.method.decode('latin-1')} {event.target.decode('latin-1')}", b""
            elif isinstance(event, h11.Response):
                line, body = str(event.status_code), b""
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                messages.append(f"{line}|{body.hex()}")
                if letter == "a" or not h11_next(c):
                    return "ok", "", messages
            elif isinstance(event, h11.ConnectionClosed):
                return "more", "closed", messages
    except h11.RemoteProtocolError as e:
        return ("more" if "closed connection" in str(e) else "refused"), str(e), messages
    end = "more" if c.their_state is not h11.IDLE or c.trailing_data[0].strip(b"\r\n") else "ok"
    return end, "", messages


def by_h11(letter, cases):
    return [h11_one(letter, c) for c in cases]


# ---- what is the same, and what is known to be different
def same(a, b):
    """Whoever refuses has the requests before it; whether the last of them was answered is no matter of framing."""
    both = min(len(a[2]), len(b[2]))
    if a[2][:both] != b[2][:both]:
        return False
    halted = {"refused", "more"}
    if a[0] in halted and b[0] in halted:
        return True
    return a[0] == b[0] and len(a[2]) == len(b[2])


def known(peer, letter, case, a, b):
    """The section that says so, or None. Two that find different messages in it are never known."""
    both = min(len(a[2]), len(b[2]))
    if a[0] == b[0] == "ok" and a[2][:both] != b[2][:both]:
        return None
    seen = case + b"\n" + "\n".join(a[2]).encode("latin-1")
    for who, which, mine, theirs, evidence, section in RULES:
        if (peer in who and letter in which and re.search(mine, f"{a[0]} {a[1]}") and re.search(theirs, f"{b[0]} {b[1]}")
                and re.search(evidence, seen, re.S | re.I)):
            return section
    return None


def compare(peer, read, letter, kind, cases, verdicts):
    wrong, different, sections = [], 0, set()
    for case, a, b in zip(cases, verdicts, read(letter, cases)):
        if same(a, b):
            continue
        different += 1
        section = known(peer, letter, case, a, b)
        sections.add(section)
        if not section:
            wrong.append(f"{case!r}\n#     we: {a}\n#     {peer}: {b}")
    sections = ", ".join(sorted({s.split(":")[0] for s in sections if s}))
    tap(f"{peer} and we read {len(cases)} {kind} alike, or differ ({different}) where RFC {sections} is on our side", wrong)


PEERS = [("h11", by_h11, None if h11 else "h11 could not be unpacked: see build/peers/h11.txt"),
         ("node", node, None if shutil.which("node") else "node is not installed")]
print("TAP version 13")
for letter, kind, made in ("r", "requests", requests(SEED, CASES)), ("a", "answers", answers(SEED, CASES)):
    verdicts = ours(letter, made)
    taken = sum(v[0] == "ok" for v in verdicts)
    tap(f"of {len(made)} {kind} we take {taken}, and refuse many", [] if 50 < taken < len(made) - 50 else [taken])
    for peer, read, missing in PEERS:
        if missing:
            tap(f"{peer}: {kind}", skip=missing)
        else:
            compare(peer, read, letter, kind, made, verdicts)
print(f"1..{count}")
