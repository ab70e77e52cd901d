/* test_watch_saves.c - each save is told once, however the editor does it, with inotify and without.
 *
 * Polling is tested in virtual time, on real files. inotify is the kernel's: there the loop is real, and the only wait is for
 * the word of a save that was made. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader/tests/watch_world.h"
#include "grader/watch/saves.h"

static char folder[64];
static struct world world;
static struct loop *loop;
static struct saves saves;
static int told, wanted;

static void put(const char *name, const char *words, const char *mode)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, mode);
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(words, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static void move(const char *from, const char *to)
{
    char a[256], b[256];
    snprintf(a, sizeof a, "%s/%s", folder, from);
    snprintf(b, sizeof b, "%s/%s", folder, to);
    ck_assert_int_eq(rename(a, b), 0);
}

static void drop(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_int_eq(unlink(path), 0);
}

static void on_save(void *self, int what)
{
    (void)self, (void)what;
    if (++told == wanted)
        loop_stop(loop);
}

static void stop(void *self, int what)
{
    (void)self, (void)what;
    loop_stop(loop);
}

/* Runs the loop for that long: virtual time with the sim. */
static void pass(int64_t time)
{
    struct timeout end = {0};
    wanted = 0;
    loop_call_at(loop, loop_time(loop) + time, &end, stop, NULL);
    ck_assert_int_eq(loop_start(loop), 0);
}

/* Runs the loop until `count` saves more were told, at most ten seconds. */
static void hear(int count)
{
    struct timeout end = {0};
    wanted = told + count;
    loop_call_at(loop, loop_time(loop) + 10 * SECOND, &end, stop, NULL);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_int_eq(told, wanted);
    loop_remove_timeout(loop, &end);
}

/* The kernel has queued all it has to say of what was done; once that is read, nothing more is on its way. */
static void expect_told(int count)
{
    pass(0);
    ck_assert(!saves.settle.armed);
    ck_assert_int_eq(told, count);
}

