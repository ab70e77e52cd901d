/* tcp_connect.c - the first of a host's addresses that answers. See tcp.h; which one is tried when is race.h's.
 *
 * Traps: (a) a connect that waits is WRITABLE when it has failed, too: only SO_ERROR tells.
 *        (b) of two attempts that are ready in one turn the first wins; the other's descriptor is closed, handler first, before
 *            anybody hears of it.
 *        (c) an attempt that has won is not over with TLS: until its handshake is done the deadline goes on, and a cancel.
 *        (d) EINTR from connect leaves it under way: asking again says so. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "loop/require.h"
#include "stream/race.h"
#include "stream/tcp_inside.h"
#include "stream/tls_inside.h"

struct attempt {
    struct connecting *of;
    int fd;                             /* < 0: not begun, or over */
};

struct connecting {
    struct connects *all;
    struct future *f;
    struct sentence *failure;
    struct future name;
    struct addresses *addresses;        /* NULL: the name is looked up */
    struct race race;
    struct attempt attempts[MOST_ADDRESSES];
    int rc, last;                       /* the last error, and of which address; last < 0: of none */
    struct tls *tls;                    /* NULL: plain */
    const char *called;                 /* the name for it */
    struct stream *stream;              /* connected, and in its handshake; else NULL */
    struct future handshake;
    struct address source;              /* len 0: any */
    int source_port;
    struct timeout next, deadline;
    char host[];                        /* and `called` behind it */
};

/* Those of a loop. */
struct connects {
    struct extension extension;
    struct loop *loop;
    struct sys *sys;
    struct waiters waiters;             /* of a struct connecting, or NULL when it is over */
};

static const char key;                  /* only its address matters */

static struct loop *loop_of(const struct connecting *c)
{
    return c->all->loop;
}

/* ---- the end of it -------------------------------------------------------------------------------------------------- */

static void attempt_close(struct attempt *a)
{
    struct connects *all = a->of->all;
    if (a->fd < 0)
        return;
    loop_remove_handler(all->loop, a->fd);
    all->sys->close(all->sys, a->fd);
    a->fd = -1;
}

static void attempts_close(struct connecting *c)
{
    for (int i = 0; c->addresses && i < c->addresses->count; i++)
        attempt_close(&c->attempts[i]);
}

/* Nothing of it is left; its future is dealt with by the caller. */
static void connecting_end(struct connecting *c)
{
    c->f->u.wait.of = NULL;
    future_cancel(&c->name);
    loop_remove_timeout(loop_of(c), &c->next);
    loop_remove_timeout(loop_of(c), &c->deadline);
    attempts_close(c);
    if (c->stream)
        stream_close(c->stream);
    if (c->addresses)
        addresses_free(c->addresses);
    sys_free(c->all->sys, c);
}

static void fail(struct connecting *c, int rc, const char *why)
{
    struct waiters *w = &c->all->waiters;
    struct future *f = c->f;
    connecting_end(c);
    waiters_fail(w, f, rc, why);
}

static void win(struct connecting *c)
{
    struct waiters *w = &c->all->waiters;
    struct future *f = c->f;
    struct stream *s = c->stream;
    c->stream = NULL;
    connecting_end(c);
    waiters_resolve(w, f, 0, s);
}

/* "example.org at 192.0.2.1:80", or the address alone where the host is one. */
static void whose(const struct connecting *c, int i, char *out, size_t size)
{
    char text[ADDRESS_TEXT];
    struct address literal;
    address_text(&c->addresses->at[i], text);
    if (address_parse(c->host, 0, &literal) == 0)
        snprintf(out, size, "%s", text);
    else
        snprintf(out, size, "%s at %s", c->host, text);
}

static void lose(struct connecting *c)
{
    char who[ADDRESS_TEXT + 64];
    whose(c, c->last, who, sizeof who);
    sentence_write(c->failure, "cannot connect to %s: %s (%s)", who, tcp_why(c->rc), strerror(-c->rc));
    fail(c, c->rc, tcp_why(c->rc));
}

/* The address has answered: the others would be the same host's. */
static void lose_secure(struct connecting *c, int rc, const char *why)
{
    char who[ADDRESS_TEXT + 64];
    whose(c, c->last, who, sizeof who);
    sentence_write(c->failure, "cannot connect to %s: %s", who, why);
    fail(c, rc, why);
}

static void on_deadline(void *self, int what)
{
    struct connecting *c = self;
    (void)what;
    if (!c->addresses) {
        sentence_write(c->failure, "cannot connect to %s: no name server has said in time where it is: try again, or allow more "
                       "time", c->host);
        fail(c, -ETIMEDOUT, "no name server has said in time where the host is: try again, or allow more time");
        return;
    }
    if (c->stream) {
        lose_secure(c, -ETIMEDOUT, "it has accepted the connection, and did not finish TLS's handshake in time: a server that is "
                    "too busy, or one that speaks no TLS and waits for us");
        return;
    }
    c->rc = -ETIMEDOUT;
    c->last = c->race.next - 1;
    lose(c);
}

