/* verbs.c - what streams can be told over the wire. The other side of theirs is in verbs_peer.c, and many reads or writes at
 * once in verbs_script.c.
 *
 * Each answer is told to the judge when its callback is called, with the bytes ("R=6,hello\n"). Trap: an order's words are
 * gone when it is done; what a stream keeps is lent from the thing. */
#include "labs/05-stream/verbs.h"

#include <errno.h>
#include <stdarg.h>

enum { THINGS = 1024 };

static struct thing things[THINGS];
static int thing_count;
static struct loop *loop;
static int64_t beginning;

/* ---- names, times, bytes ------------------------------------------------------------------------------------------ */

static void *lend(size_t size, const char *name)
{
    void *lent = fence_new(size, name);
    if (!lent)
        abort();
    return lent;
}

struct thing *thing_of(const char *name)
{
    if (strcmp(name, "-") == 0)
        return NULL;
    for (int i = 0; i < thing_count; i++)
        if (strncmp(things[i].name, name, sizeof things[i].name - 1) == 0)
            return &things[i];
    if (thing_count == THINGS)
        abort();
    struct thing *t = &things[thing_count++];
    *t = (struct thing){ .peer = -1 };
    snprintf(t->name, sizeof t->name, "%s", name);
    return t;
}

struct stream *stream_of(const char *name)
{
    return thing_of(name)->stream;
}

struct future *future_of(struct thing *t)
{
    if (!t->future)
        t->future = lend(sizeof *t->future, t->name);
    return t->future;
}

struct loop *lab_loop(void)
{
    return loop;
}

void unlend(struct thing *t)
{
    if (t->lent)
        fence_free(t->lent);
    t->lent = NULL;
}

/* The loop and its streams are not closed: they may be what went wrong. */
void lab_reset(void)
{
    loop = NULL;
    for (int i = 0; i < thing_count; i++) {
        unlend(&things[i]);
        script_end(&things[i]);
        if (things[i].timeout)
            fence_free(things[i].timeout);
        if (things[i].future)
            fence_free(things[i].future);
    }
    thing_count = 0;
}

int64_t moment_of(const char *text)
{
    return beginning + probe_time(text);
}

char *lend_data(const char *text, size_t *len, const char *name)
{
    *len = data_read(text, NULL, 0);
    char *data = lend(*len ? *len : 1, name);
    data_read(text, data, *len);
    return data;
}

/* A delimiter, as a string. */
static const char *lend_text(struct thing *t, const char *text)
{
    size_t len = data_read(text, NULL, 0);
    unlend(t);
    t->lent = lend(len + 1, "a delimiter");
    data_read(text, t->lent, len);
    return t->lent;
}

void tell_rc(const char *name, const char *what, int rc)
{
    char text[64];
    const char *error = rc < 0 ? strerrorname_np(-rc) : NULL;
    if (error)
        snprintf(text, sizeof text, "%s%s=-%s", name, what, error);
    else if (what[0])
        snprintf(text, sizeof text, "%s%s", name, what);
    else
        snprintf(text, sizeof text, "%s=%d", name, rc);
    probe_event(text, 0);
}

void tell_bytes(const char *name, const char *what, const char *data, size_t len)
{
    char text[64], bytes[DATA_TEXT];
    snprintf(text, sizeof text, "%.7s%.5s=%zu,%s", name, what, len, data_text(data, len, bytes));
    probe_event(text, 0);
}

/* ---- the loop ----------------------------------------------------------------------------------------------------- */

static int64_t verb_loop_new(int count, char **words)
{
    struct sys *sys = count > 1 ? probe_sys_light() : probe_sys();
    (void)words;
    beginning = sys->now(sys);
    errno = 0;
    loop = loop_new(sys);
    return loop ? 0 : errno ? -errno : -EIO;
}

static int64_t verb_loop_close(int count, char **words)
{
    (void)count, (void)words;
    for (int i = 0; i < thing_count; i++)
        if (things[i].stream) {
            stream_close(things[i].stream);
            things[i].stream = NULL;
        }
    if (loop)
        loop_close(loop);
    loop = NULL;
    return probe_light_blocks();
}

static void on_over(void *self, int what)
{
    (void)self, (void)what;
    loop_stop(loop);
}

/* Streams always wait for something, so it ends at a time. */
static int64_t verb_run(int count, char **words)
{
    static struct timeout over;
    over = (struct timeout){0};
    loop_call_at(loop, moment_of(count > 1 ? words[1] : "100ms"), &over, on_over, NULL);
    int rc = loop_start(loop);
    loop_remove_timeout(loop, &over);
    return rc;
}

static int64_t verb_stop(int count, char **words)
{
    (void)count, (void)words;
    loop_stop(loop);
    return 0;
}

static void on_call(void *self, int what)
{
    const struct thing *t = self;
    probe_event(t->name, what);
}

