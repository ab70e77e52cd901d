/* symbols_jit.c - code that an interpreter has compiled: node --perf-basic-prof and others say in /tmp/perf-PID.map what is
 * where.
 *
 * A line each: "address size name", in hexadecimal; what comes later has taken the place of what was there before, which is the
 * trap. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader/blocking/symbols_inside.h"

enum { LARGEST = 64 << 20 };

struct jit {
    char *text;
    struct piece {
        uint64_t begin, end;
        const char *name;           /* in text */
    } *pieces;
    size_t count;
};

void jit_free(struct jit *jit)
{
    if (jit) {
        free(jit->text);
        free(jit->pieces);
    }
    free(jit);
}

static char *file_text(const char *path)
{
    struct stat is;
    char *text = NULL;
    size_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &is) == 0 && S_ISREG(is.st_mode) && is.st_size <= LARGEST && (text = malloc((size_t)is.st_size + 1)))
        for (ssize_t n; len < (size_t)is.st_size && (n = read(fd, text + len, (size_t)is.st_size - len)) > 0;)
            len += (size_t)n;
    if (text)
        text[len] = 0;
    close(fd);
    return text;
}

static bool piece_parse(const char *line, struct piece *piece)
{
    char *at;
    piece->begin = strtoull(line, &at, 16);
    if (at == line || *at != ' ')
        return false;
    const char *size = at + 1;
    piece->end = piece->begin + strtoull(size, &at, 16);
    piece->name = at + 1;
    return at != size && *at == ' ' && piece->end > piece->begin;
}

struct jit *jit_read(int pid)
{
    char path[64];
    struct jit *jit = calloc(1, sizeof *jit);
    snprintf(path, sizeof path, "/tmp/perf-%d.map", pid);
    if (!jit || !(jit->text = file_text(path)))
        goto fail;
    size_t lines = 1;
    for (const char *at = jit->text; (at = strchr(at, '\n')); at++)
        lines++;
    if (!(jit->pieces = malloc(lines * sizeof *jit->pieces)))
        goto fail;
    char *rest = jit->text;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (piece_parse(line, &jit->pieces[jit->count]))
            jit->count++;
    return jit;
fail:
    jit_free(jit);
    return NULL;
}

/* "JS:*handle /srv/app.js:7:3", "LazyCompile:~handle /srv/app.js:7:3": where the function begins. */
static bool is_javascript(const char *name, struct frame *frame)
{
    const char *at = !strncmp(name, "JS:", 3) ? name + 3 : !strncmp(name, "LazyCompile:", 12) ? name + 12 : NULL;
    const char *file = at ? strchr(at, ' ') : NULL;
    if (!file)
        return false;
    at += strspn(at, "*~^+");
    const char *column = strrchr(++file, ':'), *line = column ? memrchr(file, ':', (size_t)(column - file)) : NULL;
    if (!line || at >= file)
        return false;
    frame->function = file - at > 1 ? strndup(at, (size_t)(file - at - 1)) : strdup("<anonymous>");
    frame->file = strndup(file, (size_t)(line - file));
    frame->line = atoi(line + 1);
    frame->own = file[0] == '/' && !strstr(file, "/node_modules/");
    return true;
}

/* "py::handle:/srv/app.py". */
static bool is_python(const char *name, struct frame *frame)
{
    const char *file = !strncmp(name, "py::", 4) ? strchr(name + 4, ':') : NULL;
    if (!file)
        return false;
    frame->function = strndup(name + 4, (size_t)(file - name - 4));
    frame->file = strdup(file + 1);
    frame->own = file[1] == '/' && !strstr(file, "/lib/python");
    return true;
}

bool jit_frame(const struct jit *jit, uint64_t pc, struct frame *frame)
{
    for (size_t i = jit ? jit->count : 0; i > 0; i--) {
        const struct piece *piece = &jit->pieces[i - 1];
        if (pc < piece->begin || pc >= piece->end)
            continue;
        frame->language = is_javascript(piece->name, frame) || is_python(piece->name, frame);
        if (!frame->language)
            frame->function = strdup(piece->name);
        return true;
    }
    return false;
}
