#!/usr/bin/env python3
"""test_stream_peers.py - our streams against peers that are none of ours: sockets of Python's, and its http.server. As TAP.

peers.c is our side, and does as it is told; the other side is in here, so each step of the one waits for the other's, and
nobody waits for time. What our side says is compared whole: lengths, checksums, sentences. The trap it exists for: a world
in memory and a kernel have the same author's idea of a network; other programs have their own."""
import http.server, os, re, signal, socket, struct, subprocess, sys, tempfile, threading, zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEERS = os.path.join(ROOT, os.environ.get("STREAM_PEERS", "build/release/stream/tests/peers"))
PATIENCE = 60                                   # seconds after which something that must come has not
LARGE = 5 * 2**20 + 7
RESET = "ECONNRESET: the other side has broken the connection off"
GONE = "EPIPE: the other side has closed, or does not read any more"
ENDED = "EPIPE: the other side has closed, and what was asked for did not come"
FULL = "ENOBUFS: more than may wait to be sent (stream_limit_writes): wait for a write before you go on"
count = 0


def tap(name, *pairs):
    """Each pair is what was said, and what should have been."""
    global count
    count += 1
    wrong = [f"# said: {said!r}\n# instead of: {expected!r}" for said, expected in pairs if said != expected]
    print("\n".join([f"{'not ok' if wrong else 'ok'} {count} - {name}", *wrong]), flush=True)


