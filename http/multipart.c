/* multipart.c - the parts of a form. See multipart.h. */
#include "http/multipart.h"

#include <errno.h>
#include <string.h>

#include "http/url.h"

static struct bytes from(struct bytes text, size_t at)
{
    return (struct bytes){ text.data + at, text.len - at };
}

/* ---- what the fields say ----------------------------------------------------------------------------------------- */

/* bchars (RFC 2046, section 5.1.1). */
static bool is_boundary(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (!c || !strchr("'()+_,-./:=? ", c)))
            return false;
    }
    return text.len > 0 && text.len <= BOUNDARY_MAX && text.data[text.len - 1] != ' ';
}

/* "form-data; name=..." taken apart: the word, and what is behind it. */
static struct bytes first_word(struct bytes value, struct bytes *rest)
{
    const char *end = value.len ? memchr(value.data, ';', value.len) : NULL;
    size_t len = end ? (size_t)(end - value.data) : value.len;
    *rest = from(value, len + (end != NULL));
    return text_trim((struct bytes){ value.data, len });
}

int multipart_begin(struct multipart *m, struct bytes content_type)
{
    struct bytes rest, name, value;
    char boundary[256];
    *m = (struct multipart){0};
    if (!text_alike(first_word(content_type, &rest), "multipart/form-data"))
        return -EINVAL;
    while (text_parameter(&rest, &name, &value) > 0) {
        if (!text_alike(name, "boundary") || value.len > sizeof boundary)
            continue;
        struct bytes plain = { boundary, text_unquote(value, boundary) };
        if (!is_boundary(plain))
            return -EINVAL;
        memcpy(m->boundary, "\r\n--", 4);
        memcpy(m->boundary + 4, plain.data, plain.len);
        m->boundary_len = plain.len + 4;
        return 0;
    }
    return -EINVAL;
}

/* Browsers write name="a\"b" or name="a%22b", and a lone backslash is one: so quotes are taken off, and nothing else. */
static struct bytes without_quotes(struct bytes value)
{
    bool quoted = value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"';
    return quoted ? (struct bytes){ value.data + 1, value.len - 2 } : value;
}

/* The next parameter, with a backslash before a quote as its only escape. */
static bool next_parameter(struct bytes *rest, struct bytes *name, struct bytes *value)
{
    bool quoted = false;
    size_t end = 0;
    while (end < rest->len && (quoted || rest->data[end] != ';')) {
        if (rest->data[end] == '"' && !(quoted && rest->data[end - 1] == '\\'))
            quoted = !quoted;
        end++;
    }
    struct bytes one = text_trim((struct bytes){ rest->data, end });
    const char *equals = one.len ? memchr(one.data, '=', one.len) : NULL;
    if (rest->len == 0)
        return false;
    *rest = from(*rest, end + (end < rest->len));
    *name = equals ? (struct bytes){ one.data, (size_t)(equals - one.data) } : one;
    *value = equals ? without_quotes(from(one, name->len + 1)) : (struct bytes){0};
    return true;
}

static ssize_t understand_part(struct part *p, struct problem *problem)
{
    struct bytes rest, name, value, disposition = headers_get(&p->headers, "Content-Disposition");
    p->name = p->filename = (struct bytes){0};
    p->extended = false;
    p->type = headers_get(&p->headers, "Content-Type");
    if (!text_alike(first_word(disposition, &rest), "form-data"))
        return problem_say(problem, 400, "a part of a form without Content-Disposition: form-data");
    while (next_parameter(&rest, &name, &value)) {
        if (text_alike(name, "name")) {
            p->name = value;
        } else if (text_alike(name, "filename*") || (text_alike(name, "filename") && !p->extended)) {
            p->extended = name.len > strlen("filename");
            p->filename = value;
        }
    }
    return p->name.data ? 0 : problem_say(problem, 400, "a part of a form without a name");
}

/* ---- the body ---------------------------------------------------------------------------------------------------- */

/* Where the next delimiter begins, or may begin: what is before it is no part of one. */
static size_t before_delimiter(const struct multipart *m, struct bytes seen, bool *whole)
{
    struct bytes delimiter = { m->boundary, m->boundary_len };
    size_t at = 0;
    ssize_t found = seen.len ? bytes_find(seen, delimiter, &at) : -1;
    *whole = found >= 0;
    return found >= 0 ? (size_t)found : at;
}

/* Behind a delimiter: "--" ends it all, CR LF begins a part. Both may have spaces before them. */
static ssize_t behind_delimiter(struct multipart *m, struct bytes seen, struct problem *problem)
{
    size_t at = 0;
    if (seen.len < 2)
        return 0;
    if (seen.data[0] == '-' && seen.data[1] == '-') {
        m->state = PART_END;
        return 2;
    }
    while (at < seen.len && (seen.data[at] == ' ' || seen.data[at] == '\t'))
        at++;
    if (seen.len - at < 2)
        return at > PART_HEAD_MAX ? problem_say(problem, 400, "a boundary with a long line behind it") : 0;
    if (seen.data[at] != '\r' || seen.data[at + 1] != '\n')
        return problem_say(problem, 400, "something else than the end of the line behind a boundary");
    m->state = PART_HEAD;
    return (ssize_t)at + 2;
}

