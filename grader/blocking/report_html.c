/* report_html.c - what was found as one page that needs nothing else: no network, no other file; without its script it can still
 * be read.
 *
 * The trap it exists for: what a watched program calls itself, its files and its functions is a stranger's text. It is escaped
 * wherever it is written, and the page forbids itself to load anything. */
#include "grader/blocking/report_html.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grader/blocking/report_words.h"
#include "grader/blocking/reports.h"
#include "grader/report_page.h"

enum { LOOPS_SHOWN = 12 };

/* ---- small things ------------------------------------------------------------------------------------------------------ */

void html_place(char *text, size_t size, const struct frame *frame)
{
    *text = 0;
    if (frame && frame->file && frame->line > 0)
        snprintf(text, size, "%s:%d", path_base(frame->file), frame->line);
    else if (frame && (frame->file || frame->module))
        snprintf(text, size, "%s", path_base(frame->file ? frame->file : frame->module));
}

const char *html_verdict(enum verdict_kind verdict)
{
    static const char *const classes[] = { "blocked", "hog", "starved", "faults", "could" };
    return classes[verdict];
}

void html_element(FILE *f, const char *tag, const char *text)
{
    fprintf(f, "<%s>", tag);
    html_text(f, text);
    fprintf(f, "</%.*s>", (int)strcspn(tag, " "), tag);
}