static int64_t verb_note(int count, char **words)
{
    (void)count;
    probe_event(words[1], 0);
    return 0;
}

static int64_t verb_call_at(int count, char **words)
{
    (void)count;
    struct thing *t = thing_of(words[1]);
    if (!t->timeout)
        t->timeout = lend(sizeof *t->timeout, t->name);
    loop_call_at(loop, moment_of(words[2]), t->timeout, on_call, t);
    return 0;
}

/* ---- a stream ----------------------------------------------------------------------------------------------------- */

/* Over one end of a new connection, or of one that the judge has made. */
static int64_t verb_stream(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    int fds[2];
    int rc = count > 2 ? 0 : probe_sys()->socketpair(probe_sys(), fds);
    if (rc < 0)
        return rc;
    if (count > 2)
        fds[0] = atoi(words[2]);
    else
        t->peer = fds[1];
    errno = 0;
    t->stream = stream_new(loop, fds[0]);
    return t->stream ? 0 : errno ? -errno : -EIO;
}

static int64_t verb_close(int count, char **words)
{
    (void)count;
    struct thing *t = thing_of(words[1]);
    stream_close(t->stream);
    t->stream = NULL;
    return 0;
}

static void on_closed(void *self, int what)
{
    const struct thing *t = self;
    tell_rc(t->name, "", what);
}

static int64_t verb_on_close(int count, char **words)
{
    (void)count;
    struct thing *t = thing_of(words[2]);
    stream_on_close(stream_of(words[1]), t ? on_closed : NULL, t);
    return 0;
}

static int64_t verb_error(int count, char **words)
{
    (void)count;
    return stream_error(stream_of(words[1]));
}

static int64_t verb_unread(int count, char **words)
{
    struct bytes b = stream_unread(stream_of(words[1]));
    (void)count;
    if (b.len)
        tell_bytes(words[1], ".has", b.data, b.len);
    return (int64_t)b.len;
}

static int64_t verb_unsent(int count, char **words)
{
    (void)count;
    return (int64_t)stream_unsent(stream_of(words[1]));
}

