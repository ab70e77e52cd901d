/* checks_ready.c - what is told: readiness, ends, levels and edges, changes. A1..A4. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "labs/01-selector/checks.h"

/* ---- A1: what is ready, and only what was asked for ------------------------------------------------------------- */

static void only_what_was_asked_for(struct judge *j)
{
    scene(j, "only what was asked for is told, in one entry a descriptor");
    judge_order(j, "socketpair S T");
    judge_order(j, "pipe R W");
    set(j, "S", "r");
    set(j, "R", "r");
    expect_told(j, 8, "", "a socket can nearly always be written to: WRITABLE is told only to who asked for it");
    judge_order(j, "write T");
    expect_told(j, 8, "S:r", "S has a byte; it could be written to as well, but that was not asked");
    set(j, "S", "w");
    expect_told(j, 8, "S:w", "READABLE is not asked for any more");
    set(j, "S", "rw");
    set(j, "W", "w");
    judge_order(j, "write W");
    expect_told(j, 8, "S:rw R:r W:w", "one entry a descriptor, with all that it is ready for");
    judge_order(j, "read S");
    judge_order(j, "read R");
    expect_told(j, 8, "S:w W:w", "S was asked about for both, and there is nothing to read any more");
}

static void no_more_than_fits(struct judge *j)
{
    char told[64] = "";
    scene(j, "no more entries than there is room for, and everybody gets a turn");
    for (int i = 0; i < 5; i++) {
        judge_order(j, "pipe R%d W%d", i, i);
        judge_order(j, "write W%d", i);
        EXPECT_INT("selector_set", 0, judge_order(j, "set R%d r", i), "");
    }
    size_t from = strlen(judge_trace(j));
    for (int i = 0; i < 5; i++)
        EXPECT_INT("selector_wait with room for one", 1, judge_order(j, "ask 1"), "five are ready, and one entry fits");
    snprintf(told, sizeof told, "%s", told_since(j, from));
    EXPECT_TEXT("five times one of five", "R0:r R1:r R2:r R3:r R4:r", told,
                "who is told first each time starves the others: epoll takes turns, if it is asked for `max` at most");
}

static void waits_for_what_comes(struct judge *j)
{
    scene(j, "a wait ends when something becomes ready");
    judge_order(j, "pipe R W");
    set(j, "R", "r");
    judge_meanwhile(j, moment(30 * MILLISECOND), "write W");
    expect_waited(j, "forever", "R:r", "the byte comes at 30 ms");
    EXPECT_INT("ns that passed", 30 * MILLISECOND, sim_now(judge_sim(j)) - moment(0), "a wait ends when something is ready");
}

static void many_descriptors(struct judge *j)
{
    scene(j, "two hundred descriptors are known, and one is ready");
    for (int i = 0; i < 100; i++) {
        judge_order(j, "pipe R%d W%d", i, i);
        EXPECT_INT("selector_set", 0, judge_order(j, "set R%d r", i), "nothing was refused");
    }
    for (int i = 99; i >= 0; i -= 33) {
        char told[20];
        snprintf(told, sizeof told, "R%d:r", i);
        judge_order(j, "write W%d", i);
        expect_told(j, 4, told, "what you keep by descriptor must have room for it");
        judge_order(j, "read R%d", i);
    }
}

