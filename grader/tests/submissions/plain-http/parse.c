/* A parser written from the handout alone: byte after byte, and each field looked at as it comes. */
#include "http/parse_inside.h"

#include <errno.h>
#include <string.h>

#include "http/url.h"

enum { NO_LENGTH = -1 };

struct facts {
    int hosts, codings;
    int64_t length;
    bool only_chunked, close, keep, upgrade_named, upgrade;
    struct bytes host, expect;
};

static int number(struct reader *r, struct facts *f, struct bytes list)
{
    struct bytes one;
    int items = 0;
    while (text_next(&list, &one)) {
        int64_t n = 0;
        for (size_t i = 0; i < one.len; i++) {
            int digit = one.data[i] - '0';
            if (digit < 0 || digit > 9 || n > (INT64_MAX - digit) / 10)
                return parse_wrong(r, "this length is no number, or too large");
            n = 10 * n + digit;
        }
        if (f->length != NO_LENGTH && f->length != n)
            return parse_wrong(r, "there are two lengths");
        f->length = n;
        items++;
    }
    return items ? 1 : parse_wrong(r, "there is no length behind Content-Length");
}

static int coding(struct reader *r, struct facts *f, struct bytes list)
{
    struct bytes one;
    if (f->codings == 0)
        f->only_chunked = false;
    f->codings++;
    while (text_next(&list, &one)) {
        bool chunked = text_alike(one, "chunked");
        if (f->only_chunked || (f->codings > 1 && !chunked && f->only_chunked))
            return parse_wrong(r, "something stands behind chunked");
        f->only_chunked = chunked;
        f->codings += !chunked;
    }
    return 1;
}

static int fact(struct reader *r, struct facts *f, const struct header *h)
{
    struct bytes list = h->value, one;
    if (text_alike(h->name, "content-length"))
        return number(r, f, h->value);
    if (text_alike(h->name, "transfer-encoding"))
        return coding(r, f, h->value);
    if (text_alike(h->name, "host")) {
        f->hosts++;
        f->host = h->value;
    }
    if (text_alike(h->name, "expect"))
        f->expect = h->value;
    if (text_alike(h->name, "upgrade"))
        f->upgrade = true;
    while (text_alike(h->name, "connection") && text_next(&list, &one)) {
        f->close = f->close || text_alike(one, "close");
        f->keep = f->keep || text_alike(one, "keep-alive");
        f->upgrade_named = f->upgrade_named || text_alike(one, "upgrade");
    }
    return 1;
}

/* What all messages have in common. f->codings is 0 without Transfer-Encoding, 1 for chunked alone. */
static int facts_of(struct reader *r, struct head *head, struct facts *f)
{
    *f = (struct facts){ .length = NO_LENGTH };
    for (int i = 0; i < head->headers.count; i++) {
        int rc = fact(r, f, &head->headers.at[i]);
        if (rc < 0)
            return rc;
    }
    if (f->codings && (f->length != NO_LENGTH || head->version == 10))
        return parse_wrong(r, "where this body ends can be read in two ways");
    head->keep_alive = f->close ? false : head->version == 11 || f->keep;
    head->upgrades = head->version == 11 && f->upgrade && f->upgrade_named;
    head->length = f->length > 0 ? f->length : 0;
    return 1;
}

static int path_and_query(struct reader *r, struct head *head)
{
    size_t at = 0;
    while (at < head->target.len && head->target.data[at] != '?') {
        if (head->target.data[at] == '#')
            return parse_wrong(r, "a fragment");
        at++;
    }
    head->path = (struct bytes){ head->target.data, at };
    if (at < head->target.len)
        head->query = (struct bytes){ head->target.data + at + 1, head->target.len - at - 1 };
    return at < head->target.len && memchr(head->query.data, '#', head->query.len) ? parse_wrong(r, "a fragment") : 1;
}

static int target(struct reader *r, struct head *head)
{
    struct bytes host;
    struct url url;
    bool secure;
    int port;
    if (text_is(head->method, "CONNECT")) {
        head->form = TARGET_AUTHORITY;
        head->host = head->target;
        return url_authority(head->target, &host, &port) < 0 || port == 0 ? parse_wrong(r, "no host with a port") : 1;
    }
    if (head->target.data[0] == '/')
        return path_and_query(r, head);
    if (text_is(head->target, "*")) {
        head->form = TARGET_ASTERISK;
        head->path = head->target;
        return text_is(head->method, "OPTIONS") ? 1 : parse_wrong(r, "* is for OPTIONS");
    }
    if (url_parse(head->target, &url) < 0 || url_http(&url, &secure, &port) < 0 || url.user.data || url.fragment.data)
        return parse_wrong(r, "the target is neither a path nor a URL");
    head->form = TARGET_ABSOLUTE;
    head->host = parse_span(url.host.data - (url.host.data[-1] == '['), url.path.data);
    head->path = url.path.len ? url.path : text_of("/");
    head->query = url.query;
    return 1;
}

