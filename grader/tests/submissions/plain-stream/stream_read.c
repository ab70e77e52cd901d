/* A reader written from the handout alone: right, and without the shelf. */
#include "stream/stream_read.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "loop/require.h"
#include "stream/stream_inside.h"

enum { ROOM = 4096, PORTION = 65536, IN_A_ROW = 16 };

static void put_back(void *self)
{
    struct stream *s = self;
    s->read.f = NULL;
    s->read.taken = 0;
}

static void undo(void *self, struct future *f)
{
    (void)f;
    put_back(self);
}

static void handed(void *self)
{
    struct stream *s = self;
    s->read.f = NULL;
    if (s->on_close)
        stream_again(s);
}

static const struct op op = { "read", put_back, undo, handed };

static bool waiting(const struct stream *s)
{
    return s->read.f && !future_done(s->read.f);
}

static bool open_for_more(const struct stream *s)
{
    return !s->read.ended && (s->told & READABLE || s->told & BROKEN);
}

static const char *words(const struct stream *s, int rc)
{
    return rc == s->broken && s->why ? s->why : rc == -EMSGSIZE ? "it did not come within the limit" :
           rc == -ENOMEM ? "there is no memory" : "the connection has ended before it came";
}

/* Answers the read that waits, if what has come decides it. */
static void decide(struct stream *s)
{
    struct reading *r = &s->read;
    struct bytes b = buffer_bytes(&r->in);
    size_t all = b.len;
    if (b.len > r->limit)
        b.len = r->limit;
    bool last = r->ended && b.len == all;
    ssize_t n = r->fn(r->self, b, last);
    if (n == 0 && b.len < all)
        n = -EMSGSIZE;
    else if (n == 0 && r->empty == EMPTY_AT_ONCE)
        future_resolve(r->f, 0, r->wanted.into ? r->wanted.into : (char *)b.data);
    else if (n == 0 && last && r->empty == EMPTY_AT_THE_END && !all && !r->error)
        future_resolve(r->f, 0, (char *)b.data);
    else if (n == 0 && last)
        n = r->error ? r->error : -EPIPE;
    if (n < 0)
        future_fail(r->f, (int)n, words(s, (int)n));
    if (n > 0) {
        r->taken = (size_t)n;
        if (r->wanted.into)
            memcpy(r->wanted.into, b.data, (size_t)n);
        future_resolve(r->f, (int)n, r->wanted.into ? r->wanted.into : (char *)b.data);
    }
}

static int more(struct stream *s)
{
    struct reading *r = &s->read;
    char *room;
    size_t has = buffer_len(&r->in);
    ssize_t size = buffer_room(&r->in, s->sys, has > ROOM ? has : ROOM, SIZE_MAX, &room);
    if (size < 0)
        return -ENOMEM;
    ssize_t n = s->wire->read(s, room, size > PORTION ? PORTION : (size_t)size);
    if (n > 0)
        buffer_put(&r->in, (size_t)n);
    if (n == -EAGAIN || n == -EINTR || n > 0)
        return 0;
    r->ended = true;
    r->error = (int)n;
    return 0;
}

static void advance(struct stream *s)
{
    decide(s);
    for (int i = 0; waiting(s) && open_for_more(s); i++) {
        if (i == IN_A_ROW) {
            stream_again(s);
            return;
        }
        if (more(s) < 0)
            future_fail(s->read.f, -ENOMEM, words(s, -ENOMEM));
        else
            decide(s);
    }
}

void stream_read_ready(struct stream *s)
{
    struct reading *r = &s->read;
    if (waiting(s))
        advance(s);
    else if (!r->f && s->on_close && open_for_more(s) && buffer_len(&r->in) == r->taken) {
        if (r->taken)
            reading_lend(r);
        more(s);
        if (open_for_more(s) && !buffer_len(&r->in))
            stream_again(s);
    }
    buffer_rest(&r->in, s->sys);
}

