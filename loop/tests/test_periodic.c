/* test_periodic.c - the same again: when it is called, what throws it out of step, and how it ends. */
#include "loop/periodic.h"
#include "loop/tests/co_world.h"

/* ---- a periodic call that spends time, on a clock and a random source that do as they are told ---------------------- */

struct beat {
    struct periodic periodic;
    const int64_t *durations;       /* of each call in ms; FOREVER ends it there */
};

static int64_t skew;                        /* how far the clock has gone back */
static int64_t (*true_now)(struct sys *);
static const double *chances;               /* what random says next, of 1 */

static int64_t skewed_now(struct sys *sys)
{
    return true_now(sys) - skew;
}

static int scripted_random(struct sys *sys, void *data, size_t len)
{
    (void)sys;
    double chance = *chances++;
    uint64_t bits = chance == 1 ? UINT64_MAX : (uint64_t)(chance * 0x1p64);
    ck_assert_uint_eq(len, sizeof bits);
    memcpy(data, &bits, sizeof bits);
    return 0;
}

static int no_random(struct sys *sys, void *data, size_t len)
{
    (void)sys, (void)data, (void)len;
    return -EIO;
}

/* Tells the time since the start, in tenths of a second. */
static void beat(void *self, int what)
{
    struct beat *b = self;
    int64_t duration = *b->durations++;
    ck_assert_int_eq(what, 0);
    tell("", (int)(loop_time(loop) / (100 * MILLISECOND)));
    if (*b->durations == FOREVER)
        periodic_stop(&b->periodic);
    else if (duration < 0)
        skew -= duration * MILLISECOND;
    else
        sim_spend(sim, duration * MILLISECOND);
}

/* Calls it every 10 s, from 1000 s on. */
static void run_beat(double jitter, const int64_t *durations)
{
    struct beat b = { .periodic.jitter = jitter, .durations = durations };
    sim_spend(sim, 999 * SECOND);
    periodic_start(&b.periodic, loop, 10 * SECOND, beat, &b);
    ck_assert_int_eq(loop_start(loop), 0);
}

START_TEST(case_122_an_overrun_skips_whole_cycles)
{
    run_beat(0, (const int64_t[]){ 9000, 9000, 10000, 11000, 20000, 20000, 35000, 35000, 0, 0, 0, FOREVER });
    ck_assert_str_eq(story, "10100 10200 10300 10500 10700 11000 11300 11700 12100 12200 12300 ");
}
END_TEST

static void run_backwards(const int64_t *durations)
{
    struct sys *sys = sim_sys(sim);
    true_now = sys->now;
    skew = 0;
    sys->now = skewed_now;
    run_beat(0, durations);
    sys->now = true_now;
}

START_TEST(case_122_a_clock_that_goes_backwards_is_ignored)
{
    run_backwards((const int64_t[]){ -2000, -1000, -3000, -2000, 0, FOREVER });
    ck_assert_str_eq(story, "10100 10200 10300 10400 10500 ");
}
END_TEST

START_TEST(a_clock_that_goes_back_by_periods_is_ignored_too)
{
    run_backwards((const int64_t[]){ 0, -25000, -100000, 0, FOREVER });
    ck_assert_str_eq(story, "10100 10200 10300 10400 ");
}
END_TEST

START_TEST(case_122_jitter_lengthens_and_shortens_the_period)
{
    chances = (const double[]){ 0.5, 1, 0, 0.75 };
    sim_sys(sim)->random = scripted_random;
    run_beat(0.5, (const int64_t[]){ 0, 0, 0, 0, FOREVER });
    ck_assert_str_eq(story, "10100 10225 10300 10412 ");
    ck_assert_int_eq(sim_now(sim), 1041250 * MILLISECOND);
}
END_TEST

START_TEST(jitter_stays_within_its_bounds_and_is_the_same_for_the_same_seed)
{
    static const int64_t at_once[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, FOREVER };
    char first[sizeof story];
    for (int run = 0; run < 2; run++) {
        teardown();
        setup();
        run_beat(0.2, at_once);
        int64_t spent = sim_now(sim) - 1000 * SECOND;
        ck_assert(spent > 90 * SECOND && spent < 110 * SECOND && spent != 100 * SECOND);
        if (run == 0)
            strcpy(first, story);
    }
    ck_assert_str_eq(first, story);
}
END_TEST

START_TEST(without_random_bytes_there_is_no_jitter)
{
    sim_sys(sim)->random = no_random;
    run_beat(1, (const int64_t[]){ 0, 0, 0, FOREVER });
    ck_assert_str_eq(story, "10100 10200 10300 ");
}
END_TEST

/* ---- periods at the ends of time ----------------------------------------------------------------------------------- */