START_TEST(a1)
{
    struct judge *j = judge_new(NULL, 0);
    only_what_was_asked_for(j);
    no_more_than_fits(j);
    waits_for_what_comes(j);
    many_descriptors(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A2: ends and hang-ups -------------------------------------------------------------------------------------- */

static void a_writer_that_left(struct judge *j)
{
    scene(j, "the writer of a pipe leaves: what it wrote, and then its end, can be read");
    judge_order(j, "pipe R W");
    set(j, "R", "r");
    judge_order(j, "write W");
    judge_order(j, "close W");
    expect_told(j, 8, "R:rb", "a byte can be read, and EPOLLHUP is BROKEN");
    judge_order(j, "read R");
    expect_told(j, 8, "R:rb", "of a pipe without bytes and without a writer epoll says HUP and not IN: but a read would not "
                              "block, it gives the end. HUP is READABLE as well");
    EXPECT_INT("what a read gives then", 0, judge_order(j, "read R"), "");
}

static void a_reader_that_left(struct judge *j)
{
    scene(j, "the reader of a pipe leaves: BROKEN is told whatever was asked for");
    judge_order(j, "pipe R W");
    set(j, "W", "r");
    expect_told(j, 8, "", "");
    judge_order(j, "close R");
    expect_told(j, 8, "W:b", "BROKEN is always reported; the end that writes never becomes READABLE");
    set(j, "W", "w");
    expect_told(j, 8, "W:wb", "a write would not block: it fails at once");
}

static void a_peer_that_said_all(struct judge *j)
{
    scene(j, "a peer that has said all is readable; one that closed is broken too");
    judge_order(j, "socketpair S T");
    set(j, "S", "r");
    judge_order(j, "shutdown T");
    expect_told(j, 8, "S:r", "half closed is not broken: what we have to say still arrives");
    EXPECT_INT("what a read gives", 0, judge_order(j, "read S"), "");
    judge_order(j, "close T");
    expect_told(j, 8, "S:rb", "both directions are over: that is a hang-up");
    set(j, "S", "w");
    expect_told(j, 8, "S:wb", "READABLE was not asked for, and BROKEN is told all the same");
}

START_TEST(a2)
{
    struct judge *j = judge_new(NULL, 0);
    a_writer_that_left(j);
    a_reader_that_left(j);
    a_peer_that_said_all(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A3: levels and edges --------------------------------------------------------------------------------------- */

static void a_byte_at_a_time(struct judge *j)
{
    scene(j, "a level is told again, byte after byte, until nothing is left");
    judge_order(j, "pipe R W");
    set(j, "R", "r");
    judge_order(j, "write W 5");
    for (int left = 5; left > 0; left--) {
        expect_told(j, 8, "R:r", "bytes are left: it is still readable, and is told again");
        expect_told(j, 8, "R:r", "nothing was read: it is told again");
        judge_order(j, "read R 1");
    }
    expect_told(j, 8, "", "the last byte was read");
}

static void an_edge_is_told_once(struct judge *j)
{
    scene(j, "with EDGE it is told once, and again when a read found it drained and more has come");
    judge_order(j, "pipe R W");
    set(j, "R", "re");
    for (int round = 0; round < 3; round++) {
        judge_order(j, "write W 2");
        expect_told(j, 8, "R:r", "two bytes came");
        expect_told(j, 8, "", "with EDGE it is told once: EPOLLET");
        judge_order(j, "empty R");
        judge_order(j, "drained R r");
        expect_told(j, 8, "", "it was drained");
    }
}

static void an_edge_of_writing(struct judge *j)
{
    scene(j, "with EDGE, room for writing is told once, and again when there is room after there was none");
    judge_order(j, "pipe R W");
    set(j, "W", "we");
    expect_told(j, 8, "W:w", "there is room from the beginning");
    expect_told(j, 8, "", "with EDGE it is told once");
    judge_order(j, "fill W");
    judge_order(j, "drained W w");
    expect_told(j, 8, "", "it is full");
    judge_order(j, "empty R");
    expect_told(j, 8, "W:w", "there is room again");
}

static void an_edge_with_an_end(struct judge *j)
{
    scene(j, "with EDGE, a peer that will send no more is told with its last bytes: nothing is told again");
    judge_order(j, "socketpair S T");
    set(j, "S", "re");
    judge_order(j, "write T 2");
    judge_order(j, "shutdown T");
    expect_told(j, 8, "S:rb", "with EDGE, BROKEN also says that there is an end behind the last bytes: EPOLLRDHUP. Who reads two "
                              "bytes where there was room for more would take it for drained, and never hear of the end");
}

static void from_edge_to_level(struct judge *j)
{
    scene(j, "one descriptor has a level, another an edge; and one becomes the other");
    judge_order(j, "pipe R W");
    judge_order(j, "pipe S X");
    set(j, "R", "r");
    set(j, "S", "re");
    judge_order(j, "write W");
    judge_order(j, "write X");
    expect_told(j, 8, "R:r S:r", "both are ready");
    expect_told(j, 8, "R:r", "EDGE is the descriptor's, not the selector's");
    set(j, "S", "r");
    expect_told(j, 8, "R:r S:r", "without EDGE it is a level from now on, and a byte is there");
    expect_told(j, 8, "R:r S:r", "without EDGE it is told again");
}

START_TEST(a3)
{
    struct judge *j = judge_new(NULL, 0);
    a_byte_at_a_time(j);
    an_edge_is_told_once(j);
    an_edge_of_writing(j);
    an_edge_with_an_end(j);
    from_edge_to_level(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A4: changes between two waits ------------------------------------------------------------------------------ */

static void known_when_it_is_ready_already(struct judge *j)
{
    scene(j, "a descriptor that is ready when it becomes known is told at once");
    judge_order(j, "pipe R W");
    judge_order(j, "write W");
    set(j, "R", "r");
    expect_told(j, 8, "R:r", "it is ready now: nobody will tell of it later");
}

static void forgotten_while_it_is_ready(struct judge *j)
{
    scene(j, "a descriptor that is forgotten is told no more, and can become known again");
    judge_order(j, "pipe R W");
    judge_order(j, "pipe S X");
    set(j, "R", "r");
    set(j, "S", "r");
    judge_order(j, "write W");
    judge_order(j, "write X");
    expect_told(j, 1, "R:r", "R became ready first");
    set(j, "S", "-");
    expect_told(j, 8, "R:r", "S was forgotten after it became ready, and before it was told");
    set(j, "R", "-");
    set(j, "R", "-");
    set(j, "S", "r");
    expect_told(j, 8, "S:r", "forgetting twice is harmless, and S is known again");
    set(j, "R", "r");
    set(j, "S", "-");
    expect_told(j, 8, "R:r", "R is known again");
    set(j, "R", "-");
    expect_told(j, 8, "", "nobody is known");
}

static void another_mask(struct judge *j)
{
    scene(j, "another mask counts from the next wait on");
    judge_order(j, "socketpair S T");
    judge_order(j, "write T");
    for (int round = 0; round < 2; round++) {
        set(j, "S", "r");
        expect_told(j, 8, "S:r", "");
        set(j, "S", "w");
        expect_told(j, 8, "S:w", "the new mask takes the place of the old one, it is not added to it");
        set(j, "S", "rw");
        expect_told(j, 8, "S:rw", "");
    }
    set(j, "S", "-");
    set(j, "S", "-");
    expect_told(j, 8, "", "0 forgets it");
}

static void forgetting_the_unknown(struct judge *j)
{
    scene(j, "forgetting what was never known is harmless, whatever the number");
    judge_order(j, "pipe R W");
    set(j, "R", "r");
    judge_order(j, "write W");
    for (int i = 0; i < 4; i++)
        EXPECT_INT("forgetting the unknown", 0, judge_order(j, "set_number %d -", (const int[]){ -1, 0, 77, 2147483647 }[i]),
                   "forgetting the unknown is harmless: it answers 0");
    expect_told(j, 8, "R:r", "the others are still known");
}

START_TEST(a4)
{
    struct judge *j = judge_new(NULL, 0);
    known_when_it_is_ready_already(j);
    forgotten_while_it_is_ready(j);
    another_mask(j);
    forgetting_the_unknown(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_ready_items(Suite *s)
{
    add_item(s, "A1", a1);
    add_item(s, "A2", a2);
    add_item(s, "A3", a3);
    add_item(s, "A4", a4);
}
