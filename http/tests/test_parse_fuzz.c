/* test_parse_fuzz.c - heads, chunks, forms and addresses with bytes changed, lost and doubled: whatever comes, a parser says the
 * same at every length, looks at no byte behind its view (ASan, valgrind), and never takes more than it was given.
 *
 * EDDY_SEEDS: how many of each. The seed of one that fails is in its message. */
#include "http/chunked.h"
#include "http/multipart.h"
#include "http/tests/heads.h"
#include "http/url.h"

enum { MOST = 512 };

static const char *const requests[] = {
    "GET /a/b?c=d HTTP/1.1\r\nHost: example.org:80\r\nAccept: text/html, */*;q=0.8\r\nConnection: keep-alive\r\n\r\n",
    "POST http://example.org/a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost: [::1]:8080\r\nTransfer-Encoding: chunked\r\nConnection: close, te\r\nTE: trailers\r\n\r\n",
    "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n",
    "\r\nOPTIONS * HTTP/1.0\r\nX: \xff\t\x80\r\n\r\n",
};
static const char *const responses[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nX: a\r\n b\r\n\tc\r\n\r\n",
    "HTTP/1.0 304 \r\nETag: \"x\"\r\nTransfer-Encoding: chunked\r\n\r\n",
};
static const char *const bodies[] = { "4;a=b\r\nfoo=\r\n3\r\nbar\r\n0\r\n", "00a\r\n0123456789\r\n0;x=\"y\"\r\n" };
static const char *const forms[] = {
    "--1234\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\\\"b\"\r\nContent-Type: a/b\r\n\r\nFoo\r\n--1234--\r\n",
    "x\r\n--1234  \r\nContent-Disposition: form-data; name=a; filename*=UTF-8''%C3%A1\r\n\r\n\r\n--123\r\n--1234\r\n",
};
static const char *const urls[] = { "http://u:p@[2001:db8::1]:80/a/../b?c=d&e#f", "//x.example/./a%20b/..//c", "../?a" };

struct fuzz {
    uint64_t chance;
    char text[MOST];
    size_t len;
};

static size_t below(struct fuzz *z, size_t n)
{
    z->chance = z->chance * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(z->chance >> 33) % n;
}

/* A piece of it goes, or comes again; or a byte becomes another, one that means something above all. */
static void change(struct fuzz *z)
{
    static const char telling[] = "\r\n \t:;,=\"\\/?#[]@%+-0179afAFzZ\0\x7f\x80\xff.";
    size_t at = z->len ? below(z, z->len) : 0, len = 1 + below(z, 8);
    if (len > z->len - at)
        len = z->len - at;
    switch (below(z, 4)) {
    case 0:
        memmove(z->text + at, z->text + at + len, z->len - at - len);
        z->len -= len;
        break;
    case 1:
        if (z->len + len > MOST)
            break;
        memmove(z->text + at + len, z->text + at, z->len - at);
        z->len += len;
        break;
    default:
        if (z->len)
            z->text[at] = below(z, 5) ? telling[below(z, sizeof telling)] : (char)below(z, 256);
    }
}

static struct fuzz changed(uint64_t seed, const char *const *texts, size_t count)
{
    struct fuzz z = { .chance = seed * 2654435761u + 1 };
    const char *text = texts[below(&z, count)];
    z.len = strlen(text);
    memcpy(z.text, text, z.len);
    for (size_t i = below(&z, 5); i > 0; i--)
        change(&z);
    return z;
}

#define CHANGED(seed, texts) changed(seed, texts, sizeof(texts) / sizeof *(texts))

static int seeds(void)
{
    const char *asked = getenv("EDDY_SEEDS");
    return asked ? atoi(asked) : 10000;
}

static bool inside(const struct heard *h, size_t len, struct bytes view)
{
    return view.len == 0 || text_is(view, "/") || (view.data >= h->block && view.data + view.len <= h->block + len);
}

static void check_head(const char *method, struct fuzz *z)
{
    static struct heard h;
    h.method = method;
    for (size_t end = 1; end <= z->len; end++)          /* what is behind the head is not its own */
        if (end >= 4 && memcmp(z->text + end - 4, "\r\n\r\n", 4) == 0 && end > 4)
            z->len = end;
    parse_so_far(&h, z->text, z->len);
    if (h.rc == (ssize_t)z->len || h.rc <= 0)
        parse_split(&h, z->text, z->len);
    if (h.rc <= 0)
        return;
    MUST(inside(&h, z->len, h.head.path) && inside(&h, z->len, h.head.query) && inside(&h, z->len, h.head.host));
    for (int i = 0; i < h.head.headers.count; i++) {
        struct header *each = &h.head.headers.at[i];
        MUST(inside(&h, z->len, each->value) && text_is_token(each->name) && text_is_value(each->value));
    }
}

