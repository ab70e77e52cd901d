/* client_answer.h - what comes back: heads, and a body in pieces, whatever its framing.
 *
 * OWNERSHIP  A struct answer is embedded in its owner, and stays in place. Its stream is lent. A head is a view into what was
 *            read, until answer_keep has copied it; a piece is lent until the next is asked for.
 * ERRORS     -EBADMSG: it is no HTTP; -EMSGSIZE: larger than may be; -EPIPE: it has ended before its end; answer_why says it.
 *
 * Traps it exists for: an end that is a length, a last chunk, the close of the connection, or nothing at all, whatever the head
 * says; what comes behind that end is no part of it; and an answer that is none must not be waited for until it is too late. */
#ifndef EDDY_HTTP_CLIENT_ANSWER_H
#define EDDY_HTTP_CLIENT_ANSWER_H

#include "http/chunked.h"
#include "stream/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ANSWER_FIELDS = 100, ANSWER_TRAILERS = 16 };

struct answer {
    struct stream *stream;          /* NULL: taken away */
    const char *method;
    size_t most_head;               /* bytes of each head */
    int64_t most_body;              /* bytes of the body */
    callback *on_first;             /* of a head's bytes the first has come; NULL */
    void *self;

    struct head head;
    struct headers trailers;
    bool heard;                     /* any byte has come */
    bool over;                      /* all of the body has */
    int64_t total;                  /* bytes of it that were delivered */
    struct problem problem;

    char *kept, *kept_late;         /* the rest is client_answer.c's */
    size_t from;
    bool begun, closed;
    struct chunked chunked, ahead;
    struct bytes piece;
    struct future *f, read;
    int64_t until;                  /* for each piece; FOREVER */
    struct timeout alarm;
    struct header fields[ANSWER_FIELDS], late[ANSWER_TRAILERS];     /* last: nobody need make them zero */
};

/* Before each. Its limits, on_first and self stay; all else is as new. */
void answer_begin(struct answer *, struct stream *, const char *method);
/* The next head, of 1xx too. rc is its length. */
struct future *answer_head(struct answer *, struct future *f);
/* Copies it, so that it outlives the next read. 0 or -ENOMEM. */
int answer_keep(struct answer *);
/* The next piece: rc its length, value its bytes; 0: that was all. */
struct future *answer_body(struct answer *, struct future *f);
/* Absolute ns at which a piece that has not come is too late (-ETIMEDOUT). */
void answer_expect(struct answer *, int64_t until);
/* Another request may follow on the connection: all has come, and nothing behind it. */
bool answer_clean(const struct answer *);
/* What a read of a head, or of a piece, has failed with: a static sentence; `otherwise` is the future's. */
const char *answer_why(const struct answer *, int rc, const char *otherwise);
/* Who waits for a piece hears that it is over; the stream is not touched any more. What was kept stays. */
void answer_leave(struct answer *);
void answer_end(struct answer *, struct sys *);

#ifdef __cplusplus
}
#endif
#endif
