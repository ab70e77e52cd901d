#!/usr/bin/env python3
"""programs.py - servers that are not ours, under the detector: what is planted in them is found, and nothing else. TAP.

    programs.py [--soak] [NAME]...

Run it from the root, after make blocking-programs. Each server is run three times: without the detector, with it, and with it and
its stalls. The trap it exists for: a program that is another one while it is watched: it must answer and end the same."""
import http.client, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, time

BLOCKWATCH = os.environ.get("BLOCKWATCH", "build/bin/blockwatch")
HERE = "grader/tests/blocking/programs/"
BUILT = "build/release/" + HERE
PEERS = os.path.abspath("build/peers")
LIBRARIES = PEERS + "/usr/lib/x86_64-linux-gnu"
PACKAGES = PEERS + "/usr/lib/python3/dist-packages"
PYTHON = "/usr/bin/python3"
BOUND = 60
CALM = 20               # requests
SLEPT = ("BLOCKED", "FAULTS")
BUSY = ("HOG", "STARVED")
count = failed = 0
work = tempfile.mkdtemp(prefix="programs.", dir="build")


def tap(ok, name, notes=(), skip=None):
    global count, failed
    count += 1
    failed += not ok and skip is None
    print(f"{'ok' if ok or skip else 'not ok'} {count} - {name}" + (f" # SKIP {skip}" if skip else ""))
    if not ok:
        print("\n".join("# " + str(n) for n in notes))
    sys.stdout.flush()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def stacks_of(site):
    return [site["frames"]] + [s["frames"] for s in site["samples"]]


class Server:
    """One that says its port, answers GET /NAME with the name, and ends at /quit with 7. A stall: its name, and what the detector
    is to say: verdicts, calls (none: any). `engine`: what runs it has threads of its own, which it waits for: that is found as
    well, and is true."""
    status = 7

    def __init__(self, name, command, stalls, probe, sources=(), environment=None, engine=False):
        self.name, self.command, self.stalls, self.probe, self.process = name, command, stalls, probe, None
        self.sources, self.environment, self.engine = sources, environment or {}, engine

    def absent(self):
        """Why it cannot be run here: what must be there is not, or does not start."""
        try:
            r = subprocess.run(self.probe, capture_output=True, stdin=subprocess.DEVNULL, env={**os.environ, **self.environment})
            return f"{' '.join(self.probe)} ends with {r.returncode}" if r.returncode else None
        except OSError:
            return f"there is no {self.probe[0]}: make blocking-programs unpacks what it can"

    def open(self, command, output):
        self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                                        env={**os.environ, **self.environment})

    def start(self, prefix):
        self.open(prefix + self.command, subprocess.PIPE)
        self.port = int(self.process.stdout.readline().split()[1])

    def ask(self, name):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=BOUND)
        connection.request("GET", "/" + name)
        answer = connection.getresponse()
        said = f"{answer.status} {answer.read().decode()}"
        connection.close()
        return said

    def stop(self):
        self.ask("quit")

    def line(self, stall):
        """Where it is: file and line; None where there is no source."""
        for path in self.sources:
            with open(path) as f:
                for number, text in enumerate(f, 1):
                    if f"STALL {stall}" in text:
                        return os.path.basename(path), number
        return None

    def is_at(self, site, stall):
        """The frame that is named is the line; of a hog, which is on many lines, one of its stacks goes through there."""
        at = self.line(stall)
        stacks = [[site["at"]]] if site["verdict"] in SLEPT else stacks_of(site)
        return any(f and os.path.basename(f["file"] or "") == at[0] and f["line"] == at[1] for frames in stacks for f in frames)


