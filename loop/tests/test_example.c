/* test_example.c - how to test your own event-loop code in virtual time. Copy it.
 *
 * First the whole idea in twenty lines. Then a piece of event-loop code as you might have one, and below the line its tests:
 * one lets an hour pass, the other lets every call fail once. None of them waits. */
#include <check.h>
#include <errno.h>

#include "loop/loop.h"
#include "loop/sim.h"

#define MINUTE (60 * SECOND)

static void on_time(void *calls, int what)
{
    (void)what;
    ++*(int *)calls;
}

START_TEST(two_hours_pass_at_once)
{
    struct sim *sim = sim_new(1);                           /* a world of its own, at one second */
    struct loop *loop = loop_new(sim_sys(sim));             /* instead of sys_linux() */
    struct timeout timeout = {0};
    int calls = 0;
    loop_call_at(loop, loop_time(loop) + 120 * MINUTE, &timeout, on_time, &calls);
    ck_assert_int_eq(loop_start(loop), 0);                  /* returns when nothing is left to wait for */
    ck_assert_int_eq(calls, 1);
    ck_assert_int_eq(sim_now(sim), SECOND + 120 * MINUTE);
    loop_close(loop);
    ck_assert_uint_eq(sim_live(sim).blocks, 0);             /* and nothing was left behind */
    sim_close(sim);
}
END_TEST

/* Closes a connection an hour after the last byte came. */
struct guest {
    struct loop *loop;
    int fd;                                 /* -1: closed */
    struct timeout patience;
};

static void guest_leave(void *self, int what)
{
    struct guest *g = self;
    (void)what;
    loop_remove_timeout(g->loop, &g->patience);
    loop_remove_handler(g->loop, g->fd);
    loop_sys(g->loop)->close(loop_sys(g->loop), g->fd);
    g->fd = -1;
}

static void guest_speaks(void *self, int mask)
{
    struct guest *g = self;
    char bytes[64];
    (void)mask;
    ssize_t n = loop_sys(g->loop)->read(loop_sys(g->loop), g->fd, bytes, sizeof bytes);
    if (n > 0)
        loop_call_at(g->loop, loop_time(g->loop) + 60 * MINUTE, &g->patience, guest_leave, g);
    else if (n != -EAGAIN && n != -EINTR)
        guest_leave(g, 0);
}

static int guest_enter(struct guest *g)
{
    loop_call_at(g->loop, loop_time(g->loop) + 60 * MINUTE, &g->patience, guest_leave, g);
    int rc = loop_add_handler(g->loop, g->fd, READABLE, guest_speaks, g);
    if (rc < 0)
        guest_leave(g, 0);
    return rc;
}

/* --------------------------------------------------------------------------------------------------------------------- */

struct peer {                               /* the other side: part of the world outside */
    struct sys *sys;
    int fd;
};

static void peer_speaks(void *self, int what)
{
    struct peer *p = self;
    (void)what;
    p->sys->write(p->sys, p->fd, "hello", 5);
}

/* One guest, whose peer speaks after 50 minutes. Returns 0 when all went well, else what a call failed with. */
static int visit(struct sim *sim)
{
    struct sys *sys = sim_sys(sim);         /* instead of sys_linux() */
    struct loop *loop = loop_new(sys);
    int fds[2], rc = loop ? sys->socketpair(sys, fds) : -errno;
    if (rc == 0) {
        struct guest guest = { .loop = loop, .fd = fds[0] };
        struct peer peer = { sys, fds[1] };
        sim_at(sim, sim_now(sim) + 50 * MINUTE, peer_speaks, &peer);
        rc = guest_enter(&guest);
        if (rc == 0)
            rc = loop_start(loop);          /* returns when nothing is left to wait for */
        if (guest.fd >= 0)
            guest_leave(&guest, 0);
        sys->close(sys, peer.fd);
    }
    if (loop)
        loop_close(loop);
    return rc;
}

START_TEST(a_guest_is_sent_away_an_hour_after_the_last_byte)
{
    struct sim *sim = sim_new(1);
    ck_assert_int_eq(visit(sim), 0);
    ck_assert_int_eq(sim_now(sim), SECOND + 110 * MINUTE);      /* a world begins at one second */
    sim_close(sim);
}
END_TEST

START_TEST(whatever_call_fails_nothing_is_left_behind)
{
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        struct sim *sim = sim_new(1);
        sim_fail_any(sim, n, -EIO);         /* and with sim_fail(sim, CALL_MEMORY, n, -ENOMEM) every allocation */
        visit(sim);
        failed = sim_failed(sim);
        ck_assert_uint_eq(sim_live(sim).descriptors, 0);
        ck_assert_uint_eq(sim_live(sim).blocks, 0);
        sim_close(sim);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("example");
    TCase *tests = tcase_create("virtual time");
    tcase_add_test(tests, two_hours_pass_at_once);
    tcase_add_test(tests, a_guest_is_sent_away_an_hour_after_the_last_byte);
    tcase_add_test(tests, whatever_call_fails_nothing_is_left_behind);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
