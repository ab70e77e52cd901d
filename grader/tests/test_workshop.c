/* test_workshop.c - from hand-ins to probes: those that build, and why the others do not.
 *
 * Run from the repository's root. The lab is one of our own, on loop/sys.c, and so is its build folder; its probe only
 * prints what sys_new(NULL, 7) returns. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader/sandbox.h"
#include "grader/workshop.h"

static char *folder, build[300], probe[300], message[8192];
static struct lab lab = { .name = "00-memory", .file_count = 3, .allow = "strlen memchr", .judged = "usleep",
                          .files = { { .name = "memory.c", .source = "loop/sys.c" },
                                     { .name = "words.c", .source = "loop/require.c", .optional = true },
                                     { .name = "notes.txt", .optional = true } } };

static const char probe_main[] =
    "#include \"loop/sys.h\"\n#include \"loop/require.h\"\n#include <stdio.h>\n"
    "int main(void) { printf(\"%d\\n\", (int)(long)sys_new(NULL, 7)); return !require_failed; }\n";

static bool make_build(void)
{
    char command[2048];
    folder = sandbox_folder(message, sizeof message);
    if (!folder)
        return false;
    snprintf(build, sizeof build, "%s/build/release", folder);
    snprintf(probe, sizeof probe, "%s/probe", folder);
    snprintf(command, sizeof command,
             "mkdir -p %s/plain/loop %s/labs/00-memory %s/build/other && ln -s \"$PWD/loop\" %s/loop && "
             "for f in sys require log timeouts $(cd loop && ls sys_linux*.c | sed s/.c$//); do "
             "gcc -D_GNU_SOURCE -std=c17 -I. -c loop/$f.c -o %s/plain/loop/$f.o || exit 1; done && "
             "gcc -D_GNU_SOURCE -std=c17 -I. -x c -c - -o %s/main.o && cd %s && ar rcs libeddy.a plain/loop/*.o && "
             "ar rcs labs/00-memory/probe-parts.a main.o plain/loop/log.o plain/loop/sys_linux*.o",
             build, build, folder, folder, build, build, build);
    FILE *f = popen(command, "w");
    fputs(probe_main, f);
    return pclose(f) == 0;
}

static int build_of(const char *source, const char *words)
{
    struct submission hand_in = { .data = { (char *)source, (char *)words, "notes" } };
    hand_in.len[0] = strlen(source);
    hand_in.len[1] = words ? strlen(words) : 0;
    unlink(probe);
    int result = workshop_build(&lab, &hand_in, build, probe, message, sizeof message);
    ck_assert_int_eq(access(probe, F_OK) == 0, result == 0);
    return result;
}

static int probe_says(void)
{
    char *argv[] = { "probe", NULL }, error[256];
    struct sandbox_job job = { .program = probe, .argv = argv, .wire = -1 };
    struct sandbox *run = sandbox_start(&job, error, sizeof error);
    ck_assert_msg(run, "%s", error);
    const struct sandbox_end *end = sandbox_wait(run);
    ck_assert_msg(end->how == SANDBOX_EXITED && end->code == 0, "%s", end->text);
    int said = atoi(end->output);
    sandbox_close(run);
    return said;
}

#define MEMORY "#include \"loop/sys.h\"\n" \
               "void sys_free(struct sys *s, void *memory) { s->memory(s, memory, 0); }\n"
#define MORE "void *sys_new(struct sys *s, size_t size) { return s ? 0 : (char *)s + size + 1; }\n"

START_TEST(the_students_code_is_what_is_linked)
{
    ck_assert_msg(build_of(MEMORY MORE, NULL) == 0, "%s", message);
    ck_assert_str_eq(message, "");
    ck_assert_int_eq(probe_says(), 8);
}
END_TEST

/* A jump into the last call would leave nobody on the stack to be named. */
#define LAST "static __attribute__((noipa)) void *called(void) {\n" \
             "    size_t from = (size_t)__builtin_return_address(0) - (size_t)sys_new;\n" \
             "    return (void *)(size_t)(from < 32 ? 8 : 9);\n}\n" \
             "void *sys_new(struct sys *s, size_t size) { (void)s, (void)size; return called(); }\n"

START_TEST(who_makes_a_last_call_stays_on_the_stack)
{
    ck_assert_msg(build_of(MEMORY LAST, NULL) == 0, "%s", message);
    ck_assert_int_eq(probe_says(), 8);
}
END_TEST

