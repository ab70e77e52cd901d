"""differential_rules.py - where h11 and node differ from us, and the section of RFC 9110 or RFC 9112 that gives us right.

Each: who differs; 'r' requests, 'a' answers; what we say, and what they say (END and why, as patterns); what must stand in
the bytes, or behind them in the messages that we find; and the section. There is none, and can be none, for two that take the
same bytes for different messages."""
BOTH, H11, NODE = ("h11", "node"), ("h11",), ("node",)
TAKEN = r"^ok"
BARE = rb"(?<!\r)\n|\r(?!\n)"                   # a CR or an LF that is no CR LF
TE = rb"\ntransfer-encoding"

RULES = [
    # We refuse what they take: lines and bytes.
    (BOTH, "ra", r"refused a line ends with CR LF", TAKEN, BARE + rb"|^HTTP/1.1 200 O\x00",
     "9112 2.2: a bare CR is refused; a bare LF MAY be a line's end, and is not"),
    (NODE, "r", r"refused a request begins with a method", TAKEN, rb"^\n", "9112 2.2: a bare LF"),
    (BOTH, "ra", r"refused a line begins with a space", TAKEN, rb"\n[ \t]",
     "9112 5.2: a server MUST reject obs-fold, or replace it; trailers have none"),
    (BOTH, "ra", r"refused a control byte in the value", TAKEN, rb"\n[^\n]*:[^\n]*[\x00-\x08\x0b-\x1f\x7f]",
     "9110 5.5: CR, LF, NUL MUST be refused; other controls are invalid"),
    (H11, "ra", r"refused a control byte in the first line of a chunk", TAKEN, rb"\n5;[^\n]*[\x00\r]",
     "9112 7.1.1: an extension is tokens and quoted strings"),
    (H11, "ra", r"refused a chunk begins with its size", TAKEN, rb"\n5 \r\n",
     "9112 7.1: nothing stands between the size and its line's end"),
    # The first line.
    (NODE, "r", r"refused (the target is not visible bytes|the protocol is not HTTP/)", TAKEN, rb"^[A-Z]+ +/ +HTTP",
     "9112 3: single spaces"),
    (NODE, "r", r"refused the target is not visible bytes", TAKEN, rb"^GET /\r?\n",
     "9112 3: a request line has a version; HTTP/0.9 is none of 1.1's"),
    (BOTH, "ra", r"refused this is not HTTP/1.0 or HTTP/1.1", TAKEN, rb"HTTP/(2\.0|0\.9)",
     "9110 2.5: another major version is another protocol"),
    (BOTH, "r", r"refused the target is neither a path nor an http URL", TAKEN, rb"^GET (http://|x) ",
     "9112 3.2: four forms of targets; 9110 4.2.1: a host is not empty"),
    (BOTH, "r", r"refused the target \* is for OPTIONS", TAKEN, rb"^GET \* ", "9112 3.2.4: asterisk-form is OPTIONS'"),
    (BOTH, "r", r"refused a fragment", TAKEN, rb"^GET /#", "9112 3.2.1: origin-form has no fragment"),
    (BOTH, "a", r"refused a response begins with its version", TAKEN, rb"^HTTP/1\.1 (200\n|200\t|099|20 |2000)",
     "9112 4: SP, three digits, SP"),
    (NODE, "a", r"refused the protocol is not HTTP/", TAKEN, rb"^\r\n",
     "9112 2.2: empty lines are passed over before a request, by a server"),
    # Host.
    (BOTH, "r", r"refused HTTP/1.1 without a Host", TAKEN, rb"^(?!.*?\nHost: .*?\nGET /second)", "9112 3.2: MUST be 400"),
    (BOTH, "r", r"refused more than one Host", TAKEN, rb"\nHost: x\r\nHost: x", "9112 3.2: MUST be 400"),
    (BOTH, "r", r"refused Host is no host", TAKEN, rb"\nHost: (x/y|a b|x:8x|a,b|\[::1\r|u@x)",
     "9112 3.2: an invalid Host MUST be 400"),
    # Framing.
    (H11, "ra", r"refused both Transfer-Encoding and Content-Length", TAKEN, TE + rb".*\ncontent-length|\ncontent-length.*" + TE,
     "9112 6.3: it ought to be handled as an error"),
    (BOTH, "ra", r"refused Transfer-Encoding in HTTP/1\.0", TAKEN, rb"HTTP/1\.0.*" + TE,
     "9112 6.1: its framing MUST be taken for faulty"),
    (NODE, "ra", r"refused a Transfer-Encoding that is not known", TAKEN, TE + rb": *[^\r\n]*[^c, ][^\r\n]*",
     "9112 6.1: a coding that is not understood is 501"),
    (NODE, "r", r"refused Transfer-Encoding without chunked", TAKEN, TE + rb":\r\n",
     "9112 6.3: a request whose last coding is not chunked MUST be 400"),
    (NODE, "ra", r"refused Transfer-Encoding goes on behind chunked", TAKEN, TE + rb": chunked(, |\r\ntransfer-encoding)",
     "9112 6.1: chunked is the last, and once"),
    (BOTH, "a", r"refused a response of 1xx or 204 says", TAKEN, rb"HTTP/1\.1 (1|204)",
     "9110 8.6 and 9112 6.1: it MUST NOT say so"),
    (BOTH, "r", r"refused an expectation other", TAKEN, rb"\nExpect: a", "9110 10.1.1: MAY be 417"),
    (H11, "a", r"refused Content-Length is not a number", TAKEN, rb"^HTTP/1\.1 (204|304) .*\nContent-Length: ",
     "9112 6.3: an invalid Content-Length is an error, also where there is no body"),
    (NODE, "r", TAKEN, TAKEN, rb"HTTP/1\.0\r.*\nConnection: keep-alive, close", "9112 9.3: close holds, whatever stands beside it"),
    # We take what they refuse.
    (H11, "r", TAKEN, r"no request line received", rb"(^|hello|\r\n\r\n)\r\n(GET|POST)",
     "9112 2.2: a server SHOULD pass over an empty line"),
    (NODE, "r", TAKEN, r"HPE_INVALID_METHOD", rb"\n(?-i:(?!(GET|POST|OPTIONS) ))[!-~]+ \S+\|",
     "9110 9.1: methods are tokens; 501 is the application's"),
    (NODE, "ra", TAKEN, r"HPE_INVALID_VERSION", rb"HTTP/1\.2",
     "9110 2.5: a higher minor version is read as the highest known"),
    (BOTH, "r", TAKEN, r"illegal request line|HPE_INVALID_URL", rb"^GET /\xe9 ",
     "9112 3: refusing is a SHOULD; bytes above 127 frame nothing"),
    (NODE, "ra", TAKEN, r"HPE_CLOSED_CONNECTION|HPE_INVALID_CONSTANT", rb"\nConnection: |HTTP/1\.0|^HTTP/",
     "9112 9.6: what comes behind the last message is not read"),
    (BOTH, "ra", TAKEN, r"conflicting Content-Length|HPE_(INVALID|UNEXPECTED)_CONTENT_LENGTH (Inv|Dup)",
     rb"\nContent-Length: (5, 5|5\r\nContent-Length: 5\r)",
     "9110 8.6: equal values MAY be one"),
    (NODE, "ra", TAKEN, r"HPE_INVALID_CONTENT_LENGTH Content-Length can't", rb"\n0\r\nContent-Length: 9",
     "9110 6.5.1: in trailers it says nothing"),
    (H11, "a", TAKEN, r"Only Transfer-Encoding: chunked", rb"^HTTP/1\.1 304",
     "9112 6.3: a 304 has no body, whatever its fields say"),
    (H11, "ra", TAKEN, r"Only Transfer-Encoding: chunked", TE + rb": ,chunked", "9110 5.6.1.2: empty elements are none"),
    (H11, "ra", TAKEN, r"illegal chunk header", rb"\n(0{10,}5\r|5\t;a)",
     "9112 7.1: any number of zeros; 7.1.1: BWS before a semicolon"),
    (NODE, "ra", TAKEN, r"HPE_INVALID_CHUNK_SIZE", rb"\n5\t;a", "9112 7.1.1: BWS before a semicolon"),
    (NODE, "ra", TAKEN, r"HPE_STRICT Invalid character in chunk ext", rb"\n5;\r",
     "9112 7.1.1: extensions that are not known are ignored"),
    (NODE, "a", TAKEN, r"HPE_INVALID_HEADER_TOKEN (Invalid header value char|Unexpected whitespace)", rb"\n[ \t]",
     "9112 5.2: a user agent MUST replace obs-fold by spaces"),
]
