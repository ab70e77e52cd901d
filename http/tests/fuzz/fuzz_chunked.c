/* fuzz_chunked.c - a body in chunks: however it comes, it is the same bytes, the same trailers, or wrong with the same status;
 * and put together again it is what it was. */
#include "http/chunked.h"
#include "http/tests/fuzz/fuzz.h"

enum { MOST = 2048, LATE = 4 };

struct reading {
    char body[MOST];
    size_t len;
    size_t taken;               /* of the input */
    int status;                 /* of the problem; 0: none */
    bool over;
    struct headers trailers;
    struct header late[LATE];
    char *block;                /* which the trailers are in */
};

/* What is next; false: it is over, wrong, or more must come. */
static bool take(struct reading *r, struct chunked *c, const uint8_t *data, size_t so_far)
{
    size_t len = so_far - r->taken;
    struct problem problem = {0};
    struct bytes piece = {0};
    free(r->block);
    r->block = fuzz_copy(data + r->taken, len);
    r->trailers = (struct headers){ .at = r->late, .room = LATE };
    struct bytes seen = { r->block, len };
    bool last = c->state == CHUNK_TRAILERS;
    ssize_t n = last ? parse_trailers(seen, NULL, &r->trailers, &problem) : chunked_take(c, seen, MOST, &piece, &problem);
    MUST(n <= (ssize_t)len && (n >= 0 || n == -EINVAL) && fuzz_inside(piece, r->block, len));
    MUST(n > 0 || piece.len == 0);
    r->status = n < 0 ? problem.status : 0;
    MUST(n >= 0 || r->status >= 400);
    if (piece.len)
        memcpy(r->body + r->len, piece.data, piece.len);
    r->len += piece.len;
    r->taken += n > 0 ? (size_t)n : 0;
    r->over = last && n > 0;
    return n > 0 && !r->over;
}

static void read_in_portions(struct reading *r, const uint8_t *data, size_t len, size_t portion)
{
    struct chunked c = {0};
    *r = (struct reading){0};
    for (size_t so_far = 0; so_far < len && !r->over && !r->status;) {
        so_far = so_far + portion < len ? so_far + portion : len;
        while (take(r, &c, data, so_far))
            ;
    }
    MUST((int64_t)r->len == c.total);
}

static void same(const struct reading *a, const struct reading *b)
{
    MUST(a->len == b->len && memcmp(a->body, b->body, a->len) == 0);
    MUST(a->status == b->status && a->over == b->over && a->taken == b->taken);
    MUST(!a->over || a->trailers.count == b->trailers.count);
}

static void write_again(const struct reading *r)
{
    static uint8_t text[2 * MOST];
    struct reading again;
    char line[CHUNK_TEXT];
    size_t len = 0;
    if (r->len) {
        size_t n = chunked_begin(r->len, line);
        memcpy(text, line, n);
        memcpy(text + n, r->body, r->len);
        memcpy(text + n + r->len, "\r\n", 2);
        len = n + r->len + 2;
    }
    memcpy(text + len, "0\r\n\r\n", 5);
    read_in_portions(&again, text, len + 5, 1000);
    MUST(again.over && again.len == r->len && memcmp(again.body, r->body, r->len) == 0);
    free(again.block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct reading whole, pieces;
    static const size_t portions[] = { 1, 2, 7 };
    if (len > MOST)
        len = MOST;
    read_in_portions(&whole, data, len, len ? len : 1);
    for (size_t i = 0; i < sizeof portions / sizeof *portions; i++) {
        read_in_portions(&pieces, data, len, portions[i]);
        same(&whole, &pieces);
        free(pieces.block);
    }
    for (int i = 0; whole.over && i < whole.trailers.count; i++)
        MUST(text_is_token(whole.trailers.at[i].name) && !text_alike(whole.trailers.at[i].name, "content-length"));
    write_again(&whole);
    free(whole.block);
    return 0;
}
