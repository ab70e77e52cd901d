/* test_blocking_findings.c - from records to findings: what is one site, whose time it was, what it is called. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "grader/blocking/calls.h"
#include "grader/tests/blocking/by_hand.h"

#define MS ((int64_t)1000000)
enum { LIBC = 1, READ_FILE, HANDLE, HANDLE_LATER, MAIN, EVAL, CRUNCH, STEP, LIBRARY };

static const uint64_t in_handle[] = { HANDLE, MAIN, 0 }, later_in_handle[] = { HANDLE_LATER, MAIN, 0 };

static void name_all(void)
{
    hand_name(LIBC, "clock_nanosleep", NULL, 0, "/lib/libc.so.6", false);
    hand_name(READ_FILE, "read_file", "/src/app/files.c", 12, "/bin/app", true);
    hand_name(HANDLE, "handle", "/src/app/app.c", 40, "/bin/app", true);
    hand_name(HANDLE_LATER, "handle", "/src/app/app.c", 44, "/bin/app", true);
    hand_name(MAIN, "main", "/src/app/app.c", 90, "/bin/app", true);
    hand_name(EVAL, "_PyEval_EvalFrameDefault", NULL, 0, "/usr/bin/python3.11", false);
    hand_name(CRUNCH, "crunch", "/src/app/crunch.c", 7, "/bin/app", true);
    hand_name(STEP, "step", "/src/app/crunch.c", 21, "/bin/app", true);
    hand_name(LIBRARY, "uv_run", NULL, 0, "/lib/libuv.so.1", false);
}

static const struct site *only(const struct findings *f)
{
    ck_assert_int_eq(f->site_count, 1);
    return &f->sites[0];
}

/* ---- sites ----------------------------------------------------------------------------------------------------------- */

START_TEST(sleeps_in_one_line_are_one_site_and_those_in_another_line_are_not)
{
    static const uint64_t deeper[] = { LIBC, HANDLE, MAIN, 0 };
    name_all();
    hand_blocked("nanosleep", 10 * MS, 3 * MS, in_handle);
    hand_blocked("nanosleep", 20 * MS, 5 * MS, deeper);
    hand_blocked("nanosleep", 30 * MS, 1 * MS, later_in_handle);
    hand_blocked("read", 40 * MS, 2 * MS, in_handle);
    const struct findings *f = hand_findings();
    ck_assert_int_eq(f->site_count, 3);
    ck_assert_int_eq(f->sites[0].total, 8 * MS);
    ck_assert_uint_eq(f->sites[0].count, 2);
    ck_assert_int_eq(f->sites[0].longest, 5 * MS);
    ck_assert_int_eq(f->sites[0].each[0], 3 * MS);
    ck_assert_int_eq(f->sites[0].first, 7 * MS);
    ck_assert_int_eq(f->sites[0].last, 20 * MS);
    ck_assert_int_eq(f->sites[0].frame_count, 3);
    ck_assert_int_eq(f->sites[0].first_own, 1);
    ck_assert_str_eq(f->sites[1].what, "read");
    ck_assert_int_eq(site_frame(&f->sites[2])->line, 44);
}
END_TEST

START_TEST(what_was_only_counted_is_in_the_total_and_not_in_the_percentile)
{
    name_all();
    for (int i = 0; i < 100; i++)
        hand_blocked("fsync", (i + 1) * 10 * MS, i == 50 ? 9 * MS : MS, in_handle);
    struct record_blocked *last = hand_blocked("fsync", 2000 * MS, MS, in_handle);
    last->again = 500;
    last->again_total = 250 * MS;
    const struct site *site = only(hand_findings());
    ck_assert_uint_eq(site->count, 601);
    ck_assert_uint_eq(site->suppressed, 500);
    ck_assert_uint_eq(site->told, 101);
    ck_assert_int_eq(site->total, (100 + 9 + 250) * MS);
    ck_assert_int_eq(site->p99, MS);
    ck_assert_int_eq(site->longest, 9 * MS);
}
END_TEST

