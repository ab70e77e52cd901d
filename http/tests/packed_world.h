/* packed_world.h - what the tests of answers that come packed share, beside the client's world: a client that unpacks, bodies,
 * and answers around them. */
#ifndef EDDY_HTTP_TESTS_PACKED_WORLD_H
#define EDDY_HTTP_TESTS_PACKED_WORLD_H

#include "http/parse.h"
#include "http/tests/client_world.h"
#include "http/tests/packed.h"

enum { LARGE = 2 << 20, MANY = 500000, MOST_PIECE = 16384 };

#define GZIP "Content-Encoding: gzip\r\n"
#define LITERAL(text) ((struct bytes){ text, sizeof(text) - 1 })

static char page[LARGE], unpacked[LARGE];

static inline void packing_client(void)
{
    client_begin(&(struct http_client_options){ .coding = coding_gzip() });
}

/* In chunks of nine bytes, with a trailer; its length. */
static inline size_t put_chunks(char *out, struct bytes body)
{
    int len = 0;
    for (size_t i = 0; i < body.len; i += 9) {
        int piece = body.len - i < 9 ? (int)(body.len - i) : 9;
        len += sprintf(out + len, "%d\r\n", piece);
        memcpy(out + len, body.data + i, (size_t)piece);
        len += piece;
        len += sprintf(out + len, "\r\n");
    }
    return (size_t)(len + sprintf(out + len, "0\r\nX: y\r\n\r\n"));
}

/* An answer with these fields and that body, in `page`. */
static inline struct step answer(const char *fields, enum framing framing, struct bytes body)
{
    size_t len = (size_t)sprintf(page, "HTTP/1.1 200 OK\r\n%s", fields);
    if (framing == BODY_LENGTH)
        len += (size_t)sprintf(page + len, "Content-Length: %zu\r\n", body.len);
    else if (framing == BODY_CHUNKED)
        len += (size_t)sprintf(page + len, "Transfer-Encoding: chunked\r\n");
    len += (size_t)sprintf(page + len, "\r\n");
    if (framing == BODY_CHUNKED)
        len += put_chunks(page + len, body);
    else
        memcpy(page + len, body.data, body.len);
    if (framing != BODY_CHUNKED)
        len += body.len;
    return (struct step){ .say = page, .len = len, .then = framing == BODY_UNTIL_CLOSE ? CLOSE : STAY };
}

/* Packs so many bytes, which `make` gives; the result is lent. */
static inline struct bytes pack(size_t len, char make(size_t))
{
    static char small[LARGE], text[LARGE], out[65536];
    struct bytes in = { text, len };
    struct coder *c = coding_gzip()->pack(sim_sys(sim), 0);
    const char *why;
    size_t at = 0;
    ssize_t n;
    for (size_t i = 0; i < len; i++)
        text[i] = make(i);
    while ((n = coding_gzip()->step(c, &in, CODING_LAST, out, sizeof out, &why)) > 0) {
        memcpy(small + at, out, (size_t)n);
        at += (size_t)n;
    }
    coding_gzip()->end(c);
    return (struct bytes){ small, at };
}

static inline char an_x(size_t i)
{
    (void)i;
    return 'x';
}

/* Nothing that could be packed. */
static inline char noise(size_t i)
{
    uint64_t x = (i + 1) * 6364136223846793005u;
    return (char)((x ^ x >> 31) * 1442695040888963407u >> 56);
}

static inline struct bytes empty_members(size_t count)
{
    for (size_t i = 0; i < count; i++)
        memcpy(unpacked + i * 20, GZIP_EMPTY, 20);
    return (struct bytes){ unpacked, count * 20 };
}

/* All of an answer from http_open, as it is; -errno. */
static inline int64_t take_pieces(struct http_response *r)
{
    struct future f = {0};
    int64_t len = 0;
    int n;
    while ((n = await(http_body(r, &f))) > 0) {
        ck_assert_int_le(n, MOST_PIECE);
        memcpy(unpacked + len, f.value, (size_t)n);
        len += n;
    }
    last_why = f.why;
    return n < 0 ? n : len;
}

#endif
