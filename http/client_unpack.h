/* client_unpack.h - the body of an answer, unpacked as it is asked for.
 *
 * OWNERSHIP  A struct unpack is embedded in its owner, {0} at first; its answer is lent, and until unpack_end nobody else asks it
 *            for its body. A piece is lent until the next is asked for.
 * ERRORS     As answer_body; -EBADMSG and -EMSGSIZE also of what is packed in it.
 *
 * Trap: the end of what has come is not the end of what is in it. A connection may be done, and a megabyte wait in its last
 * kilobyte. */
#ifndef EDDY_HTTP_CLIENT_UNPACK_H
#define EDDY_HTTP_CLIENT_UNPACK_H

#include "http/client_answer.h"
#include "http/unpacker.h"

#ifdef __cplusplus
extern "C" {
#endif

struct unpack {
    const struct coding *coding;    /* NULL: the body is as it comes, and asked for with answer_body */
    struct bytes name;              /* what it came in; {NULL, 0} */
    bool over;                      /* all of it was given */

    struct answer *answer;          /* the rest is client_unpack.c's */
    struct unpacker unpacker;
    int piece;                      /* bytes that wait in it for who asks */
    struct future *f, packed;
};

/* The head of the answer has come. Where it has a body, all of it, in a coding that is known, that will be unpacked. */
void unpack_begin(struct unpack *, struct answer *, const struct coding *);
/* The next piece: rc its length, value its bytes; 0: that was all. */
struct future *unpack_body(struct unpack *, struct future *f);
/* Who waits for a piece hears that it is over. Harmless at any time. */
void unpack_end(struct unpack *, struct sys *);

#ifdef __cplusplus
}
#endif
#endif
