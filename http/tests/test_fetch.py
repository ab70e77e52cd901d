#!/usr/bin/env python3
"""test_fetch.py - what build/bin/fetch does with pages and with words: files, resuming, the terminal, its options, proxies of
the environment. As TAP; what it says over the wire is in test_client_peers.py. Nothing sleeps: where a moment matters the server
waits for it. The trap it exists for: a download that writes over what was there, or glues two pages together."""
import gzip, http.server, os, pty, re, signal, subprocess, sys, tempfile, threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FETCH = os.path.join(ROOT, os.environ.get("FETCH", "build/bin/fetch"))
PATIENCE = 60
PAGE = bytes(range(256)) * 400
HALF = len(PAGE) // 2
DATE, WHEN = "Wed, 01 Jan 2020 00:00:00 GMT", 1577836800
count = 0


def tap(name, *pairs, skip=None):
    """Each pair is what was so, and what should have been; a pattern where that is compiled."""
    global count
    count += 1
    right = lambda was, must: bool(must.search(was)) if isinstance(must, re.Pattern) else was == must
    wrong = [f"# was: {was!r}\n# instead of: {must!r}" for was, must in pairs if not right(was, must)]
    note = f" # SKIP {skip}" if skip else ""
    print("\n".join([f"{'not ok' if wrong else 'ok'} {count} - {name}{note}", *wrong]), flush=True)


def span(begin):
    return f"bytes {begin}-{len(PAGE) - 1}/{len(PAGE)}"


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

    def log_message(self, *_):
        pass

    def say(self, status, body=b"", sent=None, **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:sent])
        if sent is not None:
            self.close_connection = True

    def page(self):
        """All of it, or the part that was asked for."""
        part, at = self.headers["Range"], 0
        if part and self.headers["If-Range"] == DATE:
            at = int(part[6:-1])
        if at >= len(PAGE):
            self.say(416, Content_Range=f"bytes */{len(PAGE)}")
        elif at:
            self.say(206, PAGE[at:], Content_Range=span(at), Last_Modified=DATE)
        else:
            self.say(200, PAGE, Last_Modified=DATE)

    def gate(self):
        self.send_response(200)
        self.send_header("Last-Modified", DATE)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE[:HALF])
        self.wfile.flush()
        self.server.gate.wait(PATIENCE)
        self.close_connection = True
        try:
            self.wfile.write(PAGE[HALF:])
        except OSError:                     # it has gone
            pass

    def echo(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.say(200, f"{self.command} {self.path}\n{self.headers}\n".encode() + body)

    def do_GET(self):
        self.server.seen.append((self.path, self.headers["Range"], self.headers["If-Range"]))
        kind = self.path.split("/")[1]
        if "://" in self.path or kind == "echo":
            self.echo()
        elif kind == "half":
            self.say(200, PAGE, HALF, Last_Modified=DATE)
        elif kind == "undated":
            self.say(200, PAGE, HALF)
        elif kind == "now":                 # may change within the same second
            self.say(200, PAGE, HALF, Last_Modified=self.date_time_string())
        elif kind == "other":
            self.say(206, PAGE[HALF:], Content_Range=span(HALF), Last_Modified=self.date_time_string())
        elif kind == "shifted":
            self.say(206, PAGE[1:], Content_Range=span(1), Last_Modified=DATE)
        elif kind == "away":
            n = int(self.path.split("/")[2])
            self.say(302, Location=f"/away/{n - 1}" if n > 1 else "/page")
        elif kind == "packed":
            self.say(200, gzip.compress(PAGE), Content_Encoding="gzip")
        else:
            {"page": self.page, "gate": self.gate}.get(kind, lambda: self.say(404, b"nothing"))()

    do_POST = do_HEAD = do_PUT = do_GET


class Server(http.server.ThreadingHTTPServer):
    request_queue_size, daemon_threads = 128, True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Pages)
        self.seen, self.gate = [], threading.Event()
        self.at = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, *_):
        pass


