/* tls.c - what TLS costs: a bulk echo beside a blocking loop of OpenSSL's, handshakes that resume beside full ones, and how long
 * handshakes hold the loop up, on its executor and on its own thread.
 *
 * The blocking loop is the ceiling: nobody can encrypt for less than OpenSSL takes, and it waits for nothing but the one
 * connection it has. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "loop/acceptor.h"
#include "loop/co.h"
#include "stream/bench/streams.h"
#include "stream/bench/tls_crowd.h"
#include "stream/tcp.h"
#include "stream/tls.h"

/* ---- ours: a server with TLS ---------------------------------------------------------------------------------------- */

struct shop {
    struct loop *loop;
    struct tls *tls;
    struct listener *listener;
    struct tls_crowd *crowd;
    struct future serving;
    int64_t left;                       /* bytes to be said, or handshakes to come */
};

static struct shop *shop_open(struct sys *sys, enum tls_work work, co_fn *each)
{
    struct shop *s = bench_array(1, sizeof *s);
    s->loop = loop_new(sys);
    s->tls = s->loop ? tls_server_new(sys, &(struct tls_options){ .certificate = tls_identity() }, NULL) : NULL;
    s->listener = s->tls ? tcp_listen_with(s->loop, &(struct tcp_listen){ .host = "127.0.0.1", .tls = s->tls }) : NULL;
    if (!s->listener)
        bench_die("no server with TLS could be made");
    s->crowd = tls_crowd_new(tcp_port(s->listener), work);
    tcp_set_data(s->listener, s);
    tcp_serve(s->listener, each, &s->serving);
    return s;
}

static void shop_run(struct shop *s, int64_t left, long ops)
{
    s->left = left;
    tls_crowd_go(s->crowd, ops);
    loop_start(s->loop);
}

static void shop_close(void *self)
{
    struct shop *s = self;
    tls_crowd_close(s->crowd);
    tcp_close(s->listener);
    tls_close(s->tls);
    loop_close(s->loop);
    free(s);
}

static void count(struct shop *s, int n)
{
    s->left -= n;
    if (s->left <= 0)
        loop_stop(s->loop);
}

static int echo(void *self)
{
    struct stream *s = self;
    struct future read = {0};
    int n;
    stream_set_nodelay(s, true);
    while ((n = await(stream_read_some(s, 0, &read))) > 0) {
        stream_write(s, (struct bytes){ read.value, (size_t)n }, NULL);
        count(stream_data(s), n);
    }
    stream_close(s);
    return 0;
}

static int greet(void *self)
{
    struct stream *s = self;
    struct future f = {0};
    stream_set_nodelay(s, true);        /* else the byte waits until what the handshake has sent last is acknowledged */
    stream_write(s, (struct bytes){ "x", 1 }, NULL);
    await(stream_read_some(s, 0, &f));
    count(stream_data(s), 1);
    stream_close(s);
    return 0;
}

static void *echo_open(void)
{
    return shop_open(sys_linux(), TLS_ECHOES, echo);
}

static void echo_run(void *self, long ops)
{
    shop_run(self, (int64_t)ops * TLS_MESSAGE, ops);
}

static void *full_open(void)
{
    return shop_open(sys_linux(), TLS_FULL, greet);
}

static void *resumed_open(void)
{
    return shop_open(sys_linux(), TLS_RESUMED, greet);
}

static void greet_run(void *self, long ops)
{
    shop_run(self, ops, ops);
}

const struct lane eddy_tls_echo = { "eddy", echo_open, echo_run, shop_close };
const struct lane eddy_tls_full = { "eddy", full_open, greet_run, shop_close };
const struct lane eddy_tls_resumed = { "eddy", resumed_open, greet_run, shop_close };

/* ---- by hand, blocking --------------------------------------------------------------------------------------------- */

struct plain {
    SSL_CTX *context;
    struct tls_crowd *crowd;
    SSL *ssl;
};

static SSL_CTX *context_new(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context, tls_identity()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, tls_identity(), SSL_FILETYPE_PEM) != 1)
        bench_die("OpenSSL does not take our certificate");
    return context;
}

static void set_nodelay(int fd)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

static int listen_anywhere(int *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 128) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        bench_die("no listening socket on 127.0.0.1 could be made");
    *port = ntohs(address.sin_port);
    return fd;
}

static void *plain_open(void)
{
    struct plain *p = bench_array(1, sizeof *p);
    int port, listener = listen_anywhere(&port);
    p->context = context_new();
    p->crowd = tls_crowd_new(port, TLS_ECHOES);
    int fd = accept(listener, NULL, NULL);
    close(listener);
    set_nodelay(fd);
    p->ssl = SSL_new(p->context);
    SSL_set_fd(p->ssl, fd);
    if (SSL_accept(p->ssl) != 1)
        bench_die("OpenSSL did not shake hands with itself");
    return p;
}

