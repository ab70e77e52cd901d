/* serve.c - shows a folder to browsers: `serve DIR [-p PORT]`.
 *
 * Ranges, conditions, index.html, a list where there is none; on 127.0.0.1 alone unless -a says otherwise. The trap it exists
 * for: a server that is stopped in the middle of a download. On SIGTERM and Ctrl-C it takes no more, and ends what it has
 * begun. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/files.h"
#include "http/server.h"
#include "loop/log.h"
#include "loop/signals.h"

#define PATIENCE (60 * SECOND)

struct arguments {
    const char *dir, *address;
    int64_t port;
};

static int misused(const char *what, const char *which, const char *advice)
{
    fprintf(stderr, "serve: %s%s: %s\nusage: serve DIR [-p PORT] [-a ADDRESS]\n", what, which, advice);
    return 2;
}

/* 0, or what main returns. */
static int read_arguments(int argc, char **argv, struct arguments *out)
{
    *out = (struct arguments){ .address = "127.0.0.1", .port = 8000 };
    for (int i = 1; i < argc; i++) {
        bool port = strcmp(argv[i], "-p") == 0, address = strcmp(argv[i], "-a") == 0;
        if ((port || address) && i + 1 == argc)
            return misused(argv[i], " stands alone", port ? "a port comes behind it, as in -p 8000"
                                                          : "an address comes behind it, as in -a 0.0.0.0");
        if (port && text_number(text_of(argv[++i]), 65535, &out->port) < 0)
            return misused("-p ", argv[i], "a port is a number from 0 (any that is free) to 65535");
        if (address)
            out->address = argv[++i];
        if (!port && !address && argv[i][0] == '-' && argv[i][1])
            return misused("", argv[i], "there is no such option");
        if (!port && !address && out->dir)
            return misused("", argv[i], "one folder can be served, and it has been named already");
        if (!port && !address)
            out->dir = argv[i];
    }
    return out->dir ? 0 : misused("which folder", "", "name it, as in: serve .");
}

static int page(struct exchange *x)
{
    return files_reply(exchange_self(x), x, exchange_head(x)->path);
}

static void on_stopped(void *self, int rc)
{
    (void)rc;
    loop_stop(self);
}

/* Says where it listens, and goes on until it is stopped, and what it has begun is over. */
static int run(struct loop *loop, struct http_server *server, const struct listener *listener, const char *dir)
{
    struct future stopped = {0};
    char text[ADDRESS_TEXT];
    int rc = loop_stop_on_signals(loop);
    if (rc < 0)
        return rc;
    for (int i = 0; i < tcp_addresses(listener); i++)
        printf("http://%s/ shows %s\n", address_text(tcp_address(listener, i), text), dir);
    fflush(stdout);
    rc = loop_start(loop);
    if (http_running(server))
        fprintf(stderr, "serve: stopping; what has begun (%d) may take another %d s; once more ends it at once\n",
                http_running(server), (int)(PATIENCE / SECOND));
    http_stop(server, loop_time(loop) + PATIENCE, future_then(&stopped, on_stopped, loop));
    return rc < 0 ? rc : loop_start(loop);
}

static int serve(struct loop *loop, const struct arguments *a, struct files *files)
{
    struct http_server *server = http_server_new(loop, &(struct http_options){ .handler = page, .self = files });
    if (!server)
        return -errno;
    struct tcp_listen where = { .host = a->address, .port = (int)a->port };
    struct listener *listener = http_listen(server, &where);        /* logs why not */
    int rc = listener ? run(loop, server, listener, a->dir) : -errno;
    http_server_close(server);
    return rc;
}

int main(int argc, char **argv)
{
    struct arguments a;
    int rc = read_arguments(argc, argv, &a);
    if (rc)
        return rc;
    struct loop *loop = loop_new(sys_linux());
    if (!loop) {
        fprintf(stderr, "serve: it could not begin: %s\n", strerror(errno));
        return 1;
    }
    struct files *files = files_new(loop, &(struct files_options){ .root = a.dir, .listing = true });
    if (files) {
        rc = serve(loop, &a, files);
        files_close(files);
    } else {
        fprintf(stderr, "serve: %s: %s: name a folder that you may read\n", a.dir, strerror(errno));
        rc = -1;
    }
    loop_close(loop);
    return rc < 0;
}
