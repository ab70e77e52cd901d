/* raw.c - a server as one would write it by hand on epoll that answers whatever comes.
 *
 * It is the ceiling: it parses nothing, knows how long a request is, and has its replies ready, one behind the other. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/bench/servers.h"

enum { EVENTS = 256, PORTION = 65536 };

struct raw {
    int epfd, listener;
    struct visitors *visitors;
    int each;                           /* requests in a round */
    size_t request, reply;              /* bytes of one */
    char *replies;                      /* as many as can be asked for at once */
};

static void watch(struct raw *r, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    if (fd < 0 || epoll_ctl(r->epfd, EPOLL_CTL_ADD, fd, &event) < 0)
        bench_die("no socket or epoll set could be made");
}

static int listen_somewhere(struct raw *r)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(r->listener, (struct sockaddr *)&address, len) < 0 || listen(r->listener, FEW) < 0 ||
        getsockname(r->listener, (struct sockaddr *)&address, &len) < 0)
        bench_die("no listening socket on 127.0.0.1 could be made");
    watch(r, r->listener);
    return ntohs(address.sin_port);
}

static void answer(struct raw *r, int fd)
{
    static char data[PORTION];
    ssize_t n = recv(fd, data, sizeof data, 0);
    size_t out = n > 0 ? (size_t)n / r->request * r->reply : 0;
    if (n <= 0)
        close(fd);
    else if ((size_t)n % r->request || send(fd, r->replies, out, MSG_NOSIGNAL) != (ssize_t)out)
        bench_die("half a request has come, or a socket is full");
}

/* Until the visitors say that they have been answered, or are gone. */
static void serve(struct raw *r)
{
    struct epoll_event events[EVENTS];
    for (bool done = false; !done;) {
        int n = epoll_wait(r->epfd, events, EVENTS, -1);
        for (int i = 0; i < n; i++)
            if (events[i].data.fd == visitors_fd(r->visitors))
                done = true;
            else if (events[i].data.fd == r->listener)
                watch(r, accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
            else
                answer(r, events[i].data.fd);
    }
    visitors_done(r->visitors);
}

static void *raw_open(const struct visit *visit)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 13\r\n"
                                "Content-Type: text/plain\r\n\r\nHello, world\n";
    struct raw *r = bench_array(1, sizeof *r);
    struct visit v = *visit;
    r->each = v.count * v.depth;
    r->request = strlen(v.request);
    r->reply = strlen(reply);
    r->replies = bench_array((size_t)v.depth, r->reply);
    for (int i = 0; i < v.depth; i++)
        memcpy(r->replies + (size_t)i * r->reply, reply, r->reply);
    r->epfd = epoll_create1(EPOLL_CLOEXEC);
    v.port = listen_somewhere(r);
    r->visitors = visitors_new(&v);
    watch(r, visitors_fd(r->visitors));
    visitors_go(r->visitors, 0);
    serve(r);
    return r;
}

static void raw_run(void *self, long ops)
{
    struct raw *r = self;
    visitors_go(r->visitors, ops / r->each);
    serve(r);
}

/* Its connections: what comes of them behind the visitors' end. */
static void raw_close(void *self)
{
    struct raw *r = self;
    struct epoll_event events[EVENTS];
    epoll_ctl(r->epfd, EPOLL_CTL_DEL, visitors_fd(r->visitors), NULL);
    visitors_close(r->visitors);
    for (int n; (n = epoll_wait(r->epfd, events, EVENTS, 0)) > 0;)
        for (int i = 0; i < n; i++)
            answer(r, events[i].data.fd);
    close(r->listener);
    close(r->epfd);
    free(r->replies);
    free(r);
}

static void *get_open(void)
{
    return raw_open(&(struct visit){ .count = FEW, .depth = 1, .request = plain_request });
}

static void *fields_open(void)
{
    return raw_open(&(struct visit){ .count = FEW, .depth = 1, .request = browser_request });
}

static void *one_open(void)
{
    return raw_open(&(struct visit){ .count = 1, .depth = 1, .request = plain_request });
}

static void *piped_open(void)
{
    return raw_open(&(struct visit){ .count = FEW, .depth = PIPED, .request = plain_request });
}

const struct lane raw_get = { "raw epoll", get_open, raw_run, raw_close };
const struct lane raw_get_fields = { "raw epoll", fields_open, raw_run, raw_close };
const struct lane raw_get_one = { "raw epoll", one_open, raw_run, raw_close };
const struct lane raw_get_piped = { "raw epoll", piped_open, raw_run, raw_close };
