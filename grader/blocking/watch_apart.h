/* watch_apart.h - the looks at what hangs are made by a process in a session of its own.
 *
 * The trap it exists for: on a busy machine a look is made when the kernel lets the watcher run. It shares the processors out
 * between sessions before it does between processes, so in the session of the watched a look waits with the watched, and with all
 * that was started from the same shell. A session that has used next to nothing is let in at once, without any privilege. The
 * watcher itself cannot leave: Ctrl-C would not reach it any more, and who leads a group may not. */
#ifndef EDDY_GRADER_BLOCKING_WATCH_APART_H
#define EDDY_GRADER_BLOCKING_WATCH_APART_H

struct watch;

struct apart {
    int pid, fd;                    /* 0: there is none */
    double cpu;                     /* s that it has used, when it has ended */
};

/* After the command has started: it stays our first child. Where nobody but its parent may look into it (Yama), or no process can
 * be had, there is none, and the watcher looks itself. */
void apart_begin(struct watch *);
/* What it saw is ours. Before the journal's slots are read: it settles those of the dead. */
void apart_end(struct watch *);

#endif
