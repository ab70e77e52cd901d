/* parse_lines.c - the lines of a head: their bytes, and nothing of what they mean. See parse.h.
 *
 * The trap it exists for: a byte that is a space or an end of a line to one reader, and none to another. */
#include "http/parse_inside.h"

#include <errno.h>
#include <string.h>

const char *const http_alpn[] = { "http/1.1", NULL };

int problem_say(struct problem *problem, int status, const char *why)
{
    *problem = (struct problem){ status, why };
    return -EINVAL;
}

int parse_wrong_with(struct reader *r, int status, const char *why)
{
    return problem_say(r->problem, r->status == 502 ? 502 : status, why);
}

int parse_wrong(struct reader *r, const char *why)
{
    return parse_wrong_with(r, r->status, why);
}

/* ---- pieces of a line -------------------------------------------------------------------------------------------- */

int parse_take_string(struct reader *r, const char *string, const char *why)
{
    const char *p = r->at;
    for (; *string; string++, p++) {
        if (p == r->end)
            return 0;
        if (*p != *string)
            return parse_wrong(r, why);
    }
    r->at = p;
    return 1;
}

int parse_line_end_missing(struct reader *r)
{
    return parse_take_string(r, "\r\n", "a line ends with CR LF, and neither may stand anywhere else");
}

/* "HTTP/1.1": 10 or 11. */
int parse_take_version(struct reader *r, int *version)
{
    static const char why[] = "the protocol is not HTTP/ and a version of two digits with a dot between them";
    static const char usual[] = "HTTP/1.1";
    if ((size_t)(r->end - r->at) >= strlen(usual) && memcmp(r->at, usual, strlen(usual)) == 0) {
        r->at += strlen(usual);
        *version = 11;
        return 1;
    }
    int rc = parse_take_string(r, "HTTP/", why);
    if (rc <= 0)
        return rc;
    if (r->end - r->at < 3)
        return 0;
    if (!(text_class(r->at[0]) & DIGIT) || r->at[1] != '.' || !(text_class(r->at[2]) & DIGIT))
        return parse_wrong(r, why);
    if (r->at[0] != '1')
        return parse_wrong_with(r, 505, "this is not HTTP/1.0 or HTTP/1.1");
    *version = r->at[2] == '0' ? 10 : 11;
    r->at += 3;
    return 1;
}

/* ---- fields ------------------------------------------------------------------------------------------------------ */

/* The next line goes on in this value: what is between them becomes spaces. */
static int take_fold(struct reader *r, const char *line_end)
{
    if (!r->folds)
        return parse_wrong(r, "a line begins with a space: lines that go on in the next one are not taken");
    memset(r->folds + (line_end - r->begin), ' ', 2);
    return 1;
}

/* The rest of the line, and of those in which it goes on, without the spaces around it. */
static int take_value(struct reader *r, struct bytes *out)
{
    const char *begin = r->at;
    for (;;) {
        const char *line_end = r->at = text_scan(r->at, r->end, VALUE);
        int rc = r->at == r->end ? 0 : parse_take_line_end(r);
        if (rc < 0 && *line_end != '\r' && *line_end != '\n')
            return parse_wrong(r, "a control byte in the value of a field");
        if (rc <= 0 || r->at == r->end)
            return rc < 0 ? rc : 0;
        if (*r->at != ' ' && *r->at != '\t') {
            *out = text_trim(parse_span(begin, line_end));
            return 1;
        }
        rc = take_fold(r, line_end);
        if (rc < 0)
            return rc;
    }
}

/* All fields, and the empty line behind them. */
int parse_take_fields(struct reader *r, struct headers *h)
{
    for (h->count = 0;; h->count++) {
        struct header field;
        if (r->at == r->end)
            return 0;
        if (*r->at == '\r' || *r->at == '\n')
            return parse_take_line_end(r);
        int rc = parse_take_until(r, TOKEN, ':', "a field is a name, a colon right behind it, and a value", &field.name);
        if (rc > 0)
            rc = take_value(r, &field.value);
        if (rc <= 0)
            return rc;
        if (h->count == h->room)
            return parse_wrong_with(r, 431, "more fields than are taken");
        h->at[h->count] = field;
    }
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

/* More must come; unless there is too much already. */
int parse_wait(struct reader *r, const struct parse_limits *limits, bool first_line)
{
    size_t seen = (size_t)(r->end - r->begin);
    if (first_line && r->status == 400 && seen > (limits && limits->line ? limits->line : PARSE_LINE))
        return parse_wrong_with(r, 414, "the request line is longer than is taken");
    if (seen >= (limits && limits->head ? limits->head : PARSE_HEAD))
        return parse_wrong_with(r, 431, "the head is larger than is taken");
    return 0;
}

ssize_t parse_finish(struct reader *r, const struct parse_limits *limits)
{
    size_t len = (size_t)(r->at - r->begin);
    if (len > (limits && limits->head ? limits->head : PARSE_HEAD))
        return parse_wrong_with(r, 431, "the head is larger than is taken");
    return (ssize_t)len;
}

bool parse_again(struct bytes seen, const struct parse_limits *limits, size_t *from)
{
    size_t line = limits && limits->line ? limits->line : PARSE_LINE, head = limits && limits->head ? limits->head : PARSE_HEAD;
    if (seen.len >= head)
        return true;
    if (*from <= line && seen.len > line) {     /* once: a head is longer than a line may be */
        *from = line + 1;
        return true;
    }
    while (*from < seen.len) {
        const char *end = memchr(seen.data + *from, '\n', seen.len - *from);
        if (!end) {
            *from = seen.len;
            return false;
        }
        size_t at = (size_t)(end - seen.data);
        if (at == 0 || end[-1] != '\r' || (at >= 3 && memcmp(end - 3, "\r\n\r\n", 4) == 0))
            return true;
        *from = at + 1;
    }
    return false;
}

/* ---- the fields behind a body ------------------------------------------------------------------------------------- */

/* RFC 9110, section 6.5.1. */
static bool may_come_late(struct bytes name)
{
    static const char *const never[] = {
        "transfer-encoding", "content-length", "host", "connection", "keep-alive", "upgrade", "te", "trailer", "expect", "range",
        "max-forwards", "cache-control", "authorization", "cookie", "set-cookie", "proxy-authorization", "www-authenticate",
        "proxy-authenticate", "content-encoding", "content-type", "content-range", "location", "age", "date", NULL
    };
    for (const char *const *each = never; *each; each++)
        if (text_alike(name, *each))
            return false;
    return true;
}

ssize_t parse_fields(struct bytes seen, const struct parse_limits *limits, struct headers *h, struct problem *problem)
{
    struct reader r = { .at = seen.data, .begin = seen.data, .end = seen.data + seen.len, .problem = problem, .status = 400 };
    int rc = parse_take_fields(&r, h);
    if (rc == 0)
        return parse_wait(&r, limits, false);
    return rc < 0 ? rc : parse_finish(&r, limits);
}

ssize_t parse_trailers(struct bytes seen, const struct parse_limits *limits, struct headers *h, struct problem *problem)
{
    ssize_t len = parse_fields(seen, limits, h, problem);
    int kept = 0;
    if (len <= 0)
        return len;
    for (int i = 0; i < h->count; i++)
        if (may_come_late(h->at[i].name))
            h->at[kept++] = h->at[i];
    h->count = kept;
    return len;
}
