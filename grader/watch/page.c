/* page.c - a page of text as a terminal can show it: see page.h. */
#include "grader/watch/page.h"

#include <string.h>

struct range {
    uint32_t first, last;
};

static const struct range combining[] = {
    { 0x300, 0x36f }, { 0x483, 0x489 }, { 0x591, 0x5bd }, { 0x610, 0x61a }, { 0x64b, 0x65f }, { 0xe31, 0xe31 },
    { 0xe34, 0xe3a }, { 0xe47, 0xe4e }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200f }, { 0x202a, 0x202e },
    { 0x2060, 0x206f }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff }, { 0xe0000, 0xe0fff },
};
static const struct range wide[] = {
    { 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x23e9, 0x23ec }, { 0x2705, 0x2705 }, { 0x274c, 0x274c }, { 0x2e80, 0x303e },
    { 0x3041, 0x33ff }, { 0x3400, 0x4dbf }, { 0x4e00, 0x9fff }, { 0xa000, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
    { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff },
    { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

static bool is_in(const struct range *ranges, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

int page_columns(uint32_t character)
{
    if (is_in(combining, sizeof combining / sizeof *combining, character))
        return 0;
    return is_in(wide, sizeof wide / sizeof *wide, character) ? 2 : 1;
}

/* The character at `s`, which is valid UTF-8, and its length. */
static uint32_t decode(const char *s, size_t *len)
{
    unsigned char lead = (unsigned char)*s;
    *len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t c = *len == 1 ? lead : lead & (0x7fu >> *len);
    for (size_t i = 1; i < *len; i++)
        c = c << 6 | ((unsigned char)s[i] & 0x3fu);
    return c;
}

void page_begin(struct page *p, int width, int height, bool colour, bool utf8)
{
    p->width = width > 0 ? width : 1;
    p->height = height > 0 ? height < PAGE_ROWS ? height : PAGE_ROWS : 1;
    p->limit = p->height;
    p->colour = colour;
    p->utf8 = utf8;
    p->rows = p->column = p->skip = p->hidden_above = p->hidden_below = 0;
    p->used = 0;
    p->start[0] = 0;
}

/* A row always ends in room for its zero, and for the sequence that ends its ink. */
static void append(struct page *p, const char *bytes, size_t len)
{
    if (p->used + len + sizeof "\033[0m" < PAGE_BYTES) {
        memcpy(p->bytes + p->used, bytes, len);
        p->used += len;
    }
}

static void put_clean(struct page *p, enum ink ink, const char *text, size_t len)
{
    static const char *const codes[] = { "", "\033[1m", "\033[2m", "\033[32m", "\033[1;31m", "\033[33m" };
    const char *end = text + len, *code = p->colour ? codes[ink] : "";
    size_t bytes;
    append(p, code, strlen(code));
    for (; text < end; text += bytes) {
        uint32_t c = decode(text, &bytes);
        int columns = p->utf8 || c < 0x80 ? page_columns(c) : 1;
        if (p->column + columns > p->width)
            break;
        p->column += columns;
        if (c == '\n')
            append(p, " ", 1);
        else if (c < 0x80 || p->utf8)
            append(p, text, bytes);
        else
            append(p, "?", 1);
    }
    if (*code && p->used + sizeof "\033[0m" < PAGE_BYTES) {
        memcpy(p->bytes + p->used, "\033[0m", 4);
        p->used += 4;
    }
}

void page_put(struct page *p, enum ink ink, const char *text)
{
    text_clean(p->clean, sizeof p->clean, text);
    put_clean(p, ink, p->clean, strlen(p->clean));
}

void page_indent(struct page *p, int column)
{
    while (p->column < column && p->column < p->width) {
        append(p, " ", 1);
        p->column++;
    }
}

void page_row(struct page *p)
{
    p->column = 0;
    if (p->skip > 0 || p->rows >= p->limit) {
        *(p->skip > 0 ? &p->hidden_above : &p->hidden_below) += 1;
        p->skip -= p->skip > 0;
        p->used = p->start[p->rows];
        return;
    }
    p->bytes[p->used++] = 0;
    if (p->used > PAGE_BYTES - 8)
        p->used = PAGE_BYTES - 8;
    p->start[++p->rows] = p->used;
}

static int columns_of(const struct page *p, const char *text, size_t len)
{
    int columns = 0;
    size_t bytes;
    for (const char *end = text + len; text < end; text += bytes) {
        uint32_t c = decode(text, &bytes);
        columns += p->utf8 || c < 0x80 ? page_columns(c) : 1;
    }
    return columns;
}

void page_wrap(struct page *p, int indent, enum ink ink, const char *text)
{
    bool first = true;
    text_clean(p->clean, sizeof p->clean, text);
    indent = indent < p->width / 2 ? indent : 0;
    for (const char *at = p->clean; *at;) {
        size_t len = strcspn(at, " \n");
        if (!first && len > 0 && p->column + 1 + columns_of(p, at, len) > p->width) {
            page_row(p);
            page_indent(p, indent);
            first = true;
        }
        if (!first)
            put_clean(p, PLAIN, " ", 1);
        put_clean(p, ink, at, len);
        first = false;
        at += len;
        if (*at == '\n' && at[1]) {
            page_row(p);
            page_indent(p, indent);
            first = true;
        }
        at += *at != 0;
    }
    page_row(p);
}

void page_body(struct page *p, int skip, int foot)
{
    p->skip = skip;
    p->limit = p->height - foot > p->rows ? p->height - foot : p->rows;
    p->hidden_above = p->hidden_below = 0;
}

void page_body_end(struct page *p)
{
    p->skip = 0;
    while (p->rows < p->limit)
        page_row(p);
    p->limit = p->height;
}

int page_room(const struct page *p)
{
    return p->limit - p->rows;
}

const char *page_text(const struct page *p, int row)
{
    return row < p->rows ? p->bytes + p->start[row] : "";
}
