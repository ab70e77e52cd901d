/* checks_world.c - the loop and what is outside of it: descriptors that must not starve, other threads, time, many
 * timeouts. A11..A14. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/02-loop/checks.h"
#include "labs/02-loop/many.h"

static const struct symptom none[] = { { 0 } };

/* ---- A11: a queue that is never empty starves nobody ------------------------------------------------------------ */

enum { TURNS = 60, LONGEST = 17 };      /* asked in this turn, and again 16 turns later */

/* How many callbacks of one letter came before the first of another. */
static int64_t before(const char *trace, char name)
{
    int64_t n = 0;
    for (const char *word = trace; word && *word && *word != name; n++) {
        word = strchr(word, ' ');
        word += word != NULL;
    }
    return n;
}

static int64_t calls_of(const char *trace, char name)
{
    int64_t n = 0;
    for (; *trace; trace++)
        n += *trace == name;
    return n;
}

static void starve(struct judge *j, const char *title, const char *in_the_first)
{
    char orders[64];
    scene(j, title);
    judge_order(j, "pipe R W");
    judge_order(j, "add_handler R r");
    judge_order(j, "add_callback A");
    snprintf(orders, sizeof orders, "add_callback A; %s", in_the_first);
    judge_in(j, "A", 1, orders);
    for (int i = 2; i < TURNS; i++)
        judge_in(j, "A", i, "add_callback A");
    judge_in(j, "R", 0, "remove_handler R");
    judge_in(j, "T", 0, "remove_handler R");
    run(j);
    EXPECT_INT("calls of A", TURNS, calls_of(judge_trace(j), 'A'),
               "a callback that queues itself is called in each turn");
}

