#!/usr/bin/env python3
"""test_watch_cli.py - the program watch as a student sits before it: on a terminal, and without one. Speaks TAP.

Run it from the root, after make grader-build. The grader is a script that says what the file saved tells it to say, but for
the last part. Nothing sleeps: each step waits for what the terminal shows, and gives up after a bound."""
import fcntl, os, pty, re, select, shutil, signal, struct, subprocess, sys, tempfile, termios, time

WATCH = os.environ.get("WATCH", os.path.abspath("build/bin/watch"))
BOUND = 60
FAKE = r"""#!/bin/sh
here=$(dirname "$0"); item= seed=7 why=
echo "$*" >>"$here/calls"
while [ $# -gt 0 ]; do
    case $1 in --out) out=$2 ;; --item) item=$2 ;; --seed) seed=$2 ;; why) why=1 ;; esac
    shift
done
words=" $(cat work/02-loop/loop.c) " refused=null
case $words in
*" hang "*) echo $$ >"$here/hanging"; sleep 1000 & wait ;;
*" mute "*) exit 2 ;;
*" ours "*) echo "grade: the moon is full"; exit 2 ;;
*" nobuild "*) refused='"They do not compile:\nloop.c:7:3: error: no"' ;;
esac
[ -z "$why" ] || echo "every call of $item, and a line that is wider than eighty columns, so that it has to go on below"
mkdir -p "$out"
{
    printf '{"schema":"eddy/grade/1","lab":{"name":"02-loop"},"seed":%s,"refused":%s,"fault":null,"items":[' "$seed" "$refused"
    comma=
    for id in $(cat "$here/ids"); do
        state=fail
        case $words in *" nobuild "*) state=not_graded ;; *" $id "*) state=pass ;; esac
        [ -z "$item" ] || [ "$item" = "$id" ] || state=left_out
        printf '%s{"id":"%s","state":"%s","expected":"E-%s","seen":"S-%s","cause":"because","metrics":{"sleeps":3},' \
               "$comma" "$id" "$state" "$id" "$id"
        printf '"history":[{"number":1,"kind":"step","at_ns":null,"text":"step of %s"}]}' "$id"
        comma=,
    done
    printf ']}'
} >"$out/grade.json.new"
mv "$out/grade.json.new" "$out/grade.json"
"""

tmp = tempfile.mkdtemp(prefix="watch-test-")
root = tmp + "/root"
count = 0


def tap(ok, name, said=""):
    global count
    count += 1
    print(f"{'ok' if ok else 'not ok'} {count} - {name}")
    if not ok:
        print("\n".join("# " + line for line in said.splitlines()))
    sys.stdout.flush()


def calls():
    try:
        with open(tmp + "/calls") as f:
            return f.read().splitlines()
    except FileNotFoundError:
        return []


def save(words, name="loop.c", by_rename=False):
    path = f"{root}/work/02-loop/{name}"
    with open(path + ".new" if by_rename else path, "w") as f:
        f.write(words)
    if by_rename:
        os.rename(path + ".new", path)


def gone(pid):
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True


def until(condition):
    """Asks again and again, without a pause that a test would depend on."""
    end = time.monotonic() + BOUND
    while not condition():
        if time.monotonic() > end:
            return False
        select.select([], [], [], 0.005)
    return True


