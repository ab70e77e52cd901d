/* test_co_stack.c - stacks: pooled, guarded, given back, and what an overflow says. */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/co_stack.h"
#include "loop/log.h"
#include "loop/tests/co_world.h"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* ---- the pool ----------------------------------------------------------------------------------------------------- */

START_TEST(a_stack_is_usable_from_end_to_end_and_the_last_one_comes_first)
{
    struct co_stacks *pool = co_stacks_new(sim_sys(sim));
    struct co_stack *a = co_stack_get(pool), *b = co_stack_get(pool);
    ck_assert_uint_ge((size_t)(a->high - a->low), 64 << 10);
    ck_assert(a->high <= b->low || b->high <= a->low);
    memset(a->low, 1, (size_t)(a->high - a->low));
    memset(b->low, 2, (size_t)(b->high - b->low));
    ck_assert_int_eq(a->low[0], 1);
    co_stack_put(pool, a);
    co_stack_put(pool, b);
    ck_assert_ptr_eq(co_stack_get(pool), b);
    ck_assert_ptr_eq(co_stack_get(pool), a);
    ck_assert_uint_eq(co_stacks_count(pool), 2);
    co_stack_put(pool, a);
    co_stack_put(pool, b);
    co_stacks_close(pool);
}
END_TEST

START_TEST(a_crowd_that_left_gives_its_memory_back)
{
    enum { MANY = 4000 };
    static struct co_stack *stacks[MANY];
    struct co_stacks *pool = co_stacks_new(sim_sys(sim));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++)
            ck_assert_ptr_nonnull(stacks[i] = co_stack_get(pool));
        ck_assert_uint_ge(co_stacks_count(pool), MANY);
        ck_assert_uint_ge(sim_live(sim).mapped, MANY * co_stacks_bytes(pool));
        for (int i = 0; i < MANY; i++)
            co_stack_put(pool, stacks[(i * 7) % MANY]);
        ck_assert_uint_eq(co_stacks_count(pool), 1024);
        ck_assert_uint_eq(sim_live(sim).mapped, 1024 * co_stacks_bytes(pool));
    }
    co_stacks_close(pool);
    ck_assert_uint_eq(sim_live(sim).mapped, 0);
}
END_TEST

START_TEST(refused_memory_is_enomem_and_nothing_is_lost)
{
    struct co_stacks *pool = co_stacks_new(sim_sys(sim));
    sim_fail(sim, _i ? CALL_MEMORY : CALL_MAP, 1, -ENOMEM);
    ck_assert_ptr_null(co_stack_get(pool));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_uint_eq(co_stacks_count(pool), 0);
    co_stack_put(pool, co_stack_get(pool));
    ck_assert_uint_eq(co_stacks_count(pool), 1);
    co_stacks_close(pool);
}
END_TEST

/* A kernel before 6.13, which may also refuse mappings. */
static int old_guard(struct sys *sys, void *at, size_t size, bool split)
{
    return split ? sys_linux()->guard(sys, at, size, true) : -EINVAL;
}

static int no_guard(struct sys *sys, void *at, size_t size, bool split)
{
    (void)sys, (void)at, (void)size;
    return split ? -ENOMEM : -EINVAL;
}

START_TEST(without_madvise_guards_are_mappings_and_then_knowingly_none)
{
    struct co_stacks *pool = co_stacks_new(sim_sys(sim));
    struct co_stack *stacks[3];
    sim_sys(sim)->guard = old_guard;
    stacks[0] = co_stack_get(pool);
    ck_assert_str_eq(co_stacks_guard(pool), "mprotect");
    ck_assert_str_eq(sim_log(sim), "");
    sim_sys(sim)->guard = no_guard;
    stacks[1] = co_stack_get(pool);
    stacks[2] = co_stack_get(pool);
    ck_assert_str_eq(co_stacks_guard(pool), "none (vm.max_map_count)");
    ck_assert_ptr_nonnull(strstr(sim_log(sim), "warning: coroutine stacks beyond the first 1 have no guard"));
    ck_assert_int_eq(strchr(sim_log(sim), '\n')[1], '\0');
    for (int i = 0; i < 3; i++)
        co_stack_put(pool, stacks[i]);
    co_stacks_close(pool);
}
END_TEST

/* Only says that it guards: valgrind cannot have so many mappings. */
static int feigned_guard(struct sys *sys, void *at, size_t size, bool split)
{
    (void)sys, (void)at, (void)size;
    return split ? 0 : -EINVAL;
}

START_TEST(guards_that_are_mappings_stay_below_half_the_limit)
{
    enum { MOST = 16000, MANY = 16100 };
    static struct co_stack *stacks[MANY];
    sim_sys(sim)->guard = feigned_guard;
    for (int round = 0; round < 2; round++) {
        struct co_stacks *pool = co_stacks_new(sim_sys(sim));
        for (int i = 0; i < MANY; i++) {
            ck_assert_ptr_nonnull(stacks[i] = co_stack_get(pool));
            ck_assert_str_eq(co_stacks_guard(pool), i < MOST ? "mprotect" : "none (vm.max_map_count)");
        }
        for (int i = 0; i < MANY; i++)
            co_stack_put(pool, stacks[i]);
        co_stacks_close(pool);
    }
}
END_TEST

/* ---- overflow ----------------------------------------------------------------------------------------------------- */

int recurse_for_ever(void *self);
int too_large_an_array(void *self);

static atomic_int deeper = 1, nonsense = 16;

