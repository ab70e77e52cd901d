/* test_access_log_files.c - files: opening them, again when they were renamed, and sharing them. */
#include <fcntl.h>
#include <unistd.h>

#include "http/tests/log_world.h"
#include "loop/sys_linux.h"

static int opened, open_fails;          /* how often; with what next */

/* A disk on which every file is the pipe. */
static int open_pipe(struct sys *door, const char *path, int flags, mode_t mode)
{
    opened++;
    ck_assert_str_eq(path, "/var/log/access.log");
    ck_assert_int_eq(flags, O_WRONLY | O_APPEND | O_CREAT);
    ck_assert_int_eq(mode, 0640);
    return open_fails ? open_fails : door->dup(door, log_ends[1]);
}

static void open_log_file(void)
{
    sys->open = open_pipe;
    opened = open_fails = 0;
    open_log_with((struct access_log_options){ .path = "/var/log/access.log" });
}

/* From now on the file is another one. */
static void rename_file(void)
{
    close_log_ends();
    ck_assert_int_eq(sys->pipe(sys, log_ends), 0);
}

START_TEST(what_is_said_before_and_after_a_renaming_is_in_one_of_both_files)
{
    open_log_file();
    put_line(1);
    wait_ms(1001);
    read_log();
    line_is(0, 1);
    rename_file();
    access_log_reopen(access_log);
    put_line(2);
    wait_ms(1);
    ck_assert_int_eq(opened, 2);
    wait_ms(1001);
    read_log();
    line_is(0, 2);
    ck_assert_int_eq(lines_written(), 1);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_anew_is_not_left)
{
    open_log_file();
    open_fails = -EACCES;
    access_log_reopen(access_log);
    put_line(1);
    wait_ms(1);
    ck_assert_str_eq(sim_log(sim), "error: the access log /var/log/access.log cannot be opened anew (Permission denied): it "
                                   "goes on in the old file\n");
    wait_ms(1001);
    read_log();
    line_is(0, 1);
}
END_TEST

START_TEST(it_is_opened_anew_once_a_job_that_runs_has_ended)
{
    open_log_file();
    sim_job_time(sim, 50 * MILLISECOND, 50 * MILLISECOND);
    put_line(1);
    wait_ms(1020);
    access_log_reopen(access_log);
    access_log_reopen(access_log);
    put_line(2);
    wait_ms(10);
    ck_assert_int_eq(opened, 1);
    wait_ms(100);
    ck_assert_int_eq(opened, 2);
    close_log();
    ck_assert_int_eq(lines_written(), 2);
}
END_TEST

START_TEST(a_line_that_was_half_written_is_whole_in_the_new_file)
{
    open_log_file();
    put_line(1);
    sim_shorten(sim, CALL_WRITE, 20);
    sim_fail(sim, CALL_WRITE, 3, -EAGAIN);          /* 40 of 61 bytes */
    wait_ms(1001);
    ck_assert(sim_failed(sim));
    rename_file();
    sim_shorten(sim, CALL_WRITE, 0);
    access_log_reopen(access_log);
    wait_ms(1);
    read_log();
    ck_assert_int_eq(lines_written(), 1);
    ck_assert_int_eq(strncmp(written, "::1 - - [", 9), 0);
    line_is(0, 1);
}
END_TEST

START_TEST(a_descriptor_is_not_opened_anew)
{
    open_log(ACCESS_COMMON);
    sys->open = open_pipe;
    opened = 0;
    access_log_reopen(access_log);
    put_line(1);
    wait_ms(1001);
    ck_assert_int_eq(opened, 0);
    read_log();
    line_is(0, 1);
}
END_TEST

static int64_t written_to;              /* the descriptor */

static void watch_descriptors(void *self, enum sys_call call, int64_t fd, int64_t len, int64_t result)
{
    (void)self, (void)len, (void)result;
    if (call == CALL_WRITE)
        written_to = fd;
}

