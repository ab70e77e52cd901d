/* nameserver_world.h - a loop on the real kernel with a name server on it and a resolver that asks it, behind a door that counts,
 * and of which the n-th call can fail. When a test leaves it there may be no memory and no socket left.
 *
 * The trap it exists for: the door's time can be put forward, c-ares' cannot: only what is remembered may depend on it. */
#ifndef EDDY_STREAM_TESTS_NAMESERVER_WORLD_H
#define EDDY_STREAM_TESTS_NAMESERVER_WORLD_H

#include "loop/co.h"
#include "loop/run_sync.h"
#include "loop/tests/support.h"
#include "stream/resolver_ares.h"
#include "stream/tests/nameserver.h"

static struct door {
    struct sys sys;
    int64_t later;              /* how far its time was put forward */
    long blocks, sockets;       /* that are not freed or closed */
    long waits;                 /* so far */
    int kind;                   /* of call that fails; -1: any of those that may; the enum of sys.h */
    unsigned left;              /* calls of that kind until one fails; 0: none does */
    unsigned times;             /* and how many do from then on */
    int error;
    int failed;                 /* the kind that did; -1: none */
} door;

static struct loop *loop;
static struct nameserver server;
static struct resolver *names;

/* ---- the door ------------------------------------------------------------------------------------------------------- */

/* The n-th call of that kind, and `times` from it on, fail with that error. */
static inline void door_fail(int kind, unsigned n, unsigned times, int error)
{
    door.kind = kind;
    door.left = n;
    door.times = times;
    door.error = error;
    door.failed = -1;
}

static inline bool door_fails(int kind)
{
    if (!door.left || (door.kind >= 0 && door.kind != kind))
        return false;
    if (door.left > 1) {
        door.left--;
        return false;
    }
    door.failed = kind;
    if (--door.times == 0)
        door.left = 0;
    return true;
}

static inline int64_t door_now(struct sys *sys)
{
    (void)sys;
    return sys_linux()->now(sys_linux()) + door.later;
}

static inline void *door_memory(struct sys *sys, void *old, size_t size)
{
    (void)sys;
    if (size && door_fails(CALL_MEMORY))
        return NULL;
    void *memory = sys_linux()->memory(sys_linux(), old, size);
    door.blocks += (memory && !old) - (old && !size);
    return memory;
}

static inline int door_socket(struct sys *sys, int domain, int type)
{
    (void)sys;
    int fd = door_fails(CALL_SOCKET) ? door.error : sys_linux()->socket(sys_linux(), domain, type);
    door.sockets += fd >= 0;
    return fd;
}

static inline int door_connect(struct sys *sys, int fd, const struct sockaddr *address, socklen_t len)
{
    (void)sys;
    return door_fails(CALL_CONNECT) ? door.error : sys_linux()->connect(sys_linux(), fd, address, len);
}

static inline ssize_t door_read(struct sys *sys, int fd, void *data, size_t len)
{
    (void)sys;
    return door_fails(CALL_READ) ? door.error : sys_linux()->read(sys_linux(), fd, data, len);
}

static inline ssize_t door_writev(struct sys *sys, int fd, const struct iovec *portions, int count)
{
    (void)sys;
    return door_fails(CALL_WRITE) ? door.error : sys_linux()->writev(sys_linux(), fd, portions, count);
}

static inline int door_set_option(struct sys *sys, int fd, int level, int option, int value)
{
    (void)sys;
    return door_fails(CALL_SET_OPTION) ? door.error : sys_linux()->set_option(sys_linux(), fd, level, option, value);
}

static inline int door_epoll_ctl(struct sys *sys, int epfd, int op, int fd, struct epoll_event *event)
{
    (void)sys;
    if (op != EPOLL_CTL_DEL && door_fails(CALL_EPOLL_CTL))
        return door.error;
    return sys_linux()->epoll_ctl(sys_linux(), epfd, op, fd, event);
}

static inline int door_epoll_wait(struct sys *sys, int epfd, struct epoll_event *events, int max, int64_t timeout)
{
    (void)sys;
    door.waits++;
    return sys_linux()->epoll_wait(sys_linux(), epfd, events, max, timeout);
}

/* The loop's own descriptors it does not count when they are made: `sockets` is 0 before the loop is closed. */
static inline int door_close(struct sys *sys, int fd)
{
    (void)sys;
    door.sockets--;
    return sys_linux()->close(sys_linux(), fd);
}

