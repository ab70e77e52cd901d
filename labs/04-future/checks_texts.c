/* checks_texts.c - what the reader wrote besides code: tests that must tell right files from wrong ones, and predictions.
 * T1, P1. */
#include "labs/04-future/checks.h"

enum { ENOUGH = 12 };

static const struct reader_rules rules = {
    .orders = "run; stop; note NAME; add_callback NAME; call_at NAME TIME; start NAME [KIND]; resolve NAME RC [VALUE]; "
              "fail NAME RC; detach NAME; then NAME [WAITER]; then_nothing NAME; cancel NAME; wait NAME WAITER; "
              "leave NAME WAITER; take NAME [WAITER]; sleep NAME TIME; all NAME [MEMBER] ...; any NAME MEMBER ...; free NAME; "
              "done NAME; rc NAME; value NAME [OTHER]; why NAME; co NAME STEP ...; spawn NAME; spawn_detached NAME; inside; "
              "coroutines; loop_close; loop_new",
    .before = "loop_new",
    .after = "loop_close",
};

START_TEST(t1)
{
    judge_tests_text(&rules, NULL, ENOUGH, "the library's own files", "future.h or co.h");
    verdict_pass();
}
END_TEST

/* What the library does: shown beside what was predicted. */
static const char *const answers[] = {
    "no: the answer stands in the queue, and is given back by undo; only calling the callback delivers it",
    "F.cancel, then D's cleanup, then C's, and then the line behind future_cancel",
    "3: an answer that has arrived beats the deadline",
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
