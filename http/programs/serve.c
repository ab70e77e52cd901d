/* serve.c - shows a folder to browsers: `serve DIR`, and `serve --help` says what else.
 *
 * Ranges, conditions, index.html, a list where there is none; on 127.0.0.1 alone unless -a says otherwise; https; one process, or
 * several. Traps it exists for: a server that is stopped in the middle of a download: on SIGTERM and Ctrl-C it takes no more, and
 * ends what it has begun. And several processes that each want a port "that is free", or fail one after the other at what the
 * first of them could have told: so it is tried once before there are any, and the port is held. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "http/files.h"
#include "http/programs/serve_secure.h"
#include "http/server.h"
#include "loop/log.h"
#include "loop/prefork.h"
#include "loop/signals.h"
#if __has_include(<zlib.h>)
#define CODING coding_gzip()
#else
#define CODING NULL
#endif

enum { MOST = 10000, EACH = 4 };        /* connections; what one may need: its socket, a file, and the pipe between them */

#define PATIENCE (60 * SECOND)          /* for what has begun when it stops */
#define PARTING  (SECOND / 2)           /* for requests that are on their way then */

struct serve {
    struct serve_options options;
    struct sys *sys;
    struct tls *tls;                    /* NULL: http */
    int port;
    bool shared;                        /* by several processes */
    int once[2];                        /* a pipe with a byte in it: who takes it says where they all listen */
    struct loop *loop;                  /* this process's, as all that follows */
    struct files *files;
    struct access_log *log;             /* NULL: none is wanted */
    struct http_server *server;
    struct listener *listener;
};

/* ---- what is said ---------------------------------------------------------------------------------------------------- */

/* Where a browser finds it: all addresses of this machine are none. */
static void print_place(const struct serve *s, const struct address *a)
{
    const char *scheme = s->tls ? "https" : "http", *folder = s->options.folder;
    char text[ADDRESS_TEXT];
    address_text(a, text);
    if (a->at.ss_family == AF_UNIX)
        printf("%s shows %s (as in: curl --unix-socket %s %s://localhost/)\n", text, folder, text + strlen("unix:"), scheme);
    else if (strncmp(text, "0.0.0.0:", 8) == 0 || strncmp(text, "[::]:", 5) == 0)
        printf("%s://%s:%d/ shows %s, at every address of this machine\n", scheme, *text == '[' ? "[::1]" : "127.0.0.1", s->port,
               folder);
    else
        printf("%s://%s/ shows %s\n", scheme, text, folder);
}

static void print_places(struct serve *s)
{
    char byte;
    if (s->shared && s->sys->read(s->sys, s->once[0], &byte, 1) != 1)
        return;
    for (int i = 0; i < tcp_addresses(s->listener); i++)
        print_place(s, tcp_address(s->listener, i));
    fflush(stdout);
}

/* ---- one process ----------------------------------------------------------------------------------------------------- */

static int page(struct exchange *x)
{
    struct serve *s = exchange_self(x);
    return files_reply(s->files, x, exchange_head(x)->path);
}

static int no_folder(const struct serve *s)
{
    int rc = -errno;
    fprintf(stderr, "serve: %s: %s: name a folder that you may read (a port is named with -p)\n", s->options.folder,
            strerror(-rc));
    return rc;
}

static void on_hangup(void *self, int signo)
{
    (void)signo;
    access_log_reopen(self);
}

/* 0 or -errno, and that is said. */
static int open_log(struct serve *s)
{
    if (!s->options.log)
        return 0;
    s->log = access_log_open(s->loop, &(struct access_log_options){ .path = s->options.log, .format = s->options.format });
    return s->log ? loop_add_signal(s->loop, SIGHUP, on_hangup, s->log) : -errno;
}

/* As many as there are descriptors for, after all that may be had: else the last of them is let in, and has no file. */
static int most_connections(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return MOST;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return files.rlim_cur / EACH < MOST ? (int)(files.rlim_cur / EACH) : MOST;
}

static int begin_to_listen(struct serve *s)
{
    const struct http_options options = {
        .handler = page, .self = s, .most = most_connections(), .parting = PARTING, .log = s->log,
        .coding = s->options.gzip ? CODING : NULL
    };
    const struct tcp_listen where = {
        .host = s->options.address, .port = s->port, .reuse_port = s->shared, .backlog = 1024, .tls = s->tls
    };
    s->server = http_server_new(s->loop, &options);
    s->listener = s->server ? http_listen(s->server, &where) : NULL;        /* logs why not */
    if (!s->listener)
        return -errno;
    s->port = tcp_port(s->listener);
    return 0;
}

