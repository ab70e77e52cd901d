/* measure.c - slices in turn, ratios in pairs, quartiles. See bench.h. */
#include "loop/bench/bench.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 41, LANES = 3, PAGE = 4096 };
enum { OURS, PEER, AGAIN };

/* One figure a round and lane: ns of CPU per operation. */
struct rounds {
    size_t count;
    double ns[LANES][ROUNDS];
};

int64_t bench_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_elsewhere(double (*measure)(void))
{
    int fds[2];
    double value = -1;
    fflush(NULL);
    pid_t child = pipe(fds) < 0 ? -1 : fork();
    if (child < 0)
        bench_die("no second process could be made");
    if (child == 0) {
        value = measure();
        _exit(write(fds[1], &value, sizeof value) == sizeof value ? 0 : 1);
    }
    close(fds[1]);
    if (read(fds[0], &value, sizeof value) != sizeof value)
        value = -1;
    close(fds[0]);
    waitpid(child, NULL, 0);
    return value;
}

struct spread bench_spread(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return (struct spread){ values[count / 4], values[count / 2], values[count - 1 - count / 4] };
}

enum verdict bench_verdict(const struct bench *b, struct spread judged)
{
    if (b->target == 0)
        return INFORMATION;
    return judged.low > b->target ? MISSED : MET;
}

static int64_t cpu_of(const struct bench *b, const struct lane *lane, void *self)
{
    return (lane == b->peer || b->both) && b->peer_cpu ? b->peer_cpu(self) : bench_cpu();
}

static double slice(const struct bench *b, const struct lane *lane, void *self)
{
    int64_t before = cpu_of(b, lane, self);
    lane->run(self, b->ops);
    return (double)(cpu_of(b, lane, self) - before) / (double)b->ops;
}

/* Who goes first rotates, so that no lane always inherits the caches of the same other one. Round -1 warms up. */
static void run_rounds(const struct bench *b, struct rounds *rounds)
{
    const struct lane *lanes[LANES] = { b->ours, b->peer, b->alone ? NULL : b->ours };
    void *selves[LANES] = {0};
    rounds->count = b->rounds ? (size_t)b->rounds : ROUNDS;
    for (int i = 0; i < LANES; i++)
        if (lanes[i])
            selves[i] = lanes[i]->open();
    for (int round = -1; round < (int)rounds->count; round++)
        for (int turn = 0; turn < LANES; turn++) {
            int i = (turn + round + 1) % LANES;
            double ns = lanes[i] ? slice(b, lanes[i], selves[i]) : 0;
            if (round >= 0)
                rounds->ns[i][round] = ns;
        }
    for (int i = 0; i < LANES; i++)
        if (lanes[i])
            lanes[i]->close(selves[i]);
}

static struct spread paired(const struct rounds *rounds, int above, int below)
{
    double ratios[ROUNDS];
    for (size_t i = 0; i < rounds->count; i++)
        ratios[i] = rounds->ns[above][i] / rounds->ns[below][i];
    return bench_spread(ratios, rounds->count);
}

static void measure_cpu(const struct bench *b, struct result *r)
{
    struct rounds rounds;
    run_rounds(b, &rounds);
    if (!b->alone)
        r->control = paired(&rounds, AGAIN, OURS);
    if (b->peer)
        r->judged = paired(&rounds, OURS, PEER);
    r->ours = bench_spread(rounds.ns[OURS], rounds.count);
    r->peer = bench_spread(rounds.ns[PEER], rounds.count);
    if (b->measure == TIME)
        r->judged = r->ours;
}

static void measure_exact(const struct bench *b, bool instructions, struct result *r)
{
    bool peer = b->peer && !b->peer_cpu;
    r->calls_ours = bench_count_calls(b->ours, b->ops, NULL);
    if (peer)
        r->calls_peer = bench_count_calls(b->peer, b->ops, NULL);
    if (!instructions)
        return;
    r->instructions_ours = bench_count_instructions(b, true);
    if (peer)
        r->instructions_peer = bench_count_instructions(b, false);
}

static void judge_calls(struct result *r)
{
    double ratio = r->calls_ours / r->calls_peer;
    r->judged = (struct spread){ ratio, ratio, ratio };
    r->ours = (struct spread){ r->calls_ours, r->calls_ours, r->calls_ours };
    r->peer = (struct spread){ r->calls_peer, r->calls_peer, r->calls_peer };
}

const char *bench_absent(const char *name)
{
    static char line[140];
    char path[64];
    snprintf(path, sizeof path, "build/peers/%s.txt", name);
    FILE *f = fopen(path, "r");
    bool read = f && fgets(line, sizeof line, f);
    if (f)
        fclose(f);
    line[strcspn(line, "\n")] = '\0';
    return read ? line : "it is not under build/peers: run `make bench` from the top folder";
}

void bench_measure(const struct bench *b, bool instructions, struct result *r)
{
    *r = (struct result){ .bench = b, .calls_ours = -1, .calls_peer = -1, .instructions_ours = -1, .instructions_peer = -1 };
    const char *why = b->unfit ? b->unfit() : NULL;
    if (!why && b->peer && !b->peer->open)
        why = bench_absent(b->peer->name);
    if (why) {
        r->verdict = NOT_RUN;
        snprintf(r->note, sizeof r->note, "%s", why);
        return;
    }
    if (b->measure == ONCE) {
        b->once(r);
        return;
    }
    if (!b->alone)
        measure_exact(b, instructions && b->measure != CALLS, r);
    if (b->measure != CALLS) {
        measure_cpu(b, r);
    } else if (r->calls_ours < 0) {
        r->verdict = NOT_RUN;
        snprintf(r->note, sizeof r->note, "ptrace is not allowed here");
        return;
    } else {
        judge_calls(r);
    }
    r->verdict = bench_verdict(b, r->judged);
}

void bench_run_lane(const struct lane *lane, long ops)
{
    void *self = lane->open();
    lane->run(self, ops);
    lane->run(self, ops);
    lane->close(self);
}

/* ---- what the lanes share ------------------------------------------------------------------------------------------ */

void bench_die(const char *sentence, ...)
{
    va_list args;
    va_start(args, sentence);
    fputs("bench: ", stderr);
    vfprintf(stderr, sentence, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

void *bench_array(size_t count, size_t size)
{
    size_t bytes = (count * size + PAGE - 1) / PAGE * PAGE;
    void *array = aligned_alloc(PAGE, bytes);
    if (!array)
        bench_die("no memory for %zu things of %zu bytes", count, size);
    return memset(array, 0, bytes);
}

uint64_t bench_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
