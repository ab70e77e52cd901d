/* gather_iterations.c - a long iteration whose time was not all asleep: whose was it? Its own (HOG): its processor time alone is
 * over the budget; or that of whoever had the processor (STARVED): without waiting for one it would have been within it. It may
 * be both.
 *
 * A hog is named by the frames that were on the stack while it lasted: the innermost function in which three quarters of the
 * looks found it.
 *
 * The trap it exists for: an iteration that slept for all of its time is no finding of its own: its sleeps are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/calls.h"
#include "grader/blocking/gather_inside.h"

enum {
    NEARBY = 4096,                  /* records before it, among which its sleeps are looked for */
    LOOKS = 64,                     /* of an iteration, that are taken into account */
    STORM = 256, STORM_MAJOR = 16,  /* page faults in one iteration: */
    STORM_EACH = 4000               /* and one at least in so many ns of its time */
};

/* ---- what was seen while it lasted -------------------------------------------------------------------------------------- */

static int by_iteration(const void *left, const void *right)
{
    const struct record_seen *a = ((const struct look_at *)left)->seen, *b = ((const struct look_at *)right)->seen;
    if (a->head.pid != b->head.pid)
        return a->head.pid < b->head.pid ? -1 : 1;
    if (a->head.tid != b->head.tid)
        return a->head.tid < b->head.tid ? -1 : 1;
    if (a->iteration != b->iteration)
        return a->iteration < b->iteration ? -1 : 1;
    return (a->head.time > b->head.time) - (a->head.time < b->head.time);
}

void seen_index(struct gather *g)
{
    size_t count = 0;
    for (size_t i = 0; i < g->count; i++)
        count += g->entries[i].record->kind == RECORD_SEEN;
    g->seen = calloc(count + 1, sizeof *g->seen);
    for (size_t i = 0; g->seen && i < g->count; i++)
        if (g->entries[i].record->kind == RECORD_SEEN)
            g->seen[g->seen_count++] = (struct look_at){ (const struct record_seen *)g->entries[i].record, g->entries[i].lines };
    if (g->seen)
        qsort(g->seen, g->seen_count, sizeof *g->seen, by_iteration);
}