/* Which is none in the sim. */
START_TEST(a_dash_is_standard_output)
{
    access_log = access_log_open(loop, &(struct access_log_options){ .path = "-" });
    ck_assert_ptr_nonnull(access_log);
    put_line(1);
    sim_watch(sim, watch_descriptors, NULL);
    access_log_close(access_log);
    access_log = NULL;
    sim_watch(sim, NULL, NULL);
    ck_assert_int_eq(written_to, 1);
    ck_assert(logged("the access log on a descriptor cannot be written (Bad file descriptor)"));
}
END_TEST

START_TEST(a_path_that_cannot_be_opened_is_said)
{
    ck_assert_ptr_null(access_log_open(loop, &(struct access_log_options){ .path = "/no/such" }));
    ck_assert_int_eq(errno, EROFS);
    ck_assert_ptr_null(access_log_open(loop, &(struct access_log_options){ .fd = -1 }));
    ck_assert_int_eq(errno, EBADF);
    ck_assert_str_eq(sim_log(sim), "error: the access log /no/such cannot be opened: Read-only file system\n"
                                   "error: the access log on a descriptor cannot be opened: Bad file descriptor\n");
}
END_TEST

START_TEST(what_it_is_made_of_may_not_be_had)
{
    for (unsigned n = 1; n <= 4; n++) {
        sim_fail(sim, CALL_MEMORY, n, 0);
        ck_assert_ptr_null(access_log_open(loop, &(struct access_log_options){ .path = "/dev/null" }));
        ck_assert_int_eq(errno, ENOMEM);
        ck_assert(sim_failed(sim));
    }
    sim_fail(sim, CALL_EVENTFD, 1, -EMFILE);
    ck_assert_ptr_null(access_log_open(loop, &(struct access_log_options){ .path = "/dev/null" }));
    ck_assert_int_eq(errno, EMFILE);
}
END_TEST

START_TEST(a_buffer_without_room_for_a_line_is_a_mistake)
{
    access_log_open(loop, &(struct access_log_options){ .buffer = ACCESS_LINE - 1 });
}
END_TEST

/* Two logs, as two processes have them; of one file, on the real disk, and with real threads. */
START_TEST(logs_that_share_a_file_do_not_mix_their_lines)
{
    char path[] = "/tmp/eddy-access-XXXXXX";
    int fd = mkstemp(path);
    loop_close(loop);
    loop = loop_new(sys_linux());
    struct access_log *logs[2];
    for (int i = 0; i < 2; i++)
        logs[i] = access_log_open(loop, &(struct access_log_options){ .path = path });
    for (int n = 0; n < 200; n++) {
        put_to(logs[n % 2], n);
        if (n == 99)
            access_log_reopen(logs[0]);
    }
    access_log_close(logs[0]);
    access_log_close(logs[1]);
    written_len = (size_t)read(fd, written, WRITTEN - 1);
    written[written_len] = '\0';
    unlink(path);
    close(fd);
    loop_close(loop);
    loop = loop_new(sys);
    int seen[200] = {0}, total = lines_written();
    char *line = written;
    for (int i = 0; i < total; i++, line = strchr(line, '\n') + 1) {
        int n = -1;
        ck_assert_int_eq(sscanf(line, "::1 - - [%*[^]]] \"GET /%d HTTP/1.1\" 200 -\n", &n), 1);
        seen[n]++;
    }
    for (int n = 0; n < 200; n++)
        ck_assert_int_eq(seen[n], 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_said_before_and_after_a_renaming_is_in_one_of_both_files,
        a_file_that_cannot_be_opened_anew_is_not_left,
        it_is_opened_anew_once_a_job_that_runs_has_ended,
        a_line_that_was_half_written_is_whole_in_the_new_file,
        a_descriptor_is_not_opened_anew,
        a_dash_is_standard_output,
        a_path_that_cannot_be_opened_is_said,
        what_it_is_made_of_may_not_be_had,
        logs_that_share_a_file_do_not_mix_their_lines,
        NULL
    };
    const TTest *const aborting[] = { a_buffer_without_room_for_a_line_is_a_mistake, NULL };
    return run_log("access log: files", tests, aborting);
}
