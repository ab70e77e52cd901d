/* phase.c - an answer, or none in time. See phase.h.
 *
 * Trap: the loser of a race still runs. future_any gives it back to you, and it has to be cancelled. */
#include "stages/07-future/phase.h"

#include <errno.h>

static void on_either(void *self, int winner)
{
    struct phase *p = self;
    int rc = winner == 0 ? p->two[0]->rc : -ETIMEDOUT;
    future_cancel(p->two[!winner]);
    p->fn(p->self, rc);
}

void phase_begin(struct phase *p, struct loop *loop, struct future *f, int64_t limit, callback *fn, void *self)
{
    p->fn = fn;
    p->self = self;
    p->two[0] = f;
    p->two[1] = future_sleep(loop, limit, &p->sleep);
    future_any(loop, p->two, 2, future_then(&p->either, on_either, p));
}

void phase_cancel(struct phase *p)
{
    future_cancel(&p->either);                      /* and with it both */
}
