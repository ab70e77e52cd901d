/* test_blocking_symbols.c - names, files and lines as far as a file tells them, and no further. */
#include "grader/tests/blocking/symbols_world.h"

/* ---- names ----------------------------------------------------------------------------------------------------------- */

START_TEST(a_stripped_file_tells_what_it_exports_and_of_the_rest_the_place)
{
    char place[64];
    build_plain("");
    uint64_t exported = value_of("plain.so", "exported"), hidden = value_of("plain.so", "hidden");
    RUN("strip plain.so");
    uint64_t base = maps("plain.so");
    ck_assert_str_eq(look(base + exported + 1)->function, "exported");
    snprintf(place, sizeof place, "plain.so+0x%lx", hidden + 1);
    ck_assert_str_eq(look(base + hidden + 1)->function, place);
    ck_assert_ptr_null(frames[0].file);
    ck_assert(frames[0].own);
}
END_TEST

START_TEST(a_symbol_table_tells_static_functions_too)
{
    build_plain("");
    uint64_t base = maps("plain.so");
    ck_assert_str_eq(look(base + value_of("plain.so", "hidden") + 1)->function, "hidden");
}
END_TEST

START_TEST(names_are_those_their_authors_wrote)
{
    static const char *const names[][2] = {
        { "read", "read" },
        { "serve.constprop.0", "serve" },
        { "serve.part.2.isra.0.cold", "serve" },
        { "memcpy@@GLIBC_2.14", "memcpy" },
        { "main.handler.func1", "main.handler.func1" },
        { "_ZN4shop4Till4openEi", "shop::Till::open" },
        { "_ZNK4shop4Till4openEi", "shop::Till::open" },
        { "_ZN4shop4TillclEi", "shop::Till::operator()" },
        { "_ZN12_GLOBAL__N_14workEv", "(anonymous namespace)::work" },
        { "_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()" },
        { "_ZN4shop5countIiEEvT_", "shop::count<int>" },
        { "_ZN4shop5applyISt8functionIFviEEEEiT_", "shop::apply<std::function<void (int)> >" },
        { "_ZN4core3ptr8do_thing17h0123456789abcdefE", "core::ptr::do_thing" },
        { "_Znonsense", "_Znonsense" },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *name = name_for_people(names[i][0]);
        ck_assert_str_eq(name, names[i][1]);
        free(name);
    }
}
END_TEST

START_TEST(an_address_that_nobody_has_mapped_is_shown_as_it_is)
{
    ck_assert_str_eq(look(0x12345678)->function, "0x12345678");
    ck_assert_ptr_null(frames[0].module);
    ck_assert(!frames[0].own);
}
END_TEST

START_TEST(a_frame_is_the_programs_own_unless_it_is_a_library_an_interpreter_or_a_loop)
{
    static const struct {
        char *path, *function, *file;
        bool own;
    } all[] = {
        { "/srv/app", "handle", "/srv/app.c", true },
        { "/srv/app", "uv_run", NULL, false },
        { "/srv/app", "std::this_thread::sleep_for", "/usr/include/c++/12/bits/this_thread_sleep.h", false },
        { "/srv/app", "read", "/usr/include/x86_64-linux-gnu/bits/unistd.h", false },
        { "/srv/lib/libeventful.so.1", "handle", NULL, true },
        { "/srv/lib/libevent_core-2.1.so.7", "handle", NULL, false },
        { "/srv/lib/libuv.so.1", "handle", NULL, false },
        { "/usr/lib/x86_64-linux-gnu/libsqlite3.so.0", "sqlite3_step", NULL, false },
        { "/usr/lib/nginx/modules/ngx_http_shop_module.so", "handle", NULL, true },
        { "/usr/lib/postgresql/15/bin/postgres", "handle", NULL, true },
        { "/usr/bin/node", "node::Start", NULL, false },
        { "/usr/bin/nodewatcher", "handle", NULL, true },
        { "/opt/bin/python3.11", "PyEval_EvalCode", NULL, false },
        { "/srv/python-thing", "handle", NULL, true },
        { "/home/u/.local/lib/python3.11/site-packages/uvloop/loop.so", "handle", NULL, false },
        { "[vdso]", "clock_gettime", NULL, false },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct image image = { .path = all[i].path };
        struct frame frame = { .function = all[i].function, .file = all[i].file };
        ck_assert_msg(frame_is_own(&frame, &image) == all[i].own, "%s in %s", all[i].function, all[i].path);
    }
}
END_TEST

