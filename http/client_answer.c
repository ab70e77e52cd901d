/* client_answer.c - what comes back. See client_answer.h.
 *
 * Traps: (a) a piece that was answered and never delivered has not been taken: what is counted is counted when it is delivered.
 *        (b) a head that comes byte by byte: looked at with each line that is whole, no more often, for what is wrong is wrong at
 *            once, and what is right costs the sender more than us. */
#include "http/client_answer.h"

#include <errno.h>
#include <string.h>

#include "loop/require.h"

enum { PIECE = 65536, EARLY = 16 };

static struct loop *loop_of(const struct answer *a)
{
    return stream_loop(a->stream);
}

static void free_kept(struct answer *a, struct sys *sys)
{
    sys_free(sys, a->kept);
    sys_free(sys, a->kept_late);
    a->kept = a->kept_late = NULL;
}

void answer_begin(struct answer *a, struct stream *s, const char *method)
{
    free_kept(a, loop_sys(stream_loop(s)));
    a->stream = s;
    a->method = method;
    a->trailers = (struct headers){0};
    a->heard = a->over = a->closed = false;
    a->total = 0;
    a->problem = (struct problem){0};
    a->chunked = a->ahead = (struct chunked){0};
    a->piece = (struct bytes){0};
    a->until = FOREVER;
}

/* ---- heads ---------------------------------------------------------------------------------------------------------- */

/* Whether it is worth while to look: a line more is whole, or it is too much; or it is so little that it costs nothing. */
static bool look_again(struct answer *a, struct bytes seen)
{
    bool line = memchr(seen.data + a->from, '\n', seen.len - a->from) != NULL;
    a->from = seen.len;
    return line || seen.len < EARLY || seen.len >= a->most_head;
}

static ssize_t head_enough(void *self, struct bytes seen, bool ended)
{
    struct answer *a = self;
    struct parse_limits limits = { .head = a->most_head };
    (void)ended;
    if (seen.len && !a->begun) {
        a->begun = a->heard = true;
        if (a->on_first)
            a->on_first(a->self, 0);
    }
    if (seen.len == 0 || !look_again(a, seen))
        return 0;
    a->head.headers = (struct headers){ .at = a->fields, .room = ANSWER_FIELDS };
    ssize_t n = parse_response((char *)seen.data, seen.len, text_of(a->method), &limits, &a->head, &a->problem);
    if (n < 0)
        return -EBADMSG;
    a->over = n > 0 && a->head.framing == BODY_NONE;
    return n;
}

struct future *answer_head(struct answer *a, struct future *f)
{
    a->begun = false;
    a->from = 0;
    return stream_read_with(a->stream, head_enough, a, a->most_head + 1, f);
}

/* Copies what lies between `from` and the last of the fields, into a block of its own. NULL: no memory. */
static char *keep(struct answer *a, struct headers *h, const char *from, size_t least)
{
    struct sys *sys = loop_sys(loop_of(a));
    const struct header *last = h->count ? &h->at[h->count - 1] : NULL;
    size_t len = last ? (size_t)(last->value.data + last->value.len - from) : least;
    char *kept = sys->memory(sys, NULL, len + 1);
    if (!kept)
        return NULL;
    memcpy(kept, from, len);
    for (int i = 0; i < h->count; i++) {
        h->at[i].name.data = kept + (h->at[i].name.data - from);
        h->at[i].value.data = kept + (h->at[i].value.data - from);
    }
    return kept;
}

int answer_keep(struct answer *a)
{
    struct bytes *reason = &a->head.reason;
    a->kept = keep(a, &a->head.headers, reason->data, reason->len);
    if (!a->kept)
        return -ENOMEM;
    reason->data = a->kept;
    return 0;
}

static int keep_trailers(struct answer *a)
{
    if (a->trailers.count == 0)
        return 0;
    a->kept_late = keep(a, &a->trailers, a->trailers.at[0].name.data, 0);
    if (!a->kept_late)
        a->trailers.count = 0;
    return a->kept_late ? 0 : -ENOMEM;
}

/* ---- what is enough for a piece -------------------------------------------------------------------------------------- */

static int larger(struct answer *a)
{
    a->problem = (struct problem){ 502, "the body of the answer is larger than is taken" };
    return -EMSGSIZE;
}

static ssize_t some_of_length(void *self, struct bytes seen, bool ended)
{
    struct answer *a = self;
    int64_t left = a->head.length - a->total;
    (void)ended;
    a->piece = seen;
    if ((int64_t)seen.len > left)
        a->piece.len = (size_t)left;
    return (ssize_t)a->piece.len;
}

static ssize_t some_until_close(void *self, struct bytes seen, bool ended)
{
    struct answer *a = self;
    (void)ended;
    a->piece = seen;
    return (int64_t)seen.len > a->most_body - a->total ? larger(a) : (ssize_t)seen.len;
}