START_TEST(a11)
{
    struct judge *j = judge_new(NULL, 0);
    starve(j, "a callback queues itself 60 times; a descriptor becomes ready in the first", "write W");
    EXPECT_AT_MOST("calls of A before R", LONGEST, before(judge_trace(j), 'R'),
                   "the selector was not asked while the queue was not empty: ask it at least every 16th turn, without "
                   "waiting");
    starve(j, "a callback queues itself 60 times; a timeout is due in the first", "call_at T 0ms");
    EXPECT_AT_MOST("calls of A before T", LONGEST, before(judge_trace(j), 'T'),
                   "due timeouts were not looked for while the queue was not empty: they are taken each time the "
                   "selector is asked");
    starve(j, "a callback queues itself 60 times; another thread posts in the first", "post P; remove_handler R");
    EXPECT_AT_MOST("calls of A before P", LONGEST, before(judge_trace(j), 'P'),
                   "posts of other threads were not taken while the queue was not empty");
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A12: other threads ----------------------------------------------------------------------------------------- */

static void a_post_wakes_it(struct judge *j)
{
    scene(j, "a post from another thread wakes the loop from its sleep, and posts arrive in order");
    judge_order(j, "call_at T 100ms");
    judge_meanwhile(j, moment(30 * MILLISECOND), "post P; post Q; post O");
    judge_meanwhile(j, moment(40 * MILLISECOND), "post N");
    judge_in(j, "P", 1, "post P");
    run(j);
    EXPECT_TRACE(j, "P@30 Q@30 O@30 P@30 N@40 T@100", ((struct symptom[]){
        { "T@100", "the posts were never taken" },
        { "P@100 Q@100 O@100 N@100 P@100 T@100", "the loop slept on: the wakeup's descriptor must be known to the "
                                                 "selector" },
        { "P@30 Q@30 O@30 P@30 N@100 T@100", "only the first wake-up was heard: take what was posted with wakeup_take, "
                                             "which re-arms it" },
        { 0 } }), "when the wakeup's descriptor is readable, wakeup_take moves what was posted into the queue");
}

static void posted_before_the_start(struct judge *j)
{
    scene(j, "a post that came before the loop was started is work");
    judge_order(j, "post P");
    EXPECT_INT("loop_idle", 0, judge_order(j, "idle"), "wakeup_pending: something was posted and not taken yet");
    run(j);
    EXPECT_TRACE(j, "P@0", ((struct symptom[]){
        { "", "the loop returned with a post waiting: nothing was queued yet, but wakeup_pending says there is "
              "something" },
        { 0 } }), "");
}

static void stopped_from_another_thread(struct judge *j)
{
    scene(j, "another thread stops a loop that sleeps: it posts a callback that calls loop_stop");
    judge_order(j, "pipe R W");
    judge_order(j, "add_handler R r");
    judge_order(j, "call_at T 3600s");
    judge_meanwhile(j, moment(70 * MILLISECOND), "post S; post U");
    judge_in(j, "S", 0, "stop");
    run(j);
    EXPECT_TRACE(j, "S@70 U@70", none, "the loop must wake, finish the turn, and return");
    EXPECT_INT("ns that passed", 70 * MILLISECOND, sim_now(judge_sim(j)) - moment(0),
               "it must return without waiting further");
}

static void a_post_is_never_lost(struct judge *j)
{
    scene(j, "a post that arrives while the loop is held and has nothing else is not lost");
    judge_order(j, "hold");
    for (int i = 1; i <= 5; i++)
        judge_meanwhile(j, moment(i * 10 * MILLISECOND), i < 5 ? "post P" : "post E");
    judge_in(j, "E", 0, "release");
    run(j);
    EXPECT_TRACE(j, "P@10 P@20 P@30 P@40 E@50", none, "each post must wake the loop again");
}

START_TEST(a12)
{
    struct judge *j = judge_new(NULL, 0);
    a_post_wakes_it(j);
    posted_before_the_start(j);
    stopped_from_another_thread(j);
    a_post_is_never_lost(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A13: one time a turn --------------------------------------------------------------------------------------- */

static void one_time_a_turn(struct judge *j)
{
    scene(j, "all callbacks of a turn see the same time, however long they take");
    judge_order(j, "add_callback A");
    judge_order(j, "add_callback B");
    judge_in(j, "A", 0, "spend 5ms; call_later T 10ms");
    judge_in(j, "B", 0, "spend 1ms; call_later U 10ms");
    run(j);
    EXPECT_TRACE(j, "A@0 B@5 T@10 U@10", ((struct symptom[]){
        { "A@0 B@5 T@15 U@16", "loop_time read the clock anew: it is read once, when the selector returns" },
        { "A@0 B@5 T@10 U@15", "the clock was read for each callback: it is read once, when the selector returns" },
        { 0 } }), "loop_time is what the clock said when the selector returned");
}

static void read_anew_each_time(struct judge *j)
{
    scene(j, "each time the selector returns the time is read anew");
    judge_order(j, "call_at A 20ms");
    judge_order(j, "call_at B 22ms");
    judge_in(j, "A", 0, "spend 5ms");
    judge_in(j, "B", 0, "call_later C 10ms");
    run(j);
    EXPECT_TRACE(j, "A@20 B@25 C@35", ((struct symptom[]){
        { "A@20 B@25 C@32", "loop_time was the deadline instead of the time: read the clock when the selector "
                            "returned" },
        { "A@20 B@25 C@30", "loop_time was old: read the clock after each return of the selector" },
        { 0 } }), "loop_time is what the clock said when the selector returned");
}

static void not_for_each_callback(struct judge *j)
{
    scene(j, "the clock is not read for each callback");
    for (int i = 0; i < 50; i++)
        judge_order(j, "add_callback A");
    uint64_t calls = judge_calls(j, CALL_NOW);
    run(j);
    EXPECT_AT_MOST("readings of the clock for 50 callbacks of one turn", 6, (int64_t)(judge_calls(j, CALL_NOW) - calls),
                   "a reading costs as much as a small callback: one for each return of the selector is enough");
}

START_TEST(a13)
{
    struct judge *j = judge_new(NULL, 0);
    one_time_a_turn(j);
    read_anew_each_time(j);
    not_for_each_callback(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A14: a hundred thousand timeouts --------------------------------------------------------------------------- */

enum { MANY = 100000 };

struct due {
    int64_t when;
    int64_t index;
};

static int by_deadline(const void *a, const void *b)
{
    const struct due *x = a, *y = b;
    if (x->when != y->when)
        return x->when < y->when ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* What "many" answers when all but every third are called in the right order. */
static int64_t right_answer(const char *pattern, uint64_t seed)
{
    struct due *due = malloc(MANY * sizeof *due);
    int64_t n = 0;
    uint64_t hash = 0;
    if (!due)
        verdict_fault("out of memory");
    for (int64_t i = 0; i < MANY; i++)
        if (i % 3 != 0)
            due[n++] = (struct due){ many_deadline(pattern, seed, i, MANY), i };
    qsort(due, (size_t)n, sizeof *due, by_deadline);
    for (int64_t i = 0; i < n; i++)
        hash = mixed(hash ^ (uint64_t)due[i].index);
    free(due);
    return (int64_t)(hash >> 1);
}

START_TEST(a14)
{
    static const char *const patterns[] = { "ascending", "descending", "equal", "shuffled" };
    struct judge *j = judge_new(NULL, 0);
    uint64_t seed = judge_get()->seed;
    for (int i = 0; i < 4; i++) {
        scene(j, "100000 timeouts are armed, a third of them removed, and all become due");
        int64_t answer = judge_order(j, "many %d %" PRIu64 " %s", MANY, seed, patterns[i]);
        EXPECT_INT("the order in which they were called, as a number", right_answer(patterns[i], seed), answer,
                   "not all of the rest were called, or not by deadline and, where equal, in the order they were "
                   "started");
    }
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_world_items(Suite *s)
{
    add_item(s, "A11", a11);
    add_item(s, "A12", a12);
    add_item(s, "A13", a13);
    add_item(s, "A14", a14);
}
