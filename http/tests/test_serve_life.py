#!/usr/bin/env python3
"""test_serve_life.py - build/bin/serve as a service: https, several processes, a log that is renamed, and SIGTERM under load. As TAP.

Nobody waits for time: each step waits for what it must see. The trap it exists for: a server that answers each of its tests, and
loses a request when it is stopped among hundreds."""
import http.client, json, os, re, shutil, signal, socket, ssl, subprocess, sys, tempfile, threading, time

sys.dont_write_bytecode = True
import test_serve
from test_serve import PATIENCE, SERVE, Serve, tap, write

HELLO = b"hello, world\n"
LARGE = os.urandom(3 * 2**20)


def children(pid, count, without=None):
    """The processes of that one, when there are so many, and `without` is none of them."""
    deadline, found = time.monotonic() + PATIENCE, []
    while (len(found) != count or without in found) and time.monotonic() < deadline:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            found = [int(child) for child in f.read().split()]
    return found


# ---- https ----------------------------------------


def make_certificate(outer):
    """The paths of a certificate for 127.0.0.1 and its key; None without openssl."""
    paths = os.path.join(outer, "cert.pem"), os.path.join(outer, "key.pem")
    if not shutil.which("openssl"):
        return None
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-out", paths[0], "-keyout", paths[1]],
                   check=True, capture_output=True)
    return paths


def over_tls(s, context):
    """What http.client has heard of two requests on one connection, and what was agreed on."""
    client = http.client.HTTPSConnection("127.0.0.1", s.port, timeout=PATIENCE, context=context)
    bodies = []
    for path in "/hello.txt", "/large":
        client.request("GET", path)
        bodies.append(client.getresponse().read())
    facts = client.sock.selected_alpn_protocol(), client.sock.version()
    client.close()
    return bodies, facts


def s_client(s, *options, says=b""):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{s.port}", *options], input=says, capture_output=True,
                          timeout=PATIENCE)
    return done.stdout + done.stderr


