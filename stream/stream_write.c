/* stream_write.c - writing, in order. See stream_write.h.
 *
 * What the kernel does not take at once waits in a list of chunks; small ones are copied behind each other. A write's future
 * knows the position of its last byte in all that was ever written, and is answered when that has been sent. Trap: when a
 * part was taken and there is no memory for the rest, nothing that comes later may be sent: it would stand in the wrong
 * place. Nor where a write was refused and nobody heard of it. */
#include "stream/stream_write.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include "loop/log.h"
#include "stream/stream_inside.h"

enum { FIRST = 4096, LATER = 32768, WRITES_A_TURN = 8, PORTIONS = 16 };
static const uint64_t AT_THE_END = UINT64_MAX;         /* the position of a shutdown */

struct owned {                      /* bytes that were handed over */
    release_fn *release;
    void *self;
};

struct chunk {
    struct chunk *next;
    const char *data;
    size_t begin, end;              /* what is not sent yet */
    size_t room;                    /* of `copy`; 0 where the bytes were handed over */
    struct owned owned;
    char copy[];
};

/* ---- chunks ------------------------------------------------------------------------------------------------------ */

static void append(struct writing *w, struct chunk *c)
{
    if (w->last)
        w->last->next = c;
    else
        w->first = c;
    w->last = c;
}

static void drop_first(struct stream *s)
{
    struct writing *w = &s->write;
    struct chunk *c = w->first;
    w->first = c->next;
    if (!w->first)
        w->last = NULL;
    if (c->owned.release)
        c->owned.release(c->owned.self);
    sys_free(s->sys, c);
}

static int copy(struct stream *s, struct bytes bytes)
{
    struct writing *w = &s->write;
    struct chunk *c = w->last;
    if (!c || !c->room || c->room - c->end < bytes.len) {
        size_t usual = c ? LATER : FIRST, room = bytes.len < usual ? usual : bytes.len;
        c = s->sys->memory(s->sys, NULL, sizeof *c + room);
        if (!c)
            return -ENOMEM;
        *c = (struct chunk){ .room = room };
        c->data = c->copy;
        append(w, c);
    }
    memcpy(c->copy + c->end, bytes.data, bytes.len);
    c->end += bytes.len;
    return 0;
}

