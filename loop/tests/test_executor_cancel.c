/* test_executor_cancel.c - a job that nobody waits for any more: queued, given away, running, answered. What was handed over is
 * always either handed back or released, once. */
#include "loop/tests/executor_world.h"

static struct executor *ex;
static struct chore all[8];

static void begin(void)
{
    setup();
    ex = executor_new(loop, 1);
    name_chores(all, 8);
}

static void finish(void)
{
    executor_close(ex);
    teardown();
}

START_TEST(a_queued_job_is_released_before_cancel_returns)
{
    for (int i = 0; i < 3; i++)
        do_chore(ex, &all[i]);
    future_cancel(&all[1].f);
    ck_assert_str_eq(story, "~98 ");
    ck_assert_int_eq(executor_load(ex).queued, 1);
    ck_assert_uint_eq(sim_calls(sim, CALL_WITHDRAW), 0);
    loop_start(loop);
    ck_assert_str_eq(story, "~98 a0 =0 c0 =0 ");
}
END_TEST

START_TEST(a_job_that_has_not_begun_is_withdrawn_and_the_next_takes_its_place)
{
    do_chore(ex, &all[0]);
    do_chore(ex, &all[1]);
    future_cancel(&all[0].f);
    ck_assert_str_eq(story, "~97 ");
    ck_assert_int_eq(executor_load(ex).running, 1);
    ck_assert_int_eq(executor_load(ex).queued, 0);
    loop_start(loop);
    ck_assert_str_eq(story, "~97 b0 =0 ");
}
END_TEST

static void cancel_a_and_b(void *self, int what)
{
    tell("now", milliseconds());
    future_cancel(&all[0].f);
    future_cancel(&all[1].f);
    ck_assert_int_eq(executor_load(ex).running, 1);
    (void)self, (void)what;
}

START_TEST(a_running_job_is_told_and_released_when_it_has_ended)
{
    struct timeout t = {0};
    sim_job_time(sim, SECOND, SECOND);
    for (int i = 0; i < 3; i++)
        do_chore(ex, &all[i]);
    loop_call_at(loop, loop_time(loop) + 400 * MILLISECOND, &t, cancel_a_and_b, NULL);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "now400 ~98 a1000 ~97 c2000 =0 ");
    ck_assert(all[0].unwanted);
    ck_assert(!all[2].unwanted);
}
END_TEST

START_TEST(the_loop_stays_until_a_cancelled_job_has_ended)
{
    sim_job_time(sim, SECOND, SECOND);
    do_chore(ex, &all[0]);
    let_jobs_begin();
    future_cancel(&all[0].f);
    ck_assert(!loop_idle(loop));
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "a1000 ~97 ");
}
END_TEST

START_TEST(a_cancelled_jobs_future_can_be_used_again_at_once)
{
    struct future f = {0};
    sim_job_time(sim, SECOND, SECOND);
    executor_run(ex, chore_run, &all[0], chore_release, future_then(&f, heard, "="));
    let_jobs_begin();
    future_cancel(&f);
    all[1].rc = 5;
    executor_run(ex, chore_run, &all[1], chore_release, future_then(&f, heard, "="));
    loop_start(loop);
    ck_assert_str_eq(story, "a1000 ~97 b2000 =5 ");
}
END_TEST

START_TEST(a_job_that_has_ended_unheard_is_released_by_the_loop)
{
    do_chore(ex, &all[0]);
    let_jobs_begin();
    ck_assert_str_eq(story, "a0 ");
    future_cancel(&all[0].f);
    ck_assert_str_eq(story, "a0 ");
    loop_start(loop);
    ck_assert_str_eq(story, "a0 ~97 ");
}
END_TEST

static void cancel_b(void *self, int rc)
{
    tell("=", rc);
    ck_assert(future_done(&all[1].f));
    future_cancel(self);
}

START_TEST(an_answer_that_was_not_delivered_is_released_before_cancel_returns)
{
    struct executor *two = executor_new(loop, 2);
    executor_run(two, chore_run, &all[0], chore_release, future_then(&all[0].f, cancel_b, &all[1].f));
    do_chore(two, &all[1]);
    loop_start(loop);
    ck_assert_str_eq(story, "a0 b0 =0 ~98 ");
    executor_close(two);
}
END_TEST

START_TEST(a_delivered_answer_is_not_released)
{
    do_chore(ex, &all[0]);
    loop_start(loop);
    future_cancel(&all[0].f);
    ck_assert_int_eq(all[0].releases, 0);
}
END_TEST

