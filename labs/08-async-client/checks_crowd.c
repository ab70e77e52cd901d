/* checks_crowd.c - random crowds of fetches, and a thousand of them. H2, H3.
 *
 * A server's bytes depend on a number that only the judge knows, and on the path: an answer is right when it has those of its own
 * path. What is random is chosen such that each fetch has one right answer, or one of two: it, and too late. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/08-async-client/checks.h"

enum { TRIALS = 60, CROWD = 16, THOUSAND = 1000, SOCKETS = 10 };

enum fate { FINE, SENT_ON, DROPPED, CUT, NONSENSE, NO_NAME, REFUSED, NEVER, FATES };

struct want {
    enum fate fate;
    int at, wait, len, total, cancel;       /* ms; cancel 0: never */
    int host, habit;                        /* what its server does with the connection */
};

struct plan {
    int most, per, count;
    uint32_t secret;
    struct want wants[CROWD];
};

/* ---- what is asked ---------------------------------------------------------------------------------------------------- */

static void target_of(const struct want *w, char out[ORIGIN_TARGET])
{
    static const char *const habits[] = { "", "", "/chunks", "/until-close", "/close", "/leaves=5", "/once", "/more" };
    static const char *const faults[FATES] = { [DROPPED] = "/drop", [CUT] = "/cut", [NONSENSE] = "/bad", [NEVER] = "/hang" };
    const char *fault = faults[w->fate] ? faults[w->fate] : "";
    bool cut = w->fate == CUT;
    snprintf(out, ORIGIN_TARGET, "/wait=%d/len=%d%s%s", w->wait, w->len, cut ? "" : habits[w->habit], fault);
}

static void order(struct judge *j, const struct want *w, int i)
{
    static const char *const hosts[] = { "a.example", "b.example", "c.example" };
    char target[ORIGIN_TARGET], more[64] = "";
    const char *host = w->fate == NO_NAME ? "none.example" : w->fate == REFUSED ? "shut.example" : hosts[w->host];
    target_of(w, target);
    if (w->cancel)
        snprintf(more, sizeof more, " cancel=%dms", w->cancel);
    if (w->fate == SENT_ON)
        judge_order(j, "fetch F%d http://%s/302/http://%s%s at=%dms total=%dms%s", i, hosts[(w->host + 1 + w->habit % 2) % 3],
                    host,
                    target, w->at, w->total, more);
    else
        judge_order(j, "fetch F%d http://%s%s at=%dms total=%dms%s", i, host, target, w->at, w->total, more);
}

/* ---- what comes of it -------------------------------------------------------------------------------------------------- */

/* The answer it must get if nothing comes between. */
static void right_answer(const struct want *w, char *out, size_t size)
{
    static const char *const failures[FATES] = {
        [DROPPED] = "-EPIPE,first-byte", [CUT] = "-EPIPE,answer", [NONSENSE] = "-EBADMSG,answer", [NO_NAME] = "-ENOENT,name",
        [REFUSED] = "-ECONNREFUSED,connect", [NEVER] = "-ETIMEDOUT,first-byte",
    };
    char target[ORIGIN_TARGET], body[40];
    target_of(w, target);
    if (failures[w->fate])
        snprintf(out, size, "%s", failures[w->fate]);
    else
        snprintf(out, size, "200,%s%s", origin_body(target, w->len, body), w->fate == SENT_ON ? ",r1" : "");
}

/* The only event of that name in the trace: what it says, and when. How many there are. */
static int find_event(const char *trace, int i, char *out, size_t size, int64_t *at)
{
    char name[16];
    int found = 0;
    size_t len = (size_t)snprintf(name, sizeof name, "F%d=", i);
    for (const char *each = trace; each && *each; each = strchr(each, ' ')) {
        each += *each == ' ';
        if (strncmp(each, name, len) != 0)
            continue;
        const char *moment = strchr(each, '@');
        snprintf(out, size, "%.*s", moment ? (int)(moment - each - (ptrdiff_t)len) : 0, each + len);
        *at = moment ? atoll(moment + 1) : -1;
        found++;
    }
    return found;
}

static void expect_answer(struct judge *j, const struct want *w, int i)
{
    char seen[80] = "", right[80], what[80];
    int64_t at = -1;
    snprintf(what, sizeof what, "answers of F%d", i);
    EXPECT_INT(what, 1, find_event(judge_trace(j), i, seen, sizeof seen, &at), "each fetch is answered once, or cancelled");
    snprintf(what, sizeof what, "the answer of F%d", i);
    right_answer(w, right, sizeof right);
    bool late = strncmp(seen, "-ETIMEDOUT,", 11) == 0, cancelled = strcmp(seen, "0,cancelled") == 0;
    if (cancelled && w->cancel) {
        EXPECT_INT("ms at which it was cancelled", w->cancel, at, "");
    } else if (late) {
        EXPECT_INT("ms at which it was too late", w->at + w->total, at, "`total` begins with the fetch, and is for all of it");
    } else {
        EXPECT_TEXT(what, right, seen, "its own server's bytes, or its own failure, with the phase");
        int64_t soonest = w->at + (w->fate < NO_NAME ? w->wait : 0);
        EXPECT_INT("ms too early", 0, at < soonest ? soonest - at : 0, "nobody could know it then");
        EXPECT_INT("ms too late", 0, at > w->at + w->total ? at - w->at - w->total : 0, "it had no more time");
    }
}

