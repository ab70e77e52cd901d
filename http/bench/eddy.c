/* eddy.c - our server, as somebody would write it: a route, a handler, all limits as they are. */
#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "http/bench/servers.h"
#include "http/server.h"
#include "stream/bench/crowd.h"

struct place {
    struct loop *loop;
    struct http_server *server;
    struct visitors *visitors;
    int each;                           /* requests in a round */
};

static int hello(struct exchange *x)
{
    const struct head *head = exchange_head(x);
    if (!text_is(head->path, "/"))
        return 404;
    if (!text_is(head->method, "GET"))
        return 405;
    return exchange_reply(x, 200, "text/plain", text_of(visitors_text));
}

static void on_done(void *self, int mask)
{
    struct place *p = self;
    (void)mask;
    visitors_done(p->visitors);
    loop_stop(p->loop);
}

static void go(struct place *p, long rounds)
{
    visitors_go(p->visitors, rounds);
    loop_start(p->loop);
}

static void *place_open(const struct visit *visit)
{
    struct place *p = bench_array(1, sizeof *p);
    struct visit v = *visit;
    struct http_options options = { .handler = hello, .most = FEW + IDLE, .idle = 3600 * SECOND };
    p->each = v.count * v.depth;
    p->loop = loop_new(sys_linux());
    p->server = p->loop ? http_server_new(p->loop, &options) : NULL;
    struct listener *l = p->server ? http_listen(p->server, &(struct tcp_listen){ .host = "127.0.0.1" }) : NULL;
    if (!l)
        bench_die("no server could be made");
    v.port = tcp_port(l);
    p->visitors = visitors_new(&v);
    if (loop_add_handler(p->loop, visitors_fd(p->visitors), READABLE, on_done, p) < 0)
        bench_die("no memory for a handler");
    go(p, 0);
    return p;
}

static void place_run(void *self, long ops)
{
    struct place *p = self;
    go(p, ops / p->each);
}

static void place_close(void *self)
{
    struct place *p = self;
    loop_remove_handler(p->loop, visitors_fd(p->visitors));
    http_server_close(p->server);
    visitors_close(p->visitors);
    loop_close(p->loop);
    free(p);
}

static void *get_open(void)
{
    return place_open(&(struct visit){ .count = FEW, .depth = 1, .request = plain_request });
}

static void *fields_open(void)
{
    return place_open(&(struct visit){ .count = FEW, .depth = 1, .request = browser_request });
}

static void *one_open(void)
{
    return place_open(&(struct visit){ .count = 1, .depth = 1, .request = plain_request });
}

static void *piped_open(void)
{
    return place_open(&(struct visit){ .count = FEW, .depth = PIPED, .request = plain_request });
}

static void *idle_open(void)
{
    return place_open(&(struct visit){ .count = FEW, .idle = IDLE, .depth = 1, .request = plain_request });
}

const struct lane eddy_get = { "eddy", get_open, place_run, place_close };
const struct lane eddy_get_fields = { "eddy", fields_open, place_run, place_close };
const struct lane eddy_get_one = { "eddy", one_open, place_run, place_close };
const struct lane eddy_get_piped = { "eddy", piped_open, place_run, place_close };
const struct lane eddy_get_idle = { "eddy", idle_open, place_run, place_close };

/* ---- what is exact ------------------------------------------------------------------------------------------------- */

static bool is_receive_or_send(long number)
{
    return number == SYS_recvfrom || number == SYS_recvmsg || number == SYS_sendto || number == SYS_sendmsg;
}

void receives_and_sends_once(struct result *r)
{
    double calls = bench_count_calls(&eddy_get, r->bench->ops, is_receive_or_send);
    if (calls < 0) {
        r->verdict = NOT_RUN;
        snprintf(r->note, sizeof r->note, "ptrace is not allowed here");
        return;
    }
    r->ours = r->judged = (struct spread){ calls, calls, calls };
    r->verdict = bench_verdict(r->bench, r->judged);
}

static double ns_between(struct timeval before, struct timeval after)
{
    return (double)(after.tv_sec - before.tv_sec) * 1e9 + (double)(after.tv_usec - before.tv_usec) * 1e3;
}

/* The kernel tells them apart by looking now and then: so many requests, several times, and the median. */
void user_part_once(struct result *r)
{
    enum { TIMES = 9 };
    double user[TIMES], system[TIMES], ops = (double)r->bench->ops;
    void *p = get_open();
    for (int i = 0; i < TIMES; i++) {
        struct rusage before, after;
        getrusage(RUSAGE_SELF, &before);
        place_run(p, r->bench->ops);
        getrusage(RUSAGE_SELF, &after);
        user[i] = ns_between(before.ru_utime, after.ru_utime) / ops;
        system[i] = ns_between(before.ru_stime, after.ru_stime) / ops;
    }
    place_close(p);
    r->ours = r->judged = bench_spread(user, TIMES);
    r->verdict = INFORMATION;
    snprintf(r->note, sizeof r->note, "from %.0f to %.0f ns; and %.0f ns of the kernel's for us", r->judged.low, r->judged.high,
             bench_spread(system, TIMES).median);
}

static double heap(void)
{
    struct mallinfo2 m = mallinfo2();
    return (double)m.uordblks + (double)m.hblkhd;
}

/* 64 that are busy, and the same with 10,000 beside them: the difference is theirs. */
static double idle_memory(void)
{
    double before = heap();
    void *few = get_open();
    double with_few = heap() - before;
    void *many = idle_open();
    double with_many = heap() - before - with_few;
    place_close(many);
    place_close(few);
    return (with_many - with_few) / IDLE;
}

void idle_memory_once(struct result *r)
{
    double bytes = crowd_fits(IDLE + 2 * FEW) ? bench_elsewhere(idle_memory) : -1;
    if (bytes < 0) {
        r->verdict = NOT_RUN;
        snprintf(r->note, sizeof r->note, "%s", idle_unfit() ? idle_unfit() : "the process that was to measure it ended");
        return;
    }
    r->ours = r->judged = (struct spread){ bytes, bytes, bytes };
    r->verdict = bench_verdict(r->bench, r->judged);
}

const char *idle_unfit(void)
{
    return crowd_fits(IDLE + 2 * FEW) ? NULL : "10,000 connections need as many descriptors: ulimit -n allows fewer";
}
