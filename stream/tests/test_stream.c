/* test_stream.c - Tornado's instructive cases, by their numbers in the list they were collected in, and what a stream costs. */
#include "stream/stream_inside.h"
#include "stream/tests/stream_world.h"

static char much[10 << 20];

/* Bytes of which no two places nearby look alike. */
static void fill_much(void)
{
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = (char)(i * 31 + i / 251 + i / 65536);
}

static void same(const void *data, size_t at, size_t len)
{
    ck_assert_msg(memcmp(data, much + at, len) == 0, "%zu bytes at %zu are not those that were sent", len, at);
}

static int write_much(void *self)
{
    struct future f = {0};
    (void)self;
    return await(stream_write(b, (struct bytes){ much, sizeof much }, &f));
}

START_TEST(case_104_what_was_sent_before_the_close_is_read_after_it)
{
    struct future f = {0};
    fill_much();
    ck_assert_int_eq(w.sys->write(w.sys, peer, much, 512), 512);
    ck_assert_int_eq(await(stream_read_bytes(a, 256, &f)), 256);
    same(f.value, 0, 256);
    end_peer();
    ck_assert_int_eq(await(future_sleep(w.loop, 10 * MILLISECOND, &f)), 0);
    ck_assert_int_eq(await(stream_read_bytes(a, 256, &f)), 256);
    same(f.value, 256, 256);
    fails(stream_read_bytes(a, 1, &f), -EPIPE);
}
END_TEST

START_TEST(case_105_a_close_between_two_reads_takes_nothing_away)
{
    struct future f = {0};
    struct heard closed = {0};
    stream_on_close(a, hear, &closed);
    say("12");
    reads(stream_read_bytes(a, 1, &f), "1");
    end_peer();
    pass();
    ck_assert_int_eq(closed.times, 0);
    reads(stream_read_bytes(a, 1, &f), "2");
    pass();
    ck_assert_int_eq(closed.times, 1);
}
END_TEST

START_TEST(case_105_reading_until_the_close_after_the_close_gives_what_is_left)
{
    struct future f = {0};
    say("1234");
    reads(stream_read_bytes(a, 1, &f), "1");
    end_peer();
    pass();
    reads(stream_read_until_close(a, 0, &f), "234");
    reads(stream_read_until_close(a, 0, &f), "");
    ck_assert_int_eq(stream_error(a), -EPIPE);
}
END_TEST

/* How much of the memory's traffic the buffer causes is in the sizes it asks for: see test_stream_work.c for the comparisons. */
START_TEST(case_106_a_long_line_in_small_pieces_costs_as_much_for_each_piece)
{
    struct future line = {0}, f = {0};
    char piece[1024];
    memset(piece, 'x', sizeof piece);
    stream_read_until(a, "\r\n", 0, &line);
    uint64_t reads_before = sim_calls(w.sim, CALL_READ), memory_before = sim_calls(w.sim, CALL_MEMORY);
    for (int i = 0; i < 4096; i++) {
        ck_assert_int_eq(w.sys->write(w.sys, peer, piece, sizeof piece), sizeof piece);
        await(future_sleep(w.loop, MICROSECOND, &f));
    }
    say("\r\n");
    ck_assert_int_eq(await(&line), 4096 * 1024 + 2);
    ck_assert_uint_eq(sim_calls(w.sim, CALL_READ) - reads_before, 4097);
    ck_assert_uint_le(sim_calls(w.sim, CALL_MEMORY) - memory_before, 14);
}
END_TEST

/* 2,048 bytes, and 100 ms later "done" together with the close. */
static void last_packet(void)
{
    struct future pause = {0};
    memset(much, 'x', 2048);
    ck_assert_int_eq(w.sys->write(w.sys, peer, much, 2048), 2048);
    ck_assert_int_eq(await(future_sleep(w.loop, 100 * MILLISECOND, &pause)), 0);
    say("done");
    end_peer();
}

START_TEST(case_107_what_comes_together_with_the_close_counts)
{
    struct future f = {0};
    stream_read_until(a, "done", 0, &f);
    last_packet();
    ck_assert_int_eq(await(&f), 2052);
}
END_TEST

START_TEST(case_107_what_never_came_fails_as_closed_and_the_rest_can_be_read)
{
    struct future f = {0};
    stream_read_until(a, "foo", 0, &f);
    last_packet();
    fails(&f, -EPIPE);
    ck_assert_int_eq(await(stream_read_until(a, "done", 0, &f)), 2052);
}
END_TEST

START_TEST(case_108_a_match_must_end_within_the_limit)
{
    struct future f = {0};
    say("abcdef");
    reads(stream_read_until(a, "def", 6, &f), "abcdef");
    say("abcdef");
    fails(stream_read_until(a, "def", 5, &f), -EMSGSIZE);
    fails(stream_read_until(a, "def", 5, &f), -EMSGSIZE);       /* the same of what is there already */
    reads(stream_read_until(a, "def", 6, &f), "abcdef");        /* nothing was lost, and the stream is open */
    stream_read_until(a, "def", 5, &f);
    say("abc");
    pass();
    say("def");
    fails(&f, -EMSGSIZE);
    ck_assert_int_eq(stream_error(a), 0);
}
END_TEST

