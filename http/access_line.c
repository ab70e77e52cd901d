/* access_line.c - one line of an access log. See access_line.h.
 *
 * Trap: it is written for each request, and most of its bytes are a stranger's, to be looked at one by one; nearly all of them
 * are harmless. So sixteen are looked at together, and only where one is not they are written one by one. */
#include "http/access_line.h"

#include <string.h>

#include "http/text_scan.h"

/* Bytes that a text may have in a line; together, and with all that is ours, less than ACCESS_LINE. */
enum { LONGEST_REMOTE = 64, LONGEST_METHOD = 64, LONGEST_TARGET = 1792, LONGEST_VALUE = 896, LONGEST_ESCAPE = 6 };

/* ---- texts of ours ----------------------------------------------------------------------------------------------- */

static inline char *put(char *at, struct bytes text)
{
    memcpy(at, text.data, text.len);
    return at + text.len;
}

static inline char *put_string(char *at, const char *string)
{
    return put(at, text_of(string));
}

static char *put_number(char *at, int64_t n)
{
    uint64_t rest = n > 0 ? (uint64_t)n : 0;
    size_t digits = 1;
    for (uint64_t above = rest; above >= 10; above /= 10)
        digits++;
    for (size_t i = digits; i-- > 0; rest /= 10)
        at[i] = (char)('0' + rest % 10);
    return at + digits;
}

/* ---- texts of strangers ------------------------------------------------------------------------------------------ */

static const bool plain[256] = { [' '] = true, ['!'] = true, ['#' ... '['] = true, [']' ... '~'] = true };

static inline bool is_plain(char c)
{
    return plain[(unsigned char)c];
}

#ifdef __SSE2__

/* Whether a block of bytes is. */
static inline bool are_plain(const char *block)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)block);
    __m128i wrong = _mm_or_si128(scan_are(bytes, '"'), scan_are(bytes, '\\'));
    return _mm_movemask_epi8(_mm_andnot_si128(wrong, scan_among(bytes, ' ', 127 - ' '))) == 0xffff;
}

#else

static inline bool are_plain(const char *block)
{
    return is_plain(*block);
}

#endif

static bool all_plain(struct bytes text)
{
    const char *at = text.data, *end = at + text.len;
    for (; end - at >= SCAN_BLOCK; at += SCAN_BLOCK)
        if (!are_plain(at))
            return false;
    while (at < end && is_plain(*at))
        at++;
    return at == end;
}

static char *put_escaped(char *at, unsigned char c, bool json)
{
    static const char digits[] = "0123456789ABCDEF";
    *at++ = '\\';
    if (json && (c == '"' || c == '\\')) {
        *at++ = (char)c;
        return at;
    }
    at = put_string(at, json ? "u00" : "x");
    *at++ = digits[c >> 4];
    *at++ = digits[c & 15];
    return at;
}

static char *put_with_care(char *at, struct bytes text, size_t longest, bool json)
{
    const char *end = at + longest - LONGEST_ESCAPE - 3;
    for (size_t i = 0; i < text.len; i++) {
        if (at > end)
            return put_string(at, "...");
        if (is_plain(text.data[i]))
            *at++ = text.data[i];
        else
            at = put_escaped(at, (unsigned char)text.data[i], json);
    }
    return at;
}

static inline char *put_text(char *at, struct bytes text, size_t longest, bool json)
{
    if (text.len < longest && all_plain(text))
        return text.len ? put(at, text) : at;
    return put_with_care(at, text, longest, json);
}

