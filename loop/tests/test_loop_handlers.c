/* test_loop_handlers.c - what a loop hears of descriptors, and what a callback may do to the handlers that are queued behind it.
 * Cases by number are Tornado's own tests of its loop. Linked with both selectors. */
#include <limits.h>

#include "loop/tests/support.h"

static void start(struct world *w)
{
    ck_assert_int_eq(loop_start(w->loop), 0);
}

/* A pipe with a handler on its reading end. */
struct reader {
    struct world *world;
    struct reader *victim;
    int fds[2];
    int calls, mask;            /* so often, with all these bits */
    int limit;                  /* then it removes itself */
};

static void hear(void *self, int what)
{
    struct reader *r = self;
    r->mask |= what;
    if (++r->calls >= r->limit)
        loop_remove_handler(r->world->loop, r->fds[0]);
}

static void open_reader(struct reader *r, struct world *w, bool ready, int mask, callback *fn)
{
    *r = (struct reader){ .world = w, .limit = 1 };
    ck_assert_int_eq(w->sys->pipe(w->sys, r->fds), 0);
    if (ready)
        ck_assert_int_eq(w->sys->write(w->sys, r->fds[1], "xyz", 3), 3);
    ck_assert_int_eq(loop_add_handler(w->loop, r->fds[0], mask, fn, r), 0);
}

static void close_end(const struct reader *r, int end)
{
    ck_assert_int_eq(r->world->sys->close(r->world->sys, r->fds[end]), 0);
}

static void close_reader(const struct reader *r)
{
    loop_remove_handler(r->world->loop, r->fds[0]);
    close_end(r, 0);
    close_end(r, 1);
}

START_TEST(a_handler_is_called_until_what_was_ready_is_used)
{
    struct world w;
    struct reader r;
    world_begin(&w);
    open_reader(&r, &w, true, READABLE, hear);
    r.limit = 3;
    start(&w);
    ck_assert_int_eq(r.calls, 3);
    ck_assert_int_eq(r.mask, READABLE);
    close_reader(&r);
    world_end(&w);
}
END_TEST

START_TEST(case_118_a_second_handler_is_refused_and_removing_the_unknown_is_harmless)
{
    struct world w;
    struct reader r;
    world_begin(&w);
    open_reader(&r, &w, true, READABLE, hear);
    ck_assert_int_eq(loop_add_handler(w.loop, r.fds[0], READABLE, hear, &r), -EEXIST);
    loop_remove_handler(w.loop, -1);
    loop_remove_handler(w.loop, r.fds[1]);
    loop_remove_handler(w.loop, INT_MAX);
    start(&w);
    ck_assert_int_eq(r.calls, 1);
    close_reader(&r);
    world_end(&w);
}
END_TEST

START_TEST(case_119_a_read_only_handler_never_sees_WRITABLE)
{
    struct world w;
    struct reader r = { .world = &w, .limit = 2 };
    world_begin(&w);
    ck_assert_int_eq(w.sys->socketpair(w.sys, r.fds), 0);
    ck_assert_int_eq(w.sys->write(w.sys, r.fds[1], "x", 1), 1);
    ck_assert_int_eq(loop_add_handler(w.loop, r.fds[0], READABLE, hear, &r), 0);
    start(&w);
    ck_assert_int_eq(r.mask, READABLE);
    close_reader(&r);
    world_end(&w);
}
END_TEST

static void remove_victim_handler(void *self, int what)
{
    struct reader *r = self;
    hear(r, what);
    loop_remove_handler(r->world->loop, r->victim->fds[0]);
}

START_TEST(case_119_a_handler_removed_by_an_earlier_one_is_not_called)
{
    struct world w;
    struct reader a, b;
    world_begin(&w);
    open_reader(&a, &w, true, READABLE, remove_victim_handler);
    open_reader(&b, &w, true, READABLE, remove_victim_handler);
    a.victim = &b;
    b.victim = &a;
    start(&w);
    ck_assert_int_eq(a.calls + b.calls, 1);
    close_reader(&a);
    close_reader(&b);
    world_end(&w);
}
END_TEST

