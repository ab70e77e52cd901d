/* probe_door.c - a struct sys that asks the judge. See probe.h.
 *
 * Each entry is one record out and one back. Only the memory is local: the judge counts it, and may refuse it. Trap:
 * a portion that is cut short means "drained" to whoever asked for more, so what does not fit into one record is asked
 * for in several. */
#include <errno.h>
#include <string.h>

#include "grader/fence.h"
#include "grader/probe_inside.h"

enum { PORTION = WIRE_DATA - 1, EVENTS = 1024 };

struct wire *door_call(enum sys_call number, int64_t arg, int64_t arg2, int64_t arg3)
{
    struct wire *w = probe_record(WIRE_CALL);
    w->number = number;
    w->args[0] = arg;
    w->args[1] = arg2;
    w->args[2] = arg3;
    return w;
}

int64_t door_ask(enum sys_call number, int64_t arg, int64_t arg2, int64_t arg3)
{
    return probe_ask(door_call(number, arg, arg2, arg3), WIRE_ANSWER)->result;
}

int64_t door_ask_data(struct wire *w, void *data, size_t size)
{
    const struct wire *answer = probe_ask(w, WIRE_ANSWER);
    if (answer->len && size)
        memcpy(data, answer->data, answer->len < size ? answer->len : size);
    return answer->result;
}

static int64_t door_now(struct sys *sys)
{
    (void)sys;
    return door_ask(CALL_NOW, 0, 0, 0);
}

static int door_random(struct sys *sys, void *data, size_t len)
{
    (void)sys;
    for (size_t done = 0; done < len; done += PORTION) {
        size_t most = len - done < PORTION ? len - done : PORTION;
        int64_t rc = door_ask_data(door_call(CALL_RANDOM, (int64_t)most, 0, 0), (char *)data + done, most);
        if (rc < 0)
            return (int)rc;
    }
    return 0;
}

/* The judge knows a block by a number, which is kept with it. */
static void *door_memory(struct sys *sys, void *old, size_t size)
{
    (void)sys;
    if (!old && !size)
        return NULL;
    int64_t id = door_ask(CALL_MEMORY, old ? *fence_tag(old) : 0, (int64_t)size, 0);
    if (size && id <= 0)
        return NULL;
    void *data = fence_resize(old, size);
    if (data)
        *fence_tag(data) = id;
    else if (size && old)
        *fence_tag(old) = id;
    else if (size)
        door_ask(CALL_MEMORY, id, 0, 0);
    return data;
}

static ssize_t door_read(struct sys *sys, int fd, void *data, size_t len)
{
    size_t done = 0;
    (void)sys;
    for (;;) {
        size_t most = len - done < PORTION ? len - done : PORTION;
        int64_t n = door_ask_data(door_call(CALL_READ, fd, (int64_t)most, 0), (char *)data + done, most);
        if (n < 0)
            return done ? (ssize_t)done : (ssize_t)n;
        done += (size_t)n;
        if ((size_t)n < most || done >= len)
            return (ssize_t)done;
    }
}

/* Puts the next of what is to be written into the record; how much it was. */
static size_t put_portion(struct wire *w, const struct iovec *portions, int count, size_t done)
{
    size_t put = 0;
    for (int i = 0; i < count && put < PORTION; i++) {
        size_t skip = done < portions[i].iov_len ? done : portions[i].iov_len;
        size_t len = portions[i].iov_len - skip, most = len < PORTION - put ? len : PORTION - put;
        wire_put(w, (const char *)portions[i].iov_base + skip, most);
        done -= skip;
        put += most;
    }
    return put;
}

static ssize_t door_writev(struct sys *sys, int fd, const struct iovec *portions, int count)
{
    size_t done = 0, len = 0;
    (void)sys;
    for (int i = 0; i < count; i++)
        len += portions[i].iov_len;
    for (;;) {
        struct wire *w = door_call(CALL_WRITE, fd, 0, 0);
        size_t most = put_portion(w, portions, count, done);
        int64_t n = probe_ask(w, WIRE_ANSWER)->result;
        if (n < 0)
            return done ? (ssize_t)done : (ssize_t)n;
        done += (size_t)n;
        if ((size_t)n < most || done >= len)
            return (ssize_t)done;
    }
}

static ssize_t door_write(struct sys *sys, int fd, const void *data, size_t len)
{
    return door_writev(sys, fd, &(struct iovec){ (void *)data, len }, 1);
}

