/* client_talk.c - one request, up to the head of its answer. See client_talk.h.
 *
 * Traps: (a) while the body is sent a head may come: an interim one, and it goes on; or the answer, and the rest of the body is
 *            nobody's wish any more.
 *        (b) where sending has failed the answer may be there all the same: it says why. */
#include "http/client_talk.h"

#include <errno.h>

#include "loop/co.h"

enum { INLINE_BODY = 16384 };
#define CONTINUE_WAIT SECOND

static int fails(struct talk *t, int rc, const char *why)
{
    t->why = why;
    return rc;
}

static void on_first(void *self, int what)
{
    (void)what;
    phases_enter(self, HTTP_ANSWER);
}

/* ---- sending -------------------------------------------------------------------------------------------------------- */

static bool is_interim(const struct talk *t)
{
    int status = t->answer->head.status;
    return status < 200 && status != 101;
}

/* A head that has come while the body is sent: of an answer that does not wait for the rest of it, unless it is an interim one.
 * */
static void on_head(void *self, int rc)
{
    struct talk *t = self;
    if (rc > 0 && is_interim(t)) {
        phases_enter(t->phases, HTTP_SEND);
        answer_head(t->answer, future_then(&t->head, on_head, t));
        return;
    }
    t->early = true;
    upload_answered(&t->upload);
}

/* The server takes no more; what it has said before can be read. */
static bool is_gone(int rc)
{
    return rc == -EPIPE || rc == -ECONNRESET;
}

static int send_body(struct talk *t)
{
    struct http_upload *u = &t->upload;
    const struct http_fetch *what = t->what;
    struct future f = {0};
    phases_enter(t->phases, HTTP_SEND);
    upload_begin(u, t->stream, request_length(what));
    u->lent = !what->produce;
    answer_head(t->answer, future_then(&t->head, on_head, t));
    t->reading = true;
    int rc = what->produce ? what->produce(what->self, u) : await(http_upload_write(u, what->body, &f));
    bool made = rc >= 0;
    if (made)
        rc = upload_finish(u);
    t->sent = rc >= 0 && !u->answered;
    bool refused = u->answered || is_gone(stream_error(t->stream));
    upload_end(u);
    if (rc >= 0 || refused)
        return 0;                       /* what has gone wrong, if anything, is in the answer */
    return fails(t, rc, made ? "the body is shorter than the length that was said for it" : "its body could not be made");
}

/* Whether the body is to be sent: 1; 0: the answer is here already; -errno. */
static int wait_for_100(struct talk *t)
{
    struct answer *a = t->answer;
    int64_t until = loop_time(t->loop) + CONTINUE_WAIT;
    int rc;
    do {
        answer_head(a, &t->head);
        if (!a->begun)
            phases_enter(t->phases, HTTP_FIRST_BYTE);
        rc = await_until(&t->head, until);
    } while (rc > 0 && is_interim(t) && a->head.status != 100);
    if (rc == -ETIMEDOUT || (rc > 0 && a->head.status == 100))
        return 1;
    t->early = rc > 0;
    return rc < 0 ? fails(t, rc, answer_why(a, rc, t->head.why)) : 0;
}

/* All of it; or as far as the server takes it: then its answer may say why. */
static int send_request(struct talk *t)
{
    const struct http_fetch *what = t->what;
    bool within = t->hop->body && !what->produce && !what->expect_continue && what->body.len <= INLINE_BODY;
    struct asker by = { t->agent, t->coding ? t->coding->name : NULL };
    struct sys *sys = loop_sys(t->loop);
    struct future f = {0};
    buffer_take(&t->request, buffer_len(&t->request));
    int rc = request_write(what, t->hop, t->proxy, &by, sys, &t->request);
    if (rc == 0 && within)
        rc = buffer_add(&t->request, sys, what->body, SIZE_MAX);
    if (rc < 0)
        return fails(t, rc, "no memory for the request");
    rc = await(stream_write(t->stream, buffer_bytes(&t->request), &f));
    t->sent = rc >= 0 && !request_closes(what);
    if (rc < 0)
        return is_gone(rc) ? 0 : fails(t, rc, f.why);
    if (!t->hop->body || within)
        return 0;
    t->sent = false;
    rc = what->expect_continue && request_length(what) ? wait_for_100(t) : 1;
    return rc > 0 ? send_body(t) : rc;
}

/* ---- hearing -------------------------------------------------------------------------------------------------------- */

/* The head that was begun to be read while the body was sent, or a new one. */
static int next_head(struct talk *t)
{
    struct answer *a = t->answer;
    bool early = t->early, reading = t->reading;
    t->early = t->reading = false;
    if (early)
        return t->head.rc;
    if (reading)
        future_then(&t->head, NULL, NULL);
    else
        answer_head(a, &t->head);
    if (!a->begun)
        phases_enter(t->phases, HTTP_FIRST_BYTE);
    return await(&t->head);
}

static int hear(struct talk *t)
{
    struct answer *a = t->answer;
    int rc;
    do
        rc = next_head(t);
    while (rc > 0 && is_interim(t));
    if (rc < 0)
        return fails(t, rc, answer_why(a, rc, t->head.why));
    if (a->head.status == 101)
        return fails(t, -EBADMSG, "the server switches to another protocol, which nobody has asked for");
    rc = answer_keep(a);
    return rc < 0 ? fails(t, rc, "no memory for the head of the answer") : 0;
}

int talk(struct talk *t)
{
    phases_enter(t->phases, HTTP_SEND);
    answer_begin(t->answer, t->stream, t->hop->method);
    t->answer->on_first = on_first;
    t->answer->self = t->phases;
    t->early = t->reading = false;
    int rc = send_request(t);
    return rc < 0 ? rc : hear(t);
}

void talk_end(struct talk *t)
{
    upload_end(&t->upload);
    future_cancel(&t->head);
    buffer_end(&t->request, loop_sys(t->loop));
}