static int64_t verb_limit(int count, char **words)
{
    (void)count;
    stream_limit_writes(stream_of(words[1]), strtoul(words[2], NULL, 10));
    return 0;
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

/* What was lent for it is not lent any more. */
static void on_answer(void *self, int rc)
{
    struct thing *t = self;
    t->value = t->future->value;
    t->rc = rc;
    if (t->value != t->lent)
        unlend(t);
    if (rc < 0 && !t->future->why)
        tell_rc(t->name, ".has_no_why", 0);
    if (rc <= 0 || !t->reads)
        tell_rc(t->name, "", rc);
    if (rc > 0 && t->reads)
        tell_bytes(t->name, "", t->value, (size_t)rc);
}

static char *make_room(struct thing *t, size_t len)
{
    unlend(t);
    return t->lent = lend(len, "memory that is to be filled");
}

/* A frame is a digit and as many bytes as it says; "." is the last one, and may come at the end only. */
static ssize_t whole_frame(void *self, struct bytes seen, bool ended)
{
    (void)self;
    if (seen.len == 0)
        return 0;
    if (seen.data[0] == '.')
        return ended ? (ssize_t)seen.len : 0;
    if (!isdigit((unsigned char)seen.data[0]))
        return -EPROTO;
    size_t len = 1 + (size_t)(seen.data[0] - '0');
    return seen.len >= len ? (ssize_t)len : 0;
}

struct future *begin_read(struct stream *s, struct thing *t, int count, char **words)
{
    struct future *f = future_of(t);
    size_t last = count > 2 ? strtoul(words[count - 1], NULL, 10) : 0;
    t->reads = true;
    if (strcmp(words[0], "until") == 0)
        return stream_read_until(s, lend_text(t, words[2]), count > 3 ? last : 0, f);
    if (strcmp(words[0], "bytes") == 0)
        return stream_read_bytes(s, last, f);
    if (strcmp(words[0], "some") == 0)
        return stream_read_some(s, last, f);
    if (strcmp(words[0], "until_close") == 0)
        return stream_read_until_close(s, last, f);
    if (strcmp(words[0], "into") == 0)
        return stream_read_into(s, make_room(t, last), last, false, f);
    if (strcmp(words[0], "partial") == 0)
        return stream_read_into(s, make_room(t, last), last, true, f);
    return stream_read_with(s, whole_frame, NULL, last, f);
}

/* VERB STREAM NAME ...: the stream's name is taken out. */
static int64_t verb_read(int count, char **words)
{
    struct stream *s = stream_of(words[1]);
    struct thing *t = thing_of(words[2]);
    words[1] = words[0];
    future_then(begin_read(s, t, count - 1, words + 1), on_answer, t);
    return 0;
}

/* The last answer once more: it is the waiter's until the next read. */
static int64_t verb_look(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    (void)count;
    tell_bytes(t->name, ".look", t->value, (size_t)t->rc);
    return t->rc;
}

static int64_t verb_cancel(int count, char **words)
{
    (void)count;
    struct thing *t = thing_of(words[1]);
    future_cancel(future_of(t));
    unlend(t);
    return 0;
}

/* What an owner does: cancel, then free. */
static int64_t verb_free(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    verb_cancel(count, words);
    fence_free(t->future);
    t->future = NULL;
    return 0;
}

static int64_t verb_done(int count, char **words)
{
    (void)count;
    return future_done(future_of(thing_of(words[1])));
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static void then_tell(struct future *f, struct thing *t)
{
    if (f)
        future_then(f, on_answer, t);
}

static struct future *future_for(struct thing *t)
{
    if (!t)
        return NULL;
    t->reads = false;
    return future_of(t);
}

/* What is copied is gone when this returns. */
static int64_t verb_write(int count, char **words)
{
    size_t len;
    struct thing *t = thing_of(words[2]);
    (void)count;
    char *data = lend_data(words[3], &len, "what was written, and was to be copied");
    then_tell(stream_write(stream_of(words[1]), (struct bytes){ data, len }, future_for(t)), t);
    fence_free(data);
    return 0;
}

struct owned {
    char name[16];
    char *data;
};

static void on_release(void *self)
{
    struct owned *o = self;
    char name[32];
    snprintf(name, sizeof name, "%s.released", o->name);
    fence_free(o->data);
    fence_free(o);
    probe_event(name, 0);
}

static int64_t verb_write_owned(int count, char **words)
{
    size_t len;
    struct thing *t = thing_of(words[2]);
    struct owned *o = lend(sizeof *o, "what release is called with");
    (void)count;
    snprintf(o->name, sizeof o->name, "%s", t ? t->name : words[1]);
    o->data = lend_data(words[3], &len, "what was handed over");
    then_tell(stream_write_owned(stream_of(words[1]), (struct bytes){ o->data, len }, on_release, o, future_for(t)), t);
    return 0;
}

static int64_t verb_push(int count, char **words)
{
    (void)count;
    stream_push(stream_of(words[1]));
    return 0;
}

static int64_t verb_shutdown(int count, char **words)
{
    struct thing *t = thing_of(words[2]);
    (void)count;
    then_tell(stream_shutdown(stream_of(words[1]), future_for(t)), t);
    return 0;
}

const struct verb lab_verbs[] = {
    { "loop_new", "loop_new [light]", 1, verb_loop_new },
    { "loop_close", "loop_close", 1, verb_loop_close },
    { "run", "run [TIME]", 1, verb_run },
    { "stop", "stop", 1, verb_stop },
    { "note", "note NAME", 2, verb_note },
    { "call_at", "call_at NAME TIME", 3, verb_call_at },
    { "stream", "stream NAME [DESCRIPTOR]", 2, verb_stream },
    { "close", "close STREAM", 2, verb_close },
    { "on_close", "on_close STREAM NAME|-", 3, verb_on_close },
    { "error", "error STREAM", 2, verb_error },
    { "unread", "unread STREAM", 2, verb_unread },
    { "unsent", "unsent STREAM", 2, verb_unsent },
    { "limit", "limit STREAM BYTES", 3, verb_limit },
    { "until", "until STREAM NAME DELIMITER [LIMIT]", 4, verb_read },
    { "bytes", "bytes STREAM NAME COUNT", 4, verb_read },
    { "some", "some STREAM NAME [LIMIT]", 3, verb_read },
    { "until_close", "until_close STREAM NAME [LIMIT]", 3, verb_read },
    { "into", "into STREAM NAME COUNT", 4, verb_read },
    { "partial", "partial STREAM NAME COUNT", 4, verb_read },
    { "frame", "frame STREAM NAME [LIMIT]", 3, verb_read },
    { "look", "look NAME", 2, verb_look },
    { "cancel", "cancel NAME", 2, verb_cancel },
    { "free", "free NAME", 2, verb_free },
    { "done", "done NAME", 2, verb_done },
    { "write", "write STREAM NAME|- DATA", 4, verb_write },
    { "write_owned", "write_owned STREAM NAME|- DATA", 4, verb_write_owned },
    { "push", "push STREAM", 2, verb_push },
    { "shutdown", "shutdown STREAM NAME|-", 3, verb_shutdown },
    { "send", "send STREAM DATA", 3, verb_send },
    { "end", "end STREAM", 2, verb_end },
    { "gone", "gone STREAM", 2, verb_gone },
    { "receive", "receive STREAM [MOST]", 2, verb_receive },
    { "reads", "reads STREAM NAME READ ...", 4, verb_reads },
    { "write_many", "write_many STREAM COUNT BYTES", 4, verb_write_many },
    { "pour", "pour COUNT until|bytes", 3, verb_pour },
    { "idle_streams", "idle_streams COUNT", 2, verb_idle_streams },
    { 0 },
};
