/* sim_net_bytes.c - bytes that are written, sent, on their way, received and read.
 *
 * The trap it exists for: a writer that is told "written" by a peer that never reads. What is written goes as far as there
 * is room: into the peer's buffer, then into the writer's own; then there is EAGAIN. There is room again when two thirds
 * of what was written have arrived or less, and an edge only for who was told that there is none. */
#include "loop/sim_net_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SEGMENT = 16384, MOST_TRIES = 15 };

static const int64_t FIRST_AGAIN = 200 * MILLISECOND, LAST_AGAIN = 120 * SECOND;

static struct tcp *of(struct file *file)
{
    return (struct tcp *)file;
}

/* ---- sending ------------------------------------------------------------------------------------------------------ */

int64_t tcp_instant(struct tcp *t, size_t len)
{
    int64_t rate = net_rate(t->sim, &t->at), now = t->sim->now, when = now;
    if (rate) {
        when = t->free_at > now ? t->free_at : now;
        t->free_at = when += (int64_t)len * SECOND / rate;
    }
    when += net_latency(t->sim);
    return t->latest = when > t->latest ? when : t->latest;
}

static bool fits(const struct tcp *peer, const struct chunk *c)
{
    return peer->unread + peer->coming + (c->end - c->begin) <= peer->receive_bytes;
}

/* How much is best sent at once: so that it fits, and on a slow line does not come all at the end. */
static size_t segment_of(const struct tcp *t)
{
    int64_t rate = net_rate(t->sim, &t->at);
    size_t most = t->peer ? t->peer->receive_bytes / 2 : SEGMENT;
    most = most < SEGMENT ? most : SEGMENT;
    return rate && (size_t)rate / 16 < most ? 1 + (size_t)rate / 16 : most;
}

/* There is nobody: what is sent there is answered by a reset, but for an end that was waited for. */
static void send_to_nobody(struct tcp *t)
{
    bool bytes = t->unsent.count > 0;
    chunks_clear(&t->unsent);
    t->hand_wanted = t->fin_wanted = false;
    if (t->fin_got && !bytes) {
        t->fin_taken = true;
        tcp_end_in_order(t);
    } else if (t->reset_at == FOREVER) {
        port_forget(t->sim, &t->at);
        t->reset_at = tcp_instant(t, 0) + net_latency(t->sim);
    }
    tcp_arrive(t);
}

void tcp_send(struct tcp *t)
{
    struct tcp *peer = t->peer;
    if (!t->hand_wanted && !t->unsent.count && !t->fin_wanted)
        return;
    if (net_fate(t->sim, &t->at, NULL) & CUT) {
        int64_t later = t->tries < 10 ? FIRST_AGAIN << t->tries : LAST_AGAIN;
        if (!t->again.place)
            timer_set(t->sim, &t->again, t->sim->now + (later < LAST_AGAIN ? later : LAST_AGAIN));
        return;
    }
    t->tries = 0;
    timer_stop(t->sim, &t->again);
    if (!peer) {
        send_to_nobody(t);
        return;
    }
    if (t->hand_wanted)
        peer->hand_at = tcp_instant(t, 0);
    t->hand_wanted = false;
    while (t->unsent.count && fits(peer, t->unsent.first)) {
        struct chunk *c = chunks_pop(&t->unsent);
        c->arrives = tcp_instant(t, c->end - c->begin);
        peer->coming += c->end - c->begin;
        chunks_push(&peer->flying, c);
    }
    if (t->fin_wanted && !t->unsent.count) {
        t->fin_wanted = false;
        peer->fin_at = tcp_instant(t, 0);
    }
    tcp_arrive(peer);
}

void tcp_sends_again(void *self, int what)
{
    struct tcp *t = self;
    (void)what;
    tcp_enter(t);
    if (t->state == NET_CALLS)
        tcp_call_again(t);
    else if (++t->tries > MOST_TRIES)
        tcp_over(t, -ETIMEDOUT);
    else
        tcp_send(t);
    tcp_leave(t);
}

/* ---- arriving ----------------------------------------------------------------------------------------------------- */

static bool writable(const struct tcp *t)
{
    return t->queued * 3 <= t->send_bytes * 2;
}

