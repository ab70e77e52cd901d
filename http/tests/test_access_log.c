/* test_access_log.c - when lines are written, what becomes of those that cannot be, and who is told. */
#include "http/tests/log_world.h"

/* ---- when it is written ---------------------------------------------------------------------------------------------- */

START_TEST(a_line_waits_for_a_second_at_most)
{
    open_log(ACCESS_COMMON);
    put_line(1);
    wait_ms(500);
    put_line(2);
    wait_ms(499);
    read_log();
    ck_assert_uint_eq(written_len, 0);
    wait_ms(2);
    read_log();
    ck_assert_str_eq(written, "::1 - - [01/Jan/2000:00:00:01 +0000] \"GET /1 HTTP/1.1\" 200 -\n"
                              "::1 - - [01/Jan/2000:00:00:01 +0000] \"GET /2 HTTP/1.1\" 200 -\n");
    wait_ms(5000);
    forget_log();
    put_line(3);
    wait_ms(1001);
    read_log();
    ck_assert_str_eq(written, "::1 - - [01/Jan/2000:00:00:07 +0000] \"GET /3 HTTP/1.1\" 200 -\n");
}
END_TEST

START_TEST(a_full_buffer_is_written_at_once_and_in_order)
{
    open_log_with((struct access_log_options){ .buffer = 4 * ACCESS_LINE });
    int n = put_bytes(3 * ACCESS_LINE + 2000);
    wait_ms(1);
    read_log();
    ck_assert_int_gt(lines_written(), n / 2);
    close_log();
    ck_assert_int_eq(lines_written(), n);
    for (int i = 0; i < n; i++)
        line_is(i, 100 + i);
}
END_TEST

START_TEST(it_is_a_job_that_writes)
{
    open_log(ACCESS_COMMON);
    sim_job_time(sim, 50 * MILLISECOND, 50 * MILLISECOND);
    put_line(1);
    wait_ms(1049);
    read_log();
    ck_assert_uint_eq(written_len, 0);
    put_line(2);
    wait_ms(2);
    read_log();
    ck_assert_int_eq(lines_written(), 1);
    wait_ms(1100);
    read_log();
    ck_assert_int_eq(lines_written(), 2);
}
END_TEST

START_TEST(a_line_allocates_nothing_and_asks_the_kernel_nothing_but_the_time)
{
    open_log(ACCESS_JSON);
    put_line(0);
    uint64_t memory = sim_calls(sim, CALL_MEMORY), writes = sim_calls(sim, CALL_WRITE), clock = sim_calls(sim, CALL_NOW);
    for (int i = 0; i < 100; i++)
        put_line(i);
    ck_assert_uint_eq(sim_calls(sim, CALL_MEMORY), memory);
    ck_assert_uint_eq(sim_calls(sim, CALL_WRITE), writes);
    ck_assert_uint_eq(sim_calls(sim, CALL_NOW), clock + 100);
}
END_TEST

