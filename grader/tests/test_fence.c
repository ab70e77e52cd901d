/* test_fence.c - a block ends at a page that nobody may touch, and damage is found, with words. */
#include <check.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/fence.h"
#include "grader/probe.h"

static sigjmp_buf back;
static char said[200];

static void on_fault(int signo, siginfo_t *info, void *context)
{
    (void)signo, (void)context;
    fence_words(info->si_addr, said, sizeof said);
    siglongjmp(back, 1);
}

static void on_damage(const char *sentence)
{
    snprintf(said, sizeof said, "%s", sentence);
    siglongjmp(back, 1);
}

static void watch(void)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
    sigaction(SIGSEGV, &action, NULL);
    fence_on_damage(on_damage);
    said[0] = 0;
}

/* Touches one byte, and says what came of it; "" if nothing. */
__attribute__((no_sanitize("address"))) static const char *touch(volatile char *address)
{
    said[0] = 0;
    if (sigsetjmp(back, 1) == 0)
        *address = 1;
    return said;
}

static const char *freeing(void *block)
{
    said[0] = 0;
    if (sigsetjmp(back, 1) == 0)
        fence_free(block);
    return said;
}

START_TEST(one_byte_past_the_end_is_a_crash_with_words)
{
    char *block = fence_new(48, "timeout A");
    ck_assert_uint_eq((uintptr_t)block % 16, 0);
    for (int i = 0; i < 48; i++)
        ck_assert_int_eq(block[i], 0);
    ck_assert_str_eq(touch(block + 47), "");
    ck_assert_str_eq(touch(block + 48), "touched timeout A (48 bytes), 0 bytes past its end");
    ck_assert_str_eq(touch(block + 60), "touched timeout A (48 bytes), 12 bytes past its end");
    fence_free(block);
}
END_TEST

START_TEST(a_freed_block_is_a_crash_with_words)
{
    char *block = fence_new(48, "timeout A");
    fence_free(block);
    ck_assert_str_eq(touch(block + 24), "touched timeout A, 24 bytes into it, after it was freed");
}
END_TEST

START_TEST(an_odd_size_has_a_canary_behind_it)
{
    char *block = fence_new(41, "timeout B");
    ck_assert_str_eq(touch(block + 41), "");
    ck_assert_str_eq(freeing(block), "wrote past the end of timeout B (41 bytes), as was seen when it was freed");
}
END_TEST

START_TEST(what_was_written_before_a_block_is_seen_when_it_is_freed)
{
    char *block = fence_new(64, "timeout C");
    ck_assert_str_eq(touch(block - 3), "");
    const char *words = freeing(block);
    ck_assert_str_eq(words, "wrote before the beginning of timeout C (64 bytes), as was seen when it was freed");
}
END_TEST

START_TEST(a_block_freed_twice_or_never_made_is_said)
{
    static _Alignas(16) char own[256];
    char *block = fence_new(64, "timeout D");
    ck_assert_str_eq(freeing(block), "");
    ck_assert_str_eq(freeing(block), "freed timeout D, which was freed already");
    ck_assert_ptr_nonnull(strstr(freeing(own + 128), ", where no block begins"));
    block = fence_new(64, "timeout E");
    ck_assert_ptr_nonnull(strstr(freeing(block + 16), ", where no block begins"));
}
END_TEST

START_TEST(a_null_pointer_and_a_wild_one_have_words)
{
    fence_words((void *)24, said, sizeof said);
    ck_assert_str_eq(said, "followed a NULL pointer (to address 24)");
    fence_words((void *)0x7000, said, sizeof said);
    ck_assert_str_eq(said, "touched address 0x7000, which is nobody's");
}
END_TEST

START_TEST(a_resized_block_keeps_its_content_and_moves)
{
    char *block = fence_resize(NULL, 100);
    ck_assert_int_eq((unsigned char)block[0], 0xaa);
    memcpy(block, "content", 8);
    char *larger = fence_resize(block, 9000);
    ck_assert_ptr_ne(larger, block);
    ck_assert_str_eq(larger, "content");
    ck_assert_int_eq((unsigned char)larger[8999], 0xaa);
    ck_assert_ptr_nonnull(strstr(touch(larger + 9008), "past its end"));
    ck_assert_ptr_nonnull(strstr(touch(block), "after it was freed"));
    char *smaller = fence_resize(larger, 3);
    ck_assert(memcmp(smaller, "con", 3) == 0);
    ck_assert_uint_eq(fence_usage().blocks, 1);
    ck_assert_uint_eq(fence_usage().bytes, 3);
    ck_assert_ptr_null(fence_resize(smaller, 0));
    ck_assert_uint_eq(fence_usage().blocks, 0);
}
END_TEST

START_TEST(what_an_ended_world_leaves_behind_is_freed_and_named)
{
    enum { MANY = 6000 };
    static char *left[MANY];
    char *lent = fence_new(16, "lent");
    for (int i = 0; i < MANY; i++)
        left[i] = fence_resize(NULL, 24);
    fence_abandon();
    ck_assert_uint_eq(fence_usage().blocks, 1);
    ck_assert_uint_eq(fence_usage().crowded, 0);
    ck_assert_str_eq(touch(left[0]), "touched block 1, 0 bytes into it, after the world it belonged to had ended");
    ck_assert_str_eq(freeing(left[MANY - 1]), "freed block 6000, after the world it belonged to had ended");
    ck_assert_str_eq(freeing(lent), "");
    ck_assert_str_eq(freeing(fence_resize(NULL, 24)), "");
    fence_abandon();
    ck_assert_uint_eq(fence_usage().blocks, 0);
}
END_TEST

