/* test_waiters.c - what flag, condition, semaphore and lock all owe to those that wait. */
#include "loop/condition.h"
#include "loop/flag.h"
#include "loop/lock.h"
#include "loop/semaphore.h"
#include "loop/tests/co_world.h"

/* ---- the four, each so that a waiter waits, and how it is woken ----------------------------------------------------- */

static void *open_flag(void)
{
    return flag_new(loop);
}

static void close_flag(void *self)
{
    flag_close(self);
}

static struct future *wait_flag(void *self, struct future *f)
{
    return flag_wait(self, f);
}

static void wake_flag(void *self)
{
    flag_set(self);
}

static void *open_condition(void)
{
    return condition_new(loop);
}

static void close_condition(void *self)
{
    condition_close(self);
}

static struct future *wait_condition(void *self, struct future *f)
{
    return condition_wait(self, f);
}

static void wake_condition(void *self)
{
    condition_notify(self, 1);
}

static void *open_semaphore(void)
{
    return semaphore_new(loop, 0, 0);
}

static void close_semaphore(void *self)
{
    semaphore_close(self);
}

static struct future *wait_semaphore(void *self, struct future *f)
{
    return semaphore_acquire(self, f);
}

static void wake_semaphore(void *self)
{
    semaphore_release(self);
}

static void *open_lock(void)
{
    struct lock *lock = lock_new(loop);
    struct future f = {0};
    if (lock) {
        lock_acquire(lock, &f);
        ck_assert(future_take(&f, NULL));
    }
    return lock;
}

static void close_lock(void *self)
{
    lock_close(self);
}

static struct future *wait_lock(void *self, struct future *f)
{
    return lock_acquire(self, f);
}

static void wake_lock(void *self)
{
    lock_release(self);
}

static const struct kind {
    const char *name;
    void *(*open)(void);
    void (*close)(void *);
    struct future *(*wait)(void *, struct future *);
    void (*wake)(void *);           /* the next; a flag: all */
} kinds[] = {
    { "flag", open_flag, close_flag, wait_flag, wake_flag },
    { "condition", open_condition, close_condition, wait_condition, wake_condition },
    { "semaphore", open_semaphore, close_semaphore, wait_semaphore, wake_semaphore },
    { "lock", open_lock, close_lock, wait_lock, wake_lock },
};

static const struct kind *kind;
static void *it;

static void open_it(int i)
{
    kind = &kinds[i];
    it = kind->open();
    ck_assert_ptr_nonnull(it);
}

static struct future *wait_for_it(struct future *f, char *name)
{
    return kind->wait(it, future_then(f, heard, name));
}

static int waiter(void *self)
{
    struct future f = {0};
    int rc = await(kind->wait(it, &f));
    tell(self, rc);
    return rc;
}

static void close_it(void *self, int what)
{
    (void)self;
    tell("closes", what);
    kind->close(it);
}

static void wake_it(void *self, int what)
{
    (void)self, (void)what;
    kind->wake(it);
}

/* ---- what all owe ---------------------------------------------------------------------------------------------------- */

START_TEST(those_that_wait_are_served_in_the_order_they_came)
{
    struct future a = {0}, b = {0}, c = {0};
    open_it(_i);
    uint64_t allocations = sim_calls(sim, CALL_MEMORY);
    wait_for_it(&b, "b");
    wait_for_it(&a, "a");
    wait_for_it(&c, "c");
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "");
    for (int i = 0; i < 3; i++)
        kind->wake(it);
    ck_assert_str_eq(story, "");
    loop_start(loop);
    ck_assert_str_eq(story, "b0 a0 c0 ");
    ck_assert_uint_eq(sim_calls(sim, CALL_MEMORY), allocations);
    kind->close(it);
}
END_TEST

START_TEST(coroutines_and_callbacks_stand_in_one_line)
{
    struct future a = {0}, b = {0}, c = {0};
    struct timeout later[3] = {0};
    open_it(_i);
    co_spawn(loop, waiter, "a", &a);
    wait_for_it(&b, "b");
    co_spawn(loop, waiter, "c", &c);
    for (int i = 0; i < 3; i++)
        loop_call_at(loop, SECOND, &later[i], wake_it, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "b0 a0 c0 ");
    kind->close(it);
}
END_TEST

START_TEST(one_that_goes_leaves_nothing_behind)
{
    struct future a = {0}, c = {0}, *b = calloc(1, sizeof *b);
    open_it(_i);
    wait_for_it(&a, "a");
    wait_for_it(b, "b");
    wait_for_it(&c, "c");
    future_cancel(b);
    free(b);
    for (int i = 0; i < 2; i++)
        kind->wake(it);
    loop_start(loop);
    ck_assert_str_eq(story, "a0 c0 ");
    kind->close(it);
}
END_TEST

static int impatient(void *self)
{
    struct future f = {0};
    int rc = await_until(kind->wait(it, &f), loop_time(loop) + SECOND);
    tell(self, rc);
    return 0;
}

