/* test_sandbox.c - what the sandbox tells, what it limits, and what it leaves behind: nothing.
 *
 * Limits of wall-clock time are short, but nothing is asserted about how long anything took. */
#include "grader/tests/attacks/run.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* ---- honest programs --------------------------------------------------------------------------------------------- */

START_TEST(a_program_has_threads_a_wire_and_nothing_else)
{
    use_level(_i);
    int ends[2];
    char said[8] = "";
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    struct sandbox_job job = attack((char *[]){ "honest", NULL });
    job.wire = ends[1];
    held(run_job(&job), "works root=0 env=0 stdin=0\nwired\n");
    ck_assert_int_eq(read(ends[0], said, sizeof said), 4);
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], said, sizeof said), 0);
    close(ends[0]);
}
END_TEST

START_TEST(a_listener_that_is_given_keeps_the_callers_network)
{
    use_level(_i);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    char byte = 0;
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(listen(listener, 4), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(write(client, "x", 1), 1);
    struct sandbox_job job = attack((char *[]){ "server", NULL });
    job.listener = listener;
    const struct sandbox_end *end = run_job(&job);
    ck_assert_msg(strstr(end->output, "served x\n"), "it said: %s", end->output);
    if (_i != BARE)
        held(end, "end\n");
    ck_assert_int_eq(read(client, &byte, 1), 1);
    ck_assert_int_eq(byte, 'x');
    close(listener);
    close(client);
}
END_TEST

START_TEST(how_a_program_ended_is_told)
{
    use_level(_i);
    struct sandbox_job job = attack((char *[]){ "honest", "7", NULL });
    const struct sandbox_end *end = run_job(&job);
    ck_assert_int_eq(end->how, SANDBOX_EXITED);
    ck_assert_int_eq(end->code, 7);
    ck_assert_str_eq(end->text, "ended with status 7");
    ck_assert_int_gt(end->cpu_ns, 0);
    sandbox_close(run);
    job.argv = (char *[]){ "honest", "0", "11", NULL };
    end = run_job(&job);
    ck_assert_int_eq(end->how, SANDBOX_KILLED);
    ck_assert_int_eq(end->code, SIGSEGV);
    ck_assert_str_eq(end->text, "was killed by signal 11 (Segmentation fault)");
    sandbox_close(run);
    job.argv = (char *[]){ "honest", "0", "0", "0", NULL };
    end = run_job(&job);
    ck_assert_int_eq(end->how, SANDBOX_KILLED);
    ck_assert_int_eq(end->code, SIGABRT);
    ck_assert_int_eq(end->strays, 0);
}
END_TEST

START_TEST(what_cannot_be_run_is_our_fault_and_a_sentence)
{
    use_level(_i);
    char error[256], text[512];
    struct sandbox_job job = job_of("/nowhere/probe", NULL);
    ck_assert_ptr_null(sandbox_start(&job, error, sizeof error));
    ck_assert_str_eq(error, "The program /nowhere/probe cannot be opened: No such file or directory.");
    snprintf(text, sizeof text, "%s/text", folder);
    FILE *f = fopen(text, "w");
    fputs("no program", f);
    fclose(f);
    chmod(text, 0755);
    job.program = text;
    const struct sandbox_end *end = run_job(&job);
    ck_assert_int_eq(end->how, SANDBOX_FAULT);
    ck_assert_str_eq(end->text, "The sandbox could not execute the program: Exec format error.");
}
END_TEST

START_TEST(tools_see_the_folder_and_the_system)
{
    use_level(_i);
    struct sandbox_job job = job_of("/bin/sh", (char *[]){ "sh", "-c",
        "echo 'int main(void) { return 0; }' >a.c && gcc -static a.c -o a && ./a && "
        "echo $LANG >/dev/null && ls", NULL });
    job.tools = true;
    job.memory_mb = 1024;
    job.file_kb = 8192;
    const struct sandbox_end *end = run_job(&job);
    held(end, "a\na.c\n");
    ck_assert_int_eq(end->strays, 0);
}
END_TEST

START_TEST(jobs_run_beside_each_other)
{
    use_level(_i);
    struct sandbox *all[4];
    char error[256];
    for (int i = 0; i < 4; i++) {
        struct sandbox_job job = attack((char *[]){ "honest", (char *[]){ "1", "2", "3", "4" }[i], NULL });
        all[i] = sandbox_start(&job, error, sizeof error);
        ck_assert_ptr_nonnull(all[i]);
    }
    for (int i = 3; i >= 0; i--) {
        ck_assert_int_eq(sandbox_wait(all[i])->code, i + 1);
        sandbox_close(all[i]);
    }
}
END_TEST

/* ---- limits ------------------------------------------------------------------------------------------------------ */

START_TEST(a_program_that_sleeps_reaches_the_wall_limit)
{
    use_level(_i);
    struct sandbox_job job = attack((char *[]){ "spin", marker, NULL });
    job.wall_ms = 200;
    const struct sandbox_end *end = run_job(&job);
    ck_assert_int_eq(end->how, SANDBOX_WALL);
    ck_assert_int_eq(end->strays, 0);
    ck_assert_ptr_nonnull(strstr(end->text, "did not end within 200 ms"));
    ck_assert_int_eq(processes_left(), 0);
}
END_TEST

START_TEST(a_program_that_spins_and_ignores_signals_reaches_the_cpu_limit)
{
    struct sandbox_job job = attack((char *[]){ "spin", NULL });
    job.cpu_s = 1;
    const struct sandbox_end *end = run_job(&job);
    ck_assert_int_eq(end->how, SANDBOX_CPU);
    ck_assert_str_eq(end->text, "used up its 1 s of CPU time");
}
END_TEST

START_TEST(endless_output_is_kept_up_to_the_cap_and_ended)
{
    use_level(_i);
    struct sandbox_job job = attack((char *[]){ "output", NULL });
    const struct sandbox_end *end = run_job(&job);
    ck_assert_int_eq(end->how, SANDBOX_OUTPUT);
    ck_assert_uint_eq(strlen(end->output), 4096);
    ck_assert_uint_gt(end->output_len, 64 * 4096);
}
END_TEST

START_TEST(output_beyond_the_cap_is_counted_and_does_not_block)
{
    use_level(_i);
    struct sandbox_job job = job_of("/bin/sh", (char *[]){ "sh", "-c", "yes xxx | head -c 200000", NULL });
    job.tools = true;
    const struct sandbox_end *end = run_job(&job);
    ck_assert_int_eq(end->how, SANDBOX_EXITED);
    ck_assert_uint_eq(strlen(end->output), 4096);
    ck_assert_uint_eq(end->output_len, 200000);
}
END_TEST

START_TEST(memory_ends_at_its_limit)
{
    use_level(_i);
    struct sandbox_job job = attack((char *[]){ "memory", NULL });
    held(run_job(&job), "refused");
}
END_TEST

START_TEST(a_file_ends_at_its_limit)
{
    use_level(_i);
    struct sandbox_job job = attack_with_tools((char *[]){ "disk", NULL });
    job.file_kb = 1024;
    held(run_job(&job), "1048576 bytes\n");
}
END_TEST

START_TEST(a_program_without_tools_writes_no_file)
{
    struct sandbox_job job = attack((char *[]){ "disk", NULL });
    held(run_job(&job), "0 bytes\n");
}
END_TEST

/* ---- processes that stay ----------------------------------------------------------------------------------------- */

START_TEST(a_daemon_is_found_killed_and_counted)
{
    use_level(_i);
    struct sandbox_job job = attack_with_tools((char *[]){ "daemon", marker, NULL });
    const struct sandbox_end *end = run_job(&job);
    held(end, "");
    ck_assert_int_eq(end->strays, 1);
    ck_assert_int_eq(processes_left(), 0);
}
END_TEST

START_TEST(forks_end_at_their_limit_and_none_is_left)
{
    use_level(_i);
    struct sandbox_job job = attack_with_tools((char *[]){ "fork_bomb", marker, NULL });
    job.processes = 12;
    const struct sandbox_end *end = run_job(&job);
    held(end, "");
    int forked = atoi(end->output);
    ck_assert_int_eq(end->strays, forked);
    ck_assert_int_lt(forked, 1000);
    if (level() >= 2)
        ck_assert_int_le(forked, job.processes);
    ck_assert_int_eq(processes_left(), 0);
}
END_TEST

START_TEST(a_fork_bomb_is_put_out)
{
    use_level(_i);
    struct sandbox_job job = attack_with_tools((char *[]){ "fork_bomb", marker, "on", NULL });
    job.processes = 12;
    job.wall_ms = 300;
    const struct sandbox_end *end = run_job(&job);
    ck_assert_int_eq(end->how, SANDBOX_WALL);
    ck_assert_int_eq(processes_left(), 0);
}
END_TEST

START_TEST(closing_ends_a_job_that_runs)
{
    use_level(_i);
    int ends[2];
    char error[256], ready;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    struct sandbox_job job = attack((char *[]){ "spin", marker, NULL });
    job.wire = ends[1];
    struct sandbox *s = sandbox_start(&job, error, sizeof error);
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &ready, 1), 1);
    ck_assert_int_eq(processes_left(), 1);
    sandbox_close(s);
    ck_assert_int_eq(processes_left(), 0);
    ck_assert_int_eq(read(ends[0], &ready, 1), 0);
}
END_TEST

