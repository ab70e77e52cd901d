/* by_hand.c - the wrappers that are like no others: a raw system call, a library that is loaded, descriptors that are closed by
 * the hundred, a filter on the program's own system calls, and a jump out of whatever call it was.
 *
 * Traps: (a) dlopen looks at who called it: where that matters, it is jumped to and finds its caller, not us.
 *        (b) a program that forbids itself system calls has not thought of ours. */
#include <dlfcn.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <link.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "grader/blocking/calls_system.h"
#include "grader/blocking/inside/filter.h"
#include "grader/blocking/inside/tell.h"
#include "grader/blocking/inside/wrappers.h"

/* ---- syscall ------------------------------------------------------------------------------------------------------------- */

static void tell_system_call(char text[JOURNAL_TEXT], const long *arguments)
{
    struct saying saying = { .text = text };
    long number = arguments[0];
    if (number < 0 || (size_t)number >= sizeof system_calls / sizeof *system_calls || !system_calls[number])
        say_number(&saying, number);
    else
        say(&saying, system_calls[number]);
}

/* Whether that system call waits for a loop's events, and how. */
static bool waits_for_events(long number, const long *arguments, enum wait_kind *kind)
{
    *kind = number == SYS_io_uring_enter ? WAIT_URING : WAIT_EPOLL;
    switch (number) {
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
        return true;
    case SYS_io_uring_enter:
        return arguments[2] > 0 && arguments[3] & IORING_ENTER_GETEVENTS;
    }
    return false;
}

long wrap_syscall(long number, ...) __asm__("syscall");
WRAPPER long wrap_syscall(long number, ...)
{
    static long (*real)(long number, ...);
    struct call call;
    struct wait wait;
    enum wait_kind kind;
    if (!real)
        real_find(&real, "syscall");
    va_list list;
    long a[6];
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_close)
        loop_closed((int)a[0]);
    if (waits_for_events(number, a, &kind) && wait_enter(&wait, kind, (int)a[0])) {
        long events = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        wait_leave(&wait, (int)events);
        return events;
    }
    bool filters = number == SYS_seccomp && a[0] <= SECCOMP_SET_MODE_FILTER;
    if (filters)
        filter_begins(a[0] == SECCOMP_SET_MODE_FILTER ? (const struct sock_fprog *)a[2] : NULL);
    bool watched = call_enter(&call, CALL_syscall);
    long result = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (filters && result < 0)
        filter_refused();
    if (watched) {
        if (call_moved(&call))
            call_slept(&call, tell_system_call, (const long[]){ number });
        call_leave(&call);
    }
    return result;
}

int wrap_prctl(int option, ...) __asm__("prctl");
WRAPPER int wrap_prctl(int option, ...)
{
    static int (*real)(int option, ...);
    if (!real)
        real_find(&real, "prctl");
    va_list list;
    unsigned long a[4];
    va_start(list, option);
    for (int i = 0; i < 4; i++)
        a[i] = va_arg(list, unsigned long);
    va_end(list);
    if (option == PR_SET_SECCOMP)
        filter_begins(a[0] == SECCOMP_MODE_FILTER ? (const struct sock_fprog *)a[1] : NULL);
    int result = real(option, a[0], a[1], a[2], a[3]);
    if (option == PR_SET_SECCOMP && result < 0)
        filter_refused();
    return result;
}

/* ---- dlopen -------------------------------------------------------------------------------------------------------------- */

/* Where a library without a slash in its name is looked for depends on who asks. From the program itself, without a search path
 * of its own, it is what it is from us. */
static bool asks_as_we_do(const void *caller)
{
    struct dl_find_object found;
    if (_dl_find_object((void *)caller, &found) < 0 || found.dlfo_link_map->l_prev)
        return false;
    for (const ElfW(Dyn) *entry = found.dlfo_link_map->l_ld; entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_RPATH || entry->d_tag == DT_RUNPATH)
            return false;
    return true;
}

typedef void *open_library(const char *path, int flags);

static __attribute__((noinline)) void *dlopen_watched(const char *path, int flags, open_library *real)
{
    struct call call;
    if (!call_enter(&call, CALL_dlopen))
        return real(path, flags);
    void *library = real(path, flags);
    if (call_moved(&call))
        call_slept(&call, tell_path, (const long[]){ (long)path });
    call_leave(&call);
    return library;
}

void *wrap_dlopen(const char *path, int flags) __asm__("dlopen");
WRAPPER void *wrap_dlopen(const char *path, int flags)
{
    static open_library *real;
    if (!real)
        real_find(&real, "dlopen");
    modules_changed();
    language_look_again();
    if (watched_here() && path && !strchr(path, '$') && (strchr(path, '/') || asks_as_we_do(__builtin_return_address(0))))
        return dlopen_watched(path, flags, real);
    return real(path, flags);
}

/* ---- descriptors by the hundred -------------------------------------------------------------------------------------------- */

static void loop_closed_from(unsigned first, unsigned last)
{
    const struct watched *w = watched_here();
    if (w && w->loop_fd >= 0 && (unsigned)w->loop_fd >= first && (unsigned)w->loop_fd <= last)
        loop_closed(w->loop_fd);
}

int wrap_close_range(unsigned first, unsigned last, int flags) __asm__("close_range");
WRAPPER int wrap_close_range(unsigned first, unsigned last, int flags)
{
    static int (*real)(unsigned first, unsigned last, int flags);
    struct call call;
    if (!real)
        real_find(&real, "close_range");
    if (flags == 0)
        loop_closed_from(first, last);
    if (!call_enter(&call, CALL_close_range))
        return real(first, last, flags);
    int result = real(first, last, flags);
    if (call_moved(&call))
        call_slept(&call, NULL, NULL);
    call_leave(&call);
    return result;
}

void wrap_closefrom(int first) __asm__("closefrom");
WRAPPER void wrap_closefrom(int first)
{
    static void (*real)(int first);
    struct call call;
    if (!real)
        real_find(&real, "closefrom");
    loop_closed_from(first > 0 ? (unsigned)first : 0, ~0u);
    if (!call_enter(&call, CALL_closefrom)) {
        real(first);
        return;
    }
    real(first);
    if (call_moved(&call))
        call_slept(&call, NULL, NULL);
    call_leave(&call);
}

/* ---- jumps ----------------------------------------------------------------------------------------------------------------- */

/* The call that this thread is in is over. */
static void call_forget(void)
{
    struct watched *w = watched_here();
    if (w) {
        thread_leaves_call(w);
        w->busy = false;            /* else, had it jumped out of our own slow path, nothing would be looked at any more */
    }
    language_forget();
}

typedef void jump(void *to, int value);

void wrap_longjmp(void *to, int value) __asm__("longjmp");
WRAPPER void wrap_longjmp(void *to, int value)
{
    static jump *real;
    if (!real)
        real_find(&real, "longjmp");
    call_forget();
    real(to, value);
}
extern __typeof(wrap_longjmp) wrap__longjmp __asm__("_longjmp") __attribute__((alias("longjmp"), visibility("default")));
extern __typeof(wrap_longjmp) wrap_siglongjmp __asm__("siglongjmp") __attribute__((alias("longjmp"), visibility("default")));

void wrap_longjmp_chk(void *to, int value) __asm__("__longjmp_chk");
WRAPPER void wrap_longjmp_chk(void *to, int value)
{
    static jump *real;
    if (!real)
        real_find(&real, "__longjmp_chk");
    call_forget();
    real(to, value);
}
