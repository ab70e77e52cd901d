/* The reader of a usual tutorial: right as long as nobody cancels, and the end comes alone. */
#include "stream/stream_read.h"

#include <errno.h>
#include <string.h>

#include "stream/stream_inside.h"

static void forget(void *self)
{
    struct stream *s = self;
    s->read.f = NULL;
}

static void undo(void *self, struct future *f)
{
    (void)f;
    forget(self);
}

static const struct op op = { "read", forget, undo, forget };

/* What is answered is taken. */
static void answer(struct stream *s, size_t len)
{
    struct reading *r = &s->read;
    char *data = (char *)buffer_bytes(&r->in).data;
    if (r->wanted.into)
        data = memcpy(r->wanted.into, data, len);
    buffer_take(&r->in, len);
    future_resolve(r->f, (int)len, data);
}

static void look(struct stream *s)
{
    struct reading *r = &s->read;
    struct bytes seen = buffer_bytes(&r->in);
    ssize_t n = seen.len || r->ended ? r->fn(r->self, seen, r->ended) : 0;
    if (n > 0)
        answer(s, (size_t)n);
    else if (n < 0)
        future_fail(r->f, (int)n, "it cannot be read");
    else if (seen.len >= r->limit)
        future_fail(r->f, -EMSGSIZE, "it is too long");
    else if (r->ended)
        future_fail(r->f, -EPIPE, "the other side has closed");
}

/* Until the wire says that nothing is left. */
static int drain(struct stream *s)
{
    struct reading *r = &s->read;
    for (;;) {
        char *room;
        ssize_t size = buffer_room(&r->in, s->sys, 4096, SIZE_MAX, &room);
        if (size < 0)
            return (int)size;
        ssize_t n = s->wire->read(s, room, (size_t)size);
        if (n == -EAGAIN)
            return 0;
        r->ended = n <= 0;
        if (r->ended)
            return 0;
        buffer_put(&r->in, (size_t)n);
    }
}

void stream_read_ready(struct stream *s)
{
    struct reading *r = &s->read;
    if (s->told & READABLE && !r->ended && drain(s) < 0 && r->f)
        future_fail(r->f, -ENOMEM, "there is no memory");
    else if (r->f && !future_done(r->f))
        look(s);
}

void stream_read_end(struct stream *s)
{
    if (s->read.f)
        future_detach(s->read.f);
    buffer_end(&s->read.in, s->sys);
}

int stream_read_error(const struct stream *s)
{
    return s->read.ended ? -EPIPE : 0;
}

bool stream_read_over(const struct stream *s)
{
    return s->read.ended;
}

void stream_read_begin(struct stream *s)
{
    memset(&s->read.wanted, 0, sizeof s->read.wanted);
}

struct future *stream_read_start(struct stream *s, enough *fn, void *self, size_t limit, struct future *f)
{
    struct reading *r = &s->read;
    r->f = future_start(f, s->loop, &op, s);
    r->fn = fn;
    r->self = self;
    r->limit = limit ? limit : STREAM_MAX_BUFFER;
    look(s);
    return f;
}

struct future *stream_read_with(struct stream *s, enough *fn, void *self, size_t limit, struct future *f)
{
    stream_read_begin(s);
    return stream_read_start(s, fn, self, limit, f);
}

struct bytes stream_unread(const struct stream *s)
{
    return buffer_bytes(&s->read.in);
}

static ssize_t find(void *self, struct bytes seen, bool ended)
{
    struct stream *s = self;
    (void)ended;
    const char *at = memmem(seen.data, seen.len, s->read.wanted.delimiter, s->read.wanted.len);
    return at ? at - seen.data + (ssize_t)s->read.wanted.len : 0;
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
    return stream_read_start(s, count, s, 0, f);
}

static ssize_t anything(void *self, struct bytes seen, bool ended)
{
    (void)self, (void)ended;
    return (ssize_t)seen.len;
}

struct future *stream_read_some(struct stream *s, size_t limit, struct future *f)
{
    return stream_read_with(s, anything, s, limit, f);
}

static ssize_t everything(void *self, struct bytes seen, bool ended)
{
    (void)self;
    return ended ? (ssize_t)seen.len : 0;
}

struct future *stream_read_until_close(struct stream *s, size_t limit, struct future *f)
{
    return stream_read_with(s, everything, s, limit, f);
}

struct future *stream_read_into(struct stream *s, void *into, size_t len, bool partial, struct future *f)
{
    stream_read_begin(s);
    s->read.wanted.into = into;
    s->read.wanted.len = len;
    return stream_read_start(s, partial ? anything : count, s, 0, f);
}
