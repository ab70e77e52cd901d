/* gather.c - from the journal to findings: records are copied as they come, and understood when all of them are there.
 *
 * Traps: (a) the journal lies in memory that a stranger's process writes to: a record is copied first and checked then, and its
 *            size is the one that was walked over.
 *        (b) a fork bomb says the same sentence a thousand times. */
#include "grader/blocking/gather.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "grader/blocking/gather_inside.h"

enum { NEARBY = 4096 };             /* records before it, among which one that belongs to it is looked for */

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

bool gather_grow(void *list, size_t *room, size_t count, size_t each)
{
    void **at = list;
    if (count < *room)
        return true;
    size_t more = *room ? 2 * *room : 16;
    void *grown = realloc(*at, more * each);
    if (!grown)
        return false;
    *at = grown;
    *room = more;
    return true;
}

void time_tame(int64_t *ns)
{
    const int64_t most = (int64_t)1 << 60;
    *ns = *ns < 0 ? 0 : *ns > most ? most : *ns;
}

struct gather *gather_new(const struct journal *journal, struct symbols *symbols)
{
    struct gather *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->journal = journal;
    g->symbols = symbols;
    g->began = now();
    g->began_time = time(NULL);
    g->out = calloc(1, sizeof *g->out);
    if (g->out)
        return g;
    free(g);
    return NULL;
}

void gather_free(struct gather *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->count; i++)
        free(g->entries[i].record);
    for (size_t i = 0; i < g->process_count; i++)
        free(g->processes[i].program);
    names_free(g);
    findings_free(g->out);
    free(g->entries);
    free(g->seen);
    free(g->processes);
    free(g->keys);
    free(g);
}

/* ---- records ------------------------------------------------------------------------------------------------------------- */

static size_t record_least(enum record_kind kind)
{
    static const size_t sizes[] = {
        [RECORD_PROCESS] = sizeof(struct record_process), [RECORD_MODULE] = sizeof(struct record_module),
        [RECORD_LOOP] = sizeof(struct record_loop), [RECORD_BLOCKED] = sizeof(struct record_blocked),
        [RECORD_ITERATION] = sizeof(struct record_iteration), [RECORD_COULD_BLOCK] = sizeof(struct record_blocked),
        [RECORD_LINES] = sizeof(struct record_lines), [RECORD_FORK] = sizeof(struct record_fork),
        [RECORD_EXIT] = sizeof(struct record_exit), [RECORD_NOTE] = sizeof(struct record_lines),
        [RECORD_SEEN] = sizeof(struct record_seen),
    };
    return kind > 0 && kind < sizeof sizes / sizeof *sizes ? sizes[kind] : SIZE_MAX;
}

/* As many bytes as there are behind it, at most. */
static void stack_tame(uint32_t *len, size_t room)
{
    *len = *len < room ? *len : (uint32_t)room;
}

static void blocked_tame(struct record_blocked *r, size_t size)
{
    r->text[JOURNAL_TEXT - 1] = 0;
    stack_tame(&r->stack_len, size - sizeof *r);
    time_tame(&r->began);
    time_tame(&r->blocked);
    time_tame(&r->again_total);
}

static void iteration_tame(struct record_iteration *r)
{
    time_tame(&r->began);
    time_tame(&r->cpu);
    time_tame(&r->delayed);
    time_tame(&r->blocked);
}

/* Strings end within it, a stack is no longer than what there is, and no time is out of this world. */
static void record_tame(struct record *record, size_t size)
{
    ((char *)record)[size] = 0;
    time_tame(&record->time);
    if (record->kind == RECORD_BLOCKED || record->kind == RECORD_COULD_BLOCK)
        blocked_tame((struct record_blocked *)record, size);
    if (record->kind == RECORD_ITERATION)
        iteration_tame((struct record_iteration *)record);
    if (record->kind == RECORD_SEEN) {
        struct record_seen *r = (struct record_seen *)record;
        r->text[JOURNAL_TEXT - 1] = 0;
        stack_tame(&r->stack_len, size - sizeof *r);
        time_tame(&r->began);
    }
}

