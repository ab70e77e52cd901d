/* report_terminal.c - a grade for whoever sits before it: the table, then the first failure, explained.
 *
 * Without colour it is plain ASCII but for what the lab and the student wrote, so that a pipe or a log can hold it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "grader/grade.h"
#include "grader/screen.h"

enum { TITLE = 66, BESIDE_TITLE = 20, SHOWN = 30 };

static size_t title_columns(const struct screen *s)
{
    return s->width - BESIDE_TITLE < TITLE ? s->width - BESIDE_TITLE : TITLE;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */
static void put_head(const struct screen *s, const struct grade *g)
{
    char title[CLEAN_ROOM(80)], who[CLEAN_ROOM(200)];
    text_clean(title, sizeof title, g->lab->title);
    text_clean(who, sizeof who, g->who);
    fputc('\n', s->f);
    fprintf(s->f, "  ");
    put(s, BOLD, "eddy");
    fprintf(s->f, "  lab %s  ", g->lab->id);
    put(s, BOLD, title);
    fprintf(s->f, "\n  ");
    put(s, DIM, who);
    char facts[64];
    snprintf(facts, sizeof facts, "   seed %" PRIu64 "   sandbox %d of 3", g->seed, g->sandbox_level);
    put(s, DIM, facts);
    fprintf(s->f, "\n\n");
}

static void put_row(const struct screen *s, const struct grade *g, const struct item_grade *i)
{
    static const char *const words[] = { "pass", "FAIL", "ours", "n/a", "-", "" };
    static const enum ink inks[] = { GREEN, RED, YELLOW, DIM, DIM, DIM };
    char title[TITLE * 4 + 1], points[32], time[32] = "";
    enum item_state state = item_state(g, i);
    text_clean(title, sizeof title, i->item->title);
    size_t columns = text_columns(title, strlen(title)), room = title_columns(s);
    fprintf(s->f, "  ");
    put(s, inks[state], words[state]);
    fprintf(s->f, "%*s%-4s ", 6 - (int)strlen(words[state]), "", i->item->id);
    put(s, state == ITEM_FAIL ? BOLD : PLAIN, title);
    snprintf(points, sizeof points, "%3d / %d", state == ITEM_PASS ? i->points : 0, i->item->points);
    if (s->verbose)
        snprintf(time, sizeof time, "%*" PRId64 " ms", 18 - (int)strlen(points), i->wall_ns / 1000000);
    fprintf(s->f, "%*s%s%s\n", columns < room ? (int)(room - columns) : 1, "", points, time);
}

static void put_rows(const struct screen *s, const struct grade *g, bool hidden)
{
    bool headed = false;
    for (int n = 0; n < g->lab->item_count; n++) {
        const struct item_grade *i = &g->items[n];
        if (!i->selected || i->item->hidden != hidden)
            continue;
        if (hidden && !headed)
            put(s, DIM, "\n  hidden: the same properties with other seeds and faults\n");
        headed = true;
        put_row(s, g, i);
    }
}

static void put_sum(const struct screen *s, enum ink ink, const char *name, int points, int max)
{
    char figures[32];
    snprintf(figures, sizeof figures, "%3d / %d", points, max);
    fprintf(s->f, "%*s", (int)title_columns(s) - 5, "");
    fprintf(s->f, "%*s", 18, name);
    put(s, ink, figures);
    fputc('\n', s->f);
}

static void put_sums(const struct screen *s, const struct grade *g)
{
    struct grade_total t = grade_total(g);
    bool graded = !*g->refused && !*g->fault;
    if (graded)
        fputc('\n', s->f);
    if (graded && t.visible_max < t.max && t.visible_max > 0) {
        put_sum(s, PLAIN, "visible  ", t.visible, t.visible_max);
        put_sum(s, PLAIN, "hidden  ", t.points - t.visible, t.max - t.visible_max);
    }
    put_sum(s, t.full ? GREEN : BOLD, t.faults || *g->fault ? "so far  " : "total  ", t.points, t.max);
}

