/* unpacker.h - a body that came packed, unpacked piece by piece.
 *
 * OWNERSHIP  A struct unpacker is embedded in its owner, {0} but coding and name; unpacker_end ends it. What is put into `in` is
 *            lent until it has been taken; a piece until the next one.
 * ERRORS     -EBADMSG, -EMSGSIZE, -ENOMEM, each with a sentence in `why`; the same again, to who asks again (but for memory that
 *            is there meanwhile).
 *
 * The trap it exists for: the end of what has come is not the end of what is in it. A megabyte may wait in the last kilobyte; and
 * a gigabyte in a megabyte, of which one piece at a time is ever unpacked. */
#ifndef EDDY_HTTP_UNPACKER_H
#define EDDY_HTTP_UNPACKER_H

#include "http/coding.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { UNPACKED = 16384 };              /* bytes that a piece has at most */

struct unpacker {
    const struct coding *coding;
    struct bytes name;                  /* what the body came in */
    struct bytes in;                    /* what has come, and was not unpacked yet */
    bool ended;                         /* nothing comes behind it */
    char *out;                          /* where the pieces are */
    struct coder *coder;
    int64_t total;                      /* bytes that were unpacked */
    int broken;                         /* 0, or -errno: it does not go on */
    const char *why;
};

/* The length of the next piece, which is at out; 0: more must come, or, where it has ended, that was all. `most`: of the whole
 * body, unpacked. */
int unpacker_next(struct unpacker *, struct sys *, int64_t most);
/* Harmless at any time. */
void unpacker_end(struct unpacker *, struct sys *);

#ifdef __cplusplus
}
#endif
#endif
