/* main.c - runs the benches and writes what they found: `make bench`. See bench.h.
 *
 *     bench [--instructions] [--only WORD] FOLDER      writes FOLDER/bench.json and FOLDER/bench.svg
 *     bench --lane NAME ours|peer OPS                  one lane alone, for valgrind or perf
 *     bench --sleepers COUNT                           10^5 coroutines asleep, for their resident memory */
#include "loop/bench/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int run_one_lane(const char *name, const char *side, long ops)
{
    for (size_t i = 0; i < bench_count; i++) {
        if (strcmp(benches[i].name, name) != 0)
            continue;
        const struct lane *lane = strcmp(side, "ours") == 0 ? benches[i].ours : benches[i].peer;
        if (!lane || !lane->open)
            bench_die("\"%s\" has no such lane here", name);
        bench_run_lane(lane, ops);
        return 0;
    }
    bench_die("there is no bench \"%s\"", name);
}

/* Says which targets were missed; the program fails then. */
static int say_missed(const struct result *results, size_t count)
{
    int missed = 0;
    for (size_t i = 0; i < count; i++)
        if (results[i].verdict == MISSED) {
            printf("Missed: %s.\n", results[i].bench->name);
            missed = 1;
        }
    return missed;
}

static int run_all(const char *folder, const char *only, bool instructions)
{
    struct result *results = bench_array(bench_count, sizeof *results);
    char path[512];
    size_t count = 0;
    for (size_t i = 0; i < bench_count; i++) {
        if (only && !strstr(benches[i].name, only))
            continue;
        fprintf(stderr, "\r\033[K%s ...", benches[i].name);
        bench_measure(&benches[i], instructions, &results[count++]);
    }
    fputs("\r\033[K", stderr);
    if (count == 0) {
        printf("None of these benches has \"%s\" in its name.\n", only);
        free(results);
        return 0;
    }
    report_table(results, count);
    mkdir(folder, 0777);
    snprintf(path, sizeof path, "%s/bench.json", folder);
    if (report_json(results, count, path) < 0)
        bench_die("%s could not be written: %s", path, strerror(errno));
    snprintf(path, sizeof path, "%s/bench.svg", folder);
    if (picture_write(results, count, path) < 0)
        bench_die("%s could not be written: %s", path, strerror(errno));
    printf("%s/bench.json and bench.svg hold the same.\n", folder);
    int missed = say_missed(results, count);
    free(results);
    return missed;
}

int main(int argc, char **argv)
{
    bool instructions = false;
    const char *only = NULL;
    if (argc == 5 && strcmp(argv[1], "--lane") == 0)
        return run_one_lane(argv[2], argv[3], atol(argv[4]));
    if (argc == 3 && strcmp(argv[1], "--sleepers") == 0)
        return memory_sleepers(atol(argv[2]));
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++)
        if (strcmp(argv[i], "--instructions") == 0)
            instructions = true;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else
            bench_die("unknown option %s", argv[i]);
    if (i + 1 != argc)
        bench_die("which folder should the results be written to?");
    return run_all(argv[i], only, instructions);
}
