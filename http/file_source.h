/* file_source.h - a file on its way into a reply, piece by piece: what exchange_send_file (exchange.h) and files.c send from.
 *
 * OWNERSHIP  A source is embedded in what is handed to the executor's threads, as its first member, and is nobody's until that
 *            comes back.
 *
 * A small piece is read, and goes out in one packet with the reply's head. Of a large one the pages themselves are sent, through
 * a conduit (stream/conduit.h); but over TLS, where it is packed, and where a file or the kernel cannot do that, all are read, in
 * pieces of 128 KiB. The trap it exists for: a file that has become shorter than it said, in the middle of a reply that has
 * promised it. */
#ifndef EDDY_HTTP_FILE_SOURCE_H
#define EDDY_HTTP_FILE_SOURCE_H

#include "http/exchange.h"
#include "loop/executor.h"
#include "stream/conduit.h"

enum { SOURCE_SMALL = 32768 };      /* bytes that are rather read */

struct source {
    struct loop *loop;              /* whose conduits it takes; its jobs touch nothing of it */
    struct sys *sys;
    int fd;                         /* < 0: closed */
    bool copies;                    /* it is read, whatever its size */
    int64_t at, end;                /* what is still to be read */
    char *data;                     /* a piece that was read, */
    size_t len;
    struct conduit *conduit;        /* or one that stands in this; NULL: none. `len` is 0 then */
    int error;                      /* what the job says: 0 or -errno */
};

/* Closes and frees all it has, but not itself. On the loop's thread. */
void source_end(struct source *);
/* Closes the file, if it is open. */
void source_close(struct source *);
/* What will be sent to the client of x, as soon as it is open; with a conduit, if one lies there. */
void source_begin(struct source *, struct exchange *x);
/* On another thread: the next piece; 0 or -errno, -ENODATA: there are fewer bytes. Closes the file behind its last one. */
int source_next(struct source *);
/* Whether the next piece will be small, or is for the conduit that is there: then one may as well take it at once. */
bool source_is_ready(const struct source *);
/* In the handler, behind exchange_begin: all of it, what was taken already included, as exchange_send_file. `release` ends what
 * the source is embedded in; then *source is NULL. */
int source_send(struct source **source, struct exchange *x, struct executor *, release_fn *release);

#endif
