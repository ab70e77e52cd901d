/* serve_options.h - the command line of serve, read.
 *
 * The trap it exists for: an option that is understood otherwise than it was meant shows a folder to everybody. What is not
 * understood to the last letter is refused, with a sentence. */
#ifndef EDDY_HTTP_PROGRAMS_SERVE_OPTIONS_H
#define EDDY_HTTP_PROGRAMS_SERVE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "http/access_log.h"

struct serve_options {
    const char *folder, *address;
    int64_t port, jobs;             /* jobs 0: one a processor */
    bool listing, gzip;
    const char *certificate, *key;  /* NULL: http; a key of NULL is in the certificate's file */
    bool self_signed;
    const char *log;                /* NULL: none; "-": standard output */
    enum access_format format;
};

/* Whether to go on; else *status is what main returns, and the rest is said. All is lent from argv. */
bool serve_options_read(int argc, char **argv, struct serve_options *, int *status);

#endif
