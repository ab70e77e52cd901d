/* host.c - the server of an HTTP client. See host.h.
 *
 * It parses nothing: what comes is one request, as its last bytes say, and the answer is ready. Trap: a body that the socket does
 * not take at once; this process sleeps then, which is none of the client's time. */
#include "http/bench/host.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/bench/bench.h"

enum { EVENTS = 64, REQUEST = 4096, HEAD = 256, BACKLOG = 128 };

struct host {
    pid_t pid;
    int port;
    char *answer;
    size_t len;
};

static void make_answer(struct host *h, size_t body)
{
    h->answer = bench_array(1, HEAD + body);
    h->len = (size_t)snprintf(h->answer, HEAD, "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: host\r\n"
                              "Content-Length: %zu\r\nContent-Type: text/plain\r\n\r\n", body);
    for (size_t i = 0; i < body; i++)
        h->answer[h->len++] = (char)('a' + i % 26);
}

static int listen_somewhere(struct host *h)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        bench_die("no listening socket on 127.0.0.1 could be made");
    h->port = ntohs(address.sin_port);
    return fd;
}

/* ---- the other process ------------------------------------------------------------------------------------------- */

static void watch(int epfd, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    if (fd < 0 || epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) < 0)
        _exit(1);
}

/* A client that closes in the middle of an answer is no concern of ours. */
static void answer(const struct host *h, int fd)
{
    char request[REQUEST];
    ssize_t n = recv(fd, request, sizeof request, 0), sent = 1;
    if (n > 0 && (n < 4 || memcmp(request + n - 4, "\r\n\r\n", 4) != 0))
        _exit(1);
    for (size_t at = 0; n > 0 && sent > 0 && at < h->len; at += sent > 0 ? (size_t)sent : 0)
        sent = send(fd, h->answer + at, h->len - at, MSG_NOSIGNAL);
    if (n <= 0 || sent <= 0)
        close(fd);
}

static void welcome(int epfd, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    watch(epfd, fd);
}

__attribute__((noreturn)) static void serve(const struct host *h, int listener)
{
    struct epoll_event events[EVENTS];
    int epfd = epoll_create1(EPOLL_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    watch(epfd, listener);
    for (;;) {
        int n = epoll_wait(epfd, events, EVENTS, -1);
        for (int i = 0; i < n; i++)
            if (events[i].data.fd == listener)
                welcome(epfd, listener);
            else
                answer(h, events[i].data.fd);
    }
}

/* ---- this process ------------------------------------------------------------------------------------------------ */

struct host *host_new(size_t body)
{
    struct host *h = bench_array(1, sizeof *h);
    make_answer(h, body);
    int listener = listen_somewhere(h);
    fflush(NULL);
    h->pid = fork();
    if (h->pid < 0)
        bench_die("no second process could be made");
    if (h->pid == 0)
        serve(h, listener);
    close(listener);
    return h;
}

int host_port(const struct host *h)
{
    return h->port;
}

void host_close(struct host *h)
{
    kill(h->pid, SIGKILL);
    waitpid(h->pid, NULL, 0);
    free(h->answer);
    free(h);
}
