/* peers.c - servers of others, each in a process of its own, where they are to be had (build/peers, see loop/bench/peers.sh).
 *
 * The trap it exists for: a server that cannot start here, which is no result. */
#include <stdlib.h>
#include <unistd.h>

#include "http/bench/process.h"
#include "http/bench/servers.h"

#define NGINX "build/peers/usr/sbin/nginx"

struct peer {
    pid_t pid;                                      /* first: see peer_cpu */
    struct visitors *visitors;
    int each;                                       /* requests in a round */
};

/* ---- a server, and those who ask it ---------------------------------------------------------------------------------- */

static void go(struct peer *p, long rounds)
{
    visitors_go(p->visitors, rounds);
    visitors_done(p->visitors);
}

static void *peer_open(const char *command, const struct visit *visit, int port)
{
    struct peer *p = bench_array(1, sizeof *p);
    struct visit v = *visit;
    v.port = port;
    p->each = v.count * v.depth;
    p->pid = process_start(command, -1);
    p->visitors = visitors_new(&v);
    go(p, 0);
    return p;
}

static void peer_run(void *self, long ops)
{
    struct peer *p = self;
    go(p, ops / p->each);
}

static void peer_close(void *self)
{
    struct peer *p = self;
    visitors_close(p->visitors);
    process_end(p->pid);
    free(p);
}

/* ---- nginx ------------------------------------------------------------------------------------------------------- */

/* As fast as it can: one process, no log, connections that stay. */
static void write_nginx_conf(int port)
{
    FILE *f = fopen(UNDER "/nginx.conf", "w");
    if (!f)
        bench_die(UNDER "/nginx.conf could not be written");
    fprintf(f, "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr crit;\n"
               "events { worker_connections 1024; }\n"
               "http {\n    access_log off;\n    sendfile on;\n    keepalive_requests 1000000000;\n    keepalive_timeout 3600s;\n"
               "    client_body_temp_path body;\n    proxy_temp_path proxy;\n    fastcgi_temp_path fastcgi;\n"
               "    uwsgi_temp_path uwsgi;\n    scgi_temp_path scgi;\n    default_type text/plain;\n"
               "    server { listen 127.0.0.1:%d; location = / { return 200 \"Hello, world\\n\"; } root files; }\n}\n",
            port);
    if (fclose(f) != 0)
        bench_die(UNDER "/nginx.conf could not be written");
}

static void *nginx_open(const struct visit *visit)
{
    int port = process_port();
    write_nginx_conf(port);
    return peer_open("exec " NGINX " -p $PWD/" UNDER " -c nginx.conf -e stderr", visit, port);
}

const char *nginx_unfit(void)
{
    if (access(NGINX, X_OK) < 0)
        return bench_absent("nginx");
    return process_succeeds("exec " NGINX " -v") ? NULL
        : "nginx is unpacked, but does not start here: " UNDER "/peer.log may say why";
}

static void *nginx_get_open(void)
{
    return nginx_open(&(struct visit){ .count = FEW, .depth = 1, .request = plain_request });
}

static void *nginx_one_open(void)
{
    return nginx_open(&(struct visit){ .count = 1, .depth = 1, .request = plain_request });
}

static void *nginx_piped_open(void)
{
    return nginx_open(&(struct visit){ .count = FEW, .depth = PIPED, .request = plain_request });
}

static void *nginx_small_open(void)
{
    bench_files();
    return nginx_open(&(struct visit){ .count = FEW, .depth = 1, .request = small_request, .body = SMALL_FILE });
}

static void *nginx_large_open(void)
{
    bench_files();
    return nginx_open(&(struct visit){ .count = FEW, .depth = 1, .request = large_request, .body = LARGE_FILE });
}

const struct lane nginx_small_file = { "nginx", nginx_small_open, peer_run, peer_close };
const struct lane nginx_large_file = { "nginx", nginx_large_open, peer_run, peer_close };
const struct lane nginx_get = { "nginx", nginx_get_open, peer_run, peer_close };
const struct lane nginx_get_one = { "nginx", nginx_one_open, peer_run, peer_close };
const struct lane nginx_get_piped = { "nginx", nginx_piped_open, peer_run, peer_close };

/* ---- Tornado ----------------------------------------------------------------------------------------------------- */

static void *tornado_open(void)
{
    char command[128];
    int port = process_port();
    snprintf(command, sizeof command, TORNADO " exec python3 http/bench/peer_tornado.py %d", port);
    return peer_open(command, &(struct visit){ .count = FEW, .depth = 1, .request = plain_request }, port);
}

const char *tornado_unfit(void)
{
    if (access("build/peers/usr/lib/python3/dist-packages/tornado", F_OK) < 0)
        return bench_absent("tornado");
    return process_succeeds(TORNADO " exec python3 -c 'import tornado.web'") ? NULL
        : "Tornado is unpacked, but this Python cannot import it: " UNDER "/peer.log may say why";
}

const struct lane tornado_get = { "Tornado", tornado_open, peer_run, peer_close };
