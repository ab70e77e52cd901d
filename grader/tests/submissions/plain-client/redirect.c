/* Redirects, written from the handout alone. */
#include "http/redirect.h"

#include <errno.h>
#include <string.h>

static int because(int rc, const char **why)
{
    *why = rc == -ENOMEM ? "no memory for a URL" : rc == -EPROTONOSUPPORT ? "neither http nor https" : "no URL to ask for";
    return rc;
}

/* text[0 .. size) has the URL; the host, as a string, goes behind it. */
static int read_url(struct hop *hop, size_t size)
{
    struct bytes all = { hop->text, strlen(hop->text) };
    int rc = url_parse(all, &hop->url);
    if (rc < 0)
        return rc;
    if (hop->url.user.data) {
        size_t at = (size_t)(hop->url.user.data - hop->text), cut = hop->url.user.len + 1;
        memmove(hop->text + at, hop->text + at + cut, all.len - at - cut + 1);
        return read_url(hop, size);
    }
    char *host = hop->text + size;
    for (size_t i = 0; i < hop->url.host.len; i++) {
        char c = hop->url.host.data[i];
        host[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    host[hop->url.host.len] = 0;
    hop->host = host;
    return url_http(&hop->url, &hop->secure, &hop->port);
}

int hop_first(struct sys *sys, const char *url, const char *method, bool body, struct hop *out, const char **why)
{
    size_t size = strlen(url) + 1;
    *out = (struct hop){ .method = method, .body = body, .trusted = true };
    out->text = sys_new(sys, 2 * size);
    if (!out->text)
        return because(-ENOMEM, why);
    memcpy(out->text, url, size);
    int rc = read_url(out, size);
    return rc < 0 ? because(rc, why) : 0;
}

void hop_end(struct sys *sys, struct hop *hop)
{
    sys_free(sys, hop->text);
    hop->text = NULL;
}

bool redirect_asked(int status, struct bytes location)
{
    return location.data && status >= 301 && status <= 308 && status != 304 && status != 305 && status != 306;
}

int redirect_follow(struct sys *sys, const struct hop *from, int status, struct bytes location, struct hop *out, const char **why)
{
    size_t size = strlen(from->text) + location.len + 16;
    bool post = strcmp(from->method, "POST") == 0, head = strcmp(from->method, "HEAD") == 0;
    bool get = status == 303 ? !head : status < 303 && post;
    *out = (struct hop){ .method = get ? "GET" : from->method, .body = from->body && !get };
    out->text = sys_new(sys, 2 * size);
    if (!out->text)
        return because(-ENOMEM, why);
    ssize_t n = url_resolve(&from->url, location, out->text, size - 1);
    int rc = n < 0 ? -EINVAL : 0;
    if (rc == 0) {
        out->text[n] = 0;
        rc = read_url(out, size);
    }
    out->trusted = rc == 0 && from->trusted && url_same_origin(&from->url, &out->url);
    if (rc == 0)
        return 0;
    hop_end(sys, out);
    return because(rc, why);
}
