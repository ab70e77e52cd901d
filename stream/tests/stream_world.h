/* stream_world.h - what the tests of streams share: a stream `a` in a world of its own, and the other end of its socketpair, raw
 * (`peer`) or as a stream (`b`). A test is run as a coroutine, so that it may await. */
#ifndef EDDY_STREAM_TESTS_STREAM_WORLD_H
#define EDDY_STREAM_TESTS_STREAM_WORLD_H

#include "loop/co.h"
#include "loop/require.h"
#include "loop/run_sync.h"
#include "loop/tests/support.h"
#include "stream/stream.h"

static struct world w;
static struct stream *a, *b;    /* NULL: closed, or never made */
static int peer;                /* -1: closed, or b's */

static inline struct stream *stream_of(int fd)
{
    struct stream *s = stream_new(w.loop, fd);
    ck_assert_msg(s != NULL, "stream_new: %s", strerror(errno));
    return s;
}

static inline void setup(void)
{
    int fds[2];
    world_begin(&w);
    ck_assert_int_eq(w.sys->socketpair(w.sys, fds), 0);
    a = stream_of(fds[0]);
    b = NULL;
    peer = fds[1];
}

static inline void end_stream(struct stream **s)
{
    if (*s)
        stream_close(*s);
    *s = NULL;
}

static inline void end_peer(void)
{
    if (peer >= 0)
        ck_assert_int_eq(w.sys->close(w.sys, peer), 0);
    peer = -1;
}

static inline void teardown(void)
{
    end_stream(&a);
    end_stream(&b);
    end_peer();
    world_end(&w);
}

/* The other end is a stream too. */
static inline void join(void)
{
    b = stream_of(peer);
    peer = -1;
}

static inline struct bytes text(const char *s)
{
    return (struct bytes){ s, strlen(s) };
}

/* The raw peer sends, all at once. */
static inline void say(const char *s)
{
    ck_assert_int_eq(w.sys->write(w.sys, peer, s, strlen(s)), (ssize_t)strlen(s));
}

/* The raw peer hears exactly this, and nothing more. */
static inline void hears(const char *s)
{
    char in[4096];
    ssize_t n = w.sys->read(w.sys, peer, in, sizeof in);
    ck_assert_int_eq(n, (ssize_t)strlen(s));
    ck_assert(memcmp(in, s, (size_t)n) == 0);
}

/* Everybody else gets a turn, and some. */
static inline void pass(void)
{
    struct future f = {0};
    ck_assert_int_eq(await(future_sleep(w.loop, MILLISECOND, &f)), 0);
}

/* An answered read of these bytes. */
static inline void gave(const struct future *f, const char *s)
{
    ck_assert_msg(f->rc == (int)strlen(s), "rc is %d instead of %zu: %s", f->rc, strlen(s), f->why ? f->why : "");
    ck_assert(f->rc == 0 || memcmp(f->value, s, (size_t)f->rc) == 0);
}

static inline void reads(struct future *started, const char *s)
{
    await(started);
    gave(started, s);
}

static inline void fails(struct future *started, int rc)
{
    ck_assert_int_eq(await(started), rc);
    ck_assert_ptr_nonnull(started->why);
}

static inline void writes(struct stream *s, const char *what)
{
    struct future f = {0};
    ck_assert_int_eq(await(stream_write(s, text(what), &f)), (int)strlen(what));
}

/* A callback that counts, and keeps what it was told. */
struct heard {
    int times, what;
};

static inline void hear(void *self, int what)
{
    struct heard *h = self;
    h->times++;
    h->what = what;
}

/* ---- tests that are coroutines ----------------------------------------------------------------------------------- */

enum { MOST_TESTS = 64 };
static TTest stream_tests[MOST_TESTS];          /* the program's, by _i */

static inline int body(void *self)
{
    const int *i = self;
    stream_tests[*i].fn(*i);
    return 0;
}

static inline void in_coroutine(int i)
{
    int rc = loop_run_sync(w.loop, body, &i);
    ck_assert_msg(rc == 0, "the test ended with %s", strerror(-rc));
}

/* A program's tests, each a coroutine in a world of its own, in which nothing may be left; `aborting`, or NULL: these end by
 * a REQUIRE. */
static inline int run_streams(const char *name, const TTest *const *tests, const TTest *const *aborting)
{
    static TTest wrapped[MOST_TESTS];
    Suite *suite = suite_create(name);
    TCase *group = tcase_create(name);
    tcase_set_timeout(group, 240);
    tcase_add_checked_fixture(group, setup, teardown);
    for (int i = 0; *tests || (aborting && *aborting); i++) {
        REQUIRE(i < MOST_TESTS, "run_streams: raise MOST_TESTS");
        int signo = *tests ? 0 : SIGABRT;
        stream_tests[i] = wrapped[i] = *tests ? **tests++ : **aborting++;
        wrapped[i].fn = in_coroutine;
        tcase_add_loop_test_raise_signal(group, &wrapped[i], signo, i, i + 1);
    }
    suite_add_tcase(suite, group);
    return run_suite(suite);
}

#endif
