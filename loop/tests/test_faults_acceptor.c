/* test_faults_acceptor.c - every call and every allocation fails once under a listener, its acceptor and a crowd of clients. A
 * connection may be late, it may be refused, but none is lost. Linked with both selectors. */
#include "loop/acceptor.h"

#include "loop/tests/faults.h"
#include "loop/tests/listener.h"

enum { CLIENTS = 20 };

struct crowd {
    struct run *run;
    struct acceptor *acceptor;
    int listener, clients[CLIENTS], count;
    struct timeout next_look;
};

static void come_in(void *self, int fd)
{
    struct crowd *x = self;
    x->run->sys->close(x->run->sys, fd);
    if (++x->count % 5 == 0)
        acceptor_pause(x->acceptor);
}

/* Once a second: goes on, until all have come. */
static void look(void *self, int what)
{
    struct crowd *x = self;
    struct acceptor_count count = acceptor_count(x->acceptor);
    (void)what;
    MUST(count.accepted == (uint64_t)x->count);
    acceptor_pause(x->acceptor);
    if (count.accepted + count.refused == CLIENTS)
        return;
    acceptor_resume(x->acceptor);
    loop_call_at(x->run->loop, loop_time(x->run->loop) + SECOND, &x->next_look, look, x);
}

/* How many of the clients were ended by the other side. */
static int ended(struct crowd *x)
{
    int n = 0;
    char byte;
    for (int i = 0; i < CLIENTS; i++) {
        ssize_t got = -EINTR;
        for (int tries = 0; tries < 9 && got < 0; tries++)
            got = x->clients[i] < 0 ? -EBADF : x->run->sys->read(x->run->sys, x->clients[i], &byte, 1);
        n += got == 0;
    }
    return n;
}

static bool open_house(struct crowd *x, const struct place *at)
{
    struct run *r = x->run;
    const struct sockaddr *address = (const struct sockaddr *)&at->at;
    x->listener = r->sys->socket(r->sys, AF_UNIX, SOCK_STREAM);
    if (!ok(r, x->listener) || !ok(r, r->sys->bind(r->sys, x->listener, address, at->len)) ||
        !ok(r, r->sys->listen(r->sys, x->listener, CLIENTS)))
        return false;
    x->acceptor = acceptor_new(r->loop, x->listener, come_in, x);
    if (!made(r, x->acceptor))
        return false;
    for (int i = 0; i < CLIENTS; i++) {
        x->clients[i] = r->sys->socket(r->sys, AF_UNIX, SOCK_STREAM);
        if (!ok(r, x->clients[i]) || !ok(r, r->sys->connect(r->sys, x->clients[i], address, at->len)))
            return false;
    }
    return true;
}

static void end_all(struct crowd *x)
{
    struct sys *sys = x->run->sys;
    if (x->acceptor)
        acceptor_close(x->acceptor);
    for (int i = 0; i < CLIENTS; i++)
        if (x->clients[i] >= 0)
            sys->close(sys, x->clients[i]);
    if (x->listener >= 0)
        sys->close(sys, x->listener);
}

static void receive(struct run *r, bool crowded)
{
    struct crowd x = { .run = r, .listener = -1 };
    struct place at = place_named("faults");
    memset(x.clients, -1, sizeof x.clients);
    if (begin(r) && open_house(&x, &at)) {
        sim_limit_descriptors(r->sim, crowded ? x.clients[CLIENTS - 1] + 1 : 0);
        look(&x, 0);
        go(r);
        r->result = ended(&x);
    }
    end_all(&x);
    finish(r);
}

static void welcome(struct run *r)
{
    receive(r, false);
}

/* Without a descriptor, but for the spare one. */
static void turned_away(struct run *r)
{
    receive(r, true);
}

int main(void)
{
    static const struct scenario scenarios[] = {
        { "welcome", welcome, CLIENTS, false },
        { "turned_away", turned_away, CLIENTS, false },
    };
    return run_scenarios("faults_acceptor", scenarios, sizeof scenarios / sizeof *scenarios);
}
