/* test_files_paths.c - which file a path means, and that none outside of the root is meant by any; folders, and their lists. */
#include "http/tests/files_world.h"

START_TEST(case_75_a_path_above_the_root_is_403_a_zero_in_a_name_404_a_folder_403)
{
    static const struct { const char *path; int status; } cases[] = {
        { "/static/../static_foo.txt", 403 }, { "/static/%2e%2e/static_foo.txt", 403 }, { "/static/%2E./secret", 403 },
        { "/static/.%2e/secret", 403 }, { "/static/site/../../secret", 403 }, { "/static/site/sub/../../../www/robots.txt", 403 },
        { "/static/robots.txt%00", 404 }, { "/static/%00", 404 }, { "/static/robots%00.txt", 404 },
        { "/static/plain/", 403 }, { "/static/nothing", 404 }, { "/static/nothing/", 404 },
        { "/static/..%2fsecret", 404 }, { "/static/site%2findex.html", 404 }, { "/static/%2e%2e%2fsecret", 404 },
        { "/static/%252e%252e/secret", 404 }, { "/static/..\\secret", 404 }, { "/static/....//secret", 404 },
        { "/static/robots.txt/", 404 }, { "/static/robots.txt/x", 404 }, { "/static/%zz", 400 }, { "/static/%2", 400 },
        { "/static/site/./../robots.txt", 200 }, { "/static//robots.txt", 200 }, { "/static/%72obots.txt", 200 },
        { "/static/site/sub/../index.html", 200 }, { "/static/site//sub///page.css", 200 }, { "/static/%2e/robots.txt", 200 },
        { "/static/site/", 200 }, { "/static/site/sub/..", 200 }, { "/static/site/.", 200 }, { "/static//secret", 404 },
        { "/static//etc/passwd", 404 }, { "/static/plain/c%20d%252f", 200 },
    };
    show_with(show_static, (struct files_options){0});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(ask(cases[i].path, "") == cases[i].status, "%s: %.60s", cases[i].path, asked->heard);
}
END_TEST

/* Every way of writing "..", at every depth: not one byte of what lies beside the root. */
START_TEST(no_path_leads_to_what_is_beside_the_root)
{
    static const char *const dots[] = { "..", "%2e%2e", ".%2E", "%2e.", "..%2f", "%2e%2e%2f", "..%00", "..%5c", "...",
        ".. ", "..;" };
    static const char *const behind[] = { "", "site/", "site/sub/", "nothing/", "robots.txt/", "/", "./" };
    show_with(show, (struct files_options){ .listing = true });
    for (size_t i = 0; i < sizeof dots / sizeof *dots; i++)
        for (size_t j = 0; j < sizeof behind / sizeof *behind; j++)
            for (int depth = 1; depth <= 4; depth++) {
                char path[128];
                int len = snprintf(path, sizeof path, "/%s", behind[j]);
                for (int k = 0; k < depth; k++)
                    len += snprintf(path + len, sizeof path - (size_t)len, "%s/", dots[i]);
                strcat(path, "secret");
                if (strchr(path, ' '))
                    continue;
                int status = ask(path, "");
                ck_assert_msg(status == 403 || status == 404, "%s: %d", path, status);
                ck_assert_ptr_null(strstr(body(), "secret"));
            }
}
END_TEST

