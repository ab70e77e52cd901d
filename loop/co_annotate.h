/* co_annotate.h - telling the tools that a stack is a stack: AddressSanitizer, ThreadSanitizer, valgrind. Private to loop/.
 *
 * A tool that believes in one stack a thread reports nonsense at the first switch, or dies. Around each switch stand
 * fibre_leave (before, on the stack that is left) and fibre_arrive (after, on the stack that goes on). Without a tool all of
 * this is empty. */
#ifndef EDDY_LOOP_CO_ANNOTATE_H
#define EDDY_LOOP_CO_ANNOTATE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

/* One side of a switch. */
struct fibre {
    const void *low;        /* its stack, as far as known */
    size_t size;
    void *fake;             /* ASan's fake stack */
    void *thread;           /* what TSan takes for a thread */
};

/* A fibre that has not run yet, on the stack from low to high. */
static inline void fibre_init(struct fibre *f, char *low, char *high)
{
    *f = (struct fibre){ .low = low, .size = (size_t)(high - low) };
#ifdef __SANITIZE_THREAD__
    f->thread = __tsan_create_fiber(0);
#endif
}

/* After its last switch, from another one. */
static inline void fibre_close(struct fibre *f)
{
    (void)f;
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(f->low, f->size);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(f->thread);
#endif
}

/* `last`: `from` never runs again. */
static inline void fibre_leave(struct fibre *from, const struct fibre *to, bool last)
{
    (void)from, (void)to, (void)last;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(last ? NULL : &from->fake, to->low, to->size);
#endif
#ifdef __SANITIZE_THREAD__
    from->thread = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to->thread, 0);
#endif
}

static inline void fibre_arrive(struct fibre *here, struct fibre *from)
{
    (void)here, (void)from;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(here->fake, &from->low, &from->size);
#endif
}

static inline unsigned valgrind_stack(const char *low, const char *high)
{
    (void)low, (void)high;
#ifdef VALGRIND_STACK_REGISTER
    return VALGRIND_STACK_REGISTER(low, high);
#else
    return 0;
#endif
}

static inline void valgrind_stack_gone(unsigned id)
{
    (void)id;
#ifdef VALGRIND_STACK_DEREGISTER
    VALGRIND_STACK_DEREGISTER(id);
#endif
}

#endif
