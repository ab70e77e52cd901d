/* co_switch_x86_64.S - leaving one stack for another. See co_switch.h.
 *
 * A suspended context is its stack pointer; from there upwards lie r15, r14, r13, r12, rbx, rbp, and the address at which it
 * continues. The CFI lines let gdb and backtrace() see through a switch; the chain ends at co_begin, whose return address is
 * declared not to exist. The last jump is indirect, not `ret`: the return predictor cannot be right here. */

        .text
        .globl  co_switch
        .type   co_switch, @function
        .p2align 4
co_switch:                              /* rdi: where to save, rsi: what to continue */
        .cfi_startproc
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbp
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rcx
        jmp     *%rcx
        .cfi_endproc
        .size   co_switch, . - co_switch

/* Where a new context begins: calls r12 with rbx. */
        .type   co_begin, @function
        .p2align 4
co_begin:
        .cfi_startproc
        .cfi_undefined %rip
        .cfi_undefined %rbp
        movq    %rbx, %rdi
        call    *%r12
        ud2
        .cfi_endproc
        .size   co_begin, . - co_begin

        .globl  co_context_new
        .type   co_context_new, @function
        .p2align 4
co_context_new:                         /* rdi: low, rsi: high, rdx: entry, rcx: self */
        .cfi_startproc
        andq    $-16, %rsi
        leaq    -56(%rsi), %rax
        movq    $0, (%rax)              /* r15 */
        movq    $0, 8(%rax)             /* r14 */
        movq    $0, 16(%rax)            /* r13 */
        movq    %rdx, 24(%rax)          /* r12 */
        movq    %rcx, 32(%rax)          /* rbx */
        movq    $0, 40(%rax)            /* rbp: the end of the frame chain */
        leaq    co_begin(%rip), %rdx
        movq    %rdx, 48(%rax)
        ret
        .cfi_endproc
        .size   co_context_new, . - co_context_new

        .section .note.GNU-stack, "", @progbits
