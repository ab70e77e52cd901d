/* test_watch_view.c - pages for terminals of any size, and the keys that come from them. */
#include "grader/tests/watch_world.h"
#include "grader/watch/keys.h"
#include "grader/watch/view.h"

static struct page page;
static struct session s;
static struct scene scene;

/* ---- pages -------------------------------------------------------------------------------------------------------- */

START_TEST(a_row_is_cut_where_a_character_ends)
{
    page_begin(&page, 5, 3, false, true);
    page_put(&page, PLAIN, "ab\xc3\xa9\xe4\xb8\xad\xe4\xb8\xad!");
    page_row(&page);
    ck_assert_str_eq(page_text(&page, 0), "ab\xc3\xa9\xe4\xb8\xad");
    page_put(&page, PLAIN, "abcd\xe4\xb8\xad");
    page_row(&page);
    ck_assert_str_eq(page_text(&page, 1), "abcd");
    page_put(&page, PLAIN, "abcde\xcc\x81");
    page_row(&page);
    ck_assert_str_eq(page_text(&page, 2), "abcde\xcc\x81");
}
END_TEST

START_TEST(no_control_character_reaches_a_row)
{
    page_begin(&page, 40, 3, false, true);
    page_put(&page, PLAIN, "a\033[2J\r\nb\x80\xff");
    page_row(&page);
    for (const char *c = page_text(&page, 0); *c; c++)
        ck_assert((unsigned char)*c >= 0x20 && *c != 0x7f);
    ck_assert_ptr_nonnull(strchr(page_text(&page, 0), 'b'));
}
END_TEST

START_TEST(without_utf8_a_row_is_ascii)
{
    page_begin(&page, 40, 3, false, false);
    page_put(&page, PLAIN, "\xe4\xb8\xad=\xc3\xa9");
    page_row(&page);
    ck_assert_str_eq(page_text(&page, 0), "?=?");
}
END_TEST

START_TEST(colour_is_there_only_if_asked_for)
{
    page_begin(&page, 40, 3, true, true);
    page_put(&page, GREEN, "go");
    page_row(&page);
    ck_assert_str_eq(page_text(&page, 0), "\033[32mgo\033[0m");
    page_begin(&page, 40, 3, false, true);
    page_put(&page, GREEN, "go");
    page_row(&page);
    ck_assert_str_eq(page_text(&page, 0), "go");
}
END_TEST

START_TEST(words_are_broken_at_spaces_and_long_ones_are_cut)
{
    page_begin(&page, 12, 9, false, true);
    page_put(&page, PLAIN, "> ");
    page_wrap(&page, 2, PLAIN, "one two three\nfour abcdefghijklmnop");
    ck_assert_int_eq(page.rows, 4);
    ck_assert_str_eq(page_text(&page, 0), "> one two");
    ck_assert_str_eq(page_text(&page, 1), "  three");
    ck_assert_str_eq(page_text(&page, 2), "  four");
    ck_assert_str_eq(page_text(&page, 3), "  abcdefghij");
}
END_TEST

START_TEST(a_body_is_scrolled_and_says_what_is_beyond)
{
    page_begin(&page, 20, 5, false, true);
    page_body(&page, 2, 1);
    for (int i = 0; i < 10; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        page_put(&page, PLAIN, text);
        page_row(&page);
    }
    page_body_end(&page);
    ck_assert_str_eq(page_text(&page, 0), "2");
    ck_assert_str_eq(page_text(&page, 3), "5");
    ck_assert_int_eq(page.hidden_above, 2);
    ck_assert_int_eq(page.hidden_below, 4);
    ck_assert_int_eq(page_room(&page), 1);
}
END_TEST

START_TEST(a_page_that_is_full_stays_whole)
{
    static char much[PAGE_TEXT];
    memset(much, 'x', sizeof much - 1);
    page_begin(&page, 4000, PAGE_ROWS, true, true);
    for (int i = 0; i < 2 * PAGE_ROWS; i++) {
        page_put(&page, RED, much);
        page_row(&page);
    }
    ck_assert_int_eq(page.rows, PAGE_ROWS);
    ck_assert_uint_le(page.used, PAGE_BYTES);
    ck_assert_str_eq(page_text(&page, PAGE_ROWS), "");
    ck_assert_ptr_nonnull(memchr(page_text(&page, PAGE_ROWS - 1), 0, PAGE_BYTES));
}
END_TEST

/* ---- views -------------------------------------------------------------------------------------------------------- */

static void show(int width, int height)
{
    page_begin(&page, width, height, false, true);
    view_draw(&page, &scene);
}

static bool shows(const char *words)
{
    for (int row = 0; row < page.rows; row++)
        if (strstr(page_text(&page, row), words))
            return true;
    return false;
}

static void begin(const char *states)
{
    ck_assert(session_open(&s, &small_lab, NULL));
    scene = (struct scene){ .session = &s, .folder = "work/02-loop", .when = "12:31:07" };
    if (states)
        learn(&s, states);
}