class Folder:
    """Where fetch runs."""

    def __init__(self):
        self.at = tempfile.TemporaryDirectory(prefix="eddy-fetch-")

    def fetch(self, *args, said=None, **env):
        clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        clean["SSL_CERT_FILE"] = "/dev/null"        # reading whom this machine believes takes longer than all the rest
        r = subprocess.run([FETCH, *args], capture_output=True, timeout=PATIENCE, cwd=self.at.name, input=said,
                           env={**clean, **env})
        return r.returncode, r.stdout, r.stderr.decode(errors="replace")

    def path(self, name):
        return os.path.join(self.at.name, name)

    def put(self, name, data, when=None):
        with open(self.path(name), "wb") as f:
            f.write(data)
        if when is not None:
            os.utime(self.path(name), (when, when))

    def get(self, name):
        try:
            with open(self.path(name), "rb") as f:
                return f.read()
        except FileNotFoundError:
            return None

    def has(self):
        return sorted(os.listdir(self.at.name))


def one(words):
    """One line, which has these words."""
    return re.compile(r"\Afetch: [^\n]*" + re.escape(words) + r"[^\n]*\n\Z")


# ---- files
def test_files(server):
    f = Folder()
    status, out, err = f.fetch("-O", f"{server.at}/page/a.txt?x=/y", f"{server.at}/page/b%2fc", f"{server.at}/page/..x")
    tap("-O names files by the end of their URLs", ((status, err), (0, "")), (f.has(), ["..x", "a.txt", "b%2fc"]),
        (f.get("a.txt"), PAGE))
    tap("a file's time is what the server says", (os.stat(f.path("a.txt")).st_mtime, WHEN))
    f.put("a.txt", b"mine")
    f.put("outside", b"mine")
    os.symlink("outside", f.path("link"))
    os.mkdir(f.path("folder"))
    for name, words in (("a.txt", "a.txt: it is there already: -f writes over it"), ("link", "link: it is there, and no file"),
                        ("folder", "folder: it is a folder")):
        seen = len(server.seen)
        status, out, err = f.fetch("-O", f"{server.at}/page/{name}")
        tap(f"what is there stays ({name}), and nobody is asked", ((status, out), (1, b"")), (err, one(words)),
            (len(server.seen), seen))
    status, out, err = f.fetch("-f", "-O", f"{server.at}/page/link", f"{server.at}/page/a.txt")
    tap("with -f, too, but for files", (status, 1), (f.get("outside"), b"mine"), (f.get("a.txt"), PAGE), (err, one("link: ")))
    for url in ("", "/", "/x/", "/x/.", "/x/..", "/..?a"):
        status, out, err = Folder().fetch("-O", server.at + url)
        tap(f"no name leads out of the folder, or to none ({url})", (status, 2), (err, one("there is no name for a file")))
    status, out, err = f.fetch("-O", f"{server.at}/page/n", f"{server.at}/x/n")
    tap("two pages are not one file", (status, 2), (err, one("another URL has the same name")))
    status, out, err = f.fetch("-O", f"{server.at}/nothing")
    tap("an error is no page to keep", ((status, out), (1, b"")), (f.get("nothing"), None),
        (err, one("nothing is kept: the server answers 404 Not Found")))
    status, out, err = f.fetch("-o", "one", "-o", "two", f"{server.at}/page", f"{server.at}/echo", f"{server.at}/page")
    tap("-o is for the URLs in turn", ((status, err), (0, "")), (f.get("one"), PAGE), (f.get("two")[:9], b"GET /echo"),
        (out.count(b"\n"), 3))
    status, out, err = f.fetch("-o", "/dev/null", f"{server.at}/page")
    tap("what is no file is not written over", ((status, err), (0, "")))
    status, out, err = f.fetch("-o", "no/such/folder", f"{server.at}/page")
    tap("a file that cannot be is one sentence", (status, 1), (err, one("no/such/folder: No such file")))
    status, out, err = f.fetch("-o", "/dev/full", f"{server.at}/page")
    tap("a disk that is full, too", (status, 1), (err, one("/dev/full: No space left")))
    with open("/dev/full", "wb") as full:
        r = subprocess.run([FETCH, f"{server.at}/page"], stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE, text=True)
    tap("and lines that nobody can read", (r.returncode, 1), (r.stderr, one("the lines of pages could not be written")))


