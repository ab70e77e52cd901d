/* peer.h - the non-blocking calls that stage 03 spells out, for the stages above it: what was learnt there is taken as known.
 *
 * Each returns 0 when it is done, -EAGAIN when the descriptor has to be ready once more, or another -errno. None waits. */
#ifndef EDDY_STAGES_PEER_H
#define EDDY_STAGES_PEER_H

#include "stages/page.h"

/* Begins to connect: the descriptor, or -errno. When it is writable, peer_connected says how it went. */
int peer_connect(const struct name *);
int peer_connected(int fd);

/* Sends the rest of data[0..len-1], and counts it in *sent. */
int peer_send(int fd, const char *data, size_t len, size_t *sent);
/* Takes what has come of a page: 0 at its end. */
int peer_take_page(int fd, struct page *);
/* Takes what has come of a request: 0 when it is whole. */
int peer_take_request(int fd, struct asked *);

/* The next client's descriptor, or -errno: -EMFILE when no descriptor or no memory is left for it. */
int peer_accept(int listener);

#endif
