/* grade.c - the one place where points are added: see grade.h. */
#include "grader/grade.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int grade_open(struct grade *g, const struct lab *lab, const char *only)
{
    g->lab = lab;
    size_t size = sizeof(struct verdict) * (size_t)lab->item_count;
    struct verdict *verdicts = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (verdicts == MAP_FAILED)
        return -errno;
    for (int i = 0; i < lab->item_count; i++) {
        g->items[i].item = &lab->items[i];
        g->items[i].verdict = &verdicts[i];
        g->items[i].selected = !only || strcmp(lab->items[i].id, only) == 0;
    }
    return 0;
}

void grade_close(struct grade *g)
{
    if (g->items[0].verdict)
        munmap(g->items[0].verdict, sizeof(struct verdict) * (size_t)g->lab->item_count);
    g->items[0].verdict = NULL;
}

enum item_state item_state(const struct grade *g, const struct item_grade *i)
{
    if (!i->selected)
        return ITEM_LEFT_OUT;
    if (*g->refused || *g->fault)
        return ITEM_NOT_GRADED;
    switch (i->verdict->state) {
    case VERDICT_PASS:
        return ITEM_PASS;
    case VERDICT_FAIL:
        return ITEM_FAIL;
    case VERDICT_NOT_RUN:
        return ITEM_NOT_RUN;
    default:
        return ITEM_FAULT;
    }
}

const char *item_state_name(enum item_state s)
{
    static const char *const names[] = { "pass", "fail", "fault", "not_run", "not_graded", "left_out" };
    return names[s];
}

struct grade_total grade_total(const struct grade *g)
{
    struct grade_total t = {0};
    for (int n = 0; n < g->lab->item_count; n++) {
        const struct item_grade *i = &g->items[n];
        if (!i->selected)
            continue;
        enum item_state state = item_state(g, i);
        int points = state == ITEM_PASS ? i->points : 0;
        t.points += points;
        t.max += i->item->points;
        t.visible += i->item->hidden ? 0 : points;
        t.visible_max += i->item->hidden ? 0 : i->item->points;
        t.faults += state == ITEM_FAULT;
        t.not_run += state == ITEM_NOT_RUN;
    }
    t.full = t.max > 0 && t.points == t.max;
    return t;
}

const struct item_grade *grade_first_failure(const struct grade *g)
{
    const struct item_grade *hidden = NULL;
    for (int n = g->lab->item_count - 1; n >= 0; n--)
        if (item_state(g, &g->items[n]) == ITEM_FAIL && g->items[n].item->hidden)
            hidden = &g->items[n];
    for (int n = 0; n < g->lab->item_count; n++)
        if (item_state(g, &g->items[n]) == ITEM_FAIL && !g->items[n].item->hidden)
            return &g->items[n];
    return hidden;
}
