/* report_html_sites.c - the table of places, each with its stack, its lines of source and what to do instead; and what each
 * callback cost. See report_html.h.
 *
 * Trap: a flood. All places have a row; the stacks of the dearest are enough to find them by. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/report_html.h"
#include "grader/blocking/report_words.h"
#include "grader/report_page.h"

enum { STACKS_SHOWN = 400, FOLDED = 3, BUCKETS = 40, PLACE = 512 };

/* ---- a stack ----------------------------------------------------------------------------------------------------------- */

static void put_source(FILE *f, const char *source)
{
    html_element(f, "pre class=source", source + strspn(source, " \t"));
}

static void put_frame(FILE *f, const struct frame *frame, bool named)
{
    char place[PLACE];
    html_place(place, sizeof place, frame);
    fprintf(f, "<li class=\"%s%s\">", frame->own ? "own" : "other", named ? " named" : "");
    html_element(f, "code", frame_function(frame));
    fprintf(f, " <span class=at title=\"");
    html_text(f, frame->file ? frame->file : frame->module ? frame->module : "");
    fprintf(f, "\">");
    html_text(f, place);
    fprintf(f, "</span>%s", frame->inlined ? " <span class=soft>inlined into the next</span>" : "");
    if (frame->source && frame->own)
        put_source(f, frame->source);
    fprintf(f, "</li>");
}

/* How many frames from there on are somebody else's. */
static int others(const struct site *s, int from)
{
    int count = 0;
    while (from + count < s->frame_count && !s->frames[from + count].own && from + count != s->first_own)
        count++;
    return count;
}

static void put_others(FILE *f, const struct site *s, int from, int count)
{
    bool fold = count > FOLDED;
    if (fold)
        fprintf(f, "<li class=other><details%s><summary>%d frames of others</summary><ol>", s->first_own < 0 ? " open" : "",
                count);
    for (int i = from; i < from + count; i++)
        put_frame(f, &s->frames[i], false);
    if (fold)
        fprintf(f, "</ol></details></li>");
}

static void put_stack(FILE *f, const struct site *s)
{
    if (s->frame_count == 0) {
        fprintf(f, "<p class=soft>No stack could be had.</p>");
        return;
    }
    fprintf(f, "<h3>The stack of the longest, innermost first</h3><ol class=stack>");
    for (int i = 0; i < s->frame_count;) {
        int count = others(s, i);
        put_others(f, s, i, count);
        i += count;
        if (i < s->frame_count) {
            put_frame(f, &s->frames[i], i == s->first_own);
            i++;
        }
    }
    fprintf(f, "</ol>");
}

/* ---- how long they were ------------------------------------------------------------------------------------------------ */

/* The power of two that `ns` is in, in microseconds. */
static int bucket_of(int64_t ns)
{
    int bucket = 0;
    for (int64_t us = ns / 1000; us > 1 && bucket < BUCKETS - 1; us /= 2)
        bucket++;
    return bucket;
}

static void put_each(FILE *f, const struct site *s)
{
    uint64_t counts[BUCKETS] = {0}, most = 1;
    char from[WORD], to[WORD];
    if (s->told < 4 || !s->each)
        return;
    for (uint64_t i = 0; i < s->told; i++)
        counts[bucket_of(s->each[i])]++;
    for (int i = 0; i < BUCKETS; i++)
        most = counts[i] > most ? counts[i] : most;
    fprintf(f, "<h3>How long each was, by powers of two</h3><div class=each>");
    for (int i = bucket_of(s->each[0]); i <= bucket_of(s->each[s->told - 1]); i++)
        fprintf(f, "<i style=\"height:%.0f%%\" title=\"%" PRIu64 " from %s to %s\"></i>",
                100.0 * (double)counts[i] / (double)most, counts[i], words_time(i ? INT64_C(1000) << i : 0, from),
                words_time(INT64_C(2000) << i, to));
    fprintf(f, "</div><div class=\"each-ends soft\"><span>%s</span><span>%s</span></div>", words_time(s->each[0], from),
            words_time(s->each[s->told - 1], to));
}

/* ---- a place ----------------------------------------------------------------------------------------------------------- */

static void put_fact(FILE *f, const char *name, const char *text)
{
    fprintf(f, "<div>");
    html_element(f, "dt", name);
    html_element(f, "dd", text);
    fprintf(f, "</div>");
}

