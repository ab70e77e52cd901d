/* sim_net.h - the network of the sim: TCP over IPv4 and IPv6 in memory, and what may go wrong with it (libeddy-testing).
 *
 * The program's host has 127.0.0.0/8, ::1, 10.0.0.1 and fd00::1; all other addresses are the world's, which has one host
 * at each of them. A callback of sim_at is the world: through the door it may bind, listen at and connect from any
 * address. Whoever is not told otherwise gets an answer at once: a connection if somebody listens there, else it is
 * refused. What connections, buffers, resets and ends do is what Linux does, call by call: test_sim_net_kernel.c proves it
 * for a network without latency.
 *
 * Addresses are text: "192.0.2.7", "2001:db8::7"; "0.0.0.0" means all of IPv4, "::" all of IPv6. What is said of one holds for
 * what is sent to it and from it, from now on; rules add up. Each gives 0 or -ENOMEM.
 *
 *     sim_net_latency(sim, 10 * MILLISECOND, 50 * MILLISECOND);
 *     sim_net_blackhole(sim, "2001:db8::7");
 *     ... tcp_connect to a name with both addresses ...                    IPv4 wins, in virtual time
 *     sim_net_heal(sim, "2001:db8::7");
 *
 * As in Linux, connections to one address and port use up the 28,232 ports of connect: for more, take several addresses of a
 * listener at 0.0.0.0. Not modelled: Nagle's algorithm (what is written goes out at once), urgent data, keep-alive, growing
 * buffers, and connecting to oneself. */
#ifndef EDDY_LOOP_SIM_NET_H
#define EDDY_LOOP_SIM_NET_H

#include "loop/sim.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is sent from now on takes between min and max ns, seeded, each way; 0 and 0, which is the default: it arrives within the
 * call. Within a connection the order is kept, between connections it is not. */
void sim_net_latency(struct sim *, int64_t min, int64_t max);
/* The buffers of sockets made from now on, in bytes: what may be written and has not arrived (131,072), and what may have
 * arrived and was not read (65,536). At least 2. */
void sim_net_buffers(struct sim *, size_t send, size_t receive);

/* Connecting is refused, whoever listens. */
int sim_net_refuse(struct sim *, const char *address);
/* Connecting is never answered: -ETIMEDOUT after 131 s. Connections that exist go on. */
int sim_net_blackhole(struct sim *, const char *address);
/* Connecting fails with `error`: -ENETUNREACH within the call (no route); -EHOSTUNREACH and others after it (a
 * router halfway said so). */
int sim_net_unreachable(struct sim *, const char *address, int error);
/* Nothing arrives any more, also what is on its way. It is sent again after 200 ms, then after twice as long, at most 2
 * minutes; what is healed in time has lost nothing, else the connection ends with -ETIMEDOUT after a quarter of an hour. Resets
 * are not sent again. */
int sim_net_cut(struct sim *, const char *address);
/* Each connection moves but so many bytes per second, each way; 0 takes it back. */
int sim_net_slow(struct sim *, const char *address, int64_t bytes_per_second);
/* Takes back all that was said of this address. */
void sim_net_heal(struct sim *, const char *address);

/* Something between resets the connection of that descriptor, for both ends, at once. */
void sim_net_reset(struct sim *, int fd);

#ifdef __cplusplus
}
#endif
#endif
