/* test_grade.c - points, and running checks: what a check that dies, hangs, says nothing or lies comes to. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "grader/run_items.h"
#include "loop/tests/support.h"

static struct lab lab = {
    .folder = "labs/02-loop", .id = "02", .name = "02-loop", .title = "The loop", .floor = 6,
    .items = {
        { "A1", "passes", "p", { "a", "b", "c" }, 10, false }, { "A2", "fails", "p", { "a", "b", "c" }, 20, false },
        { "A3", "dies", "p", { "a", "b", "c" }, 10, false },   { "A4", "is silent", "p", { "a", "b", "c" }, 10, false },
        { "A5", "passes, then dies", "p", { "a", "b", "c" }, 10, false },
        { "A6", "is not there", "p", { "a", "b", "c" }, 10, false },
        { "A7", "cannot run", "p", { "a", "b", "c" }, 5, false },
        { "A8", "kills its runner", "p", { "a", "b", "c" }, 5, false },
        { "B1", "costs", "p", { "a", "b", "c" }, 10, false },  { "H1", "hidden", "p", { "a", "b", "c" }, 10, true },
    },
    .item_count = 10
};

/* What the checks, which are processes of their own, leave for the test. */
static struct notes {
    int runs[16];
    uint64_t seeds[16];
    int running, most, with_cost;
} *notes;
static struct grade grade;
static int done;

static void note(int item)
{
    int now = __atomic_add_fetch(&notes->running, 1, __ATOMIC_SEQ_CST);
    if (now > notes->most)
        notes->most = now;
    if (item == 8)
        notes->with_cost = now;
    notes->runs[item]++;
    notes->seeds[item] = verdict_current()->seed;
}

static void leave(void)
{
    __atomic_sub_fetch(&notes->running, 1, __ATOMIC_SEQ_CST);
}

START_TEST(passes)
{
    note(0);
    history_add(ENTRY_STEP, 0, "step");
    leave();
    verdict_pass();
}
END_TEST

START_TEST(fails)
{
    note(1);
    leave();
    EXPECT_INT("calls", 1, 2, "one too many");
    verdict_pass();
}
END_TEST

START_TEST(dies)
{
    note(2);
    leave();
    raise(SIGKILL);
}
END_TEST

START_TEST(is_silent)
{
    note(3);
    leave();
}
END_TEST

START_TEST(passes_then_dies)
{
    note(4);
    leave();
    verdict_pass();
    abort();
}
END_TEST

START_TEST(cannot_run)
{
    note(6);
    leave();
    verdict_not_run("no such kernel");
}
END_TEST

START_TEST(kills_its_runner)
{
    note(7);
    leave();
    kill(getppid(), SIGKILL);
    verdict_pass();
}
END_TEST

START_TEST(costs)
{
    note(8);
    leave();
    verdict_pass();
}
END_TEST

START_TEST(recovers)
{
    note(9);
    leave();
    if (notes->runs[9] == 1)
        verdict_fault("the machine hiccuped");
    verdict_pass();
}
END_TEST

static void add(Suite *s, const char *id, const TTest *test)
{
    TCase *t = tcase_create(id);
    tcase_add_test(t, test);
    suite_add_tcase(s, t);
}

static Suite *checks(void)
{
    Suite *s = suite_create("checks");
    add(s, "A1", passes);
    add(s, "A2", fails);
    add(s, "A3", dies);
    add(s, "A4", is_silent);
    add(s, "A5", passes_then_dies);
    add(s, "A7", cannot_run);
    add(s, "A8", kills_its_runner);
    add(s, "B1", costs);
    add(s, "H1", recovers);
    return s;
}

static void on_done(void *self, const struct item_grade *i)
{
    (void)self;
    (void)i;
    done++;
}

static void set_up(void)
{
    notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(notes, MAP_FAILED);
    grade = (struct grade){ .who = "work/02-loop", .seed = 42, .sandbox_why = "" };
    ck_assert_int_eq(grade_open(&grade, &lab, NULL), 0);
    done = 0;
}

static void tear_down(void)
{
    grade_close(&grade);
    munmap(notes, sizeof *notes);
}

static void run(void)
{
    run_items(&grade, checks, 2, on_done, NULL);
}

static enum item_state state(int n)
{
    return item_state(&grade, &grade.items[n]);
}

