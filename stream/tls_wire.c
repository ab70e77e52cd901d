/* tls_wire.c - TLS as the wire of a stream. See tls.h.
 *
 * A stream that speaks TLS has one of three wires: it shakes hands, it is open, or it is dead. While it shakes hands bytes are
 * moved between the descriptor and the engine's buffers, in turns with jobs that compute; the stream's reads and writes are
 * told of nothing, and wait. When it is open, `told` means that a try is worth while: a read may wait for room, and a write for
 * what comes, so whatever the loop tells is told to both, and the engine asks the descriptor only for what it was told of.
 *
 * Trap: while a job runs the engine is its thread's. The layer cannot find it then, whatever the stream does. */
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include "loop/executor.h"
#include "loop/require.h"
#include "stream/stream_inside.h"
#include "stream/tls_engine_inside.h"

enum { PORTION = 16384, LITTLE = 4096 };

struct tls_layer {
    struct tls_raw raw;
    struct tls_engine *engine;      /* NULL: a job has it */
    struct future step;             /* the job's */
    struct future *f;               /* the handshake's: pending, or answered and not delivered; else NULL */
    char subject[256];              /* of the other side's certificate; empty: not asked for yet */
    char alpn[256];
};

/* ---- dead: the handshake has failed ------------------------------------------------------------------------------ */

/* The layer is the future that has not heard of it, or NULL. */
static ssize_t dead_read(struct stream *s, char *data, size_t size)
{
    (void)data, (void)size;
    return s->broken;
}

static ssize_t dead_write(struct stream *s, const struct iovec *portions, int count)
{
    (void)portions, (void)count;
    return s->broken;
}

static int dead_shutdown(struct stream *s)
{
    return s->broken;
}

static void dead_ready(struct stream *s, int mask)
{
    (void)s, (void)mask;
}

static void dead_close(struct stream *s)
{
    if (s->layer)
        future_detach(s->layer);
}

static const struct wire dead = { dead_read, dead_write, dead_shutdown, dead_ready, dead_close, NULL };

/* ---- open -------------------------------------------------------------------------------------------------------- */

static struct tls_engine *engine_of(const struct stream *s)
{
    return ((struct tls_layer *)s->layer)->engine;
}

/* What TLS itself has failed with has its own sentence. */
static void explain(struct stream *s, const struct tls_reason *end)
{
    if (end->why) {
        s->broken = end->rc;
        s->why = end->why;
    }
}

static ssize_t open_read(struct stream *s, char *data, size_t size)
{
    struct tls_engine *e = engine_of(s);
    ssize_t n = 0;
    size_t got = 0;
    while (got < size && (n = tls_engine_read(e, data + got, size - got)) > 0)
        got += (size_t)n;
    tls_engine_keep_session(e);
    if (n == -EAGAIN)
        s->told &= ~(READABLE | BROKEN);
    else if (n < 0 && got == 0)
        explain(s, &e->read_end);
    return got ? (ssize_t)got : n;
}

/* Adds what was taken of it to *taken. 0, or why not all. */
static ssize_t write_portion(struct tls_engine *e, struct iovec portion, size_t *taken)
{
    for (size_t at = 0; at < portion.iov_len;) {
        ssize_t n = tls_engine_write(e, (const char *)portion.iov_base + at, portion.iov_len - at);
        if (n < 0)
            return n;
        at += (size_t)n;
        *taken += (size_t)n;
    }
    return 0;
}

/* Where a part was taken, the reason why the rest was not comes the next time. */
static ssize_t open_write(struct stream *s, const struct iovec *portions, int count)
{
    struct tls_engine *e = engine_of(s);
    size_t taken = 0;
    ssize_t rc = 0;
    for (int i = 0; i < count && rc == 0; i++)
        rc = write_portion(e, portions[i], &taken);
    s->write.begun = e->begun;
    if (rc == -EAGAIN)
        s->told &= ~WRITABLE;
    else if (rc < 0 && taken)
        stream_again(s);
    else if (rc < 0)
        explain(s, &e->write_end);
    return taken ? (ssize_t)taken : rc;
}

static int open_shutdown(struct stream *s)
{
    int rc = tls_engine_goodbye(engine_of(s));
    if (rc == -EAGAIN)
        s->told &= ~WRITABLE;
    return rc < 0 ? rc : s->sys->shutdown(s->sys, s->fd, SHUT_WR);
}

/* A full pipe whose reader is gone is BROKEN, and not WRITABLE: the next write says so. */
static void note(struct stream *s, int mask)
{
    struct tls_layer *l = s->layer;
    l->raw.told |= mask & BROKEN ? mask | WRITABLE : mask;
}

