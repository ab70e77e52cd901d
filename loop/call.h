/* call.h - a call that waits its turn, and the queue it waits in.
 *
 * Everything a loop does is one of these: a callback, a due timeout, a ready descriptor, an answered future. The link is
 * embedded in its owner, so queueing can neither fail nor allocate, and taking a call back out is O(1) whatever queue it
 * stands in. The trap it exists for: a callback that frees its own object, or cancels one that is queued behind it. */
#ifndef EDDY_LOOP_CALL_H
#define EDDY_LOOP_CALL_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Something happened. `what` is a count, a mask or a signal; -errno if < 0. */
typedef void callback(void *self, int what);

struct call {                       /* caller-owned; {0} is idle */
    struct call *next, *prev;
    callback *fn;
    void *self;
    int what;
    bool owned;                     /* the loop's own: freed through sys->memory before fn runs, or instead */
};

struct calls {                      /* a FIFO: a ring through `head` */
    struct call head;
};

static inline void calls_init(struct calls *q)
{
    q->head.next = q->head.prev = &q->head;
}

static inline bool calls_empty(const struct calls *q)
{
    return q->head.next == &q->head;
}

static inline bool call_queued(const struct call *c)
{
    return c->next != NULL;
}

/* Appends an idle call. */
static inline void calls_push(struct calls *q, struct call *c)
{
    c->next = &q->head;
    c->prev = q->head.prev;
    c->prev->next = c;
    q->head.prev = c;
}

/* Takes a queued call out of whatever queue it stands in: it is idle afterwards. */
static inline void call_remove(struct call *c)
{
    c->prev->next = c->next;
    c->next->prev = c->prev;
    c->next = c->prev = NULL;
}

/* Takes the oldest call out, or returns NULL. */
static inline struct call *calls_pop(struct calls *q)
{
    struct call *c = q->head.next;
    if (c == &q->head)
        return NULL;
    call_remove(c);
    return c;
}

/* Moves all of `from` behind the last of `to`, in order. */
static inline void calls_splice(struct calls *to, struct calls *from)
{
    if (calls_empty(from))
        return;
    from->head.next->prev = to->head.prev;
    to->head.prev->next = from->head.next;
    from->head.prev->next = &to->head;
    to->head.prev = from->head.prev;
    calls_init(from);
}

#ifdef __cplusplus
}
#endif
#endif