/* ---- the handshake, when the race is won ------------------------------------------------------------------------------ */

static void on_handshake(void *self, int rc)
{
    struct connecting *c = self;
    if (rc < 0)
        lose_secure(c, rc, c->handshake.why ? c->handshake.why : tcp_why(rc));
    else
        win(c);
}

/* `c` may be gone afterwards. */
static void won_by(struct connecting *c, struct attempt *a, struct stream *s)
{
    c->stream = s;
    if (!c->tls) {
        win(c);
        return;
    }
    c->last = (int)(a - c->attempts);
    loop_remove_timeout(loop_of(c), &c->next);
    attempts_close(c);
    c->tls->start(s, c->tls, c->called, future_then(&c->handshake, on_handshake, c));
}

/* ---- attempts ------------------------------------------------------------------------------------------------------- */

static void go_on(struct connecting *c);

static void attempt_failed(struct attempt *a, int rc)
{
    struct connecting *c = a->of;
    attempt_close(a);
    c->rc = rc;
    c->last = (int)(a - c->attempts);
    race_failed(&c->race, loop_time(loop_of(c)));
}

/* Whether it has won; then `c` may be gone. */
static bool attempt_connected(struct attempt *a)
{
    struct connecting *c = a->of;
    int fd = a->fd;
    loop_remove_handler(loop_of(c), fd);
    a->fd = -1;
    struct stream *s = stream_new(loop_of(c), fd);
    if (s)
        won_by(c, a, s);
    else
        attempt_failed(a, -errno);
    return s != NULL;
}

static void on_ready(void *self, int what)
{
    struct attempt *a = self;
    struct connecting *c = a->of;
    int rc = c->all->sys->socket_error(c->all->sys, a->fd);
    (void)what;
    if (rc < 0)
        attempt_failed(a, rc);
    else if (attempt_connected(a))
        return;
    go_on(c);
}

