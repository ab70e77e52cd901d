/* kernel_sequence.h - calls made up from a seed, for both worlds of test_sim_kernel.c.
 *
 * Random calls hardly ever fit together. So each sequence has a theme, which says what is called how often and how it begins; and
 * the sequence keeps a book of which descriptor is what, and mostly calls for each what makes sense there. */
#ifndef EDDY_LOOP_TESTS_KERNEL_SEQUENCE_H
#define EDDY_LOOP_TESTS_KERNEL_SEQUENCE_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "loop/tests/support.h"

enum { CALLS = 40, NUMBERS = 64, TEXT = 512, LARGEST = 1 << 17, SMALL = 64, EVENTS = 8, NAMES = 5, A_PATH = 1, SIGNALS = 3,
       FILE_BYTES = 10000 };

static const int signal_numbers[SIGNALS] = { SIGUSR1, SIGUSR2, SIGWINCH };

struct named {
    struct sockaddr_storage at;
    socklen_t len;
};

struct call_made {
    enum sys_call what;
    int fd, other, op;          /* descriptors of the sequence; may be closed, or never opened */
    size_t len;
    struct epoll_event event;
    struct pollfd polled[EVENTS];
    int max;
    struct named named;
    sigset_t set;
    char text[TEXT], answers[2][TEXT];      /* of the kernel, of the sim */
};

struct theme {
    enum sys_call begins[8];            /* after an epoll; ends with 0 */
    bool shuffled;                      /* it begins with any of these */
    enum sys_call favourite;            /* what is read and written; 0: whatever */
    struct { enum sys_call what; unsigned weight; } weights[24];    /* of 100 together */
};

struct sequence {
    uint64_t seed, chance;
    const struct theme *theme;
    const char *folder;             /* where sockets' paths are */
    enum sys_call kinds[NUMBERS];   /* what became of the descriptor last; 0 unknown */
    struct named names[NUMBERS];    /* what the descriptor was bound to last */
    int top;                        /* descriptors 0..top-1 were seen */
    bool sockets_exact;
    bool bare;                      /* nothing stands between us and the kernel; valgrind does */
    bool thread;                    /* signals are sent to the thread, not to the process */
    sigset_t blocked, pending;
    int limit;                      /* so many descriptors; 0: as many as you like */
    struct call_made calls[CALLS];
};

static const struct theme themes[] = {
    { .begins = { CALL_PIPE, CALL_SOCKETPAIR, CALL_EVENTFD, CALL_EPOLL_CREATE },
      .shuffled = true,
      .weights = { { CALL_READ, 18 }, { CALL_WRITE, 20 }, { CALL_EPOLL_CTL, 24 }, { CALL_EPOLL_WAIT, 18 }, { CALL_POLL, 4 },
                   { CALL_CLOSE, 5 }, { CALL_DUP, 4 }, { CALL_SHUTDOWN, 3 }, { CALL_PIPE, 1 }, { CALL_SOCKETPAIR, 1 },
                   { CALL_EVENTFD, 1 }, { CALL_EPOLL_CREATE, 1 } } },
    { .begins = { CALL_SOCKET, CALL_BIND, CALL_LISTEN, CALL_SOCKET, CALL_CONNECT, CALL_SOCKET },
      .favourite = CALL_SOCKETPAIR,
      .weights = { { CALL_READ, 8 }, { CALL_WRITE, 8 }, { CALL_EPOLL_CTL, 14 }, { CALL_EPOLL_WAIT, 14 }, { CALL_POLL, 4 },
                   { CALL_CLOSE, 6 }, { CALL_DUP, 2 }, { CALL_SHUTDOWN, 3 }, { CALL_SOCKET, 10 }, { CALL_BIND, 6 },
                   { CALL_LISTEN, 4 }, { CALL_CONNECT, 10 }, { CALL_ACCEPT, 9 }, { CALL_SOCKET_ERROR, 2 } } },
    { .begins = { CALL_SIGNALFD, CALL_SIGNALFD, CALL_OPEN, CALL_PIPE, CALL_SIGNALFD },
      .favourite = CALL_SIGNALFD,
      .weights = { { CALL_READ, 18 }, { CALL_WRITE, 5 }, { CALL_EPOLL_CTL, 18 }, { CALL_EPOLL_WAIT, 14 }, { CALL_POLL, 4 },
                   { CALL_CLOSE, 5 }, { CALL_DUP, 3 }, { CALL_KILL, 18 }, { CALL_SIGNALFD, 6 }, { CALL_OPEN, 6 },
                   { CALL_SIGPROCMASK, 3 } } },
};

