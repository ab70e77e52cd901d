/* test_blocking_lines.c - what interpreters say of where they are is read as it was meant, wherever it was cut. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/lines.h"

enum { MOST = 64 };

static struct frame frames[MOST];
static int count;

static void forget(void)
{
    for (int i = 0; i < count; i++) {
        free(frames[i].function);
        free(frames[i].file);
    }
    count = 0;
}

/* From memory of exactly that size, so that a step too far is seen. */
static void parse(enum language language, const char *text, size_t len)
{
    char *exact = malloc(len + 1);
    ck_assert_ptr_nonnull(exact);
    memmove(exact + 1, text, len);
    forget();
    count = lines_frames(language, exact + 1, len, frames, MOST);
    free(exact);
}

static void python(const char *text)
{
    parse(LANGUAGE_PYTHON, text, strlen(text));
}

static void javascript(const char *text)
{
    parse(LANGUAGE_JAVASCRIPT, text, strlen(text));
}

static void is_frame(int i, const char *function, const char *file, int line, bool own)
{
    ck_assert_int_lt(i, count);
    ck_assert_str_eq(frames[i].function, function);
    ck_assert_str_eq(frames[i].file, file);
    ck_assert_int_eq(frames[i].line, line);
    ck_assert(frames[i].language);
    ck_assert(frames[i].own == own);
}

static const char python_text[] =
    "Stack (most recent call first):\n"
    "  File \"/srv/app.py\", line 6 in handle\n"
    "  File \"/usr/lib/python3.11/asyncio/events.py\", line 80 in _run\n"
    "  File \"<frozen runpy>\", line 198 in _run_module_as_main\n"
    "  ...\n";

static const char javascript_text[] =
    "\n----- JavaScript stack trace -----\n\n"
    "1: spawnSync (node:internal/child_process:1109:29)\n"
    "2: doExec (/srv/app.js:2:46)\n"
    "3: /srv/app.js:5:20\n"
    "    at Object.<anonymous> (/srv/node_modules/x/y.js:7:1)\n\n\n";

START_TEST(python_lines_become_frames)
{
    python(python_text);
    ck_assert_int_eq(count, 3);
    is_frame(0, "handle", "/srv/app.py", 6, true);
    is_frame(1, "_run", "/usr/lib/python3.11/asyncio/events.py", 80, false);
    is_frame(2, "_run_module_as_main", "<frozen runpy>", 198, false);
}
END_TEST

START_TEST(javascript_lines_become_frames)
{
    javascript(javascript_text);
    ck_assert_int_eq(count, 4);
    is_frame(0, "spawnSync", "node:internal/child_process", 1109, false);
    is_frame(1, "doExec", "/srv/app.js", 2, true);
    is_frame(2, "<anonymous>", "/srv/app.js", 5, true);
    is_frame(3, "Object.<anonymous>", "/srv/node_modules/x/y.js", 7, false);
}
END_TEST

START_TEST(a_line_that_is_not_known_is_zero)
{
    python("  File \"/srv/app.py\", line ??? in handle\n");
    is_frame(0, "handle", "/srv/app.py", 0, true);
}
END_TEST

START_TEST(a_file_may_be_called_anything)
{
    python("  File \"/srv/a\", line 3 in b.py\", line 6 in handle\n");
    is_frame(0, "handle", "/srv/a\", line 3 in b.py", 6, true);
    javascript("1: doExec (/srv/a (b):3:4/c.js:2:46)\n2: /srv/a (b)/c.js:5:20\n");
    is_frame(0, "doExec", "/srv/a (b):3:4/c.js", 2, true);
    is_frame(1, "<anonymous>", "/srv/a (b)/c.js", 5, true);
}
END_TEST

START_TEST(what_python_has_escaped_is_read_back_and_nothing_else)
{
    python("  File \"/srv/caf\\xe9/\\u20ac/\\U0001f600.py\", line 6 in \\x41\\xzz\\ud800\\x\n");
    is_frame(0, "\\x41\\xzz\\ud800\\x", "/srv/caf\xc3\xa9/\xe2\x82\xac/\xf0\x9f\x98\x80.py", 6, true);
}
END_TEST

