/* verbs.c - what a selector can be told over the wire, and the table of all this lab's orders. Those about the echo are in
 * verbs_echo.c.
 *
 * Descriptors have names. What a wait found is told as one event a descriptor, the name and what it is: "R:r", "S:rwb".
 * A number that has no name any more is told as "?7". Times count from the moment of selector_new. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "labs/01-selector/verbs.h"
#include "loop/selector.h"

enum { THINGS = 1024, CHUNK = 4096, MOST = 64 };

struct thing {
    char name[16];
    int fd;                     /* -1: closed */
};

static struct thing things[THINGS];
static int thing_count;
static struct selector *selector;
static int64_t beginning;

/* ---- names ------------------------------------------------------------------------------------------------------ */

static struct thing *thing_of(const char *name)
{
    for (int i = 0; i < thing_count; i++)
        if (strncmp(things[i].name, name, sizeof things[i].name - 1) == 0)
            return &things[i];
    if (thing_count == THINGS)
        abort();
    struct thing *t = &things[thing_count++];
    *t = (struct thing){ .fd = -1 };
    snprintf(t->name, sizeof t->name, "%s", name);
    return t;
}

/* "r", "w", "rw", with e for EDGE; "-" is 0. */
static int mask_of(const char *text)
{
    int mask = 0;
    mask |= strchr(text, 'r') ? READABLE : 0;
    mask |= strchr(text, 'w') ? WRITABLE : 0;
    mask |= strchr(text, 'e') ? EDGE : 0;
    return mask;
}

static const char *name_of(int fd, char other[16])
{
    for (int i = 0; i < thing_count; i++)
        if (things[i].fd == fd && fd >= 0)
            return things[i].name;
    snprintf(other, 16, "?%d", fd);
    return other;
}

static void tell(const struct ready *ready)
{
    char text[40], other[16];
    snprintf(text, sizeof text, "%s:%s%s%s%s", name_of(ready->fd, other), ready->mask & READABLE ? "r" : "",
             ready->mask & WRITABLE ? "w" : "", ready->mask & BROKEN ? "b" : "",
             ready->mask & ~(READABLE | WRITABLE | BROKEN) ? "?" : "");
    probe_event(text, ready->mask);
}

/* The selector is not closed: it may be what went wrong. */
void lab_reset(void)
{
    selector = NULL;
    thing_count = 0;
    echo_reset();
}

/* ---- the selector ----------------------------------------------------------------------------------------------- */

static int64_t verb_selector_new(int count, char **words)
{
    (void)count, (void)words;
    beginning = probe_sys()->now(probe_sys());
    errno = 0;
    selector = selector_new(probe_sys());
    return selector ? 0 : errno ? -errno : -EIO;
}

static int64_t verb_selector_close(int count, char **words)
{
    (void)count, (void)words;
    if (selector)
        selector_close(selector);
    selector = NULL;
    return 0;
}

static int64_t verb_set(int count, char **words)
{
    (void)count;
    return selector_set(selector, thing_of(words[1])->fd, mask_of(words[2]));
}

static int64_t verb_set_number(int count, char **words)
{
    (void)count;
    return selector_set(selector, atoi(words[1]), mask_of(words[2]));
}

static int64_t verb_drained(int count, char **words)
{
    (void)count;
    selector_drained(selector, thing_of(words[1])->fd, mask_of(words[2]));
    return 0;
}

/* The array ends at a page that may not be touched, and holds what no selector reports. */
static int64_t wait_until(int64_t deadline, int max)
{
    max = max >= 1 && max <= MOST ? max : MOST;
    struct ready *ready = fence_new((size_t)max * sizeof *ready, "selector_wait's out[max]"), found[MOST];
    if (!ready)
        abort();
    for (int i = 0; i < max; i++)
        ready[i] = (struct ready){ -2, EDGE };
    int n = selector_wait(selector, deadline, ready, max);
    memcpy(found, ready, (size_t)max * sizeof *ready);
    fence_free(ready);
    for (int i = 0; i < n && i < max; i++)
        tell(&found[i]);
    return n > max ? -EOVERFLOW : n;
}

static int64_t verb_ask(int count, char **words)
{
    return wait_until(0, count > 1 ? atoi(words[1]) : MOST);
}

static int64_t verb_wait(int count, char **words)
{
    int64_t t = probe_time(words[1]);
    return wait_until(t == FOREVER ? t : beginning + t, count > 2 ? atoi(words[2]) : MOST);
}

/* A computation: time passes, and nobody asks the selector. */
static int64_t verb_spend(int count, char **words)
{
    (void)count;
    return probe_sys()->poll(probe_sys(), NULL, 0, probe_time(words[1]));
}

/* ---- descriptors ------------------------------------------------------------------------------------------------ */

