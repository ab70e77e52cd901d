/* 03-selector - the raw selector callback: say what you wait for, sleep, be called.
 *
 * We register a descriptor with the selector, epoll, together with a function: the callback. One call, epoll_wait, sleeps for
 * all of them; when it says that one is ready, we call its function, which does what will not block. A fetch is a chain:
 *     connect ... on_connected ... on_writable: send GET ... on_readable: collect ... end of file: print
 * Traps: a failed connect is writable too, SO_ERROR tells; a callback frees only its own: another may be next in the answer. */
#include "stages/page.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the selector -------------------------------------------------------------------------------------------------- */

typedef void callback(void *self);
struct watch {                      /* a descriptor, and what to call when it is ready; part of its owner */
    int fd;
    void *self;
    callback *fn;                   /* NULL while it is not registered */
};

static int selector;                /* epoll's descriptor */
static int watched;                 /* how many are registered */

/* Calls fn(self) whenever w->fd is ready for EPOLLIN or EPOLLOUT. An error is ready for both: send or recv says what it is. */
static int watch_for(struct watch *w, uint32_t events, callback *fn)
{
    struct epoll_event event = { .events = events, .data.ptr = w };
    if (epoll_ctl(selector, w->fn ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, w->fd, &event) < 0)
        return -errno;
    watched += w->fn == NULL;
    w->fn = fn;
    return 0;
}

/* Unregisters, then closes, in this order: a moment later the number may be somebody else's. */
static void watch_end(struct watch *w)
{
    if (w->fn && epoll_ctl(selector, EPOLL_CTL_DEL, w->fd, NULL) == 0)
        watched--;
    if (w->fd >= 0)
        close(w->fd);
}

/* The only place where this program sleeps. */
static int selector_wait(void)
{
    struct epoll_event ready[64];
    int n = epoll_wait(selector, ready, 64, -1);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < n; i++) {
        struct watch *w = ready[i].data.ptr;
        w->fn(w->self);
    }
    return 0;
}

/* ---- fetching ------------------------------------------------------------------------------------------------------ */

struct fetch {
    struct watch watch;
    struct page *page;
    size_t sent;
};

static void fetch_end(struct fetch *f, int rc)
{
    watch_end(&f->watch);
    page_done(f->page, rc);
    free(f);
}

static void on_readable(void *self)
{
    static char chunk[CHUNK];
    struct fetch *f = self;
    ssize_t n = recv(f->watch.fd, chunk, sizeof chunk, 0);
    int rc = n < 0 ? -errno : page_take(f->page, chunk, (size_t)n);
    if (n == 0 || (rc < 0 && rc != -EAGAIN))        /* the end of the page, or an error; -EAGAIN was a false alarm */
        fetch_end(f, rc);
}

static void on_writable(void *self)
{
    struct fetch *f = self;
    ssize_t n = send(f->watch.fd, f->page->request + f->sent, f->page->request_len - f->sent, MSG_NOSIGNAL);
    int rc = n < 0 ? -errno : 0;
    f->sent += n < 0 ? 0 : (size_t)n;
    if (f->sent == f->page->request_len)            /* all is said: now listen */
        rc = watch_for(&f->watch, EPOLLIN, on_readable);
    if (rc < 0 && rc != -EAGAIN)
        fetch_end(f, rc);
}

static void on_connected(void *self)
{
    struct fetch *f = self;
    int error = 0;
    getsockopt(f->watch.fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){ sizeof error });
    f->watch.fn = on_writable;
    if (error)
        fetch_end(f, -error);
    else
        on_writable(f);                             /* and so it is: it has just been connected */
}

static void fetch_begin(struct page *p)
{
    struct fetch *f = page_memory(sizeof *f);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc = fd < 0 ? -errno : name_look_up(&p->name);
    if (rc == 0 && connect(fd, (struct sockaddr *)&p->name.address, sizeof p->name.address) < 0 && errno != EINPROGRESS)
        rc = -errno;
    *f = (struct fetch){ .watch = { .fd = fd, .self = f }, .page = p };
    if (rc == 0)
        rc = watch_for(&f->watch, EPOLLOUT, on_connected);
    if (rc < 0)
        fetch_end(f, rc);
}

static int fetch(struct run *run)
{
    int rc = 0;
    do {
        for (struct page *p; watched < run->at_once && (p = page_next(run));)
            fetch_begin(p);
    } while (watched > 0 && (rc = selector_wait()) == 0);
    return rc;
}

/* ---- serving ------------------------------------------------------------------------------------------------------- */

struct client {
    struct watch watch;
    struct asked asked;
    size_t sent;
};

static struct watch listener;

static void client_end(struct client *c)
{
    watch_end(&c->watch);
    free(c);
    watch_for(&listener, EPOLLIN, listener.fn);     /* should on_client have run out of descriptors: here is one */
}

static void on_answer(void *self)
{
    struct client *c = self;
    ssize_t n = send(c->watch.fd, page_reply + c->sent, page_reply_len - c->sent, MSG_NOSIGNAL);
    c->sent += n < 0 ? 0 : (size_t)n;
    if (c->sent == page_reply_len || (n < 0 && errno != EAGAIN))
        client_end(c);
}

static void on_request(void *self)
{
    struct client *c = self;
    char chunk[4096];
    ssize_t n = recv(c->watch.fd, chunk, sizeof chunk, 0);
    int whole = n > 0 ? page_asked(&c->asked, chunk, (size_t)n) : n < 0 ? -errno : -ECONNRESET;
    if (whole > 0)
        whole = watch_for(&c->watch, EPOLLOUT, on_answer);
    if (whole < 0 && whole != -EAGAIN)
        client_end(c);
}

static void on_client(void *self)
{
    int fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    (void)self;
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
        watch_for(&listener, 0, on_client);         /* until a client leaves; or we would be called again at once, for ever */
    if (fd < 0)
        return;
    struct client *c = page_memory(sizeof *c);
    c->watch = (struct watch){ .fd = fd, .self = c };
    if (watch_for(&c->watch, EPOLLIN, on_request) < 0)
        client_end(c);
}

static int serve(struct run *run)
{
    listener.fd = run->listener;
    int rc = watch_for(&listener, EPOLLIN, on_client);
    while (rc == 0)
        rc = selector_wait();
    return rc;
}

int main(int argc, char **argv)
{
    static const struct stage stage = { .name = "03-selector", .options = "c:n:", .fetch = fetch, .serve = serve };
    selector = epoll_create1(EPOLL_CLOEXEC);
    return selector < 0 ? 1 : page_main(argc, argv, &stage);
}
