/* test_blocking_looks.c - the looks at what hangs: when they are due, how late they came, and that what was seen by the process
 * that looks reaches the watcher, each record whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grader/blocking/gather_inside.h"
#include "grader/blocking/gather_pass.h"
#include "grader/blocking/stuck.h"
#include "grader/blocking/stuck_late.h"
#include "grader/tests/blocking/by_hand.h"

enum { MS = 1000000, LEAF = 0x10, CALLER = 0x20 };

static int ends[2];
static struct gather *other;

static void ends_begin(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    other = gather_new(&hand_journal, NULL);
    ck_assert_ptr_nonnull(other);
}

/* All that is in the socket; its other end is closed. */
static int receive_rest(void)
{
    close(ends[1]);
    int rc = gather_receive(other, ends[0]);
    close(ends[0]);
    return rc;
}

/* A sleep of a thread that was killed, and two looks at one that runs. */
static void three_seen(void)
{
    static const uint64_t pcs[] = { LEAF, CALLER, 0 };
    hand_name(LEAF, "leaf", "file.c", 7, "program", true);
    hand_name(CALLER, "caller", "file.c", 9, "program", true);
    hand_blocked("nanosleep", 30 * MS, 20 * MS, pcs);
    gather_read(hand_gather, true);
    hand_seen(1, 40 * MS, 45 * MS, 'R', NULL, -1, pcs);
    hand_seen(1, 40 * MS, 50 * MS, 'S', "read", 0, pcs);
}

START_TEST(what_one_process_has_gathered_is_another_s)
{
    ends_begin();
    three_seen();
    gather_note(hand_gather, "it was late by %d ms", 3);
    ck_assert_int_eq(gather_send(hand_gather, ends[1]), 0);
    ck_assert_int_eq(receive_rest(), 0);
    ck_assert_uint_eq(other->count, hand_gather->count + 1);
    for (size_t i = 0; i < hand_gather->count; i++)
        ck_assert_mem_eq(other->entries[i].record, hand_gather->entries[i].record, hand_gather->entries[i].record->size);
    struct findings *found = gather_end(other);
    ck_assert_int_eq(found->site_count, 1);
    ck_assert_str_eq(found->sites[0].frames[0].function, "leaf");
    ck_assert_str_eq(found->notes[0], "it was late by 3 ms");
    findings_free(found);
    gather_free(other);
}
END_TEST

START_TEST(a_note_that_both_have_is_told_once)
{
    ends_begin();
    gather_note(hand_gather, "both");
    gather_note(other, "both");
    ck_assert_int_eq(gather_send(hand_gather, ends[1]), 0);
    ck_assert_int_eq(receive_rest(), 0);
    struct findings *found = gather_end(other);
    ck_assert_int_eq(found->note_count, 1);
    findings_free(found);
    gather_free(other);
}
END_TEST

START_TEST(of_one_that_was_cut_off_counts_what_came_whole)
{
    ends_begin();
    three_seen();
    const struct record *first = hand_gather->entries[0].record, *second = hand_gather->entries[1].record;
    ck_assert_int_eq(send(ends[1], first, first->size, 0), first->size);
    ck_assert_int_eq(send(ends[1], second, second->size - 1, 0), second->size - 1);
    ck_assert_int_eq(receive_rest(), -EPROTO);
    ck_assert_uint_eq(other->count, 1);
    gather_free(other);
}
END_TEST

START_TEST(a_size_that_cannot_be_is_not_believed)
{
    const uint32_t wrong[] = { 0, 8, sizeof(struct record) - 1, UINT32_MAX };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct record record = { .size = wrong[i], .kind = RECORD_NOTE };
        ends_begin();
        ck_assert_int_eq(send(ends[1], &record, sizeof record, 0), sizeof record);
        ck_assert_int_eq(receive_rest(), -EPROTO);
        ck_assert_uint_eq(other->count, 0);
        gather_free(other);
    }
}
END_TEST

START_TEST(nothing_is_said_to_one_who_is_gone)
{
    ends_begin();
    three_seen();
    close(ends[0]);
    ck_assert_int_eq(gather_send(hand_gather, ends[1]), -EPIPE);
    close(ends[1]);
    gather_free(other);
}
END_TEST

START_TEST(lateness_is_told_by_its_ranks_and_its_worst)
{
    struct late late = {0};
    ck_assert_int_eq(late_within(&late, 50), 0);
    for (int i = 1; i <= 100; i++)
        late_add(&late, i * 10000 - 1);
    ck_assert_int_eq(late_within(&late, 50), 500000);
    ck_assert_int_eq(late_within(&late, 95), 950000);
    ck_assert_int_eq(late_within(&late, 100), 999999);
    ck_assert_int_eq(late.worst, 999999);
    ck_assert_uint_eq(late.count, 100);
}
END_TEST

START_TEST(a_look_that_came_when_all_was_over_does_not_disappear)
{
    struct late late = {0};
    late_add(&late, -5);
    late_add(&late, INT64_MAX);
    ck_assert_int_eq(late_within(&late, 50), LATE_STEP);
    ck_assert_int_eq(late_within(&late, 95), INT64_MAX);
    ck_assert_int_eq(late.worst, INT64_MAX);
}
END_TEST

/* When the only loop is looked at next, if it came to be in that state so many ns ago. */
static int64_t due(enum slot_state state, int64_t ago)
{
    const int64_t now = (int64_t)1000000 * MS;
    struct stuck *stuck = stuck_new(&hand_journal, hand_gather);
    ck_assert_ptr_nonnull(stuck);
    atomic_store(&hand_journal.slots[0].state, state);
    atomic_store(&hand_journal.slots[0].since, now - ago);
    int64_t next = stuck_look(stuck, now);
    stuck_free(stuck);
    return next - now;
}

START_TEST(a_look_is_due_when_an_iteration_may_be_stuck_and_within_two_milliseconds)
{
    hand_loop();
    const int64_t stuck = hand_journal.head->wishes.stuck;
    ck_assert_int_eq(due(SLOT_RUNS, 2 * MS), stuck - 2 * MS);
    for (int64_t ago = 0; ago < stuck; ago += MS / 10) {
        ck_assert_int_ge(due(SLOT_RUNS, ago), stuck - ago);
        ck_assert_int_lt(due(SLOT_RUNS, ago), stuck - ago + 2 * MS);
    }
}
END_TEST

START_TEST(a_loop_that_waits_or_turns_fast_wakes_nobody_more_often_than_it_must)
{
    hand_loop();
    const int64_t stuck = hand_journal.head->wishes.stuck;
    ck_assert_int_ge(due(SLOT_WAITS, 0), stuck + MS);
    ck_assert_int_eq(due(SLOT_WAITS, 1000 * MS), due(SLOT_WAITS, 0));
    ck_assert_int_ge(due(SLOT_RUNS, MS / 10), stuck + MS);
    ck_assert_int_lt(due(SLOT_WAITS, 0), stuck + 2 * MS);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_one_process_has_gathered_is_another_s, a_note_that_both_have_is_told_once,
        of_one_that_was_cut_off_counts_what_came_whole, a_size_that_cannot_be_is_not_believed,
        nothing_is_said_to_one_who_is_gone, lateness_is_told_by_its_ranks_and_its_worst,
        a_look_that_came_when_all_was_over_does_not_disappear,
        a_look_is_due_when_an_iteration_may_be_stuck_and_within_two_milliseconds,
        a_loop_that_waits_or_turns_fast_wakes_nobody_more_often_than_it_must, NULL,
    };
    return hand_run("looks", tests);
}
