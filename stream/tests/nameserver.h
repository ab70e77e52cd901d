/* nameserver.h - a name server on 127.0.0.1, over UDP and TCP at one port, on the loop of those who ask it: so what it answers,
 * and when, is in the test's hands, and no time passes.
 *
 * The first word of a name says how it answers, whatever follows it ("hold-17.example"):
 *     hold      not before nameserver_release               silent    never
 *     cut       over UDP with nothing but "truncated"       hangup    so too, and over TCP by hanging up
 *     many      with 40 addresses, which needs TCP          alias     with another name (3 s), and that name's address
 *     ttl7      with what holds for 7 s                     near      with 255.255.255.255, where nobody is, and 127.0.0.1
 *     nxdomain  that there is no such name                  nodata    that it has no address
 *     servfail  that it cannot say                          refused   that it will not
 *     broken    with half a record                          twice     twice
 *     garbage   after datagrams that are none               spoof     after answers to others, and from others
 *     half      as usual for IPv4, not at all for IPv6 before nameserver_release
 * All else has the addresses 192.0.2.1 and 2001:db8::1, for 60 s.
 *
 * The trap it exists for: it talks to the kernel itself, not through the loop's door, and has one handler, of its own epoll set:
 * what is counted or fails at the door is the resolver's. */
#ifndef EDDY_STREAM_TESTS_NAMESERVER_H
#define EDDY_STREAM_TESTS_NAMESERVER_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop/loop.h"
#include "loop/require.h"

enum { MESSAGE = 2048, ADDRESS_RECORD = 1, ALIAS_RECORD = 5, ADDRESS6_RECORD = 28, TRUNCATED = 2, MOST_CALLERS = 8 };

struct message {                        /* room for a length before it */
    unsigned char room[2], data[MESSAGE];
    size_t len;
};

struct held {
    struct message question;
    struct sockaddr_in from;
    int64_t at;                         /* loop_time */
};

struct nameserver {
    struct loop *loop;
    int epfd, udp, stranger, listener, port;
    int callers[MOST_CALLERS];          /* connections; 0: none */
    char at[32];                        /* "127.0.0.1:40000" */
    int asked, asked_by_stream;
    struct held *held;
    int held_count, held_room, released;
};

/* ---- messages ------------------------------------------------------------------------------------------------------- */

static inline void put16(struct message *m, int value)
{
    m->data[m->len++] = (unsigned char)(value >> 8);
    m->data[m->len++] = (unsigned char)value;
}

static inline void set16(struct message *m, size_t at, int value)
{
    m->data[at] = (unsigned char)(value >> 8);
    m->data[at + 1] = (unsigned char)value;
}

/* Where its question ends; 0: there is none. */
static inline size_t question_end_of(const struct message *m)
{
    size_t at = 12;
    while (at < m->len && m->data[at])
        at += m->data[at] + 1u;
    return at + 5 <= m->len ? at + 5 : 0;
}

static inline int type_asked(const struct message *m)
{
    return m->data[question_end_of(m) - 3];
}

/* Whether the name begins with that word. */
static inline bool begins_with(const struct message *question, const char *word)
{
    return question->data[12] >= strlen(word) && strncasecmp((const char *)question->data + 13, word, strlen(word)) == 0;
}

/* The question again, as an answer without records. */
static inline struct message answer_to(const struct message *question, int rcode, int flags)
{
    struct message m = *question;
    m.len = question_end_of(question);
    set16(&m, 2, 0x8180 | flags << 8 | rcode);
    memset(m.data + 6, 0, 6);
    return m;
}

/* One more record, of the name at that place. */
static inline void add_record(struct message *m, int name_at, int type, int ttl, const void *data, int len)
{
    set16(m, 6, m->data[7] + 1);
    put16(m, 0xc000 | name_at);
    put16(m, type);
    put16(m, 1);
    put16(m, ttl >> 16);
    put16(m, ttl);
    put16(m, len);
    memcpy(m->data + m->len, data, (size_t)len);
    m->len += (size_t)len;
}

static inline void add_address(struct message *m, int name_at, int ttl, const char *ip)
{
    unsigned char binary[16];
    bool six = strchr(ip, ':');
    if (six != (type_asked(m) == ADDRESS6_RECORD))
        return;
    REQUIRE(inet_pton(six ? AF_INET6 : AF_INET, ip, binary) == 1, "%s is no address", ip);
    add_record(m, name_at, six ? ADDRESS6_RECORD : ADDRESS_RECORD, ttl, binary, six ? 16 : 4);
}

static inline void add_usual(struct message *m, int ttl)
{
    add_address(m, 12, ttl, "192.0.2.1");
    add_address(m, 12, ttl, "2001:db8::1");
}

