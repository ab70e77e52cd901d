/* heads.h - what the tests of parsers share: each text is read at every length it may have come so far.
 *
 * The bytes lie in a block of exactly that length, so that who looks behind them is caught by ASan and valgrind. */
#ifndef EDDY_HTTP_TESTS_HEADS_H
#define EDDY_HTTP_TESTS_HEADS_H

#include <stdio.h>

#include "http/parse.h"
#include "loop/tests/support.h"

enum { FIELDS = 8 };

struct heard {
    ssize_t rc;
    struct head head;
    struct header fields[FIELDS];
    struct problem problem;
    char *block;                    /* that the views point into */
    struct parse_limits limits;
    const char *method;             /* whose answer a response is; NULL: a request */
};

static inline void parse_so_far(struct heard *h, const char *text, size_t len)
{
    free(h->block);
    h->block = malloc(len ? len : 1);
    memcpy(h->block, text, len);
    h->head.headers = (struct headers){ .at = h->fields, .room = FIELDS };
    h->problem = (struct problem){0};
    h->rc = h->method ? parse_response(h->block, len, text_of(h->method), &h->limits, &h->head, &h->problem)
                      : parse_request((struct bytes){ h->block, len }, &h->limits, &h->head, &h->problem);
}

/* Reads it at every length. What is right is incomplete until its last byte; what is wrong stays so, and for the same reason. */
static inline void parse_split(struct heard *h, const char *text, size_t len)
{
    size_t wrong_at = 0;
    for (size_t so_far = 0; so_far <= len; so_far++) {
        parse_so_far(h, text, so_far);
        if (h->rc > 0)
            MUST((size_t)h->rc == so_far);
        if (wrong_at)
            MUST(h->rc == -EINVAL);
        if (h->rc < 0) {
            MUST(h->rc == -EINVAL && h->problem.status >= 400 && h->problem.why);
            wrong_at = so_far;
        } else if (h->rc > 0) {
            MUST(so_far == len);
        }
    }
}

/* A request that is right: its head ends with the text. */
static inline struct heard *request(const char *text)
{
    static struct heard h;
    h.limits = (struct parse_limits){0};
    h.method = NULL;
    parse_split(&h, text, strlen(text));
    ck_assert_msg(h.rc == (ssize_t)strlen(text), "%s\nwas read as %zd: %s", text, h.rc, h.problem.why ? h.problem.why : "");
    return &h;
}

static inline struct heard *response_to(const char *method, const char *text)
{
    static struct heard h;
    h.method = method;
    parse_split(&h, text, strlen(text));
    ck_assert_msg(h.rc == (ssize_t)strlen(text), "%s\nwas read as %zd: %s", text, h.rc, h.problem.why ? h.problem.why : "");
    return &h;
}

/* What is wrong with it: the status. 0: nothing, or it waits for more. */
static inline int refused(const char *text, size_t len)
{
    static struct heard h;
    parse_split(&h, text, len);
    return h.rc < 0 ? h.problem.status : 0;
}

static inline int refused_response(const char *text)
{
    static struct heard h;
    h.method = "GET";
    parse_split(&h, text, strlen(text));
    return h.rc < 0 ? h.problem.status : 0;
}

#define REFUSED(text) refused(text, sizeof(text) - 1)
#define SAYS(bytes, string) \
    ck_assert_msg(text_is(bytes, string), "\"%.*s\" is not \"%s\"", (int)(bytes).len, (bytes).data, string)

#endif
