/* test_blocking_files.c - files that were replaced, deleted or damaged give less, and never harm; and stacks of both machines. */
#include <signal.h>
#include <sys/wait.h>

#include "grader/tests/blocking/symbols_world.h"

enum { STACK_AT = 0x20000000 };

/* ---- files that are not what they were ------------------------------------------------------------------------------- */

START_TEST(a_file_that_was_replaced_since_gives_no_names)
{
    build_plain("-g");
    uint64_t base = maps_at("plain.so", now() - (int64_t)60 * 1000000000), exported = value_of("plain.so", "exported");
    ck_assert_ptr_nonnull(strstr(look(base + exported + 1)->function, "plain.so+0x"));
    ck_assert(is_noted("plain.so was replaced while it ran"));
}
END_TEST

START_TEST(a_file_that_is_not_what_the_process_has_in_memory_gives_no_names)
{
    static uint8_t memory[1 << 20];
    build_plain("-g");
    GElf_Phdr code = code_of("plain.so");
    union {
        struct record_module module;
        char room[512];
    } record = { .module = { .head = { .pid = getpid(), .time = now() + 1000000000 }, .offset = code.p_offset } };
    record.module.begin = ((uintptr_t)memory + 4095) / 4096 * 4096 + code.p_vaddr;
    record.module.end = record.module.begin + code.p_memsz;
    sprintf(record.module.path, "%s/plain.so", folder);
    symbols_map(symbols, &record.module);
    ck_assert_ptr_nonnull(strstr(look_as(getpid(), record.module.begin + 1)->function, "plain.so+0x"));
    ck_assert(is_noted("plain.so was replaced while it ran"));
}
END_TEST

START_TEST(a_running_program_has_its_names_though_its_file_was_deleted)
{
    static const char text[] = "#include <unistd.h>\nint main(void) { write(1, \"\", 1); return pause(); }\n";
    int ends[2];
    char byte;
    write_file("waits.c", text, sizeof text - 1);
    RUN("gcc -g -no-pie waits.c -o waits");
    uint64_t address = value_of("waits", "main");
    ck_assert_int_eq(pipe(ends), 0);
    int pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        execl("./waits", "waits", (char *)NULL);
        _exit(1);
    }
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    RUN("rm waits");
    ck_assert_int_eq(symbols_look(symbols, pid), 0);
    look_as(pid, address + 4);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ck_assert_str_eq(frames[0].function, "main");
    ck_assert_int_eq(frames[0].line, 2);
}
END_TEST

START_TEST(a_file_that_is_gone_is_told_of_once)
{
    build_plain("-g");
    uint64_t base = maps("plain.so"), exported = value_of("plain.so", "exported");
    RUN("rm plain.so");
    look(base + exported + 1);
    look(base + exported + 2);
    ck_assert(is_noted("plain.so cannot be read (No such file or directory)"));
    ck_assert_ptr_null(symbols_note(symbols, 1));
}
END_TEST

START_TEST(what_is_mapped_over_another_takes_its_place)
{
    build_plain("-g");
    uint64_t base = maps("plain.so"), exported = value_of("plain.so", "exported");
    ck_assert_str_eq(look(base + exported + 1)->function, "exported");
    RUN("sed s/exported/replaced/ plain.c > other.c && gcc -O1 -g -fPIC -shared other.c -o other.so");
    base = maps("other.so");
    ck_assert_str_eq(look(base + value_of("other.so", "replaced") + 1)->function, "replaced");
    ck_assert_ptr_nonnull(strstr(frames[0].module, "other.so"));
}
END_TEST

START_TEST(a_child_has_what_its_parent_has_until_it_executes_another)
{
    build_plain("-g");
    uint64_t base = maps("plain.so"), exported = value_of("plain.so", "exported");
    symbols_fork(symbols, PID, CHILD);
    ck_assert_str_eq(look_as(CHILD, base + exported + 1)->function, "exported");
    symbols_forget(symbols, CHILD);
    ck_assert_ptr_null(look_as(CHILD, base + exported + 1)->module);
    symbols_forget(symbols, PID);
    ck_assert_ptr_null(look(base + exported + 1)->module);
}
END_TEST

static char whole[1 << 17], broken[1 << 17];

static void damage(size_t len, int seed)
{
    memcpy(broken, whole, len);
    for (int flips = seed % 3 ? rand() % (seed % 3 == 1 ? 8 : 200) + 1 : 0; flips > 0; flips--)
        broken[(size_t)rand() % len] = (char)rand();
    for (int flips = seed % 5 ? 0 : 10; flips > 0; flips--)
        broken[rand() % 128] = (char)rand();
}

static void look_everywhere(void)
{
    uint64_t stack[64], pcs[32];
    for (int i = 0; i < 60; i++) {
        look(BASE + (uint64_t)(rand() % 0x400));
        for (size_t k = 0; k < 64; k++)
            stack[k] = rand() % 2 ? BASE + (uint64_t)(rand() % 0x400) : STACK_AT + (uint64_t)(rand() % 512);
        struct registers at = { .pc = BASE + (uint64_t)(rand() % 0x400), .sp = STACK_AT, .bp = STACK_AT + 64 };
        ck_assert_int_ge(symbols_unwind(symbols, PID, &at, (uint8_t *)stack, sizeof stack, pcs, 32), 1);
    }
}

