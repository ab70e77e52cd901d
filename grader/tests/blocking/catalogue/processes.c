/* processes.c - children that are waited for or started, and locks that other processes hold.
 *
 * A child here waits for its parent's byte, and then ends. The trap it exists for: a child that ends before it is waited for. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static FILE *command;

/* fd[1]: a byte to it ends it. `first` is done in it before that. */
static void make_child_that(struct trial *t, void (*first)(struct trial *))
{
    int there[2], ready[2];
    char byte;
    must(pipe2(there, O_CLOEXEC), "pipe2");
    must(pipe2(ready, O_CLOEXEC), "pipe2");
    t->child = (pid_t)must(fork(), "fork");
    if (t->child == 0) {
        if (first)
            first(t);
        must(write(ready[1], "x", 1), "write");
        must(read(there[0], &byte, 1), "read");
        _exit(0);
    }
    must(read(ready[0], &byte, 1), "read");
    t->fd[1] = there[1];
    close(there[0]);
    close(ready[0]);
    close(ready[1]);
}

static void make_child(struct trial *t)
{
    make_child_that(t, NULL);
}

static void waits_for_child(struct trial *t)
{
    OPERATION(t, t->result = waitpid(t->child, NULL, 0));
    t->child = 0;
}

static void waits_for_child_by_id(struct trial *t)
{
    siginfo_t info;
    OPERATION(t, t->result = waitid(P_PID, (id_t)t->child, &info, WEXITED));
    t->child = 0;
}

static void waits_for_child_and_usage(struct trial *t)
{
    OPERATION(t, t->result = wait4(t->child, NULL, 0, NULL));
    t->child = 0;
}

static void waits_for_any_child(struct trial *t)
{
    OPERATION(t, t->result = wait(NULL));
    t->child = 0;
}

static void make_pidfd(struct trial *t)
{
    make_child(t);
    t->fd[0] = (int)must(syscall(SYS_pidfd_open, t->child, 0), "pidfd_open");
}

static void polls_pidfd(struct trial *t)
{
    struct pollfd ended = { .fd = t->fd[0], .events = POLLIN };
    OPERATION(t, t->result = poll(&ended, 1, -1));
}

static void runs_a_command(struct trial *t)
{
    OPERATION(t, t->result = system("exit 0"));
}

static void starts_a_command(struct trial *t)
{
    OPERATION(t, command = popen("exit 0", "re"));
}

static void end_command(struct trial *t)
{
    (void)t;
    pclose(command);
}

static void make_command(struct trial *t)
{
    (void)t;
    command = popen("sleep 0.01", "re");
}

static void ends_a_command(struct trial *t)
{
    OPERATION(t, t->result = pclose(command));
}

static void spawns(struct trial *t)
{
    char *arguments[] = { "true", NULL };
    OPERATION(t, t->result = posix_spawn(&t->child, "/bin/true", NULL, NULL, arguments, environ));
}

static void spawns_by_name(struct trial *t)
{
    char *arguments[] = { "true", NULL };
    OPERATION(t, t->result = posix_spawnp(&t->child, "true", NULL, NULL, arguments, environ));
}

static const struct timespec moment = { .tv_nsec = 1000000 };

/* The parent is stopped until the child has gone on to another program. */
static void vforks(struct trial *t)
{
    trial_begin(t, __LINE__ + 1);
    pid_t child = vfork();
    if (child == 0) {
        nanosleep(&moment, NULL);
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    trial_end(t);
    t->child = child;
}

static void hold_flock(struct trial *t)
{
    int fd = (int)must(open(t->path, O_RDWR | O_CLOEXEC), t->path);
    must(flock(fd, LOCK_EX), "flock");
}

static void hold_record(struct trial *t)
{
    struct flock all = { .l_type = F_WRLCK };
    int fd = (int)must(open(t->path, O_RDWR | O_CLOEXEC), t->path);
    must(fcntl(fd, F_SETLK, &all), "F_SETLK");
}

static void make_flocked(struct trial *t)
{
    make_file(t, 1);
    make_child_that(t, hold_flock);
}

static void make_record_locked(struct trial *t)
{
    make_file(t, 1);
    make_child_that(t, hold_record);
}

static void locks_file(struct trial *t)
{
    OPERATION(t, t->result = flock(t->fd[0], LOCK_EX));
}

static void locks_record(struct trial *t)
{
    struct flock all = { .l_type = F_WRLCK };
    OPERATION(t, t->result = fcntl(t->fd[0], F_SETLKW, &all));
}

static void locks_description(struct trial *t)
{
    struct flock all = { .l_type = F_WRLCK };
    OPERATION(t, t->result = fcntl(t->fd[0], F_OFD_SETLKW, &all));
}

static void locks_section(struct trial *t)
{
    OPERATION(t, t->result = lockf(t->fd[0], F_LOCK, 0));
}

const struct behaviour processes[] = {
    { "waitpid", BLOCKS, "waitpid", waits_for_child, make_child, send_byte, NULL },
    { "waitid", BLOCKS, "waitid", waits_for_child_by_id, make_child, send_byte, NULL },
    { "wait4", BLOCKS, "wait4", waits_for_child_and_usage, make_child, send_byte, NULL },
    { "wait", BLOCKS, "wait", waits_for_any_child, make_child, send_byte, NULL },
    { "pidfd-poll", BLOCKS, "poll", polls_pidfd, make_pidfd, send_byte, NULL },
    { "system", BLOCKS, "system", runs_a_command, NULL, NULL, NULL },
    { "popen", BLOCKS, "popen", starts_a_command, NULL, NULL, end_command },
    { "pclose", BLOCKS, "pclose", ends_a_command, make_command, NULL, NULL },
    { "posix_spawn", BLOCKS, "posix_spawn", spawns, NULL, NULL, NULL },
    { "posix_spawnp", BLOCKS, "posix_spawnp", spawns_by_name, NULL, NULL, NULL },
    { "vfork", BLOCKS, "vfork", vforks, NULL, NULL, NULL },
    { "flock", BLOCKS, "flock", locks_file, make_flocked, send_byte, NULL },
    { "fcntl-setlkw", BLOCKS, "fcntl", locks_record, make_record_locked, send_byte, NULL },
    { "fcntl-ofd-setlkw", BLOCKS, "fcntl", locks_description, make_record_locked, send_byte, NULL },
    { "lockf", BLOCKS, "lockf", locks_section, make_record_locked, send_byte, NULL },
    { 0 },
};
