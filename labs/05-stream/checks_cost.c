/* checks_cost.c - who sleeps, and what a message and a line cost. B1, B3.
 *
 * Nothing here depends on how fast the machine is: sleeps are counted by the kernel, calls by the judge, and the search is
 * compared with a read that does not search, in the same run. */
#include <stdio.h>
#include <string.h>

#include "labs/05-stream/checks.h"
#include "labs/05-stream/checks_peer.h"

/* ---- B1: nothing sleeps outside of the selector's wait ----------------------------------------------------------------- */

enum { REPLAYS = 3, FEW = 64 };

/* Through the real door: what the pieces were answered; the costs are asked for afterwards. */
static void pour(struct judge *j, int pieces, const char *how)
{
    judge_reset(j, 0);
    history_clear();
    history_add(ENTRY_STEP, -1, "# %d pieces of 1 KiB on the real kernel, read by %s", pieces, how);
    judge_order(j, "door real");
    EXPECT_INT("loop_new", 0, judge_order(j, "loop_new"), "with the real door");
    EXPECT_INT("answer", 1024 * pieces, judge_order(j, "pour %d %s", pieces, how), "with the real door the same is read");
    judge_order(j, "report");
}

static int64_t sleeps_of_a_run(struct judge *j)
{
    judge_watch(j);
    pour(j, FEW, "until");
    int64_t sleeps = judge_slept(j);
    judge_order(j, "loop_close");
    judge_order(j, "door judge");
    return sleeps;
}

START_TEST(b1)
{
    char cause[500];
    struct judge *j = judge_new(NULL, 0);
    expect_reading(j);
    expect_writing(j);
    int64_t sleeps = 1;
    for (int i = 0; i < REPLAYS && sleeps; i++)
        sleeps = sleeps_of_a_run(j);
    metric("sleeps", sleeps);
    snprintf(cause, sizeof cause, "in 3 of 3 runs there were sleeps outside of the selector: %.360s. A stream that can do "
             "nothing returns, and the loop sleeps", sleeps ? judge_sleeps(j) : "");
    EXPECT_INT("sleeps outside of the selector", 0, sleeps, cause);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- B3: what a message, many writes and a line cost -------------------------------------------------------------------- */

enum { MESSAGES = 80, WRITES = 64, PIECES = 1024, TIMES = 3, RATIO = 3 };

static void messages(struct judge *j)
{
    bare_scene(j, "80 messages, each answered");
    struct peer *p = peer_new(j, "L");
    judge_in(j, "R=32,m*31+\\n", 0, "write L - a*32; until L R \\n");
    judge_order(j, "until L R \\n");
    judge_order(j, "run 2ms");
    int64_t reads = moves(j, CALL_READ), writes = moves(j, CALL_WRITE), memory = moves(j, CALL_MEMORY);
    int64_t waits = moves(j, CALL_EPOLL_WAIT), ctls = moves(j, CALL_EPOLL_CTL);
    for (int i = 0; i < MESSAGES; i++)
        peer_sends(p, 5 + i, "m*31+\\n");
    peer_receives(p, 95);
    run(j);
    EXPECT_INT("bytes of answers", MESSAGES * 32, (int64_t)p->got_len, "each message is answered");
    metric("reads", moves(j, CALL_READ) - reads);
    metric("memory_calls", moves(j, CALL_MEMORY) - memory);
    EXPECT_AT_MOST("reads of the wire", MESSAGES + 4, moves(j, CALL_READ) - reads,
                   "a short read has said that there is no more: another one only to hear -EAGAIN is a call for nothing");
    EXPECT_AT_MOST("writes to the wire", MESSAGES, moves(j, CALL_WRITE) - writes, "one write takes all of an answer");
    EXPECT_AT_MOST("waits", 2 * MESSAGES + 8, moves(j, CALL_EPOLL_WAIT) - waits, "a write is tried at once");
    EXPECT_INT("epoll_ctl", 0, moves(j, CALL_EPOLL_CTL) - ctls, "the stream is registered once, for both directions");
    EXPECT_AT_MOST("allocations and frees", 3 * MESSAGES, moves(j, CALL_MEMORY) - memory,
                   "a block to read into comes from the shelf and goes back to it; what is sent at once needs none");
}

static void many_writes(struct judge *j)
{
    bare_scene(j, "64 writes of 100 bytes that wait: copied ones, and ones that were handed over");
    struct peer *p = peer_new(j, "L");
    peer_fill(p);
    for (int i = 0; i < WRITES; i++)
        judge_order(j, "write L - a*100");
    judge_order(j, "write_many L %d 100", WRITES);
    judge_order(j, "run 5ms");
    int64_t writes = moves(j, CALL_WRITE);
    peer_receives(p, 10);
    peer_receives(p, 20);
    run(j);
    EXPECT_INT("bytes that arrived", 2 * WRITES * 100, (int64_t)p->got_len, "all of them");
    metric("writes", moves(j, CALL_WRITE) - writes);
    EXPECT_AT_MOST("writes to the wire, for 128 that waited", 32, moves(j, CALL_WRITE) - writes,
                   "small ones are copied behind each other, and s->wire->write takes several portions in one call");
}

/* The CPU time of a line that is searched for against that of as many bytes: a search that begins anew with each piece looks at
 * half a gigabyte. */
static bool searched_once(struct judge *j, int64_t *line, int64_t *bytes)
{
    pour(j, PIECES, "bytes");
    *bytes = judge_said_number(j, "cpu_ns");
    judge_order(j, "door judge");
    pour(j, PIECES, "until");
    *line = judge_said_number(j, "cpu_ns");
    judge_order(j, "door judge");
    return *line <= RATIO * *bytes;
}

START_TEST(b3)
{
    int64_t line = 0, bytes = 1;
    bool once = false;
    struct judge *j = judge_new(NULL, 0);
    expect_reading(j);
    expect_writing(j);
    messages(j);
    many_writes(j);
    for (int i = 0; i < TIMES && !once; i++)
        once = searched_once(j, &line, &bytes);
    metric("line_us", line / 1000);
    metric("bytes_us", bytes / 1000);
    EXPECT_AT_MOST("CPU time of a line of 1 MiB in 1024 pieces, in % of that of as many bytes", 100 * RATIO, 100 * line / bytes,
                   "each piece must be searched, not all that has come each time: r->wanted.from says where to go on");
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_cost_items(Suite *s)
{
    add_item(s, "B1", b1);
    add_item(s, "B3", b3);
}
