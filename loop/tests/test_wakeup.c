/* test_wakeup.c - posting from other threads: real ones, on the real kernel, through a door that counts.
 *
 * Nothing here depends on who is faster: what is asserted holds for every interleaving. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "loop/log.h"
#include "loop/tests/support.h"

/* ---- a door that counts ----------------------------------------------------------------------------------------------- */

struct door {
    struct sys sys;             /* first: the library's pointer to it is ours */
    atomic_long writes, waits, blocks;
    int write_error;            /* what writes fail with, if < 0 */
    int write_errors;           /* how many of them */
    atomic_bool poor;           /* no memory */
};

static ssize_t door_write(struct sys *sys, int fd, const void *data, size_t len)
{
    struct door *d = (struct door *)sys;
    atomic_fetch_add(&d->writes, 1);
    if (d->write_errors > 0) {
        d->write_errors--;
        return d->write_error;
    }
    return sys_linux()->write(sys, fd, data, len);
}

static void *door_memory(struct sys *sys, void *old, size_t size)
{
    struct door *d = (struct door *)sys;
    if (size && atomic_load(&d->poor))
        return NULL;
    atomic_fetch_add(&d->blocks, (old ? 0 : 1) - (size ? 0 : 1));
    return sys_linux()->memory(sys, old, size);
}

static int door_epoll_wait(struct sys *sys, int epfd, struct epoll_event *events, int max, int64_t timeout)
{
    atomic_fetch_add(&((struct door *)sys)->waits, 1);
    return sys_linux()->epoll_wait(sys, epfd, events, max, timeout);
}

static struct sys *door_open(struct door *d)
{
    *d = (struct door){ .sys = *sys_linux() };
    d->sys.write = door_write;
    d->sys.memory = door_memory;
    d->sys.epoll_wait = door_epoll_wait;
    return &d->sys;
}

/* ---- posters ---------------------------------------------------------------------------------------------------------- */

enum { POSTERS = 2 };

struct poster {
    pthread_t thread;
    struct wakeup *wakeup;
    struct loop *loop;          /* posts through the loop if there is one */
    int count, seen;            /* to post; received so far */
    int *left;                  /* of all posters; the receiver's */
    int rc;
};

struct item {
    struct poster *from;
    int number;
};

static void receive(void *self, int what)
{
    struct item *item = self;
    MUST(what == 0);
    MUST(item->number == item->from->seen++);
    if (--*item->from->left == 0 && item->from->loop)
        loop_stop(item->from->loop);
}

static struct item *new_items(struct poster *p)
{
    struct item *items = malloc((size_t)p->count * sizeof *items);
    ck_assert_ptr_nonnull(items);
    for (int i = 0; i < p->count; i++)
        items[i] = (struct item){ p, i };
    return items;
}

struct posting {
    struct poster *poster;
    struct item *items;
};

static void *post_all(void *self)
{
    struct posting *p = self;
    for (int i = 0; i < p->poster->count && p->poster->rc == 0; i++)
        p->poster->rc = p->poster->loop ? loop_add_callback_threadsafe(p->poster->loop, receive, &p->items[i])
                                        : wakeup_post(p->poster->wakeup, receive, &p->items[i]);
    return NULL;
}

static void start_posters(struct posting *postings, struct poster *posters, const struct poster *like)
{
    for (int i = 0; i < POSTERS; i++) {
        posters[i] = *like;
        *like->left += like->count;
        postings[i] = (struct posting){ &posters[i], new_items(&posters[i]) };
    }
    for (int i = 0; i < POSTERS; i++)
        ck_assert_int_eq(pthread_create(&posters[i].thread, NULL, post_all, &postings[i]), 0);
}

static void join_posters(struct posting *postings)
{
    for (int i = 0; i < POSTERS; i++) {
        ck_assert_int_eq(pthread_join(postings[i].poster->thread, NULL), 0);
        ck_assert_int_eq(postings[i].poster->rc, 0);
        ck_assert_int_eq(postings[i].poster->seen, postings[i].poster->count);
        free(postings[i].items);
    }
}

/* One turn by hand: waits for the descriptor, takes what is there, and calls it. Returns how many. */
static int take_and_run(struct sys *sys, struct wakeup *w)
{
    struct pollfd p = { .fd = wakeup_fd(w), .events = POLLIN };
    struct calls calls;
    int ran = 0;
    calls_init(&calls);
    MUST(sys->poll(sys, &p, 1, -1) == 1);
    wakeup_take(w, &calls);
    for (struct call *c; (c = calls_pop(&calls)); ran++) {
        c->fn(c->self, c->what);
        MUST(c->owned);
        sys_free(sys, c);
    }
    return ran;
}

