/* watch_options.h - blockwatch's command line.
 *
 * The trap it exists for: an option of the program's that is taken for one of ours: ours end at `--` or at the first word that is
 * no option. */
#ifndef EDDY_GRADER_BLOCKING_WATCH_OPTIONS_H
#define EDDY_GRADER_BLOCKING_WATCH_OPTIONS_H

#include "grader/blocking/journal.h"

enum report_kind { REPORT_HTML, REPORT_JSON, REPORT_SARIF, REPORT_FOLDED, REPORT_JUNIT, REPORTS };

struct watch_options {
    struct journal_wishes wishes;
    const char *reports[REPORTS];   /* where they go; NULL: not wanted */
    const char *suppress, *baseline, *write_baseline;
    bool fail, quiet, live;
    int attach;                     /* 0: a command is run */
    int64_t lasts;                  /* ns (--for); 0: until it ends */
    char **command;
    bool help;                      /* asked for; nothing else counts */
};

/* 0, or -EINVAL: `why` is a sentence. The strings stay the caller's. */
int watch_options_read(struct watch_options *, int argc, char **argv, char why[256]);
/* "250us", "1.5ms", "10s", "400ns": ns; -EINVAL: it is none. */
int64_t duration_read(const char *text);
extern const char watch_options_help[];

#endif
