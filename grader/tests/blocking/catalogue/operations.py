#!/usr/bin/env python3
"""operations.py - what blocks an asyncio loop: the catalogue's cases in Python.

    operations.py --times N --work FOLDER --out FILE FAMILY|CASE...

Each is a function with a line that says OPERATION: that line is what a detector is to name. What it needs is made before, and
ended meanwhile, on another thread. The trap it exists for: a detector that names a line of the standard library, which nobody can
change."""
import ctypes, fcntl, logging, mmap, os, queue, select, selectors, signal, socket, sqlite3, struct, subprocess, threading, time
import urllib.request

import operations_busy                  # has cases, too
from python_case import MS, case, close_file, close_pair, close_pipe, cold_file, drain_pipe, event_make, folder, full_pipe, \
    lock, main, pair, pipe, queue_make, write_pipe

libc = ctypes.CDLL(None, use_errno=True)


def child(t):
    t.child = subprocess.Popen(["sleep", "0.01"])


# ---- what blocks -----------------------------------------------------------------------------------------------------

@case("python", "clock_nanosleep")
def time_sleep(t):
    time.sleep(0.002)  # OPERATION


@case("python", "sem_clockwait sem_timedwait sem_wait", lock, lambda t: t.lock.release())
def lock_acquire(t):
    t.lock.acquire()  # OPERATION


@case("python", "sem_clockwait sem_timedwait", lock)
def lock_acquire_in_time(t):
    t.lock.acquire(timeout=0.003)  # OPERATION


@case("python", "sem_clockwait sem_timedwait sem_wait", queue_make, lambda t: t.queue.put(1))
def queue_get(t):
    t.queue.get()  # OPERATION


@case("python", "sem_clockwait sem_timedwait sem_wait", event_make, lambda t: t.event.set())
def event_wait(t):
    t.event.wait()  # OPERATION


def thread_make(t):
    t.thread = threading.Thread(target=time.sleep, args=(MS,))
    t.thread.start()


@case("python", "sem_clockwait sem_timedwait sem_wait", thread_make)
def thread_join(t):
    t.thread.join()  # OPERATION


@case("python", "read", pipe, write_pipe, close_pipe)
def os_read(t):
    os.read(t.r, 64)  # OPERATION


@case("python", "write", full_pipe, drain_pipe, close_pipe)
def os_write(t):
    os.write(t.w, b"x" * 100)  # OPERATION


@case("python", "recv", pair, lambda t: t.far.send(b"x"), close_pair)
def socket_recv(t):
    t.near.recv(64)  # OPERATION


@case("python", "recv", pair, lambda t: t.far.send(b"xxx\n"), close_pair)
def socket_readline(t):
    t.near.makefile("rb").readline()  # OPERATION


def listener(t):
    t.listener = socket.create_server(("127.0.0.1", 0))


def visit(t):
    socket.create_connection(t.listener.getsockname()).close()


@case("python", "accept4", listener, visit, lambda t: t.listener.close())
def socket_accept(t):
    t.listener.accept()[0].close()  # OPERATION


def full_listener(t):
    t.name = b"\0eddy-python-%d" % os.getpid()
    t.listener = socket.socket(socket.AF_UNIX)
    t.listener.bind(t.name)
    t.listener.listen(0)
    t.first, t.second = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    t.first.connect(t.name)


def close_listener(t):
    for s in (t.listener, t.first, t.second):
        s.close()


@case("python", "connect", full_listener, lambda t: t.listener.accept()[0].close(), close_listener)
def socket_connect(t):
    t.second.connect(t.name)  # OPERATION


@case("python", "poll select", pipe, write_pipe, close_pipe)
def select_select(t):
    select.select([t.r], [], [])  # OPERATION


@case("python", "poll", pipe, write_pipe, close_pipe)
def poll_poll(t):
    poll = select.poll()
    poll.register(t.r)
    poll.poll()  # OPERATION


@case("python", "epoll_wait", pipe, write_pipe, close_pipe)
def another_selector(t):
    with selectors.DefaultSelector() as selector:
        selector.register(t.r, selectors.EVENT_READ)
        selector.select()  # OPERATION


@case("python", "wait4 waitpid read poll epoll_wait vfork posix_spawn")
def subprocess_run(t):
    subprocess.run(["sleep", "0.003"])  # OPERATION


@case("python", "read fread getline poll")
def subprocess_output(t):
    subprocess.check_output(["sh", "-c", "sleep 0.003; echo x"])  # OPERATION


@case("python", "wait4 waitpid", child)
def popen_wait(t):
    t.child.wait()  # OPERATION


@case("python", "system")
def os_system(t):
    os.system("sleep 0.003")  # OPERATION


@case("python", "waitpid wait4", child, None, lambda t: t.child.poll())
def os_waitpid(t):
    os.waitpid(t.child.pid, 0)  # OPERATION


