/* picture.c - the results as one picture: how much of its target each figure uses, with its quartiles.
 *
 * Figures of different units share an axis: each is divided by its target, or, where there is none, drawn against its peer in
 * a second group. A bar that stays left of the line is good. */
#include "loop/bench/bench.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 960, LEFT = 270, RIGHT = 150, ROW = 30, TOP = 92, GAP = 58, AXIS = WIDTH - LEFT - RIGHT };

static const double most = 1.4;             /* where the axis ends; longer bars are cut */

static const char *const style =
    "text{font:13px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#1f2933}"
    ".title{font-size:19px;font-weight:600}.quiet{fill:#66727f;font-size:12px}.group{font-weight:600}"
    ".met{fill:#2f7d6b}.missed{fill:#c0492f}.information{fill:#7f93a8}.track{fill:#f0f2f4}"
    ".line{stroke:#1f2933;stroke-width:1.5;stroke-dasharray:4 3}.whisker{stroke:#1f2933;stroke-width:1.5;opacity:.75}";

/* What is 1 on the axis. */
static double whole(const struct result *r)
{
    return r->bench->target > 0 ? r->bench->target : 1;
}

/* A figure without a target and without a peer has nothing to be drawn against. */
static bool drawable(const struct result *r, bool with_target)
{
    return r->verdict != NOT_RUN && (r->bench->target > 0) == with_target && (with_target || r->bench->peer);
}

static double x_of(double share)
{
    return LEFT + AXIS * (share < most ? share : most) / most;
}

static void draw_row(FILE *f, const struct result *r, int y)
{
    double one = whole(r), low = x_of(r->judged.low / one), high = x_of(r->judged.high / one);
    const char *class = r->verdict == MET ? "met" : r->verdict == MISSED ? "missed" : "information";
    char figure[32], target[32];
    report_figure(r->judged.median, r->bench->unit, figure, sizeof figure);
    report_figure(r->bench->target, r->bench->unit, target, sizeof target);
    fprintf(f, "<g><title>%s</title>\n", r->bench->what);
    fprintf(f, "<text x='%d' y='%d' text-anchor='end'>%s</text>\n", LEFT - 12, y + 14, r->bench->name);
    fprintf(f, "<rect class='track' x='%d' y='%d' width='%d' height='20' rx='2'/>\n", LEFT, y, AXIS);
    fprintf(f, "<rect class='%s' x='%d' y='%d' width='%.1f' height='20' rx='2'/>\n", class, LEFT, y,
            x_of(r->judged.median / one) - LEFT);
    if (high - low >= 2)
        fprintf(f, "<path class='whisker' d='M%.1f %dH%.1fM%.1f %dv8M%.1f %dv8'/>\n", low, y + 10, high, low, y + 6, high, y + 6);
    fprintf(f, "<text x='%d' y='%d'>%s<tspan class='quiet'>%s%s</tspan></text></g>\n", LEFT + AXIS + 12, y + 14, figure,
            r->bench->target > 0 ? " of " : "", r->bench->target > 0 ? target : "");
}

/* Draws one group from `y` on, and returns where it ends. */
static int draw_group(FILE *f, const struct result *results, size_t count, bool with_target, int y)
{
    int first = y;
    for (size_t i = 0; i < count; i++)
        if (drawable(&results[i], with_target)) {
            draw_row(f, &results[i], y);
            y += ROW;
        }
    if (y == first)
        return y;
    fprintf(f, "<path class='line' d='M%.1f %dV%d'/>\n", x_of(1), first - 8, y - 2);
    fprintf(f, "<text class='quiet' x='%.1f' y='%d' text-anchor='middle'>%s</text>\n", x_of(1), first - 13,
            with_target ? "target" : "the peer");
    fprintf(f, "<text class='group' x='%d' y='%d' text-anchor='end'>%s</text>\n", LEFT - 12, first - 13,
            with_target ? "With a target" : "For information");
    return y;
}

static int count_rows(const struct result *results, size_t count)
{
    int rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += drawable(&results[i], true) || drawable(&results[i], false);
    return rows;
}

int picture_write(const struct result *results, size_t count, const char *path)
{
    int height = TOP + GAP + count_rows(results, count) * ROW + 40;
    FILE *f = fopen(path, "w");
    if (!f)
        return -1;
    fprintf(f, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d'>\n<style>%s</style>\n", WIDTH,
            height, WIDTH, height, style);
    fprintf(f, "<rect width='%d' height='%d' fill='#fff'/>\n", WIDTH, height);
    fputs("<text class='title' x='24' y='34'>What it costs</text>\n", f);
    fputs("<text class='quiet' x='24' y='54'>CPU, or as named; shorter is better; whiskers are quartiles</text>\n", f);
    int y = draw_group(f, results, count, true, TOP + 4);
    y = draw_group(f, results, count, false, y + GAP - 16);
    fprintf(f, "<text class='quiet' x='24' y='%d'>make bench; docs/benchmarks.md says how it is measured</text>\n", y + 22);
    fputs("</svg>\n", f);
    return fclose(f) == 0 ? 0 : -1;
}
