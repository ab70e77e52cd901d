/* test_conduit.c - files through pipes into streams: in order with what else is written, at the other side's pace, never a byte
 * of somebody else's; and conduits, which are shared, few, and closed when there is something in them that nobody wants. */
#include <fcntl.h>

#include "stream/tests/stream_world.h"

enum { LONG = 600000 };

static char content[LONG], came[2 * LONG];
static size_t len;
static int file;

static void disk(void)
{
    for (size_t i = 0; i < LONG; i++)
        content[i] = (char)(i * 31 + i / 251);
    ck_assert_int_eq(sim_disk_add(w.sim, "/file", content, LONG), 0);
    file = w.sys->open(w.sys, "/file", O_RDONLY, 0);
    ck_assert_int_ge(file, 0);
    len = 0;
}

static void disk_end(void)
{
    ck_assert_int_eq(w.sys->close(w.sys, file), 0);
}

/* A conduit with that part of the file in it. */
static struct conduit *filled(int64_t offset, size_t size)
{
    struct conduit *c = conduit_take(w.loop);
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq((int)conduit_fill(w.sys, c, file, offset, size), (int)size);
    ck_assert_uint_eq(c->held, size);
    return c;
}

/* The peer reads what has come. */
static void take(void)
{
    for (ssize_t n; (n = w.sys->read(w.sys, peer, came + len, sizeof came - len)) > 0;)
        len += (size_t)n;
}

static void take_until(struct future *f)
{
    for (int i = 0; i < 1000 && !future_done(f); i++) {
        take();
        pass();
    }
    take();
}

START_TEST(a_file_goes_out_between_what_is_written_before_and_behind_it)
{
    struct future sent = {0};
    disk();
    writes(a, "head ");
    stream_write_conduit(a, filled(0, LONG), &sent);
    ck_assert(!future_done(&sent));
    ck_assert_uint_gt(stream_unsent(a), 0);
    take_until(&sent);
    ck_assert_int_eq(await(&sent), LONG);
    ck_assert_uint_eq(stream_unsent(a), 0);
    writes(a, " tail");
    take();
    ck_assert_uint_eq(len, LONG + 10);
    ck_assert_mem_eq(came, "head ", 5);
    ck_assert_mem_eq(came + 5, content, LONG);
    ck_assert_mem_eq(came + 5 + LONG, " tail", 5);
    disk_end();
}
END_TEST

START_TEST(pieces_follow_each_other)
{
    enum { PIECES = 6, PIECE = LONG / PIECES };
    disk();
    for (int i = 0; i < PIECES; i++) {
        struct future sent = {0};
        stream_write_conduit(a, filled(i * PIECE, PIECE), &sent);
        take_until(&sent);
        ck_assert_int_eq(await(&sent), PIECE);
    }
    ck_assert_uint_eq(len, LONG);
    ck_assert_mem_eq(came, content, LONG);
    disk_end();
}
END_TEST

START_TEST(whatever_is_cut_short_or_said_to_come_later_comes)
{
    static const int errors[] = { -EINTR, -EAGAIN };
    disk();
    for (size_t i = 0; i < 2; i++) {
        struct future sent = {0};
        struct conduit *c = filled(0, LONG);
        sim_shorten(w.sim, CALL_SPLICE, 7777);
        sim_storm(w.sim, CALL_SPLICE, 30, errors[i]);
        stream_write_conduit(a, c, &sent);
        len = 0;
        take_until(&sent);
        sim_storm(w.sim, CALL_SPLICE, 0, 0);
        ck_assert_int_eq(await(&sent), LONG);
        ck_assert_uint_eq(len, LONG);
        ck_assert_mem_eq(came, content, LONG);
        c = conduit_take(w.loop);
        sim_fail(w.sim, CALL_SPLICE, 1, -EINTR);
        ck_assert_int_eq((int)conduit_fill(w.sys, c, file, 0, LONG), 7777);
        conduit_put(w.loop, c);
        sim_shorten(w.sim, CALL_SPLICE, 0);
    }
    disk_end();
}
END_TEST

