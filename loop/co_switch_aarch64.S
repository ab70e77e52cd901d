/* co_switch_aarch64.S - leaving one stack for another. See co_switch.h.
 *
 * A suspended context is its stack pointer; from there upwards lie x19 to x28, x29 (frame), x30 (where it continues), d8 to
 * d15. The CFI lines let gdb and backtrace() see through a switch; the chain ends at co_begin, whose return address
 * is declared not to exist. The last jump is `br`, not `ret`: the return predictor cannot be right here. */

        .text
        .globl  co_switch
        .type   co_switch, %function
        .p2align 4
co_switch:                              /* x0: where to save, x1: what to continue */
        .cfi_startproc
        sub     sp, sp, #160
        .cfi_adjust_cfa_offset 160
        stp     x19, x20, [sp]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        .cfi_rel_offset x19, 0
        .cfi_rel_offset x20, 8
        .cfi_rel_offset x21, 16
        .cfi_rel_offset x22, 24
        .cfi_rel_offset x23, 32
        .cfi_rel_offset x24, 40
        .cfi_rel_offset x25, 48
        .cfi_rel_offset x26, 56
        .cfi_rel_offset x27, 64
        .cfi_rel_offset x28, 72
        .cfi_rel_offset x29, 80
        .cfi_rel_offset x30, 88
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x0]
        mov     sp, x1
        ldp     d14, d15, [sp, #144]
        ldp     d12, d13, [sp, #128]
        ldp     d10, d11, [sp, #112]
        ldp     d8, d9, [sp, #96]
        ldp     x29, x30, [sp, #80]
        ldp     x27, x28, [sp, #64]
        ldp     x25, x26, [sp, #48]
        ldp     x23, x24, [sp, #32]
        ldp     x21, x22, [sp, #16]
        ldp     x19, x20, [sp]
        add     sp, sp, #160
        .cfi_adjust_cfa_offset -160
        .cfi_restore x19
        .cfi_restore x20
        .cfi_restore x21
        .cfi_restore x22
        .cfi_restore x23
        .cfi_restore x24
        .cfi_restore x25
        .cfi_restore x26
        .cfi_restore x27
        .cfi_restore x28
        .cfi_restore x29
        .cfi_restore x30
        br      x30
        .cfi_endproc
        .size   co_switch, . - co_switch

/* Where a new context begins: calls x19 with x20. */
        .type   co_begin, %function
        .p2align 4
co_begin:
        .cfi_startproc
        .cfi_undefined x30
        mov     x0, x20
        blr     x19
        brk     #1
        .cfi_endproc
        .size   co_begin, . - co_begin

        .globl  co_context_new
        .type   co_context_new, %function
        .p2align 4
co_context_new:                         /* x0: low, x1: high, x2: entry, x3: self */
        .cfi_startproc
        and     x1, x1, #-16
        sub     x0, x1, #160
        stp     x2, x3, [x0]            /* x19, x20 */
        stp     xzr, xzr, [x0, #16]
        stp     xzr, xzr, [x0, #32]
        stp     xzr, xzr, [x0, #48]
        stp     xzr, xzr, [x0, #64]
        adr     x4, co_begin
        stp     xzr, x4, [x0, #80]      /* x29: the end of the frame chain; x30 */
        stp     xzr, xzr, [x0, #96]
        stp     xzr, xzr, [x0, #112]
        stp     xzr, xzr, [x0, #128]
        stp     xzr, xzr, [x0, #144]
        ret
        .cfi_endproc
        .size   co_context_new, . - co_context_new

        .section .note.GNU-stack, "", %progbits
