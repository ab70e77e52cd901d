/* jobs.c - what surrounds the two jobs, as 04 and 05 spell it out. See jobs.h.
 *
 * Traps: those of 04 and 05. Out of descriptors, a listener that stays registered is a busy wait; and a run that is ended says
 * how far it was. */
#include "stages/jobs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loop/signals.h"
#include "stages/peer.h"

const char *interrupted(const struct loop *loop)
{
    static char said[64];
    int signo = loop_stopped_by(loop);
    snprintf(said, sizeof said, "interrupted by SIG%s", signo ? sigabbrev_np(signo) : "");
    return signo ? said : NULL;
}

/* ---- fetching ------------------------------------------------------------------------------------------------------ */

static void on_progress(void *self, int what)
{
    const struct fetching *f = self;
    (void)what;
    fprintf(stderr, "%d of %d pages, %d under way\n", pages_done(f->run), pages_wanted(f->run), pages_under_way(f->run));
}

static void on_deadline(void *self, int what)
{
    struct fetching *f = self;
    (void)what;
    f->late = true;
    loop_stop(f->loop);
}

int fetching_begin(struct fetching *f, struct loop *loop, struct run *run)
{
    *f = (struct fetching){ .loop = loop, .run = run };
    if (run->progress)
        periodic_start(&f->progress, loop, SECOND / 10, on_progress, f);
    if (run->deadline)
        loop_call_at(loop, loop_time(loop) + run->deadline, &f->deadline, on_deadline, f);
    return loop_stop_on_signals(loop);
}

void fetching_end(struct fetching *f)
{
    const char *why = f->late ? "the time for the run is over" : interrupted(f->loop);
    if (why)
        fprintf(stderr, "%s: pages under way: %d, not begun: %d\n", why, pages_given_up(f->run), pages_left(f->run));
    loop_remove_timeout(f->loop, &f->deadline);
    periodic_close(&f->progress);
}

/* ---- serving ------------------------------------------------------------------------------------------------------- */

static callback on_knock;

static void listen_again(void *self, int what)
{
    struct serving *s = self;
    (void)what;
    if (loop_add_handler(s->loop, s->listener, READABLE, on_knock, s) < 0)
        loop_call_at(s->loop, loop_time(s->loop) + SECOND / 10, &s->pause, listen_again, s);
}

static void on_knock(void *self, int what)
{
    struct serving *s = self;
    int fd = peer_accept(s->listener);
    (void)what;
    if (fd == -EMFILE) {
        loop_remove_handler(s->loop, s->listener);          /* or we would be called again at once, for ever */
        loop_call_at(s->loop, loop_time(s->loop) + SECOND / 10, &s->pause, listen_again, s);
    }
    if (fd >= 0)
        s->on_client(s->self, fd);
}

int serving_begin(struct serving *s, struct loop *loop, struct run *run, callback *on_client, void *self)
{
    *s = (struct serving){ .loop = loop, .listener = run->listener, .on_client = on_client, .self = self };
    listen_again(s, 0);
    return loop_stop_on_signals(loop);
}

void serving_end(struct serving *s)
{
    const char *why = interrupted(s->loop);
    if (why)
        fprintf(stderr, "%s: served %d page%s\n", why, s->served, s->served == 1 ? "" : "s");
    loop_remove_handler(s->loop, s->listener);
    loop_remove_timeout(s->loop, &s->pause);
}
