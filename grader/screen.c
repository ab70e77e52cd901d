/* screen.c - words for whoever sits before a terminal: see screen.h. */
#include "grader/screen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { NARROWEST = 72, WIDEST = 110, NO_TERMINAL = 100 };

struct screen screen_open(FILE *f, bool colour, bool verbose)
{
    struct winsize size;
    int fd = fileno(f);
    struct screen s = { f, colour, verbose, NO_TERMINAL };
    if (fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        s.width = size.ws_col < NARROWEST ? NARROWEST : size.ws_col > WIDEST ? WIDEST : size.ws_col;
    return s;
}

void put(const struct screen *s, enum ink ink, const char *text)
{
    static const char *const codes[] = { "", "\033[1m", "\033[2m", "\033[32m", "\033[1;31m", "\033[33m" };
    bool inked = s->colour && ink != PLAIN && *text;
    fprintf(s->f, "%s%s%s", inked ? codes[ink] : "", text, inked ? "\033[0m" : "");
}

void put_wrapped(const struct screen *s, size_t at, size_t indent, const char *text)
{
    bool first = true;
    while (*text) {
        size_t len = strcspn(text, " \n"), columns = text_columns(text, len);
        if (!first && len > 0 && at + 1 + columns > s->width) {
            fprintf(s->f, "\n%*s", (int)indent, "");
            at = indent;
            first = true;
        }
        fprintf(s->f, "%s%.*s", first ? "" : " ", (int)len, text);
        at += columns + !first;
        first = false;
        text += len;
        if (*text == '\n' && text[1]) {
            fprintf(s->f, "\n%*s", (int)indent, "");
            at = indent;
            first = true;
        }
        text += *text != 0;
    }
    fputc('\n', s->f);
}

void put_paragraph(const struct screen *s, const char *text)
{
    char clean[CLEAN_ROOM(1024)];
    if (!*text)
        return;
    text_clean(clean, sizeof clean, text);
    fprintf(s->f, "\n  ");
    put_wrapped(s, 2, 2, clean);
}

void put_field(const struct screen *s, enum ink ink, const char *name, const char *text)
{
    char clean[CLEAN_ROOM(1024)];
    if (!*text)
        return;
    text_clean(clean, sizeof clean, text);
    fprintf(s->f, "  ");
    put(s, ink, name);
    fprintf(s->f, "%*s", 10 - (int)strlen(name), "");
    put_wrapped(s, 12, 12, clean);
}

void put_long(const struct screen *s, enum ink ink, const char *head, const char *text)
{
    char clean[CLEAN_ROOM(4096)];
    text_clean(clean, sizeof clean, text);
    fprintf(s->f, "\n  ");
    put(s, ink, head);
    fprintf(s->f, "\n    ");
    put_wrapped(s, 4, 4, clean);
}

void put_item(const struct screen *s, enum ink ink, const struct lab_item *item)
{
    char clean[CLEAN_ROOM(1024)];
    fprintf(s->f, "\n  ");
    put(s, ink, item->id);
    fprintf(s->f, "  ");
    text_clean(clean, sizeof clean, item->title);
    put(s, BOLD, clean);
    fprintf(s->f, "\n      ");
    text_clean(clean, sizeof clean, item->property);
    put_wrapped(s, 6, 6, clean);
}

void put_line(const struct screen *s, const struct line *l)
{
    char clean[CLEAN_ROOM(512)], time[48] = "";
    size_t indent = l->kind == ENTRY_STEP ? 8 : 10;
    text_clean(clean, sizeof clean, l->text);
    if (l->title) {
        fprintf(s->f, "%6s", "");
        put(s, BOLD, clean);
        fputc('\n', s->f);
        return;
    }
    if (l->number)
        fprintf(s->f, "  %4d  ", l->number);
    else
        fprintf(s->f, "%8s", "");
    fprintf(s->f, "%*s", (int)indent - 8, "");
    if (l->kind == ENTRY_EXPECT)
        put(s, GREEN, "as expected: ");
    if (l->at >= 0 && l->kind != ENTRY_STEP) {
        char at[40];
        text_time(at, sizeof at, l->at);
        snprintf(time, sizeof time, "[%s] ", at);
    }
    put(s, DIM, time);
    put_wrapped(s, indent + strlen(time), indent + 2, clean);
}
