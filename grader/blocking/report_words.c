/* report_words.c - how the reports say a time, a number, a place: see report_words.h.
 *
 * Trap: figures that are rounded one by one do not add up. So the account is rounded to whole units first, and what is left over
 * is the processor's. */
#include "grader/blocking/report_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "grader/text_clean.h"

const char *words_time(int64_t ns, char out[WORD])
{
    if (ns == 0)
        return strcpy(out, "0");
    if (ns < 1000000)
        snprintf(out, WORD, "%.3f us", (double)ns / 1e3);
    else if (ns < 1000000000)
        snprintf(out, WORD, "%.3f ms", (double)ns / 1e6);
    else
        snprintf(out, WORD, "%.3f s", (double)ns / 1e9);
    return out;
}

const char *words_count(uint64_t number, char out[WORD])
{
    char digits[WORD];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, number), at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

const char *words_what(const struct site *site, char out[WORDS])
{
    char text[WORDS / 3];
    const char *what = site->what ? site->what : verdict_name(site->verdict), *asked = site->asked ? site->asked : "";
    if (site->call && site->verdict != HOG)
        snprintf(text, sizeof text, "%s(%s)", what, asked);
    else
        snprintf(text, sizeof text, "%s%s%s", what, *asked ? "; " : "", asked);
    text_clean(out, WORDS, text);
    return out;
}

const char *words_place(const struct site *site, char out[WORDS])
{
    char text[WORDS / 3];
    const struct frame *frame = site_frame(site);
    if (!frame)
        snprintf(text, sizeof text, "%s", site->callback ? site->callback : "no stack was to be had");
    else if (frame->file)
        snprintf(text, sizeof text, "%s at %s:%d", frame_function(frame), frame->file, frame->line);
    else
        snprintf(text, sizeof text, "%s%s%s", frame_function(frame), frame->function && frame->module ? " in " : "",
                 frame->function && frame->module ? path_base(frame->module) : "");
    text_clean(out, WORDS, text);
    return out;
}

/* "49.000 ms at most, 1.035 s in all (30 times)"; of one: "49.000 ms". */
static const char *say_times(const struct site *site, char out[WORDS])
{
    char total[WORD], longest[WORD], count[WORD];
    if (site->count == 1)
        return words_time(site->longest, out);
    snprintf(out, WORDS, "%s at most, %s in all (%s times)", words_time(site->longest, longest), words_time(site->total, total),
             words_count(site->count, count));
    return out;
}

static const char *say_what(const struct site *site, char out[WORDS])
{
    text_clean(out, WORDS, site->what ? site->what : verdict_name(site->verdict));
    return out;
}

/* ", called by handle at srv.py:6". */
static const char *say_caller(const struct site *site, char out[WORDS])
{
    char place[WORDS];
    bool known = site_frame(site) || site->callback;
    snprintf(out, WORDS, known ? ", called by %.300s" : ", and %.300s", words_place(site, place));
    return out;
}

static const char *say_asked(const struct site *site, char out[WORDS])
{
    char text[WORDS / 3];
    snprintf(text, sizeof text, "%s%s", site->asked && *site->asked ? ": " : "", site->asked ? site->asked : "");
    text_clean(out, WORDS, text);
    return out;
}

const char *words_site(const struct site *site, char out[WORDS])
{
    char times[WORDS], what[WORDS], caller[WORDS], asked[WORDS], count[WORD];
    if (site->verdict == STARVED)
        snprintf(out, WORDS, "The event loop was ready and did not run for %.200s%.300s.", say_times(site, times),
                 say_asked(site, asked));
    else if (site->verdict == HOG)
        snprintf(out, WORDS, "The event loop was kept busy for %.200s, in %.100s%.300s%.300s.", say_times(site, times),
                 say_what(site, what), say_caller(site, caller), say_asked(site, asked));
    else if (site->verdict == COULD_BLOCK)
        snprintf(out, WORDS, "The event loop might have slept, and did not, in %.300s%.300s: %s time%s.", words_what(site, what),
                 say_caller(site, caller), words_count(site->count, count), site->count == 1 ? "" : "s");
    else
        snprintf(out, WORDS, "The event loop slept%s for %.200s, in %.300s%.300s.",
                 site->verdict == FAULTS ? " in a page fault" : "", say_times(site, times), words_what(site, what),
                 say_caller(site, caller));
    return out;
}

const char *words_account(const struct loop_account *a, char out[WORDS])
{
    bool seconds = a->wall >= 1000000000;
    int64_t unit = seconds ? 1000000 : 1000;
    int64_t wall = (a->wall + unit / 2) / unit, delayed = a->delayed / unit, blocked = a->blocked / unit;
    int64_t attributed = (a->attributed < a->blocked ? a->attributed : a->blocked) / unit;
    if (a->attributed >= a->blocked)
        attributed = blocked;
    int64_t cpu = wall - delayed - blocked;
    snprintf(out, WORDS, "wall %.3f %s = cpu %.3f + run-delay %.3f + blocked %.3f (%.3f attributed + %.3f unattributed)",
             (double)wall / 1e3, seconds ? "s" : "ms", (double)cpu / 1e3, (double)delayed / 1e3, (double)blocked / 1e3,
             (double)attributed / 1e3, (double)(blocked - attributed) / 1e3);
    return out;
}
