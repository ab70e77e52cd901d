/* report_sarif.c - the findings as SARIF 2.1.0, for editors and code scanning.
 *
 * A rule is a verdict and a call; a result is a site, with its stack, the path to it through the program's own code (codeFlows),
 * and a fingerprint that is the same in each run.
 *
 * Traps: (a) a viewer that knows nothing of stacks shows the first location alone: it is the program's own line.
 *        (b) a path is a URI here: a blank or a percent sign in a folder's name, and nothing is found. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/blocking/calls.h"
#include "grader/blocking/report_json_inside.h"
#include "grader/blocking/report_words.h"
#include "grader/blocking/reports.h"

#define SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#define ROOT "SRCROOT"

struct sarif {
    const struct findings *f;
    char root[4096];                /* where we are: what lies below it is named from there */
    json_t *rules;
    bool baseline;                  /* something is known already, so the others are new */
};

/* ---- places -------------------------------------------------------------------------------------------------------------- */

static json_t *uri(const char *before, const char *path)
{
    size_t at = strlen(before);
    char *text = malloc(at + 3 * strlen(path) + 2);
    if (!text)
        return json_null();
    strcpy(text, before);
    for (const unsigned char *c = (const unsigned char *)path; *c; c++)
        at += (size_t)sprintf(text + at, isalnum(*c) || strchr("/-_.~+@", *c) ? "%c" : "%%%02X", *c);
    text[at] = 0;
    json_t *string = json_string(text);
    free(text);
    return string;
}

static json_t *artifact(const struct sarif *s, const char *path)
{
    size_t len = strlen(s->root);
    if (len > 1 && !strncmp(path, s->root, len) && path[len] == '/')
        return json_pack("{s:o, s:s}", "uri", uri("", path + len + 1), "uriBaseId", ROOT);
    if (*path == '/')
        return json_pack("{s:o}", "uri", uri("file://", path));
    return json_pack("{s:o, s:s}", "uri", uri(*path == '<' ? "x-generated:" : "", path), "uriBaseId", ROOT);
}

static json_t *physical(const struct sarif *s, const struct frame *frame)
{
    const char *path = frame->file ? frame->file : frame->module;
    json_t *o = json_pack("{s:o}", "artifactLocation", artifact(s, path));
    if (!frame->file || frame->line <= 0)
        return o;
    json_t *region = json_pack("{s:i}", "startLine", frame->line);
    if (frame->source)
        json_object_set_new(region, "snippet", json_pack("{s:o}", "text", json_clean(frame->source)));
    json_object_set_new(o, "region", region);
    return o;
}

static json_t *location(const struct sarif *s, const struct frame *frame, const char *message)
{
    json_t *o = json_object();
    if (frame->file || frame->module)
        json_object_set_new(o, "physicalLocation", physical(s, frame));
    json_object_set_new(o, "logicalLocations", json_pack("[{s:o, s:s}]", "fullyQualifiedName", json_clean(frame_function(frame)),
                                                          "kind", "function"));
    if (message)
        json_object_set_new(o, "message", json_pack("{s:o}", "text", json_clean(message)));
    return o;
}

/* ---- rules --------------------------------------------------------------------------------------------------------------- */

static const char *rule_id(const struct site *site, char out[96])
{
    static const char *const names[] = { "blocked", "hog", "starved", "page-fault", "could-block" };
    const char *what = site->call ? call_kind(site->call)->name : site->verdict == BLOCKED ? "unattributed" : NULL;
    bool named = site->verdict == BLOCKED || site->verdict == COULD_BLOCK;
    if (named && !site->call && site->what && !strncmp(site->what, "system call ", 12))
        what = site->what + 12;
    snprintf(out, 96, "%s%s%.64s", names[site->verdict], named && what ? "/" : "", named && what ? what : "");
    return out;
}

static const char *level(enum verdict_kind verdict)
{
    return verdict == BLOCKED ? "error" : verdict == HOG || verdict == FAULTS ? "warning" : "note";
}