static void open_ready(struct stream *s, int mask)
{
    note(s, mask);
    tls_engine_flush(engine_of(s));
    s->told |= READABLE | WRITABLE;
}

/* Ends what the layer has; whoever waits for the handshake is the caller's. */
static void layer_free(struct stream *s)
{
    struct tls_layer *l = s->layer;
    future_cancel(&l->step);
    if (l->engine)
        tls_engine_free(l->engine);
    sys_free(s->sys, l);
    s->layer = NULL;
}

static void layer_close(struct stream *s)
{
    struct tls_layer *l = s->layer;
    if (l->f)
        future_detach(l->f);
    layer_free(s);
}

/* What has come and nobody read, a server's tickets or a goodbye, would make a reset of the close, which may overtake what was
 * sent: a little of it is taken off. */
static void open_close(struct stream *s)
{
    struct tls_engine *e = engine_of(s);
    char unread[LITTLE];
    if (stream_unsent(s) == 0 && !s->write.down && !s->write.error && e->read_end.rc == 0)
        tls_engine_goodbye(e);
    s->sys->read(s->sys, s->fd, unread, sizeof unread);
    layer_close(s);
}

static const struct wire opened = { open_read, open_write, open_shutdown, open_ready, open_close, NULL };

/* ---- it shakes hands --------------------------------------------------------------------------------------------- */

static void die(struct stream *s, struct future *f, int rc, const char *why)
{
    s->wire = &dead;
    s->layer = f;
    s->broken = rc;
    s->why = why;
    s->told = READABLE | WRITABLE;
    if (f)
        future_fail(f, rc, why);
    stream_again(s);
}

static void bury(struct stream *s, int rc, const char *why)
{
    struct future *f = ((struct tls_layer *)s->layer)->f;
    layer_free(s);
    die(s, f, rc, why);
}

static void open_up(struct stream *s)
{
    struct tls_layer *l = s->layer;
    s->wire = &opened;
    s->told = READABLE | WRITABLE;
    l->engine->direct = true;
    tls_engine_keep_session(l->engine);
    if (l->f)
        future_resolve(l->f, 0, NULL);
    stream_again(s);
}

static void advance(struct stream *s);

static void stepped(void *self, int rc)
{
    struct stream *s = self;
    struct tls_layer *l = s->layer;
    if (rc < 0) {
        bury(s, rc, l->step.why);
        return;
    }
    l->engine = l->step.value;
    advance(s);
}

static void compute(struct stream *s)
{
    struct tls_layer *l = s->layer;
    struct executor *ex = loop_executor(s->loop);
    if (!ex) {
        bury(s, -errno, "the handshake found no executor to be computed on");
        return;
    }
    struct tls_engine *e = l->engine;
    l->engine = NULL;
    executor_run(ex, tls_engine_shake, e, tls_engine_free, future_then(&l->step, stepped, s));
}

/* One portion for the engine: the count, 0: the end, -EAGAIN, -errno. */
static ssize_t take(struct stream *s)
{
    struct tls_layer *l = s->layer;
    char *room;
    if (!(l->raw.told & (READABLE | BROKEN)))
        return -EAGAIN;
    ssize_t n = buffer_room(&l->engine->came, s->sys, PORTION, SIZE_MAX, &room);
    if (n < 0)
        return n;
    n = tls_raw_read(&l->raw, room, PORTION);
    if (n > 0)
        buffer_put(&l->engine->came, (size_t)n);
    buffer_rest(&l->engine->came, s->sys);
    return n;
}

/* Why NULL: it is the descriptor's failure, 0 for its end, or want of memory. */
static void fail(struct stream *s, int rc, const char *why)
{
    if (rc == 0)
        bury(s, -ECONNABORTED, "the other side has left in the middle of the handshake: ask its log why");
    else if (!why)
        bury(s, rc, rc == -ENOMEM ? "no memory for the handshake" : "the connection broke in the middle of the handshake");
    else
        bury(s, rc, why);
}

/* Until a job has the engine, or the descriptor has to be waited for. What cannot be sent is not the end: an alert may have
 * come that says why. */
static void advance(struct stream *s)
{
    struct tls_engine *e = engine_of(s);
    if (!e)
        return;
    int sent = tls_engine_flush(e);
    if (e->read_end.rc) {
        fail(s, e->read_end.rc, e->read_end.why);
    } else if (e->done && (sent == 0 || sent == -EAGAIN)) {
        open_up(s);
    } else if (sent != -EAGAIN) {
        ssize_t came = take(s);
        if (came > 0)
            compute(s);
        else if (sent < 0 || came != -EAGAIN)
            fail(s, sent < 0 ? sent : (int)came, NULL);
    }
}

