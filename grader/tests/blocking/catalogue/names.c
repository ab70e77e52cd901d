/* names.c - names that a slow server knows. It is on loopback, and only this thread's resolver is told of it: no file is
 * changed, and no right is needed.
 *
 * The trap it exists for: a resolver that answers out of a file, or that has no server to ask and says so at once. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PACKET_HEAD = 12 };

static int server = -1;
static const char name[] = "slow.example.test";

/* For the loop's thread. */
void names_begin(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    struct addrinfo *found = NULL, numeric = { .ai_flags = AI_NUMERICHOST };
    server = (int)must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
    must(bind(server, (struct sockaddr *)&at, sizeof at), "bind");
    must(getsockname(server, (struct sockaddr *)&at, &len), "getsockname");
    getaddrinfo("127.0.0.1", NULL, &numeric, &found);
    freeaddrinfo(found);
    res_init();
    _res.nscount = 1;
    _res.nsaddr_list[0] = at;
    _res.retrans = 20;
}

/* Where the question ends. */
static size_t question_end(const unsigned char *packet, size_t len)
{
    size_t at = PACKET_HEAD;
    while (at < len && packet[at])
        at += packet[at] + 1U;
    return at + 5;
}

static size_t answer_make(unsigned char *packet, size_t len)
{
    static const unsigned char address[] = { 0xc0, PACKET_HEAD, 0, ns_t_a, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 1 };
    static const unsigned char pointer[] = { 0xc0, PACKET_HEAD, 0, ns_t_ptr, 0, 1, 0, 0, 0, 0, 0, 6, 4, 's', 'l', 'o', 'w', 0 };
    size_t end = question_end(packet, len);
    int type = end <= len ? packet[end - 3] : 0;
    packet[2] |= 0x80;
    packet[3] = 0x80;
    memset(packet + 6, 0, 6);
    packet[7] = type == ns_t_a || type == ns_t_ptr;
    if (type == ns_t_a)
        memcpy(packet + end, address, sizeof address);
    if (type == ns_t_ptr)
        memcpy(packet + end, pointer, sizeof pointer);
    return end + (type == ns_t_a ? sizeof address : type == ns_t_ptr ? sizeof pointer : 0);
}

static void answer(struct trial *t)
{
    unsigned char packet[600];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    (void)t;
    for (ssize_t got; (got = recvfrom(server, packet, 512, 0, (struct sockaddr *)&from, &len)) > PACKET_HEAD;)
        sendto(server, packet, answer_make(packet, (size_t)got), 0, (struct sockaddr *)&from, len);
}

static void looks_up(struct trial *t)
{
    struct addrinfo *found = NULL, hints = { .ai_socktype = SOCK_STREAM };
    OPERATION(t, t->result = getaddrinfo(name, "80", &hints, &found));
    if (found)
        freeaddrinfo(found);
}

static void looks_up_as_of_old(struct trial *t)
{
    OPERATION(t, t->result = gethostbyname(name) != NULL);
}

static void looks_up_one_family(struct trial *t)
{
    OPERATION(t, t->result = gethostbyname2(name, AF_INET) != NULL);
}

static void looks_up_again(struct trial *t)
{
    struct hostent entry, *found;
    int error;
    OPERATION(t, t->result = gethostbyname_r(name, &entry, bytes, 4096, &found, &error));
}

static void looks_back(struct trial *t)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201) };
    char host[256];
    OPERATION(t, t->result = getnameinfo((struct sockaddr *)&at, sizeof at, host, sizeof host, NULL, 0, 0));
}

static void looks_back_as_of_old(struct trial *t)
{
    struct in_addr at = { htonl(0xc0000201) };
    OPERATION(t, t->result = gethostbyaddr(&at, sizeof at, AF_INET) != NULL);
}

static void asks_a_server(struct trial *t)
{
    unsigned char packet[512];
    OPERATION(t, t->result = res_query(name, ns_c_in, ns_t_a, packet, sizeof packet));
}

const struct behaviour names[] = {
    { "getaddrinfo", BLOCKS, "getaddrinfo", looks_up, answer, answer, NULL },
    { "gethostbyname", BLOCKS, "gethostbyname", looks_up_as_of_old, answer, answer, NULL },
    { "gethostbyname2", BLOCKS, "gethostbyname2", looks_up_one_family, answer, answer, NULL },
    { "gethostbyname_r", BLOCKS, "gethostbyname_r", looks_up_again, answer, answer, NULL },
    { "getnameinfo", BLOCKS, "getnameinfo", looks_back, answer, answer, NULL },
    { "gethostbyaddr", BLOCKS, "gethostbyaddr", looks_back_as_of_old, answer, answer, NULL },
    { "res_query", BLOCKS, "res_query", asks_a_server, answer, answer, NULL },
    { 0 },
};