/* Where the connection comes from. */
static int bind_source(const struct connecting *c, int fd, int family)
{
    struct sys *sys = c->all->sys;
    struct address a = c->source;
    if (!a.len && !c->source_port)
        return 0;
    if (family == AF_UNIX)
        return -EAFNOSUPPORT;
    if (!a.len)
        address_parse(family == AF_INET ? "0.0.0.0" : "::", c->source_port, &a);
    if (!c->source_port)                /* only a refinement: without it the port is chosen before the other end is known */
        sys->set_option(sys, fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    return sys->bind(sys, fd, (const struct sockaddr *)&a.at, a.len);
}

/* 1: connected; 0: under way; -errno. */
static int attempt_begin(struct attempt *a, const struct address *to)
{
    struct connecting *c = a->of;
    struct sys *sys = c->all->sys;
    int fd = sys->socket(sys, to->at.ss_family, SOCK_STREAM), rc;
    if (fd < 0)
        return fd;
    a->fd = fd;
    rc = bind_source(c, fd, to->at.ss_family);
    if (rc < 0)
        return rc;
    do {
        rc = sys->connect(sys, fd, (const struct sockaddr *)&to->at, to->len);
    } while (rc == -EINTR);
    if (rc == 0 || rc == -EISCONN)
        return 1;
    if (rc != -EINPROGRESS && rc != -EALREADY)
        return rc;
    return loop_add_handler(loop_of(c), fd, WRITABLE, on_ready, a);
}

static void on_due(void *self, int what)
{
    (void)what;
    go_on(self);
}

/* Begins what is due. `c` may be gone afterwards. */
static void go_on(struct connecting *c)
{
    int i;
    while ((i = race_next(&c->race, loop_time(loop_of(c)))) >= 0) {
        struct attempt *a = &c->attempts[i];
        int rc = attempt_begin(a, &c->addresses->at[i]);
        if (rc < 0)
            attempt_failed(a, rc);
        else if (rc > 0 && attempt_connected(a))
            return;
    }
    if (race_lost(&c->race))
        lose(c);
    else if (race_due(&c->race) < FOREVER)
        loop_call_at(loop_of(c), race_due(&c->race), &c->next, on_due, c);
    else
        loop_remove_timeout(loop_of(c), &c->next);
}

static void begin_race(struct connecting *c)
{
    race_order(c->addresses->at, c->addresses->count);
    race_begin(&c->race, c->addresses->count, loop_time(loop_of(c)));
    go_on(c);
}

static void on_found(void *self, int rc)
{
    struct connecting *c = self;
    char text[sizeof c->failure->text];
    if (rc < 0) {
        const char *why = c->name.why;
        sentence_write(c->failure, "cannot connect to %s", resolver_explain(c->host, rc, text, sizeof text));
        fail(c, rc, why);
        return;
    }
    c->addresses = c->name.value;
    begin_race(c);
}

/* ---- the verbs of its futures --------------------------------------------------------------------------------------- */

static void connect_cancel(void *f)
{
    struct connecting *c = waiters_of(f);
    waiters_leave(f);
    connecting_end(c);
}

static void connect_undo(void *self, struct future *f)
{
    (void)self;
    waiters_leave(f);
    if (f->value)
        stream_close(f->value);
}

static void end_all(struct extension *extension)
{
    struct connects *all = (struct connects *)extension;
    for (struct call *p = all->waiters.pending.head.next; p != &all->waiters.pending.head; p = p->next)
        connecting_end(waiters_of(p->self));
    waiters_close(&all->waiters);
    sys_free(all->sys, all);
}

/* ---- beginning ------------------------------------------------------------------------------------------------------ */

static struct connects *connects_of(struct loop *loop)
{
    struct connects *all = (struct connects *)loop_extension(loop, &key);
    if (all || !(all = sys_new(loop_sys(loop), sizeof *all)))
        return all;
    all->loop = loop;
    all->sys = loop_sys(loop);
    waiters_init(&all->waiters, loop);
    all->extension = (struct extension){ .key = &key, .close = end_all };
    loop_extend(loop, &all->extension);
    return all;
}

static struct connecting *connecting_new(struct connects *all, const struct tcp_connect *how)
{
    const char *called = how->tls_name ? how->tls_name : how->host;
    size_t host_size = strlen(how->host) + 1, called_size = strlen(called) + 1;
    struct connecting *c = sys_new(all->sys, sizeof *c + host_size + called_size);
    if (!c)
        return NULL;
    c->all = all;
    c->failure = how->failure;
    c->last = -1;
    c->source_port = how->source_port;
    c->tls = how->tls;
    c->addresses = how->addresses;
    for (int i = 0; i < MOST_ADDRESSES; i++)
        c->attempts[i] = (struct attempt){ .of = c, .fd = -1 };
    c->called = memcpy(c->host + host_size, called, called_size);
    memcpy(c->host, how->host, host_size);
    return c;
}

/* What can be said of the source before anything is tried. */
static int understand_source(struct connecting *c, const struct tcp_connect *how, int *family)
{
    int rc = 0;
    if (how->source_port < 0 || how->source_port > 65535)
        return -EINVAL;
    if (!how->source)
        return 0;
    rc = address_parse(how->source, how->source_port, &c->source);
    if (rc < 0 || c->source.at.ss_family == AF_UNIX)
        return -EINVAL;
    if (*family && *family != c->source.at.ss_family)
        return -EAFNOSUPPORT;
    *family = c->source.at.ss_family;
    return 0;
}

static void begin(struct connecting *c, const struct tcp_connect *how)
{
    struct loop *loop = loop_of(c);
    struct resolver *r = how->resolver ? how->resolver : loop_resolver(loop);
    int family = how->family, rc = r ? understand_source(c, how, &family) : -ENOMEM;
    if (rc < 0) {
        const char *wrong = "the source is no literal address of the family asked for, or its port is not 0 to 65535";
        const char *why = rc == -ENOMEM ? tcp_why(rc) : wrong, *source = how->source ? how->source : "any address";
        sentence_write(c->failure, "cannot connect to %s from %s, port %d: %s", c->host, source, how->source_port, why);
        fail(c, rc, why);
        return;
    }
    if (how->deadline)
        loop_call_at(loop, how->deadline, &c->deadline, on_deadline, c);
    if (c->addresses)
        begin_race(c);
    else
        resolver_find(r, how->host, how->port, family, future_then(&c->name, on_found, c));
}

struct future *tcp_connect(struct loop *loop, const struct tcp_connect *how, struct future *f)
{
    static const struct op op = { "connect", connect_cancel, connect_undo, waiters_leave };
    static const struct op refused = { .name = "connect" };
    REQUIRE(how->host, "tcp_connect without a host: say where to (\"localhost\" is this machine)");
    REQUIRE(!how->tls || !how->tls->server, "tcp_connect: its tls is a server's: make one with tls_client_new");
    struct connects *all = connects_of(loop);
    struct connecting *c = all ? connecting_new(all, how) : NULL;
    if (!c) {
        if (how->addresses)
            addresses_free(how->addresses);
        sentence_write(how->failure, "cannot connect to %s: %s", how->host, tcp_why(-ENOMEM));
        future_fail(future_start(f, loop, &refused, NULL), -ENOMEM, tcp_why(-ENOMEM));
        return f;
    }
    c->f = waiters_add(&all->waiters, f, &op, c);
    begin(c, how);
    return f;
}
