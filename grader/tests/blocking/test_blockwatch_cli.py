#!/usr/bin/env python3
"""test_blockwatch_cli.py - the program blockwatch as its user meets it: command lines, programs of all kinds and ends, reports, attaching,
Ctrl-C. Speaks TAP.

Run it from the root, after make blocking-build. watched.c is what is watched; it really sleeps, for some milliseconds. Nothing is
asserted of how long anything took, but that it ended within a bound."""
import ctypes, json, os, platform, pty, re, select, shutil, signal, struct, subprocess, sys, tempfile, time

BLOCKWATCH = os.environ.get("BLOCKWATCH", os.path.abspath("build/bin/blockwatch"))
BUILT = os.environ.get("WATCHED", os.path.abspath("build/release/grader/tests/blocking"))
SOURCE = "grader/tests/blocking/watched.c"
BOUND = 30
tmp = tempfile.mkdtemp(prefix="blockwatch-test-")
os.chmod(tmp, 0o755)
count = failures = 0


def tap(ok, name, said=""):
    global count, failures
    count += 1
    failures += not ok
    print(f"{'ok' if ok else 'not ok'} {count} - {name}")
    if not ok:
        print("\n".join("# " + line for line in str(said).splitlines()[:60]))
    sys.stdout.flush()


def skip(name, why):
    global count
    count += 1
    print(f"ok {count} - {name} # SKIP {why}")


def program(name):
    return f"{BUILT}/{name}"


def line_of(mark):
    with open(SOURCE) as f:
        return next(n for n, line in enumerate(f, 1) if f"/* WHERE {mark} */" in line)


class Run:
    """blockwatch with these words; what it said and how it ended."""

    def __init__(self, *words, **how):
        r = subprocess.run([BLOCKWATCH, *words], capture_output=True, text=True, errors="replace", timeout=BOUND, **how)
        self.status, self.out, self.err = r.returncode, r.stdout, r.stderr
        self.all = f"status {self.status}\n{self.out}{self.err}"

    def says(self, *patterns):
        return all(re.search(p, self.err) for p in patterns)


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(word) for word in f.read().split()]
    except FileNotFoundError:
        return []


def until(what):
    """What it returns, as soon as that is true."""
    end = time.monotonic() + BOUND
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.005)
    return what()


