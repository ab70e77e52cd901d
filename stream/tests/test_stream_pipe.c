/* test_stream_pipe.c - the ends of pipes: streams of one direction, which say of the other that it ended or never was. */
#include "stream/tests/stream_world.h"

static char much[1 << 20];

static void pipe_streams(struct stream **reader, struct stream **writer)
{
    int fds[2];
    ck_assert_int_eq(w.sys->pipe(w.sys, fds), 0);
    *reader = stream_of(fds[0]);
    *writer = stream_of(fds[1]);
}

START_TEST(the_ends_of_a_pipe_are_streams_of_one_direction)
{
    struct stream *reader, *writer;
    struct future f = {0};
    struct heard closed = {0};
    pipe_streams(&reader, &writer);
    stream_on_close(reader, hear, &closed);
    writes(writer, "line\nrest");
    reads(stream_read_until(reader, "\n", 0, &f), "line\n");
    fails(stream_shutdown(writer, &f), -ENOTSOCK);
    stream_close(writer);
    pass();
    ck_assert_int_eq(closed.times, 0);
    reads(stream_read_until_close(reader, 0, &f), "rest");
    pass();
    ck_assert_int_eq(closed.times, 1);
    ck_assert_int_eq(closed.what, 0);
    fails(stream_write(reader, text("x"), &f), -EBADF);
    stream_close(reader);
}
END_TEST

START_TEST(who_writes_into_a_full_pipe_hears_that_the_reader_has_left)
{
    struct stream *reader, *writer;
    struct future sent = {0}, f = {0};
    struct heard closed = {0};
    pipe_streams(&reader, &writer);
    stream_on_close(writer, hear, &closed);
    stream_write(writer, (struct bytes){ much, sizeof much }, &sent);
    stream_read_some(writer, 0, &f);            /* nothing ever comes out of this end */
    pass();
    ck_assert(!future_done(&sent) && !future_done(&f));
    stream_close(reader);
    fails(&sent, -EPIPE);
    fails(&f, -EPIPE);
    pass();
    ck_assert_int_eq(closed.times, 1);
    ck_assert_int_eq(closed.what, 0);
    stream_close(writer);
}
END_TEST

START_TEST(who_only_listens_for_the_close_of_a_pipe_hears_of_it_at_either_end)
{
    for (int closes_reader = 0; closes_reader < 2; closes_reader++) {
        struct stream *ends[2];
        struct heard closed = {0};
        pipe_streams(&ends[0], &ends[1]);
        stream_on_close(ends[closes_reader], hear, &closed);
        pass();
        ck_assert_int_eq(closed.times, 0);
        stream_close(ends[!closes_reader]);
        pass();
        ck_assert_int_eq(closed.times, 1);
        ck_assert_int_eq(closed.what, 0);
        stream_close(ends[closes_reader]);
    }
}
END_TEST

/* All that is in a raw end; the last byte, or 0. */
static char empty(int fd)
{
    static char in[1 << 16];
    char last = 0;
    for (ssize_t n; (n = w.sys->read(w.sys, fd, in, sizeof in)) > 0;)
        last = in[n - 1];
    return last;
}

/* A pipe takes so many small portions that the stream has its share of several turns, while it could be written to. */
START_TEST(what_is_written_while_others_wait_for_their_turn_comes_behind_them)
{
    struct future f = {0};
    int fds[2];
    ck_assert_int_eq(w.sys->pipe(w.sys, fds), 0);
    struct stream *writer = stream_of(fds[1]);
    stream_write(writer, (struct bytes){ much, 1 << 17 }, NULL);
    for (int i = 0; i < 1000; i++)
        stream_write_owned(writer, text("0123456789"), NULL, NULL, NULL);
    do {
        empty(fds[0]);
        await(future_sleep(w.loop, 0, &f));
    } while (stream_unsent(writer) >= 10000);
    ck_assert_uint_gt(stream_unsent(writer), 1000);
    stream_write(writer, text("X"), &f);
    while (!future_done(&f)) {
        ck_assert_int_ne(empty(fds[0]), 'X');
        pass();
    }
    ck_assert_int_eq(empty(fds[0]), 'X');
    ck_assert_int_eq(await(&f), 1);
    stream_close(writer);
    ck_assert_int_eq(w.sys->close(w.sys, fds[0]), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_ends_of_a_pipe_are_streams_of_one_direction,
        who_writes_into_a_full_pipe_hears_that_the_reader_has_left,
        who_only_listens_for_the_close_of_a_pipe_hears_of_it_at_either_end,
        what_is_written_while_others_wait_for_their_turn_comes_behind_them,
        NULL
    };
    return run_streams("stream pipes", tests, NULL);
}
