/* test_selector_hazards.c - the selector's traps: numbers that were closed and given away, and calls that are refused. Linked
 * with both selectors; where it says "in both worlds", run on the twin and on the real kernel. */
#include "loop/tests/selector_place.h"

/* ---- numbers that were closed and given away, in both worlds ------------------------------------------------------------- */

enum { FORGOTTEN_LATE = 1, KEPT_KNOWN = 0 };

/* A pipe whose reading end was known, then closed while a copy lives, with a byte inside; `number` is free again. */
struct ghost {
    int number, copy, writer;
};

static struct ghost make_ghost(struct place *p, int how)
{
    int fds[2];
    make_pipe(p, fds);
    set(p, fds[0], READABLE);
    struct ghost g = { fds[0], p->sys->dup(p->sys, fds[0]), fds[1] };
    ck_assert_int_ge(g.copy, 0);
    put(p, g.writer);
    end(p, g.number);
    if (how == FORGOTTEN_LATE)
        set(p, g.number, 0);
    return g;
}

static void end_ghost(struct place *p, const struct ghost *g)
{
    end(p, g->copy);
    end(p, g->writer);
}

static void a_number_is_given_to_another_pipe(int world, int how)
{
    struct place p = enter(world);
    struct ghost g = make_ghost(&p, how);
    int fds[2];
    make_pipe(&p, fds);
    ck_assert_int_eq(fds[0], g.number);
    set(&p, fds[0], READABLE);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(told(&p, fds[0]), 0);
    put(&p, fds[1]);
    ck_assert_int_eq(told(&p, fds[0]), READABLE);
    get(&p, fds[0]);
    put(&p, g.writer);
    ck_assert_int_eq(told(&p, fds[0]), 0);
    end_pipe(&p, fds);
    end_ghost(&p, &g);
    leave(&p);
}

START_TEST(an_event_of_a_closed_file_is_not_told_to_the_next_owner_of_its_number)
{
    a_number_is_given_to_another_pipe(_i, KEPT_KNOWN);
}
END_TEST

START_TEST(the_same_when_it_was_forgotten_after_closing)
{
    a_number_is_given_to_another_pipe(_i, FORGOTTEN_LATE);
}
END_TEST

START_TEST(a_forgotten_ghost_is_silent_and_the_others_are_heard)
{
    struct place p = enter(_i);
    int fds[2], file = regular_file(&p), closed[2];
    make_pipe(&p, fds);
    make_pipe(&p, closed);
    set(&p, fds[0], READABLE);
    set(&p, closed[0], READABLE);
    struct ghost g = make_ghost(&p, FORGOTTEN_LATE);
    end_pipe(&p, closed);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(told(&p, fds[0]), 0);
    put(&p, fds[1]);
    ck_assert_int_eq(told(&p, fds[0]), READABLE);
    get(&p, fds[0]);
    set(&p, file, READABLE);
    ck_assert_int_eq(told(&p, file), READABLE);
    end_pipe(&p, fds);
    end(&p, file);
    end_ghost(&p, &g);
    leave(&p);
}
END_TEST

START_TEST(a_pipes_number_given_to_a_regular_file_is_told_once_as_a_file)
{
    struct place p = enter(_i);
    struct ghost g = make_ghost(&p, KEPT_KNOWN);
    int file = regular_file(&p);
    ck_assert_int_eq(file, g.number);
    set(&p, file, READABLE);
    end(&p, g.writer);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(told(&p, file), READABLE);
    set(&p, file, 0);
    ck_assert_int_eq(told(&p, file), 0);
    end(&p, file);
    end(&p, g.copy);
    leave(&p);
}
END_TEST

START_TEST(a_files_number_given_to_a_pipe_is_ready_no_more)
{
    struct place p = enter(_i);
    int file = regular_file(&p), fds[2];
    set(&p, file, READABLE);
    ck_assert_int_eq(told(&p, file), READABLE);
    end(&p, file);
    make_pipe(&p, fds);
    ck_assert_int_eq(fds[0], file);
    set(&p, fds[0], READABLE);
    ck_assert_int_eq(told(&p, fds[0]), 0);
    put(&p, fds[1]);
    ck_assert_int_eq(told(&p, fds[0]), READABLE);
    end_pipe(&p, fds);
    leave(&p);
}
END_TEST

