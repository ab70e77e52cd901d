/* data.h - how bytes are written in orders and traces: for the probe and for the judge, each of which has its own copy.
 *
 *     hello\n         as it is; \n, \r, \s (a blank), \\, \x2b for any byte
 *     a*3000+\n       3000 times a, and a newline: a + ends what stands before it, and is nothing itself
 *     &7*3000         3000 bytes of all kinds, that the number 7 decides
 *
 * In traces an answer is its length, a comma and its bytes: "R=6,hello\n". Of what would be too long the beginning is written,
 * and a number that stands for all of it: "R=700,abcabcabcabc..~9c3f01d2".
 *
 * The trap it exists for: a byte in the wrong place that no picture of the whole shows. */
#ifndef EDDY_GRADER_DATA_H
#define EDDY_GRADER_DATA_H

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA_TEXT = 40, DATA_SHOWN = 24, DATA_RUN = 4, DATA_MOST = 1 << 24 };

static inline char data_escape(const char **text)
{
    static const char names[] = "nrs", bytes[] = "\n\r ";
    char c = *(*text)++;
    const char *name = c ? strchr(names, c) : NULL;
    if (name)
        return bytes[name - names];
    if (c == 'x' && isxdigit((unsigned char)(*text)[0]) && isxdigit((unsigned char)(*text)[1])) {
        char hex[3] = { (*text)[0], (*text)[1], 0 };
        *text += 2;
        return (char)strtol(hex, NULL, 16);
    }
    return c;
}

/* The next of the bytes that a number decides. */
static inline char data_next(uint32_t *dice)
{
    *dice = *dice * 1664525u + 1013904223u;
    return (char)(*dice >> 24);
}

/* The bytes that `text` stands for, at most `size` of them; how many there are. */
static inline size_t data_read(const char *text, char *out, size_t size)
{
    size_t len = 0;
    while (*text) {
        char c = *text++, *end;
        bool mixed = c == '&';
        uint32_t dice = mixed ? (uint32_t)strtoul(text, &end, 10) : 0;
        if (c == '+')
            continue;
        if (mixed)
            text = end;
        if (c == '\\' && *text)
            c = data_escape(&text);
        size_t times = 1;
        if (*text == '*') {
            times = strtoul(text + 1, &end, 10);
            text = end;
        }
        for (; times > 0 && len < DATA_MOST; times--, len++)
            if (len < size)
                out[len] = mixed ? data_next(&dice) : c;
    }
    return len;
}

static inline int data_byte(char c, char out[8])
{
    static const char names[] = "nrs", bytes[] = "\n\r ";
    const char *special = c ? strchr(bytes, c) : NULL;
    if (special)
        return sprintf(out, "\\%c", names[special - bytes]);
    if (!isgraph((unsigned char)c) || strchr("\\+*&@;:#=~", c))
        return sprintf(out, "\\x%02x", (unsigned char)c);
    return sprintf(out, "%c", c);
}

static inline uint32_t data_sum(const char *data, size_t len)
{
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ (unsigned char)data[i]) * 16777619u;
    return sum;
}

/* As bytes are written in a trace. */
static inline const char *data_text(const char *data, size_t len, char out[DATA_TEXT])
{
    size_t used = 0, i = 0;
    out[0] = 0;
    while (i < len) {
        char byte[8], piece[24];
        size_t run = 1;
        while (i + run < len && data[i + run] == data[i])
            run++;
        bool many = run >= DATA_RUN;
        data_byte(data[i], byte);
        int n = many ? snprintf(piece, sizeof piece, "%s*%zu%s", byte, run, i + run < len ? "+" : "")
                     : snprintf(piece, sizeof piece, "%s", byte);
        if (used + (size_t)n >= DATA_TEXT)
            break;
        memcpy(out + used, piece, (size_t)n + 1);
        used += (size_t)n;
        i += many ? run : 1;
    }
    if (i < len) {
        used = 0;
        for (i = 0; i < len && used < DATA_SHOWN; i++)
            used += (size_t)data_byte(data[i], out + used);
        sprintf(out + used, "..~%08x", data_sum(data, len));
    }
    return out;
}

#endif
