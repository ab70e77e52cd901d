/* As in many clients: a redirect is another page, at whatever the Location says. */
#include "http/redirect.h"

#include <errno.h>
#include <string.h>

static int set(struct hop *hop, const char *url, const char **why)
{
    struct bytes all = { hop->text, strlen(url) };
    memcpy(hop->text, url, all.len + 1);
    *why = "bad URL";
    if (url_parse(all, &hop->url) < 0)
        return -EINVAL;
    char *host = hop->text + all.len + 1;
    memcpy(host, hop->url.host.data, hop->url.host.len);
    host[hop->url.host.len] = 0;
    hop->host = host;
    return url_http(&hop->url, &hop->secure, &hop->port);
}

int hop_first(struct sys *sys, const char *url, const char *method, bool body, struct hop *out, const char **why)
{
    *out = (struct hop){ .method = method, .body = body, .trusted = true };
    out->text = sys_new(sys, 2 * strlen(url) + 2);
    return set(out, url, why);
}

void hop_end(struct sys *sys, struct hop *hop)
{
    sys_free(sys, hop->text);
    hop->text = NULL;
}

bool redirect_asked(int status, struct bytes location)
{
    return location.data && status / 100 == 3;
}

int redirect_follow(struct sys *sys, const struct hop *from, int status, struct bytes location, struct hop *out, const char **why)
{
    char url[2048];
    (void)status;
    ssize_t n = url_resolve(&from->url, location, url, sizeof url - 1);
    if (n < 0)
        return -EINVAL;
    url[n] = 0;
    return hop_first(sys, url, "GET", false, out, why);
}
