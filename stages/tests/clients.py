"""clients.py - what clients, good and bad, do to a server that is told to stop meanwhile: the "> " lines of an expected.txt.

    > ann connects                      > ann asks for /huge            connects first, unless she has
    > ann reads a byte                  > ann reads                     to the end; and says what it was
    > server says interrupted           waits for that word
    > server hears SIGTERM

Nothing waits for time, only for the other side. The trap it exists for: a client whose machine takes the whole page, although
nobody reads it, hangs nowhere; so their buffers are small."""
import signal, socket, threading

from world import PATIENCE, Server


class Client:
    def __init__(self, port):
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.socket.connect(("127.0.0.1", port))
        self.got = bytearray()

    def asks(self, path):
        self.socket.sendall(b"GET %s HTTP/1.1\r\nHost: here\r\n\r\n" % path.encode())

    def reads_a_byte(self):
        self.got += self.socket.recv(1)

    def reads(self):
        """To the end; what that was, for a human."""
        while more := self.socket.recv(65536):
            self.got += more
        head, _, body = self.got.partition(b"\r\n\r\n")
        whole = b"\r\nContent-Length: %d\r\n" % len(body) in head + b"\r\n"
        return f"the whole page, {len(body)} bytes" if whole else "cut off in the middle" if body else "closed without a word"


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
            client = self.client(who)
            if does == "asks":
                client.asks(what[-1])
            elif does == "reads" and what:
                client.reads_a_byte()
            elif does == "reads":
                self.said.append(f"{who}: {client.reads()}")
        except OSError as e:
            self.said.append(f"{who}: {e.strerror or e}")

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
