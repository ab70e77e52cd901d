/* client_upload.h - the body of a request, sent in pieces as they are made.
 *
 *     static int count_to_ten(void *self, struct http_upload *u)           runs in the fetch's coroutine: it may await
 *     {
 *         struct future f = {0};
 *         int rc = 0;
 *         for (int i = 0; i < 10 && rc >= 0; i++)
 *             rc = await(http_upload_write(u, (struct bytes){ "0123456789" + i, 1 }, &f));
 *         return rc;
 *     }
 *
 * OWNERSHIP  A struct http_upload is lent to its producer until that returns. What is written is copied where it must be.
 * ERRORS     -EPIPE: the server takes no more, or has answered already; its answer is then what the fetch gives. -EMSGSIZE: more
 *            than the length that was said.
 *
 * Trap: a server that answers before it has read all is not a server that is gone; who only writes never sees its 413. */
#ifndef EDDY_HTTP_CLIENT_UPLOAD_H
#define EDDY_HTTP_CLIENT_UPLOAD_H

#include "stream/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

struct http_upload;

/* Makes a body: returns >= 0 when that was all, or -errno, which ends the fetch. It is called again where a redirect or a second
 * attempt needs the body again. */
typedef int http_produce(void *self, struct http_upload *);

/* Done when the kernel has it: await it, and a slow server slows you. One at a time. rc is the length. */
struct future *http_upload_write(struct http_upload *, struct bytes, struct future *f);

/* ---- for the client ------------------------------------------------------------------------------------------------ */

struct http_upload {
    struct stream *stream;
    int64_t left;                   /* of the length that was said; < 0: in chunks */
    bool lent;                      /* what is written stays until the stream is closed, or all is sent: nothing is copied */
    bool answered;                  /* the server has, before it had all */
    struct future *f;               /* the producer's: pending, or answered and not delivered */
    struct future sent;
    size_t len;                     /* of what is being sent */
    struct buffer piece;            /* a chunk */
};

/* length < 0: in chunks. */
void upload_begin(struct http_upload *, struct stream *, int64_t length);
/* The server has answered: nobody needs to write any more. */
void upload_answered(struct http_upload *);
/* The producer has returned, and all went well: the last chunk. -EINVAL: it has written less than was said; or as a write. */
int upload_finish(struct http_upload *);
/* Ends it, wherever it is. */
void upload_end(struct http_upload *);

#ifdef __cplusplus
}
#endif
#endif