static inline void add_many(struct message *m)
{
    char ip[32];
    for (int i = 0; i < 40; i++) {
        snprintf(ip, sizeof ip, "10.0.0.%d", i);
        add_address(m, 12, 60, ip);
    }
}

/* The record of the other name stands before that name's address, and has it at its end. */
static inline void add_alias(struct message *m)
{
    int record = (int)m->len;
    add_record(m, 12, ALIAS_RECORD, 3, "\5other", 7);
    add_address(m, record + 12, 60, "192.0.2.5");
}

static inline struct message usual_answer(const struct message *question, bool by_stream)
{
    bool needs_stream = begins_with(question, "cut") || begins_with(question, "hangup") || begins_with(question, "many");
    struct message m = answer_to(question, 0, needs_stream && !by_stream ? TRUNCATED : 0);
    if (needs_stream && !by_stream)
        return m;
    if (begins_with(question, "nxdomain"))
        return answer_to(question, 3, 0);
    if (begins_with(question, "servfail"))
        return answer_to(question, 2, 0);
    if (begins_with(question, "refused"))
        return answer_to(question, 5, 0);
    if (begins_with(question, "nodata"))
        return m;
    if (begins_with(question, "many")) {
        add_many(&m);
    } else if (begins_with(question, "alias")) {
        add_alias(&m);
    } else if (begins_with(question, "near")) {
        add_address(&m, 12, 60, "255.255.255.255");
        add_address(&m, 12, 60, "127.0.0.1");
    } else {
        add_usual(&m, begins_with(question, "ttl") ? atoi((const char *)question->data + 16) : 60);
    }
    if (begins_with(question, "broken"))
        m.len -= 2;
    return m;
}

/* ---- over UDP ------------------------------------------------------------------------------------------------------- */

static inline void send_from(int fd, const struct sockaddr_in *to, const void *data, size_t len)
{
    REQUIRE(sendto(fd, data, len, 0, (const struct sockaddr *)to, sizeof *to) == (ssize_t)len,
            "an answer could not be sent: the socket is full, or nobody is there any more");
}

static inline void send_garbage(struct nameserver *ns, const struct sockaddr_in *to, const struct message *question)
{
    struct message other = usual_answer(question, false);
    other.data[0] ^= 1;                                 /* the number of no question */
    send_from(ns->udp, to, "", 0);
    send_from(ns->udp, to, question->data, 3);
    send_from(ns->udp, to, question->data, 12);         /* the number, and nothing of the question */
    send_from(ns->udp, to, "\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377", 16);
    send_from(ns->udp, to, other.data, other.len);
}

/* The right number with another name; and the right one, but from elsewhere. */
static inline void send_spoofed(struct nameserver *ns, const struct sockaddr_in *to, const struct message *question)
{
    struct message m = answer_to(question, 0, 0);
    add_address(&m, 12, 60, "6.6.6.6");
    send_from(ns->stranger, to, m.data, m.len);
    m.data[13] = 'z';
    send_from(ns->udp, to, m.data, m.len);
}

static inline void answer_datagram(struct nameserver *ns, const struct sockaddr_in *to, const struct message *question)
{
    struct message m = usual_answer(question, false);
    if (begins_with(question, "garbage"))
        send_garbage(ns, to, question);
    if (begins_with(question, "spoof"))
        send_spoofed(ns, to, question);
    for (int i = begins_with(question, "twice") ? 2 : 1; i > 0; i--)
        send_from(ns->udp, to, m.data, m.len);
}

static inline void hold_question(struct nameserver *ns, const struct sockaddr_in *from, const struct message *question)
{
    if (ns->held_count == ns->held_room) {
        ns->held_room = ns->held_room ? 2 * ns->held_room : 16;
        ns->held = realloc(ns->held, (size_t)ns->held_room * sizeof *ns->held);
        REQUIRE(ns->held, "no memory for the questions that are held");
    }
    ns->held[ns->held_count++] = (struct held){ *question, *from, loop_time(ns->loop) };
}

static inline void take_datagrams(struct nameserver *ns)
{
    struct message m;
    struct sockaddr_in from;
    ssize_t n;
    for (socklen_t len = sizeof from; (n = recvfrom(ns->udp, m.data, sizeof m.data, 0, (struct sockaddr *)&from, &len)) > 0;) {
        m.len = (size_t)n;
        ns->asked++;
        if (begins_with(&m, "hold") || (begins_with(&m, "half") && type_asked(&m) == ADDRESS6_RECORD))
            hold_question(ns, &from, &m);
        else if (!begins_with(&m, "silent"))
            answer_datagram(ns, &from, &m);
    }
}

