/* sentence.c - what went wrong, in words. See sentence.h for the trap. */
#include "stream/sentence.h"

#include <stdarg.h>
#include <stdio.h>

void sentence_write(struct sentence *s, const char *format, ...)
{
    va_list args;
    if (!s)
        return;
    va_start(args, format);
    vsnprintf(s->text, sizeof s->text, format, args);
    va_end(args);
}
