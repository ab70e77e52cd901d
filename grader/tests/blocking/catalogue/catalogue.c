/* catalogue.c - runs the cases named, each so often, and writes down what they measured themselves.
 *
 *     catalogue --times N --work FOLDER --out FILE [FAMILY | CASE]...    (none: all); --list says which there are
 *
 * Trap: a result that is written while something is being measured. All of it is written at the end. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const expected_names[] = { "blocks", "faults", "hogs", "starves", "silent" };

extern const struct behaviour sleeps[], descriptors[], locks[], processes[], disks[], files[], names[], streams[], queues[],
                              completions[], specials[], memories[], hogs[], starvations[], quiet_descriptors[], quiet_others[],
                              stacks[];

const struct family families[] = {
    { "sleep", sleeps }, { "descriptor", descriptors }, { "sync", locks }, { "process", processes }, { "disk", disks },
    { "files", files }, { "names", names }, { "stdio", streams }, { "ipc", queues }, { "async", completions },
    { "special", specials }, { "stacks", stacks }, { "memory", memories }, { "hogs", hogs }, { "starved", starvations },
    { "quiet-descriptors", quiet_descriptors }, { "quiet-others", quiet_others }, { 0 },
};

static void result_write(FILE *out, const struct chosen *c)
{
    const struct result *r = &c->result;
    fprintf(out, "{\"family\":\"%s\",\"name\":\"%s\",\"expected\":\"%s\",\"calls\":\"%s\",", c->family->name, c->what->name,
            expected_names[c->what->expected], c->what->call ? c->what->call : "");
    fprintf(out, "\"line\":%d,\"absent\":\"%s\",", r->line, r->absent ? r->absent : "");
    fprintf(out, "\"count\":%d,\"slept\":%d,\"switches\":%lld,\"began\":%lld,\"ended\":%lld,\"trials\":[", r->count, r->slept,
            (long long)r->switches, (long long)r->began, (long long)r->ended);
    for (int i = 0; i < r->shown; i++)
        fprintf(out, "%s[%lld,%lld,%lld,%lld,%lld]", i ? "," : "", (long long)r->trials[i].began, (long long)r->trials[i].took,
                (long long)r->trials[i].blocked, (long long)r->trials[i].switches, (long long)r->trials[i].delay);
    fprintf(out, "]}\n");
}

static void list(void)
{
    for (const struct family *f = families; f->name; f++)
        for (const struct behaviour *b = f->cases; b->name; b++)
            printf("%s %s %s %s\n", f->name, b->name, expected_names[b->expected], b->call ? b->call : "-");
}

static bool is_wanted(const char *family, const char *name, char **wanted, int count)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(wanted[i], family) || !strcmp(wanted[i], name))
            return true;
    return count == 0;
}

static int choose(struct chosen *chosen, int times, char **wanted, int wanted_count)
{
    int count = 0;
    for (const struct family *f = families; f->name; f++)
        for (const struct behaviour *b = f->cases; b->name; b++)
            if (is_wanted(f->name, b->name, wanted, wanted_count))
                chosen[count++] = (struct chosen){ .what = b, .family = f, .times = times };
    return count;
}

static bool has_family(const struct chosen *chosen, int count, const struct behaviour *cases)
{
    for (int i = 0; i < count; i++)
        if (chosen[i].family->cases == cases)
            return true;
    return false;
}

static void on_poke(int signal)
{
    (void)signal;
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "times", 1, NULL, 't' }, { "work", 1, NULL, 'w' }, { "out", 1, NULL, 'o' },
                                             { "list", 0, NULL, 'l' }, { 0 } };
    static struct chosen chosen[512];
    const struct sigaction poked = { .sa_handler = on_poke };
    sigset_t waited_for;
    const char *out_path = "/dev/stdout";
    int times = 3;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (o) {
        case 't': times = atoi(optarg); break;
        case 'w': work_folder = optarg; break;
        case 'o': out_path = optarg; break;
        case 'l': list(); return 0;
        default: return 2;
        }
    FILE *out = fopen(out_path, "we");
    int count = choose(chosen, times, argv + optind, argc - optind);
    if (!out || times < 1 || count == 0) {
        fprintf(stderr, "catalogue: %s.\n", out ? "no such case: --list says which there are" : "--out cannot be written");
        return 2;
    }
    loop_thread = pthread_self();
    sigaction(SIGUSR1, &poked, NULL);
    sigemptyset(&waited_for);
    sigaddset(&waited_for, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &waited_for, NULL);
    sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
    if (has_family(chosen, count, files))
        files_begin();
    names_begin();
    behaviours_run(chosen, count);
    for (int i = 0; i < count; i++)
        result_write(out, &chosen[i]);
    return fclose(out) ? 1 : 0;
}
