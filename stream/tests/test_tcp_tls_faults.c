/* test_tcp_tls_faults.c - every call and every allocation of ours fails once under a server and a client that speak TLS: from
 * connecting over the handshake to the goodbye. OpenSSL's own memory cannot fail; and who the two are is said once for all runs,
 * since it takes longer than a run. */
#include "loop/co.h"
#include "loop/tests/faults.h"
#include "stream/tcp.h"
#include "stream/tests/certificates.h"
#include "stream/tls.h"

static const char where[] = "unix:/run/town.sock";
static struct tls *server, *client;

struct town {
    struct run *run;
    struct listener *listener;
    struct future serving, visiting;
};

/* A connection that the server has lost to the fault, and says so, ends its client's. */
static bool went_well(struct run *r, int rc)
{
    bool lost = rc == -EPIPE || rc == -ECONNRESET || rc == -ECONNABORTED || rc == -EPROTO;
    if (!lost || !*sim_log(r->sim))
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
    if (n == -EPIPE)                    /* a close says goodbye, too, but waits for nobody and cannot say that it failed */
        n = await(stream_shutdown(s, &out));
    stream_close(s);
    return n;
}

/* Says "ping", hears it, and both say goodbye. */
static int visit(void *self)
{
    struct town *t = self;
    struct future f = {0};
    struct sentence said = { "" };
    struct tcp_connect how = { .host = where, .tls = client, .tls_name = "example.org", .failure = &said };
    int rc = await(tcp_connect(t->run->loop, &how, &f));
    if (rc < 0)                                     /* a failure without words is none of the fault's */
        return rc == -ECANCELED || (said.text[0] && f.why) ? rc : -EBADMSG;
    struct stream *s = f.value;
    rc = await(stream_write(s, (struct bytes){ "ping", 4 }, &f));
    rc = rc < 0 ? rc : await(stream_read_bytes(s, 4, &f));
    if (rc >= 0)
        ck_assert(memcmp(f.value, "ping", 4) == 0);
    rc = rc < 0 ? rc : await(stream_shutdown(s, &f));
    rc = rc < 0 ? rc : await(stream_read_until_close(s, 10, &f));
    if (rc == 0 && stream_error(s) != -EPIPE)
        rc = stream_error(s);
    stream_close(s);
    return rc;
}

static void visited(void *self, int rc)
{
    struct town *t = self;
    if (!went_well(t->run, rc))
        return;
    t->run->result++;
    tcp_stop(t->listener, loop_time(t->run->loop) + SECOND);
}

static void served(void *self, int cancelled)
{
    struct town *t = self;
    ok(t->run, cancelled);
    t->run->result += 10 - cancelled;
}

static void introduce(void)
{
    server = tls_server_new(sys_linux(), &(struct tls_options){ .certificate = certificate("good") }, NULL);
    client = tls_client_new(sys_linux(), &(struct tls_options){ .authorities = certificate("authority"), .sessions = -1 }, NULL);
    ck_assert(server && client);
}

static void served_with_tls(struct run *r)
{
    struct town t = { .run = r };
    if (!server)
        introduce();
    if (begin(r) && made(r, t.listener = tcp_listen_with(r->loop, &(struct tcp_listen){ .host = where, .tls = server }))) {
        tcp_serve(t.listener, echo, future_then(&t.serving, served, &t));
        co_spawn(r->loop, visit, &t, future_then(&t.visiting, visited, &t));
        go(r);
    }
    if (t.listener)
        tcp_close(t.listener);
    finish(r);
}

int main(void)
{
    static const struct scenario scenarios[] = {
        { "served_with_tls", served_with_tls, 1 + 10, true },
    };
    certificates_begin();
    int rc = run_scenarios("tcp_tls_faults", scenarios, sizeof scenarios / sizeof *scenarios);
    certificates_end();
    return rc;
}