START_TEST(a_failed_answer_is_not_released_twice)
{
    all[0].rc = -EIO;
    executor_run(ex, chore_run, &all[0], chore_release, &all[0].f);
    loop_start(loop);
    future_cancel(&all[0].f);
    ck_assert_int_eq(all[0].releases, 1);
}
END_TEST

START_TEST(a_job_that_cannot_be_withdrawn_runs_and_is_released)
{
    do_chore(ex, &all[0]);
    sim_fail(sim, CALL_WITHDRAW, 1, -EIO);
    future_cancel(&all[0].f);
    ck_assert_str_eq(story, "");
    loop_start(loop);
    ck_assert_str_eq(story, "a0 ~97 ");
}
END_TEST

START_TEST(nothing_to_release_is_fine)
{
    for (int i = 0; i < 2; i++)
        executor_run(ex, chore_run, &all[i], NULL, &all[i].f);
    future_cancel(&all[1].f);
    future_cancel(&all[0].f);
    ck_assert(loop_idle(loop));
}
END_TEST

/* ---- coroutines and combinators -------------------------------------------------------------------------------------- */

START_TEST(a_cancelled_coroutine_cancels_its_job_wherever_that_is)
{
    struct errand first = { ex, &all[0] }, second = { ex, &all[1] };
    struct future a = {0}, b = {0};
    sim_job_time(sim, SECOND, SECOND);
    co_spawn(loop, await_chore, &first, &a);
    co_spawn(loop, await_chore, &second, &b);
    turn();
    future_cancel(&b);
    ck_assert_str_eq(story, "~98 await-125 ");
    let_jobs_begin();
    future_cancel(&a);
    ck_assert_str_eq(story, "~98 await-125 await-125 ");
    loop_start(loop);
    ck_assert_str_eq(story, "~98 await-125 await-125 a1000 ~97 ");
}
END_TEST

static void cancel_it_once_a_was_answered(void *self, int what)
{
    (void)what;
    if (all[0].runs && executor_load(ex).running == 0)
        future_cancel(self);
    else
        loop_add_callback(loop, cancel_it_once_a_was_answered, self);
}

START_TEST(a_coroutine_that_is_cancelled_before_it_hears_has_its_answer_released)
{
    struct errand errand = { ex, &all[0] };
    struct future f = {0};
    co_spawn(loop, await_chore, &errand, &f);
    loop_add_callback(loop, cancel_it_once_a_was_answered, &f);
    loop_start(loop);
    ck_assert_str_eq(story, "a0 ~97 await-125 ");
}
END_TEST

static int impatient(void *self)
{
    int rc = await_until(executor_run(ex, chore_run, self, chore_release, &all[0].f), loop_time(loop) + 100 * MILLISECOND);
    tell("await", rc);
    return 0;
}

START_TEST(a_job_may_be_too_late)
{
    sim_job_time(sim, SECOND, SECOND);
    loop_run_sync(loop, impatient, &all[0]);
    ck_assert_str_eq(story, "await-110 ");
    loop_start(loop);
    ck_assert_str_eq(story, "await-110 a1000 ~97 ");
}
END_TEST

static void heard_then_stop(void *self, int rc)
{
    tell(self, rc);
    loop_stop(loop);
}

START_TEST(the_losers_of_any_go_on_until_they_are_cancelled)
{
    struct executor *three = executor_new(loop, 3);
    struct future *members[3], any = {0};
    for (int i = 0; i < 3; i++) {
        sim_job_time(sim, (3 - i) * SECOND, (3 - i) * SECOND);
        members[i] = executor_run(three, chore_run, &all[i], chore_release, &all[i].f);
        let_jobs_begin();
    }
    future_any(loop, members, 3, future_then(&any, heard_then_stop, "any"));
    loop_start(loop);
    future_cancel(members[0]);
    ck_assert_str_eq(story, "c1000 any2 ");
    loop_start(loop);
    ck_assert_str_eq(story, "c1000 any2 b2000 a3000 ~97 ");
    future_cancel(members[1]);
    ck_assert_str_eq(story, "c1000 any2 b2000 a3000 ~97 ~98 ");
    executor_close(three);
}
END_TEST

/* a was answered, b runs, c is in the pool, d is queued. */
START_TEST(cancelling_all_cancels_each_in_its_state)
{
    struct executor *two = executor_new(loop, 2);
    struct future *members[4], whole = {0};
    for (int i = 0; i < 4; i++) {
        members[i] = executor_run(two, chore_run, &all[i], chore_release, &all[i].f);
        if (i < 2)
            let_jobs_begin();
        if (i == 0)
            turn();
        sim_job_time(sim, SECOND, SECOND);
    }
    future_all(loop, members, 4, future_then(&whole, heard, "="));
    future_cancel(&whole);
    ck_assert_str_eq(story, "a0 ~97 ~99 ~100 ");
    loop_start(loop);
    ck_assert_str_eq(story, "a0 ~97 ~99 ~100 b1000 ~98 ");
    executor_close(two);
}
END_TEST