class Terminal:
    """The sequences that watch writes, and no others."""

    def __init__(self, *options, rows=24, columns=80, env=None):
        self.rows, self.columns = rows, columns
        self.grid, self.row, self.column = [[" "] * columns for _ in range(rows)], 0, 0
        self.raw, self.rest, self.alternate, self.status = b"", b"", False, None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm", "LANG": "C.UTF-8", "LC_ALL": "", "NO_COLOR": "", **(env or {})})
            termios.tcsetwinsize(0, (rows, columns))
            os.execv(WATCH, [WATCH, "--root", root, "--lab", "02", "--out", tmp + "/out", *options])

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.grid = [["~"] * columns for _ in range(rows)]
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def feed(self, data):
        self.raw += data
        text = (self.rest + data)
        self.rest = b""
        cut = re.search(rb"(\x1b(\[[?0-9;]*)?|[\xc2-\xf4][\x80-\xbf]{0,2})$", text)
        if cut and not is_whole(cut.group(0)):
            text, self.rest = text[:cut.start()], cut.group(0)
        for token in re.findall(r"\x1b\[[?0-9;]*[A-Za-z]|.", text.decode("utf-8", "replace"), re.S):
            self.token(token)

    def token(self, token):
        move = re.fullmatch(r"\x1b\[(\d+);1H", token)
        if move:
            self.row, self.column = int(move.group(1)) - 1, 0
        elif token == "\x1b[K":
            self.grid[self.row][self.column:] = [" "] * (self.columns - self.column)
        elif token == "\x1b[2J":
            self.grid = [[" "] * self.columns for _ in range(self.rows)]
        elif token in ("\x1b[?1049h", "\x1b[?1049l"):
            self.alternate = token.endswith("h")
        elif not token.startswith("\x1b") and token >= " " and self.row < self.rows and self.column < self.columns:
            self.grid[self.row][self.column] = token
            self.column += 1

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.grid)

    def wait(self, condition):
        """Reads until it holds; False after the bound, or at the end."""
        end = time.monotonic() + BOUND
        while not condition():
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            try:
                data = os.read(self.fd, 65536) if ready else b""
            except OSError:
                data = b""
            if not data:
                return condition()
            self.feed(data)
        return True

    def shows(self, *words):
        return self.wait(lambda: all(w in self.text() for w in words))

    def key(self, keys):
        os.write(self.fd, keys.encode())

    def end(self):
        """Reads to the end, and how it ended."""
        self.wait(lambda: False)
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return self.status


def is_whole(tail):
    if tail.startswith(b"\x1b"):
        return False
    try:
        tail.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


def see(terminal, name, *words):
    tap(terminal.shows(*words), name, terminal.text())


def prepare():
    os.makedirs(root + "/labs")
    shutil.copytree("labs/02-loop", root + "/labs/02-loop")
    shutil.copytree("loop", root + "/loop")
    os.symlink(os.path.abspath("build"), root + "/build")
    with open("labs/02-loop/lab.ini") as f:
        ids = re.findall(r"^\[([A-Z]\d+)\]$", f.read(), re.M)
    with open(tmp + "/ids", "w") as f:
        f.write(" ".join(ids))
    with open(tmp + "/grade", "w") as f:
        f.write(FAKE)
    os.chmod(tmp + "/grade", 0o755)
    os.chmod(tmp, 0o755)
    return ids


