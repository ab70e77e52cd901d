/* view.c - what a watch shows: see view.h. */
#include "grader/watch/view_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ROOMY = 16 };        /* rows from which on there is room for what the student knows already */

/* ---- parts -------------------------------------------------------------------------------------------------------- */

void view_add(struct page *p, enum ink ink, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    page_put(p, ink, text);
}

void view_field(struct page *p, enum ink ink, const char *name, const char *text)
{
    if (!*text)
        return;
    page_put(p, PLAIN, " ");
    page_put(p, ink, name);
    page_indent(p, p->width < 4 * VIEW_NAMES ? (int)strlen(name) + 2 : VIEW_NAMES);
    page_wrap(p, VIEW_NAMES, PLAIN, text);
}

void view_sentence(struct page *p, enum ink ink, const char *text)
{
    page_put(p, PLAIN, " ");
    page_wrap(p, 1, ink, text);
}

void view_blank(struct page *p)
{
    if (p->rows > 0 && *page_text(p, p->rows - 1))
        page_row(p);
}

static void bar(struct page *p, int columns, int fresh, int stale)
{
    static const char *const cells[2][3] = { { "#", "+", "." }, { "\xe2\x96\x88", "\xe2\x96\x92", "\xe2\x96\x91" } };
    static const enum ink inks[] = { GREEN, DIM, DIM };
    int ends[] = { fresh * columns / 100, (fresh + stale) * columns / 100, columns };
    for (int part = 0, at = 0; part < 3; part++) {
        char run[3 * 64 + 1] = "";
        for (; at < ends[part]; at++)
            strcat(run, cells[p->utf8][part]);
        page_put(p, inks[part], run);
    }
}

/* What the last save has won, or lost. */
static void turned(struct page *p, const struct session *s, bool won)
{
    bool any = false;
    for (int i = 0; i < s->lab->item_count; i++) {
        if (!(won ? s->known[i].won : s->known[i].lost))
            continue;
        if (!any)
            page_put(p, won ? GREEN : RED, won ? " now passes:" : " no longer passes:");
        view_add(p, PLAIN, " %s", s->lab->items[i].id);
        any = true;
    }
}

static void head(struct page *p, const struct scene *scene)
{
    const struct session *s = scene->session;
    int fresh, stale;
    session_points(s, &fresh, &stale);
    page_put(p, BOLD, " eddy watch");
    view_add(p, PLAIN, "  lab %s  ", s->lab->id);
    page_put(p, BOLD, s->lab->title);
    page_row(p);
    page_put(p, PLAIN, " ");
    if (p->width >= 60)
        bar(p, p->width >= 110 ? 60 : 30, fresh, stale);
    view_add(p, BOLD, "%s%d of 100", p->width >= 60 ? "  " : "", fresh + stale);
    view_add(p, PLAIN, "  %d/%d items", session_passed(s), s->lab->item_count);
    if (stale > 0)
        page_put(p, DIM, "  (stale: a runs all)");
    page_row(p);
    turned(p, s, true);
    turned(p, s, false);
    page_row(p);
    if (p->height >= ROOMY)
        view_blank(p);
}

const char *view_state(const struct known *k, enum ink *ink)
{
    static const char *const words[] = { "-", "pass", "FAIL", "ours" };
    static const enum ink inks[] = { DIM, GREEN, RED, YELLOW };
    bool missing = strcmp(known_text(k, "state"), "not_run") == 0;
    *ink = k->fresh ? inks[k->state] : DIM;
    return missing ? "n/a" : words[k->state];
}

void view_item_head(struct page *p, const struct session *s, int item)
{
    enum ink ink;
    const char *word = view_state(&s->known[item], &ink);
    view_add(p, BOLD, " %-4s", s->lab->items[item].id);
    page_put(p, ink, word);
    page_indent(p, VIEW_NAMES);
    page_wrap(p, VIEW_NAMES, BOLD, s->lab->items[item].title);
}

/* ---- the item ----------------------------------------------------------------------------------------------------- */

static bool is_shown(const json_t *line)
{
    const char *kind = json_string_value(json_object_get(line, "kind"));
    return kind && strcmp(kind, "call") != 0;
}

static void history_row(struct page *p, const json_t *line)
{
    const char *kind = json_string_value(json_object_get(line, "kind"));
    const char *text = json_string_value(json_object_get(line, "text"));
    json_int_t number = json_integer_value(json_object_get(line, "number")), at;
    if (number)
        view_add(p, DIM, "%5" JSON_INTEGER_FORMAT "  ", number);
    page_indent(p, strcmp(kind, "title") == 0 ? 3 : strcmp(kind, "step") == 0 ? 7 : 9);
    if (strcmp(kind, "expect") == 0)
        page_put(p, GREEN, "as expected: ");
    at = json_integer_value(json_object_get(line, "at_ns"));
    if (strcmp(kind, "event") == 0 && json_is_integer(json_object_get(line, "at_ns")))
        view_add(p, DIM, "[%g ms] ", (double)at / 1e6);
    page_put(p, strcmp(kind, "title") == 0 ? BOLD : PLAIN, text ? text : "");
    page_row(p);
}

