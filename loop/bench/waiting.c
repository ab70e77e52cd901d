/* waiting.c - what coroutines hand each other: things through a queue, a lock, a permit.
 *
 * There are two of them each time. With a queue that is long enough they switch only when it is empty or full, or when one has
 * gone on for 64 answers; with room for one, and with the lock and the permit, each operation is a switch and a turn. */
#include "loop/bench/bench.h"

#include <stdlib.h>

#include "loop/co.h"
#include "loop/lock.h"
#include "loop/queue.h"
#include "loop/semaphore.h"

enum { LONG = 64 };

struct hands {
    struct loop *loop;
    struct queue *queue;
    struct lock *lock;
    struct semaphore *semaphore;
    long to_give, to_take;
};

static struct hands *hands_new(void)
{
    struct hands *h = bench_array(1, sizeof *h);
    h->loop = loop_new(sys_linux());
    if (!h->loop)
        bench_die("no loop could be made");
    return h;
}

/* Starts both and waits until they have ended: then nothing is left that could wake the loop. */
static void hands_run(struct hands *h, co_fn *one, co_fn *other)
{
    co_spawn(h->loop, one, h, NULL);
    co_spawn(h->loop, other, h, NULL);
    loop_start(h->loop);
    if (h->to_give > 0 || h->to_take > 0)
        bench_die("%ld operations did not happen", h->to_give + h->to_take);
}

static void hands_close(void *self)
{
    struct hands *h = self;
    if (h->queue)
        queue_close(h->queue, NULL);
    if (h->lock)
        lock_close(h->lock);
    if (h->semaphore)
        semaphore_close(h->semaphore);
    loop_close(h->loop);
    free(h);
}

/* ---- a queue ------------------------------------------------------------------------------------------------------- */

static int putter(void *self)
{
    struct hands *h = self;
    for (; h->to_give > 0; h->to_give--) {
        struct future f = {0};
        await(queue_put(h->queue, h, &f));
    }
    return 0;
}

static int getter(void *self)
{
    struct hands *h = self;
    for (; h->to_take > 0; h->to_take--) {
        struct future f = {0};
        await(queue_get(h->queue, &f));
    }
    return 0;
}

static void *queue_open(size_t limit)
{
    struct hands *h = hands_new();
    h->queue = queue_new(h->loop, limit);
    if (!h->queue)
        bench_die("no queue could be made");
    return h;
}

static void *queue_open_1(void)
{
    return queue_open(1);
}

static void *queue_open_64(void)
{
    return queue_open(LONG);
}

static void queue_run(void *self, long ops)
{
    struct hands *h = self;
    h->to_give = h->to_take = ops;
    hands_run(h, getter, putter);
}

const struct lane eddy_queue_1 = { "eddy", queue_open_1, queue_run, hands_close };
const struct lane eddy_queue_64 = { "eddy", queue_open_64, queue_run, hands_close };

/* ---- a lock, a permit: whoever has it gets in line again before giving it away --------------------------------------- */

static int lock_user(void *self)
{
    struct hands *h = self;
    struct future f = {0};
    await(lock_acquire(h->lock, &f));
    for (; h->to_give > 0; h->to_give--) {
        lock_acquire(h->lock, &f);
        lock_release(h->lock);
        await(&f);
    }
    lock_release(h->lock);
    return 0;
}

static int permit_user(void *self)
{
    struct hands *h = self;
    struct future f = {0};
    await(semaphore_acquire(h->semaphore, &f));
    for (; h->to_give > 0; h->to_give--) {
        semaphore_acquire(h->semaphore, &f);
        semaphore_release(h->semaphore);
        await(&f);
    }
    semaphore_release(h->semaphore);
    return 0;
}

static void *lock_open(void)
{
    struct hands *h = hands_new();
    h->lock = lock_new(h->loop);
    if (!h->lock)
        bench_die("no lock could be made");
    return h;
}

static void *semaphore_open(void)
{
    struct hands *h = hands_new();
    h->semaphore = semaphore_new(h->loop, 1, 1);
    if (!h->semaphore)
        bench_die("no semaphore could be made");
    return h;
}

static void lock_run(void *self, long ops)
{
    struct hands *h = self;
    h->to_give = ops;
    hands_run(h, lock_user, lock_user);
}

static void semaphore_run(void *self, long ops)
{
    struct hands *h = self;
    h->to_give = ops;
    hands_run(h, permit_user, permit_user);
}

const struct lane eddy_lock = { "eddy", lock_open, lock_run, hands_close };
const struct lane eddy_semaphore = { "eddy", semaphore_open, semaphore_run, hands_close };
