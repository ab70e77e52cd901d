/* checks_answers.c - what the reader found out about a program, against what its number has planted. A1, S1..S3, H1..H3, U1,
 * C1, P1.
 *
 * A wrong answer is told which of its parts are right, never what would be: else the second try would be the judge's work. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "labs/00-look/checks.h"
#include "labs/00-look/checks_read.h"

enum { OF_ONE = 15, OF_ALL = 5, SLACK_MS = 2 };     /* how far off a time may be, in percent, and ms beside it */

/* ---- what was handed in ------------------------------------------------------------------------------------------------ */

static struct answers answers(void)
{
    struct answers a;
    char error[300];
    const char *text = judge_text("answers.txt");
    if (!text)
        verdict_fail("write it: the handout has its form", "there is no answers.txt");
    if (answers_read(text, &a, error, sizeof error) < 0)
        verdict_fail("the handout has its form", "%s", error);
    if (a.program < 1 || a.program > PLAN_LARGEST)
        verdict_fail("run build/bin/patient: it says its number in its first line",
                     "no number of a program in the line program:");
    history_add(ENTRY_STEP, -1, "answers about the program %u", a.program);
    return a;
}

static bool is_name(const char *name)
{
    for (int i = 0; i < PLAN_NAMES; i++)
        if (strcmp(plan_names[i], name) == 0)
            return true;
    return false;
}

START_TEST(a1)
{
    struct answers a = answers();
    for (int i = 0; i < PLAN_STALLS; i++) {
        const struct answer *s = &a.stalls[i];
        char what[80];
        snprintf(what, sizeof what, "stall %d has a callback, a call, a time, and somebody who suffered", i + 1);
        EXPECT_INT(what, 1, is_name(s->callback) && is_name(s->suffered) && s->call[0] && s->ms > 0,
                   "callbacks are written as the program calls them: on_accept; ms=48; call=none where there is none");
        for (int n = 0; n < i; n++)
            EXPECT_INT("each stall has a callback of its own", 0, strcmp(a.stalls[n].callback, s->callback) == 0,
                       "no callback stalls twice");
    }
    verdict_pass();
}
END_TEST

/* ---- one stall --------------------------------------------------------------------------------------------------------- */

static bool near(double said, double planted, int percent)
{
    double off = said > planted ? said - planted : planted - said;
    return off <= planted * percent / 100 + SLACK_MS;
}

static bool in_words(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = words; len && (at = strstr(at, word)); at += len)
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return true;
    return false;
}

/* Where there can be no page that comes slowly, nobody can have seen one. */
static void expect_possible(const struct plan_stall *s)
{
    int fd = s->kind == PLAN_PAGE ? (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY) : 0;
    if (fd < 0)
        verdict_not_run("this machine has no userfaultfd (%s), so the program has no page that comes slowly", strerror(errno));
    if (fd > 0)
        close(fd);
}

static void judge_stall(int i)
{
    struct answers all = answers();
    struct plan plan = plan_of(all.program);
    const struct plan_stall *planted = &plan.stalls[i];
    const struct answer *a = &all.stalls[i];
    bool who = strcmp(a->callback, plan_names[planted->callback]) == 0, call = in_words(plan_calls(planted->kind), a->call);
    bool ms = near(a->ms, planted->ms, OF_ONE), suffered = strcmp(a->suffered, plan_names[planted->suffers]) == 0;
    char seen[200];
    expect_possible(planted);
    snprintf(seen, sizeof seen, "the callback is %s, the call is %s, the time is %s, who suffered is %s", who ? "right" : "wrong",
             call ? "right" : "wrong", ms ? "right" : "wrong", suffered ? "right" : "wrong");
    EXPECT_TEXT("stall, in the order of time",
                "the callback is right, the call is right, the time is right, who suffered is right", seen,
                "the report of build/bin/blockwatch has the first three, what the program says at its end the last");
}

START_TEST(s1)
{
    judge_stall(0);
    verdict_pass();
}
END_TEST

START_TEST(s2)
{
    judge_stall(1);
    verdict_pass();
}
END_TEST

START_TEST(s3)
{
    judge_stall(2);
    verdict_pass();
}
END_TEST

START_TEST(h1)
{
    judge_stall(3);
    verdict_pass();
}
END_TEST

START_TEST(h2)
{
    judge_stall(4);
    verdict_pass();
}
END_TEST

START_TEST(h3)
{
    judge_stall(5);
    verdict_pass();
}
END_TEST

/* ---- what the report says besides -------------------------------------------------------------------------------------- */

START_TEST(u1)
{
    struct answers a = answers();
    struct plan plan = plan_of(a.program);
    int page = 0;
    while (plan.stalls[page].kind != PLAN_PAGE)
        page++;
    expect_possible(&plan.stalls[page]);
    EXPECT_INT("the stall that no wrapper of a call can see is found", 1, a.unseen == page + 1,
               "one of them has no call at all, and sleeps. A raw system call is none of the C library's, but it is a call");
    EXPECT_INT("and its call is page-fault", 1, in_words(plan_calls(PLAN_PAGE), a.stalls[page].call),
               "a page that was not there");
    verdict_pass();
}
END_TEST

START_TEST(c1)
{
    struct answers a = answers();
    struct plan plan = plan_of(a.program);
    int asleep = 0, busy = 0;
    for (int i = 0; i < PLAN_STALLS; i++)
        *(plan.stalls[i].kind == PLAN_HOG ? &busy : &asleep) += plan.stalls[i].ms;
    EXPECT_INT("the time asleep, of all stalls, is right", 1, near(a.asleep, asleep, OF_ALL),
               "wall = cpu + run-delay + blocked: which of them is it?");
    EXPECT_INT("the time busy is right", 1, near(a.busy, busy, OF_ONE), "one of the six does not sleep, and no call is to blame");
    verdict_pass();
}
END_TEST

/* What is so: shown beside what was predicted. */
static const char *const predicted[] = {
    "the one after it, and all that are ready meanwhile: the log accuses who is late, and that is never who is to blame",
    "five: a page fault is no call. A raw system call is none of the C library's either, so perhaps four",
    "no: it is on a processor, so the thread has given nothing away. Only its CPU time says it",
    NULL
};

START_TEST(p1)
{
    judge_predictions(predicted);
    verdict_pass();
}
END_TEST

void check_answer_items(Suite *s)
{
    add_item(s, "A1", a1);
    add_item(s, "S1", s1);
    add_item(s, "S2", s2);
    add_item(s, "S3", s3);
    add_item(s, "H1", h1);
    add_item(s, "H2", h2);
    add_item(s, "H3", h3);
    add_item(s, "U1", u1);
    add_item(s, "C1", c1);
    add_item(s, "P1", p1);
}
