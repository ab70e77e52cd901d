/* sites.c - of what was found again and again, what is told and what is only counted.
 *
 * A site is a call, the place it was made from, and how deep the stack was. The first few of it are told one by one; then one in
 * a while, and each that took much longer than all before; the others are counted, and the count goes with the next one that is
 * told.
 *
 * The trap it exists for: a flood that fills the journal, so that what comes next is lost. */
#include <string.h>

#include "grader/blocking/inside/inside.h"
#include "grader/blocking/inside/language.h"

enum { SITE_FIRST = 16, SITE_PAUSE = 20000000 };    /* ns; doubled for each 64 that were told, up to 40 s */
enum { ITERATIONS_FIRST = 1024 };                   /* of slow ones: what made them slow is not known here, so more are told */

/* The first few at once; then the more there were, the longer the pause. */
static bool told_enough(const struct told *told, int64_t took, int64_t now)
{
    bool iterations = told->key == SITE_ITERATIONS;
    uint32_t most = iterations ? 5 : 11, doublings = told->count / 64 < most ? told->count / 64 : most;
    uint32_t first = iterations ? ITERATIONS_FIRST : SITE_FIRST;
    return told->count >= first && now - told->at < SITE_PAUSE << doublings && took <= told->longest + told->longest / 4;
}

struct told *site_tells(struct watched *w, uint64_t key, int64_t took, int64_t now)
{
    size_t at = key * 0x9e3779b97f4a7c15u >> 56;
    for (int tries = 0; tries < 8 && w->told[at % SITES].key && w->told[at % SITES].key != key; tries++)
        at++;
    struct told *told = &w->told[at % SITES];
    if (!told->key)
        told->key = key;
    if (told_enough(told, took, now)) {
        told->again++;
        told->again_total += took;
        told->again_last = took;
        return NULL;
    }
    told->count++;
    told->at = now;
    if (took > told->longest)
        told->longest = took;
    return told;
}

/* The last of those that were counted, told by what is known of the one that was told before. */
static void site_end(struct journal *journal, const struct told *told)
{
    struct record *record = journal_reserve(journal, told->record->head.size);
    if (!record)
        return;
    struct record_blocked *last = (struct record_blocked *)record;
    memcpy(record + 1, &told->record->head + 1, record->size - sizeof *record);
    last->again = told->again - 1;
    last->again_total = told->again_total - told->again_last;
    last->blocked = told->again_last;
    last->began = record->time - told->again_last;
    last->cpu = last->delayed = 0;
    language_tell_again(journal, &told->record->head, record->time);
    journal_publish(record, atomic_load(&told->record->head.kind));
}

void sites_end(struct watched *w)
{
    struct journal *journal = process_journal();
    for (int i = 0; journal && i < SITES; i++) {
        if (w->told[i].again && w->told[i].record)
            site_end(journal, &w->told[i]);
        w->told[i].again = 0;
        w->told[i].again_total = 0;
    }
}