def in_call(pid, calls=("35", "230")):
    """Whether that process sleeps in one of these system calls: nanosleep, clock_nanosleep."""
    try:
        with open(f"/proc/{pid}/syscall") as f:
            return f.read().split()[0] in calls
    except (OSError, IndexError):
        return False


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def start(*words, **how):
    return subprocess.Popen([BLOCKWATCH, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", **how)


def end(process, name):
    try:
        return process.communicate(timeout=BOUND)
    except subprocess.TimeoutExpired:
        for pid in children(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.kill()
        return "", f"{name}: it did not end"


# ---- command lines -------------------------------------------------------------------------------------------------------
def command_lines():
    for words, sentence in [
            ([], "what is to be watched"), (["--"], "what is to be watched"), (["--foo", "true"], "--foo is no option"),
            (["--json"], "--json wants a word"), (["--budget", "5", "true"], "give a number and ns, us, ms or s"),
            (["--budget", "-1ms", "true"], "not a time"), (["--least", "ms", "true"], "not a time"),
            (["--tier", "best", "true"], "there is no such tier"), (["--attach", "0"], "not a process"),
            (["--attach", "1", "true"], "no command goes with it"), (["--for", "1s", "true"], "--for goes with --attach"),
            (["--wait", "a b", "true"], "not the name of a function"), (["--html", tmp, "true"], "is a folder"),
            (["--suppress", tmp + "/none", "true"], "--suppress: .* cannot be read"),
            (["--baseline", tmp + "/none", "true"], "--baseline: .* cannot be read")]:
        r = Run(*words)
        tap(r.status == 2 and r.says(sentence) and r.err.count("\n") == 1 and not r.out,
            f"a wrong command line is refused in a sentence: {' '.join(words) or '(nothing)'}".replace(tmp, "FOLDER"), r.all)
    r = Run("--help")
    tap(r.status == 0 and "--attach PID" in r.out and not r.err, "--help says how it is used", r.all)
    r = Run("sh", "-c", "echo $1; exit 4", "sh", "--json")
    tap(r.status == 4 and r.out == "--json\n", "options behind the command are the command's", r.all)


# ---- programs ------------------------------------------------------------------------------------------------------------
def statuses():
    for words, status in [(["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -TERM $$"], 143), ([tmp + "/none"], 127),
                          (["no-such-program"], 127), (["/etc/passwd"], 126), ([tmp], 126)]:
        r = Run("--", *words)
        tap(r.status == status and r.err.startswith("blockwatch: "), f"status {status} for {' '.join(words)}".replace(tmp, "FOLDER"), r.all)
    r = Run("--quiet", "--", program("watched"), "sleep", "10", "5")
    tap(r.status == 5 and not r.err and not r.out, "--quiet says nothing", r.all)


def same_as_without():
    plain = subprocess.run([program("watched"), "tells"], capture_output=True, text=True, timeout=BOUND)
    watched = Run("--", program("watched"), "tells")
    r = Run("--", "nice", preexec_fn=lambda: os.nice(7))
    tap(r.out == f"{os.nice(0) + 7}\n", "and the priority", r.all)
    tap(watched.out == plain.stdout and watched.out, "a watched program has the descriptors and signals that it has without",
        plain.stdout + watched.all)
    ignoring = {"preexec_fn": lambda: [signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, signal.SIGPIPE, signal.SIGCHLD)]}
    plain = subprocess.run([program("watched"), "tells"], capture_output=True, text=True, timeout=BOUND, restore_signals=False, **ignoring)
    watched = Run("--", program("watched"), "tells", restore_signals=False, **ignoring)
    tap(watched.out == plain.stdout and "signal 2" in watched.out, "and those that were ignored before", plain.stdout + watched.all)


def findings():
    where = line_of("sleep")
    r = Run("--", program("watched"), "sleep", "10", "4")
    tap(r.status == 4 and r.says("BLOCKED", r"nanosleep", rf"watched\.c:{where}", "sleep_for"),
        "a sleep is told with its call, file and line", r.all)
    r = Run("--", program("watched"), "asm", "10")
    tap(r.says("BLOCKED", "nanosleep", rf"watched\.c:{line_of('asm')}"),
        "a sleep without libc is told with its system call, which was seen while it lasted", r.all)
    r = Run("--", program("watched"), "hog", "10")
    tap(r.says("HOG", "hog_for", r"watched\.c:") and "BLOCKED" not in r.err, "a hog is told with where it was seen", r.all)
    r = Run("--", program("watched"), "quiet")
    tap(r.status == 0 and not r.says("BLOCKED|HOG"), "nothing is told of a program that only waits", r.all)
    r = Run("--start-after", "10s", "--", program("watched"), "sleep")
    tap(not r.says(r"\bBLOCKED"), "nothing is told before --start-after", r.all)
    for tier in ("ring", "rseq", "switches"):
        r = Run("--tier", tier, "--", program("watched"), "sleep", "10")
        tap(r.says("BLOCKED", "nanosleep", rf"watched\.c:{where}"), f"the sleep is found with --tier {tier}", r.all)


def storm_sleeps(tier):
    """A hundred loops at once: how many of their 400 sleeps are told. One that is kept from falling asleep for long enough need not
    sleep, so there are three tries."""
    most = 0
    for _ in range(3):
        r = Run("--tier", tier, "--quiet", "--json", f"{tmp}/storm.json", "--", program("watched"), "storm")
        with open(f"{tmp}/storm.json") as f:
            events = [json.loads(line) for line in f]
        most = max(most, sum(e["count"] for e in events if e["event"] == "site" and e["call"] == "nanosleep"))
        if most == 400:
            break
    return most, r.all


def scarce_processors():
    for tier in ("ring", "rseq", "switches"):
        sleeps, said = storm_sleeps(tier)
        tap(sleeps == 400, f"no sleep is explained away where processors are scarce, --tier {tier}", f"{sleeps} sleeps of 400\n{said}")


def ends():
    for act, status, words in [("killed", 137, ["BLOCKED", "nanosleep", "signal 9"]), ("crash", 139, ["signal 11"]),
                               ("interrupted", 130, ["signal 2"]), ("forks", 0, ["fork|waitpid"]), ("closes", 0, []),
                               ("executes", 0, ["BLOCKED", "nanosleep"]), ("flood", 0, ["BLOCKED", "nanosleep"]),
                               ("daemon", 0, ["BLOCKED", "nanosleep"])]:
        r = Run("--", program("watched"), act, "10")
        tap(r.status == status and r.says(*words) and len(r.err) < 20000, f"a program that does this is reported of: {act}", r.all)
    watcher = start("--", program("watched"), "forever")
    pid = (until(lambda: children(watcher.pid)) or [0])[0]
    hangs = until(lambda: in_call(pid))
    time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    said = end(watcher, "forever")[1]
    tap(hangs and watcher.returncode == 137 and re.search(r"BLOCKED", said) and re.search(rf"watched\.c:{line_of('sleep')}", said),
        "what it hung in when it was killed is told", said)


def left_behind():
    watcher = subprocess.Popen([BLOCKWATCH, "--", program("watched"), "forever"], stderr=subprocess.DEVNULL)
    pid = (until(lambda: children(watcher.pid)) or [0])[0]
    until(lambda: in_call(pid))
    watcher.kill()
    watcher.wait()
    time.sleep(0.1)
    tap(not gone(pid) and in_call(pid), "a program whose watcher is killed goes on")
    os.kill(pid, signal.SIGKILL)
    tap(until(lambda: not watched_left()), "no process and no memory is left behind", watched_left())


def watched_left():
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and maps_journal(pid)]


def maps_journal(pid):
    try:
        with open(f"/proc/{pid}/maps") as f:
            return BUILT + "/watched" in (text := f.read()) and "blockwatch-journal" in text
    except OSError:
        return False


def ancestors_only():
    """Whether nobody else may look into a process (Yama)."""
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope") as f:
            return f.read().strip() != "0"
    except FileNotFoundError:
        return False


def apart():
    if ancestors_only():
        skip("who looks at what hangs has a session of its own", "only ancestors may look into a process here (Yama)")
        return
    watcher = start("--", program("watched"), "forever")
    program_pid, looker = until(lambda: len(children(watcher.pid)) == 2 and children(watcher.pid))
    until(lambda: in_call(program_pid))
    tap(until(lambda: os.getsid(looker) == looker) and os.getsid(program_pid) == os.getsid(watcher.pid),
        "who looks at what hangs has a session of its own, and the program keeps its")
    os.kill(looker, signal.SIGKILL)
    os.kill(program_pid, signal.SIGTERM)
    said = end(watcher, "whose looks were ended")[1]
    tap(watcher.returncode == 143 and "has ended before its time" in said, "what was not looked at is said, and the report comes", said)
    watcher = start("--", program("watched"), "forever")
    program_pid, looker = until(lambda: len(children(watcher.pid)) == 2 and children(watcher.pid))
    until(lambda: os.getsid(looker) == looker)
    watcher.kill()
    tap(until(lambda: gone(looker)) and not gone(program_pid), "it ends with the watcher, also when that is killed")
    os.kill(program_pid, signal.SIGKILL)
    end(watcher, "killed")


def interrupts():
    watcher = start("--", "sh", "-c", "trap 'echo got it; exit 9' INT; echo ready; while :; do sleep 0.02; done", start_new_session=True)
    ready = watcher.stdout.readline()
    os.killpg(watcher.pid, signal.SIGINT)
    out, said = end(watcher, "interrupted")
    tap(ready == "ready\n" and watcher.returncode == 9 and out == "got it\n" and "blockwatch: " in said,
        "an interrupt of the group is the program's, and the report comes", f"{watcher.returncode}\n{out}{said}")
    watcher = start("--", "sh", "-c", "trap 'echo got it; exit 9' TERM; echo ready; while :; do sleep 0.02; done")
    watcher.stdout.readline()
    watcher.terminate()
    out, said = end(watcher, "terminated")
    tap(watcher.returncode == 9 and out == "got it\n", "a signal for the watcher is passed on", f"{watcher.returncode}\n{out}{said}")


# ---- programs into which nothing can be loaded ---------------------------------------------------------------------------
def make_elf(path, kind):
    """A file that looks like a program: 32-bit, or of another machine."""
    with open("/bin/true", "rb") as f:
        data = bytearray(f.read())
    data[4 if kind == "32" else 18] = 1 if kind == "32" else 243
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o755)


