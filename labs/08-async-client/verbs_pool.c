/* verbs_pool.c - places, connections that wait, and hops, over the wire: client_pool.c and redirect.c without a client.
 *
 * Connections have numbers, in the order in which they were made; their other ends are ours. */
#include <errno.h>

#include "labs/08-async-client/verbs.h"

enum { LINES = 512 };

static struct pool *pool;
static struct { struct stream *stream; int peer; } lines[LINES + 1];
static int line_count;

static void on_place(void *self, int rc)
{
    struct thing *t = self;
    if (rc >= 0)
        t->place = t->future->value;
    tell(t->name, rc, "");
}

int64_t verb_pool(int count, char **words)
{
    struct pool_limits limits = { atoi(words[1]), atoi(words[2]), probe_time(words[3]) };
    (void)count;
    line_count = 0;
    errno = 0;
    pool = pool_new(lab_loop(), &limits);
    return pool ? 0 : errno ? -errno : -EIO;
}

static struct stream *take_line(struct thing *t)
{
    struct stream *s = t->line ? lines[t->line].stream : NULL;
    t->line = 0;
    return s;
}

static void drop_line(struct thing *t)
{
    struct stream *s = take_line(t);
    if (s)
        stream_close(s);
}

static void leave(struct thing *t)
{
    drop_line(t);
    pool_leave(t->place);
    t->place = NULL;
}

/* As a client does: who has a place gives it up first. */
int64_t verb_pool_close(int count, char **words)
{
    (void)count, (void)words;
    struct thing *t;
    for (int i = 0; pool && (t = thing_at(i)); i++)
        if (t->future && !t->place)
            future_cancel(t->future);
    for (int i = 0; pool && (t = thing_at(i)); i++)
        if (t->place)
            leave(t);
    if (pool)
        pool_close(pool);
    pool = NULL;
    for (; line_count > 0; line_count--)
        if (lines[line_count].peer >= 0)
            probe_sys()->close(probe_sys(), lines[line_count].peer);
    return 0;
}

/* enter, move: a connection does not come along to another origin */
int64_t verb_enter(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    size_t len = strlen(words[2]);
    (void)count;
    char *origin = fence_new(len, "an origin, which was to be copied");
    if (!origin || !pool)
        return -ENOTCONN;
    memcpy(origin, words[2], len);
    struct bytes name = { origin, len };
    struct place *place = t->place;
    drop_line(t);
    t->place = NULL;
    struct future *f = future_then(future_of(t), on_place, t);
    if (words[0][0] == 'e')
        pool_enter(pool, name, f);
    else
        pool_move(place, name, f);
    fence_free(origin);
    return 0;
}

int64_t verb_leave(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    (void)count;
    if (t->place)
        leave(t);
    return 0;
}

/* A new connection for who has a place: its number. */
int64_t verb_join(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    int fds[2], n = line_count + 1;
    (void)count;
    if (!t->place || n > LINES || probe_sys()->socketpair(probe_sys(), fds) < 0)
        return -ENOTCONN;
    lines[n].stream = stream_new(lab_loop(), fds[0]);
    lines[n].peer = fds[1];
    if (!lines[n].stream)
        return -ENOMEM;
    line_count = n;
    return t->line = n;
}

int64_t verb_keep(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    struct stream *s = take_line(t);
    (void)count;
    if (!s || !t->place)
        return -ENOTCONN;
    struct place *place = t->place;
    t->place = NULL;
    pool_keep(place, s);
    return 0;
}

/* The number of the connection that waited, or 0. */
int64_t verb_warm(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    (void)count;
    if (!t->place)
        return -ENOTCONN;
    struct stream *s = pool_warm(t->place);
    for (int n = line_count; s && n > 0; n--)
        if (lines[n].stream == s)
            return t->line = n;
    return s ? -EBADF : 0;
}

