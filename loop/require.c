/* require.c - how a broken precondition ends the process. See require.h. */
#include "loop/require.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop/log.h"

void require_failed(const char *file, int line, const char *function, const char *sentence, ...)
{
    char text[512];
    va_list args;
    va_start(args, sentence);
    vsnprintf(text, sizeof text, sentence, args);
    va_end(args);
    log_line(LOG_ERROR, "%s:%d: %s: %s", file, line, function, text);
    abort();
}
