/* test_files.c - a file as a reply: what is said of it, conditions, ranges. The numbers are those of Tornado's tests. */
#include "http/tests/files_world.h"

/* The fields with the tag of the file in them, for each %s. */
static const char *with_tag(const char *format)
{
    static char text[512];
    char tag[sizeof field_text];
    ck_assert_int_eq(ask("/robots.txt", ""), 200);
    snprintf(tag, sizeof tag, "%s", field("ETag"));
    snprintf(text, sizeof text, format, tag, tag);
    return text;
}

static const char *with_date(const char *name, int64_t seconds)
{
    static char text[128];
    char date[DATE_TEXT];
    snprintf(text, sizeof text, "%s: %s\r\n", name, date_write(seconds, date));
    return text;
}

START_TEST(a_file_is_sent_whole_with_all_that_is_known_of_it)
{
    show_with(show, (struct files_options){0});
    ck_assert_int_eq(ask("/robots.txt", ""), 200);
    ck_assert_str_eq(body(), ROBOTS);
    ck_assert_str_eq(field("Content-Length"), "26");
    ck_assert_str_eq(field("Content-Type"), "text/plain; charset=utf-8");
    ck_assert_str_eq(field("Last-Modified"), "Wed, 01 Jan 2020 00:00:00 GMT");
    ck_assert_str_eq(field("Accept-Ranges"), "bytes");
    ck_assert_str_eq(field("ETag"), "\"10-1a-15e59a35d7576500\"");
    ck_assert_ptr_null(field("Cache-Control"));
    ck_assert_int_eq(ask_for("HEAD", "/robots.txt", ""), 200);
    ck_assert_str_eq(field("Content-Length"), "26");
    ck_assert_str_eq(body(), "");
    ck_assert_int_eq(ask("/empty", ""), 200);
    ck_assert_str_eq(field("Content-Length"), "0");
}
END_TEST

START_TEST(other_methods_than_GET_and_HEAD_are_405_and_say_which_there_are)
{
    static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS", "get" };
    show_with(show, (struct files_options){0});
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        ck_assert_int_eq(ask_for(methods[i], "/robots.txt", ""), 405);
        ck_assert_str_eq(field("Allow"), "GET, HEAD");
    }
}
END_TEST

START_TEST(another_file_of_that_name_has_another_tag)
{
    show_with(show, (struct files_options){0});
    static const struct file_status others[] = {
        { .kind = FILE_REGULAR, .size = 25, .inode = 0x10, .modified = MODIFIED * SECOND + SECOND / 2 },
        { .kind = FILE_REGULAR, .size = 26, .inode = 0x11, .modified = MODIFIED * SECOND + SECOND / 2 },
        { .kind = FILE_REGULAR, .size = 26, .inode = 0x10, .modified = MODIFIED * SECOND + SECOND / 2 + 1 },
    };
    const char *fields = with_tag("If-None-Match: %s\r\n");
    ck_assert_int_eq(ask("/robots.txt", fields), 304);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        sim_disk_says(sim, "/www/robots.txt", &others[i]);
        ck_assert_int_eq(ask("/robots.txt", fields), 200);
    }
}
END_TEST

START_TEST(a_name_with_a_version_may_be_kept)
{
    show_with(show, (struct files_options){0});
    ck_assert_int_eq(ask("/robots.txt?v=1", ""), 200);
    ck_assert_str_eq(field("Cache-Control"), "max-age=315360000");
    ck_assert_int_eq(ask("/robots.txt?a=b&v=2", "Range: bytes=1-2\r\n"), 206);
    ck_assert_str_eq(field("Cache-Control"), "max-age=315360000");
    ck_assert_int_eq(ask("/robots.txt?v=", ""), 200);
    ck_assert_ptr_null(field("Cache-Control"));
    ck_assert_int_eq(ask("/robots.txt?v=1", "If-Match: \"x\"\r\n"), 412);
    ck_assert_ptr_null(field("Cache-Control"));
}
END_TEST

START_TEST(the_end_of_a_name_says_its_type)
{
    static const struct { const char *name, *type; } names[] = {
        { "a.html", "text/html; charset=utf-8" }, { "a.HTM", "text/html; charset=utf-8" }, { "a.css", "text/css; charset=utf-8" },
        { "a.tar.gz", "application/gzip" }, { "a.svg", "image/svg+xml" }, { "a.js", "text/javascript; charset=utf-8" },
        { "a.json", "application/json" }, { "a.wasm", "application/wasm" }, { "a", "application/octet-stream" },
        { "html", "application/octet-stream" }, { ".html", "application/octet-stream" }, { "a.", "application/octet-stream" },
        { "a.unknown", "application/octet-stream" }, { "a.zst", "application/zstd" }, { "a.7z", "application/x-7z-compressed" },
    };
    show_with(show, (struct files_options){0});
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        snprintf(path, sizeof path, "/www/%s", names[i].name);
        add_file(path, "x");
        ck_assert_int_eq(ask(path + 4, ""), 200);
        ck_assert_str_eq(field("Content-Type"), names[i].type);
    }
}
END_TEST

