/* queue.c - things handed over in turn. See queue.h.
 *
 * While a get waits the queue is empty, and while a put waits it is full. Each item has a number, in the order of putting:
 * by it an item that comes back finds its place again. Trap: what was handed out may come back, and that cannot be refused,
 * so its room is kept until it was heard of. */
#include "loop/queue.h"

#include <errno.h>

#include "loop/require.h"
#include "loop/waiters.h"

enum { FIRST_CAPACITY = 8 };

struct entry {
    void *item;
    uint64_t order;
};

struct queue {
    struct sys *sys;
    struct waiters gets, puts, joins;
    struct entry *entries;          /* a ring, the next one at `first`; with compare a binary heap, and first is 0 */
    size_t capacity, first, count;  /* capacity: 0 or a power of two, >= count + out */
    size_t out;                     /* handed out and not heard of */
    size_t limit, unfinished;
    uint64_t orders;
    queue_compare *compare;
    bool lifo;
};

static bool before(const struct queue *q, const struct entry *a, const struct entry *b)
{
    int way = q->compare ? q->compare(a->item, b->item) : 0;
    if (way != 0)
        return way < 0;
    return q->lifo ? a->order > b->order : a->order < b->order;
}

/* ---- the ring, sorted -------------------------------------------------------------------------------------------- */

static struct entry *at(const struct queue *q, size_t i)
{
    return &q->entries[(q->first + i) & (q->capacity - 1)];
}

/* Sorts e in from the front: what was put last in a lifo queue, or comes back, is among the first. */
static void ring_store(struct queue *q, struct entry e)
{
    size_t i = 0;
    q->first = (q->first - 1) & (q->capacity - 1);
    for (; i < q->count && before(q, at(q, i + 1), &e); i++)
        *at(q, i) = *at(q, i + 1);
    *at(q, i) = e;
    q->count++;
}

static struct entry ring_take(struct queue *q)
{
    struct entry e = *at(q, 0);
    q->first = (q->first + 1) & (q->capacity - 1);
    q->count--;
    return e;
}

/* ---- the heap ----------------------------------------------------------------------------------------------------- */

static void heap_store(struct queue *q, struct entry e)
{
    size_t i = q->count++;
    for (; i > 0 && before(q, &e, &q->entries[(i - 1) / 2]); i = (i - 1) / 2)
        q->entries[i] = q->entries[(i - 1) / 2];
    q->entries[i] = e;
}

static struct entry heap_take(struct queue *q)
{
    struct entry *all = q->entries, least = all[0], last = all[--q->count];
    size_t i = 0;
    for (size_t child = 1; child < q->count; child = 2 * i + 1) {
        if (child + 1 < q->count && before(q, &all[child + 1], &all[child]))
            child++;
        if (!before(q, &all[child], &last))
            break;
        all[i] = all[child];
        i = child;
    }
    all[i] = last;
    return least;
}

/* ---- both --------------------------------------------------------------------------------------------------------- */

/* Makes sure of room for one more, beside those that may come back. */
static bool make_room(struct queue *q)
{
    struct sys *sys = q->sys;
    if (q->count + q->out < q->capacity)
        return true;
    size_t capacity = q->capacity ? 2 * q->capacity : FIRST_CAPACITY;
    struct entry *entries = sys->memory(sys, NULL, capacity * sizeof *entries);
    if (!entries)
        return false;
    for (size_t i = 0; i < q->count; i++)
        entries[i] = *at(q, i);
    sys_free(sys, q->entries);
    q->entries = entries;
    q->capacity = capacity;
    q->first = 0;
    return true;
}

static void store(struct queue *q, struct entry e)
{
    if (q->compare)
        heap_store(q, e);
    else
        ring_store(q, e);
}

static struct entry take(struct queue *q)
{
    return q->compare ? heap_take(q) : ring_take(q);
}

/* ---- handing over ------------------------------------------------------------------------------------------------- */

static void hand_out(struct queue *q, struct future *get, struct entry e)
{
    q->out++;
    get->u.wait.order = e.order;
    waiters_resolve(&q->gets, get, 0, e.item);
}

/* Takes a new item in: -ENOMEM. */
static int add(struct queue *q, void *item)
{
    struct entry e = { item, q->orders };
    struct future *get = waiters_first(&q->gets);
    if (!make_room(q))
        return -ENOMEM;
    q->orders++;
    q->unfinished++;
    if (get) {
        hand_out(q, get, e);
    } else if (q->compare || q->lifo) {
        store(q, e);
    } else {
        *at(q, q->count) = e;
        q->count++;
    }
    return 0;
}

