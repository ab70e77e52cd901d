/* parse_inside.h - what the two files of parse.h share: what is read, and its pieces. Nobody else includes it.
 *
 * Steps return 1; 0: more must come; -EINVAL, with the problem said. */
#ifndef EDDY_HTTP_PARSE_INSIDE_H
#define EDDY_HTTP_PARSE_INSIDE_H

#include "http/parse.h"
#include "http/text_scan.h"

enum { PARSE_LINE = 8192, PARSE_HEAD = 65536 };         /* bytes: where no limits are given */

struct reader {
    const char *at, *end;
    char *folds;                        /* where lines may go on: the same bytes as at, to be changed; else NULL */
    const char *begin;
    struct problem *problem;
    int status;                         /* for what is simply wrong: 400 of a request, 502 of a response */
};

static inline struct bytes parse_span(const char *from, const char *to)
{
    return (struct bytes){ from, (size_t)(to - from) };
}

/* Says what is wrong: -EINVAL. The status is 502 in a response. */
int parse_wrong(struct reader *, const char *why);
int parse_wrong_with(struct reader *, int status, const char *why);

/* The bytes of a class from here on, at least one, up to `stop`, which is none of them, and is taken too. */
static inline int parse_take_until(struct reader *r, enum text_class kind, char stop, const char *why, struct bytes *out)
{
    const char *begin = r->at, *p = text_scan(begin, r->end, kind);
    if (p == r->end)
        return 0;
    if (*p != stop || p == begin)
        return parse_wrong(r, why);
    *out = parse_span(begin, p);
    r->at = p + 1;
    return 1;
}

int parse_take_string(struct reader *, const char *string, const char *why);
int parse_line_end_missing(struct reader *);
static inline int parse_take_line_end(struct reader *r)
{
    if (r->end - r->at < 2 || r->at[0] != '\r' || r->at[1] != '\n')
        return parse_line_end_missing(r);
    r->at += 2;
    return 1;
}

/* "HTTP/1.1": 10 or 11. */
int parse_take_version(struct reader *, int *version);
/* All fields, and the empty line behind them. */
int parse_take_fields(struct reader *, struct headers *);

/* More must come: 0, unless there is too much already. */
int parse_wait(struct reader *, const struct parse_limits *, bool first_line);
/* All of it has come: its length, unless it is too much. */
ssize_t parse_finish(struct reader *, const struct parse_limits *);

#endif
