/* report_json.c - the findings for programs, an event a line: docs/blocking-events.md describes each.
 *
 * Trap: a reader that takes half a file for the whole. So the last line says that it is the last, and how many there were. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/calls.h"
#include "grader/blocking/report_json_inside.h"
#include "grader/blocking/reports.h"
#include "grader/text_clean.h"

json_t *json_clean(const char *text)
{
    if (!text)
        return json_null();
    size_t room = CLEAN_ROOM(strlen(text));
    char *clean = malloc(room);
    if (!clean)
        return json_null();
    text_clean(clean, room, text);
    json_t *string = json_string(clean);
    free(clean);
    return string;
}

void json_set_clean(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_clean(text));
}

/* ---- events -------------------------------------------------------------------------------------------------------------- */

static json_t *run_event(const struct findings *f)
{
    return json_pack("{s:s, s:i, s:s, s:o, s:I, s:I, s:I, s:I, s:f}", "event", "run", "schema", BLOCKING_SCHEMA,
                     "tool", "blockwatch", "command", json_clean(f->command), "began_ns", (json_int_t)f->began,
                     "ended_ns", (json_int_t)f->ended, "budget_ns", (json_int_t)f->budget, "dropped", (json_int_t)f->dropped,
                     "watching_cpu_s", f->watching_cpu);
}

static json_t *account_object(const struct loop_account *a)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                     "iterations", (json_int_t)a->iterations, "over_budget", (json_int_t)a->over, "wall_ns", (json_int_t)a->wall,
                     "cpu_ns", (json_int_t)a->cpu, "run_delay_ns", (json_int_t)a->delayed, "blocked_ns", (json_int_t)a->blocked,
                     "attributed_ns", (json_int_t)a->attributed, "unattributed_ns", (json_int_t)(a->blocked - a->attributed),
                     "waited_ns", (json_int_t)a->waited, "longest_ns", (json_int_t)a->longest, "sleeps", (json_int_t)a->sleeps,
                     "calls_watched", (json_int_t)a->watched);
}

static json_t *loop_event(const struct loop_account *a, int number)
{
    json_t *o = json_pack("{s:s, s:i, s:i, s:i, s:o, s:s, s:b}", "event", "loop", "loop", number, "pid", a->pid, "tid", a->tid,
                          "program", json_clean(a->program), "tier", tier_name(a->tier), "open", a->open);
    json_t *figures = account_object(a);
    json_object_update(o, figures);
    json_decref(figures);
    return o;
}

static json_t *frame_object(const struct frame *frame)
{
    char pc[24];
    snprintf(pc, sizeof pc, "0x%llx", (unsigned long long)frame->pc);
    json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o}", "function", json_clean(frame->function), "file", json_clean(frame->file),
                          "line", frame->line > 0 ? json_integer(frame->line) : json_null(), "source", json_clean(frame->source),
                          "module", json_clean(frame->module));
    json_object_set_new(o, "pc", frame->language ? json_null() : json_string(pc));
    json_object_set_new(o, "own", json_boolean(frame->own));
    json_object_set_new(o, "inlined", json_boolean(frame->inlined));
    json_object_set_new(o, "language", json_boolean(frame->language));
    return o;
}

static json_t *frames_array(const struct frame *frames, int count)
{
    json_t *all = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(all, frame_object(&frames[i]));
    return all;
}

static json_t *each_array(const struct site *site)
{
    json_t *all = json_array();
    for (uint64_t i = 0; i < site->told; i++)
        json_array_append_new(all, json_integer(site->each[i]));
    return all;
}

static json_t *samples_array(const struct site *site)
{
    json_t *all = json_array();
    for (int i = 0; i < site->sample_count; i++) {
        const struct sample *sample = &site->samples[i];
        json_array_append_new(all, json_pack("{s:I, s:o}", "time_ns", (json_int_t)sample->time,
                                             "frames", frames_array(sample->frames, sample->frame_count)));
    }
    return all;
}

static json_t *site_event(const struct site *site, int number)
{
    const struct frame *frame = site_frame(site);
    json_t *o = json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:s, s:o}", "event", "site", "site", number,
                          "verdict", verdict_name(site->verdict),
                          "call", site->call ? json_string(call_kind(site->call)->name) : json_null(),
                          "what", json_clean(site->what), "asked", json_clean(site->asked), "fingerprint", site->fingerprint,
                          "at", frame ? frame_object(frame) : json_null());
    json_t *figures = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i}", "count", (json_int_t)site->count,
                                "suppressed", (json_int_t)site->suppressed, "total_ns", (json_int_t)site->total,
                                "longest_ns", (json_int_t)site->longest, "p99_ns", (json_int_t)site->p99,
                                "at_once_ns", (json_int_t)site->at_once,
                                "first_ns", (json_int_t)site->first, "last_ns", (json_int_t)site->last, "pid", site->pid,
                                "tid", site->tid);
    json_t *rest = json_pack("{s:o, s:o, s:b, s:b, s:o, s:o, s:o}", "callback", json_clean(site->callback),
                             "advice", json_clean(site->advice), "is_suppressed", site->is_suppressed, "is_known", site->is_known,
                             "each_ns", each_array(site), "frames", frames_array(site->frames, site->frame_count),
                             "samples", samples_array(site));
    json_object_update(o, figures);
    json_object_update(o, rest);
    json_decref(figures);
    json_decref(rest);
    return o;
}

static json_t *stretch_event(const struct stretch *stretch)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:I}", "event", "stretch", "kind", stretch->iteration ? "iteration" : "wait",
                     "loop", stretch->account < 0 ? json_null() : json_integer(stretch->account),
                     "site", stretch->site < 0 ? json_null() : json_integer(stretch->site),
                     "began_ns", (json_int_t)stretch->began, "ended_ns", (json_int_t)stretch->ended,
                     "took_ns", (json_int_t)stretch->took);
}

static json_t *end_event(const struct findings *f, int lines)
{
    const struct loop_account all = findings_account(f);
    return json_pack("{s:s, s:o, s:i, s:i, s:i, s:i, s:i}", "event", "end", "account", account_object(&all),
                     "loops", f->loop_count, "sites", f->site_count,
                     "new_sites", findings_new(f), "stretches", f->stretch_count, "lines", lines);
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

/* Takes the object. */
static int put_event(FILE *file, json_t *o, int *lines)
{
    int rc = !o ? -ENOMEM : json_dumpf(o, file, JSON_COMPACT) < 0 || fputc('\n', file) == EOF ? -EIO : 0;
    json_decref(o);
    ++*lines;
    return rc;
}

int blocking_json_lines(const struct findings *f, FILE *file)
{
    int lines = 0, rc = put_event(file, run_event(f), &lines);
    for (int i = 0; rc == 0 && i < f->loop_count; i++)
        rc = put_event(file, loop_event(&f->loops[i], i), &lines);
    for (int i = 0; rc == 0 && i < f->site_count; i++)
        rc = put_event(file, site_event(&f->sites[i], i), &lines);
    for (int i = 0; rc == 0 && i < f->stretch_count; i++)
        rc = put_event(file, stretch_event(&f->stretches[i]), &lines);
    for (int i = 0; rc == 0 && i < f->note_count; i++)
        rc = put_event(file, json_pack("{s:s, s:o}", "event", "note", "text", json_clean(f->notes[i])), &lines);
    return rc < 0 ? rc : put_event(file, end_event(f, lines), &lines);
}
