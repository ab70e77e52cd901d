"""world.py - what the stages' tests and stage_run.py share: where things are, the fixture, a server, a client.

Nobody sleeps here in the hope that something has happened by then: a process is up when it has said so, and a peer is stuck
when the fixture has its request."""
import os, re, resource, signal, socket, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(ROOT, os.environ.get("STAGE_BIN", "build/stages"))
STAGES = sorted(d for d in os.listdir(f"{ROOT}/stages") if re.match(r"\d\d-", d))
REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
PATIENCE = 20                                   # seconds after which something that must come has not


def program(stage):
    return f"{BIN}/{stage[:2]}"


def end_cleanly():
    """SIGTERM leaves every `with`, so that nothing that was started is left behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


class Fixture:
    """The peers of tests/fixture.py, for a `with`."""

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, f"{ROOT}/stages/tests/fixture.py"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.urls, self.hangs = {}, 0
        while (line := self.process.stdout.readline().strip()) != "listening":
            name, self.urls[name] = line.split()
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def hang(self):
        """The URL of a page that never comes, unlike all others, so that wait_for is not answered by an earlier one."""
        self.hangs += 1
        return f"{self.urls['NASTY']}/hang?{self.hangs}"

    def wait_for(self, *urls):
        """Until the nasty server has been asked for all of them."""
        missing = {url.removeprefix(self.urls["NASTY"]) for url in urls}
        def give_up(*_):
            raise TimeoutError(f"nobody asked the fixture for {', '.join(missing)} within {PATIENCE} s")
        signal.signal(signal.SIGALRM, give_up)
        signal.alarm(PATIENCE)
        while missing:
            missing.discard(self.process.stdout.readline().strip())
        signal.alarm(0)

    def put_in(self, text):
        for name, url in self.urls.items():
            text = text.replace(f"{name}/", f"{url}/")
        return text

    def take_out(self, text):
        for name, url in self.urls.items():
            text = text.replace(url, name).replace(url.removeprefix("http://"), f"[{name}]")
        return text


class Server:
    """A stage that serves, for a `with`; `before` stands before it, `options` behind `serve`."""

    def __init__(self, stage, options=(), env=None, descriptors=None, before=()):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        self.process = subprocess.Popen([*before, program(stage), "serve", *options, "0"], text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=env, preexec_fn=limit if descriptors else None)
        self.port = int(self.process.stdout.readline().rsplit(":")[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def connect(self, data=b""):
        s = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.sendall(data)
        return s


def read_all(s):
    """What comes until the server hangs up; b"" too if it does so by a reset, None if it does not. Closes s."""
    got = b""
    try:
        while more := s.recv(65536):
            got += more
    except ConnectionResetError:
        pass
    except TimeoutError:
        got = None
    s.close()
    return got