/* Where those of that iteration begin. */
static size_t seen_from(const struct gather *g, int pid, int tid, uint64_t iteration)
{
    struct record_seen key = { .head = { .pid = pid, .tid = tid }, .iteration = iteration };
    const struct look_at at = { .seen = &key };
    size_t low = 0, high = g->seen_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (by_iteration(&g->seen[middle], &at) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool seen_in(const struct gather *g, size_t at, int pid, int tid, uint64_t iteration)
{
    const struct record_seen *seen = at < g->seen_count ? g->seen[at].seen : NULL;
    return seen && seen->head.pid == pid && seen->head.tid == tid && seen->iteration == iteration;
}

static bool seen_sleeps(const struct record_seen *seen)
{
    return seen->state == 'S' || seen->state == 'D' || seen->state == 'T' || seen->state == 't';
}

const struct look_at *seen_asleep(const struct gather *g, const struct record_blocked *r)
{
    int pid = r->head.pid, tid = r->head.tid;
    for (size_t i = seen_from(g, pid, tid, r->iteration); seen_in(g, i, pid, tid, r->iteration); i++) {
        const struct record_seen *seen = g->seen[i].seen;
        if (seen_sleeps(seen) && !seen->call && seen->head.time >= r->began && seen->head.time <= r->head.time)
            return &g->seen[i];
    }
    return NULL;
}

/* ---- looks at a hog: which of them shows it best ------------------------------------------------------------------------ */

struct look {
    const struct record_seen *seen;
    struct stack stack;
    uint64_t weight;
    bool counts;
};

static const struct frame *look_frame(const struct look *look, int depth)
{
    return depth < look->stack.count ? &look->stack.frames[look->stack.count - 1 - depth] : NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static bool same_function(const struct frame *a, const struct frame *b)
{
    return a && b && same_text(a->function, b->function) && same_text(a->file, b->file) && same_text(a->module, b->module);
}

/* How many looks show that function at that depth, and that line of it: a line weighs where functions are equal. */
static uint64_t look_support(const struct look *looks, int count, const struct frame *frame, int depth, bool line)
{
    uint64_t support = 0;
    for (int i = 0; i < count; i++) {
        const struct frame *other = looks[i].counts ? look_frame(&looks[i], depth) : NULL;
        if (same_function(frame, other) && (!line || frame->line == other->line))
            support += looks[i].weight;
    }
    return support;
}

static int look_best(const struct look *looks, int count, int depth, bool line, uint64_t *support)
{
    int best = -1;
    *support = 0;
    for (int i = 0; i < count; i++) {
        const struct frame *frame = looks[i].counts ? look_frame(&looks[i], depth) : NULL;
        uint64_t this = frame ? look_support(looks, count, frame, depth, line) : 0;
        if (this > *support) {
            *support = this;
            best = i;
        }
    }
    return best;
}

/* Nothing of it is the program's own: then it begins where they still agree. */
static void stack_begin(struct stack *stack, int shared)
{
    int drop = shared > 0 ? stack->count - shared : 0;
    while (drop > 0 && !stack->frames[drop].function)
        drop--;
    stack->count -= drop;
    stack->first_own = stack->first_own >= drop ? stack->first_own - drop : -1;
    memmove(stack->frames, stack->frames + drop, (size_t)stack->count * sizeof *stack->frames);
}

/* From the outermost frame inwards, as long as three quarters go the same way. The look whose stack is shown; its first_own is
 * the innermost own frame that they share. */
static struct look *looks_choose(struct look *looks, int count)
{
    uint64_t all = 0, support;
    int depth = 0, own = -1, best;
    for (int i = 0; i < count; i++)
        all += looks[i].weight;
    for (; (best = look_best(looks, count, depth, false, &support)) >= 0 && 4 * support >= 3 * all; depth++) {
        const struct frame *frame = look_frame(&looks[best], depth);
        if (frame->own)
            own = depth;
        for (int i = 0; i < count; i++)
            looks[i].counts = looks[i].counts && same_function(frame, look_frame(&looks[i], depth));
    }
    int shown = own >= 0 ? own : depth > 0 ? depth - 1 : 0;
    best = look_best(looks, count, shown, true, &support);
    if (own < 0) {
        stack_begin(&looks[best].stack, depth);
        return &looks[best];
    }
    looks[best].stack.first_own = looks[best].stack.count - 1 - own;
    return &looks[best];
}

/* In a call that does nothing but sleep it does not work either: it is ready to go on, and waits for a processor. */
static bool seen_works(const struct record_seen *seen)
{
    return !seen_sleeps(seen) && (!seen->call || strcmp(call_kind(seen->call)->family, "sleep"));
}

/* Those that ran, spread over the iteration when there are many. */
static struct look *looks_read(struct gather *g, int pid, int tid, uint64_t iteration, int *count)
{
    size_t from = seen_from(g, pid, tid, iteration), to = from;
    while (seen_in(g, to, pid, tid, iteration))
        to++;
    size_t step = (to - from) / LOOKS + 1;
    struct look *looks = calloc((to - from) / step + 1, sizeof *looks);
    *count = 0;
    for (size_t i = from; looks && i < to; i += step) {
        const struct record_seen *seen = g->seen[i].seen;
        struct look *look = &looks[*count];
        struct place place = { .pid = pid, .at = &seen->at, .bytes = seen->stack, .len = seen->stack_len,
                               .behind = seen->call != 0, .lines = g->seen[i].lines };
        if (!seen_works(seen))
            continue;
        stack_read(g, &place, &look->stack);
        look->seen = seen;
        look->weight = 1 + seen->again;
        look->counts = true;
        *count += look->stack.count > 0;
    }
    return looks;
}

static void looks_sample(struct gather *g, int site, const struct look *looks, int count, int64_t time)
{
    uint64_t all = 0;
    for (int i = 0; i < count; i++)
        all += looks[i].weight;
    for (int i = 0; i < count; i++)
        site_sample(g, site, &looks[i].stack, (int64_t)((double)time * (double)looks[i].weight / (double)all));
}

/* ---- findings ------------------------------------------------------------------------------------------------------------ */

/* The next sleep of an iteration, backwards from *at on; NULL: there are no more. */
static const struct entry *iteration_sleep(const struct gather *g, int pid, int tid, uint64_t iteration, size_t *at)
{
    while (*at > 0 && g->before - *at < NEARBY) {
        const struct entry *entry = &g->entries[--*at];
        const struct record_blocked *r = (const struct record_blocked *)entry->record;
        if (r->head.kind == RECORD_BLOCKED && r->head.pid == pid && r->head.tid == tid && r->iteration == iteration)
            return entry;
    }
    return NULL;
}

static const struct entry *iteration_longest_sleep(const struct gather *g, const struct sighting *s, uint64_t iteration)
{
    const struct entry *longest = NULL, *entry;
    int64_t most = -1;
    for (size_t at = g->before; (entry = iteration_sleep(g, s->pid, s->tid, iteration, &at)) != NULL;) {
        const struct record_blocked *r = (const struct record_blocked *)entry->record;
        longest = r->blocked > most ? entry : longest;
        most = r->blocked > most ? r->blocked : most;
    }
    return longest;
}

/* Many short sleeps in one iteration are a long one. Those that were only counted are taken to be like those that were told. */
static void iteration_share(struct gather *g, const struct record_iteration *r)
{
    const struct entry *entry;
    int64_t told = 0, *sums = calloc((size_t)g->out->site_count + 1, sizeof *sums);
    for (size_t at = g->before; sums && (entry = iteration_sleep(g, r->head.pid, r->head.tid, r->iteration, &at)) != NULL;)
        if (entry->site >= 0) {
            time_add(&sums[entry->site], ((const struct record_blocked *)entry->record)->blocked);
            time_add(&told, ((const struct record_blocked *)entry->record)->blocked);
        }
    for (int i = 0; told > 0 && i < g->out->site_count; i++) {
        int64_t share = (int64_t)((double)r->blocked * (double)sums[i] / (double)told);
        struct site *site = &g->out->sites[i];
        site->at_once = share > site->at_once ? share : site->at_once;
    }
    free(sums);
}

/* Nobody has seen it: what is known is what the loop had called, from the interpreter, or from where it slept in between. */
static void stack_guess(struct gather *g, const struct sighting *s, uint64_t iteration, const struct record_lines *lines,
                        struct stack *stack)
{
    static const struct registers nowhere = {0};
    struct place place = { .pid = s->pid, .at = &nowhere, .lines = lines };
    const struct entry *sleep = lines || s->callback ? NULL : iteration_longest_sleep(g, s, iteration);
    if (lines) {
        stack_read(g, &place, stack);
    } else if (sleep) {
        stack_of_sleep(g, sleep, stack);
        stack_to_callback(stack);
    } else {
        stack_of_callback(g, s->pid, s->callback, stack);
    }
}

/* An iteration's own time: named by what was seen while it lasted, else by what the loop had called. */
static int hog_add(struct gather *g, struct sighting *s, uint64_t iteration, const struct record_lines *lines)
{
    int count = 0;
    struct look *looks = looks_read(g, s->pid, s->tid, iteration, &count), *best = count ? looks_choose(looks, count) : NULL;
    struct stack guess;
    if (best)
        s->call = best->seen->call;
    else
        stack_guess(g, s, iteration, lines, &guess);
    s->stack = best ? &best->stack : &guess;
    int site = site_add(g, s);
    if (best && site >= 0)
        looks_sample(g, site, looks, count, s->took);
    free(looks);
    return site;
}

static void iteration_say(const struct record_iteration *r, char *text, size_t size)
{
    int len = snprintf(text, size, "wall %.3f ms = cpu %.3f + run-delay %.3f + blocked %.3f",
                       (double)(r->head.time - r->began) / 1e6, (double)r->cpu / 1e6, (double)r->delayed / 1e6,
                       (double)r->blocked / 1e6);
    uint64_t faults = r->major_faults + r->minor_faults;
    bool storm = r->major_faults >= STORM_MAJOR || (faults >= STORM && faults * STORM_EACH >= (uint64_t)r->cpu);
    if (storm && len > 0 && (size_t)len < size)
        snprintf(text + len, size - (size_t)len, "; a storm of %llu page faults, %llu of them from a disk",
                 (unsigned long long)faults, (unsigned long long)r->major_faults);
}

void iteration_read(struct gather *g, const struct record_iteration *r, const struct record_lines *lines)
{
    char asked[240];
    struct stack none = { .first_own = -1 };
    int64_t budget = g->journal ? g->journal->head->wishes.budget : 0, awake = r->head.time - r->began - r->blocked;
    bool long_one = awake > budget, hog = long_one && r->cpu > budget, starved = long_one && (r->delayed > budget || !hog);
    int site = -1, waited = -1;
    iteration_say(r, asked, sizeof asked);
    iteration_share(g, r);
    struct sighting s = { .verdict = STARVED, .system_call = -1, .stack = &none, .callback = r->callback, .asked = asked,
                          .took = r->delayed, .began = r->began, .ended = r->head.time, .pid = r->head.pid, .tid = r->head.tid,
                          .slot = r->slot };
    if (starved)
        waited = site_add(g, &s);
    s.verdict = hog ? HOG : STARVED;
    s.took = hog ? r->cpu : r->delayed;
    if (hog)
        site = hog_add(g, &s, r->iteration, lines);
    stretch_add(g, &s, hog ? site : waited, true);
}
