/* checks_texts.c - what the reader wrote besides code: tests that must tell a right loop from wrong ones, and
 * predictions. T1, P1. */
#include "labs/02-loop/checks.h"

enum { ENOUGH = 14 };

static const struct reader_rules rules = {
    .orders = "run; stop; time; idle; hold; release; spend TIME; add_callback NAME; post NAME; queue NAME [WHAT]; "
              "unqueue NAME; what NAME; call_at NAME TIME; call_later NAME TIME; remove_timeout NAME; free NAME; "
              "pipe READS WRITES; socketpair ONE OTHER; write NAME [BYTES]; read NAME [BYTES]; close NAME; "
              "add_handler NAME r|w|rw [CALLBACK]; update_handler NAME r|w|rw; remove_handler NAME; loop_close; "
              "loop_new",
    .before = "loop_new",
    .after = "loop_close",
};

START_TEST(t1)
{
    judge_tests_text(&rules, NULL, ENOUGH, "the library's own loop", "loop.h");
    verdict_pass();
}
END_TEST

/* What the library's loop does: shown beside what was predicted. */
static const char *const answers[] = {
    "T U C R: what is queued during a turn waits, and what the selector finds goes behind it",
    "no: B is due and queued, but removing takes it out of the queue",
    "2: the one that ends at the deadline, and none for what comes before; 500 would be polling",
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
