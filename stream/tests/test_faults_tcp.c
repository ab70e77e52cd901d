/* test_faults_tcp.c - every call and every allocation fails once under a server with its clients: over a unix socket, over IPv4
 * and IPv6 by a name, and with handshakes before (pretended ones). A client may be turned away, and that is logged; nothing is
 * left. */
#include "loop/co.h"
#include "loop/run_sync.h"
#include "loop/sim_net.h"
#include "loop/tests/faults.h"
#include "stream/tcp.h"
#include "stream/tests/pretended_tls.h"

enum { CLIENTS = 3 };

struct town {
    struct run *run;
    struct listener *listener;
    struct future serving;
    const char *host;
    int port, left;
    bool secure;
    struct client {
        struct town *town;
        struct future f;
    } clients[CLIENTS];
};

/* A connection that the server has lost to the fault, and says so, ends its client's. */
static bool went_well(struct run *r, int rc)
{
    if ((rc != -EPIPE && rc != -ECONNRESET) || !*sim_log(r->sim))
        return ok(r, rc);
    r->broken = true;
    loop_stop(r->loop);
    return false;
}

static int echo(void *self)
{
    struct stream *s = self;
    struct future in = {0}, out = {0};
    int n;
    while ((n = await(stream_read_some(s, 100, &in))) > 0)
        if ((n = await(stream_write(s, (struct bytes){ in.value, (size_t)n }, &out))) < 0)
            break;
    stream_close(s);
    return n == -EPIPE ? 0 : n;
}

static int visit(void *self)
{
    struct town *t = ((struct client *)self)->town;
    struct future f = {0};
    struct sentence said = { "" };
    struct tcp_connect how = { .host = t->host, .port = t->port, .failure = &said };
    how.tls = t->secure ? &pretended_client : NULL;
    int rc = await(tcp_connect(t->run->loop, &how, &f));
    if (rc < 0)                                     /* a failure without words is none of the fault's */
        return rc == -ECANCELED || (said.text[0] && f.why) ? rc : -EPROTO;
    struct stream *s = f.value;
    rc = await(stream_write(s, (struct bytes){ "ping", 4 }, &f));
    rc = rc < 0 ? rc : await(stream_read_bytes(s, 4, &f));
    stream_close(s);
    return rc;
}

static void visited(void *self, int rc)
{
    struct town *t = ((struct client *)self)->town;
    if (!went_well(t->run, rc))
        return;
    t->run->result++;
    if (--t->left == 0)
        tcp_stop(t->listener, loop_time(t->run->loop) + SECOND);
}

static void served(void *self, int cancelled)
{
    struct town *t = self;
    ok(t->run, cancelled);
    t->run->result += 10 - cancelled;
}

static void send_clients(struct town *t)
{
    t->left = CLIENTS;
    for (int i = 0; i < CLIENTS; i++) {
        t->clients[i].town = t;
        co_spawn(t->run->loop, visit, &t->clients[i], future_then(&t->clients[i].f, visited, &t->clients[i]));
    }
}

static void serve(struct run *r, const char *at, const char *host, bool secure)
{
    struct town t = { .run = r, .host = host, .secure = secure };
    struct tcp_listen how = { .host = at, .tls = secure ? &pretended_server : NULL };
    if (begin(r) && made(r, t.listener = tcp_listen_with(r->loop, &how))) {
        t.port = tcp_port(t.listener);
        tcp_limit(t.listener, 2);
        tcp_serve(t.listener, echo, future_then(&t.serving, served, &t));
        send_clients(&t);
        go(r);
    }
    if (t.listener)
        tcp_close(t.listener);
    finish(r);
    ck_assert_int_eq(pretended_server.holders, 0);
}

static void served_at_a_path(struct run *r)
{
    serve(r, "unix:/run/town.sock", "unix:/run/town.sock", false);
}

static void served_after_a_handshake(struct run *r)
{
    serve(r, "unix:/run/town.sock", "unix:/run/town.sock", true);
}

static void served_by_name(struct run *r)
{
    MUST(sim_host_add(r->sim, "town.example", "2001:db8::1 10.0.0.1", MILLISECOND) == 0);
    MUST(sim_net_refuse(r->sim, "2001:db8::1") == 0);
    sim_net_latency(r->sim, MILLISECOND, MILLISECOND);
    serve(r, NULL, "town.example", false);
}

/* ---- names alone ------------------------------------------------------------------------------------------------------ */

static int count_addresses(struct run *r, struct resolver *names, const char *host, int family)
{
    struct future f = {0};
    int rc = await(resolver_find(names, host, 80, family, &f));
    if (rc == -ENODATA)             /* as it should be: there is no such address, whatever failed */
        return 100;
    if (rc == -ECANCELED || !ok(r, rc))     /* the loop has failed, and says so itself */
        return rc;
    addresses_free(f.value);
    return rc;
}

static int ask_all(void *self)
{
    static const struct { const char *host; int family; } questions[] = {
        { "a.example", AF_UNSPEC }, { "a.example", AF_UNSPEC }, { "b.example", AF_INET }, { "localhost", AF_UNSPEC },
        { "c.example", AF_INET6 }, { "c.example", AF_INET6 }, { "a.example", AF_INET },
    };
    struct run *r = self;
    struct resolver *names = resolver_new(r->loop);
    int rc = names ? resolver_override(names, "b.example", 0, 0, "192.0.2.9", 81) : -ENOMEM;
    if (names)
        resolver_remember(names, SECOND, SECOND, 2);
    for (size_t i = 0; rc >= 0 && i < sizeof questions / sizeof *questions; i++) {
        rc = count_addresses(r, names, questions[i].host, questions[i].family);
        r->result += rc > 0 ? rc : 0;
    }
    if (names)
        resolver_close(names);
    return rc;
}

static void names_asked(struct run *r)
{
    MUST(sim_host_add(r->sim, "a.example", "2001:db8::1 10.0.0.1", MILLISECOND) == 0);
    MUST(sim_host_add(r->sim, "c.example", "10.0.0.1", MILLISECOND) == 0);
    int rc = begin(r) ? loop_run_sync(r->loop, ask_all, r) : 0;
    if (!r->broken)
        ok(r, rc);
    finish(r);
}

int main(void)
{
    static const struct scenario scenarios[] = {
        { "served_at_a_path", served_at_a_path, CLIENTS + 10, false },
        { "served_after_a_handshake", served_after_a_handshake, CLIENTS + 10, false },
        { "names_asked", names_asked, 2 + 2 + 1 + 2 + 100 + 100 + 1, true },
        { "served_by_name", served_by_name, CLIENTS + 10, true },
    };
    return run_scenarios("faults_tcp", scenarios, sizeof scenarios / sizeof *scenarios);
}
