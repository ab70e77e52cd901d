/* verbs.c - what a server can be told over the wire. Parsers are in verbs_parse.c, clients in verbs_guest.c, what is told through
 * the real door alone in verbs_cost.c.
 *
 * Trap: the order of the end. A server goes before its loop, and clients may outlive both. */
#include "labs/06-http-server/verbs.h"

#include <errno.h>

enum { NAME = 16, TIMEOUTS = 64 };

static struct loop *loop;
static struct http_server *server;
static struct future *drained;
static int64_t beginning;

static struct note {
    char name[NAME];
    struct timeout *timeout;
} notes[TIMEOUTS];
static int note_count;

/* ---- names, times, bytes ---------------------------------------------------------------------------------------------- */

struct loop *lab_loop(void)
{
    return loop;
}

struct http_server *lab_server(void)
{
    return server;
}

/* The loop and the server are not closed: they may be what went wrong. */
void lab_reset(void)
{
    loop = NULL;
    server = NULL;
    guests_end();
    if (drained)
        fence_free(drained);
    drained = NULL;
    while (note_count > 0)
        fence_free(notes[--note_count].timeout);
}

int64_t moment_of(const char *text)
{
    return beginning + probe_time(text);
}

char *lend_data(const char *text, size_t *len, const char *name)
{
    *len = data_read(text, NULL, 0);
    char *data = fence_new(*len ? *len : 1, name);
    if (!data)
        abort();
    data_read(text, data, *len);
    return data;
}

const char *option_of(int count, char **words, const char *name)
{
    size_t len = strlen(name);
    for (int i = 1; i < count; i++)
        if (strncmp(words[i], name, len) == 0 && words[i][len] == '=')
            return words[i] + len + 1;
    return NULL;
}

/* ---- the loop --------------------------------------------------------------------------------------------------------- */

static int64_t verb_loop_new(int count, char **words)
{
    struct sys *sys = count > 1 ? probe_sys_light() : probe_sys();
    (void)words;
    beginning = sys->now(sys);
    errno = 0;
    loop = loop_new(sys);
    return loop ? 0 : errno ? -errno : -EIO;
}

/* The server, if it is still there, goes before it. */
static int64_t verb_loop_close(int count, char **words)
{
    (void)count, (void)words;
    if (server)
        http_server_close(server);
    if (loop)
        loop_close(loop);
    loop = NULL;
    server = NULL;
    return probe_light_blocks();
}

static void on_over(void *self, int what)
{
    (void)self, (void)what;
    loop_stop(loop);
}

/* A server always waits for something, so it ends at a time. */
static int64_t verb_run(int count, char **words)
{
    static struct timeout over;
    over = (struct timeout){0};
    loop_call_at(loop, moment_of(count > 1 ? words[1] : "100ms"), &over, on_over, NULL);
    int rc = loop_start(loop);
    loop_remove_timeout(loop, &over);
    return rc;
}

static int64_t verb_note(int count, char **words)
{
    (void)count;
    probe_event(words[1], 0);
    return 0;
}

static void on_call(void *self, int what)
{
    probe_event(((const struct note *)self)->name, what);
}

static int64_t verb_call_at(int count, char **words)
{
    (void)count;
    if (note_count == TIMEOUTS)
        abort();
    struct note *n = &notes[note_count++];
    n->timeout = fence_new(sizeof *n->timeout, words[1]);
    if (!n->timeout)
        abort();
    snprintf(n->name, sizeof n->name, "%s", words[1]);
    loop_call_at(loop, moment_of(words[2]), n->timeout, on_call, n);
    return 0;
}

/* ---- the server ------------------------------------------------------------------------------------------------------- */

static int64_t time_option(int count, char **words, const char *name)
{
    const char *text = option_of(count, words, name);
    return text ? probe_time(text) : 0;
}

static int64_t number_option(int count, char **words, const char *name)
{
    const char *text = option_of(count, words, name);
    return text ? strtoll(text, NULL, 10) : 0;
}

static int64_t verb_server(int count, char **words)
{
    struct http_options o = {
        .handler = answer, .idle = time_option(count, words, "idle"), .head = time_option(count, words, "head"),
        .body = time_option(count, words, "body"), .write = time_option(count, words, "write"),
        .max_body = number_option(count, words, "max_body"),
        .limits = { (size_t)number_option(count, words, "line"), (size_t)number_option(count, words, "bytes") },
    };
    errno = 0;
    server = http_server_new(loop, &o);
    return server ? 0 : errno ? -errno : -EIO;
}

static void on_drained(void *self, int rc)
{
    char text[32];
    (void)self;
    snprintf(text, sizeof text, "drained=%d", rc);
    probe_event(text, 0);
}

/* Handlers that still run at that time are cancelled. */
static int64_t verb_drain(int count, char **words)
{
    if (!drained)
        drained = fence_new(sizeof *drained, "the future of http_stop");
    if (!drained)
        abort();
    http_stop(server, count > 1 ? moment_of(words[1]) : FOREVER, future_then(drained, on_drained, NULL));
    return 0;
}

static int64_t verb_server_close(int count, char **words)
{
    (void)count, (void)words;
    http_server_close(server);
    server = NULL;
    return 0;
}

static int64_t verb_connections(int count, char **words)
{
    (void)count, (void)words;
    return http_connections(server);
}

static int64_t verb_running(int count, char **words)
{
    (void)count, (void)words;
    return http_running(server);
}

const struct verb lab_verbs[] = {
    { "loop_new", "loop_new [light]", 1, verb_loop_new },
    { "loop_close", "loop_close", 1, verb_loop_close },
    { "run", "run [TIME]", 1, verb_run },
    { "note", "note NAME", 2, verb_note },
    { "call_at", "call_at NAME TIME", 3, verb_call_at },
    { "server", "server [idle=TIME] [head=TIME] [body=TIME] [write=TIME] [max_body=N] [line=N] [bytes=N]", 1, verb_server },
    { "drain", "drain [TIME]", 1, verb_drain },
    { "server_close", "server_close", 1, verb_server_close },
    { "connections", "connections", 1, verb_connections },
    { "running", "running", 1, verb_running },
    { "connect", "connect CLIENT [DESCRIPTOR]", 2, verb_connect },
    { "send", "send CLIENT DATA", 3, verb_send },
    { "end", "end CLIENT", 2, verb_end },
    { "gone", "gone CLIENT", 2, verb_gone },
    { "receive", "receive CLIENT", 2, verb_receive },
    { "request", "request DATA [line=N] [head=N]", 2, verb_request },
    { "response", "response METHOD DATA [line=N] [head=N]", 3, verb_response },
    { "every", "every METHOD|- DATA [line=N] [head=N]", 3, verb_every },
    { "chunks", "chunks DATA [PORTION] [MOST]", 2, verb_chunks },
    { "chunk_begin", "chunk_begin COUNT", 2, verb_chunk_begin },
    { "load", "load REQUESTS DEPTH", 3, verb_load },
    { "drip", "drip BYTES PORTION", 3, verb_drip },
    { 0 },
};
