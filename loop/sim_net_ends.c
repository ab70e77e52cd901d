/* sim_net_ends.c - how connections end: shut down by halves, closed, reset, given up.
 *
 * The trap it exists for: close is not the end. It sends what was written, and says so (FIN); but if there is something
 * that was not read, it resets, and the peer may lose what it was sent before. The peer learns of an end by reading, of a
 * reset by whatever it does next: EPIPE if it knew of the end, else ECONNRESET, once. */
#include "loop/sim_net_inside.h"

#include <errno.h>

/* ---- the end of a connection -------------------------------------------------------------------------------------- */

/* It does not stand in a backlog any more. */
static void leave_backlog(struct tcp *t)
{
    if (!t->listener)
        return;
    t->listener->listening->count--;
    t->listener = NULL;
    ring_remove(&t->in_backlog);
    t->left = true;
}

/* The two do not know each other any more. What flies to here arrives nowhere. */
static void part(struct tcp *t)
{
    struct tcp *peer = t->peer;
    if (!peer)
        return;
    t->peer = peer->peer = NULL;
    if (peer->state == NET_CALLED) {
        tcp_enter(peer);
        leave_backlog(peer);
        peer->state = NET_CLOSED;
        tcp_leave(peer);
    }
}

/* Nothing of the connection is left here; what was received can be read. */
static void end(struct tcp *t)
{
    timer_stop(t->sim, &t->again);
    if (t->peer && t->peer->reset_at == FOREVER && net_fate(t->sim, &t->at, NULL) & CUT)
        tcp_lose(t);
    chunks_clear(&t->flying);
    chunks_clear(&t->unsent);
    t->coming = t->queued = 0;
    t->syn_at = t->hand_at = t->fin_at = t->reset_at = FOREVER;
    t->hand_wanted = t->fin_wanted = false;
    if (t->state == NET_CALLED)
        leave_backlog(t);
    if (t->state == NET_LISTENS)
        port_deafen(&t->at);
    if (t->state != NET_CLOSED && !t->keeps_port)
        port_give_up(t->sim, &t->at);
    t->state = NET_CLOSED;
    part(t);
}

void tcp_over(struct tcp *t, int error)
{
    if (t->state == NET_CLOSED)
        return;
    t->error = error ? error : t->error;
    end(t);
    t->shut = RECEIVE | SEND;
    file_wake(&t->file, 0);
    if (error)
        file_wake(&t->file, EPOLLERR);
}

/* Both directions have ended. */
void tcp_end_in_order(struct tcp *t)
{
    if (t->state == NET_OPEN && t->fin_got && t->fin_taken)
        tcp_over(t, 0);
}

bool tcp_is_done(const struct tcp *t)
{
    return t->left && (t->state == NET_CLOSED || (t->state == NET_OPEN && t->fin_taken));
}

/* Its end has arrived, but it has not heard the peer's: nobody waits for that but the port. */
static void bury_half(struct tcp *t)
{
    struct tcp *peer = t->peer;
    bool bytes = t->flying.count > 0;
    if (bytes)
        tcp_send_reset(t);
    else
        port_linger(t->sim, &t->at);
    end(t);
    if (!peer || bytes)
        return;
    tcp_enter(peer);
    peer->fin_taken |= peer->fin_sent && !peer->fin_wanted;
    tcp_end_in_order(peer);
    tcp_leave(peer);
}

void tcp_bury(struct tcp *t)
{
    if (t->state != NET_CLOSED)
        bury_half(t);
    tcp_free(t);
}

/* ---- FIN ---------------------------------------------------------------------------------------------------------- */

static void send_fin(struct tcp *t)
{
    if (t->state != NET_OPEN || t->fin_sent)
        return;
    t->fin_sent = t->fin_wanted = true;
    tcp_send(t);
}

void tcp_fin_arrives(struct tcp *t)
{
    struct tcp *peer = t->peer;
    t->fin_got = true;
    t->shut |= RECEIVE;
    if (t->fin_sent && t->state == NET_OPEN)
        port_linger(t->sim, &t->at);
    if (peer)
        peer->fin_taken = true;
    file_wake(&t->file, 0);
    if (peer) {
        tcp_enter(peer);
        tcp_end_in_order(peer);
        tcp_leave(peer);
    }
    tcp_end_in_order(t);
}

/* ---- RST ---------------------------------------------------------------------------------------------------------- */

void tcp_send_reset(struct tcp *t)
{
    struct tcp *peer = t->peer;
    if (net_fate(t->sim, &t->at, NULL) & CUT)
        return;
    if (!peer) {
        port_forget(t->sim, &t->at);
        return;
    }
    tcp_enter(peer);
    if (peer->reset_at == FOREVER)
        peer->reset_at = tcp_instant(t, 0);
    part(t);
    tcp_leave(peer);
}

void tcp_reset_arrives(struct tcp *t)
{
    if (t->state == NET_CALLS)
        tcp_over(t, -ECONNREFUSED);
    else
        tcp_over(t, t->fin_got && !t->fin_sent ? -EPIPE : -ECONNRESET);
}

void tcp_disconnect(struct tcp *t)
{
    bool was_open = t->state == NET_OPEN || t->state == NET_CALLED;
    int error = was_open || t->state == NET_CALLS ? -ECONNRESET : 0;
    if (t->state == NET_LISTENS)
        tcp_deafen(t);
    if (was_open)
        tcp_send_reset(t);
    end(t);
    chunks_clear(&t->received);
    t->unread = 0;
    t->error = error ? error : t->error;
    t->at.far = (struct place){0};
    if (!t->keeps_address)
        tcp_unname(t);
    t->shut = 0;
    t->fin_sent = t->fin_taken = t->fin_got = t->full = false;
    file_wake(&t->file, EPOLLERR);
}

/* ---- shutdown and close ------------------------------------------------------------------------------------------- */

static int shutdown_entered(struct tcp *t, int bits)
{
    int rc = t->state == NET_CLOSED ? -ENOTCONN : 0;
    if (t->connect == CONNECTING)
        t->connect = t->state == NET_CALLS || t->state == NET_CLOSED ? SPOILED : DONE;
    if (t->state == NET_CALLS || (t->state == NET_LISTENS && bits & RECEIVE)) {
        tcp_disconnect(t);
        t->connect = NEW;
    } else if (t->state != NET_LISTENS) {
        t->shut |= bits;
        if (bits & SEND)
            send_fin(t);
    }
    file_wake(&t->file, 0);
    return rc;
}

int tcp_shutdown(struct file *file, int how)
{
    struct tcp *t = (struct tcp *)file;
    static const int bits[] = { [SHUT_RD] = RECEIVE, [SHUT_WR] = SEND, [SHUT_RDWR] = RECEIVE | SEND };
    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    tcp_enter(t);
    int rc = shutdown_entered(t, bits[how]);
    tcp_leave(t);
    return rc;
}

void tcp_release(struct file *file)
{
    struct tcp *t = (struct tcp *)file;
    bool lost = t->unread > 0;
    tcp_enter(t);
    if (t->state == NET_LISTENS)
        tcp_deafen(t);
    t->unread = 0;
    chunks_clear(&t->received);
    t->shut = RECEIVE | SEND;
    if (t->state == NET_OPEN && !lost) {
        send_fin(t);
    } else {
        if (t->state == NET_OPEN)
            tcp_send_reset(t);
        tcp_over(t, 0);
    }
    t->left = true;
    tcp_leave(t);
}
