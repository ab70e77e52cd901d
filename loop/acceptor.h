/* acceptor.h - connections, taken from a listening socket as they come.
 *
 * OWNERSHIP  The listening descriptor is lent until acceptor_close; a descriptor that was accepted is yours.
 * ERRORS     Nothing ends an acceptor but acceptor_close: what goes wrong is logged, once until it is well again.
 *
 * Traps it exists for: with no descriptor left (EMFILE, ENFILE), accept fails and the connection stays, so a level-triggered
 * loop spins at 100 % and the client hangs. A spare descriptor is given up to accept it and close it politely; where even
 * that fails, it looks away for a second. And a listener that is always ready starves the others: at most 16 a turn. */
#ifndef EDDY_LOOP_ACCEPTOR_H
#define EDDY_LOOP_ACCEPTOR_H

#include "loop/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

struct acceptor;

/* Calls fn(self, fd) for each connection: a non-blocking descriptor. fn may close the acceptor. NULL with errno. */
struct acceptor *acceptor_new(struct loop *, int listener, callback *fn, void *self);
/* No call comes after this. Before loop_close, and before the listener is closed. From anywhere. */
void acceptor_close(struct acceptor *);

/* Stops taking connections, or goes on: they wait in the kernel's backlog meanwhile. Harmless when it is so already. */
void acceptor_pause(struct acceptor *);
void acceptor_resume(struct acceptor *);

struct acceptor_count {
    uint64_t accepted;      /* given to fn */
    uint64_t refused;       /* accepted and closed at once, for want of descriptors */
};
struct acceptor_count acceptor_count(const struct acceptor *);

#ifdef __cplusplus
}
#endif
#endif