/* ---- ranges ---------------------------------------------------------------------------------------------------------- */

static void ask_range(const char *path, const char *range, int status, const char *content_range, const char *expected)
{
    char fields[128];
    snprintf(fields, sizeof fields, "Range: %s\r\n", range);
    ck_assert_msg(ask(path, fields) == status, "%s: %s", range, asked->heard);
    if (content_range)
        ck_assert_msg(field("Content-Range") && strcmp(field("Content-Range"), content_range) == 0, "%s: %s", range,
            asked->heard);
    else
        ck_assert_ptr_null(field("Content-Range"));
    if (!expected)
        return;
    char length[32];
    snprintf(length, sizeof length, "%zu", strlen(expected));
    ck_assert_str_eq(body(), expected);
    ck_assert_str_eq(field("Content-Length"), length);
    ck_assert_ptr_nonnull(field("ETag"));
    ck_assert_ptr_nonnull(field("Last-Modified"));
}

START_TEST(case_72_one_range_is_206_one_that_cannot_be_is_416_and_what_is_none_is_the_whole)
{
    static const struct { const char *range; int status; const char *content_range, *body; } cases[] = {
        { "bytes=0-9", 206, "bytes 0-9/26", "User-agent" }, { "bytes=0-", 200, NULL, ROBOTS },
        { "bytes=0-10000000", 200, NULL, ROBOTS }, { "bytes=1-10000000", 206, "bytes 1-25/26", &ROBOTS[1] },
        { "bytes=-4", 206, "bytes 22-25/26", ": /\n" }, { "bytes=-1000000", 200, NULL, ROBOTS },
        { "bytes=-0", 416, "bytes */26", NULL }, { "bytes=26-", 416, "bytes */26", NULL },
        { "bytes=26", 416, "bytes */26", NULL }, { "bytes=10-3", 416, "bytes */26", NULL },
        { "asdf", 200, NULL, ROBOTS }, { "bytes=asdf", 200, NULL, ROBOTS }, { "bytes=0-1,3-4", 200, NULL, ROBOTS },
        { "bytes=-", 200, NULL, ROBOTS }, { "bytes=5-5", 206, "bytes 5-5/26", "a" },
        /* and beyond Tornado's */
        { "BYTES=5-5", 206, "bytes 5-5/26", "a" }, { "bytes= 5 - 5 ", 206, "bytes 5-5/26", "a" },
        { "bytes=25-", 206, "bytes 25-25/26", "\n" }, { "bytes=0-25", 200, NULL, ROBOTS }, { "bytes=-26", 200, NULL, ROBOTS },
        { "lines=1-2", 200, NULL, ROBOTS }, { "bytes", 200, NULL, ROBOTS }, { "bytes=", 200, NULL, ROBOTS },
        { "bytes=1-2-3", 200, NULL, ROBOTS }, { "bytes=--5", 200, NULL, ROBOTS }, { "bytes=+1-2", 200, NULL, ROBOTS },
        { "bytes=0x1-2", 200, NULL, ROBOTS }, { "bytes=99999999999999999999-", 416, "bytes */26", NULL },
        { "bytes=1-99999999999999999999", 206, "bytes 1-25/26", &ROBOTS[1] },
        { "bytes=-99999999999999999999", 200, NULL, ROBOTS }, { "bytes=9223372036854775807-", 416, "bytes */26", NULL },
    };
    show_with(show, (struct files_options){0});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ask_range("/robots.txt", cases[i].range, cases[i].status, cases[i].content_range, cases[i].body);
    ask_range("/empty", "bytes=0-", 416, "bytes */0", NULL);
    ask_range("/empty", "bytes=-5", 200, NULL, "");
    ck_assert_int_eq(ask("/robots.txt", "Range: bytes=1-2\r\nRange: bytes=1-2\r\n"), 200);
}
END_TEST

