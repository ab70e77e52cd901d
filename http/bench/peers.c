/* peers.c - servers of others, each in a process of its own, where they are to be had (build/peers, see loop/bench/peers.sh).
 *
 * What counts is that process's CPU time, of all its threads. Traps: a server that outlives the bench; and one that cannot start
 * here, which is no result. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/bench/servers.h"

#define UNDER "build/bench/http"                    /* what they write; bench.mk makes it */
#define NGINX "build/peers/usr/sbin/nginx"
#define TORNADO "PYTHONPATH=build/peers/usr/lib/python3/dist-packages"

struct peer {
    pid_t pid;
    struct visitors *visitors;
    int each;                                       /* requests in a round */
};

/* ---- a process --------------------------------------------------------------------------------------------------- */

/* One that nobody listens at now; somebody else may take it before the peer does, and then the bench says so and ends. */
static int free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        bench_die("no port of 127.0.0.1 is free");
    close(fd);
    return ntohs(address.sin_port);
}

/* What it says goes to UNDER/peer.log. It ends with us. */
__attribute__((noreturn)) static void become(const char *command)
{
    int log = open(UNDER "/peer.log", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static pid_t start(const char *command)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        bench_die("no process could be made");
    if (pid == 0)
        become(command);
    return pid;
}

/* Whether a command that ends by itself succeeds. */
static bool succeeds(const char *command)
{
    int status;
    pid_t pid = start(command);
    return waitpid(pid, &status, 0) == pid && status == 0;
}

/* The second figure of each thread's schedstat is how long it waited; the first how long it ran, in ns. */
int64_t peer_cpu(void *self)
{
    struct peer *p = self;
    char pattern[64];
    int64_t sum = 0;
    glob_t threads;
    snprintf(pattern, sizeof pattern, "/proc/%d/task/*/schedstat", (int)p->pid);
    if (glob(pattern, 0, NULL, &threads) != 0)
        bench_die("the peer has ended: " UNDER "/peer.log may say why");
    for (size_t i = 0; i < threads.gl_pathc; i++) {
        long long ran = 0;
        FILE *f = fopen(threads.gl_pathv[i], "r");
        if (f && fscanf(f, "%lld", &ran) == 1)
            sum += ran;
        if (f)
            fclose(f);
    }
    globfree(&threads);
    return sum;
}

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
    p->pid = start(command);
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
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
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
               "http {\n    access_log off;\n    keepalive_requests 1000000000;\n    keepalive_timeout 3600s;\n"
               "    client_body_temp_path body;\n    proxy_temp_path proxy;\n    fastcgi_temp_path fastcgi;\n"
               "    uwsgi_temp_path uwsgi;\n    scgi_temp_path scgi;\n    default_type text/plain;\n"
               "    server { listen 127.0.0.1:%d; location = / { return 200 \"Hello, world\\n\"; } }\n}\n", port);
    if (fclose(f) != 0)
        bench_die(UNDER "/nginx.conf could not be written");
}

static void *nginx_open(const struct visit *visit)
{
    int port = free_port();
    write_nginx_conf(port);
    return peer_open("exec " NGINX " -p $PWD/" UNDER " -c nginx.conf -e stderr", visit, port);
}

const char *nginx_unfit(void)
{
    if (access(NGINX, X_OK) < 0)
        return bench_absent("nginx");
    return succeeds("exec " NGINX " -v") ? NULL : "nginx is unpacked, but does not start here: " UNDER "/peer.log may say why";
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

const struct lane nginx_get = { "nginx", nginx_get_open, peer_run, peer_close };
const struct lane nginx_get_one = { "nginx", nginx_one_open, peer_run, peer_close };
const struct lane nginx_get_piped = { "nginx", nginx_piped_open, peer_run, peer_close };

/* ---- Tornado ----------------------------------------------------------------------------------------------------- */

static void *tornado_open(void)
{
    char command[128];
    int port = free_port();
    snprintf(command, sizeof command, TORNADO " exec python3 http/bench/peer_tornado.py %d", port);
    return peer_open(command, &(struct visit){ .count = FEW, .depth = 1, .request = plain_request }, port);
}

const char *tornado_unfit(void)
{
    if (access("build/peers/usr/lib/python3/dist-packages/tornado", F_OK) < 0)
        return bench_absent("tornado");
    return succeeds(TORNADO " exec python3 -c 'import tornado.web'") ? NULL
        : "Tornado is unpacked, but this Python cannot import it: " UNDER "/peer.log may say why";
}

const struct lane tornado_get = { "Tornado", tornado_open, peer_run, peer_close };
