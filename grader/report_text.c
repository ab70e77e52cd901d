/* report_text.c - what all the writers of a grade need: see report_text.h. */
#include "grader/report_text.h"

#include <stdlib.h>
#include <string.h>

bool lines_next(struct lines *l, struct line *line)
{
    if (!history_next(l->history, &l->cursor, &line->kind, &line->at, &line->text))
        return false;
    line->title = line->kind == ENTRY_STEP && strncmp(line->text, "# ", 2) == 0;
    line->text += line->title ? 2 : 0;
    line->number = line->kind == ENTRY_CALL || line->title ? 0 : ++l->number;
    return true;
}

bool metrics_next(const char **cursor, char *name, size_t size, int64_t *value)
{
    const char *at = *cursor + strspn(*cursor, " "), *equal = strchr(at, '=');
    if (!equal)
        return false;
    char *end;
    snprintf(name, size, "%.*s", (int)(equal - at), at);
    *value = strtoll(equal + 1, &end, 10);
    *cursor = end;
    return true;
}

const char *first_file(const struct lab *lab)
{
    for (int i = 0; i < lab->file_count; i++)
        if (lab->files[i].source)
            return lab->files[i].name;
    return "";
}
