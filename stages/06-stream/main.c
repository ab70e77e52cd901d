/* 06-stream - buffering once, for everybody: ask for the bytes up to the blank line, and be called when they are here.
 *
 * A stream owns the descriptor: it reads when somebody asks, keeps what has come and was not asked for yet, and sends the rest of
 * what was written when there is room. So nothing here knows of EAGAIN, of half a head or of half a write. Connecting is as in
 * 05: a thread looks up the name, a handler waits until the descriptor is writable; then it is the stream's.
 *
 * Trap: the stream owns what its descriptor was registered for, and what it has read. Handler first, stream then; and what a
 * read gave is a view, valid until the next read. serve.c is the other job. */
#include "stages/page.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/executor.h"
#include "stages/06-stream/serve.h"
#include "stages/jobs.h"
#include "stages/peer.h"
#include "stream/stream.h"

struct fetches {
    struct loop *loop;
    struct executor *executor;
    struct run *run;
    struct calls open;              /* the places of those under way */
    struct call more;               /* begin_more, once a turn */
};

struct fetch {
    struct fetches *all;
    struct call place;
    struct page *page;
    struct name *name;              /* the thread's, until looked_up is delivered */
    int fd;                         /* while it connects; then it is the stream's */
    struct stream *stream;
    struct future looked_up, sent, came;
    struct timeout timeout;
};

static callback begin_more;

static void fetch_end(struct fetch *f, int rc)
{
    struct fetches *all = f->all;
    future_cancel(&f->looked_up);
    loop_remove_timeout(all->loop, &f->timeout);
    if (f->stream)
        stream_close(f->stream);                    /* its futures with it */
    if (f->fd >= 0) {
        loop_remove_handler(all->loop, f->fd);
        close(f->fd);
    }
    page_done(f->page, rc);
    call_remove(&f->place);
    free(f);
    if (!call_queued(&all->more))
        loop_queue(all->loop, &all->more, begin_more, all, 0);
}

static void on_body(void *self, int rc)
{
    struct fetch *f = self;
    if (rc < 0) {
        fetch_end(f, rc == -EPIPE ? 0 : rc);        /* closed in order: the end of the page */
        return;
    }
    page_take_body(f->page, rc);
    stream_read_some(f->stream, CHUNK, future_then(&f->came, on_body, f));
}

static void on_head(void *self, int rc)
{
    struct fetch *f = self;
    struct bytes head = rc < 0 ? stream_unread(f->stream) : (struct bytes){ f->came.value, (size_t)rc };
    if (rc >= 0 || rc == -EPIPE)                    /* closed before its end: what there is may say why */
        rc = page_take_head(f->page, head.data, head.len);
    if (rc < 0)
        fetch_end(f, rc);
    else
        stream_read_some(f->stream, CHUNK, future_then(&f->came, on_body, f));
}

static void on_connected(void *self, int what)
{
    struct fetch *f = self;
    struct bytes request = { f->page->request, f->page->request_len };
    int rc = peer_connected(f->fd);
    (void)what;
    if (rc < 0) {
        fetch_end(f, rc);
        return;
    }
    loop_remove_handler(f->all->loop, f->fd);
    f->stream = stream_new(f->all->loop, f->fd);
    f->fd = -1;
    if (!f->stream) {
        fetch_end(f, -errno);
        return;
    }
    stream_write(f->stream, request, &f->sent);     /* if it fails, the read hears why */
    stream_read_until(f->stream, "\r\n\r\n", HEAD_LIMIT - 1, future_then(&f->came, on_head, f));
}

static void on_time_out(void *self, int what)
{
    (void)what;
    fetch_end(self, -ETIMEDOUT);
}

static int look_up(void *self)                      /* on another thread */
{
    name_look_up(self);
    return 0;
}

static void on_looked_up(void *self, int rc)
{
    struct fetch *f = self;
    if (rc >= 0) {
        f->page->name = *f->name;
        free(f->name);
        rc = f->page->name.why ? -ENOENT : 0;
    }
    if (rc >= 0)
        rc = f->fd = peer_connect(&f->page->name);
    if (rc >= 0)
        rc = loop_add_handler(f->all->loop, f->fd, WRITABLE, on_connected, f);
    if (rc < 0)
        fetch_end(f, rc);
}

static void fetch_begin(struct fetches *all, struct page *p)
{
    struct fetch *f = page_memory(sizeof *f);
    *f = (struct fetch){ .all = all, .page = p, .fd = -1, .place.self = f };
    calls_push(&all->open, &f->place);
    f->name = page_memory(sizeof *f->name);
    *f->name = p->name;
    executor_run(all->executor, look_up, f->name, free, future_then(&f->looked_up, on_looked_up, f));
    loop_call_at(all->loop, loop_time(all->loop) + all->run->time_out, &f->timeout, on_time_out, f);
}

static void begin_more(void *self, int what)
{
    struct fetches *all = self;
    struct page *p;
    (void)what;
    while (pages_under_way(all->run) < all->run->at_once && (p = page_next(all->run)))
        fetch_begin(all, p);
    if (calls_empty(&all->open))
        loop_stop(all->loop);
}

static int fetch(struct run *run)
{
    struct fetches all = { .loop = loop_new(sys_linux()), .run = run };
    struct fetching fetching;
    calls_init(&all.open);
    if (!all.loop)
        return -errno;
    int rc = fetching_begin(&fetching, all.loop, run);
    all.executor = loop_executor(all.loop);
    if (!all.executor)
        rc = -errno;
    if (rc == 0) {
        begin_more(&all, 0);
        rc = loop_start(all.loop);
    }
    while (!calls_empty(&all.open))
        fetch_end(all.open.head.next->self, -ECANCELED);
    loop_unqueue(all.loop, &all.more);
    fetching_end(&fetching);
    loop_close(all.loop);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct stage stage = { .name = "06-stream", .options = "c:n:t:d:p", .fetch = fetch, .serve = serve };
    return page_main(argc, argv, &stage);
}
