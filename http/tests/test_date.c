/* test_date.c - the time of day, written and read, against the C library's calendar. */
#include "http/date.h"

#include <time.h>

#include "http/tests/heads.h"

static int64_t read_at(const char *text, int64_t now)
{
    int64_t seconds = -1;
    return date_read(text_of(text), now, &seconds) < 0 ? INT64_MIN : seconds;
}

START_TEST(the_examples_of_rfc_9110)
{
    char out[DATE_TEXT];
    ck_assert_str_eq(date_write(784111777, out), "Sun, 06 Nov 1994 08:49:37 GMT");
    ck_assert_int_eq(read_at("Sun, 06 Nov 1994 08:49:37 GMT", 0), 784111777);
    ck_assert_int_eq(read_at("Sunday, 06-Nov-94 08:49:37 GMT", 784111777), 784111777);
    ck_assert_int_eq(read_at("Sun Nov  6 08:49:37 1994", 0), 784111777);
    ck_assert_int_eq(read_at("Sun Nov 16 08:49:37 1994", 0), 784111777 + 864000);
}
END_TEST

/* EDDY_SEEDS: one day in 1009. */
START_TEST(every_day_is_written_as_the_c_library_has_it_and_read_again)
{
    const int64_t step = getenv("EDDY_SEEDS") ? 1009 : 1;
    for (int64_t day = -719162; day <= 2932896; day += step + day % 37 * (day > 0)) {
        char out[DATE_TEXT], expected[64];
        time_t seconds = (time_t)(day * 86400 + (day * 7919 % 86400 + 86400) % 86400);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        strftime(expected, sizeof expected, "%a, %d %b ", &tm);
        sprintf(expected + strlen(expected), "%04d %02d:%02d:%02d GMT", tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
        if (strcmp(date_write(seconds, out), expected) != 0)
            ck_assert_str_eq(out, expected);
        MUST(read_at(out, 0) == seconds);
    }
}
END_TEST

START_TEST(years_that_cannot_be_written_are_cut)
{
    char out[DATE_TEXT];
    ck_assert_str_eq(date_write(INT64_MAX, out), "Fri, 31 Dec 9999 23:59:59 GMT");
    ck_assert_str_eq(date_write(INT64_MIN, out), "Mon, 01 Jan 0001 00:00:00 GMT");
}
END_TEST

START_TEST(a_year_of_two_digits_is_at_most_fifty_years_ahead)
{
    const int64_t in_2024 = 1720000000;
    char out[DATE_TEXT];
    ck_assert_str_eq(date_write(read_at("Sunday, 06-Nov-74 08:49:37 GMT", in_2024), out), "Tue, 06 Nov 2074 08:49:37 GMT");
    ck_assert_str_eq(date_write(read_at("Sunday, 06-Nov-75 08:49:37 GMT", in_2024), out), "Thu, 06 Nov 1975 08:49:37 GMT");
    ck_assert_str_eq(date_write(read_at("Sunday, 06-Nov-00 08:49:37 GMT", in_2024), out), "Mon, 06 Nov 2000 08:49:37 GMT");
    ck_assert_str_eq(date_write(read_at("Sunday, 06-Nov-00 08:49:37 GMT", 784111777), out), "Mon, 06 Nov 2000 08:49:37 GMT");
}
END_TEST

START_TEST(what_is_no_date_is_refused)
{
    static const char *const wrong[] = {
        "", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Son, 06 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 1900 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 0000 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT", "Monda, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 94", "Sun, +6 Nov 1994 08:49:37 GMT", "784111777",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(read_at(wrong[i], 0) == INT64_MIN, "\"%s\" was read as a date", wrong[i]);
    ck_assert_int_ne(read_at("Sat, 31 Dec 2016 23:59:60 GMT", 0), INT64_MIN);
    ck_assert_int_eq(read_at("Fri, 31 Dec 9999 23:59:60 GMT", 0), read_at("Fri, 31 Dec 9999 23:59:59 GMT", 0));
    ck_assert_int_ne(read_at("Tue, 29 Feb 2000 00:00:00 GMT", 0), INT64_MIN);
}
END_TEST

START_TEST(a_date_that_is_cut_off_anywhere_is_none)
{
    static const char *const dates[] = { "Sun, 06 Nov 1994 08:49:37 GMT", "Wednesday, 09-Nov-94 08:49:37 GMT",
                                         "Sun Nov  6 08:49:37 1994" };
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++)
        for (size_t len = 0; len < strlen(dates[i]); len++) {
            char *block = malloc(len ? len : 1);
            int64_t seconds;
            memcpy(block, dates[i], len);
            ck_assert_int_eq(date_read((struct bytes){ block, len }, 784111777, &seconds), -EINVAL);
            free(block);
        }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_examples_of_rfc_9110,
        every_day_is_written_as_the_c_library_has_it_and_read_again,
        years_that_cannot_be_written_are_cut,
        a_year_of_two_digits_is_at_most_fifty_years_ahead,
        what_is_no_date_is_refused,
        a_date_that_is_cut_off_anywhere_is_none,
        NULL
    };
    Suite *suite = suite_create("date");
    add_tests(suite, "date", tests, 0);
    return run_suite(suite);
}
