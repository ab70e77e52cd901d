/* test_inside.c - what the interposer writes into the journal of a program that blocks, and what difference it makes to it: none.
 *
 * It really sleeps. It is run as it was built and once: under a sanitizer or valgrind the interposer would be watching these. */
#include <check.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "grader/blocking/calls.h"
#include "grader/blocking/journal.h"

enum { MS = 1000000 };

static struct journal journal;
static struct journal_wishes wishes;
static bool without_perf, without_rseq, slow_openat;

static void begin(void)
{
    wishes = (struct journal_wishes){ .budget = MS, .least = MS / 20, .stuck = 5 * MS };
    without_perf = without_rseq = slow_openat = false;
}

static void end(void)
{
    journal_close(&journal);
}

static void deny_perf(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter || seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(perf_event_open), 0) < 0 || seccomp_load(filter) < 0)
        _exit(126);
}

/* Each openat sleeps for 2 ms, whoever makes it: a helper is asked about it. It ends with the program. */
static void slow_down_openat(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    struct seccomp_notif *asked;
    struct seccomp_notif_resp *answer;
    if (!filter || seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(openat), 0) < 0 || seccomp_load(filter) < 0 ||
        seccomp_notify_alloc(&asked, &answer) < 0)
        _exit(126);
    int fd = seccomp_notify_fd(filter);
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (memset(asked, 0, sizeof *asked), seccomp_notify_receive(fd, asked) == 0) {
            nanosleep(&(struct timespec){ .tv_nsec = 2 * MS }, NULL);
            *answer = (struct seccomp_notif_resp){ .id = asked->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
            seccomp_notify_respond(fd, answer);
        }
        _exit(0);
    }
    close(fd);
}

static void child(int journal_fd, char *const arguments[])
{
    char path[64], library[4096];
    char *here = realpath("build/bin/libblockwatch.so", library);
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getppid(), journal_fd);
    if (!here)
        _exit(125);
    setenv("LD_PRELOAD", library, 1);
    setenv(JOURNAL_ENV, path, 1);
    if (without_rseq)
        setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
    if (without_perf)
        deny_perf();
    if (slow_openat)
        slow_down_openat();
    execv("build/release/grader/tests/blocking/inside_case", arguments);
    _exit(127);
}

/* Runs these cases, watched; waitpid's status. */
static int run(const char *first, const char *second)
{
    char *arguments[] = { "inside_case", (char *)first, (char *)second, NULL };
    int fd, status;
    ck_assert_int_eq(journal_new(&journal, &wishes, 16 << 20, &fd), 0);
    pid_t pid = fork();
    if (pid == 0)
        child(fd, arguments);
    ck_assert(waitpid(pid, &status, 0) == pid);
    close(fd);
    return status;
}

static void run_well(const char *first, const char *second)
{
    int status = run(first, second);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 5, "%s: the program ended with status %x", first, (unsigned)status);
}

/* The n-th record of that kind, from 0 on; NULL. */
static const void *record(enum record_kind kind, int n)
{
    uint64_t at = 0;
    for (const struct record *r; (r = journal_next(&journal, &at, true));)
        if (r->kind == kind && n-- == 0)
            return r;
    return NULL;
}

static int records(enum record_kind kind)
{
    int n = 0;
    while (record(kind, n))
        n++;
    return n;
}

/* How long it slept in that call, in all that is told; ns. 0: not at all. */
static int64_t blocked_in(const char *call)
{
    const struct record_blocked *r;
    int64_t sum = 0;
    for (int n = 0; (r = record(RECORD_BLOCKED, n)); n++)
        if (!strcmp(call_kind(r->call)->name, call))
            sum += r->blocked + r->again_total;
    return sum;
}

static void ck_slept(const char *call, int64_t least, int64_t most)
{
    int64_t slept = blocked_in(call);
    ck_assert_msg(slept >= least && slept <= most, "%s: %ld us", call, (long)(slept / 1000));
}

