/* checks.c - lab 02 from the judge's side: the suite, and what all its checks share. */
#include "labs/02-loop/checks.h"

enum { IDLE_WAITS = 300 };

Suite *checks_02_loop(void);

Suite *checks_02_loop(void)
{
    Suite *s = suite_create("02-loop");
    check_order_items(s);
    check_event_items(s);
    check_world_items(s);
    check_hidden_items(s);
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
    EXPECT_INT("loop_new", 0, judge_order(j, "loop_new"), "loop_new must make a loop when nothing is refused");
}

int64_t moment(int64_t ns)
{
    return SECOND + ns;         /* a world begins at 1 s */
}

void run(struct judge *j)
{
    int64_t rc = judge_order(j, "run");
    const char *trouble = judge_trouble(j);
    EXPECT_INT("loop_start", 0, rc,
               trouble ? trouble : "loop_start returns 0 after loop_stop, or when nothing is left that could wake it");
}

void expect_alive(struct judge *j)
{
    scene(j, "what every loop does: it calls what is queued, what is ready and what is due");
    judge_order(j, "pipe R W");
    judge_order(j, "add_handler R r");
    judge_order(j, "call_at T 10ms");
    judge_order(j, "add_callback A");
    judge_in(j, "A", 0, "write W");
    judge_in(j, "R", 0, "remove_handler R");
    run(j);
    EXPECT_TRACE(j, "A@0 R@0 T@10", ((struct symptom[]){
        { "", "loop_start called nothing at all" },
        { "A@0", "only what was queued was called: the selector was never asked" },
        { "A@0 R@0", "the loop returned although a timeout was armed" },
        { 0 } }), "this item counts only for a loop that works: first make the items A1, A4 and A7 pass");
}
