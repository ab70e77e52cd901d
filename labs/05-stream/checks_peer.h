/* checks_peer.h - the other side of a stream, on the judge's side: nobody in the sandbox touches its bytes.
 *
 * It acts at times, while the loop waits. What the stream's own descriptor was given and gave is counted by the world itself.
 *
 * The trap it exists for: a peer that is asked what it got by the code that is judged. */
#ifndef EDDY_LABS_05_CHECKS_PEER_H
#define EDDY_LABS_05_CHECKS_PEER_H

#include "labs/05-stream/checks.h"

enum { PEERS = 64, PEER_MARKS = 256 };

enum peer_act {
    PEER_SENDS,             /* the bytes */
    PEER_RECEIVES,          /* at most that many */
    PEER_ENDS,              /* has said all, and still receives */
    PEER_IS_GONE
};

struct mark {               /* so many bytes of the stream's had been taken by the kernel */
    int64_t at;
    size_t taken;
};

struct peer {
    struct judge *judge;
    int fd, stream_fd;
    size_t filled;          /* bytes that peer_fill put before all others */
    char *got;
    size_t got_len, got_capacity;
    bool ended;             /* it has received the end, or an error */
    size_t given;           /* bytes that the stream has read */
    struct mark marks[PEER_MARKS];
    int mark_count;
    bool keeps_up;          /* whatever the stream reads, as much is sent again; whatever it writes is received */
};

/* A new world has begun: those of the last one are gone. */
void peers_begin(struct judge *);
/* The other side of a new stream of that name. */
struct peer *peer_new(struct judge *, const char *stream);
/* Fills all the room there is on the way to it, so that the stream can write nothing; of what it receives this is left out. */
void peer_fill(struct peer *);
/* Puts a byte on the way to it: when it goes without having received that, the connection is cut. */
void peer_owes(struct peer *);
/* ms after the beginning. `bytes` is copied; for PEER_RECEIVES NULL. */
void peer_at(struct peer *, int ms, enum peer_act, const char *bytes, size_t len);
/* The same with bytes as they are written in orders. */
void peer_sends(struct peer *, int ms, const char *text);
void peer_receives(struct peer *, int ms);

/* When the kernel had taken so many bytes of the stream's, in ms after the beginning; -1: it has not. */
int64_t peer_reached(const struct peer *, size_t taken);
/* How many it has taken before that moment. */
size_t peer_taken_before(const struct peer *, int64_t ms);

/* All it received must be these bytes, as orders write them; and the end behind them, or not. */
void peer_expect(const struct peer *, const char *text, bool ended, const char *cause);

#endif