START_TEST(warnings_are_passed_on)
{
    ck_assert_msg(build_of(MEMORY MORE "static void idle(void) {}\n", NULL) == 0, "%s", message);
    ck_assert_ptr_nonnull(strstr(message, "memory.c:4:13: warning: 'idle' defined but not used"));
    ck_assert_int_eq(probe_says(), 8);
}
END_TEST

START_TEST(an_optional_file_is_linked_too)
{
    static const char words[] =
        "#include \"loop/require.h\"\nvoid require_failed(const char *file, int line, const char *function, "
        "const char *sentence, ...) { (void)file, (void)line, (void)function, (void)sentence; for (;;); }\n";
    ck_assert_msg(build_of(MEMORY MORE, words) == 0, "%s", message);
    ck_assert_int_eq(build_of(MEMORY MORE, "int nothing;\n"), 1);
    ck_assert_str_eq(message,
                     "Your words.c defines nothing, which is not a function of loop/require.h: make it static.");
}
END_TEST

START_TEST(mistakes_come_with_the_compilers_words)
{
    ck_assert_int_eq(build_of(MEMORY "int oops\n", NULL), 1);
    ck_assert_ptr_nonnull(strstr(message, "Your files do not compile:\nmemory.c:"));
    ck_assert_int_eq(build_of("#include \"loop/nowhere.h\"\n", "#error \"second\"\n"), 1);
    ck_assert_ptr_nonnull(strstr(message, "memory.c:1:10: fatal error: loop/nowhere.h: No such file"));
    ck_assert_ptr_nonnull(strstr(message, "words.c:1:2: error: #error \"second\""));
}
END_TEST

START_TEST(words_that_steer_a_terminal_are_defused)
{
    ck_assert_int_eq(build_of("#error \033[2J\233\a\n", NULL), 1);
    ck_assert_ptr_nonnull(strstr(message, "#error"));
    for (const char *c = message; *c; c++)
        ck_assert(*c == '\n' || (*c >= ' ' && *c < 127));
}
END_TEST

START_TEST(what_the_scan_finds_is_told)
{
    ck_assert_int_eq(build_of(MEMORY, NULL), 1);
    ck_assert_str_eq(message, "Your memory.c does not define sys_new.");
    ck_assert_int_eq(
        build_of(MEMORY MORE "#include <unistd.h>\n__attribute__((used)) static void f(void) { sleep(1); }\n", NULL),
        1);
    ck_assert_str_eq(message, "Your memory.c calls sleep: go through struct sys (loop/sys.h), or do without it.");
    ck_assert_msg(
        build_of(MEMORY MORE "#include <unistd.h>\n__attribute__((used)) static void f(void) { usleep(1); }\n", NULL) ==
            0,
        "%s", message);
}
END_TEST

START_TEST(files_of_the_machine_cannot_be_compiled_in)
{
    char source[1024], secret[400];
    snprintf(secret, sizeof secret, "%s/secret", folder);
    FILE *f = fopen(secret, "w");
    fputs("const char solution[] = \"the solution\";\n", f);
    fclose(f);
    chmod(secret, 0644);
    snprintf(source, sizeof source, "#include \"%s\"\n", secret);
    ck_assert_int_eq(build_of(source, NULL), 1);
    ck_assert_ptr_null(strstr(message, "the solution"));
    snprintf(source, sizeof source, MEMORY MORE "__asm__(\".incbin \\\"%s\\\"\");\n", secret);
    const char *why;
    if (sandbox_level(&why) >= 2)
        ck_assert_int_eq(build_of(source, NULL), 1);
}
END_TEST

static const char *const bombs[] = {
    "int a[1 << 28] = { 1 };\n",
    "#include \"memory.c\"\n",
    "#define A(x) x x x x x x x x x x x x x x x x\n#define B(x) A(A(A(A(x))))\nstatic const char *a = "
    "B(B(B(B(\"x\"))));\n",
};

START_TEST(a_bomb_for_the_compiler_is_the_students)
{
    ck_assert_int_eq(build_of(bombs[_i], NULL), 1);
    if (_i != 1)
        ck_assert_msg(!strncmp(message, "The compiler hit its limit: ", 28), "%.2000s", message);
}
END_TEST

