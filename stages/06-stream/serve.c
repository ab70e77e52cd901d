/* serve.c - the server: a request is what comes until the blank line, an answer is one write.
 *
 * The trap it exists for: a client that never ends its request. The limit is part of the question, so that nobody forgets it. */
#include "stages/06-stream/serve.h"

#include <errno.h>
#include <stdlib.h>

#include "stages/jobs.h"
#include "stream/stream.h"

struct server {
    struct serving serving;
    struct run *run;
    struct calls clients;           /* their places */
};

struct client {
    struct server *server;
    struct call place;
    struct stream *stream;
    struct future asked, answered;
    struct timeout timeout;
};

static void client_end(void *self, int what)
{
    struct client *c = self;
    (void)what;
    loop_remove_timeout(c->server->serving.loop, &c->timeout);
    stream_close(c->stream);
    call_remove(&c->place);
    free(c);
}

static void on_answered(void *self, int rc)
{
    struct client *c = self;
    c->server->serving.served += rc >= 0;
    client_end(c, 0);
}

static void on_asked(void *self, int rc)
{
    struct client *c = self;
    struct bytes reply = { page_reply, page_reply_len };
    if (rc < 0)                                     /* it left, or its request does not end */
        client_end(c, 0);
    else
        stream_write(c->stream, reply, future_then(&c->answered, on_answered, c));
}

static void on_client(void *self, int fd)
{
    struct server *s = self;
    struct loop *loop = s->serving.loop;
    struct stream *stream = stream_new(loop, fd);
    if (!stream)
        return;
    struct client *c = page_memory(sizeof *c);
    *c = (struct client){ .server = s, .stream = stream, .place.self = c };
    calls_push(&s->clients, &c->place);
    loop_call_at(loop, loop_time(loop) + s->run->time_out, &c->timeout, client_end, c);
    stream_read_until(stream, "\r\n\r\n", REQUEST_LIMIT, future_then(&c->asked, on_asked, c));
}

int serve(struct run *run)
{
    struct server s = { .run = run };
    struct loop *loop = loop_new(sys_linux());
    calls_init(&s.clients);
    if (!loop)
        return -errno;
    int rc = serving_begin(&s.serving, loop, run, on_client, &s);
    if (rc == 0)
        rc = loop_start(loop);
    while (!calls_empty(&s.clients))
        client_end(s.clients.head.next->self, 0);
    serving_end(&s.serving);
    loop_close(loop);
    return rc;
}
