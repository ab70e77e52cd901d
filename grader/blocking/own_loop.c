/* own_loop.c - eddy's loop tells the detector where its iterations begin and end, and whom it calls. See grader/blockwatch.h.
 *
 * Trap: when a callback has returned, the stack on which it slept is gone, and what is there instead is the loop's. So what slept
 * in it is told with registers as they were when it was entered: its name, and who called it, which is all that is known. */
#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

#include "grader/blocking/inside/own.h"
#include "grader/blocking/own_watch.h"
#include "grader/blockwatch.h"
#include "loop/log.h"
#include "loop/notices.h"

struct blockwatch {
    struct extension extension;
    struct loop *loop;
    const struct own_door *door;    /* NULL: it is not watched now */
    struct own own;
    const void *function;           /* that runs */
    struct own_watch *watch;        /* NULL: others report */
    pid_t pid;                      /* who began */
};

static const char key;

/* ---- moments --------------------------------------------------------------------------------------------------------- */

/* As if that function had been entered from the frame that this was called from. */
static inline __attribute__((always_inline)) struct registers entered(const void *function)
{
    const uint64_t *frame = __builtin_frame_address(0);
    struct registers at = { .pc = (uint64_t)function + 1, .sp = (uint64_t)__builtin_dwarf_cfa(), .bp = frame[0] };
#if defined(__x86_64__)
    at.sp -= sizeof(void *);        /* the return address is on the stack */
#else
    at.r15 = (uint64_t)__builtin_return_address(0);         /* x30 */
#endif
    return at;
}

static void on_moment(void *self, enum loop_moment moment)
{
    struct blockwatch *b = self;
    struct registers at;
    switch (moment) {
    case LOOP_ASKS:
        b->door->asks(&b->own);
        break;
    case LOOP_ASKED:
        b->door->asked(&b->own);
        break;
    case LOOP_CALLS:
        b->function = notices_function(b->loop);
        b->door->calls(&b->own, (uint64_t)b->function);
        break;
    case LOOP_CALLED:
        at = entered(b->function);
        b->door->called(&b->own, &at);
        break;
    }
}

/* ---- begin and end ----------------------------------------------------------------------------------------------------- */

/* That of the preloaded library, if somebody reads what it writes. */
static const struct own_door *door_preloaded(void)
{
    own_door_find *find;
    *(void **)&find = dlsym(RTLD_DEFAULT, OWN_DOOR_NAME);
    return find ? find() : NULL;
}

static struct findings *end(struct blockwatch *b)
{
    struct own_watch *watch = b->watch;
    if (!b->door)
        return NULL;
    loop_watch(b->loop, NULL, NULL);
    b->door->ends(&b->own);
    b->door = NULL;
    b->watch = NULL;
    return watch && b->pid == getpid() ? own_watch_end(watch) : NULL;
}

static void on_close(struct extension *extension)
{
    struct blockwatch *b = (struct blockwatch *)extension;
    struct findings *findings = end(b);
    if (findings)
        log_line(LOG_WARNING, "loop closed while it was watched: what was found (%d places that held it up) is lost; call "
                 "blockwatch_end before", findings->site_count);
    findings_free(findings);
    sys_free(loop_sys(b->loop), b);
}

static struct blockwatch *of(struct loop *loop)
{
    struct blockwatch *b = (struct blockwatch *)loop_extension(loop, &key);
    if (b)
        return b;
    b = sys_new(loop_sys(loop), sizeof *b);
    if (!b)
        return NULL;
    b->extension = (struct extension){ .key = &key, .close = on_close };
    b->loop = loop;
    loop_extend(loop, &b->extension);
    return b;
}

int blockwatch_begin(struct loop *loop, const struct blockwatch_options *options)
{
    struct blockwatch *b = of(loop);
    if (!b)
        return -ENOMEM;
    if (b->door)
        return -EBUSY;
    const struct own_door *door = door_preloaded();
    int rc = door ? 0 : own_watch_begin(&b->watch, options);
    if (rc < 0)
        return rc;
    b->pid = getpid();
    b->door = door ? door : &own_door;
    loop_watch(loop, on_moment, b);
    return 0;
}

struct findings *blockwatch_end(struct loop *loop)
{
    struct blockwatch *b = (struct blockwatch *)loop_extension(loop, &key);
    return b ? end(b) : NULL;
}
