/* co_switch_ucontext.c - leaving one stack for another, on machines for which nobody wrote the assembly. See co_switch.h.
 *
 * Traps: swapcontext keeps the signal mask too, by a system call each time: some 300 ns where the others need 5; and
 * makecontext takes ints, so a pointer goes through in two halves. */
#include "loop/co_switch.h"

#include <stdint.h>
#include <ucontext.h>

struct beginning {
    ucontext_t context;
    void (*entry)(void *self);
    void *self;
};

static void begin(unsigned high, unsigned low)
{
    struct beginning *b = (struct beginning *)((uintptr_t)high << 16 << 16 | low);
    b->entry(b->self);
}

co_context co_context_new(char *low, char *high, void (*entry)(void *self), void *self)
{
    struct beginning *b = (struct beginning *)(((uintptr_t)high - sizeof *b) & ~(uintptr_t)63);
    *b = (struct beginning){ .entry = entry, .self = self };
    getcontext(&b->context);
    b->context.uc_stack.ss_sp = low;
    b->context.uc_stack.ss_size = (size_t)((char *)b - low);
    b->context.uc_link = NULL;
    makecontext(&b->context, (void (*)(void))begin, 2, (unsigned)((uintptr_t)b >> 16 >> 16), (unsigned)(uintptr_t)b);
    return &b->context;
}

void co_switch(co_context *from, co_context to)
{
    ucontext_t here;
    *from = &here;
    swapcontext(&here, to);
}
