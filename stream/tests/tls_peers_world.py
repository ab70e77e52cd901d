"""tls_peers_world.py - what tls_peers.py has: certificates, and processes and threads that are over when their block is.

The trap it exists for: a peer that hangs. Each of them can be ended from outside, and every socket has a limit."""
import hashlib, os, shutil, socket, subprocess, threading

try:
    import ssl
except ImportError:
    ssl = None

OURS = os.environ.get("TLS_PEERS", os.path.abspath("build/release/stream/tests/tls_peers"))
PATIENCE = 60
TOWN = "town.example"
started = []


def missing():
    """Why nothing can be tested, or None."""
    if not shutil.which("openssl"):
        return "openssl is missing: install openssl"
    if not ssl:
        return "this Python has no ssl: install python3 with it"
    return None if os.access(OURS, os.X_OK) else f"{OURS} is missing: it is built where libssl-dev is"


# ---- certificates: one authority, and those that are wrong in one way each ----------------------------------------


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True, stdin=subprocess.DEVNULL)


def make_certificate(name, subject, *options, signed=True):
    """NAME.pem: certificate and key."""
    by = ["-CA", "ca.pem", "-CAkey", "ca.pem"] if signed else []
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={subject}", *by,
            "-keyout", f"{name}.key", "-out", f"{name}.crt", *(options or ["-days", "2"]))
    with open(f"{name}.pem", "w") as out:
        for part in (f"{name}.crt", f"{name}.key"):
            with open(part) as f:
                out.write(f.read())


def make_expired():
    """In the year 2020, which only `openssl ca` can say."""
    make_certificate("old", TOWN, signed=False)
    openssl("req", "-new", "-key", "old.key", "-subj", f"/CN={TOWN}", "-out", "old.csr")
    with open("ca.conf", "w") as f:
        f.write("[ca]\ndefault_ca=x\n[x]\ndatabase=ca.txt\nserial=ca.srl\nnew_certs_dir=.\npolicy=p\ndefault_md=sha256\n"
                f"x509_extensions=e\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=DNS:{TOWN}\n")
    open("ca.txt", "w").close()
    with open("ca.srl", "w") as f:
        f.write("1000\n")
    openssl("ca", "-batch", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.pem", "-in", "old.csr", "-out", "old.crt",
            "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-notext")
    with open("expired.pem", "w") as out:
        for part in ("old.crt", "old.key"):
            with open(part) as f:
                out.write(f.read())


def make_certificates():
    san = "subjectAltName=DNS:"
    leaf = ("-addext", "basicConstraints=critical,CA:FALSE", "-days", "2")
    make_certificate("ca", "eddy's tests", signed=False)
    make_certificate("town", TOWN, "-addext", san + TOWN, *leaf)
    make_certificate("other", "other.example", "-addext", san + "other.example", *leaf)
    make_certificate("ann", "ann", *leaf)
    make_certificate("self", TOWN, "-addext", san + TOWN, "-days", "2", signed=False)
    make_expired()


# ---- processes: ours and theirs ----------------------------------------


class Process:
    """Its lines; all of it is over when the block is."""

    def __init__(self, *argv):
        self.said = []
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        self.out = self.process.stdout
        started.append(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.out.close()
        started.remove(self.process)

    def line(self, beginning=""):
        """The next line that begins so."""
        line = bytearray()
        while more := self.out.read(1):
            line += more
            if more == b"\n":
                text, line = line.decode(errors="replace").strip(), bytearray()
                self.said.append(text)
                if text.startswith(beginning):
                    return text
        raise AssertionError(f"it ended without a line '{beginning}', and has said: {self.said}")

    def exactly(self, size):
        got = bytearray()
        while len(got) < size and (more := self.out.read(size - len(got))):
            got += more
        return bytes(got)


class Server(Process):
    def __init__(self, *options, certificate="town"):
        super().__init__(OURS, "serve", f"cert={certificate}.pem", *options)
        self.port = int(self.line("port").split()[1])

    def stop(self):
        """What it said since, as one text."""
        before = len(self.said)
        self.process.stdin.close()
        self.line("done")
        return "\n".join(self.said[before:])


def client(port, *options):
    """Our client, to the end: what it said, as one text."""
    with Process(OURS, "connect", str(port), "ca=ca.pem", *options) as c:
        c.line("done")
        return "\n".join(c.said)


def s_client(port, *options):
    return Process("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", "ca.pem", "-verify_return_error", "-quiet",
                   "-no_ign_eof", "-nocommands", *options)


class SServer(Process):
    """openssl s_server for one connection, whose standard output is what it hears, and input what it says."""

    def __init__(self, certificate="town", *options):
        super().__init__("openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-cert", certificate + ".pem", *options)
        self.port = int(self.line("ACCEPT ").rsplit(":", 1)[1])

    def shaken(self):
        """After its handshake it says much; then what it hears."""
        self.line("Secure Renegotiation")


def after_verify(c, n):
    """s_client says a line for each certificate, even when it is to be quiet."""
    for depth in ("depth=1", "verify return", "depth=0", "verify return"):
        c.line(depth)
    return c.exactly(n)


def pump(process, size):
    """What s_server hears it says again."""
    def run():
        left = size
        process.shaken()
        while left and (more := process.out.read(min(left, 65536))):
            process.process.stdin.write(more)
            left -= len(more)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def told(text, *expected):
    for part in expected:
        assert part in text, f"'{part}' was not said, but: {text}"


def echo_through(stdin, read_exactly, data):
    """Sends and reads at the same time."""
    sender = threading.Thread(target=stdin.write, args=(data,))
    sender.start()
    got = read_exactly(len(data))
    sender.join()
    assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest(), f"{len(got)} bytes came back, and not the same"


# ---- Python's ssl ----------------------------------------


def client_context(certificate=None, **changes):
    context = ssl.create_default_context(cafile="ca.pem")
    if certificate:
        context.load_cert_chain(certificate + ".pem")
    for name, value in changes.items():
        setattr(context, name, value)
    return context


def python_client(port, context, name=TOWN, session=None):
    raw = socket.create_connection(("127.0.0.1", port), PATIENCE)
    try:
        return context.wrap_socket(raw, server_hostname=name, session=session)
    except BaseException:
        raw.close()
        raise


def receive(s, size):
    got = bytearray()
    while len(got) < size and (more := s.recv(size - len(got))):
        got += more
    return bytes(got)


class PythonServer(threading.Thread):
    """Serves connections one after the other with `each(socket)`; what goes wrong is in `wrong`."""

    def __init__(self, each, certificate="town", times=1, plain=False):
        super().__init__(daemon=True)
        self.each, self.times, self.plain, self.wrong = each, times, plain, []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate + ".pem")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.join(PATIENCE)
        self.listener.close()

    def run(self):
        for _ in range(self.times):
            raw, _ = self.listener.accept()
            raw.settimeout(PATIENCE)
            try:
                with raw if self.plain else self.context.wrap_socket(raw, server_side=True) as s:
                    self.each(s)
            except (OSError, AssertionError) as e:
                self.wrong.append(e)
                raw.close()


def echo(size):
    def each(s):
        left = size
        while left and (data := s.recv(min(left, 65536))):
            s.sendall(data)
            left -= len(data)
        assert s.recv(1) == b"", "the client said more"
        s.unwrap()
    return each
