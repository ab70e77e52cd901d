/* gather_loops.c - the account of each loop, and which program it runs in.
 *
 * Trap: a process that was killed within an iteration: what it slept in it is counted already, its wall time is not; the account
 * must be a sum all the same. */
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/gather_inside.h"

/* ---- processes ----------------------------------------------------------------------------------------------------------- */

static struct process *process_of(struct gather *g, int pid)
{
    for (size_t i = 0; i < g->process_count; i++)
        if (g->processes[i].pid == pid)
            return &g->processes[i];
    if (!gather_grow(&g->processes, &g->process_room, g->process_count, sizeof *g->processes))
        return NULL;
    g->processes[g->process_count] = (struct process){ .pid = pid };
    return &g->processes[g->process_count++];
}

static void process_is(struct gather *g, int pid, const char *program)
{
    struct process *process = process_of(g, pid);
    if (!process)
        return;
    free(process->program);
    process->program = strdup(program);
}

/* The first one's words are the command, unless somebody has set it. */
static void command_read(struct findings *f, const struct record_process *r)
{
    const char *end = (const char *)r + r->head.size, *at = memchr(r->text, 0, (size_t)(end - r->text));
    if (f->command || !at || ++at >= end)
        return;
    f->command = malloc((size_t)(end - at) + 1);
    if (!f->command)
        return;
    memcpy(f->command, at, (size_t)(end - at));
    size_t len = (size_t)(end - at);
    while (len > 0 && !f->command[len - 1])
        len--;
    f->command[len] = 0;
    for (size_t i = 0; i < len; i++)
        if (!f->command[i])
            f->command[i] = ' ';
}

void process_read(struct gather *g, const struct record_process *r)
{
    g->generation++;
    symbols_forget(g->symbols, r->head.pid);
    process_is(g, r->head.pid, r->text);
    command_read(g->out, r);
}

void process_forked(struct gather *g, int parent, int child)
{
    g->generation++;
    symbols_fork(g->symbols, parent, child);
    for (size_t i = 0; i < g->process_count; i++)
        if (g->processes[i].pid == parent && g->processes[i].program) {
            process_is(g, child, g->processes[i].program);
            return;
        }
}

/* ---- accounts ------------------------------------------------------------------------------------------------------------ */

static struct loop_account account_of(struct gather *g, const struct slot *slot)
{
    const struct process *process = process_of(g, slot->pid);
    struct loop_account a = { .pid = slot->pid, .tid = slot->tid, .tier = slot->tier, .iterations = slot->iterations,
                              .wall = slot->ran, .cpu = slot->cpu, .delayed = slot->delayed, .blocked = slot->blocked,
                              .attributed = slot->attributed, .waited = slot->waited, .longest = (int64_t)slot->longest,
                              .sleeps = slot->sleeps, .watched = slot->watched, .over = slot->over };
    a.program = process && process->program ? strdup(process->program) : NULL;
    a.open = atomic_load(&slot->state) == SLOT_RUNS;
    time_tame(&a.wall);
    time_tame(&a.cpu);
    time_tame(&a.delayed);
    time_tame(&a.blocked);
    int64_t sum = a.cpu + a.delayed + a.blocked;
    if (sum > a.wall)
        a.wall = sum;
    else
        a.cpu += a.wall - sum;
    return a;
}

void loops_read(struct gather *g)
{
    struct findings *f = g->out;
    uint32_t slots = g->journal ? atomic_load(&g->journal->head->slots) : 0;
    slots = slots < JOURNAL_SLOTS ? slots : JOURNAL_SLOTS;
    f->loops = calloc(slots + 1, sizeof *f->loops);
    int *accounts = calloc(slots + 1, sizeof *accounts);
    for (uint32_t i = 0; f->loops && accounts && i < slots; i++) {
        accounts[i] = -1;
        if (atomic_load(&g->journal->slots[i].state) == SLOT_FREE)
            continue;
        accounts[i] = f->loop_count;
        f->loops[f->loop_count++] = account_of(g, &g->journal->slots[i]);
    }
    for (int i = 0; i < f->stretch_count; i++) {
        int slot = f->stretches[i].account;
        f->stretches[i].account = accounts && slot >= 0 && (uint32_t)slot < slots ? accounts[slot] : -1;
    }
    free(accounts);
}
