/* listener.h - what tests of listening sockets share: AF_UNIX sockets with abstract names, in either world. */
#ifndef EDDY_LOOP_TESTS_LISTENER_H
#define EDDY_LOOP_TESTS_LISTENER_H

#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#include "loop/tests/support.h"

struct place {
    struct sockaddr_un at;
    socklen_t len;
};

/* An abstract address that nobody else on this machine has, as far as `name` differs within this process. */
static inline struct place place_named(const char *name)
{
    struct place p = { .at.sun_family = AF_UNIX };
    int len = snprintf(p.at.sun_path + 1, sizeof p.at.sun_path - 1, "eddy-test-%d-%s", (int)getpid(), name);
    p.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    return p;
}

typedef int address_call(struct sys *, int fd, const struct sockaddr *, socklen_t);

static inline int socket_at(struct sys *sys, const struct place *p, address_call *call)
{
    int fd = sys->socket(sys, AF_UNIX, SOCK_STREAM);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(call(sys, fd, (const struct sockaddr *)&p->at, p->len), 0);
    return fd;
}

static inline int listener_at(struct sys *sys, const struct place *p, int backlog)
{
    int fd = socket_at(sys, p, sys->bind);
    ck_assert_int_eq(sys->listen(sys, fd, backlog), 0);
    return fd;
}

static inline int client_of(struct sys *sys, const struct place *p)
{
    return socket_at(sys, p, sys->connect);
}

#endif
