/* crowd.c - the other side of an echo. See crowd.h.
 *
 * The crowd connects itself, so that each process holds one end of each connection: there are not descriptors enough for both
 * in one. Trap: descriptors that a child inherits keep other crowds' connections and pipes open; it closes them all. */
#include "stream/bench/crowd.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/bench/bench.h"

enum { PORTION = 16384, SPARE = 100, PATIENCE = 20 };       /* bytes; descriptors of others; seconds */

struct crowd {
    pid_t pid;
    int orders;                     /* how many rounds, as a long; closed: the end */
};

/* ---- the other process ------------------------------------------------------------------------------------------- */

static void put(int fd, const char *data, size_t len)
{
    for (ssize_t n; len > 0; data += n, len -= (size_t)n)
        if ((n = write(fd, data, len)) <= 0)
            _exit(1);
}

static void take(int fd, char *data, size_t len)
{
    for (ssize_t n; len > 0; data += n, len -= (size_t)n)
        if ((n = read(fd, data, len)) <= 0)
            _exit(1);
}

/* A large message is written and read in portions, so that neither side waits for the other with full buffers. */
static void round_of(const int *fds, int count, char *data, size_t message)
{
    for (size_t done = 0; done < message; done += PORTION) {
        size_t len = message - done < PORTION ? message - done : PORTION;
        for (int i = 0; i < count; i++)
            put(fds[i], data, len);
        for (int i = 0; i < count; i++)
            take(fds[i], data, len);
    }
}

static void set_nodelay(int fd)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

static void connect_all(int count, const struct sockaddr_in *address, int *fds)
{
    for (int i = 0; i < count; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fds[i] < 0 || connect(fds[i], (const struct sockaddr *)address, sizeof *address) < 0)
            _exit(1);
        set_nodelay(fds[i]);
    }
}

__attribute__((noreturn)) static void be_a_crowd(int count, const struct sockaddr_in *address, size_t message, int orders)
{
    int *fds = bench_array((size_t)count, sizeof *fds);
    char *data = bench_array(message, 1);
    long rounds;
    if (dup2(orders, 3) != 3 || close_range(4, ~0U, 0) < 0)
        _exit(1);
    connect_all(count, address, fds);
    while (read(3, &rounds, sizeof rounds) == sizeof rounds)
        for (long i = 0; i < rounds; i++)
            round_of(fds, count, data, message);
    _exit(0);
}

/* ---- this process ------------------------------------------------------------------------------------------------ */

/* Accepting fails after a while, so that a crowd that could not connect does not leave us waiting. */
static int listen_for(int count, struct sockaddr_in *address)
{
    socklen_t len = sizeof *address;
    struct timeval patience = { .tv_sec = PATIENCE };
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (listener < 0 || bind(listener, (struct sockaddr *)address, len) < 0 || listen(listener, count) < 0 ||
        setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        getsockname(listener, (struct sockaddr *)address, &len) < 0)
        bench_die("no listening socket on 127.0.0.1 could be made");
    return listener;
}

struct crowd *crowd_new(int count, size_t message, int *fds)
{
    struct crowd *c = bench_array(1, sizeof *c);
    struct sockaddr_in address;
    int orders[2], listener = listen_for(count, &address);
    if (pipe2(orders, O_CLOEXEC) < 0 || (c->pid = fork()) < 0)
        bench_die("no second process could be made");
    if (c->pid == 0)
        be_a_crowd(count, &address, message, orders[0]);
    close(orders[0]);
    c->orders = orders[1];
    for (int i = 0; i < count; i++) {
        fds[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fds[i] < 0)
            bench_die("%d connections over loopback could not be made: is ulimit -n high enough?", count);
        set_nodelay(fds[i]);
    }
    close(listener);
    return c;
}

void crowd_go(struct crowd *c, long rounds)
{
    if (write(c->orders, &rounds, sizeof rounds) != sizeof rounds)
        bench_die("the other process is gone");
}

void crowd_close(struct crowd *c)
{
    close(c->orders);
    waitpid(c->pid, NULL, 0);
    free(c);
}

bool crowd_fits(int connections)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return false;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur >= (rlim_t)(connections + SPARE);
}
