/* exchange_log.c - who asks, and what is said of it afterwards. See exchange.h, access_log.h.
 *
 * Trap: one connection of a proxy's carries the requests of many clients. So what a request says of its client ends with it; and
 * the peer is asked for when it connects, since a socket that was reset does not know any more. */
#include <string.h>

#include "http/server_inside.h"

enum { FIRST_LINE = 2048 };             /* bytes of a request that could not be read */

/* ---- who asks ---------------------------------------------------------------------------------------------------- */

/* The address without its port. */
static void caller_name(struct caller *who)
{
    char text[ADDRESS_TEXT];
    const char *host = address_text(&who->address, text), *colon = strrchr(host, ':');
    size_t len = strlen(host);
    if (who->address.at.ss_family == AF_INET) {
        len = (size_t)(colon - host);
    } else if (who->address.at.ss_family == AF_INET6) {
        host++;
        len = (size_t)(colon - host) - 1;
    } else if (who->address.at.ss_family != AF_UNIX) {
        len = 0;
    }
    who->len = len < sizeof who->text ? len : sizeof who->text;
    memcpy(who->text, host, who->len);
}

/* Without a name, a socket that knows no peer is of no family. */
void caller_ask(struct caller *who, struct stream *s)
{
    struct sys *sys = loop_sys(stream_loop(s));
    if (sys->peername(sys, stream_fd(s), &who->address) < 0)
        who->address = (struct address){0};
    caller_name(who);
}

static const struct caller *caller_of(struct exchange *x)
{
    const struct connection *c = x->c;
    const struct trusted *trusted = &c->server->trusted;
    if (c->server->options.log && !trusted->count)
        return c->seat->peer;
    if (x->met)
        return &x->caller;
    x->met = true;
    x->secure = stream_secure(c->stream);
    if (trusted->count)
        x->caller = *c->seat->peer;
    else
        caller_ask(&x->caller, c->stream);
    forwarded_read(trusted, &x->head.headers, &x->caller.address, &x->secure);
    caller_name(&x->caller);
    return &x->caller;
}

const struct address *exchange_remote(struct exchange *x)
{
    return &caller_of(x)->address;
}

const char *exchange_scheme(struct exchange *x)
{
    bool secure = stream_secure(x->c->stream);
    if (x->c->server->trusted.count) {
        caller_of(x);
        secure = x->secure;
    }
    return secure ? "https" : "http";
}

/* ---- what is said of it ------------------------------------------------------------------------------------------ */

void exchange_log(struct exchange *x)
{
    const struct connection *c = x->c;
    const struct caller *who = caller_of(x);
    const struct head *h = &x->head;
    access_log_put(c->server->options.log, &(struct access_line){
        .remote = { who->text, who->len },
        .time = c->came,
        .method = h->method,
        .target = h->target,
        .version = h->version,
        .status = x->status,
        .bytes = x->sent,
        .headers = &h->headers,
        .complete = !x->broken && !stream_write_error(c->stream),
    });
}

/* What stands in the first line there is. */
static struct bytes first_line(struct bytes seen)
{
    while (seen.len && (seen.data[0] == '\r' || seen.data[0] == '\n')) {
        seen.data++;
        seen.len--;
    }
    size_t len = 0, most = seen.len < FIRST_LINE ? seen.len : FIRST_LINE;
    while (len < most && seen.data[len] != '\r' && seen.data[len] != '\n')
        len++;
    return (struct bytes){ seen.data, len };
}

void connection_log(struct connection *c, int status, int64_t bytes)
{
    struct access_log *log = c->server->options.log;
    const struct caller *who = c->seat->peer;
    if (!log)
        return;
    access_log_put(log, &(struct access_line){
        .remote = { who->text, who->len },
        .time = c->begun ? c->came : loop_time(c->server->loop),
        .target = first_line(stream_unread(c->stream)),
        .status = status,
        .bytes = bytes,
        .complete = bytes && !stream_write_error(c->stream),
    });
}
