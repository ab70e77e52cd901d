/* test_race.c - which address is tried next, and when: case 124 of Tornado's, the connector, test by test, with the rules of RFC
 * 8305. Two differences are meant: the families take turns, where Tornado stays in one after a failure; and a failure starts one
 * attempt, not one in each family. */
#include "stream/race.h"

#include "loop/tests/support.h"
#include "stream/address.h"

/* A race in which time passes by hand. a, b are of the first family, c, d of the other: the order is a c b d. */
static struct race race;
static struct address at[4];
static int64_t now;
static struct trace tried;

static char name_of(const struct address *a)
{
    static const char names[] = "abcd";
    return names[address_port(a)];
}

static void begin(int first, int second)
{
    for (int i = 0; i < first + second; i++)
        ck_assert_int_eq(address_parse(i < first ? "::1" : "127.0.0.1", i < first ? i : i - first + 2, &at[i]), 0);
    race_order(at, first + second);
    now = SECOND;
    tried = (struct trace){0};
    race_begin(&race, first + second, now);
}

/* What has been tried so far, when all that is due has begun. */
static const char *after(int64_t time)
{
    int i;
    now += time;
    while ((i = race_next(&race, now)) >= 0)
        trace_add(&tried, name_of(&at[i]));
    return tried.text;
}

static const char *failed_after(int64_t time)
{
    after(time);
    race_failed(&race, now);
    return after(0);
}

/* ---- case 124 ------------------------------------------------------------------------------------------------------- */

START_TEST(case_124_immediate_success)
{
    begin(2, 2);
    ck_assert_str_eq(after(0), "a");
    race_end(&race);
    ck_assert_str_eq(after(SECOND), "a");
    ck_assert_int_eq(race_due(&race), FOREVER);
    ck_assert(!race_lost(&race));
}
END_TEST

START_TEST(case_124_immediate_failure)
{
    begin(1, 0);
    ck_assert_str_eq(failed_after(0), "a");
    ck_assert(race_lost(&race));
}
END_TEST

START_TEST(case_124_one_family_second_try)
{
    begin(2, 0);
    ck_assert_str_eq(after(0), "a");
    ck_assert_str_eq(failed_after(0), "ab");
    ck_assert(!race_lost(&race));
}
END_TEST

START_TEST(case_124_one_family_second_try_failure)
{
    begin(2, 0);
    ck_assert_str_eq(failed_after(0), "ab");
    ck_assert_str_eq(failed_after(0), "ab");
    ck_assert(race_lost(&race));
}
END_TEST

START_TEST(case_124_one_family_second_try_timeout)
{
    begin(2, 0);
    ck_assert_str_eq(failed_after(0), "ab");
    ck_assert_str_eq(after(10 * RACE_DELAY), "ab");
    ck_assert_int_eq(race_due(&race), FOREVER);
    ck_assert(!race_lost(&race));                   /* b may still answer */
    ck_assert_str_eq(failed_after(0), "ab");
    ck_assert(race_lost(&race));
}
END_TEST

/* Tornado: b and c at once. Here c, which is of the other family. */
START_TEST(case_124_two_families_immediate_failure)
{
    begin(2, 2);
    ck_assert_str_eq(failed_after(0), "ac");
    ck_assert_str_eq(failed_after(0), "acb");
    ck_assert_str_eq(failed_after(0), "acbd");
    ck_assert(!race_lost(&race));
    race_end(&race);
    ck_assert_int_eq(race.running, 1);
}
END_TEST

START_TEST(case_124_two_families_timeout)
{
    begin(2, 2);
    ck_assert_str_eq(after(0), "a");
    ck_assert_str_eq(after(RACE_DELAY - 1), "a");
    ck_assert_str_eq(after(1), "ac");
    ck_assert_int_eq(race.running, 2);              /* a still runs beside it */
    race_end(&race);                                /* c wins: nothing else begins, whatever becomes of a */
    race_failed(&race, now);
    ck_assert_str_eq(after(SECOND), "ac");
}
END_TEST

START_TEST(case_124_success_after_timeout)
{
    begin(2, 2);
    ck_assert_str_eq(after(0), "a");
    ck_assert_str_eq(after(RACE_DELAY), "ac");
    race_end(&race);                                /* a wins, late */
    ck_assert_str_eq(after(SECOND), "ac");
}
END_TEST

START_TEST(case_124_all_fail)
{
    begin(2, 2);
    ck_assert_str_eq(after(RACE_DELAY), "a");       /* the first one begins when somebody first looks */
    ck_assert_str_eq(after(RACE_DELAY), "ac");
    ck_assert_str_eq(failed_after(0), "acb");
    ck_assert_str_eq(failed_after(0), "acbd");
    ck_assert(!race_lost(&race));
    failed_after(0);
    ck_assert(!race_lost(&race));
    failed_after(0);
    ck_assert(race_lost(&race));
}
END_TEST

START_TEST(case_124_one_family_timeout_after_connect_timeout)
{
    begin(2, 0);
    ck_assert_str_eq(after(RACE_DELAY / 2), "a");
    race_end(&race);                                /* time is up */
    ck_assert_str_eq(after(RACE_DELAY), "a");
    race_failed(&race, now);
    ck_assert_str_eq(after(0), "a");
}
END_TEST

