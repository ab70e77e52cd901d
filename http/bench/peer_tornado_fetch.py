"""peer_tornado_fetch.py URL COUNT - Tornado's AsyncHTTPClient, to be measured against: for each line with a number on standard
input, so many fetches, COUNT of them under way; the line goes back when they are done."""
import asyncio
import os
import sys

from tornado.httpclient import AsyncHTTPClient


async def fetch(client, url, left):
    while left[0] > 0:
        left[0] -= 1
        answer = await client.fetch(url)
        assert answer.code == 200 and len(answer.body) == 13


async def main():
    url, count = sys.argv[1], int(sys.argv[2])
    client = AsyncHTTPClient(max_clients=count)
    while line := os.read(0, 32):
        left = [int(line)]
        await asyncio.gather(*(fetch(client, url, left) for _ in range(count)))
        os.write(0, line)


asyncio.run(main())
