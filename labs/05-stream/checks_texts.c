/* checks_texts.c - what the reader wrote besides code: tests that must tell right files from wrong ones, and predictions.
 * T1, P1. */
#include "labs/05-stream/checks.h"

enum { ENOUGH = 10 };

static const struct reader_rules rules = {
    .orders = "run [TIME]; stop; note NAME; call_at NAME TIME; stream STREAM; close STREAM; on_close STREAM NAME; error STREAM; "
              "unread STREAM; unsent STREAM; limit STREAM BYTES; until STREAM NAME DELIMITER [LIMIT]; bytes STREAM NAME COUNT; "
              "some STREAM NAME [LIMIT]; until_close STREAM NAME [LIMIT]; into STREAM NAME COUNT; partial STREAM NAME COUNT; "
              "frame STREAM NAME [LIMIT]; look NAME; cancel NAME; free NAME; done NAME; write STREAM NAME DATA; "
              "write_owned STREAM NAME DATA; push STREAM; shutdown STREAM NAME; send STREAM DATA; end STREAM; gone STREAM; "
              "receive STREAM [MOST]; loop_close; loop_new",
    .before = "loop_new",
    .after = "loop_close",
};

START_TEST(t1)
{
    judge_tests_text(&rules, NULL, ENOUGH, "the library's own files", "stream_read.h or stream_write.h");
    verdict_pass();
}
END_TEST

/* What the library does: shown beside what was predicted. */
static const char *const answers[] = {
    "the read is pending at 10 ms and fails with -EPIPE at 20 ms; the three bytes stay, and can be read otherwise",
    "0 while nobody asks: 208 KiB lie in the kernel, the rest with the sender, whose writes do not end",
    "the bytes are sent; only the future is forgotten",
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
