/* unwind.c - from a copy of a stack to the functions that are on it.
 *
 * By the unwind tables of what is mapped; where they say nothing, which is so of compiled code of interpreters and of some
 * assembly, by the chain of frame pointers. The trap it exists for: a chain that goes on into what was never a stack: each step
 * must lead further up in the copy. */
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/symbols_inside.h"
#include "grader/blocking/unwind.h"

struct numbers {                    /* what DWARF calls them */
    int pc, sp, bp, last;           /* pc: where the return address is */
    int others[5];                  /* of struct registers: rbx, r12 to r15, or what stands there */
};

static const struct numbers x86_64 = { 16, 7, 6, 16, { 3, 12, 13, 14, 15 } };
static const struct numbers aarch64 = { 30, 31, 29, 31, { 19, 20, 21, 22, 30 } };

enum outcome { STEPPED, OVER, NO_TABLE };

static const struct numbers *numbers_of(const struct machine *m)
{
    return m->kind == EM_AARCH64 ? &aarch64 : &x86_64;
}

static void set(struct machine *m, int which, uint64_t value)
{
    m->value[which] = value;
    m->known[which] = true;
}

/* On x86-64 it has a number of its own, by which tables of linkage stubs ask for it. */
static void set_pc(struct machine *m, uint64_t pc)
{
    m->pc = pc;
    if (m->kind == EM_X86_64)
        set(m, x86_64.pc, pc);
}

static void machine_begin(struct machine *m, const struct registers *r)
{
    const struct numbers *n = numbers_of(m);
    const uint64_t others[] = { r->rbx, r->r12, r->r13, r->r14, r->r15 };
    set_pc(m, r->pc);
    set(m, n->sp, r->sp);
    set(m, n->bp, r->bp);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        set(m, n->others[i], others[i]);
}

/* Return addresses may be signed, in bits that are no address. */
static uint64_t return_address(const struct machine *m, uint64_t value)
{
    return m->kind == EM_AARCH64 ? value & (((uint64_t)1 << 48) - 1) : value;
}

/* ---- by unwind tables ------------------------------------------------------------------------------------------------ */

static Dwarf_Frame *table_row(Dwarf_CFI *table, uint64_t address)
{
    Dwarf_Frame *row = NULL;
    return table && dwarf_cfi_addrframe(table, address, &row) == 0 ? row : NULL;
}

/* malloc'd. */
static Dwarf_Frame *image_row(struct image *image, uint64_t address)
{
    if (!image->asked_unwind)
        image->unwind = dwarf_getcfi_elf(image->elf);
    image->asked_unwind = true;
    Dwarf_Frame *row = table_row(image->unwind, address);
    return row || !image_dwarf(image) ? row : table_row(dwarf_getcfi(image->dwarf), address);
}

/* What the caller's register was. false: it is not known; `undefined`: the table says that there is none. */
static bool row_register(const struct machine *m, Dwarf_Frame *row, int which, uint64_t *value, bool *undefined)
{
    Dwarf_Op room[3], *ops;
    size_t count;
    *undefined = false;
    if (dwarf_frame_register(row, which, room, &ops, &count) < 0)
        return false;
    if (count)
        return expression_value(m, ops, count, true, value);
    *undefined = ops == room;
    *value = m->value[which];
    return !*undefined && m->known[which];
}

static enum outcome row_apply(struct machine *m, Dwarf_Frame *row, bool *exact)
{
    const struct numbers *n = numbers_of(m);
    struct machine caller = *m;
    Dwarf_Op *ops;
    size_t count;
    bool undefined;
    int at_return = dwarf_frame_info(row, NULL, NULL, exact);
    if (at_return < 0 || at_return > n->last || dwarf_frame_cfa(row, &ops, &count) < 0 ||
        !expression_value(m, ops, count, false, &m->cfa))
        return OVER;
    if (!row_register(m, row, at_return, &caller.pc, &undefined))
        return OVER;
    caller.pc = return_address(m, caller.pc);
    for (int i = 0; i < REGISTERS; i++)
        caller.known[i] = i <= n->last && i != n->sp && row_register(m, row, i, &caller.value[i], &undefined);
    if (!row_register(m, row, n->sp, &caller.value[n->sp], &undefined))
        caller.value[n->sp] = m->cfa;
    caller.known[n->sp] = true;
    if (!*exact && (m->cfa < m->value[n->sp] || (m->cfa == m->value[n->sp] && caller.pc == m->pc)))
        return OVER;
    *m = caller;
    return STEPPED;
}

static enum outcome step_by_table(struct symbols *symbols, int pid, struct machine *m, bool behind, bool *exact)
{
    uint64_t address;
    struct image *image = symbols_at(symbols, pid, m->pc - behind, &address);
    Dwarf_Frame *row = image ? image_row(image, address) : NULL;
    if (!row)
        return NO_TABLE;
    enum outcome outcome = row_apply(m, row, exact);
    free(row);
    return outcome;
}

/* ---- by frame pointers ----------------------------------------------------------------------------------------------- */

/* On both machines: the caller's frame pointer, and above it the return address. */
static enum outcome step_by_pointer(struct machine *m, bool *exact)
{
    const struct numbers *n = numbers_of(m);
    uint64_t frame = m->value[n->bp], next, pc;
    *exact = false;
    if (!m->known[n->bp] || frame < m->value[n->sp] || frame % 8)
        return OVER;
    if (!machine_read(m, frame, &next) || !machine_read(m, frame + 8, &pc))
        return OVER;
    memset(m->known, 0, sizeof m->known);
    set(m, n->bp, next);
    set(m, n->sp, frame + 16);
    set_pc(m, return_address(m, pc));
    return STEPPED;
}

/* ---- all of them ----------------------------------------------------------------------------------------------------- */

int symbols_unwind(struct symbols *symbols, int pid, const struct registers *r, const uint8_t *stack, size_t len, uint64_t *pcs,
                   int max)
{
    enum { LOWEST = 4096 };
    struct machine m = { .kind = symbols_machine(symbols, pid), .stack = stack, .bottom = r->sp, .len = len };
    bool behind = false;            /* pc is a return address: the call is before it */
    machine_begin(&m, r);
    pcs[0] = m.pc;
    int count = 1;
    while (count < max) {
        bool exact = false;
        enum outcome outcome = step_by_table(symbols, pid, &m, behind, &exact);
        if (outcome == NO_TABLE)
            outcome = step_by_pointer(&m, &exact);
        if (outcome == OVER || m.pc < LOWEST || m.pc >> 48)
            break;
        pcs[count++] = m.pc;
        behind = !exact;
    }
    return count;
}
