/* test_ends_process.c - the standard streams of virtual children, as streams: much in both directions at the same time, the end
 * of their input, and children that die in the middle. */
#include "loop/co.h"
#include "loop/tests/process_world.h"
#include "stream/ends.h"

enum { MUCH = 1 << 20 };

static char much[MUCH];

/* Copies its input to its output, and takes no more than it could pass on. */
static struct mirror {
    char bytes[4096];
    size_t begin, end;
} mirror;

static void program_mirror(void *self, struct sim_child *c)
{
    struct mirror *m = self;
    ssize_t n = 1;
    sim_child_on_stream(c, 0, program_mirror);
    sim_child_on_stream(c, 1, program_mirror);
    while (n > 0)
        if (m->begin < m->end) {
            n = sim_child_write(c, 1, m->bytes + m->begin, m->end - m->begin);
            m->begin += n > 0 ? (size_t)n : 0;
        } else if ((n = sim_child_read(c, m->bytes, sizeof m->bytes)) > 0) {
            m->begin = 0;
            m->end = (size_t)n;
        }
    if (n != -EAGAIN)
        sim_child_exit(c, n < 0);
}

/* Takes ten bytes, gives them back, and dies. */
static void program_dies(void *self, struct sim_child *c)
{
    char bytes[10];
    (void)self;
    sim_child_on_stream(c, 0, program_dies);
    if (sim_child_read(c, bytes, sizeof bytes) <= 0)
        return;
    sim_child_write(c, 1, bytes, sizeof bytes);
    sim_child_exit(c, 3);
}

static struct process *child(const char *name)
{
    const char *argv[] = { name, "word", NULL };
    struct process_spec spec = { .argv = argv, .in = PROCESS_PIPE, .out = PROCESS_PIPE, .err = PROCESS_PIPE };
    struct future f = {0};
    ck_assert_int_eq(await(process_spawn(w.loop, &spec, &f)), 0);
    return f.value;
}

static struct stream *end_of(struct process *p, int which)
{
    struct stream *s = stream_of_process(p, which);
    ck_assert_msg(s != NULL, "%s", strerror(errno));
    ck_assert_int_eq(process_fd(p, which), -1);
    return s;
}

static int ended(struct process *p)
{
    struct future f = {0};
    return await(process_wait(p, &f));
}

static void reads(struct future *started, const char *s)
{
    ck_assert_int_eq(await(started), (int)strlen(s));
    ck_assert(memcmp(started->value, s, strlen(s)) == 0);
}

/* ---- the tests, each a coroutine ------------------------------------------------------------------------------------------ */

static void close_it(void *self, int rc)
{
    ck_assert_int_eq(rc, MUCH);
    stream_close(self);
}

static int gives_back(void *self)
{
    struct process *p = child("mirror");
    struct stream *in = end_of(p, 0), *out = end_of(p, 1);
    struct future sent = {0}, f = {0};
    (void)self;
    for (int i = 0; i < MUCH; i++)
        much[i] = (char)(i * 7 + i / 251);
    stream_write(in, (struct bytes){ much, MUCH }, future_then(&sent, close_it, in));
    ck_assert_int_eq(await(stream_read_until_close(out, 0, &f)), MUCH);
    ck_assert(memcmp(f.value, much, MUCH) == 0);
    ck_assert_int_eq(ended(p), 0);
    stream_close(out);
    process_close(p);
    return 0;
}

static int dies_in_the_middle(void *self)
{
    struct process *p = child("dies");
    struct stream *in = end_of(p, 0), *out = end_of(p, 1);
    struct future sent = {0}, f = {0};
    (void)self;
    stream_write(in, (struct bytes){ much, MUCH }, &sent);
    ck_assert_int_eq(await(stream_read_until(out, "\n", 0, &f)), -EPIPE);
    ck_assert_int_eq(await(stream_read_until_close(out, 0, &f)), 10);
    ck_assert_int_eq(await(&sent), -EPIPE);
    ck_assert_int_eq(ended(p), 3);
    stream_close(in);
    stream_close(out);
    process_close(p);
    return 0;
}

static int is_killed(void *self)
{
    struct process *p = child("mirror");
    struct stream *in = end_of(p, 0), *out = end_of(p, 1);
    struct future f = {0};
    (void)self;
    ck_assert_int_eq(await(stream_write(in, (struct bytes){ "ab\ncd", 5 }, &f)), 5);
    reads(stream_read_until(out, "\n", 0, &f), "ab\n");
    process_close(p);                   /* kills it; the streams are ours */
    reads(stream_read_until_close(out, 0, &f), "cd");
    ck_assert_int_eq(await(stream_write(in, (struct bytes){ "x", 1 }, &f)), -EPIPE);
    stream_close(in);
    stream_close(out);
    return 0;
}

static int two_outputs(void *self)
{
    struct process *p = child("show");
    struct stream *out = end_of(p, 1), *err = end_of(p, 2);
    struct future f = {0};
    (void)self;
    reads(stream_read_until_close(err, 0, &f), "!");
    reads(stream_read_until_close(out, 0, &f), "show(word) in - of -");
    stream_close(out);
    stream_close(err);
    process_close(p);
    return 0;
}

static int without_memory(void *self)
{
    struct process *p = child("mirror");
    (void)self;
    sim_fail(w.sim, CALL_MEMORY, 1, -ENOMEM);
    ck_assert_ptr_null(stream_of_process(p, 0));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_int_eq(ended(p), 0);      /* its input has been closed */
    process_close(p);
    return 0;
}

static int taken_twice(void *self)
{
    struct process *p = child("mirror");
    (void)self;
    stream_of_process(p, 1);
    stream_of_process(p, 1);
    return 0;
}

static void begin(void)
{
    children_begin();
    mirror = (struct mirror){0};
    ck_assert_int_eq(sim_program(w.sim, "mirror", program_mirror, &mirror), 0);
    ck_assert_int_eq(sim_program(w.sim, "dies", program_dies, NULL), 0);
}

static void play(co_fn *fn)
{
    ck_assert_int_eq(loop_run_sync(w.loop, fn, NULL), 0);
}

START_TEST(a_child_gives_back_a_mebibyte_while_it_gets_it_and_ends_with_its_input)
{
    play(gives_back);
}
END_TEST

START_TEST(a_child_that_dies_in_the_middle_is_epipe_for_who_writes_and_the_end_for_who_reads)
{
    play(dies_in_the_middle);
}
END_TEST

START_TEST(streams_outlive_the_process_they_were_taken_from)
{
    play(is_killed);
}
END_TEST

START_TEST(output_and_errors_are_streams_of_their_own)
{
    play(two_outputs);
}
END_TEST

START_TEST(without_memory_the_child_reads_the_end)
{
    play(without_memory);
}
END_TEST

START_TEST(a_stream_that_was_taken_cannot_be_taken_again)
{
    play(taken_twice);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_child_gives_back_a_mebibyte_while_it_gets_it_and_ends_with_its_input,
        a_child_that_dies_in_the_middle_is_epipe_for_who_writes_and_the_end_for_who_reads,
        streams_outlive_the_process_they_were_taken_from,
        output_and_errors_are_streams_of_their_own,
        without_memory_the_child_reads_the_end,
    };
    Suite *suite = suite_create("ends: processes");
    TCase *group = tcase_create("ends: processes");
    tcase_add_checked_fixture(group, begin, children_end);
    tcase_set_timeout(group, 240);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(group, tests[i]);
    tcase_add_test_raise_signal(group, a_stream_that_was_taken_cannot_be_taken_again, SIGABRT);
    suite_add_tcase(suite, group);
    return run_suite(suite);
}
