/* test_faults_waiting.c - queues, flags, conditions, semaphores, locks and periodic callbacks with every call and every
 * allocation failing once (faults.h): nothing that was put is lost, nothing that was acquired stays taken. */
#include "loop/condition.h"
#include "loop/flag.h"
#include "loop/lock.h"
#include "loop/periodic.h"
#include "loop/queue.h"
#include "loop/run_sync.h"
#include "loop/semaphore.h"
#include "loop/tests/faults.h"

/* ---- market: makers and takers around a queue that is soon full; some is left when it closes ------------------------ */

enum { PARCELS = 24, LEFT = 3, LIMIT = 3, PEOPLE = 4 };

struct parcel {
    bool accepted;
    int taken;
};

struct market {
    struct run *run;
    struct queue *queue;
    struct parcel parcels[PARCELS + LEFT];
    int made, taken;
};

static void take(void *item)
{
    struct parcel *p = item;
    MUST(p->taken++ == 0);
}

static int maker(void *self)
{
    struct market *x = self;
    int rc = 0;
    while (rc >= 0 && x->made < PARCELS) {
        struct parcel *p = &x->parcels[x->made++];
        struct future f = {0};
        rc = await(queue_put(x->queue, p, &f));
        p->accepted = f.value == p;
    }
    return rc;
}

static int taker(void *self)
{
    struct market *x = self;
    for (int i = 0; i < PARCELS / (PEOPLE / 2); i++) {
        struct future f = {0};
        int rc = await(queue_get(x->queue, &f));
        if (rc < 0)
            return rc;
        take(f.value);
        x->taken++;
        queue_task_done(x->queue);
    }
    return 0;
}

/* Nothing comes any more, so this is too late, and the rest is for queue_close. */
static int leave_some(struct market *x)
{
    struct loop *loop = x->run->loop;
    struct future f = {0};
    int rc = await_until(queue_get(x->queue, &f), loop_time(loop) + SECOND);
    if (rc != -ETIMEDOUT)
        return rc;
    queue_get(x->queue, &f);
    for (int i = PARCELS; i < PARCELS + LEFT; i++) {
        rc = queue_put_nowait(x->queue, &x->parcels[i]);
        x->parcels[i].accepted = rc == 0;
    }
    future_cancel(&f);
    return rc;
}

static int hold_market(void *self)
{
    struct market *x = self;
    struct future people[PEOPLE] = {0}, *members[PEOPLE], f = {0};
    for (int i = 0; i < PEOPLE; i++)
        members[i] = co_spawn(x->run->loop, i % 2 ? maker : taker, x, &people[i]);
    int rc = await(future_all(x->run->loop, members, PEOPLE, &f));
    if (rc >= 0)
        rc = await(queue_join(x->queue, &f));
    if (rc >= 0)
        rc = leave_some(x);
    for (int i = 0; i < PEOPLE; i++)
        future_cancel(&people[i]);
    return rc;
}

static void market(struct run *r, struct queue *(*open)(struct loop *loop))
{
    struct market x = { .run = r };
    if (begin(r) && made(r, x.queue = open(r->loop)))
        ok(r, loop_run_sync(r->loop, hold_market, &x));
    if (x.queue) {
        r->result = x.taken * 10 + (int)queue_count(x.queue);
        queue_close(x.queue, take);
    }
    finish(r);
    for (int i = 0; i < PARCELS + LEFT; i++)
        MUST(x.parcels[i].taken == x.parcels[i].accepted);
}

static int by_place(const void *a, const void *b)
{
    return (a > b) - (a < b);
}

static struct queue *open_fifo(struct loop *loop)
{
    return queue_new(loop, LIMIT);
}

static struct queue *open_lifo(struct loop *loop)
{
    return queue_new_lifo(loop, LIMIT);
}

static struct queue *open_priority(struct loop *loop)
{
    return queue_new_priority(loop, LIMIT, by_place);
}

static void market_fifo(struct run *r)
{
    market(r, open_fifo);
}

static void market_lifo(struct run *r)
{
    market(r, open_lifo);
}

static void market_priority(struct run *r)
{
    market(r, open_priority);
}

/* ---- hoard: a queue that grows, whose oldest are taken meanwhile ----------------------------------------------------- */

enum { HOARD = 100 };