START_TEST(case_109_partial_reads_give_what_there_is_and_reads_of_nothing_are_done)
{
    struct future f = {0};
    reads(stream_read_bytes(a, 0, &f), "");
    say("hello");
    reads(stream_read_some(a, 50, &f), "hello");
    say("world");
    reads(stream_read_some(a, 3, &f), "wor");
    reads(stream_read_bytes(a, 0, &f), "");
    reads(stream_read_some(a, 3, &f), "ld");
    end_peer();
    reads(stream_read_bytes(a, 0, &f), "");
    fails(stream_read_some(a, 3, &f), -EPIPE);
    reads(stream_read_bytes(a, 0, &f), "");
}
END_TEST

START_TEST(case_110_small_reads_from_much_keep_the_memory_small)
{
    struct future f = {0};
    size_t before = sim_live(w.sim).bytes;
    fill_much();
    ck_assert_int_eq(w.sys->write(w.sys, peer, much, 100 << 10), 100 << 10);
    for (size_t i = 0; i < 100; i++) {
        ck_assert_int_eq(await(stream_read_bytes(a, 1024, &f)), 1024);
        same(f.value, i * 1024, 1024);
        ck_assert_uint_le(sim_live(w.sim).bytes - before, (128 << 10) + 4096);
    }
}
END_TEST

START_TEST(case_110_a_fast_sender_fills_the_kernel_and_its_own_queue)
{
    struct future sent = {0}, f = {0};
    fill_much();
    join();
    co_spawn(w.loop, write_much, NULL, &sent);
    pass();
    ck_assert_uint_gt(stream_unsent(b), sizeof much - (1 << 20));
    for (size_t at = 0; at < sizeof much; at += 1 << 20) {
        ck_assert_int_eq(await(stream_read_bytes(a, 1 << 20, &f)), 1 << 20);
        same(f.value, at, 1 << 20);
        ck_assert_uint_le(stream_unread(a).len, 128 << 10);
    }
    ck_assert_int_eq(await(&sent), sizeof much);
    ck_assert_uint_eq(stream_unsent(b), 0);
}
END_TEST

START_TEST(case_111_reading_into_takes_no_more_than_fits)
{
    struct future f = {0};
    char into[11] = "..........";
    stream_read_into(a, into, 10, false, &f);
    say("hello");
    pass();
    ck_assert(!future_done(&f));
    say("world!!");
    reads(&f, "helloworld");
    ck_assert_ptr_eq(f.value, into);
    ck_assert_str_eq(into, "helloworld");
    reads(stream_read_into(a, into, 10, true, &f), "!!");
}
END_TEST

START_TEST(case_111_a_mebibyte_of_mixed_reads_is_what_was_sent)
{
    static char into[9000];
    struct future sent = {0}, f = {0};
    size_t at = 0;
    fill_much();
    join();
    co_spawn(w.loop, write_much, NULL, &sent);
    for (size_t i = 0; at < 1 << 20; i++) {
        size_t len = 1 + i * 7919 % sizeof into;
        bool copies = i % 2;
        int rc = await(copies ? stream_read_into(a, into, len, i % 3 == 0, &f) : stream_read_bytes(a, len, &f));
        ck_assert(rc > 0 && (size_t)rc <= len);
        same(f.value, at, (size_t)rc);
        at += (size_t)rc;
    }
    future_cancel(&sent);
}
END_TEST

START_TEST(case_112_a_write_of_nothing_is_done_and_in_its_place)
{
    struct future none = {0}, large = {0}, behind = {0}, f = {0};
    ck_assert_int_eq(await(stream_write(a, text(""), &none)), 0);
    stream_write(a, (struct bytes){ much, 1 << 20 }, &large);
    stream_write(a, text(""), &behind);
    pass();
    ck_assert(!future_done(&large) && !future_done(&behind));
    join();
    ck_assert_int_eq(await(stream_read_bytes(b, 1 << 20, &f)), 1 << 20);
    ck_assert_int_eq(await(&large), 1 << 20);
    ck_assert_int_eq(await(&behind), 0);
}
END_TEST

START_TEST(case_113_on_close_comes_although_a_read_is_pending_and_after_it)
{
    struct future f = {0};
    struct heard closed = {0}, failed = {0};
    stream_on_close(a, hear, &closed);
    stream_read_until(a, "\n", 0, future_then(&f, hear, &failed));
    pass();
    end_peer();
    pass();
    ck_assert_int_eq(failed.times, 1);
    ck_assert_int_eq(failed.what, -EPIPE);
    ck_assert_int_eq(closed.times, 1);
    ck_assert_int_eq(closed.what, 0);
}
END_TEST

