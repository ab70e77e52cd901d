/* test_future_delivered.c - producers that close: they know which answers were delivered, and are asked nothing afterwards.
 *
 * Every future is freed as soon as its waiter may do so; a producer that still knew it would be seen by the sanitizers. */
#include "loop/tests/co_world.h"

static struct tap tap, taps[4];

static int endings(const struct tap *t)
{
    return t->cancelled + t->undone + t->delivered;
}

static struct future *new_future(void)
{
    return calloc(1, sizeof(struct future));
}

/* ---- callbacks ---------------------------------------------------------------------------------------------------- */

static void free_delivered(void *self, int rc)
{
    ck_assert_ptr_null(tap.f);
    tell("delivered", rc);
    free(self);
}

START_TEST(a_producer_forgets_a_future_before_its_callback_frees_it)
{
    struct future *f = new_future();
    tap_draw(&tap, future_then(f, free_delivered, f));
    future_resolve(f, 5, NULL);
    ck_assert_int_eq(tap.delivered, 0);
    loop_start(loop);
    ck_assert_str_eq(story, "delivered5 ");
    ck_assert_int_eq(tap.delivered, 1);
    tap_close(&tap);
    ck_assert_int_eq(endings(&tap), 1);
}
END_TEST

START_TEST(closing_before_the_delivery_is_silent_and_takes_the_answer_back)
{
    struct future *f = new_future();
    tap_draw(&tap, future_then(f, heard, "f"));
    future_resolve(f, 5, NULL);
    tap_close(&tap);
    ck_assert_int_eq(tap.undone, 1);
    free(f);
    loop_start(loop);
    ck_assert_str_eq(story, "");
    ck_assert_int_eq(endings(&tap), 1);
}
END_TEST

START_TEST(closing_a_pending_operation_calls_none_of_the_verbs)
{
    struct future *f = new_future();
    tap_draw(&tap, future_then(f, heard, "f"));
    tap_close(&tap);
    future_cancel(f);
    free(f);
    ck_assert_int_eq(endings(&tap), 0);
}
END_TEST

