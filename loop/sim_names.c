/* sim_names.c - what AF_UNIX sockets are called.
 *
 * The trap it exists for: a path is not an abstract name. It ends at its first zero byte, and it stays when its socket is gone:
 * then nobody can connect to it, nor bind to it again; an abstract name is all its bytes, and goes with its socket. Paths here
 * are only names: the files of sim_disk.c are in their way, and folders need not exist. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { BEFORE_PATH = offsetof(struct sockaddr_un, sun_path), AUTOBIND_NAMES = 1 << 20 };

struct name {
    struct ring of_sim;
    struct sock *holder;            /* NULL: a path whose socket is gone */
    struct address address;
};

static bool is_path(const struct address *a)
{
    return ((const struct sockaddr_un *)&a->at)->sun_path[0] != '\0';
}

/* Something else is at that path. */
static bool is_file(const struct sim *sim, const struct address *a)
{
    return is_path(a) && sim_disk_has(sim, ((const struct sockaddr_un *)&a->at)->sun_path);
}

/* The address as the kernel keeps it. */
static int understand(const struct sockaddr *address, socklen_t len, struct address *out)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->at;
    if (len <= BEFORE_PATH || len > sizeof *un || address->sa_family != AF_UNIX)
        return -EINVAL;
    *out = (struct address){ .len = len };
    memcpy(un, address, len);
    if (is_path(out))
        out->len = BEFORE_PATH + (socklen_t)strnlen(un->sun_path, len - BEFORE_PATH) + 1;
    return 0;
}

static struct name *find(struct sim *sim, const struct address *a)
{
    for (struct ring *r = sim->names.next; r != &sim->names; r = r->next) {
        struct name *n = OWNER(r, struct name, of_sim);
        if (n->address.len == a->len && memcmp(&n->address.at, &a->at, a->len) == 0)
            return n;
    }
    return NULL;
}

/* A free name, made up; false if all are taken. */
static bool make_up(struct sim *sim, struct address *out)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->at;
    uint64_t first = sim_chance(sim);
    *out = (struct address){ .at.ss_family = AF_UNIX, .len = BEFORE_PATH + 6 };
    for (uint64_t i = 0; i < AUTOBIND_NAMES; i++) {
        sprintf(un->sun_path + 1, "%05x", (unsigned)((first + i) % AUTOBIND_NAMES));
        if (!find(sim, out))
            return true;
    }
    return false;
}

int sim_name_take(struct sim *sim, struct sock *s, const struct sockaddr *address, socklen_t len)
{
    struct address a;
    if (len == BEFORE_PATH && address->sa_family == AF_UNIX) {
        if (s->name.len)
            return 0;
        if (!make_up(sim, &a))
            return -ENOSPC;
    } else {
        int rc = understand(address, len, &a);
        if (rc < 0)
            return rc;
    }
    bool taken = find(sim, &a) || is_file(sim, &a);
    if (s->name.len && !(taken && is_path(&a)))
        return -EINVAL;
    if (taken)
        return -EADDRINUSE;
    struct name *n = malloc(sizeof *n);
    if (!n)
        return -ENOMEM;
    *n = (struct name){ .holder = s, .address = a };
    ring_push(&sim->names, &n->of_sim);
    s->name = a;
    s->bound = n;
    return 0;
}

int sim_name_find(struct sim *sim, const struct sockaddr *address, socklen_t len, struct sock **out)
{
    struct address a;
    int rc = understand(address, len, &a);
    if (rc < 0)
        return rc;
    struct name *n = find(sim, &a);
    if (!n)
        return is_path(&a) && !is_file(sim, &a) ? -ENOENT : -ECONNREFUSED;
    *out = n->holder;
    return n->holder ? 0 : -ECONNREFUSED;
}

static void name_end(struct name *n)
{
    ring_remove(&n->of_sim);
    free(n);
}

int sim_name_unlink(struct sim *sim, const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct address a;
    if (sim_disk_has(sim, path))
        return -ENOTSOCK;
    if (strlen(path) >= sizeof un.sun_path)
        return -ENOENT;
    strcpy(un.sun_path, path);
    struct name *n = understand((struct sockaddr *)&un, sizeof un, &a) == 0 && is_path(&a) ? find(sim, &a) : NULL;
    if (!n)
        return -ENOENT;
    if (n->holder)
        n->holder->bound = NULL;
    name_end(n);
    return 0;
}

void sim_name_give_up(struct sock *s)
{
    if (!s->bound)
        return;
    s->bound->holder = NULL;
    if (!is_path(&s->name))
        name_end(s->bound);
    s->bound = NULL;
}

void sim_names_init(struct sim *sim)
{
    ring_init(&sim->names);
}

void sim_names_close(struct sim *sim)
{
    while (!ring_empty(&sim->names))
        name_end(OWNER(sim->names.next, struct name, of_sim));
}
