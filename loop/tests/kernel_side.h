/* kernel_side.h - one of the two worlds of test_sim_kernel.c: makes a call there, and writes down what came back.
 *
 * The trap it exists for: what may differ. Descriptors are counted from the first free one of each side, a name that the kernel
 * made up is only told as such, and of a signal only its number is compared. */
#ifndef EDDY_LOOP_TESTS_KERNEL_SIDE_H
#define EDDY_LOOP_TESTS_KERNEL_SIDE_H

#include <ctype.h>
#include <pthread.h>
#include <stdarg.h>

#include "loop/tests/kernel_sequence.h"
#include "loop/tests/limit.h"

struct side {
    struct sys *sys;
    struct sim *sim;            /* NULL: the real one */
    int base;                   /* descriptor 0 of the sequence is this number here */
    char *data;                 /* LARGEST bytes to read into */
};

static char pattern[LARGEST + 251];     /* what is written, and what the file holds */

__attribute__((format(printf, 2, 3))) static inline void add(char *text, const char *format, ...)
{
    va_list args;
    size_t len = strlen(text);
    va_start(args, format);
    vsnprintf(text + len, TEXT - len, format, args);
    va_end(args);
}

static inline int number(const struct side *side, int fd)
{
    return fd < 0 ? -1 : side->base + fd;
}

static inline int64_t make_read(const struct side *side, const struct call_made *c, enum sys_call kind, char *answer)
{
    int64_t n = side->sys->read(side->sys, number(side, c->fd), side->data, c->len);
    uint64_t sum = 0;
    if (kind == CALL_SIGNALFD) {
        for (int64_t at = 0; at < n; at += (int64_t)sizeof(struct signalfd_siginfo))
            add(answer, " signal %u", ((struct signalfd_siginfo *)(side->data + at))->ssi_signo);
        return n;
    }
    for (int64_t i = 0; i < n; i++)
        sum = sum * 31 + (unsigned char)side->data[i];
    if (n > 0)
        add(answer, " sum %llx", (unsigned long long)sum);
    return n;
}

static inline int64_t make_write(const struct side *side, const struct call_made *c)
{
    static const uint64_t values[] = { 1, 2, 0, UINT64_MAX - 2, UINT64_MAX - 1, UINT64_MAX };
    const char *data = pattern + c->event.data.u64 % 251;
    if (c->len == sizeof *values)
        data = (const char *)&values[c->event.data.u64 % 6];
    if (c->len < 20 || c->event.data.u64 % 3)
        return side->sys->write(side->sys, number(side, c->fd), data, c->len);
    struct iovec portions[] = { { (char *)data, 9 }, { (char *)data, 0 }, { (char *)data + 9, c->len - 9 } };
    return side->sys->writev(side->sys, number(side, c->fd), portions, 3);
}

static inline int64_t make_epoll_wait(const struct side *side, const struct call_made *c, char *answer)
{
    struct epoll_event events[EVENTS];
    int64_t n = side->sys->epoll_wait(side->sys, number(side, c->fd), events, c->max, 0);
    for (int64_t i = 0; i < n; i++)
        add(answer, " [%d: %x]", (int)events[i].data.u64, events[i].events);
    return n;
}

static inline int64_t make_poll(const struct side *side, const struct call_made *c, char *answer)
{
    struct pollfd fds[EVENTS];
    for (int i = 0; i < c->max; i++)
        fds[i] = (struct pollfd){ .fd = number(side, c->polled[i].fd), .events = c->polled[i].events };
    int64_t n = side->sys->poll(side->sys, fds, c->max, 0);
    for (int i = 0; i < c->max; i++)
        add(answer, " %x", (unsigned short)fds[i].revents);
    return n;
}

/* A new descriptor, counted from the side's first. */
static inline int64_t numbered(const struct side *side, int64_t fd)
{
    return fd < 0 ? fd : fd - side->base;
}

static inline int64_t make_pair(const struct side *side, const struct call_made *c, char *answer)
{
    int fds[2] = { 0 };
    struct sys *sys = side->sys;
    int64_t rc = c->what == CALL_PIPE ? sys->pipe(sys, fds) : sys->socketpair(sys, fds);
    if (rc == 0)
        add(answer, " %d %d", fds[0] - side->base, fds[1] - side->base);
    return rc;
}

/* ---- sockets, files, signals ---------------------------------------------------------------------------------------- */

/* The address as a word: what is written of it. */
static inline void add_address(char *answer, const struct sockaddr_storage *from, int room, int len)
{
    enum { MADE_UP = sizeof(sa_family_t) + 6 };
    add(answer, " from (%d)", len);
    for (int i = 0; i < room && i < len && len != MADE_UP; i++) {
        char c = ((const char *)from)[i];
        add(answer, isprint((unsigned char)c) ? "%c" : "\\%d", c);
    }
}

static inline int64_t make_accept(const struct side *side, const struct call_made *c, char *answer)
{
    struct sockaddr_storage from = {0};
    socklen_t len = (socklen_t)c->max;
    int64_t fd = side->sys->accept(side->sys, number(side, c->fd), c->max == -2 ? NULL : (struct sockaddr *)&from,
                                   c->max == -2 ? NULL : &len);
    if (fd >= 0 && c->max >= 0)
        add_address(answer, &from, c->max, (int)len);
    return numbered(side, fd);
}

static inline int64_t make_open(const struct side *side, const struct sequence *q, const struct call_made *c)
{
    static const char *const names[] = { "/file", "", "/nothing" };
    char path[64] = "/dev/null";
    if (c->other < 3)
        snprintf(path, sizeof path, "%s%s", q->folder, names[c->other]);
    return numbered(side, side->sys->open(side->sys, path, c->op, 0));
}

