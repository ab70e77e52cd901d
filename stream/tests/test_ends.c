/* test_ends.c - socketpairs and pipes made as streams, with what Tornado proves of them, and nothing left where one cannot be
 * had. */
#include "stream/ends.h"
#include "stream/tests/stream_world.h"

static struct stream *reader, *writer;

/* As the streams a and b. */
static void make_pair(void)
{
    struct stream *ends[2];
    ck_assert_int_eq(stream_pair(w.loop, ends), 0);
    end_stream(&a);
    end_peer();
    a = ends[0];
    b = ends[1];
}

static void make_pipe(void)
{
    ck_assert_int_eq(stream_pipe(w.loop, &reader, &writer), 0);
}

static void end_pipe(void)
{
    end_stream(&reader);
    end_stream(&writer);
}

START_TEST(a_pair_goes_both_ways_and_each_can_be_ended)
{
    struct future f = {0};
    make_pair();
    writes(a, "ping\n");
    reads(stream_read_until(b, "\n", 0, &f), "ping\n");
    ck_assert_int_eq(await(stream_shutdown(a, &f)), 0);
    reads(stream_read_until_close(b, 0, &f), "");
    writes(b, "pong");
    end_stream(&b);
    reads(stream_read_until_close(a, 0, &f), "pong");
}
END_TEST

START_TEST(a_pipe_goes_one_way)
{
    struct future f = {0};
    make_pipe();
    writes(writer, "hel");
    writes(writer, "lo world");
    reads(stream_read_until(reader, " ", 0, &f), "hello ");
    reads(stream_read_bytes(reader, 3, &f), "wor");
    fails(stream_write(reader, text("x"), &f), -EBADF);
    end_stream(&writer);
    reads(stream_read_until_close(reader, 0, &f), "ld");
    end_pipe();
}
END_TEST

START_TEST(a_pipe_carries_more_than_it_holds)
{
    static char much[1 << 20];
    struct future sent = {0}, f = {0};
    memset(much, '1', sizeof much);
    make_pipe();
    stream_write_owned(writer, (struct bytes){ much, sizeof much }, NULL, NULL, &sent);
    ck_assert_int_eq(await(stream_read_bytes(reader, sizeof much, &f)), sizeof much);
    ck_assert(memcmp(f.value, much, sizeof much) == 0);
    ck_assert_int_eq(await(&sent), sizeof much);
    end_pipe();
}
END_TEST

/* ---- cases of tornado.md, which Tornado proves of pipes, too ----------------------------------------------------------- */

START_TEST(case_104_what_was_written_to_a_pipe_before_the_close_is_read_after_it)
{
    char bytes[513];
    struct future f = {0};
    memset(bytes, 'A', 512);
    bytes[512] = '\0';
    make_pipe();
    writes(writer, bytes);
    ck_assert_int_eq(await(stream_read_bytes(reader, 256, &f)), 256);
    end_stream(&writer);
    pass();
    ck_assert_int_eq(await(stream_read_bytes(reader, 256, &f)), 256);
    ck_assert(memcmp(f.value, bytes, 256) == 0);
    end_pipe();
}
END_TEST

START_TEST(case_105_a_close_between_two_reads_takes_nothing_from_a_pipe)
{
    struct future f = {0};
    make_pipe();
    writes(writer, "1234");
    reads(stream_read_bytes(reader, 1, &f), "1");
    end_stream(&writer);
    pass();
    reads(stream_read_bytes(reader, 1, &f), "2");
    reads(stream_read_until_close(reader, 0, &f), "34");
    end_pipe();
}
END_TEST

START_TEST(case_107_what_comes_through_a_pipe_together_with_the_close_counts)
{
    for (int found = 0; found < 2; found++) {
        char bytes[2049];
        struct future f = {0};
        memset(bytes, 'x', 2048);
        bytes[2048] = '\0';
        make_pipe();
        writes(writer, bytes);
        stream_read_until(reader, found ? "done" : "foo", 0, &f);
        pass();
        writes(writer, "done");
        end_stream(&writer);
        if (found)
            ck_assert_int_eq(await(&f), 2048 + 4);
        else
            fails(&f, -EPIPE);
        end_pipe();
    }
}
END_TEST

START_TEST(case_109_and_111_a_pipe_is_read_in_parts_and_into_memory)
{
    char into[10];
    struct future f = {0};
    make_pipe();
    writes(writer, "hello");
    ck_assert_int_eq(await(stream_read_into(reader, into, sizeof into, true, &f)), 5);
    writes(writer, "hello");
    stream_read_into(reader, into, sizeof into, false, &f);
    pass();
    writes(writer, "world!!");
    reads(&f, "helloworld");
    reads(stream_read_some(reader, 3, &f), "!!");
    reads(stream_read_bytes(reader, 0, &f), "");
    end_pipe();
}
END_TEST

START_TEST(case_113_the_close_of_a_pipe_is_told_when_all_was_read)
{
    struct future f = {0};
    struct heard closed = {0};
    make_pipe();
    stream_on_close(reader, hear, &closed);
    writes(writer, "12");
    reads(stream_read_bytes(reader, 1, &f), "1");
    end_stream(&writer);
    pass();
    ck_assert_int_eq(closed.times, 0);
    reads(stream_read_bytes(reader, 1, &f), "2");
    pass();
    ck_assert_int_eq(closed.times, 1);
    end_pipe();
}
END_TEST

/* ---- a kernel that refuses ----------------------------------------------------------------------------------------------- */

static int make(bool pipe)
{
    struct stream *ends[2];
    int rc = pipe ? stream_pipe(w.loop, &ends[0], &ends[1]) : stream_pair(w.loop, ends);
    for (int i = 0; i < 2 && rc == 0; i++)
        stream_close(ends[i]);
    return rc;
}

START_TEST(where_one_cannot_be_had_nothing_is_left)
{
    for (int pipe = 0; pipe < 2; pipe++) {
        size_t before = sim_live(w.sim).descriptors;
        unsigned n = 1;
        sim_fail(w.sim, pipe ? CALL_PIPE : CALL_SOCKETPAIR, 1, -EMFILE);
        ck_assert_int_eq(make(pipe), -EMFILE);
        for (int rc = -ENOMEM; rc < 0; n++) {
            sim_fail(w.sim, CALL_MEMORY, n, -ENOMEM);
            rc = make(pipe);
            ck_assert(rc == 0 || rc == -ENOMEM);
            ck_assert_uint_eq(sim_live(w.sim).descriptors, before);
        }
        ck_assert_uint_gt(n, 3);                /* at least one of each stream's */
        sim_fail(w.sim, CALL_MEMORY, 0, 0);
        for (unsigned i = 1; i <= 2; i++) {
            sim_fail(w.sim, CALL_EPOLL_CTL, i, -ENOSPC);
            ck_assert_int_eq(make(pipe), -ENOSPC);
            ck_assert_uint_eq(sim_live(w.sim).descriptors, before);
        }
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_pair_goes_both_ways_and_each_can_be_ended,
        a_pipe_goes_one_way,
        a_pipe_carries_more_than_it_holds,
        case_104_what_was_written_to_a_pipe_before_the_close_is_read_after_it,
        case_105_a_close_between_two_reads_takes_nothing_from_a_pipe,
        case_107_what_comes_through_a_pipe_together_with_the_close_counts,
        case_109_and_111_a_pipe_is_read_in_parts_and_into_memory,
        case_113_the_close_of_a_pipe_is_told_when_all_was_read,
        where_one_cannot_be_had_nothing_is_left,
        NULL
    };
    return run_streams("ends", tests, NULL);
}
