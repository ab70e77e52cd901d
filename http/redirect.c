/* redirect.c - where an answer sends us. See redirect.h.
 *
 * Trap: a name and a password in the URL are cut out before anything else is done with it, so that no log, no Host and no later
 * Location ever has them. */
#include "http/redirect.h"

#include <errno.h>
#include <string.h>

#include "http/text_class.h"

static int fails(int rc, const char **why)
{
    if (rc == -ENOMEM)
        *why = "no memory for the URL";
    else if (rc == -EPROTONOSUPPORT)
        *why = "the URL is neither http nor https: nothing else is spoken here";
    else
        *why = "it is no URL of a host: http://host/path is one; spaces and control bytes are written %20, %0A";
    return rc;
}

static void put_host(struct hop *hop, char *out)
{
    struct bytes host = hop->url.host;
    for (size_t i = 0; i < host.len; i++)
        out[i] = (char)(text_class(host.data[i]) & ALPHA ? host.data[i] | 0x20 : host.data[i]);
    out[host.len] = '\0';
    hop->host = out;
}

/* "name:password@" out of hop->text. */
static void cut_user(struct hop *hop)
{
    char *user = hop->text + (hop->url.user.data - hop->text), *behind = user + hop->url.user.len + 1;
    memmove(user, behind, strlen(behind) + 1);
}

/* hop->text has room for twice its length. */
static int understand(struct hop *hop)
{
    int rc = url_parse(text_of(hop->text), &hop->url);
    if (rc == 0 && hop->url.user.data) {
        cut_user(hop);
        rc = url_parse(text_of(hop->text), &hop->url);
    }
    if (rc == 0)
        rc = url_http(&hop->url, &hop->secure, &hop->port);
    if (rc == 0)
        put_host(hop, hop->text + strlen(hop->text) + 1);
    return rc;
}

int hop_first(struct sys *sys, const char *url, const char *method, bool body, struct hop *out, const char **why)
{
    size_t len = strlen(url);
    *out = (struct hop){ .method = method, .body = body, .trusted = true };
    out->text = sys->memory(sys, NULL, 2 * (len + 1));
    if (!out->text)
        return fails(-ENOMEM, why);
    memcpy(out->text, url, len + 1);
    int rc = understand(out);
    return rc < 0 ? fails(rc, why) : 0;
}

void hop_end(struct sys *sys, struct hop *hop)
{
    sys_free(sys, hop->text);
    hop->text = NULL;
}

bool redirect_asked(int status, struct bytes location)
{
    return location.data && (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

static bool becomes_get(const char *method, int status)
{
    if (status == 303)
        return strcmp(method, "HEAD") != 0;
    return (status == 301 || status == 302) && strcmp(method, "POST") == 0;
}

int redirect_follow(struct sys *sys, const struct hop *from, int status, struct bytes location, struct hop *out, const char **why)
{
    size_t most = strlen(from->text) + location.len + sizeof "://";
    bool get = becomes_get(from->method, status);
    *out = (struct hop){ .method = get ? "GET" : from->method, .body = from->body && !get };
    out->text = sys->memory(sys, NULL, 2 * most);
    if (!out->text)
        return fails(-ENOMEM, why);
    ssize_t len = url_resolve(&from->url, location, out->text, most - 1);
    int rc = len < 0 ? (int)len : 0;
    if (rc == 0) {
        out->text[len] = '\0';
        rc = understand(out);
    }
    if (rc < 0) {
        hop_end(sys, out);
        return fails(rc == -ENOSPC ? -EINVAL : rc, why);
    }
    out->trusted = from->trusted && url_same_origin(&from->url, &out->url);
    return 0;
}
