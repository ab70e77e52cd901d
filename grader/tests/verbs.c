/* verbs.c - the lab of test_judge.c: a loop to play with, and code that does all that a student's must not. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "grader/probe.h"
#include "grader/wire.h"
#include "loop/loop.h"
#include "loop/require.h"

enum { TIMEOUTS = 64, BLOCKS = 16 };

struct named {
    struct timeout timeout;
    char name[32];
};

static struct loop *loop;
static struct named *timeouts[TIMEOUTS];
static void *blocks[BLOCKS];
static int pair[2] = { -1, -1 };

static int64_t number(const char *word)
{
    return strtoll(word, NULL, 10);
}

/* ---- a loop ----------------------------------------------------------------------------------------------------- */

static struct loop *the_loop(void)
{
    if (!loop)
        loop = loop_new(probe_sys());
    return loop;
}

static void on_timeout(void *self, int what)
{
    struct named *n = self;
    if (strncmp(n->name, "sleepy", 6) == 0)
        usleep(2000);
    probe_event(n->name, what);
    if (strncmp(n->name, "drowsy", 6) == 0)
        usleep(2000);
}

static int64_t verb_at(int count, char **words)
{
    (void)count;
    for (int i = 0; i < TIMEOUTS; i++)
        if (!timeouts[i]) {
            char name[64];
            snprintf(name, sizeof name, "timeout %.20s", words[1]);
            timeouts[i] = fence_new(sizeof *timeouts[i], name);
            snprintf(timeouts[i]->name, sizeof timeouts[i]->name, "%s", words[1]);
            int64_t when = loop_time(the_loop()) + number(words[2]);
            loop_call_at(loop, when, &timeouts[i]->timeout, on_timeout, timeouts[i]);
            return i;
        }
    return -ENOSPC;
}

static int64_t verb_free(int count, char **words)
{
    (void)count;
    fence_free(timeouts[number(words[1])]);
    timeouts[number(words[1])] = NULL;
    return 0;
}

static int64_t verb_run(int count, char **words)
{
    (void)count, (void)words;
    return loop_start(the_loop());
}

static int64_t verb_hold(int count, char **words)
{
    (void)count;
    loop_hold(the_loop(), (int)number(words[1]));
    return 0;
}

static void on_post(void *self, int what)
{
    (void)self;
    probe_event("posted", what);
}

static int64_t verb_post(int count, char **words)
{
    (void)count, (void)words;
    return loop_add_callback_threadsafe(the_loop(), on_post, NULL);
}

void lab_reset(void)
{
    if (loop)
        loop_close(loop);
    loop = NULL;
    for (int i = 0; i < TIMEOUTS; i++) {
        fence_free(timeouts[i]);
        timeouts[i] = NULL;
    }
    memset(blocks, 0, sizeof blocks);       /* not freed: a world ends with what was leaked in it */
}

/* ---- the door --------------------------------------------------------------------------------------------------- */

static int64_t verb_now(int count, char **words)
{
    (void)count, (void)words;
    return probe_sys()->now(probe_sys());
}

static int64_t verb_memory(int count, char **words)
{
    void **block = &blocks[number(words[1])];
    size_t size = (size_t)number(words[2]);
    (void)count;
    void *got = probe_sys()->memory(probe_sys(), *block, size);
    if (size && !got)
        return -ENOMEM;
    *block = got;
    return 0;
}

static int64_t verb_pair(int count, char **words)
{
    (void)count, (void)words;
    return probe_sys()->socketpair(probe_sys(), pair);
}

static int64_t verb_write(int count, char **words)
{
    (void)count;
    return probe_sys()->write(probe_sys(), pair[0], words[1], strlen(words[1]));
}

static int64_t verb_read(int count, char **words)
{
    char data[256];
    (void)count, (void)words;
    ssize_t n = probe_sys()->read(probe_sys(), pair[1], data, sizeof data);
    if (n > 0)
        probe_say("%.*s", (int)n, data);
    return n;
}

/* More than a record holds goes there and back whole, also in several portions. */
static int64_t verb_bulk(int count, char **words)
{
    static char data[150000], back[150000];
    struct iovec portions[] = { { data, 3 }, { data + 3, 0 }, { data + 3, 70000 }, { data + 70003, sizeof data - 70003 } };
    (void)words;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 7);
    ssize_t n = count > 1 ? probe_sys()->writev(probe_sys(), pair[0], portions, 4)
                          : probe_sys()->write(probe_sys(), pair[0], data, sizeof data);
    ssize_t m = probe_sys()->read(probe_sys(), pair[1], back, sizeof back);
    return n == m && n > 100000 && memcmp(data, back, (size_t)n) == 0 ? n : -EIO;
}