static void hoard(struct run *r)
{
    struct parcel parcels[HOARD] = {0};
    struct queue *q = NULL;
    void *item;
    if (begin(r) && made(r, q = queue_new(r->loop, 0)))
        for (int i = 0; i < HOARD; i++) {
            parcels[i].accepted = ok(r, queue_put_nowait(q, &parcels[i]));
            if (i % 3 == 0 && queue_get_nowait(q, &item) == 0)
                take(item);
        }
    if (q) {
        r->result = (int)queue_count(q);
        queue_close(q, take);
    }
    finish(r);
    for (int i = 0; i < HOARD; i++)
        MUST(parcels[i].taken == parcels[i].accepted);
}

/* ---- what the others share: people, each of whom counts when it is done ---------------------------------------------- */

static void person_done(void *self, int rc)
{
    struct run *r = self;
    r->result += ok(r, rc);
}

static void people_come(struct run *r, co_fn *fn, void *self, struct future *people, int count)
{
    for (int i = 0; i < count; i++)
        co_spawn(r->loop, fn, self, future_then(&people[i], person_done, r));
}

/* ---- gate: a flag, for which not everybody can wait ------------------------------------------------------------------ */

struct gate {
    struct run *run;
    struct flag *flag;
    struct timeout opening;
    int late;
};

static int passer(void *self)
{
    struct gate *x = self;
    struct future f = {0};
    return await(flag_wait(x->flag, &f));
}

static int latecomer(void *self)
{
    struct gate *x = self;
    struct future f = {0};
    int rc = await_until(flag_wait(x->flag, &f), loop_time(x->run->loop) + SECOND);
    x->late += rc == -ETIMEDOUT;
    return rc == -ETIMEDOUT ? await(flag_wait(x->flag, &f)) : rc;
}

static void gate_opens(void *self, int what)
{
    struct gate *x = self;
    (void)what;
    flag_set(x->flag);
    flag_clear(x->flag);
}

static void gate(struct run *r)
{
    struct gate x = { .run = r };
    struct future people[4] = {0};
    if (begin(r) && made(r, x.flag = flag_new(r->loop))) {
        people_come(r, passer, &x, people, 2);
        people_come(r, latecomer, &x, people + 2, 2);
        loop_call_at(r->loop, loop_time(r->loop) + 2 * SECOND, &x.opening, gate_opens, &x);
        go(r);
    }
    if (x.flag)
        flag_close(x.flag);
    finish(r);
    r->result += 10 * x.late;
}

/* ---- letters: a condition; one who is notified first leaves before it hears ------------------------------------------ */

enum { READERS = 3 };

struct letters {
    struct run *run;
    struct condition *come;
    struct future fickle;
    struct timeout delivery;
    int delivered, waiting;
};

static int reader(void *self)
{
    struct letters *x = self;
    while (x->waiting == 0) {
        struct future f = {0};
        int rc = await(condition_wait(x->come, &f));
        if (rc < 0)
            return rc;
    }
    x->waiting--;
    return 0;
}

static void deliver(void *self, int what)
{
    struct letters *x = self;
    (void)what;
    x->waiting++;
    condition_notify(x->come, 1);
    future_cancel(&x->fickle);
    if (++x->delivered < READERS)
        loop_call_at(x->run->loop, loop_time(x->run->loop) + SECOND, &x->delivery, deliver, x);
}

static void letters(struct run *r)
{
    struct letters x = { .run = r };
    struct future people[READERS] = {0};
    if (begin(r) && made(r, x.come = condition_new(r->loop))) {
        condition_wait(x.come, &x.fickle);
        people_come(r, reader, &x, people, READERS);
        loop_call_at(r->loop, loop_time(r->loop) + SECOND, &x.delivery, deliver, &x);
        go(r);
    }
    if (x.come)
        condition_close(x.come);
    finish(r);
}

/* ---- bath: a semaphore; one gets a permit and leaves before it hears, when nobody else waits -------------------------- */

enum { TUBS = 2, BATHERS = 5 };

struct bath {
    struct run *run;
    struct semaphore *tubs;
    struct future fickle;
    int inside, late;
};