static void put_fact(FILE *f, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void put_fact(FILE *f, const char *name, const char *format, ...)
{
    char text[256];
    va_list rest;
    va_start(rest, format);
    vsnprintf(text, sizeof text, format, rest);
    va_end(rest);
    fprintf(f, "<div>");
    html_element(f, "dt", name);
    html_element(f, "dd", text);
    fprintf(f, "</div>");
}

static struct loop_account account_of_all(const struct findings *findings)
{
    struct loop_account all = {0};
    for (int i = 0; i < findings->loop_count; i++) {
        const struct loop_account *a = &findings->loops[i];
        all.iterations += a->iterations;
        all.wall += a->wall;
        all.cpu += a->cpu;
        all.delayed += a->delayed;
        all.blocked += a->blocked;
        all.attributed += a->attributed;
        all.waited += a->waited;
        all.sleeps += a->sleeps;
        all.watched += a->watched;
        all.over += a->over;
        all.longest = a->longest > all.longest ? a->longest : all.longest;
    }
    return all;
}

/* ---- the head ---------------------------------------------------------------------------------------------------------- */

static void put_ring(FILE *f, const struct loop_account *all)
{
    double round = 2 * 3.14159265 * 54, part = all->wall > 0 ? (double)all->blocked / (double)all->wall : 0;
    fprintf(f, "<svg class=ring viewBox=\"0 0 132 132\" role=img aria-label=\"%.0f %% of the time outside of the selector was "
               "asleep\"><circle class=track cx=66 cy=66 r=54 fill=none stroke-width=12 />"
               "<circle class=\"arc%s\" cx=66 cy=66 r=54 fill=none stroke-width=12 stroke-dasharray=\"%.1f %.1f\" "
               "transform=\"rotate(-90 66 66)\" /><text x=66 y=72>%.0f%%</text><text class=of x=66 y=91>blocked</text></svg>\n",
            100 * part, part > 0 ? "" : " none", part * round, round, 100 * part);
}

static void put_title(FILE *f, const struct findings *findings, const char *tag)
{
    int count = findings_new(findings);
    const char *loops = findings->loop_count > 1 ? "loops" : "loop";
    fprintf(f, "<%s>", tag);
    if (findings->loop_count == 0)
        fprintf(f, "No event loop was seen");
    else if (count == 0)
        fprintf(f, "Nothing held the %s up", loops);
    else if (count == 1)
        fprintf(f, "One place held the %s up", loops);
    else
        fprintf(f, "%d places held the %s up", count, loops);
    fprintf(f, "</%s>\n", tag);
}

static void put_header(FILE *f, const struct findings *findings, const struct loop_account *all)
{
    char text[WORD], longest[WORD];
    fprintf(f, "<header class=card><div><div class=brand>eddy &middot; blockwatch</div>");
    put_title(f, findings, "h1");
    html_element(f, "code class=soft", findings->command ? findings->command : "");
    fprintf(f, "<dl class=facts>");
    put_fact(f, "blocked", "%s", words_time(all->blocked, text));
    put_fact(f, "longest iteration", "%s", words_time(all->longest, longest));
    put_fact(f, "over the budget", "%s of %s iterations", words_count(all->over, text), words_count(all->iterations, longest));
    put_fact(f, "loops", "%d", findings->loop_count);
    put_fact(f, "watched for", "%s", words_time(findings->ended - findings->began, text));
    fprintf(f, "</dl></div>");
    put_ring(f, all);
    fprintf(f, "</header>\n");
}

/* As wide as what each cost. */
static void put_strip(FILE *f, const struct findings *findings)
{
    char text[WORD], place[256];
    int64_t total = 0;
    for (int i = 0; i < findings->site_count; i++)
        total += findings->sites[i].total;
    fprintf(f, "<nav class=strip aria-label=\"the places, as wide as their cost\">");
    for (int i = 0; i < findings->site_count && i < 40; i++) {
        const struct site *s = &findings->sites[i];
        if (s->total * 400 < total || total == 0)
            continue;
        html_place(place, sizeof place, site_frame(s));
        fprintf(f, "<a class=%s style=\"flex-grow:%.4f\" href=\"#site-%d\" title=\"", html_verdict(s->verdict),
                100.0 * (double)s->total / (double)total, i);
        html_text(f, s->what ? s->what : "");
        fprintf(f, " %s ", words_time(s->total, text));
        html_text(f, place);
        fprintf(f, "\">");
        html_text(f, s->verdict == BLOCKED && s->what ? s->what : verdict_name(s->verdict));
        fprintf(f, "</a>");
    }
    fprintf(f, "</nav>\n");
}

static void put_banner(FILE *f, const char *class, const char *head, const char *text)
{
    fprintf(f, "<div class=\"card banner %s\">", class);
    html_element(f, "strong", head);
    html_text(f, text);
    fprintf(f, "</div>\n");
}

static void put_banners(FILE *f, const struct findings *findings, const struct loop_account *all)
{
    char text[512];
    char iterations[WORD], sleeps[WORD], over[WORD];
    snprintf(text, sizeof text, "%s records found no room in the journal. What they tell of is in the accounts, and not in the "
             "list of places.", words_count(findings->dropped, over));
    if (findings->dropped > 0)
        put_banner(f, "warn", "Not all of it could be told", text);
    if (findings->loop_count == 0)
        put_banner(f, "warn", "There was nothing to judge", "No thread of the program waited in epoll. If its loop waits in poll "
                   "or select, say --polls; if it waits in a function of its own, say --wait FUNCTION.");
    snprintf(text, sizeof text, "In %s iterations the kernel counted %s sleeps outside of the selector, and %s iterations were "
             "over the budget. None of them is a finding: see how it was measured.", words_count(all->iterations, iterations),
             words_count(all->sleeps, sleeps), words_count(all->over, over));
    if (findings->loop_count > 0 && findings->site_count == 0)
        put_banner(f, "good", "No finding", text);
}

/* ---- accounts ------------------------------------------------------------------------------------------------------------ */

static void put_bar(FILE *f, const struct loop_account *a)
{
    char text[WORD];
    const struct { const char *class, *name; int64_t ns; } parts[] = {
        { "cpu", "own processor time", a->cpu },
        { "delayed", "waiting for a processor", a->delayed },
        { "attributed", "asleep in a named call", a->attributed },
        { "unattributed", "asleep elsewhere", a->blocked - a->attributed },
    };
    fprintf(f, "<div class=bar role=img aria-label=\"the account as a bar\">");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].ns > 0)
            fprintf(f, "<span class=%s style=\"flex-grow:%" PRId64 "\" title=\"%s: %s\"></span>", parts[i].class,
                    parts[i].ns / 1000 + 1, parts[i].name, words_time(parts[i].ns, text));
    fprintf(f, "</div><ul class=legend>");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        fprintf(f, "<li><i class=%s></i>%s <b>%s</b> <span class=soft>%.1f %%</span></li>", parts[i].class, parts[i].name,
                words_time(parts[i].ns, text), a->wall > 0 ? 100 * (double)parts[i].ns / (double)a->wall : 0);
    fprintf(f, "</ul>");
}

