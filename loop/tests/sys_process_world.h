/* sys_process_world.h - what the tests of the real kernel's children share. Nothing in them asserts on the clock: each waits for
 * what must come, and leaves no child, no zombie and no descriptor.
 *
 * They need pidfds, and a kernel that says why a program was not loaded; valgrind and qemu have not both. */
#ifndef EDDY_LOOP_TESTS_SYS_PROCESS_WORLD_H
#define EDDY_LOOP_TESTS_SYS_PROCESS_WORLD_H

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/process.h"
#include "loop/run_sync.h"
#include "loop/tests/support.h"

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SH(script) ARGV("/bin/sh", "-c", script)

static struct loop *loop;
static struct sys *sys;
static int descriptors;

static inline int count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static inline void setup(void)
{
    sys = sys_linux();
    descriptors = count_descriptors();
    loop = loop_new(sys);
    ck_assert_ptr_nonnull(loop);
}

/* A thread that has just ended a job may hold the loop's wakeup a moment longer. */
static inline void teardown(void)
{
    loop_close(loop);
    while (count_descriptors() != descriptors)
        sched_yield();
    siginfo_t info;
    ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

/* Runs the test as a coroutine: what it waits for comes, or the test never ends. */
static inline void play_with(co_fn *fn, void *self)
{
    setup();
    ck_assert_int_eq(loop_run_sync(loop, fn, self), 0);
    teardown();
}

static inline void play(co_fn *fn)
{
    play_with(fn, NULL);
}

static inline struct process *spawned(const struct process_spec *spec)
{
    struct future f = {0};
    int rc = await(process_spawn(loop, spec, &f));
    ck_assert_msg(rc == 0, "spawn: %s: %s", strerror(-rc), f.why ? f.why : "");
    return f.value;
}

static inline int waited(struct process *p)
{
    struct future f = {0};
    return await(process_wait(p, &f));
}

static inline int ran(const struct process_spec *spec)
{
    struct process *p = spawned(spec);
    int rc = waited(p);
    process_close(p);
    return rc;
}

/* ---- reading to the end of file ----------------------------------------------------------------------------------------- */

struct text {
    char bytes[4096];
    size_t len;
    struct future f;
};

static inline void readable(void *self, int fd)
{
    struct text *t = self;
    ssize_t n;
    while ((n = sys->read(sys, fd, t->bytes + t->len, sizeof t->bytes - 1 - t->len)) > 0)
        t->len += (size_t)n;
    if (n != -EAGAIN)
        future_resolve(&t->f, (int)n, NULL);
}

struct ear {
    struct text *text;
    int fd;
};

static inline void heard(void *self, int what)
{
    struct ear *e = self;
    (void)what;
    readable(e->text, e->fd);
}

static inline void never(void *self)
{
    (void)self;
    ck_abort_msg("nobody cancels this");
}

/* What comes from fd, until it ends. */
static inline const char *read_all(struct text *t, int fd)
{
    static const struct op op = { .name = "text", .cancel = never };
    struct ear ear = { t, fd };
    memset(t, 0, sizeof *t);
    future_start(&t->f, loop, &op, t);
    ck_assert_int_eq(loop_add_handler(loop, fd, READABLE, heard, &ear), 0);
    ck_assert_int_eq(await(&t->f), 0);
    loop_remove_handler(loop, fd);
    return t->bytes;
}

/* What the script writes. */
static inline const char *said(struct text *t, const struct process_spec *spec)
{
    struct process_spec with_pipe = *spec;
    with_pipe.out = PROCESS_PIPE;
    struct process *p = spawned(&with_pipe);
    read_all(t, process_fd(p, 1));
    ck_assert_int_eq(waited(p), 0);
    process_close(p);
    return t->bytes;
}

/* ---- where there is no real kernel ---------------------------------------------------------------------------------------- */

/* Under a tool (RUN_WITH) some of it may be missing; on a real kernel the tests say so. */
static inline const char *missing(void)
{
    struct child child = { .argv = ARGV("/nowhere"), .fds = { 0, 1, 2 } };
    int pidfd, pid = sys_linux()->spawn(sys_linux(), &child, &pidfd);
    if (pid <= 0)
        return pid == -ENOENT ? NULL : "pidfds";
    sys_linux()->reap(sys_linux(), pidfd, true);
    return "the reason why a program is not loaded";
}

/* What main returns. */
static inline int run_real(const char *name, const TTest *const *tests)
{
    const char *tool = getenv("RUN_WITH");
    if (tool && *tool && missing()) {
        printf("1..0 # SKIP the tool around us does not have %s\n", missing());
        return 0;
    }
    Suite *suite = suite_create(name);
    add_tests(suite, name, tests, 0);
    return run_suite(suite);
}

#endif
