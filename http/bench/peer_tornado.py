"""peer_tornado.py PORT - Tornado's answer to GET /, to be measured against: a route and a handler, no access log."""
import asyncio
import logging
import sys

import tornado.web


class Hello(tornado.web.RequestHandler):
    def get(self):
        self.set_header("Content-Type", "text/plain")
        self.write("Hello, world\n")


async def main():
    logging.getLogger("tornado.access").setLevel(logging.ERROR)
    tornado.web.Application([("/", Hello)]).listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
