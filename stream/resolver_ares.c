/* resolver_ares.c - names looked up by c-ares, on the loop. See resolver_ares.h.
 *
 * c-ares says which sockets it wants to hear of, and is told when they are ready, or when its time is up. Traps:
 * (a) it calls back from inside ares_getaddrinfo, ares_cancel and ares_destroy as well. Our callback only resolves futures, so
 *     nobody else's code ever runs inside of it.
 * (b) it closes a socket and opens another while it is told of the first, and that may get the same number. A socket is found
 *     anew each time, its handler goes before it is closed, and nothing of it is touched after c-ares was called.
 * (c) it counts milliseconds, rounded down, and ares_timeout asks all the questions there are. So it is asked once in a while,
 *     and what it says is made a millisecond longer, or the loop would spin through the last one.
 * (d) it knows no error of a socket but ECONNREFUSED, nor what a server said that refused. So we keep what went wrong last. */
#include "stream/resolver_ares.h"

#include <ares.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/uio.h>
#include <threads.h>

#include "stream/resolver_inside.h"

enum { QUESTIONS_A_TURN = 8, DATAGRAMS_A_TURN = 16, RECEIVE_BUFFER = 1 << 20 };

struct names {
    struct loop *loop;
    struct sys *sys;
    ares_channel channel;
    struct socket *sockets;
    struct calls waiting;           /* look-ups that c-ares has not heard of */
    struct timeout asking, timeout;
    int64_t patience;               /* no try is given up sooner after it began */
    int asked, wanted;              /* look-ups that c-ares has, and those of them that somebody waits for */
    int datagrams;                  /* that may still be read in this turn */
    int error;                      /* what went wrong last, as resolver.h has it */
};

struct socket {
    struct socket *next;
    struct names *names;
    struct address peer;
    struct call failing;            /* c-ares is to hear of this one's error next */
    int error, means;
    int fd;
    bool stream;
};

struct look_up {
    struct names *names;
    struct future *f;               /* NULL: nobody wants it any more */
    struct call place;              /* among those that wait */
    const char *host;               /* lent until it was asked for: c-ares has a copy */
    int family;
};

/* ---- its sockets ---------------------------------------------------------------------------------------------------- */

static struct socket *socket_of(const struct names *n, int fd)
{
    struct socket *s = n->sockets;
    while (s->fd != fd)
        s = s->next;
    return s;
}

/* As c-ares' functions fail; `means` is what those hear who asked. */
static int failed(struct names *n, ssize_t rc, int means)
{
    n->error = means;
    errno = (int)-rc;
    return -1;
}

static int not_now(void)
{
    errno = EAGAIN;
    return -1;
}

static void on_failing(void *self, int what)
{
    struct socket *s = self;
    (void)what;
    ares_process_fd(s->names->channel, s->fd, ARES_SOCKET_BAD);
}

/* When c-ares reads, it gives a socket that fails up for all that was sent from it. Elsewhere it cannot hear of it, or it does so
 * for one question alone, and the others wait until their time is up. */
static void fail_soon(struct socket *s, int rc, int means)
{
    if (s->error)
        return;
    s->error = rc;
    s->means = means;
    loop_queue(s->names->loop, &s->failing, on_failing, s, 0);
}

static ares_socket_t open_socket(int family, int type, int protocol, void *self)
{
    struct names *n = self;
    struct socket *s = sys_new(n->sys, sizeof *s);
    int fd = s ? n->sys->socket(n->sys, family, type) : -ENOMEM;
    (void)protocol;
    if (fd < 0) {
        sys_free(n->sys, s);
        return failed(n, fd, fd);
    }
    *s = (struct socket){ .next = n->sockets, .names = n, .fd = fd, .stream = type == SOCK_STREAM };
    n->sockets = s;
    return fd;
}