/* Its last lines, as many as there is room for. */
static void history(struct page *p, const struct known *k)
{
    const json_t *lines = json_object_get(k->item, "history"), *line;
    int count = 0, n = 0, room = page_room(p) - 2;
    size_t i;
    json_array_foreach(lines, i, line)
        count += is_shown(line);
    if (count == 0 || room < 2)
        return;
    view_blank(p);
    if (count > room)
        view_add(p, DIM, " history: the last %d of %d lines (v shows all)", room, count);
    else
        page_put(p, DIM, " history");
    page_row(p);
    json_array_foreach(lines, i, line)
        if (is_shown(line) && n++ >= count - room)
            history_row(p, line);
}

static void hints(struct page *p, const struct session *s, int item)
{
    int shown = s->known[item].hints;
    if (shown > 0)
        view_blank(p);
    for (int h = 0; h < shown && h < LAB_HINTS; h++) {
        char name[24];
        snprintf(name, sizeof name, "hint %d", h + 1);
        view_field(p, YELLOW, name, s->lab->items[item].hints[h]);
    }
}

void view_failure(struct page *p, const struct known *k)
{
    view_field(p, GREEN, "expected", known_text(k, "expected"));
    view_field(p, RED, "seen", known_text(k, "seen"));
    view_field(p, BOLD, "likely", known_text(k, "cause"));
}

static void item_view(struct page *p, const struct session *s, int item)
{
    const struct known *k = &s->known[item];
    view_item_head(p, s, item);
    if (p->height >= ROOMY) {
        page_indent(p, VIEW_NAMES);
        page_wrap(p, VIEW_NAMES, DIM, s->lab->items[item].property);
        page_row(p);
    }
    view_failure(p, k);
    hints(p, s, item);
    if (k->state == KNOWN_FAIL)
        history(p, k);
}

/* ---- what stands in place of the item ----------------------------------------------------------------------------- */

static bool has_error(const char *line, size_t len)
{
    const char *error = memmem(line, len, "error: ", 7);
    return error != NULL;
}

/* The lines with an error in them first, then the whole message, which holds them again with their surroundings. */
static void refused_view(struct page *p, const char *message)
{
    char line[512];
    size_t len;
    bool errors = false;
    for (const char *at = message; *at; at += len + (at[len] == '\n')) {
        len = strcspn(at, "\n");
        if (!has_error(at, len))
            continue;
        snprintf(line, sizeof line, "%.*s", (int)len, at);
        view_sentence(p, RED, line);
        errors = true;
    }
    view_blank(p);
    for (const char *at = message; *at; at += len + (at[len] == '\n')) {
        len = strcspn(at, "\n");
        snprintf(line, sizeof line, " %.*s", (int)len, at);
        page_put(p, errors ? DIM : PLAIN, line);
        page_row(p);
    }
}

static void done_view(struct page *p, const struct session *s)
{
    int fresh, stale;
    session_points(s, &fresh, &stale);
    if (s->only >= 0) {
        view_item_head(p, s, s->only);
        view_sentence(p, GREEN, "It passes. Save again and it is run again; a runs all items.");
    } else if (fresh == 100) {
        view_sentence(p, GREEN, "All of it. Well done.");
    } else {
        view_sentence(p, GREEN, "All that could be judged here passes.");
        view_sentence(p, PLAIN, "What is missing was our fault, or this machine cannot run it: l shows which.");
    }
}

static void main_view(struct page *p, const struct scene *scene)
{
    const struct session *s = scene->session;
    char words[300];
    int current = scene->running.kind == TASK_ITEM ? scene->running.item : session_current(s);
    if (scene->folder_gone) {
        snprintf(words, sizeof words, "%s is gone. make lab LAB=%s puts the starter there; then this goes on by itself.",
                 scene->folder, s->lab->id);
        view_sentence(p, RED, words);
    } else if (*s->trouble) {
        view_sentence(p, RED, "Nothing could be graded, and it is not your fault:");
        view_sentence(p, PLAIN, s->trouble);
    } else if (session_refused(s)) {
        refused_view(p, session_refused(s));
    } else if (session_fault(s)) {
        view_sentence(p, YELLOW, "Nothing could be graded, and it is not your fault:");
        view_sentence(p, PLAIN, session_fault(s));
    } else if (session_done(s)) {
        done_view(p, s);
    } else if (!s->grade) {
        view_sentence(p, DIM, "The first run shows where you are.");
    } else if (current >= 0) {
        item_view(p, s, current);
    } else {
        view_sentence(p, GREEN, "Each item has passed. All are run again, since your last save may have changed one.");
    }
}

