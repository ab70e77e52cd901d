/* 07-future - one answer, later: what can be waited for is a value, and values can be combined.
 *
 * A future stands for an answer that has not come yet, whoever gives it: a connection, a read, a write, a sleep. So "connected,
 * or 10 s have passed" is future_any of two of them, and "asked, and answered" is future_all. Each is a future again, which is
 * how a fetch always waits for one thing only, whatever it is made of: to end a fetch is to cancel that one.
 *
 * Trap: a combination lends its members out. They are yours again when it has answered, and those that did not win are
 * still under way: phase.c cancels them; a stream's go with the stream. serve.c is the other job. */
#include "stages/page.h"

#include <errno.h>
#include <stdlib.h>

#include "stages/07-future/phase.h"
#include "stages/07-future/serve.h"
#include "stages/jobs.h"
#include "stream/tcp.h"

struct fetches {
    struct loop *loop;
    struct run *run;
    struct calls open;              /* the places of those under way */
    struct call more;               /* begin_more, once a turn */
};

struct fetch {
    struct fetches *all;
    struct call place;
    struct page *page;
    struct stream *stream;          /* NULL until it is connected */
    struct phase phase;             /* what it waits for */
    struct future step, sent, both, *two[2];
};

static callback begin_more;

static void fetch_end(struct fetch *f, int rc)
{
    struct fetches *all = f->all;
    phase_cancel(&f->phase);
    if (f->stream)
        stream_close(f->stream);
    page_done(f->page, rc);
    call_remove(&f->place);
    free(f);
    if (!call_queued(&all->more))
        loop_queue(all->loop, &all->more, begin_more, all, 0);
}

static void in_time(struct fetch *f, struct future *step, callback *then, const char *doing)
{
    f->page->doing = doing;
    phase_begin(&f->phase, f->all->loop, step, f->all->run->time_out, then, f);
}

static callback on_body;

static void read_body(struct fetch *f)
{
    in_time(f, stream_read_some(f->stream, CHUNK, &f->step), on_body, "waiting for more of the page");
}

static void on_body(void *self, int rc)
{
    struct fetch *f = self;
    if (rc < 0) {
        fetch_end(f, rc == -EPIPE ? 0 : rc);        /* closed in order: the end of the page */
        return;
    }
    page_take_body(f->page, rc);
    read_body(f);
}

static void on_head(void *self, int rc)
{
    struct fetch *f = self;
    struct bytes head = rc < 0 ? stream_unread(f->stream) : (struct bytes){ f->step.value, (size_t)f->step.rc };
    if (rc >= 0 || rc == -EPIPE)                    /* closed before its end: what there is may say why */
        rc = page_take_head(f->page, head.data, head.len);
    if (rc < 0)
        fetch_end(f, rc);
    else
        read_body(f);
}

static void on_connected(void *self, int rc)
{
    struct fetch *f = self;
    struct bytes request = { f->page->request, f->page->request_len };
    if (rc < 0) {
        f->page->name.why = f->step.why;
        fetch_end(f, rc);
        return;
    }
    f->stream = f->step.value;
    f->two[0] = stream_write(f->stream, request, &f->sent);
    f->two[1] = stream_read_until(f->stream, "\r\n\r\n", HEAD_LIMIT - 1, &f->step);
    in_time(f, future_all(f->all->loop, f->two, 2, &f->both), on_head, "waiting for the head of the reply");
}

static void fetch_begin(struct fetches *all, struct page *p)
{
    struct tcp_connect to = { .host = p->name.host, .port = atoi(p->name.port), .family = AF_INET };
    struct fetch *f = page_memory(sizeof *f);
    *f = (struct fetch){ .all = all, .page = p, .place.self = f };
    calls_push(&all->open, &f->place);
    in_time(f, tcp_connect(all->loop, &to, &f->step), on_connected, "connecting");
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
    static const struct stage stage = { .name = "07-future", .options = "c:n:t:d:p", .fetch = fetch, .serve = serve };
    return page_main(argc, argv, &stage);
}
