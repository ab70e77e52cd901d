/* test_faults_stream.c - streams with every call and every allocation failing once (faults.h): no byte is lost, changed or read
 * twice, nothing is left, and each failure has its sentence. */
#include <stdio.h>

#include "loop/co.h"
#include "loop/run_sync.h"
#include "loop/tests/faults.h"
#include "stream/stream.h"

enum { LINES = 20, BULK = 20000, PORTION = 2000 };

struct pair {
    struct run *run;
    struct stream *ends[2];         /* NULL: never made */
    struct future f[4];
    int closes, released;
    size_t came[2];
};

static char bulk[BULK];

static void fill_bulk(void)
{
    for (size_t i = 0; i < sizeof bulk; i++)
        bulk[i] = (char)(i * 31 + i / 251 + i / 65536);
}

/* The first failure is the fault's; what follows from it is not compared. -ECANCELED: the loop could not go on. */
static bool fine(struct pair *p, int rc, const struct future *f)
{
    if (rc == -ECANCELED)
        return false;
    if (rc < 0 && f)
        ck_assert_ptr_nonnull(f->why);
    return rc >= 0 || (!p->run->broken && ok(p->run, rc));
}

static bool open_pair(struct pair *p, struct run *r, int (*make)(struct sys *, int fds[2]))
{
    int fds[2] = { -1, -1 };
    p->run = r;
    if (!ok(r, make(r->sys, fds)))
        return false;
    for (int i = 0; i < 2; i++) {
        errno = 0;
        p->ends[i] = stream_new(r->loop, fds[i]);
        bool failed = !made(r, p->ends[i]);
        if (failed && i == 0)
            MUST(r->sys->close(r->sys, fds[1]) == 0);
        if (failed)
            return false;
    }
    return true;
}

static void close_pair(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        if (p->ends[i])
            stream_close(p->ends[i]);
}

/* Waits for coroutines; they end by themselves, or are cancelled. */
static int all_of(struct pair *p, int count)
{
    struct future *members[4], whole = {0};
    for (int i = 0; i < count; i++)
        members[i] = &p->f[i];
    int rc = await(future_all(p->run->loop, members, (size_t)count, &whole));
    for (int i = 0; i < count; i++)
        future_cancel(&p->f[i]);
    return rc;
}

/* ---- echo: lines there and back ---------------------------------------------------------------------------------- */

static int echo(void *self)
{
    struct pair *p = self;
    struct future line = {0}, sent = {0};
    int n;
    while ((n = await(stream_read_until(p->ends[1], "\n", 100, &line))) > 0)
        if (!fine(p, await(stream_write(p->ends[1], (struct bytes){ line.value, (size_t)n }, &sent)), &sent))
            return sent.rc;
    if (n != -EPIPE && !fine(p, n, &line))
        return n;
    n = await(stream_shutdown(p->ends[1], &sent));
    fine(p, n, &sent);
    return n;
}

static int ask(void *self)
{
    struct pair *p = self;
    struct future f = {0};
    char line[32];
    for (int i = 0; i < LINES; i++) {
        int len = snprintf(line, sizeof line, "line %d\n", i);
        if (!fine(p, await(stream_write(p->ends[0], (struct bytes){ line, (size_t)len }, &f)), &f))
            return f.rc;
        int n = await(stream_read_until(p->ends[0], "\n", 0, &f));
        if (!fine(p, n, &f))
            return n;
        ck_assert(n == len && memcmp(f.value, line, (size_t)n) == 0);
        p->run->result++;
    }
    fine(p, await(stream_shutdown(p->ends[0], &f)), &f);
    int n = await(stream_read_until_close(p->ends[0], 0, &f));
    fine(p, n, &f);
    return n;
}

static int talk(void *self)
{
    struct pair *p = self;
    co_spawn(p->run->loop, echo, p, &p->f[0]);
    co_spawn(p->run->loop, ask, p, &p->f[1]);
    return all_of(p, 2);
}

static void lines(struct run *r)
{
    struct pair p = {0};
    if (begin(r) && open_pair(&p, r, r->sys->socketpair))
        fine(&p, loop_run_sync(r->loop, talk, &p), NULL);
    close_pair(&p);
    finish(r);
}

/* ---- bulk: both ways at once, copied and handed over, read in every way; each hears of the other's close --------- */

static void released(void *self)
{
    ((struct pair *)self)->released++;
}

static int send_bulk(struct pair *p, struct stream *s)
{
    struct future f = {0};
    for (size_t at = 0; at < BULK; at += PORTION) {
        struct bytes bytes = { bulk + at, PORTION };
        bool owned = at / PORTION % 2;
        int rc = await(owned ? stream_write_owned(s, bytes, released, p, &f) : stream_write(s, bytes, &f));
        if (!fine(p, rc, &f))
            return rc;
    }
    int rc = await(stream_shutdown(s, &f));
    fine(p, rc, &f);
    return rc;
}

