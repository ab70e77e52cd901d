/* test_client_places.c - client_pool.h alone, against a model: whatever is asked of it in whatever order, no limit is exceeded,
 * nobody waits who need not, those of one origin are served in their order, and a connection that waits is given to its own
 * origin. */
#include "http/client_pool.h"
#include "loop/run_sync.h"
#include "loop/tests/support.h"
#include "stream/ends.h"

enum { GUESTS = 12, ORIGINS = 4, STEPS = 300, MOST = 5, PER_ORIGIN = 2 };

enum state { AWAY, WAITING, INSIDE };

struct guest {
    enum state state;
    bool moving;                    /* while it waits: it has one of the overall places */
    int origin;
    uint64_t came;
    struct future f;
    struct place *place;
    struct stream *stream;          /* its connection, if it has one */
};

static struct world w;
static struct pool *pool;
static struct guest guests[GUESTS];
static uint64_t order, random_state;

static unsigned pick(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

static struct bytes name_of(int origin)
{
    static const char *const names[ORIGINS] = { "a", "bb", "c", "the fourth" };
    return (struct bytes){ names[origin], strlen(names[origin]) };
}

/* A connection: its other end is the test's, as its data. */
static struct stream *connect_to(int origin)
{
    struct stream *ends[2];
    MUST(stream_pair(w.loop, ends) == 0);
    stream_set_data(ends[0], ends[1]);
    stream_set_data(ends[1], (void *)(intptr_t)origin);
    return ends[0];
}

static int inside(int origin)
{
    int n = 0;
    for (int i = 0; i < GUESTS; i++)
        n += (guests[i].state == INSIDE || (guests[i].state == WAITING && guests[i].moving && origin < 0)) &&
             (origin < 0 || guests[i].origin == origin);
    return n;
}

/* ---- what may be done ------------------------------------------------------------------------------------------------- */

static void wait_for(struct guest *g, int origin, bool moving)
{
    g->origin = origin;
    g->state = WAITING;
    g->moving = moving;
    g->came = ++order;
}

static void enter(struct guest *g)
{
    wait_for(g, (int)pick(ORIGINS), false);
    pool_enter(pool, name_of(g->origin), &g->f);
}

static void end_other(struct stream *s)
{
    stream_close(stream_data(s));
    stream_close(s);
}

static void move(struct guest *g)
{
    if (g->stream)
        end_other(g->stream);
    g->stream = NULL;
    wait_for(g, (int)pick(ORIGINS), true);
    pool_move(g->place, name_of(g->origin), &g->f);
}

static void leave(struct guest *g)
{
    if (g->stream)
        end_other(g->stream);
    g->stream = NULL;
    g->state = AWAY;
    pool_leave(g->place);
}

static struct stream *others[10000];        /* the far ends of connections that the pool has */
static int other_count;

static void keep(struct guest *g)
{
    if (!g->stream)
        g->stream = connect_to(g->origin);
    others[other_count++] = stream_data(g->stream);
    g->state = AWAY;
    struct stream *s = g->stream;
    g->stream = NULL;
    pool_keep(g->place, s);
}

/* Those who were let in, in the order in which the pool has done it; and their connections. */
static void look(void)
{
    for (int i = 0; i < GUESTS; i++) {
        struct guest *g = &guests[i];
        if (g->state != WAITING || !future_done(&g->f))
            continue;
        MUST(await(&g->f) == 0);
        g->state = INSIDE;
        g->place = g->f.value;
        g->stream = pool_warm(g->place);
        for (int k = 0; g->stream && k < other_count; k++)
            if (others[k] == stream_data(g->stream))
                others[k--] = others[--other_count];
        if (g->stream)
            MUST((intptr_t)stream_data(stream_data(g->stream)) == g->origin);
    }
}

static void check(void)
{
    struct pool_count count = pool_count(pool);
    MUST(count.taken == inside(-1));
    MUST(count.taken <= MOST);
    MUST(count.taken + count.idle <= MOST);
    for (int i = 0; i < GUESTS; i++) {
        struct guest *g = &guests[i];
        MUST(inside(g->origin) <= PER_ORIGIN);
        if (g->state != WAITING)
            continue;
        MUST(inside(g->origin) == PER_ORIGIN || (!g->moving && inside(-1) == MOST));
        for (int k = 0; k < GUESTS; k++)        /* nobody who came later, and has no more than he, was served before him */
            MUST(guests[k].state != INSIDE || guests[k].origin != g->origin || guests[k].came < g->came ||
                 guests[k].moving > g->moving);
    }
}

static void step(void)
{
    struct guest *g = &guests[pick(GUESTS)];
    unsigned what = pick(8);
    if (g->state == AWAY && what < 4) {
        enter(g);
    } else if (g->state == WAITING && what == 0) {
        future_cancel(&g->f);
        g->state = AWAY;
    } else if (g->state == INSIDE && what < 2) {
        move(g);
    } else if (g->state == INSIDE && what < 4) {
        leave(g);
    } else if (g->state == INSIDE && what < 7) {
        keep(g);
    } else if (other_count && what == 7) {      /* the other side of a connection that waits has closed it */
        struct future f = {0};
        stream_close(others[--other_count]);
        await(future_sleep(w.loop, MILLISECOND, &f));
    }
}

static void leave_all(void)
{
    for (int i = 0; i < GUESTS; i++)
        if (guests[i].state == INSIDE)
            leave(&guests[i]);
}

static int play(void *self)
{
    (void)self;
    for (int i = 0; i < STEPS; i++) {
        step();
        look();
        check();
    }
    leave_all();
    pool_close(pool);
    for (int i = 0; i < GUESTS; i++)
        if (guests[i].state == WAITING)
            ck_assert_int_eq(await(&guests[i].f), -ECANCELED);
    return 0;
}

START_TEST(no_order_of_asking_breaks_a_rule)
{
    const char *given = getenv("EDDY_SEEDS");
    int seeds = given && atoi(given) < 300 ? atoi(given) / 10 : 60;
    for (int seed = 0; seed < seeds; seed++) {
        world_begin(&w);
        random_state = (uint64_t)seed;
        memset(guests, 0, sizeof guests);
        other_count = 0;
        pool = pool_new(w.loop, &(struct pool_limits){ .most = MOST, .per_origin = PER_ORIGIN, .idle = SECOND });
        ck_assert_int_eq(loop_run_sync(w.loop, play, NULL), 0);
        while (other_count)
            stream_close(others[--other_count]);
        world_end(&w);
    }
}
END_TEST

static int enter_one(void *self)
{
    return await(pool_enter(pool, name_of(0), self));
}

START_TEST(a_pool_with_guests_cannot_be_closed)
{
    world_begin(&w);
    pool = pool_new(w.loop, &(struct pool_limits){ .most = 1, .per_origin = 1 });
    struct future f = {0};
    ck_assert_int_eq(loop_run_sync(w.loop, enter_one, &f), 0);
    pool_close(pool);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { no_order_of_asking_breaks_a_rule, NULL };
    const TTest *const aborting[] = { a_pool_with_guests_cannot_be_closed, NULL };
    Suite *suite = suite_create("places in the pool");
    add_tests(suite, "model", tests, 0);
    add_tests(suite, "mistakes", aborting, SIGABRT);
    return run_suite(suite);
}
