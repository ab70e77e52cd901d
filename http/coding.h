/* coding.h - content codings: bodies that travel packed (RFC 9110, section 8.4).
 *
 * OWNERSHIP  A struct coding is static. A struct coder, one body's, is yours, ended with coding->end. What goes in is lent for
 *            the call; what comes out is yours.
 * ERRORS     -EBADMSG: what is packed is broken, cut off, or has something behind its end; -ENOMEM; each with a sentence. Behind
 *            one of them a coder can only be ended.
 *
 *     struct coder *c = coding->unpack(sys, name);
 *     while (... more comes, in `in`; end is CODING_LAST with the last of it, or behind it with nothing ...)
 *         while ((n = coding->step(c, &in, end, out, sizeof out, &why)) > 0)
 *             ... n bytes in `out` ...
 *
 * Whoever names coding_gzip links with -lz; who is given a struct coding does not.
 *
 * Traps it exists for: a thousand bytes that unpack to a gigabyte: whoever takes all of what comes out has lost before he can
 * count it, so a step gives what there is room for and no more; a body whose end is cut off, with its check sum, that is half a
 * page and looks like one; and a second member behind the first, that some unpack and others drop. */
#ifndef EDDY_HTTP_CODING_H
#define EDDY_HTTP_CODING_H

#include "http/headers.h"

#ifdef __cplusplus
extern "C" {
#endif

struct coder;

enum { CODING_LEAST = 16 };             /* bytes of room that a step has, at least */

enum coding_end {
    CODING_MORE,                        /* follows */
    CODING_FLUSH,                       /* the same; but what went in must be of use to the other side now */
    CODING_LAST                         /* nothing follows */
};

struct coding {
    const char *name;                   /* of what pack makes: for Accept-Encoding, Content-Encoding */
    /* Whether what a Content-Encoding of that name has packed can be unpacked. */
    bool (*knows)(struct bytes name);
    /* NULL with errno. The name is known; the level is 1, fast, to 9, small; 0: as is usual. A coder of gzip's has 40 KB if it
     * unpacks, 270 KB if it packs. */
    struct coder *(*unpack)(struct sys *, struct bytes name);
    struct coder *(*pack)(struct sys *, int level);
    /* Takes from the beginning of *in, and gives: how many bytes; 0: all of *in is taken, and nothing comes until there is more,
     * or, with CODING_LAST, ever. Call it until it gives 0; behind CODING_LAST nothing goes in (REQUIRE). */
    ssize_t (*step)(struct coder *, struct bytes *in, enum coding_end, char *out, size_t size, const char **why);
    void (*end)(struct coder *);
};

/* gzip, all members of it, packed and unpacked; x-gzip, which is the same; and deflate, unpacked, with zlib's frame (RFC 1950)
 * or, as some servers send it, without. No bytes at all are an empty body. Everything else that stands before, behind or between
 * is -EBADMSG. */
const struct coding *coding_gzip(void);

/* Which Content-Encoding a body with these fields came in, if the coding knows it; {NULL, 0}: none, or another, or several on top
 * of each other. */
static inline struct bytes coding_of(const struct coding *coding, const struct headers *h)
{
    struct bytes name = headers_get(h, "content-encoding"), none = { NULL, 0 };
    return headers_count(h, "content-encoding") == 1 && coding->knows(name) ? name : none;
}

#ifdef __cplusplus
}
#endif
#endif