START_TEST(a_c_library_that_was_linked_in_is_not_the_programs_own)
{
    static const char text[] = "#include <unistd.h>\nint main(void) { return usleep(5); }\n";
    write_file("sleeps.c", text, sizeof text - 1);
    RUN("gcc -g -static sleeps.c -o sleeps");
    uint64_t base = maps("sleeps");
    ck_assert(look(base + value_of("sleeps", "main") + 1)->own);
    ck_assert(!look(base + value_of("sleeps", "usleep") + 1)->own);
    ck_assert(!look(base + value_of("sleeps", "malloc") + 1)->own);
    RUN("gcc -static sleeps.c -o plain-sleeps");
    base = maps("plain-sleeps");
    ck_assert(look(base + value_of("plain-sleeps", "main") + 1)->own);
    ck_assert(!look(base + value_of("plain-sleeps", "usleep") + 1)->own);
}
END_TEST

START_TEST(compiled_code_has_the_name_that_its_compiler_wrote_down)
{
    static const char map[] = "1000 10 JS:~ /srv/app.js:3:1\n1010 10 JS:^get node:internal/url:7:5\n1020 10 py::run:/srv/app.py\n"
                              "1030 10 LazyCompile:*a.b /srv/app.js:9:2\n1040 10 Builtin:Call\n1050 10 JS:broken\n"
                              "1060 zz none\nnone\n1070 10 old\n1070 8 new\n";
    static const struct {
        char *function, *file;
        int line;
        bool own;
    } all[] = {
        { "<anonymous>", "/srv/app.js", 3, true }, { "get", "node:internal/url", 7, false }, { "run", "/srv/app.py", 0, true },
        { "a.b", "/srv/app.js", 9, true }, { "Builtin:Call", NULL, 0, false }, { "JS:broken", NULL, 0, false },
        { "0x1065", NULL, 0, false }, { "new", NULL, 0, false },
    };
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%d.map", PID);
    write_file(path, map, sizeof map - 1);
    build_plain("");
    maps("plain.so");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        look(0x1000 + 16 * i + 5);
        ck_assert_str_eq(frames[0].function, all[i].function);
        ck_assert_pstr_eq(frames[0].file, all[i].file);
        ck_assert_int_eq(frames[0].line, all[i].line);
        ck_assert(frames[0].own == all[i].own);
    }
    ck_assert_str_eq(look(0x107a)->function, "old");
    unlink(path);
}
END_TEST

/* ---- debug information ----------------------------------------------------------------------------------------------- */

START_TEST(a_separate_debug_file_of_the_same_build_is_used)
{
    build_plain("-g");
    uint64_t hidden = value_of("plain.so", "hidden");
    RUN("objcopy --only-keep-debug plain.so plain.debug && strip plain.so && objcopy --add-gnu-debuglink=plain.debug plain.so");
    uint64_t base = maps("plain.so");
    ck_assert_str_eq(look(base + hidden + 1)->function, "hidden");
    ck_assert_int_eq(frames[0].line, 3);
}
END_TEST

START_TEST(a_debug_file_of_another_build_is_not)
{
    build_plain("-g");
    uint64_t hidden = value_of("plain.so", "hidden");
    RUN("objcopy --only-keep-debug plain.so other.debug && mkdir .debug");
    build_plain("-g -DOTHER -O2");
    hidden = value_of("plain.so", "hidden");
    RUN("strip plain.so && cp other.debug plain.debug && objcopy --add-gnu-debuglink=plain.debug plain.so");
    uint64_t base = maps("plain.so");
    look(base + hidden + 1);
    ck_assert_ptr_null(frames[0].file);
    ck_assert_int_eq(strncmp(frames[0].function, "plain.so+0x", 11), 0);
}
END_TEST

START_TEST(units_are_found_without_a_table_of_their_addresses)
{
    build_plain("-g");
    RUN("objcopy --remove-section .debug_aranges plain.so");
    uint64_t base = maps("plain.so");
    look(base + value_of("plain.so", "asks") + 1);
    ck_assert_str_eq(frames[0].function, "asks");
    ck_assert_int_ge(frames[0].line, 4);
}
END_TEST

