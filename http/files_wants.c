/* files_wants.c - what a request wants of a file: conditions, a range, and what kind of file it is. See files.h.
 *
 * Traps: (a) the order of conditions matters: who sends If-None-Match knows more than his If-Modified-Since says.
 *        (b) half of one file and half of its successor make a broken one: If-Range compares strongly, dates to the second.
 *        (c) "bytes=0-" of an empty file, and numbers that no machine holds. */
#include <errno.h>
#include <string.h>

#include "http/date.h"
#include "http/files_inside.h"

int64_t second_of(const struct file_status *status)
{
    int64_t s = status->modified / SECOND;
    return status->modified % SECOND < 0 ? s - 1 : s;
}

/* Its digits, to the base 16, and what comes behind them. Where that ends. */
static char *put_hex(char *at, uint64_t n, char behind)
{
    int bits = 60;
    while (bits > 0 && n >> bits == 0)
        bits -= 4;
    for (; bits >= 0; bits -= 4)
        *at++ = "0123456789abcdef"[n >> bits & 15];
    *at = behind;
    return at + 1;
}

const char *tag_write(const struct file_status *status, char out[TAG_TEXT])
{
    char *at = out;
    *at++ = '"';
    at = put_hex(at, status->inode, '-');
    at = put_hex(at, (uint64_t)status->size, '-');
    *put_hex(at, (uint64_t)status->modified, '"') = '\0';
    return out;
}

/* ---- conditions ------------------------------------------------------------------------------------------------------ */

/* The next tag of a list, with its quotes; *weak: it had W/ before it. False: no more, or it can be none. */
static bool next_tag(struct bytes *rest, struct bytes *tag, bool *weak)
{
    while (rest->len && memchr(", \t", rest->data[0], 3))
        *rest = (struct bytes){ rest->data + 1, rest->len - 1 };
    *weak = rest->len >= 2 && memcmp(rest->data, "W/", 2) == 0;
    if (*weak)
        *rest = (struct bytes){ rest->data + 2, rest->len - 2 };
    const char *end = rest->len && rest->data[0] == '"' ? memchr(rest->data + 1, '"', rest->len - 1) : NULL;
    if (!end)
        return false;
    *tag = (struct bytes){ rest->data, (size_t)(end + 1 - rest->data) };
    *rest = (struct bytes){ end + 1, rest->len - tag->len };
    return true;
}

/* Whether one of all the tags in fields of that name is ours, or "*". */
static bool lists_tag(const struct head *head, const char *name, bool strongly, const struct file_status *status)
{
    struct bytes value, tag;
    char ours[TAG_TEXT];
    bool weak;
    tag_write(status, ours);
    for (int at = 0; headers_next(&head->headers, name, &at, &value);) {
        if (text_is(value, "*"))
            return true;
        while (next_tag(&value, &tag, &weak))
            if (text_is(tag, ours) && !(weak && strongly))
                return true;
    }
    return false;
}

/* Whether there is one field of that name, and it is a date. */
static bool has_date(const struct head *head, const char *name, int64_t now, int64_t *date)
{
    return headers_count(&head->headers, name) == 1 && date_read(headers_get(&head->headers, name), now, date) == 0;
}

int wants_status(const struct head *head, const struct file_status *status, int64_t now)
{
    int64_t date;
    if (headers_count(&head->headers, "If-Match")) {
        if (!lists_tag(head, "If-Match", true, status))
            return 412;
    } else if (has_date(head, "If-Unmodified-Since", now, &date) && second_of(status) > date) {
        return 412;
    }
    if (headers_count(&head->headers, "If-None-Match"))
        return lists_tag(head, "If-None-Match", false, status) ? 304 : 200;
    return has_date(head, "If-Modified-Since", now, &date) && second_of(status) <= date ? 304 : 200;
}

/* ---- ranges ---------------------------------------------------------------------------------------------------------- */

/* Whether the range is wanted although the file may be another by now. */
static bool same_file(const struct head *head, const struct file_status *status)
{
    struct bytes value = headers_get(&head->headers, "If-Range");
    char tag[TAG_TEXT], date[DATE_TEXT];
    if (!value.data)
        return true;
    if (headers_count(&head->headers, "If-Range") > 1)
        return false;
    return text_is(value, tag_write(status, tag)) || text_is(value, date_write(second_of(status), date));
}

