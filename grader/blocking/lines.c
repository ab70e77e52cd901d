/* lines.c - an interpreter's words about where it is.
 *
 * Traps: (a) a file's name may hold whatever separates names from numbers: numbers are looked for from the end.
 *        (b) CPython writes what is not ASCII as \xe9, and a backslash as itself: only what it must have written is read back. */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/lines.h"

struct view {
    const char *at;
    size_t len;
};

struct spot {                       /* a line of it */
    struct view function, file;
    int line;                       /* 0: not known */
    bool url;                       /* the file's name is of a URL */
};

/* ---- views -------------------------------------------------------------------------------------------------------------- */

static struct view view_from(struct view v, size_t begin)
{
    return (struct view){ v.at + begin, v.len - begin };
}

static struct view view_trim(struct view v)
{
    while (v.len > 0 && (*v.at == ' ' || *v.at == '\t'))
        v = view_from(v, 1);
    while (v.len > 0 && (v.at[v.len - 1] == ' ' || v.at[v.len - 1] == '\r'))
        v.len--;
    return v;
}

static bool view_begins(struct view v, const char *with)
{
    size_t len = strlen(with);
    return v.len >= len && !memcmp(v.at, with, len);
}

static bool view_holds(struct view v, const char *what)
{
    return memmem(v.at, v.len, what, strlen(what)) != NULL;
}

/* The digits at its end, which are cut off. -1: there are none, or too many. */
static int view_cut_number(struct view *v)
{
    long number = 0, unit = 1;
    size_t digits = 0;
    for (; digits < v->len && isdigit((unsigned char)v->at[v->len - digits - 1]); digits++) {
        if (digits == 9)
            return -1;
        number += (v->at[v->len - digits - 1] - '0') * unit;
        unit *= 10;
    }
    v->len -= digits;
    return digits > 0 ? (int)number : -1;
}

/* ---- Python: File "PATH", line N in NAME ----------------------------------------------------------------------------------- */

/* Where `what` is for the last time, before `end`; `end` if it is not. */
static size_t last_of(struct view v, const char *what)
{
    size_t len = strlen(what);
    for (size_t i = v.len >= len ? v.len - len + 1 : 0; i-- > 0;)
        if (!memcmp(v.at + i, what, len))
            return i;
    return v.len;
}

static bool python_spot(struct view line, struct spot *spot)
{
    static const char opening[] = "File \"", number[] = "\", line ", in[] = " in ";
    if (!view_begins(line, opening))
        return false;
    line = view_from(line, sizeof opening - 1);
    size_t at = last_of(line, number);
    if (at == line.len)
        return false;
    spot->file = (struct view){ line.at, at };
    struct view rest = view_from(line, at + sizeof number - 1);
    const char *name = memmem(rest.at, rest.len, in, sizeof in - 1);
    if (!name)
        return false;
    struct view digits = { rest.at, (size_t)(name - rest.at) };
    int n = view_cut_number(&digits);
    spot->line = n > 0 && digits.len == 0 ? n : 0;
    spot->function = view_from(rest, (size_t)(name - rest.at) + sizeof in - 1);
    return spot->function.len > 0 && spot->file.len > 0;
}

/* ---- JavaScript: 1: NAME (FILE:LINE:COLUMN), at FILE:LINE:COLUMN
 * ------------------------------------------------------------- */

static bool place_parse(struct view place, struct spot *spot)
{
    if (view_cut_number(&place) < 0 || place.len == 0 || place.at[place.len - 1] != ':')
        return false;
    place.len--;
    spot->line = view_cut_number(&place);
    if (spot->line < 0 || place.len < 2 || place.at[place.len - 1] != ':')
        return false;
    spot->file = (struct view){ place.at, place.len - 1 };
    spot->url = view_begins(spot->file, "file:///");
    if (spot->url)
        spot->file = view_from(spot->file, sizeof "file://" - 1);
    return true;
}

static bool javascript_spot(struct view line, struct spot *spot)
{
    static const char anonymous[] = "<anonymous>";
    size_t digits = 0;
    while (digits < line.len && isdigit((unsigned char)line.at[digits]))
        digits++;
    if (digits > 0 && view_begins(view_from(line, digits), ": "))
        line = view_from(line, digits + 2);
    else if (view_begins(line, "at "))
        line = view_from(line, 3);
    else
        return false;
    spot->function = (struct view){ anonymous, sizeof anonymous - 1 };
    const char *bracket = memmem(line.at, line.len, " (", 2);
    if (!bracket || line.at[line.len - 1] != ')')
        return place_parse(line, spot);
    size_t name = (size_t)(bracket - line.at);
    if (name > 0)
        spot->function = (struct view){ line.at, name };
    return place_parse((struct view){ bracket + 2, line.len - name - 3 }, spot);
}

