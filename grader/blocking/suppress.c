/* suppress.c - what is not wanted, and why, and until when; what is known from an earlier run.
 *
 *     fsync@journal.c     until 2027-03-31  # the write-ahead log, until it has a thread of its own
 *     *@*_PyImport*       until 2027-01-31  # lazy imports at the first request
 *     1f0c...             until 2026-12-31  # by its fingerprint
 *
 * The trap it exists for: a suppression that nobody remembers the reason of, and that hides the next bug as well. So each has a
 * reason and a last day, and says so when that day is over. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grader/blocking/gather.h"
#include "grader/report_file.h"

/* ---- what a pattern means ------------------------------------------------------------------------------------------------ */

static bool text_matches(const char *pattern, const char *text)
{
    return text && (!fnmatch(pattern, text, 0) || !fnmatch(pattern, path_base(text), 0));
}

/* Any frame of the stack: its function, its file or its module. */
static bool stack_matches(const char *pattern, const struct site *site)
{
    for (int i = 0; i < site->frame_count; i++) {
        const struct frame *frame = &site->frames[i];
        if (text_matches(pattern, frame->function) || text_matches(pattern, frame->file) || text_matches(pattern, frame->module))
            return true;
    }
    return text_matches(pattern, site->callback);
}

static bool site_matches(const char *pattern, const struct site *site)
{
    const char *at = strchr(pattern, '@');
    char call[64];
    if (!at)
        return !strcmp(pattern, site->fingerprint) || stack_matches(pattern, site);
    snprintf(call, sizeof call, "%.*s", (int)(at - pattern), pattern);
    return (text_matches(call, site->what) || text_matches(call, verdict_name(site->verdict))) && stack_matches(at + 1, site);
}

/* ---- a line of the file ------------------------------------------------------------------------------------------------- */

struct suppression {
    char pattern[512], until[11], reason[256];
};

static int wrong(char why[256], int line, const char *what)
{
    snprintf(why, 256, "line %d: %s. A line is `pattern  until YYYY-MM-DD  # reason`.", line, what);
    return -EINVAL;
}

static bool is_date(const char *text)
{
    struct tm day = {0}, same;
    const char *end = strlen(text) == 10 ? strptime(text, "%Y-%m-%d", &day) : NULL;
    if (!end || *end)
        return false;
    same = day;
    time_t time = timegm(&same);
    return time != -1 && same.tm_mday == day.tm_mday && same.tm_mon == day.tm_mon;
}

/* 1: read; 0: an empty line or a comment; -EINVAL. */
static int suppression_read(struct suppression *s, char *text, int line, char why[256])
{
    char word[8] = "", rest[2] = "";
    *s = (struct suppression){0};
    text += strspn(text, " \t\r\n");
    if (!*text || *text == '#')
        return 0;
    char *reason = strstr(text, " #");
    if (reason) {
        snprintf(s->reason, sizeof s->reason, "%s", reason + 2 + strspn(reason + 2, " \t"));
        s->reason[strcspn(s->reason, "\r\n")] = 0;
        *reason = 0;
    }
    int fields = sscanf(text, "%511s %7s %10s %1s", s->pattern, word, s->until, rest);
    if (fields < 3 || strcmp(word, "until"))
        return wrong(why, line, "it does not say until when");
    if (!is_date(s->until))
        return wrong(why, line, "there is no such day");
    if (fields > 3)
        return wrong(why, line, "there is something between the day and the reason");
    return *s->reason ? 1 : wrong(why, line, "it does not say why");
}

/* ---- the files ----------------------------------------------------------------------------------------------------------- */

static void note_add(struct findings *f, char *text)
{
    char **notes = text ? realloc(f->notes, ((size_t)f->note_count + 1) * sizeof *notes) : NULL;
    if (!notes) {
        free(text);
        return;
    }
    f->notes = notes;
    f->notes[f->note_count++] = text;
}

