/* checks_real.c - planted stalls on the real kernel: how many are found, and who is accused. R1, H2, H3.
 *
 * What was planted, and under which names, is decided here, by the seed. A machine can be so busy that a watchdog is late for a
 * whole stall, so each program has three tries. Trap: what is innocent here must be so on any machine; that is why each act lasts
 * by the clock that it is about. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/03-detector/checks.h"

enum { TRIES = 3, KINDS = 6, INNOCENTS = 5, QUICK = 12, RECALL = 5, PRECISION = 90, PLANTED = 32 };

struct kind {
    const char *act, *ms, *found;
};

static const struct kind kinds[KINDS] = {
    { "sleep", "70ms", "asleep:" }, { "hog", "30ms", "busy" }, { "lock", "70ms", "asleep:" }, { "storm", "30ms", "faults" },
    { "raw", "70ms", "asleep:" }, { "naps", "70ms", "asleep:" },
};

/* What looks like a stall, and is none: stopped for long, on a processor or asleep for a moment. */
static const struct kind innocents[INNOCENTS] = {
    { "stop", "80ms", "" }, { "hog", "3ms", "" }, { "sleep", "3ms", "" }, { "yield", "3ms", "" }, { "poll", "2ms", "" },
};

struct program {
    struct judge *judge;
    uint64_t dice;
    int planted, found, accused;    /* stalls; of them found; all that was reported */
    char wanted[PLANTED][40];
};

static void plant(struct program *p, const struct kind *kind, int number)
{
    char name[24];
    snprintf(name, sizeof name, "on_%x_%d", dice_roll(&p->dice, 0xffff), number);
    judge_order(p->judge, "plant %s %s %s", name, kind->act, kind->ms);
    if (kind->found[0])
        snprintf(p->wanted[p->planted++], sizeof *p->wanted, "%s.%s", name, kind->found);
}

/* All kinds of stalls, in an order that the seed decides, with innocents around them. */
static void make(struct program *p, bool crowded)
{
    int order[KINDS], next = 0;
    for (int i = 0; i < KINDS; i++) {
        int at = dice_roll(&p->dice, i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    for (int i = 0; i < KINDS; i++) {
        for (int n = 0; n < (crowded ? QUICK / KINDS : 1); n++)
            plant(p, &innocents[crowded ? next++ % INNOCENTS : 1 + next++ % (INNOCENTS - 1)], 10 * i + n);
        plant(p, &kinds[order[i]], 10 * i + 9);
    }
}

static void count_found(struct program *p, const char *said)
{
    char copy[4096];
    snprintf(copy, sizeof copy, "%s", said);
    for (char *rest = copy, *word; (word = strtok_r(rest, " ", &rest)); ) {
        bool right = false;
        if (strchr(word, '='))
            continue;
        for (int i = 0; i < p->planted; i++)
            right |= strncmp(word, p->wanted[i], strlen(p->wanted[i])) == 0;
        p->found += right;
        p->accused++;
        if (!right)
            history_add(ENTRY_STEP, -1, "it accuses %s, which is innocent, or was something else", word);
    }
    for (int i = 0; i < p->planted; i++)
        if (!strstr(said, p->wanted[i]))
            history_add(ENTRY_STEP, -1, "it did not find %s", p->wanted[i]);
}

static void run(struct program *p, struct judge *j, uint64_t seed, int burners, bool crowded)
{
    *p = (struct program){ .judge = j, .dice = dice_mixed(seed) };
    judge_reset(j, 0);
    history_clear();
    history_add(ENTRY_STEP, -1, "# on the real kernel: six planted stalls, the limit is 10 ms%s",
                burners ? ", beside threads that work all the time" : "");
    judge_order(j, "door real");
    make(p, crowded);
    int64_t rc = judge_order(j, "play 10ms %d", burners);
    if (rc == -ENOSYS)
        verdict_not_run("this sandbox has no /proc, in which a watchdog sees what a thread sleeps in");
    EXPECT_AT_MOST("what stall_report returned", 16, rc, "as many as there are, STALL_SITES at most");
    EXPECT_AT_MOST("failures of stall_new", 0, rc < 0, "with the real door");
    count_found(p, judge_said(j));
}

/* The best of three: found and accused must be good in the same one. */
static void judge_program(int burners, bool crowded)
{
    struct judge *j = judge_new(NULL, 0);
    struct program p = {0};
    expect_alive(j);
    for (int i = 0; i < TRIES; i++) {
        run(&p, j, verdict_current()->seed + (uint64_t)i, burners, crowded);
        if (p.found >= RECALL && 100 * p.found >= PRECISION * p.accused)
            break;
    }
    metric("planted", p.planted);
    metric("found", p.found);
    metric("accused", p.accused);
    EXPECT_INT("stalls of 6 that were found, by name and kind (5 are enough)", 1, p.found >= RECALL,
               "in 3 of 3 programs: see which was not found, and what the kernel and the watchdog say of it");
    EXPECT_INT("nine of ten that are accused did it", 1, 100 * p.found >= PRECISION * p.accused,
               "in 3 of 3 programs: see who is accused, and what was done to him: stopped, yielding, short");
    judge_close(j);
}

START_TEST(r1)
{
    judge_program(0, false);
    verdict_pass();
}
END_TEST

START_TEST(h2)
{
    judge_program(0, true);
    verdict_pass();
}
END_TEST

START_TEST(h3)
{
    judge_program(2, true);
    verdict_pass();
}
END_TEST

void check_real_items(Suite *s)
{
    add_item(s, "R1", r1);
    add_item(s, "H2", h2);
    add_item(s, "H3", h3);
}
