/* idle.c - what a stream holds that has said what it heard and waits for more.
 *
 * Two counts that do not depend on noise: what the in-memory kernel gave out through the door, and what malloc says is in use.
 * Each is taken in a process of its own, so that what other benches left behind is not in it. */
#include <arpa/inet.h>
#include <malloc.h>
#include <stdlib.h>

#include "loop/sim.h"
#include "stream/bench/hall.h"
#include "stream/bench/streams.h"
#include "stream/shelf.h"
#include "stream/stream.h"

enum { IDLERS = 100000, PORT = 7, A_CLIENT = 20000 };       /* connections from us to one address: there are 28,232 ports */

struct idler {
    struct room *room;
    struct stream *stream;
    struct future read;
};

struct room {
    struct loop *loop;
    struct idler *idlers;
    int count;
    int64_t left;                   /* bytes to be said */
};

static void on_read(void *self, int n)
{
    struct idler *i = self;
    if (n <= 0)
        bench_die("a connection broke off: %s", i->read.why);
    stream_write(i->stream, (struct bytes){ i->read.value, (size_t)n }, NULL);
    i->room->left -= n;
    if (i->room->left == 0)
        loop_stop(i->room->loop);
    stream_read_some(i->stream, 0, future_then(&i->read, on_read, i));
}

static void room_open(struct room *r, struct sys *sys, int count)
{
    r->loop = loop_new(sys);
    r->idlers = bench_array((size_t)count, sizeof *r->idlers);
    r->count = count;
    r->left = count * (int64_t)SMALL;
    if (!r->loop)
        bench_die("no loop could be made");
    shelf_put(r->loop, shelf_take(r->loop, SHELF_BLOCK), SHELF_BLOCK);      /* the loop's, once */
}

static void room_seat(struct room *r, int place, int fd)
{
    struct idler *i = &r->idlers[place];
    i->room = r;
    i->stream = stream_new(r->loop, fd);
    if (!i->stream)
        bench_die("only %d streams could be made", place);
    stream_read_some(i->stream, 0, future_then(&i->read, on_read, i));
}

/* ---- on the in-memory network -------------------------------------------------------------------------------------- */

static struct sockaddr_in loopback(int host, int port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = host ? htonl(INADDR_LOOPBACK + (uint32_t)host - 1) : INADDR_ANY };
}

static int listener_of(struct sys *sys)
{
    struct sockaddr_in everywhere = loopback(0, PORT);
    int fd = sys->socket(sys, AF_INET, SOCK_STREAM);
    if (fd < 0 || sys->bind(sys, fd, (struct sockaddr *)&everywhere, sizeof everywhere) < 0 || sys->listen(sys, fd, 8) < 0)
        bench_die("the in-memory network has no listener for us");
    return fd;
}

/* A client that has said something, and the stream that it is to say it to. */
static void arrive(struct room *r, struct sys *sys, int listener, int place)
{
    static const char message[SMALL];
    struct sockaddr_in to = loopback(1 + place / A_CLIENT, PORT);
    int client = sys->socket(sys, AF_INET, SOCK_STREAM);
    sys->connect(sys, client, (struct sockaddr *)&to, sizeof to);
    int fd = sys->accept(sys, listener, NULL, NULL);
    if (fd < 0)
        bench_die("only %d connections on the in-memory network could be made", place);
    room_seat(r, place, fd);
    if (sys->write(sys, client, message, SMALL) != SMALL)
        bench_die("a connection on the in-memory network takes nothing");
}

static double in_memory(void)
{
    struct sim *sim = sim_new(0);
    struct room r;
    if (!sim)
        bench_die("no memory for an in-memory network");
    room_open(&r, sim_sys(sim), IDLERS);
    size_t before = sim_live(sim).bytes;
    int listener = listener_of(sim_sys(sim));
    for (int i = 0; i < IDLERS; i++)
        arrive(&r, sim_sys(sim), listener, i);
    loop_start(r.loop);
    return r.left ? -1 : (double)(sim_live(sim).bytes - before) / IDLERS;
}

/* ---- over loopback ------------------------------------------------------------------------------------------------- */

static double heap(void)
{
    struct mallinfo2 m = mallinfo2();
    return (double)m.uordblks + (double)m.hblkhd;
}

static double over_loopback(void)
{
    struct hall hall;
    struct room r;
    hall_open(&hall, MANY, SMALL);
    room_open(&r, sys_linux(), MANY);
    double before = heap();
    for (int i = 0; i < MANY; i++)
        room_seat(&r, i, hall.fds[i]);
    hall_begin(&hall, MANY);
    loop_start(r.loop);
    return r.left ? -1 : (heap() - before) / MANY;
}

/* ---- results ------------------------------------------------------------------------------------------------------- */

static void idle_once(struct result *r, double bytes)
{
    if (bytes < 0) {
        r->verdict = NOT_RUN;
        snprintf(r->note, sizeof r->note, "the process that was to measure it ended");
        return;
    }
    r->ours = r->judged = (struct spread){ bytes, bytes, bytes };
    r->verdict = bench_verdict(r->bench, r->judged);
    snprintf(r->note, sizeof r->note, "and %zu of the future its reader waits with", sizeof(struct future));
}

void idle_in_memory_once(struct result *r)
{
    idle_once(r, bench_elsewhere(in_memory));
}

void idle_over_loopback_once(struct result *r)
{
    if (crowd_fits(MANY)) {
        idle_once(r, bench_elsewhere(over_loopback));
    } else {
        r->verdict = NOT_RUN;
        snprintf(r->note, sizeof r->note, "9,000 connections need as many descriptors: ulimit -n allows fewer");
    }
}