/* A position; what no machine holds is behind every end. False: it is no number. */
static bool position(struct bytes text, int64_t *out)
{
    int rc = text_number(text, INT64_MAX - 1, out);
    if (rc == -ERANGE)
        *out = INT64_MAX - 1;
    return rc == 0 || rc == -ERANGE;
}

/* What is behind "bytes=": 200: nothing that can be read; 206; 416. */
static int read_range(struct bytes text, int64_t size, int64_t *first, int64_t *end)
{
    const char *dash = memchr(text.data, '-', text.len);
    size_t len = dash ? (size_t)(dash - text.data) : text.len;
    struct bytes from = text_trim((struct bytes){ text.data, len });
    struct bytes to = text_trim((struct bytes){ text.data + len + (dash != NULL), text.len - len - (dash != NULL) });
    int64_t a = 0, b = INT64_MAX - 1;
    if ((from.len && !position(from, &a)) || (to.len && !position(to, &b)) || (!from.len && !to.len))
        return 200;
    if (!from.len) {
        *first = b < size ? size - b : 0;
        return b == 0 ? 416 : 206;
    }
    if (!dash || a >= size || b < a)
        return 416;
    *first = a;
    *end = b < size ? b + 1 : size;
    return 206;
}

int wants_range(const struct head *head, const struct file_status *status, int64_t *first, int64_t *end)
{
    struct bytes value = headers_get(&head->headers, "Range");
    *first = 0;
    *end = status->size;
    if (!text_is(head->method, "GET") || headers_count(&head->headers, "Range") != 1 || !same_file(head, status))
        return 200;
    if (value.len < 6 || !text_alike((struct bytes){ value.data, 6 }, "bytes=") || memchr(value.data, ',', value.len))
        return 200;
    int rc = read_range((struct bytes){ value.data + 6, value.len - 6 }, status->size, first, end);
    return rc == 206 && *first == 0 && *end == status->size ? 200 : rc;
}

/* ---- kinds ----------------------------------------------------------------------------------------------------------- */

const char *type_of(const char *name)
{
    static const struct { const char *end, *type; } types[] = {
        { "7z", "application/x-7z-compressed" }, { "aac", "audio/aac" }, { "atom", "application/atom+xml" },
        { "avif", "image/avif" }, { "bmp", "image/bmp" }, { "bz2", "application/x-bzip2" }, { "c", "text/plain; charset=utf-8" },
        { "css", "text/css; charset=utf-8" }, { "csv", "text/csv; charset=utf-8" }, { "epub", "application/epub+zip" },
        { "flac", "audio/flac" }, { "gif", "image/gif" }, { "gz", "application/gzip" }, { "h", "text/plain; charset=utf-8" },
        { "htm", "text/html; charset=utf-8" }, { "html", "text/html; charset=utf-8" }, { "ico", "image/x-icon" },
        { "ics", "text/calendar; charset=utf-8" }, { "jpeg", "image/jpeg" }, { "jpg", "image/jpeg" },
        { "js", "text/javascript; charset=utf-8" }, { "json", "application/json" }, { "log", "text/plain; charset=utf-8" },
        { "m4a", "audio/mp4" }, { "md", "text/markdown; charset=utf-8" }, { "mjs", "text/javascript; charset=utf-8" },
        { "mp3", "audio/mpeg" }, { "mp4", "video/mp4" }, { "oga", "audio/ogg" }, { "ogg", "audio/ogg" }, { "ogv", "video/ogg" },
        { "opus", "audio/ogg" }, { "otf", "font/otf" }, { "pdf", "application/pdf" }, { "png", "image/png" },
        { "py", "text/x-python; charset=utf-8" }, { "rss", "application/rss+xml" }, { "svg", "image/svg+xml" },
        { "tar", "application/x-tar" }, { "tif", "image/tiff" }, { "tiff", "image/tiff" }, { "ttf", "font/ttf" },
        { "txt", "text/plain; charset=utf-8" }, { "wasm", "application/wasm" }, { "wav", "audio/wav" }, { "weba", "audio/webm" },
        { "webm", "video/webm" }, { "webmanifest", "application/manifest+json" }, { "webp", "image/webp" },
        { "woff", "font/woff" }, { "woff2", "font/woff2" }, { "xhtml", "application/xhtml+xml" },
        { "xml", "text/xml; charset=utf-8" }, { "xz", "application/x-xz" }, { "zip", "application/zip" },
        { "zst", "application/zstd" },
    };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && dot > name && i < sizeof types / sizeof *types; i++)
        if (text_alike(text_of(dot + 1), types[i].end))
            return types[i].type;
    return "application/octet-stream";
}
