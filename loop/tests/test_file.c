/* test_file.c - whole files, read off the loop: in the twin, and a few that only the real kernel has. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/file.h"
#include "loop/tests/co_world.h"

/* The i-th byte of every file here. */
static char byte(size_t i)
{
    return (char)('a' + i % 23);
}

static void add(const char *path, size_t len)
{
    char *data = malloc(len + 1);
    for (size_t i = 0; i < len; i++)
        data[i] = byte(i);
    ck_assert_int_eq(sim_disk_add(sim, path, data, len), 0);
    free(data);
}

/* What reading it with that limit gives; its bytes are as they should be. */
static int read_back(const char *path, size_t limit)
{
    struct future f = {0};
    file_read(loop, path, limit, &f);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert(future_take(&f, NULL));
    const char *data = f.value;
    int right = 0;
    while (right < f.rc && data[right] == byte((size_t)right))
        right++;
    ck_assert_int_eq(right, f.rc < 0 ? 0 : f.rc);
    if (f.rc < 0)
        ck_assert_ptr_null(data);
    else
        ck_assert_int_eq(data[f.rc], '\0');
    file_free(loop, f.value);
    return f.rc;
}

START_TEST(a_file_is_read_to_its_end_whatever_its_length)
{
    static const size_t lengths[] = { 0, 1, 100, 16383, 16384, 16385, 32768, 100000, 1 << 20 };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        add("/a", lengths[i]);
        ck_assert_int_eq(read_back("/a", 1 << 20), (int)lengths[i]);
        ck_assert_int_eq(read_back("/a", INT_MAX), (int)lengths[i]);
    }
}
END_TEST

START_TEST(a_file_may_be_as_long_as_the_limit_and_no_longer)
{
    static const size_t lengths[] = { 0, 1, 1000, 16383, 16384, 50000 };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        add("/a", lengths[i]);
        ck_assert_int_eq(read_back("/a", lengths[i]), (int)lengths[i]);
        add("/a", lengths[i] + 1);
        ck_assert_int_eq(read_back("/a", lengths[i]), -EFBIG);
    }
}
END_TEST

START_TEST(what_is_no_file_says_so)
{
    sim_disk_add(sim, "/etc", NULL, 0);
    ck_assert_int_eq(read_back("/nowhere", 100), -ENOENT);
    ck_assert_int_eq(read_back("/etc", 100), -EISDIR);
    ck_assert_int_eq(read_back("/dev/null", 100), 0);
}
END_TEST

START_TEST(short_and_interrupted_reads_change_nothing)
{
    add("/a", 3000);
    sim_shorten(sim, CALL_READ, 7);
    sim_storm(sim, CALL_READ, 50, -EINTR);
    sim_storm(sim, CALL_OPEN, 50, -EINTR);
    ck_assert_int_eq(read_back("/a", 5000), 3000);
}
END_TEST

START_TEST(what_was_read_takes_no_more_room_than_it_needs)
{
    struct future f = {0};
    add("/a", 10);
    file_read(loop, "/a", 1 << 20, &f);
    loop_start(loop);
    size_t before = sim_live(sim).bytes;
    future_take(&f, NULL);
    file_free(loop, f.value);
    ck_assert_uint_lt(before - sim_live(sim).bytes, 400);
}
END_TEST

static int with_a_short_path(void *self)
{
    struct future f = {0};
    char path[] = "/a";
    file_read(loop, path, 100, &f);
    memset(path, 'x', sizeof path - 1);
    int rc = await(&f);
    if (rc >= 0)
        file_free(loop, f.value);
    (void)self;
    return rc;
}

static void see_read(void *self, enum sys_call call, int64_t fd, int64_t len, int64_t result)
{
    int64_t *most = self;
    (void)fd, (void)result;
    if (call == CALL_READ && len > *most && len != sizeof(uint64_t))       /* 8 is the wakeup's */
        *most = len;
}