/* Tornado answers HEAD with 206. RFC 9110, section 14.2: a Range of another method than GET must be ignored. */
START_TEST(case_73_HEAD_knows_no_range_and_304_comes_before_206)
{
    show_with(show, (struct files_options){0});
    ck_assert_int_eq(ask_for("HEAD", "/robots.txt", "Range: bytes=0-3\r\n"), 200);
    ck_assert_str_eq(field("Content-Length"), "26");
    ck_assert_str_eq(body(), "");
    ck_assert_int_eq(ask("/robots.txt", with_tag("If-None-Match: %s\r\nRange: bytes=0-3\r\n")), 304);
    ck_assert_ptr_null(field("Content-Length"));
    ck_assert_ptr_null(field("Content-Range"));
    ck_assert_str_eq(body(), "");
}
END_TEST

START_TEST(a_range_of_another_file_than_If_Range_names_is_the_whole_of_this_one)
{
    show_with(show, (struct files_options){0});
    ck_assert_int_eq(ask("/robots.txt", with_tag("If-Range: %s\r\nRange: bytes=0-3\r\n")), 206);
    ck_assert_str_eq(body(), "User");
    ck_assert_int_eq(ask("/robots.txt", with_tag("If-Range: W/%s\r\nRange: bytes=0-3\r\n")), 200);
    ck_assert_int_eq(ask("/robots.txt", "If-Range: \"x\"\r\nRange: bytes=0-3\r\n"), 200);
    ck_assert_int_eq(ask("/robots.txt", with_tag("If-Range: %s\r\nIf-Range: %s\r\nRange: bytes=0-3\r\n")), 200);
    static const struct { int64_t date; int status; } dates[] = { { MODIFIED, 206 }, { MODIFIED - 1, 200 },
        { MODIFIED + 1, 200 } };
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        char fields[256];
        snprintf(fields, sizeof fields, "%sRange: bytes=0-3\r\n", with_date("If-Range", dates[i].date));
        ck_assert_int_eq(ask("/robots.txt", fields), dates[i].status);
    }
    ck_assert_int_eq(ask("/robots.txt", "If-Range: \"x\"\r\nRange: bytes=26-\r\n"), 200);
}
END_TEST

/* ---- conditions ------------------------------------------------------------------------------------------------------ */

START_TEST(case_74_a_tag_says_more_than_a_date_and_a_date_that_is_none_says_nothing)
{
    show_with(show, (struct files_options){0});
    char fields[256];
    snprintf(fields, sizeof fields, "If-None-Match: \"x\"\r\n%s", with_date("If-Modified-Since", MODIFIED));
    ck_assert_int_eq(ask("/robots.txt", fields), 200);
    ck_assert_int_eq(ask("/robots.txt", "If-Modified-Since: yesterday\r\n"), 200);
    ck_assert_int_eq(ask("/robots.txt", "If-Modified-Since: Fri, 01 Jan 1960 00:00:00 GMT\r\n"), 200);
    ck_assert_int_eq(ask("/robots.txt", with_date("If-Modified-Since", MODIFIED - 1)), 200);
    ck_assert_int_eq(ask("/robots.txt", with_date("If-Modified-Since", MODIFIED)), 304);
    ck_assert_int_eq(ask("/robots.txt", with_date("If-Modified-Since", MODIFIED + 1)), 304);
    ck_assert_int_eq(ask_for("HEAD", "/robots.txt", with_date("If-Modified-Since", MODIFIED)), 304);
    ck_assert_int_eq(ask("/robots.txt", "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT\r\n"
                                        "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT\r\n"), 200);
}
END_TEST

START_TEST(case_77_a_tag_is_found_in_a_list_weak_or_not_and_a_star_is_all)
{
    static const struct { const char *fields; int status; } cases[] = {
        { "If-None-Match: *\r\n", 304 }, { "If-None-Match: %s\r\n", 304 }, { "If-None-Match: \"a\", %s\r\n", 304 },
        { "If-None-Match: %s, \"b\"\r\n", 304 }, { "If-None-Match: W/%s\r\n", 304 },
            { "If-None-Match: \"a\",W/%s ,\"b\"\r\n", 304 },
        { "If-None-Match: \"a\"\r\nIf-None-Match: %s\r\n", 304 }, { "If-None-Match: ,, %s\r\n", 304 },
        { "If-None-Match: \"a,b\\\", %s\r\n", 304 }, { "If-None-Match: \"\", %s\r\n", 304 },
        { "If-None-Match: \"a\", \"b\"\r\n", 200 }, { "If-None-Match: W/\"a\"\r\n", 200 }, { "If-None-Match: \r\n", 200 },
        { "If-None-Match: a\r\n", 200 }, { "If-None-Match: \"a\r\n", 200 }, { "If-None-Match: w/%s\r\n", 200 },
        { "If-None-Match: \"*\"\r\n", 200 }, { "If-None-Match: \"%s\"\r\n", 200 },
    };
    show_with(show, (struct files_options){0});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(ask("/robots.txt", with_tag(cases[i].fields)) == cases[i].status, "%s: %s", cases[i].fields, asked->heard);
    ck_assert_int_eq(ask("/robots.txt", with_tag("If-None-Match: %s\r\n")), 304);
    ck_assert_ptr_nonnull(field("ETag"));
    ck_assert_ptr_nonnull(field("Last-Modified"));
    ck_assert_ptr_null(field("Content-Length"));
    ck_assert_ptr_null(field("Content-Type"));
}
END_TEST

