/* watch_left.h - who is left when the command has ended: daemons, workers whose master was killed.
 *
 * They are found by what is mapped in them: the journal. That is true of one that was forked a moment ago, and of nobody else.
 *
 * The trap it exists for: a server that goes into the background is the very thing that was to be watched. */
#ifndef EDDY_GRADER_BLOCKING_WATCH_LEFT_H
#define EDDY_GRADER_BLOCKING_WATCH_LEFT_H

#include "grader/blocking/journal.h"

enum { LEFT_AT_MOST = 256 };

struct watch_left {
    int pids[LEFT_AT_MOST];
    int count, loops;               /* of these so many run loops */
    int looker;                     /* has it, too, and is ours (watch_apart.h); 0: there is none */
    int64_t scanned;
};

/* Who is alive and has that journal. It is looked for anew once in a second. */
void left_look(struct watch_left *, const struct journal *, int journal_fd, int64_t now);
/* The numbers of those that run loops: "123, 124". */
void left_name(const struct watch_left *, const struct journal *, char text[128]);

#endif