/* ---- the foot ----------------------------------------------------------------------------------------------------- */

/* What the last run came to, in a few words: the page above says it in full. */
static void end_words(const struct scene *scene, char *words, size_t size)
{
    static const char *const ends[] = { "was not run", "passes", "fails", "could not be judged" };
    const struct session *s = scene->session;
    int fresh, stale;
    session_points(s, &fresh, &stale);
    if (s->stuck)
        snprintf(words, size, "nothing could be graded");
    else if (scene->last.kind == TASK_ALL)
        snprintf(words, size, "all items: %d of 100 points", fresh + stale);
    else if (scene->last.kind == TASK_WHY)
        snprintf(words, size, "%s explained", s->lab->items[scene->last.item].id);
    else
        snprintf(words, size, "%s %s", s->lab->items[scene->last.item].id, ends[s->known[scene->last.item].state]);
}

static void task_words(const struct session *s, struct task task, char *words, size_t size)
{
    if (task.kind == TASK_ALL)
        snprintf(words, size, "all items");
    else
        snprintf(words, size, "%s%s", s->lab->items[task.item].id, task.kind == TASK_WHY ? ", to explain it" : "");
}

static void status_row(struct page *p, const struct scene *scene)
{
    static const char *const dots[] = { "\xe2\xa0\x8b", "\xe2\xa0\x99", "\xe2\xa0\xb9", "\xe2\xa0\xb8", "\xe2\xa0\xbc",
                                        "\xe2\xa0\xb4", "\xe2\xa0\xa6", "\xe2\xa0\xa7", "\xe2\xa0\x87", "\xe2\xa0\x8f" };
    static const char *const sticks[] = { "|", "/", "-", "\\" };
    char words[64];
    if (scene->running.kind) {
        task_words(scene->session, scene->running, words, sizeof words);
        view_add(p, YELLOW, " %s ", p->utf8 ? dots[scene->turn % 10] : sticks[scene->turn % 4]);
        view_add(p, PLAIN, "running %s", words);
        if (scene->seconds > 0)
            view_add(p, DIM, "  %d s", scene->seconds);
    } else if (scene->last.kind) {
        end_words(scene, words, sizeof words);
        view_add(p, PLAIN, " %s  %s", scene->when, words);
        view_add(p, DIM, " (%d.%d s)   waiting for a save in %s", scene->tenths / 10, scene->tenths % 10, scene->folder);
    }
    page_row(p);
}

static void keys_row(struct page *p, const struct scene *scene)
{
    static const char *const keys[][2] = { { "h", "hint" }, { "l", "list" }, { "r", "run" }, { "a", "all" }, { "v", "why" },
                                           { "b", "blocking" }, { "?", "help" }, { "q", "quit" } };
    bool names = p->width >= 60;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        view_add(p, BOLD, " %s", keys[i][0]);
        if (names)
            view_add(p, DIM, " %s ", keys[i][1]);
    }
    if (p->hidden_above)
        view_add(p, YELLOW, " %d up", p->hidden_above);
    if (p->hidden_below)
        view_add(p, YELLOW, " %d down", p->hidden_below);
    if (!p->hidden_above && !p->hidden_below && scene->view != VIEW_ITEM)
        view_add(p, YELLOW, " Esc back");
    page_row(p);
}

static void body(struct page *p, const struct scene *scene)
{
    switch (scene->view) {
    case VIEW_ITEM: main_view(p, scene); break;
    case VIEW_LIST: view_list(p, scene); break;
    case VIEW_WHY: view_why(p, scene); break;
    case VIEW_BLOCKING: view_blocking(p, scene->session); break;
    case VIEW_HELP: view_help(p, scene); break;
    }
}

/* How far the body can be scrolled: what was drawn is then the last of it. */
static int draw_above_the_foot(struct page *p, const struct scene *scene, int foot)
{
    page_begin(p, p->width, p->height, p->colour, p->utf8);
    head(p, scene);
    page_body(p, scene->scroll, foot);
    body(p, scene);
    int beyond = p->hidden_above + p->hidden_below + p->rows - p->limit;
    return beyond > 0 ? beyond : 0;
}

void view_draw(struct page *p, struct scene *scene)
{
    int foot = scene->polling ? 3 : 2, most = draw_above_the_foot(p, scene, foot);
    if (scene->scroll > most) {
        scene->scroll = most;
        draw_above_the_foot(p, scene, foot);
    }
    page_body_end(p);
    if (scene->polling) {
        page_put(p, YELLOW, " ");
        page_put(p, YELLOW, scene->polling);
        page_row(p);
    }
    status_row(p, scene);
    keys_row(p, scene);
}
