/* sim_hosts.c - what hosts are called, and how long the name servers take to say so.
 *
 * The trap it exists for: a look-up sleeps. Here its job has its answer at once and ends later, so that a look-up made by the
 * loop's own thread takes no time and shows no stall: whoever asks from there is told -EDEADLK. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "loop/sim_inside.h"

enum { LITERAL = 64 };

struct host {
    struct ring of_sim;
    char *addresses;                /* NULL: it fails */
    int error;
    int64_t delay;
    char name[];
};

static void host_free(struct host *h)
{
    ring_remove(&h->of_sim);
    free(h->addresses);
    free(h);
}

/* As names are compared: without regard to case. */
static struct host *find(const struct sim *sim, const char *name)
{
    for (struct ring *r = sim->hosts.next; r != &sim->hosts; r = r->next) {
        struct host *h = OWNER(r, struct host, of_sim);
        if (strcasecmp(h->name, name) == 0)
            return h;
    }
    return NULL;
}

static int add(struct sim *sim, const char *name, const char *addresses, int error, int64_t delay)
{
    struct host *old = find(sim, name), *h = malloc(sizeof *h + strlen(name) + 1);
    char *copy = addresses ? strdup(addresses) : NULL;
    if (!h || (addresses && !copy)) {
        free(h);
        free(copy);
        return -ENOMEM;
    }
    if (old)
        host_free(old);
    h->addresses = copy;
    h->error = error;
    h->delay = delay;
    strcpy(h->name, name);
    ring_push(&sim->hosts, &h->of_sim);
    return 0;
}

int sim_host_add(struct sim *sim, const char *host, const char *addresses, int64_t delay)
{
    return add(sim, host, addresses, 0, delay);
}

int sim_host_fail(struct sim *sim, const char *host, int error, int64_t delay)
{
    return add(sim, host, NULL, error, delay);
}

/* Whether the text is a literal, and then *out is its address. */
static bool parse(const char *text, int port, struct address *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&out->at;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->at;
    *out = (struct address){0};
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        out->len = sizeof *in;
    } else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        out->len = sizeof *in6;
    }
    return out->len > 0;
}

/* All literals of a list that are of that family. */
static int answer(const char *addresses, int port, int family, struct address *out, int max)
{
    int count = 0;
    for (const char *at = addresses; *at;) {
        char literal[LITERAL] = "";
        struct address a;
        size_t len = strcspn(at, " ");
        memcpy(literal, at, len < LITERAL ? len : LITERAL - 1);
        at += len + strspn(at + len, " ");
        if (parse(literal, port, &a) && count < max && (family == AF_UNSPEC || family == a.at.ss_family))
            out[count++] = a;
    }
    return count ? count : -ENODATA;
}

int sim_lookup(struct sim *sim, const char *host, int port, int family, struct address *out, int max)
{
    struct address literal;
    const struct host *h = find(sim, host);
    if (!sim->job_runs)
        return -EDEADLK;
    if (h)
        sim_job_sleep(sim, h->delay);
    if (h && h->error)
        return h->error;
    if (h)
        return answer(h->addresses, port, family, out, max);
    if (strcasecmp(host, "localhost") == 0)
        return answer("::1 127.0.0.1", port, family, out, max);
    return parse(host, port, &literal) ? answer(host, port, family, out, max) : -ENOENT;
}

void sim_hosts_close(struct sim *sim)
{
    while (!ring_empty(&sim->hosts))
        host_free(OWNER(sim->hosts.next, struct host, of_sim));
}
