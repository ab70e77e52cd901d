/* test_stream_readable.c - waiting for something to read without reading: told once, of bytes and of the end, whenever they
 * came. */
#include "stream/tests/stream_world.h"

START_TEST(it_comes_once_and_what_has_come_can_be_read)
{
    struct heard heard = {0};
    struct future f = {0};
    stream_on_readable(a, hear, &heard);
    pass();
    ck_assert_int_eq(heard.times, 0);
    say("hello");
    pass();
    ck_assert_int_eq(heard.times, 1);
    ck_assert_int_eq(heard.what, 0);
    reads(stream_read_some(a, 0, &f), "hello");
    say("again");
    pass();
    ck_assert_int_eq(heard.times, 1);
    reads(stream_read_some(a, 0, &f), "again");
}
END_TEST

START_TEST(it_comes_also_of_what_had_come_before)
{
    struct heard first = {0}, second = {0};
    struct future f = {0};
    say("hello, world");
    reads(stream_read_bytes(a, 5, &f), "hello");
    stream_on_readable(a, hear, &first);
    ck_assert_int_eq(first.times, 0);       /* never from inside the call */
    pass();
    ck_assert_int_eq(first.times, 1);
    reads(stream_read_bytes(a, 7, &f), ", world");
    stream_on_readable(a, hear, &second);
    pass();
    ck_assert_int_eq(second.times, 0);
}
END_TEST

START_TEST(the_end_is_something_to_read)
{
    struct heard before = {0}, behind = {0};
    struct future f = {0};
    stream_on_readable(a, hear, &before);
    end_peer();
    pass();
    ck_assert_int_eq(before.times, 1);
    fails(stream_read_some(a, 0, &f), -EPIPE);
    stream_on_readable(a, hear, &behind);
    pass();
    ck_assert_int_eq(behind.times, 1);
}
END_TEST

START_TEST(it_can_be_taken_back_until_it_comes)
{
    struct heard heard = {0}, other = {0};
    struct future f = {0};
    stream_on_readable(a, hear, &heard);
    stream_on_readable(a, NULL, NULL);
    say("hello");
    pass();
    stream_on_readable(a, hear, &heard);
    stream_on_readable(a, hear, &other);
    pass();
    ck_assert_int_eq(heard.times, 0);
    ck_assert_int_eq(other.times, 1);
    reads(stream_read_some(a, 0, &f), "hello");
}
END_TEST

static void end(void *self, int what)
{
    struct heard *heard = self;
    heard->times++;
    heard->what = what;
    stream_close(a);
    a = NULL;
}

START_TEST(who_is_told_may_close_the_stream)
{
    struct heard heard = {0};
    stream_on_readable(a, end, &heard);
    say("hello");
    pass();
    ck_assert_int_eq(heard.times, 1);
}
END_TEST

START_TEST(who_waits_holds_the_stream_and_nothing_else)
{
    struct heard heard = {0};
    struct future f = {0};
    struct sim_live idle = sim_live(w.sim);
    say("hello");
    reads(stream_read_some(a, 0, &f), "hello");
    struct sim_live lent = sim_live(w.sim);
    ck_assert_uint_gt(lent.bytes, idle.bytes);
    stream_on_readable(a, hear, &heard);
    say("hello");
    pass();
    reads(stream_read_some(a, 0, &f), "hello");
    stream_on_readable(a, hear, &heard);
    ck_assert_uint_eq(sim_live(w.sim).bytes, lent.bytes);       /* the block lies on the shelf again, for all */
    ck_assert_int_eq(heard.times, 1);
}
END_TEST

START_TEST(what_has_come_was_read_already_and_can_be_taken)
{
    struct heard heard = {0}, again = {0};
    struct future f = {0};
    stream_on_readable(a, hear, &heard);
    say("hello, world");
    pass();
    uint64_t calls = sim_calls(w.sim, CALL_READ);
    ck_assert_uint_eq(stream_unread(a).len, 12);
    stream_take(a, 7);
    ck_assert_mem_eq(stream_unread(a).data, "world", 5);
    ck_assert_mem_eq(stream_unread(a).data - 7, "hello, ", 7);     /* lent until the next read, as any answer */
    stream_on_readable(a, hear, &again);
    pass();
    ck_assert_int_eq(again.times, 1);
    reads(stream_read_bytes(a, 5, &f), "world");
    ck_assert_uint_eq(sim_calls(w.sim, CALL_READ), calls);
}
END_TEST

START_TEST(a_close_is_heard_of_behind_what_was_taken)
{
    struct heard closed = {0}, heard = {0};
    stream_on_readable(a, hear, &heard);
    say("hello");
    pass();
    stream_on_close(a, hear, &closed);
    end_peer();
    pass();
    ck_assert_int_eq(closed.times, 0);
    const char *hello = stream_unread(a).data;
    stream_take(a, 5);
    pass();
    pass();
    ck_assert_int_eq(closed.times, 1);
    ck_assert_mem_eq(hello, "hello", 5);
}
END_TEST

START_TEST(many_wait_and_those_are_told_for_whom_something_came)
{
    struct heard ours = {0}, peers = {0};
    struct future f = {0};
    join();
    stream_on_readable(a, hear, &ours);
    stream_on_readable(b, hear, &peers);
    stream_write(b, text("to a"), NULL);
    pass();
    pass();
    ck_assert_int_eq(ours.times, 1);
    ck_assert_int_eq(peers.times, 0);
    reads(stream_read_some(a, 0, &f), "to a");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        it_comes_once_and_what_has_come_can_be_read,
        it_comes_also_of_what_had_come_before,
        the_end_is_something_to_read,
        it_can_be_taken_back_until_it_comes,
        who_is_told_may_close_the_stream,
        who_waits_holds_the_stream_and_nothing_else,
        what_has_come_was_read_already_and_can_be_taken,
        a_close_is_heard_of_behind_what_was_taken,
        many_wait_and_those_are_told_for_whom_something_came,
        NULL
    };
    return run_streams("stream: something to read", tests, NULL);
}