START_TEST(a_module_s_url_is_a_file)
{
    javascript("1: load (file:///srv/my%20app/100%25/%zz.mjs:2:46)\n2: file:///srv/a%2:5:20\n3: f (https://x/y%20.js:1:2)\n");
    ck_assert_int_eq(count, 3);
    is_frame(0, "load", "/srv/my app/100%/%zz.mjs", 2, true);
    is_frame(1, "<anonymous>", "/srv/a%2", 5, true);
    is_frame(2, "f", "https://x/y%20.js", 1, true);
}
END_TEST

START_TEST(what_is_no_line_is_passed_over)
{
    python("Stack (most recent call first):\n  <no Python frame>\n  File \"\", line 3 in f\n");
    ck_assert_int_eq(count, 0);
    python("  File \"x\", line 3\nFile \"x\" in f\n");
    ck_assert_int_eq(count, 0);
    javascript("1:\n: f (a.js:1:2)\n2: (a.js:1)\n3: f ()\nat \n4: f (:1:2)\n5: a.js:99999999999:1\n6: )\n");
    ck_assert_int_eq(count, 0);
    parse(LANGUAGE_NONE, python_text, strlen(python_text));
    ck_assert_int_eq(count, 0);
}
END_TEST

START_TEST(no_more_frames_than_there_is_room_for)
{
    forget();
    count = lines_frames(LANGUAGE_PYTHON, python_text, strlen(python_text), frames, 2);
    ck_assert_int_eq(count, 2);
    is_frame(1, "_run", "/usr/lib/python3.11/asyncio/events.py", 80, false);
}
END_TEST

/* A frame is there from some byte of its line on, and those before it stay as they are. */
static void split_everywhere(enum language language, const char *text, const char *function, const char *file)
{
    int before = 0;
    for (size_t len = 0; len <= strlen(text); len++) {
        parse(language, text, len);
        ck_assert_int_ge(count, before);
        ck_assert_int_le(count, before + 1);
        before = count;
        if (len > 0 && text[len - 1] == '\n' && count > 0)
            ck_assert(frames[count - 1].function[0] != 0);
    }
    is_frame(language == LANGUAGE_PYTHON ? 0 : 1, function, file, language == LANGUAGE_PYTHON ? 6 : 2, true);
}

START_TEST(it_may_be_cut_at_every_byte)
{
    split_everywhere(LANGUAGE_PYTHON, python_text, "handle", "/srv/app.py");
    split_everywhere(LANGUAGE_JAVASCRIPT, javascript_text, "doExec", "/srv/app.js");
}
END_TEST

static unsigned next(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Bytes of a real answer, some of them replaced by what means something. */
static size_t damage(const char *from, char *to, unsigned *state)
{
    static const char meaning[] = "\"\\:()\n ,x1<\xff";
    size_t len = strlen(from);
    memcpy(to, from, len);
    for (unsigned n = next(state) % 8; n > 0; n--)
        to[next(state) % len] = meaning[next(state) % (sizeof meaning - 1)];
    return next(state) % (len + 1);
}

START_TEST(whatever_it_says_frames_are_whole)
{
    unsigned state = 6;
    int whole = 0;
    for (int i = 0; i < 20000; i++) {
        char text[512];
        size_t len = damage(i % 2 ? python_text : javascript_text, text, &state);
        parse(i % 2 ? LANGUAGE_PYTHON : LANGUAGE_JAVASCRIPT, text, len);
        for (int f = 0; f < count; f++)
            ck_assert(*frames[f].file && *frames[f].function && frames[f].line >= 0);
        whole += count > 0;
    }
    ck_assert_int_gt(whole, 1000);
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("lines");
    tcase_add_checked_fixture(c, NULL, forget);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, python_lines_become_frames);
    tcase_add_test(c, javascript_lines_become_frames);
    tcase_add_test(c, a_line_that_is_not_known_is_zero);
    tcase_add_test(c, a_file_may_be_called_anything);
    tcase_add_test(c, what_python_has_escaped_is_read_back_and_nothing_else);
    tcase_add_test(c, a_module_s_url_is_a_file);
    tcase_add_test(c, what_is_no_line_is_passed_over);
    tcase_add_test(c, no_more_frames_than_there_is_room_for);
    tcase_add_test(c, it_may_be_cut_at_every_byte);
    tcase_add_test(c, whatever_it_says_frames_are_whole);
    Suite *s = suite_create("lines");
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
