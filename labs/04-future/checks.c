/* checks.c - lab 04 from the judge's side: the suite, and what all its checks share. */
#include "labs/04-future/checks.h"

enum { IDLE_WAITS = 300 };

Suite *checks_04_future(void);

Suite *checks_04_future(void)
{
    Suite *s = suite_create("04-future");
    check_future_items(s);
    check_group_items(s);
    check_co_items(s);
    check_cancel_items(s);
    check_hidden_items(s);
    check_crowd_items(s);
    check_cost_items(s);
    check_memory_items(s);
    check_text_items(s);
    return s;
}

void scene(struct judge *j, const char *title)
{
    judge_reset(j, 0);
    history_clear();
    history_add(ENTRY_STEP, -1, "# %s", title);
    sim_limit_idle_waits(judge_sim(j), IDLE_WAITS);
    if (judge_order(j, "loop_new") != 0)
        verdict_fault("loop_new failed, though nothing is refused");
}

int64_t moment(int64_t ns)
{
    return SECOND + ns;         /* a world begins at 1 s */
}

void run(struct judge *j)
{
    int64_t rc = judge_order(j, "run");
    const char *trouble = judge_trouble(j);
    EXPECT_INT("loop_start", 0, rc, trouble ? trouble : "the loop must come to an end when nothing is left to wait for");
}

void at(struct judge *j, const char *name, int ms, const char *orders)
{
    judge_in(j, name, 0, orders);
    judge_order(j, "call_at %s %dms", name, ms);
}

void expect_trace(struct judge *j, const char *expected, const char *cause)
{
    EXPECT_TEXT("trace", expected, judge_trace(j), cause);
}

void expect_delivery(struct judge *j)
{
    scene(j, "what all futures do: an answer is delivered");
    judge_order(j, "start F");
    judge_order(j, "then F");
    at(j, "A", 5, "resolve F 3");
    run(j);
    expect_trace(j, "A@5 F=3@5", "this item counts only for futures that deliver: first make the item A1 pass");
}

void expect_alive(struct judge *j)
{
    scene(j, "what all coroutines do: one waits for an answer, and ends");
    judge_order(j, "start F");
    judge_order(j, "co C await F");
    judge_order(j, "spawn C");
    judge_order(j, "then C Z");
    at(j, "A", 5, "resolve F 4");
    run(j);
    EXPECT_TRACE(j, "A@5 C=4@5 Z=4@5", ((struct symptom[]){
        { "A@5", "the coroutine did not begin, or never heard of its answer" },
        { "A@5 C=4@5", "the coroutine ended, and its own future was not resolved" },
        { 0 } }), "this item counts only for coroutines that wait: first make the items A1 and A8 pass");
}