START_TEST(workers_of_one_program_share_their_sites)
{
    name_all();
    hand_blocked("fsync", 10 * MS, MS, in_handle);
    hand_pid = hand_tid = 101;
    hand_blocked("fsync", 12 * MS, 2 * MS, in_handle);
    const struct site *site = only(hand_findings());
    ck_assert_uint_eq(site->count, 2);
    ck_assert_int_eq(site->pid, 101);
}
END_TEST

START_TEST(an_address_is_looked_up_once)
{
    name_all();
    for (int i = 0; i < 50; i++)
        hand_blocked("fsync", (i + 1) * 10 * MS, MS, in_handle);
    hand_findings();
    ck_assert_int_eq(hand_lookups, 2);
}
END_TEST

START_TEST(a_place_is_named_as_the_program_that_ran_then_has_it)
{
    name_all();
    hand_process("/bin/first", "-x");
    hand_blocked("fsync", 10 * MS, MS, in_handle);
    hand_process("/bin/second", "-y");
    hand_blocked("fsync", 20 * MS, 2 * MS, in_handle);
    const struct findings *f = hand_findings();
    ck_assert_int_eq(f->site_count, 2);
    ck_assert_str_eq(site_frame(&f->sites[0])->function, "handle_of_2");
    ck_assert_str_eq(site_frame(&f->sites[1])->function, "handle");
    ck_assert_str_eq(f->command, "/bin/first -x");
}
END_TEST

START_TEST(the_callback_is_what_the_loop_s_library_has_called)
{
    static const uint64_t pcs[] = { READ_FILE, HANDLE, LIBRARY, MAIN, 0 };
    name_all();
    hand_blocked("read", 10 * MS, MS, pcs);
    hand_blocked("fsync", 20 * MS, MS, in_handle)->callback = CRUNCH;
    const struct findings *f = hand_findings();
    ck_assert_str_eq(f->sites[0].callback, "handle (app.c:40)");
    ck_assert_str_eq(f->sites[1].callback, "crunch (crunch.c:7)");
}
END_TEST

/* ---- what slept ------------------------------------------------------------------------------------------------------ */

START_TEST(an_interpreter_s_lines_take_the_place_of_its_evaluator)
{
    static const uint64_t pcs[] = { LIBC, EVAL, LIBRARY, EVAL, MAIN, 0 };
    name_all();
    hand_blocked("clock_nanosleep", 10 * MS, 4 * MS, pcs);
    hand_tid = 7;
    hand_blocked("fsync", 11 * MS, MS, in_handle);
    hand_tid = 100;
    hand_lines(LANGUAGE_PYTHON, "Stack (most recent call first):\n  File \"/srv/app.py\", line 6 in handle\n"
               "  File \"/usr/lib/python3.11/asyncio/events.py\", line 80 in _run\n");
    const struct findings *f = hand_findings();
    const struct site *site = &f->sites[0];
    ck_assert_int_eq(site->frame_count, 4);
    ck_assert_str_eq(site_frame(site)->file, "/srv/app.py");
    ck_assert_int_eq(site_frame(site)->line, 6);
    ck_assert_str_eq(site->frames[3].function, "main");
    ck_assert_str_eq(site->callback, "handle (app.py:6)");
    ck_assert(!f->sites[1].frames[0].language);
}
END_TEST

START_TEST(a_sleep_in_a_page_fault_is_told_with_its_address)
{
    name_all();
    hand_blocked(NULL, 10 * MS, 2 * MS, in_handle)->fault = 0x7f0000;
    hand_blocked(NULL, 20 * MS, 3 * MS, in_handle)->fault = 0x7f1000;
    const struct site *site = only(hand_findings());
    ck_assert_int_eq(site->verdict, FAULTS);
    ck_assert_str_eq(site->what, "page fault at 0x7f1000");
    ck_assert_uint_eq(site->count, 2);
}
END_TEST

START_TEST(a_sleep_outside_of_all_calls_has_the_system_call_that_was_seen_from_outside)
{
    static const uint64_t noticed[] = { MAIN, 0 };
    name_all();
    hand_seen(5, 0, 6 * MS, 'S', NULL, SYS_fsync, in_handle);
    hand_seen(5, 0, 30 * MS, 'S', NULL, SYS_read, later_in_handle);
    struct record_blocked *r = hand_blocked(NULL, 10 * MS, 9 * MS, noticed);
    r->iteration = 5;
    hand_blocked(NULL, 20 * MS, MS, noticed)->iteration = 5;
    const struct findings *f = hand_findings();
    ck_assert_int_eq(f->site_count, 2);
    ck_assert_str_eq(f->sites[0].what, "system call fsync");
    ck_assert_str_eq(site_frame(&f->sites[0])->function, "handle");
    ck_assert_str_eq(f->sites[1].what, "UNATTRIBUTED");
    ck_assert(hand_was_behind(HANDLE));
}
END_TEST