START_TEST(memory_that_cannot_be_had_is_NULL_and_nothing_is_lost)
{
    char *block = fence_resize(NULL, 16);
    ck_assert_ptr_null(fence_resize(block, SIZE_MAX));
    ck_assert_ptr_null(fence_resize(block, SIZE_MAX / 4));
    ck_assert_uint_eq(fence_usage().blocks, 1);
    ck_assert_str_eq(freeing(block), "");
}
END_TEST

START_TEST(a_hundred_thousand_blocks_fit_and_the_crowd_is_admitted)
{
    enum { MANY = 100000 };
    char **many = malloc(MANY * sizeof *many);
    for (int i = 0; i < MANY; i++) {
        many[i] = fence_new(100, "timeout");
        ck_assert_ptr_nonnull(many[i]);
        many[i][99] = (char)i;
        ck_assert_int_eq(fence_crowded(), i >= 4096);
    }
    ck_assert_uint_eq(fence_usage().crowded, MANY - 4096);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(many[i][99], (char)i);
        fence_free(many[i]);
    }
    ck_assert_uint_eq(fence_usage().blocks, 0);
    ck_assert(!fence_crowded());
    free(many);
}
END_TEST

/* With 4,096 blocks fenced, the next is in the crowd. */
static void fill(void)
{
    void *last = NULL;
    while (!fence_crowded())
        ck_assert_ptr_nonnull(last = fence_new(16, "filler"));
    fence_free(last);
}

START_TEST(damage_in_the_crowd_is_seen_when_it_is_freed)
{
    fill();
    char *block = fence_new(32, "timeout F");
    ck_assert_uint_eq((uintptr_t)block % 16, 0);
    block[32] = 1;
    ck_assert_str_eq(freeing(block), "wrote past the end of timeout F (32 bytes), as was seen when it was freed");
    memset(block + 32, 0xa5, 1);
    fence_free(block);
    block = fence_new(32, "timeout G");
    ck_assert_str_eq(freeing(block), "");
    ck_assert_str_eq(freeing(block), "freed timeout G, which was freed already");
    block[5] = 1;
    said[0] = 0;
    for (int i = 0; i < 5000 && !said[0]; i++)
        freeing(fence_new(32, "timeout H"));
    ck_assert_str_eq(said, "wrote to timeout G (32 bytes) after it was freed");
}
END_TEST

START_TEST(freed_pages_are_used_again_only_after_the_whole_arena)
{
    char *first = fence_new(16, "the first");
    fence_free(first);
    for (int i = 0; i < 4000; i++) {
        fence_free(fence_new(16, "another"));
        ck_assert_ptr_nonnull(strstr(touch(first), "the first"));
    }
    for (int i = 0; i < 10000; i++)
        fence_free(fence_new(16, "another"));
    ck_assert_ptr_null(strstr(touch(first), "the first"));
}
END_TEST

static uint32_t seed = 7;

static uint32_t next(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

START_TEST(blocks_of_all_sizes_never_overlap)
{
    enum { SLOTS = 300 };
    static struct { unsigned char *data; size_t size; } slots[SLOTS];
    for (int round = 0; round < 10000; round++) {
        int i = (int)(next() % SLOTS);
        unsigned char mark = (unsigned char)i;
        for (size_t at = 0; at < slots[i].size; at += slots[i].size / 16 + 1)
            ck_assert_int_eq(slots[i].data[at], mark);
        slots[i].size = next() % 3 ? next() % 300 : next() % 40000;
        if (next() % 200 == 0)
            slots[i].size = 3000000;
        slots[i].data = fence_resize(slots[i].data, slots[i].size);
        ck_assert(!slots[i].size == !slots[i].data);
        if (slots[i].data)
            memset(slots[i].data, mark, slots[i].size);
    }
    for (int i = 0; i < SLOTS; i++)
        fence_free(slots[i].data);
    ck_assert_uint_eq(fence_usage().blocks, 0);
    ck_assert_uint_eq(fence_usage().bytes, 0);
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("fence");
    tcase_add_checked_fixture(c, watch, NULL);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, one_byte_past_the_end_is_a_crash_with_words);
    tcase_add_test(c, a_freed_block_is_a_crash_with_words);
    tcase_add_test(c, an_odd_size_has_a_canary_behind_it);
    tcase_add_test(c, what_was_written_before_a_block_is_seen_when_it_is_freed);
    tcase_add_test(c, a_block_freed_twice_or_never_made_is_said);
    tcase_add_test(c, a_null_pointer_and_a_wild_one_have_words);
    tcase_add_test(c, a_resized_block_keeps_its_content_and_moves);
    tcase_add_test(c, what_an_ended_world_leaves_behind_is_freed_and_named);
    tcase_add_test(c, memory_that_cannot_be_had_is_NULL_and_nothing_is_lost);
    tcase_add_test(c, a_hundred_thousand_blocks_fit_and_the_crowd_is_admitted);
    tcase_add_test(c, damage_in_the_crowd_is_seen_when_it_is_freed);
    tcase_add_test(c, freed_pages_are_used_again_only_after_the_whole_arena);
    tcase_add_test(c, blocks_of_all_sizes_never_overlap);
    Suite *s = suite_create("fence");
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
