/* executor.h - functions that block, on other threads (Tornado's run_in_executor).
 *
 * OWNERSHIP  What a thread may still touch is never lent, it is handed over: `self` is the executor's from executor_run on. An
 *            answer >= 0 hands it back: it is yours again, the value, once the future is delivered. Otherwise, because the job
 *            failed or could not begin, the future was cancelled or the executor closed, release(self) is called on the
 *            loop's thread, once, when no thread touches it any more.
 * ERRORS     A job's rc < 0 (-errno) is its future's, and so is -ENOMEM or -EAGAIN when it could not be given to a thread.
 *
 * Traps: a job runs beside the loop, so it may touch nothing of the loop's but executor_cancelled and loop_wakeup's post. It
 * cannot be stopped from outside: a cancelled one runs to its end unless it asks. And where a failure has more to say than its
 * rc, it must not be a failure of the job: `self` has been released by then. */
#ifndef EDDY_LOOP_EXECUTOR_H
#define EDDY_LOOP_EXECUTOR_H

#include "loop/future.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs on another thread, and may block; returns >= 0, or -errno. */
typedef int job_fn(void *self);
/* Ends what was handed over. On the loop's thread; starts nothing. */
typedef void release_fn(void *self);

struct executor;

/* At most `at_once` jobs of it run at a time; the others wait their turn, first come, first served. NULL with errno. */
struct executor *executor_new(struct loop *, int at_once);
/* Takes back what has not begun, waits for what runs (a line in the log names the jobs it waits for longer than a second), and
 * releases all of it; a coroutine that awaits one gets -ECANCELED. Before loop_close. */
void executor_close(struct executor *);
/* The loop's own, made at the first call for 4 more jobs than there are processors, at most 32; loop_close closes it. NULL with
 * errno. */
struct executor *loop_executor(struct loop *);

/* Has fn(self) run on another thread. rc is what it returned, value is self. release may be NULL: nothing to end. A job that
 * cannot be queued is released before executor_run returns. A cancel takes it back while it has not begun, and releases it
 * before future_cancel returns; once it runs, it is released when it has ended. The loop does not return for lack of work
 * before. */
struct future *executor_run(struct executor *, job_fn *fn, void *self, release_fn *release, struct future *f);

/* In a job: nobody waits for its answer any more. Cheap enough to ask in a loop. False outside of jobs. */
bool executor_cancelled(void);
/* In a job: `self` is what was handed over from now on, to be the value or released; of the old one the job has disposed. */
void executor_replace(void *self);

/* Jobs that run now, and jobs that wait their turn. */
struct executor_load {
    int running, queued;
};
struct executor_load executor_load(const struct executor *);

#ifdef __cplusplus
}
#endif
#endif
