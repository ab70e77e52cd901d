/* why.c - one item, explained to the last step: see why.h. */
#include "grader/student/why.h"

#include <inttypes.h>
#include <string.h>

#include "grader/student/last_grade.h"

struct why {
    struct grading grading;
    struct screen screen;
    const struct item_grade *item;
    char folder[1024];              /* why_debug.c; "" if it could not be made */
    char trouble[1200];             /* why not */
};

static void put_head(const struct screen *s, const char *head)
{
    fprintf(s->f, "\n  ");
    put(s, BOLD, head);
    fprintf(s->f, "\n\n");
}

static const char *outcome(enum item_state state)
{
    static const char *const words[] = { "it passes", "it fails", "it could not be judged, which is not your fault",
                                         "it cannot be run on this machine", "nothing could be graded", "" };
    return words[state];
}

static void put_history(const struct screen *s, const struct history *h)
{
    struct lines lines = { .history = h };
    struct line line;
    if (h->entries == 0)
        return;
    put_head(s, "what happened");
    while (lines_next(&lines, &line))
        put_line(s, &line);
}

static void put_verdict(const struct screen *s, const struct item_grade *i)
{
    const struct verdict *v = i->verdict;
    fputc('\n', s->f);
    put_field(s, GREEN, "expected", v->expected);
    put_field(s, RED, "seen", v->seen);
    put_field(s, BOLD, v->state == VERDICT_FAIL ? "likely" : "because", v->cause);
    put_field(s, DIM, "check", v->where);
}

static void put_debugger(struct why *y)
{
    char recording[1200], command[1200], error[1400];
    const struct screen *s = &y->screen;
    if (!*y->folder)
        put_field(s, DIM, "debug", y->trouble);
    else if (!why_debug_recording(y->folder, recording, sizeof recording))
        put_field(s, DIM, "debug", "there is nothing to run again: this item reads texts, runs tests against the library, or "
                                   "goes over real sockets");
    else if (why_debug_write(&y->grading, &y->item->verdict->history, y->folder, command, sizeof command, error,
                             sizeof error) < 0)
        put_field(s, DIM, "debug", error);
    else
        put_field(s, BOLD, "debug", command);
}

static void put_commands(struct why *y)
{
    char text[400];
    const struct grading *c = &y->grading;
    fputc('\n', y->screen.f);
    snprintf(text, sizeof text, "make why LAB=%s%s T=%s SEED=%" PRIu64, c->lab->id, c->again, y->item->item->id,
             c->grade->seed);
    put_field(&y->screen, BOLD, "again", text);
    put_debugger(y);
    snprintf(text, sizeof text, "make hint LAB=%s T=%s (%d of %d shown)", c->lab->id, y->item->item->id,
             y->item->hints_shown, LAB_HINTS);
    put_field(&y->screen, BOLD, "hint", grading_is_work(c) ? text : "");
    fputc('\n', y->screen.f);
}

static void put_all(struct why *y)
{
    const struct screen *s = &y->screen;
    const struct grading *c = &y->grading;
    enum item_state state = item_state(c->grade, y->item);
    char who[CLEAN_ROOM(1100)], facts[sizeof who + 100], recording[1200];
    put_item(s, state == ITEM_FAIL ? RED : state == ITEM_PASS ? GREEN : YELLOW, y->item->item);
    text_clean(who, sizeof who, c->who);
    snprintf(facts, sizeof facts, "%s, seed %" PRIu64 ": %s", who, c->grade->seed, outcome(state));
    fprintf(s->f, "\n      ");
    put(s, DIM, facts);
    fputc('\n', s->f);
    put_history(s, &y->item->verdict->history);
    if (*y->folder && why_debug_recording(y->folder, recording, sizeof recording))
        why_bytes(s, recording);
    why_turns(s, &y->item->verdict->history);
    put_verdict(s, y->item);
    put_commands(y);
}

/* Which item is meant: false when there is none, which was said. */
static bool choose(struct why *y, int *end)
{
    static struct last_grade last;
    struct grading *c = &y->grading;
    const char *id = c->options.item;
    *end = OURS;
    last = (struct last_grade){0};
    if (grading_is_work(c))
        last_grade_read(&last, c->lab, c->folder);
    if (!id && grading_is_work(c) && !grading_last(c, &last, y->screen.f))
        return false;
    const struct last_item *first = id ? NULL : last_grade_failure(&last, c->lab);
    bool graded = !*c->grade->refused && !*c->grade->fault && !*last.refused;
    if (!id && !first && graded) {
        *end = FULL;
        put_paragraph(&y->screen, grading_is_work(c) ? "Nothing fails in this lab. T=A3 (or any other item) shows how one "
                      "passes." : "Which item? T=A3 (or any other) says which.");
        fputc('\n', y->screen.f);
        return false;
    }
    if (!id)
        id = first ? first->id : c->lab->items[0].id;
    grading_choose(c, lab_item(c->lab, id)->id, last.there && !c->options.seeded ? last.seed : c->options.seed);
    return true;
}

static int explain(struct why *y)
{
    struct grading *c = &y->grading;
    struct grade *g = c->grade;
    int end;
    if (!choose(y, &end))
        return end;
    for (int i = 0; i < c->lab->item_count; i++)
        if (g->items[i].selected)
            y->item = &g->items[i];
    if (why_debug_open(c->lab, y->item->item->id, y->folder, sizeof y->folder, y->trouble, sizeof y->trouble) == 0)
        c->recordings = y->folder;
    grading_run(c);
    if (*g->refused)
        put_long(&y->screen, RED, "Nothing could be run:", g->refused);
    if (*g->fault)
        put_long(&y->screen, YELLOW, "Nothing could be run, and it is not your fault:", g->fault);
    if (!*g->refused && !*g->fault)
        put_all(y);
    return *g->fault || item_state(g, y->item) == ITEM_FAULT ? OURS : FULL;
}

int why_command(const struct options *o)
{
    static struct why y;
    int end = grading_open(&y.grading, o);
    y.screen = screen_open(stdout, o->colour, true);
    if (end < 0)
        end = explain(&y);
    grading_close(&y.grading);
    return end;
}
