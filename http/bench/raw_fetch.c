/* raw_fetch.c - a client as one would write it by hand on epoll for this one request and this one answer.
 *
 * It is the floor: it parses nothing, knows how long an answer is, never waits to send, and has no time-outs. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/bench/fetches.h"

enum { PORTION = 65536 };

struct caller {
    struct host *host;
    int epfd, count;
    size_t answer;                      /* bytes of one */
    long left, running;
    int fds[FEW];
};

static void ask(struct caller *c, int fd)
{
    size_t len = strlen(plain_request);
    c->left--;
    if (send(fd, plain_request, len, MSG_NOSIGNAL) != (ssize_t)len)
        bench_die("half a request was sent");
}

static void hear(struct caller *c, int fd)
{
    static char data[PORTION];
    ssize_t n = recv(fd, data, sizeof data, 0);
    c->answer = c->answer ? c->answer : (size_t)n;
    if (n <= 0 || (size_t)n != c->answer)
        bench_die("half an answer has come");
    if (c->left > 0)
        ask(c, fd);
    else
        c->running--;
}

static void caller_run(void *self, long ops)
{
    struct epoll_event events[FEW];
    struct caller *c = self;
    c->left = ops;
    for (c->running = 0; c->running < c->count && c->left > 0; c->running++)
        ask(c, c->fds[c->running]);
    while (c->running > 0) {
        int n = epoll_wait(c->epfd, events, FEW, -1);
        for (int i = 0; i < n; i++)
            hear(c, events[i].data.fd);
    }
}

static int dial(const struct caller *c)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)host_port(c->host)) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 || epoll_ctl(c->epfd, EPOLL_CTL_ADD, fd, &event) < 0)
        bench_die("the host cannot be connected to");
    return fd;
}

static void *caller_open(int count)
{
    struct caller *c = bench_array(1, sizeof *c);
    c->host = host_new(strlen(visitors_text));
    c->count = count;
    c->epfd = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < count; i++)
        c->fds[i] = dial(c);
    caller_run(c, 10 * count);
    return c;
}

static void caller_close(void *self)
{
    struct caller *c = self;
    for (int i = 0; i < c->count; i++)
        close(c->fds[i]);
    close(c->epfd);
    host_close(c->host);
    free(c);
}

static void *one_open(void)
{
    return caller_open(1);
}

static void *few_open(void)
{
    return caller_open(FEW);
}

const struct lane raw_fetch_one = { "raw epoll", one_open, caller_run, caller_close };
const struct lane raw_fetch = { "raw epoll", few_open, caller_run, caller_close };
