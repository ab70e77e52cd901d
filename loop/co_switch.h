/* co_switch.h - the machine part: leaving one stack for another.
 *
 * co_switch_x86_64.S, co_switch_aarch64.S, or co_switch_ucontext.c elsewhere. A switch that ends in `ret` costs three times
 * one that ends in an indirect jump: the return predictor never guesses right across stacks. */
#ifndef EDDY_LOOP_CO_SWITCH_H
#define EDDY_LOOP_CO_SWITCH_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a suspended context continues: its stack pointer, under which its registers lie. */
typedef void *co_context;

/* Prepares a context that will call entry(self) on the stack that ends at `high`; entry must never return. */
co_context co_context_new(char *low, char *high, void (*entry)(void *self), void *self);

/* Saves the running context in *from and continues `to`. Callee-saved registers are kept. The floating point control words
 * (rounding mode) are the thread's, as errno is: who changes them restores them before it waits. Keeping them would cost as
 * much as all of the rest. Nor is the signal mask kept. */
void co_switch(co_context *from, co_context to);

#ifdef __cplusplus
}
#endif
#endif
