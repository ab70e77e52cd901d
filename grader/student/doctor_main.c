/* doctor_main.c - what of a machine has to be tried or measured: the part of make doctor that needs a compiler and
 * nothing else. Says records for doctor.sh: a line each, "ok|note|problem TAB name TAB what was found [TAB fix]".
 *
 * Trap: a setting that allows namespaces is no namespace: a container, AppArmor or a limit may refuse all the same. So
 * each is made, in a process of its own, as the sandbox would: not as root. */
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/seccomp.h>

enum { WAITS = 40, RUNS = 15, STEPS = 2000000, OTHER_ID = 65534 };

static void say(const char *state, const char *name, const char *found, const char *fix)
{
    printf("%s\t%s\t%s%s%s\n", state, name, found, *fix ? "\t" : "", fix);
}

static const char *sudo(void)
{
    return geteuid() == 0 ? "" : "sudo ";
}

/* The number in a file of /proc, or -1. */
static long number_in(const char *path)
{
    long n = -1;
    FILE *f = fopen(path, "re");
    if (f && fscanf(f, "%ld", &n) != 1)
        n = -1;
    if (f)
        fclose(f);
    return n;
}

/* ---- namespaces -------------------------------------------------------------------------------------------------- */

static const struct kind {
    const char *name;
    int flag;
} kinds[] = {
    { "user", CLONE_NEWUSER }, { "pid", CLONE_NEWPID }, { "net", CLONE_NEWNET }, { "mount", CLONE_NEWNS },
    { "ipc", CLONE_NEWIPC },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* 0, or the errno with which that namespace was refused to a process that is not root. */
static int try_namespace(int flag)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && (setresgid(OTHER_ID, OTHER_ID, OTHER_ID) < 0 || setresuid(OTHER_ID, OTHER_ID, OTHER_ID) < 0))
            _exit(errno);
        if (unshare(CLONE_NEWUSER) < 0 || (flag != CLONE_NEWUSER && unshare(flag) < 0))
            _exit(errno);
        _exit(0);
    }
    if (pid < 0)
        return errno;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

static bool in_container(void)
{
    return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0 || getenv("container");
}