START_TEST(a_conduit_that_was_emptied_is_the_next_one_and_nothing_is_left_in_it)
{
    struct future sent = {0};
    disk();
    struct conduit *c = filled(10, 20);
    ck_assert_ptr_null(conduit_spare(w.loop));
    ck_assert_int_eq(await(stream_write_conduit(a, c, &sent)), 20);
    ck_assert_uint_eq(c->held, 0);
    ck_assert_ptr_eq(conduit_spare(w.loop), c);
    conduit_put(w.loop, c);
    conduit_put(w.loop, NULL);
    ck_assert_ptr_eq(conduit_take(w.loop), c);
    conduit_put(w.loop, c);
    disk_end();
}
END_TEST

START_TEST(one_with_something_in_it_is_nobodys_any_more)
{
    disk();
    size_t open = sim_live(w.sim).descriptors;
    struct conduit *c = filled(0, 10);
    ck_assert_uint_eq(sim_live(w.sim).descriptors, open + 2);
    conduit_put(w.loop, c);
    ck_assert_uint_eq(sim_live(w.sim).descriptors, open);
    ck_assert_ptr_null(conduit_spare(w.loop));
    disk_end();
}
END_TEST

START_TEST(a_stream_that_closes_closes_what_it_has_not_sent)
{
    struct heard h = {0};
    struct future sent = {0};
    disk();
    size_t open = sim_live(w.sim).descriptors;
    stream_write_conduit(a, filled(0, LONG), future_then(&sent, hear, &h));
    ck_assert_uint_eq(sim_live(w.sim).descriptors, open + 2);
    end_stream(&a);
    ck_assert_uint_eq(sim_live(w.sim).descriptors, open - 1);
    pass();
    ck_assert_int_eq(h.times, 0);
    disk_end();
}
END_TEST

/* The loop that sends has the answer; it is not heard of before the stream is gone. */
START_TEST(an_answer_that_nobody_has_heard_goes_with_its_stream)
{
    struct heard h = {0};
    struct future sent = {0};
    disk();
    stream_write_conduit(a, filled(0, 10), future_then(&sent, hear, &h));
    ck_assert(future_done(&sent));
    end_stream(&a);
    pass();
    ck_assert_int_eq(h.times, 0);
    disk_end();
}
END_TEST

START_TEST(a_side_that_is_gone_ends_it_with_a_sentence)
{
    struct future sent = {0}, next = {0};
    struct heard closed = {0};
    disk();
    stream_on_close(a, hear, &closed);
    stream_write_conduit(a, filled(0, LONG), &sent);
    pass();
    end_peer();
    fails(&sent, -EPIPE);
    fails(stream_write_conduit(a, filled(0, 10), &next), -EPIPE);
    ck_assert_int_eq(stream_write_error(a), -EPIPE);
    pass();
    ck_assert_int_eq(closed.times, 1);
    disk_end();
}
END_TEST

START_TEST(behind_a_shutdown_nothing_is_sent)
{
    struct future f = {0};
    disk();
    stream_shutdown(a, NULL);
    fails(stream_write_conduit(a, filled(0, 100), &f), -EPIPE);
    disk_end();
}
END_TEST

/* Who waits for something else may give up first, and then nothing is left of it. */
START_TEST(what_fails_elsewhere_fails_here_too)
{
    struct future sent = {0};
    disk();
    size_t open = sim_live(w.sim).descriptors;
    stream_write_conduit(a, filled(0, LONG), &sent);
    sim_fail(w.sim, CALL_SHUTDOWN, 1, -EIO);
    stream_shutdown(a, NULL);
    fails(&sent, -EIO);
    ck_assert_uint_eq(sim_live(w.sim).descriptors, open);
    ck_assert_uint_eq(stream_unsent(a), 0);
    disk_end();
}
END_TEST

START_TEST(a_cancel_ends_it_in_the_middle)
{
    struct future sent = {0};
    disk();
    size_t open = sim_live(w.sim).descriptors;
    stream_write_conduit(a, filled(0, LONG), &sent);
    future_cancel(&sent);
    ck_assert_uint_eq(sim_live(w.sim).descriptors, open);
    ck_assert_uint_eq(stream_unsent(a), 0);
    take();
    pass();
    take();
    ck_assert_uint_gt(len, 0);
    ck_assert_uint_lt(len, LONG);
    disk_end();
}
END_TEST

