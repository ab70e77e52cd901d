/* test_blocking_unwind.c - from registers and a copy of a stack to the functions on it, as they were called.
 *
 * The stacks are those of this program itself, taken as a wrapper takes them. */
#include <check.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "grader/blocking/symbols.h"
#include "loop/co_switch.h"

enum { DEEPEST = 64, STACK = 65536 };

static struct moment {
    struct registers at;
    uint8_t stack[JOURNAL_STACK];
    size_t len;
} moment;

static struct symbols *symbols;
static struct frame frames[4 * DEEPEST];
static int count;

static void begin(void)
{
    symbols = symbols_new();
    ck_assert_ptr_nonnull(symbols);
    ck_assert_int_eq(symbols_look(symbols, getpid()), 0);
    memset(&moment, 0, sizeof moment);
}

static void end(void)
{
    frames_free(frames, count);
    symbols_free(symbols);
    count = 0;
}

/* Where its caller is, and what is on the stack. The kernel copies: a sanitizer would mind, and a stack may end. */
static __attribute__((noinline)) void take_moment(void)
{
    enum { PIECE = 512 };
    const uint64_t *frame = __builtin_frame_address(0);
    moment.at.pc = (uint64_t)__builtin_return_address(0);
    moment.at.sp = (uint64_t)__builtin_dwarf_cfa();
    moment.at.bp = frame[0];
    for (moment.len = 0; moment.len < sizeof moment.stack; moment.len += PIECE) {
        struct iovec local = { moment.stack + moment.len, PIECE }, remote = { (void *)(moment.at.sp + moment.len), PIECE };
        if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != PIECE)
            return;
    }
}

static void unwind(size_t len)
{
    uint64_t pcs[DEEPEST];
    frames_free(frames, count);
    count = 0;
    int depth = symbols_unwind(symbols, getpid(), &moment.at, moment.stack, len, pcs, DEEPEST);
    ck_assert_int_ge(depth, 1);
    ck_assert_int_le(depth, DEEPEST);
    for (int i = 0; i < depth; i++)
        count += symbols_frames(symbols, getpid(), pcs[i], true, frames + count, 4);
}

/* The frame of that function, from `from` on; it must be there. */
static int frame_of(const char *function, int from)
{
    for (int i = from; i < count; i++)
        if (frames[i].function && !strcmp(frames[i].function, function))
            return i;
    ck_abort_msg("no frame of %s in %d frames", function, count - from);
    return -1;
}

/* ---- plain calls ----------------------------------------------------------------------------------------------------- */

static volatile int guard;

static __attribute__((noinline)) void innermost(void)
{
    take_moment(); guard++;         /* this is the line */
}

static __attribute__((noinline)) void outermost(int n)
{
    volatile char room[200];
    room[n] = 1;
    innermost();
    guard += room[n];
}

START_TEST(a_stack_is_unwound_to_main)
{
    outermost(3);
    unwind(moment.len);
    ck_assert_str_eq(frames[0].function, "innermost");
    ck_assert_str_eq(frames[1].function, "outermost");
    frame_of("main", frame_of("a_stack_is_unwound_to_main_fn", 2));
}
END_TEST

START_TEST(a_frame_has_its_file_its_line_and_the_text_of_the_line)
{
    outermost(3);
    unwind(moment.len);
    ck_assert_ptr_nonnull(frames[0].file);
    ck_assert_ptr_nonnull(strstr(frames[0].file, "test_blocking_unwind.c"));
    ck_assert_str_eq(frames[0].source, "take_moment(); guard++;         /* this is the line */");
    ck_assert_str_eq(frames[1].source, "innermost();");
    ck_assert_int_gt(frames[1].line, frames[0].line);
    ck_assert(frames[0].own && frames[1].own);
}
END_TEST

static inline __attribute__((always_inline)) void inlined_inner(void)
{
    take_moment();
    guard++;
}

