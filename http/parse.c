/* parse.c - the head of a message. See parse.h.
 *
 * Three steps: the first line, the fields, and then what those that concern the connection say together. Trap: each of these
 * fields is harmless alone; what is dangerous is two of them that contradict each other, or one twice. */
#include "http/parse_inside.h"

#include <errno.h>
#include <string.h>

#include "http/url.h"

/* ---- what the fields say together -------------------------------------------------------------------------------- */

struct said {
    int hosts;
    bool has_length, chunked, other_coding, coded, close, keep_alive, upgrade, connection_upgrade;
    int64_t length;
    struct bytes host, expect;
};

/* A list of equal numbers, none of them empty: what proxies make of two fields. */
static int hear_length(struct reader *r, struct said *said, struct bytes value)
{
    const char *end = value.data + value.len;
    for (const char *at = value.data, *stop; at <= end; at = stop + 1) {
        const char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
        struct bytes each = text_trim(parse_span(at, stop = comma ? comma : end));
        int64_t n;
        if (text_number(each, INT64_MAX, &n) < 0)
            return parse_wrong(r, "Content-Length is not a number of bytes in digits, or one that is too large");
        if (said->has_length && n != said->length)
            return parse_wrong(r, "two Content-Lengths that are not the same");
        said->has_length = true;
        said->length = n;
    }
    return 1;
}

static int hear_coding(struct reader *r, struct said *said, struct bytes value)
{
    struct bytes each;
    while (text_next(&value, &each)) {
        if (said->chunked)
            return parse_wrong(r, "Transfer-Encoding goes on behind chunked, which is the last there can be");
        if (text_alike(each, "chunked"))
            said->chunked = true;
        else
            said->other_coding = true;
    }
    said->coded = true;
    return 1;
}

static void hear_connection(struct said *said, struct bytes value)
{
    struct bytes each;
    if (text_alike(value, "keep-alive")) {      /* as usual */
        said->keep_alive = true;
        return;
    }
    while (text_next(&value, &each)) {
        said->close |= text_alike(each, "close");
        said->keep_alive |= text_alike(each, "keep-alive");
        said->connection_upgrade |= text_alike(each, "upgrade");
    }
}

/* Those that concern the connection; the others are the application's. */
static int hear(struct reader *r, struct said *said, const struct header *field)
{
    switch (field->name.len) {
    case 4:
        if (text_alike(field->name, "host")) {
            said->hosts++;
            said->host = field->value;
        }
        return 1;
    case 6:
        if (text_alike(field->name, "expect"))
            said->expect = field->value;
        return 1;
    case 7:
        said->upgrade |= text_alike(field->name, "upgrade");
        return 1;
    case 10:
        if (text_alike(field->name, "connection"))
            hear_connection(said, field->value);
        return 1;
    case 14:
        return text_alike(field->name, "content-length") ? hear_length(r, said, field->value) : 1;
    case 17:
        return text_alike(field->name, "transfer-encoding") ? hear_coding(r, said, field->value) : 1;
    default:
        return 1;
    }
}

static int hear_all(struct reader *r, const struct head *head, struct said *said)
{
    *said = (struct said){0};
    for (int i = 0; i < head->headers.count; i++) {
        int rc = hear(r, said, &head->headers.at[i]);
        if (rc < 0)
            return rc;
    }
    if (said->coded && said->has_length)
        return parse_wrong(r, "both Transfer-Encoding and Content-Length: where the body ends could be read in two ways");
    if (said->coded && head->version == 10)
        return parse_wrong(r, "Transfer-Encoding in HTTP/1.0, which has none");
    return 1;
}

/* What both kinds have in common. */
static void conclude(struct head *head, const struct said *said)
{
    head->keep_alive = !said->close && (head->version == 11 || said->keep_alive);
    head->upgrades = said->upgrade && said->connection_upgrade && head->version == 11;
    head->length = said->has_length ? said->length : 0;
}

/* ---- a request --------------------------------------------------------------------------------------------------- */

