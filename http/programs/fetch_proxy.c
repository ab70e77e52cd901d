/* fetch_proxy.c - which proxy a host is asked through, as curl chooses it: -x, or http_proxy, https_proxy, all_proxy; and none
 * for the hosts of no_proxy. The trap it exists for: HTTP_PROXY, which in a CGI program is a stranger's header "Proxy"; so small
 * letters alone are read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/programs/fetch.h"
#include "stream/address.h"

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool ends_alike(struct bytes host, struct bytes with)
{
    return host.len >= with.len && text_alike_bytes(host.data + host.len - with.len, with.data, with.len);
}

/* "example.org" and ".example.org" are the host itself, and all below it; an address is only itself. */
static bool covers(struct bytes entry, struct bytes host)
{
    if (entry.len && entry.data[0] == '.')
        entry = (struct bytes){ entry.data + 1, entry.len - 1 };
    if (entry.len > 1 && entry.data[0] == '[' && entry.data[entry.len - 1] == ']')
        entry = (struct bytes){ entry.data + 1, entry.len - 2 };
    if (entry.len == 0 || !ends_alike(host, entry))
        return false;
    return host.len == entry.len || (host.data[host.len - entry.len - 1] == '.' && !address_valid_ip(host));
}

/* Entries stand between commas or blanks; "*" is all hosts. */
static bool is_exempt(struct bytes host)
{
    const char *at = variable("no_proxy");
    if (at && strcmp(at, "*") == 0)
        return true;
    while (at && *at) {
        size_t len = strcspn(at, ", \t");
        if (covers((struct bytes){ at, len }, host))
            return true;
        at += len + strspn(at + len, ", \t");
    }
    return false;
}

/* For http, and for https; NULL: none. */
static char *chosen[2];

/* host:port is curl's for http://host:port. */
static char *with_scheme(const char *proxy)
{
    char *out = NULL;
    if (strstr(proxy, "://") || !*proxy)
        return strdup(proxy);
    return asprintf(&out, "http://%s", proxy) < 0 ? NULL : out;
}

bool proxies_begin(const char *given)
{
    static const char *const names[2] = { "http_proxy", "https_proxy" };
    bool well = true;
    for (int i = 0; i < 2; i++) {
        const char *proxy = given ? given : variable(names[i]) ? variable(names[i]) : variable("all_proxy");
        chosen[i] = proxy ? with_scheme(proxy) : NULL;
        well &= !proxy || chosen[i];
    }
    return well;
}

const char *proxies_choose(void *self, bool secure, const char *host)
{
    (void)self;
    return is_exempt(text_of(host)) ? NULL : chosen[secure];
}

void proxies_end(void)
{
    free(chosen[0]);
    free(chosen[1]);
}