START_TEST(a_number_that_was_closed_is_not_waited_for_in_vain)
{
    struct place p = enter(_i);
    int fds[2];
    make_pipe(&p, fds);
    set(&p, fds[0], READABLE);
    end_pipe(&p, fds);
    ck_assert_int_eq(told(&p, fds[0]), 0);
    ck_assert_int_eq(told(&p, fds[0]), 0);
    set(&p, fds[0], 0);
    make_pipe(&p, fds);
    set(&p, fds[0], READABLE);
    put(&p, fds[1]);
    ck_assert_int_eq(told(&p, fds[0]), READABLE);
    end_pipe(&p, fds);
    leave(&p);
}
END_TEST

/* ---- refusals: after a failure the selector is as it was before ----------------------------------------------- */

START_TEST(a_selector_that_cannot_be_made_is_NULL_with_errno)
{
    struct sim *sim = sim_new(0);
    sim_fail(sim, CALL_MEMORY, 1, -ENOMEM);
    ck_assert_ptr_null(selector_new(sim_sys(sim)));
    ck_assert_int_eq(errno, ENOMEM);
    sim_fail(sim, CALL_EPOLL_CREATE, 1, -EMFILE);
    struct selector *s = selector_new(sim_sys(sim));
    if (sim_failed(sim)) {
        ck_assert_ptr_null(s);
        ck_assert_int_eq(errno, EMFILE);
    } else {
        selector_close(s);
    }
    sim_end_empty(sim);
}
END_TEST

/* Knows 70 descriptors where the n-th allocation fails; returns whether it did. */
static bool know_many(unsigned n)
{
    enum { MANY = 70 };
    struct place p = enter(TWIN);
    int fds[MANY][2], refused = 0;
    for (int i = 0; i < MANY; i++)
        make_pipe(&p, fds[i]);
    sim_fail(p.sim, CALL_MEMORY, n, -ENOMEM);
    for (int i = 0; i < MANY; i++) {
        int rc = selector_set(p.selector, fds[i][0], READABLE);
        ck_assert(rc == 0 || rc == -ENOMEM);
        if (rc == 0)
            continue;
        refused++;
        put(&p, fds[i][1]);
        ck_assert_int_eq(told(&p, -1), 0);
        set(&p, fds[i][0], READABLE);
        ck_assert_int_eq(told(&p, fds[i][0]), READABLE);
        get(&p, fds[i][0]);
    }
    ck_assert_int_eq(refused, sim_failed(p.sim));
    bool failed = sim_failed(p.sim);
    for (int i = 0; i < MANY; i++) {
        put(&p, fds[i][1]);
        ck_assert_int_eq(told(&p, fds[i][0]), READABLE);
        get(&p, fds[i][0]);
        end_pipe(&p, fds[i]);
    }
    leave(&p);
    return failed;
}

START_TEST(a_descriptor_for_which_there_is_no_memory_is_unknown_and_the_others_are_heard)
{
    unsigned n = 1;
    while (know_many(n))
        n++;
    ck_assert_uint_gt(n, 2);
}
END_TEST

START_TEST(a_refused_change_changes_nothing)
{
    struct place p = enter(TWIN);
    int fds[2];
    ck_assert_int_eq(p.sys->socketpair(p.sys, fds), 0);
    put(&p, fds[1]);
    sim_fail_any(p.sim, 1, -ENOSPC);
    ck_assert_int_eq(selector_set(p.selector, fds[0], READABLE), -ENOSPC);
    ck_assert_int_eq(told(&p, fds[0]), 0);
    set(&p, fds[0], READABLE);
    sim_fail_any(p.sim, 1, -ENOSPC);
    ck_assert_int_eq(selector_set(p.selector, fds[0], WRITABLE), -ENOSPC);
    ck_assert_int_eq(told(&p, fds[0]), READABLE);
    end_pipe(&p, fds);
    leave(&p);
}
END_TEST

START_TEST(an_interrupted_question_does_not_make_a_descriptor_of_nothing)
{
    struct place p = enter(TWIN);
    sim_fail(p.sim, CALL_POLL, 1, -EINTR);
    ck_assert_int_eq(selector_set(p.selector, 5, READABLE), -EBADF);
    leave(&p);
}
END_TEST