START_TEST(no_more_than_one_byte_beyond_the_limit_is_asked_for)
{
    int64_t most = 0;
    add("/a", 5000);
    sim_watch(sim, see_read, &most);
    ck_assert_int_eq(read_back("/a", 100), -EFBIG);
    ck_assert_int_eq(most, 101);
}
END_TEST

START_TEST(the_path_is_copied)
{
    add("/a", 5);
    ck_assert_int_eq(loop_run_sync(loop, with_a_short_path, NULL), 5);
}
END_TEST

START_TEST(freeing_nothing_is_fine)
{
    file_free(loop, NULL);
}
END_TEST

/* Teardown finds what was lost. */
START_TEST(a_read_may_be_cancelled_at_any_moment)
{
    struct future f[3];
    memset(f, 0, sizeof f);
    add("/a", 40000);
    sim_job_time(sim, 0, 3);
    for (int turns = 0; turns < 12; turns++) {
        for (int i = 0; i < 3; i++)
            file_read(loop, "/a", i == 1 ? 100 : 1 << 20, &f[i]);
        for (int i = 0; i < turns; i++) {
            sim_spend(sim, 1);
            turn();
        }
        for (int i = 0; i < 3; i++)
            future_cancel(&f[i]);
    }
}
END_TEST

START_TEST(a_read_may_be_under_way_when_the_loop_closes)
{
    struct future f[3];
    memset(f, 0, sizeof f);
    add("/a", 40000);
    for (int i = 0; i < 3; i++)
        file_read(loop, "/a", 1 << 20, &f[i]);
    for (int i = 0; i < _i; i++)
        turn();
    loop_close(loop);
    loop = loop_new(sim_sys(sim));
}
END_TEST

static void one_refusal(struct future *f, unsigned n, enum sys_call call, int error)
{
    sim_fail(sim, call, n, error);
    file_read(loop, "/a", 1 << 20, f);
    loop_start(loop);
    ck_assert(future_take(f, NULL));
    if (f->rc >= 0)
        file_free(loop, f->value);
    else
        ck_assert_int_eq(f->rc, error);
    sim_fail(sim, call, 0, 0);
}

