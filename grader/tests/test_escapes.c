/* test_escapes.c - attacks that reach out of the sandbox: for other processes, files, descriptors, the network. */
#include "grader/tests/attacks/run.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

START_TEST(killing_everybody_kills_nobody_else)
{
    struct sandbox_job job = attack((char *[]){ "kill", NULL });
    held(run_job(&job), "alive");
    sandbox_close(run);
    run = NULL;
    if (level() < 2)
        return;
    job = attack_with_tools((char *[]){ "kill", NULL });
    held(run_job(&job), "alive");
}
END_TEST

START_TEST(files_of_the_machine_are_not_there)
{
    if (level() < 2)
        return;
    char here[512];
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    struct sandbox_job job = attack((char *[]){ "files", here, folder, bin, NULL });
    held(run_job(&job), "end");
    sandbox_close(run);
    job = attack_with_tools((char *[]){ "files", here, bin, NULL });
    held(run_job(&job), "end");
}
END_TEST

static int listener(int family, const void *address, socklen_t len)
{
    int fd = socket(family, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, address, len), 0);
    ck_assert_int_eq(listen(fd, 4), 0);
    return fd;
}

START_TEST(there_is_no_way_to_the_network)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    socklen_t len = sizeof in;
    char port[8];
    strcpy(un.sun_path + 1, marker);
    int a = listener(AF_INET, &in, sizeof in);
    int b = listener(AF_UNIX, &un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(marker)));
    ck_assert_int_eq(getsockname(a, (struct sockaddr *)&in, &len), 0);
    snprintf(port, sizeof port, "%d", ntohs(in.sin_port));
    struct sandbox_job job = attack((char *[]){ "network", port, marker, NULL });
    held(run_job(&job), "end");
    if (level() >= 2) {
        sandbox_close(run);
        job = attack_with_tools((char *[]){ "network", port, marker, NULL });
        held(run_job(&job), "end");
    }
    close(a);
    close(b);
}
END_TEST

START_TEST(no_descriptor_is_inherited)
{
    use_level(_i);
    int pipes[8][2];
    char byte;
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pipe2(pipes[i], O_NONBLOCK), 0);
    dup2(pipes[0][1], 300);
    dup2(pipes[0][1], 301);
    struct sandbox_job job = attack((char *[]){ "descriptors", NULL });
    held(run_job(&job), "end");
    sandbox_close(run);
    job = attack_with_tools((char *[]){ "descriptors", NULL });
    held(run_job(&job), "end");
    for (int i = 0; i < 8; i++)
        ck_assert_int_lt(read(pipes[i][0], &byte, 1), 0);
}
END_TEST

START_TEST(the_kernel_refuses_what_a_probe_never_needs)
{
    use_level(_i);
    if (level() < 1)
        return;
    struct sandbox_job job = attack((char *[]){ "raw", NULL });
    held(run_job(&job), "end");
}
END_TEST

START_TEST(links_that_were_left_are_not_followed)
{
    use_level(_i);
    char error[256], precious[300];
    char *victim = sandbox_folder(error, sizeof error);
    snprintf(precious, sizeof precious, "%s/precious", victim);
    fclose(fopen(precious, "w"));
    struct sandbox_job job = attack_with_tools((char *[]){ "links", victim, NULL });
    held(run_job(&job), "");
    char *name = strdup(folder);
    sandbox_folder_remove(folder);
    ck_assert_int_ne(access(name, F_OK), 0);
    free(name);
    ck_assert_int_eq(access(precious, F_OK), 0);
    sandbox_folder_remove(victim);
    ck_assert_int_ne(access(precious, F_OK), 0);
    folder = sandbox_folder(error, sizeof error);
}
END_TEST

START_TEST(a_folder_goes_however_deep_it_is)
{
    char *top = strdup(folder);
    struct sandbox_job job = job_of("/bin/sh", (char *[]){ "sh", "-c",
        "i=0; while [ $i -lt 1500 ]; do mkdir d e && cd d || exit 1; i=$((i+1)); done", NULL });
    job.tools = true;
    held(run_job(&job), "");
    sandbox_folder_remove(folder);
    ck_assert_int_ne(access(top, F_OK), 0);
    folder = top;
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("escapes");
    TCase *all[] = { tcase_create("out") };
    for (int i = 0; i < 1; i++) {
        tcase_add_checked_fixture(all[i], set_up, tear_down);
        tcase_set_timeout(all[i], 60);
        suite_add_tcase(s, all[i]);
    }
    tcase_add_test(all[0], killing_everybody_kills_nobody_else);
    tcase_add_test(all[0], files_of_the_machine_are_not_there);
    tcase_add_test(all[0], there_is_no_way_to_the_network);
    tcase_add_loop_test(all[0], no_descriptor_is_inherited, 0, LEVELS);
    tcase_add_loop_test(all[0], the_kernel_refuses_what_a_probe_never_needs, 0, LEVELS);
    tcase_add_loop_test(all[0], links_that_were_left_are_not_followed, 0, LEVELS);
    tcase_add_test(all[0], a_folder_goes_however_deep_it_is);
    return s;
}

int main(void)
{
    return run_attacks(suite);
}
