#!/usr/bin/env python3
"""test_client_peers.py - build/bin/fetch against servers that are none of ours: Python's http.server, plain, over TLS and behind a proxy, and
sockets that misbehave. As TAP. Nothing sleeps: each server says when it listens, and each fetch comes to its end. The trap it exists for: a
client and a server of the same hand agree on the same mistakes."""
import gzip, hashlib, http.server, os, re, shutil, signal, socket, struct, subprocess, sys, tempfile, threading

try:
    import ssl
except ImportError:
    ssl = None

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FETCH = os.path.join(ROOT, os.environ.get("FETCH", "build/bin/fetch"))
PATIENCE = 60
ENV = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
LARGE = bytes(range(256)) * 20000
count = 0


def tap(name, *pairs, skip=None):
    """Each pair is what was so, and what should have been; a pattern where that is compiled."""
    global count
    count += 1
    right = lambda was, must: bool(must.search(was)) if isinstance(must, re.Pattern) else was == must
    wrong = [f"# was: {was!r}\n# instead of: {must!r}" for was, must in pairs if not right(was, must)]
    note = f" # SKIP {skip}" if skip else ""
    print("\n".join([f"{'not ok' if wrong else 'ok'} {count} - {name}{note}", *wrong]), flush=True)


def fetch(*args):
    """Its status, and what it said to each."""
    r = subprocess.run([FETCH, *args], capture_output=True, text=True, errors="replace", timeout=PATIENCE, env=ENV)
    return r.returncode, r.stdout, r.stderr


