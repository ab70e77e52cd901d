/* watch.h - one watch, from its beginning to its reports.
 *
 * The trap it exists for: a report that is lost because the program, or whoever reads the report, has gone first. */
#ifndef EDDY_GRADER_BLOCKING_WATCH_H
#define EDDY_GRADER_BLOCKING_WATCH_H

#include "grader/blocking/findings.h"
#include "grader/blocking/watch_options.h"

enum { EXIT_FINDINGS = 3, EXIT_USAGE = 2, EXIT_OURS = 125, EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

/* Runs the command, or attaches; reports. What blockwatch is to exit with. */
int watch_command(const struct watch_options *);
int watch_attach(const struct watch_options *);

/* Marks what is suppressed and known, and writes all reports that are wanted. `status` is passed on, unless something fails: a
 * sentence for each on standard error, and EXIT_OURS; or --fail finds something: EXIT_FINDINGS. */
int watch_report(const struct watch_options *, struct findings *, int status);
/* Whether the files that it will read and write can be: before anything is started. 0, or EXIT_USAGE after a sentence. */
int watch_check_files(const struct watch_options *);

/* A sentence on standard error: "blockwatch: ..." */
void watch_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
int64_t watch_now(void);

#endif