START_TEST(a_close_writes_what_was_said_wherever_it_is)
{
    for (int when = 0; when < 1200; when += 1 + when % 97) {
        sim_job_time(sim, 30 * MILLISECOND, 30 * MILLISECOND);
        open_log_with((struct access_log_options){ .buffer = 2 * ACCESS_LINE });
        for (int i = 0; i < 20; i++) {
            put_line(i);
            wait_ms(when / 20);
        }
        close_log();
        ck_assert_int_eq(lines_written(), 20);
        for (int i = 0; i < 20; i++)
            line_is(i, i);
        close_log_ends();
    }
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

static size_t longest_write;
static int cut_lines;

static void watch_writes(void *self, enum sys_call call, int64_t fd, int64_t len, int64_t result)
{
    (void)self;
    if (call != CALL_WRITE || fd != log_ends[1])
        return;
    longest_write = (size_t)len > longest_write ? (size_t)len : longest_write;
    read_log();
    cut_lines += result > 0 && written[written_len - 1] != '\n';
}

START_TEST(each_portion_is_of_whole_lines_and_fits_into_a_pipe)
{
    open_log(ACCESS_COMMON);
    sim_watch(sim, watch_writes, NULL);
    int n = put_bytes(40000);
    close_log();
    sim_watch(sim, NULL, NULL);
    ck_assert_int_eq(lines_written(), n);
    ck_assert_int_eq(cut_lines, 0);
    ck_assert_uint_le(longest_write, ACCESS_LINE);
    ck_assert_uint_gt(longest_write, ACCESS_LINE - 100);
}
END_TEST

START_TEST(in_whatever_portions_it_is_taken_nothing_is_lost)
{
    for (size_t portion = 1; portion < 200; portion += portion < 20 ? 1 : 23) {
        open_log(ACCESS_COMMON);
        sim_shorten(sim, CALL_WRITE, portion);
        sim_storm(sim, CALL_WRITE, 30, -EINTR);
        for (int i = 0; i < 5; i++)
            put_line(i);
        wait_ms(1001);
        put_line(5);
        close_log();
        sim_shorten(sim, CALL_WRITE, 0);
        sim_storm(sim, CALL_WRITE, 0, 0);
        for (int i = 0; i < 6; i++)
            line_is(i, i);
        ck_assert_int_eq(lines_written(), 6);
        close_log_ends();
    }
}
END_TEST

/* ---- what cannot be written ------------------------------------------------------------------------------------------ */

START_TEST(what_finds_no_room_is_dropped_and_counted_and_said_when_it_flows_again)
{
    sim_pipe_capacity(sim, 4096);
    open_log_with((struct access_log_options){ .buffer = 2 * ACCESS_LINE });
    int n = put_bytes(20000);
    wait_ms(3000);
    n += put_bytes(20000);
    wait_ms(3000);
    uint64_t lost = access_log_lost(access_log);
    ck_assert_uint_gt(lost, (uint64_t)n / 2);
    ck_assert_str_eq(sim_log(sim), "");
    for (int i = 0; i < 20; i++) {
        read_log();
        wait_ms(200);
    }
    char said[128];
    snprintf(said, sizeof said, "warning: the access log on a descriptor has lost %d lines, ", (int)lost);
    ck_assert(logged(said));
    put_line(7);
    wait_ms(1200);
    read_log();
    ck_assert_int_eq(lines_written(), n + 1 - (int)lost);
    ck_assert_uint_eq(access_log_lost(access_log), lost);
    ck_assert_ptr_eq(strstr(strstr(sim_log(sim), "has lost") + 1, "has lost"), NULL);
}
END_TEST

START_TEST(a_reader_who_has_stopped_does_not_keep_the_close_waiting)
{
    sim_pipe_capacity(sim, 4096);
    open_log(ACCESS_COMMON);
    int n = put_bytes(20000);
    wait_ms(1100);
    put_line(1);
    int64_t before = now_ms();
    access_log_close(access_log);
    access_log = NULL;
    ck_assert_int_le(now_ms() - before, 1000);
    read_log();
    ck_assert_int_gt(lines_written(), 0);
    ck_assert(logged("has lost"));
    ck_assert_int_lt(lines_written(), n);
}
END_TEST

START_TEST(a_broken_pipe_is_said_once)
{
    open_log(ACCESS_COMMON);
    sys->close(sys, log_ends[0]);
    log_ends[0] = 0;
    for (int i = 0; i < 5; i++) {
        put_line(i);
        wait_ms(1001);
    }
    ck_assert_uint_eq(access_log_lost(access_log), 5);
    ck_assert_str_eq(sim_log(sim), "error: the access log on a descriptor cannot be written (Broken pipe): its lines are lost "
                                   "until it can; free its disk, or restart its reader\n");
    access_log_close(access_log);
    access_log = NULL;
    ck_assert(logged("has lost 5 lines"));
}
END_TEST

START_TEST(a_disk_that_was_full_flows_again_and_half_a_line_stays_alone)
{
    open_log(ACCESS_COMMON);
    put_line(1);
    put_line(2);
    sim_shorten(sim, CALL_WRITE, 70);
    sim_fail(sim, CALL_WRITE, 2, -ENOSPC);
    wait_ms(1001);
    ck_assert(sim_failed(sim));
    ck_assert_uint_eq(access_log_lost(access_log), 1);
    ck_assert(logged("No space left on device"));
    ck_assert(!logged("has lost"));
    sim_shorten(sim, CALL_WRITE, 0);
    put_line(3);
    wait_ms(1001);
    ck_assert(logged("has lost 1 lines"));
    read_log();
    ck_assert_int_eq(lines_written(), 3);
    line_is(0, 1);
    line_is(2, 3);
}
END_TEST

START_TEST(a_job_that_cannot_begin_is_begun_again)
{
    static const struct { enum sys_call call; int error; } faults[] = { { CALL_MEMORY, 0 }, { CALL_SUBMIT, -EAGAIN },
                                                                        { CALL_POLL, -ENOMEM } };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        open_log(ACCESS_COMMON);
        put_line(1);
        wait_ms(990);
        sim_fail(sim, faults[i].call, 1, faults[i].error);
        wait_ms(50);
        ck_assert(sim_failed(sim));
        read_log();
        ck_assert_uint_eq(written_len, 0);
        put_line(2);
        wait_ms(1200);
        read_log();
        ck_assert_int_eq(lines_written(), 2);
        line_is(0, 1);
        line_is(1, 2);
        close_log();
        close_log_ends();
    }
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_line_waits_for_a_second_at_most,
        a_full_buffer_is_written_at_once_and_in_order,
        it_is_a_job_that_writes,
        a_line_allocates_nothing_and_asks_the_kernel_nothing_but_the_time,
        a_close_writes_what_was_said_wherever_it_is,
        each_portion_is_of_whole_lines_and_fits_into_a_pipe,
        in_whatever_portions_it_is_taken_nothing_is_lost,
        what_finds_no_room_is_dropped_and_counted_and_said_when_it_flows_again,
        a_reader_who_has_stopped_does_not_keep_the_close_waiting,
        a_broken_pipe_is_said_once,
        a_disk_that_was_full_flows_again_and_half_a_line_stays_alone,
        a_job_that_cannot_begin_is_begun_again,
        NULL
    };
    return run_log("access log", tests, NULL);
}
