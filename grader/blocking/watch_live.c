/* watch_live.c - one line on a terminal that says how it is now: see watch_live.h.
 *
 * Trap: the slots are written while they are read, so a figure may be an iteration older than its neighbour. */
#include "grader/blocking/watch_live.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "grader/blocking/calls.h"

static const int64_t PERIOD = 200000000;

static void put(const char *text, size_t len)
{
    while (write(STDERR_FILENO, text, len) < 0 && errno == EINTR)
        continue;
}

void live_begin(struct live *live, bool wanted)
{
    *live = (struct live){ .on = wanted && isatty(STDERR_FILENO) };
}

struct totals {
    int loops;
    uint64_t iterations;
    int64_t ran, blocked, longest;
};

static struct totals totals_of(const struct journal *journal)
{
    struct totals t = {0};
    uint32_t slots = atomic_load(&journal->head->slots);
    for (uint32_t i = 0; i < slots && i < JOURNAL_SLOTS; i++) {
        const struct slot *slot = &journal->slots[i];
        uint32_t state = atomic_load(&slot->state);
        t.loops += state == SLOT_RUNS || state == SLOT_WAITS;
        t.iterations += slot->iterations;
        t.ran += slot->ran;
        t.blocked += slot->blocked;
        t.longest = (int64_t)slot->longest > t.longest ? (int64_t)slot->longest : t.longest;
    }
    return t;
}

void live_draw(struct live *live, const struct journal *journal, const struct stuck *stuck, int64_t now)
{
    if (!live->on || now < live->next)
        return;
    char text[512];
    struct totals t = totals_of(journal);
    struct hang hang = stuck_now(stuck, now);
    struct winsize size = {0};
    live->next = now + PERIOD;
    int len = snprintf(text, sizeof text, "%d loop%s  %llu iterations  ran %.1f s  blocked %.3f s  longest %.1f ms", t.loops,
                       t.loops == 1 ? "" : "s", (unsigned long long)t.iterations, (double)t.ran / 1e9, (double)t.blocked / 1e9,
                       (double)t.longest / 1e6);
    if (hang.lasts)
        len += snprintf(text + len, sizeof text - (size_t)len, "  STUCK for %.0f ms%s%s (pid %d)", (double)hang.lasts / 1e6,
                        hang.call ? " in " : "", hang.call ? call_kind(hang.call)->name : "", hang.pid);
    int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1 : 79;
    char line[640];
    len = snprintf(line, sizeof line, "\r%.*s\033[K", columns < len ? columns : len, text);
    put(line, (size_t)len);
}

void live_end(struct live *live)
{
    if (live->on)
        put("\r\033[K", 4);
    live->on = false;
}
