/* test_faults_executor.c - jobs and files under every fault (faults.h). Beside that, each thing that was handed over is handed
 * back or released, once. */
#include "loop/co.h"
#include "loop/file.h"
#include "loop/run_sync.h"
#include "loop/tests/faults.h"

/* ---- jobs: a crowd of them, through an executor for two ----------------------------------------------------------- */

enum { JOBS = 6, ROUNDS = 3 };

struct jobs {
    struct run *run;
    struct executor *ex;
    int live;                           /* handed over, and not back */
    struct one {
        struct jobs *all;
        struct future f;
        int round;
        bool there;                     /* handed over */
    } ones[JOBS];
};

static int one_run(void *self)
{
    struct one *one = self;
    return ++one->round;
}

static void one_release(void *self)
{
    struct one *one = self;
    MUST(one->there);
    one->there = false;
    one->all->live--;
}

static void one_give(struct one *one, callback *fn)
{
    one->there = true;
    one->all->live++;
    executor_run(one->all->ex, one_run, one, one_release, future_then(&one->f, fn, one));
}

static void one_back(void *self, int rc)
{
    struct one *one = self;
    if (!ok(one->all->run, rc))
        return;
    one_release(one);
    MUST(one->f.value == one && rc == one->round);
    one->all->run->result++;
    if (one->round < ROUNDS)
        one_give(one, one_back);
}

static void jobs(struct run *r)
{
    struct jobs x = { .run = r };
    sim_job_time(r->sim, 0, 5);
    if (begin(r) && made(r, x.ex = executor_new(r->loop, 2))) {
        for (int i = 0; i < JOBS; i++) {
            x.ones[i].all = &x;
            one_give(&x.ones[i], one_back);
        }
        go(r);
    }
    if (x.ex)
        executor_close(x.ex);
    ck_assert_int_eq(x.live, 0);
    finish(r);
}

/* ---- fickle: jobs that are cancelled while they run, wait, and before they begin --------------------------------- */

static void never(void *self, int rc)
{
    struct one *one = self;
    if (ok(one->all->run, rc))
        ck_abort_msg("a cancelled job was heard of");
    MUST(!one->there);
}

static void fickle_cancel(void *self, int what)
{
    struct jobs *x = self;
    (void)what;
    for (int i = 0; i < JOBS; i++)
        if (i != 3)
            future_cancel(&x->ones[i].f);
}

static void fickle(struct run *r)
{
    struct jobs x = { .run = r };
    struct timeout t = {0};
    sim_job_time(r->sim, 10, 10);
    if (begin(r) && made(r, x.ex = executor_new(r->loop, 2))) {
        for (int i = 0; i < JOBS; i++) {
            x.ones[i].all = &x;
            x.ones[i].round = ROUNDS - 1;
            one_give(&x.ones[i], i == 3 ? one_back : never);
        }
        future_cancel(&x.ones[0].f);
        loop_call_at(r->loop, loop_time(r->loop) + 5, &t, fickle_cancel, &x);
        go(r);
    }
    if (x.ex)
        executor_close(x.ex);
    ck_assert_int_eq(x.live, 0);
    finish(r);
}

/* ---- leaving: the loop is closed while its own executor is busy -------------------------------------------------- */

static void leaving(struct run *r)
{
    struct jobs x = { .run = r };
    sim_job_time(r->sim, 10, 10);
    if (begin(r) && made(r, x.ex = loop_executor(r->loop))) {
        for (int i = 0; i < JOBS; i++) {
            x.ones[i].all = &x;
            one_give(&x.ones[i], never);
        }
        loop_stop(r->loop);
        loop_start(r->loop);
    }
    finish(r);
    ck_assert_int_eq(x.live, 0);
}

/* ---- files -------------------------------------------------------------------------------------------------------- */

enum { SHORT = 100, LONG = 40000 };

/* What was read, whether its future was heard, or not, or is still waited for. */
static int take(struct run *r, struct future *f)
{
    if (!future_take(f, NULL)) {
        future_cancel(f);
        return 0;
    }
    file_free(r->loop, f->value);
    return f->rc;
}

static int read_both(void *self)
{
    struct run *r = self;
    struct future a = {0}, b = {0}, whole = {0}, *both[] = { &a, &b };
    file_read(r->loop, "/short", SHORT, &a);
    file_read(r->loop, "/long", 1 << 20, &b);
    int rc = await(future_all(r->loop, both, 2, &whole));
    r->result = take(r, &a) + take(r, &b);
    return rc;
}

static void files(struct run *r)
{
    static const char bytes[LONG];
    ck_assert_int_eq(sim_disk_add(r->sim, "/short", bytes, SHORT), 0);
    ck_assert_int_eq(sim_disk_add(r->sim, "/long", bytes, LONG), 0);
    if (begin(r))
        ok(r, loop_run_sync(r->loop, read_both, r));
    finish(r);
}

int main(void)
{
    static const struct scenario scenarios[] = {
        { "jobs", jobs, JOBS * ROUNDS, true },
        { "fickle", fickle, 1, true },
        { "leaving", leaving, 0, true },
        { "files", files, SHORT + LONG, true },
    };
    return run_scenarios("faults_executor", scenarios, sizeof scenarios / sizeof *scenarios);
}
