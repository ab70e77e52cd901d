/* report_page.c - a stranger's words in a page: see report_page.h.
 *
 * The trap it exists for: a name that is markup where it is written. */
#include "grader/report_page.h"

#include <stdbool.h>
#include <string.h>

#include "grader/text_clean.h"

static void put_escaped(FILE *f, char c)
{
    switch (c) {
    case '<': fputs("&lt;", f); break;
    case '>': fputs("&gt;", f); break;
    case '&': fputs("&amp;", f); break;
    case '"': fputs("&quot;", f); break;
    case '\'': fputs("&#39;", f); break;
    default: fputc(c, f);
    }
}

void html_text(FILE *f, const char *text)
{
    char clean[CLEAN_ROOM(4096)];
    text_clean(clean, sizeof clean, text);
    for (const char *c = clean; *c; c++)
        put_escaped(f, *c);
}

void html_prose(FILE *f, const char *text)
{
    char clean[CLEAN_ROOM(4096)];
    bool code = false;
    text_clean(clean, sizeof clean, text);
    for (const char *c = clean; *c; c++) {
        if (*c != '`' || (!code && !strchr(c + 1, '`'))) {
            put_escaped(f, *c);
            continue;
        }
        fputs(code ? "</code>" : "<code>", f);
        code = !code;
    }
}