def from_outside():
    r = Run("--", program("watched-static"), "sleep", "50", "6")
    tap(r.status == 6 and r.says("linked statically", "from outside", "BLOCKED", "nanosleep", rf"watched\.c:{line_of('sleep')}"),
        "a static program is watched from outside", r.all)
    script = tmp + "/script"
    with open(script, "w") as f:
        f.write(f"#!{program('watched-static')}\n")
    os.chmod(script, 0o755)
    r = Run("--", script)
    tap(r.status == 0 and r.says("linked statically"), "a script whose interpreter is static, too", r.all)
    for kind, sentence in [("32", "32-bit"), ("other", "another kind of machine")]:
        make_elf(f"{tmp}/elf-{kind}", kind)
        r = Run("--", f"{tmp}/elf-{kind}")
        tap(r.says(sentence, "from outside"), f"what cannot be loaded into is named: {sentence}", r.all)
    if os.getuid() != 0:
        return skip("a setuid program is named as such", "it takes root to make one")
    shutil.copy(program("watched"), tmp + "/setuid")
    os.chown(tmp + "/setuid", 65534, 65534)
    os.chmod(tmp + "/setuid", 0o4755)
    r = Run("--", tmp + "/setuid", "sleep", "50", "6")
    tap(r.status == 6 and r.says("setuid", "BLOCKED", "nanosleep"), "a setuid program is named as such, and watched from outside", r.all)


