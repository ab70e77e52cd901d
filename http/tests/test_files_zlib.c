/* test_files_zlib.c - files that are packed on their way, and those that somebody has packed beforehand. */
#include "http/coding.h"
#include "http/tests/files_world.h"

#define TAKES "Accept-Encoding: gzip\r\n"
#define PACKED "this is packed, says its name"

enum { LONG = 200000 };

static char page[LONG + 1];

static void show_packed(struct files_options options, bool coding)
{
    options.root = "/www";
    files = files_new(loop, &options);
    ck_assert_ptr_nonnull(files);
    serve_at("127.0.0.1", show, (struct http_options){ .self = files, .coding = coding ? coding_gzip() : NULL });
}

static void add_page(const char *path, size_t len)
{
    for (size_t i = 0; i < LONG; i++)
        page[i] = (char)('a' + i * i / 7 % 19);
    ck_assert_int_eq(sim_disk_add(sim, path, page, len), 0);
}

/* A file, of that second. */
static void add_dated(const char *path, const char *content, uint64_t inode, int64_t second)
{
    add_file(path, content);
    sim_disk_says(sim, path, &(struct file_status){ .kind = FILE_REGULAR, .size = (int64_t)strlen(content), .inode = inode,
                                                    .modified = second * SECOND });
}

static bool field_is(const char *name, const char *expected)
{
    const char *value = field(name);
    return value && expected ? strcmp(value, expected) == 0 : value == expected;
}

/* The body of the reply is that page, packed. */
static void hears_page(size_t len)
{
    static char plain[LONG + 64], packed[HEARD];
    char *from = (char *)body(), *end = asked->heard + asked->len, *out = packed, *data;
    ck_assert(field_is("Content-Encoding", "gzip") && field_is("Vary", "Accept-Encoding"));
    if (field("Content-Length")) {
        memcpy(out, from, (size_t)(end - from));
        out += end - from;
    }
    for (size_t size; !field("Content-Length") && (size = strtoul(from, &data, 16)) > 0; from = data + 2 + size + 2) {
        memcpy(out, data + 2, size);
        out += size;
    }
    const char *why;
    struct bytes in = { packed, (size_t)(out - packed) };
    struct coder *c = coding_gzip()->unpack(sys, text_of("gzip"));
    size_t n = 0;
    for (ssize_t step; (step = coding_gzip()->step(c, &in, CODING_LAST, plain + n, sizeof plain - n, &why)) > 0;)
        n += (size_t)step;
    coding_gzip()->end(c);
    ck_assert_uint_eq(n, len);
    ck_assert(memcmp(plain, page, n) == 0);
}

/* ---- on their way ---------------------------------------------------------------------------------------------------- */

START_TEST(text_is_packed_whatever_its_size)
{
    static const size_t lens[] = { 1024, 20000, 32768, 40000, LONG };
    show_packed((struct files_options){0}, true);
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        add_page("/www/page.html", lens[i]);
        ck_assert_int_eq(ask("/page.html", TAKES), 200);
        hears_page(lens[i]);
        ck_assert(strncmp(field("ETag"), "W/\"", 3) == 0 && !field("Accept-Ranges"));
        ck_assert_int_eq(ask("/page.html", ""), 200);
        ck_assert(!field("Content-Encoding") && field_is("Vary", "Accept-Encoding") && field("ETag")[0] == '"');
        ck_assert_uint_eq(strtoul(field("Content-Length"), NULL, 10), lens[i]);
    }
}
END_TEST

START_TEST(a_folders_page_is_packed_and_a_list_of_names_too)
{
    show_packed((struct files_options){ .listing = true }, true);
    add_page("/www/site/index.html", LONG);
    ck_assert_int_eq(ask("/site/", TAKES), 200);
    hears_page(LONG);
    ck_assert_int_eq(ask("/plain/", TAKES), 200);
    ck_assert(field_is("Content-Encoding", "gzip"));
}
END_TEST

START_TEST(pictures_and_ranges_are_sent_as_they_are)
{
    show_packed((struct files_options){0}, true);
    add_page("/www/page.png", 4000);
    add_page("/www/page.txt", 4000);
    ck_assert_int_eq(ask("/page.png", TAKES), 200);
    ck_assert(!field("Content-Encoding") && !field("Vary") && field_is("Content-Length", "4000"));
    ck_assert_int_eq(ask("/page.txt", TAKES "Range: bytes=0-1999\r\n"), 206);
    ck_assert(!field("Content-Encoding") && field_is("Content-Range", "bytes 0-1999/4000") && field_is("Content-Length", "2000"));
    ck_assert_int_eq(ask_for("HEAD", "/page.txt", TAKES), 200);
    ck_assert(field_is("Content-Encoding", "gzip") && !field("Content-Length") && !*body());
}
END_TEST

