/* test_ends_kernel.c - socketpairs, pipes and children once over the real kernel. Nothing here waits for longer than the kernel
 * takes. */
#include "loop/co.h"
#include "loop/tests/sys_process_world.h"
#include "stream/ends.h"

enum { MUCH = 1 << 20 };

static char much[MUCH];

static void fill(void)
{
    for (int i = 0; i < MUCH; i++)
        much[i] = (char)(i * 7 + i / 251);
}

static void close_it(void *self, int rc)
{
    ck_assert_int_eq(rc, MUCH);
    stream_close(self);
}

/* Writes much to the one and closes it; all of it comes out of the other. */
static void goes_through(struct stream *in, struct stream *out)
{
    struct future sent = {0}, f = {0};
    fill();
    stream_write(in, (struct bytes){ much, MUCH }, future_then(&sent, close_it, in));
    ck_assert_int_eq(await(stream_read_until_close(out, 0, &f)), MUCH);
    ck_assert(memcmp(f.value, much, MUCH) == 0);
    stream_close(out);
}

static int pairs_and_pipes(void *self)
{
    struct stream *ends[2];
    (void)self;
    ck_assert_int_eq(stream_pair(loop, ends), 0);
    goes_through(ends[1], ends[0]);
    ck_assert_int_eq(stream_pipe(loop, &ends[0], &ends[1]), 0);
    goes_through(ends[1], ends[0]);
    return 0;
}

START_TEST(a_mebibyte_goes_through_a_pair_and_through_a_pipe)
{
    play(pairs_and_pipes);
}
END_TEST

static struct process *piped(const char *const *argv)
{
    return spawned(&(struct process_spec){ .argv = argv, .in = PROCESS_PIPE, .out = PROCESS_PIPE });
}

static int through_cat(void *self)
{
    struct process *p = piped(ARGV("cat"));
    (void)self;
    goes_through(stream_of_process(p, 0), stream_of_process(p, 1));
    ck_assert_int_eq(waited(p), 0);
    process_close(p);
    return 0;
}

START_TEST(cat_gives_back_a_mebibyte_while_it_gets_it_and_ends_with_its_input)
{
    play(through_cat);
}
END_TEST

static int dies_in_the_middle(void *self)
{
    struct process *p = piped(SH("head -c 10; exit 3"));
    struct stream *in = stream_of_process(p, 0), *out = stream_of_process(p, 1);
    struct future sent = {0}, f = {0};
    (void)self;
    fill();
    stream_write(in, (struct bytes){ much, MUCH }, &sent);
    ck_assert_int_eq(await(stream_read_until_close(out, 0, &f)), 10);
    ck_assert(memcmp(f.value, much, 10) == 0);
    ck_assert_int_eq(await(&sent), -EPIPE);
    ck_assert_int_eq(waited(p), 3);
    stream_close(in);
    stream_close(out);
    process_close(p);
    return 0;
}

START_TEST(a_child_that_dies_in_the_middle_is_epipe_for_who_writes_and_the_end_for_who_reads)
{
    play(dies_in_the_middle);
}
END_TEST

static int is_killed(void *self)
{
    struct process *p = piped(SH("echo ready; exec cat"));
    struct stream *in = stream_of_process(p, 0), *out = stream_of_process(p, 1);
    struct future f = {0};
    (void)self;
    ck_assert_int_eq(await(stream_read_until(out, "\n", 0, &f)), 6);
    process_close(p);                   /* kills it; the streams are ours */
    ck_assert_int_eq(await(stream_read_until_close(out, 0, &f)), 0);
    ck_assert_int_eq(await(stream_read_some(in, 0, &f)), -EPIPE);       /* its input is closed, too */
    ck_assert_int_eq(await(stream_write(in, (struct bytes){ "x", 1 }, &f)), -EPIPE);
    stream_close(in);
    stream_close(out);
    return 0;
}

START_TEST(streams_outlive_the_process_they_were_taken_from)
{
    play(is_killed);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_mebibyte_goes_through_a_pair_and_through_a_pipe,
        cat_gives_back_a_mebibyte_while_it_gets_it_and_ends_with_its_input,
        a_child_that_dies_in_the_middle_is_epipe_for_who_writes_and_the_end_for_who_reads,
        streams_outlive_the_process_they_were_taken_from,
        NULL
    };
    return run_real("ends: kernel", tests);
}
