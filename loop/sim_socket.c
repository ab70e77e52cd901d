/* sim_socket.c - AF_UNIX stream sockets: two connected ends, and what one is alone.
 *
 * The trap it exists for: a socket's buffer counts what its packets cost the kernel, not their bytes, and counts it where
 * they came from: a one-byte write takes 768, and the writer is not WRITABLE again before three quarters are free.
 * And closing with unread bytes is a reset for the peer, which is told once, after it has read what it had. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    BUFFER = 212992,            /* net.core.wmem_default */
    PAGE = 4096,
    HEAD = 3776,                /* the most that fits beside a packet's administration in one page */
    PACKET = HEAD + 32768       /* the most of one packet */
};

static int cost_of(int len)
{
    int pages = len > HEAD ? (len - HEAD + PAGE - 1) / PAGE * PAGE : 0;
    int head = len > pages ? len - pages : 0;
    int block = 512;
    while (block < (head + 63) / 64 * 64 + 320)
        block *= 2;
    return 256 + block + pages;
}

static bool writable(const struct sock *s)
{
    return s->charged * 4 < BUFFER && s->state != LISTENING;
}

static void drop_packet(struct sock *s)
{
    int cost = s->received.first->cost;
    chunks_drop(&s->received);
    if (!s->peer)
        return;
    s->peer->charged -= cost;
    if (writable(s->peer))
        file_wake(&s->peer->file, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
}

static ssize_t sock_read(struct file *file, void *data, size_t len)
{
    struct sock *s = (struct sock *)file;
    size_t done = 0;
    if (len == 0)
        return 0;
    if (s->state != CONNECTED)
        return -EINVAL;
    while (done < len && s->received.count) {
        done += chunks_take(&s->received, (char *)data + done, len - done);
        if (s->received.first->begin == s->received.first->end)
            drop_packet(s);
    }
    if (done > 0)
        return (ssize_t)done;
    int error = s->error;
    s->error = 0;
    if (error)
        return error;
    return s->shut & RECEIVE ? 0 : -EAGAIN;
}

static ssize_t sock_write(struct file *file, const void *data, size_t len)
{
    struct sock *s = (struct sock *)file;
    size_t done = 0;
    if (s->state != CONNECTED)
        return -ENOTCONN;
    if (s->shut & SEND)
        return -EPIPE;
    while (done < len && s->charged < BUFFER) {
        if (s->peer->shut & RECEIVE)            /* it was shut down before it connected: we were not told */
            return done ? (ssize_t)done : -EPIPE;
        size_t size = len - done < PACKET ? len - done : PACKET;
        struct chunk *packet = chunks_add(&s->peer->received, size);
        if (!packet)
            return done ? (ssize_t)done : -ENOBUFS;
        memcpy(packet->data, (const char *)data + done, size);
        packet->end = size;
        packet->cost = cost_of((int)size);
        s->charged += packet->cost;
        done += size;
        file_wake(&s->peer->file, EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND);
    }
    return done || !len ? (ssize_t)done : -EAGAIN;
}

static int sock_shutdown(struct file *file, int how)
{
    struct sock *s = (struct sock *)file;
    static const int here[] = { [SHUT_RD] = RECEIVE, [SHUT_WR] = SEND, [SHUT_RDWR] = RECEIVE | SEND };
    static const int there[] = { [SHUT_RD] = SEND, [SHUT_WR] = RECEIVE, [SHUT_RDWR] = RECEIVE | SEND };
    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    s->shut |= here[how];
    file_wake(file, 0);
    if (!s->peer)
        return 0;
    s->peer->shut |= there[how];
    file_wake(&s->peer->file, 0);
    return 0;
}

static uint32_t sock_ready(struct file *file)
{
    struct sock *s = (struct sock *)file;
    uint32_t ready = 0;
    if (s->error)
        ready |= EPOLLERR;
    if (s->shut == (RECEIVE | SEND) || s->state == ALONE)
        ready |= EPOLLHUP;
    if (s->shut & RECEIVE)
        ready |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
    if (s->received.count || s->waiting)
        ready |= EPOLLIN | EPOLLRDNORM;
    if (writable(s))
        ready |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
    return ready;
}

/* `reset`: whoever connected was never answered. */
static void sock_end(struct sock *s, bool reset)
{
    struct sock *peer = s->peer;
    sim_name_give_up(s);
    if (peer) {
        peer->shut = RECEIVE | SEND;
        peer->peer_name = s->name;
        if (reset || s->received.count)
            peer->error = -ECONNRESET;
        file_wake(&peer->file, 0);
    }
    while (s->received.count)
        drop_packet(s);
    if (peer)
        peer->peer = NULL;
    while (!ring_empty(&s->backlog)) {
        struct sock *waiting = OWNER(s->backlog.next, struct sock, in_backlog);
        ring_remove(&waiting->in_backlog);
        sock_end(waiting, true);
    }
    free(s);
}

static void sock_release(struct file *file)
{
    sock_end((struct sock *)file, false);
}

static const struct file_kind sock_kind = {
    .read = sock_read, .write = sock_write, .shutdown = sock_shutdown, .ready = sock_ready, .release = sock_release,
    .calls = &unix_calls,
};

struct sock *sock_new(void)
{
    struct sock *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    file_init(&s->file, &sock_kind);
    ring_init(&s->backlog);
    return s;
}

struct sock *sock_of(struct file *file)
{
    return file && file->kind == &sock_kind ? (struct sock *)file : NULL;
}

void sock_connect(struct sock *a, struct sock *b)
{
    a->peer = b;
    b->peer = a;
    a->state = b->state = CONNECTED;
}

int sim_socketpair(struct sim *sim, int fds[2])
{
    struct sock *a = sock_new(), *b = sock_new();
    if (!a || !b) {
        free(a);
        free(b);
        return -ENOMEM;
    }
    sock_connect(a, b);
    return sim_open_pair(sim, &a->file, &b->file, fds);
}