static int writer(void *self)
{
    struct future f = {0};
    int *done = self;
    for (int i = 0; i < 1000; i++) {
        int rc = await(stream_write(a, (struct bytes){ much, 5000 }, &f));
        if (rc != 5000)
            return rc < 0 ? rc : -EIO;
        ++*done;
    }
    return 0;
}

START_TEST(case_114_every_one_of_ten_thousand_writes_is_answered)
{
    enum { WRITERS = 10 };
    struct future all[WRITERS] = {0}, f = {0};
    int done = 0;
    join();
    for (int i = 0; i < WRITERS; i++)
        co_spawn(w.loop, writer, &done, &all[i]);
    for (int64_t left = WRITERS * 1000 * INT64_C(5000); left > 0; left -= f.rc)
        ck_assert_int_gt(await(stream_read_some(b, 0, &f)), 0);
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(await(&all[i]), 0);
    ck_assert_int_eq(done, WRITERS * 1000);
}
END_TEST

START_TEST(case_116_a_descriptor_closed_under_its_stream_is_an_error_of_its_own)
{
    struct future f = {0}, later = {0};
    say("abc");
    reads(stream_read_bytes(a, 1, &f), "a");
    stream_read_bytes(a, 10, &later);
    say("def");
    ck_assert_int_eq(w.sys->close(w.sys, stream_fd(a)), 0);
    fails(stream_write(a, text("x"), &f), -EBADF);
    future_cancel(&later);
    reads(stream_read_bytes(a, 2, &f), "bc");
    fails(stream_read_bytes(a, 1, &f), -EBADF);
    ck_assert_int_eq(stream_error(a), -EBADF);
    ck_assert_str_eq(sim_log(w.sim), "");
}
END_TEST

START_TEST(an_idle_stream_is_416_bytes_at_most_and_holds_no_buffer)
{
    struct future f = {0};
    ck_assert_uint_le(sizeof(struct stream), 416);
    say("the loop has its shelf now\n");
    reads(stream_read_until(a, "\n", 0, &f), "the loop has its shelf now\n");
    stream_read_until(a, "\n", 0, &f);
    future_cancel(&f);
    size_t before = sim_live(w.sim).bytes;
    stream_read_until(a, "\n", 0, &f);
    pass();
    ck_assert_uint_eq(sim_live(w.sim).bytes, before);
    say("hello\n");
    reads(&f, "hello\n");
    ck_assert_uint_eq(sim_live(w.sim).bytes, before);      /* it lies in a block of the shelf */
    stream_read_until(a, "\n", 0, &f);
    ck_assert_uint_eq(sim_live(w.sim).bytes, before);
    writes(a, "and out it goes");
    ck_assert_uint_eq(sim_live(w.sim).bytes, before);
    future_cancel(&f);
}
END_TEST

START_TEST(a_regular_file_is_refused_where_epoll_refuses_it_and_closed)
{
    size_t before = sim_live(w.sim).descriptors;
    int fd = sim_file(w.sim, "text", 4);
    struct stream *s = stream_new(w.loop, fd);
    ck_assert(s ? sim_calls(w.sim, CALL_EPOLL_CREATE) == 0 : errno == EPERM);
    end_stream(&s);
    ck_assert_uint_eq(sim_live(w.sim).descriptors, before);
    errno = 0;
    ck_assert_ptr_null(stream_new(w.loop, -1));
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(a_stream_says_whose_it_is)
{
    ck_assert_ptr_eq(stream_loop(a), w.loop);
    ck_assert_int_eq(stream_fd(a) + 1, peer);
    ck_assert_int_eq(stream_error(a), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        case_104_what_was_sent_before_the_close_is_read_after_it,
        case_105_a_close_between_two_reads_takes_nothing_away,
        case_105_reading_until_the_close_after_the_close_gives_what_is_left,
        case_106_a_long_line_in_small_pieces_costs_as_much_for_each_piece,
        case_107_what_comes_together_with_the_close_counts,
        case_107_what_never_came_fails_as_closed_and_the_rest_can_be_read,
        case_108_a_match_must_end_within_the_limit,
        case_109_partial_reads_give_what_there_is_and_reads_of_nothing_are_done,
        case_110_small_reads_from_much_keep_the_memory_small,
        case_110_a_fast_sender_fills_the_kernel_and_its_own_queue,
        case_111_reading_into_takes_no_more_than_fits,
        case_111_a_mebibyte_of_mixed_reads_is_what_was_sent,
        case_112_a_write_of_nothing_is_done_and_in_its_place,
        case_113_on_close_comes_although_a_read_is_pending_and_after_it,
        case_114_every_one_of_ten_thousand_writes_is_answered,
        case_116_a_descriptor_closed_under_its_stream_is_an_error_of_its_own,
        an_idle_stream_is_416_bytes_at_most_and_holds_no_buffer,
        a_regular_file_is_refused_where_epoll_refuses_it_and_closed,
        a_stream_says_whose_it_is,
        NULL
    };
    return run_streams("stream", tests, NULL);
}