START_TEST(a_precondition_that_does_not_hold_is_412)
{
    static const struct { const char *fields; int status; } cases[] = {
        { "If-Match: *\r\n", 200 }, { "If-Match: %s\r\n", 200 }, { "If-Match: \"a\", %s\r\n", 200 },
            { "If-Match: W/%s\r\n", 412 },
        { "If-Match: \"a\"\r\n", 412 }, { "If-Match: a\r\n", 412 },
        { "If-Match: \"a\"\r\nIf-None-Match: %s\r\n", 412 }, { "If-Match: %s\r\nIf-None-Match: %s\r\n", 304 },
        { "If-Match: \"a\"\r\nRange: bytes=0-3\r\n", 412 }, { "If-Match: %s\r\nRange: bytes=0-3\r\n", 206 },
        { "If-Match: %s\r\nIf-Unmodified-Since: Fri, 01 Jan 1960 00:00:00 GMT\r\n", 200 },
    };
    show_with(show, (struct files_options){0});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(ask("/robots.txt", with_tag(cases[i].fields)) == cases[i].status, "%s: %s", cases[i].fields, asked->heard);
    ck_assert_int_eq(ask("/robots.txt", with_date("If-Unmodified-Since", MODIFIED - 1)), 412);
    ck_assert_int_eq(ask("/robots.txt", with_date("If-Unmodified-Since", MODIFIED)), 200);
    ck_assert_int_eq(ask("/robots.txt", "If-Unmodified-Since: never\r\n"), 200);
    ck_assert_int_eq(ask("/nothing", "If-Match: *\r\n"), 404);
}
END_TEST

START_TEST(times_before_1970_are_times)
{
    show_with(show, (struct files_options){0});
    sim_disk_says(sim, "/www/robots.txt", &(struct file_status){ .kind = FILE_REGULAR, .size = 26, .modified = -SECOND / 2 });
    ck_assert_int_eq(ask("/robots.txt", with_date("If-Modified-Since", -1)), 304);
    ck_assert_str_eq(field("Last-Modified"), "Wed, 31 Dec 1969 23:59:59 GMT");
    ck_assert_int_eq(ask("/robots.txt", with_date("If-Modified-Since", -2)), 200);
}
END_TEST

START_TEST(a_request_and_its_answer_may_come_byte_by_byte)
{
    show_with(show, (struct files_options){0});
    sim_shorten(sim, CALL_READ, 1);
    sim_shorten(sim, CALL_WRITE, 1);
    ask_range("/robots.txt", "bytes=0-9", 206, "bytes 0-9/26", "User-agent");
    ask_range("/robots.txt", "bytes=0-", 200, NULL, ROBOTS);
    sim_storm(sim, CALL_OPEN_BENEATH, 50, -EINTR);
    ask_range("/robots.txt", "bytes=0-", 200, NULL, ROBOTS);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_file_is_sent_whole_with_all_that_is_known_of_it,
        other_methods_than_GET_and_HEAD_are_405_and_say_which_there_are,
        another_file_of_that_name_has_another_tag,
        a_name_with_a_version_may_be_kept,
        the_end_of_a_name_says_its_type,
        case_72_one_range_is_206_one_that_cannot_be_is_416_and_what_is_none_is_the_whole,
        case_73_HEAD_knows_no_range_and_304_comes_before_206,
        a_range_of_another_file_than_If_Range_names_is_the_whole_of_this_one,
        case_74_a_tag_says_more_than_a_date_and_a_date_that_is_none_says_nothing,
        case_77_a_tag_is_found_in_a_list_weak_or_not_and_a_star_is_all,
        a_precondition_that_does_not_hold_is_412,
        times_before_1970_are_times,
        a_request_and_its_answer_may_come_byte_by_byte,
        NULL
    };
    return run_files("files", tests);
}