/* says, goes: the other side. is_open: ours still is. */
int64_t verb_peer(int count, char **words)
{
    int n = atoi(words[1]);
    struct sys *sys = probe_sys();
    char byte;
    (void)count;
    if (n < 1 || n > line_count)
        return -EINVAL;
    if (words[0][0] == 's')
        return sys->write(sys, lines[n].peer, "x", 1);
    if (words[0][0] == 'g') {
        int fd = lines[n].peer;
        lines[n].peer = -1;
        return sys->close(sys, fd);
    }
    return sys->read(sys, lines[n].peer, &byte, 1) == -EAGAIN;
}

int64_t verb_places(int count, char **words)
{
    struct pool_count c = pool ? pool_count(pool) : (struct pool_count){0};
    (void)count, (void)words;
    probe_say("waiting=%d taken=%d idle=%d", c.waiting, c.taken, c.idle);
    return 0;
}

/* An order, what it makes ready, and how many there are then. */
int64_t verb_step(int count, char **words)
{
    const struct verb *v = lab_verbs;
    while (v->name && strcmp(v->name, words[1]) != 0)
        v++;
    int64_t rc = v->name ? v->fn(count - 1, words + 1) : -EINVAL;
    turn();
    verb_places(0, NULL);
    return rc;
}

/* ---- hops ---------------------------------------------------------------------------------------------------------- */

static char *lend_word(const char *text, const char *name)
{
    char *copy = fence_new(strlen(text) + 1, name);
    if (!copy)
        abort();
    return strcpy(copy, text);
}

/* Told as "H=GET,http://a.example/x,body,trusted"; host, port and the rest are said. */
static int64_t tell_hop(struct thing *t, int rc, const char *why)
{
    char text[40] = "";
    if (rc < 0)
        snprintf(text, sizeof text, "%s", why ? "" : ",no-why");
    else
        snprintf(text, sizeof text, ",%s,%s%s", t->hop.method, t->hop.body ? "body," : "",
                 t->hop.trusted ? "trusted" : "stranger");
    if (rc >= 0)
        probe_say("%s host=%s port=%d secure=%d", t->hop.text, t->hop.host, t->hop.port, t->hop.secure);
    tell(t->name, rc, text);
    return rc;
}

int64_t verb_hop(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    const char *why = NULL;
    char *url = lend_word(words[2], "a URL, which was to be copied");
    const char *method = strcmp(words[3], "POST") == 0 ? "POST" : strcmp(words[3], "HEAD") == 0 ? "HEAD" :
                         strcmp(words[3], "PUT") == 0 ? "PUT" : "GET";
    int rc = hop_first(loop_sys(lab_loop()), url, method, count > 4, &t->hop, &why);
    fence_free(url);
    t->hopped = true;
    return tell_hop(t, rc, why);
}

int64_t verb_follow(int count, char **words)
{
    const struct thing *from = thing_of(words[1]);
    struct thing *t = thing_of(words[4]);
    const char *why = NULL;
    bool none = strcmp(words[3], "-") == 0;
    (void)count;
    char *location = lend_word(words[3], "a Location, which was to be copied");
    struct bytes where = { none ? NULL : location, none ? 0 : strlen(location) };
    int rc = -ENOENT, status = atoi(words[2]);
    if (redirect_asked(status, where))
        rc = redirect_follow(loop_sys(lab_loop()), &from->hop, status, where, &t->hop, &why);
    fence_free(location);
    t->hopped = rc >= 0;
    if (rc != -ENOENT)
        return tell_hop(t, rc, why);
    tell(t->name, 0, ",stays");
    return 0;
}

/* ---- the end ------------------------------------------------------------------------------------------------------- */

void pool_end(void)
{
    verb_pool_close(0, NULL);
    struct thing *t;
    for (int i = 0; (t = thing_at(i)); i++) {
        if (t->hopped)
            hop_end(loop_sys(lab_loop()), &t->hop);
        t->hopped = false;
    }
}

void pool_forget(void)
{
    pool = NULL;
    line_count = 0;
}
