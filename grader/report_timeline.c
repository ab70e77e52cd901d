/* report_timeline.c - a history as a picture: see report_html.h.
 *
 * Virtual time stands still while something happens and jumps when nothing does. A true scale would be empty
 * stretches between heaps; so each instant that has something gets a column, and the jumps between them are written
 * out. */
#include <inttypes.h>
#include <string.h>

#include "grader/report_html.h"
#include "grader/report_text.h"

enum { LANES = 3, BANDS = 14, STACK = 6, PILL_TEXT = 34 };
enum { LEFT = 92, TOP = 36, ROW = 25, LANE_PAD = 8, JUMP = 70, END = 74 };

struct pill {
    int number;
    char text[PILL_TEXT * 4 + 4];
};

struct band {                       /* an instant */
    int64_t at;
    struct pill pills[LANES][STACK];
    int count[LANES];               /* also those that found no place */
    int width, x;
};

struct timeline {
    struct band bands[BANDS];       /* the last ones */
    int count, rows[LANES];
    bool earlier;                   /* there were more before them */
};

/* -1: not shown. Of the calls, those that wait are. */
static int lane_of(const struct line *l)
{
    switch (l->kind) {
    case ENTRY_STEP:
        return l->title ? -1 : 0;
    case ENTRY_EVENT:
        return 1;
    case ENTRY_CALL:
        return strncmp(l->text, "epoll_wait", 10) == 0 || strncmp(l->text, "poll", 4) == 0 ? 2 : -1;
    default:
        return -1;
    }
}

static void shorten(char *out, size_t size, const char *text)
{
    char clean[CLEAN_ROOM(512)];
    text_clean(clean, sizeof clean, text);
    size_t end = strlen(clean);
    bool cut = text_columns(clean, end) > PILL_TEXT;
    while (cut && text_columns(clean, end) >= PILL_TEXT)
        end--;
    while (cut && end > 0 && ((unsigned char)clean[end] & 0xc0) == 0x80)
        end--;
    snprintf(out, size, "%.*s%s", (int)end, clean, cut ? "\xe2\x80\xa6" : "");
}

static struct band *band_at(struct timeline *t, int64_t at)
{
    if (t->count > 0 && (at < 0 || t->bands[t->count - 1].at == at))
        return &t->bands[t->count - 1];
    if (t->count == BANDS) {
        memmove(&t->bands[0], &t->bands[1], sizeof t->bands[0] * (BANDS - 1));
        t->earlier = true;
        t->count--;
    }
    struct band *b = &t->bands[t->count++];
    *b = (struct band){ .at = at < 0 ? 0 : at };
    return b;
}

static void collect(struct timeline *t, const struct history *h)
{
    struct lines lines = { .history = h };
    struct line l;
    while (lines_next(&lines, &l)) {
        int lane = lane_of(&l);
        if (lane < 0)
            continue;
        struct band *b = band_at(t, l.at);
        if (b->count[lane] < STACK) {
            struct pill *p = &b->pills[lane][b->count[lane]];
            p->number = l.number;
            shorten(p->text, sizeof p->text, l.text);
        }
        b->count[lane]++;
    }
}

static int pill_width(const struct pill *p)
{
    return (int)(text_columns(p->text, strlen(p->text)) * 67 / 10) + (p->number ? 40 : 16);
}

static int lay_out(struct timeline *t)
{
    int x = LEFT;
    for (int i = 0; i < t->count; i++) {
        struct band *b = &t->bands[i];
        b->width = 64;
        b->x = x;
        for (int lane = 0; lane < LANES; lane++) {
            int rows = b->count[lane] > STACK ? STACK + 1 : b->count[lane];
            t->rows[lane] = rows > t->rows[lane] ? rows : t->rows[lane];
            for (int p = 0; p < b->count[lane] && p < STACK; p++)
                b->width = pill_width(&b->pills[lane][p]) > b->width ? pill_width(&b->pills[lane][p]) : b->width;
        }
        x += b->width + (i + 1 < t->count ? JUMP : 0);
    }
    for (int lane = 0; lane < LANES; lane++)
        t->rows[lane] = t->rows[lane] ? t->rows[lane] : 1;
    return x + END;
}