@case("python", "fsync", cold_file, None, close_file)
def os_fsync(t):
    os.write(t.file, b"x" * 400000)
    os.fsync(t.file)  # OPERATION


@case("python", "read pread", cold_file, None, close_file)
def cold_read(t):
    os.pread(t.file, 2000000, 0)  # OPERATION


@case("python", "read", cold_file, None, close_file)
def cold_open_and_read(t):
    with open(t.path, "rb") as f:
        f.read()  # OPERATION


def map_cold(t):
    cold_file(t)
    t.map = mmap.mmap(t.file, 4000000, mmap.MAP_SHARED, mmap.PROT_READ)
    t.map.madvise(mmap.MADV_RANDOM)


def unmap_cold(t):
    t.map.close()
    close_file(t)


@case("python", "", map_cold, None, unmap_cold)
def cold_map(t):
    sum(t.map[i] for i in range(0, 4000000, 40960))  # OPERATION


def flock_make(t):
    cold_file(t)
    t.other = os.open(t.path, os.O_RDWR)
    fcntl.flock(t.other, fcntl.LOCK_EX)


@case("python", "flock", flock_make, lambda t: os.close(t.other), close_file)
def flock_wait(t):
    fcntl.flock(t.file, fcntl.LOCK_EX)  # OPERATION


def fifo_make(t):
    t.path = f"{folder['work']}/fifo.{os.getpid()}"
    os.mkfifo(t.path)


@case("python", "open open64 openat", fifo_make, lambda t: os.close(os.open(t.path, os.O_WRONLY)), lambda t: os.unlink(t.path))
def fifo_open(t):
    os.close(os.open(t.path, os.O_RDONLY))  # OPERATION


def database(t):
    t.path = f"{folder['work']}/data.{os.getpid()}.db"
    t.db = sqlite3.connect(t.path, check_same_thread=False)
    t.db.execute("create table if not exists t (x)")
    t.db.commit()
    t.db.execute("insert into t values (1)")


def close_database(t):
    t.db.close()
    os.unlink(t.path)


@case("python", "fdatasync fsync", database, None, close_database)
def sqlite_commit(t):
    t.db.commit()  # OPERATION


@case("python", "sigwait sigtimedwait")
def sigtimedwait(t):
    signal.sigtimedwait([signal.SIGUSR2], 0.003)  # OPERATION


@case("python", "usleep nanosleep")
def ctypes_usleep(t):
    libc.usleep(3000)  # OPERATION


def log_make(t):
    full_pipe(t)
    t.log = logging.Logger("full")
    t.stream = open(t.w, "w", closefd=False)
    t.log.addHandler(logging.StreamHandler(t.stream))


@case("python", "write", log_make, drain_pipe, lambda t: (t.stream.close(), close_pipe(t)))
def log_to_full_pipe(t):
    t.log.warning("a line")  # OPERATION


class DNS:
    """A server that answers late, for the resolver of this thread only."""
    socket = None


def resolver_make(t):
    if DNS.socket:
        return
    DNS.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    DNS.socket.bind(("127.0.0.1", 0))


def resolver_use():
    """struct __res_state: nscount is at 16, the first server behind it."""
    libc.__res_state.restype = ctypes.c_void_p
    libc.__res_init()
    state = libc.__res_state()
    ctypes.c_int.from_address(state + 16).value = 1
    server = struct.pack("=HHI8x", socket.AF_INET, socket.htons(DNS.socket.getsockname()[1]), socket.htonl(0x7f000001))
    ctypes.memmove(state + 20, server, len(server))


def resolver_answer(t):
    DNS.socket.settimeout(0.2)
    try:
        while True:
            packet, peer = DNS.socket.recvfrom(512)
            DNS.socket.sendto(packet[:2] + b"\x81\x83" + packet[4:], peer)
            DNS.socket.settimeout(0.02)
    except TimeoutError:
        pass


@case("python", "getaddrinfo", resolver_make, resolver_answer)
def getaddrinfo(t):
    resolver_use()
    try:
        socket.getaddrinfo("slow.example.test", 80)  # OPERATION
    except socket.gaierror:
        pass


def web_make(t):
    t.server = socket.create_server(("127.0.0.1", 0))


def web_answer(t):
    peer, _ = t.server.accept()
    peer.recv(4096)
    time.sleep(MS)
    peer.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello")
    peer.close()


@case("python", "recv poll", web_make, web_answer, lambda t: t.server.close())
def urlopen(t):
    opener, url = urllib.request.build_opener(urllib.request.ProxyHandler({})), f"http://127.0.0.1:{t.server.getsockname()[1]}/"
    opener.open(url).read()  # OPERATION


if __name__ == "__main__":
    main()