/* wall = cpu + delayed + blocked, and blocked >= attributed, in each slot. */
static void ck_accounts(void)
{
    for (uint32_t i = 0; i < journal.head->slots; i++) {
        const struct slot *s = &journal.slots[i];
        ck_assert_int_eq(s->ran, s->cpu + s->delayed + s->blocked);
        ck_assert_int_ge(s->blocked, s->attributed);
        ck_assert_int_ge(s->cpu, 0);
    }
}

/* ---- each tier --------------------------------------------------------------------------------------------------------- */

static void tier_set(int tier)
{
    without_perf = tier < TIER_RING;
    without_rseq = tier < TIER_RSEQ;
}

static void ck_tier(int tier)
{
    bool said = record(RECORD_NOTE, 0) != NULL;
    ck_assert_int_eq(journal.slots[0].tier, tier);
    ck_assert_int_eq(said, tier != TIER_RING);
}

START_TEST(a_sleep_is_found_named_and_timed)
{
    tier_set(_i);
    run_well("sleep", NULL);
    ck_tier(_i);
    ck_slept("nanosleep", 3 * MS, 1000 * MS);
    ck_accounts();
    const struct record_blocked *r = record(RECORD_BLOCKED, 0);
    ck_assert_int_eq(r->switches, 1);
    ck_assert_str_eq(r->text, "10 ms");
    ck_assert(r->stack_len >= 256);
    ck_assert_uint_eq(r->caller, r->at.pc);
    ck_assert_int_eq(journal.slots[0].attributed, r->blocked);
}
END_TEST

START_TEST(a_sleep_past_libc_is_found_and_counts_as_unattributed)
{
    tier_set(_i);
    run_well("raw", NULL);
    ck_slept("UNATTRIBUTED", 3 * MS, 1000 * MS);
    ck_assert_int_eq(journal.slots[0].attributed, 0);
    ck_accounts();
}
END_TEST

START_TEST(a_loop_in_a_callback_is_a_block)
{
    tier_set(_i);
    run_well("nested", "nested_same");
    ck_slept("epoll_wait", 6 * MS, 1000 * MS);
    ck_assert_uint_eq(journal.head->slots, 1);
}
END_TEST

START_TEST(its_own_processor_time_is_no_block)
{
    tier_set(_i);
    run_well("hog", NULL);
    ck_assert(!record(RECORD_BLOCKED, 0));
    const struct record_iteration *r;
    int64_t most = 0;
    for (int n = 0; (r = record(RECORD_ITERATION, n)); n++)
        most = r->cpu > most ? r->cpu : most;
    ck_assert_int_ge(most, 9 * MS);
    ck_accounts();
}
END_TEST

START_TEST(what_does_not_sleep_is_silent)
{
    tier_set(_i);
    run_well("quiet", "descriptors");
    ck_assert(!record(RECORD_BLOCKED, 0));
}
END_TEST

START_TEST(what_the_watching_sleeps_is_not_the_programs)
{
    tier_set(_i);
    slow_openat = true;
    run_well("idle", NULL);
    ck_tier(_i);
    ck_assert_int_eq(journal.slots[0].blocked, 0);
    ck_assert(!record(RECORD_BLOCKED, 0));
}
END_TEST

START_TEST(children_are_watched_if_they_run_a_loop)
{
    tier_set(_i);
    run_well("fork", "fork_unknown");
    ck_assert_uint_eq(journal.head->slots, 2);
    ck_assert_int_eq(records(RECORD_FORK), 1);
    ck_slept("waitpid", 2 * MS, 1000 * MS);
    ck_slept("nanosleep", MS, 1000 * MS);
}
END_TEST

START_TEST(a_vfork_is_a_call_of_its_parent)
{
    tier_set(_i);
    run_well("vfork", NULL);
    ck_slept("vfork", 3 * MS, 1000 * MS);
    ck_slept("nanosleep", 0, 0);
    ck_accounts();
}
END_TEST

START_TEST(jumping_out_of_a_call_leaves_nothing_behind)
{
    tier_set(_i);
    run_well("jump", "interrupted");
    ck_slept("nanosleep", 4 * MS, 1000 * MS);
    ck_assert_int_eq(journal.slots[0].call, 0);
    ck_accounts();
}
END_TEST

