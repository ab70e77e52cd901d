/* exchange_file.c - files as bodies of replies. See exchange.h and file_source.h.
 *
 * Trap: a handler that waits may be cancelled there, and the client may have left. What a thread holds then is the executor's to
 * end, and what is being sent the stream's; the handler ends what it holds itself. */
#include <errno.h>

#include "http/file_source.h"
#include "http/server_inside.h"
#include "loop/co.h"

enum { PIECE = 131072 };

/* ---- on other threads ------------------------------------------------------------------------------------------------ */

void source_close(struct source *s)
{
    if (s->fd >= 0)
        s->sys->close(s->sys, s->fd);
    s->fd = -1;
}

/* The next piece, or all that is left. */
static int read_piece(struct source *s)
{
    size_t want = s->end - s->at < PIECE ? (size_t)(s->end - s->at) : PIECE;
    if (!s->data && !(s->data = s->sys->memory(s->sys, NULL, want ? want : 1)))
        return -ENOMEM;
    for (s->len = 0; s->len < want && !executor_cancelled();) {
        ssize_t n = s->sys->read_at(s->sys, s->fd, s->data + s->len, want - s->len, s->at);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return n ? (int)n : -ENODATA;
        s->len += (size_t)n;
        s->at += n;
    }
    return 0;
}

static bool is_small(const struct source *s)
{
    return s->end - s->at <= SOURCE_SMALL;
}

/* How many bytes are in the conduit now; 0: they must be read; -errno. */
static ssize_t fill(struct source *s)
{
    ssize_t n = conduit_fill(s->sys, s->conduit, s->fd, s->at, (size_t)(s->end - s->at));
    s->at += n > 0 ? n : 0;
    s->copies = n == -EINVAL || n == -ENOSYS;
    return n == 0 ? -ENODATA : s->copies ? 0 : n;
}

int source_next(struct source *s)
{
    ssize_t n = s->conduit && !is_small(s) ? fill(s) : 0;
    int rc = n ? 0 : read_piece(s);
    if (n < 0 || rc < 0)
        return n < 0 ? (int)n : rc;
    if (s->at == s->end)
        source_close(s);
    return 0;
}

/* Whether it could is in s->error: it must come back. */
static int take_piece(void *self)
{
    struct source *s = self;
    s->error = source_next(s);
    return 0;
}

/* ---- on the loop ----------------------------------------------------------------------------------------------------- */

void source_begin(struct source *s, struct exchange *x)
{
    s->copies = !stream_takes_conduits(exchange_stream(x)) || pack_expected(x);
    if (!s->copies)
        s->conduit = conduit_spare(s->loop);
}

bool source_is_ready(const struct source *s)
{
    return s->copies || s->conduit || is_small(s);
}

void source_end(struct source *s)
{
    source_close(s);
    conduit_put(s->loop, s->conduit);
    sys_free(s->sys, s->data);
}

static bool has_piece(const struct source *s)
{
    return s->len || (s->conduit && s->conduit->held);
}

/* NULL, if it did not come back. Without a conduit it is read. */
static int take_next(struct source **source, struct executor *ex, release_fn *release)
{
    struct source *s = *source;
    struct future f = {0};
    if (!source_is_ready(s))
        s->conduit = conduit_take(s->loop);
    int rc = await(executor_run(ex, take_piece, s, release, &f));
    if (rc < 0)
        *source = NULL;
    return rc < 0 ? rc : s->error;
}

/* When all that was said before is on its way; what comes behind it waits for us. */
static int send_through(struct exchange *x, struct conduit *conduit)
{
    struct connection *c = x->c;
    struct future f = {0};
    connection_flush(c);
    int rc = stream_unsent(c->stream) ? await(stream_write(c->stream, (struct bytes){0}, &f)) : 0;
    if (rc < 0) {
        conduit_put(c->server->loop, conduit);
    } else {
        size_t len = conduit->held;
        stream_write_conduit(c->stream, conduit, &f);
        connection_count(c, len);
        rc = await(&f);
    }
    if (rc < 0)
        reply_break_off(x);
    return rc;
}

/* As exchange_write, awaited. */
static int send_pages(struct exchange *x, struct conduit *conduit)
{
    char size[CHUNK_TEXT];
    const char *why;
    int rc = reply_take(x, conduit->held, &why);
    if (rc < 0) {
        conduit_put(x->c->server->loop, conduit);
        return rc;
    }
    if (x->chunks)
        connection_send(x->c, (struct bytes){ size, chunked_begin(conduit->held, size) }, NULL);
    rc = send_through(x, conduit);
    if (rc >= 0 && x->chunks)
        connection_send(x->c, text_of("\r\n"), NULL);
    return rc;
}

static int send_piece(struct source *s, struct exchange *x)
{
    struct future sent = {0};
    struct conduit *conduit = s->len ? NULL : s->conduit;
    struct bytes bytes = { s->data, s->len };
    s->len = 0;
    if (!conduit)
        return await(exchange_write(x, bytes, &sent));
    s->conduit = NULL;
    return send_pages(x, conduit);
}

int source_send(struct source **source, struct exchange *x, struct executor *ex, release_fn *release)
{
    int rc = 0;
    if (x->bare)
        return 0;
    while (rc >= 0 && (has_piece(*source) || (*source)->at < (*source)->end)) {
        rc = has_piece(*source) ? 0 : take_next(source, ex, release);
        if (rc >= 0)
            rc = send_piece(*source, x);
    }
    return rc < 0 ? rc : 0;
}

static void release_source(void *self)
{
    struct source *s = self;
    if (!s)
        return;
    source_end(s);
    sys_free(s->sys, s);
}

int exchange_send_file(struct exchange *x, int fd, int64_t offset, int64_t len)
{
    struct loop *loop = exchange_loop(x);
    struct sys *sys = loop_sys(loop);
    struct executor *ex = loop_executor(loop);
    struct source *s = ex ? sys_new(sys, sizeof *s) : NULL;
    if (!s) {
        int rc = -errno;
        sys->close(sys, fd);
        return rc;
    }
    *s = (struct source){ .loop = loop, .sys = sys, .fd = fd, .at = offset, .end = offset + len };
    if (!x->began)
        exchange_begin(x, 200, -1);
    source_begin(s, x);
    int rc = source_send(&s, x, ex, release_source);
    release_source(s);
    return rc;
}