START_TEST(case_124_one_family_success_before_connect_timeout)
{
    begin(2, 0);
    after(RACE_DELAY / 2);
    race_end(&race);
    ck_assert_int_eq(race_due(&race), FOREVER);
    ck_assert_str_eq(after(SECOND), "a");
}
END_TEST

START_TEST(case_124_one_family_second_try_after_connect_timeout)
{
    begin(2, 0);
    ck_assert_str_eq(failed_after(RACE_DELAY / 2), "ab");
    race_end(&race);                                /* time is up while b runs */
    race_failed(&race, now);
    ck_assert_str_eq(after(SECOND), "ab");
}
END_TEST

START_TEST(case_124_one_family_second_try_failure_before_connect_timeout)
{
    begin(2, 0);
    ck_assert_str_eq(failed_after(RACE_DELAY / 2), "ab");
    ck_assert_str_eq(failed_after(RACE_DELAY / 2), "ab");
    ck_assert(race_lost(&race));
}
END_TEST

START_TEST(case_124_two_family_timeout_before_connect_timeout)
{
    begin(2, 2);
    ck_assert_str_eq(after(0), "a");
    ck_assert_str_eq(after(RACE_DELAY), "ac");
    race_end(&race);                                /* time is up while a and c run */
    race_failed(&race, now);
    race_failed(&race, now);
    ck_assert_str_eq(after(SECOND), "ac");
    ck_assert_int_eq(race.running, 0);
}
END_TEST

START_TEST(case_124_two_family_success_after_timeout)
{
    begin(2, 2);
    ck_assert_str_eq(after(0), "a");
    ck_assert_str_eq(after(RACE_DELAY), "ac");
    ck_assert_str_eq(failed_after(0), "acb");       /* a fails, c runs */
    race_end(&race);
    ck_assert_str_eq(after(SECOND), "acb");
}
END_TEST

START_TEST(case_124_two_family_timeout_after_connect_timeout)
{
    begin(2, 2);
    ck_assert_str_eq(after(RACE_DELAY / 2), "a");
    race_end(&race);
    ck_assert_str_eq(after(RACE_DELAY), "a");
    ck_assert_int_eq(race_due(&race), FOREVER);
}
END_TEST

/* ---- the order ------------------------------------------------------------------------------------------------------ */

static const char *ordered(const char *families)
{
    static char out[16];
    struct address list[8] = {{ .len = 0 }};
    int count = (int)strlen(families);
    for (int i = 0; i < count; i++)
        address_parse(families[i] == '4' ? "127.0.0.1" : "::1", i, &list[i]);
    race_order(list, count);
    for (int i = 0; i < count; i++)
        out[i] = list[i].at.ss_family == AF_INET ? '4' : '6';
    out[count] = '\0';
    return out;
}

START_TEST(case_124_one_family_keeps_its_order)
{
    begin(2, 0);
    ck_assert(name_of(&at[0]) == 'a' && name_of(&at[1]) == 'b');
    ck_assert_str_eq(ordered(""), "");
    ck_assert_str_eq(ordered("4"), "4");
}
END_TEST

START_TEST(case_124_mixed_families_take_turns_and_begin_with_the_first)
{
    begin(2, 2);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(name_of(&at[i]), "acbd"[i]);
    ck_assert_str_eq(ordered("4466"), "4646");
    ck_assert_str_eq(ordered("6664"), "6466");
    ck_assert_str_eq(ordered("6444"), "6444");
    ck_assert_str_eq(ordered("44446"), "46444");
    ck_assert_str_eq(ordered("4664466"), "4646466");
}
END_TEST

/* ---- time ----------------------------------------------------------------------------------------------------------- */

START_TEST(a_failure_gives_the_next_one_its_whole_time)
{
    begin(2, 2);
    ck_assert_str_eq(failed_after(RACE_DELAY - MILLISECOND), "ac");
    ck_assert_str_eq(after(RACE_DELAY - 1), "ac");
    ck_assert_str_eq(after(1), "acb");
    ck_assert_int_eq(race_due(&race), now + RACE_DELAY);
}
END_TEST

START_TEST(after_a_long_absence_one_begins_not_all)
{
    begin(2, 2);
    ck_assert_str_eq(after(0), "a");
    ck_assert_str_eq(after(100 * RACE_DELAY), "ac");
}
END_TEST

int main(void)
{
    const TTest *const connector[] = {
        case_124_immediate_success,
        case_124_immediate_failure,
        case_124_one_family_second_try,
        case_124_one_family_second_try_failure,
        case_124_one_family_second_try_timeout,
        case_124_two_families_immediate_failure,
        case_124_two_families_timeout,
        case_124_success_after_timeout,
        case_124_all_fail,
        case_124_one_family_timeout_after_connect_timeout,
        case_124_one_family_success_before_connect_timeout,
        case_124_one_family_second_try_after_connect_timeout,
        case_124_one_family_second_try_failure_before_connect_timeout,
        case_124_two_family_timeout_before_connect_timeout,
        case_124_two_family_success_after_timeout,
        case_124_two_family_timeout_after_connect_timeout,
        NULL
    };
    const TTest *const rules[] = {
        case_124_one_family_keeps_its_order,
        case_124_mixed_families_take_turns_and_begin_with_the_first,
        a_failure_gives_the_next_one_its_whole_time,
        after_a_long_absence_one_begins_not_all,
        NULL
    };
    Suite *suite = suite_create("race");
    add_tests(suite, "connector", connector, 0);
    add_tests(suite, "rules", rules, 0);
    return run_suite(suite);
}
