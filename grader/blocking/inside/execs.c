/* execs.c - the wrappers of what executes another program: it is watched as well, whatever environment it is given.
 *
 * The trap it exists for: these run in the child of a vfork, too, and in signal handlers: nothing is allocated, all is on the
 * stack. */
#include <alloca.h>
#include <dlfcn.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "grader/blocking/inside/threads.h"
#include "grader/blocking/inside/wrappers.h"

enum { MOST = 1024 };               /* bytes of each of these: */
static char kept_preload[MOST];     /* "LD_PRELOAD=where we are"; "": this process is not watched */
static char kept_journal[MOST];

static const char preload_name[] = "LD_PRELOAD=", journal_name[] = JOURNAL_ENV "=";

/* ---- the environment ----------------------------------------------------------------------------------------------------- */

static const char *environment_find(char *const *environment, const char *name)
{
    for (; environment && *environment; environment++)
        if (!strncmp(*environment, name, strlen(name)))
            return *environment;
    return NULL;
}

void environment_remember(char **environment)
{
    Dl_info ours;
    const char *found = environment_find(environment, journal_name);
    if (!found || strlen(found) >= MOST || !dladdr((void *)environment_remember, &ours) || !ours.dli_fname ||
        strlen(ours.dli_fname) >= MOST - sizeof preload_name)
        return;
    strcpy(kept_journal, found);
    strcpy(stpcpy(kept_preload, preload_name), ours.dli_fname);
}

/* Whether what is executed in that environment is watched anyway, or is not to be. */
static bool environment_complete(char *const *environment)
{
    if (!kept_preload[0])
        return true;
    const char *preload = environment_find(environment, preload_name);
    return preload && strstr(preload, kept_preload + sizeof preload_name - 1) && environment_find(environment, journal_name);
}

static size_t environment_size(char *const *environment)
{
    const char *preload = environment_find(environment, preload_name);
    size_t n = 3;
    for (; environment && *environment; environment++)
        n++;
    return n * sizeof(char *) + MOST + (preload ? strlen(preload) : 0);
}

/* In a room of that size. Ours comes before what else is to be preloaded. */
static char *const *environment_fill(void *room, char *const *environment)
{
    const char *preload = environment_find(environment, preload_name), *journal = environment_find(environment, journal_name);
    char **out = room, **at = out;
    for (; environment && *environment; environment++)
        if (*environment != preload && *environment != journal)
            *at++ = *environment;
    at[0] = kept_journal;
    at[1] = (char *)(at + 3);
    at[2] = NULL;
    char *end = stpcpy(at[1], kept_preload);
    if (preload && preload[sizeof preload_name - 1])
        strcpy(stpcpy(end, ":"), preload + sizeof preload_name - 1);
    return out;
}

/* Lives as long as the wrapper does. */
IN_THE_WRAPPER char *const *environment_kept(char *const *environment)
{
    return environment_complete(environment) ? environment : environment_fill(alloca(environment_size(environment)), environment);
}

/* ---- exec ---------------------------------------------------------------------------------------------------------------- */

/* The loop that this thread runs ends here, if the exec succeeds; NULL: it runs none, or is the child of a vfork. */
static struct slot *loop_leave(void)
{
    struct watched *w = watched_here();
    if (!w || !thread_same(w))
        return NULL;
    atomic_store(&w->slot->state, SLOT_ENDED);
    return w->slot;
}

/* It did not. */
static int loop_return(struct slot *slot, int result)
{
    if (slot)
        atomic_store(&slot->state, SLOT_RUNS);
    return result;
}

int wrap_execve(const char *path, char *const arguments[], char *const environment[]) __asm__("execve");
WRAPPER int wrap_execve(const char *path, char *const arguments[], char *const environment[])
{
    static int (*real)(const char *, char *const[], char *const[]);
    if (!real)
        real_find(&real, "execve");
    unloadable_tell(path);
    return loop_return(loop_leave(), real(path, arguments, environment_kept(environment)));
}

int wrap_execvpe(const char *file, char *const arguments[], char *const environment[]) __asm__("execvpe");
WRAPPER int wrap_execvpe(const char *file, char *const arguments[], char *const environment[])
{
    static int (*real)(const char *, char *const[], char *const[]);
    if (!real)
        real_find(&real, "execvpe");
    unloadable_tell(file);
    return loop_return(loop_leave(), real(file, arguments, environment_kept(environment)));
}

