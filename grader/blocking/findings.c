/* findings.c - what all who read findings ask of them: see findings.h.
 *
 * Trap: a site without any frame, which is named by what is left. */
#include "grader/blocking/findings.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/gather.h"

const char *verdict_name(enum verdict_kind verdict)
{
    static const char *const names[] = { "BLOCKED", "HOG", "STARVED", "FAULTS", "COULD-BLOCK" };
    return names[verdict];
}

const char *tier_name(int tier)
{
    static const char *const names[] = { "none", "switches", "rseq", "ring" };
    return tier > 0 && tier < 4 ? names[tier] : names[0];
}

const struct frame *site_frame(const struct site *site)
{
    if (site->frame_count == 0)
        return NULL;
    return &site->frames[site->first_own >= 0 ? site->first_own : 0];
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

const char *frame_function(const struct frame *frame)
{
    return frame->function ? frame->function : frame->module ? path_base(frame->module) : "?";
}

void time_add(int64_t *sum, int64_t ns)
{
    if (__builtin_add_overflow(*sum, ns, sum))
        *sum = INT64_MAX;
}

struct loop_account findings_account(const struct findings *f)
{
    struct loop_account all = {0};
    for (int i = 0; i < f->loop_count; i++) {
        const struct loop_account *a = &f->loops[i];
        time_add(&all.wall, a->wall);
        time_add(&all.cpu, a->cpu);
        time_add(&all.delayed, a->delayed);
        time_add(&all.blocked, a->blocked);
        time_add(&all.attributed, a->attributed);
        time_add(&all.waited, a->waited);
        all.longest = a->longest > all.longest ? a->longest : all.longest;
        all.iterations += a->iterations;
        all.sleeps += a->sleeps;
        all.watched += a->watched;
        all.over += a->over;
    }
    return all;
}

int findings_new(const struct findings *f)
{
    int count = 0;
    for (int i = 0; i < f->site_count; i++)
        count += !f->sites[i].is_suppressed && !f->sites[i].is_known;
    return count;
}

static void site_free(struct site *site)
{
    for (int i = 0; i < site->sample_count; i++) {
        frames_free(site->samples[i].frames, site->samples[i].frame_count);
        free(site->samples[i].frames);
    }
    frames_free(site->frames, site->frame_count);
    free(site->frames);
    free(site->samples);
    free(site->what);
    free(site->asked);
    free(site->callback);
    free(site->each);
}

void findings_free(struct findings *f)
{
    if (!f)
        return;
    for (int i = 0; i < f->site_count; i++)
        site_free(&f->sites[i]);
    for (int i = 0; i < f->loop_count; i++)
        free(f->loops[i].program);
    for (int i = 0; i < f->note_count; i++)
        free(f->notes[i]);
    free(f->sites);
    free(f->loops);
    free(f->stretches);
    free(f->notes);
    free(f->command);
    free(f);
}
