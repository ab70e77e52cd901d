/* hall.h - what all servers of an echo have in common: their ends of the connections, and how much is still to be said.
 *
 * A server says what it hears, counts the bytes, and stops when the crowd has been answered. */
#ifndef EDDY_STREAM_BENCH_HALL_H
#define EDDY_STREAM_BENCH_HALL_H

#include <stdint.h>

#include "loop/bench/bench.h"
#include "stream/bench/crowd.h"

enum { FEW = 64, MANY = 9000, SMALL = 64, LARGE = 65536 };     /* connections; bytes of a message */

struct hall {
    struct crowd *crowd;
    int count;
    size_t message;
    int64_t left;                   /* bytes to be said */
    int *fds;                       /* non-blocking; the server's */
};

/* `count` connections for messages of that size. */
void hall_open(struct hall *, int count, size_t message);
/* The crowd begins; an operation is one message, and a whole round has one on each connection. */
void hall_begin(struct hall *, long ops);
/* So many bytes were heard and said. Whether all are. */
bool hall_said(struct hall *, long bytes);
/* After the server has closed its ends. */
void hall_close(struct hall *);

#endif
