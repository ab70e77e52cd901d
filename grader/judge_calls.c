/* judge_calls.c - the calls of the student's code, carried out on the world. See judge.h.
 *
 * Traps: (a) a wait may carry out other orders in the probe before it returns, and these use the same records: what a
 *            wait needs later is copied first.
 *        (b) the numbers come from a process that nobody trusts: lengths are those of the record, or capped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "grader/judge_inside.h"

enum { EVENTS = 1024, MEMORY = 256 << 20, STACKS = 1 << 30, PAGE = 4096 };

/* ---- memory: the world counts it, the probe has it -------------------------------------------------------------- */

static int64_t block_id(const struct judge *j, uint32_t index)
{
    return (int64_t)j->generation << 32 | (index + 1);
}

/* The block of that number; NULL if it is of an earlier world. */
static struct granted *block_of(struct judge *j, int64_t id)
{
    uint32_t index = (uint32_t)id - 1;
    if (id > 0 && id >> 32 < j->generation)
        return NULL;
    if (id <= 0 || id >> 32 != j->generation || index >= j->granted_count || !j->granted[index].block)
        judge_nonsense(j, "it gave back memory that it did not have");
    return &j->granted[index];
}

static struct granted *free_slot(struct judge *j)
{
    if (j->granted_free) {
        struct granted *g = &j->granted[j->granted_free - 1];
        j->granted_free = g->next;
        return g;
    }
    if (j->granted_count == j->granted_capacity) {
        uint32_t capacity = j->granted_capacity ? 2 * j->granted_capacity : 256;
        struct granted *larger = realloc(j->granted, capacity * sizeof *larger);
        if (!larger)
            verdict_fault("the judge has no memory left");
        j->granted = larger;
        j->granted_capacity = capacity;
    }
    return &j->granted[j->granted_count++];
}

void judge_forget_memory(struct judge *j)
{
    j->granted_count = j->granted_free = 0;
    j->generation++;
    for (struct mapped *m; (m = j->mapped); free(m)) {
        j->mapped = m->next;
        sim_sys(j->sim)->map(sim_sys(j->sim), m->at, m->size);
    }
}

static int64_t serve_memory(struct judge *j, struct sys *sys, char *detail)
{
    int64_t id = j->in.args[0], size = j->in.args[1];
    struct granted *old = id ? block_of(j, id) : NULL;
    snprintf(detail, DETAIL, "%lld bytes", (long long)size);
    if (size < 0 || (size && (uint64_t)size + sim_live(j->sim).bytes > MEMORY))
        return -ENOMEM;
    void *block = sys->memory(sys, old ? old->block : NULL, (size_t)size);
    if (size && !block)
        return -ENOMEM;
    if (old) {
        *old = (struct granted){ .next = j->granted_free };
        j->granted_free = (uint32_t)(old - j->granted) + 1;
    }
    if (!size)
        return 0;
    struct granted *g = free_slot(j);
    g->block = block;
    return block_id(j, (uint32_t)(g - j->granted));
}

/* ---- stacks ----------------------------------------------------------------------------------------------------- */

static int64_t serve_unmap(struct judge *j, struct sys *sys, size_t size)
{
    struct mapped **at = &j->mapped;
    while (*at && (*at)->size != size)
        at = &(*at)->next;
    struct mapped *m = *at;
    if (!m)
        return 0;                   /* of an earlier world */
    *at = m->next;
    sys->map(sys, m->at, size);
    free(m);
    return 0;
}

/* Areas of one size are all alike. */
static int64_t serve_map(struct judge *j, struct sys *sys, char *detail)
{
    size_t size = (size_t)j->in.args[1];
    snprintf(detail, DETAIL, "%zu bytes%s", size, j->in.args[0] ? " back" : "");
    if (j->in.args[0])
        return serve_unmap(j, sys, size);
    struct mapped *m = calloc(1, sizeof *m);
    void *at = m && size <= STACKS ? sys->map(sys, NULL, size) : NULL;
    if (!at) {
        free(m);
        return -ENOMEM;
    }
    *m = (struct mapped){ j->mapped, at, size };
    j->mapped = m;
    return 0;
}

/* The page that is guarded here stands for the probe's: only whether it is refused matters. */
static int64_t serve_guard(struct judge *j, struct sys *sys, char *detail)
{
    static void *page;
    if (!page && !(page = sys_linux()->map(sys_linux(), NULL, PAGE)))
        verdict_fault("the judge has no memory left");
    snprintf(detail, DETAIL, "%lld bytes", (long long)j->in.args[0]);
    return sys->guard(sys, page, PAGE, j->in.args[1]);
}

static bool knows_nothing(const void *address, char *line, size_t size)
{
    (void)address, (void)line, (void)size;
    return false;
}

static int64_t serve_on_fault(struct judge *j, struct sys *sys, char *detail)
{
    (void)j, (void)detail;
    return sys->on_fault(sys, knows_nothing);
}

/* ---- descriptors ------------------------------------------------------------------------------------------------ */

