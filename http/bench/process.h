/* process.h - programs of others, each in a process of its own: what counts is its CPU time, of all its threads.
 *
 * The trap it exists for: a program that outlives the bench. */
#ifndef EDDY_HTTP_BENCH_PROCESS_H
#define EDDY_HTTP_BENCH_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#define TORNADO "PYTHONPATH=build/peers/usr/lib/python3/dist-packages"

/* By the shell. It ends with us; what it says goes to UNDER/peer.log; orders >= 0 is its standard input. */
pid_t process_start(const char *command, int orders);
void process_end(pid_t pid);
/* Whether a command that ends by itself succeeds. */
bool process_succeeds(const char *command);
/* A port of 127.0.0.1 that nobody listens at now; somebody else may take it before the peer does, and then the bench says so and
 * ends. */
int process_port(void);

#endif
