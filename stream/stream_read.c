/* stream_read.c - reading: the portions you ask for. See stream_read.h.
 *
 * All reads are one: bytes come into the buffer until `enough` says how many of them satisfy it. An answer stays in the
 * buffer until the next read, so one that is cancelled, or never delivered, was not taken at all. Traps: a short read says
 * that there is no more, unless the other side has closed: then there is the end, of which nobody tells again. And a read
 * that goes on and on, from a sender as fast as we are, is one turn's work for ever, if nobody counts. */
#include "stream/stream_read.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "loop/require.h"
#include "stream/shelf.h"
#include "stream/stream_inside.h"

enum { LITTLE = 4096, LEAST = 16384, READS_A_TURN = 8 };      /* bytes: what is copied out of its block; room for a portion */

/* ---- the verbs of a read's future -------------------------------------------------------------------------------- */

static void read_forget(void *self)
{
    struct stream *s = self;
    s->read.f = NULL;
    s->read.taken = 0;
}

static void read_undo(void *self, struct future *f)
{
    (void)f;
    read_forget(self);
}

/* Now it is taken: but for the memory, which stays until the next read. */
static void read_delivered(void *self)
{
    struct stream *s = self;
    s->read.f = NULL;
    if (s->on_close)
        stream_again(s);
}

/* ---- one portion ------------------------------------------------------------------------------------------------- */

static void answer(struct stream *s, size_t len)
{
    struct reading *r = &s->read;
    char *data = (char *)buffer_bytes(&r->in).data;
    if (r->wanted.into)
        data = memcpy(r->wanted.into, data, len);
    r->taken = len;
    future_resolve(r->f, (int)len, data);
}

static void fail(struct stream *s, int rc)
{
    const char *why = "the stream could not be read";
    if (rc == s->broken && s->why)
        why = s->why;
    else if (rc == -EMSGSIZE)
        why = "what was asked for did not come within the limit; what has come can be read otherwise";
    else if (rc == -EPIPE)
        why = "the other side has closed, and what was asked for did not come";
    else if (rc == -ENOMEM)
        why = "no memory for what comes; it can be asked for again";
    else if (rc == -ECONNRESET)
        why = "the other side has broken the connection off";
    else if (rc == -E2BIG)
        why = "the pattern takes too many steps on what has come: make it simpler";
    else if (rc == -EBADF)
        why = "the descriptor was closed by somebody else than its stream, or is not for reading";
    future_fail(s->read.f, rc, why);
}

/* Whether the pending read has its answer, with what has come so far. */
static bool consider(struct stream *s)
{
    struct reading *r = &s->read;
    struct bytes seen = buffer_bytes(&r->in);
    if (!seen.len && !r->ended && r->empty != EMPTY_AT_ONCE)
        return false;
    bool more = seen.len > r->limit;
    if (more)
        seen.len = r->limit;
    ssize_t n = r->fn(r->self, seen, r->ended && !more);
    REQUIRE(n <= (ssize_t)seen.len, "a read is satisfied by %zd of %zu bytes: `enough` gives no more than it has seen", n,
            seen.len);
    bool nothing = r->ended && !r->error && seen.len == 0;
    if (n > 0 || (n == 0 && (r->empty == EMPTY_AT_ONCE || (r->empty == EMPTY_AT_THE_END && nothing))))
        answer(s, (size_t)n);
    else if (n < 0)
        fail(s, (int)n);
    else if (more)
        fail(s, -EMSGSIZE);
    else if (r->ended)
        fail(s, r->error ? r->error : -EPIPE);
    else
        return false;
    return true;
}

/* ---- from the descriptor into the buffer ------------------------------------------------------------------------- */

/* Reads once, and keeps in mind what the wire said: the count, or 0. */
static size_t read_once(struct stream *s, char *data, size_t size)
{
    struct reading *r = &s->read;
    ssize_t n = s->wire->read(s, data, size);
    if (n > 0)
        return (size_t)n;
    r->ended = n != -EAGAIN && n != -EINTR;
    r->error = r->ended ? (int)n : 0;
    return 0;
}

static void give_back(struct stream *s, struct buffer *b)
{
    shelf_give_back(s->loop, b);
}

