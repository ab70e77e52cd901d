/* test_stream_close.c - closing from everywhere, with everything around the stream freed at once; and the close of the other
 * side, told once, and after what came before it. */
#include "stream/tests/stream_world.h"

static char much[1 << 20];

/* ---- ours -------------------------------------------------------------------------------------------------------- */

/* What a program keeps of a connection; a callback frees it, futures and all. */
struct connection {
    struct stream *stream;
    struct future read, first, second, down;
    struct heard *heard;
};

static void end(void *self, int what)
{
    struct connection *c = self;
    c->heard->times++;
    c->heard->what = what;
    stream_close(c->stream);
    memset(c, 0xee, sizeof *c);
    free(c);
}

static struct connection *connect_to(struct heard *heard)
{
    struct connection *c = calloc(1, sizeof *c);
    c->stream = a;
    c->heard = heard;
    a = NULL;
    return c;
}

static void ended(const struct heard *heard, int what)
{
    pass();
    pass();
    ck_assert_int_eq(heard->times, 1);
    ck_assert_int_eq(heard->what, what);
}

START_TEST(a_reads_callback_may_end_it_all)
{
    struct heard heard = {0};
    struct connection *c = connect_to(&heard);
    stream_on_close(c->stream, end, c);
    stream_read_some(c->stream, 0, future_then(&c->read, end, c));
    stream_write(c->stream, (struct bytes){ much, sizeof much }, future_then(&c->first, end, c));
    stream_shutdown(c->stream, future_then(&c->down, end, c));
    say("hello");
    ended(&heard, 5);
}
END_TEST

START_TEST(a_writes_callback_may_end_it_all)
{
    struct heard heard = {0};
    struct connection *c = connect_to(&heard);
    stream_on_close(c->stream, end, c);
    stream_write(c->stream, text("one"), future_then(&c->first, end, c));
    stream_write(c->stream, text("more"), future_then(&c->second, end, c));
    stream_read_until(c->stream, "\n", 0, future_then(&c->read, end, c));
    stream_shutdown(c->stream, future_then(&c->down, end, c));
    say("unread\n");
    ended(&heard, 3);
    hears("onemore");
}
END_TEST

START_TEST(a_half_closes_callback_may_end_it_all)
{
    struct heard heard = {0};
    struct connection *c = connect_to(&heard);
    stream_shutdown(c->stream, future_then(&c->down, end, c));
    stream_read_some(c->stream, 0, future_then(&c->read, end, c));
    say("unread");
    ended(&heard, 0);
}
END_TEST

START_TEST(on_close_may_end_it_all)
{
    struct heard heard = {0};
    struct connection *c = connect_to(&heard);
    stream_write(c->stream, (struct bytes){ much, sizeof much }, NULL);
    stream_on_close(c->stream, end, c);
    end_peer();
    ended(&heard, -ECONNRESET);
}
END_TEST

START_TEST(a_failed_writes_callback_may_end_it_all)
{
    struct heard heard = {0};
    struct connection *c = connect_to(&heard);
    stream_on_close(c->stream, end, c);
    stream_write(c->stream, (struct bytes){ much, sizeof much }, future_then(&c->first, end, c));
    stream_write(c->stream, (struct bytes){ much, sizeof much }, future_then(&c->second, end, c));
    end_peer();
    ended(&heard, -EPIPE);
}
END_TEST

START_TEST(a_timeout_may_end_it_all_at_any_moment)
{
    for (int moment = 0; moment < 4; moment++) {
        struct heard heard = {0};
        struct timeout timeout = {0};
        int fds[2];
        end_stream(&a);
        end_peer();
        ck_assert_int_eq(w.sys->socketpair(w.sys, fds), 0);
        a = stream_of(fds[0]);
        peer = fds[1];
        struct connection *c = connect_to(&heard);
        loop_call_at(w.loop, loop_time(w.loop) + 10 * MILLISECOND, &timeout, end, c);
        stream_on_close(c->stream, hear, &heard);
        struct future f = {0};
        if (moment > 0)
            stream_read_bytes(c->stream, 10, future_then(&c->read, hear, &heard));
        if (moment > 1)
            stream_write(c->stream, (struct bytes){ much, sizeof much }, future_then(&c->first, hear, &heard));
        if (moment > 2)
            say("half");
        ck_assert_int_eq(await(future_sleep(w.loop, 20 * MILLISECOND, &f)), 0);
        ended(&heard, 0);
    }
}
END_TEST

