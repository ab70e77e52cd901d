/* verbs_echo.c - what an echo server can be told over the wire. It lives on the real kernel ("door real").
 *
 * Between it and the kernel stands a door of ours: it counts and writes down what is asked, refuses what it was told to
 * refuse, and gives memory from pages of its own, so that a connection which is touched after it was freed is found at
 * that instruction. The peers are the judge's, outside; nobody here waits for them, so nothing depends on the clock. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/fence.h"
#include "labs/01-selector/echo.h"
#include "labs/01-selector/verbs.h"

enum { DESCRIPTORS = 1024, READY = 32, LOG = 3000, IN_A_ROW = 3 };

struct fault {
    enum sys_call call;
    int nth, error;             /* nth 0: none is left */
};

static struct {
    struct sys sys;
    struct selector *selector;
    struct echo *echo;
    bool open[DESCRIPTORS];     /* connections */
    int64_t held[DESCRIPTORS], most_held;   /* bytes received and not sent back */
    int connections;
    uint64_t calls[CALL_COUNT];
    struct fault fault;
    unsigned storm, row;        /* percent; how many in a row were refused */
    uint64_t dice;
    size_t shorten;
    char log[LOG];
    size_t log_len;
} world;

/* ---- the door --------------------------------------------------------------------------------------------------- */

/* A call, as "read 7 = 5"; what does not fit is left out. */
__attribute__((format(printf, 2, 3))) static int64_t note(int64_t result, const char *format, ...)
{
    char call[80], line[120];
    va_list args;
    va_start(args, format);
    vsnprintf(call, sizeof call, format, args);
    va_end(args);
    const char *name = result < 0 ? strerrorname_np((int)-result) : NULL;
    int len = name ? snprintf(line, sizeof line, "; %s = %s", call, name)
                   : snprintf(line, sizeof line, "; %s = %" PRId64, call, result);
    if (world.log_len + (size_t)len < LOG) {
        memcpy(world.log + world.log_len, line, (size_t)len + 1);
        world.log_len += (size_t)len;
    }
    return result;
}

static uint64_t roll(void)
{
    world.dice = world.dice * UINT64_C(6364136223846793005) + 1442695040888963407;
    return world.dice >> 33;
}

/* Counts the call; with what it is refused, or 0. A storm never refuses for long. */
static int refused(enum sys_call call)
{
    world.calls[call]++;
    if (world.fault.call == call && world.fault.nth > 0 && --world.fault.nth == 0)
        return world.fault.error;
    bool can = call == CALL_READ || call == CALL_WRITE || call == CALL_ACCEPT;
    if (!can || roll() % 100 >= world.storm || ++world.row > IN_A_ROW) {
        world.row = 0;
        return 0;
    }
    return roll() % 2 ? -EINTR : -EAGAIN;
}

/* So many bytes more, or less, are in the echo's hands. */
static void hold(int fd, int64_t bytes, bool failed)
{
    if (failed || fd < 0 || fd >= DESCRIPTORS)
        return;
    world.held[fd] += bytes;
    if (world.held[fd] > world.most_held)
        world.most_held = world.held[fd];
}

static int door_accept(struct sys *sys, int fd, struct sockaddr *address, socklen_t *len)
{
    int rc = refused(CALL_ACCEPT);
    rc = rc ? rc : sys_linux()->accept(sys, fd, address, len);
    if (rc >= 0 && rc < DESCRIPTORS) {
        world.open[rc] = true;
        world.held[rc] = 0;
        world.connections++;
    }
    return (int)note(rc, "accept %d", fd);
}

static ssize_t door_read(struct sys *sys, int fd, void *data, size_t len)
{
    ssize_t rc = refused(CALL_READ);
    rc = rc ? rc : sys_linux()->read(sys, fd, data, len);
    hold(fd, rc, rc < 0);
    return (ssize_t)note(rc, "read %d, %zu bytes", fd, len);
}

static ssize_t door_write(struct sys *sys, int fd, const void *data, size_t len)
{
    ssize_t rc = refused(CALL_WRITE);
    size_t most = world.shorten && world.shorten < len ? world.shorten : len;
    rc = rc ? rc : sys_linux()->write(sys, fd, data, most);
    hold(fd, -rc, rc < 0);
    return (ssize_t)note(rc, "write %d, %zu bytes", fd, len);
}

/* The listener is not the echo's to close; nor is the wire. */
static int door_close(struct sys *sys, int fd)
{
    world.calls[CALL_CLOSE]++;
    if (fd <= PROBE_LISTENER)
        return (int)note(-EPERM, "close %d", fd);
    int rc = sys_linux()->close(sys, fd);
    if (rc == 0 && fd < DESCRIPTORS && world.open[fd]) {
        world.open[fd] = false;
        world.connections--;
    }
    return (int)note(rc, "close %d", fd);
}