static inline uint64_t chance(struct sequence *q)
{
    q->chance ^= q->chance << 13;
    q->chance ^= q->chance >> 7;
    return q->chance ^= q->chance << 17;
}

static inline unsigned below(struct sequence *q, unsigned n)
{
    return (unsigned)(chance(q) >> 20) % n;
}

/* ---- descriptors ---------------------------------------------------------------------------------------------------- */

/* Mostly an open one; sometimes a closed one, or none at all. */
static inline int any_fd(struct sequence *q)
{
    int fd = -1;
    for (int tries = 0; tries < 6 && (fd < 0 || !q->kinds[fd]); tries++)
        fd = (int)below(q, (unsigned)q->top + 1) - (below(q, 40) == 0);
    return fd;
}

/* Mostly one of that kind, and rather the older ones, so that things happen to them. */
static inline int fd_of(struct sequence *q, enum sys_call kind)
{
    int tries = 0, fd = below(q, 2) ? 0 : any_fd(q);
    for (; tries < 12 && (fd < 0 || q->kinds[fd] != kind); tries++)
        fd = (int)below(q, 1 + below(q, (unsigned)q->top + 1));
    return fd;
}

/* Mostly one that has bytes to move. */
static inline int stream_fd(struct sequence *q)
{
    int tries = 0, fd = any_fd(q);
    for (; tries < 3 && (fd < 0 || q->kinds[fd] == CALL_EPOLL_CREATE); tries++)
        fd = any_fd(q);
    return fd;
}

static inline bool is_socket(enum sys_call kind)
{
    return kind == CALL_SOCKETPAIR || kind == CALL_SOCKET || kind == CALL_BIND || kind == CALL_LISTEN;
}

/* ---- arguments ------------------------------------------------------------------------------------------------------ */

static inline uint32_t mask(struct sequence *q)
{
    static const uint32_t bits[] = { EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLPRI, EPOLLRDNORM, EPOLLWRNORM, EPOLLRDBAND };
    uint32_t events = (uint32_t[]){ EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, 0 }[below(q, 7) / 2];
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        events |= below(q, 6) == 0 ? bits[i] : 0;
    return events;
}

static inline size_t length(struct sequence *q, int fd)
{
    static const size_t odd[] = { 0, 1, 192, 193, 3776, 3777, 4095, 4096, 4097, 5000, 36545, 65536, 70000, 100000 };
    enum sys_call kind = fd >= 0 ? q->kinds[fd] : CALL_NOW;
    if (kind == CALL_EVENTFD)
        return below(q, 6) ? 8 : below(q, 8);
    if (kind == CALL_SIGNALFD)
        return sizeof(struct signalfd_siginfo) * (1 + below(q, 3)) - (below(q, 6) == 0);
    if ((is_socket(kind) && !q->sockets_exact) || below(q, 5))
        return 1 + below(q, SMALL);
    return odd[below(q, sizeof odd / sizeof *odd)];
}

/* Where a socket of this sequence may be in the file system. */
static inline void socket_path(const struct sequence *q, char *out, size_t size)
{
    snprintf(out, size, "%s/%llx", q->folder, (unsigned long long)q->seed);
}

/* One of few names, abstract or a path, mostly as it should be written. */
static inline struct named name(struct sequence *q)
{
    struct named n = { .at.ss_family = AF_UNIX };
    struct sockaddr_un *un = (struct sockaddr_un *)&n.at;
    unsigned which = below(q, 3) ? 0 : below(q, NAMES), odd = below(q, 40);
    if (which == A_PATH)
        socket_path(q, un->sun_path, sizeof un->sun_path);
    else
        snprintf(un->sun_path + 1, sizeof un->sun_path - 1, "eddy %d %llx %u", (int)getpid(), (unsigned long long)q->seed, which);
    n.len = (socklen_t)(sizeof(sa_family_t) + 1 + strlen(un->sun_path + 1));
    if (odd < 4)
        n.len = (socklen_t[]){ 0, 1, 111, 129 }[odd];
    else if (odd < 6)
        n.len = sizeof(sa_family_t);
    else if (odd < 9)
        n.len++;
    else if (odd == 9)
        n.at.ss_family = AF_INET;
    return n;
}

static inline sigset_t some_signals(struct sequence *q)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < SIGNALS; i++)
        if (below(q, 2))
            sigaddset(&set, signal_numbers[i]);
    return set;
}

/* ---- calls ---------------------------------------------------------------------------------------------------------- */