static bool full(const struct queue *q)
{
    return q->limit && q->count >= q->limit;
}

static void accept_put(struct queue *q, struct future *put)
{
    if (add(q, put->u.wait.item) == 0)
        waiters_resolve(&q->puts, put, 0, put->u.wait.item);
    else
        waiters_fail(&q->puts, put, -ENOMEM, "no memory for one more item in the queue");
}

/* An item left: those that wait for room come in. */
static void admit(struct queue *q)
{
    for (struct future *put; !full(q) && (put = waiters_first(&q->puts));)
        accept_put(q, put);
}

static void get_heard(void *f)
{
    struct queue *q = waiters_of(f);
    waiters_leave(f);
    q->out--;
}

static void get_undo(void *self, struct future *f)
{
    struct queue *q = waiters_of(f);
    struct entry e = { f->value, f->u.wait.order };
    struct future *next = waiters_first(&q->gets);
    (void)self;
    waiters_leave(f);
    q->out--;
    if (next)
        hand_out(q, next, e);
    else
        store(q, e);
}

/* ---- the public functions ----------------------------------------------------------------------------------------- */

struct queue *queue_new(struct loop *loop, size_t limit)
{
    struct queue *q = sys_new(loop_sys(loop), sizeof *q);
    if (!q)
        return NULL;
    q->sys = loop_sys(loop);
    waiters_init(&q->gets, loop);
    waiters_init(&q->puts, loop);
    waiters_init(&q->joins, loop);
    q->limit = limit;
    return q;
}

struct queue *queue_new_lifo(struct loop *loop, size_t limit)
{
    struct queue *q = queue_new(loop, limit);
    if (q)
        q->lifo = true;
    return q;
}

struct queue *queue_new_priority(struct loop *loop, size_t limit, queue_compare *compare)
{
    struct queue *q = queue_new(loop, limit);
    if (q)
        q->compare = compare;
    return q;
}

/* These answers stay true: who waits still hears them. To a callback that counts as done, silently. */
static void settle_accepted(struct waiters *puts)
{
    for (struct call *place; (place = calls_pop(&puts->answered));) {
        struct future *put = place->self;
        if (!put->told)
            future_take(future_then(put, NULL, NULL), NULL);
    }
}

void queue_close(struct queue *q, void (*release)(void *item))
{
    struct sys *sys = q->sys;
    settle_accepted(&q->puts);
    waiters_close(&q->puts);
    waiters_close(&q->gets);
    waiters_close(&q->joins);
    while (release && q->count)
        release(take(q).item);
    sys_free(sys, q->entries);
    sys_free(sys, q);
}

struct future *queue_put(struct queue *q, void *item, struct future *f)
{
    static const struct op op = { .name = "queue put", .cancel = waiters_leave, .delivered = waiters_leave };
    waiters_add(&q->puts, f, &op, q);
    f->u.wait.item = item;
    if (!full(q))
        accept_put(q, f);
    return f;
}

struct future *queue_get(struct queue *q, struct future *f)
{
    static const struct op op = { .name = "queue get", .cancel = waiters_leave, .undo = get_undo, .delivered = get_heard };
    waiters_add(&q->gets, f, &op, q);
    if (q->count) {
        hand_out(q, f, take(q));
        admit(q);
    }
    return f;
}

int queue_put_nowait(struct queue *q, void *item)
{
    return full(q) ? -EAGAIN : add(q, item);
}

int queue_get_nowait(struct queue *q, void **item)
{
    if (!q->count)
        return -EAGAIN;
    *item = take(q).item;
    admit(q);
    return 0;
}

size_t queue_count(const struct queue *q)
{
    return q->count;
}

void queue_task_done(struct queue *q)
{
    REQUIRE(q->unfinished > 0, "queue_task_done: it was called more often than items were put");
    if (--q->unfinished == 0)
        waiters_resolve_all(&q->joins);
}

struct future *queue_join(struct queue *q, struct future *f)
{
    static const struct op op = { .name = "queue join", .cancel = waiters_leave, .delivered = waiters_leave };
    waiters_add(&q->joins, f, &op, q);
    if (q->unfinished == 0)
        waiters_resolve(&q->joins, f, 0, NULL);
    return f;
}
