/* flag.c - a flag to wait for. See flag.h.
 *
 * The trap: a set that is followed by a clear in the same turn must still wake all who waited, so waking is done by the set
 * and the flag is not looked at again. */
#include "loop/flag.h"

#include "loop/waiters.h"

struct flag {
    struct sys *sys;
    struct waiters waiters;
    bool set;
};

struct flag *flag_new(struct loop *loop)
{
    struct flag *flag = sys_new(loop_sys(loop), sizeof *flag);
    if (!flag)
        return NULL;
    flag->sys = loop_sys(loop);
    waiters_init(&flag->waiters, loop);
    return flag;
}

void flag_close(struct flag *flag)
{
    waiters_close(&flag->waiters);
    sys_free(flag->sys, flag);
}

void flag_set(struct flag *flag)
{
    flag->set = true;
    waiters_resolve_all(&flag->waiters);
}

void flag_clear(struct flag *flag)
{
    flag->set = false;
}

bool flag_is_set(const struct flag *flag)
{
    return flag->set;
}

struct future *flag_wait(struct flag *flag, struct future *f)
{
    static const struct op op = { .name = "flag", .cancel = waiters_leave, .delivered = waiters_leave };
    waiters_add(&flag->waiters, f, &op, flag);
    if (flag->set)
        waiters_resolve(&flag->waiters, f, 0, NULL);
    return f;
}
