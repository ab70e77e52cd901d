/* log.c - words to a human. See log.h.
 *
 * The trap: formatting into a shared buffer. Each line is made on its caller's stack, so threads cannot mix theirs. */
#include "loop/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "loop/require.h"
#include "loop/sys_linux.h"

enum { LINE_MAX_BYTES = 1024 };

struct sink {
    log_sink *fn;
    void *self;
};

static void to_stderr(void *self, int level, const char *line)
{
    static const char *const names[] = { "debug", "info", "warning", "error" };
    char out[LINE_MAX_BYTES + 16];
    int len = snprintf(out, sizeof out, "%s: %s\n", names[level], line);
    (void)self;
    (void)!sys_linux()->write(sys_linux(), 2, out, (size_t)len);
}

static struct sink current = { to_stderr, NULL };
static atomic_int least = LOG_INFO;

void log_to(log_sink *sink, void *self)
{
    current = sink ? (struct sink){ sink, self } : (struct sink){ to_stderr, NULL };
}

void log_level(int level)
{
    atomic_store(&least, level);
}

static void log_lines(int level, const char *format, va_list args)
{
    char line[LINE_MAX_BYTES];
    if (level < atomic_load(&least))
        return;
    if (vsnprintf(line, sizeof line, format, args) >= (int)sizeof line)
        memcpy(line + sizeof line - 4, "...", 4);
    current.fn(current.self, level, line);
}

void log_line(int level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_lines(level, format, args);
    va_end(args);
}

void log_failure(const char *what, const void *function, int rc, const char *why)
{
    char name[64];
    log_line(LOG_ERROR, "%s %s failed: %s%s%s%s", what, log_symbol(function, name, sizeof name), strerror(-rc),
             why ? " (" : "", why ? why : "", why ? ")" : "");
}

void log_append(char *text, unsigned size, const char *format, ...)
{
    size_t len = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + len, size - len, format, args);
    va_end(args);
}

const char *log_symbol(const void *function, char *out, unsigned size)
{
    if (!linux_symbol(function, out, size))
        snprintf(out, size, "%p", function);
    return out;
}
