/* sim_faults.c - calls that fail when you say so, and the counting and telling of all.
 *
 * The trap it exists for: a kernel that says "nothing there" and never says "now there is". Where an edge-triggered reader
 * was told EAGAIN, or given less than there was, only because a test wanted it so, it is owed a new edge (see sim.c). */
#include "loop/sim_inside.h"

#include <errno.h>

#include "loop/require.h"

enum { ANY = CALL_COUNT, MOST_IN_A_ROW = 3 };

static const char *const names[CALL_COUNT] = {
    "now", "random", "memory", "read", "write", "close", "dup", "pipe", "socketpair", "shutdown", "eventfd",
    "epoll_create", "epoll_ctl", "epoll_wait", "poll", "map",
    "guard", "on_fault", "socket", "bind", "listen", "accept", "connect", "socket_error",
    "set_option", "sockname", "peername", "set_mode", "unlink_socket", "lookup", "open",
    "open_beneath", "file_status", "read_names", "splice",
    "sigprocmask", "signalfd", "spawn", "fork", "kill", "reap", "submit", "withdraw",
};

static bool any_may_fail(enum sys_call call)
{
    return call != CALL_NOW && call != CALL_CLOSE && call != CALL_MEMORY;
}

/* Refused memory needs no number. */
static int error_or_enomem(int error)
{
    return error ? error : -ENOMEM;
}

static void ask(struct sim *sim, int which, unsigned n, int error)
{
    struct fault *f = &sim->faults[which];
    *f = (struct fault){ .left = n, .error = error_or_enomem(error), .delivered = f->delivered && n == 0 };
    if (n)
        sim->asked = which;
}

void sim_fail(struct sim *sim, enum sys_call call, unsigned n, int error)
{
    REQUIRE(call != CALL_NOW, "the clock cannot fail: choose another call");
    ask(sim, (int)call, n, error);
}

void sim_fail_any(struct sim *sim, unsigned n, int error)
{
    ask(sim, ANY, n, error);
}

bool sim_failed(const struct sim *sim)
{
    return sim->faults[sim->asked].delivered;
}

void sim_shorten(struct sim *sim, enum sys_call call, size_t bytes)
{
    REQUIRE(call == CALL_READ || call == CALL_WRITE || call == CALL_SPLICE,
            "%s moves no bytes: shorten CALL_READ, CALL_WRITE or CALL_SPLICE", names[call]);
    sim->limits[call] = bytes;
}

void sim_storm(struct sim *sim, enum sys_call call, unsigned percent, int error)
{
    REQUIRE(call != CALL_NOW, "the clock cannot fail: choose another call");
    sim->storms[call] = (struct storm){ .percent = percent, .error = error_or_enomem(error) };
}

/* Counts down; true when it is this call's turn. */
static bool falls_due(struct fault *f)
{
    if (f->left == 0 || --f->left > 0)
        return false;
    f->delivered = true;
    return true;
}

static int storm_error(struct sim *sim, struct storm *s)
{
    if (s->percent && s->run < MOST_IN_A_ROW && sim_chance(sim) % 100 < s->percent) {
        s->run++;
        return s->error;
    }
    s->run = 0;
    return 0;
}

int sim_fault(struct sim *sim, enum sys_call call)
{
    if (sim->outside && call != CALL_MEMORY)
        return 0;
    sim->calls[call]++;
    bool one = falls_due(&sim->faults[call]);
    bool any = any_may_fail(call) && falls_due(&sim->faults[ANY]);
    if (one || any)
        return sim->faults[one ? (int)call : ANY].error;
    return storm_error(sim, &sim->storms[call]);
}

size_t sim_shortened(const struct sim *sim, enum sys_call call, const struct file *file, size_t len)
{
    size_t limit = sim->limits[call];
    return limit && limit < len && !file->kind->atomic && !sim->outside ? limit : len;
}

int64_t sim_told(struct sim *sim, enum sys_call call, int64_t arg, int64_t arg2, int64_t result)
{
    if (sim->witness && !sim->outside) {
        sim->outside = true;
        sim->witness(sim->witness_self, call, arg, arg2, result);
        sim->outside = false;
    }
    return result;
}

uint64_t sim_calls(const struct sim *sim, enum sys_call call)
{
    return sim->calls[call];
}

const char *sim_call_name(enum sys_call call)
{
    return names[call];
}

void sim_watch(struct sim *sim, sim_witness *witness, void *self)
{
    sim->witness = witness;
    sim->witness_self = self;
}
