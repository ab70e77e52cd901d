/* test_lock.c - flag, condition, semaphore and lock, each for itself; test_waiters.c has what all four owe. */
#include "loop/condition.h"
#include "loop/flag.h"
#include "loop/lock.h"
#include "loop/semaphore.h"
#include "loop/tests/co_world.h"

/* ---- flag ------------------------------------------------------------------------------------------------------------- */

START_TEST(a_flag_that_is_set_holds_nobody_up)
{
    struct flag *flag = flag_new(loop);
    struct future a = {0}, b = {0};
    ck_assert(!flag_is_set(flag));
    flag_set(flag);
    ck_assert(flag_is_set(flag));
    flag_wait(flag, future_then(&a, heard, "a"));
    flag_wait(flag, future_then(&b, heard, "b"));
    loop_start(loop);
    ck_assert_str_eq(story, "a0 b0 ");
    flag_close(flag);
}
END_TEST

START_TEST(a_flag_that_is_set_and_cleared_wakes_those_that_waited)
{
    struct flag *flag = flag_new(loop);
    struct future a = {0}, b = {0};
    flag_wait(flag, future_then(&a, heard, "a"));
    flag_set(flag);
    flag_clear(flag);
    ck_assert(!flag_is_set(flag));
    flag_wait(flag, future_then(&b, heard, "b"));
    loop_start(loop);
    ck_assert_str_eq(story, "a0 ");
    flag_set(flag);
    loop_start(loop);
    ck_assert_str_eq(story, "a0 b0 ");
    flag_close(flag);
}
END_TEST

/* ---- condition -------------------------------------------------------------------------------------------------------- */

START_TEST(a_condition_wakes_as_many_as_it_is_told)
{
    struct condition *c = condition_new(loop);
    struct future f[5] = {0};
    char *names[] = { "a", "b", "c", "d", "e" };
    for (int i = 0; i < 5; i++)
        condition_wait(c, future_then(&f[i], heard, names[i]));
    condition_notify(c, 0);
    condition_notify(c, 2);
    loop_start(loop);
    ck_assert_str_eq(story, "a0 b0 ");
    condition_notify(c, SIZE_MAX);
    loop_start(loop);
    ck_assert_str_eq(story, "a0 b0 c0 d0 e0 ");
    condition_close(c);
}
END_TEST

START_TEST(a_condition_remembers_nothing)
{
    struct condition *c = condition_new(loop);
    struct future a = {0};
    condition_notify(c, 1);
    condition_wait(c, future_then(&a, heard, "a"));
    loop_start(loop);
    ck_assert_str_eq(story, "");
    future_cancel(&a);
    condition_close(c);
}
END_TEST

/* ---- semaphore -------------------------------------------------------------------------------------------------------- */

static int inside, most;

static int worker(void *self)
{
    struct future turn = {0}, work = {0};
    ck_assert_int_eq(await(semaphore_acquire(self, &turn)), 0);
    most = ++inside > most ? inside : most;
    ck_assert_int_eq(await(future_sleep(loop, SECOND, &work)), 0);
    inside--;
    semaphore_release(self);
    return 0;
}

START_TEST(a_semaphore_lets_so_many_in_at_a_time)
{
    struct semaphore *s = semaphore_new(loop, 3, 3);
    for (int i = 0; i < 10; i++)
        co_spawn(loop, worker, s, NULL);
    loop_start(loop);
    ck_assert_int_eq(most, 3);
    ck_assert_int_eq(elapsed(), 4000);
    ck_assert_uint_eq(semaphore_free(s), 3);
    semaphore_close(s);
}
END_TEST

START_TEST(a_permit_is_out_from_the_moment_it_is_handed_out)
{
    struct semaphore *s = semaphore_new(loop, 1, 0);
    struct future a = {0}, b = {0};
    semaphore_acquire(s, future_then(&a, heard, "a"));
    ck_assert_uint_eq(semaphore_free(s), 0);
    future_cancel(&a);
    ck_assert_uint_eq(semaphore_free(s), 1);
    semaphore_acquire(s, &a);
    semaphore_acquire(s, future_then(&b, heard, "b"));
    future_cancel(&b);
    future_cancel(&a);
    ck_assert_uint_eq(semaphore_free(s), 1);
    semaphore_release(s);
    ck_assert_uint_eq(semaphore_free(s), 2);
    loop_start(loop);
    ck_assert_str_eq(story, "");
    semaphore_close(s);
}
END_TEST

