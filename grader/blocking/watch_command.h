/* watch_command.h - the program that is watched: how it is started, and what becomes of it.
 *
 * The trap it exists for: a watcher in whose shadow the program behaves differently: its signals, its descriptors and its process
 * group are those it would have had without. */
#ifndef EDDY_GRADER_BLOCKING_WATCH_COMMAND_H
#define EDDY_GRADER_BLOCKING_WATCH_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct command {
    int pid;
    bool ended;
    int status;                     /* as waitpid says, once it has ended */
    sigset_t mask;                  /* what it is to find: as we found it ourselves */
    struct sigaction found[3];
    int slack;                      /* ns by which its timers may be late: likewise */
};

/* From here on the signals that are meant for it wait for command_wait, and none of them ends the watcher. */
void command_signals(struct command *);
/* Starts it with these two in its environment; NULL: without. 0, or -errno: nothing could be executed. */
int command_start(struct command *, char **argv, const char *preload, const char *journal);
/* Waits until `until`, until it has ended, or for a signal: its number, or 0. What somebody sent to us is passed on to it; what
 * the terminal sent it has got itself. */
int command_wait(struct command *, int64_t until);
/* As a shell says it: its own, or 128 + the signal's number. */
int command_exit_status(const struct command *);

#endif