static inline __attribute__((always_inline)) void inlined_outer(void)
{
    inlined_inner();
    guard++;
}

static __attribute__((noinline)) void holds_inlined(void)
{
    inlined_outer();
    guard++;
}

START_TEST(an_inlined_function_is_a_frame_of_its_own)
{
    holds_inlined();
    unwind(moment.len);
    ck_assert_str_eq(frames[0].function, "inlined_inner");
    ck_assert_str_eq(frames[1].function, "inlined_outer");
    ck_assert_str_eq(frames[2].function, "holds_inlined");
    ck_assert(frames[0].inlined && frames[1].inlined && !frames[2].inlined);
    ck_assert_str_eq(frames[1].source, "inlined_inner();");
    ck_assert_str_eq(frames[2].source, "inlined_outer();");
    ck_assert(frames[0].pc == frames[2].pc);
}
END_TEST

/* ---- through other people's code ------------------------------------------------------------------------------------- */

static int compares(const void *a, const void *b)
{
    take_moment();
    return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) void sorts(void)
{
    int numbers[] = { 2, 1 };
    qsort(numbers, 2, sizeof *numbers, compares);
    guard += numbers[0];
}

START_TEST(the_c_library_is_unwound_through_and_is_not_the_programs_own)
{
    sorts();
    unwind(moment.len);
    int inner = frame_of("compares", 0), outer = frame_of("sorts", inner);
    ck_assert_int_gt(outer, inner + 1);
    for (int i = inner + 1; i < outer; i++)
        ck_assert(!frames[i].own);
    ck_assert(frames[inner].own && frames[outer].own);
}
END_TEST

static void on_signal(int number)
{
    take_moment();
    guard += number;
}

static __attribute__((noinline)) void raises(void)
{
    raise(SIGUSR1);
    guard++;
}

START_TEST(a_signal_handler_is_unwound_to_what_it_interrupted)
{
    signal(SIGUSR1, on_signal);
    raises();
    unwind(moment.len);
    frame_of("main", frame_of("raises", frame_of("on_signal", 0)));
}
END_TEST

START_TEST(a_function_of_the_kernels_own_library_has_its_name)
{
    void *library = dlopen("linux-vdso.so.1", RTLD_NOW | RTLD_NOLOAD);
    char *place = library ? dlsym(library, "__vdso_clock_gettime") : NULL;
    place = library && !place ? dlsym(library, "__kernel_clock_gettime") : place;
    if (!place)
        return;
    count = symbols_frames(symbols, getpid(), (uint64_t)place + 1, false, frames, 1);
    ck_assert_ptr_nonnull(strstr(frames[0].function, "clock_gettime"));
    ck_assert(!frames[0].own);
}
END_TEST

/* ---- other stacks ---------------------------------------------------------------------------------------------------- */

static co_context suspended, resumed;

static __attribute__((noinline)) void in_coroutine(void *self)
{
    take_moment();
    co_switch(self, suspended);
    abort();
}

static __attribute__((noinline)) void switches(void)
{
    co_switch(&suspended, resumed);
    guard++;
}

START_TEST(a_coroutine_ends_where_it_began)
{
    char *stack = malloc(STACK);
    resumed = co_context_new(stack, stack + STACK, in_coroutine, &resumed);
    switches();
    unwind(moment.len);
    ck_assert_int_eq(frame_of("in_coroutine", 0), 0);
    ck_assert_int_eq(count, 2);
    ck_assert_int_eq(frame_of("co_begin", 0), 1);
    free(stack);
}
END_TEST

/* What a just-in-time compiler writes: a frame pointer, a call, and no table. */
#if defined(__x86_64__)
static const uint8_t compiled[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3 };
#else
static const uint8_t compiled[] = { 0xfd, 0x7b, 0xbf, 0xa9, 0xfd, 0x03, 0x00, 0x91, 0x00, 0x00, 0x3f, 0xd6,
                                    0xfd, 0x7b, 0xc1, 0xa8, 0xc0, 0x03, 0x5f, 0xd6 };
