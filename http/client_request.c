/* client_request.c - the head of a request. See client_request.h for the traps. */
#include "http/client_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- what is asked for ----------------------------------------------------------------------------------------------- */

bool request_has_body(const struct http_fetch *what)
{
    return what->body.data || what->produce;
}

int64_t request_length(const struct http_fetch *what)
{
    if (!what->produce)
        return (int64_t)what->body.len;
    return what->length > 0 ? what->length : -1;
}

static struct headers headers_of(const struct http_fetch *what)
{
    return (struct headers){ (struct header *)what->headers, what->header_count, what->header_count };
}

bool request_may_be_packed(const struct http_fetch *what)
{
    struct headers h = headers_of(what);
    return headers_count(&h, "accept-encoding") == 0 && headers_count(&h, "range") == 0;
}

bool request_closes(const struct http_fetch *what)
{
    struct headers h = headers_of(what);
    return headers_list(&h, "connection", "close");
}

bool request_is_idempotent(const char *method)
{
    static const char *const known[] = { "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", NULL };
    for (const char *const *each = known; *each; each++)
        if (strcmp(*each, method) == 0)
            return true;
    return false;
}

static int wrong(const char **why, const char *sentence)
{
    *why = sentence;
    return -EINVAL;
}

static bool is_ours(struct bytes name)
{
    return text_alike(name, "content-length") || text_alike(name, "transfer-encoding") || text_alike(name, "expect") ||
           text_alike(name, "proxy-authorization");
}

static int check_header(const struct header *h, const char **why)
{
    struct bytes host;
    int port;
    if (!text_is_token(h->name) || !text_is_value(h->value))
        return wrong(why, "a header has bytes in its name or its value that may not stand there: CR, LF and other control bytes");
    if (is_ours(h->name))
        return wrong(why, "Content-Length, Transfer-Encoding, Expect, Proxy-Authorization are the client's to say: use body, "
                     "length, expect_continue, proxy");
    if (text_alike(h->name, "host") && url_authority(h->value, &host, &port) < 0)
        return wrong(why, "the header Host is no host with or without a port");
    return 0;
}

int request_check(const struct http_fetch *what, const char **why)
{
    int rc = 0;
    if (!what->url)
        return wrong(why, "there is no URL");
    if (what->method && !text_is_token(text_of(what->method)))
        return wrong(why, "the method is no word of letters, digits and hyphens");
    if (what->method && strcmp(what->method, "CONNECT") == 0)
        return wrong(why, "CONNECT is the client's to say to proxies: use proxy");
    if (what->user && strchr(what->user, ':'))
        return wrong(why, "the user's name has a colon in it: Basic authentication ends it there");
    if (what->body.data && what->produce)
        return wrong(why, "there are two bodies: body and produce");
    for (int i = 0; rc == 0 && i < what->header_count; i++)
        rc = check_header(&what->headers[i], why);
    return rc;
}

/* ---- putting it together --------------------------------------------------------------------------------------------- */

enum { USUAL = 512, DIGITS = 20 };      /* bytes: of most heads; of a number */

struct writer {
    struct sys *sys;
    struct buffer *out;
    char *begin, *at, *end;             /* room behind what is in `out`, and how far it has been written to */
    int rc;
};

/* What was written is in the buffer, and there is room for so much more; or not: w->rc. */
static void make_room(struct writer *w, size_t least)
{
    buffer_put(w->out, (size_t)(w->at - w->begin));
    ssize_t room = buffer_room(w->out, w->sys, least < USUAL ? USUAL : least, SIZE_MAX, &w->begin);
    w->at = w->begin;
    w->end = w->begin + (room < 0 ? 0 : room);
    w->rc = room < 0 ? (int)room : 0;
}

static inline void put(struct writer *w, struct bytes text)
{
    if (text.len > (size_t)(w->end - w->at) && w->rc == 0)
        make_room(w, text.len);
    if (w->rc < 0 || text.len == 0)
        return;
    memcpy(w->at, text.data, text.len);
    w->at += text.len;
}