static int64_t make_pair(int (*make)(struct sys *, int fds[2]), char **words)
{
    int fds[2];
    int rc = make(probe_sys(), fds);
    if (rc < 0)
        return rc;
    thing_of(words[1])->fd = fds[0];
    thing_of(words[2])->fd = fds[1];
    return 0;
}

static int64_t verb_pipe(int count, char **words)
{
    (void)count;
    return make_pair(probe_sys()->pipe, words);
}

static int64_t verb_socketpair(int count, char **words)
{
    (void)count;
    return make_pair(probe_sys()->socketpair, words);
}

static int64_t verb_dup(int count, char **words)
{
    (void)count;
    int fd = probe_sys()->dup(probe_sys(), thing_of(words[1])->fd);
    if (fd >= 0)
        thing_of(words[2])->fd = fd;
    return fd < 0 ? fd : 0;
}

/* A descriptor that the judge made: a regular file. */
static int64_t verb_given(int count, char **words)
{
    (void)count;
    thing_of(words[1])->fd = atoi(words[2]);
    return 0;
}

static int64_t verb_number(int count, char **words)
{
    (void)count;
    return thing_of(words[1])->fd;
}

static int64_t verb_write(int count, char **words)
{
    static const char zeros[CHUNK];
    size_t len = count > 2 ? (size_t)atoi(words[2]) : 1;
    return probe_sys()->write(probe_sys(), thing_of(words[1])->fd, zeros, len < CHUNK ? len : CHUNK);
}

static int64_t verb_read(int count, char **words)
{
    static char into[CHUNK];
    size_t len = count > 2 ? (size_t)atoi(words[2]) : 1;
    return probe_sys()->read(probe_sys(), thing_of(words[1])->fd, into, len < CHUNK ? len : CHUNK);
}

/* Writes until no more fits: what the last write said, -EAGAIN. */
static int64_t verb_fill(int count, char **words)
{
    static const char zeros[CHUNK];
    int fd = thing_of(words[1])->fd;
    ssize_t n;
    (void)count;
    while ((n = probe_sys()->write(probe_sys(), fd, zeros, sizeof zeros)) > 0)
        ;
    return n;
}

/* Reads until there is nothing more: what the last read said, -EAGAIN, or 0 for the end. */
static int64_t verb_empty(int count, char **words)
{
    static char into[CHUNK];
    int fd = thing_of(words[1])->fd;
    ssize_t n;
    (void)count;
    while ((n = probe_sys()->read(probe_sys(), fd, into, sizeof into)) > 0)
        ;
    return n;
}

static int64_t verb_shutdown(int count, char **words)
{
    (void)count;
    return probe_sys()->shutdown(probe_sys(), thing_of(words[1])->fd, SHUT_WR);
}

static int64_t verb_close(int count, char **words)
{
    (void)count;
    struct thing *t = thing_of(words[1]);
    int fd = t->fd;
    t->fd = -1;
    return fd < 0 ? -EBADF : probe_sys()->close(probe_sys(), fd);
}

const struct verb lab_verbs[] = {
    { "selector_new", "selector_new", 1, verb_selector_new },
    { "selector_close", "selector_close", 1, verb_selector_close },
    { "set", "set NAME r|w|rw|re|we|rwe|-", 3, verb_set },
    { "set_number", "set_number NUMBER r|w|rw|-", 3, verb_set_number },
    { "drained", "drained NAME r|w|rw", 3, verb_drained },
    { "ask", "ask [MAX]", 1, verb_ask },
    { "wait", "wait TIME [MAX]", 2, verb_wait },
    { "spend", "spend TIME", 2, verb_spend },
    { "pipe", "pipe READS WRITES", 3, verb_pipe },
    { "socketpair", "socketpair ONE OTHER", 3, verb_socketpair },
    { "dup", "dup NAME COPY", 3, verb_dup },
    { "given", "given NAME NUMBER", 3, verb_given },
    { "number", "number NAME", 2, verb_number },
    { "write", "write NAME [BYTES]", 2, verb_write },
    { "read", "read NAME [BYTES]", 2, verb_read },
    { "fill", "fill NAME", 2, verb_fill },
    { "empty", "empty NAME", 2, verb_empty },
    { "shutdown", "shutdown NAME", 2, verb_shutdown },
    { "close", "close NAME", 2, verb_close },
    { "echo_new", "echo_new", 1, verb_echo_new },
    { "echo_close", "echo_close", 1, verb_echo_close },
    { "turns", "turns MOST", 2, verb_turns },
    { "poke", "poke", 1, verb_poke },
    { "fail", "fail accept|read|write|memory|epoll_ctl NTH ERRNO", 4, verb_fail },
    { "storm", "storm PERCENT SEED", 3, verb_storm },
    { "shorten", "shorten BYTES", 2, verb_shorten },
    { 0 },
};
