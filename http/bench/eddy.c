/* eddy.c - our server, as somebody would write it: a route, a handler, all limits as they are. */
#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "http/bench/servers.h"
#include "http/files.h"
#include "http/server.h"
#include "stream/bench/crowd.h"

struct place {
    struct loop *loop;
    struct http_server *server;
    struct files *files;                /* NULL: none */
    struct access_log *log;             /* the same */
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

static int show(struct exchange *x)
{
    return files_reply(exchange_self(x), x, exchange_head(x)->path);
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

static void *place_open_with(const struct visit *visit, const struct access_log_options *log)
{
    struct place *p = bench_array(1, sizeof *p);
    struct visit v = *visit;
    struct http_options options = { .handler = hello, .most = FEW + IDLE, .idle = 3600 * SECOND };
    p->each = v.count * v.depth;
    p->loop = loop_new(sys_linux());
    if (p->loop && v.body) {
        options.self = p->files = files_new(p->loop, &(struct files_options){ .root = bench_files() });
        options.handler = p->files ? show : NULL;
    }
    if (p->loop && log && !(options.log = p->log = access_log_open(p->loop, log)))
        bench_die("no access log could be opened");
    p->server = p->loop && options.handler ? http_server_new(p->loop, &options) : NULL;
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

static void *place_open(const struct visit *visit)
{
    return place_open_with(visit, NULL);
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
    if (p->log)
        access_log_close(p->log);
    if (p->files)
        files_close(p->files);
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

static void *small_open(void)
{
    return place_open(&(struct visit){ .count = FEW, .depth = 1, .request = small_request, .body = SMALL_FILE });
}

static void *large_open(void)
{
    return place_open(&(struct visit){ .count = FEW, .depth = 1, .request = large_request, .body = LARGE_FILE });
}

static void *one_open(void)
{
    return place_open(&(struct visit){ .count = 1, .depth = 1, .request = plain_request });
}

static void *piped_open(void)
{
    return place_open(&(struct visit){ .count = FEW, .depth = PIPED, .request = plain_request });
}

static void *logged_open(void)
{
    unlink(UNDER "/access.log");
    return place_open_with(&(struct visit){ .count = FEW, .depth = 1, .request = plain_request },
                           &(struct access_log_options){ .path = UNDER "/access.log" });
}

static void *idle_open(void)
{
    return place_open(&(struct visit){ .count = FEW, .idle = IDLE, .depth = 1, .request = plain_request });
}

const struct lane eddy_small_file = { "eddy", small_open, place_run, place_close };
const struct lane eddy_large_file = { "eddy", large_open, place_run, place_close };
const struct lane eddy_get = { "eddy", get_open, place_run, place_close };
const struct lane eddy_get_fields = { "eddy", fields_open, place_run, place_close };
const struct lane eddy_get_one = { "eddy", one_open, place_run, place_close };
const struct lane eddy_get_piped = { "eddy", piped_open, place_run, place_close };
const struct lane eddy_get_logged = { "eddy", logged_open, place_run, place_close };
const struct lane eddy_get_idle = { "eddy", idle_open, place_run, place_close };

/* ---- what is exact ------------------------------------------------------------------------------------------------- */

static bool is_receive_or_send(long number)
{
    return number == SYS_recvfrom || number == SYS_recvmsg || number == SYS_sendto || number == SYS_sendmsg;
}

void receives_and_sends_once(struct result *r)
{
    double calls = bench_count_calls(r->bench->ours, r->bench->ops, is_receive_or_send);
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
