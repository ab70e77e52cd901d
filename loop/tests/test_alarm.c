/* test_alarm.c - epoll's selector and its alarm: distant deadlines are set once, and waited for without a time-out. The alarm is
 * an eventfd of ours, so that it rings when we say so. */
#include <check.h>
#include <errno.h>

#include "loop/selector.h"
#include "loop/sys.h"

#define NEAR (50 * MILLISECOND)

static struct door {
    struct sys sys;
    int64_t now, set_to, timeout;   /* the clock; what the alarm was set to last; of the last wait */
    int alarm, made, set, waits;    /* the eventfd; how often */
    int refuse_making, refuse_setting, refuse_watching;
} door;

static int64_t door_now(struct sys *sys)
{
    (void)sys;
    return door.now;
}

static int door_alarm(struct sys *sys)
{
    door.made++;
    return door.refuse_making ? door.refuse_making : (door.alarm = sys_linux()->eventfd(sys));
}

static int door_alarm_at(struct sys *sys, int fd, int64_t when)
{
    (void)sys;
    ck_assert_int_eq(fd, door.alarm);
    door.set++;
    door.set_to = when;
    return door.refuse_setting;
}

static int door_epoll_ctl(struct sys *sys, int epfd, int op, int fd, struct epoll_event *event)
{
    if (fd == door.alarm && door.refuse_watching)
        return door.refuse_watching;
    return sys_linux()->epoll_ctl(sys, epfd, op, fd, event);
}

/* It sleeps for nobody. */
static int door_epoll_wait(struct sys *sys, int epfd, struct epoll_event *events, int max, int64_t timeout)
{
    door.waits++;
    door.timeout = timeout;
    return sys_linux()->epoll_wait(sys, epfd, events, max, 0);
}

static struct selector *selector;

static void begin(int refuse_making, int refuse_watching)
{
    door = (struct door){ .sys = *sys_linux(), .now = SECOND, .alarm = -1 };
    door.sys.now = door_now;
    door.sys.alarm = door_alarm;
    door.sys.alarm_at = door_alarm_at;
    door.sys.epoll_ctl = door_epoll_ctl;
    door.sys.epoll_wait = door_epoll_wait;
    door.refuse_making = refuse_making;
    door.refuse_watching = refuse_watching;
    selector = selector_new(&door.sys);
    ck_assert(selector != NULL);
}

static void setup(void)
{
    begin(0, 0);
}

static void teardown(void)
{
    selector_close(selector);
}

static void ring(void)
{
    uint64_t one = 1;
    ck_assert_int_eq(door.sys.write(&door.sys, door.alarm, &one, sizeof one), sizeof one);
}

/* Waits, and is told of so many. */
static void waits_until(int64_t deadline, int64_t timeout, int ready)
{
    struct ready out[4];
    ck_assert_int_eq(selector_wait(selector, deadline, out, 4), ready);
    ck_assert_int_eq(door.timeout, timeout);
}

START_TEST(a_distant_deadline_is_set_once_and_waited_for_without_a_time_out)
{
    for (int i = 0; i < 3; i++) {
        waits_until(61 * SECOND, -1, 0);
        door.now += SECOND;
    }
    waits_until(70 * SECOND, -1, 0);                /* it rings before that, and no harm is done */
    ck_assert_int_eq(door.set, 1);
    ck_assert_int_eq(door.set_to, 61 * SECOND);
}
END_TEST

START_TEST(an_earlier_one_is_set_and_a_near_one_is_a_time_out)
{
    waits_until(61 * SECOND, -1, 0);
    waits_until(31 * SECOND, -1, 0);
    ck_assert_int_eq(door.set_to, 31 * SECOND);
    waits_until(SECOND + NEAR, NEAR, 0);
    waits_until(0, 0, 0);
    waits_until(SECOND / 2, 0, 0);
    waits_until(FOREVER, -1, 0);
    ck_assert_int_eq(door.set, 2);
}
END_TEST

START_TEST(when_it_has_rung_it_is_set_again)
{
    int64_t deadline = 61 * SECOND;
    for (int i = 1; i <= 3; i++, deadline += 60 * SECOND) {
        waits_until(deadline, -1, 0);
        ck_assert_int_eq(door.set, i);
        ck_assert_int_eq(door.set_to, deadline);
        ring();
        door.now = deadline;
        waits_until(FOREVER, -1, 0);                /* nobody is ready: it is no descriptor of the loop's */
    }
}
END_TEST