START_TEST(what_the_kernel_would_not_forget_is_not_told_and_can_be_known_again)
{
    struct place p = enter(TWIN);
    int fds[2];
    make_pipe(&p, fds);
    put(&p, fds[1]);
    for (int heard = 0; heard < 2; heard++) {
        set(&p, fds[0], READABLE);
        sim_fail(p.sim, CALL_EPOLL_CTL, 1, -EIO);
        set(&p, fds[0], 0);
        sim_fail(p.sim, CALL_EPOLL_CTL, 0, 0);
        if (heard)
            ck_assert_int_eq(told(&p, fds[0]), 0);
        set(&p, fds[0], READABLE);
        ck_assert_int_eq(told(&p, fds[0]), READABLE);
        set(&p, fds[0], 0);
    }
    end_pipe(&p, fds);
    leave(&p);
}
END_TEST

/* The stale event leads to a new set; whatever the n-th call of its making says, the others are heard, and it is not. */
static bool rebuild_with_fault(unsigned n, int error)
{
    struct place p = enter(TWIN);
    int fds[2];
    make_pipe(&p, fds);
    set(&p, fds[0], READABLE);
    struct ghost g = make_ghost(&p, FORGOTTEN_LATE);
    sim_fail(p.sim, n == 1 ? CALL_EPOLL_CREATE : CALL_EPOLL_CTL, 1, error);
    ck_assert_int_eq(told(&p, fds[0]), 0);
    bool failed = sim_failed(p.sim);
    ck_assert_int_eq(told(&p, fds[0]), 0);
    put(&p, fds[1]);
    ck_assert_int_eq(told(&p, fds[0]), READABLE);
    get(&p, fds[0]);
    uint64_t before = waits(&p);
    struct ready ready[1];
    ck_assert_int_eq(selector_wait(p.selector, sim_now(p.sim) + SECOND, ready, 1), 0);
    ck_assert_uint_eq(waits(&p), before + 1);
    end_pipe(&p, fds);
    end_ghost(&p, &g);
    leave(&p);
    return failed;
}

START_TEST(leaving_a_ghost_behind_is_tried_again_when_it_fails)
{
    bool created = rebuild_with_fault(1, -EMFILE), added = rebuild_with_fault(2, -ENOSPC);
    ck_assert_int_eq(created, added);
}
END_TEST

START_TEST(a_ghost_is_left_behind_though_a_number_became_a_file)
{
    struct place p = enter(TWIN);
    int fds[2];
    make_pipe(&p, fds);
    set(&p, fds[0], READABLE);
    struct ghost g = make_ghost(&p, FORGOTTEN_LATE);
    end(&p, fds[0]);
    int file = regular_file(&p), spare = p.sys->dup(p.sys, file);
    struct ready ready[1];
    selector_wait(p.selector, 0, ready, 1);
    set(&p, g.number < file ? g.number : file, 0);
    set(&p, fds[0], 0);
    uint64_t before = waits(&p);
    ck_assert_int_eq(selector_wait(p.selector, sim_now(p.sim) + SECOND, ready, 1), 0);
    ck_assert_uint_eq(waits(&p), before + 1);
    ck_assert_int_eq(sim_now(p.sim), 2 * SECOND);
    end(&p, spare);
    end(&p, file);
    end(&p, fds[1]);
    end_ghost(&p, &g);
    leave(&p);
}
END_TEST

int main(void)
{
    const TTest *both[] = {
        an_event_of_a_closed_file_is_not_told_to_the_next_owner_of_its_number,
        the_same_when_it_was_forgotten_after_closing,
        a_forgotten_ghost_is_silent_and_the_others_are_heard,
        a_pipes_number_given_to_a_regular_file_is_told_once_as_a_file,
        a_files_number_given_to_a_pipe_is_ready_no_more,
        a_number_that_was_closed_is_not_waited_for_in_vain,
        NULL
    };
    const TTest *twin[] = {
        a_selector_that_cannot_be_made_is_NULL_with_errno,
        a_descriptor_for_which_there_is_no_memory_is_unknown_and_the_others_are_heard,
        a_refused_change_changes_nothing,
        an_interrupted_question_does_not_make_a_descriptor_of_nothing,
        what_the_kernel_would_not_forget_is_not_told_and_can_be_known_again,
        leaving_a_ghost_behind_is_tried_again_when_it_fails,
        a_ghost_is_left_behind_though_a_number_became_a_file,
        NULL
    };
    Suite *suite = suite_create("selector hazards");
    add_tests_each(suite, "both worlds", both, WORLDS);
    add_tests(suite, "the twin", twin, 0);
    return run_suite(suite);
}
