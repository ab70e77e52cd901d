/* waiters.h - the futures that wait for one producer, first come, first served.
 *
 * OWNERSHIP  A struct waiters is embedded in its producer. The futures are lent until they are delivered or cancelled; their
 *            place in line is inside them, so waiting allocates nothing and leaving is O(1).
 *
 * The traps it exists for: a waiter that was answered may still be cancelled before it hears, and may still be freed when the
 * producer closes. So the answered ones are kept as well, until they have heard. */
#ifndef EDDY_LOOP_WAITERS_H
#define EDDY_LOOP_WAITERS_H

#include "loop/future.h"

#ifdef __cplusplus
extern "C" {
#endif

struct waiters {
    struct loop *loop;
    struct calls pending, answered;         /* the futures' places, oldest first */
};

void waiters_init(struct waiters *, struct loop *);

/* Starts an operation on f and puts it behind the others; returns f. The op's verbs get f itself, of which waiters_of is `of`.
 * They must be waiters_leave, or call it: cancel, delivered, and undo if there is one. */
struct future *waiters_add(struct waiters *, struct future *f, const struct op *op, void *of);
void *waiters_of(const struct future *f);

/* The one that has been pending longest, or NULL. */
struct future *waiters_first(const struct waiters *);

/* Answers one that is pending. */
void waiters_resolve(struct waiters *, struct future *f, int rc, void *value);
void waiters_fail(struct waiters *, struct future *f, int rc, const char *why);
/* Answers all that are pending with rc 0. */
void waiters_resolve_all(struct waiters *);

/* Takes the future out of its line, answered or not. Harmless after waiters_close. */
void waiters_leave(void *f);

/* Detaches all: those that are pending first, so that what an undo gives back finds nobody. After loop_close only when no
 * combinator waits. */
void waiters_close(struct waiters *);

#ifdef __cplusplus
}
#endif
#endif
