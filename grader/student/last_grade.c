/* last_grade.c - what work/NN-name scored last: see last_grade.h.
 *
 * The file's own time is when the grading began, so that what was saved while it ran counts as changed since. */
#include "grader/student/last_grade.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

static void path_of(char *out, size_t size, const char *folder)
{
    snprintf(out, size, "%s/.grade.json", folder);
}

int last_grade_write(const struct grade *g, const char *folder, struct timespec began)
{
    char path[1100];
    const struct timespec times[2] = { began, began };
    path_of(path, sizeof path, folder);
    int rc = grade_write_json(g, path);
    if (rc < 0)
        return rc;
    return utimensat(AT_FDCWD, path, times, 0) < 0 ? -errno : 0;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void take_text(char *out, size_t size, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(out, size, "%s", text ? text : "");
}

static void take_items(struct last_grade *g, const json_t *items)
{
    const json_t *i;
    for (size_t n = 0; (i = json_array_get(items, n)) && g->item_count < LAB_ITEMS; n++) {
        struct last_item *item = &g->items[g->item_count++];
        take_text(item->id, sizeof item->id, i, "id");
        take_text(item->state, sizeof item->state, i, "state");
        take_text(item->expected, sizeof item->expected, i, "expected");
        take_text(item->seen, sizeof item->seen, i, "seen");
        take_text(item->cause, sizeof item->cause, i, "cause");
    }
}

static bool is_later(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

/* Whether a file of the reader's, or what the lab asks for, has changed since. */
static bool unchanged_since(struct timespec began, const struct lab *lab, const char *folder)
{
    char path[1400];
    struct stat st;
    snprintf(path, sizeof path, "%s/lab.ini", lab->folder);
    if (stat(path, &st) < 0 || is_later(st.st_mtim, began))
        return false;
    for (int i = 0; i < lab->file_count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, lab->files[i].name);
        if (stat(path, &st) < 0 ? !lab->files[i].optional : is_later(st.st_mtim, began))
            return false;
    }
    return true;
}

void last_grade_read(struct last_grade *g, const struct lab *lab, const char *folder)
{
    char path[1100], schema[32];
    struct stat st;
    *g = (struct last_grade){0};
    path_of(path, sizeof path, folder);
    json_t *o = json_load_file(path, 0, NULL);
    take_text(schema, sizeof schema, o, "schema");
    g->there = strcmp(schema, GRADE_SCHEMA) == 0 && stat(path, &st) == 0;
    if (g->there) {
        const json_t *total = json_object_get(o, "total");
        g->points = (int)json_integer_value(json_object_get(total, "points"));
        g->max = (int)json_integer_value(json_object_get(total, "max"));
        g->seed = (uint64_t)json_integer_value(json_object_get(o, "seed"));
        take_text(g->graded_at, sizeof g->graded_at, o, "graded_at");
        take_text(g->refused, sizeof g->refused, o, "refused");
        take_text(g->fault, sizeof g->fault, o, "fault");
        take_items(g, json_object_get(o, "items"));
        g->fresh = unchanged_since(st.st_mtim, lab, folder);
    }
    json_decref(o);
}

const struct last_item *last_grade_item(const struct last_grade *g, const char *id)
{
    for (int i = 0; i < g->item_count; i++)
        if (strcmp(g->items[i].id, id) == 0)
            return &g->items[i];
    return NULL;
}

const struct last_item *last_grade_failure(const struct last_grade *g, const struct lab *lab)
{
    const struct last_item *hidden = NULL;
    for (int i = 0; i < g->item_count; i++) {
        const struct lab_item *item = lab_item(lab, g->items[i].id);
        if (!item || strcmp(g->items[i].state, "fail") != 0)
            continue;
        if (!item->hidden)
            return &g->items[i];
        hidden = hidden ? hidden : &g->items[i];
    }
    return hidden;
}
