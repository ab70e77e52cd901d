/* test_blocking_interpreter.c - V8's frames are read from a stack and a heap that are made here, in this process, as V8 makes
 * them.
 *
 * The trap it exists for: a heap that changes while it is read: whatever stands in it, nothing is made up. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/blocking/interpreter_inside.h"

enum { MAP_TYPE = 12, SHARED_TYPE = 262, SCRIPT_TYPE = 167, SCOPE_TYPE = 261, BYTECODES_TYPE = 191, BYTES_TYPE = 190,
       ARRAY_TYPE = 175, STRING_TYPE = 40, CONS_TYPE = 41, SLICE_TYPE = 43, EXTERNAL_TYPE = 42, OTHER_TYPE = 131,
       DATA = 54, STACK = 900, FRAME = 8 };

/* In the order of the names in interpreter_v8.c: as node 20 says them. */
static const int32_t numbers[V8_NUMBERS] = {
    -16, -32, -40, 24, 16, 32, 16, 8, 0, MAP_TYPE, 12, 16, 16, 16, 16, DATA, 2, 3, SHARED_TYPE, SCRIPT_TYPE, SCOPE_TYPE,
    BYTECODES_TYPE, BYTES_TYPE, ARRAY_TYPE, 128, 7, 8, 0, 1, 5, 8, 8, 3, 16, 24, 2, 16
};

static struct world {               /* one block, so that damage reaches all of it */
    uint64_t maps[8][2];
    uint64_t text[64], name[8], file[8], script[8], scope[12], shared[8], function[8], bytecodes[16], positions[8], array[4];
    uint64_t none[4], slice[4], cons[4];
    uint64_t stack[STACK];
} heap;
static struct interpreter in;
static char text[8192];

static const char source[] = "// a\nfunction spin() {\n  work();\n  more();\n}\n";

static uint64_t tagged(const void *object)
{
    return (uint64_t)object + 1;
}

static uint64_t number(int64_t value)
{
    return (uint64_t)value << 32;
}

static void object_make(uint64_t *object, int kind, int type)
{
    memcpy((char *)heap.maps[kind] + MAP_TYPE, &(uint16_t){ (uint16_t)type }, 2);
    object[0] = tagged(heap.maps[kind]);
}

static void string_make(uint64_t *object, const char *chars)
{
    object_make(object, 0, STRING_TYPE);
    object[1] = (uint64_t)strlen(chars) << 32;
    memcpy(object + 2, chars, strlen(chars));
}

/* At byte 4 of the code the position is `more`; until then it is `work`. */
static void bytecodes_make(void)
{
    int work = (int)(strstr(source, "work") - source), more = (int)(strstr(source, "more") - source);
    object_make(heap.bytecodes, 1, BYTECODES_TYPE);
    object_make(heap.array, 2, ARRAY_TYPE);
    object_make(heap.none, 3, OTHER_TYPE);
    object_make(heap.positions, 4, BYTES_TYPE);
    uint8_t table[] = { 0, (uint8_t)((work + 1) * 4 & 0x7f) | 0x80, (uint8_t)((work + 1) * 4 >> 7), 4 * 2,
                        (uint8_t)((more - work) * 4) };
    heap.positions[1] = number(sizeof table);
    memcpy(heap.positions + 2, table, sizeof table);
    heap.bytecodes[1] = number(10);
    heap.bytecodes[2] = tagged(heap.array);
    heap.bytecodes[3] = heap.bytecodes[4] = tagged(heap.positions);
}

static void heap_make(void)
{
    memset(&heap, 0, sizeof heap);
    in = (struct interpreter){ .pid = getpid(), .language = LANGUAGE_JAVASCRIPT };
    memcpy(in.v8, numbers, sizeof numbers);
    string_make(heap.text, source);
    string_make(heap.name, "spin");
    string_make(heap.file, "/srv/\xe9.js");
    bytecodes_make();
    object_make(heap.script, 5, SCRIPT_TYPE);
    heap.script[1] = tagged(heap.text);
    heap.script[2] = tagged(heap.file);
    object_make(heap.scope, 6, SCOPE_TYPE);
    uint64_t words[] = { tagged(heap.name), number(-1), tagged(heap.none), number(19), number(44), tagged(heap.scope) };
    memcpy(heap.scope + 4, words, sizeof words);
    object_make(heap.shared, 7, SHARED_TYPE);
    heap.shared[2] = tagged(heap.scope);
    heap.shared[4] = tagged(heap.script);
    heap.function[0] = tagged(heap.maps[3]);
    heap.function[3] = tagged(heap.shared);
}

/* `count` frames, one behind the other, the innermost at byte `at` of its code; -1: compiled. Where it is. */
static uint64_t stack_make(int count, int at)
{
    for (int i = 0; i < count; i++) {
        uint64_t *frame = heap.stack + FRAME * (i + 1);
        frame[0] = (uint64_t)(frame + FRAME);
        frame[1] = 0x1234;
        frame[-2] = tagged(heap.function);
        frame[-4] = tagged(heap.bytecodes);
        frame[-5] = at < 0 ? tagged(heap.none) : number(at + DATA - 1);
    }
    return (uint64_t)(heap.stack + FRAME);
}

static const char *lines(uint64_t bp)
{
    struct snapshot sample = { .at = { .sp = (uint64_t)heap.stack, .bp = bp }, .stack = (uint8_t *)heap.stack,
                               .stack_len = sizeof heap.stack };
    size_t len = v8_lines(&in, &sample, text, sizeof text);
    text[len] = 0;
    return text;
}