static int bather(void *self)
{
    struct bath *x = self;
    struct future f = {0};
    int rc = await_until(semaphore_acquire(x->tubs, &f), loop_time(x->run->loop) + 3 * SECOND / 2);
    if (rc == -ETIMEDOUT)
        x->late++;
    if (rc == -ETIMEDOUT)
        rc = await(semaphore_acquire(x->tubs, &f));
    if (rc < 0)
        return rc;
    MUST(++x->inside <= TUBS);
    future_cancel(&x->fickle);
    if (x->inside == TUBS)
        semaphore_acquire(x->tubs, &x->fickle);
    rc = await(future_sleep(x->run->loop, SECOND, &f));
    x->inside--;
    semaphore_release(x->tubs);
    return rc;
}

static void bath(struct run *r)
{
    struct bath x = { .run = r };
    struct future people[BATHERS] = {0};
    if (begin(r) && made(r, x.tubs = semaphore_new(r->loop, TUBS, TUBS))) {
        people_come(r, bather, &x, people, BATHERS);
        go(r);
    }
    future_cancel(&x.fickle);
    finish(r);
    if (x.tubs) {
        MUST(semaphore_free(x.tubs) == TUBS && x.inside == 0);
        semaphore_close(x.tubs);
    }
    r->result += 10 * x.late;
}

/* ---- diary: a lock; one gets it and leaves before it hears, while others wait ----------------------------------------- */

enum { WRITERS = 4, ENTRIES = 3 };

struct diary {
    struct run *run;
    struct lock *lock;
    struct future fickle;
    int begun, ended;
};

static int writer(void *self)
{
    struct diary *x = self;
    int rc = 0;
    for (int i = 0; i < ENTRIES && rc >= 0; i++) {
        struct future f = {0};
        rc = await(lock_acquire(x->lock, &f));
        if (rc < 0)
            return rc;
        MUST(x->begun++ == x->ended);
        if (x->begun == 1)
            lock_acquire(x->lock, &x->fickle);
        rc = await(future_sleep(x->run->loop, SECOND, &f));
        MUST(++x->ended == x->begun);
        lock_release(x->lock);
        if (x->ended == 1)
            future_cancel(&x->fickle);
    }
    return rc;
}

static void diary(struct run *r)
{
    struct diary x = { .run = r };
    struct future people[WRITERS] = {0};
    if (begin(r) && made(r, x.lock = lock_new(r->loop))) {
        people_come(r, writer, &x, people, WRITERS);
        go(r);
    }
    future_cancel(&x.fickle);
    finish(r);
    if (x.lock) {
        MUST(!lock_held(x.lock) && x.begun == x.ended);
        lock_close(x.lock);
    }
    r->result += 10 * x.ended;
}

/* ---- rounds: what comes again comes again, without random bytes and without a stack ----------------------------------- */

enum { ROUNDS = 5 };

struct rounds {
    struct run *run;
    struct periodic calls, walks;
    int called, walked;
};

static void round_called(void *self, int what)
{
    struct rounds *x = self;
    (void)what;
    if (++x->called == ROUNDS)
        periodic_stop(&x->calls);
}

static int walk(void *self)
{
    struct rounds *x = self;
    struct future f = {0};
    int rc = await(future_sleep(x->run->loop, SECOND / 2, &f));
    if (rc >= 0 && ++x->walked == ROUNDS)
        periodic_stop(&x->walks);
    return rc;
}

static void rounds(struct run *r)
{
    struct rounds x = { .run = r, .calls.jitter = 0.5, .walks.jitter = 1 };
    if (begin(r)) {
        periodic_start(&x.calls, r->loop, SECOND, round_called, &x);
        periodic_start_co(&x.walks, r->loop, SECOND, walk, &x);
        go(r);
    }
    periodic_close(&x.calls);
    periodic_close(&x.walks);
    finish(r);
    r->result = 10 * x.called + x.walked;
}

static const struct scenario scenarios[] = {
    { "market_fifo", market_fifo, PARCELS * 10 + LEFT, false },
    { "market_lifo", market_lifo, PARCELS * 10 + LEFT, false },
    { "market_priority", market_priority, PARCELS * 10 + LEFT, false },
    { "hoard", hoard, HOARD - (HOARD + 2) / 3, false },
    { "gate", gate, 24, false },
    { "letters", letters, READERS, false },
    { "bath", bath, 10 * (BATHERS - 2 * TUBS) + BATHERS, false },
    { "diary", diary, 10 * WRITERS * ENTRIES + WRITERS, false },
    { "rounds", rounds, 11 * ROUNDS, false },
};

int main(void)
{
    return run_scenarios("faults_waiting", scenarios, sizeof scenarios / sizeof *scenarios);
}