static void judge_crowd(void *self, struct judge *j)
{
    const struct plan *p = self;
    char options[40];
    snprintf(options, sizeof options, "most=%d per=%d", p->most, p->per);
    crowd_scene(j, "a random crowd of fetches", options);
    origins_secret(p->secret);
    for (int i = 0; i < p->count; i++)
        order(j, &p->wants[i], i);
    run_until(j, "2s");
    for (int i = 0; i < p->count; i++)
        expect_answer(j, &p->wants[i], i);
    struct origin_count c = origins_count();
    EXPECT_AT_MOST("connections open at a time", p->most, c.most_open,
                   "`most` counts those that are in use, and those that wait");
    EXPECT_AT_MOST("requests under way at a time", p->most, c.most_busy, "one a connection");
    EXPECT_INT("fetches under way in the end", 0, judge_order(j, "running") + judge_order(j, "waiting"),
               "all places were given up");
    expect_nothing_left(j, "all of a fetch is given back, whatever became of it");
}

/* ---- random plans ---------------------------------------------------------------------------------------------------- */

static void make_crowd(void *self, int i)
{
    static const enum fate fates[] = { FINE, FINE, FINE, FINE, FINE, FINE, SENT_ON, SENT_ON, DROPPED, CUT, NONSENSE, NO_NAME,
                                       REFUSED,
                                       NEVER };
    struct plan *p = self;
    uint64_t dice = dice_mixed(judge_get()->seed * 1000 + (uint64_t)i + 500);
    *p = (struct plan){ .most = 1 + dice_roll(&dice, 5), .count = 3 + i * (CROWD - 3) / TRIALS, .secret = (uint32_t)dice };
    p->per = 1 + dice_roll(&dice, p->most);
    for (int w = 0; w < p->count; w++) {
        struct want *want = &p->wants[w];
        *want = (struct want){ fates[dice_roll(&dice, sizeof fates / sizeof *fates)], dice_roll(&dice, 40), dice_roll(&dice, 20),
                               1 + dice_roll(&dice, 3000), 1000, 0, dice_roll(&dice, 3), dice_roll(&dice, 8) };
        if (want->fate == NEVER || dice_roll(&dice, 4) == 0)
            want->total = 5 + dice_roll(&dice, 60);
        if (dice_roll(&dice, 6) == 0)
            want->cancel = want->at + 1 + dice_roll(&dice, 40);
    }
}

static int crowd_steps(const void *self)
{
    return ((const struct plan *)self)->count;
}

static void leave_out(void *self, int first, int count)
{
    struct plan *p = self;
    memmove(p->wants + first, p->wants + first + count, (size_t)(p->count - first - count) * sizeof *p->wants);
    p->count -= count;
}

static struct judge *open_judge(void *self)
{
    struct judge *j = judge_new(NULL, 0);
    (void)self;
    expect_fetching(j);
    return j;
}

START_TEST(h2)
{
    static struct plan plan;
    struct trials trials = { .count = TRIALS, .make = make_crowd, .open = open_judge, .judge = judge_crowd, .steps = crowd_steps,
                             .leave_out = leave_out, .current = &plan, .size = sizeof plan, .self = &plan };
    judge_trials(&trials);
    verdict_pass();
}
END_TEST

/* ---- H3: a thousand --------------------------------------------------------------------------------------------------- */

START_TEST(h3)
{
    struct judge *j = judge_new(NULL, 0);
    int answered = 0;
    expect_fetching(j);
    crowd_scene(j, "1000 fetches, 10 connections", "most=10 per=5 idle=200ms");
    for (int i = 0; i < THOUSAND; i++)
        judge_order(j, "fetch F%d http://%s.example/wait=1", i, i % 2 ? "a" : "b");
    run_until(j, "1s");
    for (const char *at = judge_trace(j); (at = strstr(at, "=200,hello@")); at++)
        answered++;
    struct origin_count c = origins_count();
    metric("sockets", calls(j, CALL_SOCKET));
    metric("most_open", c.most_open);
    EXPECT_INT("pages", THOUSAND, answered, "each fetch is answered");
    EXPECT_AT_MOST("connections open at a time", SOCKETS, c.most_open, "most=10");
    EXPECT_AT_MOST("sockets that were made", SOCKETS, calls(j, CALL_SOCKET), "a connection is used again and again");
    run_until(j, "2s");
    EXPECT_INT("connections open 200 ms after the last of them", 0, origins_count().open, "idle=200ms");
    expect_nothing_left(j, "a thousand of anything is a leak that shows");
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_crowd_items(Suite *s)
{
    add_item(s, "H2", h2);
    add_item(s, "H3", h3);
}