static void put_times(FILE *f, const struct findings *findings, const struct site *s)
{
    char text[256], first[WORD], last[WORD];
    snprintf(text, sizeof text, "%s and %s after the start", words_time(s->first - findings->began, first),
             words_time(s->last - findings->began, last));
    put_fact(f, "first and last", text);
    snprintf(text, sizeof text, "%d, thread %d", s->pid, s->tid);
    put_fact(f, "process of the longest", text);
    if (s->suppressed == 0)
        return;
    snprintf(text, sizeof text, "%" PRIu64 " of %" PRIu64, s->suppressed, s->count);
    put_fact(f, "only counted", text);
}

static void put_inside(FILE *f, const struct findings *findings, const struct site *s)
{
    if (s->advice) {
        fprintf(f, "<div class=cause><span>what to do instead</span>");
        html_text(f, s->advice);
        fprintf(f, "</div>");
    }
    fprintf(f, "<dl class=facts>");
    if (s->asked)
        put_fact(f, s->verdict == HOG || s->verdict == STARVED ? "the longest iteration" : "the longest was asked", s->asked);
    if (s->callback)
        put_fact(f, "in the callback", s->callback);
    put_times(f, findings, s);
    put_fact(f, "fingerprint", s->fingerprint);
    fprintf(f, "</dl>");
    put_stack(f, s);
    put_each(f, s);
}

static void put_where(FILE *f, const struct site *s)
{
    const struct frame *frame = site_frame(s);
    char place[PLACE];
    html_place(place, sizeof place, frame);
    html_element(f, "strong", s->what ? s->what : verdict_name(s->verdict));
    if (s->is_suppressed)
        fprintf(f, "<span class=\"chip not_graded\">suppressed</span>");
    if (s->is_known)
        fprintf(f, "<span class=\"chip not_graded\">known</span>");
    fprintf(f, "<div class=at>");
    if (frame)
        html_element(f, "code", frame_function(frame));
    if (*place)
        html_element(f, "code class=place", place);
    fprintf(f, "</div>");
    if (frame && frame->source)
        put_source(f, frame->source);
}

static void put_number(FILE *f, const char *class, int64_t ns)
{
    char text[WORD];
    fprintf(f, "<td class=\"num %s\">%s</td>", class, words_time(ns, text));
}

static void put_site(FILE *f, const struct findings *findings, int i)
{
    const struct site *s = &findings->sites[i];
    const char *class = html_verdict(s->verdict);
    fprintf(f, "<tbody id=site-%d class=\"site%s\" data-verdict=%s data-total=%" PRId64 " data-count=%" PRIu64
               " data-longest=%" PRId64 " data-p99=%" PRId64 ">", i, s->is_suppressed || s->is_known ? " quiet" : "", class,
            s->total, s->count, s->longest, s->p99);
    fprintf(f, "<tr class=row tabindex=0><td><span class=\"chip %s\">%s</span></td><td class=where>", class,
            verdict_name(s->verdict));
    put_where(f, s);
    fprintf(f, "</td>");
    put_number(f, "total", s->total);
    fprintf(f, "<td class=num>%" PRIu64 "</td>", s->count);
    put_number(f, "longest", s->longest);
    put_number(f, "p99", s->p99);
    fprintf(f, "</tr><tr class=more><td colspan=6><div class=inside>");
    if (i < STACKS_SHOWN)
        put_inside(f, findings, s);
    else
        fprintf(f, "<p class=soft>Stacks are shown of the %d dearest places; --json has all of them.</p>", STACKS_SHOWN);
    fprintf(f, "</div></td></tr></tbody>\n");
}

/* ---- the table ----------------------------------------------------------------------------------------------------------- */

static void put_choices(FILE *f, const struct findings *findings)
{
    int counts[COULD_BLOCK + 1] = {0};
    for (int i = 0; i < findings->site_count; i++)
        counts[findings->sites[i].verdict]++;
    for (int v = BLOCKED; v <= COULD_BLOCK; v++)
        if (counts[v] > 0)
            fprintf(f, "<button class=\"chip %s\" data-verdict=%s aria-pressed=true>%s %d</button>",
                    html_verdict((enum verdict_kind)v), html_verdict((enum verdict_kind)v), verdict_name((enum verdict_kind)v),
                    counts[v]);
}

