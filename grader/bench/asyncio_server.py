"""asyncio_server.py PORT - a server by hand on asyncio: whatever is asked, 13 bytes. For the detector's bench."""
import asyncio
import sys

REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, world\n"


class Hello(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.read = transport, b""

    def data_received(self, data):
        self.read += data
        while b"\r\n\r\n" in self.read:
            _, self.read = self.read.split(b"\r\n\r\n", 1)
            self.transport.write(REPLY)


async def serve(port):
    server = await asyncio.get_running_loop().create_server(Hello, "127.0.0.1", port)
    await server.serve_forever()


asyncio.run(serve(int(sys.argv[1])))
