"""differential_cases.py - messages with pieces that may be read in two ways, for test_differential.py and test_smuggling.py.

A message is made of pieces; each has a list of what it can be, and the first is right. The trap it exists for: random bytes
are refused by everybody, for the first reason there is."""
import random

LINES = [b"POST /a HTTP/1.1", b"GET / HTTP/1.1", b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET\t/ HTTP/1.1", b" GET / HTTP/1.1",
         b"GET / HTTP/1.1 ", b"get / HTTP/1.1", b"FOO / HTTP/1.1", b"G@T / HTTP/1.1", b"G\xe9T / HTTP/1.1", b"POST / HTTP/1.0",
         b"GET / HTTP/1.2", b"GET / HTTP/2.0", b"GET / HTTP/0.9", b"GET / HTTP/1.10", b"GET / HTTP/01.1", b"GET / http/1.1",
         b"GET /", b"GET / HTTP/1.1\x0b", b"GET http://x/ HTTP/1.1", b"GET http://x HTTP/1.1", b"GET http:// HTTP/1.1",
         b"OPTIONS * HTTP/1.1", b"GET * HTTP/1.1", b"GET /a b HTTP/1.1", b"GET /\x7f HTTP/1.1", b"GET /\x01 HTTP/1.1",
         b"GET /\xe9 HTTP/1.1", b"GET /#f HTTP/1.1", b"GET x HTTP/1.1", b"GET /\x00 HTTP/1.1", b"GET HTTP/1.1",
         b"\r\nGET / HTTP/1.1", b"\nGET / HTTP/1.1", b"POST http://x/a HTTP/1.1"]
STATUS_LINES = [b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 200 ", b"HTTP/1.1 200", b"HTTP/1.1  200 OK",
                b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 099 OK", b"HTTP/1.1 +20 OK", b"HTTP/1.1 200\tOK",
                b"HTTP/2.0 200 OK", b"HTTP/1.2 200 OK", b"HTTP/1.10 200 OK", b"http/1.1 200 OK", b" HTTP/1.1 200 OK",
                b"\r\nHTTP/1.1 200 OK", b"HTTP/1.1 200 O\x00K", b"HTTP/1.1 200 O\xe9K", b"HTTP/1.1 204 None",
                b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 999 Many", b"ICY 200 OK", b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 200 OK",
                b"HTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK",
                b"HTTP/1.1 100 Go\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK", b"HTTP/1.1 200 O\rK"]
HOSTS = [[b"Host: x"], [], [b"Host: x", b"Host: x"], [b"Host:"], [b"Host: x/y"], [b"Host: a b"], [b"Host: x:8x"],
         [b"Host: a,b"], [b"Host: [::1]:80"], [b"Host: [::1"], [b"Host: u@x"], [b"Host: x:80"]]
C, L = b"Transfer-Encoding: chunked", b"Content-Length: 5"
FRAMINGS = [[L], [C], [], [L, C], [C, L], [L, L], [L, b"Content-Length: 6"], [b"Content-Length: 6", L], [C, C],
            [b"Content-Length: 5, 5"], [b"Content-Length: 5,6"], [b"Content-Length: 05"], [b"Content-Length: +5"],
            [b"Content-Length: -5"], [b"Content-Length: 5 "], [b"Content-Length:5"], [b"Content-Length: 5;"],
            [b"Content-Length: 0x5"], [b"Content-Length: 5.0"], [b"Content-Length:"], [b"Content-Length: ,5"],
            [b"Content-Length: 5 5"], [b"Content-Length: 18446744073709551621"], [b"Content-Length: 9223372036854775808"],
            [b"Content-Length: 4294967301"], [b"Content-Length: \x0b5"], [b"Content-Length: 5\x0c"], [b"Content-Length : 5"],
            [b"Content_Length: 5"], [b"Content-Length\t: 5"], [b"Content-Length: 5", b" 6"], [b"Content-Length:", b" 5"],
            [b"content-length: 5"], [b"Transfer-Encoding: Chunked"], [b"Transfer-Encoding:chunked"],
            [b"Transfer-Encoding: chunked "], [b"Transfer-Encoding:\tchunked"], [b"Transfer-Encoding: \x0bchunked"],
            [b"Transfer-Encoding: chunked\x00"], [b"Transfer-Encoding: \xa0chunked"], [b"Transfer-Encoding : chunked"],
            [b"Transfer-Encoding\t: chunked"], [b"Transfer_Encoding: chunked"], [b"Transfer-Encoding: gzip, chunked"],
            [b"Transfer-Encoding: chunked, gzip"], [b"Transfer-Encoding: gzip"], [b"Transfer-Encoding: identity"],
            [b"Transfer-Encoding: identity, chunked"], [b"Transfer-Encoding: chunked, identity"],
            [b"Transfer-Encoding: chunked, chunked"], [b"Transfer-Encoding: ,chunked"], [b"Transfer-Encoding: chunked;a=b"],
            [b'Transfer-Encoding: "chunked"'], [b"Transfer-Encoding: xchunked"], [b"Transfer-Encoding: chunkedx"],
            [b"Transfer-Encoding: gzip", C], [C, b"Transfer-Encoding: identity"], [b"Transfer-Encoding:"],
            [b"Transfer-Encoding:", b" chunked"], [b"Transfer-Encoding: chun", b" ked"],
            [b"A: b", b" Transfer-Encoding: chunked"], [L, b"Transfer-Encoding : chunked"], [L, b"Transfer-Encoding: xchunked"],
            [L, b"Transfer-Encoding: identity"], [L, b" Transfer-Encoding: chunked"],
            [L, b"Foo: b\rTransfer-Encoding: chunked"], [L, b"Foo: b\nTransfer-Encoding: chunked"], [L, b"X:\x00", C]]