def test_resume(server):
    f = Folder()
    status, out, err = f.fetch("-O", f"{server.at}/half/x")
    tap("what was broken off is kept, and can be gone on with", ((status, out), (1, b"")), (f.get("x"), PAGE[:HALF]),
        (err, one("middle of its answer (-C - goes on with what has come)")), (os.stat(f.path("x")).st_mtime, WHEN))
    server.seen.clear()
    status, out, err = f.fetch("-C", "-", "-O", f"{server.at}/page/x")
    tap("-C asks for the rest of the same, and puts it behind", ((status, err), (0, "")), (f.get("x"), PAGE),
        (server.seen, [("/page/x", f"bytes={HALF}-", DATE)]), (out, b"206 %9d %s/page/x\n" % (HALF, server.at.encode())))
    status, out, err = f.fetch("-C", "-", "-O", f"{server.at}/page/x")
    tap("what is all there is not fetched", ((status, err), (0, "")), (f.get("x"), PAGE), (os.stat(f.path("x")).st_mtime, WHEN),
        (out, re.compile(rb"^416 +0 .*/page/x \(all of it was there\)$", re.M)))
    f.put("x", b"other" * HALF, WHEN - 9)
    status, out, err = f.fetch("-C", "-", "-o", "x", f"{server.at}/page")
    tap("what has changed since comes all again", ((status, err), (0, "")), (f.get("x"), PAGE), (out[:4], b"200 "))
    f.put("x", PAGE + b"more", WHEN)
    status, out, err = f.fetch("-C", "-", "-o", "x", f"{server.at}/page")
    tap("what is longer is no beginning of it", (status, 1), (err, one("x: it is not the beginning of this page")),
        (len(f.get("x")), len(PAGE) + 4))
    for kind in ("shifted", "other"):
        f.put("x", PAGE[:HALF], WHEN)
        status, out, err = f.fetch("-C", "-", "-o", "x", f"{server.at}/{kind}")
        tap(f"a part that was not asked for is not taken ({kind})", (status, 1), (f.get("x"), PAGE[:HALF]),
            (err, one("a part that was not asked for")))
    status, out, err = f.fetch("-O", f"{server.at}/shifted/new")
    tap("nor where none was asked for", (status, 1), (f.get("new"), None), (err, one("a part that was not asked for")))
    for kind in ("undated", "now"):
        status, out, err = f.fetch("-o", kind, f"{server.at}/{kind}")
        tap(f"without a proof nothing is promised ({kind})", (status, 1), ("-C" in err, False), (len(f.get(kind)), HALF))
        status, out, err = f.fetch("-C", "-", "-o", kind, f"{server.at}/page")
        tap("and nothing glued together", (status, 1), (err, one("nothing proves that it is the beginning")),
            (len(f.get(kind)), HALF))
        status, out, err = f.fetch("-f", "-C", "-", "-o", kind, f"{server.at}/page")
        tap("unless -f says so: all of it", ((status, err), (0, "")), (f.get(kind), PAGE))
    status, out, err = f.fetch("-H", "Range: bytes=10-", "-H", f"If-Range: {DATE}", "-O", f"{server.at}/page/part")
    tap("a part that -H asks for is taken as it is, and proves nothing", ((status, err), (0, "")), (f.get("part"), PAGE[10:]),
        (f.fetch("-C", "-", "-O", f"{server.at}/page/part")[2], one("nothing proves")))
    f.put("empty", b"")
    status, out, err = f.fetch("-C", "-", "-o", "empty", "-o", "new", f"{server.at}/page", f"{server.at}/page")
    tap("of nothing all is the rest", ((status, err), (0, "")), (f.get("empty"), PAGE), (f.get("new"), PAGE))


# ---- the terminal
def read_until(terminal, what):
    shown = b""
    while what not in shown:
        shown += os.read(terminal, 65536)
    return shown


def rest(terminal):
    shown = b""
    try:
        while more := os.read(terminal, 65536):
            shown += more
    except OSError:                         # the terminal has no other end any more
        pass
    os.close(terminal)
    return shown


def begin_on_terminal(f, *args):
    master, slave = pty.openpty()
    process = subprocess.Popen([FETCH, *args], stdout=subprocess.PIPE, stderr=slave, cwd=f.at.name,
                               env={**os.environ, "TERM": "xterm"})
    os.close(slave)
    return process, master