/* CVE-2023-28370. */
START_TEST(case_76_a_redirect_never_names_another_host)
{
    static const struct { const char *path; int status; const char *where; } cases[] = {
        { "//evil.com/../www/site", 404, NULL }, { "//evil.com/../site", 301, "./site/" }, { "//site", 301, "./site/" },
        { "///site", 301, "./site/" }, { "/site", 301, "./site/" }, { "/site/sub", 301, "./sub/" },
        { "/site?a=//b&c", 301, "./site/?a=//b&c" }, { "/site?", 301, "./site/?" }, { "/%73ite", 301, "./%73ite/" },
        { "http://evil.com/site", 301, "./site/" }, { "//evil.com/%2e%2e", 403, NULL }, { "/http:", 301, "./http:/" },
    };
    add_file("/www/http:", NULL);
    show_with(show, (struct files_options){0});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(ask(cases[i].path, "") == cases[i].status, "%s: %.60s", cases[i].path, asked->heard);
        const char *where = field("Location");
        ck_assert_msg(cases[i].where ? where && strcmp(where, cases[i].where) == 0 : !where, "%s: %s", cases[i].path, where);
    }
    app = show_static;
    ck_assert_int_eq(ask("/static", ""), 301);
    ck_assert_str_eq(field("Location"), "./static/");
    ck_assert_int_eq(ask("/static/site", ""), 301);
    ck_assert_str_eq(field("Location"), "./site/");
}
END_TEST

START_TEST(a_folder_is_its_index_and_the_index_has_a_range_and_a_tag)
{
    show_with(show, (struct files_options){0});
    ck_assert_int_eq(ask("/site/", ""), 200);
    ck_assert_str_eq(body(), "<p>index");
    ck_assert_str_eq(field("Content-Type"), "text/html; charset=utf-8");
    ck_assert_ptr_nonnull(field("ETag"));
    ck_assert_int_eq(ask("/site/", "Range: bytes=3-\r\n"), 206);
    ck_assert_str_eq(body(), "index");
    ck_assert_int_eq(ask("/site/sub/", ""), 403);
    ck_assert_int_eq(ask("/", ""), 403);
}
END_TEST

START_TEST(the_index_may_have_another_name_and_must_be_a_file)
{
    add_file("/www/site/home", "home");
    add_file("/www/plain/home", NULL);
    show_with(show, (struct files_options){ .index = "home", .listing = true });
    ck_assert_int_eq(ask("/site/", ""), 200);
    ck_assert_str_eq(body(), "home");
    ck_assert_int_eq(ask("/plain/", ""), 200);
    ck_assert_ptr_nonnull(strstr(body(), "<a href=\"home/\">"));
}
END_TEST

/* ---- lists ----------------------------------------------------------------------------------------------------------- */

START_TEST(a_list_has_folders_first_is_sorted_escaped_and_can_be_followed)
{
    static const char *const rows[] = {
        "<a href=\"../\">../</a>", "<a href=\"b/\">b/</a></td><td></td>", "<a href=\"none/\">none/</a>",
        "<a href=\"Z\">Z</a></td><td>1 B</td><td>01 Jan 2000 00:00</td>",
        "<a href=\"a%26%3Cb%3E%22%27.txt\">a&amp;&lt;b&gt;&quot;&#39;.txt</a>", "<a href=\"c%20d%252f\">c d%2f</a>",
    };
    show_with(show, (struct files_options){ .listing = true });
    ck_assert_int_eq(ask("/plain/", ""), 200);
    ck_assert_str_eq(field("Content-Type"), "text/html; charset=utf-8");
    ck_assert_ptr_nonnull(field("Content-Security-Policy"));
    const char *at = body();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_msg((at = strstr(at, rows[i])) != NULL, "no %s in %s", rows[i], body());
    }
    ck_assert_ptr_nonnull(strstr(body(), "<title>/plain</title>"));
    ck_assert_int_eq(ask("/plain/c%20d%252f", ""), 200);
    ck_assert_int_eq(ask("/plain/a%26%3Cb%3E%22%27.txt", ""), 200);
    ck_assert_int_eq(ask_for("HEAD", "/plain/", ""), 200);
    ck_assert_str_eq(body(), "");
    ck_assert(atoi(field("Content-Length")) > 1000);
    ck_assert_int_eq(ask("/plain/none/", ""), 200);
    ck_assert_ptr_nonnull(strstr(body(), "This folder is empty."));
    ck_assert_int_eq(ask("/", "Range: bytes=0-3\r\nIf-None-Match: *\r\n"), 200);
    ck_assert_ptr_null(strstr(body(), "../"));
    ck_assert_ptr_nonnull(strstr(body(), "<td>26 B</td><td>01 Jan 2020 00:00</td>"));
}
END_TEST