FIELDS = [[], [b"A: b"], [b"A : b"], [b"A:b"], [b": b"], [b"A"], [b"A: b", b" c"], [b"A: b", b"\tc"], [b"A:", b" b"],
          [b" A: b"], [b"A: b\x00c"], [b"A: b\rc"], [b"A: b\nc: d"], [b"A: \x7f"], [b"A: \x01"], [b"A: \t"], [b"A\xe9: b"],
          [b"A: \xe9"], [b"A b: c"], [b"A(: b"], [b"A\x00: b"], [b"A:: b"], [b"\x0bA: b"], [b"Connection: close"],
          [b"Connection: keep-alive, close"], [b"Connection: CLOSE, te"], [b"Connection: xclose"], [b"Expect: 100-continue"],
          [b"Expect: a"], [b"A\r: b"],
          [b"Upgrade: h2c"], [b"Connection: content-length"]]
UPGRADES = [[b"Connection: upgrade", b"Upgrade: websocket"], [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"],
            [b"Connection: upgrade, close", b"Upgrade: a"]]
ENDS = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r"]
BLANKS = [b"\r\n", b"\n", b"\r", b" \r\n", b"\r\r\n"]
PLAIN = [b"hello", b"hell", b"", b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n"]
CHUNKS = [b"5\r\nhello\r\n0\r\n\r\n", b"05\r\nhello\r\n00\r\n\r\n", b"5;a=b\r\nhello\r\n0\r\n\r\n",
          b'5;a="b;\\"c"\r\nhello\r\n0;x\r\n\r\n', b"5 \r\nhello\r\n0\r\n\r\n", b"5\t;a\r\nhello\r\n0\r\n\r\n",
          b" 5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n",
          b"5_0\r\nhello\r\n0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n",
          b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhello\r\n0\r\n\n", b"5\r\nhello\r\n0\n\r\n", b"5\r\nhello\r\n0\r\nA: b\r\n\r\n",
          b"5\r\nhello\r\n0\r\nA : b\r\n\r\n", b"5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n", b"5\r\nhello\r\n0\r\nA: b\n\r\n",
          b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n", b"5\r\nhello\r\n0\r\nA: \x00\r\n\r\n",
          b"10000000000000005\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
          b"100000005\r\nhello\r\n0\r\n\r\n", b"G\r\nhello\r\n0\r\n\r\n", b"\r\nhello\r\n0\r\n\r\n",
          b"5\rX\nhello\r\n0\r\n\r\n", b"5;\x00\r\nhello\r\n0\r\n\r\n", b"5;a\nhello\r\n0\r\n\r\n",
          b"5\r\nhello\r\n\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\n", b"5\r\nhello\r\n", b"5;a\rb\r\nhello\r\n0\r\n\r\n",
          b"6\r\nhello\r\n0\r\n\r\n", b"5\r\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\r\n0\r\n\r\n",
          b"000000000000000000005\r\nhello\r\n0\r\n\r\n", b"A\r\nhellohello\r\n0\r\n\r\n", b"5 5\r\nhello\r\n0\r\n\r\n",
          b"5;\r\nhello\r\n0\r\n\r\n", b"5,a\r\nhello\r\n0\r\n\r\n"]
SECOND = b"GET /second HTTP/1.1\r\nHost: x\r\n\r\n"


def put_together(first, hosts, framing, fields, end, blank, plain, chunks, end_at, behind):
    """One line of them, number `end_at`, ends otherwise; where that is not there, all do."""
    lines = [first, *hosts, *fields, *framing]
    ends = [end if end_at in (i, -1) else b"\r\n" for i in range(len(lines))]
    said = b"".join(line + e for line, e in zip(lines, ends)) + blank
    chunked = any(b"chunked" in line.lower() for line in framing)
    return said + (chunks if chunked else plain if framing else b"") + behind


def cases(seed, number, firsts, hosts, behind):
    """Each piece in each of its forms alone, with a length and with chunks; and `number` with several."""
    chance = random.Random(seed)
    pieces = [firsts, hosts, FRAMINGS, FIELDS, ENDS, BLANKS, PLAIN, CHUNKS]
    made = []
    for i, forms in enumerate(pieces):
        for form in forms:
            for framing in FRAMINGS[:2]:
                chosen = [p[0] for p in pieces]
                chosen[2] = framing
                chosen[i] = form
                made.append(put_together(*chosen, -1, behind))
    for _ in range(number):
        chosen = [p[0] for p in pieces]
        chosen[2] = chance.choice(FRAMINGS[:2])
        for i in chance.sample(range(len(pieces)), chance.choice((1, 1, 2, 2, 3))):
            chosen[i] = chance.choice(pieces[i])
        made.append(put_together(*chosen, chance.randrange(-1, 4), behind))
    return list(dict.fromkeys(made))


def requests(seed, number):
    return cases(seed, number, LINES, HOSTS, SECOND)


def answers(seed, number):
    return cases(seed, number, STATUS_LINES, [[]], b"")
