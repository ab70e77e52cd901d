/* unwind_expression.c - DWARF's expressions: a stack machine in which unwind tables say where things are.
 *
 * The trap it exists for: a table from outside is a program from outside: it may loop, and take more than it has put. */
#include <dwarf.h>

#include "grader/blocking/unwind.h"

enum { DEPTH = 64, STEPS = 1000 };

struct run {
    const struct machine *m;
    uint64_t stack[DEPTH];
    size_t depth;
    bool wrong, is_value;
    bool in_register;               /* the place is that register */
    uint64_t which;
};

bool machine_read(const struct machine *m, uint64_t address, uint64_t *value)
{
    *value = 0;
    if (address < m->bottom || m->len < sizeof *value || address - m->bottom > m->len - sizeof *value)
        return false;
    __builtin_memcpy(value, m->stack + (address - m->bottom), sizeof *value);
    return true;
}

static void put(struct run *run, uint64_t value)
{
    run->wrong |= run->depth == DEPTH;
    if (!run->wrong)
        run->stack[run->depth++] = value;
}

static uint64_t take(struct run *run)
{
    run->wrong |= run->depth == 0;
    return run->wrong ? 0 : run->stack[--run->depth];
}

static uint64_t of_register(struct run *run, uint64_t which)
{
    if (which < REGISTERS && run->m->known[which])
        return run->m->value[which];
    run->wrong = true;
    return 0;
}

static uint64_t of_memory(struct run *run, uint64_t address, uint64_t size)
{
    uint64_t value = 0;
    if (size == 0 || size > sizeof value || !machine_read(run->m, address, &value))
        run->wrong = true;
    return size < sizeof value ? value & (((uint64_t)1 << 8 * size) - 1) : value;
}

/* b was on top, a below it. */
static uint64_t of_two(struct run *run, uint8_t op, uint64_t a, uint64_t b)
{
    switch (op) {
    case DW_OP_and: return a & b;
    case DW_OP_minus: return a - b;
    case DW_OP_mul: return a * b;
    case DW_OP_or: return a | b;
    case DW_OP_plus: return a + b;
    case DW_OP_shl: return b < 64 ? a << b : 0;
    case DW_OP_shr: return b < 64 ? a >> b : 0;
    case DW_OP_shra: return (uint64_t)((int64_t)a >> (b < 64 ? b : 63));
    case DW_OP_xor: return a ^ b;
    case DW_OP_eq: return a == b;
    case DW_OP_ne: return a != b;
    case DW_OP_ge: return (int64_t)a >= (int64_t)b;
    case DW_OP_gt: return (int64_t)a > (int64_t)b;
    case DW_OP_le: return (int64_t)a <= (int64_t)b;
    case DW_OP_lt: return (int64_t)a < (int64_t)b;
    default: run->wrong = true; return 0;
    }
}

static void pick(struct run *run, uint64_t below)
{
    run->wrong |= below >= run->depth;
    if (!run->wrong)
        put(run, run->stack[run->depth - 1 - below]);
}

static void swap(struct run *run)
{
    uint64_t a = take(run), b = take(run);
    put(run, a);
    put(run, b);
}

static void step(struct run *run, const Dwarf_Op *op)
{
    uint8_t atom = op->atom;
    if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
        put(run, atom - DW_OP_lit0);
    else if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
        put(run, of_register(run, atom - DW_OP_breg0) + op->number);
    else if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31) {
        run->in_register = true;
        run->which = atom - DW_OP_reg0;
    } else if (atom >= DW_OP_const1u && atom <= DW_OP_consts)
        put(run, op->number);
    else switch (atom) {
    case DW_OP_nop: break;
    case DW_OP_regx: run->in_register = true; run->which = op->number; break;
    case DW_OP_bregx: put(run, of_register(run, op->number) + op->number2); break;
    case DW_OP_call_frame_cfa: put(run, run->m->cfa); break;
    case DW_OP_stack_value: run->is_value = true; break;
    case DW_OP_deref: put(run, of_memory(run, take(run), 8)); break;
    case DW_OP_deref_size: put(run, of_memory(run, take(run), op->number)); break;
    case DW_OP_dup: pick(run, 0); break;
    case DW_OP_over: pick(run, 1); break;
    case DW_OP_pick: pick(run, op->number); break;
    case DW_OP_drop: take(run); break;
    case DW_OP_swap: swap(run); break;
    case DW_OP_neg: put(run, -take(run)); break;
    case DW_OP_not: put(run, ~take(run)); break;
    case DW_OP_plus_uconst: put(run, take(run) + op->number); break;
    default: {
        uint64_t b = take(run), a = take(run);
        put(run, of_two(run, atom, a, b));
    }
    }
}

/* Where a jump goes: from its end, in bytes. `count`: nowhere. */
static size_t jump(const Dwarf_Op *ops, size_t count, size_t from)
{
    uint64_t to = ops[from].offset + 3 + (uint64_t)(int64_t)(int16_t)ops[from].number;
    for (size_t i = 0; i < count; i++)
        if (ops[i].offset == to)
            return i;
    return count;
}

bool expression_value(const struct machine *m, const Dwarf_Op *ops, size_t count, bool location, uint64_t *value)
{
    struct run run = { .m = m };
    size_t at = 0;
    for (int steps = 0; at < count && steps < STEPS && !run.wrong; steps++) {
        const Dwarf_Op *op = &ops[at];
        bool jumps = op->atom == DW_OP_skip || (op->atom == DW_OP_bra && take(&run) != 0);
        if (!jumps && op->atom != DW_OP_bra)
            step(&run, op);
        at = jumps ? jump(ops, count, at) : at + 1;
    }
    if (at < count || run.wrong)
        return false;
    if (run.in_register)
        *value = of_register(&run, run.which);
    else {
        *value = take(&run);
        if (location && !run.is_value)
            *value = of_memory(&run, *value, 8);
    }
    return !run.wrong;
}
