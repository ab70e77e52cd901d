/* address.c - literal addresses, read and written. See address.h.
 *
 * Traps: a path in an address may fill it, without a zero at its end; what we make always has one. And an abstract name may
 * contain any bytes: what cannot be printed is shown as '?'. */
#include "stream/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { BEFORE_PATH = offsetof(struct sockaddr_un, sun_path), LONGEST_IP = INET6_ADDRSTRLEN + 12 };

static const char unix_prefix[] = "unix:";

static int parse_unix(const char *name, struct address *out)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->at;
    size_t len = strlen(name);
    bool abstract = name[0] == '@';
    if (len == 0 || (abstract && len == 1))
        return -EINVAL;
    if (len >= sizeof un->sun_path)
        return -ENAMETOOLONG;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, name, len);
    if (abstract)
        un->sun_path[0] = '\0';
    out->len = (socklen_t)(BEFORE_PATH + len + !abstract);
    return 0;
}

static int parse_ipv4(const char *host, struct address *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&out->at;
    if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
        return -EINVAL;
    in->sin_family = AF_INET;
    out->len = sizeof *in;
    return 0;
}

/* "2", of at most nine digits. */
static bool parse_scope(const char *text, uint32_t *scope)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || text[digits])
        return false;
    *scope = (uint32_t)strtoul(text, NULL, 10);
    return true;
}

static int parse_ipv6(const char *host, struct address *out)
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->at;
    char digits[LONGEST_IP];
    size_t len = strcspn(host, "%");
    if (len >= sizeof digits || (host[len] && !parse_scope(host + len + 1, &in6->sin6_scope_id)))
        return -EINVAL;
    memcpy(digits, host, len);
    digits[len] = '\0';
    if (inet_pton(AF_INET6, digits, &in6->sin6_addr) != 1)
        return -EINVAL;
    in6->sin6_family = AF_INET6;
    out->len = sizeof *in6;
    return 0;
}

int address_parse(const char *host, int port, struct address *out)
{
    *out = (struct address){0};
    if (strncmp(host, unix_prefix, sizeof unix_prefix - 1) == 0)
        return parse_unix(host + sizeof unix_prefix - 1, out);
    if (port < 0 || port > 65535)
        return -EINVAL;
    int rc = strchr(host, ':') ? parse_ipv6(host, out) : parse_ipv4(host, out);
    address_set_port(out, port);
    return rc;
}

bool address_valid_ip(struct bytes text)
{
    char host[LONGEST_IP];
    struct address a;
    if (text.len >= sizeof host || memchr(text.data ? text.data : "", '\0', text.len))
        return false;
    memcpy(host, text.data ? text.data : "", text.len);
    host[text.len] = '\0';
    return address_parse(host, 0, &a) == 0 && a.at.ss_family != AF_UNIX;
}

static const char *text_unix(const struct address *a, char out[ADDRESS_TEXT])
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)&a->at;
    size_t len = a->len > BEFORE_PATH ? a->len - BEFORE_PATH : 0, at = sizeof unix_prefix - 1;
    bool abstract = len > 0 && un->sun_path[0] == '\0';
    if (!abstract)
        len = strnlen(un->sun_path, len);
    strcpy(out, unix_prefix);
    for (size_t i = 0; i < len && at < ADDRESS_TEXT - 1; i++)
        out[at++] = isprint((unsigned char)un->sun_path[i]) ? un->sun_path[i] : '?';
    out[at] = '\0';
    if (abstract)
        out[sizeof unix_prefix - 1] = '@';
    return out;
}

static const char *text_ipv6(const struct address *a, char out[ADDRESS_TEXT])
{
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->at;
    char digits[INET6_ADDRSTRLEN], scope[16] = "";
    if (in6->sin6_scope_id)
        snprintf(scope, sizeof scope, "%%%u", in6->sin6_scope_id);
    inet_ntop(AF_INET6, &in6->sin6_addr, digits, sizeof digits);
    snprintf(out, ADDRESS_TEXT, "[%s%s]:%d", digits, scope, address_port(a));
    return out;
}

const char *address_text(const struct address *a, char out[ADDRESS_TEXT])
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&a->at;
    char digits[INET_ADDRSTRLEN];
    if (a->at.ss_family == AF_UNIX)
        return text_unix(a, out);
    if (a->at.ss_family == AF_INET6)
        return text_ipv6(a, out);
    if (a->at.ss_family == AF_INET)
        snprintf(out, ADDRESS_TEXT, "%s:%d", inet_ntop(AF_INET, &in->sin_addr, digits, sizeof digits), address_port(a));
    else
        snprintf(out, ADDRESS_TEXT, "an address of family %d", a->at.ss_family);
    return out;
}

static in_port_t *port_of(struct address *a)
{
    if (a->at.ss_family == AF_INET)
        return &((struct sockaddr_in *)&a->at)->sin_port;
    return a->at.ss_family == AF_INET6 ? &((struct sockaddr_in6 *)&a->at)->sin6_port : NULL;
}

int address_port(const struct address *a)
{
    const in_port_t *port = port_of((struct address *)a);
    return port ? ntohs(*port) : 0;
}

void address_set_port(struct address *a, int port)
{
    in_port_t *at = port_of(a);
    if (at)
        *at = htons((uint16_t)port);
}

const char *address_path(const struct address *a)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)&a->at;
    return a->at.ss_family == AF_UNIX && a->len > BEFORE_PATH && un->sun_path[0] ? un->sun_path : NULL;
}
