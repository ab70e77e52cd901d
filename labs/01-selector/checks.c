/* checks.c - lab 01 from the judge's side: the suite, and what its checks share. */
#include "labs/01-selector/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_WAITS = 300, ENTRIES = 200 };

Suite *checks_01_selector(void);

Suite *checks_01_selector(void)
{
    Suite *s = suite_create("01-selector");
    check_ready_items(s);
    check_kernel_items(s);
    check_echo_items(s);
    check_peer_items(s);
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
    EXPECT_INT("selector_new", 0, judge_order(j, "selector_new"), "selector_new must make a selector when nothing is refused");
}

int64_t moment(int64_t ns)
{
    return SECOND + ns;         /* a world begins at 1 s */
}

void set(struct judge *j, const char *name, const char *mask)
{
    char what[80];
    snprintf(what, sizeof what, "selector_set(%s, %s)", name, mask);
    EXPECT_INT(what, 0, judge_order(j, "set %s %s", name, mask), "nothing was refused");
}

/* ---- what was told ---------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The words of `text` without what follows an '@', sorted. */
static const char *sorted(const char *text, char *out, size_t size)
{
    char copy[4096], *words[ENTRIES];
    int n = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *rest = copy, *word; n < ENTRIES && (word = strtok_r(rest, " ", &rest)); )
        words[n++] = strtok(word, "@");
    qsort(words, (size_t)n, sizeof *words, by_name);
    out[0] = 0;
    for (int i = 0; i < n; i++)
        snprintf(out + strlen(out), size - strlen(out), "%s%s", i ? " " : "", words[i]);
    return out;
}

const char *told_since(const struct judge *j, size_t from)
{
    static char out[4096];
    const char *trace = judge_trace(j);
    return sorted(strlen(trace) > from ? trace + from : "", out, sizeof out);
}

static void expect_found(struct judge *j, size_t from, int64_t n, const char *told, const char *cause)
{
    char expected[4096];
    int entries = 0;
    sorted(told, expected, sizeof expected);
    for (const char *c = expected; *c; c++)
        entries += *c == ':';
    const char *trouble = judge_trouble(j);
    EXPECT_TEXT("what selector_wait reports", expected, told_since(j, from), trouble ? trouble : cause);
    EXPECT_INT("selector_wait", entries, n, trouble ? trouble : "it returns how many entries it filled");
}

void expect_told(struct judge *j, int max, const char *told, const char *cause)
{
    size_t from = strlen(judge_trace(j));
    int64_t n = judge_order(j, "ask %d", max);
    expect_found(j, from, n, told, cause);
}

void expect_waited(struct judge *j, const char *until, const char *told, const char *cause)
{
    size_t from = strlen(judge_trace(j));
    int64_t n = judge_order(j, "wait %s", until);
    expect_found(j, from, n, told, cause);
}

void give_file(struct judge *j, const char *name)
{
    int fd = sim_file(judge_sim(j), "contents", 8);
    if (fd < 0)
        verdict_fault("no regular file in the world: %d", fd);
    judge_order(j, "given %s %d", name, fd);
}

void expect_alive(struct judge *j)
{
    scene(j, "what every selector does: it tells what is ready, and waits for what is not");
    judge_order(j, "pipe R W");
    set(j, "R", "r");
    expect_told(j, 8, "", "this item counts only for a selector that works: first make A1 pass");
    judge_meanwhile(j, moment(5 * MILLISECOND), "write W");
    expect_waited(j, "10ms", "R:r", "this item counts only for a selector that works: first make A1 and A7 pass");
    judge_order(j, "read R");
    expect_waited(j, "20ms", "", "this item counts only for a selector that works: first make A7 pass");
    EXPECT_INT("ns that passed", 20 * MILLISECOND, sim_now(judge_sim(j)) - moment(0), "first make A7 pass");
}
