/* watched.c - servers in processes of their own, by themselves and under blockwatch. See watched.h.
 *
 * The trap it exists for: the process that was started is blockwatch, and what counts is its child. */
#include "grader/bench/watched.h"

#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/bench/process.h"
#include "http/bench/servers.h"

#define BIN "build/peers/usr"
#define SERVER "build/release/grader/bench/server"
/* redis is unpacked with the libraries that it needs. */
#define REDIS "LD_LIBRARY_PATH=" PEER_LIBRARIES " exec %s " BIN "/bin/redis-server --bind 127.0.0.1 --save '' --daemonize no " \
              "--dir " UNDER_WATCH " --port %d"

enum { LINE = 1024, TRIES = 500, A_TRY = 10000 };      /* bytes; us */

struct watched_server {
    pid_t pid;                      /* first: see peer_cpu. The server's, */
    pid_t started;                  /* and of what was started: blockwatch, or the same */
    struct visitors *visitors;
    int each;                       /* requests in a round */
};

enum how { PLAIN, WATCHED, WATCHED_RSEQ };

static const char *const wrapped[] = { "", "build/bin/blockwatch --quiet --", "build/bin/blockwatch --quiet --tier rseq --" };

/* The first child of blockwatch, once it is there. */
static pid_t child_of(pid_t parent)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    for (int i = 0; i < TRIES && child <= 0; i++) {
        FILE *f = fopen(path, "r");
        if (!f || fscanf(f, "%d", &child) != 1)
            usleep(A_TRY);
        if (f)
            fclose(f);
    }
    if (child <= 0)
        bench_die("blockwatch has started nothing: " UNDER "/peer.log may say why");
    return child;
}

static void go(struct watched_server *s, long rounds)
{
    visitors_go(s->visitors, rounds);
    visitors_done(s->visitors);
}

/* `command` has room for what wraps it, and for the port. */
__attribute__((format(printf, 1, 0))) static void *open_server(const char *command, enum how how, const struct visit *visit)
{
    struct watched_server *s = bench_array(1, sizeof *s);
    struct visit v = *visit;
    char line[LINE];
    v.port = process_port();
    v.count = v.count ? v.count : FEW;
    v.depth = 1;
    s->each = v.count;
    snprintf(line, sizeof line, command, wrapped[how], v.port);
    s->pid = s->started = process_start(line, -1);
    s->visitors = visitors_new(&v);
    go(s, 0);
    if (how != PLAIN)
        s->pid = child_of(s->started);
    return s;
}

static void run(void *self, long ops)
{
    struct watched_server *s = self;
    go(s, ops / s->each);
}

/* blockwatch is told by its child's end, and writes what it has found. */
static void close_server(void *self)
{
    struct watched_server *s = self;
    visitors_close(s->visitors);
    kill(s->pid, SIGTERM);
    waitpid(s->started, NULL, 0);
    free(s);
}

/* ---- servers --------------------------------------------------------------------------------------------------------- */

static void *own(enum how how)
{
    return open_server("exec %s " SERVER " %d", how, &(struct visit){ .request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" });
}

/* So few that a turn of the loop stays within the budget: what is over it is reported, which costs. */
static void *work(enum how how)
{
    return open_server("exec %s " SERVER " %d", how,
                       &(struct visit){ .count = 8, .request = "GET /work HTTP/1.1\r\nHost: localhost\r\n\r\n" });
}

static void *asyncio(enum how how)
{
    return open_server("exec %s python3 grader/bench/asyncio_server.py %d", how, &(struct visit){ .request = plain_request });
}

static void *redis(enum how how)
{
    return open_server(REDIS, how, &(struct visit){ .request = "SET key value-of-13-b\r\n", .reply = "+OK\r\n" });
}

/* Each has a file of its own, with its port: nginx takes it from nowhere else. */
static void *nginx(enum how how)
{
    bench_files();
    return open_server("exec sh grader/bench/nginx.sh '%s' %d", how,
                       &(struct visit){ .request = small_request, .body = SMALL_FILE });
}

#define LANE(server, suffix, how, title)                                                                                     \
    static void *server##_##suffix##_open(void)                                                                              \
    {                                                                                                                        \
        return server(how);                                                                                                  \
    }                                                                                                                        \
    const struct lane server##_##suffix = { title, server##_##suffix##_open, run, close_server };

LANE(own, plain, PLAIN, "by itself")
LANE(own, watched, WATCHED, "watched")
LANE(own, watched_rseq, WATCHED_RSEQ, "watched")
LANE(work, plain, PLAIN, "by itself")
LANE(work, watched, WATCHED, "watched")
LANE(nginx, plain, PLAIN, "by itself")
LANE(nginx, watched, WATCHED, "watched")
LANE(nginx, watched_rseq, WATCHED_RSEQ, "watched")
LANE(redis, plain, PLAIN, "by itself")
LANE(redis, watched, WATCHED, "watched")
LANE(redis, watched_rseq, WATCHED_RSEQ, "watched")
LANE(asyncio, plain, PLAIN, "by itself")
LANE(asyncio, watched, WATCHED, "watched")
LANE(asyncio, watched_rseq, WATCHED_RSEQ, "watched")

/* ---- whether they can be run ------------------------------------------------------------------------------------------- */

const char *watched_unfit(void)
{
    return access("build/bin/libblockwatch.so", R_OK) == 0 ? NULL : "build/bin/libblockwatch.so is not built";
}

const char *watched_nginx_unfit(void)
{
    const char *why = watched_unfit();
    return why ? why : nginx_unfit();
}

const char *watched_redis_unfit(void)
{
    const char *why = watched_unfit();
    if (why)
        return why;
    if (access(BIN "/bin/redis-server", X_OK) < 0)
        return bench_absent("redis");
    return process_succeeds("LD_LIBRARY_PATH=" PEER_LIBRARIES " exec " BIN "/bin/redis-server --version") ? NULL
        : "redis is unpacked, but does not start here: " UNDER "/peer.log may say why";
}