static ssize_t shaking_read(struct stream *s, char *data, size_t size)
{
    (void)data, (void)size;
    s->told &= ~(READABLE | BROKEN);
    return -EAGAIN;
}

static ssize_t shaking_write(struct stream *s, const struct iovec *portions, int count)
{
    (void)portions, (void)count;
    s->told &= ~WRITABLE;
    return -EAGAIN;
}

static int shaking_shutdown(struct stream *s)
{
    (void)s;
    return -EAGAIN;
}

static void shaking_ready(struct stream *s, int mask)
{
    note(s, mask);
    advance(s);
}

static const struct wire shaking = { shaking_read, shaking_write, shaking_shutdown, shaking_ready, layer_close, NULL };

/* ---- the handshake's future -------------------------------------------------------------------------------------- */

static void handshake_cancel(void *self)
{
    struct stream *s = self;
    ((struct tls_layer *)s->layer)->f = NULL;
    bury(s, -ECANCELED, "the handshake was cancelled");
}

static void handshake_delivered(void *self)
{
    struct stream *s = self;
    if (s->wire == &dead)
        s->layer = NULL;
    else
        ((struct tls_layer *)s->layer)->f = NULL;
}

/* What was read ahead is the engine's now; an answer before it is still lent. */
static void forget_read_ahead(struct stream *s)
{
    struct reading *r = &s->read;
    if (r->taken)
        reading_lend(r);
    else
        buffer_take(&r->in, buffer_len(&r->in));
}

static void require_idle(const struct stream *s, const struct tls *tls, const char *name)
{
    const struct tls_own *own = (const struct tls_own *)tls;
    REQUIRE(s->wire != &shaking && s->wire != &opened && s->wire != &dead,
            "stream_start_tls: this stream speaks TLS already, or has tried to");
    REQUIRE(!s->read.f, "stream_start_tls: a read is pending: what it waits for would come encrypted");
    REQUIRE(stream_unsent(s) == 0 && !s->write.ending, "stream_start_tls: what was written before must have been sent, and more "
            "be allowed: wait for the last write");
    REQUIRE(tls->server || name || own->trust == TLS_BELIEVE_ANYBODY, "stream_start_tls: a client says whom it calls: "
            "a certificate for anybody is worth nothing");
}

struct future *stream_start_tls(struct stream *s, struct tls *tls, const char *name, struct future *f)
{
    static const struct op op = { .name = "TLS handshake", .cancel = handshake_cancel, .delivered = handshake_delivered };
    require_idle(s, tls, name);
    struct tls_layer *l = sys_new(s->sys, sizeof *l);
    struct tls_reason reason = { -ENOMEM, "no memory for TLS" };
    if (f)
        future_start(f, s->loop, &op, s);
    if (l) {
        *l = (struct tls_layer){ .raw = { s, s->told }, .f = f };
        l->engine = tls_engine_new(&l->raw, (struct tls_own *)tls, name, stream_unread(s), &reason);
        forget_read_ahead(s);
    }
    if (!l || !l->engine) {
        sys_free(s->sys, l);
        die(s, f, reason.rc, reason.why);
        return f;
    }
    s->layer = l;
    s->wire = &shaking;
    s->told = 0;
    if (!tls->server || buffer_len(&l->engine->came))
        compute(s);
    else
        advance(s);
    return f;
}

/* ---- facts ------------------------------------------------------------------------------------------------------- */

static const char *subject_of(struct tls_layer *l)
{
    X509 *certificate = SSL_get0_peer_certificate(l->engine->ssl);
    BIO *out = certificate && !l->subject[0] ? BIO_new(BIO_s_mem()) : NULL;
    if (out) {
        X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
        BIO_gets(out, l->subject, sizeof l->subject);
        BIO_free(out);
    }
    return certificate ? l->subject : NULL;
}

static const char *protocol_of(struct tls_layer *l)
{
    const unsigned char *name;
    unsigned len;
    SSL_get0_alpn_selected(l->engine->ssl, &name, &len);
    if (len == 0)
        return NULL;
    memcpy(l->alpn, name, len);
    l->alpn[len] = '\0';
    return l->alpn;
}

bool stream_tls(const struct stream *s, struct tls_facts *out)
{
    if (s->wire != &opened)
        return false;
    struct tls_engine *e = engine_of(s);
    *out = (struct tls_facts){
        .version = SSL_get_version(e->ssl),
        .cipher = SSL_get_cipher_name(e->ssl),
        .alpn = protocol_of(s->layer),
        .name = e->own->tls.server ? SSL_get_servername(e->ssl, TLSEXT_NAMETYPE_host_name) : NULL,
        .peer = subject_of(s->layer),
        .resumed = SSL_session_reused(e->ssl),
    };
    return true;
}
