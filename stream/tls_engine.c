/* tls_engine.c - OpenSSL, for one stream. See tls_engine_inside.h.
 *
 * OpenSSL sends and takes through a BIO of ours: a pair of buffers while it shakes hands, which may happen on another thread; the
 * descriptor afterwards. Traps: its errors stand in a queue of the thread, where an old one is taken for a new one; so it is
 * emptied before each call. And an end that nobody has announced is an error: whoever can cut a connection could
 * else cut off the end of what it says. */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "stream/address.h"
#include "stream/stream_inside.h"
#include "stream/tls_engine_inside.h"

enum { MOST_ANSWERS = 20000 };      /* bytes that wait to be sent: a record, and some answers */

/* ---- the descriptor ---------------------------------------------------------------------------------------------- */

static void raw_drained(struct tls_raw *r, int mask)
{
    r->told &= ~mask;
    loop_drained(r->stream->loop, r->stream->fd, mask);
}

ssize_t tls_raw_read(struct tls_raw *r, char *data, size_t size)
{
    struct stream *s = r->stream;
    ssize_t n = -EAGAIN;
    if (!(r->told & (READABLE | BROKEN)))
        return n;
    do
        n = s->sys->read(s->sys, s->fd, data, size);
    while (n == -EINTR);
    if (n == -EAGAIN)
        raw_drained(r, READABLE | BROKEN);
    else if (n > 0 && (size_t)n < size)
        raw_drained(r, READABLE);
    return n;
}

ssize_t tls_raw_write(struct tls_raw *r, const char *data, size_t size)
{
    struct stream *s = r->stream;
    ssize_t n = -EAGAIN;
    if (!(r->told & WRITABLE))
        return n;
    do
        n = s->sys->write(s->sys, s->fd, data, size);
    while (n == -EINTR);
    if (n == -EAGAIN || (n >= 0 && (size_t)n < size))
        raw_drained(r, WRITABLE);
    return n;
}

/* ---- how OpenSSL sees it ----------------------------------------------------------------------------------------- */

static ssize_t take(struct tls_engine *e, char *data, size_t size)
{
    struct bytes came = buffer_bytes(&e->came);
    if (came.len == 0)
        return e->direct ? tls_raw_read(e->raw, data, size) : -EAGAIN;
    size_t len = came.len < size ? came.len : size;
    memcpy(data, came.data, len);
    buffer_take(&e->came, len);
    buffer_rest(&e->came, e->sys);
    return (ssize_t)len;
}

/* What the descriptor does not take waits in `going`, and while it does the descriptor is not tried: so OpenSSL never has half
 * a record in its hands, but without memory. Nor does it hear that nothing can be sent any more: what came before can be read
 * all the same. */
static ssize_t give(struct tls_engine *e, const char *data, size_t size)
{
    ssize_t n = e->direct ? tls_raw_write(e->raw, data, size) : -EAGAIN;
    if (n < 0 && n != -EAGAIN)
        e->write_end = (struct tls_reason){ (int)n, NULL };
    if (e->write_end.rc)
        return (ssize_t)size;
    size_t sent = n > 0 ? (size_t)n : 0;
    int rc = buffer_add(&e->going, e->sys, (struct bytes){ data + sent, size - sent }, SIZE_MAX);
    if (rc < 0)
        return e->direct ? n : rc;
    return (ssize_t)size;
}

static int bio_read(BIO *bio, char *data, int size)
{
    struct tls_engine *e = BIO_get_data(bio);
    ssize_t n = take(e, data, (size_t)size);
    BIO_clear_retry_flags(bio);
    if (n == -EAGAIN)
        BIO_set_retry_read(bio);
    else if (n <= 0)
        e->io = (int)n;
    return n > 0 ? (int)n : n == 0 ? 0 : -1;
}

static int bio_write(BIO *bio, const char *data, int size)
{
    struct tls_engine *e = BIO_get_data(bio);
    ssize_t n = give(e, data, (size_t)size);
    BIO_clear_retry_flags(bio);
    if (n == -EAGAIN)
        BIO_set_retry_write(bio);
    else if (n < 0)
        e->io = (int)n;
    return n >= 0 ? (int)n : -1;
}

