/* why_turns.c - a history as turns: see why.h.
 *
 *      turn        at
 *                 0 ms  |  steps 1 to 7
 *         1     +10 ms  :  epoll_wait 10 ms = 0
 *                10 ms  *  A, B
 *                       |  in B: remove_timeout C
 *
 * Virtual time stands still while something happens, and jumps in the waits: so what a wait took is written before it,
 * and the moment only where it is another one. */
#include <string.h>

#include "grader/student/why.h"

enum { TURNS = 40, LIST = 1200, STEPS_APART = 3 };

struct turns {
    const struct screen *s;
    int turn, first;                /* of the present turn; the first that is shown */
    int64_t now, shown_at;          /* the moment; the last one that was written */
    enum entry_kind kind;           /* of what is in the list */
    char list[LIST];
    int listed, from, to;           /* numbers in the history */
};

static bool is_wait(const struct line *l)
{
    return l->kind == ENTRY_CALL && (strncmp(l->text, "epoll_wait", 10) == 0 || strncmp(l->text, "poll", 4) == 0);
}

static void put_row(struct turns *t, const char *turn, const char *at, char rail, const char *text)
{
    char clean[CLEAN_ROOM(LIST)];
    fprintf(t->s->f, "  %6s %14s  ", turn, at);
    put(t->s, rail == '*' ? GREEN : DIM, (char[]){ rail, 0 });
    fprintf(t->s->f, "  ");
    text_clean(clean, sizeof clean, text);
    put_wrapped(t->s, 28, 28, clean);
}

static void put_moment(struct turns *t, char *out, size_t size)
{
    *out = 0;
    if (t->now == t->shown_at)
        return;
    text_time(out, size, t->now);
    t->shown_at = t->now;
}

/* Writes what was collected: what was called, or what was done. */
static void flush(struct turns *t)
{
    char at[48], text[LIST];
    if (t->listed == 0)
        return;
    bool called = t->kind == ENTRY_EVENT;
    if (!called && t->listed > STEPS_APART)
        snprintf(text, sizeof text, "steps %d to %d", t->from, t->to);
    else
        snprintf(text, sizeof text, "%s", t->list);
    if (t->turn >= t->first) {
        put_moment(t, at, sizeof at);
        put_row(t, "", at, called ? '*' : '|', text);
    }
    t->listed = 0;
    t->list[0] = 0;
}

static void collect(struct turns *t, const struct line *l)
{
    if (l->kind != t->kind || (l->at >= 0 && l->at != t->now))
        flush(t);
    if (l->at >= 0)
        t->now = l->at;
    size_t used = strlen(t->list), len = strlen(l->text);
    const char *end = l->kind == ENTRY_EVENT ? strstr(l->text, " was called") : NULL;
    if (end && !strcmp(end, " was called"))
        len = (size_t)(end - l->text);
    snprintf(t->list + used, sizeof t->list - used, "%s%.*s", used ? l->kind == ENTRY_EVENT ? ", " : "; " : "", (int)len,
             l->text);
    t->kind = l->kind;
    t->from = t->listed++ ? t->from : l->number;
    t->to = l->number;
}

static void wait_ended(struct turns *t, const struct line *l)
{
    char turn[16], took[48] = "", text[48];
    flush(t);
    t->turn++;
    if (l->at > t->now) {
        text_time(text, sizeof text, l->at - t->now);
        snprintf(took, sizeof took, "+%.40s", text);
    }
    t->now = l->at >= 0 ? l->at : t->now;
    snprintf(turn, sizeof turn, "%d", t->turn);
    if (t->turn >= t->first)
        put_row(t, turn, took, ':', l->text);
}

static int count_waits(const struct history *h)
{
    struct lines lines = { .history = h };
    struct line l;
    int count = 0;
    while (lines_next(&lines, &l))
        count += is_wait(&l);
    return count;
}

void why_turns(const struct screen *s, const struct history *h)
{
    int waits = count_waits(h);
    struct turns t = { .s = s, .first = waits - TURNS, .shown_at = -1 };
    struct lines lines = { .history = h };
    struct line l;
    if (waits == 0)
        return;
    fprintf(s->f, "\n  ");
    put(s, BOLD, "turn by turn");
    fprintf(s->f, "\n\n");
    put(s, DIM, "    turn             at\n");
    if (t.first > 0)
        fprintf(s->f, "%28s... %d turns before ...\n", "", t.first);
    while (lines_next(&lines, &l))
        if (is_wait(&l))
            wait_ended(&t, &l);
        else if (l.kind == ENTRY_EVENT || (l.kind == ENTRY_STEP && !l.title))
            collect(&t, &l);
    flush(&t);
}