/* In quotes; what was not said as Apache has it, or as JSON has it. */
static char *put_quoted(char *at, struct bytes text, size_t longest, bool json)
{
    if (!text.data)
        return put_string(at, json ? "null" : "\"-\"");
    *at++ = '"';
    at = put_text(at, text, longest, json);
    *at++ = '"';
    return at;
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

/* "01" to "12" for "Jan" to "Dec". */
static struct bytes month_number(const char *name)
{
    static const char names[] = "Jan01Feb02Mar03Apr04May05Jun06Jul07Aug08Sep09Oct10Nov11Dec12";
    const char *at = names;
    while (memcmp(at, name, 3) != 0)
        at += 5;
    return (struct bytes){ at + 3, 2 };
}

/* From "Sun, 06 Nov 1994 08:49:37 GMT", whose columns are always the same. */
static void clock_set(struct access_clock *clock, int64_t second, bool json)
{
    char date[DATE_TEXT], *at = clock->text;
    date_write(second, date);
    const struct bytes day = { date + 5, 2 }, month = { date + 8, 3 }, year = { date + 12, 4 }, time = { date + 17, 8 };
    if (json) {
        at = put(put_string(put(at, year), "-"), month_number(month.data));
        at = put(put_string(put(put_string(at, "-"), day), "T"), time);
    } else {
        at = put(put_string(put(put_string(put(at, day), "/"), month), "/"), year);
        at = put_string(put(put_string(at, ":"), time), " +0000");
    }
    clock->second = second;
    clock->len = (size_t)(at - clock->text);
}

/* The clock shows the second of that time. */
static void clock_look(struct access_clock *clock, int64_t time, bool json)
{
    int64_t second = time / SECOND - (time % SECOND < 0);
    if (second != clock->second || !clock->len)
        clock_set(clock, second, json);
}

/* All of its room is copied, since that is known here: what follows is written over the rest. */
static inline char *put_clock(char *at, const struct access_clock *clock)
{
    memcpy(at, clock->text, sizeof clock->text);
    return at + clock->len;
}

static char *put_milliseconds(char *at, int64_t time)
{
    int64_t of_second = time % SECOND, ms = (of_second < 0 ? of_second + SECOND : of_second) / MILLISECOND;
    *at++ = '.';
    *at++ = (char)('0' + ms / 100);
    *at++ = (char)('0' + ms / 10 % 10);
    *at++ = (char)('0' + ms % 10);
    return at;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* The first line of the request. */
static char *put_request(char *at, const struct access_line *line)
{
    if (!line->method.len && !line->target.len)
        return put_string(at, "-");
    if (!line->method.len)
        return put_text(at, line->target, LONGEST_TARGET, false);
    at = put_text(at, line->method, LONGEST_METHOD, false);
    *at++ = ' ';
    at = put_text(at, line->target, LONGEST_TARGET, false);
    return put_string(at, line->version == 10 ? " HTTP/1.0" : " HTTP/1.1");
}

static char *put_common(char *at, const struct access_line *line, const struct access_clock *clock)
{
    at = line->remote.len ? put_text(at, line->remote, LONGEST_REMOTE, false) : put_string(at, "-");
    at = put_string(put_clock(put_string(at, " - - ["), clock), "] \"");
    at = put_string(put_request(at, line), "\" ");
    at = put_number(at, line->status);
    *at++ = ' ';
    return line->bytes > 0 ? put_number(at, line->bytes) : put_string(at, "-");
}

static struct bytes field(const struct access_line *line, const char *name)
{
    return line->headers ? headers_get(line->headers, name) : (struct bytes){0};
}

static char *put_combined(char *at, const struct access_line *line, const struct access_clock *clock)
{
    at = put_common(at, line, clock);
    *at++ = ' ';
    at = put_quoted(at, field(line, "Referer"), LONGEST_VALUE, false);
    *at++ = ' ';
    return put_quoted(at, field(line, "User-Agent"), LONGEST_VALUE, false);
}

static struct bytes unless_empty(struct bytes text)
{
    return text.len ? text : (struct bytes){0};
}

static char *put_json(char *at, const struct access_line *line, const struct access_clock *clock)
{
    at = put_milliseconds(put_clock(put_string(at, "{\"time\":\""), clock), line->time);
    at = put_quoted(put_string(at, "Z\",\"remote\":"), unless_empty(line->remote), LONGEST_REMOTE, true);
    at = put_quoted(put_string(at, ",\"method\":"), unless_empty(line->method), LONGEST_METHOD, true);
    at = put_quoted(put_string(at, ",\"target\":"), unless_empty(line->target), LONGEST_TARGET, true);
    at = put_number(put_string(at, ",\"status\":"), line->status);
    at = put_number(put_string(at, ",\"bytes\":"), line->bytes);
    at = put_number(put_string(at, ",\"duration_us\":"), line->duration / MICROSECOND);
    at = put_quoted(put_string(at, ",\"referer\":"), field(line, "Referer"), LONGEST_VALUE, true);
    at = put_quoted(put_string(at, ",\"agent\":"), field(line, "User-Agent"), LONGEST_VALUE, true);
    return put_string(at, line->complete ? ",\"complete\":true}" : ",\"complete\":false}");
}

size_t access_line_write(const struct access_line *line, enum access_format format, struct access_clock *clock,
                         char out[ACCESS_LINE])
{
    static char *(*const forms[])(char *, const struct access_line *, const struct access_clock *) = {
        [ACCESS_COMMON] = put_common, [ACCESS_COMBINED] = put_combined, [ACCESS_JSON] = put_json,
    };
    clock_look(clock, line->time, format == ACCESS_JSON);
    char *at = forms[format](out, line, clock);
    *at++ = '\n';
    return (size_t)(at - out);
}
