/* test_sys_jobs_idle.c - the pool's threads end when they have been idle for long, and others are made when they are needed.
 *
 * Ten seconds are too long for a test: this program has a pthread_cond_clockwait of its own, which ends a wait when it is told
 * that time is over. */
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "loop/tests/support.h"

typedef int clockwait(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);

enum { MOST_CONDITIONS = 128 };

static _Atomic(pthread_cond_t *) seen[MOST_CONDITIONS];
static atomic_bool over;

/* The pool holds its lock: one at a time comes here. */
static void remember(pthread_cond_t *cond)
{
    for (int i = 0; i < MOST_CONDITIONS; i++) {
        if (!atomic_load(&seen[i]))
            atomic_store(&seen[i], cond);
        if (atomic_load(&seen[i]) == cond)
            return;
    }
}

int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *lock, clockid_t clock, const struct timespec *until)
{
    clockwait *wait = (clockwait *)dlsym(RTLD_NEXT, "pthread_cond_clockwait");
    remember(cond);
    int rc = atomic_load(&over) ? 0 : wait(cond, lock, clock, until);
    return atomic_load(&over) ? ETIMEDOUT : rc;
}

/* One that is about to wait may miss it: to be called again. */
static void end_waits(void)
{
    atomic_store(&over, true);
    for (int i = 0; i < MOST_CONDITIONS && atomic_load(&seen[i]); i++)
        pthread_cond_broadcast(atomic_load(&seen[i]));
}

static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    for (const struct dirent *e; (e = readdir(tasks));)
        count += e->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static void acquire(sem_t *s)
{
    while (sem_wait(s) < 0)
        ck_assert_int_eq(errno, EINTR);
}

enum { AT_ONCE = 20 };

struct visit {
    sem_t come, go, gone;
};

static void come(void *self)
{
    struct visit *v = self;
    sem_post(&v->come);
    acquire(&v->go);
}

static void leave(void *self)
{
    struct visit *v = self;
    sem_post(&v->gone);
}

/* All at the same time: each needs a thread. */
static void visit_together(int before)
{
    struct visit v;
    struct job jobs[AT_ONCE];
    sem_init(&v.come, 0, 0);
    sem_init(&v.go, 0, 0);
    sem_init(&v.gone, 0, 0);
    for (int i = 0; i < AT_ONCE; i++) {
        jobs[i] = (struct job){ .run = come, .ended = leave, .self = &v };
        ck_assert_int_eq(sys_linux()->submit(sys_linux(), &jobs[i]), 0);
    }
    for (int i = 0; i < AT_ONCE; i++)
        acquire(&v.come);
    ck_assert_int_eq(threads(), before + AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++)
        sem_post(&v.go);
    for (int i = 0; i < AT_ONCE; i++)
        acquire(&v.gone);
}

START_TEST(threads_that_were_idle_for_long_end_and_others_are_made_when_needed)
{
    int before = threads();             /* an emulator may have some of its own */
    for (int round = 0; round < 5; round++) {
        atomic_store(&over, false);
        visit_together(before);
        visit_together(before);
        while (threads() > before) {
            end_waits();
            sched_yield();
        }
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = { threads_that_were_idle_for_long_end_and_others_are_made_when_needed, NULL };
    Suite *suite = suite_create("sys_jobs_idle");
    add_tests(suite, "sys_jobs_idle", tests, 0);
    return run_suite(suite);
}
