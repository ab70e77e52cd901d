/* sys_refuse.c - what stands where a door has no entry. See sys.h, sys_refuse_rest.
 *
 * The trap it exists for: a table with a hole in it is a jump to nowhere. */
#include "loop/sys.h"

#include <errno.h>

/* The first portion alone, as a write may do that takes a part. */
static ssize_t write_first(struct sys *sys, int fd, const struct iovec *portions, int count)
{
    (void)count;
    return sys->write(sys, fd, portions->iov_base, portions->iov_len);
}

static int refuse_fd(struct sys *sys, int fd)
{
    (void)sys, (void)fd;
    return -ENOSYS;
}

static int refuse_two(struct sys *sys, int a, int b)
{
    (void)sys, (void)a, (void)b;
    return -ENOSYS;
}

static int refuse(struct sys *sys)
{
    (void)sys;
    return -ENOSYS;
}

static int refuse_time(struct sys *sys, int fd, int64_t when)
{
    (void)sys, (void)fd, (void)when;
    return -ENOSYS;
}

static int refuse_address(struct sys *sys, int fd, const struct sockaddr *address, socklen_t len)
{
    (void)sys, (void)fd, (void)address, (void)len;
    return -ENOSYS;
}

static int refuse_accept(struct sys *sys, int fd, struct sockaddr *address, socklen_t *len)
{
    (void)sys, (void)fd, (void)address, (void)len;
    return -ENOSYS;
}

static int refuse_option(struct sys *sys, int fd, int level, int option, int value)
{
    (void)sys, (void)fd, (void)level, (void)option, (void)value;
    return -ENOSYS;
}

static int refuse_name(struct sys *sys, int fd, struct address *out)
{
    (void)sys, (void)fd, (void)out;
    return -ENOSYS;
}

static int refuse_mode(struct sys *sys, int fd, mode_t mode)
{
    (void)sys, (void)fd, (void)mode;
    return -ENOSYS;
}

static int refuse_path(struct sys *sys, const char *path)
{
    (void)sys, (void)path;
    return -ENOSYS;
}

static int refuse_lookup(struct sys *sys, const char *host, int port, int family, struct address *out, int max)
{
    (void)sys, (void)host, (void)port, (void)family, (void)out, (void)max;
    return -ENOSYS;
}

static int refuse_open(struct sys *sys, const char *path, int flags, mode_t mode)
{
    (void)sys, (void)path, (void)flags, (void)mode;
    return -ENOSYS;
}

static int refuse_open_beneath(struct sys *sys, int dir, const char *path)
{
    (void)sys, (void)dir, (void)path;
    return -ENOSYS;
}

static int refuse_status(struct sys *sys, int fd, const char *name, struct file_status *out)
{
    (void)sys, (void)fd, (void)name, (void)out;
    return -ENOSYS;
}

static ssize_t refuse_read_at(struct sys *sys, int fd, void *data, size_t len, int64_t offset)
{
    (void)sys, (void)fd, (void)data, (void)len, (void)offset;
    return -ENOSYS;
}

static ssize_t refuse_names(struct sys *sys, int fd, char *out, size_t size)
{
    (void)sys, (void)fd, (void)out, (void)size;
    return -ENOSYS;
}

static ssize_t refuse_splice(struct sys *sys, int from, int64_t offset, int to, size_t len)
{
    (void)sys, (void)from, (void)offset, (void)to, (void)len;
    return -ENOSYS;
}

static ssize_t refuse_wide_pipe(struct sys *sys, int fds[2], size_t bytes)
{
    (void)sys, (void)fds, (void)bytes;
    return -ENOSYS;
}

static int refuse_sigprocmask(struct sys *sys, int how, const sigset_t *set, sigset_t *old)
{
    (void)sys, (void)how, (void)set, (void)old;
    return -ENOSYS;
}

static int refuse_signalfd(struct sys *sys, int fd, const sigset_t *set)
{
    (void)sys, (void)fd, (void)set;
    return -ENOSYS;
}

static pid_t refuse_spawn(struct sys *sys, const struct child *child, int *pidfd)
{
    (void)sys, (void)child, (void)pidfd;
    return -ENOSYS;
}

static pid_t refuse_fork(struct sys *sys, int *pidfd)
{
    (void)sys, (void)pidfd;
    return -ENOSYS;
}

static int refuse_kill(struct sys *sys, pid_t pid, int signo)
{
    (void)sys, (void)pid, (void)signo;
    return -ENOSYS;
}

static int refuse_reap(struct sys *sys, int pidfd, bool wait)
{
    (void)sys, (void)pidfd, (void)wait;
    return -ENOSYS;
}

static int refuse_job(struct sys *sys, struct job *job)
{
    (void)sys, (void)job;
    return -ENOSYS;
}

static int one_processor(struct sys *sys)
{
    (void)sys;
    return 1;
}

static int64_t no_time(struct sys *sys)
{
    (void)sys;
    return 0;
}

void sys_refuse_rest(struct sys *sys)
{
    sys->socket = sys->socket ? sys->socket : refuse_two;
    sys->bind = sys->bind ? sys->bind : refuse_address;
    sys->listen = sys->listen ? sys->listen : refuse_two;
    sys->accept = sys->accept ? sys->accept : refuse_accept;
    sys->connect = sys->connect ? sys->connect : refuse_address;
    sys->socket_error = sys->socket_error ? sys->socket_error : refuse_fd;
    sys->set_option = sys->set_option ? sys->set_option : refuse_option;
    sys->writev = sys->writev ? sys->writev : write_first;
    sys->sockname = sys->sockname ? sys->sockname : refuse_name;
    sys->peername = sys->peername ? sys->peername : refuse_name;
    sys->set_mode = sys->set_mode ? sys->set_mode : refuse_mode;
    sys->unlink_socket = sys->unlink_socket ? sys->unlink_socket : refuse_path;
    sys->lookup = sys->lookup ? sys->lookup : refuse_lookup;
    sys->open = sys->open ? sys->open : refuse_open;
    sys->open_beneath = sys->open_beneath ? sys->open_beneath : refuse_open_beneath;
    sys->file_status = sys->file_status ? sys->file_status : refuse_status;
    sys->read_at = sys->read_at ? sys->read_at : refuse_read_at;
    sys->read_names = sys->read_names ? sys->read_names : refuse_names;
    sys->alarm = sys->alarm ? sys->alarm : refuse;
    sys->alarm_at = sys->alarm_at ? sys->alarm_at : refuse_time;
    sys->splice = sys->splice ? sys->splice : refuse_splice;
    sys->wide_pipe = sys->wide_pipe ? sys->wide_pipe : refuse_wide_pipe;
    sys->sigprocmask = sys->sigprocmask ? sys->sigprocmask : refuse_sigprocmask;
    sys->signalfd = sys->signalfd ? sys->signalfd : refuse_signalfd;
    sys->spawn = sys->spawn ? sys->spawn : refuse_spawn;
    sys->fork = sys->fork ? sys->fork : refuse_fork;
    sys->kill = sys->kill ? sys->kill : refuse_kill;
    sys->reap = sys->reap ? sys->reap : refuse_reap;
    sys->submit = sys->submit ? sys->submit : refuse_job;
    sys->withdraw = sys->withdraw ? sys->withdraw : refuse_job;
    sys->processors = sys->processors ? sys->processors : one_processor;
    sys->wall_time = sys->wall_time ? sys->wall_time : no_time;
}
