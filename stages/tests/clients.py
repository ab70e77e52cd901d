"""clients.py - what clients, good and bad, do to a server that is told to stop meanwhile: the "> " lines of an expected.txt.

    > ann connects                      > ann asks for /huge            connects first, unless she has
    > ann asks for / /huge              two requests in one packet
    > ann posts 100 bytes               > ann writes HELO bob           a line, and an empty one
    > ann brings a cookie of 9000 bytes
    > ann dribbles                      a byte now and then, of a request without end, until she hears something
    > ann reads a byte                  > ann reads 2 pages             and says what they were
    > ann reads                         to the end, and leaves; and says what that was
    > server says interrupted           waits for that word
    > server hears SIGTERM

Nothing waits for time, only for the other side. The trap it exists for: a client whose machine takes the whole page, although
nobody reads it, hangs nowhere; so their buffers are small."""
import re, select, signal, socket, threading

from world import PATIENCE, Server


class Client:
    def __init__(self, port):
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.socket.connect(("127.0.0.1", port))
        self.got = bytearray()

    def asks(self, *paths):
        self.socket.sendall(b"".join(b"GET %s HTTP/1.1\r\nHost: here\r\n\r\n" % path.encode() for path in paths))

    def posts(self, size):
        self.socket.sendall(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)

    def brings(self, size):
        self.socket.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nCookie: " + b"x" * size + b"\r\n\r\n")

    def writes(self, *words):
        self.socket.sendall(" ".join(words).encode() + b"\r\n\r\n")

    def dribbles(self):
        self.socket.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nCookie: ")
        while not select.select([self.socket], [], [], 0.02)[0]:
            self.socket.sendall(b"x")

    def reads_a_byte(self):
        self.got += self.socket.recv(1)

    def page(self):
        """Takes the first reply that is whole, for a human; None: there is none."""
        end = self.got.find(b"\r\n\r\n") + 4
        head = bytes(self.got[:end])
        size = re.search(rb"\r\nContent-Length: (\d+)\r\n", head)
        if end < 4 or not size or len(self.got) < end + int(size[1]):
            return None
        body = bytes(self.got[end:end + int(size[1])])
        del self.got[:end + len(body)]
        return body.decode().strip() if b"text/plain" in head else f"the whole page, {len(body)} bytes"

    def reads_pages(self, count):
        said = []
        while len(said) < count:
            while not (page := self.page()):
                more = self.socket.recv(65536)
                if not more:
                    return ", then ".join([*said, "nothing more"])
                self.got += more
            said.append(page)
        return ", then ".join(said)

    def reads(self):
        """To the end; what that was, for a human."""
        while more := self.socket.recv(65536):
            self.got += more
        self.socket.close()
        said = list(iter(self.page, None)) + ["cut off in the middle"] * bool(self.got)
        return ", then ".join(said) or "closed without a word"


class Play:
    """One session: a server, its clients by their names, and what all of them say."""

    def __init__(self, stage, options):
        self.server, self.clients, self.said = Server(stage, options), {}, []
        self.guard = threading.Timer(PATIENCE, self.server.process.kill)
        self.guard.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.guard.cancel()
        for client in self.clients.values():
            client.socket.close()
        self.server.__exit__()

    def client(self, name):
        if name not in self.clients:
            self.clients[name] = Client(self.server.port)
        return self.clients[name]

    def tell(self, who, does, *what):
        if who == "server":
            self.hear(*what) if does == "hears" else self.listen(*what)
            return
        try:
            said = self.do(self.client(who), does, *what)
            if said:
                self.said.append(f"{who}: {said}")
        except OSError as e:
            self.said.append(f"{who}: {e.strerror or e}")

    def do(self, client, does, *what):
        if does == "asks":
            client.asks(*what[1:])
        elif does in ("posts", "brings"):
            getattr(client, does)(int(what[-2]))
        elif does == "writes":
            client.writes(*what)
        elif does == "dribbles":
            client.dribbles()
        elif does == "reads" and not what:
            return client.reads()
        elif does == "reads" and what[-1] == "byte":
            client.reads_a_byte()
        elif does == "reads":
            return client.reads_pages(1 if what[0] == "a" else int(what[0]))
        return None

    def hear(self, name):
        self.server.process.send_signal(signal.Signals[name])

    def listen(self, word):
        for line in self.server.process.stderr:
            self.said.append(line.strip())
            if word in line:
                return

    def end(self):
        """What was said, and how the server ended, if not well."""
        self.said += self.server.process.stderr.read().splitlines()
        status = self.server.process.wait()
        how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        return sorted(self.said) + ([how] if status else [])


def play(stage, options, done):
    with Play(stage, options) as session:
        for line in done:
            session.tell(*line.split())
        return session.end()
