/* checks_texts.c - what the reader wrote besides code: tests that must tell a right detector from wrong ones, and predictions.
 * T1, P1. */
#include "labs/03-detector/checks.h"

enum { ENOUGH = 7 };

static const struct reader_rules rules = {
    .orders = "begin NAME; end; interrupt; sleep TIME [CALL]; work TIME [FAULTS]; starve TIME; "
              "freeze TIME [loop|watchdog] [CALL]; steal TIME [loop|watchdog]; hold_up TIME; found; first MOST; "
              "stall_close; stall_new LIMIT",
    .before = "stall_new 10ms",
    .after = "stall_close",
};

START_TEST(t1)
{
    judge_tests_text(&rules, NULL, ENOUGH, "the reference", "stall.h");
    verdict_pass();
}
END_TEST

/* What the reference does: shown beside what was predicted. */
static const char *const answers[] = {
    "nobody: 3 ms were its own; for 60 ms it was ready, and others had the processor",
    "the kernel counts it as a sleep of 200 ms; the detector does not tell of it, since its watchdog has not seen anything",
    "nothing beside the call: it has slept, and the watchdog sees in which system call, whoever made it",
    NULL
};

START_TEST(p1)
{
    judge_predictions(answers);
    verdict_pass();
}
END_TEST

void check_text_items(Suite *s)
{
    add_item(s, "T1", t1);
    add_item(s, "P1", p1);
}
