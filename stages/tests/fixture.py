#!/usr/bin/env python3
"""fixture.py - real peers for the stages: Python's http.server with honest pages, and a server with bad manners.

Prints "PAGES http://127.0.0.1:PORT", "NASTY http://...", "NOBODY http://..." (a port that is taken, where nobody listens) and
"FULL http://..." (where somebody listens who never accepts, and whose queue is full, so that no connection is ever made),
then "listening"; after that, on a line each, the nasty paths as they are asked for (what is behind a "?" tells one from
another). Ends when its standard input does. The trap it exists for: a client that has only ever met servers that answer whole
pages at once."""
import http.server, os, socket, struct, sys, threading, time

PAGES = {"/": b"hello\n", "/a": b"a" * 1000, "/empty": b"", "/b": bytes(range(256)) * 16}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


class Pages(http.server.BaseHTTPRequestHandler):
    """Honest pages, on connections that are kept. /late comes after 50 ms, /huge has 32 MB, /moved is at /a, and whatever is not
    known is not found."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"x" * 2**25 if self.path == "/huge" else b"late\n" if self.path == "/late" else PAGES.get(self.path)
        if self.path == "/late":
            time.sleep(0.05)
        self.send_response(302 if self.path == "/moved" else 404 if body is None else 200)
        if self.path == "/moved":
            self.send_header("Location", "/a")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


def dribble(s):
    for byte in HEAD % 5 + b"drip\n":
        s.sendall(bytes([byte]))
        time.sleep(0.001)


def steady(s):
    s.sendall(HEAD % 5)
    for byte in b"slow\n":
        time.sleep(0.3)
        s.sendall(bytes([byte]))


def reset(s):
    s.sendall(HEAD % 100 + b"the beginning")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def endless(s):
    s.sendall(b"HTTP/1.1 200 OK\r\n")
    for n in range(2000):
        s.sendall(b"X-More-%d: and one more\r\n" % n)


def hang(s):
    s.settimeout(None)
    s.recv(1)                                   # until the client leaves


def hang_inside(s):
    s.sendall(HEAD % 100 + b"the beginning")
    hang(s)


NASTY = {
    "/dribble": dribble,                        # one byte at a time
    "/steady": steady,                          # the body in five portions, 0.3 s apart
    "/reset": reset,                            # in the middle of the body
    "/hang": hang,                              # says nothing, ever
    "/hang-inside": hang_inside,                # stops in the middle of the body
    "/close": lambda s: None,                   # hangs up without a word
    "/half-head": lambda s: s.sendall(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "/half-body": lambda s: s.sendall(HEAD % 100 + b"the beginning"),
    "/endless-head": endless,
    "/no-length": lambda s: s.sendall(b"HTTP/1.1 200 OK\r\n\r\nuntil the end\n"),
    "/no-http": lambda s: s.sendall(b"220 mail.example.org ready\r\n"),
    "/chunks": lambda s: s.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
}


def misbehave(s):
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = b""
    try:
        while b"\r\n\r\n" not in request and (more := s.recv(4096)):
            request += more
        path = request.split(b" ")[1].decode() if b" " in request else "/close"
        os.write(1, (path + "\n").encode())    # one call: other threads write as well
        NASTY.get(path.split("?")[0], NASTY["/close"])(s)
    except OSError:
        pass                                    # the client had enough
    s.close()


def serve_nasty(listener):
    while True:
        client, _ = listener.accept()
        threading.Thread(target=misbehave, args=(client,), daemon=True).start()


def main():
    http.server.ThreadingHTTPServer.request_queue_size = 256
    pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    nasty = socket.create_server(("127.0.0.1", 0), backlog=256)
    nobody = socket.socket()
    nobody.bind(("127.0.0.1", 0))
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    queued = socket.create_connection(full.getsockname())
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    threading.Thread(target=serve_nasty, args=(nasty,), daemon=True).start()
    for name, s in ("PAGES", pages.socket), ("NASTY", nasty), ("NOBODY", nobody), ("FULL", full):
        print(f"{name} http://127.0.0.1:{s.getsockname()[1]}")
    print("listening", flush=True)
    sys.stdin.read()
    queued.close()


main()
