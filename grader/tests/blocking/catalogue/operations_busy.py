"""operations_busy.py - what hogs an asyncio loop without sleeping, and what only looks as if it did either.

The trap it exists for: a list of forbidden calls, which tells of every stat."""
import hashlib, json, logging, os, queue, random, re, select, socket, sqlite3, threading, time, zlib

from python_case import case, close_pair, close_pipe, event_make, families, lock, pair, pipe, queue_make


# ---- what keeps the processor ----------------------------------------------------------------------------------------

@case("python-hogs")
def count_up(t):
    end = time.monotonic() + 0.02
    while time.monotonic() < end:  # OPERATION
        pass


@case("python-hogs")
def match(t):
    re.match(r"(a+)+b", "a" * 19)  # OPERATION


@case("python-hogs")
def parse(t):
    json.loads("[" + "1.5," * 200000 + "1]")  # OPERATION


@case("python-hogs")
def derive_key(t):
    hashlib.pbkdf2_hmac("sha256", b"word", b"salt", 40000)  # OPERATION


@case("python-hogs")
def compress(t):
    zlib.compress(bytes(range(256)) * 8000, 9)  # OPERATION


@case("python-hogs")
def sort(t):
    sorted(random.random() for _ in range(60000))  # OPERATION


# ---- what only looks so ----------------------------------------------------------------------------------------------

@case("python-quiet")
def stat_cached(t):
    os.stat("/etc/passwd")  # OPERATION


@case("python-quiet")
def getcwd(t):
    os.getcwd()  # OPERATION


@case("python-quiet")
def listdir(t):
    os.listdir("/proc/self/fd")  # OPERATION


@case("python-quiet")
def write_nowhere(t):
    with open("/dev/null", "w") as f:
        f.write("x")  # OPERATION


def quiet_log(t):
    t.log = logging.Logger("quiet")
    t.log.addHandler(logging.StreamHandler(open(os.devnull, "w")))


@case("python-quiet", "", quiet_log)
def log_nowhere(t):
    t.log.warning("a line")  # OPERATION


@case("python-quiet")
def read_cached(t):
    with open("/etc/passwd") as f:
        f.read()  # OPERATION


def memory_database(t):
    t.db = sqlite3.connect(":memory:", check_same_thread=False)
    t.db.execute("create table t (x)")


@case("python-quiet", "", memory_database)
def sqlite_in_memory(t):
    t.db.execute("insert into t values (1)")
    t.db.commit()  # OPERATION


@case("python-quiet", "", pipe, None, close_pipe)
def pipe_with_room(t):
    os.write(t.w, b"x")  # OPERATION
    os.read(t.r, 1)


@case("python-quiet", "", pair, None, close_pair)
def ready_socket(t):
    t.far.send(b"x")
    t.near.recv(1)  # OPERATION


def quiet_pair(t):
    pair(t)
    t.near.setblocking(False)


@case("python-quiet", "", quiet_pair, None, close_pair)
def nothing_to_receive(t):
    try:
        t.near.recv(1)  # OPERATION
    except BlockingIOError:
        pass


@case("python-quiet", "", lambda t: setattr(t, "lock", threading.Lock()))
def free_lock(t):
    t.lock.acquire()  # OPERATION
    t.lock.release()


@case("python-quiet", "", lock)
def held_lock_tried(t):
    t.lock.acquire(blocking=False)  # OPERATION


@case("python-quiet", "", lambda t: setattr(t, "queue", queue.Queue()))
def queue_with_something(t):
    t.queue.put(1)
    t.queue.get()  # OPERATION


@case("python-quiet", "", queue_make)
def queue_empty(t):
    try:
        t.queue.get_nowait()  # OPERATION
    except queue.Empty:
        pass


@case("python-quiet", "", lambda t: (event_make(t), t.event.set()))
def event_set(t):
    t.event.wait()  # OPERATION


@case("python-quiet", "", pipe, None, close_pipe)
def select_now(t):
    select.select([t.r], [], [], 0)  # OPERATION


@case("python-quiet")
def numeric_name(t):
    socket.getaddrinfo("127.0.0.1", 80, flags=socket.AI_NUMERICHOST)  # OPERATION


@case("python-quiet")
def imported_already(t):
    import json as again  # OPERATION
    again.dumps(1)


@case("python-quiet")
def yield_processor(t):
    os.sched_yield()  # OPERATION


@case("python-quiet")
def random_bytes(t):
    os.urandom(16)  # OPERATION


@case("python-quiet")
def small_work(t):
    sum(range(500))  # OPERATION


@case("python-quiet")
def other_child(t):
    try:
        os.waitpid(-1, os.WNOHANG)  # OPERATION
    except ChildProcessError:
        pass
