/* fetch_progress.c - how far they are: on a terminal a line for each page that is under way, as many as fit, and one for all of
 * them, drawn ten times a second below what is said. The trap it exists for: standard output that is the same terminal; what is
 * drawn is taken away before a line is written, by whomever. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "http/programs/fetch.h"
#include "loop/log.h"
#include "loop/periodic.h"

enum { MOST_ROWS = 10, WIDEST = 160, NAME = 22, BAR = 16 };
#define TICK (100 * MILLISECOND)

static struct progress {
    struct loop *loop;
    bool on;
    int count, done, failed, running, drawn;
    int64_t got, began;
    struct calls rows;
    struct periodic ticks;
} p;

/* ---- numbers for people ---------------------------------------------------------------------------------------------- */

const char *progress_bytes(double n, char out[16])
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    int unit = 0;
    for (; n >= 1000 && unit < 4; unit++)
        n /= 1024;
    snprintf(out, 16, unit && n < 99.95 ? "%.1f %s" : "%.0f %s", n, units[unit]);
    return out;
}

/* "1:05", "2:00:00". Returns out. */
static const char *clock_text(double seconds, char out[16])
{
    int s = seconds < 360000 ? (int)(seconds + 0.5) : 359999;
    if (s >= 3600)
        snprintf(out, 16, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, 16, "%d:%02d", s / 60, s % 60);
    return out;
}

/* ---- lines ----------------------------------------------------------------------------------------------------------- */

static void row_look(struct row *r)
{
    double now = (double)(r->got - r->seen) * SECOND / TICK;
    r->speed = r->seen ? r->speed * 0.8 + now * 0.2 : now;
    r->seen = r->got;
}

/* "[=====>          ]  37 % of 132 MiB", or how much has come where nobody knows how much will. */
static void append_share(char *line, const struct row *r)
{
    char bar[BAR + 1], bytes[16];
    bool known = r->total > 0 && r->got <= r->total;
    int full = known ? (int)(r->got * BAR / r->total) : 0;
    memset(bar, ' ', BAR);
    memset(bar, '=', (size_t)full);
    bar[BAR] = '\0';
    if (known && full < BAR)
        bar[full] = '>';
    if (known)
        log_append(line, WIDEST, "[%s] %3d %% of %8s", bar, (int)(r->got * 100 / r->total),
                   progress_bytes((double)r->total, bytes));
    else
        log_append(line, WIDEST, "%*s", BAR + 19, r->got ? progress_bytes((double)r->got, bytes) : "waiting");
}

static void row_line(const struct row *r, char *line)
{
    char speed[16], left[16];
    size_t len = strlen(r->name);
    line[0] = '\0';
    log_append(line, WIDEST, "%-*s ", NAME, len > NAME ? r->name + len - NAME : r->name);
    append_share(line, r);
    if (r->speed >= 1)
        log_append(line, WIDEST, "  %8s/s", progress_bytes(r->speed, speed));
    if (r->speed >= 1 && r->total > r->got)
        log_append(line, WIDEST, "  %5s", clock_text((double)(r->total - r->got) / r->speed, left));
}

static void sum_line(char *line)
{
    double seconds = (double)(loop_time(p.loop) - p.began) / SECOND;
    char bytes[16], speed[16], spent[16];
    line[0] = '\0';
    log_append(line, WIDEST, "%d of %d", p.done, p.count);
    if (p.failed)
        log_append(line, WIDEST, ", %d failed", p.failed);
    if (p.running)
        log_append(line, WIDEST, ", %d under way", p.running);
    log_append(line, WIDEST, ", %s", progress_bytes((double)p.got, bytes));
    if (seconds > 0.1)
        log_append(line, WIDEST, ", %s/s", progress_bytes((double)p.got / seconds, speed));
    log_append(line, WIDEST, ", %s", clock_text(seconds, spent));
}

/* ---- the terminal ---------------------------------------------------------------------------------------------------- */

static void put_line(const char *line, int columns)
{
    fprintf(stderr, "%.*s\033[K\n", columns - 1, line);
    p.drawn++;
}

static void wipe(void)
{
    if (p.drawn)
        fprintf(stderr, "\033[%dA\r\033[J", p.drawn);
    p.drawn = 0;
}

static void draw(void)
{
    struct winsize is = {0};
    char line[WIDEST];
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &is) == 0 && is.ws_col > 1 && is.ws_row > 2;
    int columns = known ? is.ws_col : 80, most = known && is.ws_row - 2 < MOST_ROWS ? is.ws_row - 2 : MOST_ROWS;
    if (p.drawn)
        fprintf(stderr, "\033[%dA\r", p.drawn);
    p.drawn = 0;
    for (struct call *at = p.rows.head.next; at != &p.rows.head && p.drawn < most; at = at->next) {
        row_line(at->self, line);
        put_line(line, columns);
    }
    if (p.count > 1) {
        sum_line(line);
        put_line(line, columns);
    }
    fprintf(stderr, "\033[J");
    fflush(stderr);
}

static void on_tick(void *self, int what)
{
    (void)self, (void)what;
    for (struct call *at = p.rows.head.next; at != &p.rows.head; at = at->next) {
        struct row *r = at->self;
        p.got += r->got - r->seen;
        row_look(r);
    }
    draw();
}

/* ---- what the others call -------------------------------------------------------------------------------------------- */

void progress_begin(struct loop *loop, int count, bool quiet)
{
    const char *term = getenv("TERM");
    p.loop = loop;
    p.count = count;
    p.began = loop_time(loop);
    calls_init(&p.rows);
    p.on = !quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    if (p.on)
        periodic_start(&p.ticks, loop, TICK, on_tick, NULL);
}

void progress_add(struct row *r)
{
    r->link = (struct call){ .self = r };
    calls_push(&p.rows, &r->link);
    p.running++;
}

void progress_remove(struct row *r, bool well)
{
    call_remove(&r->link);
    p.got += r->got - r->seen;
    p.running--;
    p.done++;
    p.failed += !well;
}

void progress_say(FILE *to, const char *format, ...)
{
    va_list arguments;
    wipe();
    fflush(stderr);
    va_start(arguments, format);
    vfprintf(to, format, arguments);
    va_end(arguments);
    fflush(to);
}

void progress_end(void)
{
    char line[WIDEST];
    wipe();
    if (!p.on)
        return;
    periodic_close(&p.ticks);
    sum_line(line);
    if (p.count > 1)
        fprintf(stderr, "%s\n", line);
    fflush(stderr);
}