static int64_t verb_door_calls(int count, char **words)
{
    struct sys *sys = probe_sys();
    struct epoll_event event = { .events = EPOLLIN };
    struct pollfd wait = { .events = POLLIN };
    char random[8];
    int fds[2], n = 0;
    (void)count, (void)words;
    int event_fd = sys->eventfd(sys), copy = sys->dup(sys, event_fd), epfd = sys->epoll_create(sys);
    n += sys->pipe(sys, fds) == 0;
    n += sys->random(sys, random, sizeof random) == 0;
    n += sys->epoll_ctl(sys, epfd, EPOLL_CTL_ADD, fds[0], &event) == 0;
    n += sys->epoll_wait(sys, epfd, &event, 1, 50 * MILLISECOND) == 0;
    n += sys->write(sys, fds[1], "x", 1) == 1;
    n += sys->epoll_wait(sys, epfd, &event, 1, -1) == 1 && event.events == EPOLLIN;
    wait.fd = fds[0];
    n += sys->poll(sys, &wait, 1, -1) == 1 && wait.revents == POLLIN;
    n += sys->epoll_ctl(sys, epfd, EPOLL_CTL_DEL, fds[0], NULL) == 0;
    n += sys->shutdown(sys, fds[0], SHUT_WR) == -ENOTSOCK;
    const int all[] = { event_fd, copy, epfd, fds[0], fds[1] };
    for (int i = 0; i < 5; i++)
        n += sys->close(sys, all[i]) == 0;
    return n;
}

static char *area;

static bool explain(const void *address, char *line, size_t size)
{
    if (!area || (const char *)address < area || (const char *)address >= area + 4096)
        return false;
    snprintf(line, size, "touched the guard of the area\n");
    return true;
}

/* An area with a guard, and words about it. */
static int64_t verb_map(int count, char **words)
{
    struct sys *sys = probe_sys();
    (void)count;
    area = sys->map(sys, NULL, (size_t)number(words[1]));
    if (!area)
        return -ENOMEM;
    area[4096] = 1;
    int rc = sys->guard(sys, area, 4096, true);
    return rc < 0 ? rc : sys->on_fault(sys, explain);
}

static int64_t verb_unmap(int count, char **words)
{
    (void)count;
    probe_sys()->map(probe_sys(), area, (size_t)number(words[1]));
    area = NULL;
    return 0;
}

static int64_t verb_spin(int count, char **words)
{
    struct sys *sys = probe_sys();
    struct epoll_event event;
    int rc, epfd = sys->epoll_create(sys);
    while ((rc = sys->epoll_wait(sys, epfd, &event, 1, 0)) >= 0 || count > 1)
        ;
    (void)words;
    return rc;
}

/* ---- callbacks and words ---------------------------------------------------------------------------------------- */

static int64_t verb_say(int count, char **words)
{
    for (int i = 1; i < count; i++)
        probe_say("%s%s", i > 1 ? "+" : "", words[i]);
    return count - 1;
}

static int64_t verb_event(int count, char **words)
{
    probe_event(words[1], count > 2 ? (int)number(words[2]) : 0);
    return 0;
}

/* ---- what must not be ------------------------------------------------------------------------------------------- */

static int dig(int depth, volatile char *above)
{
    volatile char room[4096];
    room[0] = (char)(above ? above[0] + 1 : 0);
    return depth ? dig(depth - 1, room) + room[0] : 0;
}

static int64_t verb_crash(int count, char **words)
{
    volatile char *block = fence_new(100, "the block");
    volatile char **nowhere = (volatile char **)probe_sys()->memory(probe_sys(), NULL, 64);
    (void)count;
    if (strcmp(words[1], "null") == 0)
        *(volatile char *)(uintptr_t)number("8") = 1;
    else if (strcmp(words[1], "guard") == 0)
        *(volatile char *)area = 1;
    else if (strcmp(words[1], "past") == 0)
        block[112] = 1;
    else if (strcmp(words[1], "rubbish") == 0)
        **nowhere = 1;
    else if (strcmp(words[1], "stack") == 0)
        return dig(1 << 20, NULL);
    else if (strcmp(words[1], "twice") == 0)
        fence_free((void *)block), fence_free((void *)block);
    else if (strcmp(words[1], "require") == 0)
        REQUIRE(count < 0, "a thing that never holds");
    else if (strcmp(words[1], "exit") == 0)
        _exit(0);
    return 0;
}

static int64_t verb_hang(int count, char **words)
{
    (void)count;
    bool busy = strcmp(words[1], "busy") == 0;
    while (busy || pause() < 0)
        ;
    return 0;
}

static int64_t verb_forge(int count, char **words)
{
    static struct wire w;
    (void)count;
    wire_clear(&w, WIRE_DONE);
    if (strcmp(words[1], "kind") == 0)
        w.kind = 77;
    else if (strcmp(words[1], "order") == 0)
        w.kind = WIRE_ORDER;
    else if (strcmp(words[1], "call") == 0)
        w.kind = WIRE_CALL, w.number = 99;
    else if (strcmp(words[1], "memory") == 0)
        w.kind = WIRE_CALL, w.number = CALL_MEMORY, w.args[0] = 12345;
    else if (strcmp(words[1], "name") == 0)
        w.kind = WIRE_EVENT, wire_put(&w, "A@50 B", 6);
    if (strcmp(words[1], "torn") == 0)
        return send(WIRE_FD, &w, 5, 0);
    return wire_send(WIRE_FD, &w);
}