# ---- servers
class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

    def log_message(self, *_):
        pass

    def say(self, status, body=b"", **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def say_chunks(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for begin in range(0, len(LARGE), 65521):
            piece = LARGE[begin:begin + 65521]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def do_GET(self):
        with self.server.lock:
            self.server.peers.add(self.client_address)
        if self.path == "/large":
            self.say(200, LARGE)
        elif self.path == "/chunks":
            self.say_chunks()
        elif self.path == "/packed" and "gzip" in self.headers.get("Accept-Encoding", ""):
            self.say(200, gzip.compress(LARGE, 1), **{"Content-Encoding": "gzip"})
        elif self.path == "/packed":
            self.say(200, LARGE)
        elif self.path == "/away":
            self.say(302, Location="/small")
        elif self.path == "/ftp":
            self.say(302, Location="ftp://127.0.0.1/")
        elif self.path.startswith("/small"):
            self.say(200, b"small")
        elif self.path == "/secret":
            self.say(200 if self.headers["Authorization"] == "Basic bWU6c2VjcmV0" else 401)
        else:
            self.say(404)


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, certificate=None, handler=Pages):
        super().__init__(("127.0.0.1", 0), handler)
        self.lock, self.peers = threading.Lock(), set()
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.at = f"{'https' if certificate else 'http'}://{'localhost' if certificate else '127.0.0.1'}:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, *_):
        pass


def raw_server(talk):
    """A port, at which talk(connection) has one connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with listener, connection:
            talk(connection)

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def resets(connection):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def dribbles(connection):
    connection.recv(65536)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n":
        connection.sendall(bytes([byte]))


def talks_nonsense(connection):
    connection.recv(65536)
    connection.sendall(b"220 ftp.example ready\r\n")
    connection.recv(65536)                  # until we are gone


def is_silent(connection):
    while connection.recv(65536):
        pass


class Proxy(Pages):
    """Tells what it was asked; makes tunnels to this machine."""

    def note(self):
        self.server.asked.append((self.command, self.path, self.headers["Proxy-Authorization"], self.headers["Authorization"]))

    def do_GET(self):
        self.note()
        self.say(200, b"from the proxy")

    def do_CONNECT(self):
        host, _, port = self.path.rpartition(":")
        self.note()
        if host != "localhost":
            self.say(403)
            return
        with socket.create_connection(("127.0.0.1", int(port)), PATIENCE) as far:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=self.pass_on, args=(far, self.connection))
            back.start()
            self.pass_on(self.connection, far)
            back.join()
        self.close_connection = True

    def pass_on(self, here, there):
        try:
            while part := here.recv(65536):
                there.sendall(part)
            there.shutdown(socket.SHUT_WR)
        except OSError:                     # one of them has gone
            pass


class ProxyServer(Server):
    def __init__(self):
        super().__init__(handler=Proxy)
        self.asked = []


# ---- what is so
def test_pages(server, folder):
    status, out, err = fetch(f"{server.at}/large", f"{server.at}/chunks", f"{server.at}/nowhere", f"{server.at}/away")
    said = sorted(line.split() for line in out.splitlines())
    tap("many pages, a line for each: its status, its bytes, where it came from",
        (said, sorted([["200", str(len(LARGE)), f"{server.at}/large"], ["200", str(len(LARGE)), f"{server.at}/chunks"],
                       ["404", "0", f"{server.at}/nowhere"], ["200", "5", f"{server.at}/small"]])), ((status, err), (0, "")))
    status, out, err = fetch("-o", f"{folder}/page", f"{server.at}/chunks")
    with open(f"{folder}/page", "rb") as f:
        page = f.read()
    tap("-o keeps the page, byte for byte", (hashlib.sha256(page).digest(), hashlib.sha256(LARGE).digest()), (status, 0))
    status, out, err = fetch("--compressed", "-o", f"{folder}/packed", f"{server.at}/packed")
    with open(f"{folder}/packed", "rb") as f:
        page = f.read()
    tap("what Python has packed is unpacked", (hashlib.sha256(page).digest(), hashlib.sha256(LARGE).digest()), ((status, err), (0, "")))
    status, out, err = fetch("-o", "-", f"{server.at}/small")
    tap("-o - is standard output, and the line goes elsewhere", ((status, out), (0, "small")), (err, re.compile(r"^200 +5 http")))
    status, out, err = fetch(server.at.replace("//", "//me:secret@") + "/secret")
    tap("a password in the URL is sent, and not shown", (out, f"200         0 {server.at}/secret\n"), (status, 0))
    server.peers.clear()
    status, out, err = fetch("-c", "4", *[f"{server.at}/small?{i}" for i in range(200)])
    tap("two hundred pages, four at a time, over four connections", (status, 0), (out.count("200 "), 200), (len(server.peers) <= 4, True))


def test_failures(server):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        status, out, err = fetch(f"http://127.0.0.1:{port}/", f"{server.at}/small")
    tap("what fails is a sentence and exit status 1; the others come all the same", (status, 1), (out, f"200         5 {server.at}/small\n"),
        (err, re.compile(rf"^fetch: GET http://127.0.0.1:{port}/: connect: cannot connect to 127.0.0.1:{port}: nobody listens there")))
    for talk, sentence in ((resets, "answer: the other side has broken the connection off"),
                           (talks_nonsense, r"answer: .*a response begins with|answer: .*HTTP")):
        status, out, err = fetch(f"http://127.0.0.1:{raw_server(talk)}/")
        tap(f"a server that {talk.__name__.replace('_', ' ')}", ((status, out), (1, "")), (err, re.compile(sentence)))
    status, out, err = fetch("-t", "0.2", f"http://127.0.0.1:{raw_server(is_silent)}/")
    tap("a server that is silent", ((status, out), (1, "")), (err, re.compile("first byte: 127.0.0.1:[0-9]+: time-out: it has the request")))
    status, out, err = fetch(f"http://127.0.0.1:{raw_server(dribbles)}/")
    tap("a server that dribbles", ((status, err), (0, "")), (out, re.compile("^200 +5 ")))
    status, out, err = fetch(f"{server.at}/ftp", "mailto:me@example.org")
    tap("schemes that are not spoken end at once", ((status, out), (1, "")), (err, re.compile("it leads to \"ftp://127.0.0.1/\"")),
        (err, re.compile("GET mailto:me@example.org: refused")))


def test_proxy(server):
    proxy = ProxyServer()
    at = proxy.at.replace("//", "//me:secret@")
    status, out, err = fetch("-x", at, "-u", "you:too", "-c", "1", "-o", "-", "http://far.example/x?y", "http://[2001:db8::1]:81/")
    tap("a proxy is asked for whole URLs of http", ((status, out), (0, "from the proxy")), (proxy.asked[0],
        ("GET", "http://far.example/x?y", "Basic bWU6c2VjcmV0", "Basic eW91OnRvbw==")), (proxy.asked[1][1], "http://[2001:db8::1]:81/"))
    status, out, err = fetch("-x", at, "https://far.example/")
    tap("a refusal of a tunnel is a sentence with its status", ((status, out), (1, "")), (err, re.compile(
        r"^fetch: GET https://far.example/: proxy: 127.0.0.1:\d+ answers 403 Forbidden to CONNECT far.example:443: [^\n]+\n$")))
    proxy.shutdown()
    proxy.server_close()


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{folder}/key.pem", "-out",
                    f"{folder}/crt.pem"], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    with open(f"{folder}/both.pem", "w") as both:
        for part in ("crt", "key"):
            with open(f"{folder}/{part}.pem") as f:
                both.write(f.read())
    return f"{folder}/both.pem"


def test_tls(folder):
    names = ("https is spoken with Python's ssl, and connections are kept", "https from one whom nobody knows is refused in a sentence",
             "https goes through a tunnel, which is kept, and whose owner hears no password but his own")
    missing = "openssl is missing" if not shutil.which("openssl") else "this Python has no ssl" if not ssl else None
    if not missing and "needs to know whom to believe" in fetch("https://127.0.0.1:1/")[2]:
        missing = "fetch was built without OpenSSL: install libssl-dev"
    if missing:
        for name in names:
            tap(name, skip=missing)
        return
    server = Server(make_certificate(folder))
    status, out, err = fetch("-a", f"{folder}/crt.pem", "-c", "1", f"{server.at}/large", f"{server.at}/chunks", f"{server.at}/small")
    tap(names[0], ((status, err), (0, "")), (sorted(line.split()[1] for line in out.splitlines()), ["5", str(len(LARGE)), str(len(LARGE))]),
        (len(server.peers), 1))
    status, out, err = fetch(f"{server.at}/small")
    tap(names[1], ((status, out), (1, "")), (err, re.compile(r"tls: localhost at (127.0.0.1|\[::1\]):\d+: .*certificate")))
    proxy = ProxyServer()
    server.peers.clear()
    status, out, err = fetch("-a", f"{folder}/crt.pem", "-c", "1", "-x", proxy.at.replace("//", "//me:secret@"), "-u", "you:too",
                             f"{server.at}/large", f"{server.at}/chunks", f"{server.at}/small")
    tap(names[2], ((status, err), (0, "")), (sorted(line.split()[1] for line in out.splitlines()), ["5", str(len(LARGE)), str(len(LARGE))]),
        (proxy.asked, [("CONNECT", f"localhost:{server.server_port}", "Basic bWU6c2VjcmV0", None)]), (len(server.peers), 1))
    for each in (proxy, server):
        each.shutdown()
        each.server_close()


def main():
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"what must come has not come within {PATIENCE} s"))
    signal.alarm(PATIENCE)
    print("TAP version 13", flush=True)
    server = Server()
    with tempfile.TemporaryDirectory(prefix="eddy-fetch-") as folder:
        test_pages(server, folder)
        test_failures(server)
        test_proxy(server)
        test_tls(folder)
    server.shutdown()
    server.server_close()
    print(f"1..{count}")


main()