START_TEST(it_rings_beside_others)
{
    int fds[2];
    ck_assert_int_eq(door.sys.pipe(&door.sys, fds), 0);
    ck_assert_int_eq(selector_set(selector, fds[0], READABLE), 0);
    waits_until(61 * SECOND, -1, 0);
    ring();
    ck_assert_int_eq(door.sys.write(&door.sys, fds[1], "x", 1), 1);
    waits_until(61 * SECOND, -1, 1);
    door.sys.close(&door.sys, fds[0]);
    door.sys.close(&door.sys, fds[1]);
}
END_TEST

START_TEST(without_an_alarm_waits_have_time_outs_and_it_is_asked_for_once)
{
    teardown();
    begin(-ENOSYS, 0);
    waits_until(61 * SECOND, 60 * SECOND, 0);
    waits_until(61 * SECOND, 60 * SECOND, 0);
    ck_assert_int_eq(door.made, 1);
}
END_TEST

START_TEST(one_that_cannot_be_watched_is_none)
{
    teardown();
    begin(0, -ENOSPC);
    waits_until(61 * SECOND, 60 * SECOND, 0);
    waits_until(61 * SECOND, 60 * SECOND, 0);
    ck_assert_int_eq(door.made, 1);
    ck_assert_int_eq(door.set, 0);
}
END_TEST

START_TEST(one_that_cannot_be_set_leaves_the_time_out)
{
    door.refuse_setting = -EINVAL;
    waits_until(61 * SECOND, 60 * SECOND, 0);
    door.refuse_setting = 0;
    waits_until(61 * SECOND, -1, 0);
}
END_TEST

/* A number that was closed while a copy of it lives: its event has the set built anew. */
START_TEST(a_set_that_is_built_anew_has_the_alarm)
{
    int fds[2];
    waits_until(61 * SECOND, -1, 0);
    ck_assert_int_eq(door.sys.pipe(&door.sys, fds), 0);
    ck_assert_int_eq(selector_set(selector, fds[0], READABLE), 0);
    int copy = door.sys.dup(&door.sys, fds[0]);
    door.sys.close(&door.sys, fds[0]);
    ck_assert_int_eq(selector_set(selector, fds[0], 0), 0);
    ck_assert_int_eq(door.sys.write(&door.sys, fds[1], "x", 1), 1);
    waits_until(61 * SECOND, -1, 0);
    waits_until(61 * SECOND, -1, 0);
    ring();
    waits_until(61 * SECOND, -1, 0);
    waits_until(121 * SECOND, -1, 0);
    ck_assert_int_eq(door.set, 2);
    door.sys.close(&door.sys, copy);
    door.sys.close(&door.sys, fds[1]);
}
END_TEST

/* The kernel's own: of a time that has passed, without sleeping for it. */
START_TEST(the_kernels_rings_at_its_time)
{
    struct sys *sys = sys_linux();
    struct pollfd asked = { .fd = sys->alarm(sys), .events = POLLIN };
    ck_assert_int_ge(asked.fd, 0);
    ck_assert_int_eq(sys->alarm_at(sys, asked.fd, sys->now(sys) + 3600 * SECOND), 0);
    ck_assert_int_eq(sys->poll(sys, &asked, 1, 0), 0);
    ck_assert_int_eq(sys->alarm_at(sys, asked.fd, sys->now(sys)), 0);
    ck_assert_int_eq(sys->poll(sys, &asked, 1, SECOND), 1);
    ck_assert_int_eq(sys->alarm_at(sys, -1, SECOND), -EBADF);
    sys->close(sys, asked.fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("the selector's alarm");
    TCase *tcase = tcase_create("alarm");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_distant_deadline_is_set_once_and_waited_for_without_a_time_out);
    tcase_add_test(tcase, an_earlier_one_is_set_and_a_near_one_is_a_time_out);
    tcase_add_test(tcase, when_it_has_rung_it_is_set_again);
    tcase_add_test(tcase, it_rings_beside_others);
    tcase_add_test(tcase, without_an_alarm_waits_have_time_outs_and_it_is_asked_for_once);
    tcase_add_test(tcase, one_that_cannot_be_watched_is_none);
    tcase_add_test(tcase, one_that_cannot_be_set_leaves_the_time_out);
    tcase_add_test(tcase, a_set_that_is_built_anew_has_the_alarm);
    tcase_add_test(tcase, the_kernels_rings_at_its_time);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
