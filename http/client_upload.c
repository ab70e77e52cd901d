/* client_upload.c - the body of a request in pieces. See client_upload.h for the trap. */
#include "http/client_upload.h"

#include <errno.h>

#include "http/chunked.h"
#include "loop/require.h"

static struct loop *loop_of(const struct http_upload *u)
{
    return stream_loop(u->stream);
}

void upload_begin(struct http_upload *u, struct stream *s, int64_t length)
{
    *u = (struct http_upload){ .stream = s, .left = length };
}

void upload_end(struct http_upload *u)
{
    if (u->f)
        future_detach(u->f);
    future_cancel(&u->sent);
    if (u->stream)
        buffer_end(&u->piece, loop_sys(loop_of(u)));
    u->stream = NULL;
}

/* ---- one piece ------------------------------------------------------------------------------------------------------ */

static void forget(void *self)
{
    struct http_upload *u = self;
    u->f = NULL;
    future_cancel(&u->sent);
}

static void answered(void *self)
{
    ((struct http_upload *)self)->f = NULL;
}

static const char *why_not(int rc)
{
    switch (-rc) {
    case EMSGSIZE:  return "more than the length that was said for the body";
    case ENOMEM:    return "no memory for a piece of the body";
    default:        return "the server takes no more of the body, or has answered before it had all";
    }
}

static void on_sent(void *self, int rc)
{
    struct http_upload *u = self;
    if (rc < 0)
        future_fail(u->f, rc, u->sent.why ? u->sent.why : why_not(rc));
    else
        future_resolve(u->f, (int)u->len, NULL);
}

/* As it goes over the wire, in one piece: where its length stands apart, Nagle's algorithm would hold it back. */
static int make_chunk(struct http_upload *u, struct bytes *bytes)
{
    struct sys *sys = loop_sys(loop_of(u));
    char line[CHUNK_TEXT];
    buffer_take(&u->piece, buffer_len(&u->piece));
    int rc = buffer_add(&u->piece, sys, (struct bytes){ line, chunked_begin(bytes->len, line) }, SIZE_MAX);
    if (rc == 0)
        rc = buffer_add(&u->piece, sys, *bytes, SIZE_MAX);
    if (rc == 0)
        rc = buffer_add(&u->piece, sys, text_of("\r\n"), SIZE_MAX);
    *bytes = buffer_bytes(&u->piece);
    return rc;
}

static int prepare(struct http_upload *u, struct bytes *bytes)
{
    if (u->answered)
        return -EPIPE;
    if (u->left < 0)
        return bytes->len ? make_chunk(u, bytes) : 0;
    if ((int64_t)bytes->len > u->left)
        return -EMSGSIZE;
    u->left -= (int64_t)bytes->len;
    return 0;
}

struct future *http_upload_write(struct http_upload *u, struct bytes bytes, struct future *f)
{
    static const struct op op = { .name = "http upload", .cancel = forget, .delivered = answered };
    REQUIRE(!u->f, "one http_upload_write at a time: the previous one has not finished");
    u->f = future_start(f, loop_of(u), &op, u);
    u->len = bytes.len;
    int rc = prepare(u, &bytes);
    if (rc < 0)
        future_fail(f, rc, why_not(rc));
    else if (u->lent)
        stream_write_owned(u->stream, bytes, NULL, NULL, future_then(&u->sent, on_sent, u));
    else
        stream_write(u->stream, bytes, future_then(&u->sent, on_sent, u));
    return f;
}

/* ---- its end -------------------------------------------------------------------------------------------------------- */

void upload_answered(struct http_upload *u)
{
    u->answered = true;
    if (!u->f || future_done(u->f))
        return;
    future_cancel(&u->sent);
    future_fail(u->f, -EPIPE, why_not(-EPIPE));
}

int upload_finish(struct http_upload *u)
{
    if (u->answered)
        return 0;
    if (u->left >= 0)
        return u->left > 0 ? -EINVAL : 0;
    stream_write(u->stream, text_of("0\r\n\r\n"), &u->sent);
    return future_done(&u->sent) && u->sent.rc < 0 ? u->sent.rc : 0;
}
