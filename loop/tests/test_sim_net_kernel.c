/* test_sim_net_kernel.c - the proof of the network: the same calls on real loopback TCP and in the sim, without latency,
 * give the same results.
 *
 * Seeded sequences (EDDY_SEEDS=n for more) of forty calls of two or three listeners and their connections, over IPv4 and
 * IPv6, with bind, connect, accept, names, options, reads, writes, half-closes, resets, SO_ERROR, epoll and poll, level
 * and edge. Compared are all results, bytes, events with their order, and addresses; of ports, whose they are.
 *
 * Held back: which ports are chosen; how large buffers are (writes are small); connecting to oneself; explicit ports at
 * wildcards, which others on this machine may have; IPv6 sockets that have spoken IPv4 and then IPv6, and sockets that were
 * shut down before they listened, which kernels treat differently.
 *
 * Real loopback delivers within the call, but for two delays that the sim does not have. Real sockets have TCP_NODELAY, so
 * that Nagle's algorithm holds nothing back. And after each call all of them are told to acknowledge (TCP_QUICKACK), and
 * the end of a stream behind which nothing else is unread is read, since the kernel acknowledges it only then. Where an end
 * stands behind unread bytes, its acknowledgement takes 40 ms, so the sequence ends there. */
#include <sched.h>
#include <sys/ioctl.h>

#include "loop/tests/net_sequence.h"

struct net_side {
    struct side side;
    in_port_t ports[NUMBERS];       /* what its descriptors have; 0: none */
    uint32_t loopback;              /* this sequence's own, of 127.0.0.0/8 */
};

/* ---- addresses ---------------------------------------------------------------------------------------------------- */

static struct named address_of(const struct net_side *s, const struct where *w)
{
    struct named n = { .len = w->len };
    in_port_t port = w->port_of < 0 ? 0 : s->ports[w->port_of];
    uint32_t hosts[] = { INADDR_ANY, s->loopback, s->loopback, 0x08080808 };
    struct sockaddr_in *in = (struct sockaddr_in *)&n.at;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&n.at;
    if (w->family == AF_INET) {
        *in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(hosts[w->host]) };
        return n;
    }
    uint32_t mapped[4] = { 0, 0, htonl(0xffff), htonl(s->loopback) }, foreign[4] = { htonl(0x20010db8), 0, 0, htonl(7) };
    *in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = port };
    if (w->host == WHERE_LOOPBACK)
        in6->sin6_addr = in6addr_loopback;
    else if (w->host != WHERE_ANY)
        memcpy(&in6->sin6_addr, w->host == WHERE_MAPPED ? mapped : foreign, sizeof mapped);
    return n;
}

static in_port_t port_in(const struct sockaddr_storage *at)
{
    return at->ss_family == AF_INET ? ((const struct sockaddr_in *)at)->sin_port : ((const struct sockaddr_in6 *)at)->sin6_port;
}

/* The host in hexadecimal digits, and whose port it is: the first descriptor's that has it. */
static void add_name(char *answer, const struct net_side *s, const struct sockaddr_storage *at, socklen_t len)
{
    bool four = at->ss_family == AF_INET;
    const unsigned char *ip = four ? (const unsigned char *)&((const struct sockaddr_in *)at)->sin_addr
                                   : (const unsigned char *)&((const struct sockaddr_in6 *)at)->sin6_addr;
    int whose = 0;
    while (whose < NUMBERS && s->ports[whose] != port_in(at))
        whose++;
    add(answer, " (%d, %d) ", (int)at->ss_family, (int)len);
    for (int i = 0; i < (four ? 4 : 16); i++)
        add(answer, "%02x", ip[i]);
    add(answer, port_in(at) == 0 ? " none" : whose < NUMBERS ? " of %d" : " other", whose);
}

static void learn_ports(struct net_side *s, const struct sequence *q)
{
    for (int fd = 0; fd < q->top; fd++) {
        struct address a;
        bool ok = is_socket(q->kinds[fd]) && s->side.sys->sockname(s->side.sys, number(&s->side, fd), &a) == 0;
        s->ports[fd] = ok ? port_in(&a.at) : 0;
    }
}

/* ---- calls -------------------------------------------------------------------------------------------------------- */

