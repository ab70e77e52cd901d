/* wrap.h - how a wrapper looks. All are alike, and all but a few are generated from calls.tab:
 *
 *     ssize_t read(int fd, void *buffer, size_t size)
 *     {
 *         static ssize_t (*real)(int, void *, size_t);
 *         struct call call;
 *         if (!real)
 *             real_find(&real, "read");
 *         if (!call_enter(&call, CALL_read))
 *             return real(fd, buffer, size);
 *         ssize_t result = real(fd, buffer, size);
 *         if (call_moved(&call)) {
 *             const long arguments[] = { fd, (long)buffer, (long)size };
 *             call_slept(&call, tell_fd_bytes, arguments);
 *         }
 *         call_leave(&call);
 *         return result;
 *     }
 *
 * By hand, with a number from calls.tab like the others: in waits.c those that may be a loop's wait (epoll_wait, epoll_pwait,
 * epoll_pwait2, poll, ppoll, select, pselect and their checked twins), in forks.c and execs.c what makes or becomes another
 * process, in by_hand.c syscall, dlopen and what closes many descriptors. A generated close calls loop_closed(fd) before anything
 * else.
 *
 * Nothing in a wrapper touches errno. A thread that is cancelled in one leaves slot->call behind, and so would a signal handler
 * that jumps out of one: the end of the thread, longjmp and the next wait forget it. Wrappers are compiled with -fexceptions, so
 * that a cancellation passes through.
 *
 * The trap it exists for: a wrapper that costs more than the call. */
#ifndef EDDY_GRADER_BLOCKING_WRAP_H
#define EDDY_GRADER_BLOCKING_WRAP_H

#include "grader/blocking/inside/inside.h"

#define WRAPPER __attribute__((visibility("default")))
#define IN_THE_WRAPPER static inline __attribute__((always_inline))    /* frames are those of the wrapper itself */

struct call {                       /* on the wrapper's stack */
    struct watched *watched;
    int32_t number;
};

/* Writes what was asked, from the arguments: "fd 7 (pipe), 4096 bytes". Raw system calls only. */
typedef void call_tell(char text[JOURNAL_TEXT], const long *arguments);
/* The lint's question: whether a call that did not sleep might have. */
bool call_could_block(int number, const long *arguments);

/* The real function of that name, behind us, into *real; NULL: there is none. Works before our constructor ran as well. */
void real_find(void *real, const char *name);

/* Slow paths: something happened before this call and outside of any; it may have slept. */
void call_settle(struct call *, uint64_t pc, uint64_t sp, uint64_t bp);
void call_slept(struct call *, call_tell *tell, const long *arguments);

/* A call begins that may sleep. `false`: nobody watches here, or it is made by another such call (libc's popen calls malloc),
 * whose name is the one that the program knows; nothing else need be called. What a jump has left behind is not above us on the
 * stack. */
IN_THE_WRAPPER bool call_enter(struct call *call, int number)
{
    struct watched *w = watched_here();
    if (!w)
        return false;
    const uint64_t *frame = __builtin_frame_address(0);
    struct slot *slot = w->slot;
    if (__builtin_expect(atomic_load_explicit(&slot->call, memory_order_relaxed) != 0, 0) &&
        slot->at.sp > (uint64_t)__builtin_dwarf_cfa())
        return false;
    call->watched = w;
    call->number = number;
    slot->watched++;
    slot->at.pc = (uint64_t)__builtin_return_address(0);
    slot->at.sp = (uint64_t)__builtin_dwarf_cfa();
    slot->at.bp = frame[0];
    if (__builtin_expect(truth_moved(&w->truth), 0))
        call_settle(call, slot->at.pc, slot->at.sp, slot->at.bp);
    atomic_store_explicit(&slot->call, number, memory_order_release);
    return true;
}

/* The real call is over. Whether it may have slept: then call_slept finds out. */
static inline bool call_moved(const struct call *call)
{
    return __builtin_expect(call->watched->slot && truth_moved(&call->watched->truth), 0);
}

static inline void call_leave(struct call *call)
{
    struct slot *slot = call->watched->slot;        /* NULL: the call has forked, and here is the child; or it closed the loop */
    if (slot)
        atomic_store_explicit(&slot->call, 0, memory_order_release);
}

struct wait {                       /* on the wrapper's stack */
    struct watched *watched;
};

/* It may be a loop's wait: an iteration ends here. `false`: it is a call like any other (it is nested in a callback; it is a
 * poll, and polls are none). */
bool wait_begin(struct wait *, enum wait_kind kind, int fd, uint64_t pc, uint64_t sp, uint64_t bp);
IN_THE_WRAPPER bool wait_enter(struct wait *wait, enum wait_kind kind, int fd)
{
    const uint64_t *frame = __builtin_frame_address(0);
    return wait_begin(wait, kind, fd, (uint64_t)__builtin_return_address(0), (uint64_t)__builtin_dwarf_cfa(), frame[0]);
}
/* It is over, with so many events, which are returned: an iteration begins. */
int wait_leave(struct wait *, int events);

#endif
