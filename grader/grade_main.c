/* grade_main.c - the program grade: from a student's folder to a table, a page and a JSON file, and to hints and reasons.
 *
 * It ends with 0 for a full grade, 1 for less, 2 when the call or our own side is at fault: then nothing may be
 * concluded about the student. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "grader/grading.h"
#include "grader/student/hint.h"
#include "grader/student/lab_command.h"
#include "grader/student/why.h"

static const char help[] =
    "usage: grade [COMMAND] [--lab 02] [--sub DIR | --who work | --who reference] [--item A3] [--seed N]\n"
    "             [--verbose] [--strict] [--again] [--out build/report] [--no-colour] [--root DIR]\n"
    "\n"
    "without a command it grades. The commands:\n"
    "  lab           puts the lab's starter under work/, or what is missing of it; without --lab: lists the labs\n"
    "  hint          the next hint for --item, or for the first item that fails; --again repeats those shown\n"
    "  why           runs --item, or the first that fails, and shows every step of it, and a debugger's command\n"
    "\n"
    "  --lab ID      which lab; else the one under work/ that was written to last, else the first\n"
    "  --sub DIR     grades that folder\n"
    "  --who work    grades work/NN-name (the default), and begins it with the starter if it is not there\n"
    "  --who reference   grades the library's own files\n"
    "  --item ID     only that item\n"
    "  --seed N      replays a run\n"
    "  --verbose     with every call to the kernel, times and warnings\n"
    "  --strict      full means: every item of the lab, and no compiler warning\n"
    "  --out DIR     where index.html and grade.json go\n"
    "ends with 0: full, 1: not full, 2: the call or our side is at fault. The commands end with 0 or 2\n";

static bool read_seed(const char *text, uint64_t *seed)
{
    char *end;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno && *seed < UINT64_C(1) << 53;
}

static uint64_t random_seed(void)
{
    uint32_t x;
    if (getrandom(&x, sizeof x, 0) != sizeof x)
        x = (uint32_t)time(NULL);
    return 1 + x % 999999999;
}

/* -1 to go on, else how to end. */
static int read_options(int argc, char **argv, struct options *o)
{
    enum { LAB = 1, SUB, WHO, ITEM, SEED, VERBOSE, STRICT, AGAIN, OUT, ROOT, PALE, HELP };
    static const struct option known[] = {
        { "lab", 1, NULL, LAB }, { "sub", 1, NULL, SUB }, { "who", 1, NULL, WHO }, { "item", 1, NULL, ITEM },
        { "seed", 1, NULL, SEED }, { "verbose", 0, NULL, VERBOSE }, { "strict", 0, NULL, STRICT },
        { "again", 0, NULL, AGAIN }, { "out", 1, NULL, OUT }, { "root", 1, NULL, ROOT },
        { "no-colour", 0, NULL, PALE }, { "help", 0, NULL, HELP }, {0}
    };
    int c;
    *o = (struct options){ .who = "work", .out = "build/report", .seed = random_seed() };
    o->colour = isatty(STDOUT_FILENO) && (!getenv("NO_COLOR") || !*getenv("NO_COLOR"));
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
        switch (c) {
        case LAB: o->lab = optarg; break;
        case SUB: o->sub = optarg; break;
        case WHO: o->who = optarg; break;
        case ITEM: o->item = optarg; break;
        case VERBOSE: o->verbose = true; break;
        case STRICT: o->strict = true; break;
        case AGAIN: o->again = true; break;
        case OUT: o->out = optarg; break;
        case ROOT: o->root = optarg; break;
        case PALE: o->colour = false; break;
        case HELP: return fputs(help, stdout) < 0 ? OURS : FULL;
        case SEED:
            o->seeded = read_seed(optarg, &o->seed);
            if (o->seeded)
                break;
            return complain("the seed must be a number below 2^53, as a grade prints it");
        default: return complain("grade --help tells how it is called");
        }
    if (strcmp(o->who, "work") != 0 && strcmp(o->who, "reference") != 0)
        return complain("WHO is work or reference; SUB=folder grades a folder");
    return -1;
}

static int grade_command(const struct options *o)
{
    static struct grading c;
    int end = grading_open(&c, o);
    if (end < 0) {
        grading_run(&c);
        if (c.fresh)
            printf("\n  %s is new: it holds the starter of the lab, which is yours to write.\n", c.folder);
        grade_write_terminal(c.grade, stdout, o->colour, o->verbose);
        end = grading_report(&c);
        if (end < 0)
            printf("\n  report: %s/index.html\n\n", o->out);
        end = end < 0 ? grading_end(&c) : end;
    }
    grading_close(&c);
    return end;
}

int main(int argc, char **argv)
{
    static const struct { const char *name; int (*run)(const struct options *); } commands[] = {
        { "lab", lab_command }, { "hint", hint_command }, { "why", why_command },
    };
    struct options options;
    int end = read_options(argc, argv, &options);
    if (end >= 0)
        return end;
    if (optind == argc)
        return grade_command(&options);
    for (size_t i = 0; i < sizeof commands / sizeof *commands && optind + 1 == argc; i++)
        if (strcmp(argv[optind], commands[i].name) == 0)
            return commands[i].run(&options);
    return complain("the commands are lab, hint and why, one at a time; grade --help tells more");
}