START_TEST(a_call_of_what_the_probe_has_not_is_the_students)
{
    ck_assert_int_eq(build_of("#include \"loop/timeouts.h\"\n" MEMORY "void *sys_new(struct sys *s, size_t size) "
                              "{ return size ? timeouts_new(s) : 0; }\n", NULL), 1);
    ck_assert_ptr_nonnull(strstr(message, "Your files cannot be linked"));
    ck_assert_ptr_nonnull(strstr(message, "undefined reference to `timeouts_new'"));
}
END_TEST

/* The lab's own folder has the contract of own.c, and what the judge has. */
START_TEST(a_file_of_the_labs_folder_sees_its_own_header_and_no_other)
{
    struct lab own = lab;
    char command[2048];
    own.files[1] = (struct lab_file){ .name = "own.c", .source = "labs/00-memory/own.c" };
    snprintf(command, sizeof command,
             "mkdir -p %s/labs/00-memory %s/plain/labs/00-memory && cd %s/labs/00-memory && echo 'int own(void);' >own.h && "
             "echo '#error secret' >judge.h && echo 'int own(void) { return 1; }' | gcc -x c -c - -o "
             "%s/plain/labs/00-memory/own.o", folder, build, folder, build);
    ck_assert_int_eq(system(command), 0);
    struct submission hand_in = { .data = { MEMORY MORE, "#include \"labs/00-memory/own.h\"\nint own(void) { return 2; }\n" } };
    hand_in.len[0] = strlen(hand_in.data[0]);
    hand_in.len[1] = strlen(hand_in.data[1]);
    ck_assert_msg(workshop_build(&own, &hand_in, build, probe, message, sizeof message) == 0, "%s", message);
    hand_in.data[1] = "#include \"labs/00-memory/judge.h\"\n";
    hand_in.len[1] = strlen(hand_in.data[1]);
    ck_assert_int_eq(workshop_build(&own, &hand_in, build, probe, message, sizeof message), 1);
    ck_assert_ptr_nonnull(strstr(message, "labs/00-memory/judge.h: No such file"));
}
END_TEST

START_TEST(what_is_missing_of_ours_is_our_fault)
{
    struct submission hand_in = { .data = { MEMORY MORE }, .len = { strlen(MEMORY MORE) } };
    ck_assert_int_eq(workshop_build(&lab, &hand_in, "/nowhere/build/x", probe, message, sizeof message), 2);
    ck_assert_str_eq(message, "The headers beside /nowhere/build/x cannot be copied: No such file or directory.");
    char other[400], command[1600];
    snprintf(other, sizeof other, "%s/build/other", folder);
    ck_assert_int_eq(workshop_build(&lab, &hand_in, other, probe, message, sizeof message), 2);
    ck_assert_ptr_nonnull(strstr(message, "run make grader-build."));
    snprintf(command, sizeof command, "cp -r %s/. %s && ar d %s/labs/00-memory/probe-parts.a log.o", build, other,
             other);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(workshop_build(&lab, &hand_in, other, probe, message, sizeof message), 2);
    ck_assert_ptr_nonnull(strstr(message, "Our own files cannot be linked either."));
}
END_TEST

int main(void)
{
    const char *why;
    Suite *s = suite_create("workshop");
    TCase *tc = tcase_create("workshop");
    sandbox_level(&why);
    if (!make_build())
        return 1;
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, the_students_code_is_what_is_linked);
    tcase_add_test(tc, who_makes_a_last_call_stays_on_the_stack);
    tcase_add_test(tc, warnings_are_passed_on);
    tcase_add_test(tc, an_optional_file_is_linked_too);
    tcase_add_test(tc, mistakes_come_with_the_compilers_words);
    tcase_add_test(tc, words_that_steer_a_terminal_are_defused);
    tcase_add_test(tc, what_the_scan_finds_is_told);
    tcase_add_test(tc, files_of_the_machine_cannot_be_compiled_in);
    tcase_add_loop_test(tc, a_bomb_for_the_compiler_is_the_students, 0, sizeof bombs / sizeof *bombs);
    tcase_add_test(tc, a_call_of_what_the_probe_has_not_is_the_students);
    tcase_add_test(tc, a_file_of_the_labs_folder_sees_its_own_header_and_no_other);
    tcase_add_test(tc, what_is_missing_of_ours_is_our_fault);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    sandbox_folder_remove(folder);
    return failed != 0;
}
