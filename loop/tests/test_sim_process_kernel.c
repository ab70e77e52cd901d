/* test_sim_process_kernel.c - the proof of the twin's children: one script, played on the real kernel and in the sim, has the
 * same results line by line. Children end when they like, so this is no business of random sequences: the script waits for each.
 *
 * The same paths name shell scripts there and functions here. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/sim_process.h"

#include "loop/tests/support.h"

enum { TEXT = 1 << 14, PATH = 64, NOBODY = 1 << 30 };       /* a pid that no kernel gives */

static char folder[] = "/tmp/eddy-programs-XXXXXX";

/* ---- programs ------------------------------------------------------------------------------------------------------- */

static void exits(void *self, struct sim_child *c)
{
    (void)self;
    sim_child_exit(c, atoi(sim_child_argv(c)[1]));
}

static void sleeps(void *self, struct sim_child *c)
{
    (void)self, (void)c;
}

/* Copies its input to its output until it ends, then says so. */
static void copies(void *self, struct sim_child *c)
{
    char bytes[64];
    ssize_t n;
    (void)self;
    sim_child_on_stream(c, 0, copies);
    while ((n = sim_child_read(c, bytes, sizeof bytes)) > 0)
        sim_child_write(c, 1, bytes, (size_t)n);
    if (n == 0)
        sim_child_exit(c, 3);
}

static void ignores(void *self, struct sim_child *c)
{
    (void)self;
    sim_child_on_signal(c, SIGTERM, NULL);
    sim_child_write(c, 1, "deaf\n", 5);
}

static const struct program {
    const char *name, *script;
    sim_act *main;
} programs[] = {
    { "exits", "exit $1", exits },
    { "sleeps", "exec sleep 1000", sleeps },
    { "copies", "cat; exit 3", copies },
    { "ignores", "trap '' TERM; echo deaf; exec sleep 1000", ignores },
    { "locked", "exit 0", NULL },
};

enum { PROGRAMS = sizeof programs / sizeof *programs };

static char paths[PROGRAMS][PATH];

static void programs_begin(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < PROGRAMS; i++) {
        snprintf(paths[i], PATH, "%s/%s", folder, programs[i].name);
        FILE *file = fopen(paths[i], "w");
        ck_assert_ptr_nonnull(file);
        fprintf(file, "#!/bin/sh\n%s\n", programs[i].script);
        fclose(file);
        ck_assert_int_eq(chmod(paths[i], programs[i].main ? 0700 : 0600), 0);
    }
}

static void programs_end(void)
{
    for (int i = 0; i < PROGRAMS; i++)
        unlink(paths[i]);
    rmdir(folder);
}

/* ---- a world, and what happened in it -------------------------------------------------------------------------------- */

struct stage {
    struct sys *sys;
    char text[TEXT];
    size_t len;
};

struct actor {
    pid_t pid;
    int pidfd;
};

__attribute__((format(printf, 2, 3))) static void note(struct stage *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    s->len += (size_t)vsnprintf(s->text + s->len, TEXT - s->len, format, args);
    va_end(args);
    ck_assert_uint_lt(s->len, TEXT);
}

static struct actor spawn_with(struct stage *s, const char *name, const char *word, int in, int out)
{
    char path[PATH];
    struct actor a = { .pidfd = -1 };
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const char *argv[] = { path, word, NULL };
    a.pid = s->sys->spawn(s->sys, &(struct child){ .argv = argv, .fds = { in, out, -1 } }, &a.pidfd);
    note(s, "spawn %s %s: %d\n", name, word ? word : "", a.pid > 0 ? 1 : (int)a.pid);
    return a;
}

static struct actor spawn(struct stage *s, const char *name, const char *word)
{
    return spawn_with(s, name, word, -1, -1);
}

static void reap(struct stage *s, int pidfd, bool wait)
{
    note(s, "  reap%s: %d\n", wait ? " and wait" : "", s->sys->reap(s->sys, pidfd, wait));
}

static void send_signal(struct stage *s, pid_t pid, int signo)
{
    note(s, "  signal %d: %d\n", signo, s->sys->kill(s->sys, pid, signo));
}

/* `timeout` 0: is it so; -1: waits until it is so. Since 6.9, Linux also says POLLHUP once the child was reaped. */
static void look(struct stage *s, const struct actor *a, int64_t timeout)
{
    struct pollfd p = { .fd = a->pidfd, .events = POLLIN | POLLOUT };
    int n = s->sys->poll(s->sys, &p, 1, timeout);
    note(s, "  poll %d: %d %x\n", (int)timeout, n, p.revents & ~POLLHUP);
}

