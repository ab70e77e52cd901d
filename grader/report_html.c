/* report_html.c - a grade as one page that needs nothing else: no network, no other file, no script to be read. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "grader/grade.h"
#include "grader/report_file.h"
#include "grader/report_html.h"
#include "grader/report_text.h"

/* <tag>prose</tag>; `tag` may have attributes. */
static void element(FILE *f, const char *tag, const char *text)
{
    fprintf(f, "<%s>", tag);
    html_prose(f, text);
    fprintf(f, "</%.*s>", (int)strcspn(tag, " "), tag);
}

/* ---- the head ---------------------------------------------------------------------------------------------------- */
static void put_ring(FILE *f, const struct grade_total *t)
{
    double round = 2 * 3.14159265 * 54, part = t->max ? round * t->points / t->max : 0;
    fprintf(f, "<svg class=ring viewBox=\"0 0 132 132\" role=img aria-label=\"%d of %d points\">"
               "<circle class=track cx=66 cy=66 r=54 fill=none stroke-width=12 />"
               "<circle class=\"arc%s\" cx=66 cy=66 r=54 fill=none stroke-width=12 stroke-linecap=round "
               "stroke-dasharray=\"%.1f %.1f\" transform=\"rotate(-90 66 66)\" />"
               "<text x=66 y=74>%d</text><text class=of x=66 y=94>of %d</text></svg>\n",
            t->points, t->max, t->full ? " full" : t->points ? "" : " none", part, round, t->points, t->max);
}

static void put_fact(FILE *f, const char *name, const char *value)
{
    fprintf(f, "<div>");
    element(f, "dt", name);
    element(f, "dd", value);
    fprintf(f, "</div>");
}

static void put_facts(FILE *f, const struct grade *g, const struct grade_total *t)
{
    char text[96];
    fprintf(f, "<dl class=facts>");
    if (t->visible_max < t->max && t->visible_max > 0) {
        snprintf(text, sizeof text, "%d of %d", t->visible, t->visible_max);
        put_fact(f, "visible", text);
        snprintf(text, sizeof text, "%d of %d", t->points - t->visible, t->max - t->visible_max);
        put_fact(f, "hidden", text);
    }
    snprintf(text, sizeof text, "%" PRIu64, g->seed);
    put_fact(f, "seed", text);
    snprintf(text, sizeof text, "level %d of 3", g->sandbox_level);
    put_fact(f, "sandbox", text);
    snprintf(text, sizeof text, "%.1f s", (double)g->wall_ns / 1e9);
    put_fact(f, "took", text);
    snprintf(text, sizeof text, "%.10s %.5s UTC", g->graded_at, strlen(g->graded_at) > 11 ? g->graded_at + 11 : "");
    put_fact(f, "graded", text);
    fprintf(f, "</dl>");
}

static void put_segments(FILE *f, const struct grade *g, bool hidden)
{
    for (int n = 0; n < g->lab->item_count; n++) {
        const struct item_grade *i = &g->items[n];
        if (i->item->hidden != hidden)
            continue;
        fprintf(f, "<a class=%s style=\"flex-grow:%d\" title=\"", item_state_name(item_state(g, i)), i->item->points);
        html_text(f, i->item->title);
        fprintf(f, "\" href=\"#%s\">%s</a>", i->item->id, i->item->id);
    }
}

static void put_header(FILE *f, const struct grade *g, const struct grade_total *t)
{
    fprintf(f, "<header class=card><div><div class=brand>eddy &middot; lab %s</div>", g->lab->id);
    element(f, "h1", g->lab->title);
    element(f, "code class=soft", g->who);
    put_facts(f, g, t);
    fprintf(f, "</div>");
    put_ring(f, t);
    fprintf(f, "</header>\n<nav class=strip aria-label=\"all items, as wide as their points\">");
    put_segments(f, g, false);
    fprintf(f, "<span class=gap></span>");
    put_segments(f, g, true);
    fprintf(f, "</nav>\n");
}

