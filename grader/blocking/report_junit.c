/* report_junit.c - the findings for CI servers: each loop and each site is a case. What --fail would fail for is a failure; what
 * is suppressed or known is skipped.
 *
 * Trap: XML knows no escape for most control characters, nor for U+FFFE: one of them in a program's name, and nobody reads it. */
#include <errno.h>
#include <string.h>

#include "grader/blocking/gather.h"
#include "grader/blocking/report_words.h"
#include "grader/blocking/reports.h"
#include "grader/text_clean.h"

static void put_xml(FILE *file, const char *text)
{
    char cut[WORDS], clean[CLEAN_ROOM(WORDS)];
    snprintf(cut, sizeof cut, "%s", text);
    text_clean(clean, sizeof clean, cut);
    for (const char *c = clean; *c; c++) {
        static const char special[] = "&<>\"'";
        static const char *const names[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };
        const char *found = strchr(special, *c);
        if (!strncmp(c, "\xef\xbf\xbe", 3) || !strncmp(c, "\xef\xbf\xbf", 3)) {
            fputs("\xef\xbf\xbd", file);
            c += 2;
        } else if (found) {
            fputs(names[found - special], file);
        } else {
            fputc(*c, file);
        }
    }
}

static void put_attribute(FILE *file, const char *name, const char *text)
{
    fprintf(file, " %s=\"", name);
    put_xml(file, text);
    fputc('"', file);
}

/* ---- cases --------------------------------------------------------------------------------------------------------------- */

static void put_loop(FILE *file, const struct loop_account *a)
{
    char words[WORDS];
    snprintf(words, sizeof words, "loop %d/%d %s", a->pid, a->tid, a->program ? path_base(a->program) : "");
    fputs("    <testcase classname=\"blockwatch.loop\"", file);
    put_attribute(file, "name", words);
    fprintf(file, " time=\"%.6f\">\n      <system-out>", (double)a->wall / 1e9);
    put_xml(file, words_account(a, words));
    fputs("</system-out>\n    </testcase>\n", file);
}

static void put_stack(FILE *file, const struct site *site)
{
    for (int i = 0; i < site->frame_count; i++) {
        const struct frame *frame = &site->frames[i];
        char words[WORDS];
        snprintf(words, sizeof words, "    %s  %s:%d\n", frame_function(frame),
                 frame->file ? frame->file : frame->module ? frame->module : "?", frame->line);
        put_xml(file, words);
        if (i == site->first_own && frame->source) {
            snprintf(words, sizeof words, "        %s\n", frame->source + strspn(frame->source, " \t"));
            put_xml(file, words);
        }
    }
    if (site->advice) {
        fputs("instead: ", file);
        put_xml(file, site->advice);
        fputc('\n', file);
    }
}

static void put_site(FILE *file, const struct findings *f, const struct site *site)
{
    char name[WORDS], words[WORDS], place[WORDS];
    const struct frame *frame = site_frame(site);
    bool skipped = site->is_suppressed || site->is_known, fails = site_fails(f, site);
    bool known = site_frame(site) || site->callback;
    snprintf(name, sizeof name, known ? "%.60s in %.200s" : "%.60s", site->what ? site->what : verdict_name(site->verdict),
             words_place(site, place));
    fprintf(file, "    <testcase classname=\"blockwatch.%s\"", verdict_name(site->verdict));
    put_attribute(file, "name", name);
    if (frame && frame->file) {
        put_attribute(file, "file", frame->file);
        fprintf(file, " line=\"%d\"", frame->line);
    }
    fprintf(file, " time=\"%.6f\">\n", (double)site->total / 1e9);
    if (skipped) {
        fputs("      <skipped", file);
        put_attribute(file, "message", site->is_suppressed ? "suppressed" : "known by the baseline");
        fputs("/>\n", file);
    }
    fputs(fails ? "      <failure type=\"" : "      <system-out>", file);
    if (fails) {
        fprintf(file, "%s\"", verdict_name(site->verdict));
        put_attribute(file, "message", words_site(site, words));
        fputc('>', file);
    }
    put_xml(file, words_site(site, words));
    fputc('\n', file);
    put_stack(file, site);
    fputs(fails ? "</failure>\n" : "</system-out>\n", file);
    fputs("    </testcase>\n", file);
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

int blocking_junit(const struct findings *f, FILE *file)
{
    int failures = 0, skipped = 0;
    for (int i = 0; i < f->site_count; i++) {
        failures += site_fails(f, &f->sites[i]);
        skipped += f->sites[i].is_suppressed || f->sites[i].is_known;
    }
    char counts[200];
    snprintf(counts, sizeof counts, "tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"%d\" time=\"%.6f\"",
             f->loop_count + f->site_count, failures, skipped, (double)(f->ended - f->began) / 1e9);
    fprintf(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites %s>\n", counts);
    fputs("  <testsuite name=\"blockwatch", file);
    if (f->command) {
        fputs(": ", file);
        put_xml(file, f->command);
    }
    fprintf(file, "\" %s>\n", counts);
    for (int i = 0; i < f->loop_count; i++)
        put_loop(file, &f->loops[i]);
    for (int i = 0; i < f->site_count; i++)
        put_site(file, f, &f->sites[i]);
    for (int i = 0; i < f->note_count; i++) {
        fputs(i ? "\n" : "    <system-out>", file);
        put_xml(file, f->notes[i]);
    }
    fputs(f->note_count ? "</system-out>\n  </testsuite>\n</testsuites>\n" : "  </testsuite>\n</testsuites>\n", file);
    return ferror(file) ? -EIO : 0;
}