static json_t *rule(const struct site *site, const char *id)
{
    static const char *const shorts[] = {
        "The event loop's thread slept in a call", "A callback kept the event loop busy",
        "The event loop was ready and did not run", "The event loop's thread slept in a page fault",
        "A call on the event loop's thread may sleep",
    };
    static const char *const longs[] = {
        "The kernel took the thread of an event loop off its processor while it was in a callback: nothing else of it could run.",
        "An iteration of the event loop took longer than its budget, and most of that was its own processor time.",
        "An iteration of the event loop took longer than its budget, and most of that it waited for a processor.",
        "A page that a callback touched was not in memory, and the thread of the event loop slept until it was.",
        "The call did not sleep this time. With other data, another disk or another peer it will.",
    };
    json_t *help = json_clean(site->advice ? site->advice : longs[site->verdict]);
    return json_pack("{s:s, s:s, s:{s:s}, s:{s:s}, s:{s:O, s:o}, s:{s:s}, s:{s:[s,s]}}", "id", id,
                     "name", verdict_name(site->verdict), "shortDescription", "text", shorts[site->verdict],
                     "fullDescription", "text", longs[site->verdict], "help", "text", help, "markdown", help,
                     "defaultConfiguration", "level", level(site->verdict),
                     "properties", "tags", "performance", "event-loop");
}

static int rule_index(struct sarif *s, const struct site *site, const char *id)
{
    size_t i = 0, count = json_array_size(s->rules);
    while (i < count && strcmp(json_string_value(json_object_get(json_array_get(s->rules, i), "id")), id))
        i++;
    if (i == count)
        json_array_append_new(s->rules, rule(site, id));
    return (int)i;
}

/* ---- results ------------------------------------------------------------------------------------------------------------- */

static json_t *stack(const struct sarif *s, const struct site *site)
{
    json_t *frames = json_array();
    for (int i = 0; i < site->frame_count; i++) {
        const struct frame *frame = &site->frames[i];
        json_t *o = json_pack("{s:o}", "location", location(s, frame, NULL));
        if (frame->module)
            json_object_set_new(o, "module", json_clean(path_base(frame->module)));
        json_array_append_new(frames, o);
    }
    return json_pack("[{s:{s:s}, s:o}]", "message", "text", "the longest one", "frames", frames);
}

/* From the outermost own line to the call. NULL: no line of the program is known. */
static json_t *flow(const struct sarif *s, const struct site *site)
{
    json_t *steps = json_array();
    char words[WORDS];
    for (int i = site->frame_count - 1; i >= 0; i--) {
        const struct frame *frame = &site->frames[i];
        if (!frame->own || !frame->file || frame->line <= 0)
            continue;
        const char *message = i == site->first_own ? words_what(site, words) : frame_function(frame);
        json_array_append_new(steps, json_pack("{s:o, s:s}", "location", location(s, frame, message), "importance",
                                               i == site->first_own ? "essential" : "important"));
    }
    if (json_array_size(steps) > 0)
        return json_pack("[{s:[{s:o}]}]", "threadFlows", "locations", steps);
    json_decref(steps);
    return NULL;
}

static json_t *properties(const struct site *site)
{
    json_t *o = json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:i, s:i}", "verdict", verdict_name(site->verdict),
                          "what", json_clean(site->what), "asked", json_clean(site->asked), "count", (json_int_t)site->count,
                          "suppressedCount", (json_int_t)site->suppressed, "totalNanoseconds", (json_int_t)site->total,
                          "longestNanoseconds", (json_int_t)site->longest, "p99Nanoseconds", (json_int_t)site->p99,
                          "pid", site->pid, "tid", site->tid);
    json_set_clean(o, "callback", site->callback);
    return o;
}

/* Code scanning refuses a file in which one result has no place: then it is the program. */
static json_t *locations(const struct sarif *s, const struct site *site)
{
    const struct frame *frame = site_frame(site);
    if (frame && (frame->file || frame->module))
        return json_pack("[o]", location(s, frame, NULL));
    for (int i = 0; i < s->f->loop_count; i++) {
        const struct loop_account *loop = &s->f->loops[i];
        if (loop->pid == site->pid && loop->program)
            return json_pack("[{s:{s:o}}]", "physicalLocation", "artifactLocation", artifact(s, loop->program));
    }
    return json_array();
}