static int host(struct reader *r, struct head *head, const struct facts *f)
{
    struct bytes name;
    int port;
    if (f->hosts > 1 || (f->hosts == 0 && head->version == 11))
        return parse_wrong(r, "one Host, please");
    if (f->host.len && (memchr(f->host.data, ',', f->host.len) || url_authority(f->host, &name, &port) < 0))
        return parse_wrong(r, "this Host is none");
    if (head->form == TARGET_ORIGIN || head->form == TARGET_ASTERISK)
        head->host = f->host;
    return 1;
}

static int request(struct reader *r, struct head *head)
{
    struct facts f;
    int rc = facts_of(r, head, &f);
    if (rc > 0 && f.codings > 1)
        rc = f.only_chunked ? parse_wrong_with(r, 501, "an unknown coding") : parse_wrong(r, "the last coding is not chunked");
    if (rc > 0 && f.codings == 1 && !f.only_chunked)
        rc = parse_wrong(r, "a coding that is none");
    head->framing = f.codings ? BODY_CHUNKED : head->length ? BODY_LENGTH : BODY_NONE;
    if (rc > 0 && f.expect.data && head->version == 11 && !text_alike(f.expect, "100-continue"))
        rc = parse_wrong_with(r, 417, "an expectation that is not known");
    head->expects_continue = f.expect.data && head->version == 11 && head->framing != BODY_NONE;
    if (rc > 0)
        rc = target(r, head);
    return rc > 0 ? host(r, head, &f) : rc;
}

static int first_line(struct reader *r, struct head *head)
{
    int rc = 1;
    while (rc > 0 && r->at < r->end && *r->at == '\r')
        rc = parse_take_line_end(r);
    if (rc > 0)
        rc = parse_take_until(r, TOKEN, ' ', "no method", &head->method);
    if (rc > 0)
        rc = parse_take_until(r, TARGET, ' ', "no target", &head->target);
    if (rc > 0)
        rc = parse_take_version(r, &head->version);
    return rc > 0 ? parse_take_line_end(r) : rc;
}

ssize_t parse_request(struct bytes seen, const struct parse_limits *limits, struct head *head, struct problem *problem)
{
    struct reader r = { .at = seen.data, .begin = seen.data, .end = seen.data + seen.len, .problem = problem, .status = 400 };
    size_t most = limits && limits->line ? limits->line : PARSE_LINE;
    *head = (struct head){ .headers = { head->headers.at, 0, head->headers.room } };
    int rc = first_line(&r, head);
    if (rc == 0)
        return parse_wait(&r, limits, true);
    if (rc > 0 && (size_t)(r.at - r.begin) > most)
        rc = parse_wrong_with(&r, 414, "this line is too long");
    if (rc > 0)
        rc = parse_take_fields(&r, &head->headers);
    if (rc == 0)
        return parse_wait(&r, limits, false);
    if (rc > 0)
        rc = request(&r, head);
    return rc > 0 ? parse_finish(&r, limits) : rc;
}

static int status_line(struct reader *r, struct head *head)
{
    int rc = parse_take_version(r, &head->version);
    if (rc > 0)
        rc = parse_take_string(r, " ", "no space");
    for (int i = 0; rc > 0 && i < 3; i++) {
        if (r->at == r->end)
            return 0;
        if (*r->at < '0' + (i == 0) || *r->at > '9')
            return parse_wrong(r, "no status");
        head->status = 10 * head->status + *r->at++ - '0';
    }
    if (rc > 0)
        rc = parse_take_string(r, " ", "no space behind the status");
    if (rc <= 0)
        return rc;
    head->reason.data = r->at;
    while (r->at < r->end && text_class(*r->at) & VALUE)
        r->at++;
    head->reason.len = (size_t)(r->at - head->reason.data);
    return parse_take_line_end(r);
}

static int response(struct reader *r, struct head *head, struct bytes method)
{
    struct facts f;
    bool bare = head->status < 200 || head->status == 204;
    int rc = facts_of(r, head, &f);
    if (rc < 0)
        return rc;
    if (bare && (f.codings || f.length > 0))
        return parse_wrong(r, "a body where there can be none");
    if (bare || head->status == 304 || text_is(method, "HEAD") || (text_is(method, "CONNECT") && head->status < 300))
        return 1;
    if (f.codings && (f.codings > 1 || !f.only_chunked))
        return parse_wrong(r, "an unknown coding");
    head->framing = f.codings ? BODY_CHUNKED : f.length > 0 ? BODY_LENGTH : f.length == 0 ? BODY_NONE : BODY_UNTIL_CLOSE;
    if (head->framing == BODY_UNTIL_CLOSE)
        head->keep_alive = false;
    return 1;
}

ssize_t parse_response(char *seen, size_t len, struct bytes method, const struct parse_limits *limits, struct head *head,
                       struct problem *problem)
{
    struct reader r = { .at = seen, .begin = seen, .end = seen + len, .folds = seen, .problem = problem, .status = 502 };
    *head = (struct head){ .headers = { head->headers.at, 0, head->headers.room } };
    int rc = status_line(&r, head);
    if (rc > 0)
        rc = parse_take_fields(&r, &head->headers);
    if (rc == 0)
        return parse_wait(&r, limits, false);
    if (rc > 0)
        rc = response(&r, head, method);
    return rc > 0 ? parse_finish(&r, limits) : rc;
}