START_TEST(a_sleep_outside_of_all_calls_and_system_calls_is_a_page_fault)
{
    static const uint64_t noticed[] = { MAIN, 0 };
    name_all();
    hand_seen(5, 0, 6 * MS, 'S', NULL, -1, in_handle);
    hand_blocked(NULL, 10 * MS, 9 * MS, noticed)->iteration = 5;
    const struct site *site = only(hand_findings());
    ck_assert_int_eq(site->verdict, FAULTS);
    ck_assert_str_eq(site->what, "page fault");
    ck_assert_str_eq(site_frame(site)->function, "handle");
    ck_assert(!hand_was_behind(HANDLE));            /* it waits at that instruction, not behind it */
}
END_TEST

START_TEST(a_program_that_somebody_stopped_is_no_finding)
{
    static const uint64_t noticed[] = { MAIN, 0 };
    name_all();
    hand_seen(6, 20 * MS, 26 * MS, 'T', NULL, -1, in_handle);
    hand_blocked(NULL, 30 * MS, 8 * MS, noticed)->iteration = 6;
    const struct findings *f = hand_findings();
    ck_assert_int_eq(f->site_count, 0);
    ck_assert_ptr_nonnull(strstr(f->notes[0], "was stopped"));
}
END_TEST

START_TEST(a_call_that_could_have_slept_costs_nothing)
{
    name_all();
    hand_blocked("getaddrinfo", 10 * MS, 0, in_handle)->head.kind = RECORD_COULD_BLOCK;
    const struct findings *f = hand_findings();
    ck_assert_int_eq(only(f)->verdict, COULD_BLOCK);
    ck_assert_int_eq(only(f)->total, 0);
    ck_assert(!findings_fail(f));
}
END_TEST

/* ---- iterations ------------------------------------------------------------------------------------------------------ */

START_TEST(a_slow_iteration_that_slept_all_the_time_is_no_finding_of_its_own)
{
    name_all();
    hand_loop();
    hand_blocked("fsync", 20 * MS, 20 * MS, in_handle);
    hand_iteration(1, 0, MS / 2, MS / 10, 20 * MS);
    const struct findings *f = hand_findings();
    ck_assert_int_eq(only(f)->verdict, BLOCKED);
    ck_assert_int_eq(f->stretch_count, 2);
    ck_assert(f->stretches[0].iteration);
    ck_assert_int_eq(f->stretches[1].site, 0);
}
END_TEST

START_TEST(an_iteration_of_its_own_time_is_a_hog_named_where_most_looks_found_it)
{
    static const uint64_t in_crunch[] = { CRUNCH, HANDLE, MAIN, 0 }, in_step[] = { STEP, CRUNCH, HANDLE, MAIN, 0 };
    name_all();
    hand_seen(3, 0, 6 * MS, 'R', NULL, -1, in_step);
    hand_seen(3, 0, 11 * MS, 'R', NULL, -1, in_crunch);
    hand_seen(3, 0, 16 * MS, 'R', NULL, -1, in_crunch);
    hand_seen(3, 0, 18 * MS, 'R', "usleep", -1, in_step);
    hand_seen(4, 90 * MS, 96 * MS, 'R', NULL, -1, in_step);
    hand_iteration(3, 0, 20 * MS, MS, 0);
    const struct site *site = only(hand_findings());
    ck_assert_int_eq(site->verdict, HOG);
    ck_assert_int_eq(site->total, 20 * MS);
    ck_assert_str_eq(site_frame(site)->function, "crunch");
    ck_assert_int_eq(site->sample_count, 2);
    ck_assert_int_eq(site->samples[0].time, 20 * MS / 3);
    ck_assert_int_eq(site->samples[1].time, 20 * MS / 3 * 2);
}
END_TEST

