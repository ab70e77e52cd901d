/* sim_net_connect.c - TCP sockets: how they are made, bound, listen, connect and are accepted.
 *
 * The trap it exists for: connect says EINPROGRESS even if the answer is there when it returns, and what became of it is told
 * once: by SO_ERROR, by a read or write, or by a second connect, which says 0 the first time after success, ECONNREFUSED
 * and the like after failure, and ECONNABORTED if somebody else has been told before. */
#include "loop/sim_net_inside.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

enum { SOMAXCONN_NOW = 4096, CALLS_AGAIN = 10, EQUAL_PAUSES = 4 };

/* ---- their life --------------------------------------------------------------------------------------------------- */

static struct tcp *tcp_make(struct sim *sim, int domain)
{
    struct tcp *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    if (timer_begin(sim, &t->arrival, tcp_fired, t) < 0) {
        free(t);
        return NULL;
    }
    if (timer_begin(sim, &t->again, tcp_sends_again, t) < 0) {
        timer_end(sim, &t->arrival);
        free(t);
        return NULL;
    }
    file_init(&t->file, &tcp_kind);
    t->sim = sim;
    t->domain = domain;
    t->syn_at = t->hand_at = t->fin_at = t->reset_at = FOREVER;
    t->send_bytes = sim->net.send_bytes;
    t->receive_bytes = sim->net.receive_bytes;
    ring_push(&sim->net.sockets, &t->of_sim);
    return t;
}

void tcp_free(struct tcp *t)
{
    port_give_up(t->sim, &t->at);
    timer_end(t->sim, &t->arrival);
    timer_end(t->sim, &t->again);
    ring_remove(&t->of_sim);
    chunks_clear(&t->received);
    chunks_clear(&t->flying);
    chunks_clear(&t->unsent);
    free(t->listening);
    free(t);
}

/* The address of a socket that has none: any, of its domain. Linux still tells the port that it had. */
void tcp_unname(struct tcp *t)
{
    struct sockaddr_storage any = { .ss_family = (sa_family_t)t->domain };
    in_port_t port = t->at.name.port;
    place_read(&t->at.name, t->domain, (struct sockaddr *)&any, sizeof any);
    t->at.name.port = port;
}

int sim_net_socket(struct sim *sim, int domain)
{
    struct tcp *t = tcp_make(sim, domain);
    if (!t)
        return -ENOMEM;
    tcp_unname(t);
    return sim_open(sim, &t->file);
}

static int take_error(struct tcp *t)
{
    int error = t->error;
    t->error = 0;
    return error;
}

/* ---- binding and listening ---------------------------------------------------------------------------------------- */

static int net_bind(struct sim *sim, struct file *file, const struct sockaddr *address, socklen_t len)
{
    struct tcp *t = tcp_of(file);
    struct place p;
    int rc = place_read(&p, t->domain, address, len);
    if (rc < 0)
        return rc;
    bool bound = t->state != NET_CLOSED || t->at.port;
    if (t->domain == AF_INET6 && (bound || (place_is_v4(&p) && t->at.only_v6)))
        return -EINVAL;
    if (!place_is_any(&p) && !place_is_ours(&p) && !sim->outside)
        return -EADDRNOTAVAIL;
    if (bound)
        return -EINVAL;
    in_port_t before = t->at.name.port;
    t->at.name = p;
    t->at.chosen = false;
    rc = port_take(sim, &t->at);
    if (rc < 0) {
        t->at.name.port = before;
        tcp_unname(t);
        return rc;
    }
    t->keeps_address |= !place_is_any(&p);
    t->at.only_v6 |= !place_is_any(&p) && !place_is_v4(&p);     /* for good, as in Linux */
    t->keeps_port |= p.port != 0;
    return 0;
}

static int net_listen(struct file *file, int backlog)
{
    struct tcp *t = tcp_of(file);
    int rc = 0;
    if (t->connect != NEW || (t->state != NET_CLOSED && t->state != NET_LISTENS))
        return -EINVAL;
    if (t->state == NET_CLOSED) {
        struct listening *l = calloc(1, sizeof *l);
        if (!l)
            return -ENOMEM;
        t->at.name.port = t->at.port ? t->at.name.port : 0;
        rc = t->at.port ? 0 : port_take(t->sim, &t->at);
        rc = rc ? rc : port_listen(t->sim, &t->at);
        if (rc < 0) {
            free(l);
            return rc;
        }
        ring_init(&l->calling);
        ring_init(&l->waiting);
        t->listening = l;
        t->state = NET_LISTENS;
    }
    t->listening->most = (unsigned)backlog < SOMAXCONN_NOW ? (unsigned)backlog : SOMAXCONN_NOW;
    return 0;
}