/* ---- with the best ------------------------------------------------------------------------------------------------------ */

START_TEST(a_cold_page_is_found_with_its_address)
{
    run_well("cold", NULL);
    const struct record_blocked *r;
    for (int n = 0; (r = record(RECORD_BLOCKED, n)); n++)
        if (r->call == 0 && r->fault) {
            ck_assert_uint_ge(r->switches, 1);
            ck_assert_uint_ge(r->stack_len, 256);
            return;
        }
    /* A page may come while others have the processor. */
    ck_assert_int_lt(journal.slots[0].blocked - journal.slots[0].attributed, wishes.least);
}
END_TEST

START_TEST(a_hundred_forks_are_watched)
{
    run_well("forks", NULL);
    ck_assert_uint_eq(journal.head->slots, 101);
    ck_assert_int_eq(records(RECORD_FORK), 100);
    ck_assert_uint_eq(journal.head->dropped, 0);
}
END_TEST

START_TEST(what_is_executed_is_watched_whatever_its_environment)
{
    run_well("spawn", "exec");
    ck_assert_int_eq(records(RECORD_PROCESS), 3);
    ck_slept("nanosleep", 3 * MS, 1000 * MS);
    ck_assert_int_eq(journal.slots[0].state, SLOT_ENDED);
}
END_TEST

START_TEST(an_exec_that_fails_changes_nothing)
{
    run_well("exec_fails", NULL);
    ck_slept("nanosleep", 3 * MS, 1000 * MS);
}
END_TEST

START_TEST(closing_all_descriptors_changes_nothing)
{
    run_well("close_all", "sleep");
    ck_slept("nanosleep", 3 * MS, 1000 * MS);
}
END_TEST

START_TEST(threads_that_end_or_are_cancelled_give_their_slots_back)
{
    run_well("thread", "cancel");
    ck_assert_uint_eq(journal.head->slots, 3);
    ck_accounts();
    ck_assert_int_eq(journal.slots[2].attributed, journal.slots[2].blocked);    /* it was cancelled in a call that has a name */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(journal.slots[i].state, SLOT_ENDED);
}
END_TEST

START_TEST(neither_memory_nor_descriptors_are_needed)
{
    run_well("poor", "sleep");
    ck_assert_uint_eq(journal.head->slots, 1);
    ck_assert_int_eq(journal.slots[0].tier, TIER_RSEQ);
    ck_assert(record(RECORD_MODULE, 0));
    ck_slept("nanosleep", 3 * MS, 1000 * MS);
}
END_TEST

START_TEST(a_coroutine_with_one_page_of_stack_may_sleep)
{
    run_well("narrow", NULL);
    ck_slept("nanosleep", 3 * MS, 1000 * MS);
}
END_TEST

START_TEST(after_its_loop_is_closed_a_thread_may_sleep)
{
    run_well("over", NULL);
    ck_slept("nanosleep", 0, 0);
}
END_TEST

START_TEST(a_flood_is_counted_and_stays_small)
{
    const struct record_blocked *r;
    uint64_t all = 0;
    run_well("flood", NULL);
    for (int n = 0; (r = record(RECORD_BLOCKED, n)); n++)
        all += 1 + r->again;
    ck_assert(all >= 990 && all <= 1000);       /* one that is preempted first may hardly sleep any more */
    ck_assert_int_le(records(RECORD_BLOCKED), 100);
    ck_slept("nanosleep", 30 * MS, journal.slots[0].blocked);
}
END_TEST

START_TEST(what_was_seen_before_sigkill_is_there)
{
    int status = run("kill", NULL);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_slept("nanosleep", 3 * MS, 1000 * MS);
    ck_accounts();
}
END_TEST

START_TEST(a_loop_that_is_run_for_good_is_believed)
{
    run_well("another", NULL);
    ck_assert_uint_eq(journal.head->slots, 1);
    ck_assert_int_ge(journal.slots[0].iterations, 4);
    ck_assert_int_ge(journal.slots[0].waited, 20 * MS);
}
END_TEST