START_TEST(each_refusal_is_said_and_leaves_nothing)
{
    static const struct {
        enum sys_call call;
        int error, times;
    } cases[] = {
        { CALL_MEMORY, -ENOMEM, 7 }, { CALL_EVENTFD, -EMFILE, 1 }, { CALL_OPEN, -EMFILE, 1 }, { CALL_READ, -EIO, 2 },
        { CALL_SUBMIT, -EAGAIN, 1 },
    };
    add("/a", 20000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (unsigned n = 1; (int)n <= cases[i].times; n++) {
            struct future f = {0};
            one_refusal(&f, n, cases[i].call, cases[i].error);
            ck_assert_msg(f.rc == cases[i].error || cases[i].call == CALL_MEMORY || cases[i].call == CALL_READ,
                          "%s: %d", sim_call_name(cases[i].call), f.rc);
            loop_close(loop);
            loop = loop_new(sim_sys(sim));
        }
}
END_TEST

START_TEST(a_limit_beyond_an_int_ends_the_program)
{
    struct future f = {0};
    file_read(loop, "/a", (size_t)INT_MAX + 1, &f);
}
END_TEST

/* ---- the twin's disk -------------------------------------------------------------------------------------------------- */

START_TEST(the_twins_disk_can_only_be_read)
{
    struct sys *sys = sim_sys(sim);
    add("/a", 5);
    sim_disk_add(sim, "/etc", NULL, 0);
    ck_assert_int_eq(sys->open(sys, "/a", O_WRONLY, 0), -EROFS);
    ck_assert_int_eq(sys->open(sys, "/a", O_RDONLY | O_TRUNC, 0), -EROFS);
    ck_assert_int_eq(sys->open(sys, "/b", O_WRONLY | O_CREAT, 0600), -EROFS);
    ck_assert_int_eq(sys->open(sys, "/b", O_WRONLY, 0), -ENOENT);
    ck_assert_int_eq(sys->open(sys, "/etc", O_WRONLY, 0), -EISDIR);
    int null = sys->open(sys, "/dev/null", O_RDWR, 0);
    ck_assert_int_eq(sys->write(sys, null, "abc", 3), 3);
    ck_assert_int_eq(sys->close(sys, null), 0);
}
END_TEST

START_TEST(each_open_reads_from_the_beginning)
{
    struct sys *sys = sim_sys(sim);
    char data[3];
    add("/a", 5);
    int one = sys->open(sys, "/a", O_RDONLY, 0), other = sys->open(sys, "/a", O_RDONLY, 0);
    ck_assert_int_eq(sys->read(sys, one, data, 3), 3);
    ck_assert_int_eq(sys->read(sys, one, data, 3), 2);
    ck_assert_int_eq(sys->read(sys, other, data, 3), 3);
    ck_assert_int_eq(data[0], byte(0));
    sys->close(sys, one);
    sys->close(sys, other);
}
END_TEST

/* ---- the real kernel ------------------------------------------------------------------------------------------------- */

static int read_really(const char *path, char *head, size_t size)
{
    struct loop *real = loop_new(sys_linux());
    struct future f = {0};
    file_read(real, path, 1 << 20, &f);
    ck_assert_int_eq(loop_start(real), 0);
    ck_assert(future_take(&f, NULL));
    if (f.value)
        snprintf(head, size, "%s", (char *)f.value);
    file_free(real, f.value);
    loop_close(real);
    return f.rc;
}

START_TEST(files_of_unknown_size_and_directories_are_what_they_are_on_linux)
{
    char head[64] = "";
    ck_assert_int_gt(read_really("/proc/self/stat", head, sizeof head), 10);
    ck_assert_int_eq(atoi(head), getpid());
    ck_assert_int_eq(read_really("/", head, sizeof head), -EISDIR);
    ck_assert_int_eq(read_really("/nowhere/at/all", head, sizeof head), -ENOENT);
    ck_assert_int_eq(read_really("/dev/null", head, sizeof head), 0);
    ck_assert_int_eq(read_really("/dev/zero", head, sizeof head), -EFBIG);
}
END_TEST

START_TEST(a_fifo_with_a_silent_writer_holds_nobody_up)
{
    char folder[] = "/tmp/test_file.XXXXXX", path[64], head[8];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/fifo", folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int writer = open(path, O_RDWR | O_NONBLOCK);
    int rc = read_really(path, head, sizeof head);
    close(writer);
    unlink(path);
    rmdir(folder);
    ck_assert_int_eq(rc, -EAGAIN);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("file");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_file_is_read_to_its_end_whatever_its_length);
    tcase_add_test(tcase, a_file_may_be_as_long_as_the_limit_and_no_longer);
    tcase_add_test(tcase, what_is_no_file_says_so);
    tcase_add_test(tcase, short_and_interrupted_reads_change_nothing);
    tcase_add_test(tcase, what_was_read_takes_no_more_room_than_it_needs);
    tcase_add_test(tcase, no_more_than_one_byte_beyond_the_limit_is_asked_for);
    tcase_add_test(tcase, the_path_is_copied);
    tcase_add_test(tcase, freeing_nothing_is_fine);
    tcase_add_test(tcase, a_read_may_be_cancelled_at_any_moment);
    tcase_add_loop_test(tcase, a_read_may_be_under_way_when_the_loop_closes, 0, 3);
    tcase_add_test(tcase, each_refusal_is_said_and_leaves_nothing);
    tcase_add_test_raise_signal(tcase, a_limit_beyond_an_int_ends_the_program, SIGABRT);
    tcase_add_test(tcase, the_twins_disk_can_only_be_read);
    tcase_add_test(tcase, each_open_reads_from_the_beginning);
    tcase_add_test(tcase, files_of_unknown_size_and_directories_are_what_they_are_on_linux);
    tcase_add_test(tcase, a_fifo_with_a_silent_writer_holds_nobody_up);
    return run_suite(suite_create("file"), tcase);
}
