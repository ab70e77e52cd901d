/* co_list.c - which coroutines there are, and what each of them waits for. See co_list.h.
 *
 * The trap: ten thousand coroutines that wait for the same thing are one fact, not ten thousand lines. */
#include "loop/co_list.h"

#include <string.h>

#include "loop/log.h"
#include "loop/signals.h"

enum { LINE = 256, KINDS = 64, SHOWN_OF_A_KIND = 9, MEMBERS_SHOWN = 4 };

struct kind {                       /* the same function doing the same */
    co_fn *fn;
    enum co_state state;
    const char *waits_for;
    size_t count;
};

struct listing {
    int64_t now;
    co_line *line;
    void *self;
    struct kind kinds[KINDS];
    size_t kind_count;
};

static void append_symbol(char *line, const char *before, const void *function)
{
    char name[64];
    log_append(line, LINE, "%s%s", before, log_symbol(function, name, sizeof name));
}

/* "sleep", "coroutine fetch", "any of 3 (sleep, read, ...)", "nothing": its answer is there already. */
static void append_waits(char *line, const struct future *f)
{
    struct future *const *members;
    size_t count = future_members(f, &members);
    co_fn *co = co_of(f);
    if (co)
        append_symbol(line, "coroutine ", (const void *)co);
    else
        log_append(line, LINE, "%s", future_done(f) ? "an answer that has come" : future_name(f));
    if (!count)
        return;
    log_append(line, LINE, " of %zu (", count);
    for (size_t i = 0; i < count && i < MEMBERS_SHOWN; i++) {
        log_append(line, LINE, "%s", i ? ", " : "");
        append_waits(line, members[i]);
    }
    log_append(line, LINE, count > MEMBERS_SHOWN ? ", ...)" : ")");
}

static void append_seconds(char *line, int64_t ns, const char *what)
{
    log_append(line, LINE, ", %lld.%03d s %s", (long long)(ns / SECOND), (int)(ns % SECOND / MILLISECOND), what);
}

/* How many of its kind there were before, with this one counted in; 0 when there are too many kinds to count. */
static size_t count_kind(struct listing *listing, const struct co_info *info)
{
    struct kind new = { info->fn, info->state, info->waits_for ? future_name(info->waits_for) : "", 0 };
    size_t i = 0;
    while (i < listing->kind_count && (listing->kinds[i].fn != new.fn || listing->kinds[i].state != new.state ||
                                       listing->kinds[i].waits_for != new.waits_for))
        i++;
    if (i == KINDS)
        return 0;
    if (i == listing->kind_count)
        listing->kinds[listing->kind_count++] = new;
    return ++listing->kinds[i].count;
}

static void list_one(void *self, const struct co_info *info)
{
    static const char *const states[] = { "waits for its first turn", "runs", "waits for " };
    struct listing *listing = self;
    char line[LINE] = "    ";
    if (count_kind(listing, info) > SHOWN_OF_A_KIND)
        return;
    append_symbol(line, "", (const void *)info->fn);
    log_append(line, LINE, "%*s  %s", (int)(strlen(line) < 28 ? 28 - strlen(line) : 0), "", states[info->state]);
    if (info->waits_for)
        append_waits(line, info->waits_for);
    append_seconds(line, listing->now - info->since, "now");
    if (info->deadline != FOREVER)
        append_seconds(line, info->deadline > listing->now ? info->deadline - listing->now : 0, "left");
    listing->line(listing->self, line);
}

size_t co_list(struct loop *loop, co_line *line, void *self)
{
    struct listing listing = { .now = loop_time(loop), .line = line, .self = self };
    size_t count = co_each(loop, list_one, &listing);
    for (size_t i = 0; i < listing.kind_count; i++) {
        const struct kind *kind = &listing.kinds[i];
        char more[LINE] = "    ";
        if (kind->count <= SHOWN_OF_A_KIND)
            continue;
        append_symbol(more, "", (const void *)kind->fn);
        log_append(more, LINE, "  and %zu more that %s %s", kind->count - SHOWN_OF_A_KIND,
               kind->state == CO_WAITING ? "wait for" : "wait for their first turn", kind->waits_for);
        line(self, more);
    }
    return count;
}

/* ---- to the log --------------------------------------------------------------------------------------------------- */

static void log_one(void *self, const char *line)
{
    (void)self;
    log_line(LOG_INFO, "%s", line);
}

static void count_one(void *self, const struct co_info *info)
{
    (void)info;
    ++*(size_t *)self;
}

void co_list_log(struct loop *loop)
{
    size_t count = 0;
    co_each(loop, count_one, &count);
    log_line(LOG_INFO, count ? "%zu coroutines:" : "no coroutines", count);
    co_list(loop, log_one, NULL);
}

static void on_signal(void *self, int signo)
{
    (void)signo;
    co_list_log(self);
}

int co_list_on_signal(struct loop *loop, int signo)
{
    return loop_add_signal(loop, signo, on_signal, loop);
}