__attribute__((noinline)) static int recurse(volatile char *above)
{
    volatile char here[200];
    here[0] = above[0];
    return deeper ? recurse(here) + here[0] : 0;
}

int recurse_for_ever(void *self)
{
    volatile char top[1] = { 1 };
    (void)self;
    return recurse(top);
}

int too_large_an_array(void *self)
{
    volatile char array[100 << 10];
    (void)self;
    array[0] = 1;
    return array[0];
}

/* Runs fn in a child process that writes its standard error into `out`, without the last words of an emulator; returns how
 * the child ended. */
static int run_child(co_fn *fn, char *out, size_t size, void (*before)(void))
{
    int fds[2], status;
    ck_assert_int_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], 2);
        log_to(NULL, NULL);
        before();
        struct loop *l = loop_new(sys_linux());
        loop_run_sync(l, fn, NULL);
        _exit(0);
    }
    close(fds[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(fds[0], out + len, size - 1 - len)) > 0;)
        len += (size_t)n;
    out[len] = '\0';
    char *emulator = strstr(out, "qemu: ");
    if (emulator)
        *emulator = '\0';
    close(fds[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static void nothing(void)
{
}

START_TEST(an_overflow_is_a_message_with_a_name_and_then_sigsegv)
{
    static co_fn *const fns[] = { recurse_for_ever, too_large_an_array };
    static const char *const names[] = { "coroutine recurse_for_ever overflowed", "coroutine too_large_an_array overflowed" };
    char out[4096];
    int status = run_child(fns[_i], out, sizeof out, nothing);
    if (SANITIZED)
        return;
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
    ck_assert_ptr_eq(strstr(out, "eddy: "), out);
    ck_assert_ptr_nonnull(strstr(out, names[_i]));
    ck_assert_int_eq(strchr(out, '\n')[1], '\0');
}
END_TEST

static void exit_7(int signo)
{
    (void)signo;
    _exit(7);
}

static void exit_8(int signo, siginfo_t *info, void *context)
{
    (void)signo, (void)context;
    _exit(info ? 8 : 9);
}

static void default_action(void)
{
    signal(SIGSEGV, SIG_DFL);
}

static void with_handler(void)
{
    signal(SIGSEGV, exit_7);
}

static void with_action(void)
{
    struct sigaction action = { .sa_sigaction = exit_8, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, NULL);
}

static int touch_nonsense(void *self)
{
    (void)self;
    return *(volatile int *)(intptr_t)atomic_load(&nonsense);
}

static int raise_it(void *self)
{
    (void)self;
    return raise(SIGSEGV);
}

START_TEST(a_fault_that_is_no_overflow_goes_to_the_handler_before_ours)
{
    static void (*const before[])(void) = { default_action, with_handler, with_action };
    char out[4096];
    if (_i >= 3 && RUNNING_ON_VALGRIND)
        return;                         /* it would count the fault as an error */
    int status = run_child(_i < 3 ? raise_it : touch_nonsense, out, sizeof out, before[_i % 3]);
    if (_i % 3 == 0)
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    else
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 6 + _i % 3);
    ck_assert_str_eq(out, "");
}
END_TEST

/* ---- crowds ------------------------------------------------------------------------------------------------------- */

static size_t resident(void)
{
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *line = strstr(text, "VmRSS:");
    return line ? strtoul(line + 6, NULL, 10) << 10 : 0;
}

static int nap(void *self)
{
    struct future f = {0};
    (void)self;
    return await(future_sleep(loop, SECOND, &f));
}

static void measure(void *self, int what)
{
    (void)what;
    *(size_t *)self = resident();
}

START_TEST(a_hundred_thousand_sleeping_coroutines_fit_into_a_gigabyte)
{
    const size_t crowd = SANITIZED || RUNNING_ON_VALGRIND ? 500 : 100000;
    size_t before = resident(), during = 0;
    struct timeout t = {0};
    for (size_t i = 0; i < crowd; i++)
        co_spawn(loop, nap, NULL, NULL);
    loop_call_at(loop, SECOND + MILLISECOND, &t, measure, &during);
    ck_assert_uint_eq(co_usage(loop).live, crowd);
    loop_start(loop);
    ck_assert_uint_gt(during, before + crowd * 4096 / 2);
    ck_assert_uint_lt(during - before, (size_t)1 << 30);
    ck_assert_uint_eq(co_usage(loop).live, 0);
    ck_assert_uint_le(co_usage(loop).stacks, 1024);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("co_stack");
    TCase *tcase = tcase_create("co_stack");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_stack_is_usable_from_end_to_end_and_the_last_one_comes_first);
    tcase_add_test(tcase, a_crowd_that_left_gives_its_memory_back);
    tcase_add_loop_test(tcase, refused_memory_is_enomem_and_nothing_is_lost, 0, 2);
    tcase_add_test(tcase, without_madvise_guards_are_mappings_and_then_knowingly_none);
    tcase_add_test(tcase, guards_that_are_mappings_stay_below_half_the_limit);
    tcase_add_loop_test(tcase, an_overflow_is_a_message_with_a_name_and_then_sigsegv, 0, 2);
    tcase_add_loop_test(tcase, a_fault_that_is_no_overflow_goes_to_the_handler_before_ours, 0, 6);
    tcase_add_test(tcase, a_hundred_thousand_sleeping_coroutines_fit_into_a_gigabyte);
    return run_suite(suite, tcase);
}
