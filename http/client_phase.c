/* client_phase.c - where a fetch is on its way, and for how long. See client_phase.h for the trap. */
#include "http/client_phase.h"

const char *http_phase_name(enum http_phase phase)
{
    static const char *const names[HTTP_PHASES] = { "queue", "name", "connect", "proxy", "tls", "send", "first byte", "answer" };
    return names[phase];
}

const char *phases_late(const struct phases *p)
{
    static const char *const whys[HTTP_PHASES] = {
        "time-out in the queue: as many fetches are under way as may be: allow more of them, or more time",
        "time-out: no name server has said in time where the host is: try again, or allow more time",
        "time-out: nobody answered in time: check the address; a firewall may drop what is sent there",
        "time-out: the proxy has not said in time whether it reaches the server: it may be overloaded, or the server is",
        "time-out: it has accepted the connection, and did not finish TLS's handshake: it may speak no TLS there",
        "time-out: it does not take the request as fast as it must: it may be overloaded",
        "time-out: it has the request, and has sent nothing back: it may be overloaded, or allow more time",
        "time-out: it did not come to the end of its answer: allow more time",
    };
    return whys[p->now];
}

static void arm(struct phases *p)
{
    int64_t until = time_after(p->since, p->patience[p->now]);
    if (until > p->until)
        until = p->until;
    if (until == FOREVER)
        loop_remove_timeout(p->loop, &p->alarm);
    else if (!p->alarm.armed || p->alarm.when != until)
        loop_call_at(p->loop, until, &p->alarm, p->late, p->self);
}

void phases_begin(struct phases *p, struct loop *loop, int64_t total, callback *late, void *self)
{
    p->loop = loop;
    p->now = HTTP_QUEUE;
    p->began = p->since = loop_time(loop);
    p->until = time_after(p->began, total);
    p->late = late;
    p->self = self;
    arm(p);
}

void phases_enter(struct phases *p, enum http_phase phase)
{
    int64_t now = loop_time(p->loop);
    p->spent[p->now] += now - p->since;
    p->since = now;
    p->now = phase;
    arm(p);
}

void phases_end(struct phases *p)
{
    if (!p->loop)
        return;
    phases_enter(p, p->now);
    loop_remove_timeout(p->loop, &p->alarm);
}
