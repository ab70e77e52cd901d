/* lab_parse.c - lab.ini line by line: see lab_parse.h.
 *
 * inih pulls its lines from `next_piece`, which keeps the count, sees the sections, and hands a long line over in
 * pieces that begin with a space: to inih that is a value that goes on. */
#include "grader/lab_parse.h"

#include <ctype.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

struct parse {
    const char *at, *end;           /* what is not read yet */
    const char *rest, *rest_end;    /* of the present line */
    int number;
    char section[64];
    bool indented;                  /* the present piece goes on a value */
    bool owed;                      /* the present piece must reach `pair` */
    lab_line_fn *fn;
    void *self;
    const char *sentence;
};

static void refuse(struct parse *p, const char *sentence)
{
    if (!p->sentence)
        p->sentence = sentence;
}

static void begin_section(struct parse *p, const char *line, size_t len)
{
    const char *close = memchr(line, ']', len);
    size_t name = close ? (size_t)(close - line) - 1 : 0;
    if (!close || name >= sizeof p->section) {
        refuse(p, "a section is written [name]");
        return;
    }
    if (close + 1 != line + len) {
        refuse(p, "nothing may follow the ] of a section on its line");
        return;
    }
    memcpy(p->section, line + 1, name);
    p->section[name] = 0;
    struct lab_line l = { .section = p->section, .number = p->number };
    const char *sentence = p->fn(p->self, &l);
    if (sentence)
        refuse(p, sentence);
}

static bool has_inline_comment(const char *line, size_t len)
{
    for (size_t i = 1; i < len; i++)
        if (line[i] == ';' && isspace((unsigned char)line[i - 1]))
            return true;
    return false;
}

static bool is_text(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (iscntrl((unsigned char)line[i]) && line[i] != '\t')
            return false;
    return true;
}

/* Takes the next line into `rest`; an empty one where inih has nothing to learn. False at the end. */
static bool next_line(struct parse *p)
{
    if (p->at == p->end)
        return false;
    p->number++;
    const char *line = p->at, *end = memchr(line, '\n', (size_t)(p->end - line));
    p->at = end ? end + 1 : p->end;
    if (!end)
        end = p->end;
    while (end > line && isspace((unsigned char)end[-1]))
        end--;
    const char *first = line;
    while (first < end && isspace((unsigned char)*first))
        first++;
    p->rest = line;
    p->rest_end = end;
    p->indented = first > line;
    p->owed = false;
    if (!is_text(line, (size_t)(end - line)))
        refuse(p, "the line holds bytes that are no text");
    else if (first == end || *first == ';' || *first == '#')
        p->rest = p->rest_end = line;
    else if (has_inline_comment(line, (size_t)(end - line)))
        refuse(p, "\" ;\" would begin a comment: comments stand on lines of their own, and values do without it");
    else if (*line == '[')
        begin_section(p, line, (size_t)(end - line));
    else
        p->owed = true;
    return true;
}

/* How much of the rest goes over at once: all, or up to the last space that fits. 0 when no space does. */
static size_t piece_length(const struct parse *p, size_t room)
{
    size_t len = (size_t)(p->rest_end - p->rest);
    if (len <= room)
        return len;
    while (room > 0 && !isspace((unsigned char)p->rest[room]))
        room--;
    return room;
}

static char *next_piece(char *into, int size, void *self)
{
    struct parse *p = self;
    if (p->owed)
        refuse(p, "this is neither a [section] nor key = value");
    bool goes_on = p->rest < p->rest_end;
    if (p->sentence || (!goes_on && !next_line(p)))
        return NULL;
    size_t space = goes_on ? 1 : 0, len = piece_length(p, (size_t)size - 3);
    if (p->rest < p->rest_end && len == 0)
        refuse(p, "a word of this line is too long");
    if (p->sentence)
        return NULL;
    snprintf(into, (size_t)size, "%s%.*s\n", space ? " " : "", (int)len, p->rest);
    p->rest += len;
    while (p->rest < p->rest_end && isspace((unsigned char)*p->rest))
        p->rest++;
    if (goes_on)
        p->indented = p->owed = true;
    return into;
}

static int pair(void *self, const char *section, const char *key, const char *value)
{
    struct parse *p = self;
    p->owed = false;
    if (p->sentence)
        return 0;
    if (strncmp(section, p->section, 40) != 0) {
        refuse(p, "a section begins at the beginning of its line");
        return 0;
    }
    struct lab_line l = { p->section, key, value, p->number, p->indented };
    const char *sentence = p->fn(p->self, &l);
    if (sentence)
        refuse(p, sentence);
    return !sentence;
}

int lab_parse(const char *text, size_t len, lab_line_fn *fn, void *self, const char **sentence)
{
    struct parse p = { .at = text, .end = text + len, .fn = fn, .self = self };
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        p.at += 3;
    ini_parse_stream(next_piece, &p, pair, &p);
    *sentence = p.sentence;
    return p.sentence ? p.number : 0;
}
