/* test_lab.c - lab.ini: what it says, what it must not leave out, and that no bytes can break its reader. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader/lab.h"
#include "loop/tests/support.h"

static const char good[] =
    "; a comment\n"
    "[lab]\n"
    "id = 02\n"
    "title = The loop\n"
    "floor = 6\n"
    "files = timeouts.c:loop/timeouts.c\n"
    "    tests.txt notes.md?\n"
    "\n"
    "[budget]\n"
    "wall_ms = 2000\n"
    "cpu_s = 2\n"
    "memory_mb = 256\n"
    "output_kb = 64\n"
    "file_kb = 128\n"
    "[scan]\n"
    "allow = memcpy memset\n"
    "[A1]\n"
    "title = callbacks run in order\n"
    "points = 60\n"
    "visibility = visible\n"
    "property = The grader will queue callbacks,\n"
    "  and compare = the order.\n"
    "hint1 = which end?\n"
    "hint2 = loop_add_callback\n"
    "hint3 = list_append(&loop->ready, call);\n"
    "[H1]\n"
    "title = other seeds\n"
    "points = 40\n"
    "visibility = hidden\n"
    "property = The same.\n"
    "hint1 = a\n"
    "hint2 = b\n"
    "hint3 = c\n";

static char root[64], folder[128], error[1024];

static void make(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void put(const char *name, const char *data, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fwrite(data, 1, len, f);
    ck_assert_int_eq(fclose(f), 0);
}

static void set_up(void)
{
    strcpy(root, "/tmp/test-lab-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    make("loop");
    make("labs");
    make("labs/02-loop");
    make("labs/02-loop/start");
    make("labs/notes");
    make("labs/10-websocket");
    put("loop/timeouts.c", "", 0);
    put("labs/02-loop/start/timeouts.c", "", 0);
    put("labs/02-loop/start/tests.txt", "", 0);
    put("labs/10-websocket/lab.ini", "", 0);
    snprintf(folder, sizeof folder, "%s/labs/02-loop", root);
    *error = 0;
}

static void tear_down(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
}

static struct lab *load(const char *data, size_t len)
{
    put("labs/02-loop/lab.ini", data, len);
    return lab_load(folder, error, sizeof error);
}

/* The good file with the first `from` replaced by `to` is refused, with that line and these words. */
static void refused(const char *from, const char *to, int line, const char *words)
{
    char text[8192], place[192];
    const char *at = strstr(good, from);
    ck_assert_ptr_nonnull(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
    ck_assert_ptr_null(load(text, strlen(text)));
    snprintf(place, sizeof place, line ? "%s/lab.ini:%d: " : "%s/lab.ini: ", folder, line);
    ck_assert_msg(strncmp(error, place, strlen(place)) == 0, "not at %s but: %s", place, error);
    ck_assert_msg(strstr(error, words) != NULL, "no \"%s\" in: %s", words, error);
    ck_assert_ptr_null(strchr(error, '\n'));
}

START_TEST(a_good_file_is_read)
{
    struct lab *lab = load(good, strlen(good));
    ck_assert_msg(lab, "%s", error);
    ck_assert_str_eq(lab->id, "02");
    ck_assert_str_eq(lab->name, "02-loop");
    ck_assert_str_eq(lab->title, "The loop");
    ck_assert_str_eq(lab->folder, folder);
    ck_assert_int_eq(lab->floor, 6);
    ck_assert_int_eq(lab->budget.wall_ms, 2000);
    ck_assert_int_eq(lab->budget.file_kb, 128);
    ck_assert_str_eq(lab->allow, "memcpy memset");
    ck_assert_str_eq(lab->judged, "");
    lab_free(lab);
}
END_TEST

START_TEST(files_are_code_texts_and_optional_ones)
{
    struct lab *lab = load(good, strlen(good));
    ck_assert_msg(lab, "%s", error);
    ck_assert_int_eq(lab->file_count, 3);
    ck_assert_str_eq(lab->files[0].name, "timeouts.c");
    ck_assert_str_eq(lab->files[0].source, "loop/timeouts.c");
    ck_assert_ptr_null(lab->files[1].source);
    ck_assert(!lab->files[1].optional);
    ck_assert_str_eq(lab->files[2].name, "notes.md");
    ck_assert(lab->files[2].optional);
    lab_free(lab);
}
END_TEST

START_TEST(items_have_all_their_words)
{
    struct lab *lab = load(good, strlen(good));
    ck_assert_msg(lab, "%s", error);
    ck_assert_int_eq(lab->item_count, 2);
    const struct lab_item *a1 = lab_item(lab, "A1"), *h1 = lab_item(lab, "H1");
    ck_assert_str_eq(a1->property, "The grader will queue callbacks, and compare = the order.");
    ck_assert_str_eq(a1->hints[2], "list_append(&loop->ready, call);");
    ck_assert_int_eq(a1->points, 60);
    ck_assert(!a1->hidden);
    ck_assert(h1->hidden);
    ck_assert_ptr_null(lab_item(lab, "A9"));
    lab_free(lab);
}
END_TEST

START_TEST(a_line_may_be_longer_than_inihs)
{
    char text[8192], words[1500] = "";
    for (int i = 0; i < 150; i++)
        snprintf(words + strlen(words), 12, "%sword%04d", i ? " " : "", i);
    snprintf(text, sizeof text, "%s", good);
    char *at = strstr(text, "The same.");
    snprintf(at, sizeof text - (size_t)(at - text), "%s%s", words, strstr(good, "The same.") + 9);
    struct lab *lab = load(text, strlen(text));
    ck_assert_msg(lab, "%s", error);
    ck_assert_str_eq(lab_item(lab, "H1")->property, words);
    lab_free(lab);
}
END_TEST

START_TEST(windows_line_ends_and_a_byte_order_mark_do_no_harm)
{
    char text[8192] = "\xef\xbb\xbf";
    size_t used = 3;
    for (const char *c = good; *c; c++) {
        if (*c == '\n')
            text[used++] = '\r';
        text[used++] = *c;
    }
    struct lab *lab = load(text, used);
    ck_assert_msg(lab, "%s", error);
    ck_assert_str_eq(lab_item(lab, "H1")->hints[2], "c");
    lab_free(lab);
}
END_TEST

START_TEST(what_is_unknown_is_refused)
{
    refused("[budget]", "[budgets]", 9, "unknown section [budgets]");
    refused("floor = 6", "flour = 6", 5, "unknown key \"flour\" in [lab]");
    refused("[H1]", "[H100]", 26, "unknown section [H100]");
    refused("wall_ms = 2000", "points = 1", 10, "unknown key \"points\" in [budget]");
    refused("[lab]\n", "", 2, "a key before the first [section]");
    refused("cpu_s = 2", "cpu_s", 11, "neither a [section] nor key = value");
}
END_TEST

START_TEST(what_is_missing_is_named)
{
    refused("title = The loop\n", "", 2, "[lab] does not say \"title\"");
    refused("hint2 = b\n", "", 26, "[H1] does not say \"hint2\"");
    refused("cpu_s = 2\n", "", 9, "[budget] does not say \"cpu_s\"");
    refused("visibility = hidden\n", "", 26, "[H1] does not say \"visibility\"");
    refused("property = The same.\n", "property =\n", 30, "the value is empty");
}
END_TEST

START_TEST(what_is_said_twice_is_refused)
{
    refused("floor = 6", "floor = 6\nfloor = 7", 6, "floor is said twice");
    refused("title = other seeds", "title = a\ntitle = b", 28, "title is said twice");
    refused("[H1]", "[A1]", 26, "[A1] was there already, in line 17");
    refused("[scan]", "[lab]", 15, "[lab] was there already, in line 2");
    refused("tests.txt notes.md?", "tests.txt tests.txt", 6, "tests.txt is there twice");
}
END_TEST

START_TEST(numbers_are_numbers)
{
    refused("points = 40", "points = forty", 28, "points must be a number from 1 to 100, not \"forty\"");
    refused("points = 40", "points = 40 x", 28, "points must be a number");
    refused("points = 40", "points = -40", 28, "points must be a number");
    refused("points = 40", "points = 99999999999999999999", 28, "points must be a number");
    refused("points = 40", "points = 0", 28, "points must be a number");
    refused("points = 40", "points = 41", 0, "add up to 101 instead of 100");
    refused("hidden\n", "secret\n", 29, "visibility is visible or hidden, not \"secret\"");
}
END_TEST

START_TEST(files_must_exist_and_stay_inside)
{
    refused("loop/timeouts.c", "loop/timeout.c", 6, "there is no file loop/timeout.c");
    refused("tests.txt", "test.txt", 6, "there is no file start/test.txt");
    refused("loop/timeouts.c", "../etc/passwd", 6, "a file is NAME:PRODUCTION-FILE");
    refused("timeouts.c:loop", "a/timeouts.c:loop", 6, "a file is NAME:PRODUCTION-FILE");
    refused("files = timeouts.c:loop/timeouts.c", "files = timeouts.c", 6, "takes a production file's place");
    refused("id = 02", "id = 03", 2, "the folder must be called 03-something, not 02-loop");
}
END_TEST

START_TEST(silences_of_the_format_are_errors)
{
    refused("The same.", "The same ; as A1.", 30, "would begin a comment");
    refused("[H1]", "[H1] points = 3", 26, "nothing may follow the ]");
    refused("[H1]", "[H1", 26, "a section is written [name]");
    refused("other seeds", "other\001seeds", 27, "bytes that are no text");
}
END_TEST

START_TEST(a_missing_file_is_a_sentence)
{
    ck_assert_ptr_null(lab_load(folder, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "/labs/02-loop/lab.ini: No such file or directory"));
    ck_assert_ptr_null(load("", 0));
    ck_assert_ptr_nonnull(strstr(error, "there is no section [lab]"));
}
END_TEST

START_TEST(labs_are_found_by_number_and_by_name)
{
    char labs[128], found[256], wanted[256];
    snprintf(labs, sizeof labs, "%s/labs", root);
    put("labs/02-loop/lab.ini", "", 0);
    snprintf(wanted, sizeof wanted, "%s/02-loop", labs);
    const char *names[] = { "02", "2", "002", "02-loop", "loop" };
    for (int i = 0; i < 5; i++) {
        ck_assert(lab_find(labs, names[i], found, sizeof found, error, sizeof error));
        ck_assert_str_eq(found, wanted);
    }
    const char *wrong[] = { "", "3", "1", "loo", "02-", "2x", "../labs/02-loop", "-2", " 2", "notes",
                            "99999999999999999999" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(!lab_find(labs, wrong[i], found, sizeof found, error, sizeof error), "%s is a lab", wrong[i]);
        ck_assert_ptr_nonnull(strstr(error, "there is 02-loop, 10-websocket"));
    }
}
END_TEST

/* Whatever the bytes, the answer is a lab or a sentence that names the file. */
static void survive(const char *data, size_t len)
{
    *error = 0;
    struct lab *lab = load(data, len);
    ck_assert(lab || strstr(error, "lab.ini:"));
    lab_free(lab);
}

START_TEST(every_truncation_is_a_lab_or_a_sentence)
{
    for (size_t len = 0; len <= strlen(good); len++)
        survive(good, len);
}
END_TEST

START_TEST(every_damaged_byte_is_a_lab_or_a_sentence)
{
    static const char damage[] = { 0, '[', ']', '=', ';', '\n', ' ', '\xff', ':', '?' };
    char text[sizeof good];
    for (size_t at = 0; at < sizeof good - 1; at++) {
        memcpy(text, good, sizeof good);
        text[at] = damage[at % sizeof damage];
        survive(text, sizeof good - 1);
    }
}
END_TEST

START_TEST(random_bytes_are_a_sentence)
{
    static const char alphabet[] = "[]=:;# \t\n\rlabA1points\"?\\/.\xff\xc3";
    uint64_t state = 4815162342;
    char text[2048];
    for (int round = 0; round < 2000; round++) {
        size_t len = 0;
        for (size_t wanted = state % sizeof text; len < wanted; len++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            text[len] = round % 2 ? (char)state : alphabet[state % (sizeof alphabet)];
        }
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        survive(text, len);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_good_file_is_read,
        files_are_code_texts_and_optional_ones,
        items_have_all_their_words,
        a_line_may_be_longer_than_inihs,
        windows_line_ends_and_a_byte_order_mark_do_no_harm,
        what_is_unknown_is_refused,
        what_is_missing_is_named,
        what_is_said_twice_is_refused,
        numbers_are_numbers,
        files_must_exist_and_stay_inside,
        silences_of_the_format_are_errors,
        a_missing_file_is_a_sentence,
        labs_are_found_by_number_and_by_name,
        every_truncation_is_a_lab_or_a_sentence,
        every_damaged_byte_is_a_lab_or_a_sentence,
        random_bytes_are_a_sentence,
        NULL
    };
    Suite *suite = suite_create("lab");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_set_timeout(all, 120);
    for (const TTest **t = tests; *t; t++)
        tcase_add_test(all, *t);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
