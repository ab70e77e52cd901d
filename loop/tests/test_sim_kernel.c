/* test_sim_kernel.c - the proof of the twin: the same calls on the real kernel and in the sim give the same results.
 *
 * Ten thousand seeded sequences (EDDY_SEEDS=n for more, EDDY_FIRST_SEED=n to begin there) of forty calls; every return value,
 * every byte, every event and the order of events are compared. A difference prints the seed and the whole history.
 * Descriptors are compared too, counted from the first free one of each side; some sequences may have but a few. Only sizes are
 * held back: an eventfd is never given more than eight bytes, for kernels differ, and sockets only small ones where the kernel
 * counts its buffers otherwise than the sim. */
#include "loop/tests/kernel_side.h"

static void print_history(const struct sequence *q, uint64_t seed, int last)
{
    fprintf(stderr, "seed %llu: the kernel and the sim differ in call %d\n", (unsigned long long)seed, last);
    for (int i = 0; i <= last; i++) {
        const struct call_made *c = &q->calls[i];
        fprintf(stderr, "%2d  %-60s  ->%s\n", i, c->text, c->answers[0]);
        if (strcmp(c->answers[0], c->answers[1]) != 0)
            fprintf(stderr, "    in the sim:%*s ->%s\n", 50, "", c->answers[1]);
    }
}

/* Runs one sequence on both; false if they differ. */
static bool same(struct sequence *q, struct side sides[2], uint64_t seed)
{
    sequence_begin(q, seed);
    for (int s = 0; s < 2; s++)
        side_begin(&sides[s], q);
    for (int i = 0; i < CALLS; i++) {
        struct call_made *c = &q->calls[i];
        int64_t rc = 0;
        invent(q, i);
        describe(c);
        for (int s = 0; s < 2; s++) {
            char detail[TEXT] = "";
            rc = make(&sides[s], q, c, detail);
            add(c->answers[s], " %lld%s", (long long)rc, detail);
        }
        if (strcmp(c->answers[0], c->answers[1]) != 0) {
            print_history(q, seed, i);
            return false;
        }
        follow(q, c, rc);
    }
    for (int s = 0; s < 2; s++) {
        for (int fd = 0; fd < q->top; fd++)
            sides[s].sys->close(sides[s].sys, sides[s].base + fd);
        side_end(&sides[s]);
    }
    return true;
}

/* ---- tests --------------------------------------------------------------------------------------------------------- */

/* The first of NUMBERS free descriptors in a row, with no free one below it. */
static int first_of_a_row(struct sys *sys)
{
    int fds[NUMBERS], row = 0;
    while (row < NUMBERS) {
        int fd = sys->eventfd(sys);
        ck_assert_int_ge(fd, 0);
        if (row && fd != fds[row - 1] + 1)
            row = 0;
        fds[row++] = fd;
    }
    for (int i = 0; i < NUMBERS; i++)
        sys->close(sys, fds[i]);
    return fds[0];
}

/* How many writes of `len` bytes a socket takes. */
static int capacity(struct sys *sys, size_t len)
{
    int fds[2], n = 0;
    ck_assert_int_eq(sys->socketpair(sys, fds), 0);
    while (sys->write(sys, fds[0], pattern, len) == (ssize_t)len)
        n++;
    sys->close(sys, fds[0]);
    sys->close(sys, fds[1]);
    return n;
}

static bool sockets_are_exact(struct sim *sim)
{
    static const size_t lens[] = { 1, 192, 193, 1728, 1729, 3777, 36544, 36545 };
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
        if (capacity(sys_linux(), lens[i]) != capacity(sim_sys(sim), lens[i]))
            return false;
    return true;
}

/* A folder for sockets and with a file; the pattern is written. */
static void folder_begin(char *folder)
{
    char path[64];
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)(i % 251);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(pattern, 1, FILE_BYTES, file), FILE_BYTES);
    fclose(file);
}

static void folder_end(const char *folder)
{
    char path[64];
    snprintf(path, sizeof path, "%s/file", folder);
    unlink(path);
    rmdir(folder);
}

/* One sequence, in a new sim. */
static void compare(struct sequence *q, uint64_t seed, int base)
{
    static char data[2][LARGEST];
    char path[108];
    struct sim *sim = sim_new(0);
    struct side sides[2] = { { sys_linux(), NULL, base, data[0] }, { sim_sys(sim), sim, 3, data[1] } };
    bool agree = same(q, sides, seed);
    socket_path(q, path, sizeof path);
    unlink(path);
    if (!agree)
        folder_end(q->folder);
    ck_assert_msg(agree, "seed %llu differs: see the history above", (unsigned long long)seed);
    ck_assert_uint_eq(sim_live(sim).descriptors, 0);
    sim_close(sim);
}

START_TEST(ten_thousand_sequences_give_the_same_results_as_the_kernel)
{
    static struct sequence q;
    char folder[] = "/tmp/eddy-kernel-XXXXXX";
    const char *wanted = getenv("EDDY_SEEDS"), *first = getenv("EDDY_FIRST_SEED");
    uint64_t seeds = wanted ? strtoull(wanted, NULL, 10) : 10000, seed = first ? strtoull(first, NULL, 10) : 1;
    struct sim *sim = sim_new(0);
    folder_begin(folder);
    q.folder = folder;
    q.sockets_exact = sockets_are_exact(sim);
    q.bare = limit_is_the_kernels();
    sim_close(sim);
    if (!q.sockets_exact)
        fputs("note: this kernel counts socket buffers otherwise than the sim; sockets are given small writes only\n", stderr);
    int base = first_of_a_row(sys_linux());
    for (uint64_t last = seed + seeds; seed < last; seed++)
        compare(&q, seed, base);
    folder_end(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim against the kernel");
    TCase *group = tcase_create("differential");
    tcase_set_timeout(group, getenv("EDDY_SEEDS") ? 0 : 120);
    tcase_add_test(group, ten_thousand_sequences_give_the_same_results_as_the_kernel);
    suite_add_tcase(suite, group);
    return run_suite(suite);
}