/* Answers at most so many of those it holds, the oldest first, and only what came before that time. How many. */
static inline int nameserver_release(struct nameserver *ns, int most, int64_t before)
{
    int n = 0;
    for (; ns->released < ns->held_count && n < most && ns->held[ns->released].at < before; n++, ns->released++)
        answer_datagram(ns, &ns->held[ns->released].from, &ns->held[ns->released].question);
    return n;
}

/* ---- over TCP ------------------------------------------------------------------------------------------------------- */

static inline void hang_up_on(struct nameserver *ns, int fd)
{
    for (int i = 0; i < MOST_CALLERS; i++)
        if (ns->callers[i] == fd)
            ns->callers[i] = 0;
    close(fd);
}

static inline void take_call(struct nameserver *ns)
{
    int fd = accept4(ns->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), i = 0;
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    if (fd < 0)
        return;
    while (i < MOST_CALLERS && ns->callers[i])
        i++;
    REQUIRE(i < MOST_CALLERS && epoll_ctl(ns->epfd, EPOLL_CTL_ADD, fd, &event) == 0, "too many connections at once");
    ns->callers[i] = fd;
}

/* Questions are short, and come whole. */
static inline void listen_to_caller(struct nameserver *ns, int fd)
{
    struct message m;
    while (read(fd, m.room, 2) == 2) {
        m.len = (size_t)(m.room[0] << 8 | m.room[1]);
        REQUIRE(m.len <= MESSAGE && read(fd, m.data, m.len) == (ssize_t)m.len, "half a question came");
        ns->asked_by_stream++;
        if (begins_with(&m, "hangup"))
            break;
        struct message a = usual_answer(&m, true);
        a.room[0] = (unsigned char)(a.len >> 8);
        a.room[1] = (unsigned char)a.len;
        REQUIRE(write(fd, a.room, a.len + 2) == (ssize_t)a.len + 2, "an answer could not be sent");
        return;
    }
    hang_up_on(ns, fd);
}

/* ---- beginning and end ---------------------------------------------------------------------------------------------- */

static inline void nameserver_ready(void *self, int what)
{
    struct nameserver *ns = self;
    struct epoll_event ready;
    (void)what;
    while (epoll_wait(ns->epfd, &ready, 1, 0) == 1)
        if (ready.data.fd == ns->udp)
            take_datagrams(ns);
        else if (ready.data.fd == ns->listener)
            take_call(ns);
        else
            listen_to_caller(ns, ready.data.fd);
}

static inline int bound_socket(int type, int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    at.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), much = 1 << 22;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &much, sizeof much);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline int port_of_socket(int fd)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    REQUIRE(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "no socket could be bound");
    return ntohs(at.sin_port);
}

static inline void watch_socket(struct nameserver *ns, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    REQUIRE(epoll_ctl(ns->epfd, EPOLL_CTL_ADD, fd, &event) == 0, "no epoll set could be made");
}

/* The loop does not wait for it. */
static inline void nameserver_begin(struct nameserver *ns, struct loop *loop)
{
    *ns = (struct nameserver){ .loop = loop, .epfd = epoll_create1(EPOLL_CLOEXEC), .udp = -1 };
    for (int tries = 0; ns->udp < 0 && tries < 100; tries++) {
        ns->listener = bound_socket(SOCK_STREAM, 0);
        ns->port = port_of_socket(ns->listener);
        ns->udp = bound_socket(SOCK_DGRAM, ns->port);
        if (ns->udp < 0)                                /* somebody else has that one */
            close(ns->listener);
    }
    ns->stranger = bound_socket(SOCK_DGRAM, 0);
    REQUIRE(listen(ns->listener, MOST_CALLERS) == 0, "no port could be had twice, for UDP and TCP");
    watch_socket(ns, ns->udp);
    watch_socket(ns, ns->listener);
    snprintf(ns->at, sizeof ns->at, "127.0.0.1:%d", ns->port);
    REQUIRE(loop_add_handler(loop, ns->epfd, READABLE, nameserver_ready, ns) == 0, "the loop takes no handler");
    loop_hold(loop, -1);
}

static inline void nameserver_end(struct nameserver *ns)
{
    loop_hold(ns->loop, 1);
    loop_remove_handler(ns->loop, ns->epfd);
    for (int i = 0; i < MOST_CALLERS; i++)
        if (ns->callers[i])
            close(ns->callers[i]);
    close(ns->udp);
    close(ns->stranger);
    close(ns->listener);
    close(ns->epfd);
    free(ns->held);
}

#endif
