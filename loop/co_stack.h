/* co_stack.h - stacks for coroutines: mmap'd, guarded, pooled last-in first-out.
 *
 * Each stack ends in a guard: touching it is a clear message and SIGSEGV, not a corrupted neighbour. Guards that are mappings
 * of their own would meet vm.max_map_count (65,530) at 30,000 coroutines: where the kernel has MADV_GUARD_INSTALL (6.13) it
 * is used, elsewhere mprotect for as many as the limit allows. Stacks are address space: only touched pages cost memory. */
#ifndef EDDY_LOOP_CO_STACK_H
#define EDDY_LOOP_CO_STACK_H

#include <stdbool.h>

#include "loop/sys.h"

#ifdef __cplusplus
extern "C" {
#endif

struct co_slab;

struct co_stack {
    char *low, *high;           /* the usable bytes, at least 64 KiB; grows from high towards low */
    struct co_stack *next;      /* the rest is private: in the pool */
    struct co_slab *slab;
    unsigned valgrind_id;
};

struct co_stacks;

/* An empty pool; NULL with errno. co_stacks_close needs every stack to be back. */
struct co_stacks *co_stacks_new(struct sys *);
void co_stacks_close(struct co_stacks *);

/* A stack; the struct itself lives at its high end. NULL with errno ENOMEM. co_stack_put gives it back; the pool keeps the
 * most recently used ones, and gives the memory of long-idle crowds back to the system. */
struct co_stack *co_stack_get(struct co_stacks *);
void co_stack_put(struct co_stacks *, struct co_stack *);

size_t co_stacks_count(const struct co_stacks *);           /* in use or pooled */
size_t co_stacks_bytes(const struct co_stacks *);           /* address space of each, guard included */
const char *co_stacks_guard(const struct co_stacks *);      /* "madvise", "mprotect", "none (vm.max_map_count)" */

/* Whether `address` lies in this stack's guard: who touched it has overflowed. May be called from a signal handler. */
bool co_stack_overflowed(const struct co_stacks *, const struct co_stack *, const void *address);

#ifdef __cplusplus
}
#endif
#endif