static int close_socket(ares_socket_t fd, void *self)
{
    struct names *n = self;
    struct socket **at = &n->sockets, *s = socket_of(n, fd);
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    loop_unqueue(n->loop, &s->failing);
    loop_remove_handler(n->loop, fd);
    n->sys->close(n->sys, fd);
    sys_free(n->sys, s);
    return 0;
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t len, void *self)
{
    struct names *n = self;
    struct socket *s = socket_of(n, fd);
    memcpy(&s->peer.at, address, len);
    s->peer.len = len;
    int rc = n->sys->connect(n->sys, fd, address, len);
    return rc == 0 ? 0 : failed(n, rc, rc == -EINPROGRESS ? n->error : -EAGAIN);
}

/* A server that cannot say says so in the fourth byte. */
static void note_refusal(struct names *n, const unsigned char *answer, ssize_t len)
{
    enum { SERVFAIL = 2, NOTIMP = 4, REFUSED = 5 };
    int rcode = len > 3 ? answer[3] & 15 : 0;
    if (rcode == SERVFAIL || rcode == NOTIMP || rcode == REFUSED)
        n->error = -EREMOTEIO;
}

/* `from` is asked for of datagrams only; the kernel has dropped those of others. */
static ares_ssize_t receive(ares_socket_t fd, void *data, size_t len, int flags, struct sockaddr *from, ares_socklen_t *from_len,
                            void *self)
{
    struct names *n = self;
    struct socket *s = socket_of(n, fd);
    (void)flags;
    if (s->error)
        return failed(n, s->error, s->means);
    if (!s->stream && n->datagrams-- <= 0)
        return not_now();
    ssize_t got = n->sys->read(n->sys, fd, data, len);
    if (got == -EAGAIN || got == -EINTR)
        return not_now();
    if (got < 0)
        return failed(n, got, -EAGAIN);
    if (got == 0 && s->stream)
        n->error = -EAGAIN;
    note_refusal(n, data, got);
    if (from && *from_len >= s->peer.len)
        memcpy(from, &s->peer.at, *from_len = s->peer.len);
    return got;
}

/* A datagram that could not be sent counts as lost on the way: if there was no room, it is sent again in time. */
static ares_ssize_t send_portions(ares_socket_t fd, const struct iovec *portions, int count, void *self)
{
    struct names *n = self;
    struct socket *s = socket_of(n, fd);
    ssize_t sent = n->sys->writev(n->sys, fd, portions, count);
    bool full = sent == -EAGAIN || sent == -EINTR;
    if (sent >= 0)
        return sent;
    if (s->stream)
        return full ? not_now() : failed(n, sent, -EAGAIN);
    if (!full)
        fail_soon(s, (int)sent, -EAGAIN);
    return (ares_ssize_t)portions[0].iov_len;
}

static const struct ares_socket_functions functions = { open_socket, close_socket, connect_socket, receive, send_portions };

/* ---- its time ------------------------------------------------------------------------------------------------------- */

static void on_time(void *self, int what);

static void wake_in(struct names *n, int64_t delay)
{
    loop_call_at(n->loop, loop_time(n->loop) + delay, &n->timeout, on_time, n);
}

/* Never later than `patience`: what is asked in the meantime is not given up sooner. */
static void keep_time(struct names *n)
{
    struct timeval most = { n->patience / SECOND, n->patience % SECOND / MICROSECOND }, next;
    if (n->asked == 0)
        return;
    struct timeval *delay = ares_timeout(n->channel, &most, &next);
    wake_in(n, delay->tv_sec * SECOND + delay->tv_usec * MICROSECOND + MILLISECOND);
}

