/* access_line.h - one line of an access log: who asked for what, and how it went.
 *
 * OWNERSHIP  A pure function: views go in, and bytes come out, into a block of the caller's.
 *
 *     common      127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "GET /a HTTP/1.1" 200 13
 *     combined    the same, and behind it   "http://example.com/" "curl/8.5"   which are Referer and User-Agent
 *     JSON        {"time":"1994-11-06T08:49:37.123Z","remote":"127.0.0.1","method":"GET","target":"/a","status":200,"bytes":13,
 *                 "duration_us":240,"referer":null,"agent":"curl/8.5","complete":true}   in one line, its keys in this order
 *
 * The first two are Apache's, to the byte; times are UTC. `bytes` are those of the body, "-" in the first two if there were none.
 * A request that could not be read is shown as far as its first line goes: as the whole of what stands in quotes; in JSON as
 * "target", with a "method" of null. `complete`: all of the reply was said; whether it was heard nobody knows.
 *
 * The trap it exists for: all but the numbers comes from strangers, and is shown to people, by terminals. A quote ends a field, a
 * line feed makes a line of its own, ESC paints the screen. So a quote, a backslash, a control byte, and what is no ASCII, is
 * \xHH; in JSON \" and \\, and \u00HH for each such byte. What is long is cut, and ends in "...": a line is never longer than
 * ACCESS_LINE, so that it is written to a pipe in one piece. */
#ifndef EDDY_HTTP_ACCESS_LINE_H
#define EDDY_HTTP_ACCESS_LINE_H

#include "http/date.h"
#include "http/headers.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ACCESS_LINE = 4096 };            /* bytes, its newline included: Linux's PIPE_BUF */
enum access_format { ACCESS_COMMON, ACCESS_COMBINED, ACCESS_JSON };

struct access_line {
    struct bytes remote;                /* an address, as text; empty: not known */
    int64_t time;                       /* ns since 1970: when the request began to come */
    int64_t duration;                   /* ns from then until its reply was said */
    struct bytes method, target;        /* method empty: it could not be read, and target is its first line */
    int version;                        /* 10 or 11 */
    int status;
    int64_t bytes;                      /* of the reply's body */
    const struct headers *headers;      /* the request's, in which Referer and User-Agent are looked for; NULL: it has none */
    bool complete;
};

struct access_clock {                   /* {0}: the second that was written last, which most lines share */
    int64_t second;
    size_t len;
    char text[DATE_TEXT];
};

/* Writes the line, with its newline: its length. One clock for each format. */
size_t access_line_write(const struct access_line *, enum access_format, struct access_clock *, char out[ACCESS_LINE]);

#ifdef __cplusplus
}
#endif
#endif