static int door_epoll_ctl(struct sys *sys, int epfd, int op, int fd, struct epoll_event *event)
{
    int rc = refused(CALL_EPOLL_CTL);
    rc = rc ? rc : sys_linux()->epoll_ctl(sys, epfd, op, fd, event);
    return (int)note(rc, "epoll_ctl %s %d%s%s", op == EPOLL_CTL_ADD ? "ADD" : op == EPOLL_CTL_MOD ? "MOD" : "DEL", fd,
                     event && event->events & EPOLLIN ? " IN" : "", event && event->events & EPOLLOUT ? " OUT" : "");
}

static void *door_memory(struct sys *sys, void *old, size_t size)
{
    (void)sys;
    if (size && refused(CALL_MEMORY))
        return NULL;
    return old || size ? fence_resize(old, size) : NULL;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------ */

void echo_reset(void)
{
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (world.open[fd])
            sys_linux()->close(sys_linux(), fd);
    memset(&world, 0, sizeof world);
}

int64_t verb_echo_new(int count, char **words)
{
    (void)count, (void)words;
    world.sys = *probe_sys();
    world.sys.accept = door_accept;
    world.sys.read = door_read;
    world.sys.write = door_write;
    world.sys.close = door_close;
    world.sys.epoll_ctl = door_epoll_ctl;
    world.sys.memory = door_memory;
    errno = 0;
    world.selector = selector_new(&world.sys);
    world.echo = world.selector ? echo_new(&world.sys, world.selector, PROBE_LISTENER) : NULL;
    if (world.echo)
        return 0;
    int error = errno;
    if (world.selector)
        selector_close(world.selector);
    return error ? -error : -EIO;
}

int64_t verb_echo_close(int count, char **words)
{
    (void)count, (void)words;
    echo_close(world.echo);
    struct ready ready[1];
    int known = selector_wait(world.selector, 0, ready, 1);
    selector_close(world.selector);
    probe_say("open=%d known=%d", world.connections, known);
    return 0;
}

/* ---- turns ------------------------------------------------------------------------------------------------------ */

/* One turn, as echo.h has it: how many were ready. */
static int turn(void)
{
    static struct ready ready[READY];
    int n = selector_wait(world.selector, 0, ready, READY);
    note(n, "selector_wait");
    for (int i = 0; i < n; i++) {
        if (ready[i].fd == PROBE_LISTENER) {
            probe_callback("on_accept");
            on_accept(world.echo);
        }
        if (ready[i].fd != PROBE_LISTENER && ready[i].mask & (READABLE | BROKEN)) {
            probe_callback("on_readable");
            on_readable(world.echo, ready[i].fd);
        }
        if (ready[i].fd != PROBE_LISTENER && ready[i].mask & (WRITABLE | BROKEN)) {
            probe_callback("on_writable");
            on_writable(world.echo, ready[i].fd);
        }
    }
    probe_callback(NULL);
    return n;
}

/* What the order cost, and every call. */
static void say_calls(void)
{
    const uint64_t *c = world.calls;
    probe_say("accepts=%" PRIu64 " reads=%" PRIu64 " writes=%" PRIu64 " closes=%" PRIu64 " ctls=%" PRIu64,
              c[CALL_ACCEPT], c[CALL_READ], c[CALL_WRITE], c[CALL_CLOSE], c[CALL_EPOLL_CTL]);
    probe_say(" open=%d most_held=%" PRId64 "%s", world.connections, world.most_held, world.log);
}

/* Turns until nothing is ready, at most that many: how many there were. */
int64_t verb_turns(int count, char **words)
{
    int most = atoi(words[1]), n = 1, turns = 0;
    (void)count;
    memset(world.calls, 0, sizeof world.calls);
    world.log_len = world.log[0] = 0;
    while (turns < most && (n = turn()) > 0)
        turns++;
    say_calls();
    return n < 0 ? n : turns;
}

/* Calls for every number, though nothing is ready there. */
int64_t verb_poke(int count, char **words)
{
    (void)count, (void)words;
    memset(world.calls, 0, sizeof world.calls);
    world.log_len = world.log[0] = 0;
    for (int fd = -1; fd < DESCRIPTORS; fd++) {
        on_readable(world.echo, fd);
        on_writable(world.echo, fd);
    }
    on_accept(world.echo);
    say_calls();
    return 0;
}

/* ---- faults ----------------------------------------------------------------------------------------------------- */

int64_t verb_fail(int count, char **words)
{
    static const struct { const char *name; enum sys_call call; } calls[] = {
        { "accept", CALL_ACCEPT }, { "read", CALL_READ }, { "write", CALL_WRITE }, { "memory", CALL_MEMORY },
        { "epoll_ctl", CALL_EPOLL_CTL },
    };
    (void)count;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].name, words[1]) == 0) {
            world.fault = (struct fault){ calls[i].call, atoi(words[2]), -atoi(words[3]) };
            return 0;
        }
    return -EINVAL;
}

int64_t verb_storm(int count, char **words)
{
    (void)count;
    world.storm = (unsigned)atoi(words[1]);
    world.dice = strtoull(words[2], NULL, 10);
    return 0;
}

int64_t verb_shorten(int count, char **words)
{
    (void)count;
    world.shorten = (size_t)atoi(words[1]);
    return 0;
}
