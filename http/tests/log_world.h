/* log_world.h - what the tests of the access log share: a log that writes into a pipe, and what has come out of it. */
#ifndef EDDY_HTTP_TESTS_LOG_WORLD_H
#define EDDY_HTTP_TESTS_LOG_WORLD_H

#include "http/access_log.h"
#include "stream/tests/tcp_world.h"

enum { WRITTEN = 1 << 18 };

static struct access_log *access_log;
static int log_ends[2];                 /* of the pipe */
static char written[WRITTEN];           /* since somebody looked last */
static size_t written_len;

static inline void open_log_with(struct access_log_options options)
{
    ck_assert_int_eq(sys->pipe(sys, log_ends), 0);
    options.fd = log_ends[1];
    access_log = access_log_open(loop, &options);
    ck_assert_ptr_nonnull(access_log);
}

static inline void open_log(enum access_format format)
{
    open_log_with((struct access_log_options){ .format = format });
}

/* What has come out by now is behind what was there. */
static inline void read_log(void)
{
    ssize_t n;
    while ((n = sys->read(sys, log_ends[0], written + written_len, WRITTEN - 1 - written_len)) > 0)
        written_len += (size_t)n;
    written[written_len] = '\0';
}

static inline void forget_log(void)
{
    written_len = 0;
    written[0] = '\0';
}

static inline void close_log(void)
{
    if (access_log)
        access_log_close(access_log);
    access_log = NULL;
    read_log();
}

static inline void close_log_ends(void)
{
    for (int i = 0; i < 2; i++)
        if (log_ends[i])
            sys->close(sys, log_ends[i]);
    log_ends[0] = log_ends[1] = 0;
    forget_log();
}

static inline int lines_written(void)
{
    int lines = 0;
    for (size_t i = 0; i < written_len; i++)
        lines += written[i] == '\n';
    return lines;
}

static inline void log_reset(void)
{
    access_log = NULL;
    log_ends[0] = log_ends[1] = 0;
    forget_log();
}

static inline void log_begin(void)
{
    tcp_begin();
    log_reset();
}

static inline void log_end(void)
{
    close_log();
    close_log_ends();
    teardown();
}

/* A line whose target is "/N". */
static inline void put_to(struct access_log *log, int n)
{
    char target[16];
    snprintf(target, sizeof target, "/%d", n);
    access_log_put(log, &(struct access_line){ .remote = text_of("::1"), .time = loop_time(loop), .method = text_of("GET"),
                                               .target = text_of(target), .version = 11, .status = 200 });
}

static inline void put_line(int n)
{
    put_to(access_log, n);
}

/* As often as a line of this kind fits into so many bytes. */
static inline int put_bytes(size_t bytes)
{
    int n = 0;
    for (size_t len = 0; len < bytes; len += 61)
        put_line(100 + n++);
    return n;
}

/* The n-th line there is is of that target. */
static inline void line_is(int line, int n)
{
    char expected[64];
    const char *at = written;
    while (line--)
        at = strchr(at, '\n') + 1;
    snprintf(expected, sizeof expected, "\"GET /%d HTTP/1.1\" 200 -\n", n);
    at = strstr(at, "\"GET");
    ck_assert_msg(at && strncmp(at, expected, strlen(expected)) == 0, "%s not at %s", expected, at ? at : "the end");
}

static inline int run_with(const char *name, const TTest *const *tests, const TTest *const *aborting, SFun before, SFun behind)
{
    TCase *group = tcase_create(name);
    tcase_set_timeout(group, 240);
    tcase_add_checked_fixture(group, before, behind);
    for (; *tests; tests++)
        tcase_add_test(group, *tests);
    for (; aborting && *aborting; aborting++)
        tcase_add_test_raise_signal(group, *aborting, SIGABRT);
    return run_suite(suite_create(name), group);
}

static inline int run_log(const char *name, const TTest *const *tests, const TTest *const *aborting)
{
    return run_with(name, tests, aborting, log_begin, log_end);
}

#endif
