/* test_shelf.c - blocks to read into: the same one again, given back at the end, and nobody's trouble when there is no memory. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "loop/tests/support.h"
#include "stream/shelf.h"

static const size_t sizes[] = { SHELF_BLOCK, SHELF_LITTLE };

START_TEST(what_was_put_last_is_taken_first)
{
    struct world w;
    world_begin(&w);
    for (int i = 0; i < 2; i++) {
        char *a = shelf_take(w.loop, sizes[i]), *b = shelf_take(w.loop, sizes[i]);
        ck_assert_ptr_nonnull(a);
        ck_assert_ptr_ne(a, b);
        memset(a, 'x', sizes[i]);
        shelf_put(w.loop, a, sizes[i]);
        shelf_put(w.loop, b, sizes[i]);
        ck_assert_ptr_eq(shelf_take(w.loop, sizes[i]), b);
        ck_assert_ptr_eq(shelf_take(w.loop, sizes[i]), a);
        shelf_put(w.loop, a, sizes[i]);
        shelf_put(w.loop, b, sizes[i]);
    }
    world_end(&w);
}
END_TEST

START_TEST(what_lies_on_the_shelf_is_poisoned)
{
    struct world w;
    world_begin(&w);
    char *block = shelf_take(w.loop, SHELF_LITTLE);
    shelf_put(w.loop, block, SHELF_LITTLE);
#ifdef __SANITIZE_ADDRESS__
    ck_assert(__asan_address_is_poisoned(block + SHELF_LITTLE - 1));
#endif
    ck_assert_ptr_eq(shelf_take(w.loop, SHELF_LITTLE), block);
    memset(block, 'x', SHELF_LITTLE);
    shelf_put(w.loop, block, SHELF_LITTLE);
    world_end(&w);
}
END_TEST

START_TEST(a_large_block_is_never_taken_for_a_little_one)
{
    struct world w;
    world_begin(&w);
    char *large = shelf_take(w.loop, SHELF_BLOCK), *little = shelf_take(w.loop, SHELF_LITTLE);
    shelf_put(w.loop, large, SHELF_BLOCK);
    shelf_put(w.loop, little, SHELF_LITTLE);
    ck_assert_ptr_eq(shelf_take(w.loop, SHELF_BLOCK), large);
    ck_assert_ptr_eq(shelf_take(w.loop, SHELF_LITTLE), little);
    shelf_put(w.loop, large, SHELF_BLOCK);
    shelf_put(w.loop, little, SHELF_LITTLE);
    world_end(&w);
}
END_TEST

START_TEST(a_shelf_has_an_end)
{
    struct world w;
    static char *blocks[400];
    static const int kept[] = { 64, 256 };
    for (int k = 0; k < 2; k++) {
        world_begin(&w);
        shelf_put(w.loop, shelf_take(w.loop, sizes[k]), sizes[k]);
        size_t one = sim_live(w.sim).bytes;
        for (int i = 0; i < 400; i++)
            ck_assert_ptr_nonnull(blocks[i] = shelf_take(w.loop, sizes[k]));
        for (int i = 0; i < 400; i++)
            shelf_put(w.loop, blocks[i], sizes[k]);
        ck_assert_uint_eq(sim_live(w.sim).bytes, one + (size_t)(kept[k] - 1) * sizes[k]);
        world_end(&w);
    }
}
END_TEST

START_TEST(refused_memory_is_NULL_and_leaves_nothing)
{
    for (unsigned n = 1; n <= 2; n++) {
        struct world w;
        world_begin(&w);
        sim_fail(w.sim, CALL_MEMORY, n, 0);
        ck_assert_ptr_null(shelf_take(w.loop, SHELF_BLOCK));
        ck_assert(sim_failed(w.sim));
        shelf_put(w.loop, shelf_take(w.loop, SHELF_BLOCK), SHELF_BLOCK);
        world_end(&w);
    }
}
END_TEST

/* A coroutine that cleans up while the loop closes may be the last to put one back. */
struct late {
    struct extension extension;
    struct loop *loop;
    char *block;
};

static void put_late(struct extension *extension)
{
    struct late *late = (struct late *)extension;
    shelf_put(late->loop, late->block, SHELF_BLOCK);
}

START_TEST(a_block_may_be_put_back_when_the_shelf_is_gone)
{
    struct world w;
    world_begin(&w);
    struct late late = { .extension = { .close = put_late }, .loop = w.loop };
    loop_extend(w.loop, &late.extension);       /* older than the shelf, so closed after it */
    late.block = shelf_take(w.loop, SHELF_BLOCK);
    world_end(&w);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_was_put_last_is_taken_first, a_large_block_is_never_taken_for_a_little_one, what_lies_on_the_shelf_is_poisoned,
        a_shelf_has_an_end, refused_memory_is_NULL_and_leaves_nothing,
        a_block_may_be_put_back_when_the_shelf_is_gone, NULL,
    };
    Suite *suite = suite_create("shelf");
    add_tests(suite, "shelf", tests, 0);
    return run_suite(suite);
}
