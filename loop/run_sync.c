/* run_sync.c - a loop for the length of one coroutine. See run_sync.h.
 *
 * The trap: the loop may return without the coroutine's answer, and the coroutine is on the caller's time then: it is
 * cancelled, so that nothing of it is left when we return. */
#include "loop/run_sync.h"

#include <errno.h>

struct run {
    struct loop *loop;
    struct future f;
    struct timeout deadline;
    bool late;
};

static void ended(void *self, int rc)
{
    struct run *run = self;
    (void)rc;
    loop_stop(run->loop);
}

static void too_late(void *self, int what)
{
    struct run *run = self;
    (void)what;
    if (future_done(&run->f))
        return;
    run->late = true;
    future_cancel(&run->f);
    loop_stop(run->loop);
}

int loop_run_sync_until(struct loop *loop, co_fn *fn, void *self, int64_t deadline)
{
    struct run run = { .loop = loop };
    co_spawn(loop, fn, self, future_then(&run.f, ended, &run));
    if (deadline != FOREVER)
        loop_call_at(loop, deadline, &run.deadline, too_late, &run);
    int rc = loop_start(loop);
    loop_remove_timeout(loop, &run.deadline);
    if (future_done(&run.f)) {
        future_then(&run.f, NULL, NULL);
        return run.f.rc;
    }
    if (run.late)
        return -ETIMEDOUT;
    bool stopped = rc == 0 && !loop_idle(loop);
    future_cancel(&run.f);
    return rc < 0 ? rc : stopped ? -ECANCELED : -EDEADLK;
}

int loop_run_sync(struct loop *loop, co_fn *fn, void *self)
{
    return loop_run_sync_until(loop, fn, self, FOREVER);
}