REDIS_COMMANDS = """PING
FLUSHDB
SET a 1 EX 100
GET a
INCRBY a 41
APPEND a x
GETRANGE a 0 1
SETBIT bits 7 1
BITCOUNT bits
MSET k1 v1 k2 v2
MGET k1 k2 none
RENAME k1 k3
EXISTS k1 k3
TTL k3
RPUSH list c a b
LRANGE list 0 -1
SORT list ALPHA DESC
LPOP list
LINSERT list BEFORE b z
BLPOP list 1
BRPOP none 0.01
HSET hash f 1 g 2
HINCRBY hash f 4
HGETALL hash
SADD set x y z
SISMEMBER set x
SCARD set
ZADD sorted 1 one 2 two 3 three
ZRANGE sorted 0 -1 WITHSCORES
ZRANGEBYSCORE sorted 2 3
ZRANK sorted two
PFADD log a b c
PFCOUNT log
GEOADD places 13.36 38.11 Palermo 15.08 37.50 Catania
GEODIST places Palermo Catania km
XADD stream 1-1 f v
XRANGE stream - +
XLEN stream
EVAL "return redis.call('GET','a')" 0
OBJECT ENCODING list
DUMP k2
TYPE sorted
PUBLISH channel hello
SUBSCRIBE channel
MULTI
DBSIZE
EXPIRE k2 100
PERSIST k2
COPY k2 k4
UNLINK k4
STRLEN a
NO SUCH COMMAND
HGET a f""".splitlines()


class Redis(Server):
    """Its sources are not here: a stall is the function that it is in."""
    status = 0

    def start(self, prefix):
        self.port = free_port()
        self.folder = tempfile.mkdtemp(dir=work)
        command = self.command + ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder, "--save", "",
                                  "--enable-debug-command", "yes", "--daemonize", "no"]
        self.open(prefix + command, subprocess.DEVNULL)
        wait_for(self.port)
        self.commands("DEBUG POPULATE 100000")

    def commands(self, line):
        with socket.create_connection(("127.0.0.1", self.port), timeout=BOUND) as s:
            s.sendall(line.encode() + b"\r\n")
            return s.recv(65536).decode("latin-1")

    def ask(self, name):
        if name == "calm":
            return [self.commands(line) for line in REDIS_COMMANDS]
        return self.commands({"sleep": "DEBUG SLEEP 0.02", "save": "SAVE", "keys": "KEYS *x*y*z*"}[name])

    def stop(self):
        try:
            self.commands("SHUTDOWN NOSAVE")
        except OSError:
            pass

    def is_at(self, site, stall):
        function = {"sleep": "debugCommand", "save": "saveCommand", "keys": "keysCommand"}[stall]
        return any(f["function"] == function for frames in stacks_of(site) for f in frames)


NGINX_CONF = """daemon off; worker_processes 1; pid nginx.pid; error_log stderr crit; user %s;
events { worker_connections 64; }
http { access_log off; sendfile on; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u;
scgi_temp_path s; default_type text/plain; server { listen 127.0.0.1:%d; root files; } }"""


class Nginx(Server):
    """Its worker is forked by its master. The stall is a file that is not in the page cache."""
    status = 0

    def start(self, prefix):
        self.port = free_port()
        self.folder = tempfile.mkdtemp(dir=work)
        os.mkdir(self.folder + "/files")
        for name in ("calm", "cold"):
            with open(f"{self.folder}/files/{name}", "wb") as f:
                f.write(b"x" * 400000)
                f.flush()
                os.fsync(f.fileno())
        with open(self.folder + "/nginx.conf", "w") as f:
            f.write(NGINX_CONF % ("root" if os.getuid() == 0 else "nobody", self.port))
        command = self.command + ["-p", os.path.abspath(self.folder), "-c", "nginx.conf", "-e", "stderr"]
        self.open(prefix + command, subprocess.DEVNULL)
        wait_for(self.port)
        Server.ask(self, "calm")

    def ask(self, name):
        if name == "cold":
            with open(f"{self.folder}/files/cold", "rb") as f:
                os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return Server.ask(self, name)[:8]

    def stop(self):
        with open(self.folder + "/nginx.pid") as f:
            os.kill(int(f.read()), signal.SIGQUIT)

    def is_at(self, site, stall):
        return any((f["function"] or "").startswith("ngx_") for f in site["frames"])


def wait_for(port):
    end = time.monotonic() + BOUND
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)


