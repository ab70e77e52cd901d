/* probe_net.c - sockets, names and jobs of the judge's door. See probe.h.
 *
 * A job is run when the judge says so, in the middle of a wait, as another thread would run it. The trap: what the judge answers
 * lies in the one record that is received, and a job's own calls come before the wait is answered; so nothing is kept in it. */
#include <errno.h>
#include <string.h>

#include "grader/probe_inside.h"

enum { JOBS = 256 };

static struct job *jobs[JOBS];      /* that were submitted, by number, and have not ended */

/* ---- sockets ------------------------------------------------------------------------------------------------------ */

static int door_socket(struct sys *sys, int domain, int type)
{
    (void)sys;
    return (int)door_ask(CALL_SOCKET, domain, type, 0);
}

static int ask_address(enum sys_call number, int fd, const struct sockaddr *address, socklen_t len)
{
    struct wire *w = door_call(number, fd, 0, 0);
    wire_put(w, address, len);
    return (int)probe_ask(w, WIRE_ANSWER)->result;
}

static int door_bind(struct sys *sys, int fd, const struct sockaddr *address, socklen_t len)
{
    (void)sys;
    return ask_address(CALL_BIND, fd, address, len);
}

static int door_connect(struct sys *sys, int fd, const struct sockaddr *address, socklen_t len)
{
    (void)sys;
    return ask_address(CALL_CONNECT, fd, address, len);
}

static int door_listen(struct sys *sys, int fd, int backlog)
{
    (void)sys;
    return (int)door_ask(CALL_LISTEN, fd, backlog, 0);
}

static int door_accept(struct sys *sys, int fd, struct sockaddr *address, socklen_t *len)
{
    struct address whose = {0};
    (void)sys;
    int rc = (int)door_ask_data(door_call(CALL_ACCEPT, fd, 0, 0), &whose, sizeof whose);
    if (rc >= 0 && address && len) {
        memcpy(address, &whose.at, whose.len < *len ? whose.len : *len);
        *len = whose.len;
    }
    return rc;
}

static int door_socket_error(struct sys *sys, int fd)
{
    (void)sys;
    return (int)door_ask(CALL_SOCKET_ERROR, fd, 0, 0);
}

static int door_set_option(struct sys *sys, int fd, int level, int option, int value)
{
    struct wire *w = door_call(CALL_SET_OPTION, fd, level, option);
    (void)sys;
    w->args[3] = value;
    return (int)probe_ask(w, WIRE_ANSWER)->result;
}

static int door_sockname(struct sys *sys, int fd, struct address *out)
{
    (void)sys;
    return (int)door_ask_data(door_call(CALL_SOCKNAME, fd, 0, 0), out, sizeof *out);
}

static int door_peername(struct sys *sys, int fd, struct address *out)
{
    (void)sys;
    return (int)door_ask_data(door_call(CALL_PEERNAME, fd, 0, 0), out, sizeof *out);
}

static int door_lookup(struct sys *sys, const char *host, int port, int family, struct address *out, int max)
{
    struct wire *w = door_call(CALL_LOOKUP, port, family, max);
    (void)sys;
    wire_put(w, host, strlen(host));
    return (int)door_ask_data(w, out, (size_t)max * sizeof *out);
}

/* ---- jobs --------------------------------------------------------------------------------------------------------- */

static int64_t number_of(const struct job *job)
{
    for (int i = 0; i < JOBS; i++)
        if (jobs[i] == job)
            return i + 1;
    return 0;
}

static int door_submit(struct sys *sys, struct job *job)
{
    int64_t number = number_of(NULL);
    (void)sys;
    int rc = number ? (int)door_ask(CALL_SUBMIT, number, 0, 0) : -EAGAIN;
    if (rc == 0)
        jobs[number - 1] = job;
    return rc;
}

static int door_withdraw(struct sys *sys, struct job *job)
{
    int64_t number = number_of(job);
    (void)sys;
    int rc = number ? (int)door_ask(CALL_WITHDRAW, number, 0, 0) : -EALREADY;
    if (rc == 0)
        jobs[number - 1] = NULL;
    return rc;
}

int64_t door_job(int64_t number, bool over)
{
    struct job *job = number > 0 && number <= JOBS ? jobs[number - 1] : NULL;
    if (!job)
        return -ENOENT;
    if (over) {
        jobs[number - 1] = NULL;
        job->ended(job->self);
    } else {
        job->run(job->self);
    }
    return 0;
}

void door_forget_jobs(void)
{
    memset(jobs, 0, sizeof jobs);
}

void door_net(struct sys *sys)
{
    sys->socket = door_socket;
    sys->bind = door_bind;
    sys->listen = door_listen;
    sys->accept = door_accept;
    sys->connect = door_connect;
    sys->socket_error = door_socket_error;
    sys->set_option = door_set_option;
    sys->sockname = door_sockname;
    sys->peername = door_peername;
    sys->lookup = door_lookup;
    sys->submit = door_submit;
    sys->withdraw = door_withdraw;
}