/* 0, or -errno, and that is said. */
static int open_all(struct serve *s)
{
    s->loop = loop_new(s->sys);
    if (!s->loop) {
        int rc = -errno;
        fprintf(stderr, "serve: it could not begin: %s\n", strerror(-rc));
        return rc;
    }
    s->files = files_new(s->loop, &(struct files_options){
        .root = s->options.folder, .listing = s->options.listing, .packed = s->options.gzip
    });
    if (!s->files)
        return no_folder(s);
    int rc = open_log(s);
    return rc < 0 ? rc : begin_to_listen(s);
}

static void close_all(struct serve *s)
{
    if (s->server)
        http_server_close(s->server);
    if (s->log)
        access_log_close(s->log);
    if (s->files)
        files_close(s->files);
    if (s->loop)
        loop_close(s->loop);
    s->server = NULL;
    s->log = NULL;
    s->files = NULL;
    s->loop = NULL;
}

static void on_stopped(void *self, int rc)
{
    (void)rc;
    loop_stop(self);
}

/* Says where it listens, and goes on until it is stopped, and what it has begun is over. */
static int run(struct serve *s)
{
    struct future stopped = {0};
    int rc = loop_stop_on_signals(s->loop);
    if (rc < 0)
        return rc;
    print_places(s);
    rc = loop_start(s->loop);
    if (http_running(s->server))
        fprintf(stderr, "serve: stopping; what has begun (%d) may take another %d s; once more ends it at once\n",
                http_running(s->server), (int)(PATIENCE / SECOND));
    http_stop(s->server, loop_time(s->loop) + PATIENCE, future_then(&stopped, on_stopped, s->loop));
    return rc < 0 ? rc : loop_start(s->loop);
}

static int serve_alone(void *self, int number)
{
    struct serve *s = self;
    (void)number;
    int rc = open_all(s);
    rc = rc < 0 ? rc : run(s);
    close_all(s);
    return rc;
}

/* ---- several --------------------------------------------------------------------------------------------------------- */

/* A socket that keeps the port, and does not listen: its descriptor, which is this process's to the end. */
static int hold(struct sys *sys, const struct address *a)
{
    int fd = sys->socket(sys, a->at.ss_family, SOCK_STREAM), rc = fd;
    if (rc >= 0 && a->at.ss_family == AF_INET6)
        rc = sys->set_option(sys, fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (rc >= 0)
        rc = sys->set_option(sys, fd, SOL_SOCKET, SO_REUSEPORT, 1);
    return rc < 0 ? rc : sys->bind(sys, fd, (const struct sockaddr *)&a->at, a->len);
}

/* What would fail in each of them fails here, once; and "any port" becomes one. */
static int try_once(struct serve *s)
{
    int rc = open_all(s);
    for (int i = 0; rc == 0 && i < tcp_addresses(s->listener); i++)
        rc = hold(s->sys, tcp_address(s->listener, i));
    close_all(s);
    return rc;
}

static int serve_together(struct serve *s)
{
    s->shared = true;
    int rc = s->sys->pipe(s->sys, s->once);
    rc = rc < 0 ? rc : (int)s->sys->write(s->sys, s->once[1], "x", 1);
    rc = rc < 0 ? rc : try_once(s);
    return rc < 0 ? rc : prefork(s->sys, &(struct prefork){ .worker = serve_alone, .self = s, .count = (int)s->options.jobs,
                                                            .grace = PATIENCE + SECOND,
                                                            .pass_on = s->options.log ? SIGHUP : 0 });
}

int main(int argc, char **argv)
{
    struct serve s = { .sys = sys_linux() };
    struct sentence failure;
    int status;
    if (!serve_options_read(argc, argv, &s.options, &status))
        return status;
    if (!serve_secure_new(s.sys, &s.options, &s.tls, &failure)) {
        fprintf(stderr, "serve: %s\n", failure.text);
        return 1;
    }
    s.port = (int)s.options.port;
    int rc = s.options.jobs == 1 ? serve_alone(&s, 0) : serve_together(&s);
    serve_secure_close(s.tls);
    return rc < 0;
}
