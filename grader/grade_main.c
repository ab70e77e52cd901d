/* grade_main.c - the program grade: from a student's folder to a table, a page and a JSON file.
 *
 * It ends with 0 for a full grade, 1 for less, 2 when the call or our own side is at fault: then nothing may be
 * concluded about the student. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "grader/grade.h"
#include "grader/judge.h"
#include "grader/room.h"
#include "grader/run_items.h"
#include "grader/sandbox.h"
#include "grader/work.h"
#include "grader/workshop.h"

enum { FULL = 0, NOT_FULL = 1, OURS = 2 };

struct options {
    const char *lab, *sub, *who, *item, *out, *root;
    uint64_t seed;
    bool verbose, strict, colour;
};

struct grading {
    struct options options;
    struct grade *grade;
    struct lab *lab;
    Suite *(*suite)(void);
    struct submission *hand_in;
    char folder[1024];              /* of the submission */
    char who[1100];
    struct room room;
    char probe[1100];
    struct judged judged;
    int finished, selected;
    bool progress, fresh;
};

static const char help[] =
    "usage: grade [--lab 02] [--sub DIR | --who work | --who reference] [--item A3] [--seed N]\n"
    "             [--verbose] [--strict] [--out build/report] [--no-colour] [--root DIR]\n"
    "\n"
    "  --lab ID      which lab; else the one under work/ if there is one alone, else 02\n"
    "  --sub DIR     grades that folder\n"
    "  --who work    grades work/NN-name (the default), and begins it with the starter if it is not there\n"
    "  --who reference   grades the library's own files\n"
    "  --item ID     only that item\n"
    "  --seed N      replays a run\n"
    "  --verbose     with every call to the kernel, times and warnings\n"
    "  --strict      full means: every item of the lab, and no compiler warning\n"
    "  --out DIR     where index.html and grade.json go\n"
    "ends with 0: full, 1: not full, 2: the call or our side is at fault\n";

/* ---- the call ---------------------------------------------------------------------------------------------------- */
static int complain(const char *sentence)
{
    fprintf(stderr, "grade: %s\n", sentence);
    return OURS;
}

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
    enum { LAB = 1, SUB, WHO, ITEM, SEED, VERBOSE, STRICT, OUT, ROOT, PALE, HELP };
    static const struct option known[] = {
        { "lab", 1, NULL, LAB }, { "sub", 1, NULL, SUB }, { "who", 1, NULL, WHO }, { "item", 1, NULL, ITEM },
        { "seed", 1, NULL, SEED }, { "verbose", 0, NULL, VERBOSE }, { "strict", 0, NULL, STRICT },
        { "out", 1, NULL, OUT }, { "root", 1, NULL, ROOT }, { "no-colour", 0, NULL, PALE },
        { "help", 0, NULL, HELP }, {0}
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
        case OUT: o->out = optarg; break;
        case ROOT: o->root = optarg; break;
        case PALE: o->colour = false; break;
        case HELP: return fputs(help, stdout) < 0 ? OURS : FULL;
        case SEED:
            if (read_seed(optarg, &o->seed))
                break;
            return complain("the seed must be a number below 2^53, as a grade prints it");
        default: return complain("grade --help tells how it is called");
        }
    if (optind < argc)
        return complain("grade takes no words but options: grade --help tells which");
    if (strcmp(o->who, "work") != 0 && strcmp(o->who, "reference") != 0)
        return complain("WHO is work or reference; SUB=folder grades a folder");
    return -1;
}

static bool find_checks(struct grading *c)
{
    for (const struct lab_checks *l = lab_table; l->name; l++)
        if (strcmp(l->name, c->lab->name) == 0)
            c->suite = l->suite;
    return c->suite != NULL;
}

static int find_lab(struct grading *c)
{
    char id[256], folder[1024], error[1024];
    struct options *o = &c->options;
    if (o->lab)
        snprintf(id, sizeof id, "%s", o->lab);
    else
        work_lab(id, sizeof id);
    if (!lab_find("labs", id, folder, sizeof folder, error, sizeof error) ||
        !(c->lab = lab_load(folder, error, sizeof error)))
        return complain(error);
    if (!find_checks(c)) {
        snprintf(error, sizeof error, "this program was built without the checks of %s: make grade builds it anew",
                 c->lab->folder);
        return complain(error);
    }
    if (!o->item || lab_item(c->lab, o->item))
        return -1;
    int used = snprintf(error, sizeof error, "lab %s has no item \"%.40s\"; there is", c->lab->id, o->item);
    for (int i = 0; i < c->lab->item_count; i++)
        used += snprintf(error + used, sizeof error - (size_t)used, " %s", c->lab->items[i].id);
    return complain(error);
}

/* Which folder is graded, and how a replay names it. */
static int find_folder(struct grading *c, char *again, size_t size)
{
    struct options *o = &c->options;
    struct stat st;
    char error[1200];
    *again = 0;
    if (o->sub) {
        snprintf(c->who, sizeof c->who, "%s", o->sub);
        snprintf(c->folder, sizeof c->folder, "%s", o->sub);
        snprintf(again, size, strpbrk(o->sub, " \t\n\"\\'`$&|;<>()*?[]{}~#!") ? " SUB='%s'" : " SUB=%s", o->sub);
    } else if (strcmp(o->who, "reference") == 0) {
        snprintf(c->who, sizeof c->who, "reference");
        snprintf(c->folder, sizeof c->folder, "%s/labs/%s/reference.src", grade_build, c->lab->name);
        snprintf(again, size, " WHO=reference");
    } else {
        if (work_open(c->lab, c->folder, sizeof c->folder, &c->fresh, error, sizeof error) < 0)
            return complain(error);
        snprintf(c->who, sizeof c->who, "%s", c->folder);
    }
    if (stat(c->folder, &st) == 0 && S_ISDIR(st.st_mode))
        return -1;
    snprintf(error, sizeof error, "there is no folder %s", c->folder);
    return complain(error);
}