void tcp_deafen(struct tcp *t)
{
    struct listening *l = t->listening;
    t->listening = NULL;
    for (struct ring *queue = &l->waiting;; queue = &l->calling) {
        while (!ring_empty(queue)) {
            struct tcp *child = OWNER(queue->next, struct tcp, in_backlog);
            ring_remove(&child->in_backlog);
            child->listener = NULL;
            child->left = true;
            tcp_enter(child);
            tcp_disconnect(child);
            tcp_leave(child);
        }
        if (queue == &l->calling)
            break;
    }
    free(l);
}

static int net_accept(struct file *file, struct file **out)
{
    struct tcp *t = tcp_of(file);
    if (t->state != NET_LISTENS)
        return -EINVAL;
    if (ring_empty(&t->listening->waiting))
        return -EAGAIN;
    struct tcp *child = OWNER(t->listening->waiting.next, struct tcp, in_backlog);
    ring_remove(&child->in_backlog);
    child->listener = NULL;
    t->listening->count--;
    *out = &child->file;
    return 0;
}

/* ---- connecting --------------------------------------------------------------------------------------------------- */

static void call(struct tcp *t)
{
    static const int64_t pause = SECOND;
    int doubled = t->tries > EQUAL_PAUSES ? t->tries - EQUAL_PAUSES : 0;
    if (t->syn_at == FOREVER)
        t->syn_at = tcp_instant(t, 0);
    timer_set(t->sim, &t->again, t->sim->now + (pause << doubled));
}

void tcp_call_again(struct tcp *t)
{
    if (t->tries++ >= CALLS_AGAIN)
        tcp_over(t, -ETIMEDOUT);
    else
        call(t);
}

/* "Any" is this host. */
static void resolve_any(const struct tcp *t, struct place *far)
{
    static const struct in6_addr v4_loopback = { { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1 } } };
    if (!place_is_any(far))
        return;
    if (t->domain == AF_INET && !place_is_any(&t->at.name))
        far->ip = t->at.name.ip;
    else
        far->ip = place_is_v4(&t->at.name) || place_is_v4(far) ? v4_loopback : in6addr_loopback;
}

/* Where to, as a route would have it. */
static int find_far(struct tcp *t, const struct sockaddr *address, socklen_t len)
{
    struct place *far = &t->at.far;
    bool from_v4 = place_is_v4(&t->at.name);
    int rc = place_read(far, t->domain, address, len), error = 0;
    if (rc < 0)
        return rc;
    resolve_any(t, far);
    if (place_is_v4(far) && t->at.only_v6 && t->domain == AF_INET6)
        return -ENETUNREACH;
    if (t->domain == AF_INET6 && from_v4 && !place_is_v4(far))
        return -EAFNOSUPPORT;
    if (net_fate(t->sim, &t->at, &error) & UNREACHABLE && error == -ENETUNREACH)
        return error;
    return 0;
}

static int begin_connecting(struct tcp *t, const struct sockaddr *address, socklen_t len)
{
    struct place before = t->at.name;
    int rc = find_far(t, address, len);
    if (rc == 0) {
        if (place_is_any(&t->at.name))
            place_towards(&t->at.far, &t->at.name);
        rc = t->at.port ? 0 : port_choose(t->sim, &t->at);
    }
    if (rc < 0) {
        t->at.name = before;
        t->at.far = (struct place){0};
        return rc;
    }
    t->error = 0;
    t->state = NET_CALLS;
    t->connect = CONNECTING;
    t->tries = 0;
    call(t);
    return -EINPROGRESS;
}

/* What is said of a connect that has been begun. */
static int connecting(struct tcp *t)
{
    if (t->state == NET_CALLS)
        return -EALREADY;
    if (t->state != NET_CLOSED) {
        t->connect = DONE;
        return 0;
    }
    int error = take_error(t);
    tcp_disconnect(t);
    t->connect = NEW;
    return error ? error : -ECONNABORTED;
}

static int connect_entered(struct tcp *t, const struct sockaddr *address, socklen_t len)
{
    if (len < sizeof(sa_family_t))
        return -EINVAL;
    if (address->sa_family == AF_UNSPEC) {
        tcp_disconnect(t);
        t->connect = NEW;
        return 0;
    }
    switch (t->connect) {
    case NEW: return t->state == NET_CLOSED ? begin_connecting(t, address, len) : -EISCONN;
    case CONNECTING: return connecting(t);
    case DONE: return -EISCONN;
    default: return -EINVAL;
    }
}

static int net_connect(struct sim *sim, struct file *file, const struct sockaddr *address, socklen_t len)
{
    struct tcp *t = tcp_of(file);
    (void)sim;
    tcp_enter(t);
    int rc = connect_entered(t, address, len);
    tcp_leave(t);
    return rc;
}

/* ---- the handshake ------------------------------------------------------------------------------------------------ */

