/* test_sys_jobs.c - jobs on real threads, on the real kernel.
 *
 * Nothing here depends on who is faster: threads wait for each other by semaphores, and what is asserted holds for every
 * interleaving. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/executor.h"
#include "loop/tests/support.h"

static void acquire(sem_t *s)
{
    while (sem_wait(s) < 0)
        ck_assert_int_eq(errno, EINTR);
}

/* ---- the pool itself ------------------------------------------------------------------------------------------------- */

enum { MOST_THREADS = 64 };

struct gate {                           /* jobs that have come in, and stay until it opens */
    sem_t entered, open, left;
};

static void gate_init(struct gate *g)
{
    sem_init(&g->entered, 0, 0);
    sem_init(&g->open, 0, 0);
    sem_init(&g->left, 0, 0);
}

static void pass(void *self)
{
    struct gate *g = self;
    sem_post(&g->entered);
    acquire(&g->open);
}

static void leave(void *self)
{
    struct gate *g = self;
    sem_post(&g->left);
}

/* Fills the whole pool. */
static void occupy(struct gate *g, struct job jobs[MOST_THREADS])
{
    gate_init(g);
    for (int i = 0; i < MOST_THREADS; i++) {
        jobs[i] = (struct job){ .run = pass, .ended = leave, .self = g };
        ck_assert_int_eq(sys_linux()->submit(sys_linux(), &jobs[i]), 0);
    }
    for (int i = 0; i < MOST_THREADS; i++)
        acquire(&g->entered);
}

static void vacate(struct gate *g)
{
    for (int i = 0; i < MOST_THREADS; i++)
        sem_post(&g->open);
    for (int i = 0; i < MOST_THREADS; i++)
        acquire(&g->left);
}

struct note {
    sem_t ended;
    int runs;
    void (*look)(void);
};

static void run_note(void *self)
{
    struct note *n = self;
    n->runs++;
    if (n->look)
        n->look();
}

static void end_note(void *self)
{
    struct note *n = self;
    sem_post(&n->ended);
}

static struct job note_job(struct note *n)
{
    *n = (struct note){0};
    sem_init(&n->ended, 0, 0);
    return (struct job){ .run = run_note, .ended = end_note, .self = n };
}

START_TEST(what_waits_in_the_pool_can_be_withdrawn_and_what_has_begun_cannot)
{
    struct sys *sys = sys_linux();
    struct gate gate;
    struct job jobs[MOST_THREADS], waiting[5];
    struct note notes[5];
    occupy(&gate, jobs);
    for (int i = 0; i < 5; i++) {
        waiting[i] = note_job(&notes[i]);
        ck_assert_int_eq(sys->submit(sys, &waiting[i]), 0);
    }
    static const int taken[] = { 2, 4, 0 };         /* from the middle, the end, the beginning */
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(sys->withdraw(sys, &waiting[taken[i]]), 0);
        ck_assert_int_eq(sys->withdraw(sys, &waiting[taken[i]]), -EALREADY);
    }
    ck_assert_int_eq(sys->withdraw(sys, &jobs[7]), -EALREADY);
    vacate(&gate);
    acquire(&notes[1].ended);
    acquire(&notes[3].ended);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(notes[i].runs, i % 2);
}
END_TEST

static atomic_int order;

static void come_in_turn(void *self)
{
    int *turn = self;
    *turn = atomic_fetch_add(&order, 1);
}

static void turn_over(void *self)
{
    (void)self;
}

/* One thread is free: it takes them one after the other. */
START_TEST(jobs_begin_in_the_order_they_were_submitted)
{
    struct sys *sys = sys_linux();
    struct gate gate;
    struct note last;
    struct job jobs[MOST_THREADS], more[20], end = note_job(&last);
    int turns[20];
    occupy(&gate, jobs);
    for (int i = 0; i < 20; i++) {
        more[i] = (struct job){ .run = come_in_turn, .ended = turn_over, .self = &turns[i] };
        ck_assert_int_eq(sys->submit(sys, &more[i]), 0);
    }
    ck_assert_int_eq(sys->submit(sys, &end), 0);
    sem_post(&gate.open);
    acquire(&last.ended);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(turns[i], i);
    for (int i = 1; i < MOST_THREADS; i++)
        sem_post(&gate.open);
    for (int i = 0; i < MOST_THREADS; i++)
        acquire(&gate.left);
}
END_TEST

