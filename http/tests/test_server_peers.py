#!/usr/bin/env python3
"""test_server_peers.py - our server against clients that are none of ours: raw sockets, Python's http.client, and curl. As TAP.

The server is build/bin/conformance-server, as it was built. Each raw case is said twice, at once and byte by byte, and what comes
back is taken apart by this file's own few lines. The trap it exists for: a server and its tests by one author agree with each
other, and with nobody else."""
import http.client, os, re, shutil, signal, socket, struct, subprocess, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVER = os.path.join(ROOT, os.environ.get("HTTP_SERVER", "build/bin/conformance-server"))
PATIENCE = 60                                   # seconds after which something that must come has not
H = b"Host: x\r\n"
GET = b"GET / HTTP/1.1\r\n" + H
POST = b"POST /echo HTTP/1.1\r\n" + H
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HELLO = (200, b"Hello, world\n")
count = 0


def tap(name, *pairs):
    """Each pair is what was said, and what should have been."""
    global count
    count += 1
    wrong = [f"# said: {said!r}\n# instead of: {expected!r}" for said, expected in pairs if said != expected]
    print("\n".join([f"{'not ok' if wrong else 'ok'} {count} - {name}", *wrong]), flush=True)


def joined():
    s = socket.create_connection(("127.0.0.1", port), PATIENCE)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def read_reply(f, head=False):
    """(status, body, fields) of one reply; None: the end."""
    line = f.readline()
    if not line:
        return None
    assert re.fullmatch(rb"HTTP/1\.1 \d{3} [ -~]*\r\n", line), line
    status, fields = int(line[9:12]), {}
    for line in iter(f.readline, b"\r\n"):
        name, value = re.fullmatch(rb"([\w-]+): ([ -~]*)\r\n", line).groups()
        assert name.lower() not in fields, name
        fields[name.lower()] = value
    if status == 100:
        return status, b"", fields
    assert re.fullmatch(rb"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", fields[b"date"]), fields
    body = b"" if head else f.read(int(fields[b"content-length"]))
    return status, body, fields


def conversation(s, heads=()):
    """All replies until the end: their statuses and bodies, and whether the last has announced that."""
    replies, last = [], {}
    with s.makefile("rb") as f:
        while reply := read_reply(f, len(replies) in heads):
            replies.append(reply[:2])
            last = reply[2]
    return replies, last.get(b"connection", b"").lower() == b"close"


def say(s, data, portion):
    for at in range(0, len(data), portion):
        try:
            s.sendall(data[at:at + portion])
        except OSError:                         # it has heard enough
            return


def raw(name, data, *expected, heads=()):
    """What is said ends the connection by itself, or the client's end does."""
    pairs = []
    for portion in (len(data), 1):
        with joined() as s:
            say(s, data, portion)
            s.shutdown(socket.SHUT_WR)
            replies, _ = conversation(s, heads)
            pairs.append(([(a, b if c else b"") for (a, b), (_, c) in zip(replies, expected)], list(expected)))
            pairs.append((len(replies), len(expected)))
    tap(name, *pairs)


def refused(name, data, status):
    """The client does not end its side: the server does, and says so before."""
    pairs = []
    for portion in (len(data), 1):
        with joined() as s:
            say(s, data, portion)
            replies, announced = conversation(s)
            pairs.append(([r[0] for r in replies], [status]))
            pairs.append((announced, True))
    tap(name, *pairs)