START_TEST(one_that_times_out_leaves_nothing_behind)
{
    struct future f = {0}, b = {0};
    struct timeout later = {0};
    open_it(_i);
    for (int i = 0; i < 100; i++)
        co_spawn(loop, impatient, i % 50 ? "" : "late", i ? NULL : &f);
    loop_call_at(loop, 3 * SECOND, &later, wake_it, NULL);
    turn();
    wait_for_it(&b, "b");
    loop_start(loop);
    ck_assert_ptr_nonnull(strstr(story, "late-110 -110 "));
    ck_assert_str_eq(story + strlen(story) - 3, "b0 ");
    kind->close(it);
}
END_TEST

START_TEST(an_answer_that_was_not_heard_goes_to_the_next)
{
    struct future a = {0}, b = {0};
    open_it(_i);
    wait_for_it(&a, "a");
    wait_for_it(&b, "b");
    kind->wake(it);
    future_cancel(&a);
    loop_start(loop);
    ck_assert_str_eq(story, "b0 ");
    wait_for_it(&a, "a");
    kind->wake(it);
    loop_start(loop);
    ck_assert_str_eq(story, "b0 a0 ");
    kind->close(it);
}
END_TEST

START_TEST(a_coroutine_that_is_cancelled_before_it_hears_passes_it_on)
{
    struct future a = {0}, b = {0};
    open_it(_i);
    co_spawn(loop, waiter, "a", &a);
    co_spawn(loop, waiter, "b", &b);
    turn();
    kind->wake(it);
    future_cancel(&a);
    ck_assert_str_eq(story, "a-125 ");
    loop_start(loop);
    ck_assert_str_eq(story, "a-125 b0 ");
    kind->close(it);
}
END_TEST

START_TEST(one_of_several_that_were_waited_for_together_gives_back_what_was_not_heard)
{
    struct future a = {0}, b = {0}, next = {0}, both = {0};
    struct future *members[] = { &a, &b };
    open_it(_i);
    future_all(loop, (kind->wait(it, &a), kind->wait(it, &b), members), 2, future_then(&both, heard, "both"));
    kind->wake(it);
    turn();
    future_cancel(&both);
    ck_assert_str_eq(story, "");
    wait_for_it(&next, "next");
    kind->wake(it);
    loop_start(loop);
    ck_assert_str_eq(story, "next0 ");
    kind->close(it);
}
END_TEST

START_TEST(closing_is_silent_for_callbacks_and_wakes_coroutines)
{
    struct future a = {0}, *b = calloc(1, sizeof *b);
    open_it(_i);
    co_spawn(loop, waiter, "a", &a);
    turn();
    wait_for_it(b, "b");
    close_it(NULL, 0);
    free(b);
    ck_assert_str_eq(story, "closes0 ");
    loop_start(loop);
    ck_assert_str_eq(story, "closes0 a-125 ");
}
END_TEST

START_TEST(closing_takes_back_what_was_not_heard)
{
    struct future a = {0}, heard_before = {0}, *b = calloc(1, sizeof *b), *c = calloc(1, sizeof *c);
    open_it(_i);
    wait_for_it(&heard_before, "before");
    kind->wake(it);
    loop_start(loop);
    co_spawn(loop, waiter, "a", &a);
    turn();
    wait_for_it(b, "b");
    kind->wait(it, c);
    for (int i = 0; i < 3; i++)
        kind->wake(it);
    kind->close(it);
    free(b);
    free(c);
    loop_start(loop);
    ck_assert_str_eq(story, _i == 0 ? "before0 a0 " : "before0 a-125 ");
    ck_assert_int_eq(heard_before.rc, 0);
}
END_TEST

START_TEST(a_callback_may_close_what_it_waited_for)
{
    struct future a = {0}, b = {0};
    open_it(_i);
    kind->wait(it, future_then(&a, close_it, NULL));
    wait_for_it(&b, "b");
    kind->wake(it);
    kind->wake(it);
    loop_start(loop);
    ck_assert_str_eq(story, "closes0 ");
}
END_TEST

START_TEST(without_memory_there_is_none)
{
    kind = &kinds[_i];
    sim_fail(sim, CALL_MEMORY, 1, -ENOMEM);
    errno = 0;
    ck_assert_ptr_null(kind->open());
    ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

int main(void)
{
    const TTest *shared[] = {
        those_that_wait_are_served_in_the_order_they_came,
        coroutines_and_callbacks_stand_in_one_line,
        one_that_goes_leaves_nothing_behind,
        one_that_times_out_leaves_nothing_behind,
        an_answer_that_was_not_heard_goes_to_the_next,
        a_coroutine_that_is_cancelled_before_it_hears_passes_it_on,
        one_of_several_that_were_waited_for_together_gives_back_what_was_not_heard,
        closing_is_silent_for_callbacks_and_wakes_coroutines,
        closing_takes_back_what_was_not_heard,
        a_callback_may_close_what_it_waited_for,
        without_memory_there_is_none,
    };
    Suite *suite = suite_create("waiters");
    TCase *tcase = tcase_create("waiters");
    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        tcase_add_loop_test(tcase, shared[i], 0, sizeof kinds / sizeof *kinds);
    return run_suite(suite, tcase);
}
