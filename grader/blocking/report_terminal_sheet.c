/* report_terminal_sheet.c - inks, columns and line ends: see report_terminal_inside.h.
 *
 * Trap: a name of ten thousand letters. Text is cut to what a screen can hold before it is looked at. */
#include <stdarg.h>
#include <string.h>

#include "grader/blocking/report_terminal_inside.h"
#include "grader/text_clean.h"

enum { LONGEST = 1024 };

static void ink_take(struct sheet *s, enum ink ink)
{
    static const char *const codes[] = { "", "\033[1m", "\033[2m", "\033[1;31m", "\033[33m", "\033[36m", "\033[32m" };
    if (s->colour && s->ink != ink)
        fprintf(s->f, "%s%s", s->ink == PLAIN ? "" : "\033[0m", codes[ink]);
    s->ink = ink;
}

/* Clean text, as it is. */
static void put_clean(struct sheet *s, enum ink ink, const char *text, size_t len)
{
    if (len > 0)
        ink_take(s, ink);
    fprintf(s->f, "%.*s", (int)len, text);
    s->at += text_columns(text, len);
}

/* On one line. */
static void clean(char *out, size_t size, const char *text)
{
    text_clean(out, size, text);
    for (char *end = strchr(out, '\n'); end; end = strchr(end, '\n'))
        *end = ' ';
}

void sheet_put(struct sheet *s, enum ink ink, const char *format, ...)
{
    char text[LONGEST], out[CLEAN_ROOM(LONGEST)];
    va_list rest;
    va_start(rest, format);
    vsnprintf(text, sizeof text, format, rest);
    va_end(rest);
    clean(out, sizeof out, text);
    put_clean(s, ink, out, strlen(out));
}

/* How many bytes the first so many characters take. */
static size_t columns_end(const char *text, size_t columns)
{
    size_t len = 0;
    for (; text[len] && columns > 0; columns--)
        do
            len++;
        while ((text[len] & 0xc0) == 0x80);
    return len;
}

void sheet_put_cut(struct sheet *s, enum ink ink, const char *text)
{
    char out[CLEAN_ROOM(LONGEST)];
    clean(out, sizeof out, text);
    size_t room = s->width > s->at ? s->width - s->at : 0, columns = text_columns(out, strlen(out));
    if (columns <= room) {
        put_clean(s, ink, out, strlen(out));
        return;
    }
    put_clean(s, ink, out, columns_end(out, room > 3 ? room - 3 : 0));
    put_clean(s, DIM, "...", 3);
}

void sheet_put_tail(struct sheet *s, enum ink ink, const char *text)
{
    char out[CLEAN_ROOM(LONGEST)];
    clean(out, sizeof out, text);
    size_t room = s->width > s->at ? s->width - s->at : 0, columns = text_columns(out, strlen(out)), from = 0;
    if (columns > room) {
        put_clean(s, DIM, "...", 3);
        from = columns_end(out, columns - (room > 3 ? room - 3 : 0));
    }
    put_clean(s, ink, out + from, strlen(out + from));
}

/* A word that is longer than a line is broken where that ends. */
static void put_word(struct sheet *s, enum ink ink, size_t indent, const char *word, size_t len)
{
    while (s->at + text_columns(word, len) > s->width) {
        size_t part = columns_end(word, s->width > s->at ? s->width - s->at : 0);
        put_clean(s, ink, word, part);
        word += part;
        len -= part;
        sheet_end(s);
        sheet_tab(s, indent);
    }
    put_clean(s, ink, word, len);
}

void sheet_put_wrapped(struct sheet *s, enum ink ink, size_t indent, const char *text)
{
    char out[CLEAN_ROOM(LONGEST)];
    clean(out, sizeof out, text);
    for (const char *at = out; *at;) {
        size_t blanks = strspn(at, " "), len = strcspn(at + blanks, " "), columns = text_columns(at + blanks, len);
        if (s->at > indent && s->at + blanks + columns > s->width) {
            sheet_end(s);
            sheet_tab(s, indent);
            at += blanks;
            blanks = 0;
        }
        put_clean(s, ink, at, blanks);
        put_word(s, ink, indent, at + blanks, len);
        at += blanks + len;
    }
}

void sheet_tab(struct sheet *s, size_t column)
{
    size_t blanks = column > s->at ? column - s->at : s->at > 0;
    ink_take(s, PLAIN);
    fprintf(s->f, "%*s", (int)blanks, "");
    s->at += blanks;
}

void sheet_end(struct sheet *s)
{
    ink_take(s, PLAIN);
    fputc('\n', s->f);
    s->at = 0;
}
