/* checks.c - lab 03 from the judge's side: the suite, and what its checks share. */
#include "labs/03-detector/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MS = 10 };

Suite *checks_03_detector(void);

Suite *checks_03_detector(void)
{
    Suite *s = suite_create("03-detector");
    check_kind_items(s);
    check_witness_items(s);
    check_report_items(s);
    check_model_items(s);
    check_real_items(s);
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
    EXPECT_INT("stall_new", 0, judge_order(j, "stall_new %dms", LIMIT_MS), "nothing is refused: it must make a detector");
}

void orders(struct judge *j, const char *text)
{
    for (const char *at = text; *at; ) {
        int len = (int)strcspn(at, ";");
        judge_order(j, "%.*s", len, at);
        at += len;
        at += strspn(at, "; ");
    }
}

void called(struct judge *j, const char *name, const char *acts)
{
    judge_order(j, "begin %s", name);
    orders(j, acts);
    judge_order(j, "end");
    judge_order(j, "sleep 13ms epoll_wait");
}

/* The report is said as "A.busy*1 total0=20000000 longest0=20000000 B.asleep:read*1 ...": its entries alone. */
static const char *entries_of(const char *said, char *out, size_t size)
{
    char copy[4096];
    size_t used = 0;
    out[0] = 0;
    snprintf(copy, sizeof copy, "%s", said);
    for (char *rest = copy, *word; (word = strtok_r(rest, " ", &rest)) && used < size; )
        if (!strchr(word, '='))
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "", word);
    return out;
}

void expect_found(struct judge *j, const char *expected, const char *cause)
{
    char found[4096];
    judge_order(j, "found");
    EXPECT_TEXT("what was found", expected, entries_of(judge_said(j), found, sizeof found), cause);
}

static void expect_near(const char *what, int64_t expected_ms, int64_t ns, int count)
{
    char expected[80], seen[80];
    int64_t most = count * (LIMIT_MS * MILLISECOND / 8 + 100 * MICROSECOND);
    snprintf(expected, sizeof expected, "%lld ms, or up to %lld us off", (long long)expected_ms, (long long)(most / MICROSECOND));
    snprintf(seen, sizeof seen, "%lld us", (long long)(ns / MICROSECOND));
    EXPECT_TEXT(what, expected, llabs(ns - expected_ms * MILLISECOND) <= most ? expected : seen,
                "it is the callback's own time: neither what came before it, nor what others had the processor for");
}

void expect_times(struct judge *j, int i, int64_t total, int64_t longest, int count)
{
    char name[32];
    snprintf(name, sizeof name, "total%d", i);
    expect_near("the total", total, judge_said_number(j, name), count);
    snprintf(name, sizeof name, "longest%d", i);
    expect_near("the longest", longest, judge_said_number(j, name), 1);
}

void expect_alive(struct judge *j)
{
    scene(j, "what every detector finds: a long sleep, and long work; and what it does not: short ones");
    called(j, "short", "work 2ms; sleep 2ms read");
    called(j, "A", "sleep 40ms read");
    called(j, "B", "work 30ms");
    expect_found(j, "A.asleep:read*1 B.busy*1", "this item counts only for a detector that detects: first make A1 and A2 pass");
}