static void look_around(void)
{
    sigset_t blocked;
    char name[16];
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    for (int signo = 1; signo < NSIG; signo++)
        if (signo != SIGKILL && signo != SIGSTOP && (signo < 32 || signo >= SIGRTMIN))
            ck_assert_int_eq(sigismember(&blocked, signo), 1);
    pthread_getname_np(pthread_self(), name, sizeof name);
    ck_assert_str_eq(name, "eddy-job");
}

START_TEST(its_threads_have_a_name_and_take_no_signals)
{
    struct note note;
    struct job job = note_job(&note);
    sigset_t blocked;
    note.look = look_around;
    ck_assert_int_eq(sys_linux()->submit(sys_linux(), &job), 0);
    acquire(&note.ended);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    ck_assert_int_eq(sigismember(&blocked, SIGINT), 0);
}
END_TEST

START_TEST(there_is_at_least_one_processor)
{
    ck_assert_int_ge(sys_linux()->processors(sys_linux()), 1);
}
END_TEST

/* ---- fork and exit --------------------------------------------------------------------------------------------------- */

static void do_notes(int count)
{
    for (int i = 0; i < count; i++) {
        struct note note;
        struct job job = note_job(&note);
        MUST(sys_linux()->submit(sys_linux(), &job) == 0);
        acquire(&note.ended);
    }
}

static void *keep_busy(void *self)
{
    for (atomic_bool *enough = self; !atomic_load(enough);)
        do_notes(1);
    return NULL;
}

