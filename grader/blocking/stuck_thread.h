/* stuck_thread.h - one thread of another process, as /proc and its memory show it. It notices nothing.
 *
 * The trap it exists for: what is read piece by piece is not of one moment: who asks compares before and after. */
#ifndef EDDY_GRADER_BLOCKING_STUCK_THREAD_H
#define EDDY_GRADER_BLOCKING_STUCK_THREAD_H

#include "grader/blocking/journal.h"

struct thread_state {
    bool gone, refused;             /* it has ended; we may not look */
    bool runs;                      /* on a processor, or ready for one */
    int system_call;                /* in which it sleeps; -1: in none: a page fault */
    uint64_t arguments[6], sp, pc;  /* of a sleeper */
};

/* CLOCK_MONOTONIC, ns. */
int64_t thread_clock(void);
/* What it does now, from /proc/PID/task/TID/syscall opened before; `fd` is pread. */
struct thread_state thread_look(int fd);
/* Opens a file of /proc/PID/task/TID. A descriptor, or -errno. */
int thread_open(int pid, int tid, const char *name);
/* 'S', 'D', 'R', 'T' ..., 0: it is not known. */
char thread_letter(int pid, int tid);
/* "fd 5, hrtimer_nanosleep": what it waits for in the kernel. */
void thread_tell(int pid, int tid, const struct thread_state *, char text[JOURNAL_TEXT]);
/* ns that it was ready and had no processor, from its "schedstat" opened before; `fd` < 0: 0. */
int64_t thread_delayed(int fd);
/* Copies its stack from `sp` on, as far as it reaches. How many bytes. */
size_t thread_stack(int pid, uint64_t sp, uint8_t *into, size_t len);

#endif