START_TEST(the_item_is_shown_with_what_was_expected_and_seen_and_the_last_of_its_history)
{
    begin("pffp");
    show(80, 24);
    ck_assert_int_eq(page.rows, 24);
    ck_assert(shows("lab 02  The loop"));
    ck_assert(shows("50 of 100"));
    ck_assert(shows(" A2  FAIL  due means due"));
    ck_assert(shows("expected  trace \"A\""));
    ck_assert(shows("seen      trace \"B\""));
    ck_assert(shows("likely    the wrong end"));
    ck_assert(shows("as expected: loop_start = 0"));
    ck_assert(!shows("epoll_wait"));
    ck_assert(!shows("hint 1"));
    ck_assert(shows("q quit"));
    s.known[A2].hints = 2;
    show(80, 24);
    ck_assert(shows("hint 2    a place"));
    ck_assert(!shows("nearly the code"));
    session_close(&s);
}
END_TEST

START_TEST(errors_of_the_compiler_come_first)
{
    begin("pffp");
    ck_assert(session_learn(&s, grade_of("..x.", 7, "They do not compile:\nloop.c:1:1: warning: w\nloop.c:9:3: error: no\n")));
    show(80, 24);
    ck_assert_str_eq(page_text(&page, 3), " loop.c:9:3: error: no");
    ck_assert(shows("warning: w"));
    session_close(&s);
}
END_TEST

START_TEST(blocking_is_what_the_last_grade_says_of_it)
{
    begin(NULL);
    scene.view = VIEW_BLOCKING;
    show(80, 24);
    ck_assert(shows("Not measured yet: press a."));
    learn(&s, "fffp");
    show(80, 24);
    ck_assert(shows(" B1  pass"));
    ck_assert(shows("sleeps = 3"));
    ck_assert(!shows("due means due"));
    session_close(&s);
}
END_TEST

START_TEST(the_list_says_what_is_from_before_the_save)
{
    begin("pffp");
    session_saved(&s);
    scene.view = VIEW_LIST;
    show(80, 24);
    ck_assert(shows(" A1  pass  40  first in, first out  (stale)"));
    ck_assert(shows(">A2  FAIL"));
    session_close(&s);
}
END_TEST

START_TEST(scrolling_stops_at_the_end)
{
    begin("pffp");
    scene.view = VIEW_WHY;
    scene.why = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    scene.scroll = 1000;
    show(80, 8);
    ck_assert_int_eq(scene.scroll, 6);
    ck_assert_str_eq(page_text(&page, 3), "7");
    ck_assert_str_eq(page_text(&page, 5), "9");
    scene.scroll = 1;
    show(80, 8);
    ck_assert_int_eq(scene.scroll, 1);
    session_close(&s);
}
END_TEST

static int columns(const char *text)
{
    return (int)text_columns(text, strlen(text));
}

START_TEST(any_view_fits_any_size)
{
    begin("pffp");
    s.known[A2].hints = 3;
    scene.why = "a line that is somewhat longer than narrow terminals are\n";
    scene.polling = "inotify cannot be had (No space left on device): looking at the files every half second";
    for (int view = VIEW_ITEM; view <= VIEW_HELP; view++)
        for (int width = 1; width <= 140; width += width < 10 ? 1 : 13)
            for (int height = 1; height <= 41; height += 4) {
                scene.view = view;
                scene.scroll = height;
                show(width, height);
                ck_assert_int_le(page.rows, height);
                for (int row = 0; row < page.rows; row++)
                    ck_assert_int_le(columns(page_text(&page, row)), width);
            }
    session_close(&s);
}
END_TEST

/* ---- keys --------------------------------------------------------------------------------------------------------- */

START_TEST(a_sequence_is_one_key)
{
    static const struct {
        const char *bytes;
        int key;
        size_t used;
    } cases[] = {
        { "q", 'q', 1 }, { "hq", 'h', 1 }, { "\x03", KEY_CTRL_C, 1 }, { "\033", KEY_ESCAPE, 1 }, { "\033[A", KEY_UP, 3 },
        { "\033OBq", KEY_DOWN, 3 }, { "\033[5~x", KEY_PAGE_UP, 4 }, { "\033[6~", KEY_PAGE_DOWN, 4 },
        { "\033[1;5a", KEY_OTHER, 6 }, { "\033q", KEY_OTHER, 2 }, { "\033[", KEY_OTHER, 2 }, { "\033[12", KEY_OTHER, 4 },
        { "\xc3\xa4", 0xc3, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t used;
        ck_assert_int_eq(key_take(cases[i].bytes, strlen(cases[i].bytes), &used), cases[i].key);
        ck_assert_uint_eq(used, cases[i].used);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_row_is_cut_where_a_character_ends, no_control_character_reaches_a_row, without_utf8_a_row_is_ascii,
        colour_is_there_only_if_asked_for, words_are_broken_at_spaces_and_long_ones_are_cut,
        a_body_is_scrolled_and_says_what_is_beyond, a_page_that_is_full_stays_whole,
        the_item_is_shown_with_what_was_expected_and_seen_and_the_last_of_its_history, errors_of_the_compiler_come_first,
        blocking_is_what_the_last_grade_says_of_it, the_list_says_what_is_from_before_the_save, scrolling_stops_at_the_end,
        any_view_fits_any_size, a_sequence_is_one_key, NULL
    };
    Suite *suite = suite_create("watch_view");
    add_tests(suite, "view", tests, 0);
    return run_suite(suite);
}