static inline enum sys_call choose(struct sequence *q, int i)
{
    unsigned at = below(q, 100);
    if (i == 0)
        return CALL_EPOLL_CREATE;
    if (i < 8 && q->theme->begins[i - 1] && below(q, 12))
        return q->theme->begins[q->theme->shuffled ? below(q, 4) : (unsigned)i - 1];
    for (size_t w = 0;; w++) {
        if (at < q->theme->weights[w].weight)
            return q->theme->weights[w].what;
        at -= q->theme->weights[w].weight;
    }
}

/* Adds, or changes what an earlier call has added. */
static inline void invent_epoll_ctl(struct sequence *q, int i)
{
    struct call_made *c = &q->calls[i];
    const struct call_made *earlier = NULL;
    c->fd = fd_of(q, CALL_EPOLL_CREATE);
    c->other = any_fd(q);
    c->op = (int[]){ EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL, 7 }[below(q, 51) / 10];
    for (int at = i - 1; at >= 0 && c->op != EPOLL_CTL_ADD && (!earlier || below(q, 2)); at--)
        if (q->calls[at].what == CALL_EPOLL_CTL && strcmp(q->calls[at].answers[0], " 0") == 0)
            earlier = &q->calls[at];
    if (earlier) {
        c->fd = earlier->fd;
        c->other = earlier->other;
    }
    c->event = (struct epoll_event){ .events = mask(q), .data.u64 = (uint64_t)i };
    c->event.events |= (below(q, 3) ? 0 : (uint32_t)EPOLLET) | (below(q, 6) ? 0 : (uint32_t)EPOLLONESHOT);
}

static inline void invent_socket_call(struct sequence *q, struct call_made *c)
{
    switch (c->what) {
    case CALL_SOCKET:
        c->other = below(q, 20) ? AF_UNIX : AF_MAX;
        c->op = below(q, 20) ? SOCK_STREAM : 9;
        break;
    case CALL_BIND:
        c->fd = fd_of(q, CALL_SOCKET);
        c->named = name(q);
        break;
    case CALL_LISTEN:
        c->fd = fd_of(q, below(q, 4) ? CALL_BIND : CALL_LISTEN);
        c->op = (int)below(q, 4) - (below(q, 9) == 0);
        break;
    case CALL_CONNECT:
        c->fd = fd_of(q, below(q, 5) ? CALL_SOCKET : CALL_BIND);
        c->other = fd_of(q, CALL_LISTEN);
        c->named = c->other >= 0 && q->kinds[c->other] == CALL_LISTEN && below(q, 5) ? q->names[c->other] : name(q);
        break;
    case CALL_ACCEPT:
        c->fd = fd_of(q, CALL_LISTEN);
        c->max = (int[]){ 128, 128, 128, 0, 5, 2, -2, -1 }[below(q, q->bare ? 8 : 7)];       /* -2: without an address */
        break;
    default:
        c->fd = fd_of(q, CALL_SOCKETPAIR);
        break;
    }
}

/* What would kill us is only sent where it is blocked, and stays so while it is pending. */
static inline void invent_signal_call(struct sequence *q, struct call_made *c)
{
    c->set = some_signals(q);
    if (c->what == CALL_SIGNALFD) {
        c->fd = below(q, 3) ? -1 : fd_of(q, CALL_SIGNALFD);
    } else if (c->what == CALL_SIGPROCMASK) {
        c->op = q->bare && below(q, 8) == 0 ? 9 : below(q, 2) ? SIG_BLOCK : SIG_UNBLOCK;
        for (size_t i = 0; i < SIGNALS; i++)
            if (c->op == SIG_UNBLOCK && signal_numbers[i] != SIGWINCH && sigismember(&q->pending, signal_numbers[i]))
                sigdelset(&c->set, signal_numbers[i]);
    } else {
        c->op = signal_numbers[below(q, SIGNALS)];
        if (!sigismember(&q->blocked, c->op))
            c->op = SIGWINCH;
    }
}

static inline void invent_open(struct sequence *q, struct call_made *c)
{
    c->other = (int)below(q, 4);        /* 0 a file, 1 a directory, 2 nothing, 3 the null device */
    c->op = c->other ? (int[]){ O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY }[below(q, 4)] : O_RDONLY;
}