/* ---- what went wrong --------------------------------------------------------------------------------------------- */
/* Calls are left out unless verbose, but for the note that stands where lines are missing. */
static bool is_shown(const struct screen *s, const struct line *l)
{
    return s->verbose || l->kind != ENTRY_CALL || l->at < 0;
}

static void put_history(const struct screen *s, const struct history *h)
{
    struct lines l = { .history = h };
    struct line line;
    int count = 0, n = 0;
    while (lines_next(&l, &line))
        count += is_shown(s, &line);
    l = (struct lines){ .history = h };
    while (lines_next(&l, &line)) {
        if (!is_shown(s, &line))
            continue;
        if (s->verbose || n < SHOWN / 3 || n >= count - SHOWN / 3 * 2)
            put_line(s, &line);
        else if (n == SHOWN / 3)
            fprintf(s->f, "%10s... %d lines more, all of them with V=1 and in the report ...\n", "", count - SHOWN);
        n++;
    }
    if (count > 0)
        fputc('\n', s->f);
}

static void put_failure(const struct screen *s, const struct item_grade *i)
{
    put_item(s, RED, i->item);
    fputc('\n', s->f);
    put_history(s, &i->verdict->history);
    put_field(s, GREEN, "expected", i->verdict->expected);
    put_field(s, RED, "seen", i->verdict->seen);
    put_field(s, BOLD, "likely", i->verdict->cause);
    put_field(s, BOLD, "hint", i->item->hints[0] ? i->item->hints[0] : "");
    if (s->verbose)
        put_field(s, DIM, "check", i->verdict->where);
    put_field(s, BOLD, "again", i->replay);
    put_field(s, BOLD, "help", i->more);
}

/* A fault or a missing ability of this machine: one sentence an item. */
static void put_ours(const struct screen *s, const struct grade *g)
{
    for (int n = 0; n < g->lab->item_count; n++) {
        const struct item_grade *i = &g->items[n];
        enum item_state state = item_state(g, i);
        char text[700];
        if (state != ITEM_FAULT && state != ITEM_NOT_RUN)
            continue;
        fputc('\n', s->f);
        snprintf(text, sizeof text, "%s %s: %s", i->item->id,
                 state == ITEM_FAULT ? "could not be judged, which is not your fault" : "cannot be run on this machine",
                 i->verdict->cause);
        put_field(s, YELLOW, "note", text);
    }
}

static void put_beginning(const struct screen *s, const struct grade *g)
{
    char text[1024];
    snprintf(text, sizeof text, "next: read %s/README.md, open %.300s/%s and write the first function; then make grade again.",
             g->lab->folder, g->who, first_file(g->lab));
    put_paragraph(s, text);
}

static void put_next(const struct screen *s, const struct grade *g)
{
    struct grade_total t = grade_total(g);
    bool beginning = t.points <= g->lab->floor && t.max == 100 && !*g->refused && !*g->fault;
    if (t.full)
        put(s, GREEN, t.max == 100 ? "\n  All of it. Well done.\n" : "\n  It passes.\n");
    else if (beginning)
        put_beginning(s, g);
}

int grade_write_terminal(const struct grade *g, FILE *f, bool colour, bool verbose)
{
    struct screen s = screen_open(f, colour, verbose);
    put_head(&s, g);
    if (!*g->refused && !*g->fault) {
        put_rows(&s, g, false);
        put_rows(&s, g, true);
    }
    put_sums(&s, g);
    if (*g->notes && (verbose || *g->refused))
        put_long(&s, YELLOW, "The compiler warned:", g->notes);
    if (*g->refused)
        put_long(&s, RED, "Nothing could be graded:", g->refused);
    if (*g->fault)
        put_long(&s, YELLOW, "Nothing could be graded, and it is not your fault:", g->fault);
    const struct item_grade *failure = grade_first_failure(g);
    if (failure)
        put_failure(&s, failure);
    put_ours(&s, g);
    if (*g->sandbox_why && verbose) {
        fputc('\n', f);
        put_field(&s, DIM, "sandbox", g->sandbox_why);
    }
    put_next(&s, g);
    return ferror(f) ? -EIO : 0;
}