/* Most of a record of a sleep is room for a stack that is shorter. */
static size_t record_used(const struct record *record, size_t size)
{
    if (record->kind != RECORD_BLOCKED && record->kind != RECORD_COULD_BLOCK)
        return size;
    size_t used = sizeof(struct record_blocked) + (size_t)((const struct record_blocked *)record)->stack_len;
    return used < size ? used : size;
}

static void record_take(struct gather *g, const struct record *record, size_t size)
{
    if (size < record_least(record->kind))
        return;
    size = record_used(record, size);
    struct record *copy = malloc(size + 1);
    if (!copy || !gather_grow(&g->entries, &g->room, g->count, sizeof *g->entries)) {
        free(copy);
        g->refused++;
        return;
    }
    memcpy(copy, record, size);
    if (size < record_least(copy->kind)) {
        free(copy);
        return;
    }
    record_tame(copy, size);
    copy->size = (uint32_t)size;
    g->entries[g->count++] = (struct entry){ .record = copy, .site = -1 };
}

int gather_read(struct gather *g, bool dead)
{
    const struct record *record;
    int count = 0;
    while ((record = journal_next(g->journal, &g->at, dead)) != NULL) {
        record_take(g, record, g->at - (size_t)((const uint8_t *)record - g->journal->records));
        count++;
    }
    return count;
}

void gather_record(struct gather *g, const struct record *record)
{
    record_take(g, record, record->size);
}

void gather_command(struct gather *g, char *const *words)
{
    size_t size = 1;
    for (int i = 0; words[i]; i++)
        size += strlen(words[i]) + 1;
    char *text = malloc(size), *at = text;
    if (!text)
        return;
    *text = 0;
    for (int i = 0; words[i]; i++)
        at += sprintf(at, "%s%s", i ? " " : "", words[i]);
    free(g->out->command);
    g->out->command = text;
}

/* ---- notes --------------------------------------------------------------------------------------------------------------- */

void gather_note(struct gather *g, const char *format, ...)
{
    struct findings *f = g->out;
    char *text = NULL;
    va_list rest;
    va_start(rest, format);
    int len = vasprintf(&text, format, rest);
    va_end(rest);
    bool said = len < 0;
    for (int i = 0; i < f->note_count && !said; i++)
        said = !strcmp(f->notes[i], text);
    if (said || !gather_grow(&f->notes, &g->note_room, (size_t)f->note_count, sizeof *f->notes))
        free(len < 0 ? NULL : text);
    else
        f->notes[f->note_count++] = text;
}

static void note_losses(struct gather *g)
{
    struct findings *f = g->out;
    f->dropped = g->journal ? atomic_load(&g->journal->head->dropped) : 0;
    if (f->dropped)
        gather_note(g, "The journal was full: %llu records were dropped. The totals of each loop hold what they would have told.",
                    (unsigned long long)f->dropped);
    if (g->refused)
        gather_note(g, "Memory was refused: %llu records were left out. The totals of each loop hold what they would have told.",
                    (unsigned long long)g->refused);
}

/* Why names or lines are not there. */
static void note_symbols(struct gather *g)
{
    const char *note;
    for (int i = 0; (note = symbols_note(g->symbols, i)) != NULL; i++)
        gather_note(g, "%s", note);
}

/* ---- sleeps -------------------------------------------------------------------------------------------------------------- */

/* Somebody who looked at it from outside while it slept outside of all calls; or NULL. */
static const struct look_at *look_of(const struct gather *g, const struct record_blocked *r)
{
    return r->call == 0 && !r->fault ? seen_asleep(g, r) : NULL;
}

void stack_of_sleep(struct gather *g, const struct entry *entry, struct stack *stack)
{
    const struct record_blocked *r = (const struct record_blocked *)entry->record;
    const struct look_at *look = look_of(g, r);
    struct place place = { .pid = r->head.pid, .at = &r->at, .bytes = r->stack, .len = r->stack_len, .behind = r->fault == 0,
                           .lines = entry->lines };
    if (look) {
        place.at = &look->seen->at;
        place.bytes = look->seen->stack;
        place.len = look->seen->stack_len;
        place.behind = look->seen->call || look->seen->system_call >= 0;    /* a page is waited for at its instruction */
        place.lines = entry->lines ? entry->lines : look->lines;
    }
    stack_read(g, &place, stack);
}

