/* gather_sites.c - sightings that say the same become one site: the same verdict, call, and first own frame.
 *
 * Traps: (a) a hog is seen on another line each time: its site is the function.
 *        (b) what was only counted in the watched process belongs to the count and the total, not to the percentiles. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/calls.h"
#include "grader/blocking/gather_inside.h"

enum { SAMPLES = 500 };              /* of a site: what comes later is counted with the last of them */

/* ---- which site ---------------------------------------------------------------------------------------------------------- */

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return hash_bytes(hash, text ? text : "", text ? strlen(text) + 1 : 1);
}

static uint64_t sighting_key(const struct sighting *s)
{
    uint64_t hash = 0xcbf29ce484222325u;
    int call = s->verdict == HOG ? 0 : s->call, system_call = s->verdict == HOG || s->call ? -1 : s->system_call;
    const struct stack *stack = s->stack;
    hash = hash_bytes(hash, &s->verdict, sizeof s->verdict);
    hash = hash_bytes(hash, &call, sizeof call);
    hash = hash_bytes(hash, &system_call, sizeof system_call);
    if (stack->count == 0)
        return hash_bytes(hash, &s->callback, sizeof s->callback);
    const struct frame *frame = &stack->frames[stack->first_own >= 0 ? stack->first_own : 0];
    hash = hash_text(hash, frame->function);
    hash = hash_text(hash, frame->file);
    hash = hash_text(hash, frame->module);
    return s->verdict == HOG ? hash : hash_bytes(hash, &frame->line, sizeof frame->line);
}

/* ---- what it is called --------------------------------------------------------------------------------------------------- */

static char *fault_say(uint64_t address)
{
    char *text = NULL;
    int len = address ? asprintf(&text, "page fault at 0x%llx", (unsigned long long)address) : asprintf(&text, "page fault");
    return len < 0 ? NULL : text;
}

static char *system_call_say(int number)
{
    char *text = NULL;
    const char *name = system_call_name(number);
    int len = name ? asprintf(&text, "system call %s", name) : asprintf(&text, "system call %d", number);
    return len < 0 ? NULL : text;
}

static char *hog_say(int call)
{
    char *text = NULL;
    int len = asprintf(&text, "own processor time%s%s", call ? " in " : "", call ? call_kind(call)->name : "");
    return len < 0 ? NULL : text;
}

static char *what_say(const struct sighting *s)
{
    if (s->verdict == STARVED)
        return strdup("ready, and no processor to be had");
    if (s->verdict == HOG)
        return hog_say(s->call);
    if (s->call)
        return strdup(call_kind(s->call)->name);
    if (s->verdict == FAULTS)
        return fault_say(s->fault);
    return s->system_call >= 0 ? system_call_say(s->system_call) : strdup(call_kind(0)->name);
}

static const char *advice_of(const struct sighting *s)
{
    if (s->verdict == HOG)
        return "cut the work into pieces and let the loop run between them, or give it to a thread or a process of its own";
    if (s->verdict == STARVED)
        return "look at what else runs on these processors, and at the cgroup's quota: the program was ready and did not run";
    if (s->verdict == FAULTS)
        return "touch the file's pages on another thread first (read it there, madvise), or lock what must stay (mlock)";
    if (!s->call && s->system_call >= 0) {
        const char *name = system_call_name(s->system_call);
        int same = name ? call_number(name) : 0;
        if (same)
            return call_kind(same)->advice;
    }
    return call_kind(s->call)->advice;
}

/* ---- sightings ----------------------------------------------------------------------------------------------------------- */

static int site_find(const struct gather *g, uint64_t key)
{
    for (int i = 0; i < g->out->site_count; i++)
        if (g->keys[i] == key)
            return i;
    return -1;
}

static int site_new(struct gather *g, uint64_t key, const struct sighting *s)
{
    struct findings *f = g->out;
    size_t count = (size_t)f->site_count;
    if (!gather_grow(&f->sites, &g->site_room, count, sizeof *f->sites) ||
        !gather_grow(&g->keys, &g->key_room, count, sizeof *g->keys))
        return -1;
    g->keys[count] = key;
    f->sites[count] = (struct site){ .verdict = s->verdict, .call = s->call, .first_own = -1, .advice = advice_of(s),
                                     .first = s->began, .longest = -1 };
    return f->site_count++;
}

/* The longest one is the one that is shown. */
static void site_show(struct gather *g, struct site *site, const struct sighting *s)
{
    frames_free(site->frames, site->frame_count);
    free(site->frames);
    free(site->what);
    free(site->asked);
    free(site->callback);
    site->longest = s->took;
    site->call = s->call;
    site->what = what_say(s);
    site->asked = s->asked && *s->asked ? strdup(s->asked) : NULL;
    site->callback = callback_name(g, s->pid, s->callback, s->stack);
    site->frames = frames_copy(s->stack->frames, s->stack->count);
    site->frame_count = site->frames ? s->stack->count : 0;
    frames_source(g, site->frames, site->frame_count);
    site->first_own = site->frames ? s->stack->first_own : -1;
    site->pid = s->pid;
    site->tid = s->tid;
}

