/* verbs_real.c - fetches on the real kernel, for counting who sleeps.
 *
 * The sandbox has no network: what would be a connection is one end of a socket pair, whose other end is served by a coroutine
 * beside the client, and a look-up sleeps for a moment and finds an address. Whoever looks up on the loop's thread sleeps there,
 * which the kernel counts. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "labs/08-async-client/verbs.h"
#include "loop/co.h"
#include "loop/run_sync.h"

enum { MOST_REAL = 16, LOOKUP_MS = 2, WAIT_MS = 1, MOST_TURNS = 10000 };

static struct {
    int pending[MOST_REAL];                         /* the other ends of connections nobody serves yet */
    int count, answered;
    struct future serving[MOST_REAL], fetches[MOST_REAL];
    struct http_client *client;
    char urls[MOST_REAL][40];
} real;

/* ---- the door ----------------------------------------------------------------------------------------------------- */

static int real_socket(struct sys *sys, int domain, int type)
{
    int fds[2];
    (void)domain, (void)type;
    int rc = real.count < MOST_REAL ? sys->socketpair(sys, fds) : -EMFILE;
    if (rc < 0)
        return rc;
    real.pending[real.count++] = fds[1];
    return fds[0];
}

static int real_connect(struct sys *sys, int fd, const struct sockaddr *address, socklen_t len)
{
    (void)sys, (void)fd, (void)address, (void)len;
    return 0;
}

static int real_lookup(struct sys *sys, const char *host, int port, int family, struct address *out, int max)
{
    (void)sys, (void)host, (void)family, (void)max;
    nanosleep(&(struct timespec){ 0, LOOKUP_MS * 1000000 }, NULL);
    address_parse("192.0.2.1", port, out);
    return 1;
}

static struct sys *half_real(void)
{
    static struct sys sys;
    sys = *probe_sys();
    sys.socket = real_socket;
    sys.connect = real_connect;
    sys.lookup = real_lookup;
    return &sys;
}

/* ---- the server --------------------------------------------------------------------------------------------------- */

static int serve(void *self)
{
    static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    struct stream *s = self;
    struct future f = {0};
    while (await(stream_read_until(s, "\r\n\r\n", 4096, &f)) > 0) {
        await(future_sleep(stream_loop(s), WAIT_MS * MILLISECOND, &f));
        if (await(stream_write(s, (struct bytes){ hello, sizeof hello - 1 }, &f)) < 0)
            break;
    }
    stream_close(s);
    return 0;
}

static void on_fetched(void *self, int rc)
{
    struct future *f = self;
    if (rc == 200)
        real.answered++;
    if (rc >= 0)
        http_response_free(f->value);
}

/* Serves whoever connects until all are answered, or it has taken far too long on any machine. */
static int wait_for_all(void *self)
{
    struct loop *loop = self;
    struct future f = {0};
    for (int turns = 0, served = 0; turns < MOST_TURNS; turns++) {
        for (; served < real.count; served++)
            co_spawn(loop, serve, stream_new(loop, real.pending[served]), &real.serving[served]);
        if (real.answered == MOST_REAL)
            break;
        await(future_sleep(loop, WAIT_MS * MILLISECOND, &f));
    }
    http_client_close(real.client);
    for (int i = 0; i < real.count; i++)
        await(&real.serving[i]);
    return 0;
}

/* So many names, one fetch each: how many were answered. */
int64_t verb_real_fetches(int count, char **words)
{
    struct http_client_options o = {0};
    int most = atoi(words[1]);
    (void)count;
    memset(&real, 0, sizeof real);
    struct loop *loop = loop_new(half_real());
    real.client = loop ? http_client_new(loop, &o) : NULL;
    if (!real.client)
        return -ENOTCONN;
    real.answered = MOST_REAL - most;
    for (int i = 0; i < most && i < MOST_REAL; i++) {
        char *url = real.urls[i];
        snprintf(url, sizeof real.urls[i], "http://name%d.example/", i % 4);
        http_fetch(real.client, &(struct http_fetch){ .url = url }, future_then(&real.fetches[i], on_fetched, &real.fetches[i]));
    }
    loop_run_sync(loop, wait_for_all, loop);
    loop_close(loop);
    return real.answered - (MOST_REAL - most);
}
