/* lab_command.c - what labs there are, and beginning one: see lab_command.h. */
#include "grader/student/lab_command.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/student/last_grade.h"
#include "grader/screen.h"
#include "grader/work.h"

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static int is_lab(const struct dirent *e)
{
    char path[300];
    snprintf(path, sizeof path, "labs/%.250s/lab.ini", e->d_name);
    return isdigit((unsigned char)e->d_name[0]) && access(path, R_OK) == 0;
}

/* "47 / 100   changed since", and what to do next. */
static void describe(const struct lab *lab, char *points, size_t points_size, char *state, size_t size)
{
    static struct last_grade last;
    char folder[1024];
    snprintf(folder, sizeof folder, "work/%s", lab->name);
    last_grade_read(&last, lab, folder);
    snprintf(points, points_size, "  - / 100");
    if (access(folder, F_OK) < 0)
        snprintf(state, size, "not begun");
    else if (!last.there)
        snprintf(state, size, "begun, not graded yet");
    else {
        snprintf(points, points_size, "%3d / %d", last.points, last.max);
        snprintf(state, size, "%s", !last.fresh ? "changed since it was graded" : *last.refused ? "cannot be graded" :
                 last.points == last.max ? "complete" : "graded");
    }
}

static void put_lab(const struct screen *s, const char *name)
{
    char folder[300], error[1024], title[CLEAN_ROOM(200)], points[64], state[64];
    snprintf(folder, sizeof folder, "labs/%.250s", name);
    struct lab *lab = lab_load(folder, error, sizeof error);
    if (!lab) {
        put_field(s, YELLOW, name, error);
        return;
    }
    text_clean(title, sizeof title, lab->title);
    describe(lab, points, sizeof points, state, sizeof state);
    size_t columns = strlen(name);
    fprintf(s->f, "  ");
    put(s, BOLD, name);
    fprintf(s->f, "%*s", columns < 14 ? (int)(14 - columns) : 1, "");
    put(s, strcmp(state, "complete") == 0 ? GREEN : PLAIN, points);
    fprintf(s->f, "  %s\n", state);
    fprintf(s->f, "%16s", "");
    put_wrapped(s, 16, 16, title);
    lab_free(lab);
}

static int list_labs(const struct screen *s)
{
    struct dirent **entries;
    int n = scandir("labs", &entries, is_lab, alphasort);
    if (n < 0)
        return complain("there is no folder labs/ here; run this in the folder that holds it");
    fputc('\n', s->f);
    for (int i = 0; i < n; i++) {
        put_lab(s, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    put_paragraph(s, n ? "make lab LAB=... begins one, or puts back what is missing of its starter; make grade LAB=... grades "
                         "it." : "There is no lab under labs/.");
    fputc('\n', s->f);
    return FULL;
}

/* ---- one lab ----------------------------------------------------------------------------------------------------- */

static void add_name(char *list, size_t size, const char *name)
{
    size_t used = strlen(list);
    snprintf(list + used, size - used, "%s%s", used ? ", " : "", name);
}

static void put_state(const struct screen *s, const struct grading *c, const bool put_there[LAB_FILES])
{
    char there[512] = "", back[512] = "", text[2400];
    for (int i = 0; i < c->lab->file_count; i++)
        add_name(put_there[i] ? back : there, sizeof back, c->lab->files[i].name);
    fprintf(s->f, "\n  ");
    put(s, BOLD, c->lab->name);
    fprintf(s->f, "  ");
    put_wrapped(s, 4 + strlen(c->lab->name), 6, c->lab->title);
    if (c->fresh)
        snprintf(text, sizeof text, "The starter lies in %s: %s. It is yours now; nothing will write over it.", c->folder,
                 there);
    else if (*back)
        snprintf(text, sizeof text, "%s was missing in %s and is the starter's again. What was there (%s) is as it was.",
                 back, c->folder, *there ? there : "nothing");
    else
        snprintf(text, sizeof text, "%s is there, and is left as it is: %s.", c->folder, there);
    put_paragraph(s, text);
    fputc('\n', s->f);
}

static bool is_text(const struct lab *lab, const char *name)
{
    for (int i = 0; i < lab->file_count; i++)
        if (strcmp(lab->files[i].name, name) == 0)
            return true;
    return false;
}

static void put_next(const struct screen *s, const struct grading *c)
{
    char text[1200];
    snprintf(text, sizeof text, "%s/README.md, the handout: what to write, and what the grader will do", c->lab->folder);
    put_field(s, BOLD, "read", text);
    if (is_text(c->lab, "predictions.md")) {
        snprintf(text, sizeof text, "its three questions in %s/predictions.md, before you run anything", c->folder);
        put_field(s, BOLD, "predict", text);
    }
    snprintf(text, sizeof text, "%s/%s first", c->folder, first_file(c->lab));
    put_field(s, BOLD, "write", text);
    snprintf(text, sizeof text, "make grade LAB=%s", c->lab->id);
    put_field(s, BOLD, "next", text);
    snprintf(text, sizeof text, "make hint LAB=%s gives a hint at a time, make why LAB=%s shows a failure step by step",
             c->lab->id, c->lab->id);
    put_field(s, BOLD, "stuck?", text);
    fputc('\n', s->f);
}

static int begin_lab(struct grading *c, const struct screen *s)
{
    char error[1200];
    bool put_there[LAB_FILES] = { false };
    if (!c->fresh && work_refill(c->lab, c->folder, put_there, error, sizeof error) < 0)
        return complain(error);
    put_state(s, c, put_there);
    put_next(s, c);
    return FULL;
}

int lab_command(const struct options *o)
{
    static struct grading c;
    struct screen s = screen_open(stdout, o->colour, false);
    if (!o->lab && o->root && chdir(o->root) < 0)
        return complain("--root names no folder that can be entered");
    if (!o->lab)
        return list_labs(&s);
    int end = grading_open(&c, o);
    if (end < 0)
        end = begin_lab(&c, &s);
    grading_close(&c);
    return end;
}
