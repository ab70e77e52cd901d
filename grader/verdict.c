/* verdict.c - what one item came to, and the history that led there. See verdict.h.
 *
 * The history is an arena of entries, one behind the other: time, length, kind, text. Traps: the process that writes
 * it may die in the middle of an entry, so whoever reads believes no length beyond `used`; and a run of a million
 * calls must neither fill the memory nor push out the steps that began it. */
#include "grader/verdict.h"

#include <check.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "loop/require.h"

enum { HEAD = 11, TEXT = 400, OLDEST = HISTORY_BYTES / 4 * 3, TRIM = 4096 };

#define GAP "... %10" PRIu32 " lines are left out here ..."

static struct verdict *current;
static void (*leaving)(void);
static void (*ending)(void);

void verdict_begin(struct verdict *v, uint64_t seed)
{
    current = v;
    v->state = VERDICT_NONE;
    v->expected[0] = v->seen[0] = v->cause[0] = v->where[0] = v->metrics[0] = 0;
    v->seed = seed;
    history_clear();
}

struct verdict *verdict_current(void)
{
    return current;
}

void verdict_pass(void)
{
    REQUIRE(current, "verdict_pass: no verdict was begun, call verdict_begin first");
    if (current->state == VERDICT_NONE)
        current->state = VERDICT_PASS;
}

void verdict_on_leaving(void (*fn)(void))
{
    leaving = fn;
}

void verdict_end_by(void (*fn)(void))
{
    ending = fn;
}

/* ---- the history ------------------------------------------------------------------------------------------------ */

static void entry_write(char *to, enum entry_kind kind, int64_t at, const char *text, uint16_t len)
{
    memcpy(to, &at, 8);
    memcpy(to + 8, &len, 2);
    to[10] = (char)kind;
    memcpy(to + HEAD, text, len);
    to[HEAD + len] = 0;
}

/* The size of the entry at `offset`, or 0 if there is no whole one. */
static uint32_t entry_size(const struct history *h, size_t offset)
{
    uint16_t len;
    uint32_t used = h->used < HISTORY_BYTES ? h->used : HISTORY_BYTES;
    if (offset + HEAD >= used)
        return 0;
    memcpy(&len, h->data + offset + 8, 2);
    return offset + HEAD + len + 1 <= used ? HEAD + len + 1u : 0;
}

static uint32_t gap_text(char *text, size_t size, uint32_t dropped)
{
    return (uint32_t)snprintf(text, size, GAP, dropped);
}

/* Makes room: drops the oldest of the newest, behind the first three quarters, and says so in their place. */
static void trim(struct history *h)
{
    char text[64];
    uint32_t keep = 0, size, gap = HEAD + gap_text(text, sizeof text, 0) + 1;
    while (keep + gap < OLDEST && (size = entry_size(h, keep)))
        keep += size;
    uint32_t end = keep;
    if (h->dropped)
        end += gap;
    while (end < keep + gap + TRIM && (size = entry_size(h, end))) {
        end += size;
        h->entries--;
        h->dropped++;
    }
    memmove(h->data + keep + gap, h->data + end, h->used - end);
    h->used -= end - keep - gap;
    entry_write(h->data + keep, ENTRY_CALL, -1, text, (uint16_t)gap_text(text, sizeof text, h->dropped));
}

void history_add(enum entry_kind kind, int64_t at, const char *format, ...)
{
    char text[TEXT];
    va_list args;
    REQUIRE(current, "history_add: no verdict was begun, call verdict_begin first");
    struct history *h = &current->history;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len >= TEXT) {
        memcpy(text + TEXT - 4, "...", 4);
        len = TEXT - 1;
    }
    if (h->used + HEAD + TEXT > HISTORY_BYTES)
        trim(h);
    entry_write(h->data + h->used, kind, at, text, (uint16_t)len);
    h->used += HEAD + (uint32_t)len + 1;
    h->entries++;
}

void history_clear(void)
{
    REQUIRE(current, "history_clear: no verdict was begun, call verdict_begin first");
    current->history.used = current->history.entries = current->history.dropped = 0;
}

bool history_next(const struct history *h, size_t *cursor, enum entry_kind *kind, int64_t *at, const char **text)
{
    uint32_t size = entry_size(h, *cursor);
    const char *entry = h->data + *cursor;
    if (!size || entry[size - 1])
        return false;
    memcpy(at, entry, 8);
    *kind = (enum entry_kind)entry[10];
    *text = entry + HEAD;
    *cursor += size;
    return true;
}

/* ---- leaving the test ------------------------------------------------------------------------------------------- */

