/* 02-busy - nobody waits, and so everybody asks, all the time. Deliberately bad.
 *
 * The sockets do not block any more: a call that cannot be done says EAGAIN at once. Nothing says when to try again, so we try
 * every socket in turn, without end. The gain: a silent peer stops nobody. The pain: 100 % of a processor, also when nothing
 * happens at all. */
#include "stages/page.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct fetch {                      /* one of AT_ONCE places; page NULL: free */
    struct page *page;
    int fd;
    bool connected;
    size_t sent;
};

struct client {
    int fd;                         /* < 0: free */
    struct asked asked;
    bool whole;
    size_t sent;
};

static int again(void)
{
    return errno == EAGAIN || errno == EINPROGRESS || errno == EALREADY ? -EAGAIN : -errno;
}

/* Sends what the socket takes of it: 0 when all is sent, -EAGAIN, or another -errno. */
static int try_send(int fd, const char *data, size_t len, size_t *sent)
{
    ssize_t n = 0;
    while (*sent < len && (n = send(fd, data + *sent, len - *sent, MSG_NOSIGNAL)) >= 0)
        *sent += (size_t)n;
    return n < 0 ? again() : 0;
}

/* ---- fetching ------------------------------------------------------------------------------------------------------ */

/* As far as it goes: 0 at the end of the page, -EAGAIN, or what went wrong. */
static int try_fetch(struct fetch *f)
{
    static char chunk[CHUNK];
    struct page *p = f->page;
    if (!f->connected && connect(f->fd, (struct sockaddr *)&p->name.address, sizeof p->name.address) < 0)
        return again();
    f->connected = true;
    int rc = try_send(f->fd, p->request, p->request_len, &f->sent);
    if (rc < 0)
        return rc;
    ssize_t n = recv(f->fd, chunk, sizeof chunk, 0);
    if (n <= 0)
        return n < 0 ? again() : 0;
    rc = page_take(p, chunk, (size_t)n);
    return rc < 0 ? rc : -EAGAIN;
}

static void fetch_end(struct fetch *f, int rc)
{
    if (f->fd >= 0)
        close(f->fd);
    page_done(f->page, rc);
    *f = (struct fetch){0};
}

static bool fetch_begin(struct fetch *f, struct page *p)
{
    if (!p)
        return false;
    *f = (struct fetch){ .page = p, .fd = -1 };
    int rc = name_look_up(&p->name);
    if (rc == 0 && (f->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0)
        rc = -errno;
    if (rc < 0)
        fetch_end(f, rc);
    return true;
}

static int fetch(struct run *run)
{
    struct fetch *places = page_memory((size_t)run->at_once * sizeof *places);
    for (bool busy = true; busy;) {
        busy = false;
        for (int i = 0; i < run->at_once; i++) {
            int rc = places[i].page ? try_fetch(&places[i]) : -EAGAIN;
            if (rc != -EAGAIN)
                fetch_end(&places[i], rc);
            busy |= places[i].page || fetch_begin(&places[i], page_next(run));
        }
    }
    free(places);
    return 0;
}

/* ---- serving ------------------------------------------------------------------------------------------------------- */

/* 0 when the client is served, or lost; -EAGAIN. */
static int try_answer(struct client *c)
{
    char chunk[4096];
    if (!c->whole) {
        ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? -EAGAIN : 0;
        int whole = page_asked(&c->asked, chunk, (size_t)n);
        if (whole <= 0)
            return whole < 0 ? 0 : -EAGAIN;
        c->whole = true;
    }
    return try_send(c->fd, page_reply, page_reply_len, &c->sent) == -EAGAIN ? -EAGAIN : 0;
}

static _Noreturn int serve(struct run *run)
{
    static struct client clients[512];
    const size_t count = sizeof clients / sizeof *clients;
    for (size_t i = 0; i < count; i++)
        clients[i].fd = -1;
    for (size_t i = 0;; i = (i + 1) % count) {
        struct client *c = &clients[i];
        if (c->fd < 0) {
            *c = (struct client){ .fd = accept4(run->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) };
        } else if (try_answer(c) == 0) {
            close(c->fd);
            c->fd = -1;
        }
    }
}

int main(int argc, char **argv)
{
    static const struct stage stage = { .name = "02-busy", .options = "c:n:", .fetch = fetch, .serve = serve };
    return page_main(argc, argv, &stage);
}
