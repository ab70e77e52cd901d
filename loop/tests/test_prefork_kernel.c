/* test_prefork_kernel.c - workers of the real kernel: what they begin with, and how they die. They are held by pipes, and write
 * what they see into memory that all share; nobody sleeps, and nobody looks at the clock. */
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "loop/executor.h"
#include "loop/log.h"
#include "loop/prefork.h"
#include "loop/signals.h"
#include "loop/tests/limit.h"
#include "loop/tests/sys_process_world.h"

enum { MOST = 16 };

static struct shared {
    atomic_int count;                   /* workers that began */
    struct seen {
        int number, pid;
        unsigned char random[16];
    } seen[MOST];
    atomic_int lines;
    char log[8][256];
} *shared;

static int parent;
static int told[2], hold[2];            /* pipes that block: workers tell on the one, and are held by the other */

static struct seen *begun(int number)
{
    struct seen *s = &shared->seen[atomic_fetch_add(&shared->count, 1)];
    s->number = number;
    s->pid = getpid();
    sys_linux()->random(sys_linux(), s->random, sizeof s->random);
    return s;
}

/* False: the end. */
static bool take(int fd)
{
    char byte;
    return read(fd, &byte, 1) == 1;
}

static void give(int fd)
{
    if (write(fd, "x", 1) != 1)
        abort();
}

static void keep_line(void *self, int level, const char *line)
{
    (void)self, (void)level;
    snprintf(shared->log[atomic_fetch_add(&shared->lines, 1) % 8], sizeof shared->log[0], "%s", line);
}

static bool logged(const char *text)
{
    for (int i = 0; i < shared->lines; i++)
        if (strstr(shared->log[i], text))
            return true;
    return false;
}

static void begin(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    parent = getpid();
    ck_assert_int_eq(pipe(told), 0);
    ck_assert_int_eq(pipe(hold), 0);
    log_to(keep_line, NULL);
}

