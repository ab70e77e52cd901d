/* co_list.h - which coroutines there are, and what each of them waits for.
 *
 * The trap it exists for: a program that hangs has nothing on the stack that gdb shows; what it waits for is in its
 * coroutines. */
#ifndef EDDY_LOOP_CO_LIST_H
#define EDDY_LOOP_CO_LIST_H

#include "loop/co.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One line of a listing, without its end; lent for the call. */
typedef void co_line(void *self, const char *line);

/* One line a coroutine, the oldest first:
 *     fetch_page   waits for any of 2 (sleep, coroutine read_head), 1.204 s now, 3.796 s left
 * Of those that are alike from the tenth on, the number. Gives their number. */
size_t co_list(struct loop *, co_line *line, void *self);

/* The same to the log, under a headline; at LOG_INFO. */
void co_list_log(struct loop *);
/* Does so whenever `signo` (SIGUSR1) is sent. Errors are loop_add_signal's. */
int co_list_on_signal(struct loop *, int signo);

#ifdef __cplusplus
}
#endif
#endif
