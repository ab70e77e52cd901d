/* queue_world.h - what the tests of queues share: items that are numbers, and the three kinds of queue. */
#ifndef EDDY_LOOP_TESTS_QUEUE_WORLD_H
#define EDDY_LOOP_TESTS_QUEUE_WORLD_H

#include "loop/queue.h"
#include "loop/tests/co_world.h"

/* ---- items are numbers: their address is what is queued ------------------------------------------------------------- */

static int numbers[1000];
static int released;                    /* their sum */

static inline void *item(int n)
{
    numbers[n] = n;
    return &numbers[n];
}

static inline int number(const void *it)
{
    return it ? *(const int *)it : -1;
}

static inline void release(void *it)
{
    tell("r", number(it));
    released += number(it);
}

/* By tens, so that 11 and 17 are equals. */
static inline int by_tens(const void *a, const void *b)
{
    return number(a) / 10 - number(b) / 10;
}

static inline void put_all(struct queue *q, const int *all)
{
    for (; *all; all++)
        ck_assert_int_eq(queue_put_nowait(q, item(*all)), 0);
}

static inline void get_all(struct queue *q)
{
    for (void *it; queue_get_nowait(q, &it) == 0;)
        tell("", number(it));
}

static struct future got;               /* for callbacks that tell the item: one at a time */

static inline void tell_item(void *self, int rc)
{
    struct future *f = self;
    tell(rc < 0 ? "failed" : "", rc < 0 ? rc : number(f->value));
}

static inline struct future *tell_get(struct queue *q, struct future *f)
{
    return queue_get(q, future_then(f, tell_item, f));
}

static inline struct queue *open_fifo(size_t limit)
{
    return queue_new(loop, limit);
}

static inline struct queue *open_lifo(size_t limit)
{
    return queue_new_lifo(loop, limit);
}

static inline struct queue *open_priority(size_t limit)
{
    return queue_new_priority(loop, limit, by_tens);
}

static struct queue *(*const kinds[])(size_t limit) = { open_fifo, open_lifo, open_priority };
enum { KINDS = sizeof kinds / sizeof *kinds };

#endif