START_TEST(a_million_posts_from_two_threads_arrive_in_order_with_one_write_a_turn)
{
    struct door door;
    struct sys *sys = door_open(&door);
    struct wakeup *w = wakeup_new(sys);
    struct poster posters[POSTERS];
    struct posting postings[POSTERS];
    int left = 0, turns = 0;
    ck_assert_ptr_nonnull(w);
    start_posters(postings, posters, &(struct poster){ .wakeup = w, .count = 500000, .left = &left });
    for (; left > 0; turns++)
        MUST(take_and_run(sys, w) > 0);                     /* no wake-up without a post */
    join_posters(postings);
    ck_assert_int_eq(atomic_load(&door.writes), turns);     /* and one each */
    ck_assert(!wakeup_pending(w));
    wakeup_close(w);
    ck_assert_int_eq(atomic_load(&door.blocks), 0);
}
END_TEST

START_TEST(a_loop_hears_two_threads_with_at_most_one_write_a_turn)
{
    struct door door;
    struct loop *l = loop_new(door_open(&door));
    struct poster posters[POSTERS];
    struct posting postings[POSTERS];
    int left = 0;
    ck_assert_ptr_nonnull(l);
    loop_hold(l, +1);
    start_posters(postings, posters, &(struct poster){ .loop = l, .count = 50000, .left = &left });
    ck_assert_int_eq(loop_start(l), 0);
    join_posters(postings);
    ck_assert_int_eq(left, 0);
    ck_assert_int_ge(atomic_load(&door.writes), 1);
    ck_assert_int_le(atomic_load(&door.writes), atomic_load(&door.waits));
    loop_hold(l, -1);
    loop_close(l);
    ck_assert_int_eq(atomic_load(&door.blocks), 0);
}
END_TEST

/* ---- a loop that closes under the posters' feet ------------------------------------------------------------------------- */

struct closing {
    struct loop *loop;
    int left;                   /* posts to hear before it stops */
};

static void hear(void *self, int what)
{
    struct closing *c = self;
    (void)what;
    if (c->left-- == 0)
        loop_stop(c->loop);
}

struct stubborn {
    pthread_t thread;
    struct wakeup *wakeup;
    struct closing *closing;
    int rc;
};

/* Yields, since the loop must get on beside it: valgrind runs one thread at a time, and memory has an end. */
static void *post_until_refused(void *self)
{
    struct stubborn *s = self;
    while ((s->rc = wakeup_post(s->wakeup, hear, s->closing)) == 0)
        sched_yield();
    wakeup_close(s->wakeup);
    return NULL;
}

/* Case 121, add_callback_while_closing. */
START_TEST(case_121_posts_against_a_closing_loop_are_refused_and_nothing_leaks)
{
    for (int round = 0; round < 20; round++) {
        struct door door;
        struct loop *l = loop_new(door_open(&door));
        struct closing closing = { l, 1000 };
        struct stubborn posters[POSTERS] = {0};
        ck_assert_ptr_nonnull(l);
        loop_hold(l, +1);
        for (int i = 0; i < POSTERS; i++) {
            posters[i].wakeup = wakeup_hold(loop_wakeup(l));
            posters[i].closing = &closing;
            ck_assert_int_eq(pthread_create(&posters[i].thread, NULL, post_until_refused, &posters[i]), 0);
        }
        ck_assert_int_eq(loop_start(l), 0);
        log_level(LOG_ERROR);
        loop_close(l);
        for (int i = 0; i < POSTERS; i++) {
            ck_assert_int_eq(pthread_join(posters[i].thread, NULL), 0);
            ck_assert_int_eq(posters[i].rc, -ESHUTDOWN);
        }
        ck_assert_int_eq(atomic_load(&door.blocks), 0);
    }
}
END_TEST

static void do_nothing(void *self, int what)
{
    (void)self, (void)what;
}

/* ---- the contract, one thread -------------------------------------------------------------------------------------------- */