static struct bytes cut_query(struct bytes target, struct bytes *query)
{
    const char *mark = target.len ? memchr(target.data, '?', target.len) : NULL;
    *query = mark ? parse_span(mark + 1, target.data + target.len) : (struct bytes){0};
    return mark ? parse_span(target.data, mark) : target;
}

static int understand_absolute(struct reader *r, struct head *head)
{
    struct url url;
    bool secure;
    int port;
    if (url_parse(head->target, &url) < 0 || url_http(&url, &secure, &port) < 0 || url.user.data || url.fragment.data)
        return parse_wrong(r, "the target is neither a path nor an http URL of a host");
    const char *host = url.host.data - (url.host.data[-1] == '[');
    const char *end = url.path.data;
    head->form = TARGET_ABSOLUTE;
    head->host = parse_span(host, end);
    head->path = url.path.len ? url.path : text_of("/");
    head->query = url.query;
    return 1;
}

static int understand_target(struct reader *r, struct head *head)
{
    struct bytes host;
    int port;
    bool connect = text_is(head->method, "CONNECT");
    head->path = head->query = (struct bytes){0};
    if (connect && (url_authority(head->target, &host, &port) < 0 || port == 0))
        return parse_wrong(r, "CONNECT takes a host and a port");
    if (connect) {
        head->form = TARGET_AUTHORITY;
        head->host = head->target;
        return 1;
    }
    if (head->target.data[0] != '/' && !text_is(head->target, "*"))
        return understand_absolute(r, head);
    if (head->target.data[0] == '*' && !text_is(head->method, "OPTIONS"))
        return parse_wrong(r, "the target * is for OPTIONS alone");
    if (memchr(head->target.data, '#', head->target.len))
        return parse_wrong(r, "a fragment (#) in the target: it is the client's own, and never sent");
    head->form = head->target.data[0] == '/' ? TARGET_ORIGIN : TARGET_ASTERISK;
    head->path = cut_query(head->target, &head->query);
    return 1;
}

static int understand_host(struct reader *r, struct head *head, const struct said *said)
{
    struct bytes host;
    int port;
    if (said->hosts == 0 && head->version == 11)
        return parse_wrong(r, "HTTP/1.1 without a Host");
    if (said->hosts > 1)
        return parse_wrong(r, "more than one Host");
    if (said->host.len && (url_authority(said->host, &host, &port) < 0 || memchr(said->host.data, ',', said->host.len)))
        return parse_wrong(r, "Host is no host with or without a port");
    if (head->form == TARGET_ORIGIN || head->form == TARGET_ASTERISK)
        head->host = said->host;
    return 1;
}

static int understand_request(struct reader *r, struct head *head)
{
    struct said said;
    int rc = hear_all(r, head, &said);
    if (rc < 0)
        return rc;
    if (said.other_coding && said.chunked)
        return parse_wrong_with(r, 501, "a Transfer-Encoding that is not known here: chunked is");
    if (said.coded && !said.chunked)
        return parse_wrong(r, "Transfer-Encoding without chunked: nobody can tell where the body ends");
    conclude(head, &said);
    head->framing = said.chunked ? BODY_CHUNKED : said.has_length && said.length ? BODY_LENGTH : BODY_NONE;
    if (said.expect.data && head->version == 11) {
        if (!text_alike(said.expect, "100-continue"))
            return parse_wrong_with(r, 417, "an expectation other than 100-continue");
        head->expects_continue = head->framing != BODY_NONE;
    }
    rc = understand_target(r, head);
    return rc < 0 ? rc : understand_host(r, head, &said);
}

static int take_request_line(struct reader *r, struct head *head)
{
    int rc;
    while (r->at < r->end && *r->at == '\r') {
        rc = parse_take_line_end(r);
        if (rc <= 0)
            return rc;
    }
    rc = parse_take_until(r, TOKEN, ' ', "a request begins with a method, a space and a target", &head->method);
    if (rc > 0)
        rc = parse_take_until(r, TARGET, ' ', "the target is not visible bytes, with one space before and behind",
                              &head->target);
    if (rc > 0)
        rc = parse_take_version(r, &head->version);
    return rc > 0 ? parse_take_line_end(r) : rc;
}

