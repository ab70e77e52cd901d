/* test_acceptor_kernel.c - an acceptor on the real kernel, where a process may have no more descriptors than it has: the
 * clients see an orderly end, and the loop sleeps. */
#include "loop/acceptor.h"

#include "loop/tests/limit.h"
#include "loop/tests/listener.h"

enum { CLIENTS = 40, QUIET_TICKS = 5 };

struct inn {
    struct sys *sys;
    struct loop *loop;
    struct acceptor *acceptor;
    int listener, guests[CLIENTS], count;
    int wanted;                 /* so many connections, given away or refused, end the run, after some quiet ticks */
    int turns, ticks, quiet;
    struct timeout next;
};

static void guest(void *self, int fd)
{
    struct inn *inn = self;
    inn->guests[inn->count++] = fd;
}

static void count_turns(void *self, enum loop_moment moment)
{
    ((struct inn *)self)->turns += moment == LOOP_ASKS;
}

static void tick(void *self, int what)
{
    struct inn *inn = self;
    (void)what;
    inn->ticks++;
    if (inn->count + (int)acceptor_count(inn->acceptor).refused == inn->wanted && ++inn->quiet == QUIET_TICKS)
        loop_stop(inn->loop);
    else
        loop_call_at(inn->loop, loop_time(inn->loop) + MILLISECOND, &inn->next, tick, inn);
}

/* The loop asks the kernel once for each tick, and once for every sixteen connections; else it spins. */
static void run(struct inn *inn, int wanted)
{
    inn->wanted = wanted;
    inn->turns = inn->ticks = inn->quiet = 0;
    tick(inn, 0);
    ck_assert_int_eq(loop_start(inn->loop), 0);
    ck_assert_int_le(inn->turns, inn->ticks + CLIENTS / 16 + 1);
}

static bool inn_begin(struct inn *inn, const struct place *at)
{
    if (!limit_is_the_kernels()) {
        fputs("note: the limit on descriptors is not the kernel's here; nothing was tested\n", stderr);
        return false;
    }
    *inn = (struct inn){ .sys = sys_linux(), .loop = loop_new(sys_linux()) };
    inn->listener = listener_at(inn->sys, at, CLIENTS);
    inn->acceptor = acceptor_new(inn->loop, inn->listener, guest, inn);
    ck_assert_ptr_nonnull(inn->acceptor);
    loop_watch(inn->loop, count_turns, inn);
    return true;
}

static void inn_end(struct inn *inn)
{
    acceptor_close(inn->acceptor);
    for (int i = 0; i < inn->count; i++)
        inn->sys->close(inn->sys, inn->guests[i]);
    inn->sys->close(inn->sys, inn->listener);
    loop_close(inn->loop);
}

START_TEST(at_the_limit_clients_read_the_end_of_file_and_the_loop_sleeps)
{
    struct inn inn;
    struct place at = place_named("limit");
    int clients[CLIENTS];
    char bytes[8];
    if (!inn_begin(&inn, &at))
        return;
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_of(inn.sys, &at);
        ck_assert_int_eq(inn.sys->write(inn.sys, clients[i], "request", 7), 7);
    }
    limit_descriptors(clients[CLIENTS - 1] + 1);
    inn.sys->close(inn.sys, clients[0]);
    run(&inn, CLIENTS);
    ck_assert_int_eq(inn.count, 1);
    for (int i = 1; i < CLIENTS; i++) {
        ck_assert_int_eq(inn.sys->read(inn.sys, clients[i], bytes, sizeof bytes), 0);
        inn.sys->close(inn.sys, clients[i]);
    }
    limit_descriptors(-1);
    inn_end(&inn);
}
END_TEST

START_TEST(without_even_the_spare_one_the_loop_sleeps_and_the_connections_wait)
{
    struct inn inn;
    struct place at = place_named("thief");
    int clients[CLIENTS];
    if (!inn_begin(&inn, &at))
        return;
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = client_of(inn.sys, &at);
    limit_descriptors(0);       /* none at all: what is given up cannot be taken again */
    run(&inn, 0);
    limit_descriptors(-1);
    acceptor_pause(inn.acceptor);
    acceptor_resume(inn.acceptor);
    run(&inn, CLIENTS);
    ck_assert_uint_eq(acceptor_count(inn.acceptor).refused, 0);
    for (int i = 0; i < CLIENTS; i++)
        inn.sys->close(inn.sys, clients[i]);
    inn_end(&inn);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        at_the_limit_clients_read_the_end_of_file_and_the_loop_sleeps,
        without_even_the_spare_one_the_loop_sleeps_and_the_connections_wait,
        NULL
    };
    Suite *suite = suite_create("acceptor on the kernel");
    add_tests(suite, "at the limit", tests, 0);
    return run_suite(suite);
}
