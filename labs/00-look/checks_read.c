/* checks_read.c - answers.txt. See labs/00-look/checks_read.h. What cannot be understood is a sentence, never a wrong answer. */
#include "labs/00-look/checks_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "name=word" in the line; "" if there is none. */
static void word_of(const char *line, const char *name, char out[32])
{
    size_t len = strlen(name);
    out[0] = 0;
    for (const char *at = line; (at = strstr(at, name)); at += len)
        if (at > line && (at[-1] == ' ' || at[-1] == '\t') && at[len] == '=') {
            sscanf(at + len + 1, "%31[^ \t\r]", out);
            return;
        }
}

static int read_stall(const char *line, struct answers *a)
{
    int number = 0;
    char ms[32];
    if (sscanf(line, "stall %d :", &number) != 1 || number < 1 || number > PLAN_STALLS)
        return -1;
    struct answer *s = &a->stalls[number - 1];
    word_of(line, "callback", s->callback);
    word_of(line, "call", s->call);
    word_of(line, "suffered", s->suffered);
    word_of(line, "ms", ms);
    s->ms = strtod(ms, NULL);
    return 0;
}

static int begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

static int read_line(const char *line, struct answers *a)
{
    const char *colon = strchr(line, ':');
    if (!colon)
        return -1;
    if (begins(line, "program"))
        a->program = (uint32_t)strtoul(colon + 1, NULL, 10);
    else if (begins(line, "unseen"))
        a->unseen = atoi(colon + 1);
    else if (begins(line, "asleep"))
        a->asleep = strtod(colon + 1, NULL);
    else if (begins(line, "busy"))
        a->busy = strtod(colon + 1, NULL);
    else
        return read_stall(line, a);
    return 0;
}

int answers_read(const char *text, struct answers *a, char *error, size_t size)
{
    char line[256];
    *a = (struct answers){0};
    for (int number = 1; *text; number++) {
        size_t len = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line - 1), text);
        line[strcspn(line, "#\r")] = 0;
        const char *begin = line + strspn(line, " \t");
        if (*begin && read_line(begin, a) < 0) {
            snprintf(error, size,
                     "answers.txt, line %d: a line is 'stall N: callback=... call=... ms=... suffered=...', or begins with "
                     "program:, unseen:, asleep: or busy:", number);
            return -1;
        }
        text += len + (text[len] != 0);
    }
    return 0;
}