START_TEST(interpreted_code_has_its_line)
{
    heap_make();
    ck_assert_str_eq(lines(stack_make(1, 0)), "1: spin (/srv/\xc3\xa9.js:3:3)\n");
    ck_assert_str_eq(lines(stack_make(1, 3)), "1: spin (/srv/\xc3\xa9.js:3:3)\n");
    ck_assert_str_eq(lines(stack_make(1, 9)), "1: spin (/srv/\xc3\xa9.js:4:3)\n");
}
END_TEST

START_TEST(compiled_code_has_the_line_on_which_its_function_begins)
{
    heap_make();
    ck_assert_str_eq(lines(stack_make(1, -1)), "1: spin (/srv/\xc3\xa9.js:2:15)\n");
    stack_make(1, 0);
    heap.positions[0] = tagged(heap.maps[3]);       /* V8 has no positions of it */
    ck_assert_str_eq(lines(stack_make(1, 0)), "1: spin (/srv/\xc3\xa9.js:2:15)\n");
}
END_TEST

START_TEST(frames_are_found_where_no_register_points_to_them)
{
    heap_make();
    stack_make(2, 0);
    ck_assert_str_eq(lines(0), "1: spin (/srv/\xc3\xa9.js:3:3)\n2: spin (/srv/\xc3\xa9.js:3:3)\n");
    heap.stack[1] = (uint64_t)(heap.stack + 3);     /* a word that looks like the link of a frame, and is of C++ */
    ck_assert_str_eq(lines(0), "1: spin (/srv/\xc3\xa9.js:3:3)\n2: spin (/srv/\xc3\xa9.js:3:3)\n");
}
END_TEST

START_TEST(a_name_may_be_part_of_a_string_or_put_together_or_elsewhere)
{
    heap_make();
    object_make(heap.slice, 3, SLICE_TYPE);
    memcpy(heap.slice + 1, (uint64_t[]){ (uint64_t)2 << 32, tagged(heap.name), number(2) }, 24);
    heap.scope[4] = tagged(heap.slice);
    ck_assert_str_eq(lines(stack_make(1, 0)), "1: in (/srv/\xc3\xa9.js:3:3)\n");
    heap_make();
    object_make(heap.cons, 3, CONS_TYPE);
    memcpy(heap.cons + 1, (uint64_t[]){ (uint64_t)4 << 32, tagged(heap.name), tagged(heap.none) }, 24);
    heap.scope[4] = tagged(heap.cons);
    ck_assert_str_eq(lines(stack_make(1, 0)), "1: spin (/srv/\xc3\xa9.js:3:3)\n");
    object_make(heap.cons, 3, EXTERNAL_TYPE);
    memcpy(heap.cons + 1, (uint64_t[]){ (uint64_t)4 << 32, 0, (uint64_t)"away" }, 24);
    ck_assert_str_eq(lines(stack_make(1, 0)), "1: away (/srv/\xc3\xa9.js:3:3)\n");
    object_make(heap.cons, 3, CONS_TYPE);
    heap.cons[2] = tagged(heap.name);
    heap.cons[1] = (uint64_t)5 << 32;               /* its second half is not empty: half of a name is none */
    ck_assert_str_eq(lines(stack_make(1, 0)), "1: <anonymous> (/srv/\xc3\xa9.js:3:3)\n");
}
END_TEST

START_TEST(of_a_deep_recursion_both_ends_are_told)
{
    heap_make();
    lines(stack_make(100, 0));
    int count = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        count++;
    ck_assert_int_eq(count, 28);
}
END_TEST

START_TEST(what_is_no_script_has_no_line)
{
    heap_make();
    heap.script[0] = tagged(heap.maps[3]);
    ck_assert_str_eq(lines(stack_make(2, 0)), "");
    heap_make();
    heap.function[3] = tagged(heap.scope);
    ck_assert_str_eq(lines(stack_make(2, 0)), "");
    ck_assert_str_eq(lines(0), "");
}
END_TEST

START_TEST(whatever_the_heap_holds_lines_are_whole)
{
    int told = 0;
    srand(1);
    for (int round = 0; round < 3000; round++) {
        heap_make();
        uint64_t bp = stack_make(3, round % 4 - 1);
        uint64_t *words = (uint64_t *)&heap;
        for (int i = rand() % 6; i > 0; i--) {
            uint64_t values[] = { 0, 1, UINT64_MAX, (uint64_t)rand() << 32, tagged(&heap), (uint64_t)rand() };
            words[rand() % (int)((sizeof heap - sizeof heap.stack) / 8 + 40)] = values[rand() % 6];
        }
        const char *said = lines(round % 2 ? bp : 0);
        size_t len = strlen(said);
        ck_assert(len == 0 || said[len - 1] == '\n');
        told += len > 0;
    }
    ck_assert_int_gt(told, 1000);
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("interpreter");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, interpreted_code_has_its_line);
    tcase_add_test(c, compiled_code_has_the_line_on_which_its_function_begins);
    tcase_add_test(c, frames_are_found_where_no_register_points_to_them);
    tcase_add_test(c, a_name_may_be_part_of_a_string_or_put_together_or_elsewhere);
    tcase_add_test(c, of_a_deep_recursion_both_ends_are_told);
    tcase_add_test(c, what_is_no_script_has_no_line);
    tcase_add_test(c, whatever_the_heap_holds_lines_are_whole);
    Suite *s = suite_create("interpreter");
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
