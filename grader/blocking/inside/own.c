/* own.c - the door for a loop that knows its callbacks: see own.h.
 *
 * Each call costs two comparisons and one reading of the clock: where one has ended, the next begins. The trap it exists for: an
 * iteration of many callbacks, which is named after the one that took longest of them, and not after the last. */
#include "grader/blocking/inside/own.h"
#include "grader/blocking/inside/wrap.h"

static struct watched *own_watched(void)
{
    struct watched *w = watched_here();
    return w && w->kind == WAIT_EDDY ? w : NULL;
}

static void own_asks(struct own *own)
{
    struct watched *w = own_watched();
    struct wait wait;
    if (w)
        w->slot->callback = own->callback;
    own->waits = wait_enter(&wait, WAIT_EDDY, -1) ? wait.watched : NULL;
}

static void own_asked(struct own *own)
{
    struct wait wait = { own->waits };
    if (!own->waits)
        return;
    wait_leave(&wait, 0);
    own->callback = 0;
    own->longest = 0;
    own->began = wait.watched->settled;
    if (wait.watched->slot)
        wait.watched->slot->callback = 0;
}

static void own_calls(struct own *own, uint64_t function)
{
    if (!own_watched()) {           /* it has much to do before it asks first, or is a forked child's */
        own_asks(own);
        own_asked(own);
    }
    struct watched *w = own_watched();
    if (!w)
        return;
    w->slot->callback = function;
    w->slot->events++;
    w->events++;
}

static void own_called(struct own *own, const struct registers *at)
{
    struct watched *w = own_watched();
    if (!w)
        return;
    if (truth_moved(&w->truth))
        slept_outside(w, at);
    int64_t now = time_now();
    if (now - own->began > own->longest) {
        own->longest = now - own->began;
        own->callback = w->slot->callback;
    }
    own->began = now;
    w->slot->callback = 0;
}

static void own_ends(struct own *own)
{
    struct watched *w = own_watched();
    if (w) {
        w->slot->callback = own->callback;
        loop_over(w);
    }
    *own = (struct own){0};
}

const struct own_door own_door = { own_asks, own_asked, own_calls, own_called, own_ends };
