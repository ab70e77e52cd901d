/* checks_texts.c - what the reader wrote besides code: tests that must tell right files from wrong ones, and predictions.
 * T1, P1. */
#include "labs/08-async-client/checks.h"

enum { ENOUGH = 10 };

static const struct reader_rules rules = {
    .orders = "run [TIME]; stop; note NAME; call_at NAME TIME; ticker TIME; late; find NAME HOST; client [OPTION] ...; "
              "client_close; fetch NAME URL [OPTION] ...; open NAME URL [OPTION] ...; piece FETCH NAME; finish FETCH; "
              "cancel NAME; free NAME; waiting; running; idle; spent FETCH PHASE; pool MOST PER IDLE; pool_close; enter "
              "PLACE ORIGIN; move PLACE ORIGIN; leave PLACE; join PLACE; keep PLACE; warm PLACE; says NUMBER; goes NUMBER; "
              "is_open NUMBER; hop HOP URL METHOD [BODY]; follow HOP STATUS LOCATION NEXT; loop_close; loop_new",
    .world = origins_begin,
    .before = "loop_new",
    .after = "loop_close",
};

START_TEST(t1)
{
    judge_tests_text(&rules, NULL, ENOUGH, "the library's own files", "client.h, client_pool.h, redirect.h or resolver.h");
    verdict_pass();
}
END_TEST

/* What the library does: shown beside what was predicted. */
static const char *const answers[] = {
    "at 250 ms: five rounds of 50 ms; one at a time it would be 5 s",
    "that of the queue: no server was slow, and none has heard of it: two requests",
    "it is asked again, on a new connection; the POST is not, since nobody knows whether it was done",
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
