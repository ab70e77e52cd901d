/* server_packed_world.h - what the tests of a server that packs and unpacks share, beside the server's world: packed bodies,
 * requests around them, and replies as they were before they were packed. */
#ifndef EDDY_HTTP_TESTS_SERVER_PACKED_WORLD_H
#define EDDY_HTTP_TESTS_SERVER_PACKED_WORLD_H

#include "http/tests/packed.h"
#include "http/tests/server_world.h"

enum { LARGE = 1 << 21 };

#define LITERAL(text) (struct bytes){ text, sizeof(text) - 1 }
#define GZIP "Content-Encoding: gzip\r\n"
#define TAKES "Accept-Encoding: gzip\r\n"

static char said[LARGE], text[LARGE], plain[LARGE];

static inline void serve_packed(handler *fn, struct http_options options)
{
    options.coding = coding_gzip();
    serve_at("127.0.0.1", fn, options);
}

/* All that a step gives, behind each other: the length, -errno. */
static inline ssize_t run_coder(struct coder *c, struct bytes in, enum coding_end end, char *out, size_t size)
{
    const char *why;
    size_t len = 0;
    ssize_t n;
    while ((n = coding_gzip()->step(c, &in, end, out + len, size - len, &why)) > 0)
        len += (size_t)n;
    return n < 0 ? n : (ssize_t)len;
}

/* The result is lent until the next. */
static inline struct bytes packed(struct bytes in)
{
    static char small[LARGE];
    struct coder *c = coding_gzip()->pack(sys, 0);
    ssize_t n = run_coder(c, in, CODING_LAST, small, sizeof small);
    coding_gzip()->end(c);
    return (struct bytes){ small, (size_t)n };
}

/* Of `said`: a request with that body, behind what stands there already; its length. In chunks: of seven bytes, and a trailer. */
static inline size_t add_post(size_t at, const char *fields, struct bytes body, bool chunks)
{
    char *out = said + at;
    out += sprintf(out, "POST /up HTTP/1.1\r\n" H "%s", fields);
    if (!chunks)
        out += sprintf(out, "Content-Length: %zu\r\n\r\n", body.len);
    else
        out += sprintf(out, "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t i = 0, step = chunks ? 7 : body.len; i < body.len; i += step) {
        size_t len = body.len - i < step ? body.len - i : step;
        out += chunks ? sprintf(out, "%zu\r\n", len) : 0;
        memcpy(out, body.data + i, len);
        out += len;
        out += chunks ? sprintf(out, "\r\n") : 0;
    }
    if (chunks)
        out += sprintf(out, "0\r\nX: y\r\n\r\n");
    return (size_t)(out - said);
}

/* ---- replies --------------------------------------------------------------------------------------------------------- */

/* Text that packs to a fifth or so, and differs everywhere. */
static inline struct bytes some_text(size_t len)
{
    for (size_t i = 0, line = 0; i < len; line++) {
        char one[64];
        size_t n = (size_t)sprintf(one, "%zu bottles of %zx on the wall\n", line, line * line * 2654435761u % 65537);
        n = n < len - i ? n : len - i;
        memcpy(text + i, one, n);
        i += n;
    }
    return (struct bytes){ text, len };
}

/* Nothing that could be packed. */
static inline struct bytes noise(size_t len)
{
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        text[i] = (char)x;
    }
    return (struct bytes){ text, len };
}

/* A field of the reply that was heard first; NULL: none. */
static inline const char *reply_field(const struct client *c, const char *name)
{
    static char value[256];
    char line[64];
    snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = strstr(c->heard, line), *end = at ? strstr(at + 2, "\r\n") : NULL;
    if (!end || at > strstr(c->heard, "\r\n\r\n"))
        return NULL;
    at += strlen(line);
    snprintf(value, sizeof value, "%.*s", (int)(end - at), at);
    return value;
}

static inline bool field_is(const struct client *c, const char *name, const char *expected)
{
    const char *value = reply_field(c, name);
    return value && expected ? strcmp(value, expected) == 0 : value == expected;
}

/* Takes the chunks apart, in place, which begin there; their length. *whole: the last one is there. */
static inline size_t without_chunks(char *from, const char *end, bool *whole)
{
    size_t len = 0;
    *whole = false;
    for (char *at = from, *data; at < end;) {
        size_t size = strtoul(at, &data, 16);
        data += 2;
        *whole = size == 0;
        if (*whole || data + size + 2 > end)
            break;
        memmove(from + len, data, size);
        len += size;
        at = data + size + 2;
    }
    return len;
}

/* The one reply that was heard, as it was before it was packed; whether all of it is there. It is forgotten. */
static inline struct bytes unpacked_reply(struct client *c, bool *whole)
{
    char *from = strstr(c->heard, "\r\n\r\n");
    ck_assert_msg(from && field_is(c, "Content-Encoding", "gzip"), "no packed reply: %.300s", c->heard);
    from += 4;
    size_t len = c->len - (size_t)(from - c->heard);
    const char *promised = reply_field(c, "Content-Length");
    if (reply_field(c, "Transfer-Encoding"))
        len = without_chunks(from, c->heard + c->len, whole);
    else
        *whole = promised ? strtoul(promised, NULL, 10) == len : c->ended;
    struct coder *coder = coding_gzip()->unpack(sys, text_of("gzip"));
    ssize_t n = run_coder(coder, (struct bytes){ from, len }, *whole ? CODING_LAST : CODING_MORE, plain, sizeof plain);
    coding_gzip()->end(coder);
    ck_assert_msg(n >= 0, "it does not unpack");
    c->len = 0;
    return (struct bytes){ plain, (size_t)n };
}

/* It has heard one reply, packed, whole, and this is in it. */
static inline void hears_packed(struct client *c, struct bytes expected)
{
    bool whole;
    for (int i = 0; i < 3; i++)
        wait_for(c, 1);
    struct bytes got = unpacked_reply(c, &whole);
    ck_assert_msg(whole, "it has no end");
    ck_assert_uint_eq(got.len, expected.len);
    ck_assert(memcmp(got.data, expected.data, got.len) == 0);
}

#endif