/* The other end, which the listener will hand out; NULL if memory is refused. */
static struct tcp *be_called(struct tcp *listener, struct tcp *t)
{
    struct tcp *child = tcp_make(t->sim, listener->domain);
    if (!child)
        return NULL;
    child->at = listener->at;
    child->at.name = t->at.far;
    child->at.far = t->at.name;
    port_share(&child->at, &listener->at);
    child->keeps_address = listener->keeps_address;
    child->send_bytes = listener->send_bytes;
    child->receive_bytes = listener->receive_bytes;
    child->state = NET_CALLED;
    child->connect = DONE;
    child->listener = listener;
    child->peer = t;
    t->peer = child;
    ring_push(&listener->listening->calling, &child->in_backlog);
    listener->listening->count++;
    return child;
}

void tcp_syn_arrives(struct tcp *t)
{
    int error = 0, fate = net_fate(t->sim, &t->at, &error);
    if (t->peer || fate & (CUT | SWALLOWED))
        return;
    if (fate & UNREACHABLE) {
        tcp_over(t, error);
        return;
    }
    struct holder *h = fate & REFUSED ? NULL : port_listener(t->sim, &t->at.far);
    struct tcp *listener = h ? OWNER(h, struct tcp, at) : NULL;
    if (!listener) {
        t->reset_at = tcp_instant(t, 0);
        return;
    }
    struct tcp *child = listener->listening->count > listener->listening->most ? NULL : be_called(listener, t);
    if (!child)
        return;
    child->hand_wanted = true;
    tcp_send(child);
}

void tcp_hand_arrives(struct tcp *t)
{
    if (t->state == NET_CALLS) {
        t->state = NET_OPEN;
        t->tries = 0;
        timer_stop(t->sim, &t->again);
        file_wake(&t->file, 0);
        t->hand_wanted = true;
        tcp_send(t);
    } else if (t->state == NET_CALLED) {
        t->state = NET_OPEN;
        ring_remove(&t->in_backlog);
        ring_push(&t->listener->listening->waiting, &t->in_backlog);
        file_wake(&t->listener->file, EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND);
    }
}

/* ---- names and options -------------------------------------------------------------------------------------------- */

static int net_sockname(struct file *file, struct address *out)
{
    struct tcp *t = tcp_of(file);
    place_write(&t->at.name, t->domain, out);
    return 0;
}

static int net_peername(struct file *file, bool accepted, struct address *out)
{
    struct tcp *t = tcp_of(file);
    if (!t->at.far.port || ((t->state == NET_CLOSED || t->state == NET_CALLS) && !accepted))
        return -ENOTCONN;
    place_write(&t->at.far, t->domain, out);
    return 0;
}

static int set_socket_option(struct tcp *t, int option, int value)
{
    enum { LEAST_SEND = 4608, LEAST_RECEIVE = 2304 };
    size_t twice = value < 0 ? 0 : 2 * (size_t)value;
    switch (option) {
    case SO_REUSEADDR: t->at.reuse_address = value != 0; return 0;
    case SO_REUSEPORT: t->at.reuse_port = value != 0; return 0;
    case SO_SNDBUF: t->send_bytes = twice < LEAST_SEND ? LEAST_SEND : twice; return 0;
    case SO_RCVBUF: t->receive_bytes = twice < LEAST_RECEIVE ? LEAST_RECEIVE : twice; return 0;
    case SO_KEEPALIVE: return 0;
    case SO_LINGER: return -EINVAL;         /* it is no int */
    default: return -ENOPROTOOPT;
    }
}

/* Options that change nothing here are taken all the same. */
static int net_set_option(struct file *file, int level, int option, int value)
{
    struct tcp *t = tcp_of(file);
    static const int idle[] = { TCP_NODELAY, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT, TCP_QUICKACK,
                                TCP_DEFER_ACCEPT, TCP_FASTOPEN };
    if (level == SOL_SOCKET)
        return set_socket_option(t, option, value);
    if (level == IPPROTO_IPV6 && option == IPV6_V6ONLY && t->domain == AF_INET6) {
        if (t->at.port)
            return -EINVAL;
        t->at.only_v6 = value != 0;
        return 0;
    }
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++)
        if (level == IPPROTO_TCP && option == idle[i])
            return 0;
    return -ENOPROTOOPT;
}

/* ---- what a TCP socket does --------------------------------------------------------------------------------------- */

static int net_error(struct file *file)
{
    return take_error(tcp_of(file));
}

static const struct socket_calls net_calls = {
    .bind = net_bind, .listen = net_listen, .accept = net_accept, .connect = net_connect, .error = net_error,
    .set_option = net_set_option, .sockname = net_sockname, .peername = net_peername,
};

const struct file_kind tcp_kind = {
    .read = tcp_read, .write = tcp_write, .shutdown = tcp_shutdown, .ready = tcp_ready, .release = tcp_release,
    .calls = &net_calls,
};

struct tcp *tcp_of(struct file *file)
{
    return file && file->kind == &tcp_kind ? (struct tcp *)file : NULL;
}
