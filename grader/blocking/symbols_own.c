/* symbols_own.c - whose a function is: the program's, or somebody's who cannot help it.
 *
 * A stall is shown at the innermost function of the program's own: there it can be mended. The trap it exists for: a report
 * that blames libc for every sleep, or the loop for all that its callbacks do. */
#include <ctype.h>
#include <string.h>

#include "grader/blocking/calls.h"
#include "grader/blocking/symbols_inside.h"

static bool begins(const char *text, const char *const *with, size_t count)
{
    for (size_t i = 0; text && i < count; i++)
        if (!strncmp(text, with[i], strlen(with[i])))
            return true;
    return false;
}

#define BEGINS(text, table) begins(text, table, sizeof table / sizeof *table)

/* Installed with the system, or with an interpreter. */
static bool is_installed(const char *path)
{
    static const char *const folders[] = { "/lib/", "/lib32/", "/lib64/", "/usr/lib/", "/usr/lib32/", "/usr/lib64/" };
    static const char *const packages[] = { "/site-packages/", "/dist-packages/", "/lib-dynload/", "/node_modules/" };
    const char *name = strrchr(path, '/');
    for (size_t i = 0; i < sizeof packages / sizeof *packages; i++)
        if (strstr(path, packages[i]))
            return true;
    return name && BEGINS(path, folders) && strstr(name, ".so") && (!strncmp(name, "/lib", 4) || !strncmp(name, "/ld-", 4));
}

/* Libraries and interpreters, wherever they are. */
static bool is_known(const char *path)
{
    static const char *const libraries[] = {
        "ld-linux", "libc", "libpthread", "libstdc++", "libgcc_s", "libuv", "libev", "libevent", "liburing", "libblockwatch",
        "libasan", "libtsan", "libubsan", "libpython", "libnode", "libpypy", "[vdso]"
    };
    static const char *const programs[] = { "python", "pypy", "node", "nodejs", "ruby", "perl" };
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        size_t len = strlen(libraries[i]);
        if (!strncmp(name, libraries[i], len) && !isalpha((unsigned char)name[len]))
            return true;
    }
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        size_t len = strlen(programs[i]);
        if (!strncmp(name, programs[i], len) && !name[len + strspn(name + len, ".0123456789dmt")])
            return true;
    }
    return false;
}

/* Loops and languages that were linked into the program. */
static bool is_loop_function(const char *name)
{
    static const char *const names[] = {
        "_start", "__libc_start", "_dl_", "uv_", "ev_", "event_base_", "event_process_active", "bufferevent_", "evbuffer_",
        "aeMain", "aeProcessEvents", "aeApiPoll", "ngx_epoll_process_events", "ngx_process_events_and_timers",
        "ngx_event_process_posted", "ngx_event_expire_timers", "std::", "__gnu_cxx::", "boost::asio::", "core::", "tokio::",
        "mio::", "runtime.", "syscall.", "internal/"
    };
    return BEGINS(name, names);
}

/* What a header of the system has brought into the program: read() is such a function where _FORTIFY_SOURCE is on. */
static bool is_system_header(const char *path)
{
    static const char *const folders[] = { "/usr/include/", "/usr/lib/" };
    return BEGINS(path, folders);
}

/* A file of eddy's library: its folder is loop/, stream/ or http/. */
static bool is_loop_file(const char *path)
{
    const char *name = path ? strrchr(path, '/') : NULL;
    const char *folder = name ? memrchr(path, '/', (size_t)(name - path)) : NULL;
    size_t len = folder ? (size_t)(name - folder) : 0;
    return (len == 5 && !strncmp(folder, "/loop", len)) || (len == 7 && !strncmp(folder, "/stream", len)) ||
           (len == 5 && !strncmp(folder, "/http", len));
}

/* In a program that has its C library within: that knows no lines, as a rule. */
static bool is_of_libc(const struct frame *frame, struct image *image)
{
    const char *name = frame->function ? frame->function : "";
    return call_number(name) || !strncmp(name, "__", 2) || (!frame->file && image_dwarf(image));
}

bool frame_is_own(const struct frame *frame, struct image *image)
{
    if (!image || is_installed(image->path) || is_known(image->path))
        return false;
    if (is_loop_function(frame->function) || is_system_header(frame->file))
        return false;
    image_names(image);
    return !(image->has_loop && is_loop_file(frame->file)) && !(image->has_libc && is_of_libc(frame, image));
}
