/* stream_read.c - reading: the portions you ask for. See stream/stream_read.h, which is the contract, and
 * stream/stream_read_inside.h, which has your struct.
 *
 * Yours: everything below that says so. Two ideas carry it: all reads are one, that looks at what has come and says how many
 * bytes satisfy it; and an answer is only lent: it stays in the buffer until the next read begins. */
#include "stream/stream_read.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "loop/require.h"
#include "stream/stream_inside.h"

/* ---- the verbs of a read's future --------------------------------------------------------------------------------- */

/* Yours: what does a cancel do with the bytes? An answer that was never delivered? One that was? */

/* ---- one portion ------------------------------------------------------------------------------------------------- */

/* Yours: whether the pending read has its answer, with what has come so far. r->fn says how many bytes satisfy it; then there are
 * the limit, the end, and reads that no bytes satisfy (r->empty). */

/* What a failure is called. */
static const char *reason(const struct stream *s, int rc)
{
    if (rc == s->broken && s->why)
        return s->why;
    switch (rc) {
    case -EMSGSIZE:
        return "what was asked for did not come within the limit; what has come can be read otherwise";
    case -EPIPE:
        return "the other side has closed, and what was asked for did not come";
    case -ENOMEM:
        return "no memory for what comes; it can be asked for again";
    case -ECONNRESET:
        return "the other side has broken the connection off";
    default:
        return "the stream could not be read";
    }
}

/* ---- from the wire into the buffer --------------------------------------------------------------------------------- */

/* Yours: s->wire->read takes what it finds drained out of s->told by itself. buffer_room and buffer_put, or a block of the
 * shelf (stream/shelf.h), are where the bytes go. */
void stream_read_ready(struct stream *s)
{
    (void)s, (void)reason;
}

/* Yours: the future is detached, and all memory is given back. */
void stream_read_end(struct stream *s)
{
    (void)s;
}

int stream_read_error(const struct stream *s)
{
    return s->read.ended && !s->read.error ? -EPIPE : s->read.error;
}

/* Yours: stream.c asks, before it calls on_close. */
bool stream_read_over(const struct stream *s)
{
    (void)s;
    return false;
}

/* ---- the one read ------------------------------------------------------------------------------------------------- */

/* Yours: from here on the last answer is the waiter's no more. */
void stream_read_begin(struct stream *s)
{
    REQUIRE(!s->read.f, "one read at a time: the previous read on this stream has not finished");
}

/* Yours: perhaps the answer is there already. */
struct future *stream_read_start(struct stream *s, enough *fn, void *self, size_t limit, struct future *f)
{
    (void)s, (void)fn, (void)self, (void)limit;
    return f;
}

struct future *stream_read_with(struct stream *s, enough *fn, void *self, size_t limit, struct future *f)
{
    stream_read_begin(s);
    return stream_read_start(s, fn, self, limit, f);
}

/* Yours: without the answer that is lent. */
struct bytes stream_unread(const struct stream *s)
{
    return buffer_bytes(&s->read.in);
}

/* ---- what is usually asked for -------------------------------------------------------------------------------------- */

/* The first one is here; those below are yours, and none is longer. An `enough` gets the stream, in whose `wanted` it finds what
 * it looks for. */
static ssize_t until(void *self, struct bytes seen, bool ended)
{
    (void)self, (void)seen, (void)ended;
    return 0;
}

struct future *stream_read_until(struct stream *s, const char *delimiter, size_t limit, struct future *f)
{
    stream_read_begin(s);
    s->read.wanted.delimiter = delimiter;
    s->read.wanted.len = strlen(delimiter);
    REQUIRE(s->read.wanted.len > 0, "stream_read_until: an empty delimiter is everywhere; stream_read_some takes what there is");
    return stream_read_start(s, until, s, limit, f);
}

/* Yours. */
struct future *stream_read_bytes(struct stream *s, size_t len, struct future *f)
{
    REQUIRE(len <= INT_MAX, "stream_read_bytes: the answer is an int, so no more than 2^31 - 1 bytes at a time");
    (void)s;
    return f;
}

/* Yours. */
struct future *stream_read_some(struct stream *s, size_t limit, struct future *f)
{
    (void)s, (void)limit;
    return f;
}

/* Yours. */
struct future *stream_read_until_close(struct stream *s, size_t limit, struct future *f)
{
    (void)s, (void)limit;
    return f;
}

/* Yours. */
struct future *stream_read_into(struct stream *s, void *into, size_t len, bool partial, struct future *f)
{
    REQUIRE(len > 0 && len <= INT_MAX, "stream_read_into needs room for at least one byte, and at most 2^31 - 1");
    (void)s, (void)into, (void)partial;
    return f;
}