static inline void put_text(struct writer *w, const char *text)
{
    put(w, text_of(text));
}

static void put_number(struct writer *w, int64_t n)
{
    char text[DIGITS];
    size_t at = sizeof text;
    do
        text[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    put(w, (struct bytes){ text + at, sizeof text - at });
}

/* All of it is in the buffer; or some, and -ENOMEM. */
static int finish(struct writer *w)
{
    put_text(w, "\r\n");
    buffer_put(w->out, (size_t)(w->at - w->begin));
    return w->rc;
}

static void put_base64(struct writer *w, struct bytes in)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < in.len; i += 3) {
        unsigned left = in.len - i < 3 ? (unsigned)(in.len - i) : 3, bits = 0;
        char four[4] = "====";
        for (unsigned k = 0; k < 3; k++)
            bits = bits << 8 | (k < left ? (unsigned char)in.data[i + k] : 0);
        for (unsigned k = 0; k <= left; k++)
            four[k] = digits[bits >> (18 - 6 * k) & 63];
        put(w, (struct bytes){ four, 4 });
    }
}

/* Who asks: user and password, or, where user is NULL, those of the URL, if it has any. */
struct login {
    const char *user, *password, *url;
};

/* "name:password", into memory that is the caller's; NULL with w->rc 0: there is none. */
static char *credentials(struct writer *w, const struct login *who, size_t *len)
{
    struct url url;
    struct bytes both = { NULL, 0 };
    size_t user = who->user ? strlen(who->user) : 0, password = who->password ? strlen(who->password) : 0;
    if (!who->user && strchr(who->url, '@') && url_parse(text_of(who->url), &url) == 0)
        both = url.user;
    if (!who->user && !both.data)
        return NULL;
    char *out = w->sys->memory(w->sys, NULL, both.len + user + password + 2);
    if (!out) {
        w->rc = -ENOMEM;
    } else if (who->user) {
        *len = (size_t)sprintf(out, "%s:%s", who->user, who->password ? who->password : "");
    } else {
        *len = (size_t)url_decode(both, false, out);
        if (!memchr(both.data, ':', both.len))
            out[(*len)++] = ':';
    }
    return out;
}

static void put_credentials(struct writer *w, const char *field, const struct login *who)
{
    size_t len = 0;
    char *both = credentials(w, who, &len);
    if (!both)
        return;
    put_text(w, field);
    put_text(w, ": Basic ");
    put_base64(w, (struct bytes){ both, len });
    put_text(w, "\r\n");
    sys_free(w->sys, both);
}

/* host:port, without the port where it is the usual one. */
static void put_authority(struct writer *w, struct bytes host, int port, int usual)
{
    bool literal = memchr(host.data, ':', host.len) != NULL;
    put_text(w, literal ? "[" : "");
    put(w, host);
    put_text(w, literal ? "]" : "");
    if (port == usual)
        return;
    put_text(w, ":");
    put_number(w, port);
}

static void put_place(struct writer *w, const struct hop *hop)
{
    put_authority(w, hop->url.host, hop->port, hop->secure ? 443 : 80);
}

static void put_field(struct writer *w, const char *name, const char *value)
{
    put_text(w, name);
    put_text(w, ": ");
    put_text(w, value);
    put_text(w, "\r\n");
}

static bool begins(struct bytes name, const char *with)
{
    size_t len = strlen(with);
    return name.len >= len && text_alike((struct bytes){ name.data, len }, with);
}

/* Whether that one goes along on this hop. */
static bool comes_along(const struct http_fetch *what, const struct hop *hop, struct bytes name)
{
    bool secret = text_alike(name, "authorization") || text_alike(name, "cookie");
    if (!hop->trusted && (secret || text_alike(name, "host")))
        return false;
    return hop->body || !request_has_body(what) || !begins(name, "content-");
}