static int64_t serve_now(struct judge *j, struct sys *sys, char *detail)
{
    (void)j, (void)detail;
    return sys->now(sys);
}

static size_t capped(int64_t len)
{
    return len < 0 ? 0 : len < WIRE_DATA ? (size_t)len : WIRE_DATA - 1;
}

static int64_t serve_random(struct judge *j, struct sys *sys, char *detail)
{
    size_t len = capped(j->in.args[0]);
    int rc = sys->random(sys, j->out.data, len);
    snprintf(detail, DETAIL, "%zu bytes", len);
    j->out.len = rc == 0 ? (uint32_t)len : 0;
    return rc;
}

static int64_t serve_read(struct judge *j, struct sys *sys, char *detail)
{
    size_t len = capped(j->in.args[1]);
    ssize_t n = sys->read(sys, (int)j->in.args[0], j->out.data, len);
    snprintf(detail, DETAIL, "%d, %zu bytes", (int)j->in.args[0], len);
    j->out.len = n > 0 ? (uint32_t)n : 0;
    return n;
}

static int64_t serve_write(struct judge *j, struct sys *sys, char *detail)
{
    snprintf(detail, DETAIL, "%d, %u bytes", (int)j->in.args[0], j->in.len);
    return sys->write(sys, (int)j->in.args[0], j->in.data, j->in.len);
}

static int64_t serve_close(struct judge *j, struct sys *sys, char *detail)
{
    snprintf(detail, DETAIL, "%d", (int)j->in.args[0]);
    return sys->close(sys, (int)j->in.args[0]);
}

static int64_t serve_dup(struct judge *j, struct sys *sys, char *detail)
{
    snprintf(detail, DETAIL, "%d", (int)j->in.args[0]);
    return sys->dup(sys, (int)j->in.args[0]);
}

static int64_t gave_pair(struct judge *j, int rc, const int fds[2], char *detail)
{
    if (rc == 0) {
        wire_put(&j->out, fds, 2 * sizeof *fds);
        snprintf(detail, DETAIL, "gives %d and %d", fds[0], fds[1]);
    }
    return rc;
}

static int64_t serve_pipe(struct judge *j, struct sys *sys, char *detail)
{
    int fds[2], rc = sys->pipe(sys, fds);
    return gave_pair(j, rc, fds, detail);
}

static int64_t serve_socketpair(struct judge *j, struct sys *sys, char *detail)
{
    int fds[2], rc = sys->socketpair(sys, fds);
    return gave_pair(j, rc, fds, detail);
}

static int64_t serve_shutdown(struct judge *j, struct sys *sys, char *detail)
{
    snprintf(detail, DETAIL, "%d, %d", (int)j->in.args[0], (int)j->in.args[1]);
    return sys->shutdown(sys, (int)j->in.args[0], (int)j->in.args[1]);
}

static int64_t serve_eventfd(struct judge *j, struct sys *sys, char *detail)
{
    (void)j, (void)detail;
    return sys->eventfd(sys);
}

