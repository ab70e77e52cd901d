/* checks_turn.c - those beside it: whose turn it is, and whose memory. B2, H3.
 *
 * Nothing here depends on how fast the machine is: bytes, waits and blocks are counted by the judge. */
#include <stdio.h>

#include "labs/05-stream/checks.h"
#include "labs/05-stream/checks_peer.h"

static int64_t waits(const struct judge *j)
{
    return (int64_t)(judge_calls(j, CALL_EPOLL_WAIT) + judge_calls(j, CALL_POLL));
}

/* ---- B2: neither the slow nor the fast delay the others ----------------------------------------------------------------- */

static void beside_a_slow_one(struct judge *j)
{
    bare_scene(j, "beside a stream whose other side reads once, and then nothing any more");
    struct peer *slow = peer_new(j, "L"), *quiet = peer_new(j, "T");
    peer_receives(slow, 2);
    judge_order(j, "write_many L 20 50000");
    judge_order(j, "some T Q");
    peer_sends(quiet, 10, "q");
    judge_order(j, "run 5ms");
    int64_t before = waits(j);
    run(j);
    expect_trace(j, "Q=1,q@10", "the other stream's message is read when it comes");
    EXPECT_AT_MOST("waits in 95 ms in which one message comes", 4, waits(j) - before,
                   "bytes that wait for room are no reason to ask again and again: the loop tells when there is room");
}

/* In its turn the quiet one closes the fast one: what that has done until then is what the quiet one waited for. */
static struct peer *fast_scene(struct judge *j, const char *title, struct peer **quiet)
{
    bare_scene(j, title);
    struct peer *fast = peer_new(j, "L");
    *quiet = peer_new(j, "T");
    judge_order(j, "some T Q");
    judge_in(j, "Q=1,q", 0, "close L");
    return fast;
}

static void beside_a_fast_sender(struct judge *j)
{
    struct peer *quiet, *fast = fast_scene(j, "beside a sender that is as fast as the reader", &quiet);
    judge_order(j, "bytes L R %d", 16 << 20);
    peer_sends(fast, 10, "f*190000");
    peer_sends(quiet, 10, "q");
    fast->keeps_up = true;
    run(j);
    expect_trace(j, "Q=1,q@10", "both were ready in the same moment");
    EXPECT_AT_MOST("bytes that were read before the other stream had its turn", 4 << 20, (int64_t)fast->given,
                   "a read loop that ends when nothing is left ends never: after a few portions leave the rest for the next turn "
                   "(stream_again)");
}

static void beside_a_fast_receiver(struct judge *j)
{
    struct peer *quiet, *fast = fast_scene(j, "beside a receiver that is as fast as the writer", &quiet);
    peer_fill(fast);
    judge_order(j, "write_many L 2000 4096");
    peer_receives(fast, 10);
    peer_sends(quiet, 10, "q");
    fast->keeps_up = true;
    run(j);
    expect_trace(j, "Q=1,q@10", "both were ready in the same moment");
    EXPECT_AT_MOST("bytes that were written before the other stream had its turn", 2 << 20,
                   (int64_t)peer_taken_before(fast, INT32_MAX),
                   "a write loop that ends when nothing waits may take for ever: after a few portions leave the rest for the "
                   "next turn");
}

START_TEST(b2)
{
    struct judge *j = judge_new(NULL, 0);
    expect_reading(j);
    expect_writing(j);
    beside_a_slow_one(j);
    beside_a_fast_sender(j);
    beside_a_fast_receiver(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- H3: memory that somebody else would decide on ------------------------------------------------------------------------ */

enum { KIB = 1024, IDLE = 200, LIMIT = 100000, WRITES = 300 };

static int64_t held(const struct judge *j)
{
    return (int64_t)judge_live(j).bytes;
}

static void nobody_reads(struct judge *j)
{
    bare_scene(j, "200,000 bytes come to a stream that nobody reads");
    struct peer *p = peer_new(j, "L");
    int64_t before = held(j);
    for (int ms = 10; ms < 50; ms++)
        peer_sends(p, ms, "x*5000");
    run(j);
    EXPECT_AT_MOST("KiB more than before", 1, (held(j) - before) / KIB, "what nobody asks for stays in the kernel");
}

static void in_small_portions(struct judge *j)
{
    bare_scene(j, "a megabyte comes, and is read in portions of 700 bytes");
    struct peer *p = peer_new(j, "L");
    int64_t before = held(j), most = 0;
    judge_in(j, "R=700,x*700", 0, "bytes L R 700");
    judge_order(j, "bytes L R 700");
    for (int ms = 10; ms < 30; ms++)
        peer_sends(p, ms, "x*50000");
    for (int ms = 10; ms < 35; ms++) {
        judge_order(j, "run %dms", ms);
        most = held(j) - before > most ? held(j) - before : most;
    }
    metric("small_portions_kib", most / KIB);
    EXPECT_AT_MOST("bytes that were not read", 700, 1000000 - (int64_t)p->given, "every portion was asked for");
    EXPECT_AT_MOST("KiB more than before, at most", 256, most / KIB, "what was taken makes room: a buffer that only grows keeps "
                                                                     "all that ever came");
}

static void never_reads(struct judge *j)
{
    bare_scene(j, "300 writes of 500 bytes to a stream whose other side never reads, where 100,000 may wait");
    struct peer *p = peer_new(j, "L");
    peer_fill(p);
    int64_t before = held(j);
    judge_order(j, "limit L %d", LIMIT);
    for (int i = 0; i < WRITES; i++)
        judge_order(j, "write L W%d w*500", i);
    judge_order(j, "run 20ms");
    EXPECT_INT("stream_unsent", LIMIT, judge_order(j, "unsent L"), "what is too much is refused");
    EXPECT_AT_MOST("KiB more than before", 3 * LIMIT / KIB, (held(j) - before) / KIB,
                   "what may wait is what was said, and a little for keeping it");
}

static void idle(struct judge *j)
{
    bare_scene(j, "200 streams that got a message and wait for the next");
    int64_t before = held(j);
    EXPECT_INT("streams", IDLE, judge_order(j, "idle_streams %d", IDLE), "they can be made");
    run(j);
    int64_t each = (held(j) - before - 128 * KIB) / IDLE;
    metric("bytes_of_an_idle_stream", (held(j) - before) / IDLE);
    EXPECT_AT_MOST("bytes of a stream that waits (128 KiB for all of them besides)", 1024, each,
                   "who waits holds no memory: the block goes back to the shelf when nothing of it is left");
}

START_TEST(h3)
{
    struct judge *j = judge_new(NULL, 0);
    expect_reading(j);
    expect_writing(j);
    nobody_reads(j);
    in_small_portions(j);
    never_reads(j);
    idle(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_turn_items(Suite *s)
{
    add_item(s, "B2", b2);
    add_item(s, "H3", h3);
}