void html_sites(FILE *f, const struct findings *findings)
{
    static const struct { const char *key, *title; } columns[] = {
        { "verdict", "verdict" }, { "where", "what, and where" }, { "total", "total" }, { "count", "count" },
        { "longest", "longest" }, { "p99", "p99" },
    };
    if (findings->site_count == 0)
        return;
    fprintf(f, "<h2 id=places>Places</h2>\n<div class=tools><input type=search id=filter "
               "placeholder=\"Filter: call, file, function\" aria-label=\"filter the places\">");
    put_choices(f, findings);
    fprintf(f, "<span class=soft id=shown></span><button id=all>open all</button></div>\n<table id=sites class=card><thead><tr>");
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        fprintf(f, "<th class=\"%s%s-head\"><button data-key=%s>%s</button></th>", i < 2 ? "" : "num ", columns[i].key,
                columns[i].key, columns[i].title);
    fprintf(f, "</tr></thead>\n");
    for (int i = 0; i < findings->site_count; i++)
        put_site(f, findings, i);
    fprintf(f, "</table>\n");
}

/* ---- callbacks ------------------------------------------------------------------------------------------------------------- */

struct cost {
    const char *callback;           /* NULL: not known */
    int places;
    uint64_t count;
    int64_t asleep, hog, starved, longest;
};

static struct cost *cost_of(struct cost *costs, int *count, const char *callback)
{
    for (int i = 0; i < *count; i++)
        if (costs[i].callback == callback || (callback && costs[i].callback && !strcmp(costs[i].callback, callback)))
            return &costs[i];
    costs[*count] = (struct cost){ .callback = callback };
    return &costs[(*count)++];
}

static void cost_add(struct cost *cost, const struct site *s)
{
    int64_t *sums[] = { [BLOCKED] = &cost->asleep, [HOG] = &cost->hog, [STARVED] = &cost->starved, [FAULTS] = &cost->asleep,
                        [COULD_BLOCK] = &cost->asleep };
    *sums[s->verdict] += s->total;
    cost->places++;
    cost->count += s->count;
    cost->longest = s->longest > cost->longest ? s->longest : cost->longest;
}

static int by_cost(const void *left, const void *right)
{
    const struct cost *a = left, *b = right;
    int64_t x = a->asleep + a->hog + a->starved, y = b->asleep + b->hog + b->starved;
    return (x < y) - (x > y);
}

static void put_cost(FILE *f, const struct cost *cost)
{
    fprintf(f, "<tr><td>");
    if (cost->callback) {
        fprintf(f, "<button class=pick title=\"show its places\">");
        html_text(f, cost->callback);
        fprintf(f, "</button>");
    } else {
        fprintf(f, "<span class=soft>not known</span>");
    }
    fprintf(f, "</td><td class=\"num less\">%d</td><td class=num>%" PRIu64 "</td>", cost->places, cost->count);
    put_number(f, "", cost->asleep);
    put_number(f, "", cost->hog);
    put_number(f, "less", cost->starved);
    put_number(f, "", cost->longest);
    fprintf(f, "</tr>\n");
}

int html_callbacks(FILE *f, const struct findings *findings)
{
    if (findings->site_count == 0)
        return 0;
    int count = 0;
    struct cost *costs = calloc((size_t)findings->site_count, sizeof *costs);
    if (!costs)
        return -ENOMEM;
    for (int i = 0; i < findings->site_count; i++)
        cost_add(cost_of(costs, &count, findings->sites[i].callback), &findings->sites[i]);
    qsort(costs, (size_t)count, sizeof *costs, by_cost);
    fprintf(f, "<h2 id=callbacks>By callback</h2>\n<table id=costs class=card><thead><tr><th>what the loop had called</th>"
               "<th class=\"num less\">places</th><th class=num>count</th><th class=num>asleep</th>"
               "<th class=num>own processor</th>"
               "<th class=\"num less\">starved</th><th class=num>longest</th></tr></thead><tbody>\n");
    for (int i = 0; i < count; i++)
        put_cost(f, &costs[i]);
    fprintf(f, "</tbody></table>\n");
    free(costs);
    return 0;
}