START_TEST(a_hog_that_nobody_saw_is_named_by_its_callback)
{
    name_all();
    hand_iteration(3, 0, 2 * MS, 0, 0)->callback = CRUNCH;
    ck_assert_str_eq(site_frame(only(hand_findings()))->function, "crunch");
}
END_TEST

START_TEST(a_hog_is_one_also_on_a_busy_machine)
{
    name_all();
    hand_iteration(3, 0, 25 * MS, 60 * MS, 0)->callback = CRUNCH;
    const struct findings *f = hand_findings();
    ck_assert_int_eq(f->site_count, 2);
    ck_assert_int_eq(f->sites[0].verdict, STARVED);
    ck_assert_int_eq(f->sites[0].total, 60 * MS);
    ck_assert_int_eq(f->sites[1].verdict, HOG);
    ck_assert_int_eq(f->sites[1].total, 25 * MS);
    ck_assert_int_eq(f->stretches[0].site, 1);
}
END_TEST

START_TEST(an_iteration_that_waited_for_a_processor_is_starved_and_fails_nobody)
{
    hand_iteration(3, 0, MS, 30 * MS, 0);
    const struct findings *f = hand_findings();
    ck_assert_int_eq(only(f)->verdict, STARVED);
    ck_assert_int_eq(only(f)->longest, 30 * MS);
    ck_assert(!findings_fail(f));
}
END_TEST

START_TEST(a_hog_that_nobody_saw_belongs_to_the_callback_that_slept_in_between)
{
    static const uint64_t pcs[] = { READ_FILE, HANDLE, LIBRARY, MAIN, 0 };
    name_all();
    hand_blocked("read", 2 * MS, MS, pcs)->iteration = 3;
    hand_blocked("read", 3 * MS, MS, in_handle)->iteration = 4;
    hand_iteration(3, 0, 2 * MS, 0, MS);
    const struct findings *f = hand_findings();
    ck_assert_int_eq(f->site_count, 3);
    ck_assert_int_eq(f->sites[0].verdict, HOG);
    ck_assert_str_eq(site_frame(&f->sites[0])->function, "handle");
    ck_assert_int_eq(f->sites[0].frame_count, 1);
}
END_TEST

START_TEST(a_hog_in_a_library_is_named_where_its_looks_still_agree)
{
    static const uint64_t one[] = { LIBC, EVAL, LIBRARY, 0 }, other[] = { 77, EVAL, LIBRARY, 0 };
    name_all();
    hand_seen(3, 0, 6 * MS, 'R', NULL, -1, one);
    hand_seen(3, 0, 11 * MS, 'R', NULL, -1, other);
    hand_iteration(3, 0, 20 * MS, MS, 0);
    const struct site *site = only(hand_findings());
    ck_assert_int_eq(site->first_own, -1);
    ck_assert_str_eq(site_frame(site)->function, "_PyEval_EvalFrameDefault");
}
END_TEST

START_TEST(many_short_sleeps_in_one_iteration_are_a_long_one)
{
    name_all();
    for (int i = 0; i < 16; i++)
        hand_blocked("read", (i + 1) * MS / 10, MS / 10, in_handle)->iteration = 7;
    hand_blocked("fsync", 3 * MS, MS / 10, in_handle)->iteration = 8;
    hand_iteration(7, 0, MS / 10, 0, 5 * MS);
    const struct findings *f = hand_findings();
    ck_assert_int_eq(f->site_count, 2);
    ck_assert_int_eq(f->sites[0].at_once, 5 * MS);
    ck_assert_int_eq(f->sites[1].at_once, 0);
    ck_assert(site_fails(f, &f->sites[0]) && !site_fails(f, &f->sites[1]));
}
END_TEST

START_TEST(a_storm_of_page_faults_is_called_one)
{
    struct record_iteration *r = hand_iteration(3, 0, 20 * MS, 0, 0);
    r->minor_faults = 30000;
    r->major_faults = 2;
    ck_assert_ptr_nonnull(strstr(only(hand_findings())->asked, "a storm of 30002 page faults, 2 of them from a disk"));
}
END_TEST

/* ---- accounts and notes ---------------------------------------------------------------------------------------------- */