static json_t *result(struct sarif *s, const struct site *site)
{
    char id[96], words[WORDS];
    int index = rule_index(s, site, rule_id(site, id));
    json_t *message = json_clean(words_site(site, words));
    json_t *o = json_pack("{s:s, s:i, s:s, s:s, s:{s:o}, s:{s:s}}", "ruleId", id, "ruleIndex", index, "kind", "fail",
                          "level", level(site->verdict), "message", "text", message,
                          "partialFingerprints", "blockwatch/v1", site->fingerprint);
    json_object_set_new(o, "locations", locations(s, site));
    if (site->frame_count)
        json_object_set_new(o, "stacks", stack(s, site));
    json_t *steps = flow(s, site);
    if (steps)
        json_object_set_new(o, "codeFlows", steps);
    if (site->count <= INT32_MAX && site->count > 0)
        json_object_set_new(o, "occurrenceCount", json_integer((json_int_t)site->count));
    json_object_set_new(o, "suppressions", site->is_suppressed
                        ? json_pack("[{s:s, s:s}]", "kind", "external", "status", "accepted") : json_array());
    if (s->baseline)
        json_object_set_new(o, "baselineState", json_string(site->is_known ? "unchanged" : "new"));
    json_object_set_new(o, "properties", properties(site));
    return o;
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

static json_t *invocation(const struct findings *f)
{
    json_t *notes = json_array();
    char words[WORDS];
    for (int i = 0; i < f->loop_count; i++)
        json_array_append_new(notes, json_pack("{s:s, s:{s:o}}", "level", "note", "message", "text",
                                               json_clean(words_account(&f->loops[i], words))));
    for (int i = 0; i < f->note_count; i++)
        json_array_append_new(notes, json_pack("{s:s, s:{s:o}}", "level", "note", "message", "text", json_clean(f->notes[i])));
    json_t *o = json_pack("{s:b, s:o}", "executionSuccessful", 1, "toolExecutionNotifications", notes);
    json_set_clean(o, "commandLine", f->command);
    return o;
}

static json_t *run(struct sarif *s)
{
    json_t *results = json_array();
    for (int i = 0; i < s->f->site_count; i++)
        json_array_append_new(results, result(s, &s->f->sites[i]));
    json_t *driver = json_pack("{s:s, s:s, s:s, s:O}", "name", "blockwatch",
                               "fullName", "blockwatch, the blocking-call detector of eddy", "semanticVersion", "1.0.0",
                               "rules", s->rules);
    json_t *o = json_pack("{s:{s:o}, s:[o], s:s, s:o}", "tool", "driver", driver, "invocations", invocation(s->f),
                          "columnKind", "unicodeCodePoints", "results", results);
    size_t len = strlen(s->root);
    if (len > 1 && len < sizeof s->root - 1) {
        strcpy(s->root + len, "/");
        json_object_set_new(o, "originalUriBaseIds", json_pack("{s:{s:o}}", ROOT, "uri", uri("file://", s->root)));
    }
    return o;
}

int blocking_sarif(const struct findings *f, FILE *file)
{
    struct sarif s = { .f = f, .rules = json_array() };
    if (!getcwd(s.root, sizeof s.root) || *s.root != '/')
        *s.root = 0;
    for (int i = 0; i < f->site_count; i++)
        s.baseline |= f->sites[i].is_known;
    json_t *o = json_pack("{s:s, s:s, s:[o]}", "$schema", SCHEMA, "version", "2.1.0", "runs", run(&s));
    int rc = !o ? -ENOMEM : json_dumpf(o, file, JSON_INDENT(1)) < 0 || fputc('\n', file) == EOF ? -EIO : 0;
    json_decref(o);
    json_decref(s.rules);
    return rc;
}
