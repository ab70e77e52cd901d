/* judge_net.c - sockets, names and jobs of the student's code, carried out on the world. See judge.h.
 *
 * A job is the probe's: when the world runs it, the judge orders it to be run. Trap: an address from the probe is only bytes;
 * what they mean is the world's to say, but there may be no more of them than an address has. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/judge_inside.h"

enum { MOST_FOUND = 64 };

struct errand {                     /* a job of the probe's */
    struct errand *next;
    struct judge *judge;
    int64_t number;
    struct job job;
};

/* ---- sockets ------------------------------------------------------------------------------------------------------ */

int64_t serve_socket(struct judge *j, struct sys *sys, char *detail)
{
    (void)detail;
    return sys->socket(sys, (int)j->in.args[0], (int)j->in.args[1]);
}

/* The address in the record; NULL: it is none. */
static const struct sockaddr *given_address(const struct judge *j, struct sockaddr_storage *out)
{
    if (j->in.len < sizeof(sa_family_t) || j->in.len > sizeof *out)
        return NULL;
    memcpy(out, j->in.data, j->in.len);
    return (const struct sockaddr *)out;
}

int64_t serve_bind(struct judge *j, struct sys *sys, char *detail)
{
    struct sockaddr_storage storage;
    const struct sockaddr *address = given_address(j, &storage);
    snprintf(detail, DETAIL, "%d", (int)j->in.args[0]);
    return address ? sys->bind(sys, (int)j->in.args[0], address, j->in.len) : -EINVAL;
}

int64_t serve_connect(struct judge *j, struct sys *sys, char *detail)
{
    struct sockaddr_storage storage;
    const struct sockaddr *address = given_address(j, &storage);
    snprintf(detail, DETAIL, "%d", (int)j->in.args[0]);
    return address ? sys->connect(sys, (int)j->in.args[0], address, j->in.len) : -EINVAL;
}

int64_t serve_listen(struct judge *j, struct sys *sys, char *detail)
{
    snprintf(detail, DETAIL, "%d", (int)j->in.args[0]);
    return sys->listen(sys, (int)j->in.args[0], (int)j->in.args[1]);
}

static int64_t gave_address(struct judge *j, int rc, const struct address *a)
{
    if (rc >= 0)
        wire_put(&j->out, a, sizeof *a);
    return rc;
}

int64_t serve_accept(struct judge *j, struct sys *sys, char *detail)
{
    struct address whose = { .len = sizeof whose.at };
    snprintf(detail, DETAIL, "%d", (int)j->in.args[0]);
    int rc = sys->accept(sys, (int)j->in.args[0], (struct sockaddr *)&whose.at, &whose.len);
    return gave_address(j, rc, &whose);
}

int64_t serve_socket_error(struct judge *j, struct sys *sys, char *detail)
{
    snprintf(detail, DETAIL, "%d", (int)j->in.args[0]);
    return sys->socket_error(sys, (int)j->in.args[0]);
}

int64_t serve_set_option(struct judge *j, struct sys *sys, char *detail)
{
    const int64_t *args = j->in.args;
    snprintf(detail, DETAIL, "%d", (int)args[0]);
    return sys->set_option(sys, (int)args[0], (int)args[1], (int)args[2], (int)args[3]);
}

int64_t serve_sockname(struct judge *j, struct sys *sys, char *detail)
{
    struct address a = {0};
    snprintf(detail, DETAIL, "%d", (int)j->in.args[0]);
    return gave_address(j, sys->sockname(sys, (int)j->in.args[0], &a), &a);
}

int64_t serve_peername(struct judge *j, struct sys *sys, char *detail)
{
    struct address a = {0};
    snprintf(detail, DETAIL, "%d", (int)j->in.args[0]);
    return gave_address(j, sys->peername(sys, (int)j->in.args[0], &a), &a);
}

int64_t serve_lookup(struct judge *j, struct sys *sys, char *detail)
{
    struct address found[MOST_FOUND];
    char host[256];
    int max = j->in.args[2] > 0 && j->in.args[2] < MOST_FOUND ? (int)j->in.args[2] : MOST_FOUND;
    snprintf(host, sizeof host, "%.255s", j->in.data);
    snprintf(detail, DETAIL, "%.100s", host);
    int n = sys->lookup(sys, host, (int)j->in.args[0], (int)j->in.args[1], found, max);
    if (n > 0)
        wire_put(&j->out, found, (size_t)n * sizeof *found);
    return n;
}

/* ---- jobs --------------------------------------------------------------------------------------------------------- */

static void run_errand(void *self)
{
    const struct errand *e = self;
    judge_order(e->judge, "job_run %lld", (long long)e->number);
}

static void end_errand(void *self)
{
    struct errand *e = self, **at = &e->judge->errands;
    struct judge *j = e->judge;
    long long number = e->number;
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    free(e);
    judge_order(j, "job_over %lld", number);
}

static struct errand *find_errand(const struct judge *j, int64_t number)
{
    struct errand *e = j->errands;
    while (e && e->number != number)
        e = e->next;
    return e;
}

int64_t serve_submit(struct judge *j, struct sys *sys, char *detail)
{
    struct errand *e = calloc(1, sizeof *e);
    snprintf(detail, DETAIL, "job %lld", (long long)j->in.args[0]);
    if (!e)
        verdict_fault("the judge has no memory left");
    *e = (struct errand){ j->errands, j, j->in.args[0], { .run = run_errand, .ended = end_errand, .self = e } };
    int rc = find_errand(j, e->number) ? -EINVAL : sys->submit(sys, &e->job);
    if (rc == 0)
        j->errands = e;
    else
        free(e);
    return rc;
}

int64_t serve_withdraw(struct judge *j, struct sys *sys, char *detail)
{
    struct errand *e = find_errand(j, j->in.args[0]), **at = &j->errands;
    snprintf(detail, DETAIL, "job %lld", (long long)j->in.args[0]);
    int rc = e ? sys->withdraw(sys, &e->job) : -EALREADY;
    while (rc == 0 && *at != e)
        at = &(*at)->next;
    if (rc == 0) {
        *at = e->next;
        free(e);
    }
    return rc;
}

void judge_forget_jobs(struct judge *j)
{
    for (struct errand *e; (e = j->errands); free(e))
        j->errands = e->next;
}
