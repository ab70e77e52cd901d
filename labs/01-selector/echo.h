/* echo.h - a server that sends back what it receives, on a selector alone.
 *
 * OWNERSHIP  The selector and the listening socket are lent. The connections are the server's: it closes each exactly once,
 *            and has the selector forget it before.
 *
 * Whoever drives it waits in the selector, and calls what is ready, one turn after the other:
 *
 *     int n = selector_wait(selector, deadline, ready, READY);
 *     for (int i = 0; i < n; i++) {
 *         if (ready[i].fd == listener)
 *             on_accept(e);
 *         if (ready[i].fd != listener && ready[i].mask & (READABLE | BROKEN))
 *             on_readable(e, ready[i].fd);
 *         if (ready[i].fd != listener && ready[i].mask & (WRITABLE | BROKEN))
 *             on_writable(e, ready[i].fd);
 *     }
 *
 * The trap it exists for: a peer that sends and never reads. What it sent waits in our memory, in the kernel's, or with
 * the peer; only the last has room for ever. */
#ifndef EDDY_LABS_01_ECHO_H
#define EDDY_LABS_01_ECHO_H

#include "loop/selector.h"

enum { ECHO_MOST = 16384 };     /* bytes of a connection that the server may hold: received, and not sent back yet */

struct echo;

/* Watches `listener`, which is non-blocking. NULL with errno set (ENOMEM ...). */
struct echo *echo_new(struct sys *, struct selector *, int listener);
/* Closes all connections and has the selector forget the listener, which stays open. */
void echo_close(struct echo *);

/* Somebody may have connected. Accepts all who wait, until accept says -EAGAIN. Whom there is no memory for is closed at
 * once. Where no more can be had (-EMFILE, -ENFILE, -ENOBUFS, -ENOMEM), the listener is not watched until a connection
 * has ended; if there is none, it stays watched. One who left before it was accepted (-ECONNABORTED) is passed over. */
void on_accept(struct echo *);

/* There may be bytes, or the end of them. Sends back what it receives, in order. While bytes wait to be sent, nothing is
 * received and nothing but WRITABLE is watched; when none do, nothing but READABLE. A peer that has said all it will is
 * answered to the last byte, and then closed. A peer that is gone is closed; the others never notice. */
void on_readable(struct echo *, int fd);

/* There may be room for bytes that wait. */
void on_writable(struct echo *, int fd);

/* Both are harmless when nothing is ready, and for a descriptor that is no connection's: what selector_wait found may be
 * over when its turn comes. */

#endif