static int waits_to_read(void *self)
{
    struct future f = {0};
    (void)self;
    return await(stream_read_some(a, 0, &f));
}

static int waits_to_write(void *self)
{
    struct future f = {0};
    (void)self;
    return await(stream_write(a, (struct bytes){ much, sizeof much }, &f));
}

START_TEST(a_coroutine_that_waits_is_woken_when_the_stream_is_closed)
{
    struct future reader = {0}, writer = {0};
    co_spawn(w.loop, waits_to_read, NULL, &reader);
    co_spawn(w.loop, waits_to_write, NULL, &writer);
    pass();
    end_stream(&a);
    ck_assert_int_eq(await(&reader), -ECANCELED);
    ck_assert_int_eq(await(&writer), -ECANCELED);
}
END_TEST

/* Answered in the same turn as the close, and not delivered yet. */
START_TEST(a_coroutine_whose_answer_was_on_its_way_is_woken_too)
{
    struct future reader = {0}, writer = {0};
    co_spawn(w.loop, waits_to_read, NULL, &reader);
    pass();
    co_spawn(w.loop, waits_to_write, NULL, &writer);
    say("hello");
    pass();
    end_stream(&a);
    ck_assert_int_eq(await(&reader), 5);
    ck_assert_int_eq(await(&writer), -ECANCELED);
}
END_TEST

static int cleans_up(void *self)
{
    struct future read = {0}, write = {0};
    struct stream *s = self;
    stream_write(s, (struct bytes){ much, sizeof much }, &write);
    int rc = await(stream_read_until(s, "\n", 0, &read));
    ck_assert_int_eq(rc, -ECANCELED);
    future_cancel(&write);
    stream_close(s);
    return rc;
}

START_TEST(a_cancelled_coroutine_closes_its_stream_while_it_cleans_up)
{
    struct future f = {0};
    co_spawn(w.loop, cleans_up, a, &f);
    a = NULL;
    say("half a line");
    pass();
    future_cancel(&f);
    pass();
}
END_TEST

static int leaves_a_future_behind(void *self)
{
    struct future write = {0};
    stream_write(self, (struct bytes){ much, sizeof much }, &write);
    struct future f = {0};
    await(future_sleep(w.loop, SECOND, &f));
    stream_close(self);                         /* `write` is on this stack, and pending */
    return 0;
}

START_TEST(closing_forgets_the_futures_on_the_stack_that_closes)
{
    struct future f = {0};
    co_spawn(w.loop, leaves_a_future_behind, a, &f);
    a = NULL;
    ck_assert_int_eq(await(&f), 0);
}
END_TEST

/* ---- theirs ------------------------------------------------------------------------------------------------------ */

START_TEST(on_close_comes_once_and_after_the_unread_bytes)
{
    struct heard closed = {0};
    struct future f = {0};
    stream_on_close(a, hear, &closed);
    say("one two three ");
    end_peer();
    for (int i = 0; i < 3; i++) {
        pass();
        ck_assert_int_eq(closed.times, 0);
        ck_assert_int_gt(await(stream_read_until(a, " ", 0, &f)), 0);
    }
    pass();
    ck_assert_int_eq(closed.times, 1);
    for (int i = 0; i < 3; i++)
        fails(stream_read_some(a, 0, &f), -EPIPE);
    pass();
    ck_assert_int_eq(closed.times, 1);
}
END_TEST