/* Who refuses, and what helps. */
static void refused(const char *list, int error)
{
    char found[300], fix[200] = "", who[100] = "";
    if (number_in("/proc/sys/user/max_user_namespaces") == 0) {
        snprintf(who, sizeof who, "user.max_user_namespaces is 0");
        snprintf(fix, sizeof fix, "%ssysctl -w user.max_user_namespaces=15000", sudo());
    } else if (number_in("/proc/sys/kernel/unprivileged_userns_clone") == 0) {
        snprintf(who, sizeof who, "kernel.unprivileged_userns_clone is 0");
        snprintf(fix, sizeof fix, "%ssysctl -w kernel.unprivileged_userns_clone=1", sudo());
    } else if (number_in("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1) {
        snprintf(who, sizeof who, "AppArmor restricts them");
        snprintf(fix, sizeof fix, "%ssysctl -w kernel.apparmor_restrict_unprivileged_userns=0", sudo());
    } else if (in_container()) {
        snprintf(who, sizeof who, "this container does not allow them");
        snprintf(fix, sizeof fix, "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined ...");
    } else {
        snprintf(who, sizeof who, "the kernel says: %s", strerror(error));
    }
    snprintf(found, sizeof found, "no %s; %s", list, who);
    say("note", "namespaces", found, fix);
}

static void namespaces(void)
{
    char have[100] = "", lack[100] = "";
    int error = 0;
    for (int i = 0; i < KINDS; i++) {
        int e = try_namespace(kinds[i].flag);
        char *list = e ? lack : have;
        size_t used = strlen(list);
        snprintf(list + used, sizeof have - used, "%s%s", used ? ", " : "", kinds[i].name);
        error = error ? error : e;
    }
    if (*lack)
        refused(lack, error);
    else
        say("ok", "namespaces", have, "");
}

/* ---- what else the kernel can do --------------------------------------------------------------------------------- */

static void seccomp(void)
{
    uint32_t action = SECCOMP_RET_ERRNO;
    bool can = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
    say(can ? "ok" : "note", "seccomp", can ? "system calls can be refused" :
        "the kernel has no filters: grading works, at level 0 of 3", "");
}

static void landlock(void)
{
    char found[100];
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    if (abi > 0)
        snprintf(found, sizeof found, "ABI %ld", abi);
    else
        snprintf(found, sizeof found, "%s; the sandbox does without", errno == EOPNOTSUPP ? "switched off at boot" :
                 "not in this kernel");
    say("ok", "Landlock", found, "");
}

static void inotify(void)
{
    char found[100], fix[100] = "";
    int fd = inotify_init1(IN_CLOEXEC);
    bool can = fd >= 0 && inotify_add_watch(fd, ".", IN_CLOSE_WRITE) >= 0;
    if (can)
        snprintf(found, sizeof found, "%ld watches and %ld users of it allowed",
                 number_in("/proc/sys/fs/inotify/max_user_watches"), number_in("/proc/sys/fs/inotify/max_user_instances"));
    else
        snprintf(found, sizeof found, "%s; make watch will look every second", strerror(errno));
    if (!can)
        snprintf(fix, sizeof fix, "%ssysctl -w fs.inotify.max_user_%s", sudo(), fd < 0 ? "instances=512" : "watches=65536");
    say(can ? "ok" : "note", "inotify", found, fix);
    if (fd >= 0)
        close(fd);
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void timers(void)
{
    int64_t late[WAITS], smallest = INT64_MAX;
    char found[160];
    for (int i = 0; i < WAITS; i++) {
        struct timespec nap = { 0, 1000000 };
        int64_t before = clock_ns(CLOCK_MONOTONIC);
        nanosleep(&nap, NULL);
        late[i] = clock_ns(CLOCK_MONOTONIC) - before - nap.tv_nsec;
        for (int64_t a = clock_ns(CLOCK_MONOTONIC), b = a; smallest > 0 && b - a < 100000; b = clock_ns(CLOCK_MONOTONIC))
            if (b > a) {
                smallest = b - a < smallest ? b - a : smallest;
                break;
            }
    }
    qsort(late, WAITS, sizeof late[0], by_value);
    bool fine = late[WAITS / 2] < 1000000;
    snprintf(found, sizeof found, "a step of %lld ns; 1 ms is %.2f ms late (%.2f at worst)%s", (long long)smallest,
             (double)late[WAITS / 2] / 1e6, (double)late[WAITS - 1] / 1e6, fine ? "" : ": only benchmarks suffer");
    say(fine ? "ok" : "note", "timers", found, "");
}

static int64_t compute(void)
{
    static volatile uint64_t sink;
    uint64_t x = 88172645463325252u;
    int64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < STEPS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    sink = x;
    return clock_ns(CLOCK_THREAD_CPUTIME_ID) - before + (int64_t)(sink & 0);
}

/* The same computation again and again: how long, and how much that changes. */
static void calibrate(void)
{
    int64_t runs[RUNS], wall = clock_ns(CLOCK_MONOTONIC), all = 0;
    char found[160];
    for (int i = 0; i < RUNS; i++)
        all += runs[i] = compute();
    wall = clock_ns(CLOCK_MONOTONIC) - wall;
    qsort(runs, RUNS, sizeof runs[0], by_value);
    double middle = (double)runs[RUNS / 2], spread = 100 * (double)(runs[RUNS * 3 / 4] - runs[RUNS / 4]) / middle;
    double share = 100 * (double)all / (double)wall;
    bool steady = spread < 5 && share > 80;
    snprintf(found, sizeof found, "%.2f ns a step, +-%.1f %%, with %.0f %% of a core%s", middle / STEPS, spread / 2,
             share > 100 ? 100 : share, steady ? "" : ": busy");
    say(steady ? "ok" : "note", "CPU", found, "");
}

int main(void)
{
    namespaces();
    seccomp();
    landlock();
    inotify();
    timers();
    calibrate();
    return fflush(stdout) == 0 ? 0 : 1;
}