START_TEST(a_period_without_end_never_comes)
{
    struct periodic p = {0};
    struct future hour = {0};
    periodic_start(&p, loop, FOREVER, heard, "never");
    ck_assert_int_eq(p.next, FOREVER);
    periodic_stop(&p);
    p.jitter = 1;
    chances = (const double[]){ 1 };
    sim_sys(sim)->random = scripted_random;
    periodic_start(&p, loop, FOREVER, heard, "never");
    ck_assert_int_eq(p.next, FOREVER);
    future_sleep(loop, 3600 * SECOND, future_then(&hour, stop, NULL));
    loop_start(loop);
    periodic_close(&p);
    ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(a_period_is_never_jittered_to_nothing)
{
    struct periodic p = { .jitter = 1 };
    chances = (const double[]){ 0, 0 };
    sim_sys(sim)->random = scripted_random;
    periodic_start(&p, loop, 1, heard, "p");
    ck_assert_int_eq(p.next, SECOND + 1);
    periodic_close(&p);
}
END_TEST

/* ---- how it ends ---------------------------------------------------------------------------------------------------- */

static void free_beat(void *self, int what)
{
    struct beat *b = self;
    tell("freed", what);
    periodic_close(&b->periodic);
    free(b);
}

START_TEST(a_callback_may_close_and_free_it)
{
    struct beat *b = calloc(1, sizeof *b);
    periodic_start(&b->periodic, loop, SECOND, free_beat, b);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "freed0 ");
}
END_TEST

static void fast(void *self, int what)
{
    (void)what;
    tell("fast@", (int)elapsed());
    if (elapsed() >= 1030)
        periodic_stop(self);
}

static void slow(void *self, int what)
{
    (void)what;
    tell("slow@", (int)elapsed());
    periodic_stop(self);
    periodic_start(self, loop, 10 * MILLISECOND, fast, self);
}

START_TEST(a_callback_may_start_it_anew)
{
    struct periodic p = {0};
    periodic_start(&p, loop, SECOND, slow, &p);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "slow@1000 fast@1010 fast@1020 fast@1030 ");
}
END_TEST

START_TEST(stopping_is_harmless_in_any_state)
{
    struct periodic p = {0};
    periodic_stop(&p);
    periodic_close(&p);
    periodic_start(&p, loop, SECOND, heard, "p");
    periodic_stop(&p);
    periodic_stop(&p);
    periodic_close(&p);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "");
}
END_TEST

static void stop_it(void *self, int what)
{
    tell("stops", what);
    periodic_stop(self);
}

START_TEST(one_that_is_stopped_when_it_is_due_already_is_not_called)
{
    struct periodic p = {0};
    struct timeout first = {0};
    loop_call_at(loop, 2 * SECOND, &first, stop_it, &p);
    periodic_start(&p, loop, SECOND, heard, "p");
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "stops0 ");
}
END_TEST

/* ---- coroutines ----------------------------------------------------------------------------------------------------- */

struct round {
    struct periodic periodic;
    int64_t nap;
    int left, rc;
};

int go_round(void *self);           /* not static: the log says its name */

/* Tells when it begins, sleeps, and stops after the last. */
int go_round(void *self)
{
    struct round *r = self;
    struct future f = {0};
    tell("@", (int)elapsed());
    int rc = await(future_sleep(loop, r->nap, &f));
    if (rc < 0) {
        tell("cleaned up", rc);
        return rc;
    }
    if (--r->left == 0)
        periodic_stop(&r->periodic);
    return r->rc;
}

START_TEST(a_coroutine_never_overlaps_itself)
{
    struct round r = { .nap = 25 * MILLISECOND, .left = 3 };
    periodic_start_co(&r.periodic, loop, 10 * MILLISECOND, go_round, &r);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "@10 @40 @70 ");
    periodic_close(&r.periodic);
}
END_TEST

START_TEST(case_123_what_a_callback_returns_does_not_make_it_spin)
{
    struct round r = { .left = 5, .rc = 1 };
    periodic_start_co(&r.periodic, loop, 10 * MILLISECOND, go_round, &r);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "@10 @20 @30 @40 @50 ");
}
END_TEST

START_TEST(a_coroutine_that_fails_is_logged_and_called_again)
{
    struct round r = { .left = 2, .rc = -EPIPE };
    periodic_start_co(&r.periodic, loop, 10 * MILLISECOND, go_round, &r);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "@10 @20 ");
    ck_assert_str_eq(sim_log(sim), "error: the periodic coroutine go_round failed: Broken pipe\n"
                                   "error: the periodic coroutine go_round failed: Broken pipe\n");
}
END_TEST

static void close_it(void *self, int what)
{
    tell("closing", what);
    periodic_close(self);
    tell("closed", what);
}

START_TEST(closing_cancels_the_coroutine_that_runs)
{
    struct round *r = calloc(1, sizeof *r);
    struct timeout later = {0};
    r->nap = SECOND;
    r->left = 1;
    periodic_start_co(&r->periodic, loop, 10 * MILLISECOND, go_round, r);
    loop_call_at(loop, SECOND + 15 * MILLISECOND, &later, close_it, &r->periodic);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "@10 closing0 cleaned up-125 closed0 ");
    free(r);
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

static void close_round(void *self, int what)
{
    struct round *r = self;
    tell("freed", what);
    periodic_close(&r->periodic);
    free(r);
}

