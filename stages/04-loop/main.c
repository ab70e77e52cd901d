/* 04-loop - the loop owns the waiting: descriptors, time-outs and callbacks go through one queue.
 *
 * The same fetch as in 03; but the selector, its table, and the order in which things are called are the library's now. With
 * the loop comes the clock: what takes too long is ended by a timeout, a call like any other. And what a callback starts, it
 * may start in a turn of its own (loop_add_callback), not deeper and deeper on the stack.
 *
 * Trap: a timeout and a handler are two ways into one object, so its end takes both back, before it is freed. Then the loop
 * calls neither, even if both were due in this very turn. */
#include "stages/page.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/loop.h"
#include "stages/peer.h"

/* ---- fetching ------------------------------------------------------------------------------------------------------ */

struct fetches {
    struct loop *loop;
    struct run *run;
    int open;
};

struct fetch {
    struct fetches *all;
    struct page *page;
    int fd;
    size_t sent;
    bool asked;                     /* all is sent */
    struct timeout timeout;
};

static callback begin_more;

static void fetch_end(struct fetch *f, int rc)
{
    struct fetches *all = f->all;
    loop_remove_timeout(all->loop, &f->timeout);
    if (f->fd >= 0) {
        loop_remove_handler(all->loop, f->fd);
        close(f->fd);
    }
    page_done(f->page, rc);
    free(f);
    all->open--;
    if (loop_add_callback(all->loop, begin_more, all) < 0)
        begin_more(all, 0);                         /* no memory for a turn of its own: then at once */
}

static int ask(struct fetch *f)
{
    int rc = peer_connected(f->fd);
    if (rc == 0)
        rc = peer_send(f->fd, f->page->request, f->page->request_len, &f->sent);
    if (rc < 0)
        return rc;
    f->asked = true;                                /* now listen */
    rc = loop_update_handler(f->all->loop, f->fd, READABLE);
    return rc < 0 ? rc : -EAGAIN;
}

static void on_ready(void *self, int what)
{
    struct fetch *f = self;
    int rc = f->asked ? peer_take_page(f->fd, f->page) : ask(f);
    (void)what;
    if (rc != -EAGAIN)                              /* the end of the page, or an error */
        fetch_end(f, rc);
}

static void on_time_out(void *self, int what)
{
    (void)what;
    fetch_end(self, -ETIMEDOUT);
}

static void fetch_begin(struct fetches *all, struct page *p)
{
    struct fetch *f = page_memory(sizeof *f);
    int rc = name_look_up(&p->name);
    *f = (struct fetch){ .all = all, .page = p, .fd = -1 };
    if (rc == 0)
        rc = f->fd = peer_connect(&p->name);
    if (rc >= 0)
        rc = loop_add_handler(all->loop, f->fd, WRITABLE, on_ready, f);
    loop_call_at(all->loop, loop_time(all->loop) + all->run->time_out, &f->timeout, on_time_out, f);
    all->open++;
    if (rc < 0)
        fetch_end(f, rc);
}

static void begin_more(void *self, int what)
{
    struct fetches *all = self;
    (void)what;
    for (struct page *p; all->open < all->run->at_once && (p = page_next(all->run));)
        fetch_begin(all, p);
}

static int fetch(struct run *run)
{
    struct fetches all = { .loop = loop_new(sys_linux()), .run = run };
    if (!all.loop)
        return -errno;
    begin_more(&all, 0);
    int rc = loop_start(all.loop);                  /* returns when nothing is left that could wake it */
    loop_close(all.loop);
    return rc;
}

/* ---- serving ------------------------------------------------------------------------------------------------------- */

struct server {
    struct loop *loop;
    struct run *run;
    struct timeout pause;           /* while it does not listen */
};

struct client {
    struct server *server;
    int fd;
    struct asked asked;
    size_t sent;
    struct timeout timeout;
};

static void client_end(void *self, int what)
{
    struct client *c = self;
    (void)what;
    loop_remove_timeout(c->server->loop, &c->timeout);
    loop_remove_handler(c->server->loop, c->fd);
    close(c->fd);
    free(c);
}

static void on_client_ready(void *self, int what)
{
    struct client *c = self;
    int rc;
    (void)what;
    if (c->asked.whole) {
        rc = peer_send(c->fd, page_reply, page_reply_len, &c->sent);
    } else {
        rc = peer_take_request(c->fd, &c->asked);
        if (rc == 0 && (rc = loop_update_handler(c->server->loop, c->fd, WRITABLE)) == 0)
            return;
    }
    if (rc != -EAGAIN)
        client_end(c, 0);
}

static callback on_client;

static void listen_again(void *self, int what)
{
    struct server *s = self;
    (void)what;
    if (loop_add_handler(s->loop, s->run->listener, READABLE, on_client, s) < 0)
        loop_call_at(s->loop, loop_time(s->loop) + SECOND / 10, &s->pause, listen_again, s);
}

static void on_client(void *self, int what)
{
    struct server *s = self;
    int fd = peer_accept(s->run->listener);
    (void)what;
    if (fd == -EMFILE) {
        loop_remove_handler(s->loop, s->run->listener);     /* or we would be called again at once, for ever */
        loop_call_at(s->loop, loop_time(s->loop) + SECOND / 10, &s->pause, listen_again, s);
    }
    if (fd < 0)
        return;
    struct client *c = page_memory(sizeof *c);
    *c = (struct client){ .server = s, .fd = fd };
    loop_call_at(s->loop, loop_time(s->loop) + s->run->time_out, &c->timeout, client_end, c);
    if (loop_add_handler(s->loop, fd, READABLE, on_client_ready, c) < 0)
        client_end(c, 0);
}

static int serve(struct run *run)
{
    struct server s = { .loop = loop_new(sys_linux()), .run = run };
    if (!s.loop)
        return -errno;
    listen_again(&s, 0);
    int rc = loop_start(s.loop);
    loop_close(s.loop);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct stage stage = { .name = "04-loop", .options = "c:n:t:", .fetch = fetch, .serve = serve };
    return page_main(argc, argv, &stage);
}