def run(*options):
    return subprocess.run([WATCH, "--root", root, *options], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def wrong_calls():
    for options in (["--lab", "77"], ["--lab", "02", "--item", "Z9"], ["--lba", "02"], ["extra"]):
        r = run(*options)
        tap(r.returncode == 2 and r.stderr, f"{' '.join(options)} ends with 2 and a sentence", r.stderr)
    r = run("--lab", "02")
    tap(r.returncode == 1 and r.stdout.count("\n") == 1 and "make lab LAB=02" in r.stdout,
        "without a folder it says what to do, and no more", r.stdout)
    tap(not os.path.exists(root + "/work"), "... and makes none")


def without_a_terminal():
    save("")
    p = subprocess.Popen([WATCH, "--root", root, "--lab", "02", "--out", tmp + "/out", "--grade", tmp + "/grade"],
                         stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    lines = [p.stdout.readline(), p.stdout.readline()]
    tap("watching work/02-loop" in lines[0], "without a terminal it says what it watches", lines[0])
    tap(re.match(r"\d\d:\d\d:\d\d  0 of 100 points; A1 FAILS: .*expected E-A1; seen S-A1", lines[1]),
        "... and writes a line a run", lines[1])
    save("A1")
    lines = [p.stdout.readline(), p.stdout.readline()]
    tap("A1 passes" in lines[0] and "A2 FAILS" in lines[1], "... and goes on to the next", "".join(lines))
    save("hang")
    until(lambda: os.path.exists(tmp + "/hanging") and open(tmp + "/hanging").read().strip())
    hanging = int(open(tmp + "/hanging").read())
    p.terminate()
    tap(p.wait() == -signal.SIGTERM and gone(hanging), "SIGTERM ends it and the run")
    tap(p.stdout.read() == "", "... without another word")
    os.remove(tmp + "/hanging")


def at_work():
    save("")
    t = Terminal("--grade", tmp + "/grade")
    see(t, "it begins with the first failing item", "A1  FAIL", "expected  E-A1", "seen      S-A1", "likely    because",
        "step of A1", "0 of 100", "q quit")
    tap(t.alternate, "... on a screen of its own")
    t.key("h")
    see(t, "h shows a hint", "hint 1")
    t.key("h")
    see(t, "... and the next one", "hint 1", "hint 2")
    with open(root + "/work/02-loop/.hints") as f:
        tap(f.read() == "A1 2\n", "... and how many were shown is remembered for make hint")
    t.key("l")
    see(t, "l lists the items", ">A1  FAIL", " A2  FAIL")
    t.key("\x1b[B\x1b[B")
    see(t, "... and scrolls", "2 up")
    t.key("b")
    see(t, "b shows what the last grade measured", "Blocking and cost", "sleeps = 3")
    t.key("?")
    see(t, "? shows the keys", "Ctrl-C does the same")
    t.key("v")
    see(t, "v explains the item, wrapped", "every call of A1", "so that it has\n  to go on below")
    tap(calls()[-1].endswith("why --seed 7"), "... of the same run", calls()[-1])
    t.key("\x1b")
    see(t, "Escape goes back", "expected  E-A1")
    runs = len(calls())
    save("A1 A2")
    see(t, "a save runs it, and the next, up to one that fails", "A3 fails (", "E-A3", "now passes: A1 A2")
    tap([re.search(r"--item (\w+)", c).group(1) for c in calls()[runs:]] == ["A1", "A2", "A3"],
        "... each of them once", "\n".join(calls()[runs:]))
    save("A1 A2 A3", by_rename=True)
    see(t, "a save by rename does the same", "A4 fails (", "E-A4", "now passes: A3")
    tap(len(calls()) == runs + 5, "... each once", "\n".join(calls()[runs:]))
    save("nobuild")
    see(t, "what does not build is shown, errors first", "loop.c:7:3: error: no", "nothing could be graded")
    tap(t.text().split("\n")[3].strip() == "loop.c:7:3: error: no", "... file and line on top", t.text())
    save("ours")
    see(t, "what the grader says of itself is no fault of the student's", "not your fault", "the moon is full")
    save("mute")
    see(t, "a grader that says nothing is told of", "ended without a word: status 2")
    save("hang")
    see(t, "a run that does not end is shown as running", "running A4")
    hanging = hanging_pid()
    t.key("l")
    see(t, "... and keys work meanwhile", ">A4  FAIL")
    t.key("l")
    save("A1 A2 A3 A4")
    see(t, "a save ends it, and runs what was saved", "A5 fails (", "E-A5")
    tap(until(lambda: gone(hanging)), "... and nothing is left of it")
    save(open(tmp + "/ids").read() + " ")
    see(t, "when all passed, all are run once more", "All of it. Well done.", "100 of 100")
    tap("--item" not in calls()[-1], "... in one run", calls()[-1])
    shutil.rmtree(root + "/work/02-loop")
    see(t, "a folder that goes is missed", "is gone", "make lab LAB=02", "looking at the files every half second")
    os.mkdir(root + "/work/02-loop")
    save("A1")
    see(t, "... and when it comes back, work goes on", "A2  FAIL")
    t.resize(10, 34)
    see(t, "a smaller terminal is drawn anew", "A2  FAIL", "expected E-A2")
    tap(t.shows(" h l r a v b ? q") and "~" not in t.text(), "... down to its last row", t.text())
    t.resize(40, 130)
    see(t, "... and a larger one", "q quit", "A2  FAIL")
    t.key("q")
    tap(t.end() == 0 and not t.alternate, "q ends it, on the screen where it began")
    tap(t.raw.endswith(b"\x1b[?1049l") and b"\x1b[?25h" in t.raw[-40:], "... with a cursor")


def hanging_pid():
    until(lambda: os.path.exists(tmp + "/hanging") and open(tmp + "/hanging").read().strip())
    with open(tmp + "/hanging") as f:
        pid = int(f.read())
    os.remove(tmp + "/hanging")
    return pid


def ends():
    for how in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGSEGV, signal.SIGABRT, "\x03", "hangup"):
        save("hang")
        t = Terminal("--grade", tmp + "/grade", "--item", "A3")
        t.shows("running A3")
        hanging = hanging_pid()
        before = len(t.raw)
        if how == "hangup":
            os.close(t.fd)
            status = os.waitstatus_to_exitcode(os.waitpid(t.pid, 0)[1])
            tap(status in (0, -signal.SIGHUP), "it ends with its terminal", str(status))
            tap(until(lambda: gone(hanging)), "... and so does the run")
            continue
        if how == "\x03":
            t.key(how)
        else:
            os.kill(t.pid, how)
        name = "Ctrl-C" if how == "\x03" else how.name
        t.wait(lambda: b"\x1b[?1049l" in t.raw[before:])
        status = t.end()
        tap(status == (0 if how == "\x03" else -how), f"{name} ends it as it should", str(status))
        tap(not t.alternate, f"... and the screen is given back after {name}")
        if how in (signal.SIGSEGV, signal.SIGABRT):
            os.killpg(hanging, signal.SIGKILL)
        else:
            tap(gone(hanging), f"... and nothing runs on after {name}")


def restores():
    """The terminal outlives the program when a shell holds it."""
    for how in ("q", signal.SIGTERM, signal.SIGSEGV):
        save("")
        master, slave = pty.openpty()
        before = termios.tcgetattr(slave)
        p = subprocess.Popen([WATCH, "--root", root, "--lab", "02", "--out", tmp + "/out", "--grade", tmp + "/grade"],
                             stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                             preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                             env={**os.environ, "TERM": "xterm", "LANG": "C.UTF-8"})
        said = b""
        while b"quit" not in said and select.select([master], [], [], BOUND)[0]:
            said += os.read(master, 65536)
        during = termios.tcgetattr(slave)
        if how == "q":
            os.write(master, b"q")
        else:
            p.send_signal(how)
        p.wait()
        tap(during != before and termios.tcgetattr(slave) == before, f"the terminal's settings come back after {how}")
        os.close(master)
        os.close(slave)


def variants():
    save("")
    t = Terminal("--grade", tmp + "/grade", "--poll", env={"NO_COLOR": "1"})
    see(t, "polling is said", "A1  FAIL", "looking at the files every half second")
    save("A1")
    see(t, "... and works", "A2  FAIL")
    t.key("q")
    t.end()
    colours = re.findall(rb"\x1b\[[0-9;]*m", t.raw)
    tap(set(colours) <= {b"\x1b[0m"}, "NO_COLOR leaves colour out", str(set(colours)))
    t = Terminal("--grade", tmp + "/nowhere")
    see(t, "a grader that is not there is told of", "cannot be run", "grade builds it")
    t.key("q")
    tap(t.end() == 0, "... and q ends it all the same")
    save("")
    t = Terminal("--grade", tmp + "/grade", env={"TERM": "dumb"})
    t.wait(lambda: b"A1 FAILS" in t.raw)
    tap(b"\x1b" not in t.raw and b"A1 FAILS" in t.raw, "a dumb terminal gets lines", repr(t.raw))
    os.kill(t.pid, signal.SIGTERM)
    t.end()


def the_real_grader():
    shutil.rmtree(root + "/work/02-loop")
    shutil.copytree("labs/02-loop/start", root + "/work/02-loop")
    t = Terminal("--item", "A1")
    see(t, "the real grader: the starter fails", "A1  FAIL", "as expected: loop_new = 0")
    for name in ("timeouts.c", "loop.c"):
        shutil.copy("loop/" + name, root + "/work/02-loop/")
    see(t, "... the library's own files pass", "It passes.")
    with open(root + "/work/02-loop/loop.c", "a") as f:
        f.write("int f(void) { return 1 }\n")
    see(t, "... what does not compile is shown with file and line", "loop.c:", "error: expected")
    t.key("q")
    tap(t.end() == 0, "... and q ends it")


ids = prepare()
try:
    wrong_calls()
    os.makedirs(root + "/work/02-loop")
    without_a_terminal()
    at_work()
    ends()
    restores()
    variants()
    the_real_grader()
finally:
    shutil.rmtree(tmp)
print(f"1..{count}")
