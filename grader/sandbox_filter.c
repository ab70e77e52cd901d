/* sandbox_filter.c - what a job may not ask the kernel for. See sandbox_parts.h.
 *
 * A list of what is refused, not of what is allowed: a library's new favourite call must not break a course. What is
 * refused gets EPERM, so that the job lives on and its author can be told. Traps: (a) clone3 keeps its flags in memory,
 * where a filter cannot look: it gets ENOSYS, and libraries fall back to clone. (b) execveat must be let through once,
 * for the job's own start: only with a descriptor that cannot exist later (beyond RLIMIT_NOFILE) and a name at an
 * address that only we know. */
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <unistd.h>

#include "grader/sandbox_parts.h"

/* For every job: other processes' memory, the kernel's configuration, new namespaces. */
static const char *const never[] = {
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd", "keyctl", "add_key",
    "request_key", "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen",
    "fsmount", "fsconfig", "fspick", "mount_setattr", "swapon", "swapoff", "reboot", "bpf", "perf_event_open",
    "userfaultfd", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "unshare",
    "setns", "io_uring_setup", "io_uring_enter", "io_uring_register", "acct", "quotactl", "quotactl_fd",
    "open_by_handle_at", "name_to_handle_at", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "syslog",
    "iopl", "ioperm", "modify_ldt", "fanotify_init", "personality", "vhangup", "sethostname", "setdomainname",
    "lookup_dcookie", "nfsservctl", "move_pages", "migrate_pages",
    NULL
};

/* For jobs without tools: other processes, other machines, other files. Accepting stays: without socket and listen there is
 * nothing to accept from but a listener that was given. */
static const char *const without_tools[] = {
    "fork", "vfork", "execve", "setsid", "setpgid", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open",
    "pidfd_send_signal", "socket", "connect", "bind", "listen", "creat", "truncate", "mkdir",
    "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "symlink",
    "symlinkat", "mknod", "mknodat", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown",
    "fchownat", "utime", "utimes", "utimensat", "futimesat", "setxattr", "lsetxattr", "fsetxattr", "removexattr",
    "lremovexattr", "fremovexattr", "memfd_create", "memfd_secret", "mq_open", "mq_unlink", "shmget", "semget",
    "msgget", "setpriority", "sched_setscheduler", "sched_setattr", "ioprio_set", "inotify_init", "inotify_init1",
    NULL
};

/* A name this kernel or library does not know is no call that could be made by a library. */
static int refuse(scmp_filter_ctx filter, const char *name, int error, unsigned count, const struct scmp_arg_cmp *args)
{
    int call = seccomp_syscall_resolve_name(name);
    if (call == __NR_SCMP_ERROR)
        return 0;
    return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint16_t)error), call, count, args);
}

static int refuse_list(scmp_filter_ctx filter, const char *const *names)
{
    int rc = 0;
    for (; *names && rc == 0; names++)
        rc = refuse(filter, *names, EPERM, 0, NULL);
    return rc;
}

/* Refuses `name` when the bits of `mask` in its argument are `bits`. */
static int refuse_bits(scmp_filter_ctx filter, const char *name, unsigned argument, uint64_t mask, uint64_t bits)
{
    struct scmp_arg_cmp arg = SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, bits);
    return refuse(filter, name, EPERM, 1, &arg);
}

static int refuse_unless(scmp_filter_ctx filter, const char *name, unsigned argument, uint64_t value)
{
    struct scmp_arg_cmp arg = SCMP_CMP64(argument, SCMP_CMP_NE, value);
    return refuse(filter, name, EPERM, 1, &arg);
}

static int refuse_namespaces(scmp_filter_ctx filter)
{
    static const uint64_t flags[] = { CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWNET,
                                      CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP };
    int rc = refuse(filter, "clone3", ENOSYS, 0, NULL);
    for (size_t i = 0; i < sizeof flags / sizeof *flags && rc == 0; i++)
        rc = refuse_bits(filter, "clone", 0, flags[i], flags[i]);
    return rc;
}

static int refuse_writing(scmp_filter_ctx filter, const char *name, unsigned argument)
{
    static const uint64_t bits[][2] = { { O_ACCMODE, O_WRONLY }, { O_ACCMODE, O_RDWR }, { O_ACCMODE, O_ACCMODE },
                                        { O_CREAT, O_CREAT }, { O_TRUNC, O_TRUNC } };
    int rc = 0;
    for (size_t i = 0; i < sizeof bits / sizeof *bits && rc == 0; i++)
        rc = refuse_bits(filter, name, argument, bits[i][0], bits[i][1]);
    return rc;
}

/* Other processes begin as a clone that is no thread. A process may send signals to itself: abort does. */
static int refuse_others(scmp_filter_ctx filter, const char *path)
{
    uint64_t self = (uint64_t)getpid();
    int rc = refuse_bits(filter, "clone", 0, CLONE_THREAD, 0);
    rc = rc ? rc : refuse_unless(filter, "kill", 0, self);
    rc = rc ? rc : refuse_unless(filter, "tgkill", 0, self);
    rc = rc ? rc : refuse_unless(filter, "execveat", 0, PROGRAM_FD);
    rc = rc ? rc : refuse_unless(filter, "execveat", 1, (uint64_t)(uintptr_t)path);
    return rc ? rc : refuse_unless(filter, "execveat", 4, AT_EMPTY_PATH);
}

static int add_rules(scmp_filter_ctx filter, bool tools, const char *path)
{
    int rc = refuse_list(filter, never);
    rc = rc ? rc : refuse_bits(filter, "ioctl", 1, UINT32_MAX, TIOCSTI);
    rc = rc ? rc : refuse_namespaces(filter);
    if (rc || tools)
        return rc;
    rc = refuse_list(filter, without_tools);
    rc = rc ? rc : refuse_others(filter, path);
    rc = rc ? rc : refuse_writing(filter, "open", 1);
    rc = rc ? rc : refuse_writing(filter, "openat", 2);
    return rc ? rc : refuse(filter, "openat2", ENOSYS, 0, NULL);
}

int sandbox_filter(bool tools, const char *path)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return -ENOMEM;
    int rc = add_rules(filter, tools, path);
    rc = rc ? rc : seccomp_load(filter);
    seccomp_release(filter);
    return rc;
}
