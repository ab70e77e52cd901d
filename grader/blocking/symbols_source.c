/* symbols_source.c - the text of a line.
 *
 * The trap it exists for: a source file that was changed after the program was built: its line 80 is another one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/blocking/symbols_inside.h"

enum { LARGEST = 16 << 20, WIDEST = 200 };

struct source {
    struct source *next;
    char *path;
    char *text;                     /* NULL: it cannot be read */
    size_t len;
    struct timespec changed;
};

struct sources {
    struct source *first;
};

struct sources *sources_new(void)
{
    return calloc(1, sizeof(struct sources));
}

void sources_free(struct sources *sources)
{
    for (struct source *s = sources ? sources->first : NULL, *next; s; s = next) {
        next = s->next;
        free(s->path);
        free(s->text);
        free(s);
    }
    free(sources);
}

static void source_read(struct source *s)
{
    struct stat is;
    int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return;
    if (fstat(fd, &is) == 0 && S_ISREG(is.st_mode) && is.st_size <= LARGEST && (s->text = malloc((size_t)is.st_size + 1))) {
        s->changed = is.st_mtim;
        for (ssize_t n; s->len < (size_t)is.st_size && (n = read(fd, s->text + s->len, (size_t)is.st_size - s->len)) > 0;)
            s->len += (size_t)n;
    }
    close(fd);
}

static struct source *source_of(struct sources *sources, const char *path)
{
    struct source *s = sources->first;
    while (s && strcmp(s->path, path))
        s = s->next;
    if (s || !(s = calloc(1, sizeof *s)))
        return s;
    if (!(s->path = strdup(path))) {
        free(s);
        return NULL;
    }
    source_read(s);
    s->next = sources->first;
    return sources->first = s;
}

static char *text_of_line(const struct source *s, int line)
{
    const char *at = s->text, *end = s->text + s->len, *stop;
    for (int i = 1; i < line; i++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at)
            return NULL;
        at++;
    }
    stop = memchr(at, '\n', (size_t)(end - at));
    stop = stop ? stop : end;
    while (at < stop && strchr(" \t\r", *at))
        at++;
    while (stop > at && strchr(" \t\r", stop[-1]))
        stop--;
    size_t len = (size_t)(stop - at);
    return len ? strndup(at, len < WIDEST ? len : WIDEST) : NULL;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

char *source_line(struct sources *sources, const char *path, int line, const struct timespec *built, char why[512])
{
    why[0] = 0;
    if (path[0] != '/')
        snprintf(why, 512, "%s: nobody knows in which folder it was built: its lines are not quoted.", path);
    struct source *s = path[0] == '/' ? source_of(sources, path) : NULL;
    if (!s)
        return NULL;
    bool newer = s->text && is_later(&s->changed, built);
    if (s->text && !newer)
        return text_of_line(s, line);
    snprintf(why, 512, newer ? "%s was changed after the program was built: its lines are not quoted; build it and run it again."
                             : "%s is not here: its lines are not quoted.", path);
    return NULL;
}
