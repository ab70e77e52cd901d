/* test_student_recording.c - what is kept of a conversation can be read back, however the file was damaged. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "grader/recording.h"

static struct wire w;

static void add(FILE *f, enum speaker who, enum wire_kind kind, int64_t id, const char *text)
{
    wire_clear(&w, kind);
    w.args[0] = id;
    wire_put(&w, text, strlen(text));
    ck_assert(recording_add(f, who, &w));
}

static FILE *conversation(void)
{
    FILE *f = tmpfile();
    ck_assert_ptr_nonnull(f);
    add(f, SPEAKER_JUDGE, WIRE_ORDER, 1, "reset");
    add(f, SPEAKER_PROBE, WIRE_DONE, 1, "");
    add(f, SPEAKER_JUDGE, WIRE_ORDER, 2, "reset");
    add(f, SPEAKER_PROBE, WIRE_DONE, 2, "");
    add(f, SPEAKER_JUDGE, WIRE_ORDER, 3, "run");
    add(f, SPEAKER_PROBE, WIRE_EVENT, 0, "A");
    rewind(f);
    return f;
}

static int count(FILE *f)
{
    enum speaker who;
    int n = 0;
    rewind(f);
    while (recording_next(f, &who, &w))
        n++;
    return n;
}

START_TEST(what_was_added_comes_back_in_order)
{
    FILE *f = conversation();
    enum speaker who;
    ck_assert(recording_next(f, &who, &w));
    ck_assert_int_eq(who, SPEAKER_JUDGE);
    ck_assert_int_eq(w.kind, WIRE_ORDER);
    ck_assert_str_eq(w.data, "reset");
    for (int i = 0; i < 5; i++)
        ck_assert(recording_next(f, &who, &w));
    ck_assert_int_eq(who, SPEAKER_PROBE);
    ck_assert_str_eq(w.data, "A");
    ck_assert(!recording_next(f, &who, &w));
    fclose(f);
}
END_TEST

START_TEST(the_last_world_begins_with_the_last_reset)
{
    FILE *f = conversation();
    ck_assert_int_eq(recording_last_world(f), 2);
    ck_assert_int_eq(count(f), 6);
    fclose(f);
    f = tmpfile();
    add(f, SPEAKER_JUDGE, WIRE_ORDER, 9, "run");
    ck_assert_int_eq(recording_last_world(f), 0);
    fclose(f);
}
END_TEST

START_TEST(a_file_that_is_cut_off_ends_there)
{
    static char bytes[1 << 12];
    FILE *f = conversation();
    size_t size = fread(bytes, 1, sizeof bytes, f), cut = size - 1;
    fclose(f);
    f = tmpfile();
    fwrite(bytes, 1, cut, f);
    ck_assert_int_eq(count(f), 5);
    fclose(f);
}
END_TEST

START_TEST(a_length_that_is_none_is_not_believed)
{
    FILE *f = tmpfile();
    char who = SPEAKER_JUDGE;
    wire_clear(&w, WIRE_ORDER);
    w.len = WIRE_DATA;
    ck_assert(!recording_add(f, SPEAKER_JUDGE, &w));
    fwrite(&who, 1, 1, f);
    fwrite(&w, offsetof(struct wire, data), 1, f);
    ck_assert_int_eq(count(f), 0);
    fclose(f);
    f = tmpfile();
    fputs("this is a text", f);
    ck_assert_int_eq(count(f), 0);
    fclose(f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("recording");
    TCase *tc = tcase_create("recording");
    tcase_add_test(tc, what_was_added_comes_back_in_order);
    tcase_add_test(tc, the_last_world_begins_with_the_last_reset);
    tcase_add_test(tc, a_file_that_is_cut_off_ends_there);
    tcase_add_test(tc, a_length_that_is_none_is_not_believed);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed > 0;
}