/* The kernel says that there is room when much of it is free; a push finds a little. */
START_TEST(a_push_sends_what_there_is_room_for)
{
    struct future sent = {0};
    disk();
    stream_push_conduit(a);
    stream_write_conduit(a, filled(0, LONG), &sent);
    size_t unsent = stream_unsent(a);
    ck_assert_int_eq((int)w.sys->read(w.sys, peer, came, 40000), 40000);
    ck_assert_uint_eq(stream_unsent(a), unsent);
    stream_push_conduit(a);
    ck_assert_uint_lt(stream_unsent(a), unsent);
    future_cancel(&sent);
    disk_end();
}
END_TEST

START_TEST(there_are_64_and_no_more)
{
    struct conduit *all[64];
    for (int i = 0; i < 64; i++)
        ck_assert_ptr_nonnull(all[i] = conduit_take(w.loop));
    ck_assert_ptr_null(conduit_take(w.loop));
    ck_assert_int_eq(errno, ENOBUFS);
    size_t open = sim_live(w.sim).descriptors;
    for (int i = 0; i < 64; i++)
        conduit_put(w.loop, all[i]);
    ck_assert_uint_eq(sim_live(w.sim).descriptors, open - 2 * (64 - 16));
    ck_assert_ptr_eq(all[0] = conduit_take(w.loop), all[15]);
    conduit_put(w.loop, all[0]);
}
END_TEST

START_TEST(a_kernel_that_gives_little_gives_none)
{
    size_t open = sim_live(w.sim).descriptors;
    sim_pipe_capacity(w.sim, 4096);
    ck_assert_ptr_null(conduit_take(w.loop));
    ck_assert_int_eq(errno, ENOBUFS);
    sim_pipe_capacity(w.sim, 65536);
    sim_fail(w.sim, CALL_PIPE, 1, -EMFILE);
    ck_assert_ptr_null(conduit_take(w.loop));
    ck_assert_int_eq(errno, EMFILE);
    sim_fail(w.sim, CALL_MEMORY, 1, 0);
    ck_assert_ptr_null(conduit_take(w.loop));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_uint_eq(sim_live(w.sim).descriptors, open);
}
END_TEST

START_TEST(one_may_be_put_where_there_are_none_and_none_is_had_without_memory)
{
    size_t open = sim_live(w.sim).descriptors;
    struct conduit *c = conduit_take(w.loop);
    struct loop *other = loop_new(w.sys);
    ck_assert_ptr_nonnull(other);
    conduit_put(other, c);
    sim_fail(w.sim, CALL_MEMORY, 1, 0);
    ck_assert_ptr_null(conduit_take(other));
    loop_close(other);
    ck_assert_uint_eq(sim_live(w.sim).descriptors, open);
}
END_TEST

/* ---- what nobody may do ------------------------------------------------------------------------------------------------ */

START_TEST(one_that_is_full_is_not_filled_again)
{
    disk();
    struct conduit *c = filled(0, 10);
    conduit_fill(w.sys, c, file, 0, 10);
}
END_TEST

START_TEST(an_empty_one_is_not_written)
{
    struct future f = {0};
    stream_write_conduit(a, conduit_take(w.loop), &f);
}
END_TEST

START_TEST(two_at_a_time_are_not_written)
{
    struct future f[2] = {0};
    disk();
    stream_write_conduit(a, filled(0, LONG), &f[0]);
    stream_write_conduit(a, filled(0, LONG), &f[1]);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_file_goes_out_between_what_is_written_before_and_behind_it,
        pieces_follow_each_other,
        whatever_is_cut_short_or_said_to_come_later_comes,
        a_conduit_that_was_emptied_is_the_next_one_and_nothing_is_left_in_it,
        one_with_something_in_it_is_nobodys_any_more,
        a_stream_that_closes_closes_what_it_has_not_sent,
        an_answer_that_nobody_has_heard_goes_with_its_stream,
        a_side_that_is_gone_ends_it_with_a_sentence,
        behind_a_shutdown_nothing_is_sent,
        what_fails_elsewhere_fails_here_too,
        a_cancel_ends_it_in_the_middle,
        a_push_sends_what_there_is_room_for,
        there_are_64_and_no_more,
        a_kernel_that_gives_little_gives_none,
        one_may_be_put_where_there_are_none_and_none_is_had_without_memory,
        NULL
    };
    const TTest *aborting[] = {
        one_that_is_full_is_not_filled_again, an_empty_one_is_not_written, two_at_a_time_are_not_written, NULL
    };
    return run_streams("conduit", tests, aborting);
}
