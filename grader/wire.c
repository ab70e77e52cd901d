/* wire.c - records over a SEQPACKET socket. See wire.h.
 *
 * The trap: one end is run by code that nobody trusts. A length is believed only if the datagram has it. */
#include "grader/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { HEAD = offsetof(struct wire, data) };

void wire_clear(struct wire *w, enum wire_kind kind)
{
    memset(w, 0, HEAD);
    w->kind = kind;
}

bool wire_put(struct wire *w, const void *data, size_t len)
{
    if (len >= WIRE_DATA - w->len)
        return false;
    if (len)
        memcpy(w->data + w->len, data, len);
    w->len += (uint32_t)len;
    return true;
}

static int gone(int error)
{
    return error == ECONNRESET || error == ENOTCONN ? -EPIPE : -error;
}

int wire_send(int fd, const struct wire *w)
{
    ssize_t n;
    if (w->len >= WIRE_DATA)
        return -EMSGSIZE;
    do
        n = send(fd, w, HEAD + w->len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? gone(errno) : 0;
}

int wire_receive(int fd, struct wire *w)
{
    ssize_t n;
    do
        n = recv(fd, w, HEAD + WIRE_DATA - 1, MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return gone(errno);
    if (n == 0)
        return -EPIPE;
    if (n < HEAD || n > HEAD + WIRE_DATA - 1 || w->len != (size_t)n - HEAD)
        return -EPROTO;
    if (w->kind < WIRE_ORDER || w->kind > WIRE_CRASH)
        return -EPROTO;
    w->data[w->len] = 0;
    return 0;
}