static int begin(struct grading *c)
{
    char again[240];
    int end = find_lab(c);
    if (end < 0)
        end = find_folder(c, again, sizeof again);
    if (end >= 0)
        return end;
    struct grade *g = c->grade;
    if (grade_open(g, c->lab, c->options.item) < 0)
        return complain("out of memory");
    g->who = c->who;
    g->seed = c->options.seed;
    g->sandbox_level = sandbox_level(&g->sandbox_why);
    if (!g->sandbox_why)
        g->sandbox_why = "";
    time_t now = time(NULL);
    strftime(g->graded_at, sizeof g->graded_at, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    for (int i = 0; i < c->lab->item_count; i++) {
        c->selected += g->items[i].selected;
        snprintf(g->items[i].replay, sizeof g->items[i].replay, "make grade LAB=%s%s T=%s SEED=%" PRIu64 " V=1",
                 c->lab->id, again, c->lab->items[i].id, g->seed);
    }
    return -1;
}

/* ---- grading ----------------------------------------------------------------------------------------------------- */
static void show_progress(const struct grading *c, const char *what)
{
    if (c->progress)
        fprintf(stderr, "\r\033[K%s%s", *what ? "  " : "", what);
}

static void on_item(void *self, const struct item_grade *i)
{
    struct grading *c = self;
    char words[80];
    snprintf(words, sizeof words, "%d of %d  %s", ++c->finished, c->selected, i->item->id);
    show_progress(c, words);
}

static bool build(struct grading *c)
{
    struct grade *g = c->grade;
    char message[sizeof g->refused] = "";
    c->hand_in = submission_read(c->lab, c->folder, g->refused, sizeof g->refused);
    if (!c->hand_in || room_open(&c->room, g->fault, sizeof g->fault) < 0)
        return false;
    snprintf(c->probe, sizeof c->probe, "%s/probe", c->room.path);
    show_progress(c, "compiling");
    int rc = workshop_build(c->lab, c->hand_in, grade_build, c->probe, message, sizeof message);
    if (rc == 0)
        snprintf(g->notes, sizeof g->notes, "%s", message);
    else if (rc == 1)
        snprintf(g->refused, sizeof g->refused, "%s", message);
    else
        snprintf(g->fault, sizeof g->fault, "%.1000s", message);
    return rc == 0;
}

static void judge(struct grading *c)
{
    char cwd[800] = ".", reference[1200], mutants[1200];
    if (!getcwd(cwd, sizeof cwd))
        snprintf(cwd, sizeof cwd, ".");
    snprintf(reference, sizeof reference, "%s/%s/labs/%s/probe", cwd, grade_build, c->lab->name);
    snprintf(mutants, sizeof mutants, "%s/%s/labs/%s/mutants", cwd, grade_build, c->lab->name);
    c->judged = (struct judged){ c->lab, c->probe, reference, mutants, c->hand_in, c->grade->seed };
    judge_set(&c->judged);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    run_items(c->grade, c->suite, cores > 2 ? 2 : (int)cores, on_item, c);
}

static int report(struct grading *c)
{
    const struct grade *g = c->grade;
    char page[1200], json[1200];
    snprintf(page, sizeof page, "%s/index.html", c->options.out);
    snprintf(json, sizeof json, "%s/grade.json", c->options.out);
    if (c->fresh)
        printf("\n  %s is new: it holds the starter of the lab, which is yours to write.\n", c->folder);
    grade_write_terminal(g, stdout, c->options.colour, c->options.verbose);
    int page_rc = grade_write_html(g, page), json_rc = grade_write_json(g, json);
    if (page_rc < 0 || json_rc < 0) {
        fprintf(stderr, "grade: %s cannot be written: %s\n", page_rc < 0 ? page : json,
                strerror(page_rc < 0 ? -page_rc : -json_rc));
        return OURS;
    }
    printf("\n  report: %s\n\n", page);
    struct grade_total t = grade_total(g);
    if (*g->fault || t.faults > 0)
        return OURS;
    return t.full && !(c->options.strict && (c->options.item || *g->notes)) ? FULL : NOT_FULL;
}

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int main(int argc, char **argv)
{
    static struct grade grade;
    static struct grading grading = { .grade = &grade };
    int64_t since = clock_ns();
    int end = read_options(argc, argv, &grading.options);
    if (end < 0 && grading.options.root && chdir(grading.options.root) < 0)
        end = complain("--root names no folder that can be entered");
    if (end < 0)
        end = begin(&grading);
    if (end < 0) {
        grading.progress = isatty(STDERR_FILENO) && grading.options.colour;
        if (build(&grading))
            judge(&grading);
        show_progress(&grading, "");
        grade.wall_ns = clock_ns() - since;
        end = report(&grading);
    }
    room_close(&grading.room);
    submission_free(grading.hand_in);
    if (grade.lab)
        grade_close(&grade);
    lab_free(grading.lab);
    return end;
}