/* Up to the end of the first data there is, or of all. a->ahead is how far that is. */
static ssize_t some_of_chunks(void *self, struct bytes seen, bool ended)
{
    struct answer *a = self;
    size_t at = 0;
    (void)ended;
    a->ahead = a->chunked;
    for (;;) {
        struct bytes rest = { seen.data + at, seen.len - at };
        bool behind = a->ahead.state == CHUNK_TRAILERS;
        a->piece = (struct bytes){0};
        a->trailers = (struct headers){ .at = a->late, .room = ANSWER_TRAILERS };
        ssize_t n = behind ? parse_trailers(rest, NULL, &a->trailers, &a->problem)
                           : chunked_take(&a->ahead, rest, a->most_body, &a->piece, &a->problem);
        if (n < 0)
            return a->problem.status == 413 ? larger(a) : -EBADMSG;
        at += (size_t)n;
        if (n == 0 || a->piece.len)
            return n ? (ssize_t)at : 0;
        if (behind) {
            a->ahead.state = CHUNK_DONE;
            return (ssize_t)at;
        }
    }
}

/* ---- one piece ------------------------------------------------------------------------------------------------------- */

/* It has been taken: from here on it counts. */
static void body_delivered(void *self)
{
    struct answer *a = self;
    a->f = NULL;
    a->total += (int64_t)a->piece.len;
    a->chunked = a->ahead;
    if (a->head.framing == BODY_CHUNKED)
        a->over = a->chunked.state == CHUNK_DONE;
    else
        a->over |= a->closed || (a->head.framing == BODY_LENGTH && a->total == a->head.length);
    a->piece = (struct bytes){0};
}

/* A piece waits for the next who asks; the end of all is no piece. */
static void body_undo(void *self, struct future *f)
{
    struct answer *a = self;
    a->f = NULL;
    if (f->rc == 0)
        body_delivered(a);
}

static void body_forget(void *self)
{
    struct answer *a = self;
    a->f = NULL;
    future_cancel(&a->read);
    loop_remove_timeout(loop_of(a), &a->alarm);
}

const char *answer_why(const struct answer *a, int rc, const char *otherwise)
{
    if (a->problem.why && (rc == -EBADMSG || rc == -EMSGSIZE))
        return a->problem.why;
    if (rc == -ETIMEDOUT)
        return "time-out: the server did not come to the end of its answer";
    if (rc == -EPIPE)
        return a->heard ? "the server has closed the connection in the middle of its answer"
                        : "the server has closed the connection without an answer";
    if (rc == -ENOMEM)
        return "no memory for the answer";
    return otherwise ? otherwise : "the answer could not be read";
}

static void fail(struct answer *a, int rc)
{
    future_fail(a->f, rc, answer_why(a, rc, a->read.why));
}

static void on_piece(void *self, int rc)
{
    struct answer *a = self;
    loop_remove_timeout(loop_of(a), &a->alarm);
    a->closed = rc == -EPIPE && a->head.framing == BODY_UNTIL_CLOSE;
    if (rc > 0 && a->head.framing == BODY_CHUNKED && a->ahead.state == CHUNK_DONE)
        rc = keep_trailers(a);
    if (rc < 0)
        a->piece = (struct bytes){0};
    if (rc < 0 && !a->closed)
        fail(a, rc);
    else
        future_resolve(a->f, (int)a->piece.len, (char *)a->piece.data);
}

static void on_late(void *self, int what)
{
    struct answer *a = self;
    (void)what;
    future_cancel(&a->read);
    on_piece(a, -ETIMEDOUT);
}

/* Not waited for where it has come already: an answer that is here whole costs no turn of the loop. */
static void read_piece(struct answer *a)
{
    static enough *const some[] = { [BODY_LENGTH] = some_of_length, [BODY_CHUNKED] = some_of_chunks,
                                    [BODY_UNTIL_CLOSE] = some_until_close };
    stream_read_with(a->stream, some[a->head.framing], a, PIECE, future_then(&a->read, NULL, NULL));
    if (future_take(&a->read, a)) {
        on_piece(a, a->read.rc);
        return;
    }
    future_then(&a->read, on_piece, a);
    if (a->until < FOREVER)
        loop_call_at(loop_of(a), a->until, &a->alarm, on_late, a);
}

struct future *answer_body(struct answer *a, struct future *f)
{
    static const struct op op = { "http body", body_forget, body_undo, body_delivered };
    REQUIRE(!a->f, "one piece of an answer's body at a time: the one that was asked for before has not come");
    REQUIRE(a->stream, "answer_body behind answer_leave");
    a->f = future_start(f, loop_of(a), &op, a);
    if (a->over || a->piece.len)
        future_resolve(f, (int)a->piece.len, (char *)a->piece.data);
    else if (a->head.framing == BODY_LENGTH && a->head.length > a->most_body)
        fail(a, larger(a));
    else
        read_piece(a);
    return f;
}

void answer_expect(struct answer *a, int64_t until)
{
    a->until = until;
}

/* ---- its end --------------------------------------------------------------------------------------------------------- */

bool answer_clean(const struct answer *a)
{
    return a->over && a->head.keep_alive && stream_error(a->stream) == 0 && stream_unread(a->stream).len == 0;
}

void answer_leave(struct answer *a)
{
    if (!a->stream)
        return;
    if (a->f)
        future_detach(a->f);
    future_cancel(&a->read);
    loop_remove_timeout(loop_of(a), &a->alarm);
    a->stream = NULL;
}

void answer_end(struct answer *a, struct sys *sys)
{
    answer_leave(a);
    free_kept(a, sys);
}