START_TEST(cpp_names_have_their_classes_also_when_inlined)
{
    static const char text[] =
        "volatile int n;\n"
        "namespace shop {\n"
        "struct Till {\n"
        "    __attribute__((always_inline)) void ring(int by) { n = n + by; }\n"
        "    void open(int by);\n"
        "};\n"
        "__attribute__((noinline)) void Till::open(int by)\n"
        "{\n"
        "    ring(by);\n"
        "}\n"
        "}\n";
    write_file("shop.cpp", text, sizeof text - 1);
    RUN("g++ -g -O2 -fPIC -shared shop.cpp -o shop.so");
    uint64_t base = maps("shop.so"), open = value_of("shop.so", "_ZN4shop4Till4openEi");
    for (uint64_t at = open; count != 2; at++) {
        ck_assert_uint_lt(at, open + 64);
        look(base + at);
    }
    ck_assert_str_eq(frames[0].function, "shop::Till::ring");
    ck_assert_str_eq(frames[1].function, "shop::Till::open");
    ck_assert_int_eq(frames[0].line, 4);
    ck_assert_int_eq(frames[1].line, 9);
    ck_assert(frames[0].inlined && !frames[1].inlined);
    ck_assert_str_eq(frames[1].source, "ring(by);");
}
END_TEST

/* ---- the text of lines ----------------------------------------------------------------------------------------------- */

START_TEST(a_line_is_quoted_as_it_was_when_the_program_was_built)
{
    build_plain("-g");
    uint64_t base = maps("plain.so");
    look(base + value_of("plain.so", "exported") + 1);
    char path[64];
    snprintf(path, sizeof path, "%s/plain.c", folder);
    ck_assert_str_eq(frames[0].file, path);
    ck_assert_str_eq(frames[0].source, "void exported(void) { n++; n *= 3; }");
    ck_assert_ptr_null(symbols_note(symbols, 0));
}
END_TEST

START_TEST(a_source_that_was_changed_since_is_not_quoted)
{
    build_plain("-g");
    RUN("touch -d '1 hour' plain.c");
    uint64_t base = maps("plain.so");
    look(base + value_of("plain.so", "exported") + 1);
    ck_assert_int_eq(frames[0].line, 2);
    ck_assert_ptr_null(frames[0].source);
    ck_assert(is_noted("plain.c was changed after the program was built"));
}
END_TEST

START_TEST(a_source_that_is_not_there_is_not_quoted)
{
    build_plain("-g");
    RUN("rm plain.c");
    uint64_t base = maps("plain.so");
    look(base + value_of("plain.so", "exported") + 1);
    ck_assert_int_eq(frames[0].line, 2);
    ck_assert_ptr_null(frames[0].source);
    ck_assert(is_noted("plain.c is not here"));
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("symbols");
    tcase_add_checked_fixture(c, begin, end);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, a_stripped_file_tells_what_it_exports_and_of_the_rest_the_place);
    tcase_add_test(c, a_symbol_table_tells_static_functions_too);
    tcase_add_test(c, names_are_those_their_authors_wrote);
    tcase_add_test(c, an_address_that_nobody_has_mapped_is_shown_as_it_is);
    tcase_add_test(c, a_frame_is_the_programs_own_unless_it_is_a_library_an_interpreter_or_a_loop);
    tcase_add_test(c, a_c_library_that_was_linked_in_is_not_the_programs_own);
    tcase_add_test(c, compiled_code_has_the_name_that_its_compiler_wrote_down);
    tcase_add_test(c, a_separate_debug_file_of_the_same_build_is_used);
    tcase_add_test(c, a_debug_file_of_another_build_is_not);
    tcase_add_test(c, units_are_found_without_a_table_of_their_addresses);
    tcase_add_test(c, cpp_names_have_their_classes_also_when_inlined);
    tcase_add_test(c, a_line_is_quoted_as_it_was_when_the_program_was_built);
    tcase_add_test(c, a_source_that_was_changed_since_is_not_quoted);
    tcase_add_test(c, a_source_that_is_not_there_is_not_quoted);
    Suite *s = suite_create("symbols");
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