START_TEST(damaged_files_give_less_and_do_no_harm)
{
    build_plain("-g");
    FILE *f = fopen("plain.so", "re");
    size_t len = fread(whole, 1, sizeof whole, f);
    fclose(f);
    ck_assert_uint_lt(len, sizeof whole);
    for (int seed = 0; seed < 400; seed++) {
        srand((unsigned)seed);
        damage(len, seed);
        struct symbols *first = symbols;
        symbols = symbols_new();
        maps("plain.so");
        write_file("broken.so", broken, seed % 3 ? len : (size_t)rand() % len);
        ck_assert_int_eq(rename("broken.so", "plain.so"), 0);
        look_everywhere();
        symbols_free(symbols);
        symbols = first;
        write_file("plain.so", whole, len);
    }
}
END_TEST

/* ---- stacks of both machines ----------------------------------------------------------------------------------------- */

static const char arm64_code[] =
    ".macro frame name, size, calls\n"
    ".globl \\name\n.type \\name, %function\n"
    "\\name: .cfi_startproc\n"
    " stp x29, x30, [sp, -\\size]!\n .cfi_def_cfa_offset \\size\n .cfi_offset 29, -\\size\n .cfi_offset 30, -\\size + 8\n"
    " mov x29, sp\n bl \\calls\n ldp x29, x30, [sp], \\size\n ret\n .cfi_endproc\n.size \\name, . - \\name\n.endm\n"
    ".globl leaf\n.type leaf, %function\nleaf: .cfi_startproc\n nop\n ret\n .cfi_endproc\n.size leaf, . - leaf\n"
    "frame middle, 32, leaf\n"
    "frame outer, 48, middle\n"
    ".globl first\n.type first, %function\n"
    "first: .cfi_startproc\n .cfi_undefined x30\n bl outer\n nop\n .cfi_endproc\n.size first, . - first\n";

START_TEST(a_stack_of_aarch64_is_unwound_on_any_machine)
{
    if (attempt("command -v aarch64-linux-gnu-gcc >/dev/null"))
        return;
    write_file("arm.S", arm64_code, sizeof arm64_code - 1);
    RUN("aarch64-linux-gnu-gcc -shared -nostdlib arm.S -o arm.so");
    uint64_t base = maps("arm.so"), pcs[8], signed_bits = (uint64_t)0x2a << 48;
    uint64_t stack[16] = { STACK_AT + 32, signed_bits | (base + value_of("arm.so", "outer") + 12) };
    stack[5] = base + value_of("arm.so", "first") + 4;
    struct registers at = { .pc = base + value_of("arm.so", "leaf") + 4, .sp = STACK_AT, .bp = STACK_AT,
                            .r15 = base + value_of("arm.so", "middle") + 12 };
    ck_assert_int_eq(symbols_unwind(symbols, PID, &at, (uint8_t *)stack, sizeof stack, pcs, 8), 4);
    static const char *const functions[] = { "leaf", "middle", "outer", "first" };
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(look(pcs[i])->function, functions[i]);
}
END_TEST

#if defined(__x86_64__)
/* The table of a linkage stub counts on the address: rsp + 8, and 8 more from the eleventh byte on. */
static const char stub_code[] =
    ".globl caller\n.type caller, @function\n"
    "caller: .cfi_startproc\n .cfi_undefined rip\n call stub\n nop\n .cfi_endproc\n.size caller, . - caller\n"
    ".p2align 4\n.globl stub\n.type stub, @function\nstub: .cfi_startproc\n"
    " .cfi_escape 0x0f, 0x0b, 0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22\n"
    " .fill 11, 1, 0x90\n push $0\n nop\n nop\n nop\n .cfi_endproc\n.size stub, . - stub\n";

START_TEST(a_linkage_stub_is_unwound_through)
{
    char text[2048];
    int len = snprintf(text, sizeof text, "%s%s", _i ? ".cfi_sections .debug_frame\n" : "", stub_code);
    write_file("stub.S", text, (size_t)len);
    RUN("gcc -g -shared -nostdlib stub.S -o stub.so");
    uint64_t base = maps("stub.so"), pcs[4], back = base + value_of("stub.so", "caller") + 5;
    uint64_t stack[4] = { back, 0 };
    struct registers at = { .pc = base + value_of("stub.so", "stub") + 2, .sp = STACK_AT };
    ck_assert_int_eq(symbols_unwind(symbols, PID, &at, (uint8_t *)stack, sizeof stack, pcs, 4), 2);
    ck_assert_uint_eq(pcs[1], back);
    stack[0] = 0;
    stack[1] = back;
    at.pc += 11;
    ck_assert_int_eq(symbols_unwind(symbols, PID, &at, (uint8_t *)stack, sizeof stack, pcs, 4), 2);
    ck_assert_uint_eq(pcs[1], back);
}
END_TEST
#endif

int main(void)
{
    TCase *c = tcase_create("files");
    tcase_add_checked_fixture(c, begin, end);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, a_file_that_was_replaced_since_gives_no_names);
    tcase_add_test(c, a_file_that_is_not_what_the_process_has_in_memory_gives_no_names);
    tcase_add_test(c, a_running_program_has_its_names_though_its_file_was_deleted);
    tcase_add_test(c, a_file_that_is_gone_is_told_of_once);
    tcase_add_test(c, what_is_mapped_over_another_takes_its_place);
    tcase_add_test(c, a_child_has_what_its_parent_has_until_it_executes_another);
    tcase_add_test(c, damaged_files_give_less_and_do_no_harm);
    tcase_add_test(c, a_stack_of_aarch64_is_unwound_on_any_machine);
#if defined(__x86_64__)
    tcase_add_loop_test(c, a_linkage_stub_is_unwound_through, 0, 2);     /* by .eh_frame, by .debug_frame */
#endif
    Suite *s = suite_create("files");
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