static ssize_t take_delimiter(struct multipart *m, struct bytes seen, size_t skip, enum multipart_event event,
                              enum multipart_event *what, struct problem *problem)
{
    size_t len = m->boundary_len - skip;
    ssize_t rc = behind_delimiter(m, from(seen, len), problem);
    if (rc <= 0)
        return rc;
    *what = m->state == PART_END && event == MULTIPART_NOTHING ? MULTIPART_ENDS : event;
    return (ssize_t)len + rc;
}

/* The first delimiter may stand at the very beginning, without CR LF before it. */
static ssize_t take_preamble(struct multipart *m, struct bytes seen, enum multipart_event *what, struct problem *problem)
{
    bool whole;
    size_t len = m->boundary_len - 2;
    if (m->parts == 0 && seen.len >= len && memcmp(seen.data, m->boundary + 2, len) == 0)
        return take_delimiter(m, seen, 2, MULTIPART_NOTHING, what, problem);
    if (m->parts == 0 && seen.len < len && memcmp(seen.data, m->boundary + 2, seen.len) == 0)
        return 0;
    m->parts = -1;                  /* there is a preamble */
    len = before_delimiter(m, seen, &whole);
    if (len || !whole)
        return (ssize_t)len;
    return take_delimiter(m, seen, 0, MULTIPART_NOTHING, what, problem);
}

static ssize_t take_head(struct multipart *m, struct bytes seen, enum multipart_event *what, struct part *p,
                         struct problem *problem)
{
    const struct parse_limits limits = { .head = PART_HEAD_MAX };
    m->parts = m->parts < 0 ? 0 : m->parts;
    p->headers = (struct headers){ .at = p->fields, .room = PART_FIELDS };
    ssize_t len = parse_fields(seen, &limits, &p->headers, problem);
    if (len <= 0)
        return len;
    if (++m->parts > PART_MAX)
        return problem_say(problem, 413, "a form of more parts than are taken");
    ssize_t rc = understand_part(p, problem);
    if (rc < 0)
        return rc;
    m->state = PART_DATA;
    *what = MULTIPART_PART;
    return len;
}

static ssize_t take_data(struct multipart *m, struct bytes seen, enum multipart_event *what, struct bytes *data,
                         struct problem *problem)
{
    bool whole;
    size_t len = before_delimiter(m, seen, &whole);
    if (len == 0)
        return whole ? take_delimiter(m, seen, 0, MULTIPART_PART_ENDS, what, problem) : 0;
    *data = (struct bytes){ seen.data, len };
    *what = MULTIPART_DATA;
    return (ssize_t)len;
}

ssize_t multipart_take(struct multipart *m, struct bytes seen, enum multipart_event *what, struct part *p, struct bytes *data,
                       struct problem *problem)
{
    *what = MULTIPART_NOTHING;
    *data = (struct bytes){0};
    if (seen.len == 0 && m->state != PART_END)
        return 0;
    switch (m->state) {
    case PART_PREAMBLE:
        return take_preamble(m, seen, what, problem);
    case PART_HEAD:
        return take_head(m, seen, what, p, problem);
    case PART_DATA:
        return take_data(m, seen, what, data, problem);
    default:
        *what = MULTIPART_ENDS;     /* what comes behind the last boundary is nobody's */
        return (ssize_t)seen.len;
    }
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static ssize_t to_utf8(char *text, size_t len, size_t room)
{
    size_t high = 0;
    for (size_t i = 0; i < len; i++)
        high += (unsigned char)text[i] >> 7;
    if (len + high > room)
        return -EINVAL;
    for (size_t i = len, to = len + high; i-- > 0;) {
        unsigned char c = (unsigned char)text[i];
        if (c & 0x80)
            text[--to] = (char)(0x80 | (c & 0x3f));
        text[--to] = (char)(c & 0x80 ? 0xc0 | c >> 6 : c);
    }
    return (ssize_t)(len + high);
}

static ssize_t plain_text(struct bytes text, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        struct bytes here = from(text, i);
        bool escape = here.len >= 2 && here.data[0] == '\\' && here.data[1] == '"';
        bool percent = here.len >= 3 && memcmp(here.data, "%22", 3) == 0;
        out[len++] = escape || percent ? '"' : here.data[0];
        i += escape ? 1 : percent ? 2 : 0;
    }
    return (ssize_t)len;
}

/* charset'language'text */
static ssize_t extended_text(struct bytes text, char *out)
{
    const char *quote = text.len ? memchr(text.data, '\'', text.len) : NULL;
    const char *second = quote ? memchr(quote + 1, '\'', (size_t)(text.data + text.len - quote - 1)) : NULL;
    if (!second)
        return -EINVAL;
    struct bytes charset = { text.data, (size_t)(quote - text.data) }, value = from(text, (size_t)(second + 1 - text.data));
    bool latin = text_alike(charset, "iso-8859-1");
    if (!latin && !text_alike(charset, "utf-8"))
        return -EINVAL;
    ssize_t len = url_decode(value, false, out);
    return len >= 0 && latin ? to_utf8(out, (size_t)len, text.len) : len;
}

ssize_t part_text(struct bytes text, bool extended, char *out)
{
    ssize_t len = extended ? extended_text(text, out) : plain_text(text, out);
    for (ssize_t i = 0; i < len; i++)
        if ((unsigned char)out[i] < ' ' || out[i] == 127)
            return -EINVAL;
    return len;
}
