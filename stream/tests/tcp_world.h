/* tcp_world.h - what the tests of TCP share: a world of their own, clients that connect by hand, and handlers that tell. */
#ifndef EDDY_STREAM_TESTS_TCP_WORLD_H
#define EDDY_STREAM_TESTS_TCP_WORLD_H

#include "loop/tests/co_world.h"
#include "stream/tcp.h"

static struct sys *sys;

static inline void tcp_begin(void)
{
    setup();
    sys = sim_sys(sim);
}

static inline int64_t now_ms(void)
{
    return (sim_now(sim) - SECOND) / MILLISECOND;
}

static inline void wait_ms(int64_t ms)
{
    struct future f = {0};
    future_sleep(loop, ms * MILLISECOND, future_then(&f, stop, NULL));
    loop_start(loop);
}

static inline struct listener *listen_at(const char *host, int port)
{
    struct listener *l = tcp_listen(loop, host, port);
    ck_assert_msg(l != NULL, "tcp_listen %s: %s", host, strerror(errno));
    return l;
}

/* A client that is no stream; -errno. */
static inline int call_raw(const struct address *a)
{
    int fd = sys->socket(sys, a->at.ss_family, SOCK_STREAM);
    ck_assert_int_ge(fd, 0);
    int rc = sys->connect(sys, fd, (const struct sockaddr *)&a->at, a->len);
    if (rc == 0 || rc == -EINPROGRESS)
        return fd;
    sys->close(sys, fd);
    return rc;
}

static inline int call_listener(const struct listener *l)
{
    return call_raw(tcp_address(l, 0));
}

/* 'e': it was ended; 'r': reset; '-': nothing came; or the byte that came. */
static inline char heard_by(int fd)
{
    char byte;
    ssize_t n = sys->read(sys, fd, &byte, 1);
    return n == 1 ? byte : n == 0 ? 'e' : n == -EAGAIN ? '-' : 'r';
}

static inline void send_byte(int fd, char byte)
{
    ck_assert_int_eq(sys->write(sys, fd, &byte, 1), 1);
}

static inline void hang_up(int fd)
{
    ck_assert_int_eq(sys->close(sys, fd), 0);
}

static inline bool logged(const char *text)
{
    return strstr(sim_log(sim), text) != NULL;
}

/* What a stream that was taken says: its client hears the byte. */
static inline void greet(struct stream *s, char byte)
{
    ck_assert_int_eq(sys->write(sys, stream_fd(s), &byte, 1), 1);
}

/* A handler: echoes bytes until the client is gone. */
static inline int echo(void *self)
{
    struct stream *s = self;
    struct future in = {0}, out = {0};
    int n;
    while ((n = await(stream_read_some(s, 100, &in))) > 0)
        if ((n = await(stream_write(s, (struct bytes){ in.value, (size_t)n }, &out))) < 0)
            break;
    tell("echo", n);
    stream_close(s);
    return n == -EPIPE ? 0 : n;
}

static inline int run_tcp(const char *name, const TTest *const *tests, const TTest *const *aborting)
{
    TCase *group = tcase_create(name);
    tcase_add_checked_fixture(group, tcp_begin, teardown);
    for (; *tests; tests++)
        tcase_add_test(group, *tests);
    for (; aborting && *aborting; aborting++)
        tcase_add_test_raise_signal(group, *aborting, SIGABRT);
    return run_suite(suite_create(name), group);
}

#endif