def valid_requests():
    end = b"\r\n"
    raw("GET", GET + end, HELLO)
    raw("HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n", HELLO)
    raw("HTTP/1.2 is HTTP/1.1", b"GET / HTTP/1.2\r\n" + H + end, HELLO)
    raw("empty lines before it", b"\r\n\r\n" + GET + end, HELLO)
    raw("two in a row", GET + end + GET + end, HELLO, HELLO)
    raw("HEAD and then GET", b"HEAD / HTTP/1.1\r\n" + H + end + GET + end, (200, b""), HELLO, heads=(0,))
    raw("absolute form", b"GET http://y/ HTTP/1.1\r\n" + H + end, HELLO)
    raw("absolute form without a path", b"GET http://y HTTP/1.1\r\n" + H + end, HELLO)
    raw("a query", b"GET /?a=b HTTP/1.1\r\n" + H + end, HELLO)
    raw("another path", b"GET /nothing HTTP/1.1\r\n" + H + end + GET + end, (404, b"404 Not Found\n"), HELLO)
    raw("a method nobody knows", b"FOO / HTTP/1.1\r\n" + H + end + GET + end, (404, b"404 Not Found\n"), HELLO)
    raw("OPTIONS *", b"OPTIONS * HTTP/1.1\r\n" + H + end, (404, b""))
    raw("an empty Host", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", HELLO)
    raw("an IPv6 Host", b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", HELLO)
    raw("white space around a value", GET + b"A: \t b \t\r\n" + end, HELLO)
    raw("bytes above 127 in a value", GET + b"A: \xe9\x85\r\n" + end, HELLO)
    raw("a hundred fields", GET + b"A: b\r\n" * 99 + end, HELLO)
    raw("a body with a length", POST + b"Content-Length: 5\r\n\r\nhello", (200, b"hello"))
    raw("a length of 005", POST + b"Content-Length: 005\r\n\r\nhello", (200, b"hello"))
    raw("the same length twice", POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", (200, b"hello"))
    raw("no body", POST + end + GET + end, (200, b""), HELLO)
    raw("a GET with a body", GET + b"Content-Length: 3\r\n\r\nabc" + GET + end, HELLO, HELLO)
    raw("a body that nobody reads", b"POST /x HTTP/1.1\r\n" + H + b"Content-Length: 3\r\n\r\nabc" + GET + end, (404, b""), HELLO)
    raw("chunks", CHUNKED + b"4\r\nfoo=\r\n3\r\nbar\r\n0\r\n\r\n" + GET + end, (200, b"foo=bar"), HELLO)
    raw("chunks in capitals", POST + b"Transfer-Encoding: CHUNKED\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", (200, b"0123456789"))
    raw("extensions", CHUNKED + b'1;a=b;c="d;e"\r\na\r\n0;last\r\n\r\n', (200, b"a"))
    raw("trailers", CHUNKED + b"1\r\na\r\n0\r\nA: b\r\nC: d\r\n\r\n" + GET + end, (200, b"a"), HELLO)
    raw("Expect", POST + b"Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nab", (100, b""), (200, b"ab"))
    raw("bodies with NULs", POST + b"Content-Length: 3\r\n\r\n\0\r\n" + GET + end, (200, b"\0\r\n"), HELLO)


def hostile_requests():
    end = b"\r\n"
    refused("garbage", b"asdf\r\n\r\n", 400)
    refused("HTTP/0.9", b"GET /\r\n\r\n", 400)
    refused("HTTP/2.0", b"GET / HTTP/2.0\r\n" + H + end, 505)
    refused("HTTP/1.10", b"GET / HTTP/1.10\r\n" + H + end, 400)
    refused("http/1.1", b"GET / http/1.1\r\n" + H + end, 400)
    refused("two spaces", b"GET  / HTTP/1.1\r\n" + H + end, 400)
    refused("a tab", b"GET\t/ HTTP/1.1\r\n" + H + end, 400)
    refused("a control byte in the target", b"GET /\x01 HTTP/1.1\r\n" + H + end, 400)
    refused("lines that end with LF", b"GET / HTTP/1.1\nHost: x\n\n", 400)
    refused("a bare CR in a value", GET + b"A: b\rc\r\n" + end, 400)
    refused("a NUL in a value", GET + b"A: b\0c\r\n" + end, 400)
    refused("a line that goes on", GET + b"A: b\r\n c\r\n" + end, 400)
    refused("a space before the colon", GET + b"A : b\r\n" + end, 400)
    refused("a field without a name", GET + b": b\r\n" + end, 400)
    refused("a field without a colon", GET + b"asdf\r\n" + end, 400)
    refused("no Host", b"GET / HTTP/1.1\r\n\r\n", 400)
    refused("two Hosts", GET + H + end, 400)
    refused("a Host with a path", b"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400)
    refused("two lengths", POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", 400)
    refused("a negative length", POST + b"Content-Length: -1\r\n\r\n", 400)
    refused("a length with a sign", POST + b"Content-Length: +1\r\n\r\na", 400)
    refused("a length that overflows", POST + b"Content-Length: 18446744073709551617\r\n\r\na", 400)
    refused("a length and chunks", POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)
    refused("chunked twice", POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400)
    refused("another coding", POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501)
    refused("identity", POST + b"Transfer-Encoding: identity\r\n\r\n", 400)
    refused("chunks in HTTP/1.0", b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)
    refused("a chunk of 0x1", CHUNKED + b"0x1\r\na\r\n0\r\n\r\n", 400)
    refused("a chunk of -1", CHUNKED + b"-1\r\na\r\n0\r\n\r\n", 400)
    refused("a chunk that is larger than it says", CHUNKED + b"1\r\nab\r\n0\r\n\r\n", 400)
    refused("a chunk that overflows", CHUNKED + b"10000000000000001\r\na\r\n", 413)
    refused("a chunk's line that ends with LF", CHUNKED + b"1\na\r\n0\r\n\r\n", 400)
    refused("another expectation", POST + b"Expect: a-miracle\r\nContent-Length: 1\r\n\r\na", 417)
    refused("a body that is too large", POST + b"Content-Length: 200000000\r\n\r\na", 413)
    refused("a line that is too long", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n", 414)
    refused("a head that is too large", GET + b"".join(b"A%d: %s\r\n" % (i, b"b" * 1000) for i in range(70)), 431)
    refused("too many fields", GET + b"A: b\r\n" * 101 + end, 431)


def ends():
    with joined() as s:
        s.sendall(GET + b"Connection: te, CLOSE\r\n\r\n" + GET + b"\r\n")
        tap("behind `close` there is no other request", (conversation(s), ([HELLO], True)))
    with joined() as s:
        s.sendall(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n")
        tap("HTTP/1.0 may go on, and ends", (conversation(s), ([HELLO, HELLO], True)))
    with joined() as s:
        s.sendall(POST + b"Content-Length: 10\r\n\r\nabc")
        s.shutdown(socket.SHUT_WR)
        tap("half a body is 400", ([r[0] for r in conversation(s)[0]], [400]))
    for said in (b"", GET[:9], GET + b"\r\n", POST + b"Content-Length: 10\r\n\r\nabc"):
        s = joined()
        s.sendall(said)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    with joined() as s:
        say(s, POST + b"Content-Length: 300000000\r\n\r\n" + b"a" * 5000000, 1 << 20)
        tap("no reset eats the answer of one that goes on sending", ([r[0] for r in conversation(s)[0]], [413]))


def http_client():
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    said = []
    for i in range(3):
        c.request("GET", "/")
        said.append(c.getresponse().read())
    sock = c.sock
    tap("http.client asks three times on one connection", (said, [HELLO[1]] * 3))
    body = bytes(range(256)) * 4000
    c.request("POST", "/echo", body)
    tap("and posts a megabyte", (c.getresponse().read() == body, True))
    c.request("POST", "/echo", iter([b"a" * 70000, b"b" * 10]), {"Content-Type": "a/b"}, encode_chunked=True)
    r = c.getresponse()
    tap("and chunks", (r.read(), b"a" * 70000 + b"b" * 10), (r.headers["Content-Type"], "a/b"))
    c.request("HEAD", "/")
    r = c.getresponse()
    tap("and HEAD", (r.read(), b""), (r.headers["Content-Length"], "13"), (c.sock is sock, True))
    c.close()


def curl():
    global count
    if not shutil.which("curl"):
        count += 1
        print(f"ok {count} - curl # SKIP curl is not installed")
        return
    url = f"http://127.0.0.1:{port}"
    run = lambda *args: subprocess.run(["curl", "-sS", "--max-time", str(PATIENCE), *args], capture_output=True).stdout
    with tempfile.NamedTemporaryFile() as f:
        f.write(b"0123456789" * 300000)
        f.flush()
        tap("curl: two on one connection", (run("-w", "%{num_connects}", url, url), HELLO[1] + b"1" + HELLO[1] + b"0"))
        tap("curl: HTTP/1.0", (run("-0", url), HELLO[1]))
        tap("curl: HEAD", (run("-I", "-o", "/dev/null", "-w", "%{http_code}", url), b"200"))
        for name, *args in ["a large body"], ["chunks", "-H", "Transfer-Encoding: chunked"], ["one that waits", "-H", "Expect: 100-continue"]:
            tap(f"curl: {name}", (run("--data-binary", f"@{f.name}", *args, url + "/echo") == b"0123456789" * 300000, True))
        tap("curl: too large a body is not sent", (run("-o", "/dev/null", "-w", "%{http_code}", "-H", "Expect: 100-continue",
            "-H", "Content-Length: 200000000", "--data-binary", f"@{f.name}", url + "/echo"), b"413"))


def stop(server):
    """It sleeps while requests come, and then SIGTERM: whoever has asked is answered."""
    old = [joined() for _ in range(20)]
    for s in old:
        s.sendall(GET + b"\r\n")
        with s.makefile("rb") as f:
            read_reply(f)
    server.send_signal(signal.SIGSTOP)
    new = [joined() for _ in range(20)]
    for s in old[:10] + new:
        s.sendall(GET + b"\r\n")
    server.send_signal(signal.SIGTERM)
    server.send_signal(signal.SIGCONT)
    answers = [conversation(s) for s in old + new]
    tap("with SIGTERM no request is lost", ([said for said, _ in answers[:10] + answers[20:]], [[HELLO]] * 30))
    tap("and who asks nothing is closed", (answers[10:20], [([], False)] * 10))
    for s in old + new:
        s.close()
    tap("and it ends, with nothing in its log", (server.wait(PATIENCE), 0), (server.stderr.read(), ""))


server = subprocess.Popen([SERVER, "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
try:
    port = int(re.search(r":(\d+)/", server.stdout.readline())[1])
    print("TAP version 13")
    for part in valid_requests, hostile_requests, ends, http_client, curl:
        part()
    stop(server)
finally:
    server.kill()
    server.wait()
print(f"1..{count}")