static int hand_over(struct stream *s, struct bytes bytes, const struct owned *owned)
{
    struct chunk *c = sys_new(s->sys, sizeof *c);
    if (!c)
        return -ENOMEM;
    *c = (struct chunk){ .data = bytes.data, .end = bytes.len, .owned = *owned };
    append(&s->write, c);
    return 0;
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

static const char *reason(const struct stream *s, int rc)
{
    if (rc == s->broken && s->why)
        return s->why;
    if (rc == -EPIPE && s->write.ending && !s->write.error)
        return "stream_shutdown was called: nothing can be written after it";
    if (rc == -EPIPE || rc == -ECONNRESET || rc == -ENOTCONN)
        return "the other side has closed, or does not read any more";
    if (rc == -ENOBUFS)
        return "more than may wait to be sent (stream_limit_writes): wait for a write before you go on";
    if (rc == -ENOMEM)
        return "no memory for what the kernel did not take";
    if (rc == -EBADF)
        return "the descriptor was closed by somebody else than its stream, or is not for writing";
    if (rc == -ENOTSOCK)
        return "the end of a pipe has one direction: wait for the last write, then stream_close";
    return "the stream could not be written to";
}

/* Nothing more is accepted. What has come may still be read, but nobody may have told us of it. `heard`: by one who waits. */
static void refuse_all(struct stream *s, int rc, bool heard)
{
    bool usual = rc == -EPIPE || rc == -ECONNRESET || rc == -ETIMEDOUT || rc == s->broken;
    if (!usual && !heard && !s->on_close)
        log_line(LOG_ERROR, "writing to descriptor %d failed, and nobody waits for it: %s (%s)", s->fd, strerror(-rc),
                 reason(s, rc));
    s->write.error = rc;
    s->told |= READABLE;
    if (s->on_close)
        stream_again(s);
}

/* Nothing can be sent any more. */
static void give_up(struct stream *s, int rc)
{
    struct writing *w = &s->write;
    const char *why = reason(s, rc);
    refuse_all(s, rc, waiters_first(&w->waiters));
    while (w->first)
        drop_first(s);
    for (struct future *f; (f = waiters_first(&w->waiters));)
        waiters_fail(&w->waiters, f, rc, why);
}

/* How many of the bytes are taken now; -errno where none ever will be. */
static ssize_t send_some(struct stream *s, const struct iovec *portions, int count)
{
    while (s->told & WRITABLE) {
        ssize_t n = s->wire->write(s, portions, count);
        if (n != -EINTR)
            return n == -EAGAIN ? 0 : n;
    }
    return 0;
}

/* As many of the chunks that wait as go into one call. */
static ssize_t send_chunks(struct stream *s)
{
    struct iovec portions[PORTIONS];
    int count = 0;
    for (struct chunk *c = s->write.first; c && count < PORTIONS; c = c->next)
        portions[count++] = (struct iovec){ (char *)c->data + c->begin, c->end - c->begin };
    return send_some(s, portions, count);
}

static void drop_sent(struct stream *s, size_t n)
{
    s->write.sent += n;
    for (struct chunk *c; (c = s->write.first) && n >= c->end - c->begin;) {
        n -= c->end - c->begin;
        drop_first(s);
    }
    if (n)
        s->write.first->begin += n;
}

static void answer_up_to(struct writing *w, uint64_t position)
{
    for (struct future *f; (f = waiters_first(&w->waiters)) && f->u.wait.order <= position;) {
        size_t len = (size_t)f->u.wait.item;
        waiters_resolve(&w->waiters, f, len > INT_MAX ? INT_MAX : (int)len, NULL);
    }
}

/* When all has been sent that will ever be, the other side may know. */
static void answer_sent(struct stream *s)
{
    struct writing *w = &s->write;
    answer_up_to(w, w->sent);
    if (w->ending && !w->first && !w->down && !w->error) {
        int rc = s->wire->shutdown(s);
        w->down = rc == 0;
        if (rc < 0 && rc != -EAGAIN)
            give_up(s, rc);
    }
    if (w->down)
        answer_up_to(w, AT_THE_END);
}

void stream_write_ready(struct stream *s)
{
    struct writing *w = &s->write;
    if (!w->first && !w->ending)
        return;
    for (int writes = 0; w->first && s->told & WRITABLE; writes++) {
        if (writes == WRITES_A_TURN) {
            stream_again(s);
            break;
        }
        ssize_t n = send_chunks(s);
        if (n < 0) {
            give_up(s, (int)n);
            return;
        }
        drop_sent(s, (size_t)n);
    }
    answer_sent(s);
}

int stream_write_error(const struct stream *s)
{
    return s->write.error;
}

void stream_write_begin(struct stream *s)
{
    waiters_init(&s->write.waiters, s->loop);
}

void stream_write_end(struct stream *s)
{
    while (s->write.first)
        drop_first(s);
    waiters_close(&s->write.waiters);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static int refused(const struct stream *s, size_t len)
{
    const struct writing *w = &s->write;
    size_t unsent = stream_unsent(s);
    if (w->error || w->ending)
        return w->error ? w->error : -EPIPE;
    return w->limit && (unsent > w->limit || len > w->limit - unsent) ? -ENOBUFS : 0;
}

/* Sends what the kernel takes, and keeps the rest. `kept`: what was handed over is still needed. */
static int put(struct stream *s, struct bytes bytes, const struct owned *owned, bool *kept)
{
    struct writing *w = &s->write;
    int rc = refused(s, bytes.len);
    struct iovec all = { (char *)bytes.data, bytes.len };
    ssize_t n = rc < 0 || w->first || !bytes.len ? rc : send_some(s, &all, 1);
    if (n < 0) {
        if (rc == 0)
            give_up(s, (int)n);
        return (int)n;
    }
    struct bytes rest = { bytes.data + n, bytes.len - (size_t)n };
    if (rest.len)
        rc = owned ? hand_over(s, rest, owned) : copy(s, rest);
    if (rc < 0 && (n > 0 || (w->begun && !w->first)))
        give_up(s, rc);
    if (rc < 0)
        return rc;
    *kept = owned && rest.len;
    w->queued += bytes.len;
    w->sent += (uint64_t)n;
    return 0;
}

static struct future *write_any(struct stream *s, struct bytes bytes, const struct owned *owned, struct future *f)
{
    static const struct op op = { .name = "stream write", .cancel = waiters_leave, .delivered = waiters_leave };
    struct writing *w = &s->write;
    bool kept = false;
    if (f) {
        waiters_add(&w->waiters, f, &op, s);
        f->u.wait.order = w->queued + bytes.len;
        f->u.wait.item = (void *)bytes.len;
    }
    int rc = put(s, bytes, owned, &kept);
    if (rc < 0 && f && !future_done(f))
        waiters_fail(&w->waiters, f, rc, reason(s, rc));
    else if (rc < 0 && !f && !w->error && !w->ending)
        refuse_all(s, rc, false);
    answer_sent(s);
    if (owned && owned->release && !kept)
        owned->release(owned->self);
    stream_look_closed(s);
    return f;
}

struct future *stream_write(struct stream *s, struct bytes bytes, struct future *f)
{
    return write_any(s, bytes, NULL, f);
}

struct future *stream_write_owned(struct stream *s, struct bytes bytes, release_fn *release, void *self, struct future *f)
{
    return write_any(s, bytes, &(struct owned){ release, self }, f);
}

void stream_limit_writes(struct stream *s, size_t bytes)
{
    s->write.limit = bytes;
}

size_t stream_unsent(const struct stream *s)
{
    return (size_t)(s->write.queued - s->write.sent);
}

void stream_push(struct stream *s)
{
    s->told |= WRITABLE;
    stream_write_ready(s);
}

struct future *stream_shutdown(struct stream *s, struct future *f)
{
    static const struct op op = { .name = "stream shutdown", .cancel = waiters_leave, .delivered = waiters_leave };
    struct writing *w = &s->write;
    w->ending = true;
    if (f) {
        waiters_add(&w->waiters, f, &op, s);
        f->u.wait.order = AT_THE_END;
        f->u.wait.item = NULL;
    }
    if (f && w->error)
        waiters_fail(&w->waiters, f, w->error, reason(s, w->error));
    answer_sent(s);
    return f;
}
