/* test_tls_faults.c - TLS with every call and every allocation failing once (faults.h): no byte is lost, changed or read twice,
 * nothing is left, and each failure has its sentence. OpenSSL's own memory is not made to fail. */
#include "loop/co.h"
#include "loop/run_sync.h"
#include "loop/sys.h"
#include "loop/tests/faults.h"
#include "stream/tests/certificates.h"
#include "stream/tls.h"

enum { BULK = 3000 };

struct side {
    struct pair *pair;
    struct stream *stream;          /* NULL: never made */
    struct future done;
    size_t came;
    int lines;
};

struct pair {
    struct run *run;
    struct side client, server;
};

static struct tls *client, *server;     /* made with the real door, for all scenarios */
static char bulk[BULK];

/* The first failure is the fault's; what follows from it is not compared. -ECANCELED: the loop could not go on. */
static bool fine(struct side *s, int rc, const struct future *f)
{
    struct run *r = s->pair->run;
    if (rc == -ECANCELED)
        return false;
    if (rc < 0 && f)
        ck_assert_ptr_nonnull(f->why);
    return rc >= 0 || (!r->broken && ok(r, rc));
}

static bool shaken(struct side *s)
{
    struct future f = {0};
    bool first = s == &s->pair->client;
    return fine(s, await(stream_start_tls(s->stream, first ? client : server, first ? "example.org" : NULL, &f)), &f);
}

static bool send_line(struct side *s, struct bytes line)
{
    struct future f = {0};
    return fine(s, await(stream_write(s->stream, line, &f)), &f);
}

/* What comes, to the end, is all there is; an end that was cut off is no end. */
static void take_bulk(struct side *s)
{
    struct future f = {0};
    int n;
    while ((n = await(stream_read_some(s->stream, 0, &f))) > 0) {
        ck_assert(s->came + (size_t)n <= BULK && memcmp(f.value, bulk + s->came, (size_t)n) == 0);
        s->came += (size_t)n;
    }
    if (n == -EPIPE)
        ck_assert_uint_eq(s->came, BULK);
    else
        fine(s, n, &f);
}

static bool take_line(struct side *s, struct bytes line)
{
    struct future f = {0};
    int n = await(stream_read_until(s->stream, "\n", 100, &f));
    if (!fine(s, n, &f))
        return false;
    ck_assert(n == (int)line.len && memcmp(f.value, line.data, line.len) == 0);
    s->lines++;
    return true;
}

static const struct bytes question = { "how much?\n", 10 }, answer = { "all of it\n", 10 };

static int run_client(void *self)
{
    struct side *s = self;
    struct future f = {0};
    if (shaken(s) && send_line(s, question) && take_line(s, answer) && fine(s, await(stream_shutdown(s->stream, &f)), &f))
        take_bulk(s);
    return 0;
}

static int run_server(void *self)
{
    struct side *s = self;
    struct future f = {0};
    if (shaken(s) && take_line(s, question) && send_line(s, answer) && send_line(s, (struct bytes){ bulk, BULK }))
        fine(s, await(stream_shutdown(s->stream, &f)), &f);
    return 0;
}

static int both(void *self)
{
    struct pair *p = self;
    struct future *members[] = { &p->client.done, &p->server.done }, whole = {0};
    co_spawn(p->run->loop, run_client, &p->client, members[0]);
    co_spawn(p->run->loop, run_server, &p->server, members[1]);
    int rc = await(future_all(p->run->loop, members, 2, &whole));
    for (int i = 0; i < 2; i++)
        future_cancel(members[i]);
    return rc;
}

static bool open_pair(struct pair *p)
{
    struct run *r = p->run;
    struct side *sides[] = { &p->client, &p->server };
    int fds[2] = { -1, -1 };
    if (!ok(r, r->sys->socketpair(r->sys, fds)))
        return false;
    for (int i = 0; i < 2; i++) {
        errno = 0;
        sides[i]->pair = p;
        sides[i]->stream = stream_new(r->loop, fds[i]);
        bool failed = !made(r, sides[i]->stream);
        if (failed && i == 0)
            MUST(r->sys->close(r->sys, fds[1]) == 0);
        if (failed)
            return false;
    }
    return true;
}

static void conversation(struct run *r)
{
    struct pair p = { .run = r };
    if (begin(r) && open_pair(&p))
        fine(&p.client, loop_run_sync(r->loop, both, &p), NULL);
    if (p.client.stream)
        stream_close(p.client.stream);
    if (p.server.stream)
        stream_close(p.server.stream);
    r->result = (int)p.client.came + p.client.lines + p.server.lines;
    finish(r);
}

int main(void)
{
    static const struct scenario scenarios[] = {
        { "conversation", conversation, BULK + 2, true },
    };
    certificates_begin();
    server = tls_server_new(sys_linux(), &(struct tls_options){ .certificate = certificate("good") }, NULL);
    client = tls_client_new(sys_linux(), &(struct tls_options){ .authorities = certificate("authority"), .sessions = -1 }, NULL);
    for (size_t i = 0; i < sizeof bulk; i++)
        bulk[i] = (char)(i * 31 + i / 251);
    int rc = run_scenarios("tls faults", scenarios, sizeof scenarios / sizeof *scenarios);
    tls_close(client);
    tls_close(server);
    certificates_end();
    return rc;
}
