/* memory.c - what 10^5 sleeping coroutines hold resident, in a process that did nothing else. */
#include "loop/bench/bench.h"

#include <string.h>
#include <unistd.h>

#include "loop/co.h"

enum { SLEEPERS = 100000 };

static int sleeper(void *self)
{
    struct future f = {0};
    return await(future_sleep(self, 3600 * SECOND, &f));
}

static long resident_kib(void)
{
    char line[128];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f) && sscanf(line, "VmRSS: %ld kB", &kib) != 1)
        ;
    if (f)
        fclose(f);
    return kib;
}

int memory_sleepers(long count)
{
    struct loop *loop = loop_new(sys_linux());
    if (!loop)
        bench_die("no loop could be made");
    for (long i = 0; i < count; i++)
        co_spawn(loop, sleeper, loop, NULL);
    loop_stop(loop);
    loop_start(loop);
    struct co_usage usage = co_usage(loop);
    printf("%ld %zu %s\n", resident_kib(), usage.live, usage.guard);
    fflush(stdout);
    _exit(0);
}

void memory_once(struct result *r)
{
    char command[64], line[128] = "";
    long kib = -1;
    size_t live = 0;
    int guard = 0;
    snprintf(command, sizeof command, "/proc/%d/exe --sleepers %d", (int)getpid(), SLEEPERS);
    FILE *f = popen(command, "r");
    if (f && fgets(line, sizeof line, f))
        sscanf(line, "%ld %zu %n", &kib, &live, &guard);
    if (f)
        pclose(f);
    if (kib < 0 || live != SLEEPERS) {
        r->verdict = NOT_RUN;
        snprintf(r->note, sizeof r->note, "only %zu of %d coroutines could be started", live, SLEEPERS);
        return;
    }
    double mib = (double)kib / 1024;
    line[strcspn(line, "\n")] = '\0';
    r->ours = r->judged = (struct spread){ mib, mib, mib };
    r->verdict = bench_verdict(r->bench, r->judged);
    snprintf(r->note, sizeof r->note, "%.0f bytes each; guard: %s", (double)kib * 1024 / SLEEPERS, line + guard);
}
