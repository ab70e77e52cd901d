/* report_folded.c - stacks as flame graphs want them: `root;outermost;...;innermost microseconds`.
 *
 * Trap: a name with a semicolon, a blank at its end or a line end in it, which would be two frames, or two lines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/reports.h"
#include "grader/text_clean.h"

static void put_name(FILE *file, const char *name)
{
    char text[256], clean[CLEAN_ROOM(256)];
    snprintf(text, sizeof text, "%s", name);
    text_clean(clean, sizeof clean, text);
    fputc(';', file);
    for (const char *c = clean; *c; c++)
        fputc(*c == ';' ? ':' : *c == '\n' ? ' ' : *c, file);
}

static void put_stack(FILE *file, const struct site *site, const struct frame *frames, int count, int64_t time)
{
    fputs(verdict_name(site->verdict), file);
    if (count == 0 && site->callback)
        put_name(file, site->callback);
    for (int i = count - 1; i >= 0; i--)
        put_name(file, frame_function(&frames[i]));
    if (site->what)
        put_name(file, site->verdict == FAULTS ? "page fault" : site->what);
    fprintf(file, " %lld\n", (long long)((time + 999) / 1000));
}

int blocking_folded(const struct findings *f, FILE *file, bool hogs)
{
    for (int i = 0; i < f->site_count; i++) {
        const struct site *site = &f->sites[i];
        bool wanted = hogs ? site->verdict == HOG : site->verdict == BLOCKED || site->verdict == FAULTS;
        if (!wanted)
            continue;
        int64_t rest = site->total;
        for (int k = 0; k < site->sample_count; k++) {
            const struct sample *sample = &site->samples[k];
            put_stack(file, site, sample->frames, sample->frame_count, sample->time);
            rest -= sample->time;
        }
        if (rest >= 1000 || (rest > 0 && !site->sample_count))
            put_stack(file, site, site->frames, site->frame_count, rest);
    }
    return ferror(file) ? -EIO : 0;
}
