"""asyncio_server.py FILE [uvloop] - a server that stalls when it is asked to: GET /NAME does the line marked with that name.

The trap it exists for: a planted stall that is somewhere else than its mark says. Each is one line."""
import asyncio, os, re, subprocess, sys, threading, time


def sleep():
    time.sleep(0.02)  # STALL sleep


def lock():
    held = threading.Lock()
    held.acquire()
    threading.Timer(0.02, held.release).start()
    held.acquire()  # STALL lock


def command():
    os.system("sleep 0.01")  # STALL command


def child():
    subprocess.run(["sleep", "0.01"])  # STALL child


def flush():
    with open(sys.argv[1], "wb") as f:
        f.write(b"x" * 3000000)
        f.flush()
        os.fsync(f.fileno())  # STALL flush


def pattern():
    re.match(r"(a+)+b", "a" * 22)  # STALL pattern


STALLS = {f.__name__: f for f in (sleep, lock, command, child, flush, pattern)}


async def serve(reader, writer):
    name = (await reader.readline()).split()[1][1:].decode()
    while (await reader.readline()).strip():
        pass
    if name in STALLS:
        STALLS[name]()
    await asyncio.sleep(0.001)
    writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n" + name[:5].ljust(5).encode())
    await writer.drain()
    writer.close()
    if name == "quit":
        stopped.set()


async def main():
    global stopped
    stopped = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await stopped.wait()
    server.close()


if sys.argv[2:] == ["uvloop"]:
    import uvloop
    uvloop.install()
asyncio.run(main())
sys.exit(7)
