/* pretended_tls.h - what tcp.h needs of a struct tls, without OpenSSL: each side sends a byte, and the other's byte is the whole
 * handshake: 'y', or it has failed.
 *
 * The trap it exists for: who begins a handshake, waits for it and ends it is tcp's matter, and must be right whatever TLS does;
 * and a program that includes this links without OpenSSL, which proves that it can. */
#ifndef EDDY_STREAM_TESTS_PRETENDED_TLS_H
#define EDDY_STREAM_TESTS_PRETENDED_TLS_H

#include <errno.h>
#include <stdio.h>

#include "loop/log.h"
#include "stream/tls_inside.h"

static char pretended_name[64];         /* whom the last client has called */

static inline ssize_t judge_byte(void *self, struct bytes seen, bool ended)
{
    (void)self, (void)ended;
    return seen.len == 0 ? 0 : *seen.data == 'y' ? 1 : -EPROTO;
}

/* Without it neither side would ever hear of the other. */
static inline void send_byte_or_end(struct sys *door, int fd)
{
    ssize_t n;
    do
        n = door->write(door, fd, "y", 1);
    while (n == -EINTR || n == -EAGAIN);
    if (n < 0) {
        log_line(LOG_ERROR, "pretended tls: nothing could be sent");
        door->shutdown(door, fd, SHUT_RDWR);
    }
}

static inline struct future *pretended_start(struct stream *s, struct tls *t, const char *name, struct future *f)
{
    if (!t->server)
        snprintf(pretended_name, sizeof pretended_name, "%s", name);
    send_byte_or_end(loop_sys(stream_loop(s)), stream_fd(s));
    return stream_read_with(s, judge_byte, NULL, 0, f);
}

static inline void pretended_hold(struct tls *t, int plus_or_minus_one)
{
    t->holders += plus_or_minus_one;
}

static struct tls pretended_server = { .start = pretended_start, .hold = pretended_hold, .server = true };
static struct tls pretended_client = { .start = pretended_start, .hold = pretended_hold };

#endif