def test_terminal(server):
    f = Folder()
    process, terminal = begin_on_terminal(f, "-O", f"{server.at}/gate/first-of-all", f"{server.at}/2", "http://127.0.0.1:1/x")
    shown = read_until(terminal, b"50 % of")
    shown += read_until(terminal, b"1 under way")
    server.gate.set()
    out, shown = process.communicate(timeout=PATIENCE)[0], shown + rest(terminal)
    tap("a terminal shows how far each is", (shown, re.compile(rb"first-of-all +\[=+> +\]  50 % of +100 KiB")),
        (shown, re.compile(rb"2 of 3, 2 failed, 1 under way, .*KiB")), (process.returncode, 1))
    tap("and at last all of them", (shown, re.compile(rb"3 of 3, 2 failed, 100 KiB.*\r\n\Z")),
        (f.get("first-of-all"), PAGE), (b"\033" in out, False))
    server.gate.clear()
    process, terminal = begin_on_terminal(f, "-O", f"{server.at}/gate/x")
    read_until(terminal, b"50 % of")
    process.send_signal(signal.SIGINT)
    out, shown = process.communicate(timeout=PATIENCE)[0], rest(terminal)
    server.gate.set()
    tap("Ctrl-C says what can be gone on with", (process.returncode, 128 + signal.SIGINT), (f.get("x"), PAGE[:HALF]),
        (shown, re.compile(rb"/gate/x: interrupted \(-C - goes")), (os.stat(f.path("x")).st_mtime, WHEN))
    for args, term in ((["-s"], "xterm"), ([], "dumb")):
        master, slave = pty.openpty()
        process = subprocess.Popen([FETCH, *args, f"{server.at}/page", f"{server.at}/page"], stdout=slave, stderr=slave,
                                   env={**os.environ, "TERM": term})
        os.close(slave)
        process.wait(PATIENCE)
        tap(f"no progress where none is wanted ({term})", (rest(master), re.compile(rb"\A(200 +\d+ http://\S+\r\n){2}\Z")))


# ---- words
def test_request(server):
    f = Folder()
    f.put("form", b"c=d\ne")
    echo = lambda *args, **more: f.fetch("-o", "-", *args, f"{server.at}/echo", **more)[1]
    tap("-d sends a form by POST", (echo("-d", "a=b", "-d", "@form"), re.compile(
        rb"\APOST /echo\n.*Content-Type: application/x-www-form-urlencoded\n.*\n\na=b&c=d\ne\Z", re.S)))
    tap("-d @- sends standard input, -X and -H say how", (echo("-X", "PUT", "-H", "content-type: x/y", "-d", "@-", said=b"in"),
        re.compile(rb"\APUT /echo\n.*\ncontent-type: x/y\n.*\n\nin\Z", re.S)))
    tap("-u, -A and -H are in the request", (echo("-u", "me:se:cret", "-A", "agent/1", "-H", "X: y"), re.compile(
        rb"User-Agent: agent/1\nX: y\nAuthorization: Basic bWU6c2U6Y3JldA==\n")))
    status, out, err = f.fetch("-i", f"{server.at}/page", f"{server.at}/away/1")
    tap("-i shows heads and pages, one behind the other, and the lines elsewhere", (status, 0), (out.count(PAGE), 2),
        (err.count("200 "), 2),
        (out, re.compile(rb"\AHTTP/1.1 200 OK\r\n.*Last-Modified: " + DATE.encode() + rb"\r\n.*\r\n\r\n\x00", re.S)))
    status, out, err = f.fetch("-I", f"{server.at}/page")
    tap("-I asks for the head alone", (out, re.compile(rb"\AHTTP/1.1 200 OK\r\n(\S+: .*\r\n)+\r\n\Z")), (status, 0))
    for most, line in (("3", f"200 {len(PAGE):9} {{}}/page\n"), ("2", f"302 {0:9} {{}}/away/1\n"),
                       ("0", f"302 {0:9} {{}}/away/3\n")):
        tap(f"--max-redirs {most}", (f.fetch("--max-redirs", most, f"{server.at}/away/3")[1], line.format(server.at).encode()))
    status, out, err = f.fetch("-w", f"{server.at}/page", f"{server.at}/away/1")
    rows = [line.split() for line in out.decode().splitlines()]
    tap("-w is a table of milliseconds, which add up", ([len(row) for row in rows[1:]], [12, 12]),
        (rows[0], "status bytes queue name connect proxy tls send first byte answer total ms url".split()),
        (all(abs(sum(map(float, row[2:10])) - float(row[10])) < 0.1 for row in rows[1:]), True))
    status, out, err = f.fetch("--compressed", "-o", "-", f"{server.at}/packed")
    without = "fetch was built without zlib: install zlib1g-dev" if out[:2] == b"\x1f\x8b" else None
    tap("--compressed unpacks what is packed", (out, PAGE if not without else out), (status, 0), skip=without)
    tap("and without it pages are what was sent", (gzip.decompress(f.fetch("-o", "-", f"{server.at}/packed")[1]), PAGE))


