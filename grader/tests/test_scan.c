/* test_scan.c - objects that are fit to be linked, and those that would do something before or besides what they
 * are for.
 *
 * Run from the repository's root: every object is loop/timeouts.c with something added to it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/sandbox.h"
#include "grader/scan.h"

static char *folder, error[512], reference[300], object[300], library[300];
static struct scan_rules rules = { .reference = reference, .allow = "strlen qsort", .provided = library };

static bool compile(const char *source, const char *to)
{
    char command[1024];
    snprintf(command, sizeof command, "gcc -std=c17 -D_GNU_SOURCE -O2 -fno-common -w -I. -x c -c - -o %s", to);
    FILE *f = popen(command, "w");
    fputs(source, f);
    return pclose(f) == 0;
}

static bool fit(const char *source)
{
    ck_assert_msg(compile(source, object), "%s", source);
    return scan_object(object, "timeouts.c", &rules, error, sizeof error);
}

#define WHOLE "#include \"loop/timeouts.c\"\n"

START_TEST(the_production_file_is_fit)
{
    ck_assert_msg(fit(WHOLE), "%s", error);
    ck_assert_msg(fit(WHOLE "static int own(const void *a, const void *b) { return a < b; }\n"
                            "__attribute__((used)) static void sort(void *p) { qsort(p, strlen(p), 1, own); }\n"
                            "static const char *const names[] = { \"a\", \"b\" };\n"
                            "__attribute__((used)) static const char *syscall_(int i) { return names[i]; }\n"
                            "__attribute__((used)) static void in(struct sys *s) { sys_free(s, sys_new(s, 1)); }\n"),
                  "%s", error);
}
END_TEST

static const struct unfit {
    const char *source, *sentence;
} unfit[] = {
    { "#define timeouts_next timeouts_nxt\n" WHOLE,
      "your timeouts.c defines timeouts_nxt, which is not a function of loop/timeouts.h: make it static" },
    { "#define timeouts_next static __attribute__((used)) timeouts_nxt\n#include \"loop/timeouts.h\"\n",
      "does not define timeouts_" },
    { "int main(void) { return 0; }", "defines main, which is not a function of loop/timeouts.h: make it static" },
    { "int strcmp(const char *a, const char *b) { return 0; }", "defines strcmp, which is not a function" },
    { "int counter;", "defines counter, which is not a function" },
    { "__attribute__((weak)) void helper(void) {}", "defines helper, which is not a function" },
    { "int shared __attribute__((common));", "defines shared, which is not a function" },
    { "__attribute__((visibility(\"hidden\"))) void helper(void) {}", "defines helper, which is not a function" },
    { WHOLE "__attribute__((constructor)) static void early(void) { static volatile int ran; ran = 1; }",
      "your timeouts.c has a constructor (section .init_array): code must not run before it is called; remove it" },
    { WHOLE "__attribute__((destructor)) static void late(void) { static volatile int ran; ran = 1; }",
      "has a destructor (section .fini_array)" },
    { WHOLE "__attribute__((section(\".preinit_array\"), used)) static void *early = timeouts_count;",
      "has a constructor" },
    { WHOLE "__attribute__((section(\".ctors\"), used)) static void *early = timeouts_count;", "has a constructor" },
    { WHOLE "__attribute__((section(\".dtors\"), used)) static void *late = timeouts_count;", "has a destructor" },
    { WHOLE "__asm__(\".section .init,\\\"ax\\\"\\nnop\\n.text\");", "has a constructor (section .init)" },
    { WHOLE "__asm__(\".section .fini,\\\"ax\\\"\\nnop\\n.text\");", "has a destructor (section .fini)" },
    { WHOLE "__attribute__((section(\"__libc_atexit\"), used)) static void *late = timeouts_count;",
      "has a section __libc_atexit, which has no place in a lab" },
    { WHOLE "__attribute__((section(\".interp\"), used)) static const char loader[] = \"/work/x\";",
      "has a section .interp" },
    { WHOLE "static int a(void) { return 0; }\nstatic void *which(void) { return a; }\n"
            "static int b(void) __attribute__((ifunc(\"which\"), used));\n__attribute__((used)) static int c(void) { "
            "return b(); }",
      "makes b an ifunc, whose resolver runs before anybody calls it" },
    { WHOLE "int a2(void) { return 0; }\nstatic void *which(void) { return a2; }\nint b(void) "
            "__attribute__((ifunc(\"which\")));",
      "your timeouts.c " },
    { WHOLE "const char *__asan_default_options(void) { return \"exitcode=0\"; }",
      "defines __asan_default_options, a switch of the tools that look for mistakes: remove it" },
    { WHOLE "int __lsan_is_turned_off(void) { return 1; }", "defines __lsan_is_turned_off, a switch" },
    { WHOLE "#include <valgrind/valgrind.h>\n__attribute__((used)) static int f(void) { return RUNNING_ON_VALGRIND; }",
      "speaks to valgrind: remove the client requests" },
    { WHOLE "#include <unistd.h>\n__attribute__((used)) static void f(void) { usleep(1); }",
      "your timeouts.c calls usleep: go through struct sys (loop/sys.h), or do without it" },
    { WHOLE "#include <stdlib.h>\n__attribute__((used)) static void *f(int n) { return malloc(n); }",
      "calls malloc: memory comes from struct sys too" },
    { WHOLE "__attribute__((used)) static void *f(void) { return sys_linux(); }",
      "calls sys_linux: use the struct sys" },
    { WHOLE "__attribute__((used)) static void f(void) { undeclared_thing(); }", "calls undeclared_thing: go through" },
    { WHOLE "__attribute__((used)) static void f(void) { str(); }", "calls str: go through" },
#ifdef __x86_64__
    { WHOLE "__attribute__((used)) static void nap(void) { __asm__ volatile (\"syscall\"); }",
      "your timeouts.c calls the kernel by itself (syscall in nap): go through struct sys (loop/sys.h)" },
    { WHOLE "__attribute__((used)) static void nap(void) { __asm__ volatile (\"sysenter\"); }", "(sysenter in nap)" },
    { WHOLE "__attribute__((used)) static void nap(void) { __asm__ volatile (\"int $0x80\"); }",
      "(int    $0x80 in nap)" },
#else
    { WHOLE "__attribute__((used)) static void nap(void) { __asm__ volatile (\"svc #0\"); }",
      "calls the kernel by itself" },
#endif
};

START_TEST(an_unfit_object_is_told_why)
{
    ck_assert_msg(!fit(unfit[_i].source), "was let through: %s", unfit[_i].source);
    ck_assert_msg(strstr(error, unfit[_i].sentence), "%s\nshould have \"%s\"", error, unfit[_i].sentence);
}
END_TEST

START_TEST(a_function_that_is_not_there_is_named)
{
    ck_assert(!fit(""));
    ck_assert_str_eq(error, "your timeouts.c does not define timeouts_new");
}
END_TEST

START_TEST(what_is_no_object_is_told)
{
    FILE *f = fopen(object, "w");
    fputs("no object", f);
    fclose(f);
    ck_assert(!scan_object(object, "timeouts.c", &rules, error, sizeof error));
    ck_assert_str_eq(error, "your timeouts.c did not become an object file that can be read");
}
END_TEST

static bool make_reference(void)
{
    char command[1024];
    folder = sandbox_folder(error, sizeof error);
    if (!folder)
        return false;
    snprintf(reference, sizeof reference, "%s/loop/timeouts.o", folder);
    snprintf(object, sizeof object, "%s/object.o", folder);
    snprintf(library, sizeof library, "%s/lib.a", folder);
    snprintf(command, sizeof command,
             "mkdir %s/loop && for f in sys require sys_linux; do gcc -std=c17 -D_GNU_SOURCE -I. -c loop/$f.c "
             "-o %s/$f.o || exit 1; done; ar rcs %s %s/*.o",
             folder, folder, library, folder);
    return system(command) == 0 && compile(WHOLE, reference);
}

int main(void)
{
    const char *why;
    Suite *s = suite_create("scan");
    TCase *tc = tcase_create("scan");
    sandbox_level(&why);
    if (!make_reference())
        return 1;
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_production_file_is_fit);
    tcase_add_loop_test(tc, an_unfit_object_is_told_why, 0, sizeof unfit / sizeof *unfit);
    tcase_add_test(tc, a_function_that_is_not_there_is_named);
    tcase_add_test(tc, what_is_no_object_is_told);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    sandbox_folder_remove(folder);
    return failed != 0;
}
