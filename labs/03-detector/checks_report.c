/* checks_report.c - what was found, put together. A7. */
#include <stdio.h>
#include <string.h>

#include "labs/03-detector/checks.h"

enum { SITES = 16, MANY = 40 };

static void together(struct judge *j)
{
    scene(j, "the same callback stalls three times, another one once and longer");
    called(j, "A", "sleep 20ms read");
    called(j, "B", "sleep 50ms fsync");
    called(j, "A", "sleep 30ms read");
    called(j, "A", "work 15ms");
    called(j, "A", "sleep 20ms read");
    expect_found(j, "A.asleep:read*3 B.asleep:fsync*1 A.busy*1",
                 "one entry for each callback and kind, the dearest in total first; names are the same if they read the same");
    expect_times(j, 0, 70, 30, 3);
    expect_times(j, 1, 50, 50, 1);
    called(j, "B", "sleep 50ms fsync");
    expect_found(j, "B.asleep:fsync*2 A.asleep:read*3 A.busy*1", "it is asked again, after B has slept once more");
    history_clear();
    history_add(ENTRY_STEP, -1, "# only the first two are asked for");
    EXPECT_INT("how many there are", 3, judge_order(j, "first 2"),
               "stall_report fills no more than `most`, and returns how many there are");
    EXPECT_INT("too many were filled in", 0, strstr(judge_trace(j), "too-many") != NULL, "`out` has room for `most`");
    EXPECT_INT("how many there are", 3, judge_order(j, "first 0"), "with room for none it says how many there are");
}

/* The costs go down, so that the first 15 have their own place. */
static void crowded(struct judge *j)
{
    char acts[40], name[16];
    int64_t count = 0;
    scene(j, "40 different callbacks stall");
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "C%d", i);
        snprintf(acts, sizeof acts, "work %dms", 100 - 2 * i);
        called(j, name, acts);
    }
    EXPECT_INT("entries", SITES, judge_order(j, "found"),
               "STALL_SITES is all there is; memory is not asked for while the loop runs");
    const char *others = strstr(judge_said(j), "others.busy*");
    if (others)
        sscanf(others, "others.busy*%lld", (long long *)&count);
    EXPECT_INT("stalls that \"others\" stands for", MANY - SITES + 1, count,
               "what has no place of its own is counted, never dropped");
    EXPECT_INT("C0 has its place", 1, strstr(judge_said(j), "C0.busy*1") != NULL, "who came first keeps his place");
    called(j, "C3", "work 90ms");
    judge_order(j, "found");
    EXPECT_INT("C3 was found twice", 1, strstr(judge_said(j), "C3.busy*2") != NULL,
               "who has a place keeps it when there is no more room");
}

START_TEST(a7)
{
    struct judge *j = judge_new(NULL, 0);
    scene(j, "nothing has happened");
    expect_found(j, "", "a report is also an answer");
    together(j);
    crowded(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_report_items(Suite *s)
{
    add_item(s, "A7", a7);
}