static inline struct sys *door_open(void)
{
    door = (struct door){ .sys = *sys_linux() };
    door.sys.now = door_now;
    door.sys.memory = door_memory;
    door.sys.socket = door_socket;
    door.sys.connect = door_connect;
    door.sys.read = door_read;
    door.sys.writev = door_writev;
    door.sys.set_option = door_set_option;
    door.sys.epoll_ctl = door_epoll_ctl;
    door.sys.epoll_wait = door_epoll_wait;
    door.sys.close = door_close;
    door.sys.alarm = NULL;                      /* the kernel's timers do not know this clock */
    sys_refuse_rest(&door.sys);
    return &door.sys;
}

/* ---- the world ------------------------------------------------------------------------------------------------------ */

/* Patient enough for any machine: nothing is given up, nothing is asked twice. */
static inline struct name_servers only_server(void)
{
    return (struct name_servers){ .at = server.at, .patience = 100 * SECOND, .tries = 2, .without_hosts = true };
}

/* Asks others than the world's own resolver does. */
static inline void ask_instead(const struct name_servers *how)
{
    resolver_close(names);
    names = resolver_new_ares(loop, how);
    ck_assert_msg(names != NULL, "resolver_new_ares: %s", strerror(errno));
}

static inline void setup(void)
{
    loop = loop_new(door_open());
    ck_assert_ptr_nonnull(loop);
    nameserver_begin(&server, loop);
    struct name_servers how = only_server();
    names = resolver_new_ares(loop, &how);
    ck_assert_ptr_nonnull(names);
}

static inline void teardown(void)
{
    if (names)
        resolver_close(names);
    ck_assert_int_eq(door.sockets, 0);
    nameserver_end(&server);
    ck_assert_msg(loop_idle(loop), "something was left that could wake the loop");
    loop_close(loop);
    ck_assert_int_eq(door.blocks, 0);
}

static inline void nothing(void *self, int what)
{
    (void)self, (void)what;
}

/* Turns, until it returns from the selector with nothing to do. */
static inline void pass_turns(int count)
{
    struct timeout t = {0};
    for (; count > 0; count--) {
        loop_call_at(loop, loop_time(loop), &t, nothing, NULL);
        loop_stop(loop);
        loop_start(loop);
    }
}

static inline void put_time_forward(int64_t ns)
{
    door.later += ns;
    pass_turns(1);
}

/* ---- asking --------------------------------------------------------------------------------------------------------- */

struct asked {
    const char *host;
    struct future f;
    char text[512];             /* "[2 192.0.2.1:80 [2001:db8::1]:80]", IPv4 first; "" while there is no answer */
    int times;
};

static inline void add_family(struct asked *a, const struct addresses *found, int family)
{
    char text[ADDRESS_TEXT];
    for (int i = 0; i < found->count; i++)
        if (found->at[i].at.ss_family == family) {
            size_t len = strlen(a->text);
            snprintf(a->text + len, sizeof a->text - len, " %s", address_text(&found->at[i], text));
        }
}

static inline void on_addresses(void *self, int rc)
{
    struct asked *a = self;
    a->times++;
    snprintf(a->text, sizeof a->text, "[%d", rc);
    if (rc > 0) {
        add_family(a, a->f.value, AF_INET);
        add_family(a, a->f.value, AF_INET6);
        addresses_free(a->f.value);
    } else {
        ck_assert_ptr_nonnull(a->f.why);
    }
    strcat(a->text, "]");
}

static inline void begin_to_ask(struct asked *a, const char *host, int family)
{
    *a = (struct asked){ .host = host };
    resolver_find(names, host, 80, family, future_then(&a->f, on_addresses, a));
    ck_assert_str_eq(a->text, "");          /* callbacks come only from the loop */
}

/* Asks, and runs until all is done. */
static inline const char *found(const char *host, int family)
{
    static struct asked a;
    begin_to_ask(&a, host, family);
    loop_start(loop);
    ck_assert_int_eq(a.times, 1);
    return a.text;
}

static inline int run_names(const char *name, const TTest *const *tests)
{
    Suite *suite = suite_create(name);
    TCase *group = tcase_create(name);
    tcase_set_timeout(group, 240);
    tcase_add_checked_fixture(group, setup, teardown);
    for (; *tests; tests++)
        tcase_add_test(group, *tests);
    suite_add_tcase(suite, group);
    return run_suite(suite);
}

#endif
