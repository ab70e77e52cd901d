/* language_python.c - CPython: the function that its faulthandler calls from signal handlers. It needs no GIL for the calling
 * thread's own frames, allocates nothing, and writes to a descriptor. Where it is not exported (3.9, 3.10, 3.13) the frames are
 * read as they are from outside.
 *
 * The trap it exists for: a thread that Python does not know, or one that it does not know any more. */
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "grader/blocking/inside/find.h"
#include "grader/blocking/inside/language.h"
#include "grader/blocking/inside/raw.h"
#include "grader/blocking/interpreter_inside.h"

static void (*dump)(int fd, void *thread_state);
static void *(*thread_state)(void);
static int (*is_initialized)(void);
static struct interpreter itself;

bool memory_read(int pid, uint64_t at, void *to, size_t len)
{
    struct iovec here = { to, len }, there = { (void *)at, len };
    return raw6(SYS_process_vm_readv, pid, (long)&here, 1, (long)&there, 1, 0) == (long)len;
}

/* As Py_Version has it, which is there since 3.11. */
static unsigned long python_version(void)
{
    const unsigned long *version = find_anywhere("Py_Version");
    const char *(*get)(void) = NULL;
    *(void **)&get = find_anywhere("Py_GetVersion");
    const char *text = get && !version ? get() : "";
    return version ? *version : strncmp(text, "3.", 2) ? 0 : (0x0300 + strtoul(text + 2, NULL, 10)) << 16;
}

static bool python_is_here(void)
{
    itself.runtime = (uint64_t)find_anywhere("_PyRuntime");
    itself.layout = layout_of(python_version());
    *(void **)&thread_state = find_anywhere("PyGILState_GetThisThreadState");
    *(void **)&is_initialized = find_anywhere("Py_IsInitialized");
    *(void **)&dump = find_anywhere("_Py_DumpTraceback");
    return thread_state && is_initialized && (dump || (itself.runtime && itself.layout));
}

static void *python_state(void)
{
    itself.pid = raw_pid();
    return is_initialized() ? thread_state() : NULL;
}

static uint64_t python_place(void)
{
    void *state = itself.layout ? python_state() : NULL;
    return state ? interpreter_place(&itself, (uint64_t)state) : 0;
}

static void python_print(void)
{
    char text[LANGUAGE_TEXT];
    void *state = python_state();
    if (!state)
        return;
    if (dump) {
        dump(LANGUAGE_FD, state);
        return;
    }
    language_take(text, python_lines(&itself, raw_tid(), text, sizeof text));
}

const struct interpreter_kind language_python = { LANGUAGE_PYTHON, python_is_here, python_print, python_place };
