/* report_html_flame.c - stacks put together as a tree of functions, outermost first: see report_html.h.
 *
 * Traps: (a) a hog's ten thousand samples: what they share is written once, and what is too narrow to be seen not at all.
 *        (b) a function that calls itself a hundred times is a hundred levels, not a cycle. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/report_html.h"

enum { NARROW = 10000 };            /* a box that is less than that part of all is left out */
enum box_kind { BOX_OTHER, BOX_OWN, BOX_LANGUAGE, BOX_CALL };

struct box {
    const char *function, *file;    /* lent; file: NULL, if it is not known */
    int line;                       /* 0: several */
    enum box_kind kind;
    enum verdict_kind verdict;      /* of a BOX_CALL */
    int64_t time;
    int child, sibling;             /* -1: none */
};

struct flame {
    struct box *boxes;              /* the first is all of it */
    int count, room;
};

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static int box_new(struct flame *flame, const struct box *like)
{
    if (flame->count == flame->room) {
        int room = flame->room ? 2 * flame->room : 256;
        struct box *boxes = realloc(flame->boxes, (size_t)room * sizeof *boxes);
        if (!boxes)
            return -1;
        flame->boxes = boxes;
        flame->room = room;
    }
    flame->boxes[flame->count] = *like;
    return flame->count++;
}

/* The box like that on top of `parent`, with its time added. -1: memory is refused. */
static int box_on(struct flame *flame, int parent, const struct box *like)
{
    int at = flame->boxes[parent].child;
    while (at >= 0 && !(same(flame->boxes[at].function, like->function) && same(flame->boxes[at].file, like->file) &&
                        flame->boxes[at].kind == like->kind))
        at = flame->boxes[at].sibling;
    if (at < 0) {
        at = box_new(flame, like);
        if (at < 0)
            return -1;
        flame->boxes[at].sibling = flame->boxes[parent].child;
        flame->boxes[parent].child = at;
        return at;
    }
    struct box *box = &flame->boxes[at];
    box->time += like->time;
    box->line = box->line == like->line ? box->line : 0;
    return at;
}

static struct box box_of(const struct frame *frame, int64_t time)
{
    return (struct box){ .function = frame_function(frame), .file = frame->file ? frame->file : frame->module,
                         .line = frame->line, .kind = !frame->own ? BOX_OTHER : frame->language ? BOX_LANGUAGE : BOX_OWN,
                         .time = time, .child = -1, .sibling = -1 };
}

/* The call in which it slept stands on top; its own frame, where there is one, says no more. 0 or -ENOMEM. */
static int stack_add(struct flame *flame, const struct site *s, const struct frame *frames, int count, int64_t time)
{
    const char *call = s->verdict == HOG ? NULL : s->what;
    int at = 0, innermost = call && count > 0 && !frames[0].own && same(frames[0].function, call);
    flame->boxes[0].time += time;
    for (int i = count - 1; i >= innermost && at >= 0; i--) {
        struct box box = box_of(&frames[i], time);
        at = box_on(flame, at, &box);
    }
    struct box top = { .function = call, .kind = BOX_CALL, .verdict = s->verdict, .time = time, .child = -1, .sibling = -1 };
    if (at >= 0 && call)
        at = box_on(flame, at, &top);
    return at < 0 ? -ENOMEM : 0;
}

/* What no sample stands for has the stack of the longest. */
static int site_add(struct flame *flame, const struct site *s)
{
    int64_t left = s->total;
    int rc = 0;
    for (int i = 0; i < s->sample_count && rc == 0; i++) {
        rc = stack_add(flame, s, s->samples[i].frames, s->samples[i].frame_count, s->samples[i].time);
        left -= s->samples[i].time;
    }
    return rc == 0 && left > 0 ? stack_add(flame, s, s->frames, s->frame_count, left) : rc;
}

/* [function, file, line, kind, time, [boxes on it]] */
static void put_box(FILE *f, const struct flame *flame, int at)
{
    static const char *const kinds[] = { [BOX_OTHER] = "other", [BOX_OWN] = "own", [BOX_LANGUAGE] = "language" };
    const struct box *box = &flame->boxes[at];
    const char *before = "";
    fputc('[', f);
    html_json(f, box->function);
    fputc(',', f);
    html_json(f, box->file ? box->file : "");
    fprintf(f, ",%d,\"%s\",%" PRId64 ",[", box->line, box->kind == BOX_CALL ? html_verdict(box->verdict) : kinds[box->kind],
            box->time);
    for (int i = box->child; i >= 0; i = flame->boxes[i].sibling)
        if (flame->boxes[i].time > flame->boxes[0].time / NARROW) {
            fputs(before, f);
            put_box(f, flame, i);
            before = ",";
        }
    fprintf(f, "]]");
}

int html_flame(FILE *f, const struct findings *findings, bool hogs)
{
    struct flame flame = {0};
    int rc = box_new(&flame, &(struct box){ .function = "all", .child = -1, .sibling = -1 }) < 0 ? -ENOMEM : 0;
    for (int i = 0; i < findings->site_count && rc == 0; i++) {
        enum verdict_kind v = findings->sites[i].verdict;
        if (hogs ? v == HOG : v == BLOCKED || v == FAULTS)
            rc = site_add(&flame, &findings->sites[i]);
    }
    if (rc == 0 && flame.boxes[0].time > 0)
        put_box(f, &flame, 0);
    else
        fprintf(f, "null");
    free(flame.boxes);
    return rc;
}
