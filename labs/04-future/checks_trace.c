/* checks_trace.c - writing and sorting traces. See checks_trace.h. */
#include "labs/04-future/checks_trace.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { WORDS = 512, WORD = 80 };

void trace_add(char trace[TRACE_BYTES], int ms, const char *format, ...)
{
    char text[WORD - 16];
    size_t used = strlen(trace);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (used + WORD < TRACE_BYTES)
        sprintf(trace + used, "%s%s@%d", used ? " " : "", text, ms);
}

const char *rc_text(int rc, char out[24])
{
    const char *error = rc < 0 ? strerrorname_np(-rc) : NULL;
    if (error)
        snprintf(out, 24, "-%s", error);
    else
        snprintf(out, 24, "%d", rc);
    return out;
}

static size_t name_length(const char *word)
{
    return strcspn(word, "=.@ ");
}

/* Whether two events of the same span must change places: by name. */
static bool out_of_order(const char *a, const char *b)
{
    size_t an = name_length(a), bn = name_length(b);
    int by_name = strncmp(a, b, an < bn ? an : bn);
    return by_name > 0 || (by_name == 0 && an > bn);
}

void trace_sort(const char *trace, char out[TRACE_BYTES])
{
    const char *words[WORDS];
    int count = 0, from = 0;
    for (const char *at = trace; *at && count < WORDS; at += strspn(at, " ")) {
        int i = count++;
        if (*at == 'T')
            from = count;
        for (; *at != 'T' && i > from && out_of_order(words[i - 1], at); i--)
            words[i] = words[i - 1];
        words[i] = at;
        at += strcspn(at, " ");
    }
    size_t used = 0;
    for (int i = 0; i < count && used + WORD < TRACE_BYTES; i++)
        used += (size_t)sprintf(out + used, "%s%.*s", used ? " " : "", (int)strcspn(words[i], " "), words[i]);
    out[used] = 0;
}
