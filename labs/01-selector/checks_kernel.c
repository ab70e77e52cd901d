/* checks_kernel.c - what the kernel does behind a selector's back: numbers given away, files that epoll refuses, clocks and
 * signals, refusals. A5..A8. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "labs/01-selector/checks.h"

/* ---- A5: numbers that were closed and given away ---------------------------------------------------------------- */

/* R was known, has a byte, and was closed while C, a copy of it, lives; S has its number. */
static void make_ghost(struct judge *j, bool forgotten)
{
    judge_order(j, "pipe R W");
    set(j, "R", "r");
    judge_order(j, "dup R C");
    judge_order(j, "write W");
    int64_t number = judge_order(j, "number R");
    judge_order(j, "close R");
    if (forgotten)
        judge_order(j, "set_number %lld -", (long long)number);
    judge_order(j, "pipe S X");
    if (judge_order(j, "number S") != number)
        verdict_fault("the number of R was not given to S");
}

static void told_to_nobody_else(struct judge *j, bool forgotten)
{
    scene(j, forgotten ? "a descriptor was closed, then forgotten; a copy of it lives, and its number is somebody else's"
                       : "a descriptor was closed and never forgotten; a copy of it lives, and its number is somebody else's");
    make_ghost(j, forgotten);
    set(j, "S", "r");
    for (int i = 0; i < 3; i++)
        expect_told(j, 8, "", "this is the event of a file that was closed: epoll watches files, not numbers, and the number "
                              "is S's now. Put a generation beside it in data.u64");
    judge_order(j, "write X");
    expect_told(j, 8, "S:r", "now S has a byte of its own");
    judge_order(j, "read S");
    judge_order(j, "write W");
    expect_told(j, 8, "", "what happens to the old file is nobody's any more");
}

static void reused_without_a_copy(struct judge *j)
{
    scene(j, "a number was closed, never forgotten, and given to another pipe, which becomes known");
    judge_order(j, "pipe R W");
    set(j, "R", "r");
    judge_order(j, "close R");
    judge_order(j, "close W");
    judge_order(j, "pipe S X");
    set(j, "S", "r");
    expect_told(j, 8, "", "");
    judge_order(j, "write X");
    expect_told(j, 8, "S:r", "you believed that it was known: epoll forgot it when the old file was closed. MOD says ENOENT: "
                             "then ADD it");
}

static void not_woken_for_nothing(struct judge *j)
{
    scene(j, "a file that nobody can forget any more does not keep the selector awake");
    make_ghost(j, true);
    set(j, "S", "r");
    expect_told(j, 8, "", "");
    uint64_t waits = judge_calls(j, CALL_EPOLL_WAIT) + judge_calls(j, CALL_POLL);
    for (int i = 1; i <= 3; i++)
        judge_order(j, "wait %dms", 100 * i);
    EXPECT_INT("ns that passed in three waits of 100 ms", 300 * MILLISECOND, sim_now(judge_sim(j)) - moment(0),
               "the old file stays ready for ever, and each wait ends at once: leave it behind with its epoll, and make a "
               "new one");
    EXPECT_AT_MOST("questions to the kernel", 6, (int64_t)(judge_calls(j, CALL_EPOLL_WAIT) + judge_calls(j, CALL_POLL) - waits),
                   "one a wait");
    judge_order(j, "write X");
    expect_told(j, 8, "S:r", "who was known is known in the new one");
}

START_TEST(a5)
{
    struct judge *j = judge_new(NULL, 0);
    reused_without_a_copy(j);
    told_to_nobody_else(j, false);
    told_to_nobody_else(j, true);
    not_woken_for_nothing(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A6: regular files ------------------------------------------------------------------------------------------ */

static void always_ready(struct judge *j)
{
    scene(j, "a regular file is always ready, for what was asked");
    give_file(j, "F");
    judge_order(j, "pipe R W");
    set(j, "R", "r");
    set(j, "F", "rw");
    expect_waited(j, "forever", "F:rw", "epoll refuses regular files with EPERM: keep them yourself, they never block");
    set(j, "F", "r");
    expect_waited(j, "forever", "F:r", "");
    judge_order(j, "write W");
    expect_waited(j, "forever", "F:r R:r", "a file that is ready hides nobody else");
    EXPECT_INT("ns that passed", 0, sim_now(judge_sim(j)) - moment(0), "nobody waits while a file is known");
    set(j, "F", "-");
    judge_order(j, "read R");
    expect_told(j, 8, "", "the file is forgotten");
}

static void nobody_starves(struct judge *j)
{
    size_t from;
    scene(j, "files and pipes take turns where not all fit");
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "F%d", i);
        give_file(j, name);
        judge_order(j, "pipe R%d W%d", i, i);
        judge_order(j, "write W%d", i);
        set(j, name, "r");
        judge_order(j, "set R%d r", i);
    }
    for (int max = 1; max <= 2; max++) {
        from = strlen(judge_trace(j));
        for (int i = 0; i < 12; i++)
            EXPECT_INT("selector_wait", max, judge_order(j, "ask %d", max), "six are ready");
        const char *told = told_since(j, from);
        char names[][5] = { "F0:r", "F1:r", "F2:r", "R0:r", "R1:r", "R2:r" };
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (!strstr(told, names[i]))
                verdict_fail("who is always ready must leave room for the others, and the others for him",
                             "in 12 waits with %d places %.2s was never told", max, names[i]);
    }
}

