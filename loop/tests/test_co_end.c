/* test_co_end.c - coroutines that fail, get no memory, or outlive their loop. */
#include "loop/tests/co_world.h"

/* ---- failures ----------------------------------------------------------------------------------------------------- */

int reader_of_a_broken_pipe(void *self);

int reader_of_a_broken_pipe(void *self)
{
    struct future f = {0};
    well_draw(&well, &f);
    future_fail(&f, -EPIPE, self);
    return await(&f);
}

static unsigned lines_of(const char *text)
{
    unsigned lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

START_TEST(an_error_of_a_detached_coroutine_is_logged_once_with_its_name)
{
    co_spawn(loop, reader_of_a_broken_pipe, "nobody reads", NULL);
    loop_start(loop);
    ck_assert_str_eq(sim_log(sim), "error: the detached coroutine reader_of_a_broken_pipe failed: Broken pipe "
                     "(nobody reads)\n");
}
END_TEST

static int fail_otherwise(void *self)
{
    return reader_of_a_broken_pipe(self) == -EPIPE ? -EIO : 0;
}

START_TEST(an_error_that_somebody_hears_is_not_logged_and_keeps_its_reason)
{
    struct future f = {0};
    co_spawn(loop, reader_of_a_broken_pipe, "nobody reads", future_then(&f, heard, "f"));
    loop_start(loop);
    ck_assert_str_eq(story, "f-32 ");
    ck_assert_str_eq(f.why, "nobody reads");
    ck_assert_str_eq(sim_log(sim), "");
    co_spawn(loop, fail_otherwise, "nobody reads", &f);
    loop_start(loop);
    ck_assert_int_eq(f.rc, -EIO);
    ck_assert_ptr_null(f.why);
}
END_TEST

START_TEST(every_refusal_of_memory_fails_the_spawn_and_loses_nothing)
{
    struct future f = {0};
    sim_fail(sim, _i < 3 ? CALL_MEMORY : CALL_MAP, _i < 3 ? (unsigned)_i + 1 : 1, -ENOMEM);
    co_spawn(loop, name_it, "in", future_then(&f, heard, "rc"));
    ck_assert(sim_failed(sim));
    loop_start(loop);
    ck_assert_str_eq(story, "rc-12 ");
    ck_assert_uint_eq(co_usage(loop).live, 0);
    co_spawn(loop, name_it, "in", future_then(&f, heard, "rc"));
    loop_start(loop);
    ck_assert_str_eq(story, "rc-12 in1 rc3 ");
}
END_TEST

START_TEST(a_detached_coroutine_without_memory_is_logged)
{
    sim_fail(sim, CALL_MAP, 1, -ENOMEM);
    co_spawn(loop, reader_of_a_broken_pipe, "x", NULL);
    loop_start(loop);
    ck_assert_str_eq(sim_log(sim), "error: the detached coroutine reader_of_a_broken_pipe failed: Cannot allocate memory "
                     "(no memory for a coroutine's stack)\n");
}
END_TEST

START_TEST(a_pooled_spawn_allocates_nothing)
{
    co_spawn(loop, name_it, "a", NULL);
    loop_start(loop);
    uint64_t before = sim_calls(sim, CALL_MEMORY) + sim_calls(sim, CALL_MAP) + sim_calls(sim, CALL_GUARD);
    co_spawn(loop, sleeper, "b", NULL);
    loop_start(loop);
    ck_assert_uint_eq(sim_calls(sim, CALL_MEMORY) + sim_calls(sim, CALL_MAP) + sim_calls(sim, CALL_GUARD), before);
}
END_TEST

START_TEST(without_a_fault_handler_coroutines_still_run)
{
    sim_fail(sim, CALL_ON_FAULT, 1, -EPERM);
    ck_assert_int_eq(loop_run_sync(loop, name_it, "in"), 3);
    ck_assert_uint_eq(lines_of(sim_log(sim)), 1);
}
END_TEST

/* ---- the loop closes ---------------------------------------------------------------------------------------------- */

int server_of_tests(void *self);
int ticker_of_tests(void *self);

int server_of_tests(void *self)
{
    struct future f = {0};
    tell(self, await(future_sleep(loop, SECOND, &f)));
    co_spawn(loop, name_it, "never", NULL);
    return -EIO;
}

int ticker_of_tests(void *self)
{
    struct future server = {0};
    tell(self, await(co_spawn(loop, server_of_tests, "served", &server)));
    return 0;
}

START_TEST(loop_close_cancels_what_lives_newest_first_and_lists_it)
{
    struct future f = {0};
    co_spawn(loop, server_of_tests, "a", NULL);
    co_spawn(loop, ticker_of_tests, "t", future_then(&f, heard, "silent"));
    co_spawn(loop, server_of_tests, "b", NULL);
    for (int i = 0; i < 2; i++) {
        loop_stop(loop);
        loop_start(loop);
    }
    ck_assert_uint_eq(co_usage(loop).live, 4);
    close_world();
    ck_assert_str_eq(story, "served-125 b-125 t-125 a-125 ");
    ck_assert_str_eq(sim_log(sim), "warning: the loop closed and cancelled 4 coroutines that had not ended:\n"
                     "warning:     server_of_tests           waits for sleep, 0.000 s now\n"
                     "warning:     ticker_of_tests           waits for coroutine server_of_tests, 0.000 s now\n"
                     "warning:     server_of_tests           waits for sleep, 0.000 s now\n"
                     "warning:     server_of_tests           waits for sleep, 0.000 s now\n");
    loop = loop_new(sim_sys(sim));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("co_end");
    TCase *tcase = tcase_create("co_end");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_error_of_a_detached_coroutine_is_logged_once_with_its_name);
    tcase_add_test(tcase, an_error_that_somebody_hears_is_not_logged_and_keeps_its_reason);
    tcase_add_loop_test(tcase, every_refusal_of_memory_fails_the_spawn_and_loses_nothing, 0, 4);
    tcase_add_test(tcase, a_detached_coroutine_without_memory_is_logged);
    tcase_add_test(tcase, a_pooled_spawn_allocates_nothing);
    tcase_add_test(tcase, without_a_fault_handler_coroutines_still_run);
    tcase_add_test(tcase, loop_close_cancels_what_lives_newest_first_and_lists_it);
    return run_suite(suite, tcase);
}