static void suppression_apply(struct findings *f, const struct suppression *s, const char *path, int line, const char *today)
{
    char *note = NULL;
    int hits = 0;
    for (int i = 0; i < f->site_count; i++)
        if (site_matches(s->pattern, &f->sites[i])) {
            hits++;
            f->sites[i].is_suppressed |= strcmp(today, s->until) <= 0;
        }
    if (hits && strcmp(today, s->until) > 0 &&
        asprintf(&note, "%s:%d: %s was suppressed until %s (%s): that day is over, so it is told again.", path, line, s->pattern,
                 s->until, s->reason) >= 0)
        note_add(f, note);
}

static int open_file(FILE **file, const char *path, char why[256])
{
    *file = fopen(path, "re");
    if (*file)
        return 0;
    int rc = -errno;
    snprintf(why, 256, "it cannot be read: %s.", strerror(errno));
    return rc;
}

int suppress_read(struct findings *f, const char *path, char why[256])
{
    char today[16], *text = NULL;
    size_t room = 0;
    FILE *file;
    time_t now = time(NULL);
    strftime(today, sizeof today, "%Y-%m-%d", gmtime(&now));
    int rc = open_file(&file, path, why);
    if (rc < 0)
        return rc;
    for (int line = 1; rc >= 0 && getline(&text, &room, file) >= 0; line++) {
        struct suppression s;
        rc = suppression_read(&s, text, line, why);
        if (rc > 0)
            suppression_apply(f, &s, path, line, today);
    }
    free(text);
    fclose(file);
    return rc < 0 ? rc : 0;
}

int baseline_read(struct findings *f, const char *path, char why[256])
{
    char *text = NULL;
    size_t room = 0;
    FILE *file;
    int rc = open_file(&file, path, why);
    if (rc < 0)
        return rc;
    for (int line = 1; rc == 0 && getline(&text, &room, file) >= 0; line++) {
        size_t len = strcspn(text, " \t\r\n");
        text[len] = 0;
        if (!len || *text == '#')
            continue;
        if (len != 32 || strspn(text, "0123456789abcdef") != 32) {
            snprintf(why, 256, "line %d is not a fingerprint: a baseline is what --write-baseline has written.", line);
            rc = -EINVAL;
        }
        for (int i = 0; i < f->site_count; i++)
            f->sites[i].is_known |= !strcmp(f->sites[i].fingerprint, text);
    }
    free(text);
    fclose(file);
    return rc;
}

/* On one line: nothing that a stranger's program says begins another one. */
static void put_line(FILE *file, const char *text)
{
    for (; text && *text; text++)
        fputc((unsigned char)*text < ' ' || *text == 127 ? '?' : *text, file);
}

int baseline_write(const struct findings *f, const char *path)
{
    struct report_file file;
    int rc = report_file_open(&file, path);
    if (rc < 0)
        return rc;
    fprintf(file.f, "# Known: blockwatch --baseline tells of the rest. fingerprint  # verdict what function file\n");
    for (int i = 0; i < f->site_count; i++) {
        const struct site *site = &f->sites[i];
        const struct frame *frame = site_frame(site);
        fprintf(file.f, "%s  # %s ", site->fingerprint, verdict_name(site->verdict));
        put_line(file.f, site->what);
        fputc(' ', file.f);
        put_line(file.f, frame ? frame_function(frame) : site->callback);
        fputc(' ', file.f);
        put_line(file.f, frame && frame->file ? path_base(frame->file) : "");
        fputc('\n', file.f);
    }
    return report_file_close(&file);
}

bool site_fails(const struct findings *f, const struct site *site)
{
    bool over = site->longest > f->budget || site->at_once > f->budget;
    return over && !site->is_suppressed && !site->is_known && site->verdict != STARVED;
}

bool findings_fail(const struct findings *f)
{
    for (int i = 0; i < f->site_count; i++)
        if (site_fails(f, &f->sites[i]))
            return true;
    return false;
}