START_TEST(an_account_is_a_sum_also_when_the_process_was_killed)
{
    hand_process("/bin/app", "");
    struct slot *slot = hand_loop();
    atomic_store(&slot->state, SLOT_RUNS);
    slot->ran = slot->cpu = 5 * MS;
    slot->blocked = 90 * MS;
    slot->attributed = 80 * MS;
    const struct findings *f = hand_findings();
    ck_assert_int_eq(f->loop_count, 1);
    ck_assert_int_eq(f->loops[0].wall, f->loops[0].cpu + f->loops[0].delayed + f->loops[0].blocked);
    ck_assert(f->loops[0].open);
    ck_assert_str_eq(f->loops[0].program, "/bin/app");
}
END_TEST

START_TEST(a_sentence_is_said_once_however_many_processes_say_it)
{
    for (hand_pid = 100; hand_pid < 200; hand_pid++)
        hand_note("perf events are denied here: errno 13.");
    const struct findings *f = hand_findings();
    ck_assert_int_eq(f->note_count, 1);
}
END_TEST

START_TEST(what_was_dropped_is_said)
{
    atomic_store(&hand_journal.head->dropped, 12);
    const struct findings *f = hand_findings();
    ck_assert_uint_eq(f->dropped, 12);
    ck_assert_ptr_nonnull(strstr(f->notes[0], "12 records were dropped"));
}
END_TEST

/* ---- damage ---------------------------------------------------------------------------------------------------------- */

START_TEST(a_journal_that_was_trampled_on_harms_nobody)
{
    uint32_t dice = 7;
    name_all();
    hand_end();
    for (int round = 0; round < 1000; round++) {
        hand_begin();
        hand_loop();
        hand_process("/bin/app", "x");
        hand_blocked("read", 10 * MS, MS, in_handle);
        hand_lines(LANGUAGE_PYTHON, "  File \"/srv/app.py\", line 6 in handle\n");
        hand_iteration(3, 0, 20 * MS, MS, 0);
        hand_seen(3, 0, 6 * MS, 'R', NULL, -1, in_handle);
        hand_note("a note");
        for (int i = 0; i < 12; i++) {
            dice = dice * 1664525u + 1013904223u;
            hand_journal.records[(dice >> 8) % atomic_load(&hand_journal.head->cursor)] = (uint8_t)(dice >> 4);
        }
        hand_findings();
        hand_end();
    }
    hand_begin();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        sleeps_in_one_line_are_one_site_and_those_in_another_line_are_not,
        what_was_only_counted_is_in_the_total_and_not_in_the_percentile,
        workers_of_one_program_share_their_sites,
        an_address_is_looked_up_once,
        a_place_is_named_as_the_program_that_ran_then_has_it,
        the_callback_is_what_the_loop_s_library_has_called,
        an_interpreter_s_lines_take_the_place_of_its_evaluator,
        a_sleep_in_a_page_fault_is_told_with_its_address,
        a_sleep_outside_of_all_calls_has_the_system_call_that_was_seen_from_outside,
        a_sleep_outside_of_all_calls_and_system_calls_is_a_page_fault,
        a_program_that_somebody_stopped_is_no_finding,
        a_call_that_could_have_slept_costs_nothing,
        a_slow_iteration_that_slept_all_the_time_is_no_finding_of_its_own,
        an_iteration_of_its_own_time_is_a_hog_named_where_most_looks_found_it,
        a_hog_that_nobody_saw_is_named_by_its_callback,
        a_hog_is_one_also_on_a_busy_machine,
        an_iteration_that_waited_for_a_processor_is_starved_and_fails_nobody,
        a_hog_that_nobody_saw_belongs_to_the_callback_that_slept_in_between,
        a_hog_in_a_library_is_named_where_its_looks_still_agree,
        many_short_sleeps_in_one_iteration_are_a_long_one,
        a_storm_of_page_faults_is_called_one,
        an_account_is_a_sum_also_when_the_process_was_killed,
        a_sentence_is_said_once_however_many_processes_say_it,
        what_was_dropped_is_said,
        a_journal_that_was_trampled_on_harms_nobody,
        NULL
    };
    return hand_run("findings of blocking", tests);
}