static void make_folder(void)
{
    strcpy(folder, "/tmp/watch-saves-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    put("loop.c", "one", "w");
    told = 0;
}

static void begin_polling(void)
{
    make_folder();
    world_begin(&world);
    loop = world.loop;
    saves_open(&saves, loop, &small_lab, folder, true, on_save, NULL);
    ck_assert_ptr_nonnull(saves_polling(&saves));
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void end_polling(void)
{
    saves_close(&saves);
    world_end(&world);
    remove_folder();
}

static void begin_listening(void)
{
    make_folder();
    loop = loop_new(sys_linux());
    saves_open(&saves, loop, &small_lab, folder, false, on_save, NULL);
    ck_assert_ptr_null(saves_polling(&saves));
}

static void end_listening(void)
{
    saves_close(&saves);
    ck_assert(loop_idle(loop));
    loop_close(loop);
    remove_folder();
}

/* ---- polling ------------------------------------------------------------------------------------------------------ */

START_TEST(nothing_is_told_while_nothing_is_saved)
{
    begin_polling();
    pass(60 * SECOND);
    ck_assert_int_eq(told, 0);
    end_polling();
}
END_TEST

START_TEST(a_save_is_told_within_600_ms_and_once)
{
    begin_polling();
    put("loop.c", "longer", "w");
    pass(600 * MILLISECOND);
    ck_assert_int_eq(told, 1);
    pass(60 * SECOND);
    ck_assert_int_eq(told, 1);
    end_polling();
}
END_TEST

START_TEST(a_file_that_still_changes_is_waited_for)
{
    begin_polling();
    put("loop.c", "", "w");
    pass(530 * MILLISECOND);
    put("loop.c", "now it is written", "w");
    pass(40 * MILLISECOND);
    ck_assert_int_eq(told, 0);
    pass(SECOND);
    ck_assert_int_eq(told, 1);
    end_polling();
}
END_TEST

START_TEST(a_file_that_comes_or_goes_is_told)
{
    begin_polling();
    put("tests.txt", "a test", "w");
    pass(SECOND);
    ck_assert_int_eq(told, 1);
    drop("tests.txt");
    pass(SECOND);
    ck_assert_int_eq(told, 2);
    end_polling();
}
END_TEST

START_TEST(files_that_are_not_the_labs_are_nobodys_business)
{
    begin_polling();
    put(".loop.c.swp", "swap", "w");
    put("loop.c~", "backup", "w");
    put("notes.md", "notes", "w");
    pass(10 * SECOND);
    ck_assert_int_eq(told, 0);
    end_polling();
}
END_TEST

START_TEST(a_folder_that_goes_and_comes_back_is_told_both_times)
{
    begin_polling();
    remove_folder();
    pass(SECOND);
    ck_assert_int_eq(told, 1);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    put("loop.c", "again", "w");
    pass(SECOND);
    ck_assert_int_eq(told, 2);
    end_polling();
}
END_TEST

/* ---- inotify ------------------------------------------------------------------------------------------------------ */

START_TEST(writing_over_a_file_is_one_save)
{
    begin_listening();
    put("loop.c", "two", "w");
    hear(1);
    expect_told(1);
    end_listening();
}
END_TEST

START_TEST(a_save_of_the_same_words_is_a_save)
{
    begin_listening();
    put("loop.c", "one", "w");
    hear(1);
    end_listening();
}
END_TEST

/* As vim does it: a probe, the old file renamed away, a new one written, its backup removed. */
START_TEST(a_save_by_rename_is_one_save)
{
    begin_listening();
    put("4913", "", "w");
    drop("4913");
    move("loop.c", "loop.c~");
    put("loop.c", "two", "w");
    drop("loop.c~");
    hear(1);
    put("loop.c.new", "three", "w");
    move("loop.c.new", "loop.c");
    hear(1);
    expect_told(2);
    end_listening();
}
END_TEST

START_TEST(two_files_saved_together_are_one_save)
{
    begin_listening();
    put("loop.c", "", "w");
    put("loop.c", "two", "a");
    put("tests.txt", "a test", "w");
    hear(1);
    expect_told(1);
    end_listening();
}
END_TEST

START_TEST(swap_files_are_not_saves)
{
    begin_listening();
    put(".loop.c.swp", "swap", "w");
    put("#loop.c#", "autosave", "w");
    expect_told(0);
    end_listening();
}
END_TEST

START_TEST(a_folder_that_is_replaced_is_polled_from_then_on)
{
    begin_listening();
    remove_folder();
    hear(1);
    ck_assert_ptr_nonnull(strstr(saves_polling(&saves), "is gone"));
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    put("loop.c", "again", "w");
    hear(1);
    end_listening();
}
END_TEST

/* A descriptor that hears nothing, as inotify's does on a network folder, and virtual time. */
START_TEST(a_deaf_inotify_is_found_out_and_said)
{
    int ends[2];
    begin_polling();
    ck_assert_int_eq(world.sys->pipe(world.sys, ends), 0);
    saves.fd = ends[0];
    saves.polling[0] = 0;
    put("loop.c", "longer", "w");
    pass(3 * SECOND);
    ck_assert_ptr_nonnull(strstr(saves_polling(&saves), "inotify is silent about this folder"));
    ck_assert_int_eq(told, 1);
    put("loop.c", "longer still", "w");
    pass(SECOND);
    ck_assert_int_eq(told, 2);
    world.sys->close(world.sys, ends[0]);
    world.sys->close(world.sys, ends[1]);
    end_polling();
}
END_TEST

int main(void)
{
    const TTest *const polling[] = {
        nothing_is_told_while_nothing_is_saved, a_save_is_told_within_600_ms_and_once, a_file_that_still_changes_is_waited_for,
        a_file_that_comes_or_goes_is_told, files_that_are_not_the_labs_are_nobodys_business,
        a_folder_that_goes_and_comes_back_is_told_both_times, a_deaf_inotify_is_found_out_and_said, NULL
    };
    const TTest *const listening[] = {
        writing_over_a_file_is_one_save, a_save_of_the_same_words_is_a_save, a_save_by_rename_is_one_save,
        two_files_saved_together_are_one_save, swap_files_are_not_saves, a_folder_that_is_replaced_is_polled_from_then_on, NULL
    };
    Suite *suite = suite_create("watch_saves");
    add_tests(suite, "polling", polling, 0);
    add_tests(suite, "inotify", listening, 0);
    return run_suite(suite);
}
