/* checks.c - lab 08 from the judge's side: the suite, and what all its checks share. */
#include "labs/08-async-client/checks.h"

#include <stdio.h>

enum { IDLE_WAITS = 300 };

Suite *checks_08_async_client(void);

Suite *checks_08_async_client(void)
{
    Suite *s = suite_create("08-async-client");
    check_redirect_items(s);
    check_pool_items(s);
    check_name_items(s);
    check_fetch_items(s);
    check_follow_items(s);
    check_cancel_items(s);
    check_model_items(s);
    check_crowd_items(s);
    check_cost_items(s);
    check_memory_items(s);
    check_text_items(s);
    return s;
}

static void begin(struct judge *j, const char *title, const char *order)
{
    judge_reset(j, 0);
    history_clear();
    history_add(ENTRY_STEP, -1, "# %s", title);
    sim_limit_idle_waits(judge_sim(j), IDLE_WAITS);
    origins_begin(j);
    if (judge_order(j, "%s", order) != 0)
        verdict_fault("loop_new failed, though nothing is refused");
}

static void make_client(struct judge *j, const char *options)
{
    EXPECT_INT("http_client_new", 0, judge_order(j, "client %s", options), "a client can be made when nothing is refused");
}

void bare_scene(struct judge *j, const char *title)
{
    begin(j, title, "loop_new");
}

void scene(struct judge *j, const char *title, const char *options)
{
    bare_scene(j, title);
    make_client(j, options);
}

void bare_crowd_scene(struct judge *j, const char *title)
{
    begin(j, title, "loop_new light");
    sim_limit_idle_waits(judge_sim(j), 10 * IDLE_WAITS);
}

void crowd_scene(struct judge *j, const char *title, const char *options)
{
    bare_crowd_scene(j, title);
    make_client(j, options);
}

void run_until(struct judge *j, const char *until)
{
    int64_t rc = judge_order(j, "run %s", until);
    const char *trouble = judge_trouble(j);
    EXPECT_INT("loop_start", 0, rc, trouble ? trouble : "the loop must go on to its end");
}

void run(struct judge *j)
{
    run_until(j, "100ms");
}

void expect_trace(struct judge *j, const char *expected, const char *cause)
{
    EXPECT_TEXT("trace", expected, judge_trace(j), cause);
}

int64_t calls(const struct judge *j, enum sys_call call)
{
    return (int64_t)judge_calls(j, call);
}

void expect_fetching(struct judge *j)
{
    scene(j, "what all clients do: a page is fetched", "");
    judge_order(j, "fetch F http://a.example/wait=5");
    run(j);
    expect_trace(j, "F=200,hello@5", "this item counts only for a client that fetches: first make the item F1 pass");
    EXPECT_INT("requests that the server heard", 1, origins_count().requests, "an answer is what a server has said");
}

void expect_nothing_left(struct judge *j, const char *cause)
{
    int64_t light = judge_order(j, "loop_close");
    struct sim_live live = judge_live(j);
    EXPECT_INT("blocks of memory left after all was closed", 0, (int64_t)live.blocks + light, cause);
    EXPECT_INT("descriptors left after all was closed", 0, (int64_t)live.descriptors - origins_count().descriptors, cause);
}
