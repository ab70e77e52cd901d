/* test_own.c - a program on eddy's loop that watches itself: what it says of its callbacks and coroutines, by name.
 *
 * It really sleeps, and runs once, without sanitizers. With an argument it only plays a scene: so it is run under blockwatch,
 * where the same program tells its callbacks to the watcher. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "grader/blocking/journal.h"
#include "grader/blockwatch.h"
#include "loop/co.h"
#include "loop/run_sync.h"

enum { MS = 1000000, SHORT = 2 * MS, LONG = 40 * MS };

static struct loop *loop;
static struct findings *findings;
static int64_t slept;               /* by our own clock: at least so long, in nap */

/* ---- what holds it up ------------------------------------------------------------------------------------------------- */

static __attribute__((noinline)) void nap(int64_t ns)
{
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
    clock_gettime(CLOCK_MONOTONIC, &b);
    slept = (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
}

static void naps_shortly(void *self, int what)
{
    (void)self, (void)what;
    nap(SHORT);
}

static void naps_long(void *self, int what)
{
    (void)self, (void)what;
    nap(LONG);
}

static __attribute__((noinline)) void computes(void *self, int what)
{
    (void)self, (void)what;
    struct timespec t;
    int64_t until = 0;
    do {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        until = until ? until : t.tv_sec * 1000000000 + t.tv_nsec + LONG;
    } while (t.tv_sec * 1000000000 + t.tv_nsec < until);
}

static void does_nothing(void *self, int what)
{
    (void)self, (void)what;
}

static int naps_between(void *self)
{
    struct future f = {0};
    (void)self;
    await(future_sleep(loop, MS, &f));
    nap(SHORT);
    return await(future_sleep(loop, MS, &f));
}

static int only_waits(void *self)
{
    struct future f = {0};
    (void)self;
    for (int i = 0; i < 20; i++)
        await(future_sleep(loop, 2 * MS, &f));
    return 0;
}

/* A loop in a loop, which waits as it should, and holds up the outer one. */
static void runs_another(void *self, int what)
{
    struct loop *outer = loop;
    (void)self, (void)what;
    loop = loop_new(sys_linux());
    loop_run_sync(loop, only_waits, NULL);
    loop_close(loop);
    loop = outer;
}

/* ---- the stage ----------------------------------------------------------------------------------------------------------- */

static void setup(void)
{
    loop = loop_new(sys_linux());
    ck_assert_ptr_nonnull(loop);
    ck_assert_int_eq(blockwatch_begin(loop, NULL), 0);
}

/* In that tier, or in the best that works here. */
static void setup_tier(int tier)
{
    struct blockwatch_options options = { .tier = tier };
    findings_free(blockwatch_end(loop));
    ck_assert_int_eq(blockwatch_begin(loop, &options), 0);
}

static void teardown(void)
{
    findings_free(findings);
    findings = NULL;
    loop_close(loop);
}

static void play(callback *scene)
{
    loop_add_callback(loop, does_nothing, NULL);
    loop_add_callback(loop, scene, NULL);
    loop_add_callback(loop, does_nothing, NULL);
    ck_assert_int_eq(loop_start(loop), 0);
    findings = blockwatch_end(loop);
    ck_assert_ptr_nonnull(findings);
}

/* The site of that verdict in the callback of that name, "name (file:line)"; NULL: there is none. */
static const struct site *site_in(enum verdict_kind verdict, const char *name)
{
    size_t len = strlen(name);
    for (int i = 0; i < findings->site_count; i++) {
        const struct site *site = &findings->sites[i];
        if (site->verdict == verdict && site->callback && !strncmp(site->callback, name, len) && strchr(" ", site->callback[len]))
            return site;
    }
    return NULL;
}

static const struct site *must_be_in(enum verdict_kind verdict, const char *name)
{
    const struct site *site = site_in(verdict, name);
    if (!site)
        blocking_terminal(findings, stderr, false, 120);
    ck_assert_msg(site != NULL, "no %s in %s", verdict_name(verdict), name);
    return site;
}

static const char *function_of(const struct site *site)
{
    const struct frame *frame = site_frame(site);
    return frame ? frame_function(frame) : "";
}

/* ---- alone ---------------------------------------------------------------------------------------------------------------- */

START_TEST(a_short_sleep_is_of_the_callback_in_which_it_was)
{
    setup_tier(_i);
    play(naps_shortly);
    const struct site *site = must_be_in(BLOCKED, "naps_shortly");
    ck_assert_str_eq(function_of(site), "naps_shortly");
    ck_assert_int_eq((int)site->count, 1);
    ck_assert_int_ge(site->total, SHORT);
    ck_assert_int_le(site->total, slept);
}
END_TEST

START_TEST(a_long_sleep_has_its_system_call_and_its_stack)
{
    play(naps_long);
    const struct site *site = must_be_in(BLOCKED, "naps_long");
    ck_assert_str_eq(site->what, "system call clock_nanosleep");
    ck_assert_str_eq(function_of(site), "nap");
    ck_assert_int_ge(site->total, LONG);
    ck_assert_int_le(site->total, slept);
}
END_TEST

START_TEST(a_coroutine_is_named_by_its_function)
{
    loop_run_sync(loop, naps_between, NULL);
    findings = blockwatch_end(loop);
    const struct site *site = must_be_in(BLOCKED, "naps_between");
    ck_assert_int_eq((int)site->count, 1);
}
END_TEST

START_TEST(who_computes_is_a_hog_and_never_blocked)
{
    setup_tier(_i);
    play(computes);
    const struct site *site = must_be_in(HOG, "computes");
    ck_assert_str_eq(function_of(site), "computes");
    ck_assert_ptr_null(site_in(BLOCKED, "computes"));
}
END_TEST

START_TEST(a_loop_that_waits_for_events_is_not_blocked)
{
    setup_tier(_i);
    loop_run_sync(loop, only_waits, NULL);
    findings = blockwatch_end(loop);
    ck_assert_ptr_null(site_in(BLOCKED, "only_waits"));
    struct loop_account account = findings_account(findings);
    ck_assert_int_ge((int)account.iterations, 20);
    ck_assert_int_ge(account.waited, 20 * MS);
    ck_assert_int_eq(account.wall, account.cpu + account.delayed + account.blocked);
}
END_TEST

START_TEST(a_loop_in_a_loop_holds_up_the_outer_one)
{
    setup_tier(_i);
    play(runs_another);
    ck_assert_int_ge(must_be_in(BLOCKED, "runs_another")->total, 20 * MS);
    ck_assert_int_eq(findings->loop_count, 1);
}
END_TEST

START_TEST(it_begins_again_after_its_end_and_nothing_is_left_of_before)
{
    play(naps_shortly);
    ck_assert_ptr_null(blockwatch_end(loop));
    findings_free(findings);
    ck_assert_int_eq(blockwatch_begin(loop, NULL), 0);
    play(naps_long);
    must_be_in(BLOCKED, "naps_long");
    ck_assert_ptr_null(site_in(BLOCKED, "naps_shortly"));
}
END_TEST

START_TEST(a_second_loop_is_refused_and_the_first_goes_on)
{
    struct loop *other = loop_new(sys_linux());
    ck_assert_int_eq(blockwatch_begin(loop, NULL), -EBUSY);
    ck_assert_int_eq(blockwatch_begin(other, NULL), -EBUSY);
    ck_assert_ptr_null(blockwatch_end(other));
    loop_close(other);
    play(naps_shortly);
    must_be_in(BLOCKED, "naps_shortly");
}
END_TEST

START_TEST(a_loop_that_is_closed_ends_it)
{
    loop_add_callback(loop, naps_shortly, NULL);
    ck_assert_int_eq(loop_start(loop), 0);
    loop_close(loop);
    loop = loop_new(sys_linux());
    ck_assert_int_eq(blockwatch_begin(loop, NULL), 0);
    play(does_nothing);
    ck_assert_ptr_null(site_in(BLOCKED, "naps_shortly"));
}
END_TEST

static void forks(void *self, int what)
{
    (void)self, (void)what;
    if (fork() == 0) {
        loop_add_callback(loop, naps_long, NULL);
        return;
    }
    loop_add_callback(loop, does_nothing, NULL);
}

START_TEST(a_forked_child_is_seen_by_who_began)
{
    int status;
    pid_t self = getpid();
    loop_add_callback(loop, forks, NULL);
    ck_assert_int_eq(loop_start(loop), 0);
    if (getpid() != self)
        _exit(blockwatch_end(loop) ? 1 : 0);
    ck_assert_int_ge(wait(&status), 1);
    ck_assert_int_eq(status, 0);
    findings = blockwatch_end(loop);
    ck_assert_int_ge(must_be_in(BLOCKED, "naps_long")->total, LONG);
}
END_TEST

/* ---- under blockwatch ---------------------------------------------------------------------------------------------------- */

/* What is run there: no findings of its own, and nothing else is different. */
static int scene(void)
{
    loop = loop_new(sys_linux());
    if (blockwatch_begin(loop, NULL) < 0 || loop_run_sync(loop, naps_between, NULL) < 0)
        return 1;
    loop_add_callback(loop, runs_another, NULL);
    if (loop_start(loop) < 0 || blockwatch_end(loop))
        return 2;
    loop_close(loop);
    return 5;
}

/* The line of the JSON report that has all of these; or NULL. */
static char *line_with(FILE *f, const char *const *words)
{
    char *line = NULL;
    size_t room = 0;
    rewind(f);
    while (getline(&line, &room, f) >= 0) {
        int missing = 0;
        for (int i = 0; words[i]; i++)
            missing += !strstr(line, words[i]);
        if (!missing)
            return line;
    }
    free(line);
    return NULL;
}

START_TEST(under_blockwatch_calls_have_names_as_well)
{
    static const char *const nap_words[] = { "\"BLOCKED\"", "\"nanosleep\"", "\"naps_between (", NULL };
    static const char *const nested_words[] = { "\"BLOCKED\"", "\"epoll_", "\"runs_another (", NULL };
    char path[] = "/tmp/test-own-XXXXXX", command[512];
    close(mkstemp(path));
    snprintf(command, sizeof command, "build/bin/blockwatch --quiet --json %s -- /proc/%d/exe scene", path, (int)getpid());
    int status = system(command);
    FILE *f = fopen(path, "re");
    char *named = line_with(f, nap_words), *nested = line_with(f, nested_words);
    fclose(f);
    unlink(path);
    ck_assert_int_eq(WEXITSTATUS(status), 5);
    ck_assert_ptr_nonnull(named);
    ck_assert_ptr_nonnull(nested);
    free(named);
    free(nested);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("own");
    TCase *alone = tcase_create("alone"), *under = tcase_create("under blockwatch");
    (void)argv;
    if (argc > 1)
        return scene();
    tcase_set_timeout(alone, 60);
    tcase_set_timeout(under, 60);
    tcase_add_checked_fixture(alone, setup, teardown);
    tcase_add_loop_test(alone, a_short_sleep_is_of_the_callback_in_which_it_was, TIER_SWITCHES, TIER_RING + 1);
    tcase_add_test(alone, a_long_sleep_has_its_system_call_and_its_stack);
    tcase_add_test(alone, a_coroutine_is_named_by_its_function);
    tcase_add_loop_test(alone, who_computes_is_a_hog_and_never_blocked, TIER_SWITCHES, TIER_RING + 1);
    tcase_add_loop_test(alone, a_loop_that_waits_for_events_is_not_blocked, TIER_SWITCHES, TIER_RING + 1);
    tcase_add_loop_test(alone, a_loop_in_a_loop_holds_up_the_outer_one, TIER_SWITCHES, TIER_RING + 1);
    tcase_add_test(alone, it_begins_again_after_its_end_and_nothing_is_left_of_before);
    tcase_add_test(alone, a_second_loop_is_refused_and_the_first_goes_on);
    tcase_add_test(alone, a_loop_that_is_closed_ends_it);
    tcase_add_test(alone, a_forked_child_is_seen_by_who_began);
    tcase_add_test(under, under_blockwatch_calls_have_names_as_well);
    suite_add_tcase(suite, alone);
    suite_add_tcase(suite, under);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