static void begin(struct head *head)
{
    struct headers fields = head->headers;
    *head = (struct head){ .headers = fields };
    head->headers.count = 0;
}

ssize_t parse_request(struct bytes seen, const struct parse_limits *limits, struct head *head, struct problem *problem)
{
    struct reader r = { .at = seen.data, .begin = seen.data, .end = seen.data + seen.len, .problem = problem, .status = 400 };
    size_t line = limits && limits->line ? limits->line : PARSE_LINE;
    begin(head);
    int rc = take_request_line(&r, head);
    if (rc == 0)
        return parse_wait(&r, limits, true);
    if (rc > 0 && (size_t)(r.at - r.begin) > line)
        return parse_wrong_with(&r, 414, "the request line is longer than is taken");
    if (rc > 0)
        rc = parse_take_fields(&r, &head->headers);
    if (rc == 0)
        return parse_wait(&r, limits, false);
    if (rc > 0)
        rc = understand_request(&r, head);
    return rc < 0 ? rc : parse_finish(&r, limits);
}

/* ---- a response -------------------------------------------------------------------------------------------------- */

static int take_status_line(struct reader *r, struct head *head)
{
    static const char why[] = "a response begins with its version, a status of three digits and a space";
    int64_t status;
    int rc = parse_take_version(r, &head->version);
    if (rc > 0)
        rc = parse_take_string(r, " ", why);
    if (rc <= 0)
        return rc;
    if (r->end - r->at < 4)
        return 0;
    bool bare = r->at[3] == '\r';       /* no space and no reason: usual, and harmless */
    if (text_number(parse_span(r->at, r->at + 3), 999, &status) < 0 || status < 100 || (r->at[3] != ' ' && !bare))
        return parse_wrong(r, why);
    head->status = (int)status;
    r->at += bare ? 3 : 4;
    const char *begin = r->at;
    r->at = text_scan(begin, r->end, VALUE);
    head->reason = parse_span(begin, r->at);
    return r->at == r->end ? 0 : parse_take_line_end(r);
}

static int understand_response(struct reader *r, struct head *head, struct bytes method)
{
    struct said said;
    int rc = hear_all(r, head, &said), kind = head->status / 100;
    bool bare = kind == 1 || head->status == 204;
    if (rc < 0)
        return rc;
    if (bare && (said.coded || (said.has_length && said.length)))
        return parse_wrong(r, "a response of 1xx or 204 says that it has a body, and can have none");
    conclude(head, &said);
    if (bare || head->status == 304 || text_is(method, "HEAD") || (kind == 2 && text_is(method, "CONNECT"))) {
        head->framing = BODY_NONE;
        return 1;
    }
    if (said.coded && (!said.chunked || said.other_coding))
        return parse_wrong(r, "a Transfer-Encoding that is not known here: chunked is");
    head->framing = said.chunked ? BODY_CHUNKED : !said.has_length ? BODY_UNTIL_CLOSE : said.length ? BODY_LENGTH : BODY_NONE;
    head->keep_alive &= head->framing != BODY_UNTIL_CLOSE;
    return 1;
}

ssize_t parse_response(char *seen, size_t len, struct bytes method, const struct parse_limits *limits, struct head *head,
                       struct problem *problem)
{
    struct reader r = { .at = seen, .begin = seen, .end = seen + len, .folds = seen, .problem = problem, .status = 502 };
    begin(head);
    int rc = take_status_line(&r, head);
    if (rc > 0)
        rc = parse_take_fields(&r, &head->headers);
    if (rc == 0)
        return parse_wait(&r, limits, false);
    if (rc > 0)
        rc = understand_response(&r, head, method);
    return rc < 0 ? rc : parse_finish(&r, limits);
}
