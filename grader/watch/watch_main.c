/* watch_main.c - the program watch: `make watch` at work/NN-name.
 *
 * It ends with 0 when the student is done, 1 when there is nothing to watch yet, 2 when the call or our side is at fault, and
 * by the signal that ended it. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader/watch/watch.h"
#include "grader/work.h"

enum { DONE = 0, NOTHING = 1, OURS = 2 };

struct options {
    const char *lab, *root;
    struct watch_options watch;
};

static const char help[] =
    "usage: watch [--lab 02] [--item A3] [--out build/report] [--poll] [--no-colour] [--root DIR] [--grade PROGRAM]\n"
    "\n"
    "  --lab ID      which lab; else the one under work/ if there is one alone, else 02\n"
    "  --item ID     only that item; else the first that fails, and then the next\n"
    "  --out DIR     where the report of a run of all items goes\n"
    "  --poll        looks at the files every half second, in place of inotify\n"
    "  --grade FILE  the program that grades: build/bin/grade\n"
    "Where standard output is no terminal it writes a line a run. ? shows the keys.\n";

static int complain(const char *sentence)
{
    fprintf(stderr, "watch: %s\n", sentence);
    return OURS;
}

static bool has_words(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

/* By name alone: a locale that is not installed still says what the terminal is. */
static bool is_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (has_words(names[i]))
            return strcasestr(getenv(names[i]), "utf-8") || strcasestr(getenv(names[i]), "utf8");
    return false;
}

static bool is_screen(void)
{
    return isatty(STDOUT_FILENO) && has_words("TERM") && strcmp(getenv("TERM"), "dumb") != 0;
}

/* -1 to go on, else how to end. */
static int read_options(int argc, char **argv, struct options *o)
{
    enum { LAB = 1, ITEM, OUT, ROOT, GRADE, POLL, PALE, HELP };
    static const struct option known[] = {
        { "lab", 1, NULL, LAB }, { "item", 1, NULL, ITEM }, { "out", 1, NULL, OUT }, { "root", 1, NULL, ROOT },
        { "grade", 1, NULL, GRADE }, { "poll", 0, NULL, POLL }, { "no-colour", 0, NULL, PALE }, { "help", 0, NULL, HELP }, {0}
    };
    int c;
    *o = (struct options){ .watch = { .out = "build/report", .grade = "build/bin/grade", .screen = is_screen(),
                                      .colour = !has_words("NO_COLOR"), .utf8 = is_utf8() } };
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
        switch (c) {
        case LAB: o->lab = optarg; break;
        case ITEM: o->watch.item = optarg; break;
        case OUT: o->watch.out = optarg; break;
        case ROOT: o->root = optarg; break;
        case GRADE: o->watch.grade = optarg; break;
        case POLL: o->watch.poll = true; break;
        case PALE: o->watch.colour = false; break;
        case HELP: return fputs(help, stdout) < 0 ? OURS : DONE;
        default: return complain("watch --help tells how it is called");
        }
    return optind < argc ? complain("watch takes no words but options: watch --help tells which") : -1;
}

static int find_item(const struct lab *lab, const char *item)
{
    char error[1024];
    if (!item || lab_item(lab, item))
        return -1;
    int used = snprintf(error, sizeof error, "lab %s has no item \"%.40s\"; there is", lab->id, item);
    for (int i = 0; i < lab->item_count; i++)
        used += snprintf(error + used, sizeof error - (size_t)used, " %s", lab->items[i].id);
    return complain(error);
}

static int find_folder(const struct lab *lab, const char *folder)
{
    struct stat st;
    if (stat(folder, &st) == 0 && S_ISDIR(st.st_mode))
        return -1;
    printf("%s is not there yet: make lab LAB=%s puts the starter there. Then make watch again.\n", folder, lab->id);
    return NOTHING;
}

static int watch(struct options *o)
{
    char id[256], folder[1024], work[300], error[1024];
    struct lab *lab = NULL;
    if (o->lab)
        snprintf(id, sizeof id, "%s", o->lab);
    else
        work_lab(id, sizeof id);
    if (!lab_find("labs", id, folder, sizeof folder, error, sizeof error) || !(lab = lab_load(folder, error, sizeof error)))
        return complain(error);
    snprintf(work, sizeof work, "work/%.200s", lab->name);
    o->watch.folder = work;
    int end = find_item(lab, o->watch.item);
    if (end < 0)
        end = find_folder(lab, work);
    if (end < 0) {
        end = watch_run(&o->watch, lab);
        if (end < 0) {
            snprintf(error, sizeof error, "the loop could not be started: %s", strerror(-end));
            end = complain(error);
        } else if (end > 0) {
            signal(end, SIG_DFL);
            raise(end);
        }
    }
    lab_free(lab);
    return end;
}

int main(int argc, char **argv)
{
    struct options options;
    int end = read_options(argc, argv, &options);
    if (end < 0 && options.root && chdir(options.root) < 0)
        end = complain("--root names no folder that can be entered");
    return end < 0 ? watch(&options) : end;
}
