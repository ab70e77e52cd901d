/* parse.c - the head of a message. See http/parse.h, which is the contract, and http/parse_inside.h, which has the pieces of
 * a line that are given: parse_take_until, parse_take_version, parse_take_fields and the others say 1, 0 for more must come,
 * or -EINVAL.
 *
 * Yours: everything below that says so. Three steps carry it: the first line, the fields, and then what those that concern
 * the connection say together. Each of these fields is harmless alone; what is dangerous is two of them that contradict each
 * other, or one twice. */
#include "http/parse_inside.h"

#include <errno.h>
#include <string.h>

#include "http/url.h"

/* ---- what the fields say together -------------------------------------------------------------------------------- */

/* What is known when all fields have been looked at once. You may have more in it, or less. */
struct said {
    int hosts;
    bool has_length, chunked, other_coding, coded, close, keep_alive, upgrade, connection_upgrade;
    int64_t length;
    struct bytes host, expect;
};

/* Yours: 1, or -EINVAL for fields that contradict each other (parse_wrong). text.h has text_alike, text_next for lists, and
 * text_number, which knows of no signs. */
static int hear_all(struct reader *r, const struct head *head, struct said *said)
{
    (void)r, (void)head;
    *said = (struct said){0};
    return 1;
}

/* Yours: what requests and responses have in common: whether another message follows, and the length. */
static void conclude(struct head *head, const struct said *said)
{
    (void)head, (void)said;
}

/* ---- a request --------------------------------------------------------------------------------------------------- */

/* Yours: framing, expects_continue, the target in its four forms (url.h), the host. */
static int understand_request(struct reader *r, struct head *head)
{
    struct said said;
    int rc = hear_all(r, head, &said);
    if (rc < 0)
        return rc;
    conclude(head, &said);
    return 1;
}

/* Yours: the method, the target, the version; empty lines before them are passed over. */
static int take_request_line(struct reader *r, struct head *head)
{
    (void)r, (void)head;
    return 0;
}

static void begin(struct head *head)
{
    struct headers fields = head->headers;
    *head = (struct head){ .headers = fields };
    head->headers.count = 0;
}

/* Yours: the limits. parse_wait is for what has not come whole, parse_finish for all of it. */
ssize_t parse_request(struct bytes seen, const struct parse_limits *limits, struct head *head, struct problem *problem)
{
    struct reader r = { .at = seen.data, .begin = seen.data, .end = seen.data + seen.len, .problem = problem, .status = 400 };
    begin(head);
    int rc = take_request_line(&r, head);
    if (rc > 0)
        rc = parse_take_fields(&r, &head->headers);
    if (rc > 0)
        rc = understand_request(&r, head);
    return rc <= 0 ? rc : parse_finish(&r, limits);
}

/* ---- a response -------------------------------------------------------------------------------------------------- */

/* Given. */
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
    if (text_number(parse_span(r->at, r->at + 3), 999, &status) < 0 || status < 100 || r->at[3] != ' ')
        return parse_wrong(r, why);
    head->status = (int)status;
    r->at += 4;
    const char *from = r->at;
    r->at = text_scan(from, r->end, VALUE);
    head->reason = parse_span(from, r->at);
    return r->at == r->end ? 0 : parse_take_line_end(r);
}

/* Yours: where it ends. That depends on the method it answers, on its status, and only then on its fields. */
static int understand_response(struct reader *r, struct head *head, struct bytes method)
{
    struct said said;
    int rc = hear_all(r, head, &said);
    (void)method;
    if (rc < 0)
        return rc;
    conclude(head, &said);
    return 1;
}

/* Given. */
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