static long bio_control(BIO *bio, int what, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return what == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_engine_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "eddy's stream");
    if (m) {
        BIO_meth_set_read(m, bio_read);
        BIO_meth_set_write(m, bio_write);
        BIO_meth_set_ctrl(m, bio_control);
    }
    return m;
}

/* ---- making one -------------------------------------------------------------------------------------------------- */

/* Whom the certificate must be for; SNI has names, not addresses. False: that is no name. */
static bool call(struct tls_engine *e, const char *name)
{
    X509_VERIFY_PARAM *wanted = SSL_get0_param(e->ssl);
    struct address literal;
    if (address_parse(name, 0, &literal) == 0) {
        const struct sockaddr_in *v4 = (const void *)&literal.at;
        const struct sockaddr_in6 *v6 = (const void *)&literal.at;
        if (literal.at.ss_family == AF_INET)
            return X509_VERIFY_PARAM_set1_ip(wanted, (const unsigned char *)&v4->sin_addr, sizeof v4->sin_addr);
        return literal.at.ss_family == AF_INET6 &&
               X509_VERIFY_PARAM_set1_ip(wanted, (const unsigned char *)&v6->sin6_addr, sizeof v6->sin6_addr);
    }
    SSL_set_hostflags(e->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return name[0] && SSL_set1_host(e->ssl, name) && SSL_set_tlsext_host_name(e->ssl, name);
}

/* "example.org." is the same name, and no certificate has that dot. */
static char *name_copy(struct sys *sys, const char *name)
{
    size_t len = strlen(name);
    char *copy = sys->memory(sys, NULL, len + 1);
    if (copy)
        memcpy(copy, name, len + 1);
    if (copy && len > 1 && copy[len - 1] == '.')
        copy[len - 1] = '\0';
    return copy;
}

/* Without the port it is another server's session. */
static void resume(struct tls_engine *e, const struct stream *s)
{
    struct address peer;
    if (e->own->most_sessions == 0 || s->sys->peername(s->sys, s->fd, &peer) < 0) {
        e->port = -1;
        return;
    }
    e->port = address_port(&peer);
    SSL_SESSION *session = tls_session_take(e->own, e->name, e->port);
    if (session)
        SSL_set_session(e->ssl, session);
    SSL_SESSION_free(session);
}

static bool make_ssl(struct tls_engine *e)
{
    BIO *bio = BIO_new(e->own->method);
    e->ssl = bio ? SSL_new(e->own->tls.context) : NULL;
    if (!e->ssl) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, e);
    BIO_set_init(bio, 1);
    SSL_set_bio(e->ssl, bio, bio);
    SSL_set_app_data(e->ssl, e);
    if (e->own->tls.server)
        SSL_set_accept_state(e->ssl);
    else
        SSL_set_connect_state(e->ssl);
    return true;
}

struct tls_engine *tls_engine_new(struct tls_raw *raw, struct tls_own *own, const char *name, struct bytes read_ahead,
                                  struct tls_reason *reason)
{
    struct stream *s = raw->stream;
    struct tls_engine *e = sys_new(s->sys, sizeof *e);
    *reason = (struct tls_reason){ -ENOMEM, "no memory for TLS" };
    if (!e)
        return NULL;
    e->sys = s->sys;
    e->own = own;
    e->raw = raw;
    own->used = true;
    own->tls.hold(&own->tls, 1);
    ERR_clear_error();
    if (!make_ssl(e) || buffer_add(&e->came, s->sys, read_ahead, SIZE_MAX) < 0)
        goto fail;
    if (!name || own->tls.server)
        return e;
    e->name = name_copy(s->sys, name);
    if (!e->name)
        goto fail;
    if (call(e, e->name)) {
        resume(e, s);
        return e;
    }
    *reason = (struct tls_reason){ -EINVAL, "whom TLS is to call is no name and no address: say for whom the certificate must "
                                   "be" };
fail:
    ERR_clear_error();
    tls_engine_free(e);
    return NULL;
}

void tls_engine_free(void *engine)
{
    struct tls_engine *e = engine;
    SSL_free(e->ssl);
    SSL_SESSION_free(e->fresh);
    buffer_end(&e->came, e->sys);
    buffer_end(&e->going, e->sys);
    sys_free(e->sys, e->name);
    e->own->tls.hold(&e->own->tls, -1);
    sys_free(e->sys, e);
}

