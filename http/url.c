/* url.c - addresses of pages. See url.h. */
#include "http/url.h"

#include <errno.h>
#include <string.h>

#include "http/text_scan.h"
#include "stream/address.h"

static struct bytes from_to(struct bytes text, size_t from, size_t to)
{
    return (struct bytes){ text.data + from, to - from };
}

/* Where the first of these bytes is; the length if none is there. */
static size_t find_any(struct bytes text, size_t from, const char *any)
{
    while (from < text.len && (!text.data[from] || !strchr(any, text.data[from])))
        from++;
    return from;
}

/* The same of one byte. */
static size_t find_one(struct bytes text, char one)
{
    const char *found = text.len ? memchr(text.data, one, text.len) : NULL;
    return found ? (size_t)(found - text.data) : text.len;
}

/* ---- taking apart ------------------------------------------------------------------------------------------------ */

static bool percent_ok(struct bytes text, size_t i)
{
    return i + 2 < text.len && text_hex(text.data[i + 1]) >= 0 && text_hex(text.data[i + 2]) >= 0;
}

/* Visible bytes, and percent signs with two digits behind them. */
static bool is_clean(struct bytes text)
{
    struct bytes rest = text;
    for (size_t at; (at = find_one(rest, '%')) < rest.len; rest = from_to(rest, at + 1, rest.len))
        if (!percent_ok(rest, at))
            return false;
    return text_scan(text.data, text.data + text.len, TARGET) == text.data + text.len;
}

/* A name (RFC 3986, section 3.2.2): unreserved, sub-delims, percent signs. */
static bool is_reg_name(struct bytes host)
{
    for (size_t i = 0; i < host.len; i++)
        if (!(text_class(host.data[i]) & (UNRESERVED | SUB_DELIM)) && !(host.data[i] == '%' && percent_ok(host, i)))
            return false;
    return true;
}

static int take_port(struct bytes text, int *port)
{
    int64_t n = 0;
    *port = 0;
    if (text.len && text_number(text, 65535, &n) < 0)
        return -EINVAL;
    *port = (int)n;
    return 0;
}

int url_authority(struct bytes text, struct bytes *host, int *port)
{
    bool literal = text.len && text.data[0] == '[';
    size_t end = find_one(text, literal ? ']' : ':');
    *host = literal ? from_to(text, 1, end) : from_to(text, 0, end);
    *port = 0;
    if (literal) {
        struct bytes ip = *host;
        if (end == text.len || !memchr(ip.data, ':', ip.len) || memchr(ip.data, '%', ip.len) || !address_valid_ip(ip))
            return -EINVAL;
        end++;
    } else if (!is_reg_name(*host)) {
        return -EINVAL;
    }
    if (end == text.len)
        return 0;
    return text.data[end] == ':' && host->len ? take_port(from_to(text, end + 1, text.len), port) : -EINVAL;
}

/* The length of the scheme, without its colon; 0: there is none. */
static size_t scheme_length(struct bytes text)
{
    size_t end = 0;
    while (end < text.len && (text_class(text.data[end]) & (ALPHA | DIGIT) || memchr("+-.", text.data[end], 3)))
        end++;
    return end < text.len && text.data[end] == ':' && text_class(text.data[0]) & ALPHA ? end : 0;
}

static int take_authority(struct bytes text, struct url *out)
{
    size_t at = find_one(text, '@');
    if (at == text.len)
        return url_authority(text, &out->host, &out->port);
    out->user = from_to(text, 0, at);
    text = from_to(text, at + 1, text.len);
    return find_one(text, '@') < text.len ? -EINVAL : url_authority(text, &out->host, &out->port);
}

/* From behind: the first '#' ends all that is before it, and of that the first '?'. */
int url_parse(struct bytes text, struct url *out)
{
    size_t hash = find_one(text, '#'), mark = find_one(from_to(text, 0, hash), '?'), at = scheme_length(from_to(text, 0, mark));
    *out = (struct url){ .scheme = from_to(text, 0, at) };
    if (!is_clean(text))
        return -EINVAL;
    at += at > 0;
    if (mark - at >= 2 && text.data[at] == '/' && text.data[at + 1] == '/') {
        struct bytes rest = from_to(text, at + 2, mark);
        size_t slash = find_one(rest, '/');
        if (take_authority(from_to(rest, 0, slash), out) < 0)
            return -EINVAL;
        at += 2 + slash;
    }
    out->path = from_to(text, at, mark);
    if (mark < hash)
        out->query = from_to(text, mark + 1, hash);
    if (hash < text.len)
        out->fragment = from_to(text, hash + 1, text.len);
    return 0;
}

int url_http(const struct url *url, bool *secure, int *port)
{
    *secure = text_alike(url->scheme, "https");
    if (!*secure && !text_alike(url->scheme, "http"))
        return -EPROTONOSUPPORT;
    *port = url->port ? url->port : *secure ? 443 : 80;
    return url->host.len ? 0 : -EINVAL;
}