def as_nobody():
    if os.getuid() != 0:
        return skip("it needs no privilege", "it runs without one already")
    lower = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/"}
    tools = tmp + "/tools"
    os.mkdir(tools, 0o755)
    for path in (BLOCKWATCH, os.path.dirname(BLOCKWATCH) + "/libblockwatch.so", program("watched"), program("watched-static")):
        shutil.copy(path, tools)
    words = [f"{tools}/blockwatch", "--", f"{tools}/watched", "sleep", "10", "4"]
    r = subprocess.run(words, capture_output=True, text=True, timeout=BOUND, **lower)
    tap(r.returncode == 4 and re.search(r"BLOCKED[^~]*nanosleep", r.stderr), "it needs no privilege", r.stderr)
    server = subprocess.Popen([f"{tools}/watched-static", "sleep", "100000"], **lower)
    words = [f"{tools}/blockwatch", "--attach", str(server.pid), "--for", "300ms"]
    r = subprocess.run(words, capture_output=True, text=True, timeout=BOUND, **lower)
    tap(r.returncode == 0 and re.search(r"BLOCKED[^~]*nanosleep", r.stderr), "nor does attaching", r.stderr)
    server.kill()
    server.wait()
    other = subprocess.Popen([program("watched"), "quiet", "100000"])
    words[2] = str(other.pid)
    r = subprocess.run(words, capture_output=True, text=True, timeout=BOUND, **lower)
    tap(r.returncode == 125 and "another user's" in r.stderr, "another user's process is refused in a sentence", r.stderr)
    other.kill()
    other.wait()


def unloadable_children():
    r = Run("--", "sh", "-c", f"{program('watched-static')} sleep 10; exit 4")
    tap(r.status == 4 and r.says("watched-static is linked statically", "not seen"), "a static program that a script starts is told of",
        r.all)
    r = Run("--", "sh", "-c", f"{program('watched')} sleep 10; exit 4")
    tap(r.status == 4 and r.says("BLOCKED") and not r.says("not seen"), "and of one that loads libraries nothing of that kind", r.all)


def as_another_user():
    """A program that begins as one user and executes itself as another: the journal is not that one's to open."""
    if os.getuid() != 0 or not shutil.which("setpriv"):
        return skip("who becomes another user is watched on", "that takes root, and setpriv (util-linux)")
    words = [f"{tmp}/tools/blockwatch", "--", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             f"{tmp}/tools/watched", "sleep", "10", "4"]
    r = subprocess.run(words, capture_output=True, text=True, timeout=BOUND, cwd="/")
    tap(r.returncode == 4 and re.search(r"BLOCKED[^~]*nanosleep", r.stderr), "who becomes another user is watched on", r.stderr)


