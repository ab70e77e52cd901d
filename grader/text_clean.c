/* text_clean.c - what somebody else said, made harmless, and a time for people: see text_clean.h. */
#include "grader/text_clean.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The length of the UTF-8 character at `s`, or 0 where there is none: not a shortest form, a surrogate, beyond
 * U+10FFFF. */
static size_t character(const unsigned char *s)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (*s < 0x80)
        return 1;
    size_t len = *s >= 0xf0 ? 4 : *s >= 0xe0 ? 3 : 2;
    if (*s < 0xc2 || *s > 0xf4)
        return 0;
    uint32_t c = *s & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    bool good = c >= least[len] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) && (c < 0x80 || c > 0x9f);
    return good ? len : 0;
}

void text_clean(char *out, size_t size, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t used = 0;
    while (*s) {
        const char *from = (const char *)s;
        size_t len = character(s), step = len ? len : 1;
        if (len == 0 || (len == 1 && ((*s < 0x20 && *s != '\n' && *s != '\t') || *s == 0x7f))) {
            from = "\xef\xbf\xbd";
            len = 3;
        } else if (*s == '\t') {
            from = " ";
        }
        if (used + len >= size)
            break;
        memcpy(out + used, from, len);
        used += len;
        s += step;
    }
    out[used] = 0;
}

size_t text_columns(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

void text_time(char *out, size_t size, int64_t ns)
{
    int len = snprintf(out, size, "%" PRId64 ".%06" PRId64, ns / 1000000, ns % 1000000);
    while (out[len - 1] == '0')
        len--;
    if (out[len - 1] == '.')
        len--;
    snprintf(out + len, size - (size_t)len, " ms");
}
