/* report_json.c - a grade for programs: the schema eddy/grade/1, described in docs/grade-json.md. All that the model
 * says. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "grader/grade.h"
#include "grader/report_file.h"
#include "grader/report_text.h"

static json_t *text(const char *words)
{
    char clean[CLEAN_ROOM(4096)];
    text_clean(clean, sizeof clean, words);
    return json_string(clean);
}

static json_t *text_or_null(const char *words)
{
    return *words ? text(words) : json_null();
}

static const char *kind_name(const struct line *l)
{
    return l->title ? "title" : l->kind == ENTRY_STEP ? "step" : l->kind == ENTRY_EVENT ? "event" :
           l->kind == ENTRY_CALL ? "call" : "expect";
}

static json_t *history(const struct history *h)
{
    json_t *all = json_array();
    struct lines lines = { .history = h };
    struct line l;
    while (lines_next(&lines, &l)) {
        json_t *at = l.at < 0 ? json_null() : json_integer(l.at);
        json_array_append_new(all, json_pack("{s:i, s:s, s:o, s:o}", "number", l.number, "kind", kind_name(&l),
                                             "at_ns", at, "text", text(l.text)));
    }
    return all;
}

static json_t *metrics(const char *cursor)
{
    json_t *all = json_object();
    char name[64], clean[CLEAN_ROOM(64)];
    int64_t value;
    while (metrics_next(&cursor, name, sizeof name, &value)) {
        text_clean(clean, sizeof clean, name);
        json_object_set_new(all, clean, json_integer(value));
    }
    return all;
}

static json_t *hints(const struct lab_item *item)
{
    json_t *all = json_array();
    for (int h = 0; h < LAB_HINTS; h++)
        json_array_append_new(all, text(item->hints[h]));
    return all;
}

static json_t *item(const struct grade *g, const struct item_grade *i)
{
    const struct verdict *v = i->verdict;
    enum item_state state = item_state(g, i);
    json_t *o = json_pack("{s:o, s:o, s:s, s:o, s:i, s:i, s:s, s:o, s:i}", "id", text(i->item->id),
                          "title", text(i->item->title), "visibility", i->item->hidden ? "hidden" : "visible",
                          "property", text(i->item->property),
                          "points", state == ITEM_PASS ? i->points : 0, "max", i->item->points,
                          "state", item_state_name(state), "hints", hints(i->item), "hints_shown", i->hints_shown);
    json_t *seen = json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:I, s:o}",
                             "expected", text_or_null(v->expected), "seen", text_or_null(v->seen),
                             "cause", text_or_null(v->cause), "where", text_or_null(v->where),
                             "replay", text(i->replay), "seed", (json_int_t)v->seed,
                             "wall_us", (json_int_t)(i->wall_ns / 1000), "metrics", metrics(v->metrics),
                             "history_dropped", (json_int_t)v->history.dropped, "history", history(&v->history));
    json_object_update(o, seen);
    json_decref(seen);
    return o;
}

static json_t *total(const struct grade *g)
{
    struct grade_total t = grade_total(g);
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:b}", "points", t.points, "max", t.max, "visible", t.visible,
                     "visible_max", t.visible_max, "faults", t.faults, "not_run", t.not_run, "full", t.full,
                     "provisional", t.faults > 0 || *g->fault);
}

static json_t *whole(const struct grade *g)
{
    json_t *items = json_array();
    for (int i = 0; i < g->lab->item_count; i++)
        json_array_append_new(items, item(g, &g->items[i]));
    json_t *lab = json_pack("{s:o, s:o, s:o, s:i}", "id", text(g->lab->id), "name", text(g->lab->name),
                            "title", text(g->lab->title), "floor", g->lab->floor);
    return json_pack("{s:s, s:o, s:o, s:I, s:o, s:I, s:{s:i, s:o}, s:o, s:o, s:o, s:o, s:o}", "schema", GRADE_SCHEMA,
                     "lab", lab, "who", text(g->who), "seed", (json_int_t)g->seed, "graded_at", text(g->graded_at),
                     "wall_us", (json_int_t)(g->wall_ns / 1000), "sandbox", "level", g->sandbox_level,
                     "missing", text_or_null(g->sandbox_why), "total", total(g), "refused", text_or_null(g->refused),
                     "fault", text_or_null(g->fault), "notes", text_or_null(g->notes), "items", items);
}

int grade_write_json(const struct grade *g, const char *path)
{
    struct report_file file;
    int rc = report_file_open(&file, path);
    if (rc < 0)
        return rc;
    json_t *o = whole(g);
    if (!o || json_dumpf(o, file.f, JSON_INDENT(1)) < 0 || fputc('\n', file.f) == EOF)
        file.failed = o ? -EIO : -ENOMEM;
    json_decref(o);
    return report_file_close(&file);
}