void tls_engine_keep_session(struct tls_engine *e)
{
    if (e->fresh && e->name && e->port >= 0)
        tls_session_keep(e->own, e->name, e->port, e->fresh);
    else
        SSL_SESSION_free(e->fresh);
    e->fresh = NULL;
}

/* ---- what a call has come to ------------------------------------------------------------------------------------- */

static void before(struct tls_engine *e)
{
    ERR_clear_error();
    e->io = 0;
}

/* Of one that has returned rc <= 0: -EAGAIN, 0 for a goodbye, or -errno, maybe with a sentence. */
static struct tls_reason outcome(struct tls_engine *e, int rc, const char *cut_off)
{
    switch (SSL_get_error(e->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return (struct tls_reason){ -EAGAIN, NULL };
    case SSL_ERROR_ZERO_RETURN:
        return (struct tls_reason){0};
    case SSL_ERROR_SYSCALL:
        return e->io < 0 ? (struct tls_reason){ e->io, NULL } : (struct tls_reason){ -ECONNABORTED, cut_off };
    default:
        e->write_end = tls_reason(e->ssl);
        return e->write_end;
    }
}

/* ---- shaking hands ----------------------------------------------------------------------------------------------- */

int tls_engine_shake(void *engine)
{
    struct tls_engine *e = engine;
    before(e);
    int rc = SSL_do_handshake(e->ssl);
    e->done = rc == 1;
    if (!e->done)
        e->read_end = outcome(e, rc, NULL);
    if (e->read_end.rc == -EAGAIN)
        e->read_end.rc = 0;
    ERR_clear_error();
    return 0;
}

/* ---- afterwards -------------------------------------------------------------------------------------------------- */

int tls_engine_flush(struct tls_engine *e)
{
    for (struct bytes rest; (rest = buffer_bytes(&e->going)).len > 0;) {
        ssize_t n = tls_raw_write(e->raw, rest.data, rest.len);
        if (n == -EAGAIN)
            return -EAGAIN;
        if (n < 0)
            e->write_end = (struct tls_reason){ (int)n, NULL };
        buffer_take(&e->going, n < 0 ? rest.len : (size_t)n);
    }
    buffer_end(&e->going, e->sys);
    return e->write_end.rc;
}

/* Whoever asks for new keys without end, and does not read the answers, is not listened to any more. */
ssize_t tls_engine_read(struct tls_engine *e, char *data, size_t size)
{
    if (e->read_end.rc || buffer_len(&e->going) > MOST_ANSWERS)
        return e->read_end.rc ? e->read_end.rc : -EAGAIN;
    before(e);
    int n = SSL_read(e->ssl, data, size < INT_MAX ? (int)size : INT_MAX);
    if (n > 0)
        return n;
    struct tls_reason end = outcome(e, n, "the connection ended without TLS's goodbye: what has come may be cut off");
    if (end.rc != -EAGAIN)
        e->read_end = end;
    return end.rc;
}

/* Has OpenSSL take some of the bytes. 0, -EAGAIN or -errno. */
static int encrypt(struct tls_engine *e, const char *data, size_t size)
{
    before(e);
    e->begun = true;
    int n = SSL_write(e->ssl, data, size < INT_MAX ? (int)size : INT_MAX);
    e->taken = n > 0 ? n : 0;
    return n > 0 ? 0 : outcome(e, n, NULL).rc;
}

/* What was taken is said when the descriptor has it. */
ssize_t tls_engine_write(struct tls_engine *e, const char *data, size_t size)
{
    int rc = tls_engine_flush(e);
    if (rc == 0 && e->taken == 0) {
        rc = encrypt(e, data, size);
        rc = rc < 0 ? rc : tls_engine_flush(e);
    }
    if (rc < 0)
        return rc;
    int n = e->taken;
    e->taken = 0;
    e->begun = false;
    return n;
}

int tls_engine_goodbye(struct tls_engine *e)
{
    int rc = tls_engine_flush(e);
    if (rc < 0 || e->parted)
        return rc;
    before(e);
    rc = SSL_shutdown(e->ssl);
    if (rc < 0)
        return outcome(e, rc, NULL).rc;
    e->parted = true;
    return tls_engine_flush(e);
}
