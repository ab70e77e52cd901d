/* client_dial.c - a new connection. See client_dial.h.
 *
 * Traps: (a) a program that never says tls must link without OpenSSL: so a handshake is begun through the struct tls itself.
 *        (b) a head and a body are two writes: with Nagle's algorithm the second would wait for the first one's
 *            acknowledgement. */
#include "http/client_dial.h"

#include <errno.h>
#include <string.h>

#include "stream/tls_inside.h"

enum { NAME = 260 };

static size_t put(char *out, size_t at, const void *data, size_t len)
{
    memcpy(out + at, data, len);
    return at + len;
}

size_t dial_key(const struct dial *d, char out[DIAL_KEY])
{
    size_t at = 0, proxy = d->proxy ? strlen(d->proxy->url) + 1 : 0;
    at = put(out, at, &proxy, sizeof proxy);
    at = put(out, at, &d->family, sizeof d->family);
    at = put(out, at, &d->tls, sizeof d->tls);
    if (proxy)
        at = put(out, at, d->proxy->url, proxy);
    if (proxy && !d->tls)
        return at;
    at = put(out, at, &d->port, sizeof d->port);
    at = put(out, at, d->host, strnlen(d->host, NAME) + 1);
    return d->tls ? put(out, at, d->called, strnlen(d->called, NAME) + 1) : at;
}

const char *dialled(const struct stream *s, char out[ADDRESS_TEXT])
{
    struct sys *sys = loop_sys(stream_loop(s));
    struct address a;
    out[0] = '\0';
    return sys->peername(sys, stream_fd(s), &a) < 0 ? out : address_text(&a, out);
}

/* Whom it connects to. */
static const char *host_of(const struct dial *d)
{
    return d->proxy ? d->proxy->at.host : d->host;
}

static int port_of(const struct dial *d)
{
    return d->proxy ? d->proxy->at.port : d->port;
}

/* Its addresses, which are the caller's. */
static int look_up(const struct dial *d, struct addresses **out, const char **why, struct sentence *said)
{
    struct resolver *r = d->resolver ? d->resolver : loop_resolver(d->loop);
    struct future f = {0};
    phases_enter(d->phases, HTTP_NAME);
    int rc = r ? await(resolver_find(r, host_of(d), port_of(d), d->family, &f)) : -ENOMEM;
    if (rc < 0) {
        *why = f.why ? f.why : "the name could not be looked up";
        resolver_explain(host_of(d), rc, said->text, sizeof said->text);
        return rc;
    }
    *out = f.value;
    return 0;
}

static int join(const struct dial *d, struct addresses *where, struct stream **out, const char **why, struct sentence *said)
{
    struct tcp_connect how = { .host = host_of(d), .port = port_of(d), .addresses = where, .failure = said };
    struct future f = {0};
    phases_enter(d->phases, HTTP_CONNECT);
    int rc = await(tcp_connect(d->loop, &how, &f));
    if (rc < 0) {
        *why = f.why;
        return rc;
    }
    *out = f.value;
    stream_set_nodelay(*out, true);     /* of a unix socket it says no: there is no delay */
    return 0;
}

static int pass_through(const struct dial *d, struct stream *s, const char **why, struct sentence *said)
{
    struct tunnel t = { .proxy = d->proxy, .host = d->host, .port = d->port, .agent = d->agent, .most_head = d->most_head };
    phases_enter(d->phases, HTTP_PROXY);
    return proxy_tunnel(&t, s, why, said);
}

static int secure(const struct dial *d, struct stream *s, const char **why, struct sentence *said)
{
    struct future f = {0};
    char who[ADDRESS_TEXT];
    phases_enter(d->phases, HTTP_TLS);
    int rc = await(d->tls->start(s, d->tls, d->called, &f));
    if (rc >= 0)
        return 0;
    *why = f.why ? f.why : "the handshake has failed";
    sentence_write(said, "%s at %s: %s", d->called, dialled(s, who), *why);
    return rc;
}

int dial(const struct dial *d, struct stream **out, const char **why, struct sentence *said)
{
    struct addresses *where = NULL;
    struct stream *s = NULL;
    int rc = look_up(d, &where, why, said);
    if (rc == 0)
        rc = join(d, where, &s, why, said);
    if (rc < 0)
        return rc;
    if (d->tls && d->proxy)
        rc = pass_through(d, s, why, said);
    if (rc == 0 && d->tls)
        rc = secure(d, s, why, said);
    if (rc < 0)
        stream_close(s);
    else
        *out = s;
    return rc;
}