/* Much has come already: the next portion goes behind it. */
static int fill_behind(struct stream *s)
{
    struct buffer *in = &s->read.in;
    char *room;
    ssize_t size = buffer_room(in, s->sys, LEAST, SIZE_MAX, &room);
    if (size < 0)
        return (int)size;
    buffer_put(in, read_once(s, room, size > SHELF_BLOCK ? SHELF_BLOCK : (size_t)size));
    return 0;
}

/* Copies what has come to where it fits. False: it is too much for that, or there is no memory. */
static bool keep_little(struct stream *s, struct bytes come)
{
    struct buffer *in = &s->read.in;
    char *little = buffer_size(in) || come.len > SHELF_LITTLE ? NULL : shelf_take(s->loop, SHELF_LITTLE);
    if (little)
        buffer_adopt(in, memcpy(little, come.data, come.len), SHELF_LITTLE, come.len);
    return little || buffer_add(in, s->sys, come, LITTLE) == 0;
}

/* One more portion, into a block of the shelf behind the little that has come so far. If it is little still, it goes where it
 * fits; else, or where there is no memory for that, the block is the buffer from now on. 0 or -ENOMEM. */
static int fill(struct stream *s)
{
    struct buffer *in = &s->read.in;
    struct bytes so_far = buffer_bytes(in);
    if (so_far.len > LITTLE)
        return fill_behind(s);
    char *block = shelf_take(s->loop, SHELF_BLOCK);
    if (!block)
        return -ENOMEM;
    if (so_far.len)
        memcpy(block, so_far.data, so_far.len);
    size_t n = read_once(s, block + so_far.len, SHELF_BLOCK - so_far.len);
    if (n == 0 || keep_little(s, (struct bytes){ block + so_far.len, n })) {
        shelf_put(s->loop, block, SHELF_BLOCK);
    } else {
        give_back(s, in);
        buffer_adopt(in, block, SHELF_BLOCK, so_far.len + n);
    }
    return 0;
}

/* Who waits holds no memory. */
static void rest(struct stream *s)
{
    if (buffer_len(&s->read.in) == 0)
        give_back(s, &s->read.in);
}

static bool may_read(const struct stream *s)
{
    return s->told & (READABLE | BROKEN) && !s->read.ended;
}

/* Reads until the pending read has its answer. */
static void pull(struct stream *s)
{
    for (int reads = 0; may_read(s); reads++) {
        if (reads == READS_A_TURN) {
            stream_again(s);
            return;
        }
        int rc = fill(s);
        if (rc < 0)
            fail(s, rc);
        if (rc < 0 || consider(s))
            return;
    }
}

/* Nobody reads, but somebody wants to hear of the close, or of what comes: looks for it. The last answer is still lent, so what
 * comes goes elsewhere. */
static void look_ahead(struct stream *s)
{
    struct reading *r = &s->read;
    if (buffer_len(&r->in) > r->taken)
        return;
    if (r->taken)
        reading_lend(r);
    fill(s);
    if (may_read(s) && buffer_len(&r->in) == 0)     /* interrupted, or no memory */
        stream_again(s);
}

void stream_read_ready(struct stream *s)
{
    if (!may_read(s))
        return;
    if (s->read.f && !future_done(s->read.f))
        pull(s);
    else if (!s->read.f && (s->on_close || s->on_readable))
        look_ahead(s);
    rest(s);
}

void stream_read_end(struct stream *s)
{
    if (s->read.f)
        future_detach(s->read.f);
    give_back(s, &s->read.in);
    if (s->read.lends)
        give_back(s, &s->read.lent);
}

int stream_read_error(const struct stream *s)
{
    return s->read.ended && !s->read.error ? -EPIPE : s->read.error;
}

bool stream_read_over(const struct stream *s)
{
    const struct reading *r = &s->read;
    bool waits = r->f && !future_done(r->f), answered = r->f && future_done(r->f) && r->f->rc >= 0;
    return !may_read(s) && !answered && (waits || buffer_len(&r->in) == r->taken);
}

/* ---- the one read ------------------------------------------------------------------------------------------------ */

