/* watch_report.c - where the findings go: the terminal, and files for browsers, editors and CI.
 *
 * Traps: (a) standard error may be a pipe that nobody reads any more; that is no reason to lose the files.
 *        (b) a disk without room: a report is there whole or not at all, and the sentence says which is not. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "grader/blocking/gather.h"
#include "grader/blocking/reports.h"
#include "grader/blocking/watch.h"
#include "grader/report_file.h"

int64_t watch_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* In one write, so that nothing of the program's gets in between. */
void watch_say(const char *format, ...)
{
    char text[1024] = "blockwatch: ";
    size_t at = strlen(text);
    va_list rest;
    va_start(rest, format);
    int len = vsnprintf(text + at, sizeof text - at - 1, format, rest);
    va_end(rest);
    at += len < 0 ? 0 : (size_t)len < sizeof text - at - 1 ? (size_t)len : sizeof text - at - 2;
    text[at++] = '\n';
    while (write(STDERR_FILENO, text, at) < 0 && errno == EINTR)
        continue;
}

/* ---- files ------------------------------------------------------------------------------------------------------------- */

static int write_folded(const struct findings *findings, FILE *f)
{
    int rc = blocking_folded(findings, f, false);
    return rc < 0 ? rc : blocking_folded(findings, f, true);
}

static const struct {
    const char *option;
    int (*write)(const struct findings *, FILE *);
} reports[REPORTS] = {
    [REPORT_HTML] = { "html", blocking_html },
    [REPORT_JSON] = { "json", blocking_json_lines },
    [REPORT_SARIF] = { "sarif", blocking_sarif },
    [REPORT_FOLDED] = { "folded", write_folded },
    [REPORT_JUNIT] = { "junit", blocking_junit },
};

/* A device or a pipe cannot be put in place: it is written to. */
static bool is_stream(const char *path)
{
    struct stat stat_of;
    return stat(path, &stat_of) == 0 && !S_ISREG(stat_of.st_mode) && !S_ISDIR(stat_of.st_mode);
}

static int write_stream(const char *path, int kind, const struct findings *findings)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return -errno;
    int rc = reports[kind].write(findings, f);
    errno = EIO;
    if (fflush(f) != 0 && rc == 0)
        rc = -errno;
    fclose(f);
    return rc;
}

static int write_file(const char *path, int kind, const struct findings *findings)
{
    struct report_file file;
    int rc = report_file_open(&file, path);
    if (rc < 0)
        return rc;
    rc = reports[kind].write(findings, file.f);
    errno = EIO;
    if (rc == 0 && fflush(file.f) != 0)
        rc = -errno;
    file.failed = rc;
    return report_file_close(&file);
}

static int write_reports(const struct watch_options *o, const struct findings *findings)
{
    int failed = 0;
    for (int i = 0; i < REPORTS; i++) {
        const char *path = o->reports[i];
        int rc = !path ? 0 : is_stream(path) ? write_stream(path, i, findings) : write_file(path, i, findings);
        if (rc < 0) {
            watch_say("--%s: %s could not be written: %s.", reports[i].option, path, strerror(-rc));
            failed = rc;
        }
    }
    return failed;
}

/* ---- the terminal -------------------------------------------------------------------------------------------------------- */

static int terminal_columns(void)
{
    struct winsize size = {0};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        return size.ws_col;
    return 100;
}

static bool terminal_colour(void)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDERR_FILENO) && !(none && *none) && term && strcmp(term, "dumb");
}

static void write_terminal(const struct findings *findings)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    int rc = f ? blocking_terminal(findings, f, terminal_colour(), terminal_columns()) : -ENOMEM;
    if (f && fclose(f) != 0 && rc == 0)
        rc = -ENOMEM;
    if (rc < 0)
        watch_say("the report could not be made: %s.", strerror(-rc));
    for (size_t at = 0; rc == 0 && at < len;) {
        ssize_t n = write(STDERR_FILENO, text + at, len - at);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            break;
        at += n > 0 ? (size_t)n : 0;
        if (n < 0 && errno == EAGAIN)
            nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    }
    free(text);
}

/* ---- all of it ----------------------------------------------------------------------------------------------------------- */

static int check_readable(const char *option, const char *path)
{
    if (!path || access(path, R_OK) == 0)
        return 0;
    watch_say("--%s: %s cannot be read: %s.", option, path, strerror(errno));
    return EXIT_USAGE;
}

int watch_check_files(const struct watch_options *o)
{
    struct stat stat_of;
    for (int i = 0; i < REPORTS; i++)
        if (o->reports[i] && stat(o->reports[i], &stat_of) == 0 && S_ISDIR(stat_of.st_mode)) {
            watch_say("--%s: %s is a folder: give the name of a file.", reports[i].option, o->reports[i]);
            return EXIT_USAGE;
        }
    int rc = check_readable("suppress", o->suppress);
    return rc ? rc : check_readable("baseline", o->baseline);
}

int watch_report(const struct watch_options *o, struct findings *findings, int status)
{
    char why[256];
    int failed = 0, rc;
    if (o->suppress && suppress_read(findings, o->suppress, why) < 0) {
        watch_say("--suppress: %s: %s", o->suppress, why);
        failed = -EINVAL;
    }
    if (o->baseline && baseline_read(findings, o->baseline, why) < 0) {
        watch_say("--baseline: %s: %s", o->baseline, why);
        failed = -EINVAL;
    }
    if (!o->quiet)
        write_terminal(findings);
    if (o->write_baseline && (rc = baseline_write(findings, o->write_baseline)) < 0) {
        watch_say("--write-baseline: %s could not be written: %s.", o->write_baseline, strerror(-rc));
        failed = rc;
    }
    rc = write_reports(o, findings);
    if (o->fail && findings_fail(findings))
        return EXIT_FINDINGS;
    return failed < 0 || rc < 0 ? EXIT_OURS : status;
}