#endif

static __attribute__((noinline)) void called_by_compiled(void)
{
    take_moment();
    guard += 7;
}

static __attribute__((noinline)) void calls_compiled(void (*code)(void (*)(void)))
{
    code(called_by_compiled);
    guard += 9;
}

START_TEST(compiled_code_without_a_table_is_unwound_by_its_frame_pointers_and_named_by_its_map)
{
    char path[64];
    void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(code, MAP_FAILED);
    memcpy(code, compiled, sizeof compiled);
    __builtin___clear_cache(code, (char *)code + sizeof compiled);
    snprintf(path, sizeof path, "/tmp/perf-%d.map", getpid());
    FILE *map = fopen(path, "we");
    ck_assert_ptr_nonnull(map);
    fprintf(map, "no line\n%lx %zx JS:*handle /srv/app.js:7:3\n", (unsigned long)code, sizeof compiled);
    fclose(map);
    void (*call)(void (*)(void));
    memcpy(&call, &code, sizeof call);
    calls_compiled(call);
    unwind(moment.len);
    unlink(path);
    ck_assert_str_eq(frames[0].function, "called_by_compiled");
    ck_assert_str_eq(frames[1].function, "handle");
    ck_assert_str_eq(frames[1].file, "/srv/app.js");
    ck_assert_int_eq(frames[1].line, 7);
    ck_assert(frames[1].language && frames[1].own && !frames[1].module);
    frame_of("main", frame_of("calls_compiled", 2));
}
END_TEST

/* ---- what is damaged ------------------------------------------------------------------------------------------------- */

START_TEST(a_stack_that_was_cut_ends_early)
{
    outermost(3);
    unwind(moment.len);
    int whole = count;
    for (size_t len = 0; len < moment.len; len += 61) {
        unwind(len);
        ck_assert_str_eq(frames[0].function, "innermost");
        ck_assert_int_le(count, whole);
    }
    unwind(0);
    ck_assert_int_eq(count, 1);
}
END_TEST

START_TEST(a_stack_of_nonsense_is_unwound_to_some_end)
{
    outermost(3);
    struct moment was = moment;
    srand(6);
    for (int i = 0; i < 2000; i++) {
        moment = was;
        for (int flip = rand() % 100; flip >= 0; flip--)
            moment.stack[(size_t)rand() % moment.len] = (uint8_t)rand();
        if (i % 3 == 0)
            moment.at.bp = moment.at.sp + (uint64_t)(rand() % 4096);
        if (i % 7 == 0)
            moment.at.pc += (uint64_t)(rand() % 65536);
        uint64_t pcs[DEEPEST];
        int depth = symbols_unwind(symbols, getpid(), &moment.at, moment.stack, moment.len, pcs, DEEPEST);
        ck_assert(depth >= 1 && depth <= DEEPEST && pcs[0] == moment.at.pc);
    }
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("unwind");
    tcase_add_checked_fixture(c, begin, end);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_stack_is_unwound_to_main);
    tcase_add_test(c, a_frame_has_its_file_its_line_and_the_text_of_the_line);
    tcase_add_test(c, an_inlined_function_is_a_frame_of_its_own);
    tcase_add_test(c, the_c_library_is_unwound_through_and_is_not_the_programs_own);
    tcase_add_test(c, a_signal_handler_is_unwound_to_what_it_interrupted);
    tcase_add_test(c, a_function_of_the_kernels_own_library_has_its_name);
    tcase_add_test(c, a_coroutine_ends_where_it_began);
    tcase_add_test(c, compiled_code_without_a_table_is_unwound_by_its_frame_pointers_and_named_by_its_map);
    tcase_add_test(c, a_stack_that_was_cut_ends_early);
    tcase_add_test(c, a_stack_of_nonsense_is_unwound_to_some_end);
    Suite *s = suite_create("unwind");
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
