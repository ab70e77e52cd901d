/* test_stream_write.c - writing in order, whatever the kernel takes at a time; what waits and is bounded; what fails, and who
 * hears of it; half-closes. */
#include "stream/tests/stream_world.h"

static char much[4 << 20];

static void fill_much(void)
{
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = (char)(i * 31 + i / 251 + i / 65536);
}

static struct bytes part(size_t from, size_t len)
{
    return (struct bytes){ much + from, len };
}

/* So much that the kernel does not take it all: what is written next waits. How much it is. */
static size_t stuff(struct stream *s)
{
    stream_write(s, part(0, 1 << 20), NULL);
    ck_assert_uint_gt(stream_unsent(s), 0);
    return 1 << 20;
}

/* All that comes to the raw peer; the bytes are those of `much` from `at` on. */
static size_t peer_reads(size_t at)
{
    static char in[1 << 16];
    size_t all = 0;
    ssize_t n;
    while ((n = w.sys->read(w.sys, peer, in, sizeof in)) > 0 || n == -EINTR)
        for (ssize_t i = 0; i < n; i++, all++)
            MUST(in[i] == much[at + all]);
    return all;
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

struct given {                      /* handed over */
    char *data;
    int *left;
};

static void give_back(void *self)
{
    struct given *g = self;
    --*g->left;
    free(g->data);
    free(g);
}

/* A copy of a part, which the stream must release: valgrind sees to the rest. */
static struct future *hand_over(struct stream *s, size_t from, size_t len, int *left, struct future *f)
{
    struct given *g = malloc(sizeof *g);
    *g = (struct given){ malloc(len + 1), left };
    memcpy(g->data, much + from, len);
    ++*left;
    return stream_write_owned(s, (struct bytes){ g->data, len }, give_back, g, f);
}

/* A mebibyte in writes of all sizes, some copied and some handed over, against a reader that takes now and then. */
static void mixed_writes(void)
{
    struct future done = {0};
    size_t at = 0, heard = 0;
    int left = 0;
    for (size_t i = 0; at < 1 << 20; i++) {
        size_t len = i % 7 ? i * 37 % 300 : i * 7919 % 20000;
        if (i % 3 == 0)
            hand_over(a, at, len, &left, NULL);
        else
            stream_write(a, part(at, len), NULL);
        at += len;
        if (i % 100 == 0)
            heard += peer_reads(heard);
        if (i % 100 == 0)
            pass();
    }
    stream_shutdown(a, &done);
    while (!future_done(&done)) {
        heard += peer_reads(heard);
        pass();
    }
    heard += peer_reads(heard);
    ck_assert_uint_eq(heard, at);
    ck_assert_int_eq(left, 0);
    ck_assert_int_eq(await(&done), 0);
}

START_TEST(writes_arrive_in_order_copied_or_handed_over)
{
    fill_much();
    mixed_writes();
}
END_TEST

START_TEST(writes_arrive_in_order_in_small_pieces_and_interrupted)
{
    fill_much();
    sim_shorten(w.sim, CALL_WRITE, 777);
    sim_storm(w.sim, CALL_WRITE, 50, -EINTR);
    mixed_writes();
}
END_TEST

START_TEST(writes_arrive_in_order_where_readiness_lies)
{
    fill_much();
    sim_shorten(w.sim, CALL_WRITE, 777);
    sim_storm(w.sim, CALL_WRITE, 50, -EAGAIN);
    mixed_writes();
}
END_TEST

START_TEST(a_write_is_done_when_its_own_last_byte_was_taken)
{
    struct future first = {0}, second = {0};
    fill_much();
    stream_write(a, part(0, 1 << 20), &first);
    stream_write(a, part(1 << 20, 1 << 20), &second);
    ck_assert(!future_done(&first));
    for (size_t at = 0; !future_done(&first); pass())
        at += peer_reads(at);
    ck_assert(!future_done(&second));
    ck_assert_uint_gt(stream_unsent(a), 0);
    ck_assert_int_eq(await(&first), 1 << 20);
    future_cancel(&second);
}
END_TEST

START_TEST(small_writes_that_wait_are_sent_together)
{
    struct future f = {0};
    size_t at = stuff(a), heard = 0;
    for (int i = 0; i < 1000; i++, at += 10)
        stream_write(a, part(at, 10), NULL);
    stream_write(a, text(""), &f);
    uint64_t before = sim_calls(w.sim, CALL_WRITE);
    for (; !future_done(&f); pass()) {
        static char in[1 << 16];
        ssize_t n = w.sys->read(w.sys, peer, in, sizeof in);
        heard += n > 0 ? (size_t)n : 0;
    }
    ck_assert_uint_le(sim_calls(w.sim, CALL_WRITE) - before, 24);
    ck_assert_int_eq(await(&f), 0);
}
END_TEST

/* ---- what waits -------------------------------------------------------------------------------------------------- */

START_TEST(what_is_handed_over_is_released_when_it_was_sent_or_never_will_be)
{
    struct future f = {0};
    int left = 0;
    size_t before = sim_live(w.sim).bytes;
    hand_over(a, 0, 100, &left, &f);
    ck_assert_int_eq(left, 0);                  /* sent at once */
    hand_over(a, 100, 1 << 20, &left, NULL);
    hand_over(a, 100, 1 << 20, &left, NULL);
    ck_assert_int_eq(left, 2);
    ck_assert_uint_lt(sim_live(w.sim).bytes - before, 512);     /* not copied */
    stream_limit_writes(a, 1 << 20);
    struct future refused = {0};
    hand_over(a, 0, 1, &left, &refused);
    ck_assert_int_eq(left, 2);
    fails(&refused, -ENOBUFS);
    end_stream(&a);
    ck_assert_int_eq(left, 0);
}
END_TEST

START_TEST(a_write_above_the_limit_is_refused_whole_and_the_stream_goes_on)
{
    struct future f = {0}, first = {0};
    stream_limit_writes(a, 1 << 20);
    fails(stream_write(a, part(0, (1 << 20) + 1), &f), -ENOBUFS);
    stream_write(a, part(0, 1 << 20), &first);
    size_t unsent = stream_unsent(a);
    ck_assert_uint_gt(unsent, 0);
    fails(stream_write(a, part(0, (1 << 20) - unsent + 1), &f), -ENOBUFS);
    ck_assert_uint_eq(stream_unsent(a), unsent);
    stream_limit_writes(a, unsent - 1);         /* less than waits already */
    fails(stream_write(a, part(0, 1), &f), -ENOBUFS);
    fill_much();
    memset(much, 0, 1 << 20);
    for (size_t at = 0; !future_done(&first); pass())
        at += peer_reads(at);
    ck_assert_int_eq(await(&first), 1 << 20);
    ck_assert_int_eq(stream_error(a), 0);
    while (peer_reads(0))
        ;
    writes(a, "and on it goes");
    hears("and on it goes");
}
END_TEST

START_TEST(a_peer_that_never_reads_bounds_what_we_hold)
{
    struct future f = {0};
    size_t before = sim_live(w.sim).bytes;
    int rc = 0;
    stream_limit_writes(a, 64 << 10);
    for (int i = 0; i < 10000 && rc >= 0; i++) {
        struct future write = {0};
        stream_write(a, part(0, 1000), &write);
        rc = future_done(&write) ? write.rc : 0;
        future_cancel(&write);
    }
    ck_assert_int_eq(rc, -ENOBUFS);
    ck_assert_uint_le(sim_live(w.sim).bytes - before, 100 << 10);
    ck_assert_int_eq(await_until(stream_shutdown(a, &f), loop_time(w.loop) + SECOND), -ETIMEDOUT);
}
END_TEST

START_TEST(a_cancelled_write_is_sent_all_the_same)
{
    struct future f = {0}, pending = {0};
    struct heard heard = {0};
    stream_write(a, text("answered, "), future_then(&f, hear, &heard));
    future_cancel(&f);
    pass();
    hears("answered, ");
    fill_much();
    stream_write(a, part(0, 1 << 20), future_then(&pending, hear, &heard));
    future_cancel(&pending);
    size_t at = 0;
    for (size_t n = 1; n; pass())
        at += n = peer_reads(at);
    ck_assert_uint_eq(at, 1 << 20);
    ck_assert_int_eq(heard.times, 0);
}
END_TEST

static void count_writes(void *self, enum sys_call call, int64_t fd, int64_t len, int64_t result)
{
    (void)len, (void)result;
    *(size_t *)self += call == CALL_WRITE && fd == stream_fd(a);
}

struct flood {
    size_t writes, before, most;        /* in one call of the loop's */
};

static void each_call(void *self, enum loop_moment moment)
{
    struct flood *flood = self;
    size_t now = flood->writes - flood->before;
    if (moment == LOOP_CALLED && now > flood->most)
        flood->most = now;
    flood->before = flood->writes;
}

START_TEST(a_reader_as_fast_as_we_are_leaves_the_others_their_turn)
{
    static char in[2 << 20];
    struct flood flood = {0};
    int left = 0;
    stuff(a);
    for (int i = 0; i < 300; i++)
        hand_over(a, 0, 10, &left, NULL);
    sim_watch(w.sim, count_writes, &flood.writes);
    loop_watch(w.loop, each_call, &flood);
    for (; left; pass())
        w.sys->read(w.sys, peer, in, sizeof in);
    loop_watch(w.loop, NULL, NULL);
    sim_watch(w.sim, NULL, NULL);
    ck_assert_uint_eq(flood.most, 8);
    ck_assert_uint_ge(flood.writes, 300 / 16);
    ck_assert_uint_lt(flood.writes, 100);            /* many portions in one call */
}
END_TEST

/* ---- failures ---------------------------------------------------------------------------------------------------- */

START_TEST(all_that_wait_to_be_sent_hear_that_the_other_side_has_closed)
{
    struct future f[4] = {0};
    for (int i = 0; i < 3; i++)
        stream_write(a, part(0, 1 << 20), &f[i]);
    stream_shutdown(a, &f[3]);
    end_peer();
    for (int i = 0; i < 4; i++)
        fails(&f[i], -EPIPE);
    fails(stream_write(a, text("x"), &f[0]), -EPIPE);
    fails(stream_shutdown(a, &f[0]), -EPIPE);
    ck_assert_int_eq(stream_error(a), -EPIPE);
    stream_write(a, text("x"), NULL);
    ck_assert_str_eq(sim_log(w.sim), "");
}
END_TEST

START_TEST(a_write_without_memory_fails_whole_and_the_stream_goes_on)
{
    struct future f = {0};
    size_t at = 0;
    fill_much();
    at = stuff(a);
    sim_fail(w.sim, CALL_MEMORY, 1, 0);
    fails(stream_write(a, part(0, 100000), &f), -ENOMEM);
    sim_fail(w.sim, CALL_MEMORY, 1, 0);
    int left = 0;
    fails(hand_over(a, 0, 100000, &left, &f), -ENOMEM);
    ck_assert_int_eq(left, 0);
    stream_write(a, part(at, 1000), &f);
    for (at = 0; !future_done(&f); pass())
        at += peer_reads(at);
    ck_assert_uint_eq(at + peer_reads(at), (1 << 20) + 1000);
    ck_assert_int_eq(await(&f), 1000);
}
END_TEST

START_TEST(a_write_of_which_a_part_was_sent_and_the_rest_has_no_memory_is_the_last)
{
    struct future f = {0};
    fill_much();
    sim_fail(w.sim, CALL_MEMORY, 1, 0);
    fails(stream_write(a, part(0, 1 << 20), &f), -ENOMEM);
    ck_assert_uint_gt(peer_reads(0), 1000);
    fails(stream_write(a, text("x"), &f), -ENOMEM);
    ck_assert_uint_eq(peer_reads(0), 0);
    say("reading goes on");
    reads(stream_read_some(a, 0, &f), "reading goes on");
}
END_TEST

START_TEST(a_failure_that_nobody_waits_for_ends_writing_and_is_said_once)
{
    struct future f = {0};
    stream_limit_writes(a, 4);
    stream_write(a, text("1234"), NULL);
    stream_write(a, text("12345"), NULL);
    fails(stream_write(a, text("x"), &f), -ENOBUFS);
    hears("1234");
    ck_assert_ptr_nonnull(strstr(sim_log(w.sim), "writing to descriptor"));
    size_t said = strlen(sim_log(w.sim));
    stream_write(a, text("x"), NULL);
    ck_assert_uint_eq(strlen(sim_log(w.sim)), said);
}
END_TEST

START_TEST(a_failure_that_nobody_waits_for_is_told_by_on_close)
{
    struct heard closed = {0};
    struct future f = {0};
    stream_on_close(a, hear, &closed);
    say("unread");
    sim_fail(w.sim, CALL_WRITE, 1, -EIO);
    stream_write(a, text("x"), NULL);
    pass();
    ck_assert_int_eq(closed.times, 0);
    reads(stream_read_some(a, 0, &f), "unread");
    pass();
    ck_assert_int_eq(closed.times, 1);
    ck_assert_int_eq(closed.what, -EIO);
    ck_assert_str_eq(sim_log(w.sim), "");
}
END_TEST

START_TEST(a_failure_that_nobody_waits_for_is_told_although_a_read_is_pending)
{
    struct heard closed = {0};
    struct future f = {0};
    stream_on_close(a, hear, &closed);
    stream_read_until(a, "\n", 0, &f);
    say("half a line");
    stream_limit_writes(a, 4);
    stream_write(a, text("12345"), NULL);
    pass();
    ck_assert_int_eq(closed.times, 1);
    ck_assert_int_eq(closed.what, -ENOBUFS);
    ck_assert(!future_done(&f));
    say(", and the other\n");
    reads(&f, "half a line, and the other\n");
}
END_TEST

/* ---- half-closes ------------------------------------------------------------------------------------------------- */

START_TEST(a_half_close_comes_behind_what_was_written_and_reading_goes_on)
{
    struct future f = {0}, all = {0}, down = {0};
    fill_much();
    join();
    stream_read_until_close(b, 0, &all);
    size_t len = stuff(a);
    stream_shutdown(a, &down);
    fails(stream_write(a, text("too late"), &f), -EPIPE);
    stream_write(a, text("too late"), NULL);
    ck_assert_int_eq(await(&all), (int)len);
    ck_assert(memcmp(all.value, much, len) == 0);
    ck_assert_int_eq(await(&down), 0);
    ck_assert_int_eq(await(stream_shutdown(a, &f)), 0);
    stream_shutdown(a, NULL);
    writes(b, "still here");
    reads(stream_read_some(a, 0, &f), "still here");
    ck_assert_int_eq(stream_error(a), 0);
}
END_TEST

START_TEST(a_half_close_that_fails_is_no_failure_of_what_was_sent)
{
    struct future sent = {0}, down = {0};
    sim_fail(w.sim, CALL_SHUTDOWN, 1, -ENOTCONN);
    stream_write(a, text("sent"), &sent);
    stream_shutdown(a, &down);
    fails(&down, -ENOTCONN);
    ck_assert_int_eq(await(&sent), 4);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        writes_arrive_in_order_copied_or_handed_over,
        writes_arrive_in_order_in_small_pieces_and_interrupted,
        writes_arrive_in_order_where_readiness_lies,
        a_write_is_done_when_its_own_last_byte_was_taken,
        small_writes_that_wait_are_sent_together,
        what_is_handed_over_is_released_when_it_was_sent_or_never_will_be,
        a_write_above_the_limit_is_refused_whole_and_the_stream_goes_on,
        a_peer_that_never_reads_bounds_what_we_hold,
        a_cancelled_write_is_sent_all_the_same,
        a_reader_as_fast_as_we_are_leaves_the_others_their_turn,
        all_that_wait_to_be_sent_hear_that_the_other_side_has_closed,
        a_write_without_memory_fails_whole_and_the_stream_goes_on,
        a_write_of_which_a_part_was_sent_and_the_rest_has_no_memory_is_the_last,
        a_failure_that_nobody_waits_for_ends_writing_and_is_said_once,
        a_failure_that_nobody_waits_for_is_told_by_on_close,
        a_failure_that_nobody_waits_for_is_told_although_a_read_is_pending,
        a_half_close_comes_behind_what_was_written_and_reading_goes_on,
        a_half_close_that_fails_is_no_failure_of_what_was_sent,
        NULL
    };
    return run_streams("stream writes", tests, NULL);
}
