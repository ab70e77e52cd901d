/* serve.c - the server: each client has so long to ask, and so long again to take its answer.
 *
 * The trap it exists for: one limit for both makes a client with a slow line pay for the time in which it was asked nothing. */
#include "stages/07-future/serve.h"

#include <errno.h>
#include <stdlib.h>

#include "stages/07-future/phase.h"
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
    struct phase phase;
    struct future step;
};

static void client_end(struct client *c)
{
    phase_cancel(&c->phase);
    stream_close(c->stream);
    call_remove(&c->place);
    free(c);
}

static void in_time(struct client *c, struct future *step, callback *then)
{
    phase_begin(&c->phase, c->server->serving.loop, step, c->server->run->time_out, then, c);
}

static void on_answered(void *self, int rc)
{
    struct client *c = self;
    c->server->serving.served += rc >= 0;
    client_end(c);
}

static void on_asked(void *self, int rc)
{
    struct client *c = self;
    struct bytes reply = { page_reply, page_reply_len };
    if (rc < 0)                                     /* it left, was too slow, or its request does not end */
        client_end(c);
    else
        in_time(c, stream_write(c->stream, reply, &c->step), on_answered);
}

static void on_client(void *self, int fd)
{
    struct server *s = self;
    struct stream *stream = stream_new(s->serving.loop, fd);
    if (!stream)
        return;
    struct client *c = page_memory(sizeof *c);
    *c = (struct client){ .server = s, .stream = stream, .place.self = c };
    calls_push(&s->clients, &c->place);
    in_time(c, stream_read_until(stream, "\r\n\r\n", REQUEST_LIMIT, &c->step), on_asked);
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
        client_end(s.clients.head.next->self);
    serving_end(&s.serving);
    loop_close(loop);
    return rc;
}