static inline void invent(struct sequence *q, int i)
{
    struct call_made *c = &q->calls[i];
    *c = (struct call_made){ .what = choose(q, i), .fd = any_fd(q), .event.data.u64 = (uint64_t)i };
    switch (c->what) {
    case CALL_READ:
    case CALL_WRITE:
        c->fd = q->theme->favourite && below(q, 2) ? fd_of(q, q->theme->favourite) : stream_fd(q);
        c->len = length(q, c->fd);
        break;
    case CALL_SHUTDOWN:
        c->fd = fd_of(q, below(q, 3) ? CALL_SOCKETPAIR : CALL_LISTEN);
        c->op = (int)below(q, 20) - 1;
        c->op = c->op > 3 ? c->op % 3 : c->op;
        break;
    case CALL_EPOLL_CTL:
        invent_epoll_ctl(q, i);
        break;
    case CALL_EPOLL_WAIT:
        c->fd = fd_of(q, CALL_EPOLL_CREATE);
        c->max = 1 + (int)below(q, EVENTS);
        break;
    case CALL_POLL:
        c->max = (int)below(q, EVENTS);
        for (int p = 0; p < c->max; p++)
            c->polled[p] = (struct pollfd){ .fd = any_fd(q), .events = (short)mask(q) };
        break;
    case CALL_SIGNALFD:
    case CALL_KILL:
    case CALL_SIGPROCMASK:
        invent_signal_call(q, c);
        break;
    case CALL_OPEN:
        invent_open(q, c);
        break;
    default:
        if (c->what >= CALL_SOCKET)
            invent_socket_call(q, c);
        break;
    }
}

/* ---- the book ------------------------------------------------------------------------------------------------------- */

static inline void learn(struct sequence *q, enum sys_call kind, int fd)
{
    ck_assert_int_lt(fd, NUMBERS);
    q->kinds[fd] = kind;
    if (fd >= q->top)
        q->top = fd + 1;
}

/* Which signals are blocked, and which are pending. */
static inline void follow_signals(struct sequence *q, const struct call_made *c)
{
    const char *at = c->answers[0];
    if (c->what == CALL_KILL && sigismember(&q->blocked, c->op))
        sigaddset(&q->pending, c->op);
    while (c->what == CALL_READ && (at = strstr(at, " signal ")))
        sigdelset(&q->pending, atoi(at += strlen(" signal ")));
    for (size_t i = 0; c->what == CALL_SIGPROCMASK && i < SIGNALS; i++) {
        int signo = signal_numbers[i];
        if (!sigismember(&c->set, signo))
            continue;
        if (c->op == SIG_BLOCK)
            sigaddset(&q->blocked, signo);
        else if (c->op == SIG_UNBLOCK && sigdelset(&q->blocked, signo) == 0)
            sigdelset(&q->pending, signo);
    }
}

/* Keeps the book of which descriptor is what. */
static inline void follow(struct sequence *q, const struct call_made *c, int64_t rc)
{
    int a, b;
    if (rc < 0)
        return;
    follow_signals(q, c);
    switch (c->what) {
    case CALL_PIPE:
    case CALL_SOCKETPAIR:
        sscanf(c->answers[1], "%*d %d %d", &a, &b);
        learn(q, c->what, a);
        learn(q, c->what, b);
        break;
    case CALL_EVENTFD:
    case CALL_EPOLL_CREATE:
    case CALL_SOCKET:
    case CALL_SIGNALFD:
    case CALL_OPEN:
        learn(q, c->what, (int)rc);
        break;
    case CALL_ACCEPT:
        learn(q, CALL_SOCKETPAIR, (int)rc);
        break;
    case CALL_DUP:
        learn(q, q->kinds[c->fd], (int)rc);
        q->names[rc] = q->names[c->fd];
        break;
    case CALL_BIND:
        q->names[c->fd] = c->named;
        q->kinds[c->fd] = c->what;
        break;
    case CALL_LISTEN:
        q->kinds[c->fd] = c->what;
        break;
    case CALL_CONNECT:
        q->kinds[c->fd] = CALL_SOCKETPAIR;
        break;
    case CALL_CLOSE:
        q->kinds[c->fd] = CALL_NOW;
        break;
    default:
        break;
    }
}

/* Begins the book. */
static inline void sequence_begin(struct sequence *q, uint64_t seed)
{
    q->seed = seed;
    q->chance = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    q->theme = &themes[below(q, sizeof themes / sizeof *themes)];
    q->thread = below(q, 2);
    q->limit = below(q, 6) || !q->bare ? 0 : 4 + (int)below(q, 8);
    q->top = 0;
    memset(q->kinds, 0, sizeof q->kinds);
    memset(q->names, 0, sizeof q->names);
    sigemptyset(&q->pending);
    sigemptyset(&q->blocked);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaddset(&q->blocked, signal_numbers[i]);
}

#endif
