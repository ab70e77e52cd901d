/* attach_late.c - breakpoints that count: see attach_late.h.
 *
 * Trap: a breakpoint costs its thread a microsecond each time, and a processor has four: they are taken away before anything else
 * is set. */
#include "grader/blocking/attach_late.h"

#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "grader/blocking/exports.h"

/* The C library among what is mapped. */
static bool library_find(int pid, struct mapped *library)
{
    char path[64];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "re");
    while (maps && !found && mapped_next(maps, library))
        found = !strncmp(mapped_name(library), "libc.so.", strlen("libc.so."));
    if (maps)
        fclose(maps);
    return found;
}

void late_calls_find(struct late_calls *calls, int pid)
{
    static const char *const names[LATE_CALLS] = { "epoll_wait", "epoll_pwait", "epoll_pwait2" };
    struct mapped library;
    struct exports exports;
    *calls = (struct late_calls){0};
    if (!library_find(pid, &library))
        return;
    bool open = exports_open(&exports, pid, &library);
    for (int i = 0; open && i < LATE_CALLS; i++)
        calls->at[i] = exports_find(&exports, names[i]);
    exports_close(&exports);
}

bool late_open(struct late_thread *thread, const struct late_calls *calls, int tid)
{
    bool counts = false;
    *thread = (struct late_thread){0};
    for (int i = 0; i < LATE_CALLS; i++) {
        struct perf_event_attr attr = { .type = PERF_TYPE_BREAKPOINT, .size = sizeof attr, .bp_type = HW_BREAKPOINT_X,
                                        .bp_len = sizeof(long), .bp_addr = calls->at[i], .exclude_kernel = 1, .exclude_hv = 1 };
        long fd = calls->at[i] ? syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC) : -1;
        thread->counters[i] = fd > 0 ? (int)fd : 0;
        counts |= fd > 0;
    }
    return counts;
}

bool late_has_waited(const struct late_thread *thread)
{
    uint64_t count;
    for (int i = 0; i < LATE_CALLS; i++)
        if (thread->counters[i] && read(thread->counters[i], &count, sizeof count) == sizeof count && count > 0)
            return true;
    return false;
}

void late_close(struct late_thread *thread)
{
    for (int i = 0; i < LATE_CALLS; i++)
        if (thread->counters[i])
            close(thread->counters[i]);
    *thread = (struct late_thread){0};
}
