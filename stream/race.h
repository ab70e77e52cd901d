/* race.h - which address is tried next, and when (Happy Eyeballs, RFC 8305). No sockets, no clock, no memory: only the rules.
 *
 * The families take turns, beginning with that of the first address. Each attempt has 250 ms to itself; then, or as soon as one
 * fails, the next one begins beside those that still run. The first to connect wins, and nothing begins after that.
 *
 * The trap it exists for: a family that is broken without saying so. Trying the addresses one after the other then costs minutes
 * for each, although the other family would have answered at once. */
#ifndef EDDY_STREAM_RACE_H
#define EDDY_STREAM_RACE_H

#include "loop/sys.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RACE_DELAY (250 * MILLISECOND)

struct race {
    int count;              /* addresses */
    int next;               /* the first that was not tried */
    int running;            /* attempts that have neither failed nor won */
    int64_t due;            /* when the next may begin, whatever the others do */
};

/* Puts the addresses in the order in which they are tried. */
void race_order(struct address *, int count);

void race_begin(struct race *, int count, int64_t now);
/* The address to be tried now, or -1: none is due. Ask until it says so; then again at race_due, and after race_failed. */
int race_next(struct race *, int64_t now);
int64_t race_due(const struct race *);         /* FOREVER: there is no other */
/* One of those that ran has failed. */
void race_failed(struct race *, int64_t now);
/* All have failed. */
bool race_lost(const struct race *);
/* One has won, or time is up: nothing begins any more. */
void race_end(struct race *);

#ifdef __cplusplus
}
#endif
#endif
