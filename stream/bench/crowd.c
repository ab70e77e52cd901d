/* crowd.c - the other side of an echo. See crowd.h. */
#include "stream/bench/crowd.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/bench/bench.h"

struct crowd {
    pid_t pid;
    int orders;                     /* how many rounds, as a long; 0: the end */
};

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
    enum { PORTION = 16384 };
    for (size_t done = 0; done < message; done += PORTION) {
        size_t len = message - done < PORTION ? message - done : PORTION;
        for (int i = 0; i < count; i++)
            put(fds[i], data, len);
        for (int i = 0; i < count; i++)
            take(fds[i], data, len);
    }
}

static void be_a_crowd(const int *fds, int count, size_t message, int orders)
{
    char *data = bench_array(message, 1);
    for (long rounds = 1; rounds > 0 && read(orders, &rounds, sizeof rounds) == sizeof rounds;)
        for (long i = 0; i < rounds; i++)
            round_of(fds, count, data, message);
    _exit(0);
}

static void set_nodelay(int fd)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

static void connect_all(int count, int *theirs, int *ours)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) < 0 || listen(listener, 128) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) < 0)
        bench_die("no listening socket on 127.0.0.1 could be made");
    for (int i = 0; i < count; i++) {
        theirs[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (theirs[i] < 0 || connect(theirs[i], (struct sockaddr *)&address, len) < 0)
            bench_die("%d connections could not be made: is ulimit -n high enough?", count);
        ours[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (ours[i] < 0)
            bench_die("%d connections could not be accepted: is ulimit -n high enough?", count);
        set_nodelay(theirs[i]);
        set_nodelay(ours[i]);
    }
    close(listener);
}

struct crowd *crowd_new(int count, size_t message, int *fds)
{
    struct crowd *c = bench_array(1, sizeof *c);
    int *theirs = bench_array((size_t)count, sizeof *theirs), orders[2];
    connect_all(count, theirs, fds);
    if (pipe2(orders, O_CLOEXEC) < 0 || (c->pid = fork()) < 0)
        bench_die("no second process could be made");
    if (c->pid == 0) {
        close(orders[1]);
        for (int i = 0; i < count; i++)
            close(fds[i]);
        be_a_crowd(theirs, count, message, orders[0]);
    }
    close(orders[0]);
    c->orders = orders[1];
    for (int i = 0; i < count; i++)
        close(theirs[i]);
    free(theirs);
    return c;
}

void crowd_go(struct crowd *c, long rounds)
{
    if (write(c->orders, &rounds, sizeof rounds) != sizeof rounds)
        bench_die("the other process is gone");
}

void crowd_close(struct crowd *c)
{
    crowd_go(c, 0);                 /* not by closing the pipe: a crowd that was made later has a copy of our end */
    close(c->orders);
    waitpid(c->pid, NULL, 0);
    free(c);
}