# ---- where perf events are refused ---------------------------------------------------------------------------------------
def refuse_perf():
    """From here on perf_event_open fails in this process and its children, as in most containers."""
    number = {"x86_64": 298, "aarch64": 241}[platform.machine()]
    program_ = b"".join(struct.pack("=HBBI", *op) for op in [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001),
                                                           (0x06, 0, 0, 0x7fff0000)])
    filter_ = ctypes.create_string_buffer(program_)
    fprog = struct.pack("HP", len(program_) // 8, ctypes.addressof(filter_))
    libc = ctypes.CDLL(None)
    libc.prctl(38, 1, 0, 0, 0)
    libc.prctl(22, 2, ctypes.create_string_buffer(fprog), 0, 0)


def without_perf():
    r = Run("--", program("watched"), "sleep", "10", preexec_fn=refuse_perf)
    tap(r.says("BLOCKED", "nanosleep", rf"watched\.c:{line_of('sleep')}", "perf_event_open"),
        "without perf a sleep is found all the same, and it is said why the tier is a lower one", r.all)
    r = Run("--", program("watched"), "hog", "30", preexec_fn=refuse_perf)
    tap(r.says("HOG", "hog_for") and "BLOCKED" not in r.err, "without perf a hog is seen where it runs, and its stops are no blocks", r.all)
    r = Run("--", program("watched-static"), "sleep", "60", preexec_fn=refuse_perf)
    tap(r.says("BLOCKED", "nanosleep", "Perf events are refused"), "without perf a static program's long sleeps are seen", r.all)


def stopped():
    watcher = start("--", program("watched"), "spin")
    pid = (until(lambda: children(watcher.pid)) or [0])[0]
    time.sleep(0.3)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.1)
    os.kill(pid, signal.SIGCONT)
    time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    said = end(watcher, "stopped")[1]
    tap("HOG" in said and "BLOCKED" not in said, "a program that is stopped by a signal is not blocked", said)


# ---- attaching -----------------------------------------------------------------------------------------------------------
def attaching():
    for name in ("watched", "watched-static"):
        server = subprocess.Popen([program(name), "sleep", "100000"])
        until(lambda: in_call(server.pid))
        r = Run("--attach", str(server.pid), "--for", "400ms")
        tap(r.status == 0 and r.says("BLOCKED", "nanosleep", rf"watched\.c:{line_of('sleep')}") and not gone(server.pid),
            f"attached to {name}: its sleeps are told, and it goes on", r.all)
        server.kill()
        server.wait()
    server = subprocess.Popen([program("watched"), "hog", "100000"])
    r = Run("--attach", str(server.pid), "--for", "400ms")
    tap(r.says("HOG", "hog_for") and "BLOCKED" not in r.err, "attached to a hog: it is told as one", r.all)
    watcher = start("--attach", str(server.pid))
    time.sleep(0.3)
    watcher.send_signal(signal.SIGINT)
    said = end(watcher, "attached")[1]
    tap(watcher.returncode == 0 and "HOG" in said and not gone(server.pid), "Ctrl-C ends the watching, not the program", said)
    watcher = start("--attach", str(server.pid))
    time.sleep(0.3)
    server.kill()
    server.wait()
    said = end(watcher, "attached")[1]
    tap(watcher.returncode == 0 and "has ended" in said, "the end of the process ends it", said)
    r = Run("--attach", str(server.pid))
    tap(r.status == 125 and r.says("no such process"), "a process that does not exist is named in a sentence", r.all)
    server = subprocess.Popen(["sleep", "100"])
    r = Run("--attach", str(server.pid), "--for", "100ms")
    tap(r.status == 0 and r.says("was seen to wait in epoll"), "one without a loop is said to have none", r.all)
    server.kill()
    server.wait()


