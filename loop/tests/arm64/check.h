/* check.h - what the loop's tests use of libcheck, for machines for which there is no libcheck: `make test` builds them for
 * aarch64 with it, and runs them in an emulator.
 *
 * Each test in a child of its own, with its fixture, its time and the signal it must end by, as libcheck does; what is found
 * is reported as TAP. Traps: a test that ends by exit, even with 0, has not reached its end; and output that is in a buffer
 * when the process forks comes out twice. */
#ifndef EDDY_LOOP_TESTS_ARM64_CHECK_H
#define EDDY_LOOP_TESTS_ARM64_CHECK_H

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/tests/arm64/not_run.h"

enum { CK_NORMAL, CK_ENV };                             /* said to srunner_run_all, and all the same here */
enum { CK_GROUPS = 16, CK_TESTS = 64, CK_REACHED_ITS_END = 77 };

typedef struct TTest {
    const char *name;
    void (*fn)(int i);
} TTest;

typedef struct TCase {
    unsigned timeout;
    void (*setup)(void), (*teardown)(void);
    struct ck_test {
        const TTest *test;
        int signo, start, end;
    } tests[CK_TESTS];
    int count;
} TCase;

typedef struct Suite {
    const char *name;
    TCase *groups[CK_GROUPS];
    int count;
} Suite;

typedef struct SRunner {
    Suite *suite;
    int seen, failed;
} SRunner;

#define START_TEST(name) \
    static void name##_fn(int _i __attribute__((unused))); \
    static const TTest name##_test = { #name, name##_fn }, *name = &name##_test; \
    static void name##_fn(int _i __attribute__((unused)))
#define END_TEST

/* ---- what is not so ends the test ---------------------------------------------------------------------------------- */

__attribute__((noreturn, format(printf, 3, 4)))
static inline void ck_fail(const char *file, int line, const char *sentence, ...)
{
    va_list args;
    va_start(args, sentence);
    printf("# %s:%d: ", file, line);
    vprintf(sentence, args);
    putchar('\n');
    va_end(args);
    fflush(stdout);
    _exit(1);
}

#define ck_abort_msg(...) ck_fail(__FILE__, __LINE__, __VA_ARGS__)
#define ck_assert_msg(condition, ...) ((condition) ? (void)0 : ck_abort_msg(__VA_ARGS__))
#define ck_assert(condition) ck_assert_msg(condition, "not so: %s", #condition)

#define CK_COMPARE(type, format, a, op, b) do { \
        type ck_a = (a); \
        type ck_b = (b); \
        ck_assert_msg(ck_a op ck_b, "not so: %s " #op " %s: %" format ", %" format, #a, #b, ck_a, ck_b); \
    } while (0)
#define ck_assert_int_eq(a, b) CK_COMPARE(intmax_t, PRIdMAX, a, ==, b)
#define ck_assert_int_ne(a, b) CK_COMPARE(intmax_t, PRIdMAX, a, !=, b)
#define ck_assert_int_lt(a, b) CK_COMPARE(intmax_t, PRIdMAX, a, <, b)
#define ck_assert_int_le(a, b) CK_COMPARE(intmax_t, PRIdMAX, a, <=, b)
#define ck_assert_int_gt(a, b) CK_COMPARE(intmax_t, PRIdMAX, a, >, b)
#define ck_assert_int_ge(a, b) CK_COMPARE(intmax_t, PRIdMAX, a, >=, b)
#define ck_assert_uint_eq(a, b) CK_COMPARE(uintmax_t, PRIuMAX, a, ==, b)
#define ck_assert_uint_ne(a, b) CK_COMPARE(uintmax_t, PRIuMAX, a, !=, b)
#define ck_assert_uint_lt(a, b) CK_COMPARE(uintmax_t, PRIuMAX, a, <, b)
#define ck_assert_uint_le(a, b) CK_COMPARE(uintmax_t, PRIuMAX, a, <=, b)
#define ck_assert_uint_gt(a, b) CK_COMPARE(uintmax_t, PRIuMAX, a, >, b)
#define ck_assert_uint_ge(a, b) CK_COMPARE(uintmax_t, PRIuMAX, a, >=, b)
#define ck_assert_double_eq(a, b) CK_COMPARE(double, "g", a, ==, b)
#define ck_assert_ptr_eq(a, b) CK_COMPARE(const void *, "p", a, ==, b)
#define ck_assert_ptr_ne(a, b) CK_COMPARE(const void *, "p", a, !=, b)
#define ck_assert_ptr_null(a) ck_assert_ptr_eq(a, NULL)
#define ck_assert_ptr_nonnull(a) ck_assert_ptr_ne(a, NULL)
#define ck_assert_mem_eq(a, b, len) ck_assert(memcmp(a, b, len) == 0)
#define ck_assert_mem_ne(a, b, len) ck_assert(memcmp(a, b, len) != 0)
#define CK_COMPARE_TEXTS(a, b, op) do { \
        const char *ck_a = (a), *ck_b = (b); \
        ck_assert_msg(strcmp(ck_a, ck_b) op 0, "not so: %s %s %s: \"%s\", \"%s\"", #a, #op, #b, ck_a, ck_b); \
    } while (0)
