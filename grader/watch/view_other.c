/* view_other.c - what a watch shows in place of the item, when a key asks for it: see view_inside.h. */
#include "grader/watch/view_inside.h"

#include <stdio.h>
#include <string.h>

void view_list(struct page *p, const struct scene *scene)
{
    const struct session *s = scene->session;
    int current = session_current(s);
    for (int hidden = 0; hidden < 2; hidden++)
        for (int i = 0; i < s->lab->item_count; i++) {
            const struct lab_item *item = &s->lab->items[i];
            enum ink ink;
            if (item->hidden != hidden)
                continue;
            const char *word = view_state(&s->known[i], &ink);
            view_add(p, BOLD, "%c%-4s", i == current ? '>' : ' ', item->id);
            view_add(p, ink, "%-5s", word);
            view_add(p, DIM, "%3d  ", item->points);
            page_put(p, i == current ? BOLD : PLAIN, item->title);
            if (s->known[i].state != KNOWN_NOT && !s->known[i].fresh)
                page_put(p, DIM, "  (stale)");
            page_row(p);
        }
}

static void metrics(struct page *p, const struct known *k)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(k->item, "metrics"), name, value) {
        page_indent(p, VIEW_NAMES);
        view_add(p, PLAIN, "%s = %" JSON_INTEGER_FORMAT, name, json_integer_value(value));
        page_row(p);
    }
}

void view_blocking(struct page *p, const struct session *s)
{
    bool any = false, measured = false;
    for (int i = 0; i < s->lab->item_count; i++) {
        if (s->lab->items[i].id[0] != 'B')
            continue;
        any = true;
        measured = measured || s->known[i].item;
    }
    view_sentence(p, BOLD, "Blocking and cost");
    if (!any)
        view_sentence(p, PLAIN, "This lab measures neither.");
    else if (!measured)
        view_sentence(p, PLAIN, "Not measured yet: press a.");
    for (int i = 0; i < s->lab->item_count; i++) {
        if (s->lab->items[i].id[0] != 'B' || !measured)
            continue;
        page_row(p);
        view_item_head(p, s, i);
        page_indent(p, VIEW_NAMES);
        page_wrap(p, VIEW_NAMES, DIM, s->lab->items[i].property);
        view_failure(p, &s->known[i]);
        metrics(p, &s->known[i]);
    }
}

void view_why(struct page *p, const struct scene *scene)
{
    const char *text = scene->why ? scene->why : " The item is run once more, and explained ...";
    char line[512];
    for (size_t len; *text; text += len + (text[len] == '\n')) {
        len = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)len, text);
        page_wrap(p, (int)strspn(line, " ") + 2, PLAIN, line);
    }
}

void view_help(struct page *p, const struct scene *scene)
{
    static const char *const keys[][2] = {
        { "h", "the next hint of this item: a question, a place, nearly the code" },
        { "l", "all items, with what is known of them" },
        { "r", "run this item now" },
        { "a", "run all items now; build/report has the page" },
        { "v", "why: this item step by step, with every call to the kernel" },
        { "b", "blocking and cost: where the loop slept, how often it woke" },
        { "q", "quit; Ctrl-C does the same" },
        { "Esc", "back to the item" },
    };
    char words[600];
    snprintf(words, sizeof words, "Save a file of %s, and the first item that fails is run. When it passes, the next one is, and "
             "when all have passed, all are run once more. A save in the middle of a run begins it anew, and a failing item "
             "is run with the seed with which it failed, so that you see the same case until it passes.", scene->folder);
    view_sentence(p, PLAIN, words);
    page_row(p);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        view_field(p, BOLD, keys[i][0], keys[i][1]);
    page_row(p);
    view_sentence(p, PLAIN, "Arrows, Page Up and Page Down scroll what does not fit.");
}
