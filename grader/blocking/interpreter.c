/* interpreter.c - finds CPython or V8 in another process: by symbols that they export in every build.
 *
 * The trap it exists for: a library that is called so, and is another's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "grader/blocking/exports.h"
#include "grader/blocking/interpreter_inside.h"

bool memory_read(int pid, uint64_t at, void *to, size_t len)
{
    struct iovec here = { to, len }, there = { (void *)at, len };
    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)len;
}

/* Py_Version is there since 3.11; until then the number is in the file's name. */
static bool python_look(const struct exports *exports, const char *file, struct interpreter *out)
{
    uint64_t at = exports_find(exports, "Py_Version"), version = 0;
    unsigned minor;
    if (at && !memory_read(out->pid, at, &version, sizeof version))
        return false;
    if (!at && sscanf(file + strcspn(file, "3"), "3.%u", &minor) == 1)
        version = (uint64_t)(0x0300 + minor) << 16;
    out->runtime = exports_find(exports, "_PyRuntime");
    out->layout = layout_of(version);
    return out->runtime && out->layout;
}

static bool v8_look(const struct exports *exports, struct interpreter *out)
{
    for (int i = 0; i < V8_NUMBERS; i++) {
        uint64_t at = exports_find(exports, v8_names[i]);
        if (!at || !memory_read(out->pid, at, &out->v8[i], sizeof out->v8[i]))
            return false;
    }
    return v8_is_known(out);
}

static bool begins(const char *name, const char *with)
{
    return !strncmp(name, with, strlen(with));
}

/* Whether an interpreter is in that file: then *out is it. By its name: others are not opened. */
static bool module_look(const struct mapped *module, struct interpreter *out)
{
    const char *name = mapped_name(module);
    bool python = begins(name, "python") || begins(name, "libpython3");
    struct exports exports;
    if (!python && !begins(name, "node") && !begins(name, "libnode"))
        return false;
    bool found = exports_open(&exports, out->pid, module) && (python ? python_look(&exports, name, out) : v8_look(&exports, out));
    exports_close(&exports);
    out->language = !found ? LANGUAGE_NONE : python ? LANGUAGE_PYTHON : LANGUAGE_JAVASCRIPT;
    return found;
}

struct interpreter *interpreter_open(int pid)
{
    char path[64];
    struct mapped module;
    struct interpreter found = { .pid = pid }, *interpreter = NULL;
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "re");
    while (maps && mapped_next(maps, &module) && !module_look(&module, &found))
        continue;
    if (maps)
        fclose(maps);
    if (found.language && (interpreter = malloc(sizeof *interpreter)))
        *interpreter = found;
    return interpreter;
}

void interpreter_close(struct interpreter *interpreter)
{
    free(interpreter);
}

enum language interpreter_language(const struct interpreter *interpreter)
{
    return interpreter->language;
}

size_t interpreter_lines(const struct interpreter *in, int tid, const struct snapshot *sample, char *text, size_t size)
{
    return in->language == LANGUAGE_PYTHON ? python_lines(in, tid, text, size) : v8_lines(in, sample, text, size);
}