START_TEST(each_item_comes_to_what_its_check_said)
{
    run();
    ck_assert_int_eq(state(0), ITEM_PASS);
    ck_assert_int_eq(state(1), ITEM_FAIL);
    ck_assert_int_eq(state(6), ITEM_NOT_RUN);
    ck_assert_int_eq(state(8), ITEM_PASS);
    ck_assert_int_eq(done, lab.item_count);
}
END_TEST

START_TEST(a_check_without_a_verdict_is_our_fault)
{
    run();
    ck_assert_int_eq(state(2), ITEM_FAULT);
    ck_assert_int_eq(state(3), ITEM_FAULT);
    ck_assert_int_eq(state(4), ITEM_FAULT);
    ck_assert_int_eq(state(5), ITEM_FAULT);
    ck_assert_int_eq(state(7), ITEM_FAULT);
    ck_assert_ptr_nonnull(strstr(grade.items[2].verdict->cause, "did not come to a verdict"));
    ck_assert_ptr_nonnull(strstr(grade.items[5].verdict->cause, "0 tests in the test case A6"));
    ck_assert_ptr_nonnull(strstr(grade.items[7].verdict->cause, "the process that ran the check died"));
}
END_TEST

START_TEST(a_fault_is_tried_once_more)
{
    run();
    ck_assert_int_eq(notes->runs[2], 2);
    ck_assert_int_eq(notes->runs[9], 2);
    ck_assert_int_eq(state(9), ITEM_PASS);
    ck_assert_int_eq(notes->runs[1], 1);
}
END_TEST

START_TEST(points_are_added_in_one_place)
{
    run();
    struct grade_total t = grade_total(&grade);
    ck_assert_int_eq(t.points, 30);
    ck_assert_int_eq(t.max, 100);
    ck_assert_int_eq(t.visible, 20);
    ck_assert_int_eq(t.visible_max, 90);
    ck_assert_int_eq(t.faults, 5);
    ck_assert_int_eq(t.not_run, 1);
    ck_assert(!t.full);
    ck_assert_ptr_eq(grade_first_failure(&grade), &grade.items[1]);
}
END_TEST

START_TEST(only_what_was_selected_runs_and_counts)
{
    grade_close(&grade);
    ck_assert_int_eq(grade_open(&grade, &lab, "A1"), 0);
    run();
    struct grade_total t = grade_total(&grade);
    ck_assert_int_eq(t.points, 10);
    ck_assert_int_eq(t.max, 10);
    ck_assert(t.full);
    ck_assert_int_eq(notes->runs[1], 0);
    ck_assert_int_eq(state(1), ITEM_LEFT_OUT);
}
END_TEST

START_TEST(an_items_seed_comes_from_the_run_and_its_id)
{
    run();
    uint64_t first = notes->seeds[0], second = notes->seeds[1];
    ck_assert_uint_ne(first, second);
    ck_assert_uint_lt(first, UINT64_C(1) << 53);
    grade_close(&grade);
    ck_assert_int_eq(grade_open(&grade, &lab, "A1"), 0);
    run();
    ck_assert_uint_eq(notes->seeds[0], first);
    grade.seed = 43;
    run();
    ck_assert_uint_ne(notes->seeds[0], first);
}
END_TEST

START_TEST(what_measures_a_cost_runs_alone)
{
    run();
    ck_assert_int_eq(notes->with_cost, 1);
    ck_assert_int_le(notes->most, 2);
}
END_TEST

START_TEST(nothing_is_added_when_nothing_could_be_graded)
{
    run();
    strcpy(grade.refused, "it does not compile");
    ck_assert_int_eq(grade_total(&grade).points, 0);
    ck_assert_int_eq(grade_total(&grade).max, 100);
    ck_assert_int_eq(state(0), ITEM_NOT_GRADED);
    ck_assert_ptr_null(grade_first_failure(&grade));
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        each_item_comes_to_what_its_check_said,
        a_check_without_a_verdict_is_our_fault,
        a_fault_is_tried_once_more,
        points_are_added_in_one_place,
        only_what_was_selected_runs_and_counts,
        an_items_seed_comes_from_the_run_and_its_id,
        what_measures_a_cost_runs_alone,
        nothing_is_added_when_nothing_could_be_graded,
        NULL
    };
    Suite *suite = suite_create("grade");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_set_timeout(all, 60);
    for (const TTest **t = tests; *t; t++)
        tcase_add_test(all, *t);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