static void put_account(FILE *f, const struct loop_account *a, int loops)
{
    char words[WORDS], waited[WORD], longest[WORD], iterations[WORD], over[WORD], sleeps[WORD], watched[WORD];
    fprintf(f, "<section class=\"card account\"><div class=who>");
    html_element(f, "strong", loops > 0 ? "All loops" : a->program ? path_base(a->program) : "a program without a name");
    if (loops > 0)
        fprintf(f, "<span class=soft>%d of them</span>", loops);
    else
        fprintf(f, "<span class=soft>pid %d, thread %d</span><span class=\"chip not_graded\">known by: %s</span>", a->pid, a->tid,
                tier_name(a->tier));
    if (a->open)
        fprintf(f, "<span class=\"chip fault\">ended within an iteration</span>");
    fprintf(f, "</div>");
    html_element(f, "code class=sum", words_account(a, words));
    put_bar(f, a);
    fprintf(f, "<p class=\"soft metrics\">%s iterations, the longest %s, %s over the budget; %s sleeps outside of the selector; "
               "%s calls looked at; %s in the selector</p></section>\n", words_count(a->iterations, iterations),
            words_time(a->longest, longest), words_count(a->over, over), words_count(a->sleeps, sleeps),
            words_count(a->watched, watched), words_time(a->waited, waited));
}

static int by_delay(const void *left, const void *right)
{
    const struct loop_account *a = *(const struct loop_account *const *)left, *b = *(const struct loop_account *const *)right;
    int64_t x = a->blocked + a->delayed, y = b->blocked + b->delayed;
    return x != y ? (x < y) - (x > y) : (a > b) - (a < b);
}

/* 0, or -ENOMEM. */
static int put_accounts(FILE *f, const struct findings *findings, const struct loop_account *all)
{
    int count = findings->loop_count;
    if (count == 0)
        return 0;
    const struct loop_account **sorted = calloc((size_t)count, sizeof *sorted);
    if (!sorted)
        return -ENOMEM;
    for (int i = 0; i < count; i++)
        sorted[i] = &findings->loops[i];
    qsort(sorted, (size_t)count, sizeof *sorted, by_delay);
    fprintf(f, "<h2 id=accounts>Where the time went</h2>\n");
    if (count > 1)
        put_account(f, all, count);
    for (int i = 0; i < count; i++) {
        if (i == LOOPS_SHOWN)
            fprintf(f, "<details class=rest><summary>%d loops more</summary>\n", count - i);
        put_account(f, sorted[i], 0);
    }
    if (count > LOOPS_SHOWN)
        fprintf(f, "</details>\n");
    free(sorted);
    return 0;
}

/* ---- pictures: the script fills them -------------------------------------------------------------------------------------- */

static void put_timeline(FILE *f, const struct findings *findings)
{
    if (findings->stretch_count == 0)
        return;
    fprintf(f, "<h2 id=when>When it happened</h2>\n<section class=\"card picture\"><div class=tools>"
               "<span class=soft>Drag to look closer, the wheel or + and - to zoom, arrows to move; a click opens the place."
               "</span><span class=window id=window></span><button class=reset data-for=timeline>reset</button></div>"
               "<div id=timeline tabindex=0 role=img aria-label=\"iterations over the budget and waits, by time\"></div>"
               "<noscript>The timeline is drawn by a script.</noscript>"
               "<ul class=legend><li><i class=iteration></i>iteration over the budget</li>");
    for (int v = BLOCKED; v < COULD_BLOCK; v++)
        fprintf(f, "<li><i class=%s></i>%s</li>", html_verdict((enum verdict_kind)v), verdict_name((enum verdict_kind)v));
    fprintf(f, "</ul></section>\n");
}

static void put_flame(FILE *f, const char *id, const char *title, const char *what)
{
    fprintf(f, "<h2 id=\"%s-title\">%s</h2>\n<section class=\"card picture\"><div class=tools>"
               "<input type=search data-for=%s placeholder=\"Search a function or file\" aria-label=\"search in the stacks\">"
               "<label><input type=checkbox data-for=%s> only its own code</label>"
               "<span class=\"soft match\"></span><button class=reset data-for=%s>reset</button></div>"
               "<div class=flame id=%s tabindex=0 role=img aria-label=\"%s\"></div>"
               "<noscript>The flame graph is drawn by a script.</noscript>"
               "<p class=\"soft metrics\">%s; a box stands on the one that called it. A click looks closer.</p></section>\n",
            id, title, id, id, id, id, title, what);
}

static bool has_verdict(const struct findings *findings, enum verdict_kind a, enum verdict_kind b)
{
    for (int i = 0; i < findings->site_count; i++)
        if (findings->sites[i].verdict == a || findings->sites[i].verdict == b)
            return true;
    return false;
}

