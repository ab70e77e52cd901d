/* client_unpack.c - the body of an answer, unpacked. See client_unpack.h.
 *
 * Traps: (a) bytes that unpack to nothing, without end, and as fast as we take them: one portion of them a turn.
 *        (b) a part of a body (206) is a part of what is packed, which nobody can unpack: it comes as it is. */
#include "http/client_unpack.h"

#include "loop/require.h"

void unpack_begin(struct unpack *u, struct answer *a, const struct coding *coding)
{
    const struct head *head = &a->head;
    if (!coding || head->framing == BODY_NONE || head->status == 206)
        return;
    u->answer = a;
    u->name = coding_of(coding, &head->headers);
    u->coding = u->name.data ? coding : NULL;
    u->unpacker = (struct unpacker){ .coding = coding, .name = u->name };
}

/* ---- making a piece -------------------------------------------------------------------------------------------------- */

static struct loop *loop_of(const struct unpack *u)
{
    return stream_loop(u->answer->stream);
}

/* Whether there is an answer without more that comes. */
static bool answers(struct unpack *u)
{
    int n = u->piece ? u->piece : unpacker_next(&u->unpacker, loop_sys(loop_of(u)), u->answer->most_body);
    if (n == 0 && !u->unpacker.ended)
        return false;
    u->over = n == 0;
    if (n < 0) {
        future_fail(u->f, n, u->unpacker.why);
        return true;
    }
    u->piece = n;
    future_resolve(u->f, n, u->unpacker.out);
    return true;
}

/* ---- asking for one -------------------------------------------------------------------------------------------------- */

static void body_delivered(void *self)
{
    struct unpack *u = self;
    u->f = NULL;
    u->piece = 0;
}

/* It waits for the next who asks. */
static void body_undo(void *self, struct future *f)
{
    struct unpack *u = self;
    (void)f;
    u->f = NULL;
}

static void body_forget(void *self)
{
    struct unpack *u = self;
    u->f = NULL;
    future_cancel(&u->packed);
}

static void on_packed(void *self, int rc)
{
    struct unpack *u = self;
    if (rc < 0) {
        future_fail(u->f, rc, u->packed.why);
        return;
    }
    u->unpacker.in = (struct bytes){ u->packed.value, (size_t)rc };
    u->unpacker.ended = rc == 0;
    if (!answers(u))
        answer_body(u->answer, future_then(&u->packed, on_packed, u));
}

struct future *unpack_body(struct unpack *u, struct future *f)
{
    static const struct op op = { "http body", body_forget, body_undo, body_delivered };
    REQUIRE(!u->f, "one piece of an answer's body at a time: the one that was asked for before has not come");
    u->f = future_start(f, loop_of(u), &op, u);
    if (answers(u))
        return f;
    answer_body(u->answer, future_then(&u->packed, NULL, NULL));
    if (future_take(&u->packed, u))
        on_packed(u, u->packed.rc);
    else
        future_then(&u->packed, on_packed, u);
    return f;
}

void unpack_end(struct unpack *u, struct sys *sys)
{
    if (u->f)
        future_detach(u->f);
    future_cancel(&u->packed);
    unpacker_end(&u->unpacker, sys);
}