int wrap_fexecve(int fd, char *const arguments[], char *const environment[]) __asm__("fexecve");
WRAPPER int wrap_fexecve(int fd, char *const arguments[], char *const environment[])
{
    static int (*real)(int, char *const[], char *const[]);
    if (!real)
        real_find(&real, "fexecve");
    return loop_return(loop_leave(), real(fd, arguments, environment_kept(environment)));
}

int wrap_execveat(int fd, const char *path, char *const arguments[], char *const environment[], int flags) __asm__("execveat");
WRAPPER int wrap_execveat(int fd, const char *path, char *const arguments[], char *const environment[], int flags)
{
    static int (*real)(int, const char *, char *const[], char *const[], int);
    if (!real)
        real_find(&real, "execveat");
    return loop_return(loop_leave(), real(fd, path, arguments, environment_kept(environment), flags));
}

int wrap_execv(const char *path, char *const arguments[]) __asm__("execv");
WRAPPER int wrap_execv(const char *path, char *const arguments[])
{
    return wrap_execve(path, arguments, environ);
}

int wrap_execvp(const char *file, char *const arguments[]) __asm__("execvp");
WRAPPER int wrap_execvp(const char *file, char *const arguments[])
{
    return wrap_execvpe(file, arguments, environ);
}

static size_t list_count(va_list list)
{
    size_t n = 1;
    while (va_arg(list, char *))
        n++;
    return n;
}

/* With what execl and its like were given; behind the NULL is execle's environment. A list that another function has read from
 * may not be read on: so it is counted in a copy. */
static int list_execute(int (*execute)(const char *, char *const[], char *const[]), bool environment, const char *path,
                        const char *first, va_list list)
{
    va_list counted;
    va_copy(counted, list);
    size_t n = first ? list_count(counted) : 0;
    va_end(counted);
    char *arguments[n + 1];
    arguments[0] = (char *)first;
    for (size_t i = 1; i <= n; i++)
        arguments[i] = va_arg(list, char *);
    return execute(path, arguments, environment ? va_arg(list, char *const *) : environ);
}

int wrap_execl(const char *path, const char *first, ...) __asm__("execl");
WRAPPER int wrap_execl(const char *path, const char *first, ...)
{
    va_list list;
    va_start(list, first);
    int result = list_execute(wrap_execve, false, path, first, list);
    va_end(list);
    return result;
}

int wrap_execlp(const char *file, const char *first, ...) __asm__("execlp");
WRAPPER int wrap_execlp(const char *file, const char *first, ...)
{
    va_list list;
    va_start(list, first);
    int result = list_execute(wrap_execvpe, false, file, first, list);
    va_end(list);
    return result;
}

int wrap_execle(const char *path, const char *first, ...) __asm__("execle");
WRAPPER int wrap_execle(const char *path, const char *first, ...)
{
    va_list list;
    va_start(list, first);
    int result = list_execute(wrap_execve, true, path, first, list);
    va_end(list);
    return result;
}

/* ---- spawn --------------------------------------------------------------------------------------------------------------- */

typedef int spawner(pid_t *, const char *, const void *, const void *, char *const[], char *const[]);

spawner wrap_posix_spawn __asm__("posix_spawn");
WRAPPER int wrap_posix_spawn(pid_t *child, const char *path, const void *actions, const void *attributes, char *const arguments[],
                             char *const environment[])
{
    static spawner *real;
    struct call call;
    if (!real)
        real_find(&real, "posix_spawn");
    unloadable_tell(path);
    if (!call_enter(&call, CALL_posix_spawn))
        return real(child, path, actions, attributes, arguments, environment_kept(environment));
    int result = real(child, path, actions, attributes, arguments, environment_kept(environment));
    if (call_moved(&call))
        call_slept(&call, tell_path, (long[]){ (long)path });
    call_leave(&call);
    return result;
}

spawner wrap_posix_spawnp __asm__("posix_spawnp");
WRAPPER int wrap_posix_spawnp(pid_t *child, const char *file, const void *actions, const void *attributes,
                              char *const arguments[], char *const environment[])
{
    static spawner *real;
    struct call call;
    if (!real)
        real_find(&real, "posix_spawnp");
    unloadable_tell(file);
    if (!call_enter(&call, CALL_posix_spawnp))
        return real(child, file, actions, attributes, arguments, environment_kept(environment));
    int result = real(child, file, actions, attributes, arguments, environment_kept(environment));
    if (call_moved(&call))
        call_slept(&call, tell_path, (long[]){ (long)file });
    call_leave(&call);
    return result;
}