static int64_t serve_epoll_create(struct judge *j, struct sys *sys, char *detail)
{
    (void)j, (void)detail;
    return sys->epoll_create(sys);
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

static const char *events_text(uint32_t events, char out[64])
{
    static const struct { uint32_t bit; const char *name; } names[] = {
        { EPOLLIN, " IN" }, { EPOLLOUT, " OUT" }, { EPOLLRDHUP, " RDHUP" }, { EPOLLERR, " ERR" }, { EPOLLHUP, " HUP" },
        { EPOLLET, " ET" }, { EPOLLONESHOT, " ONESHOT" },
    };
    out[0] = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (events & names[i].bit)
            strcat(out, names[i].name);
    return out;
}

static int64_t serve_epoll_ctl(struct judge *j, struct sys *sys, char *detail)
{
    static const char *const ops[] = { "?", "ADD", "DEL", "MOD" };
    struct epoll_event event;
    char events[64] = "";
    int64_t op = j->in.args[1];
    bool given = j->in.len == sizeof event;
    if (given) {
        memcpy(&event, j->in.data, sizeof event);
        events_text(event.events, events);
    }
    snprintf(detail, DETAIL, "%s %d%s", ops[op >= 1 && op <= 3 ? op : 0], (int)j->in.args[2],
             op == EPOLL_CTL_DEL ? "" : events);
    if (!given && op != EPOLL_CTL_DEL)
        return -EFAULT;
    return sys->epoll_ctl(sys, (int)j->in.args[0], (int)op, (int)j->in.args[2], given ? &event : NULL);
}

static void note_trouble(struct judge *j, int rc, enum sys_call call)
{
    const char *what = NULL;
    if (rc == -EDEADLK && j->waiting > 1)
        what = "it waited in %s while it acted as another thread, which may not wait";
    else if (rc == -EDEADLK)
        what = "it waited in %s without end, and nothing could ever have woken it";
    else if (rc == -ELOOP)
        what = "it called %s again and again without waiting, while nothing was ready";
    if (what && !j->trouble[0])
        snprintf(j->trouble, sizeof j->trouble, what, sim_call_name(call));
}

static const char *timeout_text(int64_t timeout, char out[32])
{
    char ms[32];
    if (timeout < 0)
        return "without end";
    snprintf(out, 32, "%.20s ms", judge_ms(timeout, ms));
    return out;
}

static int64_t serve_epoll_wait(struct judge *j, struct sys *sys, char *detail)
{
    struct epoll_event events[EVENTS];
    int max = (int)(j->in.args[1] < EVENTS ? j->in.args[1] : EVENTS);
    int64_t timeout = j->in.args[2];
    char ms[32], told[64] = "";
    j->waiting++;
    int n = sys->epoll_wait(sys, (int)j->in.args[0], events, max, timeout);
    note_trouble(j, n, CALL_EPOLL_WAIT);
    j->waiting--;
    wire_clear(&j->out, WIRE_ANSWER);
    if (n > 0)
        wire_put(&j->out, events, (size_t)n * sizeof *events);
    if (n == 1)
        events_text(events[0].events, told);
    snprintf(detail, DETAIL, "%s%s%s", timeout_text(timeout, ms), told[0] ? ", told" : "", told);
    return n;
}

static int64_t serve_poll(struct judge *j, struct sys *sys, char *detail)
{
    size_t size = j->in.len;
    int64_t count = j->in.args[0], timeout = j->in.args[1];
    char text[32];
    if (count < 0 || (uint64_t)count != size / sizeof(struct pollfd) || size % sizeof(struct pollfd))
        return -EINVAL;
    struct pollfd *fds = malloc(size + 1);
    if (!fds)
        verdict_fault("the judge has no memory left");
    memcpy(fds, j->in.data, size);
    j->waiting++;
    int n = sys->poll(sys, fds, (int)count, timeout);
    note_trouble(j, n, CALL_POLL);
    j->waiting--;
    wire_clear(&j->out, WIRE_ANSWER);
    if (n >= 0)
        wire_put(&j->out, fds, size);
    free(fds);
    snprintf(detail, DETAIL, "of %d, %s", (int)count, timeout_text(timeout, text));
    return n;
}

/* ---- one call --------------------------------------------------------------------------------------------------- */

static serve_fn *const serve[CALL_COUNT] = {
    [CALL_NOW] = serve_now, [CALL_RANDOM] = serve_random, [CALL_MEMORY] = serve_memory, [CALL_READ] = serve_read,
    [CALL_WRITE] = serve_write, [CALL_CLOSE] = serve_close, [CALL_DUP] = serve_dup, [CALL_PIPE] = serve_pipe,
    [CALL_SOCKETPAIR] = serve_socketpair, [CALL_SHUTDOWN] = serve_shutdown, [CALL_EVENTFD] = serve_eventfd,
    [CALL_EPOLL_CREATE] = serve_epoll_create, [CALL_EPOLL_CTL] = serve_epoll_ctl, [CALL_EPOLL_WAIT] = serve_epoll_wait,
    [CALL_POLL] = serve_poll, [CALL_MAP] = serve_map, [CALL_GUARD] = serve_guard, [CALL_ON_FAULT] = serve_on_fault,
    [CALL_SOCKET] = serve_socket, [CALL_BIND] = serve_bind, [CALL_LISTEN] = serve_listen, [CALL_ACCEPT] = serve_accept,
    [CALL_CONNECT] = serve_connect, [CALL_SOCKET_ERROR] = serve_socket_error, [CALL_SET_OPTION] = serve_set_option,
    [CALL_SOCKNAME] = serve_sockname, [CALL_PEERNAME] = serve_peername, [CALL_LOOKUP] = serve_lookup,
    [CALL_SUBMIT] = serve_submit, [CALL_WITHDRAW] = serve_withdraw,
};

/* The clock is asked too often to be told of, and so is memory, unless it was refused. */
static void note_call(struct judge *j, enum sys_call call, const char *detail, int64_t result)
{
    char number[32];
    if (j->quiet || call == CALL_NOW || (call == CALL_MEMORY && result >= 0))
        return;
    const char *name = result < 0 && result > -4096 ? strerrorname_np((int)-result) : NULL;
    snprintf(number, sizeof number, "%lld", (long long)result);
    history_add(ENTRY_CALL, sim_now(j->sim) - j->began, "%s%s%s = %s", sim_call_name(call), detail[0] ? " " : "",
                detail, name ? name : number);
}

void judge_serve_call(struct judge *j)
{
    char detail[DETAIL] = "";
    uint32_t call = j->in.number;
    if (call >= CALL_COUNT || !serve[call])
        judge_nonsense(j, "it made a call that does not exist");
    j->calls[call]++;
    wire_clear(&j->out, WIRE_ANSWER);
    int64_t result = serve[call](j, sim_sys(j->sim), detail);
    note_call(j, (enum sys_call)call, detail, result);
    judge_count(j);
    j->out.result = result;
    judge_send(j);
}