/* We become the parent of what the dead caller leaves, so that we can wait for it. */
START_TEST(the_end_of_the_caller_is_the_end_of_the_job)
{
    use_level(_i);
    int ends[2];
    char ready;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    pid_t caller = fork();
    if (caller == 0) {
        char error[256];
        struct sandbox_job job = attack((char *[]){ "spin", marker, NULL });
        job.wire = ends[1];
        sandbox_start(&job, error, sizeof error);
        for (;;)
            pause();
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &ready, 1), 1);
    ck_assert_int_eq(processes_left(), 1);
    kill(caller, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    ck_assert_int_eq(processes_left(), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sandbox");
    TCase *all[] = { tcase_create("honest"), tcase_create("limits"), tcase_create("stay") };
    for (int i = 0; i < 3; i++) {
        tcase_add_checked_fixture(all[i], set_up, tear_down);
        tcase_set_timeout(all[i], 60);
        suite_add_tcase(s, all[i]);
    }
    tcase_add_loop_test(all[0], a_program_has_threads_a_wire_and_nothing_else, 0, LEVELS);
    tcase_add_loop_test(all[0], a_listener_that_is_given_keeps_the_callers_network, 0, LEVELS);
    tcase_add_loop_test(all[0], how_a_program_ended_is_told, 0, LEVELS);
    tcase_add_loop_test(all[0], what_cannot_be_run_is_our_fault_and_a_sentence, 0, LEVELS);
    tcase_add_loop_test(all[0], tools_see_the_folder_and_the_system, 0, LEVELS);
    tcase_add_loop_test(all[0], jobs_run_beside_each_other, 0, LEVELS);
    tcase_add_loop_test(all[1], a_program_that_sleeps_reaches_the_wall_limit, 0, LEVELS);
    tcase_add_test(all[1], a_program_that_spins_and_ignores_signals_reaches_the_cpu_limit);
    tcase_add_loop_test(all[1], endless_output_is_kept_up_to_the_cap_and_ended, 0, LEVELS);
    tcase_add_loop_test(all[1], output_beyond_the_cap_is_counted_and_does_not_block, 0, LEVELS);
    tcase_add_loop_test(all[1], memory_ends_at_its_limit, 0, LEVELS);
    tcase_add_loop_test(all[1], a_file_ends_at_its_limit, 0, LEVELS);
    tcase_add_test(all[1], a_program_without_tools_writes_no_file);
    tcase_add_loop_test(all[2], a_daemon_is_found_killed_and_counted, 0, LEVELS);
    tcase_add_loop_test(all[2], forks_end_at_their_limit_and_none_is_left, 0, LEVELS);
    tcase_add_loop_test(all[2], a_fork_bomb_is_put_out, 0, LEVELS);
    tcase_add_loop_test(all[2], closing_ends_a_job_that_runs, 0, LEVELS);
    tcase_add_loop_test(all[2], the_end_of_the_caller_is_the_end_of_the_job, 0, LEVELS);
    return s;
}

int main(void)
{
    return run_attacks(suite);
}