static void a_files_number(struct judge *j)
{
    scene(j, "the number of a file is given to a pipe, and that of a pipe to a file");
    give_file(j, "F");
    set(j, "F", "r");
    expect_told(j, 8, "F:r", "");
    judge_order(j, "close F");
    judge_order(j, "pipe R W");
    set(j, "R", "r");
    expect_told(j, 8, "", "R has the number of a file that was always ready; R is not");
    expect_waited(j, "10ms", "", "");
    judge_order(j, "close R");
    give_file(j, "G");
    set(j, "G", "r");
    expect_told(j, 8, "G:r", "G has the number of a pipe; it is always ready");
    set(j, "G", "-");
    expect_told(j, 8, "", "");
}

START_TEST(a6)
{
    struct judge *j = judge_new(NULL, 0);
    always_ready(j);
    nobody_starves(j);
    a_files_number(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A7: deadlines and signals ---------------------------------------------------------------------------------- */

static void exact(struct judge *j)
{
    static const int64_t deadlines[] = { 1500001, 1999999, 2000000, 50000000, 3600 * SECOND + 1 };
    scene(j, "a wait ends at its deadline, to the nanosecond");
    judge_order(j, "pipe R W");
    set(j, "R", "r");
    for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++) {
        EXPECT_INT("selector_wait", 0, judge_order(j, "wait %lldns", (long long)deadlines[i]), "0 when the deadline came first");
        int64_t passed = sim_now(judge_sim(j)) - moment(0);
        EXPECT_INT("ns that passed since the beginning", deadlines[i], passed,
                   passed < deadlines[i] ? "it ended early: a deadline is absolute, the kernel's time-out relative and in ns; "
                                           "do not round it down" : "it ended late: the time-out is in ns, do not round it up");
    }
}

static void only_asks(struct judge *j)
{
    scene(j, "a deadline of 0 or in the past only asks");
    judge_order(j, "pipe R W");
    set(j, "R", "r");
    judge_order(j, "spend 20ms");
    expect_told(j, 8, "", "");
    expect_waited(j, "5ms", "", "");
    expect_waited(j, "20ms", "", "");
    EXPECT_INT("ns that passed", 20 * MILLISECOND, sim_now(judge_sim(j)) - moment(0), "the deadline was over: a negative "
               "time-out waits without end, 0 only asks");
    judge_order(j, "write W");
    expect_told(j, 8, "R:r", "who only asks is told what is ready");
    expect_waited(j, "5ms", "R:r", "a deadline that is over is no reason not to look");
}

static void interrupted(struct judge *j)
{
    scene(j, "a signal ends a wait, and is no error");
    judge_order(j, "pipe R W");
    set(j, "R", "r");
    sim_fail(judge_sim(j), CALL_EPOLL_WAIT, 1, -EINTR);
    sim_fail(judge_sim(j), CALL_POLL, 1, -EINTR);
    EXPECT_INT("selector_wait, interrupted by a signal", 0, judge_order(j, "wait 10ms"),
               "EINTR is no error: 0, and whoever waits asks again");
    sim_fail(judge_sim(j), CALL_EPOLL_WAIT, 0, 0);
    sim_fail(judge_sim(j), CALL_POLL, 0, 0);
    EXPECT_INT("selector_wait", 0, judge_order(j, "wait 20ms"), "0 when the deadline came first");
    EXPECT_INT("ns that passed", 20 * MILLISECOND, sim_now(judge_sim(j)) - moment(0), "the second wait goes to its deadline");
}

static void an_error_is_one(struct judge *j)
{
    scene(j, "what is no signal is an error, and told as it came");
    sim_fail(judge_sim(j), CALL_EPOLL_WAIT, 1, -EIO);
    sim_fail(judge_sim(j), CALL_POLL, 1, -EIO);
    EXPECT_INT("selector_wait, when the kernel says EIO", -EIO, judge_order(j, "wait 10ms"), "only EINTR is no error");
}

START_TEST(a7)
{
    struct judge *j = judge_new(NULL, 0);
    exact(j);
    only_asks(j);
    interrupted(j);
    an_error_is_one(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A8: refusals ----------------------------------------------------------------------------------------------- */

static void no_descriptor(struct judge *j)
{
    static const int none[] = { -1, -7, 99, 1000, 2147483647 };
    scene(j, "what is no descriptor is refused with EBADF, however large its number is");
    judge_order(j, "pipe R W");
    set(j, "R", "r");
    struct sim_live before = judge_live(j);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        EXPECT_INT("selector_set of no descriptor", -EBADF, judge_order(j, "set_number %d r", none[i]),
                   "EBADF: ask the kernel before you make room for the number");
    EXPECT_AT_MOST("bytes more than before", 4096, (int64_t)(judge_live(j).bytes - before.bytes),
                   "room was made for a number that is no descriptor");
    judge_order(j, "write W");
    expect_told(j, 8, "R:r", "the others are still known");
}

static void refused(struct judge *j, const char *mask, const char *told_before, const char *told_after)
{
    sim_fail_any(judge_sim(j), 1, -ENOSPC);
    EXPECT_INT("selector_set, when the kernel says ENOSPC", -ENOSPC, judge_order(j, "set S %s", mask),
               "what the kernel refuses is passed on");
    expect_told(j, 8, told_before, "after a failure the selector is as it was before: change what you keep only when the "
                                   "kernel has agreed");
    set(j, "S", mask);
    expect_told(j, 8, told_after, "a second try must work");
}

static void the_kernel_refuses(struct judge *j)
{
    scene(j, "a refused change changes nothing");
    judge_order(j, "socketpair S T");
    judge_order(j, "write T");
    refused(j, "r", "", "S:r");
    refused(j, "w", "S:r", "S:w");
    refused(j, "rw", "S:w", "S:rw");
}

/* The n-th allocation is refused; false when there were fewer. */
static bool no_memory(struct judge *j, unsigned n)
{
    char title[80], name[16];
    int refusals = 0;
    snprintf(title, sizeof title, "allocation %u is refused while 70 descriptors become known", n);
    scene(j, title);
    sim_fail(judge_sim(j), CALL_MEMORY, n, -ENOMEM);
    for (int i = 0; i < 70; i++) {
        judge_order(j, "pipe R%d W%d", i, i);
        int64_t rc = judge_order(j, "set R%d r", i);
        if (rc == 0)
            continue;
        refusals++;
        EXPECT_INT("selector_set without memory", -ENOMEM, rc, "");
        judge_order(j, "write W%d", i);
        expect_told(j, 8, "", "it was refused: so it is not known");
        judge_order(j, "read R%d", i);
        snprintf(name, sizeof name, "R%d", i);
        set(j, name, "r");
    }
    bool failed = sim_failed(judge_sim(j));
    EXPECT_AT_MOST("refusals", 1, refusals, "memory was refused once");
    for (int i = 0; i < 70; i += 23) {
        char told[20];
        snprintf(told, sizeof told, "R%d:r", i);
        judge_order(j, "write W%d", i);
        expect_told(j, 8, told, "after a refusal the others are still known");
        judge_order(j, "read R%d", i);
    }
    return failed;
}

static void the_kernel_does_not_forget(struct judge *j)
{
    scene(j, "what the kernel would not forget is not told, and can become known again");
    judge_order(j, "pipe R W");
    judge_order(j, "write W");
    for (int heard = 0; heard < 2; heard++) {
        set(j, "R", "r");
        sim_fail_any(judge_sim(j), 1, -EIO);
        judge_order(j, "set R -");
        sim_fail_any(judge_sim(j), 0, 0);
        if (heard)
            expect_told(j, 8, "", "forgetting cannot fail: what the kernel still tells of it is dropped");
        set(j, "R", "r");
        expect_told(j, 8, "R:r", "ADD says EEXIST when the kernel still knows it: then MOD");
        set(j, "R", "-");
    }
}

START_TEST(a8)
{
    struct judge *j = judge_new(NULL, 0);
    no_descriptor(j);
    the_kernel_refuses(j);
    the_kernel_does_not_forget(j);
    for (unsigned n = 1; n < 20 && no_memory(j, n); n++)
        ;
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_kernel_items(Suite *s)
{
    add_item(s, "A5", a5);
    add_item(s, "A6", a6);
    add_item(s, "A7", a7);
    add_item(s, "A8", a8);
}
