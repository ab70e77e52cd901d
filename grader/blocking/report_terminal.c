/* report_terminal.c - the findings for people: the account of each loop, then what held it up, by cost.
 *
 * Trap: a prefork server has a loop a core and a build a hundred: the dearest are told one by one, all in a sum at the end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/blocking/report_terminal_inside.h"
#include "grader/blocking/report_words.h"
#include "grader/blocking/reports.h"

enum { LOOPS = 8, SITES = 30, NARROWEST = 60, WIDEST = 160 };

/* ---- loops --------------------------------------------------------------------------------------------------------------- */

static const char *tier_says(int tier)
{
    switch (tier) {
    case 3: return "perf's ring of switches: every sleep is seen, and timed by the kernel";
    case 2: return "a tripwire (rseq) before the kernel's count of voluntary switches: every sleep is seen";
    case 1: return "the kernel's count of voluntary switches (getrusage): every sleep is seen";
    default: return "nothing: no tier works here";
    }
}

static void put_account(struct sheet *s, const struct findings *f, const struct loop_account *a, bool tier)
{
    char words[WORDS], count[WORD], over[WORD], longest[WORD], budget[WORD];
    sheet_put(s, BOLD, "loop %d", a->pid);
    if (a->tid != a->pid)
        sheet_put(s, BOLD, "/%d", a->tid);
    snprintf(words, sizeof words, " %.60s: %s iterations, %s over the budget of %s, longest %s%s",
             a->program ? path_base(a->program) : "", words_count(a->iterations, count), words_count(a->over, over),
             words_time(f->budget, budget), words_time(a->longest, longest), a->open ? "; it ended within another one" : "");
    sheet_put_wrapped(s, PLAIN, 2, words);
    sheet_end(s);
    sheet_tab(s, 2);
    sheet_put_wrapped(s, BOLD, 4, words_account(a, words));
    sheet_end(s);
    if (!tier)
        return;
    sheet_tab(s, 2);
    snprintf(words, sizeof words, "tier %s: %s", tier_name(a->tier), tier_says(a->tier));
    sheet_put_wrapped(s, DIM, 4, words);
    sheet_end(s);
}

static int by_cost(const void *left, const void *right)
{
    const struct loop_account *a = *(const struct loop_account *const *)left, *b = *(const struct loop_account *const *)right;
    int64_t first = a->blocked + a->delayed, second = b->blocked + b->delayed;
    if (first != second)
        return first > second ? -1 : 1;
    return a->wall != b->wall ? (a->wall > b->wall ? -1 : 1) : (a > b) - (a < b);
}

static int put_accounts(struct sheet *s, const struct findings *f)
{
    const struct loop_account **loops = calloc((size_t)f->loop_count + 1, sizeof *loops);
    if (!loops)
        return -ENOMEM;
    for (int i = 0; i < f->loop_count; i++)
        loops[i] = &f->loops[i];
    qsort(loops, (size_t)f->loop_count, sizeof *loops, by_cost);
    int shown = f->loop_count <= LOOPS + 1 ? f->loop_count : LOOPS;
    for (int i = 0; i < shown; i++)
        put_account(s, f, loops[i], i + 1 == shown || loops[i + 1]->tier != loops[i]->tier);
    if (shown < f->loop_count) {
        sheet_put(s, BOLD, "and %d other loops, which the sum at the end has", f->loop_count - shown);
        sheet_end(s);
    }
    if (f->loop_count)
        sheet_end(s);
    free(loops);
    return 0;
}

/* ---- what was found ------------------------------------------------------------------------------------------------------ */

/* Nothing was: on what evidence. */
static void put_nothing(struct sheet *s, const struct findings *f)
{
    char words[WORDS], iterations[WORD], sleeps[WORD], together[WORD];
    const struct loop_account all = findings_account(f);
    if (f->loop_count == 0)
        snprintf(words, sizeof words, "no event loop was seen: no thread waited in epoll_wait. If it waits in poll, select or "
                 "io_uring, say --polls; if in a function of its own, say --wait FUNCTION.");
    else if (f->site_count)
        snprintf(words, sizeof words, "nothing new: in %s iterations the kernel counted %s sleeps outside of the loop's wait, %s "
                 "together.", words_count(all.iterations, iterations), words_count(all.sleeps, sleeps),
                 words_time(all.blocked, together));
    else if (all.sleeps == 0)
        snprintf(words, sizeof words, "nothing: in %s iterations the kernel counted no sleep outside of the loop's wait.",
                 words_count(all.iterations, iterations));
    else
        snprintf(words, sizeof words, "nothing long enough to tell: in %s iterations the kernel counted %s sleeps outside of the "
                 "loop's wait, %s together.", words_count(all.iterations, iterations), words_count(all.sleeps, sleeps),
                 words_time(all.blocked, together));
    sheet_put(s, f->loop_count ? GREEN : YELLOW, "%s", f->loop_count ? "found " : "");
    sheet_put_wrapped(s, PLAIN, 2, words);
    sheet_end(s);
}