static int receive_bulk(struct pair *p, struct stream *s, size_t *at)
{
    struct future f = {0};
    char into[777];
    for (int i = 0; *at < BULK; i++) {
        size_t left = BULK - *at, len = left < sizeof into ? left : sizeof into;
        int n = await(i % 3 == 0   ? stream_read_some(s, len * 5, &f)
                      : i % 3 == 1 ? stream_read_bytes(s, len, &f)
                                   : stream_read_into(s, into, len, false, &f));
        if (!fine(p, n, &f))
            return n;
        ck_assert(memcmp(f.value, bulk + *at, (size_t)n) == 0);
        *at += (size_t)n;
    }
    int n = await(stream_read_until_close(s, 0, &f));
    fine(p, n, &f);
    return n;
}

static int send_0(void *self)
{
    struct pair *p = self;
    return send_bulk(p, p->ends[0]);
}

static int send_1(void *self)
{
    struct pair *p = self;
    return send_bulk(p, p->ends[1]);
}

static int receive_0(void *self)
{
    struct pair *p = self;
    return receive_bulk(p, p->ends[0], &p->came[0]);
}

static int receive_1(void *self)
{
    struct pair *p = self;
    return receive_bulk(p, p->ends[1], &p->came[1]);
}

static void hear(void *self, int what)
{
    struct pair *p = self;
    ck_assert(what == 0 || p->run->error);
    p->closes++;
}

static int exchange(void *self)
{
    struct pair *p = self;
    struct loop *loop = p->run->loop;
    co_spawn(loop, send_0, p, &p->f[0]);
    co_spawn(loop, send_1, p, &p->f[1]);
    co_spawn(loop, receive_0, p, &p->f[2]);
    co_spawn(loop, receive_1, p, &p->f[3]);
    return all_of(p, 4);
}

/* What on_close has to say may come behind the last answer. */
static int a_little_later(void *self)
{
    struct future f = {0};
    return await(future_sleep(self, MILLISECOND, &f));
}

static void both_ways(struct run *r)
{
    struct pair p = {0};
    fill_bulk();
    if (begin(r) && open_pair(&p, r, r->sys->socketpair)) {
        stream_on_close(p.ends[0], hear, &p);
        stream_on_close(p.ends[1], hear, &p);
        if (fine(&p, loop_run_sync(r->loop, exchange, &p), NULL))
            fine(&p, loop_run_sync(r->loop, a_little_later, r->loop), NULL);
    }
    close_pair(&p);
    ck_assert_int_le(p.closes, 2);
    r->result = (int)(p.came[0] + p.came[1]) + p.closes + p.released;
    finish(r);
}

/* ---- a pipe: what is cancelled is read again, and the end comes when the writer closes ----------------------------- */

static int hesitate(void *self)
{
    struct pair *p = self;
    struct future f = {0}, pause = {0};
    for (int i = 0; i < 5; i++) {
        stream_read_some(p->ends[0], 100, &f);
        int rc = await(future_sleep(p->run->loop, MILLISECOND, &pause));
        bool failed = future_done(&f) && f.rc < 0;
        future_cancel(&f);
        if (!fine(p, rc, &pause) || (failed && !fine(p, f.rc, &f)))
            return rc < 0 ? rc : f.rc;
    }
    int n = await(&p->f[0]);
    if (!fine(p, n, &p->f[0]))
        return n;
    stream_close(p->ends[1]);
    p->ends[1] = NULL;
    n = await(stream_read_until_close(p->ends[0], 0, &f));
    if (fine(p, n, &f))
        ck_assert(n <= 1000 && memcmp(f.value, bulk, (size_t)n) == 0);
    p->run->result = n;
    return n;
}

static void pipe_read_again(struct run *r)
{
    struct pair p = {0};
    fill_bulk();
    if (begin(r) && open_pair(&p, r, r->sys->pipe)) {
        stream_write(p.ends[1], (struct bytes){ bulk, 1000 }, &p.f[0]);
        if (!future_done(&p.f[0]) || p.f[0].rc >= 0 || fine(&p, p.f[0].rc, &p.f[0]))
            fine(&p, loop_run_sync(r->loop, hesitate, &p), NULL);
    }
    close_pair(&p);
    finish(r);
}

int main(void)
{
    static const struct scenario scenarios[] = {
        { "lines", lines, LINES, false },
        { "both_ways", both_ways, 2 * BULK + 2 + BULK / PORTION, false },
        { "pipe_read_again", pipe_read_again, 1000, false },
    };
    return run_scenarios("faults_stream", scenarios, sizeof scenarios / sizeof *scenarios);
}