SLEEPS = ("BLOCKED",)
WAITS = ("wait4", "waitpid", "read", "poll", "vfork", "posix_spawn")
PYTHON_STALLS = {"sleep": (SLEEPS, ("clock_nanosleep",)), "lock": (SLEEPS, ("sem_wait", "sem_clockwait", "sem_timedwait")),
                 "command": (SLEEPS, ("system",)), "child": (SLEEPS, WAITS), "flush": (SLEEPS, ("fsync",)), "pattern": (BUSY, ())}
C_STALLS = {"sleep": (SLEEPS, ("usleep",)), "lock": (SLEEPS, ("pthread_mutex_lock",)), "command": (SLEEPS, ("system",)),
            "spin": (BUSY, ())}
TORNADO_STALLS = {**{n: PYTHON_STALLS[n] for n in ("sleep", "child", "pattern")}, "database": (SLEEPS, ("fdatasync", "fsync"))}
NODE_STALLS = {"child": (SLEEPS, ("epoll_wait", "epoll_pwait")), "wait": (SLEEPS, ("pthread_cond_timedwait",)),
               "flush": (SLEEPS, ("fsync",)), "hash": (BUSY, ()), "spin": (BUSY, ())}
REDIS_STALLS = {"sleep": (SLEEPS, ("nanosleep", "usleep", "clock_nanosleep")), "save": (SLEEPS, ("fsync", "fdatasync")),
                "keys": (BUSY, ())}
NGINX_STALLS = {"cold": (SLEEPS, ("sendfile", "pread", "open", "openat"))}
ASYNCIO, TORNADO = HERE + "asyncio_server.py", HERE + "tornado_server.py"
UV, EVENT = BUILT + "uv_server", BUILT + "event_server"
REDIS, NGINX = PEERS + "/usr/bin/redis-server", PEERS + "/usr/sbin/nginx"
ALL = [
    Server("asyncio", [PYTHON, "-B", ASYNCIO, work + "/flushed"], PYTHON_STALLS, [PYTHON, "--version"], [ASYNCIO]),
    Server("uvloop", [PYTHON, "-B", ASYNCIO, work + "/flushed", "uvloop"], PYTHON_STALLS, [PYTHON, "-c", "import uvloop"],
           [ASYNCIO], {"PYTHONPATH": PACKAGES, "LD_LIBRARY_PATH": LIBRARIES}),
    Server("Tornado", [PYTHON, "-B", TORNADO, work + "/tornado"], TORNADO_STALLS, [PYTHON, "-c", "import tornado"], [TORNADO],
           {"PYTHONPATH": PACKAGES}),
    Server("node", ["node", HERE + "server.js", work + "/flushed"], NODE_STALLS, ["node", "--version"], [HERE + "server.js"],
           engine=True),
    Redis("redis", [REDIS], REDIS_STALLS, [REDIS, "--version"], (), {"LD_LIBRARY_PATH": LIBRARIES}),
    Nginx("nginx", [NGINX], NGINX_STALLS, [NGINX, "-v"]),
    Server("libuv", [UV], C_STALLS, [UV, "--version"], [HERE + "stalls.c"]),
    Server("libevent", [EVENT], C_STALLS, [EVENT, "--version"], [HERE + "stalls.c"]),
]


def session(server, requests, told=None):
    """What it answered and how it ended; and what was found in it."""
    prefix = [BLOCKWATCH, "--quiet", "--json", told, "--"] if told else []
    server.start(prefix)
    said = [server.ask(name) for name in requests]
    ends = time.monotonic_ns()
    server.stop()
    try:
        _, error = server.process.communicate(timeout=BOUND)
        status = server.process.returncode
    except subprocess.TimeoutExpired:
        server.process.kill()
        _, error = server.process.communicate()
        status = "it did not end"
    sites, loops, notes = [], [], []
    if told and os.path.exists(told):
        with open(told, encoding="utf-8") as f:
            events = [json.loads(line) for line in f]
        sites, loops, notes = ([e for e in events if e["event"] == kind] for kind in ("site", "loop", "note"))
        sites = [s for s in sites if s["first_ns"] < ends]      # while it ends it may join its threads
    return (said, status), sites, loops, error.splitlines()[-15:] + [n["text"] for n in notes]