/* ---- the network, names and threads ------------------------------------------------------------------------------- */

static struct sockaddr_in place(uint32_t address, int port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(address) };
}

/* A connection to 192.0.2.1, whose other end is said. */
static int64_t verb_visit(int count, char **words)
{
    struct sys *sys = probe_sys();
    struct sockaddr_in to = place(0xc0000201, 80), *peer;
    struct address whom = {0};
    (void)count, (void)words;
    int fd = sys->socket(sys, AF_INET, SOCK_STREAM);
    int rc = sys->connect(sys, fd, (struct sockaddr *)&to, sizeof to);
    sys->set_option(sys, fd, IPPROTO_TCP, TCP_NODELAY, 1);
    sys->peername(sys, fd, &whom);
    peer = (struct sockaddr_in *)&whom.at;
    probe_say("peer=%08x port=%d error=%d", ntohl(peer->sin_addr.s_addr), ntohs(peer->sin_port), sys->socket_error(sys, fd));
    sys->write(sys, fd, "hello", 5);
    return rc == -EINPROGRESS ? 0 : rc;
}

/* Listens, and says at which port; then whether somebody has come, and from where. */
static int64_t verb_house(int count, char **words)
{
    static int listener;
    struct sys *sys = probe_sys();
    struct sockaddr_in at = place(0, 0), from = {0};
    socklen_t len = sizeof from;
    struct address own = {0};
    (void)count;
    if (strcmp(words[1], "open") != 0) {
        int fd = sys->accept(sys, listener, (struct sockaddr *)&from, &len);
        probe_say("from=%08x", ntohl(from.sin_addr.s_addr));
        return fd < 0 ? fd : 0;
    }
    listener = sys->socket(sys, AF_INET, SOCK_STREAM);
    int rc = sys->bind(sys, listener, (struct sockaddr *)&at, sizeof at);
    if (rc == 0)
        rc = sys->listen(sys, listener, 5);
    sys->sockname(sys, listener, &own);
    probe_say("port=%d", ntohs(((struct sockaddr_in *)&own.at)->sin_port));
    return rc;
}

static struct {
    struct job job;
    char host[32];
    int found;
} errand;

static void run_errand(void *self)
{
    struct address out[4];
    (void)self;
    errand.found = probe_sys()->lookup(probe_sys(), errand.host, 0, AF_UNSPEC, out, 4);
    probe_event("runs", errand.found);
}

static void end_errand(void *self)
{
    (void)self;
    probe_event("ended", errand.found);
}

static int64_t verb_job(int count, char **words)
{
    (void)count;
    if (strcmp(words[1], "back") == 0)
        return probe_sys()->withdraw(probe_sys(), &errand.job);
    snprintf(errand.host, sizeof errand.host, "%s", words[1]);
    errand.job = (struct job){ .run = run_errand, .ended = end_errand };
    return probe_sys()->submit(probe_sys(), &errand.job);
}

static int64_t verb_nap(int count, char **words)
{
    (void)count;
    return probe_sys()->poll(probe_sys(), NULL, 0, number(words[1]) * MILLISECOND);
}

const struct verb lab_verbs[] = {
    { "at", "at NAME NS", 3, verb_at },
    { "free", "free INDEX", 2, verb_free },
    { "run", "run", 1, verb_run },
    { "hold", "hold PLUS-OR-MINUS-ONE", 2, verb_hold },
    { "post", "post", 1, verb_post },
    { "now", "now", 1, verb_now },
    { "memory", "memory INDEX SIZE", 3, verb_memory },
    { "pair", "pair", 1, verb_pair },
    { "write", "write TEXT", 2, verb_write },
    { "read", "read", 1, verb_read },
    { "bulk", "bulk [gathered]", 1, verb_bulk },
    { "door_calls", "door_calls", 1, verb_door_calls },
    { "map", "map SIZE", 2, verb_map },
    { "unmap", "unmap SIZE", 2, verb_unmap },
    { "spin", "spin", 1, verb_spin },
    { "say", "say WORD ...", 2, verb_say },
    { "event", "event NAME [WHAT]", 2, verb_event },
    { "crash", "crash HOW", 2, verb_crash },
    { "hang", "hang HOW", 2, verb_hang },
    { "forge", "forge WHAT", 2, verb_forge },
    { "visit", "visit", 1, verb_visit },
    { "house", "house open|look", 2, verb_house },
    { "job", "job HOST|back", 2, verb_job },
    { "nap", "nap MS", 2, verb_nap },
    { 0 }
};