START_TEST(the_descriptor_is_readable_only_while_something_is_posted)
{
    struct sys *sys = sys_linux();
    struct wakeup *w = wakeup_new(sys);
    struct pollfd p = { .fd = wakeup_fd(w), .events = POLLIN };
    struct trace t = {0};
    ck_assert(!wakeup_pending(w));
    ck_assert_int_eq(sys->poll(sys, &p, 1, 0), 0);
    ck_assert_int_eq(wakeup_post(w, trace_note, trace_mark(&t, 'a')), 0);
    ck_assert_int_eq(wakeup_post(w, trace_note, trace_mark(&t, 'b')), 0);
    ck_assert(wakeup_pending(w));
    ck_assert_int_eq(take_and_run(sys, w), 2);
    ck_assert_str_eq(t.text, "ab");
    ck_assert(!wakeup_pending(w));
    ck_assert_int_eq(sys->poll(sys, &p, 1, 0), 0);
    wakeup_close(w);
}
END_TEST

START_TEST(after_shut_a_post_is_refused_and_what_was_posted_is_dropped)
{
    struct door door;
    struct wakeup *w = wakeup_new(door_open(&door));
    struct wakeup *mine = wakeup_hold(w);
    struct trace t = {0};
    ck_assert_ptr_eq(mine, w);
    ck_assert_int_eq(wakeup_post(w, trace_note, trace_mark(&t, 'a')), 0);
    wakeup_shut(w);
    wakeup_shut(w);
    wakeup_close(w);
    ck_assert_int_eq(wakeup_post(mine, trace_note, trace_mark(&t, 'b')), -ESHUTDOWN);
    wakeup_close(mine);
    ck_assert_str_eq(t.text, "");
    ck_assert_int_eq(atomic_load(&door.blocks), 0);
}
END_TEST

static int no_eventfd(struct sys *sys)
{
    (void)sys;
    return -EMFILE;
}

START_TEST(what_the_kernel_refuses_is_said_and_leaves_nothing)
{
    struct door door;
    struct sys *sys = door_open(&door);
    atomic_store(&door.poor, true);
    ck_assert_ptr_null(wakeup_new(sys));
    ck_assert_int_eq(errno, ENOMEM);
    atomic_store(&door.poor, false);
    sys->eventfd = no_eventfd;
    ck_assert_ptr_null(wakeup_new(sys));
    ck_assert_int_eq(errno, EMFILE);
    ck_assert_int_eq(atomic_load(&door.blocks), 0);
}
END_TEST

START_TEST(a_post_without_memory_is_ENOMEM_and_wakes_nobody)
{
    struct door door;
    struct wakeup *w = wakeup_new(door_open(&door));
    atomic_store(&door.poor, true);
    ck_assert_int_eq(wakeup_post(w, do_nothing, NULL), -ENOMEM);
    ck_assert(!wakeup_pending(w));
    ck_assert_int_eq(atomic_load(&door.writes), 0);
    wakeup_close(w);
}
END_TEST

static void count_lines(void *self, int level, const char *line)
{
    ck_assert_int_eq(level, LOG_ERROR);
    ck_assert_ptr_nonnull(strstr(line, "could not be woken"));
    ++*(int *)self;
}

START_TEST(a_wake_up_write_is_tried_again_then_complained_about)
{
    static const struct {
        int error, times, writes, lines;
    } cases[] = {
        { -EINTR, 1, 2, 0 }, { -EINTR, 3, 4, 0 }, { -EIO, 9, 4, 1 }, { -EAGAIN, 1, 1, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct door door;
        struct wakeup *w = wakeup_new(door_open(&door));
        int lines = 0;
        log_to(count_lines, &lines);
        door.write_error = cases[i].error;
        door.write_errors = cases[i].times;
        ck_assert_int_eq(wakeup_post(w, do_nothing, NULL), 0);
        ck_assert_int_eq(atomic_load(&door.writes), cases[i].writes);
        ck_assert_int_eq(lines, cases[i].lines);
        ck_assert(wakeup_pending(w));
        log_to(NULL, NULL);
        wakeup_close(w);
        ck_assert_int_eq(atomic_load(&door.blocks), 0);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_million_posts_from_two_threads_arrive_in_order_with_one_write_a_turn,
        a_loop_hears_two_threads_with_at_most_one_write_a_turn,
        case_121_posts_against_a_closing_loop_are_refused_and_nothing_leaks,
        the_descriptor_is_readable_only_while_something_is_posted,
        after_shut_a_post_is_refused_and_what_was_posted_is_dropped,
        what_the_kernel_refuses_is_said_and_leaves_nothing,
        a_post_without_memory_is_ENOMEM_and_wakes_nobody,
        a_wake_up_write_is_tried_again_then_complained_about,
        NULL
    };
    Suite *suite = suite_create("wakeup");
    add_tests(suite, "wakeup", tests, 0);
    return run_suite(suite);
}
