/* watch_door.h - the journal, for those of the watched that may not open it: who has another user's rights by now, or sees
 * another /proc, asks here for a descriptor of it. The door has the journal's own name, as an abstract address of a unix socket.
 *
 * The trap it exists for: a server that is started by root, becomes somebody else and executes itself again. */
#ifndef EDDY_GRADER_BLOCKING_WATCH_DOOR_H
#define EDDY_GRADER_BLOCKING_WATCH_DOOR_H

#include <pthread.h>
#include <stdbool.h>

struct door {
    int socket, journal_fd;
    pthread_t thread;
    bool open;
};

/* Where it cannot be opened there is none: it is for those that have no other way. */
void door_open(struct door *, const char *name, int journal_fd);
void door_close(struct door *);

#endif
