/* test_checks.c - what the checks of all labs share: of random trials the shortest that fails is shown, causes go with what
 * was seen, and predictions are looked for. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/apart.h"
#include "grader/checks.h"
#include "grader/lab.h"
#include "grader/submission.h"

/* ---- trials ------------------------------------------------------------------------------------------------------ */

/* A trial is a row of numbers. */
struct row {
    int count, numbers[16];
};

struct rows {
    struct row row;
    int bad, also;              /* a trial fails if it has both */
};

/* Row i is i, i + 1 ... i + 7. */
static void make(void *self, int i)
{
    struct row *row = &((struct rows *)self)->row;
    row->count = 8;
    for (int k = 0; k < row->count; k++)
        row->numbers[k] = i + k;
}

static bool has(const struct row *row, int number)
{
    for (int k = 0; k < row->count; k++)
        if (row->numbers[k] == number)
            return true;
    return false;
}

static void judge_row(void *self, struct judge *j)
{
    const struct rows *rows = self;
    char seen[100] = "";
    (void)j;
    for (int k = 0; k < rows->row.count; k++)
        snprintf(seen + strlen(seen), sizeof seen - strlen(seen), " %d", rows->row.numbers[k]);
    if (has(&rows->row, rows->bad) && has(&rows->row, rows->also))
        verdict_fail("bad", "%s", seen);
}

static int steps(const void *self)
{
    return ((const struct rows *)self)->row.count;
}

static void leave_out(void *self, int first, int count)
{
    struct row *row = &((struct rows *)self)->row;
    memmove(&row->numbers[first], &row->numbers[first + count], (size_t)(row->count - first - count) * sizeof(int));
    row->count -= count;
}

static struct judge *nobody(void *self)
{
    (void)self;
    return NULL;
}

static void judge_them(void *self)
{
    struct rows *rows = self;
    judge_trials(&(struct trials){ .count = 20, .make = make, .open = nobody, .judge = judge_row, .steps = steps,
                                   .leave_out = leave_out, .current = &rows->row, .size = sizeof rows->row, .self = rows });
}

static struct verdict *verdict_of(struct rows rows)
{
    struct verdict *v = apart_new();
    verdict_begin(apart_new(), 1);
    apart_run(v, judge_them, &rows);
    return v;
}

START_TEST(trials_that_hold_are_a_pass)
{
    struct verdict *v = verdict_of((struct rows){ .bad = 12, .also = 99 });
    ck_assert_int_eq(v->state, VERDICT_PASS);
    ck_assert_ptr_nonnull(strstr(v->metrics, "trials=20"));
    apart_free(v);
}
END_TEST

START_TEST(of_a_trial_that_fails_only_what_makes_it_fail_is_shown)
{
    struct verdict *v = verdict_of((struct rows){ .bad = 12, .also = 9 });
    ck_assert_int_eq(v->state, VERDICT_FAIL);
    ck_assert_str_eq(v->seen, " 9 12");
    apart_free(v);
}
END_TEST

START_TEST(a_trial_that_cannot_be_shorter_is_shown_whole)
{
    struct verdict *v = verdict_of((struct rows){ .bad = 26, .also = 19 });
    ck_assert_str_eq(v->seen, " 19 26");
    apart_free(v);
    v = verdict_of((struct rows){ .bad = 5, .also = 5 });
    ck_assert_str_eq(v->seen, " 5");
    apart_free(v);
}
END_TEST

/* ---- causes ------------------------------------------------------------------------------------------------------ */

START_TEST(a_cause_goes_with_what_was_seen)
{
    const struct symptom symptoms[] = { { "A", "first" }, { "", "none" }, { 0 } };
    ck_assert_str_eq(cause_of("A", symptoms, "else"), "first");
    ck_assert_str_eq(cause_of("", symptoms, "else"), "none");
    ck_assert_str_eq(cause_of("B", symptoms, "else"), "else");
}
END_TEST

/* ---- predictions ------------------------------------------------------------------------------------------------- */

static void judge_a_text(void *self)
{
    static const char *const answers[] = { "one", "two", NULL };
    (void)self;
    judge_predictions(answers);
}

static enum verdict_state state_of(char *text, char seen[512])
{
    static struct lab lab = { .file_count = 1, .files = { { .name = "predictions.md" } } };
    struct submission hand_in = { .data = { text } };
    struct judged judged = { .lab = &lab, .hand_in = &hand_in };
    struct verdict *v = apart_new();
    judge_set(&judged);
    verdict_begin(apart_new(), 1);
    apart_run(v, judge_a_text, NULL);
    snprintf(seen, 512, "%s", v->seen);
    enum verdict_state state = v->state;
    apart_free(v);
    return state;
}

START_TEST(predictions_count_for_being_made)
{
    char seen[512];
    ck_assert_int_eq(state_of("prediction 1: x\nprediction 2: y\nseen: a b c d e\n", seen), VERDICT_PASS);
    ck_assert_int_eq(state_of("prediction 1: x\nprediction 2:  \nseen: a b c d e\n", seen), VERDICT_FAIL);
    ck_assert_str_eq(seen, "no answer behind \"prediction 2:\"");
    ck_assert_int_eq(state_of("prediction 1: x\nprediction 2: y\nseen: nothing\n", seen), VERDICT_FAIL);
    ck_assert_int_eq(state_of(NULL, seen), VERDICT_FAIL);
    ck_assert_str_eq(seen, "there is no predictions.md");
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        trials_that_hold_are_a_pass, of_a_trial_that_fails_only_what_makes_it_fail_is_shown,
        a_trial_that_cannot_be_shorter_is_shown_whole, a_cause_goes_with_what_was_seen, predictions_count_for_being_made,
    };
    Suite *suite = suite_create("checks");
    TCase *group = tcase_create("checks");
    tcase_set_timeout(group, 60);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(group, tests[i]);
    suite_add_tcase(suite, group);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