static void close_fd(struct stage *s, int fd)
{
    note(s, "  close: %d\n", s->sys->close(s->sys, fd));
}

/* Reads until the end, however it comes in portions. */
static void read_all(struct stage *s, int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    char bytes[64];
    ssize_t n;
    note(s, "  read: \"");
    while (s->sys->poll(s->sys, &p, 1, -1) == 1 && (n = s->sys->read(s->sys, fd, bytes, sizeof bytes)) > 0)
        note(s, "%.*s", (int)n, bytes);
    note(s, "\"\n");
}

/* ---- the script ------------------------------------------------------------------------------------------------------ */

static void what_cannot_begin(struct stage *s)
{
    int nobody = s->sys->eventfd(s->sys);
    spawn(s, "nothing", NULL);
    spawn(s, "locked", NULL);
    reap(s, -1, false);
    reap(s, 999, false);
    reap(s, nobody, false);
    send_signal(s, NOBODY, SIGTERM);
    send_signal(s, NOBODY, 0);
    send_signal(s, -NOBODY, SIGTERM);
    close_fd(s, nobody);
}

static void what_exits(struct stage *s)
{
    static const char *const words[] = { "0", "1", "255" };
    char byte;
    for (int i = 0; i < 3; i++) {
        struct actor a = spawn(s, "exits", words[i]);
        look(s, &a, -1);
        look(s, &a, 0);
        send_signal(s, a.pid, SIGTERM);        /* a zombie can be sent what you like */
        send_signal(s, a.pid, 0);
        reap(s, a.pidfd, i == 1);
        reap(s, a.pidfd, false);
        reap(s, a.pidfd, true);
        look(s, &a, 0);
        send_signal(s, a.pid, SIGTERM);
        send_signal(s, -a.pid, SIGTERM);
        note(s, "  read: %zd, write: %zd\n", s->sys->read(s->sys, a.pidfd, &byte, 1), s->sys->write(s->sys, a.pidfd, "x", 1));
        note(s, "  shutdown: %d\n", s->sys->shutdown(s->sys, a.pidfd, SHUT_WR));
        close_fd(s, a.pidfd);
    }
    struct actor a = spawn(s, "exits", "7");
    reap(s, a.pidfd, true);
    close_fd(s, a.pidfd);
}

static void what_is_killed(struct stage *s)
{
    static const int signals[] = { SIGTERM, SIGKILL, SIGINT, SIGUSR1 };
    for (int i = 0; i < 4; i++) {
        struct actor a = spawn(s, "sleeps", NULL);
        int copy = s->sys->dup(s->sys, a.pidfd);
        reap(s, a.pidfd, false);
        look(s, &a, 0);
        send_signal(s, a.pid, 0);
        send_signal(s, a.pid, SIGWINCH);
        send_signal(s, a.pid, 99);
        send_signal(s, a.pid, -1);
        send_signal(s, i % 2 ? -a.pid : a.pid, signals[i]);
        look(s, &a, -1);
        close_fd(s, a.pidfd);
        reap(s, copy, false);
        reap(s, a.pidfd, false);
        close_fd(s, copy);
    }
}

static void what_ignores_a_signal(struct stage *s)
{
    int out[2];
    s->sys->pipe(s->sys, out);
    struct actor a = spawn_with(s, "ignores", NULL, -1, out[1]);
    struct pollfd p = { .fd = out[0], .events = POLLIN };
    s->sys->poll(s->sys, &p, 1, -1);        /* it has said that it is deaf */
    send_signal(s, a.pid, SIGTERM);
    reap(s, a.pidfd, false);
    send_signal(s, a.pid, SIGKILL);
    reap(s, a.pidfd, true);
    close_fd(s, out[1]);
    read_all(s, out[0]);
    close_fd(s, out[0]);
    close_fd(s, a.pidfd);
}

static void what_is_said_through_pipes(struct stage *s)
{
    int in[2], out[2];
    s->sys->pipe(s->sys, in);
    s->sys->pipe(s->sys, out);
    struct actor a = spawn_with(s, "copies", NULL, in[0], out[1]);
    close_fd(s, in[0]);
    close_fd(s, out[1]);
    note(s, "  write: %zd\n", s->sys->write(s->sys, in[1], "one\ntwo\n", 8));
    look(s, &a, 0);
    close_fd(s, in[1]);
    read_all(s, out[0]);
    reap(s, a.pidfd, true);
    close_fd(s, out[0]);
    close_fd(s, a.pidfd);
}

