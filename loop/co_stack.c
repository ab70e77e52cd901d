/* co_stack.c - stacks for coroutines: mmap'd, guarded, pooled. See co_stack.h.
 *
 * Stacks are cut from slabs, one mapping for many: a mapping of its own for each would meet vm.max_map_count, and mmap costs
 * more than all the rest. Each consists of a guard, 64 KiB, and a page for the structs at its high end:
 *     low address   | guard | 64 KiB ... | struct co_stack |   high address
 * Traps: the number of pages of each is odd and their ends are staggered, otherwise the tops of all stacks, which is what
 * switching touches, would compete for the same few cache and TLB sets; a guard smaller than an array on the stack is
 * jumped over, so it is as large as the odd number allows. */
#include "loop/co_stack.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "loop/co_annotate.h"
#include "loop/log.h"
#include "loop/require.h"

enum {
    STACK_BYTES = 64 << 10,
    STACKS_PER_SLAB = 32,
    IDLE_SLABS_KEPT = 32,
    STAGGER = 256, STAGGERS = 8,
    SPLIT_GUARDS_MAX = 16000,       /* two mappings each: half of the usual vm.max_map_count, for the whole process */
};

struct co_slab {
    struct co_slab *next, *prev;
    char *base;
    struct co_stack *free;          /* most recently used first */
    unsigned cut, used, split;      /* stacks cut so far; in use; guards that are mappings */
};

struct co_stacks {
    struct sys *sys;
    struct co_slab ring;            /* those with a stack to give first, the full ones last */
    size_t page, guard, stride;
    size_t count, used, idle_slabs;
    bool no_install, unguarded;
};

static atomic_size_t split_guards;

struct co_stacks *co_stacks_new(struct sys *sys)
{
    struct co_stacks *p = sys_new(sys, sizeof *p);
    if (!p)
        return NULL;
    p->sys = sys;
    p->ring.next = p->ring.prev = &p->ring;
    p->page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = STACK_BYTES / p->page;
    p->guard = (pages > 2 ? pages - 2 : 1) * p->page;
    p->stride = p->guard + STACK_BYTES + p->page;
    return p;
}

/* ---- slabs -------------------------------------------------------------------------------------------------------- */

static void slab_unlink(struct co_slab *slab)
{
    slab->prev->next = slab->next;
    slab->next->prev = slab->prev;
}

static void slab_link(struct co_slab *after, struct co_slab *slab)
{
    slab->prev = after;
    slab->next = after->next;
    slab->next->prev = slab;
    after->next = slab;
}

static bool slab_full(const struct co_slab *slab)
{
    return !slab->free && slab->cut == STACKS_PER_SLAB;
}

static struct co_slab *slab_new(struct co_stacks *p)
{
    struct co_slab *slab = sys_new(p->sys, sizeof *slab);
    if (!slab)
        return NULL;
    slab->base = p->sys->map(p->sys, NULL, p->stride * STACKS_PER_SLAB);
    if (!slab->base) {
        sys_free(p->sys, slab);
        return NULL;
    }
    slab_link(&p->ring, slab);
    p->idle_slabs++;
    return slab;
}

static void slab_close(struct co_stacks *p, struct co_slab *slab)
{
    for (struct co_stack *s = slab->free; s; s = s->next)
        valgrind_stack_gone(s->valgrind_id);
    atomic_fetch_sub(&split_guards, slab->split);
    slab_unlink(slab);
    p->count -= slab->cut;
    p->idle_slabs--;
    p->sys->map(p->sys, slab->base, p->stride * STACKS_PER_SLAB);
    sys_free(p->sys, slab);
}

/* ---- guards ------------------------------------------------------------------------------------------------------- */

static bool guard_split(struct co_stacks *p, struct co_slab *slab, char *at)
{
    if (atomic_fetch_add(&split_guards, 1) < SPLIT_GUARDS_MAX && p->sys->guard(p->sys, at, p->guard, true) == 0) {
        slab->split++;
        return true;
    }
    atomic_fetch_sub(&split_guards, 1);
    return false;
}

static void guard_install(struct co_stacks *p, struct co_slab *slab, char *at)
{
    if (!p->no_install && p->sys->guard(p->sys, at, p->guard, false) == 0)
        return;
    p->no_install = true;
    if (guard_split(p, slab, at) || p->unguarded)
        return;
    p->unguarded = true;
    log_line(LOG_WARNING, "coroutine stacks beyond the first %zu have no guard: this kernel has no MADV_GUARD_INSTALL, and "
             "more mappings would meet vm.max_map_count; an overflow there is not caught", p->count);
}

/* ---- stacks ------------------------------------------------------------------------------------------------------- */

static struct co_stack *stack_cut(struct co_stacks *p, struct co_slab *slab)
{
    char *at = slab->base + slab->cut * p->stride;
    size_t structs = (sizeof(struct co_stack) + 63) & ~(size_t)63;
    struct co_stack *s = (struct co_stack *)(at + p->stride - structs - slab->cut % STAGGERS * STAGGER);
    guard_install(p, slab, at);
    slab->cut++;
    p->count++;
    *s = (struct co_stack){ .low = at + p->guard, .high = (char *)s, .slab = slab };
    s->valgrind_id = valgrind_stack(s->low, s->high);
    return s;
}

struct co_stack *co_stack_get(struct co_stacks *p)
{
    struct co_slab *slab = p->ring.next;
    if (slab == &p->ring || slab_full(slab))
        slab = slab_new(p);
    if (!slab) {
        errno = ENOMEM;
        return NULL;
    }
    struct co_stack *s = slab->free;
    if (s)
        slab->free = s->next;
    else
        s = stack_cut(p, slab);
    if (slab->used++ == 0)
        p->idle_slabs--;
    p->used++;
    if (slab_full(slab)) {
        slab_unlink(slab);
        slab_link(p->ring.prev, slab);
    }
    return s;
}

void co_stack_put(struct co_stacks *p, struct co_stack *s)
{
    struct co_slab *slab = s->slab;
    s->next = slab->free;
    slab->free = s;
    p->used--;
    if (p->ring.next != slab) {
        slab_unlink(slab);
        slab_link(&p->ring, slab);
    }
    if (--slab->used == 0 && ++p->idle_slabs > IDLE_SLABS_KEPT)
        slab_close(p, slab);
}

void co_stacks_close(struct co_stacks *p)
{
    REQUIRE(p->used == 0, "co_stacks_close: %zu stacks are still in use: put them back first", p->used);
    while (p->ring.next != &p->ring)
        slab_close(p, p->ring.next);
    sys_free(p->sys, p);
}

size_t co_stacks_count(const struct co_stacks *p)
{
    return p->count;
}

size_t co_stacks_bytes(const struct co_stacks *p)
{
    return p->stride;
}

const char *co_stacks_guard(const struct co_stacks *p)
{
    return p->unguarded ? "none (vm.max_map_count)" : p->no_install ? "mprotect" : "madvise";
}

bool co_stack_overflowed(const struct co_stacks *p, const struct co_stack *s, const void *address)
{
    const char *at = address;
    return at < s->low && at >= s->low - p->guard;
}
