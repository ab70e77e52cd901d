/* crowd.h - the other side of an echo: a process of its own with many connections, in lockstep.
 *
 * A round is a message on each connection and then all the answers, so the server always has the same to do, and its CPU time
 * is its own: the crowd's is another process's. */
#ifndef EDDY_STREAM_BENCH_CROWD_H
#define EDDY_STREAM_BENCH_CROWD_H

#include <stdbool.h>
#include <stddef.h>

struct crowd;

/* `count` TCP connections over loopback, whose server ends are in fds[0..count-1], non-blocking. Ends the program where they
 * cannot be had. */
struct crowd *crowd_new(int count, size_t message, int *fds);
/* Lets it begin so many rounds. */
void crowd_go(struct crowd *, long rounds);
void crowd_close(struct crowd *);

/* Whether a process may have so many of them at the same time; its limit of descriptors is raised as far as it goes. */
bool crowd_fits(int connections);

#endif