START_TEST(a_write_that_fails_does_not_hide_what_came_before_the_close)
{
    struct heard closed = {0};
    struct future f = {0}, write = {0};
    stream_on_close(a, hear, &closed);
    say("bye");
    end_peer();
    fails(stream_write(a, text("x"), &write), -EPIPE);      /* before the loop has told of anything */
    pass();
    ck_assert_int_eq(closed.times, 0);
    reads(stream_read_some(a, 0, &f), "bye");
    pass();
    ck_assert_int_eq(closed.times, 1);
    ck_assert_int_eq(closed.what, 0);
}
END_TEST

START_TEST(on_close_is_told_of_what_the_connection_died_of)
{
    struct heard closed = {0};
    writes(a, "nobody reads this");
    stream_on_close(a, hear, &closed);
    pass();
    ck_assert_int_eq(closed.times, 0);
    end_peer();
    pass();
    ck_assert_int_eq(closed.times, 1);
    ck_assert_int_eq(closed.what, -ECONNRESET);
}
END_TEST

START_TEST(on_close_after_the_close_is_told_as_well)
{
    struct heard closed = {0}, again = {0};
    struct future f = {0};
    end_peer();
    fails(stream_read_some(a, 0, &f), -EPIPE);
    stream_on_close(a, hear, &closed);
    ck_assert_int_eq(closed.times, 0);
    pass();
    ck_assert_int_eq(closed.times, 1);
    stream_on_close(a, hear, &again);
    pass();
    ck_assert_int_eq(closed.times, 1);
    ck_assert_int_eq(again.times, 1);
}
END_TEST

START_TEST(on_close_can_be_taken_back_until_it_comes)
{
    struct heard closed = {0}, other = {0};
    struct future f = {0};
    end_peer();
    fails(stream_read_some(a, 0, &f), -EPIPE);
    stream_on_close(a, hear, &closed);
    stream_on_close(a, NULL, NULL);
    pass();
    stream_on_close(a, hear, &closed);
    await(future_sleep(w.loop, 0, &f));
    stream_on_close(a, hear, &other);
    pass();
    ck_assert_int_eq(closed.times + other.times, 2);
    ck_assert_int_eq(other.times, 1);
}
END_TEST

START_TEST(on_close_comes_although_memory_was_refused_meanwhile)
{
    struct heard closed = {0};
    stream_on_close(a, hear, &closed);
    pass();
    sim_storm(w.sim, CALL_MEMORY, 75, 0);
    end_peer();
    for (int i = 0; i < 10 && !closed.times; i++)
        pass();
    sim_storm(w.sim, CALL_MEMORY, 0, 0);
    ck_assert_int_eq(closed.times, 1);
}
END_TEST

START_TEST(listening_for_the_close_reads_one_portion_at_most)
{
    struct heard closed = {0};
    size_t before = sim_live(w.sim).bytes;
    stream_on_close(a, hear, &closed);
    ck_assert_int_gt(w.sys->write(w.sys, peer, much, sizeof much), 100000);
    for (int i = 0; i < 10; i++)
        pass();
    ck_assert_uint_le(stream_unread(a).len, 65536);
    ck_assert_uint_le(sim_live(w.sim).bytes - before, 70000);
    end_peer();
    pass();
    ck_assert_int_eq(closed.times, 0);
    struct future f = {0};
    ck_assert_int_gt(await(stream_read_until_close(a, 0, &f)), 100000);
    pass();
    ck_assert_int_eq(closed.times, 1);
}
END_TEST

START_TEST(what_waits_to_be_sent_goes_on_after_on_close)
{
    struct heard closed = {0};
    struct future sent = {0};
    static char in[65536];
    stream_on_close(a, hear, &closed);
    stream_write(a, (struct bytes){ much, sizeof much }, &sent);
    ck_assert_int_eq(w.sys->shutdown(w.sys, peer, SHUT_WR), 0);
    pass();
    ck_assert_int_eq(closed.times, 1);
    ck_assert_uint_gt(stream_unsent(a), 0);
    while (!future_done(&sent)) {
        ck_assert_int_gt(w.sys->read(w.sys, peer, in, sizeof in), 0);
        pass();
    }
    ck_assert_int_eq(await(&sent), sizeof much);
    ck_assert_int_eq(closed.times, 1);
}
END_TEST