static void send_at_once(const struct net_side *s, int64_t fd)
{
    int on = 1;
    if (!s->side.sim && fd >= 0)
        setsockopt((int)fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int64_t net_socket(const struct net_side *s, const struct call_made *c)
{
    int64_t fd = s->side.sys->socket(s->side.sys, c->other, c->op);
    send_at_once(s, fd);
    return numbered(&s->side, fd);
}

static int64_t net_accept(const struct net_side *s, const struct call_made *c, char *answer)
{
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof from;
    int64_t fd = s->side.sys->accept(s->side.sys, number(&s->side, c->fd), (struct sockaddr *)&from, &len);
    if (fd >= 0)
        add_name(answer, s, &from, len);
    return numbered(&s->side, fd);
}

static int64_t net_name(const struct net_side *s, const struct call_made *c, char *answer)
{
    struct sys *sys = s->side.sys;
    struct address a;
    int fd = number(&s->side, c->fd);
    int64_t rc = c->what == CALL_SOCKNAME ? sys->sockname(sys, fd, &a) : sys->peername(sys, fd, &a);
    if (rc == 0)
        add_name(answer, s, &a.at, a.len);
    return rc;
}

static int64_t net_set_option(const struct net_side *s, const struct call_made *c)
{
    static const int options[][2] = { { SOL_SOCKET, SO_REUSEADDR }, { SOL_SOCKET, SO_REUSEPORT }, { IPPROTO_IPV6, IPV6_V6ONLY },
                                      { IPPROTO_TCP, TCP_NODELAY } };
    const int *o = options[c->other];
    return s->side.sys->set_option(s->side.sys, number(&s->side, c->fd), o[0], o[1], c->op || o[1] == TCP_NODELAY);
}

static int64_t net_make(struct net_side *s, const struct sequence *q, struct call_made *c, const struct where *w, char *answer)
{
    struct sys *sys = s->side.sys;
    int fd = number(&s->side, c->fd);
    struct named n = address_of(s, w);
    switch (c->what) {
    case CALL_SOCKET: return net_socket(s, c);
    case CALL_BIND: return sys->bind(sys, fd, (struct sockaddr *)&n.at, n.len);
    case CALL_CONNECT: return sys->connect(sys, fd, (struct sockaddr *)&n.at, n.len);
    case CALL_ACCEPT: return net_accept(s, c, answer);
    case CALL_SET_OPTION: return net_set_option(s, c);
    case CALL_SOCKNAME:
    case CALL_PEERNAME: return net_name(s, c, answer);
    default: return make(&s->side, q, c, answer);
    }
}

/* The kernel puts off the acknowledgement of an end (FIN) until that has been read. If nothing else is there to read, that
 * changes nothing for the program. */
static void acknowledge(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLRDHUP };
    int on = 1, unread = 0;
    char byte;
    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    if (poll(&p, 1, 0) == 1 && p.revents == POLLRDHUP && ioctl(fd, FIONREAD, &unread) == 0 && unread == 0)
        ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
}

/* Whether something that it has sent has not arrived. */
static bool waits_for_peer(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    int bytes = 0;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
        return false;
    if (info.tcpi_state == TCP_CLOSE || info.tcpi_state == TCP_SYN_SENT)
        return false;
    return ioctl(fd, TIOCOUTQ, &bytes) == 0 && bytes > 0;
}

/* On the kernel's side: nothing is on its way any more; false if something stays there. */
static bool settle(const struct net_side *s, const struct sequence *q)
{
    int left = 1;
    for (int turn = 0; turn < 5 && left; turn++) {
        left = 0;
        for (int fd = 0; fd < q->top; fd++) {
            int real = number(&s->side, fd);
            if (q->kinds[fd] != CALL_SOCKETPAIR)
                continue;
            acknowledge(real);
            left += waits_for_peer(real);
        }
        if (turn && left)
            sched_yield();
    }
    return !left;
}

/* ---- sequences ---------------------------------------------------------------------------------------------------- */

static void print_history(const struct net_sequence *n, uint64_t seed, int last)
{
    fprintf(stderr, "seed %llu: the kernel and the sim differ in call %d\n", (unsigned long long)seed, last);
    for (int i = 0; i <= last; i++) {
        const struct call_made *c = &n->q.calls[i];
        const struct where *w = &n->where[i];
        fprintf(stderr, "%2d  %-60s  ->%s\n", i, c->text, c->answers[0]);
        if (c->what == CALL_BIND || c->what == CALL_CONNECT)
            fprintf(stderr, "        family %d host %d port of %d len %d\n", w->family, w->host, w->port_of, (int)w->len);
        if (strcmp(c->answers[0], c->answers[1]) != 0)
            fprintf(stderr, "    in the sim:%*s ->%s\n", 50, "", c->answers[1]);
    }
}

/* A socket that would connect to itself, or may, since nobody holds the port and it may be given that one, connects to no
 * port instead. */
static void avoid_itself(struct net_sequence *n, const struct net_side *s, int i)
{
    const struct call_made *c = &n->q.calls[i];
    struct where *w = &n->where[i];
    if (c->what != CALL_CONNECT || c->fd < 0 || w->port_of < 0)
        return;
    enum sys_call kind = n->q.kinds[w->port_of];
    if (s->ports[c->fd] == s->ports[w->port_of] || (kind != CALL_BIND && kind != CALL_LISTEN))
        w->port_of = NO_PORT;
}

/* Whether the kernel chose a port for one socket that another has, as it may by chance where they go to different places: then
 * nobody can say any more whose it is. What the sim shares as well is no chance. */
static bool shares_a_port(const struct net_side sides[2])
{
    for (int a = 0; a < NUMBERS; a++)
        for (int b = a + 1; b < NUMBERS; b++)
            if (sides[0].ports[a] && sides[0].ports[a] == sides[0].ports[b] && sides[1].ports[a] != sides[1].ports[b])
                return true;
    return false;
}

/* Runs one sequence on both; false if they differ. */
static bool same(struct net_sequence *n, struct net_side sides[2], uint64_t seed)
{
    struct sequence *q = &n->q;
    for (int i = 0; i < CALLS; i++) {
        struct call_made *c = &q->calls[i];
        int64_t rc[2] = {0};
        net_invent(n, i);
        avoid_itself(n, &sides[0], i);
        describe(c);
        for (int s = 0; s < 2; s++) {
            char detail[TEXT] = "";
            rc[s] = net_make(&sides[s], q, c, &n->where[i], detail);
            add(c->answers[s], " %lld%s", (long long)rc[s], detail);
        }
        if (strcmp(c->answers[0], c->answers[1]) != 0) {
            print_history(n, seed, i);
            return false;
        }
        net_follow(n, i, rc[0]);
        if (!settle(&sides[0], q)) {
            n->cut_short++;
            break;
        }
        for (int s = 0; s < 2; s++)
            learn_ports(&sides[s], q);
        if (shares_a_port(sides)) {
            n->shared++;
            break;
        }
    }
    return true;
}

/* Real sockets are reset, so that nothing is left of them. */
static void close_all(const struct net_side *s, const struct sequence *q)
{
    struct linger now = { .l_onoff = 1 };
    for (int fd = 0; fd < q->top; fd++) {
        if (!s->side.sim && is_socket(q->kinds[fd]))
            setsockopt(number(&s->side, fd), SOL_SOCKET, SO_LINGER, &now, sizeof now);
        s->side.sys->close(s->side.sys, number(&s->side, fd));
    }
}

static bool compare(struct net_sequence *n, uint64_t seed, int base)
{
    static char data[2][LARGEST];
    struct sim *sim = sim_new(0);
    uint32_t loopback = INADDR_LOOPBACK + (uint32_t)(seed % 0xfffff0);
    struct net_side sides[2] = { { .side = { sys_linux(), NULL, base, data[0] }, .loopback = loopback },
                                 { .side = { sim_sys(sim), sim, 3, data[1] }, .loopback = loopback } };
    net_sequence_begin(n, seed);
    bool agree = same(n, sides, seed);
    for (int s = 0; s < 2; s++)
        close_all(&sides[s], &n->q);
    ck_assert_uint_eq(sim_live(sim).descriptors, 0);
    sim_close(sim);
    return agree;
}

/* ---- tests -------------------------------------------------------------------------------------------------------- */

/* The first of NUMBERS free descriptors in a row. */
static int first_of_a_row(struct sys *sys)
{
    int fds[NUMBERS], row = 0;
    while (row < NUMBERS) {
        int fd = sys->eventfd(sys);
        ck_assert_int_ge(fd, 0);
        if (row && fd != fds[row - 1] + 1)
            row = 0;
        fds[row++] = fd;
    }
    for (int i = 0; i < NUMBERS; i++)
        sys->close(sys, fds[i]);
    return fds[0];
}

static bool has_six(void)
{
    struct sys *sys = sys_linux();
    struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int fd = sys->socket(sys, AF_INET6, SOCK_STREAM);
    bool has = fd >= 0 && sys->bind(sys, fd, (struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0)
        sys->close(sys, fd);
    return has;
}

START_TEST(seeded_sequences_give_the_same_results_as_loopback)
{
    static struct net_sequence n;
    const char *wanted = getenv("EDDY_SEEDS"), *first = getenv("EDDY_FIRST_SEED");
    uint64_t seeds = wanted ? strtoull(wanted, NULL, 10) : 10000, seed = first ? strtoull(first, NULL, 10) : 1;
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)(i % 251);
    n.six = has_six();
    n.cut_short = n.shared = 0;
    int base = first_of_a_row(sys_linux());
    for (uint64_t last = seed + seeds; seed < last; seed++)
        ck_assert_msg(compare(&n, seed, base), "seed %llu differs: see the history above", (unsigned long long)seed);
    ck_assert_msg(n.cut_short < seeds / 4 + 10, "%u of %u sequences were cut short", n.cut_short, (unsigned)seeds);
    ck_assert_msg(n.shared < seeds / 1000 + 3, "in %u of %u sequences two sockets had one port", n.shared, (unsigned)seeds);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("the sim's network against the kernel's");
    TCase *group = tcase_create("differential");
    tcase_set_timeout(group, getenv("EDDY_SEEDS") ? 0 : 120);
    tcase_add_test(group, seeded_sequences_give_the_same_results_as_loopback);
    suite_add_tcase(suite, group);
    return run_suite(suite);
}
