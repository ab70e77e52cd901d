/* unwind.h - one step out of a function: from its registers and its stack to those of whoever has called it. */
#ifndef EDDY_GRADER_BLOCKING_UNWIND_H
#define EDDY_GRADER_BLOCKING_UNWIND_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REGISTERS = 33 };            /* by DWARF's numbers, as far as unwinding needs them */

struct machine {                    /* as it was in one function */
    int kind;                       /* EM_X86_64, EM_AARCH64 */
    uint64_t pc, cfa;               /* cfa: of this function, while its caller is looked for */
    uint64_t value[REGISTERS];
    bool known[REGISTERS];
    const uint8_t *stack;           /* a copy of what is from `bottom` on */
    uint64_t bottom;
    size_t len;
};

/* unwind_expression.c: what an unwind table says of a value, in its own little language. false: what it needs is not known, or it
 * makes no sense. */
bool machine_read(const struct machine *, uint64_t address, uint64_t *value);
/* A value; with `location`, what stands at that place, unless it says itself that it is a value. */
bool expression_value(const struct machine *, const Dwarf_Op *ops, size_t count, bool location, uint64_t *value);

#endif