/* ---- what concerns the whole ------------------------------------------------------------------------------------- */
static void put_banner(FILE *f, const char *class, const char *head, const char *tag, const char *text)
{
    if (!*text)
        return;
    fprintf(f, "<div class=\"card banner %s\">", class);
    element(f, "strong", head);
    fprintf(f, "<%s>", tag);
    html_text(f, text);
    fprintf(f, "</%s></div>\n", tag);
}

static void put_banners(FILE *f, const struct grade *g, const struct grade_total *t)
{
    put_banner(f, "bad", "Nothing could be graded", "pre", g->refused);
    put_banner(f, "warn", "Nothing could be graded, and it is not your fault", "pre", g->fault);
    if (t->faults > 0)
        put_banner(f, "warn", "This grade is provisional", "div", "Some items could not be judged. That is not your "
                   "fault, and lowers no score: grade again, and if it stays, report it with the seed.");
    put_banner(f, "warn", "The compiler warned", "pre", g->notes);
    if (t->full && t->max == 100)
        put_banner(f, "good", "All of it", "div", "Every item passed.");
    if (t->points > g->lab->floor || t->max < 100 || *g->refused || *g->fault)
        return;
    fprintf(f, "<div class=\"card banner next\"><strong>Where to begin</strong>Read <code>");
    html_text(f, g->lab->folder);
    fprintf(f, "/README.md</code>, open <code>");
    html_text(f, g->who);
    fprintf(f, "/%s</code> and write the first function. Then <code>make grade</code> again.</div>\n",
            first_file(g->lab));
}

static void put_rows(FILE *f, const struct grade *g, bool hidden)
{
    static const char *const words[] = { "pass", "fail", "our fault", "not run here", "not graded", "left out" };
    bool headed = !hidden;
    for (int n = 0; n < g->lab->item_count; n++) {
        const struct item_grade *i = &g->items[n];
        enum item_state state = item_state(g, i);
        if (i->item->hidden != hidden)
            continue;
        if (!headed)
            fprintf(f, "<tr><th class=group colspan=4>Hidden: the same properties with other seeds and faults"
                       "</th></tr>\n");
        headed = true;
        if (state == ITEM_FAIL)
            fprintf(f, "<tr><td class=id><a href=\"#%s\">%s</a></td><td>", i->item->id, i->item->id);
        else
            fprintf(f, "<tr id=\"%s\"><td class=id>%s</td><td>", i->item->id, i->item->id);
        html_prose(f, i->item->title);
        element(f, "div class=property", i->item->property);
        if (state == ITEM_FAULT || state == ITEM_NOT_RUN)
            element(f, "div class=metrics", i->verdict->cause);
        fprintf(f, "</td><td class=points>%d of %d</td><td class=state><span class=\"chip %s\">%s</span></td></tr>\n",
                state == ITEM_PASS ? i->points : 0, i->item->points, item_state_name(state), words[state]);
    }
}

/* ---- a failure --------------------------------------------------------------------------------------------------- */
static void put_line(FILE *f, const struct line *l)
{
    bool note = l->title || (l->kind == ENTRY_CALL && l->at < 0);
    const char *class = l->title ? "title" : l->kind == ENTRY_STEP ? "step" : l->kind == ENTRY_EVENT ? "event" :
                        l->kind == ENTRY_CALL ? "call" : "expect";
    const char *word = l->kind == ENTRY_STEP ? "order" : l->kind == ENTRY_EVENT ? "callback" :
                       l->kind == ENTRY_CALL ? "call" : "as expected";
    char time[48] = "";
    if (l->at >= 0)
        text_time(time, sizeof time, l->at);
    fprintf(f, "<tr class=%s><td>", class);
    if (l->number)
        fprintf(f, "%d", l->number);
    fprintf(f, "</td><td>%s</td><td>%s</td><td>", time, note ? "" : word);
    html_text(f, l->text);
    fprintf(f, "</td></tr>\n");
}

static void put_history(FILE *f, const struct verdict *v)
{
    struct lines lines = { .history = &v->history };
    struct line l;
    if (v->history.used == 0)
        return;
    fprintf(f, "<h3>What happened</h3><div class=history tabindex=0><table>\n");
    while (lines_next(&lines, &l))
        put_line(f, &l);
    fprintf(f, "<tr class=fail><td></td><td></td><td>fails</td><td>");
    html_text(f, v->seen);
    fprintf(f, "</td></tr></table></div>\n");
}