/* The last answer is the waiter's no more. */
void stream_read_begin(struct stream *s)
{
    struct reading *r = &s->read;
    REQUIRE(!r->f, "one read at a time: the previous read on this stream has not finished");
    if (r->lends)
        give_back(s, &r->lent);
    r->lends = false;
    buffer_take(&r->in, r->taken);
    r->taken = 0;
    r->empty = EMPTY_NEVER;
    memset(&r->wanted, 0, sizeof r->wanted);
}

/* A stream that waits holds no memory, unless a part has come. */
struct future *stream_read_start(struct stream *s, enough *fn, void *self, size_t limit, struct future *f)
{
    static const struct op op = { "stream read", read_forget, read_undo, read_delivered };
    struct reading *r = &s->read;
    r->f = future_start(f, s->loop, &op, s);
    r->fn = fn;
    r->self = self;
    r->limit = limit == 0 ? STREAM_MAX_BUFFER : limit < INT_MAX ? limit : INT_MAX;
    if (!consider(s))
        pull(s);
    rest(s);
    stream_look_closed(s);
    return f;
}

struct future *stream_read_with(struct stream *s, enough *fn, void *self, size_t limit, struct future *f)
{
    stream_read_begin(s);
    return stream_read_start(s, fn, self, limit, f);
}

struct bytes stream_unread(const struct stream *s)
{
    struct bytes bytes = buffer_bytes(&s->read.in);
    return (struct bytes){ bytes.data + s->read.taken, bytes.len - s->read.taken };
}

/* ---- what is usually asked for ----------------------------------------------------------------------------------- */

static ssize_t until(void *self, struct bytes seen, bool ended)
{
    struct stream *s = self;
    struct bytes delimiter = { s->read.wanted.delimiter, s->read.wanted.len };
    ssize_t at = bytes_find(seen, delimiter, &s->read.wanted.from);
    (void)ended;
    return at < 0 ? 0 : at + (ssize_t)delimiter.len;
}

struct future *stream_read_until(struct stream *s, const char *delimiter, size_t limit, struct future *f)
{
    stream_read_begin(s);
    s->read.wanted.delimiter = delimiter;
    s->read.wanted.len = strlen(delimiter);
    REQUIRE(s->read.wanted.len > 0, "stream_read_until: an empty delimiter is everywhere; stream_read_some takes what there is");
    return stream_read_start(s, until, s, limit, f);
}

static ssize_t exactly(void *self, struct bytes seen, bool ended)
{
    struct stream *s = self;
    (void)ended;
    return seen.len >= s->read.wanted.len ? (ssize_t)s->read.wanted.len : 0;
}

struct future *stream_read_bytes(struct stream *s, size_t len, struct future *f)
{
    REQUIRE(len <= INT_MAX, "stream_read_bytes: the answer is an int, so no more than 2^31 - 1 bytes at a time");
    stream_read_begin(s);
    s->read.wanted.len = len;
    s->read.empty = len ? EMPTY_NEVER : EMPTY_AT_ONCE;
    return stream_read_start(s, exactly, s, len, f);
}

static ssize_t some(void *self, struct bytes seen, bool ended)
{
    (void)self, (void)ended;
    return (ssize_t)seen.len;
}

struct future *stream_read_some(struct stream *s, size_t limit, struct future *f)
{
    stream_read_begin(s);
    return stream_read_start(s, some, s, limit, f);
}

static ssize_t all(void *self, struct bytes seen, bool ended)
{
    (void)self;
    return ended ? (ssize_t)seen.len : 0;
}

struct future *stream_read_until_close(struct stream *s, size_t limit, struct future *f)
{
    stream_read_begin(s);
    s->read.empty = EMPTY_AT_THE_END;
    return stream_read_start(s, all, s, limit, f);
}

struct future *stream_read_into(struct stream *s, void *into, size_t len, bool partial, struct future *f)
{
    REQUIRE(len > 0 && len <= INT_MAX, "stream_read_into needs room for at least one byte, and at most 2^31 - 1");
    stream_read_begin(s);
    s->read.wanted.into = into;
    s->read.wanted.len = len;
    return stream_read_start(s, partial ? some : exactly, s, len, f);
}
