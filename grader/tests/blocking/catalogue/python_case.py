"""python_case.py - how a case in Python is registered, prepared, run as a task of an asyncio loop, and measured.

The trap it exists for: Python's own work, the lazy import within the first call, taken for the case's: each is called once before
it counts."""
import argparse, asyncio, inspect, json, os, queue, resource, signal, socket, threading, time

MS = 0.004
families = {}
folder = {"work": "."}


class Meter:
    """The thread's own account, as the kernel keeps it."""

    def __init__(self):
        self.stat = os.open("/proc/thread-self/schedstat", os.O_RDONLY)

    def read(self):
        usage = resource.getrusage(resource.RUSAGE_THREAD)
        delay = int(os.pread(self.stat, 96, 0).split()[1])
        return [usage.ru_nvcsw, delay, time.thread_time_ns(), time.monotonic_ns()]

    def read_back(self):
        now, cpu = time.monotonic_ns(), time.thread_time_ns()
        delay = int(os.pread(self.stat, 96, 0).split()[1])
        return [resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw, delay, cpu, now]


def case(family, calls="", make=None, relieve=None, clean=None):
    def add(operate):
        families.setdefault(family, []).append((operate.__name__, calls, operate, make, relieve, clean))
        return operate
    return add


def line_of(operate):
    source, first = inspect.getsourcelines(operate)
    return first + next(i for i, line in enumerate(source) if "OPERATION" in line)


class Thing:
    """What a case has at hand."""


def pipe(t):
    t.r, t.w = os.pipe()


def close_pipe(t):
    os.close(t.r)
    os.close(t.w)


def write_pipe(t):
    os.write(t.w, b"x\n")


def full_pipe(t):
    pipe(t)
    os.set_blocking(t.w, False)
    try:
        while True:
            os.write(t.w, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(t.w, True)


def drain_pipe(t):
    os.set_blocking(t.r, False)
    try:
        while os.read(t.r, 65536):
            pass
    except BlockingIOError:
        pass


def pair(t):
    t.near, t.far = socket.socketpair()


def close_pair(t):
    t.near.close()
    t.far.close()


def cold_file(t):
    t.path = f"{folder['work']}/cold.{os.getpid()}"
    t.file = os.open(t.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(t.file, b"x = 1\n" * 700000)
    os.fsync(t.file)
    os.posix_fadvise(t.file, 0, 0, os.POSIX_FADV_DONTNEED)


def close_file(t):
    os.close(t.file)
    os.unlink(t.path)


def lock(t):
    t.lock = threading.Lock()
    t.lock.acquire()


def queue_make(t):
    t.queue = queue.Queue()


def event_make(t):
    t.event = threading.Event()


# ---- how they are run ------------------------------------------------------------------------------------------------

async def once(loop, one, meter):
    """A trial: began, took, blocked, switches, delay."""
    _, _, operate, make, relieve, clean = one
    t = Thing()
    if make:
        await loop.run_in_executor(None, make, t)
    relief = None
    if relieve:
        relief = loop.run_in_executor(None, lambda: (time.sleep(MS), relieve(t)))
    trial = await asyncio.create_task(step(operate, t, meter))
    if relief:
        await relief
    if clean:
        await loop.run_in_executor(None, clean, t)
    return trial


async def step(operate, t, meter):
    begin = meter.read()
    operate(t)
    end = meter.read_back()
    took, delay = end[3] - begin[3], end[1] - begin[1]
    return [begin[3], took, took - (end[2] - begin[2]) - delay, end[0] - begin[0], delay]


async def many(loop, one, times, meter):
    """A look-alike: made once, called often."""
    _, _, operate, make, _, clean = one
    t, trials = Thing(), []
    if make:
        await loop.run_in_executor(None, make, t)
    for _ in range(times):
        trials.append(await asyncio.create_task(step(operate, t, meter)))
    if clean:
        await loop.run_in_executor(None, clean, t)
    return trials


async def run_all(chosen, times, out):
    loop, meter, results = asyncio.get_running_loop(), Meter(), []
    for family, one in chosen:
        quiet = family == "python-quiet"
        await (many(loop, one, 2, meter) if quiet else once(loop, one, meter))
        began = time.monotonic_ns()
        before = meter.read()[0]
        trials = await many(loop, one, times, meter) if quiet else [await once(loop, one, meter) for _ in range(times)]
        expected = {"python": "blocks", "python-hogs": "hogs", "python-quiet": "silent"}[family]
        results.append({"family": family, "name": one[0], "expected": expected, "calls": one[1],
                        "files": [os.path.basename(one[2].__code__.co_filename)], "line": line_of(one[2]), "absent": "",
                        "count": len(trials), "slept": sum(t[3] > 0 for t in trials),
                        "switches": sum(t[3] for t in trials), "began": began, "ended": time.monotonic_ns(),
                        "trials": trials})
    with open(out, "w") as f:
        f.writelines(json.dumps(r) + "\n" for r in results)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--times", type=int, default=3)
    options.add_argument("--work", default=".")
    options.add_argument("--out", default="/dev/stdout")
    options.add_argument("chosen", nargs="*")
    o = options.parse_args()
    folder["work"] = o.work
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    chosen = [(f, c) for f, cases in families.items() for c in cases if not o.chosen or f in o.chosen or c[0] in o.chosen]
    asyncio.run(run_all(chosen, o.times, o.out))