static void put_box(FILE *f, const char *class, const char *name, const char *tag, const char *text)
{
    if (!*text)
        return;
    fprintf(f, "<div class=%s><span>%s</span><%s>", class, name, tag);
    html_prose(f, text);
    fprintf(f, "</%s></div>", tag);
}

static void put_hints(FILE *f, const struct lab_item *item)
{
    static const char *const names[] = { "A question", "A place", "Nearly the code" };
    fprintf(f, "<h3>Hints</h3>");
    for (int h = 0; h < LAB_HINTS; h++) {
        fprintf(f, "<details class=hint><summary>%s</summary>", names[h]);
        element(f, "p", item->hints[h]);
        fprintf(f, "</details>");
    }
}

static void put_failure(FILE *f, const struct item_grade *i, bool open)
{
    const struct verdict *v = i->verdict;
    fprintf(f, "<details class=\"card failure\" id=\"%s\"%s><summary><span class=\"chip fail\">fail</span>"
               "<span class=id>%s</span>", i->item->id, open ? " open" : "", i->item->id);
    element(f, "span class=title", i->item->title);
    fprintf(f, "<span class=\"soft points\">0 of %d</span></summary><div class=inside>", i->item->points);
    element(f, "p", i->item->property);
    fprintf(f, "<div class=pair>");
    put_box(f, "pass", "expected", "code", v->expected);
    put_box(f, "fail", "seen", "code", v->seen);
    fprintf(f, "</div>");
    put_box(f, "cause", "likely cause", "div", v->cause);
    html_timeline(f, &v->history);
    put_history(f, v);
    put_hints(f, i->item);
    fprintf(f, "<h3>Again, with every call</h3>");
    element(f, "code class=replay", i->replay);
    if (*v->where || *v->metrics)
        fprintf(f, "<p class=\"soft metrics\">");
    html_text(f, v->where);
    fprintf(f, "%s", *v->where && *v->metrics ? " &middot; " : "");
    html_text(f, v->metrics);
    fprintf(f, "</div></details>\n");
}

static void put_failures(FILE *f, const struct grade *g)
{
    const struct item_grade *first = grade_first_failure(g);
    if (!first)
        return;
    fprintf(f, "<h2>What failed, and why</h2>\n");
    for (int hidden = 0; hidden < 2; hidden++)
        for (int n = 0; n < g->lab->item_count; n++)
            if (item_state(g, &g->items[n]) == ITEM_FAIL && g->items[n].item->hidden == hidden)
                put_failure(f, &g->items[n], &g->items[n] == first);
}

static void put_page(FILE *f, const struct grade *g)
{
    struct grade_total t = grade_total(g);
    fprintf(f, "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
               "<meta name=viewport content=\"width=device-width,initial-scale=1\"><title>Lab %s: %d of %d</title>\n"
               "<style>%s</style></head>\n<body><main>\n", g->lab->id, t.points, t.max, report_style);
    put_header(f, g, &t);
    put_banners(f, g, &t);
    put_failures(f, g);
    fprintf(f, "<h2>All items</h2><table class=\"items card\">\n");
    put_rows(f, g, false);
    put_rows(f, g, true);
    fprintf(f, "</table>\n");
    fprintf(f, "<footer>Made by eddy, schema " GRADE_SCHEMA ". Sandbox level %d of 3", g->sandbox_level);
    fprintf(f, "%s", *g->sandbox_why ? ": " : ", all of it.");
    html_text(f, g->sandbox_why);
    fprintf(f, " Times are shown, never graded.</footer>\n</main><script>%s</script></body></html>\n", report_script);
}

int grade_write_html(const struct grade *g, const char *path)
{
    struct report_file file;
    int rc = report_file_open(&file, path);
    if (rc < 0)
        return rc;
    put_page(file.f, g);
    return report_file_close(&file);
}