static inline int64_t send_signal(const struct side *side, const struct sequence *q, int signo)
{
    if (!side->sim)
        return q->thread ? -pthread_kill(pthread_self(), signo) : side->sys->kill(side->sys, getpid(), signo);
    sim_raise(side->sim, signo);
    return 0;
}

static inline int64_t make_sigprocmask(const struct side *side, const struct call_made *c, char *answer)
{
    sigset_t old = {0};
    int64_t rc = side->sys->sigprocmask(side->sys, c->op, &c->set, &old);
    for (size_t i = 0; i < SIGNALS; i++)
        add(answer, " %d", sigismember(&old, signal_numbers[i]));
    return rc;
}

static inline int64_t make_late(const struct side *side, const struct sequence *q, const struct call_made *c, char *answer)
{
    struct sys *sys = side->sys;
    int fd = number(side, c->fd);
    const struct sockaddr *address = (const struct sockaddr *)&c->named.at;
    switch (c->what) {
    case CALL_SOCKET: return numbered(side, sys->socket(sys, c->other, c->op));
    case CALL_BIND: return sys->bind(sys, fd, address, c->named.len);
    case CALL_LISTEN: return sys->listen(sys, fd, c->op);
    case CALL_ACCEPT: return make_accept(side, c, answer);
    case CALL_CONNECT: return sys->connect(sys, fd, address, c->named.len);
    case CALL_SOCKET_ERROR: return sys->socket_error(sys, fd);
    case CALL_OPEN: return make_open(side, q, c);
    case CALL_SIGPROCMASK: return make_sigprocmask(side, c, answer);
    case CALL_SIGNALFD: return numbered(side, sys->signalfd(sys, fd, &c->set));
    default: return send_signal(side, q, c->op);
    }
}

static inline int64_t make(const struct side *side, const struct sequence *q, struct call_made *c, char *answer)
{
    struct sys *sys = side->sys;
    struct epoll_event event = c->event;
    int fd = number(side, c->fd);
    switch (c->what) {
    case CALL_READ: return make_read(side, c, c->fd < 0 ? CALL_NOW : q->kinds[c->fd], answer);
    case CALL_WRITE: return make_write(side, c);
    case CALL_CLOSE: return sys->close(sys, fd);
    case CALL_DUP: return numbered(side, sys->dup(sys, fd));
    case CALL_PIPE:
    case CALL_SOCKETPAIR: return make_pair(side, c, answer);
    case CALL_SHUTDOWN: return sys->shutdown(sys, fd, c->op);
    case CALL_EVENTFD: return numbered(side, sys->eventfd(sys));
    case CALL_EPOLL_CREATE: return numbered(side, sys->epoll_create(sys));
    case CALL_EPOLL_CTL: return sys->epoll_ctl(sys, fd, c->op, number(side, c->other), &event);
    case CALL_EPOLL_WAIT: return make_epoll_wait(side, c, answer);
    case CALL_POLL: return make_poll(side, c, answer);
    default: return make_late(side, q, c, answer);
    }
}

static inline void describe(struct call_made *c)
{
    add(c->text, "%s", sim_call_name(c->what));
    if (c->what == CALL_EPOLL_CTL)
        add(c->text, " epoll %d op %d fd %d events %x data %d", c->fd, c->op, c->other, c->event.events,
            (int)c->event.data.u64);
    else if (c->what == CALL_POLL)
        for (int i = 0; i < c->max; i++)
            add(c->text, " %d:%x", c->polled[i].fd, (unsigned short)c->polled[i].events);
    else
        add(c->text, " fd %d len %zu max %d how %d", c->fd, c->len, c->max, c->op);
    if (c->what == CALL_BIND || c->what == CALL_CONNECT)
        add_address(c->text, &c->named.at, (int)sizeof c->named.at, (int)c->named.len);
    for (size_t i = 0; i < SIGNALS; i++)
        if ((c->what == CALL_SIGNALFD || c->what == CALL_SIGPROCMASK) && sigismember(&c->set, signal_numbers[i]))
            add(c->text, " %d", signal_numbers[i]);
}

/* ---- before and after a sequence ------------------------------------------------------------------------------------- */

static inline void all_signals(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaddset(set, signal_numbers[i]);
}

/* No descriptor of the sequence from `most` on; 0: as many as you like. */
static inline void limit(const struct side *side, int most)
{
    if (side->sim)
        sim_limit_descriptors(side->sim, most ? side->base + most : 0);
    else
        limit_descriptors(most ? side->base + most : -1);
}

static inline void side_begin(const struct side *side, const struct sequence *q)
{
    sigset_t all;
    char path[64];
    all_signals(&all);
    side->sys->sigprocmask(side->sys, SIG_BLOCK, &all, NULL);
    limit(side, q->limit);
    if (!side->sim)
        return;
    snprintf(path, sizeof path, "%s/file", q->folder);
    sim_disk_add(side->sim, q->folder, NULL, 0);
    sim_disk_add(side->sim, path, pattern, FILE_BYTES);
}

/* Takes the signals that nobody read; the sequence's descriptors are closed. */
static inline void side_end(const struct side *side)
{
    sigset_t all;
    all_signals(&all);
    limit(side, 0);
    side->sys->sigprocmask(side->sys, SIG_BLOCK, &all, NULL);
    int fd = side->sys->signalfd(side->sys, -1, &all);
    while (side->sys->read(side->sys, fd, side->data, sizeof(struct signalfd_siginfo)) > 0)
        ;
    side->sys->close(side->sys, fd);
}

#endif
