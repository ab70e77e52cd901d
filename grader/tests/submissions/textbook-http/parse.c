/* The parser of the usual tutorial: lines are cut at CR LF, words at blanks, and fields are believed. */
#include "http/parse_inside.h"

#include <errno.h>
#include <string.h>

static struct bytes next_word(const char **at, const char *end)
{
    const char *from = *at;
    while (*at < end && **at != ' ' && **at != '\r')
        (*at)++;
    struct bytes word = { from, (size_t)(*at - from) };
    if (*at < end && **at == ' ')
        (*at)++;
    return word;
}

static const char *whole(const char *from, const char *end)
{
    return from < end ? memmem(from, (size_t)(end - from), "\r\n\r\n", 4) : NULL;
}

static int64_t to_number(struct bytes text)
{
    int64_t n = 0;
    for (size_t i = 0; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++)
        n = n * 10 + text.data[i] - '0';
    return n;
}

static void take_lines(const char *at, const char *end, struct headers *h)
{
    while (at < end && h->count < h->room) {
        const char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);
        const char *colon = line_end ? memchr(at, ':', (size_t)(line_end - at)) : NULL;
        if (!colon)
            return;
        h->at[h->count++] = (struct header){ parse_span(at, colon), text_trim(parse_span(colon + 1, line_end)) };
        at = line_end + 2;
    }
}

static void believe(struct head *head)
{
    struct bytes length = headers_get(&head->headers, "Content-Length");
    struct bytes coding = headers_get(&head->headers, "Transfer-Encoding");
    head->host = headers_get(&head->headers, "Host");
    head->length = length.data ? to_number(length) : 0;
    head->framing = head->length ? BODY_LENGTH : BODY_NONE;
    if (coding.len && memmem(coding.data, coding.len, "chunked", 7))
        head->framing = BODY_CHUNKED;
    head->keep_alive = head->version == 11 && !text_is(headers_get(&head->headers, "Connection"), "close");
    head->expects_continue = headers_get(&head->headers, "Expect").data != NULL;
}

ssize_t parse_request(struct bytes seen, const struct parse_limits *limits, struct head *head, struct problem *problem)
{
    const char *at = seen.data, *end = whole(seen.data, seen.data + seen.len);
    *head = (struct head){ .headers = { head->headers.at, 0, head->headers.room } };
    (void)limits;
    if (!end)
        return 0;
    head->method = next_word(&at, end);
    head->target = next_word(&at, end);
    struct bytes version = next_word(&at, end);
    if (!head->target.len || version.len != 8)
        return problem_say(problem, 400, "this is no request");
    head->version = version.data[7] == '0' ? 10 : 11;
    const char *query = memchr(head->target.data, '?', head->target.len);
    head->path = query ? parse_span(head->target.data, query) : head->target;
    if (query)
        head->query = parse_span(query + 1, head->target.data + head->target.len);
    take_lines(at + 2, end + 2, &head->headers);
    believe(head);
    return end + 4 - seen.data;
}

ssize_t parse_response(char *seen, size_t len, struct bytes method, const struct parse_limits *limits, struct head *head,
                       struct problem *problem)
{
    const char *at = seen, *end = whole(seen, seen + len);
    *head = (struct head){ .headers = { head->headers.at, 0, head->headers.room } };
    (void)limits, (void)method, (void)problem;
    if (!end)
        return 0;
    head->version = next_word(&at, end).data[7] == '0' ? 10 : 11;
    head->status = (int)to_number(next_word(&at, end));
    head->reason.data = at;
    while (at < end && *at != '\r')
        at++;
    head->reason.len = (size_t)(at - head->reason.data);
    take_lines(at + 2, end + 2, &head->headers);
    believe(head);
    return end + 4 - seen;
}