void stream_read_end(struct stream *s)
{
    if (s->read.f)
        future_detach(s->read.f);
    buffer_end(&s->read.in, s->sys);
    if (s->read.lends)
        buffer_end(&s->read.lent, s->sys);
}

int stream_read_error(const struct stream *s)
{
    return s->read.ended && !s->read.error ? -EPIPE : s->read.error;
}

bool stream_read_over(const struct stream *s)
{
    const struct reading *r = &s->read;
    if (open_for_more(s) || (r->f && future_done(r->f) && r->f->rc >= 0))
        return false;
    return waiting(s) || buffer_len(&r->in) == r->taken;
}

void stream_read_begin(struct stream *s)
{
    struct reading *r = &s->read;
    REQUIRE(!r->f, "one read at a time");
    buffer_take(&r->in, r->taken);
    if (r->lends)
        buffer_end(&r->lent, s->sys);
    r->lends = false;
    r->taken = 0;
    r->empty = EMPTY_NEVER;
    memset(&r->wanted, 0, sizeof r->wanted);
}

struct future *stream_read_start(struct stream *s, enough *fn, void *self, size_t limit, struct future *f)
{
    struct reading *r = &s->read;
    r->f = future_start(f, s->loop, &op, s);
    r->fn = fn;
    r->self = self;
    r->limit = limit && limit < INT_MAX ? limit : limit ? INT_MAX : STREAM_MAX_BUFFER;
    advance(s);
    buffer_rest(&r->in, s->sys);
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
    struct bytes b = buffer_bytes(&s->read.in);
    return (struct bytes){ b.data + s->read.taken, b.len - s->read.taken };
}

static ssize_t find(void *self, struct bytes seen, bool ended)
{
    struct stream *s = self;
    size_t len = s->read.wanted.len, from = s->read.wanted.from;
    (void)ended;
    if (seen.len < len)
        return 0;
    const char *at = memmem(seen.data + from, seen.len - from, s->read.wanted.delimiter, len);
    s->read.wanted.from = seen.len - len + 1;
    return at ? at - seen.data + (ssize_t)len : 0;
}

struct future *stream_read_until(struct stream *s, const char *delimiter, size_t limit, struct future *f)
{
    stream_read_begin(s);
    s->read.wanted.delimiter = delimiter;
    s->read.wanted.len = strlen(delimiter);
    return stream_read_start(s, find, s, limit, f);
}

static ssize_t count(void *self, struct bytes seen, bool ended)
{
    const struct stream *s = self;
    (void)ended;
    return seen.len < s->read.wanted.len ? 0 : (ssize_t)s->read.wanted.len;
}

struct future *stream_read_bytes(struct stream *s, size_t len, struct future *f)
{
    stream_read_begin(s);
    s->read.wanted.len = len;
    if (!len)
        s->read.empty = EMPTY_AT_ONCE;
    return stream_read_start(s, count, s, len, f);
}

static ssize_t anything(void *self, struct bytes seen, bool ended)
{
    (void)self, (void)ended;
    return (ssize_t)seen.len;
}

struct future *stream_read_some(struct stream *s, size_t limit, struct future *f)
{
    stream_read_begin(s);
    return stream_read_start(s, anything, s, limit, f);
}

static ssize_t everything(void *self, struct bytes seen, bool ended)
{
    (void)self;
    return ended ? (ssize_t)seen.len : 0;
}

struct future *stream_read_until_close(struct stream *s, size_t limit, struct future *f)
{
    stream_read_begin(s);
    s->read.empty = EMPTY_AT_THE_END;
    return stream_read_start(s, everything, s, limit, f);
}

struct future *stream_read_into(struct stream *s, void *into, size_t len, bool partial, struct future *f)
{
    stream_read_begin(s);
    s->read.wanted.into = into;
    s->read.wanted.len = len;
    return stream_read_start(s, partial ? anything : count, s, len, f);
}