/* ---- many, by chance ------------------------------------------------------------------------------------------------- */

enum { FUTURES = 8, STEPS = 300 };

struct parcel {
    int *live;                      /* parcels that were handed over, and not back */
    int rc;
};

static int carry(void *self)
{
    return ((struct parcel *)self)->rc;
}

static void end_parcel(void *self)
{
    --*((struct parcel *)self)->live;
    free(self);
}

struct slot {
    struct future f;
    bool used;
};

static void take_parcel(void *self, int rc)
{
    struct slot *slot = self;
    slot->used = false;
    if (rc >= 0)
        end_parcel(slot->f.value);
}

static void step(struct sys *sys, struct executor *executor, struct slot *slot, int *live)
{
    unsigned char dice[2];
    sys->random(sys, dice, sizeof dice);
    if (slot->used && dice[0] % 4 == 0) {
        future_cancel(&slot->f);
        slot->used = false;
    } else if (!slot->used) {
        struct parcel *p = malloc(sizeof *p);
        *p = (struct parcel){ live, dice[1] % 5 == 0 ? -EIO : 1 };
        ++*live;
        slot->used = true;
        executor_run(executor, carry, p, end_parcel, future_then(&slot->f, take_parcel, slot));
    } else if (dice[0] % 4 == 1) {
        turn();
    }
}

START_TEST(whatever_happens_each_is_handed_back_or_released_once)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct sim *here = sim_new(seed);
        struct slot slots[FUTURES];
        int live = 0;
        memset(slots, 0, sizeof slots);
        loop = loop_new(sim_sys(here));
        struct executor *executor = executor_new(loop, 1 + (int)(seed % 4));
        sim_job_time(here, 0, seed % 3 ? 10 : 0);
        sim_storm(here, CALL_SUBMIT, 10, -EAGAIN);
        sim_storm(here, CALL_MEMORY, 10, -ENOMEM);
        sim_storm(here, CALL_WITHDRAW, 10, -EIO);
        for (int i = 0; i < STEPS; i++)
            step(sim_sys(here), executor, &slots[i % FUTURES], &live);
        if (seed % 2)
            loop_start(loop);
        executor_close(executor);
        ck_assert_int_eq(live, 0);
        loop_close(loop);
        ck_assert_uint_eq(sim_live(here).blocks, 0);
        sim_close(here);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("cancelled");
    TCase *chance = tcase_create("chance");
    Suite *suite = suite_create("executor_cancel");
    tcase_add_checked_fixture(tcase, begin, finish);
    tcase_add_test(tcase, a_queued_job_is_released_before_cancel_returns);
    tcase_add_test(tcase, a_job_that_has_not_begun_is_withdrawn_and_the_next_takes_its_place);
    tcase_add_test(tcase, a_running_job_is_told_and_released_when_it_has_ended);
    tcase_add_test(tcase, the_loop_stays_until_a_cancelled_job_has_ended);
    tcase_add_test(tcase, a_cancelled_jobs_future_can_be_used_again_at_once);
    tcase_add_test(tcase, a_job_that_has_ended_unheard_is_released_by_the_loop);
    tcase_add_test(tcase, an_answer_that_was_not_delivered_is_released_before_cancel_returns);
    tcase_add_test(tcase, a_delivered_answer_is_not_released);
    tcase_add_test(tcase, a_failed_answer_is_not_released_twice);
    tcase_add_test(tcase, a_job_that_cannot_be_withdrawn_runs_and_is_released);
    tcase_add_test(tcase, nothing_to_release_is_fine);
    tcase_add_test(tcase, a_cancelled_coroutine_cancels_its_job_wherever_that_is);
    tcase_add_test(tcase, a_coroutine_that_is_cancelled_before_it_hears_has_its_answer_released);
    tcase_add_test(tcase, a_job_may_be_too_late);
    tcase_add_test(tcase, the_losers_of_any_go_on_until_they_are_cancelled);
    tcase_add_test(tcase, cancelling_all_cancels_each_in_its_state);
    tcase_add_test(chance, whatever_happens_each_is_handed_back_or_released_once);
    suite_add_tcase(suite, chance);
    return run_suite(suite, tcase);
}
