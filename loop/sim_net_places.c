/* sim_net_places.c - addresses of IPv4 and IPv6, in one form.
 *
 * The trap it exists for: an IPv6 socket speaks IPv4 as well, and calls it ::ffff:a.b.c.d; so there is one form for both
 * within, and how it is told to the program depends on the socket, not on the address. */
#include "loop/sim_net_inside.h"

#include <errno.h>
#include <string.h>

enum { SHORTEST_V6 = 24 };          /* without the scope: RFC 2133 */

static const struct in6_addr v4_any = { { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0 } } };

bool place_is_v4(const struct place *p)
{
    return memcmp(&p->ip, &v4_any, 12) == 0;
}

bool place_is_any(const struct place *p)
{
    return memcmp(&p->ip, &v4_any, sizeof v4_any) == 0 || memcmp(&p->ip, &in6addr_any, sizeof in6addr_any) == 0;
}

bool ip_same(const struct place *a, const struct place *b)
{
    return memcmp(&a->ip, &b->ip, sizeof a->ip) == 0;
}

static void set_v4(struct place *p, uint32_t ip)
{
    ip = htonl(ip);
    p->ip = v4_any;
    memcpy(&p->ip.s6_addr[12], &ip, sizeof ip);
}

static uint32_t v4_of(const struct place *p)
{
    uint32_t ip;
    memcpy(&ip, &p->ip.s6_addr[12], sizeof ip);
    return ip;
}

int place_read(struct place *p, int domain, const struct sockaddr *address, socklen_t len)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6 = {0};
    if (len < (domain == AF_INET ? sizeof in : SHORTEST_V6))
        return -EINVAL;
    if (address->sa_family != domain)
        return -EAFNOSUPPORT;
    if (domain == AF_INET) {
        memcpy(&in, address, sizeof in);
        set_v4(p, ntohl(in.sin_addr.s_addr));
        p->port = ntohs(in.sin_port);
    } else {
        memcpy(&in6, address, len < sizeof in6 ? len : sizeof in6);
        p->ip = in6.sin6_addr;
        p->port = ntohs(in6.sin6_port);
    }
    return 0;
}

void place_write(const struct place *p, int domain, struct address *out)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(p->port), .sin_addr.s_addr = v4_of(p) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(p->port), .sin6_addr = p->ip };
    *out = (struct address){ .len = domain == AF_INET ? sizeof in : sizeof in6 };
    if (domain == AF_INET)
        memcpy(&out->at, &in, sizeof in);
    else
        memcpy(&out->at, &in6, sizeof in6);
}

static const struct in6_addr host_v6 = { { { 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } } };

enum { HOST_V4 = 10 << 24 | 1 };

bool place_is_ours(const struct place *p)
{
    if (place_is_v4(p))
        return p->ip.s6_addr[12] == 127 || v4_of(p) == htonl(HOST_V4);
    return IN6_IS_ADDR_LOOPBACK(&p->ip) || memcmp(&p->ip, &host_v6, sizeof host_v6) == 0;
}

void place_towards(const struct place *far, struct place *out)
{
    if (place_is_v4(far))
        set_v4(out, far->ip.s6_addr[12] == 127 ? INADDR_LOOPBACK : HOST_V4);
    else
        out->ip = IN6_IS_ADDR_LOOPBACK(&far->ip) ? in6addr_loopback : host_v6;
}