static void on_time(void *self, int what)
{
    struct names *n = self;
    (void)what;
    ares_process_fd(n->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    keep_time(n);
}

/* ---- its readiness -------------------------------------------------------------------------------------------------- */

static void on_ready(void *self, int what)
{
    struct socket *s = self;
    struct names *n = s->names;
    int fd = s->fd;
    n->datagrams = DATAGRAMS_A_TURN;
    ares_process_fd(n->channel, what & (READABLE | BROKEN) ? fd : ARES_SOCKET_BAD,
                    what & (WRITABLE | BROKEN) ? fd : ARES_SOCKET_BAD);
}

/* For the first time: whom it asks is known. That the options are refused costs a little time, and nothing else. */
static int watch(struct names *n, struct socket *s, int mask)
{
    if (s->stream)
        n->sys->set_option(n->sys, s->fd, IPPROTO_TCP, TCP_NODELAY, 1);
    else
        n->sys->set_option(n->sys, s->fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
    return loop_add_handler(n->loop, s->fd, mask, on_ready, s);
}

/* With neither of the two the socket is closed next. */
static void on_state(void *self, ares_socket_t fd, int readable, int writable)
{
    struct names *n = self;
    struct socket *s = socket_of(n, fd);
    int mask = (readable ? READABLE : 0) | (writable ? WRITABLE : 0);
    if (!mask)
        return;
    int rc = loop_update_handler(n->loop, fd, mask);
    if (rc == -ENOENT)
        rc = watch(n, s, mask);
    if (rc < 0)
        fail_soon(s, rc, rc);
}

/* ---- look-ups ------------------------------------------------------------------------------------------------------- */

static int error_of(const struct names *n, int status)
{
    switch (status) {
    case ARES_ENOTFOUND:    return -ENOENT;
    case ARES_ENODATA:      return -ENODATA;
    case ARES_ETIMEOUT:     return -EAGAIN;
    case ARES_ECONNREFUSED: return n->error;
    case ARES_ENOMEM:       return -ENOMEM;
    case ARES_EBADNAME:     return -EINVAL;
    case ARES_EFORMERR:
    case ARES_ESERVFAIL:
    case ARES_ENOTIMP:
    case ARES_EREFUSED:
    case ARES_EBADRESP:     return -EREMOTEIO;
    default:                return -EIO;
    }
}

static void hold_for(struct resolved *out, int seconds)
{
    int64_t ttl = seconds > 0 ? seconds * SECOND : 0;       /* RFC 2181: what looks negative is 0 */
    out->ttl = ttl < out->ttl ? ttl : out->ttl;
}

/* An answer holds as long as all that led to it. How many addresses it has. */
static int take(const struct ares_addrinfo *info, struct resolved *out)
{
    int count = 0;
    for (const struct ares_addrinfo_cname *c = info->cnames; c; c = c->next)
        hold_for(out, c->ttl);
    for (const struct ares_addrinfo_node *a = info->nodes; a && count < MOST_ADDRESSES; a = a->ai_next) {
        hold_for(out, a->ai_ttl);
        out->at[count].len = a->ai_addrlen;
        memcpy(&out->at[count++].at, a->ai_addr, a->ai_addrlen);
    }
    return count;
}

static void answer(struct names *n, struct future *f, int status, const struct ares_addrinfo *info)
{
    struct resolved *found = status == ARES_SUCCESS ? resolved_new(n->sys, sizeof *found) : NULL;
    n->wanted--;
    if (found)
        future_resolve(f, take(info, found), found);
    else
        future_fail(f, status == ARES_SUCCESS ? -ENOMEM : error_of(n, status), NULL);
}

static void on_found(void *self, int status, int timeouts, struct ares_addrinfo *info)
{
    struct look_up *l = self;
    struct names *n = l->names;
    (void)timeouts;
    if (--n->asked == 0)
        loop_remove_timeout(n->loop, &n->timeout);
    if (l->f)
        answer(n, l->f, status, info);
    sys_free(n->sys, l);
    if (info)
        ares_freeaddrinfo(info);
}

static void ask(struct look_up *l)
{
    struct names *n = l->names;
    struct ares_addrinfo_hints hints = { .ai_family = l->family, .ai_socktype = SOCK_STREAM };
    if (n->asked++ == 0)
        wake_in(n, n->patience + MILLISECOND);
    n->wanted++;
    ares_getaddrinfo(n->channel, l->host, NULL, &hints, on_found, l);
}

static void ask_some(void *self, int what);

/* Through the selector: a turn that follows at once would leave what is ready, and due, waiting for all of the questions. */
static void ask_soon(struct names *n)
{
    loop_call_at(n->loop, loop_time(n->loop), &n->asking, ask_some, n);
}

static void ask_some(void *self, int what)
{
    struct names *n = self;
    struct call *c;
    (void)what;
    for (int i = 0; i < QUESTIONS_A_TURN && (c = calls_pop(&n->waiting)); i++)
        ask(c->self);
    if (!calls_empty(&n->waiting))
        ask_soon(n);
}

/* When nobody waits for anything that c-ares has, all of it ends, and its sockets with it. */
static void look_up_cancel(void *self)
{
    struct look_up *l = self;
    struct names *n = l->names;
    l->f = NULL;
    if (call_queued(&l->place)) {
        call_remove(&l->place);
        sys_free(n->sys, l);
    } else if (--n->wanted == 0) {
        ares_cancel(n->channel);
    }
}

static void look_up_undo(void *self, struct future *f)
{
    (void)self;
    if (f->value)
        resolved_free(f->value);
}

static int look_up(void *self, const char *host, int family, struct future *f)
{
    static const struct op op = { .name = "look up", .cancel = look_up_cancel, .undo = look_up_undo };
    struct names *n = self;
    struct look_up *l = sys_new(n->sys, sizeof *l);
    if (!l)
        return -ENOMEM;
    *l = (struct look_up){ .names = n, .f = future_start(f, n->loop, &op, l), .host = host, .family = family };
    l->place.self = l;
    if (calls_empty(&n->waiting))
        ask_soon(n);
    calls_push(&n->waiting, &l->place);
    return 0;
}

/* ---- beginning and end ---------------------------------------------------------------------------------------------- */

static void names_close(void *self)
{
    struct names *n = self;
    loop_remove_timeout(n->loop, &n->asking);
    ares_destroy(n->channel);
    sys_free(n->sys, n);
}

static void begin_process(void)
{
    ares_library_init(ARES_LIB_INIT_ALL);
}

/* Rounded up. */
static int milliseconds(int64_t ns)
{
    int64_t ms = ns / MILLISECOND + (ns % MILLISECOND > 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* A c-ares status. */
static int channel_begin(struct names *n, const struct name_servers *how)
{
    struct ares_options o = { .timeout = milliseconds(how->patience), .tries = how->tries,
                              .lookups = how->without_hosts ? "b" : "fb", .sock_state_cb = on_state, .sock_state_cb_data = n };
    int said = ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB | (how->patience > 0 ? ARES_OPT_TIMEOUTMS : 0) |
               (how->tries > 0 ? ARES_OPT_TRIES : 0) | (how->at ? ARES_OPT_DOMAINS : 0);
    int status = ares_init_options(&n->channel, &o, said);
    if (status != ARES_SUCCESS)
        return status;
    ares_set_socket_functions(n->channel, &functions, n);
    if (!how->at)
        return ARES_SUCCESS;
    return how->at[0] ? ares_set_servers_ports_csv(n->channel, how->at) : ARES_EBADSTR;
}

static struct names *names_new(struct loop *loop, const struct name_servers *how)
{
    static once_flag once = ONCE_FLAG_INIT;
    struct names *n = sys_new(loop_sys(loop), sizeof *n);
    if (!n)
        return NULL;
    call_once(&once, begin_process);
    n->loop = loop;
    n->sys = loop_sys(loop);
    n->patience = how->patience > 0 ? milliseconds(how->patience) * MILLISECOND : SECOND;
    n->error = -EAGAIN;
    calls_init(&n->waiting);
    int status = channel_begin(n, how);
    if (status == ARES_SUCCESS)
        return n;
    names_close(n);
    errno = status == ARES_ENOMEM ? ENOMEM : status == ARES_EBADSTR ? EINVAL : EIO;
    return NULL;
}

struct resolver *resolver_new_ares(struct loop *loop, const struct name_servers *how)
{
    static const struct backend backend = { look_up, names_close };
    struct names *n = names_new(loop, how ? how : &(struct name_servers){0});
    struct resolver *r = n ? resolver_new_with(loop, &backend, n) : NULL;
    if (n && !r) {
        names_close(n);
        errno = ENOMEM;
    }
    return r;
}
