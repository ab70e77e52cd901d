/* test_resolver_ares_crowd.c - a thousand names asked for at once of a name server that holds them all back, and then answers all
 * of them: the loop goes on meanwhile, a little for them and a little for everybody else in each turn. Turns are counted, no
 * time. */
#include "stream/tests/nameserver_world.h"

enum { CROWD = 1000, FEW = 64, MANY = 200, SOME = 40 };

static struct asked crowd[CROWD];
static char hosts[CROWD][32];

typedef bool condition(void);

/* Somebody else on the loop, who is due whenever the selector is asked, until that holds. */
static struct {
    struct timeout due;
    condition *until;
    long times;
    int asked, answered;            /* so far */
    int most_asked, most_answered;  /* from one time to the next */
    int released;                   /* < 0: none yet */
} other = { .released = -1 };

static int answered(void)
{
    int n = 0;
    for (int i = 0; i < CROWD; i++)
        n += crowd[i].times;
    return n;
}

/* So far it is `now`. */
static void note(int now, int *before, int *most)
{
    *most = now - *before > *most ? now - *before : *most;
    *before = now;
}

static void on_due(void *self, int what)
{
    (void)self, (void)what;
    note(server.asked, &other.asked, &other.most_asked);
    note(answered(), &other.answered, &other.most_answered);
    other.times++;
    if (other.answered == other.released)
        other.released += nameserver_release(&server, MANY, FOREVER);
    if (other.until())
        loop_stop(loop);
    else
        loop_call_at(loop, loop_time(loop), &other.due, on_due, NULL);
}

static void run_until(condition *holds)
{
    other.until = holds;
    loop_call_at(loop, loop_time(loop), &other.due, on_due, NULL);
    loop_start(loop);
}

static bool all_held(void)
{
    return server.held_count == CROWD;
}

static bool a_while_has_passed(void)
{
    static long times;
    return ++times == 100;
}

static bool all_answered(void)
{
    return answered() == CROWD;
}

static bool one_answered(void)
{
    nameserver_release(&server, SOME, FOREVER);
    return answered() == 1;
}

static void all_ask(void)
{
    for (int i = 0; i < CROWD; i++) {
        snprintf(hosts[i], sizeof hosts[i], "hold-%d.example", i);
        begin_to_ask(&crowd[i], hosts[i], AF_INET);
    }
    run_until(all_held);
}

START_TEST(a_thousand_names_and_their_answers_hold_up_no_turn)
{
    all_ask();
    ck_assert_int_le(other.most_asked, FEW);
    ck_assert_int_ge(other.times, CROWD / FEW);
    run_until(a_while_has_passed);              /* and all of them are waited for */
    ck_assert_int_eq(answered(), 0);
    long before = other.times;
    other.released = 0;
    run_until(all_answered);
    ck_assert_int_le(other.most_answered, FEW);
    ck_assert_int_ge(other.times - before, CROWD / FEW);
    for (int i = 0; i < CROWD; i++)
        ck_assert_str_eq(crowd[i].text, "[1 192.0.2.1:80]");
    ck_assert_int_eq(server.asked, CROWD);
    ck_assert_int_eq(door.sockets, 0);
}
END_TEST

START_TEST(of_a_thousand_the_one_that_waits_is_answered)
{
    all_ask();
    for (int i = 0; i < CROWD; i++)
        if (i != CROWD / 2)
            future_cancel(&crowd[i].f);
    run_until(one_answered);
    ck_assert_str_eq(crowd[CROWD / 2].text, "[1 192.0.2.1:80]");
}
END_TEST

START_TEST(a_thousand_that_leave_at_once_leave_nothing)
{
    all_ask();
    for (int i = 0; i < CROWD; i++)
        future_cancel(&crowd[i].f);
    ck_assert_int_eq(door.sockets, 0);
    ck_assert(loop_idle(loop));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_thousand_names_and_their_answers_hold_up_no_turn,
        of_a_thousand_the_one_that_waits_is_answered,
        a_thousand_that_leave_at_once_leave_nothing,
        NULL
    };
    return run_names("resolver_ares_crowd", tests);
}
