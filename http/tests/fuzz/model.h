/* model.h - what the parsers find in bytes that are all there, with no connection around them: what a server and a client are
 * compared with. The trap it exists for: a state machine that is compared with itself. */
#ifndef EDDY_HTTP_TESTS_FUZZ_MODEL_H
#define EDDY_HTTP_TESTS_FUZZ_MODEL_H

#include "http/chunked.h"
#include "http/tests/fuzz/fuzz.h"

/* A text that grows. */
struct said {
    char text[1 << 18];
    size_t len;
};

static inline void said_add(struct said *s, const void *data, size_t len)
{
    MUST(s->len + len < sizeof s->text);
    if (len)
        memcpy(s->text + s->len, data, len);
    s->len += len;
    s->text[s->len] = '\0';
}

/* A body in chunks: its length with all that is around it, or -1. */
static inline ssize_t model_chunks(struct bytes rest, int64_t most, struct said *body, struct problem *problem)
{
    struct chunked c = {0};
    struct header late[16];
    size_t at = 0;
    for (;;) {
        struct bytes seen = { rest.data + at, rest.len - at }, piece = {0};
        struct headers trailers = { .at = late, .room = 16 };
        bool last = c.state == CHUNK_TRAILERS;
        ssize_t n = last ? parse_trailers(seen, NULL, &trailers, problem) : chunked_take(&c, seen, most, &piece, problem);
        if (n <= 0)
            return -1;
        said_add(body, piece.data, piece.len);
        at += (size_t)n;
        if (last)
            return (ssize_t)at;
    }
}

/* The body behind a head, of at most so many bytes: its length in `rest`, with all that is around it; -1: it is not all there; or
 * it is wrong, or too large, and then the problem is said. */
static inline ssize_t model_body(const struct head *head, struct bytes rest, int64_t most, struct said *body,
                                 struct problem *problem)
{
    size_t len = head->framing == BODY_UNTIL_CLOSE ? rest.len : 0;
    *problem = (struct problem){0};
    body->len = 0;
    if (head->framing == BODY_CHUNKED)
        return model_chunks(rest, most, body, problem);
    if (head->framing == BODY_LENGTH && head->length <= most && (int64_t)rest.len < head->length)
        return -1;
    if (head->framing == BODY_LENGTH)
        len = (size_t)head->length;
    if ((int64_t)len > most) {
        problem_say(problem, 413, "the body is larger than is taken");
        return -1;
    }
    said_add(body, rest.data, len);
    return (ssize_t)len;
}

#endif
