/* report_terminal_site.c - one site on the terminal: what, how often, how long, the line, the stack, what to do instead.
 *
 * The stack begins with the culprit; frames of the program are bright, what belongs to libraries is dim and folded.
 *
 * Trap: forty frames of an interpreter between two that say something. */
#include <string.h>

#include "grader/blocking/report_terminal_inside.h"
#include "grader/blocking/report_words.h"

enum { INDENT = 4, TEXT = 14, PLACE = 24, DEEP = 16, UNFOLDED = 2, BROAD = 120 };

/* ---- the stack ----------------------------------------------------------------------------------------------------------- */

static size_t name_column(const struct sheet *s)
{
    return TEXT + (s->width >= BROAD ? 44 : 30);
}

static const char *path_near(const struct sheet *s, const char *path)
{
    size_t len = strlen(s->root);
    return len > 1 && !strncmp(path, s->root, len) && path[len] == '/' && path[len + 1] ? path + len + 1 : path;
}

/* So many columns are left for what comes behind it. */
static void put_short(struct sheet *s, enum ink ink, const char *text, size_t left)
{
    s->width -= left;
    sheet_put_cut(s, ink, text);
    s->width += left;
}

static void put_frame(struct sheet *s, const struct site *site, int at)
{
    const struct frame *frame = &site->frames[at];
    enum ink ink = at == site->first_own ? BOLD : frame->own ? PLAIN : DIM;
    char place[512];
    sheet_tab(s, TEXT);
    put_short(s, ink, frame_function(frame), PLACE);
    sheet_put(s, DIM, "%s", frame->inlined ? " (inlined)" : "");
    sheet_put(s, PLAIN, "%s", s->at >= name_column(s) ? "  " : "");
    sheet_tab(s, name_column(s));
    if (frame->file)
        snprintf(place, sizeof place, "%.480s:%d", frame->own ? path_near(s, frame->file) : path_base(frame->file), frame->line);
    else
        snprintf(place, sizeof place, "%.480s", frame->module ? path_base(frame->module) : "");
    sheet_put_tail(s, frame->own ? CYAN : DIM, place);
    if (frame->own && frame->source && s->width >= BROAD && s->at + 16 < s->width) {
        sheet_tab(s, s->at + 3);
        sheet_put_cut(s, DIM, frame->source + strspn(frame->source, " \t"));
    }
    sheet_end(s);
}

static void put_folded(struct sheet *s, const struct site *site, int from, int to)
{
    const char *module = site->frames[from].module;
    for (int i = from; i < to && module; i++)
        module = site->frames[i].module && !strcmp(site->frames[i].module, module) ? module : NULL;
    sheet_tab(s, TEXT);
    sheet_put(s, DIM, "... %d more%s%s", to - from, module ? " in " : "", module ? path_base(module) : "");
    sheet_end(s);
}

/* Where the frames end that are nobody's own, from `at` on. */
static int library_end(const struct site *site, int at)
{
    while (at < site->frame_count && !site->frames[at].own)
        at++;
    return at;
}

/* What called the outermost own frame says nothing. */
static int outermost(const struct site *site)
{
    int end = site->frame_count;
    while (end > 0 && !site->frames[end - 1].own)
        end--;
    return end ? end : site->frame_count;
}

static void put_stack(struct sheet *s, const struct site *site)
{
    int lines = 0, count = outermost(site);
    sheet_tab(s, INDENT);
    sheet_put(s, DIM, "stack");
    for (int i = 0; i < count; lines++) {
        int end = library_end(site, i);
        end = end < count ? end : count;
        if (lines >= DEEP) {
            put_folded(s, site, i, count);
            return;
        }
        if (end - i <= UNFOLDED) {
            put_frame(s, site, i++);
            continue;
        }
        if (i == 0)
            put_frame(s, site, i++);
        put_folded(s, site, i, end);
        i = end;
    }
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

static enum ink verdict_ink(enum verdict_kind verdict)
{
    return verdict == BLOCKED || verdict == FAULTS ? RED : verdict == HOG ? YELLOW : BOLD;
}

static void put_cost(struct sheet *s, const struct site *site, int number)
{
    char total[WORD], longest[WORD], p99[WORD], count[WORD], words[WORDS] = "";
    sheet_put(s, DIM, "%3d", number);
    sheet_tab(s, INDENT);
    sheet_put(s, verdict_ink(site->verdict), "%s", verdict_name(site->verdict));
    if (site->verdict != COULD_BLOCK)
        sheet_put(s, BOLD, "  %s", words_time(site->total, total));
    if (site->verdict == COULD_BLOCK)
        snprintf(words, sizeof words, "  %s times, and did not sleep", words_count(site->count, count));
    else if (site->count > 1)
        snprintf(words, sizeof words, " in all, %s times, max %s, p99 %s", words_count(site->count, count),
                 words_time(site->longest, longest), words_time(site->p99, p99));
    sheet_put_wrapped(s, PLAIN, TEXT, words);
    if (site->at_once >= 2 * site->longest && site->at_once > 0) {
        snprintf(words, sizeof words, ", up to %s in one iteration", words_time(site->at_once, longest));
        sheet_put_wrapped(s, BOLD, TEXT, words);
    }
    if (site->suppressed) {
        snprintf(words, sizeof words, " (of those %s only counted)", words_count(site->suppressed, count));
        sheet_put_wrapped(s, DIM, TEXT, words);
    }
    sheet_end(s);
}

static void put_field(struct sheet *s, const char *name, enum ink ink, const char *text)
{
    sheet_tab(s, INDENT);
    sheet_put(s, DIM, "%s", name);
    sheet_tab(s, TEXT);
    sheet_put_wrapped(s, ink, TEXT, text);
    sheet_end(s);
}

/* The file first: what terminals make a link of. */
static void put_place(struct sheet *s, const struct site *site)
{
    const struct frame *frame = site_frame(site);
    char words[WORDS];
    if (!frame || !frame->file) {
        put_field(s, "at", CYAN, words_place(site, words));
        return;
    }
    sheet_tab(s, INDENT);
    sheet_put(s, DIM, "at");
    sheet_tab(s, TEXT);
    snprintf(words, sizeof words, "%.900s:%d", path_near(s, frame->file), frame->line);
    s->width -= PLACE;
    sheet_put_tail(s, CYAN, words);
    s->width += PLACE;
    sheet_put(s, PLAIN, " in ");
    sheet_put_cut(s, PLAIN, frame_function(frame));
    sheet_end(s);
    if (!frame->source)
        return;
    sheet_tab(s, TEXT);
    sheet_put(s, DIM, "| ");
    sheet_put_cut(s, BOLD, frame->source + strspn(frame->source, " \t"));
    sheet_end(s);
}

void sheet_site(struct sheet *s, const struct site *site, int number)
{
    char words[WORDS];
    const struct frame *frame = site_frame(site);
    put_cost(s, site, number);
    put_field(s, site->verdict == STARVED ? "why" : "in", PLAIN, words_what(site, words));
    if (frame || site->callback)
        put_place(s, site);
    if (site->frame_count > 1)
        put_stack(s, site);
    size_t named = frame ? strlen(frame_function(frame)) : 0;
    if (site->callback && frame && (strncmp(site->callback, frame_function(frame), named) || site->callback[named] != ' '))
        put_field(s, "callback", PLAIN, site->callback);
    if (site->advice)
        put_field(s, "instead", GREEN, site->advice);
    sheet_end(s);
}
