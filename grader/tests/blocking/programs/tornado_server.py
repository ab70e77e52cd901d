"""tornado_server.py - the same for Tornado. The trap it exists for: names lost in the layers of a framework."""
import asyncio, os, re, sqlite3, subprocess, sys, time

import tornado.httpserver, tornado.ioloop, tornado.netutil, tornado.web


def sleep():
    time.sleep(0.02)  # STALL sleep


def child():
    subprocess.run(["sleep", "0.01"])  # STALL child


def database():
    db = sqlite3.connect(sys.argv[1] + ".db")
    db.execute("create table if not exists t (x)")
    db.execute("insert into t values (1)")
    db.commit()  # STALL database
    db.close()


def pattern():
    re.match(r"(a+)+b", "a" * 22)  # STALL pattern


STALLS = {f.__name__: f for f in (sleep, child, database, pattern)}


class Handler(tornado.web.RequestHandler):
    async def get(self, name):
        if name in STALLS:
            STALLS[name]()
        await asyncio.sleep(0.001)
        self.write(name[:5].ljust(5))
        if name == "quit":
            tornado.ioloop.IOLoop.current().call_later(0.05, stopped.set)


async def main():
    global stopped
    stopped = asyncio.Event()
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
    tornado.httpserver.HTTPServer(tornado.web.Application([("/(.*)", Handler)])).add_sockets(sockets)
    print("port", sockets[0].getsockname()[1], flush=True)
    await stopped.wait()


asyncio.run(main())
sys.exit(7)
