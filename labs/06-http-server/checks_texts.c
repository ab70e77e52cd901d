/* checks_texts.c - what the reader wrote besides code: tests that must tell right files from wrong ones, and predictions.
 * T1, P1. */
#include "labs/06-http-server/checks.h"

enum { ENOUGH = 10 };

static const struct reader_rules rules = {
    .orders = "run [TIME]; note NAME; call_at NAME TIME; server ...; drain [TIME]; server_close; connections; running; "
              "connect CLIENT; send CLIENT DATA; end CLIENT; gone CLIENT; receive CLIENT; request DATA ...; response METHOD "
              "DATA ...; chunks DATA [PORTION] [MOST]; chunk_begin COUNT; loop_close; loop_new",
    .before = "loop_new",
    .after = "loop_close",
};

START_TEST(t1)
{
    judge_tests_text(&rules, NULL, ENOUGH, "the library's own files", "parse.h, chunked.h or server.h");
    verdict_pass();
}
END_TEST

/* What the library does: shown beside what was predicted. */
static const char *const answers[] = {
    "400, and the connection ends: who stands before it may have believed the other one of the two",
    "the first answer at once, the others when the slow one is there: in the order in which they were asked",
    "perhaps nothing: a close with bytes unread is a reset, and that throws away what was on its way",
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