static int status_of(pid_t child)
{
    int status;
    ck_assert_int_gt(child, 0);
    while (waitpid(child, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    return status;
}

START_TEST(a_forked_child_has_a_pool_of_its_own_whatever_the_parents_does)
{
    atomic_bool enough = false;
    pthread_t busy;
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
    return;                             /* neither may fork while threads allocate, and go on */
#endif
    ck_assert_int_eq(pthread_create(&busy, NULL, keep_busy, &enough), 0);
    for (int i = 0; i < 10; i++) {
        pid_t child = fork();
        if (child == 0) {
            do_notes(3);
            raise(SIGKILL);             /* a leak checker would complain of the parent's threads */
        }
        int status = status_of(child);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    atomic_store(&enough, true);
    pthread_join(busy, NULL);
}
END_TEST

START_TEST(a_job_that_never_ends_does_not_keep_the_process)
{
    static struct gate gate;
    static struct job job = { .run = pass, .ended = leave, .self = &gate };
    pid_t child = fork();
    if (child == 0) {
        gate_init(&gate);
        sys_linux()->submit(sys_linux(), &job);
        acquire(&gate.entered);
        exit(0);
    }
    ck_assert(WIFEXITED(status_of(child)));         /* with what a leak checker thinks of it */
}
END_TEST

/* ---- executors ------------------------------------------------------------------------------------------------------- */

enum { LOOPS = 3, AT_ONCE = 7, JOBS = 2000 };

struct shop {                           /* a loop in a thread of its own */
    pthread_t thread;
    struct loop *loop;
    struct executor *ex;
    atomic_int running, most, ran;
    int submitted, answered, released;
    struct chore {
        struct shop *shop;
        struct future f;
        int number;
    } chores[2 * AT_ONCE];
};

static int add_one(void *self)
{
    struct chore *c = self;
    int running = atomic_fetch_add(&c->shop->running, 1) + 1, most = atomic_load(&c->shop->most);
    while (running > most && !atomic_compare_exchange_weak(&c->shop->most, &most, running))
        ;
    atomic_fetch_add(&c->shop->ran, 1);
    atomic_fetch_sub(&c->shop->running, 1);
    return ++c->number;
}

static void add_more(void *self, int rc)
{
    struct chore *c = self;
    MUST(rc == c->number);
    c->shop->answered++;
    if (c->shop->submitted < JOBS) {
        c->shop->submitted++;
        executor_run(c->shop->ex, add_one, c, NULL, future_then(&c->f, add_more, c));
    }
}

static void *keep_shop(void *self)
{
    struct shop *s = self;
    s->loop = loop_new(sys_linux());
    s->ex = executor_new(s->loop, AT_ONCE);
    for (int i = 0; i < 2 * AT_ONCE; i++) {
        s->chores[i].shop = s;
        s->answered--;
        add_more(&s->chores[i], 0);
    }
    MUST(loop_start(s->loop) == 0);
    executor_close(s->ex);
    loop_close(s->loop);
    return NULL;
}

START_TEST(thousands_of_jobs_of_several_loops_are_answered_and_no_more_at_once_than_allowed)
{
    static struct shop shops[LOOPS];
    for (int i = 0; i < LOOPS; i++)
        ck_assert_int_eq(pthread_create(&shops[i].thread, NULL, keep_shop, &shops[i]), 0);
    for (int i = 0; i < LOOPS; i++) {
        ck_assert_int_eq(pthread_join(shops[i].thread, NULL), 0);
        ck_assert_int_eq(shops[i].answered, JOBS);
        ck_assert_int_eq(atomic_load(&shops[i].ran), JOBS);
        ck_assert_int_le(atomic_load(&shops[i].most), AT_ONCE);
    }
}
END_TEST

static void count_release(void *self)
{
    struct chore *c = self;
    c->shop->released++;
}

static void count_answer(void *self, int rc)
{
    struct chore *c = self;
    MUST(rc > 0);
    c->shop->answered++;
}

/* Every third is cancelled as soon as it was given, whatever has become of it by then. */
START_TEST(cancels_that_race_with_the_threads_lose_nothing)
{
    static struct shop s;
    s.loop = loop_new(sys_linux());
    s.ex = executor_new(s.loop, AT_ONCE);
    for (int round = 0; round < 200; round++) {
        s.answered = s.released = 0;
        for (int i = 0; i < 2 * AT_ONCE; i++) {
            s.chores[i].shop = &s;
            executor_run(s.ex, add_one, &s.chores[i], count_release, future_then(&s.chores[i].f, count_answer, &s.chores[i]));
        }
        for (int i = round % 3; i < 2 * AT_ONCE; i += 3)
            future_cancel(&s.chores[i].f);
        ck_assert_int_eq(loop_start(s.loop), 0);
        ck_assert_int_eq(s.answered + s.released, 2 * AT_ONCE);
    }
    executor_close(s.ex);
    loop_close(s.loop);
}
END_TEST

static int until_cancelled(void *self)
{
    sem_t *entered = self;
    sem_post(entered);
    while (!executor_cancelled())
        sched_yield();
    return 0;
}

static void count_up(void *self)
{
    (void)self;
    atomic_fetch_add(&order, 1);
}

START_TEST(a_close_tells_what_runs_and_waits_for_it)
{
    struct loop *l = loop_new(sys_linux());
    struct executor *ex = executor_new(l, 3);
    struct future f[5];
    sem_t entered;
    sem_init(&entered, 0, 0);
    memset(f, 0, sizeof f);
    for (int i = 0; i < 5; i++)
        executor_run(ex, until_cancelled, &entered, count_up, &f[i]);
    for (int i = 0; i < 3; i++)
        acquire(&entered);
    future_cancel(&f[0]);
    executor_close(ex);
    ck_assert_int_eq(atomic_load(&order), 5);
    ck_assert(loop_idle(l));
    loop_close(l);
}
END_TEST

static int at_once(void *self)
{
    (void)self;
    return 0;
}

/* The thread is between its push and its wake-up write while all is closed. */
START_TEST(everything_may_be_closed_while_a_thread_wakes_the_loop)
{
    for (int i = 0; i < 500; i++) {
        struct loop *l = loop_new(sys_linux());
        struct future f[3];
        memset(f, 0, sizeof f);
        for (int k = 0; k < 3; k++)
            executor_run(loop_executor(l), at_once, NULL, NULL, &f[k]);
        if (i % 2)
            ck_assert_int_eq(loop_start(l), 0);
        loop_close(l);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        what_waits_in_the_pool_can_be_withdrawn_and_what_has_begun_cannot,
        jobs_begin_in_the_order_they_were_submitted,
        its_threads_have_a_name_and_take_no_signals,
        there_is_at_least_one_processor,
        a_forked_child_has_a_pool_of_its_own_whatever_the_parents_does,
        a_job_that_never_ends_does_not_keep_the_process,
        thousands_of_jobs_of_several_loops_are_answered_and_no_more_at_once_than_allowed,
        cancels_that_race_with_the_threads_lose_nothing,
        a_close_tells_what_runs_and_waits_for_it,
        everything_may_be_closed_while_a_thread_wakes_the_loop,
        NULL
    };
    Suite *suite = suite_create("sys_jobs");
    add_tests(suite, "sys_jobs", tests, 0);
    return run_suite(suite);
}