static bool alike(struct bytes a, struct bytes b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++)
        if ((text_class(a.data[i]) & ALPHA ? a.data[i] | 0x20 : a.data[i]) !=
            (text_class(b.data[i]) & ALPHA ? b.data[i] | 0x20 : b.data[i]))
            return false;
    return a.len == b.len;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    bool secure_a, secure_b;
    int port_a, port_b;
    if (url_http(a, &secure_a, &port_a) < 0 || url_http(b, &secure_b, &port_b) < 0)
        return false;
    return secure_a == secure_b && port_a == port_b && alike(a->host, b->host);
}

/* ---- putting together -------------------------------------------------------------------------------------------- */

size_t url_remove_dots(struct bytes path, char *out)
{
    size_t len = 0, at = 0;
    bool absolute = path.len && path.data[0] == '/';
    while (at < path.len) {
        size_t begin = at + (path.data[at] == '/'), end = find_any(path, begin, "/");
        struct bytes segment = from_to(path, begin, end);
        bool up = text_is(segment, ".."), here = text_is(segment, "."), last = end == path.len;
        if (up)
            while (len > 0 && out[--len] != '/')
                ;
        if (!up && !here) {
            memmove(out + len, path.data + at, end - at);
            len += end - at;
        } else if (last && (absolute || len)) {
            out[len++] = '/';
        }
        at = end;
    }
    return len;
}

static void put_authority(struct text_room *r, const struct url *u)
{
    struct bytes all = u->user.data ? u->user : u->host;
    if (!u->host.data)
        return;
    bool literal = memchr(u->host.data, ':', u->host.len) != NULL;
    const char *begin = all.data - (literal && !u->user.data), *end = u->path.data;
    text_put(r, text_of("//"));
    text_put(r, (struct bytes){ begin, (size_t)(end - begin) });
}

/* The base's path up to its last slash, and the reference's behind it; without dots. */
static void put_path(struct text_room *r, const struct url *base, const struct url *ref, bool own)
{
    size_t begin = r->len, keep = own ? 0 : base->path.len;
    if (!own && ref->path.len && ref->path.data[0] != '/') {
        while (keep > 0 && base->path.data[keep - 1] != '/')
            keep--;
        if (keep == 0 && base->host.data)
            text_put(r, text_of("/"));
        text_put(r, from_to(base->path, 0, keep));
        text_put(r, ref->path);
    } else {
        text_put(r, own || ref->path.len ? ref->path : base->path);
    }
    if (r->len <= r->size)
        r->len = begin + url_remove_dots((struct bytes){ r->out + begin, r->len - begin }, r->out + begin);
}

static void put_behind(struct text_room *r, const char *mark, struct bytes text)
{
    if (!text.data)
        return;
    text_put(r, text_of(mark));
    text_put(r, text);
}

ssize_t url_resolve(const struct url *base, struct bytes reference, char *out, size_t size)
{
    struct text_room r = { .out = out, .size = size };
    struct url ref;
    if (url_parse(reference, &ref) < 0 || !base->scheme.len)
        return -EINVAL;
    bool own = ref.scheme.len || ref.host.data;
    text_put(&r, ref.scheme.len ? ref.scheme : base->scheme);
    text_put(&r, text_of(":"));
    put_authority(&r, own ? &ref : base);
    size_t path = r.len;
    put_path(&r, base, &ref, own);
    if (!(own ? &ref : base)->host.data && r.len <= size && r.len - path >= 2 && memcmp(out + path, "//", 2) == 0)
        return -EINVAL;                 /* without the dots before them these slashes would begin a host */
    put_behind(&r, "?", ref.query.data || own || ref.path.len ? ref.query : base->query);
    put_behind(&r, "#", ref.fragment.data ? ref.fragment : base->fragment);
    return r.len <= size ? (ssize_t)r.len : -ENOSPC;
}

/* ---- percent signs ----------------------------------------------------------------------------------------------- */

ssize_t url_decode(struct bytes text, bool plus, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%' && !percent_ok(text, i))
            return -EINVAL;
        if (c == '%') {
            c = (char)(text_hex(text.data[i + 1]) << 4 | text_hex(text.data[i + 2]));
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        out[len++] = c;
    }
    return (ssize_t)len;
}

ssize_t url_encode(struct bytes text, const char *keep, char *out, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    struct text_room r = { .out = out, .size = size };
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        char sign[] = { '%', digits[c >> 4], digits[c & 15] };
        bool plain = text_classes[c] & UNRESERVED || (c && strchr(keep, c));
        text_put(&r, plain ? from_to(text, i, i + 1) : (struct bytes){ sign, sizeof sign });
    }
    return r.len <= size ? (ssize_t)r.len : -ENOSPC;
}

bool url_next_argument(struct bytes *rest, struct bytes *name, struct bytes *value)
{
    while (rest->len) {
        size_t end = find_any(*rest, 0, "&"), equals = find_any(*rest, 0, "=&");
        struct bytes one = from_to(*rest, 0, end);
        *rest = from_to(*rest, end + (end < rest->len), rest->len);
        if (one.len == 0)
            continue;
        *name = from_to(one, 0, equals);
        *value = from_to(one, equals + (equals < one.len), one.len);
        return true;
    }
    return false;
}
