/* queue.h - things handed from those that make them to those that need them, in turn (Tornado's Queue, LifoQueue and
 * PriorityQueue).
 *
 * OWNERSHIP  An item is a pointer that the queue never looks behind. It is yours until the queue has taken it: then the put's
 *            `value` is the item. It is yours again when a get has been answered with it. A put that is cancelled, times out
 *            or fails while it waits for room leaves the item yours, and its value NULL; one that was accepted stays, even if
 *            nobody hears of it. A get that is cancelled before it heard puts its item back where it was.
 *            queue_new's is yours, ended with queue_close. Futures are lent until they are delivered or cancelled.
 * ERRORS     -ENOMEM: a put found no memory for its place. -ECANCELED: the queue was closed.
 *
 * Gets are served in the order they came, and so are puts that wait for room. */
#ifndef EDDY_LOOP_QUEUE_H
#define EDDY_LOOP_QUEUE_H

#include "loop/future.h"

#ifdef __cplusplus
extern "C" {
#endif

struct queue;

/* < 0: a comes before b; 0: the one that was put first does. The items must not change it while they are queued. */
typedef int queue_compare(const void *a, const void *b);

/* At most `limit` items wait in it, 0: any number; gets that are cancelled may bring back more. First in, first out; last
 * in, first out; or the smallest first. NULL with errno ENOMEM. */
struct queue *queue_new(struct loop *, size_t limit);
struct queue *queue_new_lifo(struct loop *, size_t limit);
struct queue *queue_new_priority(struct loop *, size_t limit, queue_compare *compare);

/* Calls release(item) for each item that is still in it, in order, answers that nobody heard included; NULL: leaves them
 * alone. release must not use the queue. Ends all gets, joins and puts that wait for room: callbacks silently, coroutines
 * with -ECANCELED; a coroutine whose put was accepted still hears so. Before loop_close, or after it if nobody waits. */
void queue_close(struct queue *, void (*release)(void *item));

/* rc 0 when the queue has the item; it waits while there is no room. */
struct future *queue_put(struct queue *, void *item, struct future *f);
/* rc 0: value is the item. It waits while there is none. */
struct future *queue_get(struct queue *, struct future *f);
/* 0, or -EAGAIN where the two above would wait; -ENOMEM. */
int queue_put_nowait(struct queue *, void *item);
int queue_get_nowait(struct queue *, void **item);
/* How many items are there to be had. */
size_t queue_count(const struct queue *);

/* One item that was got has been dealt with. More often than items were put: REQUIRE. */
void queue_task_done(struct queue *);
/* rc 0 when all items that were put have been dealt with. */
struct future *queue_join(struct queue *, struct future *f);

#ifdef __cplusplus
}
#endif
#endif
