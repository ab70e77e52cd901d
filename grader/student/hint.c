/* hint.c - the ladder of hints: see hint.h. */
#include "grader/student/hint.h"

#include <string.h>

#include "grader/student/hints.h"
#include "grader/student/last_grade.h"
#include "grader/screen.h"

/* ---- what went wrong --------------------------------------------------------------------------------------------- */

/* What the item came to just now. */
static void take_verdict(struct last_item *out, const struct grading *c, const struct item_grade *i)
{
    snprintf(out->id, sizeof out->id, "%s", i->item->id);
    snprintf(out->state, sizeof out->state, "%s", item_state_name(item_state(c->grade, i)));
    snprintf(out->expected, sizeof out->expected, "%s", i->verdict->expected);
    snprintf(out->seen, sizeof out->seen, "%s", i->verdict->seen);
    snprintf(out->cause, sizeof out->cause, "%s", i->verdict->cause);
}

static void find_named(struct grading *c, const struct last_grade *last, struct last_item *out)
{
    const struct last_item *known = last->fresh ? last_grade_item(last, c->options.item) : NULL;
    if (known && strcmp(known->state, "not_graded") != 0) {
        *out = *known;
        return;
    }
    grading_run(c);
    for (int i = 0; i < c->lab->item_count; i++)
        if (c->grade->items[i].selected)
            take_verdict(out, c, &c->grade->items[i]);
}

static bool find_failing(struct grading *c, const struct screen *s, struct last_grade *last, struct last_item *out)
{
    if (!grading_last(c, last, s->f))
        return false;
    const struct last_item *first = last_grade_failure(last, c->lab);
    if (first)
        *out = *first;
    return first != NULL;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static void put_refused(const struct screen *s, const char *why, bool ours)
{
    put_long(s, ours ? YELLOW : RED, ours ? "Nothing could be graded, and it is not your fault:" :
             "Before there is a hint for an item, this must be put right:", why);
}

static void put_nothing(const struct screen *s, const struct grading *c, const struct last_grade *last)
{
    char text[256];
    if (last->points == last->max)
        snprintf(text, sizeof text, "Nothing fails in lab %s: %d of %d points. make hint LAB=%s T=%s shows an item's hints "
                 "all the same.", c->lab->id, last->points, last->max, c->lab->id, c->lab->items[0].id);
    else
        snprintf(text, sizeof text, "No item of lab %s has failed, but not all could be judged: make grade LAB=%s says "
                 "why.", c->lab->id, c->lab->id);
    put_paragraph(s, text);
    fputc('\n', s->f);
}

static void put_hint(const struct screen *s, const struct lab_item *item, int number)
{
    static const char *const what[LAB_HINTS] = { "a question", "a place", "near-code" };
    char head[64], clean[CLEAN_ROOM(1024)];
    snprintf(head, sizeof head, "hint %d of %d", number, LAB_HINTS);
    text_clean(clean, sizeof clean, item->hints[number - 1]);
    fprintf(s->f, "\n  ");
    put(s, BOLD, head);
    fprintf(s->f, ", %s\n            ", what[number - 1]);
    put_wrapped(s, 12, 12, clean);
}

static void put_rest(const struct screen *s, const struct lab *lab, const char *id, int shown)
{
    char text[200];
    if (shown == LAB_HINTS)
        snprintf(text, sizeof text, "All %d were shown (AGAIN=1 repeats them). make why LAB=%s T=%s shows every step.",
                 LAB_HINTS, lab->id, id);
    else
        snprintf(text, sizeof text, "%d of %d shown so far, which costs nothing. make hint LAB=%s T=%s shows the next%s.",
                 shown, LAB_HINTS, lab->id, id, shown ? "; AGAIN=1 repeats" : "");
    fputc('\n', s->f);
    put_field(s, DIM, "count", text);
    fputc('\n', s->f);
}

/* Shows what is due, and remembers that it was shown. */
static int show(const struct grading *c, const struct screen *s, const struct last_item *found)
{
    const struct lab_item *item = lab_item(c->lab, found->id);
    int before = hints_shown(c->folder, item->id), after = before;
    bool failed = strcmp(found->state, "fail") == 0;
    if (!c->options.again && before < LAB_HINTS)
        after++;
    put_item(s, failed ? RED : GREEN, item);
    if (strcmp(found->state, "pass") == 0)
        put_paragraph(s, "It passes already; here is its hint all the same.");
    if (failed)
        fputc('\n', s->f);
    put_field(s, GREEN, "expected", failed ? found->expected : "");
    put_field(s, RED, "seen", failed ? found->seen : "");
    put_field(s, BOLD, "likely", failed ? found->cause : "");
    for (int n = c->options.again || !after ? 1 : after; n <= after; n++)
        put_hint(s, item, n);
    put_rest(s, c->lab, item->id, after);
    int rc = after > before ? hints_remember(c->lab, c->folder, item->id, after) : 0;
    if (rc == 0)
        return FULL;
    char sentence[1200];
    snprintf(sentence, sizeof sentence, "%s/.hints cannot be written, so the same hint will come again: %s", c->folder,
             strerror(-rc));
    return complain(sentence);
}

static int tell(struct grading *c)
{
    struct screen s = screen_open(stdout, c->options.colour, false);
    static struct last_grade last;
    struct last_item found = {0};
    last_grade_read(&last, c->lab, c->folder);
    bool there = true;
    if (c->options.item)
        find_named(c, &last, &found);
    else if (!(there = find_failing(c, &s, &last, &found)) && !last.there)
        return OURS;
    const char *refused = c->options.item ? c->grade->refused : last.refused;
    const char *fault = c->options.item ? c->grade->fault : last.fault;
    if (*refused || *fault)
        put_refused(&s, *refused ? refused : fault, !*refused);
    else if (there)
        return show(c, &s, &found);
    else
        put_nothing(&s, c, &last);
    return *fault ? OURS : FULL;
}

int hint_command(const struct options *o)
{
    static struct grading c;
    int end = o->sub || strcmp(o->who, "work") != 0 ?
              complain("hints are for what is under work/: leave SUB and WHO out") : grading_open(&c, o);
    if (end < 0)
        end = tell(&c);
    grading_close(&c);
    return end;
}
