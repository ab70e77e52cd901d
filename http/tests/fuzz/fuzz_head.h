/* fuzz_head.h - the head of a message, read at every length it may have come so far: what the targets for requests and for
 * responses share.
 *
 * What is right is incomplete until its last byte, and then the same whatever stands behind it; what is wrong stays wrong; and
 * what was read, written and read again says the same. */
#ifndef EDDY_HTTP_TESTS_FUZZ_HEAD_H
#define EDDY_HTTP_TESTS_FUZZ_HEAD_H

#include "http/tests/fuzz/fuzz.h"

enum { FUZZ_FIELDS = 12, FUZZ_WRITTEN = 8192, FUZZ_EACH = 1024 };

struct fuzz_head {
    const char *method;                 /* whose answer it is; NULL: a request */
    char *block;
    struct head head;
    struct header fields[FUZZ_FIELDS];
    struct problem problem;
    ssize_t rc;
};

static const struct parse_limits fuzz_limits = { .line = 256, .head = 2048 };

static inline void fuzz_parse(struct fuzz_head *h, const void *data, size_t len)
{
    h->block = fuzz_copy(data, len);
    h->head.headers = (struct headers){ .at = h->fields, .room = FUZZ_FIELDS };
    h->problem = (struct problem){0};
    h->rc = h->method ? parse_response(h->block, len, text_of(h->method), &fuzz_limits, &h->head, &h->problem)
                      : parse_request((struct bytes){ h->block, len }, &fuzz_limits, &h->head, &h->problem);
    MUST(h->rc <= (ssize_t)len && h->rc >= -EINVAL && (h->rc >= 0 || h->rc == -EINVAL));
    MUST(h->rc >= 0 || (h->problem.status >= 400 && h->problem.status < 600 && h->problem.why));
}

static inline void fuzz_head_free(struct fuzz_head *h)
{
    free(h->block);
}

/* The head as it would be sent: its length. */
static inline size_t fuzz_write(const struct fuzz_head *h, char out[FUZZ_WRITTEN])
{
    const struct head *d = &h->head;
    int minor = d->version - 10;
    int n = h->method ? snprintf(out, FUZZ_WRITTEN, "HTTP/1.%d %d %.*s\r\n", minor, d->status, (int)d->reason.len, d->reason.data)
                      : snprintf(out, FUZZ_WRITTEN, "%.*s %.*s HTTP/1.%d\r\n", (int)d->method.len, d->method.data,
                                 (int)d->target.len, d->target.data, minor);
    size_t len = (size_t)n + headers_write(&d->headers, out + n, FUZZ_WRITTEN - (size_t)n - 2);
    memcpy(out + len, "\r\n", 2);
    return len + 2;
}

static inline bool fuzz_fields_equal(const struct headers *a, const struct headers *b)
{
    bool same = a->count == b->count;
    for (int i = 0; same && i < a->count; i++)
        same = text_equal(a->at[i].name, b->at[i].name) && text_equal(a->at[i].value, b->at[i].value);
    return same;
}

/* They say the same. */
static inline bool fuzz_heads_equal(const struct head *a, const struct head *b)
{
    return a->version == b->version && a->form == b->form &&
           text_equal(a->method, b->method) && text_equal(a->target, b->target) && text_equal(a->path, b->path) &&
           text_equal(a->query, b->query) && text_equal(a->host, b->host) &&
           a->status == b->status && text_equal(a->reason, b->reason) && a->framing == b->framing && a->length == b->length &&
           a->keep_alive == b->keep_alive && a->expects_continue == b->expects_continue && a->upgrades == b->upgrades &&
           fuzz_fields_equal(&a->headers, &b->headers);
}

/* What the fields say, and what the head says of them, are one thing. */
static inline void fuzz_check_framing(const struct fuzz_head *h)
{
    const struct head *d = &h->head;
    int lengths = headers_count(&d->headers, "content-length"), codings = headers_count(&d->headers, "transfer-encoding");
    MUST(lengths == 0 || codings == 0);
    MUST(d->framing != BODY_CHUNKED || (headers_list(&d->headers, "transfer-encoding", "chunked") && d->version == 11));
    MUST(d->framing != BODY_LENGTH || (lengths > 0 && d->length > 0));
    MUST(d->framing != BODY_UNTIL_CLOSE || (h->method && !d->keep_alive));
    MUST(h->method || d->framing != BODY_NONE || (codings == 0 && d->length == 0));
    MUST(!d->keep_alive || !headers_list(&d->headers, "connection", "close"));
}

static inline void fuzz_check_views(const struct fuzz_head *h, size_t len)
{
    const struct head *d = &h->head;
    const struct bytes views[] = { d->method, d->target, d->query, d->host, d->reason };
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        MUST(fuzz_inside(views[i], h->block, len));
    MUST(text_is(d->path, "/") || fuzz_inside(d->path, h->block, len));
    for (int i = 0; i < d->headers.count; i++) {
        struct header each = d->headers.at[i];
        MUST(fuzz_inside(each.name, h->block, len) && fuzz_inside(each.value, h->block, len));
        MUST(text_is_token(each.name) && text_is_value(each.value) && text_equal(each.value, text_trim(each.value)));
    }
}

static inline void fuzz_check_written(const struct fuzz_head *h)
{
    static char written[FUZZ_WRITTEN];
    struct fuzz_head again = { .method = h->method };
    fuzz_parse(&again, written, fuzz_write(h, written));
    if (h->rc + 4 * h->head.headers.count < (ssize_t)fuzz_limits.head)          /* ": " where it was ":" */
        MUST(again.rc > 0 && fuzz_heads_equal(&h->head, &again.head));
    fuzz_head_free(&again);
}

/* Every length there may have been before: of what is right nothing is said until it is there. */
static inline void fuzz_check_lengths(const struct fuzz_head *whole, const uint8_t *data, size_t len)
{
    struct fuzz_head part = { .method = whole->method };
    size_t from = 0;
    bool wrong = false;
    for (size_t so_far = 0; so_far < len; so_far++) {
        char *block = fuzz_copy(data, so_far);
        bool again = parse_again((struct bytes){ block, so_far }, &fuzz_limits, &from);
        free(block);
        fuzz_parse(&part, data, so_far);
        MUST(!wrong || part.rc < 0);
        MUST(part.rc <= 0 || (part.rc == whole->rc && fuzz_heads_equal(&part.head, &whole->head)));
        MUST(part.rc == 0 || part.rc == whole->rc);
        MUST(part.rc <= 0 || again);
        wrong = part.rc < 0;
        bool over = part.rc > 0;
        fuzz_head_free(&part);
        if (over)
            return;
    }
    MUST(whole->rc <= 0 || whole->rc == (ssize_t)len);
}

static inline void fuzz_check_head(const char *method, const uint8_t *data, size_t len)
{
    struct fuzz_head whole = { .method = method };
    if (len > FUZZ_EACH)
        len = FUZZ_EACH;
    fuzz_parse(&whole, data, len);
    fuzz_check_lengths(&whole, data, len);
    if (whole.rc > 0) {
        fuzz_check_views(&whole, len);
        fuzz_check_framing(&whole);
        fuzz_check_written(&whole);
    }
    fuzz_head_free(&whole);
}

#endif