START_TEST(a_size_is_said_in_a_unit_for_people)
{
    static const struct { int64_t size; const char *text; } sizes[] = {
        { 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1.0 KiB" }, { 1536, "1.5 KiB" }, { 102400, "100 KiB" },
        { 1048575, "1.0 MiB" }, { 5 << 20, "5.0 MiB" }, { INT64_C(3) << 40, "3.0 TiB" }, { INT64_MAX, "8.0 EiB" },
    };
    show_with(show, (struct files_options){ .listing = true });
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char cell[64];
        snprintf(cell, sizeof cell, "<td>%s</td>", sizes[i].text);
        sim_disk_says(sim, "/www/plain/Z", &(struct file_status){ .kind = FILE_REGULAR, .size = sizes[i].size });
        ck_assert_int_eq(ask("/plain/", ""), 200);
        ck_assert_msg(strstr(body(), cell) != NULL, "no %s", cell);
    }
}
END_TEST

START_TEST(what_is_neither_file_nor_folder_is_listed_as_such_and_not_sent)
{
    show_with(show, (struct files_options){ .listing = true });
    sim_disk_says(sim, "/www/plain/Z", &(struct file_status){ .kind = FILE_LINK });
    ck_assert_int_eq(ask("/plain/", ""), 200);
    ck_assert_ptr_nonnull(strstr(body(), "<td>link</td>"));
    sim_disk_says(sim, "/www/plain/Z", &(struct file_status){ .kind = FILE_OTHER });
    ck_assert_int_eq(ask("/plain/", ""), 200);
    ck_assert_ptr_nonnull(strstr(body(), "<td>special</td>"));
    ck_assert_int_eq(ask("/plain/Z", ""), 404);
}
END_TEST

/* Enough that one portion of names does not hold them. */
START_TEST(a_large_folder_is_listed_whole_and_in_order)
{
    enum { NUMBER = 1000 };
    add_file("/www/many", NULL);
    for (int i = 0; i < NUMBER; i++) {
        char path[128];
        snprintf(path, sizeof path, "/www/many/%04d-with-a-name-that-is-rather-long", i * 7 % NUMBER);
        add_file(path, "x");
    }
    show_with(show, (struct files_options){ .listing = true });
    ck_assert_int_eq(ask("/many/", ""), 200);
    const char *at = body();
    for (int i = 0; i < NUMBER; i++) {
        char name[32];
        snprintf(name, sizeof name, "\">%04d-with", i);
        ck_assert_msg((at = strstr(at, name)) != NULL, "%s is not there, or not in order", name);
    }
    ck_assert_int_ge((int)sim_calls(sim, CALL_READ_NAMES), 3);
    ck_assert_ptr_null(strstr(body(), "There is more"));
}
END_TEST

START_TEST(a_root_that_cannot_be_opened_says_why)
{
    ck_assert_ptr_null(files_new(loop, &(struct files_options){ .root = "/nothing" }));
    ck_assert_int_eq(errno, ENOENT);
    sim_fail(sim, CALL_EVENTFD, 1, -EMFILE);
    ck_assert_ptr_null(files_new(loop, &(struct files_options){ .root = "/www" }));
    ck_assert_int_eq(errno, EMFILE);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        case_75_a_path_above_the_root_is_403_a_zero_in_a_name_404_a_folder_403,
        no_path_leads_to_what_is_beside_the_root,
        case_76_a_redirect_never_names_another_host,
        a_folder_is_its_index_and_the_index_has_a_range_and_a_tag,
        the_index_may_have_another_name_and_must_be_a_file,
        a_list_has_folders_first_is_sorted_escaped_and_can_be_followed,
        a_size_is_said_in_a_unit_for_people,
        what_is_neither_file_nor_folder_is_listed_as_such_and_not_sent,
        a_large_folder_is_listed_whole_and_in_order,
        a_root_that_cannot_be_opened_says_why,
        NULL
    };
    return run_files("files: paths", tests);
}