/* Job control and debuggers: as far as the kernel's count goes that is a sleep, but none of the program's. */
static bool was_stopped(struct gather *g, const struct record_blocked *r, const struct record_seen *seen)
{
    if (!seen || (seen->state != 'T' && seen->state != 't'))
        return false;
    gather_note(g, "Thread %d was stopped (SIGSTOP, a debugger) for %.3f ms: the account has that as blocked, and it is no "
                "finding.", r->head.tid, (double)r->blocked / 1e6);
    return true;
}

static void blocked_read(struct gather *g, struct entry *entry)
{
    const struct record_blocked *r = (const struct record_blocked *)entry->record;
    const struct look_at *look = look_of(g, r);
    const struct record_seen *seen = look ? look->seen : NULL;
    bool could = r->head.kind == RECORD_COULD_BLOCK, faulted = r->call == 0 && (r->fault || (seen && seen->system_call < 0));
    struct stack stack;
    if (was_stopped(g, r, seen))
        return;
    stack_of_sleep(g, entry, &stack);
    const char *noticed = r->call || r->fault || *r->text ? r->text : "noticed here, when it was over";
    struct sighting s = {
        .verdict = could ? COULD_BLOCK : faulted ? FAULTS : BLOCKED, .call = r->call,
        .system_call = seen ? seen->system_call : r->system_call, .fault = r->fault, .stack = &stack, .callback = r->callback,
        .asked = seen ? seen->text : noticed, .took = could ? 0 : r->blocked, .began = r->began, .ended = r->head.time,
        .again = r->again, .again_total = could ? 0 : r->again_total, .pid = r->head.pid, .tid = r->head.tid, .slot = r->slot,
    };
    entry->site = site_add(g, &s);
    if (!could)
        stretch_add(g, &s, entry->site, false);
}

/* ---- all of it ----------------------------------------------------------------------------------------------------------- */

static void entry_read(struct gather *g, struct entry *entry)
{
    const struct record *record = entry->record;
    switch ((enum record_kind)record->kind) {
    case RECORD_PROCESS:
        process_read(g, (const struct record_process *)record);
        break;
    case RECORD_MODULE:
        g->generation++;
        symbols_map(g->symbols, (const struct record_module *)record);
        break;
    case RECORD_FORK:
        process_forked(g, record->pid, ((const struct record_fork *)record)->child);
        break;
    case RECORD_BLOCKED:
    case RECORD_COULD_BLOCK:
        blocked_read(g, entry);
        break;
    case RECORD_ITERATION:
        iteration_read(g, (const struct record_iteration *)record, entry->lines);
        break;
    case RECORD_NOTE:
        gather_note(g, "%s", ((const struct record_lines *)record)->text);
        break;
    case RECORD_LOOP:
    case RECORD_LINES:
    case RECORD_EXIT:
    case RECORD_SEEN:
        break;
    }
}

/* What an interpreter says belongs to the record before, of that thread. */
static void lines_index(struct gather *g)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct record *lines = g->entries[i].record;
        if (lines->kind != RECORD_LINES)
            continue;
        for (size_t k = i; k-- > 0 && i - k < NEARBY;) {
            const struct record *before = g->entries[k].record;
            if (before->tid != lines->tid || before->pid != lines->pid)
                continue;
            g->entries[k].lines = (const struct record_lines *)lines;
            break;
        }
    }
}

struct findings *gather_end(struct gather *g)
{
    struct findings *f = g->out;
    struct rusage used;
    lines_index(g);
    seen_index(g);
    for (; g->before < g->count; g->before++)
        entry_read(g, &g->entries[g->before]);
    loops_read(g);
    note_losses(g);
    note_symbols(g);
    sites_finish(g);
    f->began = g->began;
    f->ended = now();
    f->budget = g->journal ? g->journal->head->wishes.budget : 0;
    getrusage(RUSAGE_SELF, &used);
    f->watching_cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                      (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    g->out = NULL;
    return f;
}