static int door_close(struct sys *sys, int fd)
{
    (void)sys;
    return (int)door_ask(CALL_CLOSE, fd, 0, 0);
}

static int door_dup(struct sys *sys, int fd)
{
    (void)sys;
    return (int)door_ask(CALL_DUP, fd, 0, 0);
}

static int door_pipe(struct sys *sys, int fds[2])
{
    (void)sys;
    return (int)door_ask_data(door_call(CALL_PIPE, 0, 0, 0), fds, 2 * sizeof *fds);
}

static int door_socketpair(struct sys *sys, int fds[2])
{
    (void)sys;
    return (int)door_ask_data(door_call(CALL_SOCKETPAIR, 0, 0, 0), fds, 2 * sizeof *fds);
}

static int door_shutdown(struct sys *sys, int fd, int how)
{
    (void)sys;
    return (int)door_ask(CALL_SHUTDOWN, fd, how, 0);
}

static int door_eventfd(struct sys *sys)
{
    (void)sys;
    return (int)door_ask(CALL_EVENTFD, 0, 0, 0);
}

static int door_epoll_create(struct sys *sys)
{
    (void)sys;
    return (int)door_ask(CALL_EPOLL_CREATE, 0, 0, 0);
}

static int door_epoll_ctl(struct sys *sys, int epfd, int op, int fd, struct epoll_event *event)
{
    struct wire *w = door_call(CALL_EPOLL_CTL, epfd, op, fd);
    (void)sys;
    if (event)
        wire_put(w, event, sizeof *event);
    return (int)probe_ask(w, WIRE_ANSWER)->result;
}

static int door_epoll_wait(struct sys *sys, int epfd, struct epoll_event *events, int max, int64_t timeout)
{
    int most = max < EVENTS ? max : EVENTS;
    size_t size = most > 0 ? (size_t)most * sizeof *events : 0;
    (void)sys;
    return (int)door_ask_data(door_call(CALL_EPOLL_WAIT, epfd, most, timeout), events, size);
}

static int door_poll(struct sys *sys, struct pollfd *fds, int count, int64_t timeout)
{
    size_t size = count > 0 ? (size_t)count * sizeof *fds : 0;
    struct wire *w = door_call(CALL_POLL, count, timeout, 0);
    (void)sys;
    return wire_put(w, fds, size) ? (int)door_ask_data(w, fds, size) : -EINVAL;
}

/* Stacks, their guards and words about them are local, like all memory: the judge counts, and may refuse. */
static void *door_map(struct sys *sys, void *old, size_t size)
{
    (void)sys;
    int64_t rc = door_ask(CALL_MAP, old != NULL, (int64_t)size, 0);
    return rc < 0 ? NULL : sys_linux()->map(sys_linux(), old, size);
}

static int door_guard(struct sys *sys, void *at, size_t size, bool split)
{
    int64_t rc = door_ask(CALL_GUARD, (int64_t)size, split, 0);
    (void)sys;
    return rc < 0 ? (int)rc : sys_linux()->guard(sys_linux(), at, size, split);
}

static fault_explain *explain_fault;

static int door_on_fault(struct sys *sys, fault_explain *explain)
{
    int64_t rc = door_ask(CALL_ON_FAULT, 0, 0, 0);
    (void)sys;
    if (rc >= 0 && !explain_fault)
        explain_fault = explain;
    return (int)rc;
}

bool door_explains(const void *address, char *words, size_t size)
{
    if (!explain_fault || !explain_fault(address, words, size))
        return false;
    words[strcspn(words, "\n")] = 0;
    return true;
}

struct sys *door_judge(void)
{
    static struct sys sys = {
        .now = door_now, .random = door_random, .memory = door_memory, .read = door_read, .write = door_write,
        .close = door_close, .dup = door_dup, .pipe = door_pipe, .socketpair = door_socketpair,
        .shutdown = door_shutdown, .eventfd = door_eventfd, .epoll_create = door_epoll_create,
        .epoll_ctl = door_epoll_ctl, .epoll_wait = door_epoll_wait, .poll = door_poll,
        .map = door_map, .guard = door_guard, .on_fault = door_on_fault, .writev = door_writev,
    };
    door_net(&sys);
    sys_refuse_rest(&sys);
    return &sys;
}
