/* checks_texts.c - what the reader wrote besides code: tests that must tell a right selector from wrong ones, and
 * predictions. T1, P1. */
#include "labs/01-selector/checks.h"

enum { ENOUGH = 11 };

static const struct reader_rules rules = {
    .orders = "set NAME r|w|rw|re|we|rwe|-; drained NAME r|w|rw; ask [MAX]; wait TIME|forever [MAX]; spend TIME; "
              "pipe READS WRITES; socketpair ONE OTHER; dup NAME COPY; write NAME [BYTES]; read NAME [BYTES]; fill NAME; "
              "empty NAME; shutdown NAME; close NAME; set_number NUMBER r|w|rw|-; number NAME; selector_close; selector_new",
    .before = "selector_new",
    .after = "selector_close",
};

START_TEST(t1)
{
    judge_tests_text(&rules, "selector_epoll.c", ENOUGH, "the library's own selector", "selector.h");
    verdict_pass();
}
END_TEST

/* What the library does: shown beside what was predicted. */
static const char *const answers[] = {
    "with a level three times: a byte is left each time. With EDGE once: nobody found it drained",
    "the event of the old file, with what you said of it when you added it: the number 7. It says nothing of the new one",
    "16384 at most, here 4096: the rest fills the queues of the two sockets, and then stays with the client",
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
