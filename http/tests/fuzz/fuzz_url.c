/* fuzz_url.c - an address, and where it leads from another one, which is the input's second line: what comes out is an address
 * again, without dots, and leads to itself. */
#include "http/tests/fuzz/fuzz.h"
#include "http/url.h"

enum { MOST = 1024, RESOLVED = 4 * MOST };

static void check_views(const struct url *u, struct bytes text)
{
    const struct bytes views[] = { u->scheme, u->user, u->host, u->path, u->query, u->fragment };
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        MUST(fuzz_inside(views[i], text.data, text.len));
        for (size_t at = 0; at < views[i].len; at++)
            MUST((unsigned char)views[i].data[at] > ' ' && views[i].data[at] != 127);
    }
    MUST(u->port >= 0 && u->port <= 65535);
    for (size_t at = 0; at < u->host.len; at++)
        MUST(!memchr("/?#@\\", u->host.data[at], 5));
}

static bool has_dots(struct bytes path)
{
    while (path.len) {
        struct bytes segment = fuzz_cut(&path, '/');
        if (text_is(segment, ".") || text_is(segment, ".."))
            return true;
    }
    return false;
}

static void check_resolved(const struct url *base, struct bytes reference)
{
    static char out[RESOLVED], twice[RESOLVED];
    struct url to;
    bool secure;
    int port;
    ssize_t len = url_resolve(base, reference, out, sizeof out);
    MUST(len >= 0 || len == -EINVAL);
    if (len < 0)
        return;
    struct bytes text = { out, (size_t)len };
    MUST(url_parse(text, &to) == 0 && to.scheme.len && !has_dots(to.path));
    struct url ref;
    MUST(url_parse(reference, &ref) == 0);
    bool own = ref.scheme.len || ref.host.data;
    struct bytes host = own ? ref.host : base->host;
    MUST(text_equal(to.host, host) && !to.host.data == !host.data);
    MUST(url_resolve(&to, text, twice, sizeof twice) == len && memcmp(out, twice, (size_t)len) == 0);
    MUST(url_http(&to, &secure, &port) < 0 || (port > 0 && url_same_origin(&to, &to)));
}

static void check_percent(struct bytes text)
{
    char plain[MOST], encoded[3 * MOST], again[3 * MOST];
    for (int plus = 0; plus < 2; plus++) {
        ssize_t len = url_decode(text, plus, plain);
        MUST(len == -EINVAL || (len >= 0 && (size_t)len <= text.len));
        if (len < 0)
            continue;
        ssize_t n = url_encode((struct bytes){ plain, (size_t)len }, "", encoded, sizeof encoded);
        MUST(n >= len && url_decode((struct bytes){ encoded, (size_t)n }, plus, again) == len);
        MUST(memcmp(plain, again, (size_t)len) == 0);
    }
}

static void check_arguments(struct bytes text)
{
    struct bytes rest = text, name, value;
    size_t before = rest.len + 1;
    while (url_next_argument(&rest, &name, &value)) {
        MUST(fuzz_inside(name, text.data, text.len) && fuzz_inside(value, text.data, text.len) && rest.len < before);
        MUST(!name.len || !memchr(name.data, '&', name.len));
        before = rest.len;
    }
}

static void check_authority(struct bytes text)
{
    struct bytes host;
    int port;
    if (url_authority(text, &host, &port) == 0)
        MUST(fuzz_inside(host, text.data, text.len) && port >= 0 && port <= 65535);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len > MOST)
        len = MOST;
    char *block = fuzz_copy(data, len), *dots = malloc(len + 1);
    struct bytes rest = { block, len }, text = fuzz_cut(&rest, '\n');
    struct url u, base;
    MUST(url_parse(text_of("http://a.example/b/c?d"), &base) == 0);
    if (url_parse(text, &u) == 0)
        check_views(&u, text);
    check_resolved(&base, text);
    if (url_parse(rest, &base) == 0)
        check_resolved(&base, text);
    check_percent(text);
    check_arguments(text);
    check_authority(text);
    MUST(url_remove_dots(text, dots) <= text.len);
    free(dots);
    free(block);
    return 0;
}