START_TEST(heads_are_read_alike_however_they_come)
{
    for (int seed = 0; seed < seeds(); seed++) {
        struct fuzz z = CHANGED((uint64_t)seed, requests);
        check_head(NULL, &z);
        z = CHANGED((uint64_t)seed, responses);
        check_head(seed % 2 ? "GET" : "HEAD", &z);
    }
}
END_TEST

/* All that a body in chunks gives, in portions of `portion` bytes. */
static size_t read_chunks(const struct fuzz *z, size_t portion, char out[MOST], int *status)
{
    struct chunked c = {0};
    size_t so_far = 0, taken = 0, len = 0;
    *status = 0;
    while (so_far < z->len && c.state != CHUNK_TRAILERS) {
        so_far = so_far + portion < z->len ? so_far + portion : z->len;
        for (ssize_t n = 1; n > 0 && c.state != CHUNK_TRAILERS; taken += n > 0 ? (size_t)n : 0) {
            char *block = malloc(so_far - taken + 1);
            struct bytes data;
            struct problem problem;
            memcpy(block, z->text + taken, so_far - taken);
            n = chunked_take(&c, (struct bytes){ block, so_far - taken }, MOST, &data, &problem);
            MUST(n <= (ssize_t)(so_far - taken) && (n <= 0 || data.len <= (size_t)n));
            if (n > 0 && data.len)
                memcpy(out + len, data.data, data.len);
            len += n > 0 ? data.len : 0;
            free(block);
            if (n < 0) {
                *status = problem.status;
                return len;
            }
        }
    }
    return len;
}

START_TEST(chunks_are_read_alike_however_they_come)
{
    for (int seed = 0; seed < seeds(); seed++) {
        struct fuzz z = CHANGED((uint64_t)seed, bodies);
        char whole[MOST], pieces[MOST];
        int status_whole, status_pieces;
        size_t len = read_chunks(&z, MOST, whole, &status_whole);
        for (size_t portion = 1; portion < 8; portion++) {
            ck_assert_msg(read_chunks(&z, portion, pieces, &status_pieces) == len && status_pieces == status_whole &&
                          memcmp(whole, pieces, len) == 0, "seed %d, in portions of %zu", seed, portion);
        }
    }
}
END_TEST

START_TEST(forms_never_take_more_than_has_come)
{
    for (int seed = 0; seed < seeds(); seed++) {
        struct fuzz z = CHANGED((uint64_t)seed, forms);
        struct multipart m;
        size_t so_far = 0, taken = 0;
        ck_assert_int_eq(multipart_begin(&m, text_of("multipart/form-data; boundary=1234")), 0);
        for (ssize_t n = 0; so_far < z.len && n >= 0;) {
            so_far += 1 + below(&z, z.len - so_far);
            for (n = 1; n > 0 && taken < so_far; taken += n > 0 ? (size_t)n : 0) {
                char *block = malloc(so_far - taken), plain[MOST];
                enum multipart_event what;
                struct part p;
                struct bytes data;
                struct problem problem;
                memcpy(block, z.text + taken, so_far - taken);
                n = multipart_take(&m, (struct bytes){ block, so_far - taken }, &what, &p, &data, &problem);
                MUST(n <= (ssize_t)(so_far - taken) && (n <= 0 || data.len <= (size_t)n));
                if (n > 0 && what == MULTIPART_PART)
                    MUST(part_text(p.filename, p.extended, plain) <= (ssize_t)p.filename.len);
                free(block);
            }
        }
    }
}
END_TEST

START_TEST(where_a_reference_leads_can_be_read_again)
{
    for (int seed = 0; seed < seeds(); seed++) {
        struct fuzz z = CHANGED((uint64_t)seed, urls);
        char *block = malloc(z.len + 1), out[2 * MOST];
        struct url base, u;
        memcpy(block, z.text, z.len);
        ck_assert_int_eq(url_parse(text_of("http://a.example/b/c?d"), &base), 0);
        ssize_t len = url_resolve(&base, (struct bytes){ block, z.len }, out, sizeof out);
        ck_assert_msg(len < 0 || url_parse((struct bytes){ out, (size_t)len }, &u) == 0, "seed %d: %.*s", seed, (int)len, out);
        free(block);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        heads_are_read_alike_however_they_come,
        chunks_are_read_alike_however_they_come,
        forms_never_take_more_than_has_come,
        where_a_reference_leads_can_be_read_again,
        NULL
    };
    Suite *suite = suite_create("parsers, changed input");
    add_tests(suite, "fuzz", tests, 0);
    return run_suite(suite);
}
