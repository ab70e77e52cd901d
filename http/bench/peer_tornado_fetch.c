/* peer_tornado_fetch.c - Tornado's AsyncHTTPClient, in a process of its own that is told how many fetches to make. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/bench/fetches.h"
#include "http/bench/process.h"

struct caller {
    pid_t pid;                          /* first: see peer_cpu */
    int orders;                         /* how many, as a line; each comes back when it is done */
    struct host *host;
};

static void caller_run(void *self, long ops)
{
    struct caller *c = self;
    char line[32];
    int len = snprintf(line, sizeof line, "%ld\n", ops);
    if (write(c->orders, line, (size_t)len) != len || read(c->orders, line, sizeof line) != len)
        bench_die("Tornado's client has ended: " UNDER "/peer.log may say why");
}

static void *caller_open(void)
{
    struct caller *c = bench_array(1, sizeof *c);
    char command[160];
    int pair[2];
    c->host = host_new(strlen(visitors_text));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        bench_die("no socket for Tornado's orders");
    snprintf(command, sizeof command, TORNADO " exec python3 http/bench/peer_tornado_fetch.py http://127.0.0.1:%d/ %d",
             host_port(c->host), FEW);
    c->pid = process_start(command, pair[1]);
    close(pair[1]);
    c->orders = pair[0];
    caller_run(c, FEW);
    return c;
}

static void caller_close(void *self)
{
    struct caller *c = self;
    close(c->orders);
    process_end(c->pid);
    host_close(c->host);
    free(c);
}

const struct lane tornado_fetch = { "Tornado", caller_open, caller_run, caller_close };