static void epoll_says(struct stage *s, int epfd, int64_t timeout)
{
    struct epoll_event events[4];
    int n = s->sys->epoll_wait(s->sys, epfd, events, 4, timeout);
    note(s, "  epoll: %d", n);
    for (int i = 0; i < n; i++)
        note(s, " [%d: %x]", (int)events[i].data.u32, events[i].events & ~(uint32_t)EPOLLHUP);
    note(s, "\n");
}

static void watch(struct stage *s, int epfd, int fd, uint32_t events, uint32_t data)
{
    struct epoll_event event = { .events = events, .data.u32 = data };
    note(s, "  watch: %d\n", s->sys->epoll_ctl(s->sys, epfd, EPOLL_CTL_ADD, fd, &event));
}

static void who_waits_by_epoll(struct stage *s)
{
    int epfd = s->sys->epoll_create(s->sys);
    struct actor a = spawn(s, "sleeps", NULL), b = spawn(s, "sleeps", NULL);
    watch(s, epfd, a.pidfd, EPOLLIN | EPOLLET, 1);
    watch(s, epfd, b.pidfd, EPOLLIN | EPOLLRDNORM, 2);
    epoll_says(s, epfd, 0);
    send_signal(s, a.pid, SIGKILL);
    epoll_says(s, epfd, -1);
    epoll_says(s, epfd, 0);         /* told once: EPOLLET */
    send_signal(s, b.pid, SIGTERM);
    epoll_says(s, epfd, -1);
    epoll_says(s, epfd, 0);         /* and this one again and again */
    reap(s, b.pidfd, false);
    epoll_says(s, epfd, 0);
    close_fd(s, b.pidfd);
    epoll_says(s, epfd, 0);
    reap(s, a.pidfd, false);
    close_fd(s, a.pidfd);
    close_fd(s, epfd);
}

static void play(struct stage *s)
{
    what_cannot_begin(s);
    what_exits(s);
    what_is_killed(s);
    what_ignores_a_signal(s);
    what_is_said_through_pipes(s);
    who_waits_by_epoll(s);
}

/* ---- the comparison -------------------------------------------------------------------------------------------------- */

/* Says where the two differ. */
static void compare(const struct stage *kernel, const struct stage *sim)
{
    const char *a = kernel->text, *b = sim->text;
    int line = 1;
    for (; *a && *a == *b; a++, b++)
        line += *a == '\n';
    if (*a == *b)
        return;
    while (a > kernel->text && a[-1] != '\n')
        a--, b--;
    int before = (int)(a - kernel->text);
    ck_abort_msg("line %d of the script differs:\nthe kernel: %.*sthe sim:    %.*safter:\n%.*s", line,
                 (int)strcspn(a, "\n") + 1, a, (int)strcspn(b, "\n") + 1, b, before, kernel->text);
}

static bool there_are_pidfds(void)
{
    int pidfd = -1;
    const char *argv[] = { "true", NULL };
    pid_t pid = sys_linux()->spawn(sys_linux(), &(struct child){ .argv = argv, .fds = { -1, -1, -1 } }, &pidfd);
    if (pid < 0)
        return false;
    int rc = sys_linux()->reap(sys_linux(), pidfd, true);
    sys_linux()->close(sys_linux(), pidfd);
    return rc == 0;
}

START_TEST(the_script_has_the_same_results_on_the_kernel_and_in_the_sim)
{
    static struct stage stages[2];
    struct sim *sim = sim_new(0);
    if (!there_are_pidfds()) {
        fputs("note: there are no pidfds here; the script was not played\n", stderr);
        sim_close(sim);
        return;
    }
    programs_begin();
    for (int i = 0; i < PROGRAMS; i++)
        ck_assert_int_eq(sim_program(sim, paths[i], programs[i].main, NULL), 0);
    stages[0].sys = sys_linux();
    stages[1].sys = sim_sys(sim);
    for (int i = 0; i < 2; i++)
        play(&stages[i]);
    programs_end();
    compare(&stages[0], &stages[1]);
    ck_assert_uint_gt(stages[0].len, 1000);
    ck_assert_uint_eq(sim_live(sim).descriptors, 0);
    ck_assert_uint_eq(sim_live(sim).processes, 0);
    sim_close(sim);
}
END_TEST

int main(void)
{
    const TTest *tests[] = { the_script_has_the_same_results_on_the_kernel_and_in_the_sim, NULL };
    Suite *suite = suite_create("sim against the kernel: children");
    add_tests(suite, "script", tests, 0);
    return run_suite(suite);
}