START_TEST(cancelling_an_answer_after_its_producer_closed_asks_nobody)
{
    struct future f = {0};
    tap_draw(&tap, &f);
    future_resolve(&f, 5, NULL);
    tap_close(&tap);
    ck_assert_int_eq(tap.undone, 1);
    future_cancel(&f);
    future_then(&f, heard, "f");
    loop_start(loop);
    future_cancel(&f);
    ck_assert_int_eq(endings(&tap), 1);
    ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(cancelling_ends_an_operation_for_its_producer)
{
    for (int answered = 0; answered < 2; answered++) {
        struct future *f = new_future();
        tap_draw(&tap, future_then(f, heard, "f"));
        if (answered)
            future_resolve(f, 5, NULL);
        future_cancel(f);
        free(f);
        ck_assert_int_eq(tap.cancelled, !answered);
        ck_assert_int_eq(tap.undone, answered);
        tap_close(&tap);
        loop_start(loop);
        ck_assert_int_eq(endings(&tap), 1);
    }
}
END_TEST

START_TEST(an_answer_whose_callback_was_taken_away_is_not_delivered)
{
    struct future f = {0};
    tap_draw(&tap, future_then(&f, heard, "f"));
    future_resolve(&f, 5, NULL);
    future_then(&f, NULL, NULL);
    loop_start(loop);
    ck_assert_int_eq(endings(&tap), 0);
    future_then(&f, heard, "late");
    loop_start(loop);
    ck_assert_str_eq(story, "late5 ");
    ck_assert_int_eq(tap.delivered, 1);
}
END_TEST

START_TEST(an_answer_that_is_heard_again_is_delivered_once)
{
    struct future f = {0};
    tap_draw(&tap, future_then(&f, heard, "first"));
    future_resolve(&f, 5, NULL);
    loop_start(loop);
    future_wait(&f, heard, "again");
    future_detach(&f);
    loop_start(loop);
    ck_assert(future_take(&f, "again"));
    ck_assert(future_take(&f, NULL));
    ck_assert_str_eq(story, "first5 again5 ");
    ck_assert_int_eq(tap.delivered, 1);
    ck_assert_int_eq(endings(&tap), 1);
}
END_TEST

START_TEST(who_heard_an_answer_and_leaves_has_not_taken_it)
{
    struct future f = {0};
    tap_draw(&tap, &f);
    future_resolve(&f, 5, NULL);
    future_wait(&f, heard, "left");
    loop_start(loop);
    ck_assert_str_eq(story, "left5 ");
    future_leave(&f, "left");
    ck_assert_int_eq(endings(&tap), 0);
    future_cancel(&f);
    ck_assert_int_eq(tap.undone, 1);
}
END_TEST

static void draw_again(void *self, int rc)
{
    tell("rc", rc);
    if (rc < 3)
        tap_draw(&tap, future_then(self, draw_again, self));
}

START_TEST(a_callback_may_begin_the_next_operation)
{
    struct future f = {0};
    draw_again(&f, 0);
    for (int i = 1; i <= 3; i++) {
        future_resolve(&f, i, NULL);
        loop_start(loop);
    }
    ck_assert_str_eq(story, "rc0 rc1 rc2 rc3 ");
    ck_assert_int_eq(tap.delivered, 1);
}
END_TEST

/* ---- coroutines --------------------------------------------------------------------------------------------------- */

static int await_tap(void *self)
{
    struct future *f = new_future();
    tap_draw(&tap, f);
    if (self)
        future_resolve(f, 5, NULL);
    int rc = await_until(f, 9 * SECOND);
    tell("rc", rc);
    ck_assert_ptr_null(tap.f);
    ck_assert_int_eq(await(f), rc);
    free(f);
    return rc;
}

START_TEST(an_answer_that_await_takes_is_delivered)
{
    ck_assert_int_eq(loop_run_sync(loop, await_tap, "at once"), 5);
    ck_assert_int_eq(tap.delivered, 1);
    tap_close(&tap);
    ck_assert_int_eq(endings(&tap), 1);
}
END_TEST

START_TEST(an_answer_that_resumes_a_coroutine_is_delivered)
{
    co_spawn(loop, await_tap, NULL, NULL);
    turn();
    future_resolve(tap.f, 5, NULL);
    ck_assert_int_eq(tap.delivered, 0);
    loop_start(loop);
    ck_assert_str_eq(story, "rc5 ");
    ck_assert_int_eq(tap.delivered, 1);
    tap_close(&tap);
    ck_assert_int_eq(endings(&tap), 1);
}
END_TEST

START_TEST(a_coroutine_hears_of_the_close_in_place_of_the_answer)
{
    struct future f = {0};
    co_spawn(loop, await_tap, NULL, future_then(&f, heard, "co"));
    turn();
    future_resolve(tap.f, 5, NULL);
    tap_close(&tap);
    ck_assert_int_eq(tap.undone, 1);
    tap.f = NULL;
    loop_start(loop);
    ck_assert_str_eq(story, "rc-125 co-125 ");
    ck_assert_int_eq(endings(&tap), 1);
}
END_TEST

START_TEST(cancelling_the_coroutine_gives_the_answer_back)
{
    struct future f = {0};
    co_spawn(loop, await_tap, NULL, &f);
    turn();
    future_resolve(tap.f, 5, NULL);
    tap.closed = false;
    future_cancel(&f);
    ck_assert_int_eq(tap.undone, 1);
    ck_assert_int_eq(endings(&tap), 1);
}
END_TEST

static void resolve_tap(void *self, int what)
{
    (void)self, (void)what;
    future_resolve(tap.f, 5, NULL);
}

/* The answer is queued behind the deadline, and beats it. */
START_TEST(an_answer_that_beats_the_deadline_is_delivered)
{
    struct timeout t = {0};
    loop_call_at(loop, 9 * SECOND, &t, resolve_tap, NULL);
    ck_assert_int_eq(loop_run_sync(loop, await_tap, NULL), 5);
    ck_assert_int_eq(tap.delivered, 1);
    ck_assert_int_eq(endings(&tap), 1);
}
END_TEST

/* ---- several at once ---------------------------------------------------------------------------------------------- */

struct several {
    struct future whole, inner, f[2];
    struct future *members[2], *nested[2];
};

static struct future *draw_two(struct several *s)
{
    s->members[0] = tap_draw(&taps[0], &s->f[0]);
    s->members[1] = tap_draw(&taps[1], &s->f[1]);
    return &s->whole;
}

static int delivered_of(int count)
{
    int n = 0;
    for (int i = 0; i < count; i++)
        n += taps[i].delivered;
    return n;
}

static void close_taps(void)
{
    for (int i = 0; i < 4; i++)
        tap_close(&taps[i]);
}

static void whole_and_free(void *self, int rc)
{
    struct several *s = self;
    ck_assert_int_eq(s->whole.rc, rc);
    tell("whole", rc);
    free(s);
}

static struct several *all_of_two(void)
{
    struct several *s = calloc(1, sizeof *s);
    draw_two(s);
    future_all(loop, s->members, 2, future_then(&s->whole, whole_and_free, s));
    return s;
}

START_TEST(members_are_delivered_with_the_combinator_and_not_before)
{
    struct several *s = all_of_two();
    future_resolve(&s->f[0], 1, NULL);
    turn();
    ck_assert_int_eq(delivered_of(2), 0);
    future_resolve(&s->f[1], 2, NULL);
    turn();
    ck_assert(future_done(&s->whole));
    ck_assert_int_eq(delivered_of(2), 0);
    turn();
    ck_assert_str_eq(story, "whole0 ");
    close_taps();
    ck_assert_int_eq(delivered_of(2), 2);
    ck_assert_int_eq(endings(&taps[0]) + endings(&taps[1]), 2);
}
END_TEST

START_TEST(cancelling_all_gives_back_what_it_heard_and_the_producers_may_close)
{
    for (int turns = 0; turns < 3; turns++) {
        struct several *s = all_of_two();
        future_resolve(&s->f[0], 1, NULL);
        if (turns == 2)
            future_resolve(&s->f[1], 2, NULL);
        for (int i = 0; i < turns; i++)
            turn();
        future_cancel(&s->whole);
        free(s);
        close_taps();
        loop_start(loop);
        ck_assert_int_eq(taps[0].undone, 1);
        ck_assert_int_eq(taps[1].undone, turns == 2);
        ck_assert_int_eq(endings(&taps[0]) + endings(&taps[1]), 2);
    }
    ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(cancelling_an_answered_all_gives_back_what_it_heard)
{
    struct several *s = all_of_two();
    future_resolve(&s->f[0], 1, NULL);
    future_resolve(&s->f[1], 2, NULL);
    turn();
    ck_assert(future_done(&s->whole));
    future_cancel(&s->whole);
    free(s);
    close_taps();
    loop_start(loop);
    ck_assert_int_eq(taps[0].undone + taps[1].undone, 2);
    ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(all_fails_when_the_producer_of_a_member_it_heard_closes)
{
    struct several *s = all_of_two();
    future_resolve(&s->f[0], 1, NULL);
    turn();
    tap_close(&taps[0]);
    ck_assert_int_eq(taps[0].undone, 1);
    turn();
    ck_assert(future_done(&s->whole));
    ck_assert_str_eq(s->whole.why, "what it waited for was closed");
    future_then(&s->f[1], heard, "other");
    future_resolve(&s->f[1], 2, NULL);
    future_cancel(&s->f[1]);
    loop_start(loop);
    ck_assert_str_eq(story, "whole-125 ");
    ck_assert_int_eq(taps[1].undone, 1);
}
END_TEST

START_TEST(all_reports_no_success_when_a_producer_closes_before_it_is_delivered)
{
    for (int i = 0; i < 2; i++) {
        struct several *s = all_of_two();
        future_resolve(&s->f[0], 1, NULL);
        future_resolve(&s->f[1], 2, NULL);
        turn();
        tap_close(&taps[i]);
        loop_start(loop);
        ck_assert_int_eq(taps[i].undone, 1);
        ck_assert_int_eq(taps[!i].delivered, 1);
        close_taps();
        ck_assert_int_eq(endings(&taps[0]) + endings(&taps[1]), 2);
    }
    ck_assert_str_eq(story, "whole-125 whole-125 ");
}
END_TEST

START_TEST(all_reports_no_success_when_the_last_answer_overtakes_the_close)
{
    struct several *s = all_of_two();
    future_resolve(&s->f[0], 1, NULL);
    turn();
    future_resolve(&s->f[1], 2, NULL);
    tap_close(&taps[0]);
    loop_start(loop);
    ck_assert_str_eq(story, "whole-125 ");
    ck_assert_int_eq(taps[0].undone, 1);
    ck_assert_int_eq(taps[1].delivered, 1);
}
END_TEST

START_TEST(a_close_that_all_has_not_heard_of_does_not_outlive_its_cancel)
{
    struct several *s = all_of_two();
    future_resolve(&s->f[0], 1, NULL);
    turn();
    tap_close(&taps[0]);
    future_cancel(&s->whole);
    free(s);
    loop_start(loop);
    ck_assert_int_eq(endings(&taps[0]), 1);
    ck_assert_int_eq(taps[1].cancelled, 1);
    ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(all_that_fails_delivers_what_it_heard_and_leaves_the_rest)
{
    struct future f[3] = {{0}}, all = {0}, *members[3];
    for (int i = 0; i < 3; i++)
        members[i] = tap_draw(&taps[i], &f[i]);
    future_all(loop, members, 3, future_then(&all, heard, "all"));
    future_resolve(&f[2], 3, NULL);
    turn();
    future_fail(&f[1], -EIO, "broken");
    future_resolve(&f[0], 1, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "all-5 ");
    ck_assert_int_eq(taps[0].delivered, 0);
    ck_assert_int_eq(taps[1].delivered + taps[2].delivered, 2);
    future_cancel(&f[0]);
    ck_assert_int_eq(taps[0].undone, 1);
}
END_TEST

START_TEST(a_member_that_was_delivered_before_is_not_its_producers_to_close)
{
    struct future f[2] = {{0}}, all = {0}, *members[] = { &f[0], &f[1] };
    tap_draw(&taps[0], future_then(&f[0], heard, "f"));
    tap_draw(&taps[1], &f[1]);
    future_resolve(&f[0], 1, NULL);
    loop_start(loop);
    future_all(loop, members, 2, future_then(&all, heard, "all"));
    turn();
    future_detach(&f[0]);
    future_resolve(&f[1], 2, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "f1 all0 ");
    ck_assert_int_eq(endings(&taps[0]) + endings(&taps[1]), 2);
}
END_TEST

START_TEST(the_winner_of_any_stays_the_winner_when_its_producer_closes)
{
    struct several s = {0};
    future_any(loop, s.members, 2, future_then(draw_two(&s), heard, "any"));
    future_resolve(&s.f[1], 2, NULL);
    turn();
    tap_close(&taps[1]);
    ck_assert_int_eq(taps[1].undone, 1);
    loop_start(loop);
    ck_assert_str_eq(story, "any1 ");
    ck_assert_ptr_eq(s.whole.value, &s.f[1]);
    ck_assert_int_eq(s.f[1].rc, -ECANCELED);
    ck_assert_int_eq(endings(&taps[0]), 0);
    future_cancel(&s.f[0]);
    ck_assert_int_eq(taps[0].cancelled, 1);
}
END_TEST

START_TEST(the_winner_of_any_is_delivered_with_it_and_the_loser_later)
{
    struct several s = {0};
    future_any(loop, s.members, 2, future_then(draw_two(&s), heard, "any"));
    future_resolve(&s.f[1], 2, NULL);
    turn();
    ck_assert_int_eq(delivered_of(2), 0);
    future_resolve(&s.f[0], 1, NULL);
    loop_start(loop);
    ck_assert_int_eq(taps[0].delivered, 0);
    ck_assert_int_eq(taps[1].delivered, 1);
    future_then(&s.f[0], heard, "loser");
    loop_start(loop);
    ck_assert_int_eq(taps[0].delivered, 1);
    ck_assert_str_eq(story, "any1 loser1 ");
}
END_TEST

/* A member of a combinator of a combinator, which has heard of it and waits for another. */
START_TEST(a_close_reaches_through_combinators)
{
    for (int close = 0; close < 3; close++) {
        struct several s = {0};
        draw_two(&s);
        s.nested[0] = future_any(loop, s.members, 1, &s.inner);
        s.nested[1] = future_all(loop, s.members + 1, 1, &(struct future){0});
        future_all(loop, s.nested, 2, future_then(&s.whole, heard, "whole"));
        future_resolve(&s.f[0], 1, NULL);
        future_resolve(&s.f[1], 2, NULL);
        turn();
        turn();
        ck_assert(future_done(&s.whole));
        ck_assert_int_eq(delivered_of(2), 0);
        if (close < 2)
            tap_close(&taps[close]);
        loop_start(loop);
        ck_assert_int_eq(delivered_of(2), close < 2 ? 1 : 2);
        ck_assert_int_eq(s.f[0].rc, close == 0 ? -ECANCELED : 1);
        ck_assert_int_eq(s.f[1].rc, close == 1 ? -ECANCELED : 2);
    }
    ck_assert_str_eq(story, "whole0 whole-125 whole0 ");
}
END_TEST

static int await_all(void *self)
{
    struct several *s = calloc(1, sizeof *s);
    struct future nap = {0};
    future_all(loop, s->members, 2, draw_two(s));
    future_resolve(&s->f[0], 1, NULL);
    future_resolve(&s->f[1], 2, NULL);
    if (*(int *)self & 1)
        await(future_sleep(loop, SECOND, &nap));
    if (*(int *)self & 2)
        tap_close(&taps[0]);
    int rc = await(&s->whole);
    free(s);
    return rc;
}

/* Bit 0: the answer is there before the await. Bit 1: a producer closes between. */
START_TEST(a_coroutine_that_awaits_all_delivers_its_members)
{
    ck_assert_int_eq(loop_run_sync(loop, await_all, &_i), _i & 2 ? -ECANCELED : 0);
    ck_assert_int_eq(delivered_of(2), _i & 2 ? 1 : 2);
    close_taps();
    ck_assert_int_eq(endings(&taps[0]) + endings(&taps[1]), 2);
}
END_TEST

/* ---- any order ---------------------------------------------------------------------------------------------------- */

struct forest {                     /* one of the two whole: (0 1) (2 3) */
    struct future whole, pair[2], f[4];
    struct future *roots[2], *leaves[4];
};

static void whole_heard(void *self, int rc)
{
    (void)self;
    tell("w", rc);
}

static struct forest *plant(bool all)
{
    struct forest *t = calloc(1, sizeof *t);
    for (int i = 0; i < 4; i++)
        t->leaves[i] = tap_draw(&taps[i], &t->f[i]);
    t->roots[0] = future_all(loop, t->leaves, 2, &t->pair[0]);
    t->roots[1] = (rand() & 1 ? future_all : future_any)(loop, t->leaves + 2, 2, &t->pair[1]);
    (all ? future_all : future_any)(loop, t->roots, 2, future_then(&t->whole, whole_heard, NULL));
    return t;
}

static void happen(struct forest *t)
{
    int i = rand() % 4, how = rand() % 8;
    if (how < 3)
        turn();
    else if (how == 3)
        tap_close(&taps[i]);
    else if (t->f[i].state == FUTURE_PENDING)
        future_resolve(&t->f[i], 1, NULL);
}

/* What the waiter does when it has heard, or has enough: everything is cancelled that is not delivered. */
static void fell(struct forest *t)
{
    future_cancel(&t->whole);
    for (int i = 0; i < 2; i++)
        future_cancel(&t->pair[i]);
    for (int i = 0; i < 4; i++)
        future_cancel(&t->f[i]);
    memset(t, 0xee, sizeof *t);
    free(t);
}

START_TEST(each_operation_ends_once_whatever_closes_when)
{
    srand((unsigned)_i + 1);
    for (int round = 0; round < 200; round++) {
        bool all = rand() & 1, closed = false;
        struct forest *t = plant(all);
        story[0] = '\0';
        for (int step = rand() % 16; step > 0 && !story[0]; step--)
            happen(t);
        for (int i = 0; i < 4; i++) {
            closed |= t->f[i].rc < 0;
            if (!strcmp(story, "w0 ") && i < 2 && all)
                ck_assert_int_eq(t->f[i].rc, 1);
        }
        if (story[0] && all)
            ck_assert(!strcmp(story, "w0 ") || closed);
        fell(t);
        for (int i = 0; i < 4; i++)
            ck_assert_int_eq(endings(&taps[i]) + (taps[i].closed && !taps[i].undone), endings(&taps[i]) ? endings(&taps[i]) == 1 ? 1 + (taps[i].closed && !taps[i].undone) : 0 : 1);
        close_taps();
        loop_start(loop);
    }
}
END_TEST