static void put_left_out(struct sheet *s, const struct findings *f, bool known)
{
    char total[WORD];
    int64_t time = 0;
    int count = 0;
    for (int i = 0; i < f->site_count; i++) {
        const struct site *site = &f->sites[i];
        if (known ? site->is_known && !site->is_suppressed : site->is_suppressed) {
            time += site->total;
            count++;
        }
    }
    if (!count)
        return;
    sheet_put(s, DIM, "%d %s, %s together", count, known ? "known by the baseline" : "suppressed by the file",
              words_time(time, total));
    sheet_end(s);
}

static void put_sites(struct sheet *s, const struct findings *f)
{
    char total[WORD], words[WORDS];
    int number = 0, fresh = findings_new(f);
    int64_t rest = 0;
    for (int i = 0; i < f->site_count; i++) {
        const struct site *site = &f->sites[i];
        if (site->is_suppressed || site->is_known)
            continue;
        if (++number <= SITES)
            sheet_site(s, site, number);
        else
            rest += site->total;
    }
    if (fresh > SITES) {
        snprintf(words, sizeof words, "and %d more places, %s together: --html and --json tell of all", fresh - SITES,
                 words_time(rest, total));
        sheet_put_wrapped(s, BOLD, 2, words);
        sheet_end(s);
    }
    if (fresh == 0)
        put_nothing(s, f);
    put_left_out(s, f, false);
    put_left_out(s, f, true);
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

static void put_head(struct sheet *s, const struct findings *f)
{
    char total[WORD], words[WORDS];
    int fresh = findings_new(f);
    int64_t time = 0;
    for (int i = 0; i < f->site_count; i++)
        time += f->sites[i].is_suppressed || f->sites[i].is_known ? 0 : f->sites[i].total;
    sheet_put(s, BOLD, "blockwatch");
    if (fresh)
        snprintf(words, sizeof words, ": %d place%s held the event loop%s up, for %s in all", fresh, fresh > 1 ? "s" : "",
                 f->loop_count > 1 ? "s" : "", words_time(time, total));
    else
        snprintf(words, sizeof words, ": %s", f->loop_count == 0 ? "no event loop was seen" :
                 f->site_count ? "nothing new held the event loop up" : "nothing held the event loop up");
    sheet_put_wrapped(s, fresh ? RED : BOLD, 2, words);
    sheet_end(s);
    if (f->command) {
        sheet_put_cut(s, DIM, f->command);
        sheet_end(s);
    }
    sheet_end(s);
}

static void put_end(struct sheet *s, const struct findings *f)
{
    char words[WORDS], wall[WORD], used[WORD], calls[WORD], sleeps[WORD];
    const struct loop_account all = findings_account(f);
    for (int i = 0; i < f->note_count; i++) {
        sheet_put(s, DIM, "note  ");
        sheet_put_wrapped(s, PLAIN, 6, f->notes[i]);
        sheet_end(s);
    }
    int64_t lasted = f->ended - f->began, cost = (int64_t)(f->watching_cpu * 1e9);
    double share = lasted > 0 ? 100 * (double)cost / (double)lasted : 0;
    snprintf(words, sizeof words, "watched for %s; watching cost %s of processor time beside it (%.2f %% of a core), and within "
             "it a look at %s calls and %s sleeps", words_time(lasted, wall), words_time(cost, used), share,
             words_count(all.watched, calls), words_count(all.sleeps, sleeps));
    sheet_put_wrapped(s, DIM, 2, words);
    sheet_end(s);
    if (!f->loop_count)
        return;
    sheet_put(s, BOLD, "%s", f->loop_count > 1 ? "all loops: " : "");
    sheet_put_wrapped(s, BOLD, 2, words_account(&all, words));
    sheet_end(s);
}

int blocking_terminal(const struct findings *f, FILE *file, bool colour, int columns)
{
    size_t width = columns < NARROWEST ? NARROWEST : columns > WIDEST ? WIDEST : (size_t)columns;
    struct sheet s = { .f = file, .colour = colour, .width = width };
    if (!getcwd(s.root, sizeof s.root))
        *s.root = 0;
    put_head(&s, f);
    int rc = put_accounts(&s, f);
    put_sites(&s, f);
    put_end(&s, f);
    return rc < 0 ? rc : ferror(file) ? -EIO : 0;
}
