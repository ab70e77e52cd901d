/* judge_sleeps.c - where the student's code slept, behind the real door: call, line and stack. See judge.h.
 *
 * That it slept, and how often, is what the probe's own count says, and the verdict hangs on that alone. This is for words: a
 * ring on the probe's thread, opened from outside (sleep_ring.h), or looks at it while it works (sleep_looks.h), and the names
 * of what they hold.
 * Traps: (a) the probe also sleeps in the selector's wait, and when it waits for the next order: those are told by their
 *            functions, not by their system calls, since a student's poll is one, too.
 *        (b) naming takes longer than many a run: it is done only for an order that slept. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/symbols.h"
#include "grader/judge_inside.h"
#include "grader/lab.h"
#include "grader/sandbox.h"
#include "grader/sleep_looks.h"
#include "grader/submission.h"

enum { PLACES = 16, FRAMES = 24, LINE = 120 };

struct place {
    uint64_t pcs[FRAMES];           /* as much of the stack as says which place it is */
    int deep;
    struct frame frames[FRAMES];
    int frame_count, at;            /* at: the one that is named */
    bool waits;                     /* it is no sleep of the student's */
    int times;
    int64_t ns;
};

struct sleeps {
    int pid;
    struct sleep_ring *ring;
    struct sleep_looks *looks;      /* where there is no ring; or NULL */
    char why_not[160];              /* there is no ring; else "" */
    struct symbols *symbols;        /* NULL: nothing was to be named yet */
    struct place places[PLACES];    /* what comes when it is full is not told */
    int count;
    char callbacks[256];            /* "A:1 -:2" */
    char words[512];
};

/* ---- beginning and end ------------------------------------------------------------------------------------------ */

static void forget_places(struct sleeps *s)
{
    for (int i = 0; i < s->count; i++)
        frames_free(s->places[i].frames, s->places[i].frame_count);
    s->count = 0;
    s->callbacks[0] = 0;
}

static void skip(struct sleeps *s)
{
    if (s->ring)
        sleep_ring_skip(s->ring);
    if (s->looks)
        sleep_looks_skip(s->looks);
}

/* Once the probe has answered, its program runs. */
static void open_ring(struct judge *j)
{
    struct sleeps *s = j->sleeps;
    j->quiet = true;
    judge_order(j, "live");
    j->quiet = false;
    s->pid = sandbox_program(j->sandbox);
    s->ring = s->pid > 0 ? sleep_ring_open(s->pid) : NULL;
    if (s->ring)
        return;
    if (s->pid <= 0)
        snprintf(s->why_not, sizeof s->why_not, "its process cannot be found in /proc");
    else
        snprintf(s->why_not, sizeof s->why_not, "perf events are refused here: %s", strerror(errno));
    s->looks = s->pid > 0 ? sleep_looks_open(s->pid) : NULL;
}

void judge_watch(struct judge *j)
{
    if (!j->sleeps && !(j->sleeps = calloc(1, sizeof *j->sleeps)))
        verdict_fault("the judge has no memory left");
    if (!j->sleeps->pid)
        open_ring(j);
    forget_places(j->sleeps);
    skip(j->sleeps);
}

void judge_await(struct judge *j)
{
    static const struct timespec between = { .tv_nsec = MILLISECOND / 10 };
    struct pollfd wire = { .fd = j->fd, .events = POLLIN };
    while (j->sleeps && j->sleeps->looks && ppoll(&wire, 1, &between, NULL) == 0)
        sleep_looks_look(j->sleeps->looks);
}

void judge_forget_sleeps(struct judge *j)
{
    if (!j->sleeps)
        return;
    forget_places(j->sleeps);
    sleep_ring_close(j->sleeps->ring);
    sleep_looks_close(j->sleeps->looks);
    symbols_free(j->sleeps->symbols);
    free(j->sleeps);
    j->sleeps = NULL;
}

/* ---- what a stack says ------------------------------------------------------------------------------------------ */

