/* tcp_secure.c - connections of a TLS port, between being accepted and being handed on. See tcp.h.
 *
 * Traps: (a) a client that connects and says nothing would hold up all who come after it, if they waited for its handshake: each
 *            has its own, with an end to it, and who is done first comes first.
 *        (b) what nobody has a handler for yet is not counted, unless somebody counts it: handshakes stand in the limit.
 *        (c) a scanner that knocks a thousand times a second writes a thousand lines: of each kind there is one a second, which
 *            says how many were left out. */
#include <errno.h>

#include "loop/log.h"
#include "loop/require.h"
#include "stream/tcp_inside.h"
#include "stream/tls_inside.h"

static const int64_t PATIENCE = 10 * SECOND;

struct knock {
    struct listener *listener;
    struct stream *stream;
    struct address whom;                /* asked early: who has left has none */
    struct call place;                  /* among its listener's */
    struct future handshake;
    struct timeout deadline;
};

/* ---- what is said of those that failed ------------------------------------------------------------------------------ */

/* Whether to say it now, and how many times it was not said since. */
static bool may_say(struct secure *s, const char *why, int64_t now, uint64_t *unsaid)
{
    struct secure_said *said = s->said;
    while (said < s->said + SECURE_SAID && said->why != why)
        said++;
    if (said == s->said + SECURE_SAID) {
        said = &s->said[s->next_said++ % SECURE_SAID];
        *said = (struct secure_said){ .why = why, .when = now - SECOND };
    }
    if (now - said->when < SECOND) {
        said->unsaid++;
        return false;
    }
    *unsaid = said->unsaid;
    said->unsaid = 0;
    said->when = now;
    return true;
}

static void say(struct knock *k, const char *why)
{
    struct listener *l = k->listener;
    char whom[ADDRESS_TEXT], where[ADDRESS_TEXT], more[64] = "";
    uint64_t unsaid;
    if (!may_say(&l->secure, why, loop_time(l->loop), &unsaid))
        return;
    if (unsaid)
        log_append(more, sizeof more, " (and %llu more like it since this was last said)", (unsigned long long)unsaid);
    log_line(LOG_WARNING, "tls: %s was turned away at %s: %s%s",
             k->whom.len ? address_text(&k->whom, whom) : "somebody who is gone",
             address_text(tcp_address(l, 0), where), why, more);
}

/* ---- handshakes ----------------------------------------------------------------------------------------------------- */

/* Its stream was closed, or is handed on. */
static void knock_end(struct knock *k)
{
    struct listener *l = k->listener;
    loop_remove_timeout(l->loop, &k->deadline);
    call_remove(&k->place);
    l->secure.count--;
    sys_free(l->sys, k);
}

static void turn_away(struct knock *k, const char *why)
{
    struct listener *l = k->listener;
    say(k, why);
    stream_close(k->stream);
    knock_end(k);
    tcp_look_over(l);
}

static void on_handshake(void *self, int rc)
{
    struct knock *k = self;
    struct listener *l = k->listener;
    struct stream *s = k->stream;
    if (rc < 0) {
        turn_away(k, k->handshake.why ? k->handshake.why : tcp_why(rc));
        return;
    }
    knock_end(k);                       /* first: it has a place in the limit, which is the handler's now */
    tcp_give(l, s);
    tcp_look_over(l);
}

static void on_deadline(void *self, int what)
{
    (void)what;
    turn_away(self, "it did not finish its handshake in time: a silent client, or the time allowed (tcp_listen.handshake) is too "
              "short");
}

void tcp_secure_begin(struct listener *l, const struct tcp_listen *how)
{
    calls_init(&l->secure.knocks);
    if (!how->tls)
        return;
    REQUIRE(how->tls->server, "tcp_listen_with: its tls is a client's: a server has a certificate, from tls_server_new");
    l->secure.tls = how->tls;
    l->secure.patience = how->handshake ? how->handshake : PATIENCE;
    how->tls->hold(how->tls, 1);
}

void tcp_secure_give(struct listener *l, struct stream *s)
{
    struct knock *k = sys_new(l->sys, sizeof *k);
    if (!k) {
        tcp_drop(l, s);
        return;
    }
    k->listener = l;
    k->stream = s;
    if (l->sys->peername(l->sys, stream_fd(s), &k->whom) < 0)
        k->whom.len = 0;
    k->place.self = k;
    calls_push(&l->secure.knocks, &k->place);
    l->secure.count++;
    loop_call_at(l->loop, loop_time(l->loop) + l->secure.patience, &k->deadline, on_deadline, k);
    l->secure.tls->start(s, l->secure.tls, NULL, future_then(&k->handshake, on_handshake, k));
}

void tcp_secure_stop(struct listener *l)
{
    for (struct call *c; (c = l->secure.knocks.head.next) != &l->secure.knocks.head;) {
        struct knock *k = c->self;
        stream_close(k->stream);
        knock_end(k);
    }
}

void tcp_secure_end(struct listener *l)
{
    if (l->secure.tls)
        l->secure.tls->hold(l->secure.tls, -1);
}