static int leave_round(void *self)
{
    struct round *r = self;
    periodic_stop(&r->periodic);
    ck_assert_int_eq(loop_add_callback(loop, close_round, r), 0);
    return 0;
}

START_TEST(one_whose_coroutine_has_just_ended_may_be_closed_and_freed)
{
    struct round *r = calloc(1, sizeof *r);
    periodic_start_co(&r->periodic, loop, SECOND, leave_round, r);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "freed0 ");
}
END_TEST

START_TEST(a_coroutine_goes_on_to_its_end_when_it_is_stopped)
{
    struct round r = { .nap = 20 * MILLISECOND, .left = 1 };
    struct timeout later = {0};
    periodic_start_co(&r.periodic, loop, 10 * MILLISECOND, go_round, &r);
    loop_call_at(loop, SECOND + 15 * MILLISECOND, &later, stop_it, &r.periodic);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "@10 stops0 ");
    ck_assert_int_eq(r.left, 0);
    ck_assert_int_eq(elapsed(), 30);
    periodic_start_co(&r.periodic, loop, 10 * MILLISECOND, go_round, &r);
    r.left = 1;
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "@10 stops0 @40 ");
}
END_TEST

START_TEST(a_coroutine_that_gets_no_stack_is_logged_and_called_again)
{
    struct round r = { .left = 2 };
    periodic_start_co(&r.periodic, loop, 10 * MILLISECOND, go_round, &r);
    sim_fail(sim, CALL_MEMORY, 1, -ENOMEM);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "@20 @30 ");
    ck_assert_ptr_nonnull(strstr(sim_log(sim), "go_round failed: Cannot allocate memory (no memory for a coroutine's stack)\n"));
}
END_TEST

/* ---- mistakes ------------------------------------------------------------------------------------------------------- */

static void broken_no_period(void)
{
    struct periodic p = {0};
    periodic_start(&p, loop, 0, heard, "p");
}

static void broken_jitter(void)
{
    struct periodic p = { .jitter = 1.5 };
    periodic_start(&p, loop, SECOND, heard, "p");
}

static void broken_start_twice(void)
{
    struct periodic p = {0};
    periodic_start(&p, loop, SECOND, heard, "p");
    periodic_start(&p, loop, SECOND, heard, "p");
}

static int restart(void *self)
{
    struct periodic *p = self;
    periodic_stop(p);
    periodic_start_co(p, loop, SECOND, restart, p);
    return 0;
}

static void broken_start_while_it_runs(void)
{
    struct periodic p = {0};
    periodic_start_co(&p, loop, SECOND, restart, &p);
    loop_start(loop);
}

static int close_myself(void *self)
{
    periodic_close(self);
    return 0;
}

static void broken_close_from_inside(void)
{
    struct periodic p = {0};
    periodic_start_co(&p, loop, SECOND, close_myself, &p);
    loop_start(loop);
}

static void (*const broken[])(void) = {
    broken_no_period, broken_jitter, broken_start_twice, broken_start_while_it_runs, broken_close_from_inside,
};

START_TEST(a_broken_precondition_ends_the_process)
{
    broken[_i]();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("periodic");
    TCase *tcase = tcase_create("periodic");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, case_122_an_overrun_skips_whole_cycles);
    tcase_add_test(tcase, case_122_a_clock_that_goes_backwards_is_ignored);
    tcase_add_test(tcase, a_clock_that_goes_back_by_periods_is_ignored_too);
    tcase_add_test(tcase, case_122_jitter_lengthens_and_shortens_the_period);
    tcase_add_test(tcase, jitter_stays_within_its_bounds_and_is_the_same_for_the_same_seed);
    tcase_add_test(tcase, without_random_bytes_there_is_no_jitter);
    tcase_add_test(tcase, a_period_without_end_never_comes);
    tcase_add_test(tcase, a_period_is_never_jittered_to_nothing);
    tcase_add_test(tcase, a_callback_may_close_and_free_it);
    tcase_add_test(tcase, a_callback_may_start_it_anew);
    tcase_add_test(tcase, stopping_is_harmless_in_any_state);
    tcase_add_test(tcase, one_that_is_stopped_when_it_is_due_already_is_not_called);
    tcase_add_test(tcase, a_coroutine_never_overlaps_itself);
    tcase_add_test(tcase, case_123_what_a_callback_returns_does_not_make_it_spin);
    tcase_add_test(tcase, a_coroutine_that_fails_is_logged_and_called_again);
    tcase_add_test(tcase, closing_cancels_the_coroutine_that_runs);
    tcase_add_test(tcase, one_whose_coroutine_has_just_ended_may_be_closed_and_freed);
    tcase_add_test(tcase, a_coroutine_goes_on_to_its_end_when_it_is_stopped);
    tcase_add_test(tcase, a_coroutine_that_gets_no_stack_is_logged_and_called_again);
    tcase_add_loop_test_raise_signal(tcase, a_broken_precondition_ends_the_process, SIGABRT, 0, sizeof broken / sizeof *broken);
    return run_suite(suite, tcase);
}