#define ck_assert_str_eq(a, b) CK_COMPARE_TEXTS(a, b, ==)
#define ck_assert_str_ne(a, b) CK_COMPARE_TEXTS(a, b, !=)

/* ---- suites -------------------------------------------------------------------------------------------------------- */

static inline void *ck_new(size_t size)
{
    void *memory = calloc(1, size);
    if (!memory)
        abort();
    return memory;
}

static inline Suite *suite_create(const char *name)
{
    Suite *suite = ck_new(sizeof *suite);
    suite->name = name;
    return suite;
}

static inline TCase *tcase_create(const char *name)
{
    TCase *group = ck_new(sizeof *group);
    (void)name;
    group->timeout = 300;
    return group;
}

static inline void suite_add_tcase(Suite *suite, TCase *group)
{
    if (suite->count == CK_GROUPS)
        abort();
    suite->groups[suite->count++] = group;
}

static inline void tcase_set_timeout(TCase *group, double seconds)
{
    group->timeout = (unsigned)seconds;
}

static inline void tcase_add_checked_fixture(TCase *group, void (*setup)(void), void (*teardown)(void))
{
    group->setup = setup;
    group->teardown = teardown;
}

static inline void tcase_add_loop_test_raise_signal(TCase *group, const TTest *test, int signo, int start, int end)
{
    if (group->count == CK_TESTS)
        abort();
    group->tests[group->count++] = (struct ck_test){ test, signo, start, end };
}

static inline void tcase_add_loop_test(TCase *group, const TTest *test, int start, int end)
{
    tcase_add_loop_test_raise_signal(group, test, 0, start, end);
}

static inline void tcase_add_test_raise_signal(TCase *group, const TTest *test, int signo)
{
    tcase_add_loop_test_raise_signal(group, test, signo, 0, 1);
}

static inline void tcase_add_test(TCase *group, const TTest *test)
{
    tcase_add_loop_test(group, test, 0, 1);
}

/* ---- running them -------------------------------------------------------------------------------------------------- */

static inline SRunner *srunner_create(Suite *suite)
{
    SRunner *runner = ck_new(sizeof *runner);
    runner->suite = suite;
    return runner;
}

__attribute__((noreturn))
static inline void ck_be_the_child(const TCase *group, const struct ck_test *t, int i)
{
    alarm(group->timeout);
    if (group->setup)
        group->setup();
    t->test->fn(i);
    if (group->teardown)
        group->teardown();
    fflush(stdout);
    _exit(CK_REACHED_ITS_END);
}

/* Why a test cannot be run here, or NULL. */
static inline const char *ck_obstacle(const TTest *test)
{
    for (size_t i = 0; i < sizeof ck_not_run / sizeof *ck_not_run; i++)
        if (strcmp(ck_not_run[i].test, test->name) == 0)
            return ck_not_run[i].why;
    return NULL;
}

static inline void ck_run(SRunner *runner, const TCase *group, const struct ck_test *t, int i)
{
    int status = -1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        ck_be_the_child(group, t, i);
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    bool right = t->signo ? WIFSIGNALED(status) && WTERMSIG(status) == t->signo
                          : WIFEXITED(status) && WEXITSTATUS(status) == CK_REACHED_ITS_END;
    printf("%s %d - %s:%d\n", right ? "ok" : "not ok", ++runner->seen, t->test->name, i);
    if (right)
        return;
    runner->failed++;
    if (WIFSIGNALED(status))
        printf("# it was ended by %s; each test has %u s\n", strsignal(WTERMSIG(status)), group->timeout);
    else
        printf("# it exited with %d, and was to %s\n", WEXITSTATUS(status), t->signo ? strsignal(t->signo) : "reach its end");
}

static inline void srunner_run_all(SRunner *runner, int mode)
{
    Suite *suite = runner->suite;
    (void)mode;
    for (int g = 0; g < suite->count; g++)
        for (int n = 0; n < suite->groups[g]->count; n++) {
            struct ck_test *t = &suite->groups[g]->tests[n];
            const char *why = ck_obstacle(t->test);
            if (why)
                printf("ok %d - %s # SKIP %s\n", ++runner->seen, t->test->name, why);
            for (int i = t->start; i < t->end && !why; i++)
                ck_run(runner, suite->groups[g], t, i);
        }
    printf("1..%d\n", runner->seen);
}

static inline int srunner_ntests_failed(const SRunner *runner)
{
    return runner->failed;
}

static inline void srunner_free(SRunner *runner)
{
    for (int g = 0; g < runner->suite->count; g++)
        free(runner->suite->groups[g]);
    free(runner->suite);
    free(runner);
}

#endif