/* So many of its bytes have arrived. */
static void give_room(struct tcp *t, size_t len)
{
    t->queued -= len;
    if (t->full && writable(t)) {
        t->full = false;
        file_wake(&t->file, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
    }
}

/* Nobody can read it: whoever sent it must know. */
static void refuse_bytes(struct tcp *t, struct chunk *c)
{
    free(c);
    tcp_send_reset(t);
    tcp_over(t, t->state == NET_CLOSED ? 0 : -ECONNRESET);
}

static void bytes_arrive(struct tcp *t)
{
    struct chunk *c = chunks_pop(&t->flying);
    size_t len = c->end - c->begin;
    t->coming -= len;
    if (t->left || t->state != NET_OPEN || (t->fin_sent && t->shut & RECEIVE)) {
        refuse_bytes(t, c);
        return;
    }
    chunks_push(&t->received, c);
    t->unread += len;
    file_wake(&t->file, EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND);
    if (t->peer)
        give_room(t->peer, len);
}

void tcp_lose(struct tcp *t)
{
    struct tcp *peer = t->peer;
    t->reset_at = FOREVER;
    if (peer) {
        peer->hand_wanted |= t->hand_at != FOREVER;
        peer->fin_wanted |= t->fin_at != FOREVER;
        while (peer->unsent.count)
            chunks_push(&t->flying, chunks_pop(&peer->unsent));
        peer->unsent = t->flying;
        t->flying = (struct chunks){0};
        tcp_send(peer);
    }
    chunks_clear(&t->flying);
    t->coming = 0;
    t->hand_at = t->fin_at = FOREVER;
}

/* When the next that flies to here arrives; FOREVER: there is none. */
static int64_t next_arrival(const struct tcp *t)
{
    if (t->syn_at != FOREVER || t->hand_at != FOREVER)
        return t->syn_at != FOREVER ? t->syn_at : t->hand_at;
    if (t->flying.count)
        return t->flying.first->arrives;
    return t->fin_at != FOREVER ? t->fin_at : t->reset_at;
}

static void take_next(struct tcp *t)
{
    bool syn = t->syn_at != FOREVER, hand = t->hand_at != FOREVER;
    if (syn) {
        t->syn_at = FOREVER;
        tcp_syn_arrives(t);
    } else if (net_fate(t->sim, &t->at, NULL) & CUT) {
        tcp_lose(t);
    } else if (hand) {
        t->hand_at = FOREVER;
        tcp_hand_arrives(t);
    } else if (t->flying.count) {
        bytes_arrive(t);
    } else if (t->fin_at != FOREVER) {
        t->fin_at = FOREVER;
        tcp_fin_arrives(t);
    } else {
        t->reset_at = FOREVER;
        tcp_reset_arrives(t);
    }
}

void tcp_arrive(struct tcp *t)
{
    if (t->busy)
        return;
    tcp_enter(t);
    tcp_leave(t);
}

void tcp_enter(struct tcp *t)
{
    t->busy++;
}

void tcp_leave(struct tcp *t)
{
    int64_t next = FOREVER;
    while (t->busy == 1 && (next = next_arrival(t)) <= t->sim->now)
        take_next(t);
    if (--t->busy)
        return;
    if (tcp_is_done(t))
        tcp_bury(t);
    else if (next != FOREVER)
        timer_set(t->sim, &t->arrival, next);
    else
        timer_stop(t->sim, &t->arrival);
}

void tcp_fired(void *self, int what)
{
    (void)what;
    tcp_arrive(self);
}

/* ---- reading and writing ------------------------------------------------------------------------------------------ */

static int take_error(struct tcp *t)
{
    int error = t->error;
    t->error = 0;
    return error;
}

ssize_t tcp_read(struct file *file, void *data, size_t len)
{
    struct tcp *t = of(file);
    size_t done = 0;
    if (len == 0)
        return 0;
    if (t->state == NET_LISTENS)
        return -ENOTCONN;
    while (done < len && t->received.count) {
        done += chunks_take(&t->received, (char *)data + done, len - done);
        if (t->received.first->begin == t->received.first->end)
            chunks_drop(&t->received);
    }
    t->unread -= done;
    if (done && t->peer)
        tcp_send(t->peer);
    if (done || t->fin_got)
        return (ssize_t)done;
    if (t->error)
        return take_error(t);
    if (t->shut & RECEIVE)
        return 0;
    return t->state == NET_CLOSED ? -ENOTCONN : -EAGAIN;
}

/* Adds at most `len` bytes to what is to be sent; how many, or -ENOBUFS. */
static ssize_t append(struct tcp *t, const char *data, size_t len)
{
    struct chunk *c = t->unsent.last;
    size_t segment = segment_of(t);
    if (!c || c->end == c->size)
        c = chunks_add(&t->unsent, c || len > segment ? segment : len);
    if (!c)
        return -ENOBUFS;
    size_t n = c->size - c->end < len ? c->size - c->end : len;
    memcpy(c->data + c->end, data, n);
    c->end += n;
    t->queued += n;
    return (ssize_t)n;
}

static ssize_t write_some(struct tcp *t, const char *data, size_t len)
{
    size_t done = 0;
    ssize_t n = 0;
    while (done < len && t->queued < t->send_bytes && n >= 0) {
        size_t room = t->send_bytes - t->queued;
        n = append(t, data + done, len - done < room ? len - done : room);
        done += n > 0 ? (size_t)n : 0;
        tcp_send(t);
    }
    t->full |= done < len;
    if (done || !len)
        return (ssize_t)done;
    return n < 0 ? n : -EAGAIN;
}

ssize_t tcp_write(struct file *file, const void *data, size_t len)
{
    struct tcp *t = of(file);
    int error = take_error(t);
    if (error)
        return error;
    if (t->state == NET_CALLS)
        return -EAGAIN;
    if (t->state != NET_OPEN || t->shut & SEND)
        return -EPIPE;
    tcp_enter(t);
    ssize_t n = write_some(t, data, len);
    tcp_leave(t);
    return n;
}

uint32_t tcp_ready(struct file *file)
{
    struct tcp *t = of(file);
    uint32_t ready = t->error ? EPOLLERR : 0;
    if (t->state == NET_LISTENS)
        return ring_empty(&t->listening->waiting) ? 0 : EPOLLIN | EPOLLRDNORM;
    if (t->shut == (RECEIVE | SEND) || t->state == NET_CLOSED)
        ready |= EPOLLHUP;
    if (t->shut & RECEIVE)
        ready |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
    if (t->state == NET_CALLS)
        return ready;
    if (t->unread)
        ready |= EPOLLIN | EPOLLRDNORM;
    t->full |= !writable(t);
    if (t->shut & SEND || writable(t))
        ready |= EPOLLOUT | EPOLLWRNORM;
    return ready;
}