static void replace_victim(void *self, int what)
{
    struct reader *r = self, *victim = r->victim;
    int number = victim->fds[0];
    hear(r, what);
    close_reader(victim);
    open_reader(victim, r->world, false, READABLE, hear);
    ck_assert_int_eq(victim->fds[0], number);
    ck_assert_int_eq(r->world->sys->write(r->world->sys, victim->fds[1], "x", 1), 1);
    loop_stop(r->world->loop);
}

START_TEST(what_was_ready_is_not_told_to_the_next_owner_of_the_number)
{
    struct world w;
    struct reader a, b;
    world_begin(&w);
    open_reader(&a, &w, true, READABLE, replace_victim);
    open_reader(&b, &w, true, READABLE, hear);
    a.victim = &b;
    start(&w);
    ck_assert_int_eq(b.calls, 0);
    start(&w);
    ck_assert_int_eq(b.calls, 1);
    close_reader(&a);
    close_reader(&b);
    world_end(&w);
}
END_TEST

static void update_victim(void *self, int what)
{
    struct reader *r = self;
    hear(r, what);
    ck_assert_int_eq(loop_update_handler(r->world->loop, r->victim->fds[0], WRITABLE), 0);
    loop_stop(r->world->loop);
}

START_TEST(what_was_ready_but_is_asked_for_no_more_is_not_delivered)
{
    struct world w;
    struct reader a, b;
    world_begin(&w);
    open_reader(&a, &w, true, READABLE, update_victim);
    open_reader(&b, &w, true, READABLE, hear);
    a.victim = &b;
    start(&w);
    ck_assert_int_eq(b.calls, 0);
    ck_assert_int_eq(loop_update_handler(w.loop, b.fds[0], READABLE), 0);
    start(&w);
    ck_assert_int_eq(b.calls, 1);
    ck_assert_int_eq(b.mask, READABLE);
    close_reader(&a);
    close_reader(&b);
    world_end(&w);
}
END_TEST

START_TEST(BROKEN_is_delivered_whatever_is_asked_for)
{
    struct world w;
    struct reader a, b;
    world_begin(&w);
    open_reader(&a, &w, true, READABLE, update_victim);
    open_reader(&b, &w, true, READABLE, hear);
    a.victim = &b;
    close_end(&b, 1);
    start(&w);
    ck_assert_int_eq(b.calls, 1);
    ck_assert_int_eq(b.mask, BROKEN);
    loop_remove_handler(w.loop, b.fds[0]);
    close_end(&b, 0);
    close_reader(&a);
    world_end(&w);
}
END_TEST

static void remove_and_free(void *self, int what)
{
    struct reader *r = self;
    (void)what;
    close_reader(r);
    free(r);
}

START_TEST(a_handler_may_remove_itself_and_free_its_owner)
{
    struct world w;
    struct reader *r = malloc(sizeof *r);
    world_begin(&w);
    open_reader(r, &w, true, READABLE, remove_and_free);
    start(&w);
    world_end(&w);
}
END_TEST

START_TEST(what_cannot_be_handled_is_said)
{
    struct world w;
    struct reader r;
    world_begin(&w);
    open_reader(&r, &w, false, READABLE, hear);
    ck_assert_int_eq(loop_add_handler(w.loop, r.fds[1], 0, hear, &r), -EINVAL);
    ck_assert_int_eq(loop_add_handler(w.loop, r.fds[1], EDGE, hear, &r), -EINVAL);
    ck_assert_int_eq(loop_add_handler(w.loop, -1, READABLE, hear, &r), -EBADF);
    ck_assert_int_eq(loop_add_handler(w.loop, 99, READABLE, hear, &r), -EBADF);
    ck_assert_int_eq(loop_add_handler(w.loop, INT_MAX, READABLE, hear, &r), -EBADF);
    ck_assert_int_eq(loop_update_handler(w.loop, r.fds[0], 0), -EINVAL);
    ck_assert_int_eq(loop_update_handler(w.loop, r.fds[1], READABLE), -ENOENT);
    ck_assert_int_eq(loop_update_handler(w.loop, -1, READABLE), -ENOENT);
    ck_assert_int_eq(loop_update_handler(w.loop, INT_MAX, READABLE), -ENOENT);
    close_end(&r, 0);
    ck_assert_int_eq(loop_update_handler(w.loop, r.fds[0], READABLE), -EBADF);
    loop_remove_handler(w.loop, r.fds[0]);
    close_end(&r, 1);
    start(&w);
    ck_assert_int_eq(r.calls, 0);
    world_end(&w);
}
END_TEST

