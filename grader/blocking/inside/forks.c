/* forks.c - the wrappers of what makes another process of this one.
 *
 * A forked child finds the pages empty that say that it is watched: so fork is a call like any other. vfork returns twice from
 * the same frame, and what the child pushes there the parent finds: so it cannot be a function in C.
 *
 * The trap it exists for: the child of a vfork, which has the memory of the parent's thread, its place on the stack included. */
#include "grader/blocking/inside/raw.h"
#include "grader/blocking/inside/wrappers.h"

pid_t wrap_fork(void) __asm__("fork");
WRAPPER pid_t wrap_fork(void)
{
    static pid_t (*real)(void);
    struct call call;
    if (!real)
        real_find(&real, "fork");
    if (!call_enter(&call, CALL_fork))
        return real();
    pid_t result = real();
    if (call_moved(&call))
        call_slept(&call, NULL, NULL);
    call_leave(&call);
    return result;
}
extern __typeof(wrap_fork) wrap___fork __asm__("__fork") __attribute__((alias("fork"), visibility("default")));

int wrap_clone(int (*run)(void *), void *stack, int flags, void *argument, ...) __asm__("clone");
WRAPPER int wrap_clone(int (*run)(void *), void *stack, int flags, void *argument, ...)
{
    static int (*real)(int (*)(void *), void *, int, void *, ...);
    struct call call;
    va_list list;
    if (!real)
        real_find(&real, "clone");
    va_start(list, argument);
    void *parent_tid = va_arg(list, void *), *tls = va_arg(list, void *), *child_tid = va_arg(list, void *);
    va_end(list);
    if (!call_enter(&call, CALL_clone))
        return real(run, stack, flags, argument, parent_tid, tls, child_tid);
    int result = real(run, stack, flags, argument, parent_tid, tls, child_tid);
    if (call_moved(&call))
        call_slept(&call, NULL, NULL);
    call_leave(&call);
    return result;
}
extern __typeof(wrap_clone) wrap___clone __asm__("__clone") __attribute__((alias("clone"), visibility("default")));

/* ---- vfork ------------------------------------------------------------------------------------------------------------- */

static __thread struct call vforking __attribute__((tls_model("initial-exec")));
static __thread bool vforking_watched __attribute__((tls_model("initial-exec")));
static __thread struct registers vforking_at __attribute__((tls_model("initial-exec")));

__attribute__((visibility("hidden"))) void vfork_begins(uint64_t pc, uint64_t sp, uint64_t bp);
__attribute__((visibility("hidden"))) long vfork_returns(long result);

void vfork_begins(uint64_t pc, uint64_t sp, uint64_t bp)
{
    vforking_watched = call_enter(&vforking, CALL_vfork);
    if (!vforking_watched)
        return;
    struct slot *slot = vforking.watched->slot;
    slot->at.pc = pc;
    slot->at.sp = sp;
    slot->at.bp = bp;
    vforking_at = slot->at;
}

long vfork_returns(long result)
{
    if (result == 0)
        return 0;
    if (vforking_watched) {
        vforking.watched->slot->at = vforking_at;       /* the child's own calls have left theirs */
        if (call_moved(&vforking))
            call_slept(&vforking, NULL, NULL);
        call_leave(&vforking);
    }
    if (result > 0)
        return result;
    errno = (int)-result;
    return -1;
}

#if defined(__x86_64__)
/* The address to return to is kept in a register while the child runs on the same stack. */
__asm__(".text\n.globl vfork\n.type vfork, @function\n.globl __vfork\n.set __vfork, vfork\nvfork:\n"
        ".cfi_startproc\n"
        "    mov (%rsp), %rdi\n"
        "    lea 8(%rsp), %rsi\n"
        "    mov %rbp, %rdx\n"
        "    sub $8, %rsp\n"
        ".cfi_adjust_cfa_offset 8\n"
        "    call vfork_begins\n"
        "    add $8, %rsp\n"
        ".cfi_adjust_cfa_offset -8\n"
        "    pop %rdi\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_register %rip, %rdi\n"
        "    mov $58, %eax\n"
        "    syscall\n"
        "    push %rdi\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_offset %rip, -8\n"
        "    mov %rax, %rdi\n"
        "    jmp vfork_returns\n"
        ".cfi_endproc\n.size vfork, .-vfork\n");
#else
/* clone(CLONE_VM | CLONE_VFORK | SIGCHLD): the address to return to is kept below the stack's end that the child is given. */
__asm__(".text\n.globl vfork\n.type vfork, %function\n.globl __vfork\n.set __vfork, vfork\nvfork:\n"
        ".cfi_startproc\n"
        "    stp x29, x30, [sp, #-16]!\n"
        "    mov x0, x30\n"
        "    add x1, sp, #16\n"
        "    mov x2, x29\n"
        "    bl vfork_begins\n"
        "    ldp x29, x30, [sp], #16\n"
        "    mov x0, #0x4111\n"
        "    mov x1, #0\n"
        "    mov x8, #220\n"
        "    svc #0\n"
        "    b vfork_returns\n"
        ".cfi_endproc\n.size vfork, .-vfork\n");
#endif
