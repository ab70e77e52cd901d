/* test_judge_net.c - the judge is the network, the name servers and the threads, too. The probe beside this program carries
 * verbs.c. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/judge.h"
#include "grader/lab.h"

#define BEGAN SECOND            /* when a world begins */

static char probe[PATH_MAX];
static struct lab lab = {
    .budget = { .wall_ms = 100000, .cpu_s = 100, .memory_mb = 512, .output_kb = 64, .file_kb = 64 },
};
static struct judge *j;
static struct verdict own;
static int listener, port;

static void open_judge(void)
{
    verdict_begin(&own, 1);
    j = judge_new(NULL, 1);
}

static void close_judge(void)
{
    judge_close(j);
}

/* ---- connections -------------------------------------------------------------------------------------------------- */

static struct sockaddr_in place(uint32_t address, int number)
{
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)number), .sin_addr.s_addr = htonl(address) };
}

static void listens(void *self, int what)
{
    struct sys *sys = self;
    struct sockaddr_in in = place(0, 80);
    (void)what;
    listener = sys->socket(sys, AF_INET, SOCK_STREAM);
    ck_assert_int_eq(sys->bind(sys, listener, (struct sockaddr *)&in, sizeof in), 0);
    ck_assert_int_eq(sys->listen(sys, listener, 5), 0);
}

static void accepts(void *self, int what)
{
    struct sys *sys = self;
    char text[8] = "";
    (void)what;
    int fd = sys->accept(sys, listener, NULL, NULL);
    ck_assert_int_eq(sys->read(sys, fd, text, sizeof text - 1), 5);
    ck_assert_str_eq(text, "hello");
    listener = -1;
}

START_TEST(a_connection_goes_to_who_listens_in_the_world)
{
    struct sys *sys = sim_sys(judge_sim(j));
    sim_at(judge_sim(j), BEGAN, listens, sys);
    ck_assert_int_eq(judge_order(j, "nap 1"), 0);
    ck_assert_int_eq(judge_order(j, "visit"), 0);
    ck_assert_str_eq(judge_said(j), "peer=c0000201 port=80 error=0");
    sim_at(judge_sim(j), BEGAN + 2 * MILLISECOND, accepts, sys);
    judge_order(j, "nap 5");
    ck_assert_int_eq(listener, -1);
}
END_TEST

static void visits(void *self, int what)
{
    struct sys *sys = self;
    struct sockaddr_in from = place(0xc0000207, 0), to = place(0x0a000001, port);
    (void)what;
    int fd = sys->socket(sys, AF_INET, SOCK_STREAM);
    sys->bind(sys, fd, (struct sockaddr *)&from, sizeof from);
    sys->connect(sys, fd, (struct sockaddr *)&to, sizeof to);
}

START_TEST(who_connects_from_the_world_is_accepted)
{
    ck_assert_int_eq(judge_order(j, "house open"), 0);
    port = (int)judge_said_number(j, "port");
    ck_assert_int_gt(port, 0);
    ck_assert_int_eq(judge_order(j, "house look"), -EAGAIN);
    sim_at(judge_sim(j), BEGAN + 2 * MILLISECOND, visits, sim_sys(judge_sim(j)));
    judge_order(j, "nap 5");
    sim_fail(judge_sim(j), CALL_ACCEPT, 1, -EMFILE);
    ck_assert_int_eq(judge_order(j, "house look"), -EMFILE);
    ck_assert_int_eq(judge_order(j, "house look"), 0);
    ck_assert_str_eq(judge_said(j), "from=c0000207");
}
END_TEST

/* ---- threads, and names ------------------------------------------------------------------------------------------- */

START_TEST(a_job_runs_in_the_middle_of_a_wait_and_takes_its_time)
{
    sim_host_add(judge_sim(j), "slow.example", "192.0.2.1 192.0.2.2", 30 * MILLISECOND);
    ck_assert_int_eq(judge_order(j, "job slow.example"), 0);
    ck_assert_str_eq(judge_trace(j), "");
    ck_assert_int_eq(judge_order(j, "nap 50"), 0);
    ck_assert_str_eq(judge_trace(j), "runs@0 ended@30");
    ck_assert_int_eq((int)judge_calls(j, CALL_LOOKUP), 1);
}
END_TEST

START_TEST(a_job_can_be_taken_back_until_somebody_waits)
{
    ck_assert_int_eq(judge_order(j, "job a.example"), 0);
    ck_assert_int_eq(judge_order(j, "job back"), 0);
    judge_order(j, "nap 5");
    ck_assert_str_eq(judge_trace(j), "");
    ck_assert_int_eq(judge_order(j, "job back"), -EALREADY);
    sim_fail(judge_sim(j), CALL_SUBMIT, 1, -EAGAIN);
    ck_assert_int_eq(judge_order(j, "job a.example"), -EAGAIN);
}
END_TEST

START_TEST(a_reset_forgets_the_jobs)
{
    ck_assert_int_eq(judge_order(j, "job a.example"), 0);
    judge_reset(j, 0);
    judge_order(j, "nap 5");
    ck_assert_str_eq(judge_trace(j), "");
    ck_assert_int_eq(judge_order(j, "job a.example"), 0);
    judge_order(j, "nap 5");
    ck_assert_str_eq(judge_trace(j), "runs@5 ended@5");
}
END_TEST

int main(void)
{
    char self[PATH_MAX] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return EXIT_FAILURE;
    snprintf(probe, sizeof probe, "%.4000s/probe", dirname(self));
    judge_set(&(struct judged){ .lab = &lab, .probe = probe });
    Suite *s = suite_create("judge_net");
    TCase *c = tcase_create("judge_net");
    tcase_add_checked_fixture(c, open_judge, close_judge);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_connection_goes_to_who_listens_in_the_world);
    tcase_add_test(c, who_connects_from_the_world_is_accepted);
    tcase_add_test(c, a_job_runs_in_the_middle_of_a_wait_and_takes_its_time);
    tcase_add_test(c, a_job_can_be_taken_back_until_somebody_waits);
    tcase_add_test(c, a_reset_forgets_the_jobs);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
