/* files_world.h - what the tests of files share: a disk, a server that shows it, and one question at a time.
 *
 * The disk: /www/robots.txt (26 bytes, of 2020-01-01 00:00:00.5), /www/empty, /www/site/index.html, /www/site/sub/page.css,
 * /www/plain/ with a few names in it, and /secret beside the root. */
#ifndef EDDY_HTTP_TESTS_FILES_WORLD_H
#define EDDY_HTTP_TESTS_FILES_WORLD_H

#include "http/date.h"
#include "http/files.h"
#include "http/tests/server_world.h"

#define ROBOTS "User-agent: *\nDisallow: /\n"
#define MODIFIED INT64_C(1577836800)

static struct files *files;
static char field_text[512];

static inline void add_file(const char *path, const char *text)
{
    ck_assert_int_eq(sim_disk_add(sim, path, text, text ? strlen(text) : 0), 0);
}

static inline void fill_disk(void)
{
    static const char *const folders[] = { "/www", "/www/site", "/www/site/sub", "/www/plain", "/www/plain/b",
        "/www/plain/none" };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        add_file(folders[i], NULL);
    add_file("/secret", "secret");
    add_file("/www/robots.txt", ROBOTS);
    add_file("/www/empty", "");
    add_file("/www/site/index.html", "<p>index");
    add_file("/www/site/sub/page.css", "p{}");
    add_file("/www/plain/a&<b>\"'.txt", "a");
    add_file("/www/plain/c d%2f", "c");
    add_file("/www/plain/Z", "z");
    sim_disk_says(sim, "/www/robots.txt", &(struct file_status){ .kind = FILE_REGULAR, .size = 26, .inode = 0x10,
                                                                 .modified = MODIFIED * SECOND + SECOND / 2 });
}

static inline int show(struct exchange *x)
{
    return files_reply(exchange_self(x), x, exchange_head(x)->path);
}

/* As one behind a prefix: "/static/robots.txt". */
static inline int show_static(struct exchange *x)
{
    struct bytes path = exchange_head(x)->path;
    if (path.len < 7 || memcmp(path.data, "/static", 7) != 0)
        return 404;
    return files_reply(exchange_self(x), x, (struct bytes){ path.data + 7, path.len - 7 });
}

static inline void show_with(handler *fn, struct files_options options)
{
    options.root = options.root ? options.root : "/www";
    files = files_new(loop, &options);
    ck_assert_ptr_nonnull(files);
    serve_at("127.0.0.1", fn, (struct http_options){ .self = files });
}

static inline void files_begin(void)
{
    server_begin();
    fill_disk();
    files = NULL;
}

static inline void files_end(void)
{
    end_server();
    if (files)
        files_close(files);
    server_end();
}

/* ---- one question ---------------------------------------------------------------------------------------------------- */

static struct client *asked;            /* who asked last, and has heard all of it */

static inline struct client *begin_asking(const char *method, const char *path, const char *fields)
{
    struct client *c = call_server();
    say(c, method);
    say(c, " ");
    say(c, path);
    say(c, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    say(c, fields);
    say(c, "\r\n");
    return c;
}

/* Its status. `fields`: "Range: bytes=0-\r\n". */
static inline int ask_for(const char *method, const char *path, const char *fields)
{
    asked = begin_asking(method, path, fields);
    for (int i = 0; i < 100 && !asked->ended && !asked->failed; i++)
        wait_for(asked, 1);
    ck_assert_msg(asked->ended && !asked->failed, "%s %s has no end: %s", method, path, asked->heard);
    leave_server(asked);
    wait_ms(1);
    ck_assert_int_eq(http_connections(server), 0);
    ck_assert_int_eq(strncmp(asked->heard, "HTTP/1.1 ", 9), 0);
    return atoi(asked->heard + 9);
}

static inline int ask(const char *path, const char *fields)
{
    return ask_for("GET", path, fields);
}

/* A field of the last reply; NULL: none. */
static inline const char *field(const char *name)
{
    char line[64];
    snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = strstr(asked->heard, line), *end = at ? strstr(at + 2, "\r\n") : NULL;
    if (!end || at > strstr(asked->heard, "\r\n\r\n"))
        return NULL;
    at += strlen(line);
    snprintf(field_text, sizeof field_text, "%.*s", (int)(end - at), at);
    return field_text;
}

static inline const char *body(void)
{
    const char *at = strstr(asked->heard, "\r\n\r\n");
    ck_assert_ptr_nonnull(at);
    return at + 4;
}

static inline int run_files(const char *name, const TTest *const *tests)
{
    TCase *group = tcase_create(name);
    tcase_set_timeout(group, 240);
    tcase_add_checked_fixture(group, files_begin, files_end);
    for (; *tests; tests++)
        tcase_add_test(group, *tests);
    return run_suite(suite_create(name), group);
}

#endif