/* The first decision stands: what goes wrong while a failing test is being left is its consequence. */
static void decide(enum verdict_state state)
{
    REQUIRE(current, "a test was left without a verdict: call verdict_begin first");
    if (current->state == VERDICT_NONE || current->state == VERDICT_PASS)
        current->state = state;
}

static bool decided(void)
{
    return current && current->state != VERDICT_NONE && current->state != VERDICT_PASS;
}

__attribute__((noreturn)) static void leave(void)
{
    void (*fn)(void) = leaving;
    leaving = NULL;
    if (fn)
        fn();
    leaving = fn;
    if (ending)
        ending();
    ck_abort_msg("expected %s; seen %s; %s", current->expected, current->seen, current->cause);
    __builtin_unreachable();
}

void verdict_fail(const char *cause, const char *seen, ...)
{
    if (!decided()) {
        va_list args;
        decide(VERDICT_FAIL);
        va_start(args, seen);
        vsnprintf(current->seen, sizeof current->seen, seen, args);
        va_end(args);
        snprintf(current->cause, sizeof current->cause, "%s", cause ? cause : "");
    }
    leave();
}

static void decide_without_fault(enum verdict_state state, const char *why, va_list args)
{
    if (decided())
        return;
    decide(state);
    current->expected[0] = current->seen[0] = 0;
    vsnprintf(current->cause, sizeof current->cause, why, args);
}

void verdict_fault(const char *why, ...)
{
    va_list args;
    va_start(args, why);
    decide_without_fault(VERDICT_FAULT, why, args);
    va_end(args);
    leave();
}

void verdict_not_run(const char *why, ...)
{
    va_list args;
    va_start(args, why);
    decide_without_fault(VERDICT_NOT_RUN, why, args);
    va_end(args);
    leave();
}

/* ---- expectations ----------------------------------------------------------------------------------------------- */

static void set_where(const char *file, int line)
{
    const char *slash = strrchr(file, '/');
    snprintf(current->where, sizeof current->where, "%s:%d", slash ? slash + 1 : file, line);
}

void expect_int(const char *file, int line, const char *what, int64_t expected, int64_t seen, const char *cause)
{
    if (expected == seen) {
        history_add(ENTRY_EXPECT, -1, "%s = %" PRId64, what, seen);
        return;
    }
    set_where(file, line);
    snprintf(current->expected, sizeof current->expected, "%s = %" PRId64, what, expected);
    verdict_fail(cause, "%s = %" PRId64, what, seen);
}

void expect_at_most(const char *file, int line, const char *what, int64_t limit, int64_t seen, const char *cause)
{
    if (seen <= limit) {
        history_add(ENTRY_EXPECT, -1, "%s = %" PRId64 ", at most %" PRId64, what, seen, limit);
        return;
    }
    set_where(file, line);
    snprintf(current->expected, sizeof current->expected, "%s at most %" PRId64, what, limit);
    verdict_fail(cause, "%s = %" PRId64, what, seen);
}

/* Where to begin to show a text that is too long: at a word shortly before the first difference. */
static const char *excerpt(const char *text, size_t difference)
{
    size_t begin = difference > 160 ? difference - 160 : 0;
    while (begin > 0 && begin < difference && text[begin - 1] != ' ')
        begin++;
    return text + begin;
}

static size_t first_difference(const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] && a[i] == b[i])
        i++;
    return i;
}

static void show_text(char *out, size_t size, const char *what, const char *text, size_t difference)
{
    const char *from = excerpt(text, difference);
    snprintf(out, size, "%s \"%s%.400s%s\"", what, from > text ? "... " : "", from, strlen(from) > 400 ? " ..." : "");
}

void expect_text(const char *file, int line, const char *what, const char *expected, const char *seen,
                 const char *cause)
{
    char shown[512];
    size_t difference = first_difference(expected, seen);
    if (!expected[difference] && !seen[difference]) {
        history_add(ENTRY_EXPECT, -1, "%s \"%s\"", what, seen);
        return;
    }
    set_where(file, line);
    show_text(current->expected, sizeof current->expected, what, expected, difference);
    show_text(shown, sizeof shown, what, seen, difference);
    verdict_fail(cause, "%s", shown);
}

void metric(const char *name, int64_t value)
{
    REQUIRE(current, "metric: no verdict was begun, call verdict_begin first");
    size_t used = strlen(current->metrics), size = sizeof current->metrics;
    int len = snprintf(current->metrics + used, size - used, "%s%s=%" PRId64, used ? " " : "", name, value);
    if (len >= (int)(size - used))
        current->metrics[used] = 0;
}
