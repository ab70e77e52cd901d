/* 05-time-signals-threads - time, Ctrl-C and a worker thread are events like any other.
 *
 * Three things that 04 could not wait for come through the same loop: a period (a progress line every 100 ms) and a deadline for
 * the whole run; a signal, which ends it cleanly, with what was fetched so far; and a function that blocks, getaddrinfo, which
 * runs on another thread, and whose answer is a callback here.
 *
 * Trap: a thread that asks for a name cannot be stopped, only forgotten. So what it works on is not lent but handed over, a copy
 * of the name: a fetch that times out meanwhile ends at once, and the copy is freed when the thread is done with it.
 * serve.c is the other job. */
#include "stages/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/executor.h"
#include "loop/periodic.h"
#include "loop/signals.h"
#include "stages/05-time-signals-threads/serve.h"
#include "stages/peer.h"

struct fetches {
    struct loop *loop;
    struct executor *executor;
    struct run *run;
    struct calls open;              /* the places of those under way */
    int count;
    struct call more;               /* begin_more, once a turn */
    bool late;                      /* the deadline has passed */
    struct periodic progress;
    struct timeout deadline;
};

struct fetch {
    struct fetches *all;
    struct call place;
    struct page *page;
    struct name *name;              /* the thread's, until looked_up is delivered */
    struct future looked_up;
    int fd;
    size_t sent;
    bool asked;                     /* all is sent */
    struct timeout timeout;
};

static callback begin_more;

static void fetch_end(struct fetch *f, int rc)
{
    struct fetches *all = f->all;
    future_cancel(&f->looked_up);
    loop_remove_timeout(all->loop, &f->timeout);
    if (f->fd >= 0) {
        loop_remove_handler(all->loop, f->fd);
        close(f->fd);
    }
    page_done(f->page, rc);
    call_remove(&f->place);
    free(f);
    all->count--;
    if (!call_queued(&all->more))
        loop_queue(all->loop, &all->more, begin_more, all, 0);
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

static int look_up(void *self)                      /* on another thread */
{
    name_look_up(self);
    return 0;                                       /* a job that fails does not come back; what went wrong is in the name */
}

static void on_looked_up(void *self, int rc)
{
    struct fetch *f = self;
    if (rc >= 0) {                                  /* the name is ours again */
        f->page->name = *f->name;
        free(f->name);
        rc = f->page->name.why ? -ENOENT : 0;
    }
    if (rc >= 0)
        rc = f->fd = peer_connect(&f->page->name);
    if (rc >= 0)
        rc = loop_add_handler(f->all->loop, f->fd, WRITABLE, on_ready, f);
    if (rc < 0)
        fetch_end(f, rc);
}

static void fetch_begin(struct fetches *all, struct page *p)
{
    struct fetch *f = page_memory(sizeof *f);
    *f = (struct fetch){ .all = all, .page = p, .fd = -1, .place.self = f };
    calls_push(&all->open, &f->place);
    all->count++;
    f->name = page_memory(sizeof *f->name);
    *f->name = p->name;
    executor_run(all->executor, look_up, f->name, free, future_then(&f->looked_up, on_looked_up, f));
    loop_call_at(all->loop, loop_time(all->loop) + all->run->time_out, &f->timeout, on_time_out, f);
}

static void begin_more(void *self, int what)
{
    struct fetches *all = self;
    (void)what;
    for (struct page *p; all->count < all->run->at_once && (p = page_next(all->run));)
        fetch_begin(all, p);
    if (all->count == 0)
        loop_stop(all->loop);                       /* the period alone would go on for ever */
}

static void on_progress(void *self, int what)
{
    const struct fetches *all = self;
    (void)what;
    fprintf(stderr, "%d of %d pages, %d under way\n", pages_done(all->run), pages_wanted(all->run), all->count);
}

static void on_deadline(void *self, int what)
{
    struct fetches *all = self;
    (void)what;
    all->late = true;
    loop_stop(all->loop);
}

static void fetches_end(struct fetches *all)
{
    const char *why = all->late ? "the time for the run is over" : interrupted(all->loop);
    if (why)
        fprintf(stderr, "%s: pages under way: %d, not begun: %d\n", why, all->count, pages_left(all->run));
    while (all->count > 0)
        fetch_end(all->open.head.next->self, -ECANCELED);
    loop_unqueue(all->loop, &all->more);
    loop_remove_timeout(all->loop, &all->deadline);
    periodic_close(&all->progress);
    loop_close(all->loop);
}

static int fetch(struct run *run)
{
    struct fetches all = { .loop = loop_new(sys_linux()), .run = run };
    calls_init(&all.open);
    if (!all.loop)
        return -errno;
    all.executor = loop_executor(all.loop);
    int rc = all.executor ? loop_stop_on_signals(all.loop) : -errno;
    if (rc == 0) {
        if (run->progress)
            periodic_start(&all.progress, all.loop, SECOND / 10, on_progress, &all);
        if (run->deadline)
            loop_call_at(all.loop, loop_time(all.loop) + run->deadline, &all.deadline, on_deadline, &all);
        begin_more(&all, 0);
        rc = loop_start(all.loop);
    }
    fetches_end(&all);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct stage stage = { .name = "05-time-signals-threads", .options = "c:n:t:d:p",
                                        .fetch = fetch, .serve = serve };
    return page_main(argc, argv, &stage);
}