static void put_pictures(FILE *f, const struct findings *findings)
{
    put_timeline(f, findings);
    if (has_verdict(findings, BLOCKED, FAULTS))
        put_flame(f, "blocked", "Where it slept", "As wide as the time asleep");
    if (has_verdict(findings, HOG, HOG))
        put_flame(f, "hogs", "Where it kept the processor", "As wide as the processor time of long iterations");
}

/* ---- the end -------------------------------------------------------------------------------------------------------------- */

static void put_notes(FILE *f, const struct findings *findings)
{
    if (findings->note_count == 0)
        return;
    fprintf(f, "<h2 id=notes>Notes</h2>\n<ul class=\"card notes\">");
    for (int i = 0; i < findings->note_count; i++)
        html_element(f, "li", findings->notes[i]);
    fprintf(f, "</ul>\n");
}

static const char *tier_words(int tier)
{
    static const char *const words[] = {
        "nothing: no thread could be watched",
        "the kernel's count of voluntary switches, read around each call that may sleep and once an iteration",
        "the kernel's count of voluntary switches, read whenever an rseq tripwire says that the thread may have slept",
        "the kernel's own records of each switch, with their times",
    };
    return words[tier > 0 && tier < 4 ? tier : 0];
}

static void put_tiers(FILE *f, const struct findings *findings)
{
    for (int tier = 3; tier >= 0; tier--) {
        int count = 0;
        for (int i = 0; i < findings->loop_count; i++)
            count += findings->loops[i].tier == tier;
        if (count == 0)
            continue;
        if (count == findings->loop_count)
            fprintf(f, "<tr><th>%s</th>", count > 1 ? "all loops" : "the loop");
        else
            fprintf(f, "<tr><th>%d of %d loops</th>", count, findings->loop_count);
        fprintf(f, "<td>A sleep is known by %s (tier %s).</td></tr>\n", tier_words(tier), tier_name(tier));
    }
}

static void put_measured(FILE *f, const struct findings *findings)
{
    char text[WORD], date[64];
    time_t now = time(NULL);
    struct tm parts;
    double lasted = (double)(findings->ended - findings->began) / 1e9;
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&now, &parts));
    fprintf(f, "<h2 id=measured>How it was measured</h2>\n<table class=\"card measured\">\n");
    put_tiers(f, findings);
    fprintf(f, "<tr><th>the command</th><td>");
    html_element(f, "code", findings->command ? findings->command : "not known");
    fprintf(f, "</td></tr>\n<tr><th>the budget</th><td>An iteration longer than %s is told of.</td></tr>\n",
            words_time(findings->budget, text));
    fprintf(f, "<tr><th>the cost</th><td>The watcher used %.3f s of a processor in %.3f s (%.2f %% of one). What the watched "
               "threads spent on it is part of their own processor time.</td></tr>\n", findings->watching_cpu, lasted,
            lasted > 0 ? 100 * findings->watching_cpu / lasted : 0);
    fprintf(f, "<tr><th>not told</th><td>%s records.</td></tr>\n", words_count(findings->dropped, text));
    fprintf(f, "<tr><th>written</th><td>%s</td></tr>\n</table>\n", date);
}

static void put_head(FILE *f, const struct findings *findings)
{
    fprintf(f, "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
               "<meta name=viewport content=\"width=device-width,initial-scale=1\">"
               "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'; "
               "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n");
    put_title(f, findings, "title");
    fprintf(f, "<style>%s%s</style></head>\n<body><main>\n", report_style, blocking_style);
}

int blocking_html(const struct findings *findings, FILE *f)
{
    struct loop_account all = account_of_all(findings);
    put_head(f, findings);
    put_header(f, findings, &all);
    put_strip(f, findings);
    put_banners(f, findings, &all);
    int rc = put_accounts(f, findings, &all);
    put_pictures(f, findings);
    html_sites(f, findings);
    if (rc == 0)
        rc = html_callbacks(f, findings);
    put_notes(f, findings);
    put_measured(f, findings);
    fprintf(f, "<footer>Made by eddy, schema blocking %d. Nothing in this page was loaded from anywhere.</footer>\n</main>\n",
            BLOCKING_SCHEMA);
    if (rc == 0)
        rc = html_data(f, findings);
    fprintf(f, "<script>%s</script></body></html>\n", blocking_script);
    return rc < 0 ? rc : ferror(f) ? -EIO : 0;
}