def test_usage(server):
    f = Folder()
    status, out, err = f.fetch("--help")
    tap("--help is no error, and fits a terminal of 130 columns", ((status, err), (0, "")),
        (max(map(len, out.decode().split("\n"))) <= 130, True),
        (out, re.compile(rb"usage: fetch .*--continue-at.*no_proxy", re.S)))
    url = f"{server.at}/page"
    for args, words in ((["-Z", url], "there is no option -Z"), (["--nonsense", url], "there is no option --nonsense"),
                        ([], "which URL?"), (["-o"], "-o wants something"), (["-o", "a", "-o", "b", url], "more files (-o) than"),
                        (["-C", "5", url], "-C takes -"), (["-C", "-", url], "-C goes on with a file"),
                        (["-C", "-", "-i", "-O", url], "a page alone"), (["-t", "x", url], "-t takes a number"),
                        (["-c", "0", url], "-c takes a number"), (["--max-redirs", "-1", url], "--max-redirs takes a number"),
                        (["-H", "x", url], "-H takes 'Name: value'"), (["-d", "@none", url], "-d @none: No such file"),
                        (["-I", "-d", "x", url], "-I asks"),
                        (["-C", "-", "-O", "-H", "range: x", url], "-C asks for a part itself")):
        status, out, err = f.fetch(*args)
        tap(f"wrong words have a sentence ({' '.join(args[:-1])})", ((status, out), (2, b"")), (err, one(words)))
    status, out, err = f.fetch("nonsense", "http://127.0.0.1:1/", "-H", "A: b\nc: d")
    tap("each failure is one sentence", (status, 1), ([line[:7] for line in err.splitlines()], ["fetch: ", "fetch: "]))


def test_proxies(server):
    f, at = Folder(), server.at
    far, nobody = "http://far.example/x", "http://127.0.0.1:1"
    ask = lambda *args, **env: f.fetch("-o", "-", *args, **env)[1].split(b"\n")[0]
    tap("http_proxy is asked for http", (ask(far, http_proxy=at), b"GET http://far.example/x"),
        (ask(far, http_proxy=at[7:]), b"GET http://far.example/x"), (ask(far, all_proxy=at), b"GET http://far.example/x"))
    tap("https_proxy is not, nor one in capital letters",
        (ask(f"{at}/echo", https_proxy=nobody, HTTP_PROXY=nobody), b"GET /echo"))
    tap("-x is asked instead, and \"\" is none", (ask("-x", at, far, http_proxy=nobody), b"GET http://far.example/x"),
        (ask("-x", "", f"{at}/echo", http_proxy=nobody), b"GET /echo"))
    for hosts, exempt in (("127.0.0.1", True), ("*", True), ("a.example, .0.2 127.0.0.1", True), ("27.0.0.1,0.1", False),
                          ("", False)):
        tap(f"no_proxy=\"{hosts}\" {'is' if exempt else 'is not'} for 127.0.0.1",
            (ask(f"{at}/echo", http_proxy=at, no_proxy=hosts), b"GET /echo" if exempt else f"GET {at}/echo".encode()))
    name = 64 * "a" + ".example"            # can be none: nobody looks it up
    for hosts, exempt in ((name, True), ("example", True), (f".{name}", True), (name[1:], False), (f"x.{name}", False)):
        err = f.fetch("-x", nobody, f"http://{name.upper()}:81/", no_proxy=hosts)[2]
        tap(f"no_proxy=\"{hosts[-20:]}\" {'is' if exempt else 'is not'} for a name",
            ("cannot connect to 127.0.0.1:1:" in err, not exempt))
    tap("a proxy's password goes to the proxy", (f.fetch("-o", "-", "-x", at.replace("//", "//me:secret@"), far)[1],
        re.compile(rb"Proxy-Authorization: Basic bWU6c2VjcmV0\n")))
    status, out, err = f.fetch("-x", "socks5://127.0.0.1", far)
    tap("other proxies are refused in a sentence", (status, 1), (err, one("only proxies of http:// are spoken to")))


def main():
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"what must come has not come within {PATIENCE} s"))
    signal.alarm(PATIENCE)
    print("TAP version 13", flush=True)
    server = Server()
    for test in (test_files, test_resume, test_terminal, test_request, test_usage, test_proxies):
        test(server)
    server.shutdown()
    server.server_close()
    print(f"1..{count}")


main()
