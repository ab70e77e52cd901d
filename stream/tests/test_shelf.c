/* test_shelf.c - blocks to read into: the same one again, given back at the end, and nobody's trouble when there is no memory. */
#include "loop/tests/support.h"
#include "stream/shelf.h"

START_TEST(what_was_put_last_is_taken_first)
{
    struct world w;
    world_begin(&w);
    char *a = shelf_take(w.loop), *b = shelf_take(w.loop);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_ne(a, b);
    memset(a, 'x', SHELF_BLOCK);
    shelf_put(w.loop, a);
    shelf_put(w.loop, b);
    ck_assert_ptr_eq(shelf_take(w.loop), b);
    ck_assert_ptr_eq(shelf_take(w.loop), a);
    shelf_put(w.loop, a);
    shelf_put(w.loop, b);
    world_end(&w);
}
END_TEST

START_TEST(a_shelf_has_an_end)
{
    struct world w;
    static char *blocks[100];
    world_begin(&w);
    for (int i = 0; i < 100; i++)
        ck_assert_ptr_nonnull(blocks[i] = shelf_take(w.loop));
    for (int i = 0; i < 100; i++)
        shelf_put(w.loop, blocks[i]);
    ck_assert_uint_le(sim_live(w.sim).bytes, 65 * SHELF_BLOCK);
    world_end(&w);
}
END_TEST

START_TEST(refused_memory_is_NULL_and_leaves_nothing)
{
    for (unsigned n = 1; n <= 2; n++) {
        struct world w;
        world_begin(&w);
        sim_fail(w.sim, CALL_MEMORY, n, 0);
        ck_assert_ptr_null(shelf_take(w.loop));
        ck_assert(sim_failed(w.sim));
        shelf_put(w.loop, shelf_take(w.loop));
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
    shelf_put(late->loop, late->block);
}

START_TEST(a_block_may_be_put_back_when_the_shelf_is_gone)
{
    struct world w;
    world_begin(&w);
    struct late late = { .extension = { .close = put_late }, .loop = w.loop };
    loop_extend(w.loop, &late.extension);       /* older than the shelf, so closed after it */
    late.block = shelf_take(w.loop);
    world_end(&w);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_was_put_last_is_taken_first, a_shelf_has_an_end, refused_memory_is_NULL_and_leaves_nothing,
        a_block_may_be_put_back_when_the_shelf_is_gone, NULL,
    };
    Suite *suite = suite_create("shelf");
    add_tests(suite, "shelf", tests, 0);
    return run_suite(suite);
}