START_TEST(on_close_while_a_coroutine_reads_comes_after_its_answer)
{
    struct heard closed = {0};
    struct future reader = {0};
    stream_on_close(a, hear, &closed);
    co_spawn(w.loop, waits_to_read, NULL, &reader);
    pass();
    say("last");
    end_peer();
    ck_assert_int_eq(await(&reader), 4);
    pass();
    ck_assert_int_eq(closed.times, 1);
}
END_TEST

/* A failure that nobody takes is nothing unread. */
START_TEST(on_close_does_not_wait_for_a_failure_to_be_heard)
{
    struct heard closed = {0};
    struct future f = {0};
    stream_read_some(a, 0, &f);
    stream_on_close(a, hear, &closed);
    end_peer();
    pass();
    ck_assert_int_eq(f.rc, -EPIPE);
    ck_assert_int_eq(closed.times, 1);
    future_cancel(&f);
}
END_TEST

/* ---- both directions --------------------------------------------------------------------------------------------- */

static int sends(void *self)
{
    struct future f = {0};
    struct stream *s = self;
    int rc = 0;
    for (size_t at = 0; at < sizeof much && rc >= 0; at += 16384)
        rc = await(stream_write(s, (struct bytes){ much + at, 16384 }, &f));
    return rc < 0 ? rc : await(stream_shutdown(s, &f));
}

static int receives(void *self)
{
    struct future f = {0};
    size_t at = 0;
    int rc;
    while ((rc = await(stream_read_some(self, 5000, &f))) > 0) {
        MUST(at + (size_t)rc <= sizeof much && memcmp(f.value, much + at, (size_t)rc) == 0);
        at += (size_t)rc;
    }
    return rc == -EPIPE ? (int)at : rc;
}

START_TEST(both_directions_at_once_do_not_disturb_each_other)
{
    struct future f[4] = {0};
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = (char)(i * 31 + i / 251);
    join();
    co_spawn(w.loop, sends, a, &f[0]);
    co_spawn(w.loop, sends, b, &f[1]);
    co_spawn(w.loop, receives, a, &f[2]);
    co_spawn(w.loop, receives, b, &f[3]);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(await(&f[i]), i < 2 ? 0 : (int)sizeof much);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_reads_callback_may_end_it_all,
        a_writes_callback_may_end_it_all,
        a_half_closes_callback_may_end_it_all,
        on_close_may_end_it_all,
        a_failed_writes_callback_may_end_it_all,
        a_timeout_may_end_it_all_at_any_moment,
        a_coroutine_that_waits_is_woken_when_the_stream_is_closed,
        a_coroutine_whose_answer_was_on_its_way_is_woken_too,
        a_cancelled_coroutine_closes_its_stream_while_it_cleans_up,
        closing_forgets_the_futures_on_the_stack_that_closes,
        on_close_comes_once_and_after_the_unread_bytes,
        a_write_that_fails_does_not_hide_what_came_before_the_close,
        on_close_is_told_of_what_the_connection_died_of,
        on_close_after_the_close_is_told_as_well,
        on_close_can_be_taken_back_until_it_comes,
        on_close_comes_although_memory_was_refused_meanwhile,
        listening_for_the_close_reads_one_portion_at_most,
        what_waits_to_be_sent_goes_on_after_on_close,
        on_close_while_a_coroutine_reads_comes_after_its_answer,
        on_close_does_not_wait_for_a_failure_to_be_heard,
        both_directions_at_once_do_not_disturb_each_other,
        NULL
    };
    return run_streams("stream closes", tests, NULL);
}