def describe(site):
    at = site["at"] or {}
    frames = " < ".join(f["function"] or os.path.basename(f["module"] or "?") for f in site["frames"][:6])
    return (f"{site['verdict']} {site['what']} ({site['asked']}) {site['count']} x, {site['longest_ns'] / 1e6:.3f} ms at "
            f"{os.path.basename(at.get('file') or at.get('module') or '?')}:{at.get('line')}: {frames}")


def difference(plain, watched):
    """The first answer that is another one; and how both ended."""
    pairs = [(str(a)[-200:], str(b)[-200:]) for a, b in zip(plain[0], watched[0]) if a != b]
    return pairs[:1] + [(plain[1], watched[1])]


def calm(server):
    """A sleep of the disk's is real, once: what is told must be told in three of three runs to be held against it."""
    plain, _, _, _ = session(server, ["calm"] * CALM)
    told = work + "/calm.jsonl"
    every, seen = None, []
    for _ in range(3):
        watched, sites, loops, said = session(server, ["calm"] * CALM, told)
        if server.engine:
            sites = [s for s in sites if any(os.path.basename(p) == os.path.basename((s["at"] or {}).get("file") or "")
                                             for p in server.sources)]
        keys = {(s["what"], s["at"] and (s["at"]["function"], s["at"]["line"])): s for s in sites if s["verdict"] in SLEPT}
        every = keys if every is None else {k: s for k, s in every.items() if k in keys}
        if not every:
            break
    tap(plain[1] == server.status and watched == plain, f"{server.name}: it answers and ends as it does unwatched",
        difference(plain, watched) + said)
    tap(loops and sum(l["iterations"] for l in loops) >= CALM, f"{server.name}: its loop was found", [loops] + said)
    tap(not every, f"{server.name}: nothing blocks where nothing was planted", map(describe, every.values()))


def stalled(server):
    told = work + "/stalled.jsonl"
    watched, sites, _, said = session(server, list(server.stalls) * 2, told)
    tap(watched[1] == server.status, f"{server.name}: with its stalls it ends as it should", [watched] + said)
    for name, (verdicts, calls) in server.stalls.items():
        fits = [s for s in sites if s["verdict"] in verdicts and (not calls or s["call"] in calls)]
        tap(any(server.is_at(s, name) for s in fits), f"{server.name}: {name} is found, and where it is", map(describe, sites))


def ended(command, environment):
    """Its status, and what its tests say at their end, but for the time they took."""
    r = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=10 * BOUND,
                       env={**os.environ, **environment})
    return r.returncode, [line.split(" in ")[0] for line in r.stderr.splitlines() if re.match(r"Ran |OK|FAILED|ERROR|FAIL", line)]


def tornado_tests():
    """Tornado's own suite: a program that looks closely at what its loop, sockets, children and signals do."""
    if not os.path.exists(PACKAGES + "/tornado/test"):
        tap(True, "Tornado's own tests", skip="they are not here")
        return
    command = [PYTHON, "-B", "-m", "tornado.test"]
    plain, watched = (ended(prefix + command, {"PYTHONPATH": PACKAGES}) for prefix in ([], [BLOCKWATCH, "--quiet", "--"]))
    tap(plain == watched and plain[1], "Tornado's own tests end as they do unwatched", [plain, watched])


def main():
    chosen = [a for a in sys.argv[1:] if a != "--soak"]
    try:
        if "--soak" in sys.argv[1:]:
            tornado_tests()
        for server in ALL:
            if chosen and server.name not in chosen:
                continue
            why = server.absent()
            if why:
                tap(True, server.name, skip=why)
                continue
            try:
                calm(server)
                stalled(server)
            except (OSError, IndexError, ValueError, http.client.HTTPException) as e:
                tap(False, f"{server.name}: it starts, answers and says what was asked for", [repr(e)])
            finally:
                if server.process and server.process.poll() is None:
                    server.process.kill()
                    server.process.wait()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"1..{count}")
    return 1 if failed else 0


sys.exit(main())