START_TEST(a_poll_is_a_call_unless_it_is_wished_for)
{
    run_well("polls", NULL);
    ck_slept("poll", 3 * MS, 1000 * MS);
    journal_close(&journal);
    run_well("poll_thread", NULL);
    ck_assert_uint_eq(journal.head->slots, 1);
    journal_close(&journal);
    wishes.polls = true;
    run_well("poll_thread", NULL);
    ck_assert_uint_eq(journal.head->slots, 2);
    ck_slept("poll", 0, 0);
    ck_slept("nanosleep", 3 * MS, 1000 * MS);
}
END_TEST

START_TEST(what_could_have_slept_is_told_on_request)
{
    run_well("quiet", NULL);
    ck_assert(!record(RECORD_COULD_BLOCK, 0));
    journal_close(&journal);
    wishes.could_block = true;
    run_well("sleep", NULL);
    ck_assert(record(RECORD_COULD_BLOCK, 0));
    ck_slept("nanosleep", 3 * MS, 1000 * MS);
}
END_TEST

START_TEST(nothing_is_told_in_the_time_of_grace)
{
    wishes.grace = 1000000 * (int64_t)MS;
    run_well("sleep", NULL);
    ck_assert(!record(RECORD_BLOCKED, 0) && !record(RECORD_ITERATION, 0));
    ck_assert_int_ge(journal.slots[0].blocked, 3 * MS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inside");
    TCase *each = tcase_create("each tier"), *best = tcase_create("the best tier");
    tcase_add_checked_fixture(each, begin, end);
    tcase_add_checked_fixture(best, begin, end);
    tcase_add_loop_test(each, a_sleep_is_found_named_and_timed, TIER_SWITCHES, TIER_RING + 1);
    tcase_add_loop_test(each, a_sleep_past_libc_is_found_and_counts_as_unattributed, TIER_SWITCHES, TIER_RING + 1);
    tcase_add_loop_test(each, a_loop_in_a_callback_is_a_block, TIER_SWITCHES, TIER_RING + 1);
    tcase_add_loop_test(each, its_own_processor_time_is_no_block, TIER_SWITCHES, TIER_RING + 1);
    tcase_add_loop_test(each, what_does_not_sleep_is_silent, TIER_SWITCHES, TIER_RING + 1);
    tcase_add_loop_test(each, what_the_watching_sleeps_is_not_the_programs, TIER_SWITCHES, TIER_RING + 1);
    tcase_add_loop_test(each, children_are_watched_if_they_run_a_loop, TIER_SWITCHES, TIER_RING + 1);
    tcase_add_loop_test(each, a_vfork_is_a_call_of_its_parent, TIER_SWITCHES, TIER_RING + 1);
    tcase_add_loop_test(each, jumping_out_of_a_call_leaves_nothing_behind, TIER_SWITCHES, TIER_RING + 1);
    tcase_add_test(best, a_cold_page_is_found_with_its_address);
    tcase_add_test(best, a_hundred_forks_are_watched);
    tcase_add_test(best, what_is_executed_is_watched_whatever_its_environment);
    tcase_add_test(best, an_exec_that_fails_changes_nothing);
    tcase_add_test(best, closing_all_descriptors_changes_nothing);
    tcase_add_test(best, threads_that_end_or_are_cancelled_give_their_slots_back);
    tcase_add_test(best, neither_memory_nor_descriptors_are_needed);
    tcase_add_test(best, a_coroutine_with_one_page_of_stack_may_sleep);
    tcase_add_test(best, after_its_loop_is_closed_a_thread_may_sleep);
    tcase_add_test(best, a_flood_is_counted_and_stays_small);
    tcase_add_test(best, what_was_seen_before_sigkill_is_there);
    tcase_add_test(best, a_loop_that_is_run_for_good_is_believed);
    tcase_add_test(best, a_poll_is_a_call_unless_it_is_wished_for);
    tcase_add_test(best, what_could_have_slept_is_told_on_request);
    tcase_add_test(best, nothing_is_told_in_the_time_of_grace);
    suite_add_tcase(suite, each);
    suite_add_tcase(suite, best);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