/* ---- frames ---------------------------------------------------------------------------------------------------------------- */

/* Of the program, not of the interpreter or of what was installed beside it. */
static bool spot_is_own(enum language language, const struct spot *spot)
{
    static const char *const others[] = { "/lib/python", "/lib64/python", "/site-packages/", "/dist-packages/",
                                          "/node_modules/" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (view_holds(spot->file, others[i]))
            return false;
    return language == LANGUAGE_PYTHON ? spot->file.at[0] != '<'
                                       : !view_begins(spot->file, "node:") && !view_begins(spot->file, "internal/");
}

static size_t utf8_put(char *to, unsigned long code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 63));
        to[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    to[0] = (char)(0xf0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 63));
    to[2] = (char)(0x80 | (code >> 6 & 63));
    to[3] = (char)(0x80 | (code & 63));
    return 4;
}

/* The length of an escape that CPython must have written; 0: these are the program's own characters. */
static size_t escape_read(struct view v, unsigned long *code)
{
    size_t digits = v.len < 2 || *v.at != '\\' ? 0 : v.at[1] == 'x' ? 2 : v.at[1] == 'u' ? 4 : v.at[1] == 'U' ? 8 : 0;
    char text[9] = "";
    if (digits == 0 || v.len < 2 + digits)
        return 0;
    for (size_t i = 0; i < digits; i++)
        if (!isxdigit((unsigned char)v.at[2 + i]))
            return 0;
    memcpy(text, v.at + 2, digits);
    *code = strtoul(text, NULL, 16);
    bool is_surrogate = *code >= 0xd800 && *code < 0xe000;
    return *code < 0x7f || *code > 0x10ffff || is_surrogate ? 0 : 2 + digits;
}

/* The same of a URL: "%20". */
static size_t octet_read(struct view v, char *octet)
{
    if (v.len < 3 || *v.at != '%' || !isxdigit((unsigned char)v.at[1]) || !isxdigit((unsigned char)v.at[2]))
        return 0;
    char text[3] = { v.at[1], v.at[2] };
    *octet = (char)strtoul(text, NULL, 16);
    return *octet ? 3 : 0;
}

static char *copy_of(enum language language, bool url, struct view v)
{
    char *copy = malloc(v.len + 1), *to = copy;
    if (!copy)
        return NULL;
    while (v.len > 0) {
        unsigned long code;
        bool python = language == LANGUAGE_PYTHON;
        size_t len = python ? escape_read(v, &code) : url ? octet_read(v, to) : 0;
        if (len == 0)
            *to = *v.at;
        to += len > 0 && python ? utf8_put(to, code) : 1;
        v = view_from(v, len > 0 ? len : 1);
    }
    *to = 0;
    return copy;
}

static bool frame_make(enum language language, const struct spot *spot, struct frame *frame)
{
    *frame = (struct frame){ .line = spot->line, .language = true, .own = spot_is_own(language, spot) };
    frame->function = copy_of(language, false, spot->function);
    frame->file = copy_of(language, spot->url, spot->file);
    if (frame->function && frame->file)
        return true;
    free(frame->function);
    free(frame->file);
    return false;
}

int lines_frames(enum language language, const char *text, size_t len, struct frame *out, int max)
{
    struct view rest = { text, len };
    int count = 0;
    while (rest.len > 0 && count < max) {
        const char *end = memchr(rest.at, '\n', rest.len);
        struct view line = { rest.at, end ? (size_t)(end - rest.at) : rest.len };
        struct spot spot = {0};
        rest = view_from(rest, line.len + (end != NULL));
        line = view_trim(line);
        bool is_spot = language == LANGUAGE_PYTHON       ? python_spot(line, &spot)
                       : language == LANGUAGE_JAVASCRIPT ? javascript_spot(line, &spot)
                                                         : false;
        if (is_spot && !frame_make(language, &spot, &out[count++]))
            return count - 1;
    }
    return count;
}
