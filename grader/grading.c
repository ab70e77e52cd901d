/* grading.c - one grading from the call to the verdicts: see grading.h. */
#include "grader/grading.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "grader/student/hints.h"
#include "grader/judge.h"
#include "grader/student/last_grade.h"
#include "grader/sandbox.h"
#include "grader/work.h"
#include "grader/workshop.h"

int complain(const char *sentence)
{
    fprintf(stderr, "grade: %s\n", sentence);
    return OURS;
}

/* ---- what is graded ---------------------------------------------------------------------------------------------- */

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
static int find_folder(struct grading *c)
{
    struct options *o = &c->options;
    struct stat st;
    char error[1200];
    if (o->sub) {
        snprintf(c->who, sizeof c->who, "%s", o->sub);
        snprintf(c->folder, sizeof c->folder, "%s", o->sub);
        snprintf(c->again, sizeof c->again, strpbrk(o->sub, " \t\n\"\\'`$&|;<>()*?[]{}~#!") ? " SUB='%s'" : " SUB=%s",
                 o->sub);
    } else if (strcmp(o->who, "reference") == 0) {
        snprintf(c->who, sizeof c->who, "reference");
        snprintf(c->folder, sizeof c->folder, "%s/labs/%s/reference.src", grade_build, c->lab->name);
        snprintf(c->again, sizeof c->again, " WHO=reference");
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

/* How each item is run again, and what helps with it. */
static void name_commands(struct grading *c)
{
    for (int i = 0; i < c->lab->item_count; i++) {
        struct item_grade *item = &c->grade->items[i];
        const char *id = c->lab->id, *t = c->lab->items[i].id;
        snprintf(item->replay, sizeof item->replay, "make grade LAB=%s%s T=%s SEED=%" PRIu64 " V=1", id, c->again, t,
                 c->grade->seed);
        snprintf(item->more, sizeof item->more, "make why LAB=%s%s T=%s", id, c->again, t);
        if (!grading_is_work(c))
            continue;
        item->hints_shown = hints_shown(c->folder, t);
        snprintf(item->more, sizeof item->more, "make hint LAB=%s T=%s (%d of %d shown), make why LAB=%s T=%s", id, t,
                 item->hints_shown, LAB_HINTS, id, t);
    }
}

static int open_grade(struct grading *c)
{
    int end = find_lab(c);
    if (end < 0)
        end = find_folder(c);
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
    clock_gettime(CLOCK_REALTIME, &c->began);
    strftime(g->graded_at, sizeof g->graded_at, "%Y-%m-%dT%H:%M:%SZ", gmtime(&c->began.tv_sec));
    name_commands(c);
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
    struct judged judged = { c->lab, c->probe, reference, mutants, c->hand_in, c->grade->seed, c->recordings };
    judge_set(&judged);
    c->finished = c->selected = 0;
    for (int i = 0; i < c->lab->item_count; i++)
        c->selected += c->grade->items[i].selected;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    run_items(c->grade, c->suite, cores > 2 ? 2 : (int)cores, on_item, c);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int grading_open(struct grading *c, const struct options *o)
{
    static struct grade grade;
    *c = (struct grading){ .options = *o, .grade = &grade };
    c->progress = isatty(STDERR_FILENO) && o->colour;
    if (o->root && chdir(o->root) < 0)
        return complain("--root names no folder that can be entered");
    c->options.root = NULL;
    return open_grade(c);
}

void grading_choose(struct grading *c, const char *id, uint64_t seed)
{
    c->grade->seed = seed;
    for (int i = 0; i < c->lab->item_count; i++)
        c->grade->items[i].selected = strcmp(c->lab->items[i].id, id) == 0;
    c->options.item = id;
    name_commands(c);
}

void grading_run(struct grading *c)
{
    int64_t since = clock_ns();
    if (!c->built)
        c->built = build(c);
    if (c->built)
        judge(c);
    show_progress(c, "");
    c->grade->wall_ns = clock_ns() - since;
}

void grading_close(struct grading *c)
{
    room_close(&c->room);
    submission_free(c->hand_in);
    if (c->grade && c->grade->lab)
        grade_close(c->grade);
    lab_free(c->lab);
}

bool grading_is_work(const struct grading *c)
{
    return !c->options.sub && strcmp(c->options.who, "work") == 0;
}

int grading_report(const struct grading *c)
{
    const struct grade *g = c->grade;
    char page[1200], json[1200], sentence[1400];
    snprintf(page, sizeof page, "%s/index.html", c->options.out);
    snprintf(json, sizeof json, "%s/grade.json", c->options.out);
    int page_rc = grade_write_html(g, page), json_rc = grade_write_json(g, json);
    if (page_rc < 0 || json_rc < 0) {
        snprintf(sentence, sizeof sentence, "%s cannot be written: %s", page_rc < 0 ? page : json,
                 strerror(page_rc < 0 ? -page_rc : -json_rc));
        return complain(sentence);
    }
    int rc = grading_is_work(c) && !c->options.item ? last_grade_write(g, c->folder, c->began) : 0;
    if (rc < 0) {
        snprintf(sentence, sizeof sentence, "what was graded cannot be remembered in %s: %s; make hint and make lab "
                 "need it", c->folder, strerror(-rc));
        complain(sentence);
    }
    return -1;
}

bool grading_last(struct grading *c, struct last_grade *last, FILE *f)
{
    last_grade_read(last, c->lab, c->folder);
    if (last->fresh)
        return true;
    fprintf(f, "\n  %s: grading lab %s first ...\n", last->there ? "The files have changed since the last grade" :
            "There is no grade of all items yet", c->lab->id);
    fflush(f);
    grading_run(c);
    if (grading_report(c) >= 0)
        return false;
    last_grade_read(last, c->lab, c->folder);
    if (!last->there)
        complain("the grade that was made just now cannot be read back");
    return last->there;
}

int grading_end(const struct grading *c)
{
    const struct grade *g = c->grade;
    struct grade_total t = grade_total(g);
    if (*g->fault || t.faults > 0)
        return OURS;
    return t.full && !(c->options.strict && (c->options.item || *g->notes)) ? FULL : NOT_FULL;
}
