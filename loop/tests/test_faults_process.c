/* test_faults_process.c - every call and every allocation fails once under programs that listen to signals and start children:
 * no zombie stays, no descriptor, no pid is signalled after it was reaped. */
#include "loop/signals.h"
#include "loop/tests/faults.h"
#include "loop/tests/process_world.h"

/* As go, for a loop that is stopped. */
static void go_until_stopped(struct run *r)
{
    int rc = loop_start(r->loop);
    if (rc < 0 && rc == r->error)
        rc = loop_start(r->loop);
    ck_assert_msg(rc == 0, "loop_start: %s", strerror(-rc));
}

static void stops(void *self, int what)
{
    (void)what;
    loop_stop(self);
}

/* ---- alarm: a signal stops a loop that would run for ever -------------------------------------------------------------- */

static void rings(void *self, int what)
{
    (void)what;
    sim_raise(self, SIGTERM);
}

static void hears(void *self, int signo)
{
    struct run *r = self;
    r->result += signo;
}

static void alarm_bell(struct run *r)
{
    struct timeout timer = {0};
    if (begin(r) && ok(r, loop_stop_on_signals(r->loop)) && ok(r, loop_add_signal(r->loop, SIGHUP, hears, r))) {
        sim_raise(r->sim, SIGHUP);
        ck_assert_int_eq(sim_at(r->sim, at(5), rings, r->sim), 0);
        loop_call_at(r->loop, at(60), &timer, keep_rc, &r->result);
        go_until_stopped(r);
        loop_remove_timeout(r->loop, &timer);
        r->result += 100 * loop_stopped_by(r->loop);
    }
    finish(r);
    ck_assert_int_eq(sim_killed(r->sim), 0);
}

/* ---- pipeline: bytes through a child, read until its end ---------------------------------------------------------------- */

static void quiet(struct run *r)
{
    ck_assert_ptr_null(strstr(sim_log(r->sim), "reaped"));
}

/* Writes what it can; the count. */
static int feed(struct run *r, struct process *p)
{
    int in = process_take_fd(p, 0), done = 0;
    ssize_t n;
    while (done < 5 && ((n = r->sys->write(r->sys, in, "12345" + done, (size_t)(5 - done))) > 0 || try_again(n)))
        done += n > 0 ? (int)n : 0;
    r->sys->close(r->sys, in);
    return done;
}

/* To the end, since the child has ended. */
static int drain(struct run *r, struct process *p)
{
    char bytes[16];
    int done = 0;
    ssize_t n;
    while ((n = r->sys->read(r->sys, process_fd(p, 1), bytes, sizeof bytes)) > 0 || try_again(n))
        done += n > 0 ? (int)n : 0;
    return n < 0 ? (int)n : done;
}

static int pipeline_run(void *self)
{
    struct run *r = self;
    struct process_spec spec = { .argv = ARGV("cat"), .in = PROCESS_PIPE, .out = PROCESS_PIPE };
    struct future f = {0};
    int rc = await(process_spawn(r->loop, &spec, &f));
    if (rc < 0)
        return rc;
    struct process *p = f.value;
    int fed = feed(r, p);
    rc = await(process_wait(p, &f));
    if (rc == 0)
        rc = drain(r, p);
    if (rc >= 0)
        ck_assert_int_eq(rc, fed);
    process_close(p);
    r->result = rc;
    return rc < 0 ? rc : fed < 5 ? r->error : 0;
}

static void pipeline(struct run *r)
{
    add_programs(r->sim);
    if (begin(r))
        ok(r, loop_run_sync(r->loop, pipeline_run, r));
    finish(r);
    quiet(r);
}

/* ---- crowd: some end, some are killed by their deadline, some are closed or cancelled ------------------------------------ */

enum { CHILDREN = 6 };

struct crowd {
    struct run *run;
    struct future starts[CHILDREN], ends[CHILDREN];
    struct process *children[CHILDREN];
};

struct member {
    struct crowd *crowd;
    int number;
};

static void member_ended(void *self, int rc)
{
    struct member *m = self;
    struct run *r = m->crowd->run;
    if (rc == -ETIMEDOUT)
        r->result += 100;
    else if (ok(r, rc))
        r->result += rc;
}

static void member_started(void *self, int rc)
{
    struct member *m = self;
    struct crowd *x = m->crowd;
    if (!ok(x->run, rc))
        return;
    x->children[m->number] = x->starts[m->number].value;
    if (m->number < 4)
        process_wait(x->children[m->number], future_then(&x->ends[m->number], member_ended, m));
}

static void leave_children(struct crowd *x)
{
    for (int i = 0; i < CHILDREN; i++) {
        future_cancel(&x->starts[i]);
        if (x->children[i])
            process_close(x->children[i]);
    }
}

static void cancel_last(void *self, int what)
{
    struct crowd *x = self;
    (void)what;
    future_cancel(&x->starts[5]);
}

static void close_fifth(void *self, int what)
{
    struct crowd *x = self;
    (void)what;
    if (x->children[4])
        process_close(x->children[4]);
    x->children[4] = NULL;
}

static void crowd(struct run *r)
{
    static const char *const words[CHILDREN][4] = {
        { "exit", "1" }, { "sleep", "1", "2" }, { "deaf" }, { "sleep", "4", "4" }, { "deaf" }, { "deaf" },
    };
    struct crowd x = { .run = r };
    struct member members[CHILDREN];
    struct timeout early = {0}, late = {0};
    add_programs(r->sim);
    sim_job_time(r->sim, SECOND / 2, SECOND / 2);
    if (begin(r)) {
        for (int i = 0; i < CHILDREN; i++) {
            struct process_spec spec = { .argv = words[i], .out = PROCESS_PIPE, .deadline = i == 2 ? at(20) : 0 };
            members[i] = (struct member){ &x, i };
            process_spawn(r->loop, &spec, future_then(&x.starts[i], member_started, &members[i]));
        }
        loop_call_at(r->loop, at(1) + SECOND / 4, &early, cancel_last, &x);
        loop_call_at(r->loop, at(3), &late, close_fifth, &x);
        go(r);
        loop_remove_timeout(r->loop, &early);
        loop_remove_timeout(r->loop, &late);
        leave_children(&x);
    }
    finish(r);
    quiet(r);
}

/* ---- closed: the loop is closed while children start, run and die --------------------------------------------------------- */

static void closed(struct run *r)
{
    struct future starts[3] = {0};
    add_programs(r->sim);
    sim_job_time(r->sim, 0, SECOND);
    if (begin(r)) {
        for (int i = 0; i < 3; i++)
            process_spawn(r->loop, &(struct process_spec){ .argv = ARGV("deaf"), .in = PROCESS_PIPE }, &starts[i]);
        struct timeout timer = {0};
        loop_call_at(r->loop, at(1) + SECOND / 4, &timer, stops, r->loop);
        go_until_stopped(r);
        loop_remove_timeout(r->loop, &timer);
        if (future_done(&starts[0]) && starts[0].rc >= 0)
            future_cancel(&starts[0]);
        for (int i = 0; i < 3; i++)
            if (future_done(&starts[i]))
                ok(r, starts[i].rc);
    }
    finish(r);
    quiet(r);
}

int main(void)
{
    static const struct scenario scenarios[] = {
        { "alarm", alarm_bell, SIGHUP + 100 * SIGTERM, false },
        { "pipeline", pipeline, 5, true },
        { "crowd", crowd, 1 + 2 + 100 + 4, true },
        { "closed", closed, 0, true },
    };
    return run_scenarios("faults_process", scenarios, sizeof scenarios / sizeof *scenarios);
}
