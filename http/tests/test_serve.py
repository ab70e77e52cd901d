#!/usr/bin/env python3
"""test_serve.py - build/bin/serve as its users know it: Python's http.client, raw sockets, a real disk. As TAP.

Nobody waits for time: each step waits for what it must see. The trap it exists for: a disk and a network of our own making
agree with us in everything; links, truncation and what a socket holds are the kernel's."""
import gzip, hashlib, html.parser, http.client, os, shutil, signal, socket, subprocess, sys, tempfile, threading, urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVE = os.path.join(ROOT, os.environ.get("SERVE", "build/bin/serve"))
PATIENCE = 60                                   # seconds after which something that must come has not
BIG = 20 * 2**20 + 7
HUGE = 100 * 2**20
MANY = 10001
count = 0


def tap(name, *pairs):
    """Each pair is what was said, and what should have been."""
    global count
    count += 1
    wrong = [f"# said: {said!r}\n# instead of: {expected!r}" for said, expected in pairs if said != expected]
    print("\n".join([f"{'not ok' if wrong else 'ok'} {count} - {name}", *wrong]), flush=True)


class Serve:
    """The program, for a `with`."""

    def __init__(self, folder, *options, command=None):
        self.process = subprocess.Popen(command or [SERVE, folder, "-p", "0", *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.where = self.process.stdout.readline()
        self.port = int(urllib.parse.urlsplit(self.where.split()[0]).port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def peak(self):
        """KiB of memory it has had at most."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

    def client(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(self, path, method="GET", **fields):
        """Status, fields and body."""
        client = self.client()
        client.request(method, path, headers={name.replace("_", "-"): value for name, value in fields.items()})
        answer = client.getresponse()
        body = answer.read()
        client.close()
        return answer.status, answer.headers, body

    def raw(self, request):
        """All that comes until the end."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as s:
            s.sendall(request)
            return b"".join(iter(lambda: s.recv(65536), b""))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)


class Links(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.links = []
        self.feed(page.decode())

    def handle_starttag(self, tag, attributes):
        self.links += [value for name, value in attributes if name == "href"]


def summed(data):
    return hashlib.sha256(data).hexdigest()


def write(folder, name, data):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    return path


def fill(outer):
    """A root, and a secret beside it."""
    folder = os.path.join(outer, "root")
    write(outer, "secret", b"this is a secret")
    write(folder, "robots.txt", b"User-agent: *\nDisallow: /\n")
    write(folder, "site/index.html", b"<p>index")
    for name in ("plain.txt", "<b>&\"'.html", "a b%2f+c?d#e", "Über.md", "x:y", "..."):
        write(folder, "odd/" + name, b"odd")
    os.symlink("../../secret", os.path.join(folder, "odd/out"))
    os.symlink("../..", os.path.join(folder, "odd/up"))
    os.symlink("/etc/passwd", os.path.join(folder, "odd/absolute"))
    os.mkfifo(os.path.join(folder, "odd/fifo"))
    os.utime(os.path.join(folder, "robots.txt"), (1577836800.5, 1577836800.5))
    with open(os.path.join(folder, "huge"), "wb") as f:
        f.truncate(HUGE)
    return folder


def test_arguments(folder):
    for arguments, words in ((["-p"], "-p stands alone: a port"), ([folder, "-a"], "stands alone"), (["--jobs"], "stands alone"),
                             ([folder, "-p", "x"], "a port is a number"), ([folder, "-p", "65536"], "a port is a number"),
                             ([folder, "-z"], "-z: there is no such option"), ([folder, "--nothing"], "--nothing: there is no"),
                             ([folder, "-nzn"], "-z: there is no such"), ([folder, "--help=x"], "--help=x: there is no"),
                             ([folder, folder], "has been named already"), ([folder, "-d", folder], "has been named already"),
                             ([folder, "-j", "-1"], "how many processes"), ([folder, "-k", "x"], "a key alone"),
                             ([folder, "-s", "-c", "x"], "say one of them"), ([folder, "--log-format", "x"], "common, combined"),
                             ([folder, "-a", "unix:x", "-j", "2"], "no unix socket")):
        done = subprocess.run([SERVE, *arguments], capture_output=True, text=True, timeout=PATIENCE)
        tap(f"wrong arguments ({' '.join(arguments).replace(folder, 'DIR')}) have a sentence",
            (done.returncode, 2), (words in done.stderr, True), (done.stdout, ""))
    done = subprocess.run([SERVE, "--help"], capture_output=True, text=True, timeout=PATIENCE)
    tap("--help says what there is", (done.returncode, 0), (done.stderr, ""), ("--no-listing" in done.stdout, True))
    for arguments, words in ((["-c", "/nothing.pem"], "/nothing.pem"), (["-l", "/nothing/log"], "/nothing/log"),
                             (["-a", "192.0.2.1"], "192.0.2.1"), (["-a", "192.0.2.1", "-j", "2"], "192.0.2.1")):
        done = subprocess.run([SERVE, folder, "-p", "0", *arguments], capture_output=True, text=True, timeout=PATIENCE)
        tap(f"what cannot be had is named, once ({arguments[0]})", (done.returncode, 1), (words in done.stderr, True),
            (done.stderr.count("\n"), 1))
    for name in ("/nothing", os.path.join(folder, "robots.txt")):
        done = subprocess.run([SERVE, name], capture_output=True, text=True, timeout=PATIENCE)
        tap("what is no folder is named", (done.returncode, 1), (name in done.stderr, True), (done.stdout, ""))


def test_files(s, big):
    status, fields, body = s.ask("/big")
    tap("20 MiB are sent whole", (status, 200), (summed(body), summed(big)), (fields["Content-Length"], str(BIG)))
    parts, step = [], 3 * 2**20
    for at in range(0, BIG, step):
        status, fields, body = s.ask("/big", Range=f"bytes={at}-{at + step - 1}")
        parts.append((status, fields["Content-Range"] == f"bytes {at}-{min(at + step, BIG) - 1}/{BIG}", body))
    tap("and in ranges, which fit together", (summed(b"".join(part[2] for part in parts)), summed(big)),
        ({part[:2] for part in parts}, {(206, True)}))
    status, fields, body = s.ask("/big", Range=f"bytes={BIG}-")
    tap("a range behind the end is 416", (status, 416), (fields["Content-Range"], f"bytes */{BIG}"))
    status, fields, body = s.ask("/robots.txt")
    tap("a file's time is told", (status, 200), (fields["Last-Modified"], "Wed, 01 Jan 2020 00:00:00 GMT"),
        (fields["Content-Type"], "text/plain; charset=utf-8"))
    tag = fields["ETag"]
    for name, expected, given in (("the same tag", 304, {"If_None_Match": tag}), ("another tag", 200, {"If_None_Match": '"x"'}),
                                  ("the same time", 304, {"If_Modified_Since": fields["Last-Modified"]}),
                                  ("another tag to match", 412, {"If_Match": '"x"'}),
                                  ("half of the same", 206, {"If_Range": tag, "Range": "bytes=1-2"}),
                                  ("half of another", 200, {"If_Range": '"x"', "Range": "bytes=1-2"})):
        tap(name + f" is {expected}", (s.ask("/robots.txt", **given)[0], expected))
    status, fields, body = s.ask("/robots.txt", "HEAD")
    tap("HEAD has a length and no body", (status, 200), (fields["Content-Length"], "26"), (body, b""))
    client = s.client()
    answers = []
    for method, path in (("HEAD", "/robots.txt"), ("GET", "/robots.txt"), ("GET", "/nothing"), ("GET", "/site/"), ("GET", "/odd/")):
        client.request(method, path)
        answer = client.getresponse()
        answers.append(answer.status)
        answer.read()
    client.close()
    tap("one connection serves many requests", (answers, [200, 200, 404, 200, 200]))


def test_paths(s):
    dots = ("..", "%2e%2e", ".%2e", "%2E.", "..%2f", "%2e%2e%2f", "..\\", "..%5c", "..%00", "%252e%252e", "..;", "...", "....//")
    before = ("", "/", "site/", "odd/", "odd/up/", "robots.txt/", "nothing/", "./")
    leaks = []
    for start in before:
        for dot in dots:
            for depth in (1, 3):
                target = f"/{start}{(dot + '/') * depth}secret"
                answer = s.raw(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                if b"this is" in answer or not answer.startswith((b"HTTP/1.1 403", b"HTTP/1.1 404", b"HTTP/1.1 400")):
                    leaks.append((target, answer[:80]))
    tap("no path leads out of the root", (leaks, []))
    for name in ("out", "absolute", "up/", "up/secret"):
        tap(f"nor a link ({name})", (s.ask("/odd/" + name)[0], 403))
    tap("what is no file is none", (s.ask("/odd/fifo")[0], 404))
    for target in ("//evil.example/..", "//evil.example/../site", "//site", "/%2f%2fevil.example/../site", "///site", "/site"):
        answer = s.raw(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        where = [line for line in answer.split(b"\r\n") if line.lower().startswith(b"location:")]
        tap(f"a redirect names no host ({target})", (where in ([], [b"Location: ./site/"]), True))


def test_lists(s):
    page = s.ask("/odd/")[2]
    followed = {}
    for link in Links(page).links:
        path = urllib.parse.urljoin("/odd/", link)
        followed[urllib.parse.unquote(link)] = s.ask(path)[0]
    tap("each name in a list can be followed", (followed, {
        "../": 200, "plain.txt": 200, "<b>&\"'.html": 200, "a b%2f+c?d#e": 200, "Über.md": 200, "x:y": 200, "...": 200,
        "out": 403, "up": 403, "absolute": 403, "fifo": 404}), (b"<b>" in page, False))
    page = s.ask("/many/")[2]
    tap("a folder of ten thousand and one says that there is more", (len(Links(page).links), MANY), (b"There is more" in page, True))


def test_crowd(s, big):
    sums = []

    def fetch():
        sums.append(summed(s.ask("/big")[2]))

    threads = [threading.Thread(target=fetch) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tap("five clients at once each get all of it", (sums, [summed(big)] * 5))
    before, got = s.peak(), 0
    client = s.client()
    client.request("GET", "/huge")
    answer = client.getresponse()
    while part := answer.read(2**20):
        got += len(part)
    client.close()
    tap("100 MiB cost no more memory than little", (got, HUGE), (s.peak() - before < 4096, True))


def test_gzip(folder):
    """Python's gzip, and curl, unpack what is packed on its way, or was beforehand."""
    text = "".join(f"{i} bottles of {i * i % 9973} on the wall\n" for i in range(100000)).encode()
    path = write(folder, "long.txt", text)
    for size in (1023, 1024, 16384, 16385, 32768, 32769):
        write(folder, f"{size}.js", text[:size])
    packed = {"Accept_Encoding": "br, gzip"}
    with Serve(folder) as s:
        status, fields, body = s.ask("/long.txt", **packed)
        tap("text is packed on its way", (status, 200), (gzip.decompress(body) == text, True), (len(body) < len(text) / 3, True),
            (fields["Content-Encoding"], "gzip"), (fields["Vary"], "Accept-Encoding"), (fields["ETag"][:2], "W/"))
        tap("and is the same for who has it", (s.ask("/long.txt", If_None_Match=fields["ETag"], **packed)[0], 304))
        sizes = {size: s.ask(f"/{size}.js", **packed) for size in (1023, 1024, 16384, 16385, 32768, 32769)}
        tap("whatever its size, but for little", ({size: fields["Content-Encoding"] for size, (_, fields, _) in sizes.items()},
                                                  {size: None if size < 1024 else "gzip" for size in sizes}),
            ([size for size, (_, fields, body) in sizes.items() if size > 1023 and gzip.decompress(body) != text[:size]], []))
        tap("who does not take it gets it as it is", (s.ask("/long.txt")[2] == text, True),
            (s.ask("/long.txt", Accept_Encoding="gzip;q=0")[2] == text, True))
        tap("a list is packed", (b"</table>" in gzip.decompress(s.ask("/odd/../many/", **packed)[2]), True))
        old = s.raw(b"GET /long.txt HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n").partition(b"\r\n\r\n")
        tap("to HTTP/1.0 it is packed until the end", (gzip.decompress(old[2]) == text, True), (b"chunked" in old[0], False))
        if shutil.which("curl"):
            curl = ["curl", "-sS", "--max-time", str(PATIENCE), "--compressed", f"http://127.0.0.1:{s.port}/long.txt"]
            done = subprocess.run(curl, capture_output=True)
            tap("curl --compressed", (done.stderr, b""), (done.stdout == text, True))
        beside = gzip.compress(b"something else")
        write(folder, "long.txt.gz", beside)
        status, fields, body = s.ask("/long.txt", **packed)
        tap("what lies beside it packed is sent for it", (body, beside), (fields["Content-Length"], str(len(beside))),
            (fields["Content-Type"], "text/plain; charset=utf-8"), (fields["ETag"][0], '"'))
        os.utime(path + ".gz", (1, 1))
        tap("unless it is older", (gzip.decompress(s.ask("/long.txt", **packed)[2]) == text, True))
    with Serve(folder, "--no-gzip") as s:
        status, fields, body = s.ask("/long.txt", **packed)
        tap("--no-gzip", (body == text, True), (fields["Vary"], None), (fields["Content-Encoding"], None))


def begin(s, path):
    """A download of which the kernel cannot hold much: its client, and what came so far."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.settimeout(PATIENCE)
    client.connect(("127.0.0.1", s.port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return client, client.recv(4096)


def rest(client):
    return b"".join(iter(lambda: client.recv(2**20), b""))


def test_shorter(s, folder, big):
    path = write(folder, "shrinks", big)
    client, got = begin(s, "/shrinks")
    os.truncate(path, BIG // 2)
    body = (got + rest(client)).partition(b"\r\n\r\n")[2]
    tap("a file that becomes shorter is broken off, and what came is its own", (len(body) < BIG, True), (big.startswith(body), True))
    tap("and the server goes on", (s.ask("/robots.txt")[0], 200))
    client.close()


def refused(s):
    """Whether, sooner or later, nobody listens any more."""
    for _ in range(1000):
        try:
            socket.create_connection(("127.0.0.1", s.port), PATIENCE).close()
        except ConnectionRefusedError:
            return True
    return False


def test_stop(folder, big):
    with Serve(folder) as s:
        client, got = begin(s, "/big")
        s.stop()
        said = s.process.stderr.readline()
        closed = refused(s)
        body = (got + rest(client)).partition(b"\r\n\r\n")[2]
        client.close()
        tap("SIGTERM in the middle of a download ends it well", (said.startswith("serve: stopping; what has begun (1)"), True),
            (closed, True), (summed(body), summed(big)), (s.process.wait(PATIENCE), 0), (s.process.stderr.read(), ""))
    with Serve(folder) as s:
        client, got = begin(s, "/big")
        s.stop()
        s.process.stderr.readline()
        s.stop()
        tap("and once more ends it at once", (s.process.wait(PATIENCE), -signal.SIGTERM))
        client.close()
    with Serve(folder) as s:
        s.process.send_signal(signal.SIGINT)
        tap("without one it ends at once", (s.process.wait(PATIENCE), 0), (s.process.stderr.read(), ""))


def main():
    with tempfile.TemporaryDirectory(prefix="eddy-serve-") as outer:
        folder = fill(outer)
        big = os.urandom(BIG)
        write(folder, "big", big)
        os.mkdir(os.path.join(folder, "many"))
        for i in range(MANY):
            os.close(os.open(os.path.join(folder, f"many/{i}"), os.O_CREAT | os.O_WRONLY))
        test_arguments(folder)
        with Serve(folder) as s:
            tap("it says where it listens, and what it shows", (s.where, f"http://127.0.0.1:{s.port}/ shows {folder}\n"))
            test_files(s, big)
            test_paths(s)
            test_lists(s)
            test_crowd(s, big)
            test_shorter(s, folder, big)
        test_gzip(folder)
        test_stop(folder, big)
    print(f"1..{count}")


if __name__ == "__main__":
    sys.exit(main())