static int lane_y(const struct timeline *t, int lane)
{
    int y = TOP;
    for (int i = 0; i < lane; i++)
        y += t->rows[i] * ROW + LANE_PAD;
    return y;
}

static void draw_lanes(FILE *f, const struct timeline *t)
{
    static const char *const names[] = { "the judge", "your code", "the kernel" };
    static const char *const does[] = { "orders", "calls back", "waits" };
    for (int lane = 0; lane < LANES; lane++) {
        int y = lane_y(t, lane), height = t->rows[lane] * ROW + LANE_PAD;
        if (lane % 2 == 0)
            fprintf(f, "<rect class=even x=0 y=%d width=\"100%%\" height=%d />", y, height);
        fprintf(f, "<text class=lane x=14 y=%d>%s</text>", y + 16, names[lane]);
        if (t->rows[lane] > 1)
            fprintf(f, "<text class=axis x=14 y=%d>%s</text>", y + 32, does[lane]);
    }
}

static void draw_lane_of(FILE *f, const struct timeline *t, const struct band *b, int lane)
{
    int y = lane_y(t, lane) + LANE_PAD / 2;
    for (int p = 0; p < b->count[lane] && p < STACK; p++, y += ROW) {
        const struct pill *pill = &b->pills[lane][p];
        fprintf(f, "<rect class=\"pill l%d\" x=%d y=%d width=%d height=%d />", lane, b->x, y + 2, pill_width(pill),
                ROW - 4);
        if (pill->number)
            fprintf(f, "<text class=n x=%d y=%d>%d</text>", b->x + 8, y + 16, pill->number);
        fprintf(f, "<text x=%d y=%d>", b->x + (pill->number ? 32 : 8), y + 16);
        html_text(f, pill->text);
        fprintf(f, "</text>");
    }
    if (b->count[lane] > STACK)
        fprintf(f, "<text class=axis x=%d y=%d>and %d more</text>", b->x + 8, y + 16, b->count[lane] - STACK);
}

static void draw_band(FILE *f, const struct timeline *t, const struct band *b, int bottom)
{
    char time[48];
    text_time(time, sizeof time, b->at);
    fprintf(f, "<line class=rule x1=%d x2=%d y1=%d y2=%d />", b->x - 6, b->x - 6, TOP - 8, bottom);
    fprintf(f, "<text class=axis x=%d y=%d>%s</text>", b->x, TOP - 14, time);
    for (int lane = 0; lane < LANES; lane++)
        draw_lane_of(f, t, b, lane);
    if (b + 1 == t->bands + t->count)
        return;
    int from = b->x + b->width, middle = lane_y(t, 2) + (ROW + LANE_PAD) / 2;
    text_time(time, sizeof time, b[1].at - b->at);
    fprintf(f, "<line class=gap x1=%d x2=%d y1=%d y2=%d />", from + 2, from + JUMP - 8, middle, middle);
    fprintf(f, "<text class=jump x=%d y=%d>+%s</text>", from + JUMP / 2 - 3, middle - 5, time);
}

void html_timeline(FILE *f, const struct history *h)
{
    struct timeline t = {0};
    collect(&t, h);
    if (t.count == 0)
        return;
    int width = lay_out(&t), bottom = lane_y(&t, LANES), end = width - END + 6;
    fprintf(f, "<h3>Virtual time%s</h3>", t.earlier ? ", its last instants" : "");
    fprintf(f, "<div class=timeline tabindex=0><svg role=img aria-label=\"timeline of the history below\" width=%d "
               "height=%d>", width, bottom + 6);
    draw_lanes(f, &t);
    for (int i = 0; i < t.count; i++)
        draw_band(f, &t, &t.bands[i], bottom);
    fprintf(f, "<line class=end x1=%d x2=%d y1=%d y2=%d />", end, end, TOP - 8, bottom);
    fprintf(f, "<text class=\"endword\" x=%d y=%d>fails</text></svg></div>\n", end + 6, TOP - 14);
}
