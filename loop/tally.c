/* tally.c - which functions, and how often. See tally.h. */
#include "loop/tally.h"

#include "loop/log.h"

void tally_add(struct tally *t, const void *function)
{
    size_t i = 0;
    t->count++;
    while (i < t->kinds && t->names[i].function != function)
        i++;
    if (i == TALLY_NAMES)
        return;
    if (i == t->kinds) {
        t->names[i].function = function;
        t->names[i].count = 0;
        t->kinds++;
    }
    t->names[i].count++;
}

const char *tally_text(const struct tally *t, char *out, size_t size)
{
    size_t left = t->count;
    char name[64];
    out[0] = '\0';
    for (size_t i = 0; i < t->kinds; i++) {
        log_append(out, (unsigned)size, "%s%s", i ? ", " : " (", log_symbol(t->names[i].function, name, sizeof name));
        if (t->names[i].count > 1)
            log_append(out, (unsigned)size, " %zu times", t->names[i].count);
        left -= t->names[i].count;
    }
    if (left)
        log_append(out, (unsigned)size, ", and %zu others", left);
    if (t->kinds)
        log_append(out, (unsigned)size, ")");
    return out;
}
