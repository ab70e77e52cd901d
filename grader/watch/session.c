/* session.c - what a watch knows of the items: see session.h. */
#include "grader/watch/session.h"

#include <stdio.h>
#include <string.h>

#include "grader/grade.h"
#include "grader/report_text.h"

enum { MANY = 3 };          /* items that a save has won: from then on a run of all is quicker */

bool session_open(struct session *s, const struct lab *lab, const char *only)
{
    const struct lab_item *item = only ? lab_item(lab, only) : NULL;
    *s = (struct session){ .lab = lab, .only = item ? (int)(item - lab->items) : -1 };
    return item || !only;
}

static void forget(struct known *k)
{
    json_decref(k->item);
    *k = (struct known){0};
}

void session_close(struct session *s)
{
    for (int i = 0; i < LAB_ITEMS; i++)
        forget(&s->known[i]);
    json_decref(s->grade);
    s->grade = NULL;
}

void session_saved(struct session *s)
{
    s->stuck = false;
    for (int i = 0; i < s->lab->item_count; i++)
        s->known[i].fresh = s->known[i].won = s->known[i].lost = false;
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* The state that a grade's word stands for; KNOWN_NOT: the item was not run. */
static enum known_state state_of(const json_t *item)
{
    static const struct {
        enum item_state in_grade;
        enum known_state known;
    } states[] = {
        { ITEM_PASS, KNOWN_PASS }, { ITEM_FAIL, KNOWN_FAIL }, { ITEM_FAULT, KNOWN_OURS }, { ITEM_NOT_RUN, KNOWN_OURS },
    };
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(text_of(item, "state"), item_state_name(states[i].in_grade)) == 0)
            return states[i].known;
    return KNOWN_NOT;
}

static void learn_item(struct session *s, json_t *item, json_int_t seed)
{
    const struct lab_item *known = lab_item(s->lab, text_of(item, "id"));
    enum known_state state = state_of(item);
    if (!known || state == KNOWN_NOT)
        return;
    struct known *k = &s->known[known - s->lab->items];
    json_decref(k->item);
    k->item = json_incref(item);
    k->won = k->won || (k->state == KNOWN_FAIL && state == KNOWN_PASS);
    k->lost = k->lost || (k->state == KNOWN_PASS && state == KNOWN_FAIL);
    k->state = state;
    k->fresh = true;
    k->seed = seed;
}

bool session_learn(struct session *s, json_t *grade)
{
    json_t *items = json_object_get(grade, "items"), *item;
    size_t i;
    if (strcmp(text_of(grade, "schema"), GRADE_SCHEMA) != 0 || !json_is_array(items) ||
        strcmp(text_of(json_object_get(grade, "lab"), "name"), s->lab->name) != 0) {
        return false;
    }
    json_array_foreach(items, i, item)
        learn_item(s, item, json_integer_value(json_object_get(grade, "seed")));
    json_decref(s->grade);
    s->grade = grade;
    *s->trouble = 0;
    s->stuck = session_refused(s) || session_fault(s);
    return true;
}

void session_fail(struct session *s, const char *words)
{
    text_clean(s->trouble, sizeof s->trouble, words);
    s->stuck = true;
}

/* ---- what follows from it ---------------------------------------------------------------------------------------- */

int session_current(const struct session *s)
{
    if (s->only >= 0)
        return s->known[s->only].state == KNOWN_PASS ? -1 : s->only;
    for (int hidden = 0; hidden < 2; hidden++)
        for (int i = 0; i < s->lab->item_count; i++)
            if (s->lab->items[i].hidden == hidden && (s->known[i].state == KNOWN_NOT || s->known[i].state == KNOWN_FAIL))
                return i;
    return -1;
}

struct task session_next(const struct session *s)
{
    bool known = false, fresh = true;
    int won = 0, current = session_current(s);
    if (s->stuck || (s->only >= 0 && s->known[s->only].fresh))
        return (struct task){0};
    if (s->only >= 0)
        return (struct task){ TASK_ITEM, s->only };
    for (int i = 0; i < s->lab->item_count; i++) {
        known = known || s->known[i].state != KNOWN_NOT;
        fresh = fresh && s->known[i].fresh;
        won += s->known[i].won;
    }
    if (current >= 0 ? s->known[current].fresh : fresh)
        return (struct task){0};
    if (!known || current < 0 || won >= MANY)
        return (struct task){ TASK_ALL, 0 };
    return (struct task){ TASK_ITEM, current };
}

void session_points(const struct session *s, int *fresh, int *stale)
{
    *fresh = *stale = 0;
    for (int i = 0; i < s->lab->item_count; i++)
        if (s->known[i].state == KNOWN_PASS)
            *(s->known[i].fresh ? fresh : stale) += s->lab->items[i].points;
}

int session_passed(const struct session *s)
{
    int passed = 0;
    for (int i = 0; i < s->lab->item_count; i++)
        passed += s->known[i].state == KNOWN_PASS;
    return passed;
}

bool session_done(const struct session *s)
{
    if (s->stuck || session_current(s) >= 0)
        return false;
    for (int i = 0; i < s->lab->item_count; i++)
        if (!s->known[i].fresh && (s->only < 0 || s->only == i))
            return false;
    return true;
}

static const char *reason(const struct session *s, const char *key)
{
    return s->grade ? json_string_value(json_object_get(s->grade, key)) : NULL;
}

const char *session_refused(const struct session *s)
{
    return reason(s, "refused");
}

const char *session_fault(const struct session *s)
{
    return reason(s, "fault");
}

const char *known_text(const struct known *k, const char *key)
{
    return text_of(k->item, key);
}

/* ---- in one line ------------------------------------------------------------------------------------------------- */

/* The first line with an error in it, else the first line. */
static const char *first_error(const char *text, int *len)
{
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *error = strstr(line, "error: ");
        *len = (int)strcspn(line, "\n");
        if (error && error < line + *len)
            return line;
    }
    *len = (int)strcspn(text, "\n");
    return text;
}

static void item_line(const struct session *s, int item, char *line, size_t size)
{
    static const char *const words[] = { "was not run", "passes", "FAILS", "cannot be judged" };
    const struct known *k = &s->known[item];
    int used = snprintf(line, size, "%s %s: %s", s->lab->items[item].id, words[k->state], s->lab->items[item].title);
    if (k->state == KNOWN_FAIL && used > 0 && (size_t)used < size)
        snprintf(line + used, size - (size_t)used, "; expected %s; seen %s; likely: %s", known_text(k, "expected"),
                 known_text(k, "seen"), known_text(k, "cause"));
}

void session_line(const struct session *s, struct task task, char *line, size_t size)
{
    char rough[2048];
    int len, fresh, stale, current = session_current(s);
    const char *why = *s->trouble ? s->trouble : session_refused(s) ? session_refused(s) : session_fault(s);
    if (s->stuck) {
        const char *error = first_error(why ? why : "", &len);
        snprintf(rough, sizeof rough, "nothing could be graded%s: %.*s",
                 *s->trouble || session_fault(s) ? ", which is not your fault" : "", len, error);
    } else if (task.kind == TASK_ALL) {
        session_points(s, &fresh, &stale);
        int used = snprintf(rough, sizeof rough, "%d of 100 points%s", fresh, current < 0 ? "" : "; ");
        if (current >= 0)
            item_line(s, current, rough + used, sizeof rough - (size_t)used);
    } else {
        item_line(s, task.item, rough, sizeof rough);
    }
    text_clean(line, size, rough);
    for (char *end; (end = strchr(line, '\n'));)
        *end = ' ';
}
