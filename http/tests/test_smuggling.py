#!/usr/bin/env python3
"""test_smuggling.py - our server behind nginx and haproxy, and our client in front of them: nobody sees a request, or an answer,
that the other does not see. As TAP.

Each case is said to the front on a connection of its own; behind the front stands a relay that counts what conformance-server
has answered; the front's log says what it has asked. Both lists are the same, and a request of somebody else, on the same
connection to the server, hears its own answer. Nothing sleeps: the log's lines come over a socket. The trap it exists for:
each of two is right alone, and between them is a request with another one's rights."""
import http.client, io, json, os, re, selectors, shutil, socket, subprocess, sys, tempfile, threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "http/tests/fuzz"))
from differential_cases import FRAMINGS, SECOND, UPGRADES, answers, requests

PATIENCE = 60
PEERS = os.path.join(ROOT, "build/peers/usr")
BIN = os.path.join(ROOT, os.environ.get("HTTP_BIN", "build/bin"))
CASES = int(os.environ.get("SMUGGLING_CASES", "250"))
SEED = int(os.environ.get("SMUGGLING_SEED", "1"))
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
count = 0


def tap(name, wrong=(), skip=None):
    global count
    count += 1
    note = f" # SKIP {skip}" if skip else ""
    print("\n".join([f"{'not ok' if wrong else 'ok'} {count} - {name}{note}", *(f"# {w}" for w in wrong[:20])]), flush=True)


# ---- what is said
def with_hidden(framing, fields=()):
    """A body that holds a request, for whoever takes another end of it than its length."""
    body = b"0\r\n\r\n" + HIDDEN
    lines = [re.sub(rb"^(Content.Length[\t ]*:[^0-9]*)5", rb"\g<1>%d" % len(body), line) for line in framing]
    return b"\r\n".join([b"POST /echo HTTP/1.1", b"Host: x", *fields, *lines, b"", b""]) + body + SECOND


def conversations():
    said = [c.replace(b"/a HTTP", b"/echo HTTP") for c in requests(SEED, CASES)]
    return [*(with_hidden(f) for f in FRAMINGS), *(with_hidden(f, u) for f in FRAMINGS[:2] for u in UPGRADES), *said]


# ---- between the front and our server
class Relay(threading.Thread):
    """Passes bytes on, at a unix socket, and keeps what comes back, in the order in which it came."""

    def __init__(self, path, to):
        super().__init__(daemon=True)
        self.listener, self.to, self.lock = socket.socket(socket.AF_UNIX), to, threading.Lock()
        self.listener.bind(path)
        self.listener.listen(64)
        self.replies, self.open, self.changed = [], 0, threading.Condition()

    def run(self):
        while True:
            front, _ = self.listener.accept()
            back = socket.create_connection(self.to, PATIENCE)
            back.settimeout(PATIENCE)
            with self.changed:
                self.open += 1
            threading.Thread(target=self.forth, args=(front, back), daemon=True).start()
            threading.Thread(target=self.back, args=(front, back), daemon=True).start()

    def forth(self, front, back):
        try:
            while data := front.recv(65536):
                back.sendall(data)
            back.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def back(self, front, back):
        """Until our server has ended, whether the front still listens or not."""
        kept = b""
        try:
            while data := back.recv(65536):
                kept = self.keep(kept + data)
                try:
                    front.sendall(data)
                except OSError:
                    pass
        finally:
            front.close()
            back.close()
            with self.changed:
                self.open -= 1
                self.changed.notify()

    def keep(self, data):
        while (end := data.find(b"\r\n\r\n") + 4) > 3:
            status, length = int(data[9:12]), re.search(rb"\r\nContent-Length: (\d+)\r\n", data[:end])
            whole = end + (int(length[1]) if length else 0)
            if len(data) < whole:
                break
            if status not in (100, 400, 408, 413, 414, 417, 431, 501, 505):
                with self.lock:
                    self.replies.append((status, data[end:whole]))
            data = data[whole:]
        return data

    def settled(self):
        """Nobody is connected any more: all that was asked has been answered."""
        with self.changed:
            return self.changed.wait_for(lambda: self.open == 0, PATIENCE)