static bool site_each(struct site *site, int64_t took)
{
    uint64_t told = site->told;
    if (told == 0 || (told >= 16 && (told & (told - 1)) == 0)) {
        int64_t *each = realloc(site->each, (told ? 2 * told : 16) * sizeof *each);
        if (!each)
            return false;
        site->each = each;
    }
    site->each[site->told++] = took;
    return true;
}

int site_add(struct gather *g, const struct sighting *s)
{
    uint64_t key = sighting_key(s);
    int at = site_find(g, key);
    if (at < 0)
        at = site_new(g, key, s);
    if (at < 0 || !site_each(&g->out->sites[at], s->took)) {
        g->refused++;
        return -1;
    }
    struct site *site = &g->out->sites[at];
    if (s->took > site->longest)
        site_show(g, site, s);
    site->count += 1 + s->again;
    site->suppressed += s->again;
    time_add(&site->total, s->took);
    time_add(&site->total, s->again_total);
    site->first = s->began < site->first ? s->began : site->first;
    site->last = s->ended > site->last ? s->ended : site->last;
    return at;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static bool sample_is(const struct sample *sample, const struct stack *stack)
{
    bool same = sample->frame_count == stack->count;
    for (int i = 0; same && i < stack->count; i++)
        same = same_text(sample->frames[i].function, stack->frames[i].function) &&
               same_text(sample->frames[i].module, stack->frames[i].module);
    return same;
}

void site_sample(struct gather *g, int at, const struct stack *stack, int64_t time)
{
    struct site *site = &g->out->sites[at];
    for (int i = 0; i < site->sample_count; i++)
        if (sample_is(&site->samples[i], stack) || i == SAMPLES - 1) {
            time_add(&site->samples[i].time, time);
            return;
        }
    struct sample *more = realloc(site->samples, ((size_t)site->sample_count + 1) * sizeof *more);
    struct frame *frames = more ? frames_copy(stack->frames, stack->count) : NULL;
    if (more)
        site->samples = more;
    if (frames)
        site->samples[site->sample_count++] = (struct sample){ .frames = frames, .frame_count = stack->count, .time = time };
}

void stretch_add(struct gather *g, const struct sighting *s, int site, bool iteration)
{
    struct findings *f = g->out;
    struct stretch stretch = { .began = s->began, .ended = s->ended, .took = s->took, .account = s->slot, .site = site,
                               .iteration = iteration };
    if (gather_grow(&f->stretches, &g->stretch_room, (size_t)f->stretch_count, sizeof stretch))
        f->stretches[f->stretch_count++] = stretch;
}

/* ---- when all of them are there ------------------------------------------------------------------------------------------ */

struct ranked {
    struct site site;
    int number;
};

static int by_cost(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->site.total != b->site.total)
        return a->site.total > b->site.total ? -1 : 1;
    return a->site.count != b->site.count ? (a->site.count > b->site.count ? -1 : 1) : a->number - b->number;
}

static int by_length(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static int by_time(const void *left, const void *right)
{
    const struct stretch *a = left, *b = right;
    if (a->began != b->began)
        return a->began < b->began ? -1 : 1;
    return b->iteration - a->iteration;
}

static void site_finish(struct site *site)
{
    qsort(site->each, site->told, sizeof *site->each, by_length);
    site->p99 = site->told ? site->each[(site->told * 99 + 99) / 100 - 1] : 0;
    fingerprint_make(site, site->fingerprint);
}

static void sites_rank(struct findings *f)
{
    size_t count = (size_t)f->site_count;
    struct ranked *ranked = calloc(count + 1, sizeof *ranked);
    int *rank = calloc(count + 1, sizeof *rank);
    for (size_t i = 0; ranked && rank && i < count; i++)
        ranked[i] = (struct ranked){ f->sites[i], (int)i };
    if (ranked && rank)
        qsort(ranked, count, sizeof *ranked, by_cost);
    for (size_t i = 0; ranked && rank && i < count; i++) {
        f->sites[i] = ranked[i].site;
        rank[ranked[i].number] = (int)i;
    }
    for (int i = 0; ranked && rank && i < f->stretch_count; i++)
        f->stretches[i].site = f->stretches[i].site < 0 ? -1 : rank[f->stretches[i].site];
    free(ranked);
    free(rank);
}

void sites_finish(struct gather *g)
{
    struct findings *f = g->out;
    for (int i = 0; i < f->site_count; i++)
        site_finish(&f->sites[i]);
    sites_rank(f);
    if (f->stretch_count)
        qsort(f->stretches, (size_t)f->stretch_count, sizeof *f->stretches, by_time);
}
