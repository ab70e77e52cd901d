/* test_prefork_tcp.c - two workers listen at one port of the real kernel, and both serve; one is killed while the other goes on,
 * and serves again when it was started again. */
#include <netinet/in.h>

#include "loop/co.h"
#include "loop/prefork.h"
#include "loop/signals.h"
#include "loop/tests/sys_process_world.h"
#include "stream/tcp.h"

enum { WORKERS = 2, MOST_TRIES = 1000 };

static int port;
static int told[2];                     /* a pipe that blocks: each worker says when it listens */

/* ---- a worker ------------------------------------------------------------------------------------------------------------ */

static int its_number;

/* Says who it is, then echoes lines. */
static int greet(void *self)
{
    struct stream *s = self;
    struct future f = {0}, line = {0};
    char text[32];
    int len = snprintf(text, sizeof text, "%d %d\n", its_number, (int)getpid());
    int rc = await(stream_write(s, (struct bytes){ text, (size_t)len }, &f));
    while (rc >= 0 && (rc = await(stream_read_until(s, "\n", 100, &line))) > 0)
        rc = await(stream_write(s, (struct bytes){ line.value, (size_t)rc }, &f));
    stream_close(s);
    return rc == -EPIPE ? 0 : rc;
}

static int serve(void *self, int number)
{
    struct future serving = {0};
    (void)self;
    its_number = number;
    loop = loop_new(sys_linux());
    struct listener *l = tcp_listen_with(loop, &(struct tcp_listen){ .host = "127.0.0.1", .port = port, .reuse_port = true });
    int rc = l ? loop_stop_on_signals(loop) : -errno;
    if (rc < 0)
        return rc;
    tcp_serve(l, greet, &serving);
    if (write(told[1], "x", 1) != 1)
        return -EPROTO;
    loop_start(loop);
    tcp_stop(l, loop_time(loop) + SECOND);
    while (!future_done(&serving))
        loop_start(loop);
    tcp_close(l);
    loop_close(loop);
    return 0;
}

/* ---- its clients --------------------------------------------------------------------------------------------------------- */

struct client {
    struct stream *stream;
    int number, pid;                    /* of the worker that serves it */
};

static struct client client_new(void)
{
    struct client c;
    struct future f = {0};
    ck_assert_int_eq(await(tcp_connect(loop, &(struct tcp_connect){ .host = "127.0.0.1", .port = port }, &f)), 0);
    c.stream = f.value;
    ck_assert_int_gt(await(stream_read_until(c.stream, "\n", 100, &f)), 0);
    ck_assert_int_eq(sscanf(f.value, "%d %d\n", &c.number, &c.pid), 2);
    return c;
}

/* The kernel deals connections out by their ports: sooner or later one comes to each worker. */
static struct client client_of(int number)
{
    for (int i = 0; i < MOST_TRIES; i++) {
        struct client c = client_new();
        if (c.number == number)
            return c;
        stream_close(c.stream);
    }
    ck_abort_msg("worker %d serves none of %d connections", number, MOST_TRIES);
}

static int echoed(const struct client *c)
{
    struct future f = {0};
    int rc = await(stream_write(c->stream, (struct bytes){ "still there?\n", 13 }, &f));
    return rc < 0 ? rc : await(stream_read_until(c->stream, "\n", 100, &f));
}

static void wait_until_one_listens(void)
{
    char byte;
    ck_assert_int_eq(read(told[0], &byte, 1), 1);
}

static int visit(void *self)
{
    struct client first = client_of(0), second = client_of(1);
    (void)self;
    ck_assert_int_ne(first.pid, second.pid);
    ck_assert_int_eq(echoed(&first), 13);
    ck_assert_int_eq(echoed(&second), 13);
    ck_assert_int_eq(kill(second.pid, SIGKILL), 0);
    wait_until_one_listens();
    ck_assert_int_lt(echoed(&second), 0);
    ck_assert_int_eq(echoed(&first), 13);
    struct client again = client_of(1);
    ck_assert_int_ne(again.pid, second.pid);
    ck_assert_int_eq(echoed(&again), 13);
    stream_close(first.stream);
    stream_close(second.stream);
    stream_close(again.stream);
    return 0;
}

/* A socket that only keeps the number: it does not listen. */
static int reserve_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct address bound;
    int fd = sys->socket(sys, AF_INET, SOCK_STREAM);
    ck_assert_int_eq(sys->set_option(sys, fd, SOL_SOCKET, SO_REUSEPORT, 1), 0);
    ck_assert_int_eq(sys->bind(sys, fd, (const struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(sys->sockname(sys, fd, &bound), 0);
    port = address_port(&bound);
    return fd;
}

START_TEST(both_serve_at_one_port_and_one_that_was_killed_serves_again)
{
    sys = sys_linux();
    int reserved = reserve_port(), pidfd;
    ck_assert_int_eq(pipe(told), 0);
    pid_t parent = sys->fork(sys, &pidfd);
    ck_assert_int_ge(parent, 0);
    if (parent == 0)
        _exit(prefork(sys, &(struct prefork){ .worker = serve, .count = WORKERS }) != SIGTERM);
    for (int i = 0; i < WORKERS; i++)
        wait_until_one_listens();
    loop = loop_new(sys);
    ck_assert_int_eq(loop_run_sync(loop, visit, NULL), 0);
    loop_close(loop);
    ck_assert_int_eq(sys->kill(sys, parent, SIGTERM), 0);
    ck_assert_int_eq(sys->reap(sys, pidfd, true), 0);
    sys->close(sys, pidfd);
    sys->close(sys, reserved);
}
END_TEST

int main(void)
{
    const TTest *tests[] = { both_serve_at_one_port_and_one_that_was_killed_serves_again, NULL };
    return run_real("prefork: tcp", tests);
}