def written(n):
    """The first bytes of all that our side writes."""
    return (bytes(range(251)) * (n // 251 + 1))[:n]


def summed(data):
    return f"{len(data)} bytes, {zlib.adler32(data)}"


class Ours:
    """Our side, for a `with`, at the end of which it has nothing left."""

    def __enter__(self):
        self.process = subprocess.Popen([PEERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.first_peak = None
        return self

    def __exit__(self, failure, *_):
        if failure:
            self.process.kill()
        self.process.stdin.close()
        self.left = self.process.stdout.read()
        self.process.stdout.close()
        self.status = self.process.wait()

    def tell(self, *orders):
        self.process.stdin.writelines(order + "\n" for order in orders)
        self.process.stdin.flush()

    def said(self):
        return self.process.stdout.readline().rstrip("\n")

    def ask(self, order):
        self.tell(order)
        return self.said()

    def grown(self):
        """By how many KiB its memory has grown at most, since this was first asked."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            peak = int(re.search(r"VmHWM:\s*(\d+)", f.read())[1])
        self.first_peak = self.first_peak or peak
        return peak - self.first_peak


def joined_to_server(ours):
    """A connection that our side has accepted."""
    s = socket.create_connection(("127.0.0.1", int(ours.ask("listen"))), PATIENCE)
    return s, ours.ask("accept")


def joined_to_client(ours):
    """One that it has made."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours.tell(f"connect {listener.getsockname()[1]}")
        s, _ = listener.accept()
    s.settimeout(PATIENCE)
    return s, ours.said()


def read_all(s):
    return b"".join(iter(lambda: s.recv(65536), b""))


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


# ---- what each peer does, and what our side says of it
def dribbles(ours, s):
    line = b"it comes a byte at a time\n"
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ours.tell("line")
    for byte in line:
        s.sendall(bytes([byte]))
    yield ours.said(), summed(line)
    for byte in line:
        ours.tell("some 100")
        s.sendall(bytes([byte]))
        yield ours.said(), summed(bytes([byte]))


def resets_inside(ours, s):
    s.sendall(b"the beginning")
    yield ours.ask("bytes 13"), summed(b"the beginning")
    ours.tell("bytes 87")
    reset(s)
    yield ours.said(), RESET
    yield ours.ask("line"), RESET
    yield ours.ask("write 10"), GONE


def hangs_up_inside(ours, s):
    ours.tell("bytes 100", "rest")
    s.sendall(b"the beginning")
    s.close()
    yield ours.said(), ENDED
    yield ours.said(), summed(b"the beginning")


def half_closes_and_reads_on(ours, s):
    ours.tell("rest", f"write {LARGE}", "shutdown", "line")
    s.sendall(b"that was all\n")
    s.shutdown(socket.SHUT_WR)
    yield ours.said(), summed(b"that was all\n")
    yield read_all(s) == written(LARGE), True
    yield ours.said(), "done"
    yield ours.said(), "done"
    yield ours.said(), ENDED


def hears_our_half_close_and_answers(ours, s):
    ours.tell("write 1000", "shutdown", "rest")
    yield read_all(s) == written(1000), True
    s.sendall(written(LARGE))
    s.close()
    yield [ours.said(), ours.said()], ["done", "done"]
    yield ours.said(), summed(written(LARGE))


def hangs(ours, s):
    ours.ask("within 20")
    yield ours.ask("line"), "ETIMEDOUT: -"
    s.sendall(b"half a line, ")
    yield ours.ask("line"), "ETIMEDOUT: -"
    ours.ask("within 0")
    ours.tell("line")
    s.sendall(b"and the rest: late, and not lost\n")
    yield ours.said(), summed(b"half a line, and the rest: late, and not lost\n")


def sends_faster_than_we_read(ours, s):
    data, sent = written(4 * LARGE), 0
    ours.grown()
    s.setblocking(False)
    try:
        while sent < len(data):
            sent += s.send(data[sent:sent + 65536])
    except BlockingIOError:
        pass
    yield sent < len(data), True                # the kernel's buffers are full,
    yield ours.ask("unread"), "0 bytes"         # and none of it is in ours
    s.settimeout(PATIENCE)
    ours.tell("sip 1000")
    s.sendall(data[sent:])
    s.shutdown(socket.SHUT_WR)
    yield ours.said(), summed(data)
    yield ours.grown() < 16384, True


def never_reads(ours, s):
    ours.grown()
    taken, _, why = ours.ask("fill 1000000").partition(" bytes, then ")
    yield why, FULL
    yield ours.grown() < 16384, True
    ours.ask("within 20")
    yield ours.ask("flush"), "ETIMEDOUT: -"
    ours.ask("within 0")
    ours.tell("flush", "shutdown")
    yield read_all(s) == written(int(taken)), True      # what was taken before is whole
    yield [ours.said(), ours.said()], ["done", "done"]


def never_reads_and_is_given_up(ours, s):
    ours.ask("within 20")
    yield ours.ask(f"write {8 * LARGE}"), "ETIMEDOUT: -"
    yield ours.ask("close"), "done"
    got = read_all(s)
    yield len(got) < 8 * LARGE and got == written(len(got)), True


PEERS_OF_BOTH = (dribbles, resets_inside, hangs_up_inside, half_closes_and_reads_on, hears_our_half_close_and_answers, hangs,
                 sends_faster_than_we_read, never_reads, never_reads_and_is_given_up)


def test_peers(join, side):
    for peer in PEERS_OF_BOTH:
        with Ours() as ours:
            s, joined = join(ours)
            with s:
                pairs = [(joined, "done"), *peer(ours, s)]
        tap(f"our {side}'s peer {peer.__name__.replace('_', ' ')}", *pairs, (ours.left, "0 descriptors left\n"), (ours.status, 0))


# ---- those who are no sockets of ours at all
class Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


def test_http_server():
    with tempfile.TemporaryDirectory(prefix="eddy-peers-") as folder, Ours() as ours:
        with open(f"{folder}/large", "wb") as f:
            f.write(written(LARGE))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Quiet(*a, directory=folder))
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        said = [ours.ask(order)
                for order in (f"connect {server.server_port}", "get /large", "get /large", "get /nowhere", "rest", "line")]
        server.shutdown()
        server.server_close()
    page = f"200, {summed(written(LARGE))}"
    tap("http.server's pages are here, byte for byte, one after the other", (said[:3], ["done", page, page]),
        (said[3][:3], "404"), (said[4:], [summed(b""), ENDED]), (ours.left, "0 descriptors left\n"), (ours.status, 0))


def test_nobody():
    with Ours() as ours, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        said, _, advice = ours.ask(f"connect {port}").partition(": start the server")
    tap("where nobody listens the sentence says so, and what to do",
        (said, f"ECONNREFUSED: cannot connect to 127.0.0.1:{port}: nobody listens there"), (advice != "", True),
        (ours.left, "0 descriptors left\n"), (ours.status, 0))


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))         # either leaves every `with`
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"what must come has not come within {PATIENCE} s"))
    signal.alarm(PATIENCE)
    print("TAP version 13", flush=True)
    test_peers(joined_to_client, "client")
    test_peers(joined_to_server, "server")
    test_http_server()
    test_nobody()
    print(f"1..{count}")


main()
