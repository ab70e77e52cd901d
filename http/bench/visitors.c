/* visitors.c - the clients of an HTTP server, in lockstep. See visitors.h.
 *
 * All replies of a server have the same length, which the first one tells: so they need no parser, whose CPU time would be the
 * machine's. Trap: descriptors that a child inherits keep other visitors' connections open; it closes them all. */
#include "http/bench/visitors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/bench/bench.h"

enum { ORDERS = 3, PATIENCE = 20, TRIES = 1000, A_TRY = 10000, HEAD = 4096 };      /* fd; s; of connecting; us; bytes */

const char visitors_text[] = "Hello, world\n";

struct visitors {
    pid_t pid;
    int fd;                         /* orders: how many rounds, as a long; each comes back when it is done. Closed: the end */
};

/* ---- the other process ------------------------------------------------------------------------------------------- */

struct crowd {
    struct visit visit;
    int *fds;
    char *requests, *replies;       /* of one connection, one behind the other */
    size_t request, reply;          /* bytes of one */
};

__attribute__((noreturn)) static void leave(const char *why)
{
    fprintf(stderr, "bench: the clients leave: %s\n", why);
    _exit(1);
}

static void put(int fd, const char *data, size_t len)
{
    for (ssize_t n; len > 0; data += n, len -= (size_t)n)
        if ((n = send(fd, data, len, MSG_NOSIGNAL)) <= 0)
            leave("the server does not take a request");
}

static void take(int fd, char *data, size_t len)
{
    for (ssize_t n; len > 0; data += n, len -= (size_t)n)
        if ((n = recv(fd, data, len, 0)) <= 0)
            leave("the server has closed, or does not answer");
}

/* A server that was started a moment ago may not listen yet. */
static int dial(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct timeval patience = { .tv_sec = PATIENCE };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < TRIES; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            leave("no socket could be made: is ulimit -n high enough?");
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
            return fd;
        if (errno != ECONNREFUSED)
            leave("the server takes no connection");
        close(fd);
        usleep(A_TRY);
    }
    leave("no server listens");
}

static bool ends_well(const struct crowd *c, const char *data, size_t len)
{
    const char *end = c->visit.reply ? c->visit.reply : visitors_text;
    size_t text = strlen(end);
    return len >= text && memcmp(data + len - text, end, text) == 0;
}

/* Asks once, and finds out how long a reply is. */
static size_t ask_first(const struct crowd *c, int fd)
{
    static const char ok[] = "HTTP/1.1 200";
    char head[HEAD] = "";
    size_t len = 0, size = c->visit.reply ? strlen(c->visit.reply) : c->visit.body ? c->visit.body : strlen(visitors_text);
    char *body = bench_array(1, size);
    put(fd, c->requests, c->request);
    while (!c->visit.reply && len < sizeof head - 1 && !strstr(head, "\r\n\r\n"))
        take(fd, head + len++, 1);
    take(fd, body, size);
    if ((!c->visit.reply && strncmp(head, ok, strlen(ok)) != 0) || !ends_well(c, body, size))
        leave("a reply is not 200 with the text that was expected");
    free(body);
    return len + size;
}

static void come(struct crowd *c)
{
    const struct visit *v = &c->visit;
    c->fds = bench_array((size_t)v->count, sizeof *c->fds);
    for (int i = 0; i < v->idle + v->count; i++) {
        int fd = dial(v->port);
        size_t reply = ask_first(c, fd);
        if (c->reply && c->reply != reply)
            leave("two replies have different lengths");
        c->reply = reply;
        if (i >= v->idle)
            c->fds[i - v->idle] = fd;
    }
    c->replies = bench_array((size_t)v->depth, c->reply);
}

/* The last reply ends where it should: so none was longer or shorter. */
static void round_of(const struct crowd *c)
{
    size_t depth = (size_t)c->visit.depth;
    for (int i = 0; i < c->visit.count; i++)
        put(c->fds[i], c->requests, depth * c->request);
    for (int i = 0; i < c->visit.count; i++) {
        take(c->fds[i], c->replies, depth * c->reply);
        if (!ends_well(c, c->replies, depth * c->reply))
            leave("a reply is longer or shorter than the others");
    }
}

__attribute__((noreturn)) static void be_visitors(const struct visit *v, int orders)
{
    struct crowd c = { .visit = *v, .request = strlen(v->request) };
    long rounds;
    if (dup2(orders, ORDERS) != ORDERS || close_range(ORDERS + 1, ~0U, 0) < 0)
        leave("descriptors could not be closed");
    c.requests = bench_array((size_t)v->depth, c.request);
    for (int i = 0; i < v->depth; i++)
        memcpy(c.requests + (size_t)i * c.request, v->request, c.request);
    while (read(ORDERS, &rounds, sizeof rounds) == sizeof rounds) {
        if (!c.fds)
            come(&c);
        for (long i = 0; i < rounds; i++)
            round_of(&c);
        if (write(ORDERS, &rounds, sizeof rounds) != sizeof rounds)
            break;
    }
    _exit(0);
}

/* ---- this process ------------------------------------------------------------------------------------------------ */

struct visitors *visitors_new(const struct visit *visit)
{
    struct visitors *v = bench_array(1, sizeof *v);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 || (v->pid = fork()) < 0)
        bench_die("no second process could be made");
    if (v->pid == 0)
        be_visitors(visit, pair[1]);
    close(pair[1]);
    v->fd = pair[0];
    return v;
}

void visitors_go(struct visitors *v, long rounds)
{
    if (write(v->fd, &rounds, sizeof rounds) != sizeof rounds)
        bench_die("the clients are gone");
}

int visitors_fd(const struct visitors *v)
{
    return v->fd;
}

void visitors_done(struct visitors *v)
{
    long rounds;
    if (read(v->fd, &rounds, sizeof rounds) != sizeof rounds)
        bench_die("the clients were not served");
}

void visitors_close(struct visitors *v)
{
    close(v->fd);
    waitpid(v->pid, NULL, 0);
    free(v);
}