static void nobody_is_left(void)
{
    siginfo_t info;
    ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

/* What prefork returned, and nothing is left of it. */
static int run(struct prefork how)
{
    descriptors = count_descriptors();
    int rc = prefork(sys_linux(), &how);
    ck_assert_int_eq(getpid(), parent);
    ck_assert_int_eq(count_descriptors(), descriptors);
    nobody_is_left();
    return rc;
}

/* ---- what a worker begins with -------------------------------------------------------------------------------------- */

static int looks_around(void *self, int number)
{
    struct seen *s = begun(number);
    bool right = self == shared && getppid() == parent && getpgrp() == s->pid && count_descriptors() == descriptors;
    return right ? 0 : -EPROTO;
}

START_TEST(each_has_a_number_a_group_and_no_descriptor_of_the_parents)
{
    int numbers = 0;
    begin();
    ck_assert_int_eq(run((struct prefork){ .worker = looks_around, .self = shared, .count = 4, .max_restarts = -1 }), 0);
    ck_assert_int_eq(shared->count, 4);
    for (int i = 0; i < 4; i++)
        numbers |= 1 << shared->seen[i].number;
    ck_assert_int_eq(numbers, 15);
}
END_TEST

static int fails_first(void *self, int number)
{
    (void)self;
    return begun(number) == shared->seen ? -EIO : 0;
}

START_TEST(what_is_random_differs_in_all_of_them_also_in_those_started_again)
{
    struct seen *own = NULL;
    begin();
    ck_assert_int_eq(run((struct prefork){ .worker = fails_first, .count = 2 }), 0);
    own = begun(-1);
    ck_assert_int_eq(own - shared->seen, 3);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            ck_assert_mem_ne(shared->seen[i].random, shared->seen[j].random, sizeof own->random);
}
END_TEST

static sigset_t mask;

static void on_term(int signo)
{
    (void)signo;
}

static bool signals_are_as_before(void)
{
    sigset_t now;
    struct sigaction action;
    sigprocmask(SIG_BLOCK, NULL, &now);
    for (int signo = 1; signo < NSIG; signo++)
        if (sigismember(&now, signo) != sigismember(&mask, signo))
            return false;
    return sigaction(SIGTERM, NULL, &action) == 0 && action.sa_handler == on_term;
}

static int compares_signals(void *self, int number)
{
    (void)self, (void)number;
    return signals_are_as_before() ? 0 : -EPROTO;
}

START_TEST(its_signal_mask_and_handlers_are_as_before)
{
    static const int also[] = { SIGUSR1, SIGTERM };
    begin();
    signal(SIGTERM, on_term);
    for (int i = 0; i < 2; i++) {
        sigset_t more;
        sigemptyset(&more);
        sigaddset(&more, also[i]);
        sigprocmask(SIG_BLOCK, &more, NULL);
        sigprocmask(SIG_BLOCK, NULL, &mask);
        ck_assert_int_eq(run((struct prefork){ .worker = compares_signals, .count = 1, .max_restarts = -1 }), 0);
        ck_assert(signals_are_as_before());
    }
}
END_TEST

static int does_nothing(void *self, int number)
{
    (void)self, (void)number;
    return 0;
}

START_TEST(what_stdio_holds_comes_out_once)
{
    char text[64];
    FILE *file = tmpfile();
    begin();
    fputs("once\n", file);
    ck_assert_int_eq(run((struct prefork){ .worker = does_nothing, .count = 3 }), 0);
    rewind(file);
    ck_assert_uint_eq(fread(text, 1, sizeof text, file), 5);
    fclose(file);
}
END_TEST

static int job(void *self)
{
    (void)self;
    return 42;
}

static int runs_a_job(void *self, int number)
{
    struct loop *l = loop_new(sys_linux());
    struct future f = {0};
    (void)self, (void)number;
    executor_run(loop_executor(l), job, NULL, NULL, &f);
    while (!future_done(&f))
        loop_start(l);
    int rc = f.rc;
    loop_close(l);
    return rc == 42 ? 0 : -EPROTO;
}

/* The parent's threads are idle, and not copied; but one that has just ended a job holds a descriptor a moment longer. */
START_TEST(a_worker_has_threads_of_its_own_where_the_parent_had_some_before)
{
    begin();
#if defined __SANITIZE_ADDRESS__
    return;                             /* a leak checker would look for the parent's threads in the worker */
#endif
    int before = count_descriptors();
    ck_assert_int_eq(runs_a_job(NULL, 0), 0);
    while (count_descriptors() != before)
        sched_yield();
    ck_assert_int_eq(run((struct prefork){ .worker = runs_a_job, .count = 2, .max_restarts = -1 }), 0);
}
END_TEST

static int is_refused(void *self, int number)
{
    (void)self, (void)number;
    return -EADDRINUSE;
}

START_TEST(why_a_worker_failed_is_said_by_the_worker_and_that_it_did_by_the_parent)
{
    begin();
    ck_assert_int_eq(run((struct prefork){ .worker = is_refused, .count = 1, .max_restarts = -1 }), -ELOOP);
    ck_assert(logged("the worker is_refused failed: Address already in use"));
    ck_assert(logged("exited with status 1; it is not started again"));
}
END_TEST

/* ---- how they die ----------------------------------------------------------------------------------------------------- */

static int kills_the_other(void *self, int number)
{
    const struct seen *s = begun(number);
    (void)self;
    if (number == 1) {
        give(told[1]);
        return take(hold[0]) ? 0 : -EPROTO;
    }
    take(told[0]);
    kill(shared->seen[s == shared->seen].pid, SIGKILL);
    take(told[0]);                      /* the one that was started again */
    give(hold[1]);
    return 0;
}

START_TEST(a_killed_worker_is_started_again_while_the_other_goes_on)
{
    begin();
    ck_assert_int_eq(run((struct prefork){ .worker = kills_the_other, .count = 2 }), 0);
    ck_assert_int_eq(shared->count, 3);
    ck_assert_int_eq(shared->seen[2].number, 1);
    ck_assert(logged("was killed by signal 9; it is started again (1 of 100)"));
}
END_TEST

static int is_held(void *self, int number)
{
    (void)self, (void)number;
    give(told[1]);
    return take(hold[0]) ? 0 : -EPROTO;
}

/* Its children become ours, and tell what they died of. */
START_TEST(they_die_with_their_parent_however_it_died)
{
    int pidfd, status;
    begin();
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t middle = sys_linux()->fork(sys_linux(), &pidfd);
    if (middle == 0)
        _exit(prefork(sys_linux(), &(struct prefork){ .worker = is_held, .count = 2 }) != 0);
    ck_assert(take(told[0]) && take(told[0]));
    ck_assert_int_eq(kill(middle, SIGKILL), 0);
    ck_assert_int_eq(sys_linux()->reap(sys_linux(), pidfd, true), CHILD_KILLED + SIGKILL);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_gt(waitpid(-1, &status, 0), 0);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    nobody_is_left();
}
END_TEST

/* The first one, when the other listens too, has their parent told to end. */
static int ends_in_peace(void *self, int number)
{
    struct loop *l = loop_new(sys_linux());
    (void)self;
    if (loop_stop_on_signals(l) < 0)
        return -EPROTO;
    if (number == 1)
        give(told[1]);
    else if (take(told[0]))
        kill(parent, SIGINT);
    loop_hold(l, +1);
    loop_start(l);
    loop_hold(l, -1);
    int signo = loop_stopped_by(l);
    loop_close(l);
    return signo == SIGINT ? begun(number), 0 : -EPROTO;
}

START_TEST(a_signal_to_the_parent_reaches_their_loops)
{
    begin();
    ck_assert_int_eq(run((struct prefork){ .worker = ends_in_peace, .count = 2, .grace = FOREVER }), SIGINT);
    ck_assert_int_eq(shared->count, 2);
    ck_assert_int_eq(shared->lines, 1);
    ck_assert(logged("SIGINT: the workers that run (2) are told to end"));
}
END_TEST

static int is_deaf(void *self, int number)
{
    (void)self;
    signal(SIGTERM, SIG_IGN);
    if (number == 1)
        give(told[1]);
    else if (take(told[0]))
        kill(parent, SIGTERM);
    return take(hold[0]) ? 0 : -EPROTO;
}

START_TEST(who_does_not_end_in_time_is_killed)
{
    begin();
    ck_assert_int_eq(run((struct prefork){ .worker = is_deaf, .count = 2, .grace = MILLISECOND }), SIGTERM);
    ck_assert(logged("the grace is over: the workers that still run (2) are killed"));
}
END_TEST

/* It knows that the first signal was heard, since it was passed on. */
static int calls_twice(void *self, int number)
{
    sigset_t term;
    int signo;
    (void)self, (void)number;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    kill(parent, SIGTERM);
    sigwait(&term, &signo);
    kill(parent, SIGINT);
    return take(hold[0]) ? 0 : -EPROTO;
}

START_TEST(a_second_signal_kills)
{
    begin();
    ck_assert_int_eq(run((struct prefork){ .worker = calls_twice, .count = 1, .grace = FOREVER }), SIGTERM);
    ck_assert(logged("a second signal: the workers that still run (1) are killed"));
}
END_TEST

START_TEST(a_child_without_a_pidfd_is_no_child)
{
    int pidfd;
    if (!limit_is_the_kernels())
        return;
    limit_descriptors(0);
    pid_t pid = sys_linux()->fork(sys_linux(), &pidfd);
    if (pid == 0)
        for (;;)
            pause();
    limit_descriptors(-1);
    ck_assert_int_eq(pid, -EMFILE);
    nobody_is_left();
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        each_has_a_number_a_group_and_no_descriptor_of_the_parents,
        what_is_random_differs_in_all_of_them_also_in_those_started_again,
        its_signal_mask_and_handlers_are_as_before,
        what_stdio_holds_comes_out_once,
        a_worker_has_threads_of_its_own_where_the_parent_had_some_before,
        why_a_worker_failed_is_said_by_the_worker_and_that_it_did_by_the_parent,
        a_killed_worker_is_started_again_while_the_other_goes_on,
        they_die_with_their_parent_however_it_died,
        a_signal_to_the_parent_reaches_their_loops,
        who_does_not_end_in_time_is_killed,
        a_second_signal_kills,
        a_child_without_a_pidfd_is_no_child,
        NULL
    };
    return run_real("prefork: kernel", tests);
}