def test_tls(outer, folder):
    paths = make_certificate(outer)
    if not paths:
        tap("https # SKIP openssl is missing")
        return
    context = ssl.create_default_context(cafile=paths[0])
    context.set_alpn_protocols(["h2", "http/1.1"])
    with Serve(folder, "-c", paths[0], "-k", paths[1]) as s:
        tap("with a certificate it says https", (s.where.startswith("https://127.0.0.1:"), True))
        tap("Python's ssl believes it, and HTTP/1.1 is agreed on", (over_tls(s, context), ([HELLO, LARGE], ("http/1.1", "TLSv1.3"))))
        asked = b"GET /hello.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = s_client(s, "-quiet", "-ign_eof", "-alpn", "http/1.1", says=asked)
        tap("openssl s_client is answered", (b"HTTP/1.1 200 OK" in answer, True), (HELLO in answer, True))
        answer = s_client(s, "-alpn", "h2")
        tap("who speaks HTTP/2 alone is told that there is none (RFC 7301, 3.2)", (b"no application protocol" in answer, True))
        answer = s_client(s, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        tap("TLS 1.1 is refused", (b"protocol version" in answer or b"no protocols available" in answer, True))
        curl = ["curl", "-sS", "--max-time", str(PATIENCE), "--cacert", paths[0], f"https://127.0.0.1:{s.port}/large"]
        if shutil.which("curl"):
            done = subprocess.run([*curl, "-o", "-"], capture_output=True)
            tap("curl gets all of it", (done.stderr, b""), (done.stdout == LARGE, True))
        with socket.create_connection(("127.0.0.1", s.port), PATIENCE) as plain:
            plain.sendall(asked)
            tap("plain HTTP is closed soon, and said", (HELLO in plain.makefile("rb").read(), False),
                ("turned away" in s.process.stderr.readline(), True))
    with Serve(folder, "--self-signed") as s:
        context = ssl.create_default_context(cadata=ssl.get_server_certificate(("127.0.0.1", s.port)))
        tap("a certificate of its own is for the address it listens at", (over_tls(s, context)[0], [HELLO, LARGE]))
        context = ssl.create_default_context()
        try:
            over_tls(s, context)
            refused = False
        except ssl.SSLCertVerificationError:
            refused = True
        tap("and nobody else believes it", (refused, True))


# ---- several processes ----------------------------------------


def asks(s):
    status, _, body = s.ask("/hello.txt")
    return status, body


def test_processes(folder):
    with Serve(folder, "-j", "2") as s:
        workers = children(s.process.pid, 2)
        tap("-j 2 is two processes at one port", (len(workers), 2), ([asks(s) for _ in range(8)], [(200, HELLO)] * 8))
        os.kill(workers[0], signal.SIGKILL)
        said = s.process.stderr.readline()
        tap("one that dies is named, and comes again", (f"(pid {workers[0]}) was killed by signal 9" in said, True))
        tap("and all is served", (len(children(s.process.pid, 2, workers[0])), 2), ([asks(s) for _ in range(8)], [(200, HELLO)] * 8))
        s.stop()
        said = s.process.stderr.readline()
        tap("SIGTERM ends all of them", ("the workers that run (2) are told to end" in said, True),
            (s.process.wait(PATIENCE), 0), (s.process.stdout.read(), ""), (s.process.stderr.read(), ""))
    with Serve(folder, "-j", "0") as s:
        processors = len(os.sched_getaffinity(0))
        tap("-j 0 is one a processor", (len(children(s.process.pid, processors)), processors))
        s.process.kill()
        s.process.wait()
    with Serve(folder) as s:
        taken = subprocess.run([SERVE, folder, "-j", "2", "-p", str(s.port)], capture_output=True, text=True, timeout=PATIENCE)
        tap("a port that is taken is said once, and nothing is started", (taken.returncode, 1), (taken.stderr.count("\n"), 1))


# ---- few descriptors ----------------------------------------


def test_descriptors(folder):
    command = ["sh", "-c", 'ulimit -n 40; exec "$0" "$1" -p 0', SERVE, folder]
    with Serve(folder, command=command) as s:
        clients = [socket.create_connection(("127.0.0.1", s.port), PATIENCE) for _ in range(60)]
        for client in clients:
            client.sendall(b"GET /hello.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answers = [client.makefile("rb").read() for client in clients]
        tap("with few descriptors all who come are served, some of them later", (sum(a.endswith(HELLO) for a in answers), 60))
        for client in clients:
            client.close()
        s.stop()
        tap("and nothing is said of it", (s.process.wait(PATIENCE), 0), (s.process.stderr.read(), ""))


# ---- the log ----------------------------------------


def lines_of(path, count):
    """Its lines, when there are so many."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if os.path.exists(path):
            with open(path) as f:
                lines = f.read().splitlines()
            if len(lines) >= count:
                return lines
    return []


def test_log(outer, folder):
    log, old = os.path.join(outer, "access.log"), os.path.join(outer, "access.log.1")
    with Serve(folder, "-j", "2", "--log", log, "--log-format", "json") as s:
        for _ in range(6):
            asks(s)
        told = [json.loads(line) for line in lines_of(log, 6)]
        tap("each request is a line, whoever serves it", ([(t["target"], t["status"], t["bytes"]) for t in told],
                                                          [("/hello.txt", 200, len(HELLO))] * 6))
        os.rename(log, old)
        s.process.send_signal(signal.SIGHUP)
        while not os.path.exists(log):              # the first that has heard of it
            asks(s)
        s.stop()
        tap("and ends in peace", (s.process.wait(PATIENCE), 0))
    tap("behind SIGHUP there is a new file", (os.path.exists(log) and os.path.exists(old), True))
    with Serve(folder, "-l", "-") as s:
        asks(s)
        line = s.process.stdout.readline()
        said = re.fullmatch(r'127\.0\.0\.1 - - \[[^]]*\] "GET /hello.txt HTTP/1.1" 200 13 "-" "-"\n', line)
        tap("- is standard output", (bool(said) or line, True))


# ---- SIGTERM under load ----------------------------------------


class Asker(threading.Thread):
    """Asks on one connection as long as it is let, then on another, until it is refused. What was lost is kept."""

    QUIET = 0.25                        # seconds after which a kept connection may have been closed, and it is nobody's fault

    def __init__(self, port, path, expected, keeps):
        super().__init__(daemon=True)
        self.where, self.expected = ("127.0.0.1", port), expected
        self.asked = f"GET {path} HTTP/1.1\r\nHost: x\r\n{'' if keeps else 'Connection: close' + chr(13) + chr(10)}\r\n".encode()
        self.answered, self.lost = 0, []

    def ask(self, s, f, first):
        """Whether another may follow."""
        before = time.monotonic()
        head = b""
        try:
            s.sendall(self.asked)
            while (line := f.readline()) not in (b"\r\n", b""):
                head += line
            body = f.read(len(self.expected)) if head else b""
        except (ConnectionResetError, BrokenPipeError) as e:
            line = body = str(e).encode()
        if head.startswith(b"HTTP/1.1 200 OK\r\n") and body == self.expected:
            self.answered += 1
            self.last = time.monotonic()
            return b"Connection: close\r\n" not in head
        if head or not (first or before - self.last > self.QUIET):
            self.lost.append((head, len(body), line))
        return False

    def run(self):
        while True:
            try:
                s = socket.create_connection(self.where, PATIENCE)
            except ConnectionRefusedError:
                return
            except ConnectionResetError:        # it waited in the backlog
                continue
            with s, s.makefile("rb") as f:
                first = True
                while self.ask(s, f, first):
                    first = False


def test_load(folder, *options):
    with Serve(folder, *options) as s:
        askers = [Asker(s.port, "/hello.txt", HELLO, True) for _ in range(6)]
        askers += [Asker(s.port, "/hello.txt", HELLO, False) for _ in range(2)]
        askers += [Asker(s.port, "/large", LARGE, True) for _ in range(2)]
        for asker in askers:
            asker.start()
        while min(asker.answered for asker in askers) < 5:
            time.sleep(0)
        s.stop()
        for asker in askers:
            asker.join(PATIENCE)
        tap(f"SIGTERM under load loses no request ({' '.join(options) or 'one process'})",
            ([asker.lost for asker in askers], [[]] * len(askers)), (any(asker.is_alive() for asker in askers), False),
            (s.process.wait(PATIENCE), 0))


def main():
    with tempfile.TemporaryDirectory(prefix="eddy-serve-life-") as outer:
        folder = os.path.join(outer, "root")
        write(folder, "hello.txt", HELLO)
        write(folder, "large", LARGE)
        test_tls(outer, folder)
        test_processes(folder)
        test_descriptors(folder)
        test_log(outer, folder)
        test_load(folder)
        test_load(folder, "-j", "2")
    print(f"1..{test_serve.count}")


if __name__ == "__main__":
    sys.exit(main())
