/* forwarded.c - what proxies say. See forwarded.h.
 *
 * Trap: a list is cut from its end, and never looked at further to the left than is believed. Who cuts from its beginning lets
 * one quote of the client's swallow what the proxy has put behind it. */
#include "http/forwarded.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum { ADDRESS_ROOM = 48, ELEMENT_ROOM = 512 };     /* bytes: the longest literal, and a zero; an item of Forwarded */

/* ---- addresses --------------------------------------------------------------------------------------------------- */

/* Its bytes, and how many bits that is; 0: a unix socket's, or none. */
static int address_bits(const struct address *a, sa_family_t *family, const unsigned char **bytes)
{
    *family = a->at.ss_family;
    if (*family == AF_INET) {
        *bytes = (const unsigned char *)&((const struct sockaddr_in *)&a->at)->sin_addr;
        return 32;
    }
    if (*family != AF_INET6)
        return 0;
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)&a->at)->sin6_addr;
    *bytes = in6->s6_addr;
    if (!IN6_IS_ADDR_V4MAPPED(in6))
        return 128;
    *family = AF_INET;
    *bytes += 12;
    return 32;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    return memcmp(a, b, whole) == 0 && (!rest || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

/* A literal and nothing else; IPv4 only if `four`, IPv6 only if `six`. */
static int read_literal(struct bytes text, bool four, bool six, int port, struct address *out)
{
    char literal[ADDRESS_ROOM];
    if (!text.len || text.len >= sizeof literal)
        return -EINVAL;
    for (size_t i = 0; i < text.len; i++)
        if (text_hex(text.data[i]) < 0 && text.data[i] != '.' && text.data[i] != ':')
            return -EINVAL;
    if (memchr(text.data, ':', text.len) ? !six : !four)
        return -EINVAL;
    memcpy(literal, text.data, text.len);
    literal[text.len] = '\0';
    return address_parse(literal, port, out);
}

static struct bytes from(struct bytes text, size_t at)
{
    return (struct bytes){ text.data + at, text.len - at };
}

/* ":80", or nothing. Forwarded may hide it: ":_http". */
static int read_port(struct bytes text, int *port)
{
    int64_t n = 0;
    *port = 0;
    if (!text.len)
        return 0;
    if (text.data[0] != ':' || text.len < 2)
        return -EINVAL;
    text = from(text, 1);
    if (text.data[0] == '_')
        return text.len > 1 && text_is_token(text) ? 0 : -EINVAL;
    if (text_number(text, 65535, &n) < 0)
        return -EINVAL;
    *port = (int)n;
    return 0;
}

int forwarded_address(struct bytes text, struct address *out)
{
    int port;
    struct address a;
    const char *colon = text.len ? memchr(text.data, ':', text.len) : NULL;
    const char *end = text.len && text.data[0] == '[' ? memchr(text.data, ']', text.len) : NULL;
    bool one_colon = colon && !memchr(colon + 1, ':', (size_t)(text.data + text.len - colon - 1));
    struct bytes host = text, rest = {0};
    if (end) {
        host = (struct bytes){ text.data + 1, (size_t)(end - text.data - 1) };
        rest = from(text, (size_t)(end + 1 - text.data));
    } else if (one_colon) {
        host.len = (size_t)(colon - text.data);
        rest = from(text, host.len);
    }
    if (read_port(rest, &port) < 0 || read_literal(host, !end, end || !one_colon, port, &a) < 0)
        return -EINVAL;
    *out = a;
    return 0;
}

/* ---- whom to trust ----------------------------------------------------------------------------------------------- */

static int read_block(struct bytes text, struct trusted_block *out)
{
    const char *slash = memchr(text.data, '/', text.len);
    struct bytes host = { text.data, slash ? (size_t)(slash - text.data) : text.len };
    const unsigned char *bytes = NULL;
    struct address a;
    int64_t bits = 0;
    *out = (struct trusted_block){ .family = AF_UNIX };
    if (text_is(text, "unix:"))
        return 0;
    if (read_literal(host, true, true, 0, &a) < 0)
        return -EINVAL;
    int most = address_bits(&a, &out->family, &bytes);
    if (slash && text_number(from(text, host.len + 1), most, &bits) < 0)
        return -EINVAL;
    out->bits = (unsigned char)(slash ? bits : most);
    memcpy(out->address, bytes, (size_t)most / 8);
    return 0;
}

int trusted_add(struct trusted *t, struct bytes list, struct bytes *wrong)
{
    while (text_next(&list, wrong)) {
        if (t->count == TRUSTED_BLOCKS)
            return -ENOSPC;
        if (read_block(*wrong, &t->blocks[t->count]) < 0)
            return -EINVAL;
        t->count++;
    }
    return 0;
}

bool trusted_has(const struct trusted *t, const struct address *a)
{
    const unsigned char *bytes = NULL;
    sa_family_t family;
    address_bits(a, &family, &bytes);
    for (const struct trusted_block *b = t->blocks; b < t->blocks + t->count; b++)
        if (b->family == family && (!b->bits || same_bits(b->address, bytes, b->bits)))
            return true;
    return false;
}

/* ---- lists, from their end --------------------------------------------------------------------------------------- */

struct list {                           /* of all fields of that name together */
    const struct headers *headers;
    const char *name;
    int fields;                         /* so many are left of all fields there are */
    struct bytes rest;                  /* of the one that is read */
    bool quotes;                        /* commas in quotes are none */
};

/* Whether a backslash takes away what the byte there means. */
static bool is_escaped(struct bytes text, size_t at)
{
    size_t first = at;
    while (first && text.data[first - 1] == '\\')
        first--;
    return (at - first) % 2;
}

/* Where the last item begins. */
static size_t last_item(struct bytes text, bool quotes)
{
    bool inside = false;
    for (size_t at = text.len; at; at--) {
        char c = text.data[at - 1];
        if (quotes && c == '"' && !(inside && is_escaped(text, at - 1)))
            inside = !inside;
        else if (c == ',' && !inside)
            return at;
    }
    return 0;
}

/* The item before those that were given; false: no more. */
static bool list_previous(struct list *l, struct bytes *item)
{
    for (;;) {
        while (l->rest.len) {
            size_t at = last_item(l->rest, l->quotes);
            *item = text_trim(from(l->rest, at));
            l->rest.len = at ? at - 1 : 0;
            if (item->len)
                return true;
        }
        while (l->fields && !text_alike(l->headers->at[l->fields - 1].name, l->name))
            l->fields--;
        if (!l->fields)
            return false;
        l->rest = l->headers->at[--l->fields].value;
    }
}

/* ---- fields ------------------------------------------------------------------------------------------------------ */

static bool read_scheme(struct bytes text, bool *secure)
{
    bool https = text_alike(text, "https");
    if (!https && !text_alike(text, "http"))
        return false;
    *secure = https;
    return true;
}

/* What stands there alone; {NULL, 0}: nothing, or twice. */
static struct bytes only(const struct headers *h, const char *name)
{
    return headers_count(h, name) == 1 ? headers_get(h, name) : (struct bytes){0};
}

/* An item of a list: whether it says who; and where it says how, *secure. */
typedef bool read_item(struct bytes item, struct address *remote, bool *secure);

static bool read_plain(struct bytes item, struct address *remote, bool *secure)
{
    (void)secure;
    return forwarded_address(item, remote) == 0;
}

/* for="[2001:db8::1]:80";proto=https;by=10.0.0.7. One that is no such thing says nothing at all. */
static bool read_element(struct bytes item, struct address *remote, bool *secure)
{
    char node[ELEMENT_ROOM];
    struct bytes name, value, who = {0}, how = {0};
    int rc;
    if (item.len > sizeof node)
        return false;
    while ((rc = text_parameter(&item, &name, &value)) > 0) {
        struct bytes *found = text_alike(name, "for") ? &who : text_alike(name, "proto") ? &how : NULL;
        if (found && found->data)
            return false;
        if (found)
            *found = value;
    }
    if (rc < 0)
        return false;
    read_scheme((struct bytes){ node, text_unquote(how, node) }, secure);
    return who.data && forwarded_address((struct bytes){ node, text_unquote(who, node) }, remote) == 0;
}

/* From its end past those who are trusted. Whether anybody is there. */
static bool read_list(const struct trusted *t, struct list l, read_item *reads, struct address *remote, bool *secure)
{
    struct bytes item;
    struct address a;
    bool found = false;
    for (int hops = 1; list_previous(&l, &item) && reads(item, &a, secure); hops++) {
        found = true;
        *remote = a;
        if (hops == t->hops || !trusted_has(t, &a))
            break;
    }
    return found;
}

/* The one that the nearest proxy has said. */
static bool read_last_scheme(struct list l, bool *secure)
{
    struct bytes item;
    return list_previous(&l, &item) && read_scheme(item, secure);
}

static struct list list_of(const struct headers *h, const char *name, bool quotes)
{
    return (struct list){ .headers = h, .name = name, .fields = h->count, .quotes = quotes };
}

void forwarded_read(const struct trusted *t, const struct headers *h, struct address *remote, bool *secure)
{
    int fields = t->fields ? t->fields : FORWARDED_X_REAL | FORWARDED_X_FORWARDED | FORWARDED_STANDARD;
    bool who = false, how = false;
    if (!trusted_has(t, remote))
        return;
    if (fields & FORWARDED_X_REAL) {
        who = forwarded_address(only(h, "X-Real-Ip"), remote) == 0;
        how = read_scheme(only(h, "X-Scheme"), secure);
    }
    if (fields & FORWARDED_X_FORWARDED) {
        who = who || read_list(t, list_of(h, "X-Forwarded-For", false), read_plain, remote, secure);
        how = how || read_last_scheme(list_of(h, "X-Forwarded-Proto", false), secure);
    }
    if (fields & FORWARDED_STANDARD && !who && !how)
        read_list(t, list_of(h, "Forwarded", true), read_element, remote, secure);
}