/* ---- lock ------------------------------------------------------------------------------------------------------------- */

static struct lock *guard;

static int careful(void *self)
{
    struct future turn = {0}, work = {0};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(await(lock_acquire(guard, &turn)), 0);
        ck_assert_int_eq(inside++, 0);
        tell(self, i);
        ck_assert_int_eq(await(future_sleep(loop, SECOND, &work)), 0);
        inside--;
        lock_release(guard);
    }
    return 0;
}

START_TEST(a_lock_lets_one_in_at_a_time_and_nobody_jumps_the_line)
{
    struct lock *lock = guard = lock_new(loop);
    co_spawn(loop, careful, "a", NULL);
    co_spawn(loop, careful, "b", NULL);
    co_spawn(loop, careful, "c", NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "a0 b0 c0 a1 b1 c1 ");
    ck_assert_int_eq(elapsed(), 6000);
    ck_assert(!lock_held(lock));
    lock_close(lock);
}
END_TEST

START_TEST(a_lock_that_nobody_heard_of_is_free_again)
{
    struct lock *lock = lock_new(loop);
    struct future a = {0};
    lock_acquire(lock, &a);
    ck_assert(lock_held(lock));
    future_cancel(&a);
    ck_assert(!lock_held(lock));
    lock_close(lock);
}
END_TEST

static int holder(void *self)
{
    struct future f = {0};
    int rc = await(lock_acquire(self, &f));
    if (rc < 0)
        return rc;
    tell("slept", await(future_sleep(loop, SECOND, &f)));
    lock_release(self);
    return 0;
}

START_TEST(a_lock_outlives_the_coroutines_that_the_loop_cancels_at_its_end)
{
    struct lock *lock = lock_new(loop);
    for (int i = 0; i < 3; i++)
        co_spawn(loop, holder, lock, NULL);
    turn();
    loop_close(loop);
    ck_assert_str_eq(story, "slept-125 ");
    ck_assert(!lock_held(lock));
    lock_close(lock);
    loop = loop_new(sim_sys(sim));
}
END_TEST

/* ---- mistakes ------------------------------------------------------------------------------------------------------- */

static void broken_release_of_a_free_lock(void)
{
    lock_release(lock_new(loop));
}

static void broken_release_beyond_the_limit(void)
{
    semaphore_release(semaphore_new(loop, 2, 2));
}

static void broken_permits_beyond_the_limit(void)
{
    semaphore_new(loop, 3, 2);
}

static void (*const broken[])(void) = {
    broken_release_of_a_free_lock, broken_release_beyond_the_limit, broken_permits_beyond_the_limit,
};

START_TEST(a_broken_precondition_ends_the_process)
{
    broken[_i]();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lock");
    TCase *tcase = tcase_create("lock");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_flag_that_is_set_holds_nobody_up);
    tcase_add_test(tcase, a_flag_that_is_set_and_cleared_wakes_those_that_waited);
    tcase_add_test(tcase, a_condition_wakes_as_many_as_it_is_told);
    tcase_add_test(tcase, a_condition_remembers_nothing);
    tcase_add_test(tcase, a_semaphore_lets_so_many_in_at_a_time);
    tcase_add_test(tcase, a_permit_is_out_from_the_moment_it_is_handed_out);
    tcase_add_test(tcase, a_lock_lets_one_in_at_a_time_and_nobody_jumps_the_line);
    tcase_add_test(tcase, a_lock_that_nobody_heard_of_is_free_again);
    tcase_add_test(tcase, a_lock_outlives_the_coroutines_that_the_loop_cancels_at_its_end);
    tcase_add_loop_test_raise_signal(tcase, a_broken_precondition_ends_the_process, SIGABRT, 0, sizeof broken / sizeof *broken);
    return run_suite(suite, tcase);
}