START_TEST(who_has_it_packed_hears_that_it_is_the_same)
{
    char fields[600];
    show_packed((struct files_options){0}, true);
    add_page("/www/page.txt", 4000);
    ck_assert_int_eq(ask("/page.txt", TAKES), 200);
    snprintf(fields, sizeof fields, TAKES "If-None-Match: %s\r\n", field("ETag"));
    ck_assert_int_eq(ask("/page.txt", fields), 304);
    ck_assert(strstr(fields, field("ETag")) && field("ETag")[0] == 'W' && field_is("Vary", "Accept-Encoding"));
    ck_assert_int_eq(ask("/page.txt", "If-Range: W/\"x\"\r\nRange: bytes=0-1\r\n"), 200);
}
END_TEST

/* ---- beforehand ------------------------------------------------------------------------------------------------------ */

START_TEST(what_lies_beside_it_packed_is_sent_for_it)
{
    show_packed((struct files_options){ .packed = true }, false);
    add_dated("/www/robots.txt.gz", PACKED, 0x20, MODIFIED + 1);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(ask_for(i ? "HEAD" : "GET", "/robots.txt", TAKES), 200);
        ck_assert_str_eq(body(), i ? "" : PACKED);
        ck_assert(field_is("Content-Encoding", "gzip") && field_is("Vary", "Accept-Encoding"));
        ck_assert(field_is("Content-Type", "text/plain; charset=utf-8") && field_is("Content-Length", "29"));
        ck_assert(strncmp(field("ETag"), "\"20-1d-", 7) == 0);
    }
    ck_assert_int_eq(ask("/robots.txt", TAKES "Range: bytes=5-6\r\n"), 206);
    ck_assert(field_is("Content-Encoding", "gzip") && field_is("Content-Range", "bytes 5-6/29"));
    ck_assert_str_eq(body(), "is");
    ck_assert_int_eq(ask("/robots.txt", "Accept-Encoding: gzip;q=0\r\n"), 200);
    ck_assert_str_eq(body(), ROBOTS);
    ck_assert(!field("Content-Encoding") && field_is("Vary", "Accept-Encoding"));
    ck_assert_int_eq(ask("/robots.txt.gz", TAKES), 200);
    ck_assert(!field("Content-Encoding") && field_is("Content-Type", "application/gzip"));
}
END_TEST

START_TEST(the_two_have_tags_of_their_own)
{
    char fields[600];
    show_packed((struct files_options){ .packed = true }, true);
    add_dated("/www/robots.txt.gz", PACKED, 0x20, MODIFIED + 1);
    ck_assert_int_eq(ask("/robots.txt", TAKES), 200);
    ck_assert_str_eq(body(), PACKED);
    snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", field("ETag"));
    ck_assert_int_eq(ask("/robots.txt", fields), 200);
    ck_assert_str_eq(body(), ROBOTS);
    snprintf(fields, sizeof fields, TAKES "If-None-Match: %s\r\n", field("ETag"));
    ck_assert_int_eq(ask("/robots.txt", fields), 200);
    snprintf(fields, sizeof fields, TAKES "If-None-Match: %s\r\n", field("ETag"));
    ck_assert_int_eq(ask("/robots.txt", fields), 304);
    ck_assert(field_is("Vary", "Accept-Encoding"));
}
END_TEST

START_TEST(what_is_older_or_no_file_or_not_wanted_is_not)
{
    show_packed((struct files_options){ .packed = true }, false);
    add_dated("/www/robots.txt.gz", PACKED, 0x20, MODIFIED - 1);
    ck_assert_int_eq(ask("/robots.txt", TAKES), 200);
    ck_assert_str_eq(body(), ROBOTS);
    add_file("/www/empty.txt", "plain");
    add_file("/www/empty.txt.gz", NULL);
    ck_assert_int_eq(ask("/empty.txt", TAKES), 200);
    ck_assert_str_eq(body(), "plain");
    add_file("/www/a.png", "picture");
    add_file("/www/a.png.gz", PACKED);
    ck_assert_int_eq(ask("/a.png", TAKES), 200);
    ck_assert_str_eq(body(), "picture");
    add_file("/www/site/index.html.gz", PACKED);
    ck_assert_int_eq(ask("/site/", TAKES), 200);
    ck_assert_str_eq(body(), PACKED);
    ck_assert_int_eq(ask("/nothing.txt", TAKES), 404);
    end_server();
    files_close(files);
    show_packed((struct files_options){0}, false);
    ck_assert_int_eq(ask("/site/", TAKES), 200);
    ck_assert_str_eq(body(), "<p>index");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        text_is_packed_whatever_its_size,
        a_folders_page_is_packed_and_a_list_of_names_too,
        pictures_and_ranges_are_sent_as_they_are,
        who_has_it_packed_hears_that_it_is_the_same,
        what_lies_beside_it_packed_is_sent_for_it,
        the_two_have_tags_of_their_own,
        what_is_older_or_no_file_or_not_wanted_is_not,
        NULL
    };
    return run_files("files: packed", tests);
}