static bool put_headers(struct writer *w, const struct http_fetch *what, const struct hop *hop, const struct asker *by)
{
    struct headers h = headers_of(what);
    bool authorized = false;
    if (!hop->trusted || headers_count(&h, "host") == 0) {
        put_text(w, "Host: ");
        put_place(w, hop);
        put_text(w, "\r\n");
    }
    if (by->agent[0] && headers_count(&h, "user-agent") == 0)
        put_field(w, "User-Agent", by->agent);
    if (by->coding)
        put_field(w, "Accept-Encoding", by->coding);
    for (int i = 0; i < h.count; i++) {
        if (!comes_along(what, hop, h.at[i].name))
            continue;
        authorized |= text_alike(h.at[i].name, "authorization");
        put(w, h.at[i].name);
        put_text(w, ": ");
        put(w, text_trim(h.at[i].value));
        put_text(w, "\r\n");
    }
    return authorized;
}

/* A method that usually has a body says so also where it has none (RFC 9110, section 8.6). */
static void put_framing(struct writer *w, const struct http_fetch *what, const struct hop *hop)
{
    int64_t length = hop->body ? request_length(what) : 0;
    bool usual = strcmp(hop->method, "POST") == 0 || strcmp(hop->method, "PUT") == 0 || strcmp(hop->method, "PATCH") == 0;
    if (length < 0) {
        put_text(w, "Transfer-Encoding: chunked\r\n");
    } else if (hop->body || usual) {
        put_text(w, "Content-Length: ");
        put_number(w, length);
        put_text(w, "\r\n");
    }
    if (hop->body && length != 0 && what->expect_continue)
        put_text(w, "Expect: 100-continue\r\n");
}

/* As it is; but a byte that is no ASCII goes with a percent sign (RFC 3987, section 3.1). */
static void put_target(struct writer *w, struct bytes text)
{
    for (size_t at = 0, end; at < text.len; at = end) {
        char sign[4];
        for (end = at; end < text.len && (unsigned char)text.data[end] < 0x80; end++)
            ;
        put(w, (struct bytes){ text.data + at, end - at });
        if (end < text.len)
            put(w, (struct bytes){ sign, (size_t)snprintf(sign, sizeof sign, "%%%02X", (unsigned char)text.data[end++]) });
    }
}

int request_write(const struct http_fetch *what, const struct hop *hop, const char *proxy, const struct asker *by,
                  struct sys *sys, struct buffer *out)
{
    struct writer w = { .sys = sys, .out = out };
    put_text(&w, hop->method);
    put_text(&w, proxy ? " http://" : " ");
    if (proxy)
        put_place(&w, hop);
    put_target(&w, hop->url.path.len ? hop->url.path : text_of("/"));
    if (hop->url.query.data) {
        put_text(&w, "?");
        put_target(&w, hop->url.query);
    }
    put_text(&w, " HTTP/1.1\r\n");
    if (!put_headers(&w, what, hop, by) && hop->trusted)
        put_credentials(&w, "Authorization", &(struct login){ what->user, what->password, what->url });
    if (proxy)
        put_credentials(&w, "Proxy-Authorization", &(struct login){ .url = proxy });
    put_framing(&w, what, hop);
    return finish(&w);
}

int request_write_connect(const char *host, int port, const char *proxy, const char *agent, struct sys *sys, struct buffer *out)
{
    struct writer w = { .sys = sys, .out = out };
    put_text(&w, "CONNECT ");
    put_authority(&w, text_of(host), port, 0);
    put_text(&w, " HTTP/1.1\r\nHost: ");
    put_authority(&w, text_of(host), port, 0);
    put_text(&w, "\r\n");
    if (*agent)
        put_field(&w, "User-Agent", agent);
    put_credentials(&w, "Proxy-Authorization", &(struct login){ .url = proxy });
    return finish(&w);
}