# ---- reports -------------------------------------------------------------------------------------------------------------
def reports():
    files = {kind: f"{tmp}/new/report.{kind}" for kind in ("html", "json", "sarif", "folded", "junit")}
    words = [word for kind, path in files.items() for word in (f"--{kind}", path)]
    r = Run(*words, "--", program("watched"), "sleep", "10", "4")
    texts = {kind: open(path).read() if os.path.exists(path) else "" for kind, path in files.items()}
    tap(r.status == 4 and all("nanosleep" in texts[kind] for kind in files), "all reports are written, their folder is made", r.all)
    tap(all(json.loads(line) for line in texts["json"].splitlines()) and json.loads(texts["sarif"])["version"] == "2.1.0",
        "JSON lines and SARIF are JSON", r.all)
    r = Run("--json", "/dev/full", "--html", f"{tmp}/new/other.html", "--", program("watched"), "sleep", "10", "4")
    tap(r.status == 125 and r.says(r"--json: /dev/full could not be written: ") and os.path.exists(f"{tmp}/new/other.html"),
        "a disk without room is named, and the other reports are written", r.all)
    r = Run("--sarif", "/proc/none/report", "--", program("watched"), "sleep", "10")
    tap(r.status == 125 and r.says(r"--sarif: /proc/none/report could not be written: "), "so is a place where no file can be", r.all)
    left = [name for name in os.listdir(tmp + "/new") if not name.startswith(("report.", "other.html")) or name.count(".") > 1]
    tap(not left, "no draft is left behind", left)
    watcher = start("--html", f"{tmp}/new/closed.html", "--", program("watched"), "sleep", "10", "4")
    watcher.stderr.close()
    watcher.stdout.close()
    tap(watcher.wait(timeout=BOUND) == 4 and os.path.getsize(f"{tmp}/new/closed.html") > 0,
        "a closed pipe costs the terminal's report, not the file's", watcher.returncode)


def failing():
    words = ["--", program("watched"), "sleep", "10", "4"]
    r = Run("--fail", *words)
    tap(r.status == 3, "--fail: a finding over the budget is status 3", r.all)
    r = Run("--fail", "--budget", "10s", *words)
    tap(r.status == 4, "--fail: within the budget the status is the program's", r.all)
    r = Run("--fail", "--write-baseline", tmp + "/baseline", *words)
    r = Run("--fail", "--baseline", tmp + "/baseline", *words)
    tap(r.status == 4, "--baseline: what is known does not fail", r.all)
    with open(tmp + "/suppress", "w") as f:
        f.write("*nanosleep@*  until 2999-01-01  # it is a test\n")
    r = Run("--fail", "--suppress", tmp + "/suppress", *words)
    tap(r.status == 4, "--suppress: what is suppressed does not fail", r.all)
    with open(tmp + "/suppress", "w") as f:
        f.write("what is this?\n")
    r = Run("--suppress", tmp + "/suppress", *words)
    tap(r.status == 125 and r.says("--suppress: .*line 1"), "a suppression that cannot be understood is named with its line", r.all)


# ---- a terminal ----------------------------------------------------------------------------------------------------------
def on_a_terminal():
    master, slave = pty.openpty()
    watcher = subprocess.Popen([BLOCKWATCH, "--live", "--", program("watched"), "hog", "60"], stdout=slave, stderr=slave, stdin=slave)
    os.close(slave)
    said = b""
    while select.select([master], [], [], BOUND)[0]:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        said += piece
    os.close(master)
    watcher.wait(timeout=BOUND)
    tap(b"\r1 loop" in said and b"iterations" in said and b"\x1b[K" in said, "--live draws a line on a terminal", said.decode(errors="replace"))
    r = Run("--live", "--", program("watched"), "hog", "30")
    tap("\r" not in r.err and "\x1b" not in r.err, "and none into a pipe, and no colours", r.all)


try:
    print("TAP version 13")
    for part in (command_lines, statuses, same_as_without, findings, scarce_processors, ends, left_behind, apart, interrupts,
                 from_outside, unloadable_children, as_nobody,
                 as_another_user, without_perf, stopped, attaching, reports, failing, on_a_terminal):
        part()
    print(f"1..{count}")
finally:
    shutil.rmtree(tmp, ignore_errors=True)
sys.exit(failures > 0)