START_TEST(a_regular_file_is_always_ready)
{
    struct world w;
    struct reader r = { .world = &w, .limit = 5 };
    world_begin(&w);
    r.fds[0] = sim_file(w.sim, "text", 4);
    ck_assert_int_eq(loop_add_handler(w.loop, r.fds[0], READABLE, hear, &r), 0);
    start(&w);
    ck_assert_int_eq(r.calls, 5);
    ck_assert_int_eq(sim_now(w.sim), SECOND);
    close_end(&r, 0);
    world_end(&w);
}
END_TEST

static void drain(void *self, int what)
{
    struct reader *r = self;
    char bytes[8];
    ck_assert_int_eq(what, READABLE);
    while (r->world->sys->read(r->world->sys, r->fds[0], bytes, sizeof bytes) > 0)
        ;
    loop_drained(r->world->loop, r->fds[0], READABLE);
    hear(r, what);
}

static void write_more(void *self, int what)
{
    struct reader *r = self;
    (void)what;
    ck_assert_int_eq(r->world->sys->write(r->world->sys, r->fds[1], "x", 1), 1);
}

START_TEST(an_edge_handler_is_called_again_after_drained)
{
    struct world w;
    struct reader r;
    world_begin(&w);
    open_reader(&r, &w, true, READABLE | EDGE, drain);
    r.limit = 3;
    ck_assert_int_eq(sim_at(w.sim, 2 * SECOND, write_more, &r), 0);
    ck_assert_int_eq(sim_at(w.sim, 3 * SECOND, write_more, &r), 0);
    start(&w);
    ck_assert_int_eq(r.calls, 3);
    ck_assert_int_eq(sim_now(w.sim), 3 * SECOND);
    close_reader(&r);
    world_end(&w);
}
END_TEST

START_TEST(three_hundred_descriptors_are_heard_in_one_start)
{
    enum { MANY = 300 };        /* more than the selector tells at once */
    struct world w;
    struct reader readers[MANY];
    world_begin(&w);
    for (int i = 0; i < MANY; i++)
        open_reader(&readers[i], &w, true, READABLE, hear);
    start(&w);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(readers[i].calls, 1);
        close_reader(&readers[i]);
    }
    world_end(&w);
}
END_TEST

int main(void)
{
    const TTest *handlers[] = {
        a_handler_is_called_until_what_was_ready_is_used,
        case_118_a_second_handler_is_refused_and_removing_the_unknown_is_harmless,
        case_119_a_read_only_handler_never_sees_WRITABLE,
        case_119_a_handler_removed_by_an_earlier_one_is_not_called,
        what_was_ready_is_not_told_to_the_next_owner_of_the_number,
        what_was_ready_but_is_asked_for_no_more_is_not_delivered,
        BROKEN_is_delivered_whatever_is_asked_for,
        a_handler_may_remove_itself_and_free_its_owner,
        what_cannot_be_handled_is_said,
        a_regular_file_is_always_ready,
        an_edge_handler_is_called_again_after_drained,
        three_hundred_descriptors_are_heard_in_one_start,
        NULL
    };
    Suite *suite = suite_create("loop handlers");
    add_tests(suite, "handlers", handlers, 0);
    return run_suite(suite);
}