static void plain_run(void *self, long ops)
{
    static char data[TLS_RECORD];
    struct plain *p = self;
    tls_crowd_go(p->crowd, ops);
    for (int64_t left = (int64_t)ops * TLS_MESSAGE; left > 0;) {
        int n = SSL_read(p->ssl, data, sizeof data);
        if (n <= 0 || SSL_write(p->ssl, data, n) != n)
            bench_die("the other process is gone");
        left -= n;
    }
}

static void plain_close(void *self)
{
    struct plain *p = self;
    tls_crowd_close(p->crowd);
    close(SSL_get_fd(p->ssl));
    SSL_free(p->ssl);
    SSL_CTX_free(p->context);
    free(p);
}

const struct lane openssl_echo = { "blocking OpenSSL", plain_open, plain_run, plain_close };

/* ---- the longest turn while handshakes happen -------------------------------------------------------------------------- */

enum { ROUNDS = 9, GUESTS = 4 * TLS_AT_ONCE };

static struct {
    struct sys sys;
    int64_t began, longest;
} turns;

static int64_t own_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

/* A turn is what the loop's thread computes between two questions to the selector. */
static int timed_wait(struct sys *sys, int epfd, struct epoll_event *events, int max, int64_t timeout)
{
    int64_t length = own_cpu() - turns.began;
    turns.longest = length > turns.longest ? length : turns.longest;
    int n = sys_linux()->epoll_wait(sys, epfd, events, max, timeout);
    turns.began = own_cpu();
    return n;
}

/* The same server as one would write it with OpenSSL on the loop's own thread. */
struct counter {
    struct loop *loop;
    SSL_CTX *context;
    int left;
};

struct guest {
    struct counter *counter;
    SSL *ssl;
    bool greeted;
};

static void see_off(struct guest *g)
{
    int fd = SSL_get_fd(g->ssl);
    loop_remove_handler(g->counter->loop, fd);
    close(fd);
    SSL_free(g->ssl);
    if (--g->counter->left == 0)
        loop_stop(g->counter->loop);
    free(g);
}

static void on_guest(void *self, int what)
{
    struct guest *g = self;
    char byte;
    (void)what;
    if (!g->greeted && SSL_accept(g->ssl) == 1)
        g->greeted = SSL_write(g->ssl, "x", 1) == 1;
    if (g->greeted && SSL_read(g->ssl, &byte, 1) == 0)
        see_off(g);
}

static void on_connection(void *self, int fd)
{
    struct guest *g = bench_array(1, sizeof *g);
    g->counter = self;
    g->ssl = SSL_new(g->counter->context);
    SSL_set_fd(g->ssl, fd);
    set_nodelay(fd);
    if (loop_add_handler(g->counter->loop, fd, READABLE, on_guest, g) < 0)
        bench_die("no connection can be watched");
}

static double inline_round(void)
{
    struct counter c = { loop_new(&turns.sys), context_new(), GUESTS };
    int port, listener = listen_anywhere(&port);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    struct tls_crowd *crowd = tls_crowd_new(port, TLS_CROWDED);
    struct acceptor *acceptor = c.loop ? acceptor_new(c.loop, listener, on_connection, &c) : NULL;
    if (!acceptor)
        bench_die("no server could be made");
    tls_crowd_go(crowd, GUESTS);
    turns.longest = 0;
    turns.began = own_cpu();
    loop_start(c.loop);
    tls_crowd_close(crowd);
    acceptor_close(acceptor);
    close(listener);
    loop_close(c.loop);
    SSL_CTX_free(c.context);
    return (double)turns.longest / MICROSECOND;
}

static double executor_round(void)
{
    struct shop *s = shop_open(&turns.sys, TLS_CROWDED, greet);
    turns.longest = 0;
    turns.began = own_cpu();
    shop_run(s, GUESTS, GUESTS);
    shop_close(s);
    return (double)turns.longest / MICROSECOND;
}

void tls_turns_once(struct result *r)
{
    double ours[ROUNDS], beside[ROUNDS], ratios[ROUNDS];
    turns.sys = *sys_linux();
    turns.sys.epoll_wait = timed_wait;
    for (int i = 0; i < ROUNDS; i++) {
        ours[i] = executor_round();
        beside[i] = inline_round();
        ratios[i] = ours[i] / beside[i];
    }
    r->ours = r->judged = bench_spread(ratios, ROUNDS);
    r->verdict = bench_verdict(r->bench, r->judged);
    snprintf(r->note, sizeof r->note, "with %d handshakes that come %d at a time: %.0f us; on the loop's own thread: %.0f us",
             GUESTS, TLS_AT_ONCE, bench_spread(ours, ROUNDS).median, bench_spread(beside, ROUNDS).median);
}