class Log:
    """The front's log, line by line, as datagrams."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(PATIENCE)
        self.lines = []

    def wait_for(self, marks):
        """All lines up to one with one of these marks."""
        while not any(m in line for line in self.lines for m in marks):
            line = self.socket.recv(65536)
            if b"{" in line:                        # haproxy also says that it begins
                self.lines.append(line[line.index(b"{"):])
        taken, self.lines = self.lines, []
        return taken


# ---- fronts
NGINX = """daemon off; master_process off; pid %(dir)s/pid; error_log %(dir)s/error.log; worker_rlimit_nofile 1024;
events { worker_connections 256; }
http { log_format l escape=json '{"r":"$request","b":"$request_body","s":"$upstream_status"}';
  access_log syslog:server=unix:%(dir)s/log,nohostname l; client_max_body_size 0; client_body_in_single_buffer on;
  client_body_temp_path %(dir)s/a; proxy_temp_path %(dir)s/b; fastcgi_temp_path %(dir)s/c; uwsgi_temp_path %(dir)s/d;
  scgi_temp_path %(dir)s/e; proxy_ignore_client_abort on; proxy_next_upstream off; proxy_http_version 1.1;
  proxy_set_header Connection ""; proxy_set_header Host $http_host;
  upstream back { server unix:%(dir)s/back max_fails=0; %(kept)s }
  server { listen unix:%(dir)s/front; location / { proxy_pass http://back; } } }
"""
HAPROXY = """global
  log %(dir)s/log len 65535 format raw local0
defaults
  mode http
  timeout connect 60s
  timeout client 60s
  timeout server 60s
  timeout http-request 60s
  %(kept)s
  retries 0
frontend f
  bind unix@%(dir)s/front
  log global
  option http-buffer-request
  http-request set-var(txn.body) req.body,hex
  http-request set-var(txn.target) url,hex
  log-format '{"u":"%%[var(txn.target)]","h":"%%[var(txn.body)]","s":"%%ST","by":"%%s"}'
  default_backend b
backend b
  server s unix@%(dir)s/back
"""
FRONTS = {
    "nginx": (NGINX, lambda d: ["-p", d, "-e", f"{d}/error.log", "-c", f"{d}/conf"], ("", "keepalive 4;")),
    "haproxy": (HAPROXY, lambda d: ["-db", "-q", "-f", f"{d}/conf"], ("option http-server-close", "http-reuse always")),
}


class Front:
    """In a folder of its own: it listens at `front`, asks at `back`, and logs to `log`. Whether it asks again on a connection."""

    def __init__(self, name, keeps):
        self.dir, self.name = tempfile.mkdtemp(), name
        with open(os.path.join(self.dir, "conf"), "w") as f:
            f.write(FRONTS[name][0] % {"dir": self.dir, "kept": FRONTS[name][2][keeps]})
        self.log = Log(os.path.join(self.dir, "log"))

    def start(self):
        library = os.path.join(PEERS, f"lib/{os.uname().machine}-linux-gnu")
        command = [os.path.join(PEERS, "sbin", self.name), *FRONTS[self.name][1](self.dir)]
        self.process = subprocess.Popen(command, env={**os.environ, "LD_LIBRARY_PATH": library}, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def begins(self):
        """Whether it listens: it may take a moment, and it may be unable to."""
        while self.process.poll() is None:
            try:
                self.joined().close()
                return True
            except OSError:
                os.sched_yield()
        return False

    def joined(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE)
        try:
            s.connect(os.path.join(self.dir, "front"))
        except OSError:
            s.close()
            raise
        return s

    def end(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir)


def talk(front, said):
    """What the front answers until it, or the one who speaks, has ended."""
    heard = b""
    with front.joined() as s:
        try:
            s.sendall(said)
            s.shutdown(socket.SHUT_WR)
            while data := s.recv(65536):
                heard += data
        except OSError:
            pass
    return heard


# ---- our server behind them
def asked(line):
    """What the front has asked our server, and got an answer to: (status, target, body); or None."""
    said = json.loads(line.decode("latin-1"))
    if said.get("by") == "<NOSRV>" or said["s"] not in ("200", "404"):
        return None
    if "h" in said:
        return int(said["s"]), bytes.fromhex(said["u"]), bytes.fromhex(said["h"].replace("-", ""))
    return int(said["s"]), said["r"].split(" ")[1].encode("latin-1"), said["b"].encode("latin-1")


def unequal(asked_for, replies):
    """What one of them knows, and the other does not."""
    wrong = []
    if [a[0] for a in asked_for] != [r[0] for r in replies]:
        wrong.append(f"it has asked for {asked_for}, and was answered {replies}")
    for (status, target, body), (_, reply) in zip(asked_for, replies):
        if status == 200 and target.endswith(b"/echo") and body != reply:
            wrong.append(f"its body was {body!r}, and ours {reply!r}")
    return wrong


def one(front, relay, number, case):
    """The case, and then somebody else's request."""
    mark = b"somebody-%d" % number
    talk(front, case)
    heard = talk(front, b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(mark), mark))
    hexed = mark.hex().upper().encode()
    lines = front.log.wait_for((mark, hexed))
    asked_for = [a for a in map(asked, lines) if a]
    with relay.lock:
        replies, relay.replies = relay.replies, []
    wrong = unequal(asked_for, replies)
    if not heard.startswith(b"HTTP/1.1 200") or not heard.endswith(b"\r\n\r\n" + mark):
        wrong.append(f"somebody else heard {heard!r}")
    return len(asked_for) - 1, [f"{case!r}: {w}" for w in wrong]


def behind(name, to):
    front = Front(name, True)
    relay = Relay(os.path.join(front.dir, "back"), to)
    relay.start()
    front.start()
    try:
        if not front.begins():
            tap(f"our server behind {name}", skip=f"{name} does not start: see build/peers/{name}.txt")
            return
        wrong, passed, cases = [], 0, conversations()
        for number, case in enumerate(cases):
            n, said = one(front, relay, number, case)
            passed += n
            wrong += said
        tap(f"behind {name} our server sees the same requests and bodies ({passed} in {len(cases)} conversations)", wrong)
        tap(f"and {name} passes enough of them on", [] if passed > len(cases) // 4 else [passed])
    finally:
        front.end()
    tap(f"and behind {name} nothing is answered that was not asked for",
        [] if relay.settled() and not relay.replies else [relay.replies, relay.open])


# ---- our client in front of them
class Upstream(threading.Thread):
    """A server behind the front that says what is asked of it: /case/7 the answer number 7, /next/7 a right one."""

    def __init__(self, path, said):
        super().__init__(daemon=True)
        self.listener, self.said = socket.socket(socket.AF_UNIX), said
        self.listener.bind(path)
        self.listener.listen(64)

    def run(self):
        while True:
            s, _ = self.listener.accept()
            with s:
                head = b""
                while b"\r\n\r\n" not in head and (data := s.recv(65536)):
                    head += data
                if asked_for := re.match(rb"GET /(case|next)/(\d+) ", head):
                    kind, number = asked_for[1], int(asked_for[2])
                    s.sendall(self.said[number] if kind == b"case" else right(number))


def right(number):
    body = b"n" * (1000 + number)
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class Door(threading.Thread):
    """A port that leads to the front's socket, and keeps what it has answered to each request."""

    def __init__(self, front):
        super().__init__(daemon=True)
        self.front, self.heard = front, {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        """What one client asks for, one thing at a time."""
        with client, self.front.joined() as front:
            asked_for = None
            for s, data in self.pieces(client, front):
                if s is client:
                    asked_for = (re.match(rb"GET (\S+) ", data) or [None, asked_for])[1]
                    front.sendall(data)
                else:
                    self.heard[asked_for] = self.heard.get(asked_for, b"") + data
                    client.sendall(data)

    def pieces(self, *sockets):
        with selectors.DefaultSelector() as selector:
            for s in sockets:
                selector.register(s, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    try:
                        data = key.fileobj.recv(65536)
                    except OSError:
                        return
                    if not data:
                        return
                    yield key.fileobj, data


class Heard:
    def __init__(self, data):
        self.data = data

    def makefile(self, _):
        return io.BytesIO(self.data)


def by_python(data):
    """Status and length as http.client reads it, which passes over 100 alone, and knows no lists; None: it does not read it."""
    data = re.sub(rb"^(HTTP/1\.1 1\d\d .*?\r\n\r\n)+", b"", data, flags=re.S)
    data = re.sub(rb"(\r\nTransfer-Encoding: ),", rb"\1", data)
    r = http.client.HTTPResponse(Heard(data), method="GET")
    try:
        r.begin()
        return r.status, len(r.read())
    except (http.client.HTTPException, ValueError, OverflowError, OSError):
        return None


def in_front_of(name):
    said = answers(SEED, CASES)
    front = Front(name, False)
    Upstream(os.path.join(front.dir, "back"), said).start()
    front.start()
    door = Door(front)
    door.start()
    at = f"http://127.0.0.1:{door.port}"
    try:
        if not front.begins():
            tap(f"our client in front of {name}", skip=f"{name} does not start: see build/peers/{name}.txt")
            return
        urls = [f"{at}/{kind}/{i}" for i in range(len(said)) for kind in ("case", "next")]
        run = subprocess.run([os.path.join(BIN, "fetch"), "-c", "1", "-t", "2", *urls], capture_output=True, text=True,
                             errors="replace", timeout=PATIENCE)
    finally:
        front.end()
    lines = re.findall(r"^(\d+) +(\d+) (\S+)", run.stdout, re.M)
    found = {url[len(at):]: (int(status), int(length)) for status, length, url in lines}
    wrong, taken = [], 0
    for i, case in enumerate(said):
        ours, theirs = found.get(f"/case/{i}"), by_python(door.heard.get(b"/case/%d" % i, b""))
        taken += ours is not None and ours[0] != 502
        if ours and theirs and ours != theirs:
            wrong.append(f"{case!r}: our client had {ours}, and what came was {theirs}")
        if found.get(f"/next/{i}") != (200, 1000 + i):
            wrong.append(f"{case!r}: and then our client had {found.get(f'/next/{i}')}")
    tap(f"in front of {name} our client hears each answer, and no other ({taken} of {len(said)} were none of 502)", wrong)


def missing(name):
    return not os.path.exists(os.path.join(PEERS, "sbin", name))


server = subprocess.Popen([os.path.join(BIN, "conformance-server"), "0"], stdout=subprocess.PIPE, text=True)
try:
    port = int(re.search(r":(\d+)/", server.stdout.readline())[1])
    print("TAP version 13")
    for name in FRONTS:
        if missing(name):
            tap(f"our server behind {name}", skip=f"{name} could not be unpacked: see build/peers/{name}.txt")
        else:
            behind(name, ("127.0.0.1", port))
            in_front_of(name)
finally:
    server.terminate()
    server.wait()
print(f"1..{count}")
