/* saves.c - learning that a file was saved: see saves.h.
 *
 * inotify says that something may have happened, the stamps of the files say when it is over. The same stamps, looked at
 * now and then, find a folder of which inotify is silent. */
#include "grader/watch/saves.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t QUIET = 50 * MILLISECOND, POLL = 500 * MILLISECOND, DOUBT = 2 * SECOND;

/* ---- what the files look like ------------------------------------------------------------------------------------ */

static void take(const struct saves *s, struct stamps *stamps)
{
    char path[1200];
    struct stat st;
    memset(stamps, 0, sizeof *stamps);
    for (int i = 0; i < s->lab->file_count; i++) {
        snprintf(path, sizeof path, "%s/%s", s->folder, s->lab->files[i].name);
        if (stat(path, &st) == 0)
            stamps->of[i] = (struct stamp){ st.st_ino, st.st_size, st.st_mtim.tv_sec * SECOND + st.st_mtim.tv_nsec };
    }
}

static bool same(const struct stamps *a, const struct stamps *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- a save, from its first sign to its end ---------------------------------------------------------------------- */

static void on_settle(void *self, int what)
{
    struct saves *s = self;
    struct stamps now;
    (void)what;
    take(s, &now);
    if (same(&now, &s->last)) {
        s->told = now;
        s->fn(s->self, 0);
        return;
    }
    s->last = now;
    loop_call_at(s->loop, loop_time(s->loop) + QUIET, &s->settle, on_settle, s);
}

static void begin_to_settle(struct saves *s)
{
    take(s, &s->last);
    loop_call_at(s->loop, loop_time(s->loop) + QUIET, &s->settle, on_settle, s);
}

static void stop_listening(struct saves *s, const char *why)
{
    if (s->fd >= 0) {
        loop_remove_handler(s->loop, s->fd);
        close(s->fd);
    }
    s->fd = -1;
    snprintf(s->polling, sizeof s->polling, "%s: looking at the files every half second", why);
}

/* A change that inotify does not tell of is doubted at first: its word may be on the way. */
static void on_look(void *self, int what)
{
    struct saves *s = self;
    struct stamps now;
    (void)what;
    take(s, &now);
    if (!s->settle.armed && !same(&now, &s->told)) {
        if (s->fd >= 0 && same(&now, &s->doubted))
            stop_listening(s, "inotify is silent about this folder");
        if (s->fd < 0)
            begin_to_settle(s);
    }
    s->doubted = now;
    loop_call_at(s->loop, loop_time(s->loop) + (s->fd < 0 ? POLL : DOUBT), &s->look, on_look, s);
}

/* ---- inotify ----------------------------------------------------------------------------------------------------- */

static bool is_ours(const struct saves *s, const char *name)
{
    for (int i = 0; i < s->lab->file_count; i++)
        if (strcmp(s->lab->files[i].name, name) == 0)
            return true;
    return false;
}

static void on_events(void *self, int mask)
{
    struct saves *s = self;
    _Alignas(struct inotify_event) char data[4096];
    bool ours = false, gone = false;
    (void)mask;
    ssize_t n = read(s->fd, data, sizeof data);
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *e = (const void *)(data + at);
        ours = ours || (e->mask & IN_Q_OVERFLOW) || (e->len > 0 && is_ours(s, e->name));
        gone = gone || (e->mask & (IN_IGNORED | IN_MOVE_SELF));
        at += (ssize_t)(sizeof *e + e->len);
    }
    if (ours || gone)
        begin_to_settle(s);
    if (!gone)
        return;
    stop_listening(s, "the folder that inotify watched is gone");
    loop_call_at(s->loop, loop_time(s->loop) + POLL, &s->look, on_look, s);
}

static void listen_to(struct saves *s)
{
    char why[120];
    const uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MOVE_SELF;
    s->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int rc = s->fd < 0 || inotify_add_watch(s->fd, s->folder, events) < 0 ? -errno :
             loop_add_handler(s->loop, s->fd, READABLE, on_events, s);
    if (rc == 0)
        return;
    snprintf(why, sizeof why, "inotify cannot be had (%s)",
             rc == -ENOSPC ? "fs.inotify.max_user_watches is reached" :
             rc == -EMFILE ? "fs.inotify.max_user_instances is reached" : strerror(-rc));
    stop_listening(s, why);
}

void saves_open(struct saves *s, struct loop *loop, const struct lab *lab, const char *folder, bool poll, callback *fn,
                void *self)
{
    *s = (struct saves){ .loop = loop, .lab = lab, .folder = folder, .fn = fn, .self = self, .fd = -1 };
    if (poll)
        stop_listening(s, "inotify is not used, as you wished");
    else
        listen_to(s);
    take(s, &s->told);
    s->doubted = s->told;
    loop_call_at(loop, loop_time(loop) + (s->fd < 0 ? POLL : DOUBT), &s->look, on_look, s);
}

void saves_close(struct saves *s)
{
    loop_remove_timeout(s->loop, &s->settle);
    loop_remove_timeout(s->loop, &s->look);
    if (s->fd >= 0) {
        loop_remove_handler(s->loop, s->fd);
        close(s->fd);
    }
    s->fd = -1;
}

const char *saves_polling(const struct saves *s)
{
    return *s->polling ? s->polling : NULL;
}