/* The student's file that a frame is in, as lab.ini counts them; < 0: it is in none. */
static int handed_in(const struct frame *f)
{
    const struct judged *judged = judge_get();
    const struct lab *lab = judged->lab;
    for (int i = 0; f->file && judged->hand_in && lab && i < lab->file_count; i++)
        if (lab->files[i].source && judged->hand_in->data[i] && !strcmp(path_base(f->file), lab->files[i].name))
            return i;
    return -1;
}

/* What may sleep: the waits of the real doors, and the wire between two orders. */
static bool is_wait(const struct frame *f)
{
    static const char *const names[] = { "real_epoll_wait", "real_poll", "real_stop", "wire_receive", "wire_send" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (f->function && !strcmp(f->function, names[i]))
            return handed_in(f) < 0;
    return false;
}

/* From there on it is the probe that carries out an order. */
static bool is_probe(const struct frame *f)
{
    return f->function && !strcmp(f->function, "run_verb") && handed_in(f) < 0;
}

/* The one that is named: the student's innermost, else the first whose line is known. */
static bool is_better(const struct place *p, const struct frame *f)
{
    const struct frame *now = &p->frames[p->at];
    return f == p->frames || (handed_in(now) < 0 && (handed_in(f) >= 0 || (!now->file && f->file)));
}

/* The frames of one address more; false: there is nothing more to know. */
static bool name_address(struct sleeps *s, struct place *p, uint64_t pc, int depth)
{
    struct frame *f = p->frames + p->frame_count;
    int count = symbols_frames(s->symbols, s->pid, pc, depth > 0, f, FRAMES - p->frame_count);
    for (int i = 0; i < count; i++, f++) {
        if (is_probe(f)) {
            frames_free(f, count - i);
            return false;
        }
        p->frame_count++;
        p->waits |= is_wait(f);
        if (p->waits || is_better(p, f)) {
            p->at = (int)(f - p->frames);
            p->deep = depth + 1;
        }
    }
    return !p->waits && p->frame_count < FRAMES;
}

static struct place *place_of(struct sleeps *s, const uint64_t *pcs, int count)
{
    struct place *p = s->places;
    while (p < s->places + s->count && (p->deep > count || memcmp(p->pcs, pcs, (size_t)p->deep * sizeof *pcs) != 0))
        p++;
    if (p < s->places + s->count || s->count == PLACES)
        return p < s->places + s->count ? p : NULL;
    *p = (struct place){ .deep = count };
    memcpy(p->pcs, pcs, (size_t)count * sizeof *pcs);
    for (int i = 0; i < count && name_address(s, p, pcs[i], i); i++)
        ;
    s->count++;
    return p;
}

static bool next_sleep(struct sleeps *s, struct asleep *asleep)
{
    return s->ring ? sleep_ring_next(s->ring, asleep) : s->looks && sleep_looks_next(s->looks, asleep);
}

/* Takes what was seen to its places. */
static void take(struct sleeps *s)
{
    struct asleep asleep;
    uint64_t pcs[FRAMES];
    if (!s->symbols && (s->ring || s->looks) && (s->symbols = symbols_new()))
        symbols_look(s->symbols, s->pid);
    while (s->symbols && next_sleep(s, &asleep)) {
        int count = symbols_unwind(s->symbols, s->pid, &asleep.at, asleep.stack, asleep.len, pcs, FRAMES);
        struct place *p = place_of(s, pcs, count);
        if (!p)
            continue;
        p->times++;
        p->ns += asleep.ns;
    }
    skip(s);
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

/* "selector.c:88 in selector_wait", or what there is of that. */
static const char *place_words(const struct frame *f, char out[LINE])
{
    if (f->file)
        snprintf(out, LINE, "%.50s:%d in %.50s", path_base(f->file), f->line, frame_function(f));
    else
        snprintf(out, LINE, "%.100s", frame_function(f));
    return out;
}

/* The C library's function that was called: it has no lines, and whoever called it has. < 0: none. */
static int call_of(const struct place *p)
{
    int i = 0;
    while (i < p->at && !p->frames[i].file)
        i++;
    return i - 1;
}

static const char *call_words(const struct place *p)
{
    int call = call_of(p);
    return call < 0 ? "no call (a page that was not there, or a system call of its own)" : frame_function(&p->frames[call]);
}

/* The text of the student's line, without the space around it, or of another's, if it is there. */
static void source_words(const struct frame *f, char out[LINE])
{
    int file = handed_in(f);
    const char *text = file < 0 ? f->source : judge_get()->hand_in->data[file];
    for (int i = 1; file >= 0 && text && i < f->line; i++)
        text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL;
    text = text ? text + strspn(text, " \t") : "";
    snprintf(out, LINE, "%.*s", (int)strcspn(text, "\r\n"), text);
}

/* How long it was is known of a ring alone. */
static void tell_place(const struct place *p, bool by_ring)
{
    char where[LINE], source[LINE], times[32] = "once", time[48] = "";
    const struct frame *at = &p->frames[p->at];
    source_words(at, source);
    if (p->times > 1)
        snprintf(times, sizeof times, "%d times", p->times);
    if (by_ring)
        snprintf(time, sizeof time, ", for %.3f ms in all,", (double)p->ns / 1e6);
    history_add(ENTRY_EVENT, -1, "%s %s%s in %.80s, at %s", by_ring ? "it slept" : "looks have met it asleep", times, time,
                call_words(p), place_words(at, where));
    if (*source)
        history_add(ENTRY_CALL, -1, "    | %s", source);
    for (int i = call_of(p) < 0 ? 0 : call_of(p); i < p->frame_count; i++)
        history_add(ENTRY_CALL, -1, "    %s%s", place_words(&p->frames[i], where), p->frames[i].inlined ? " (inlined)" : "");
}

/* The dearest of those that were not told yet; NULL: there is none. */
static struct place *dearest(struct sleeps *s, const struct place *than)
{
    struct place *found = NULL;
    for (struct place *p = s->places; p < s->places + s->count; p++) {
        bool later = !than || p->ns < than->ns || (p->ns == than->ns && p > than);
        if (!p->waits && p->frame_count && later && (!found || p->ns > found->ns))
            found = p;
    }
    return found;
}

static void say(struct sleeps *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One clause more. */
static void say(struct sleeps *s, const char *format, ...)
{
    size_t used = strlen(s->words);
    va_list args;
    if (used && used + 2 < sizeof s->words)
        used += (size_t)sprintf(s->words + used, ", ");
    va_start(args, format);
    vsnprintf(s->words + used, sizeof s->words - used, format, args);
    va_end(args);
}

const char *judge_sleeps(struct judge *j)
{
    enum { TOLD = 4 };
    char where[LINE];
    struct sleeps *s = j->sleeps;
    if (!s)
        return "";
    take(s);
    s->words[0] = 0;
    const struct place *first = dearest(s, NULL), *p = first;
    for (int i = 0; p && i < TOLD; i++, p = dearest(s, p))
        tell_place(p, s->ring != NULL);
    if (first)
        say(s, "in %.80s, at %s", call_words(first), place_words(&first->frames[first->at], where));
    if (s->callbacks[0])
        say(s, "while this ran: %.100s (- is between the callbacks)", s->callbacks);
    if (first && s->why_not[0])
        say(s, "as looks at it have seen, which miss what is short (%s)", s->why_not);
    else if (s->why_not[0])
        say(s, "in a call that is not known (%s): usleep, poll and locks are the usual ones", s->why_not);
    else if (!first)
        say(s, "in a call that was not seen");
    return s->words;
}

int64_t judge_slept(struct judge *j)
{
    struct sleeps *s = j->sleeps;
    const char *in = strstr(judge_said(j), "in=");
    int64_t switches = judge_said_number(j, "major_faults") > 0 ? 0 : judge_said_number(j, "switches");
    if (s && switches > 0) {
        take(s);
        snprintf(s->callbacks, sizeof s->callbacks, "%.250s", in ? in + 3 : "");
    } else if (s) {
        skip(s);
    }
    return switches > 0 ? switches : 0;
}
