/* blockwatch.h - a program on eddy's loop watches itself: what blocked it, and in which callback or coroutine.
 *
 *     blockwatch_begin(loop, NULL);
 *     loop_run_sync(loop, serve, &server);
 *     struct findings *findings = blockwatch_end(loop);
 *     if (findings)
 *         blocking_terminal(findings, stderr, false, 100);
 *     findings_free(findings);
 *
 * OWNERSHIP  Findings are yours, until findings_free (NULL is fine). They are a model: grader/blocking/findings.h says what is in
 *            it, grader/blocking/reports.h who writes it down: for people, browsers, editors, CI.
 * ERRORS     -errno.
 *
 * The program is linked with libblockwatch-own.a, -ldw, -lelf, -ljansson. Nothing stands in front of libc here, so no call has a
 * name by itself: time asleep is of a callback or coroutine, with the system call and the stack where it lasted for `stuck`, and
 * without where it did not. Started by build/bin/blockwatch, the program finds that it is watched already and tells there whom
 * it calls: that report has both, and there is none here.
 *
 * It is the loop's one watcher (loop_watch), as notices_start is. A thread reads along, with all signals blocked. What the
 * program does between two runs of its loop is its loop's time, too. Where only getrusage works (tier 1) it is asked at each
 * callback. The trap it exists for: a stall that is measured, and whose callback is called `answered`. */
#ifndef EDDY_GRADER_BLOCKWATCH_H
#define EDDY_GRADER_BLOCKWATCH_H

#include <stdint.h>

#include "grader/blocking/findings.h"
#include "grader/blocking/reports.h"
#include "loop/loop.h"

struct blockwatch_options {         /* ns; 0: as blockwatch has it */
    int64_t budget;                 /* an iteration that takes longer is told of; 1 ms */
    int64_t least;                  /* a single sleep from which on it is told of; 50 us */
    int64_t stuck;                  /* an iteration that has lasted so long is looked at while it lasts; 5 ms */
    int tier;                       /* how it may know that it slept, at best: 1 switches, 2 rseq, 3 ring; what there is */
};

/* From the loop's thread, outside of its callbacks. Options may be NULL. 0; -EBUSY: another loop of this process watches itself
 * (blockwatch itself watches as many as there are); -ENOMEM; -errno where there can be no memory file or thread. */
int blockwatch_begin(struct loop *, const struct blockwatch_options *);
/* From the same place. NULL: memory was refused, it never began, or others report: blockwatch, or, if this process was forked
 * since, the one that began, into whose findings this loop's go as well. A loop that is closed while it is watched ends it, and
 * what was found is lost, but for a line in the log. */
struct findings *blockwatch_end(struct loop *);
void findings_free(struct findings *);

#endif
