/* stream.c - a descriptor with two directions: it hears from the loop, and tells who reads and who writes. See stream.h.
 *
 * Trap: the user's callbacks never run inside of ours, so nothing here can be closed under our feet; what is told is done, and
 * heard of in the next turn. */
#include "stream/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "loop/require.h"
#include "stream/shelf.h"
#include "stream/stream_inside.h"

/* Who hears of it may close the stream. */
static void tell_readable(struct stream *s)
{
    callback *fn = s->on_readable;
    if (!fn || !stream_readable(s))
        return;
    s->on_readable = NULL;
    fn(s->on_readable_self, 0);
}

static void go_on(void *self, int what)
{
    struct stream *s = self;
    (void)what;
    stream_conduit_ready(s);
    stream_write_ready(s);
    stream_read_ready(s);
    stream_look_closed(s);
    tell_readable(s);
}

/* A stream that goes on from the last turn has one share of this one, not two. */
static void on_ready(void *self, int mask)
{
    struct stream *s = self;
    s->wire->ready(s, mask);
    if (!call_queued(&s->again))
        go_on(s, 0);
}

/* ---- the descriptor itself is the wire --------------------------------------------------------------------------- */

/* The write end of a pipe whose reader is gone is BROKEN, and says -EBADF: an end like any other. */
static ssize_t plain_read(struct stream *s, char *data, size_t size)
{
    ssize_t n = s->sys->read(s->sys, s->fd, data, size);
    if (n == -EAGAIN)
        stream_drained(s, READABLE | BROKEN);
    else if (n > 0 && (size_t)n < size)
        stream_drained(s, READABLE);
    return n == -EBADF && s->told & BROKEN ? 0 : n;
}

static ssize_t plain_write(struct stream *s, const struct iovec *portions, int count)
{
    struct sys *sys = s->sys;
    size_t len = 0;
    for (int i = 0; i < count; i++)
        len += portions[i].iov_len;
    ssize_t n = count == 1 ? sys->write(sys, s->fd, portions->iov_base, len) : sys->writev(sys, s->fd, portions, count);
    if (n == -EAGAIN || (n >= 0 && (size_t)n < len))
        stream_drained(s, WRITABLE);
    return n;
}

static int plain_shutdown(struct stream *s)
{
    return s->sys->shutdown(s->sys, s->fd, SHUT_WR);
}

/* A full pipe whose reader is gone is BROKEN, and not WRITABLE: the next write says so. */
static void plain_ready(struct stream *s, int mask)
{
    s->told |= mask & BROKEN ? mask | WRITABLE : mask;
}

static void plain_close(struct stream *s)
{
    (void)s;
}

static ssize_t plain_splice(struct stream *s, int pipe, size_t len)
{
    ssize_t n = s->sys->splice(s->sys, pipe, -1, s->fd, len);
    if (n == -EAGAIN || (n >= 0 && (size_t)n < len))
        stream_drained(s, WRITABLE);
    return n;
}

static const struct wire plain = { plain_read, plain_write, plain_shutdown, plain_ready, plain_close, plain_splice };

/* ---- making and ending one ------------------------------------------------------------------------------------------ */

struct stream *stream_new(struct loop *loop, int fd)
{
    struct sys *sys = loop_sys(loop);
    struct stream *s = sys_new(sys, sizeof *s);
    int rc = s ? loop_add_handler(loop, fd, READABLE | WRITABLE | EDGE, on_ready, s) : -ENOMEM;
    REQUIRE(rc != -EEXIST, "descriptor %d has a stream or a handler already: a descriptor has one owner", fd);
    if (rc < 0) {
        sys_free(sys, s);
        sys->close(sys, fd);
        errno = -rc;
        return NULL;
    }
    s->loop = loop;
    s->sys = sys;
    s->fd = fd;
    s->told = WRITABLE;             /* worth a try: the first write says if it is not so */
    s->wire = &plain;
    stream_write_begin(s);
    return s;
}

void stream_close(struct stream *s)
{
    s->wire->close(s);
    loop_remove_handler(s->loop, s->fd);
    s->sys->close(s->sys, s->fd);
    loop_unqueue(s->loop, &s->again);
    stream_read_end(s);
    stream_conduit_end(s);
    stream_write_end(s);
    sys_free(s->sys, s);
}

int stream_fd(const struct stream *s)
{
    return s->fd;
}

struct loop *stream_loop(const struct stream *s)
{
    return s->loop;
}

void stream_set_data(struct stream *s, void *data)
{
    s->data = data;
}

void *stream_data(const struct stream *s)
{
    return s->data;
}

int stream_set_nodelay(struct stream *s, bool on)
{
    return s->sys->set_option(s->sys, s->fd, IPPROTO_TCP, TCP_NODELAY, on);
}

bool stream_secure(const struct stream *s)
{
    return s->wire != &plain;
}

void stream_drained(struct stream *s, int mask)
{
    s->told &= ~mask;
    loop_drained(s->loop, s->fd, mask);
}

void stream_again(struct stream *s)
{
    if (!call_queued(&s->again))
        loop_queue(s->loop, &s->again, go_on, s, 0);
}

/* ---- the close of the other side --------------------------------------------------------------------------------- */

int stream_error(const struct stream *s)
{
    int read = stream_read_error(s), written = stream_write_error(s);
    return written && (read == 0 || read == -EPIPE) ? written : read;
}

/* More may have come meanwhile, where only the writing has failed; and somebody may have counted on going on. */
static void tell_closed(void *self, int what)
{
    struct stream *s = self;
    callback *fn = s->on_close;
    (void)what;
    stream_write_ready(s);
    stream_read_ready(s);
    if (!fn || !stream_read_over(s))
        return;
    int rc = stream_error(s);
    s->on_close = NULL;
    fn(s->on_close_self, rc == -EPIPE ? 0 : rc);
}

void stream_look_closed(struct stream *s)
{
    if (s->on_close && stream_error(s) && stream_read_over(s) && !call_queued(&s->again))
        loop_queue(s->loop, &s->again, tell_closed, s, 0);
}

void stream_on_close(struct stream *s, callback *fn, void *self)
{
    s->on_close = fn;
    s->on_close_self = self;
    if (fn)
        stream_again(s);
}

void stream_on_readable(struct stream *s, callback *fn, void *self)
{
    s->on_readable = fn;
    s->on_readable_self = self;
    if (!fn)
        return;
    stream_read_begin(s);
    if (buffer_len(&s->read.in) == 0)
        shelf_give_back(s->loop, &s->read.in);
    if (stream_readable(s))
        stream_again(s);
}

bool stream_readable(const struct stream *s)
{
    return stream_unread(s).len || stream_read_error(s) || s->told & (READABLE | BROKEN);
}

void stream_take(struct stream *s, size_t len)
{
    stream_read_begin(s);
    s->read.taken = len;
    if (s->on_close)
        stream_again(s);
}
