/* fuzz_coding_zlib.c - a packed body: however it comes, and however little room there is, it is unpacked to the same bytes, or
 * refused with the same sentence; and packed again it is what it was. The first byte says under which name it comes, and in which
 * portions. */
#include "http/coding.h"
#include "http/tests/fuzz/fuzz.h"

enum { MOST = 65536, ROOM = 4096 };

struct reading {
    char data[MOST];
    size_t len;
    int rc;                         /* -EMSGSIZE: it is larger than fits here */
    const char *why;
};

/* What comes out while `in` goes in. */
static void take(struct reading *r, struct coder *c, struct bytes in, enum coding_end end, size_t room)
{
    char *block = malloc(room);
    ssize_t n = 0;
    while (r->rc == 0 && (n = coding_gzip()->step(c, &in, end, block, room, &r->why)) > 0) {
        MUST((size_t)n <= room);
        size_t fits = (size_t)n < MOST - r->len ? (size_t)n : MOST - r->len;
        memcpy(r->data + r->len, block, fits);
        r->len += fits;
        r->rc = fits < (size_t)n ? -EMSGSIZE : 0;
    }
    free(block);
    MUST(n >= 0 || (n == -EBADMSG && r->why));
    MUST(n != 0 || r->rc < 0 || in.len == 0);
    if (n < 0)
        r->rc = (int)n;
}

static void read_in_portions(struct reading *r, struct coder *c, struct bytes in, size_t portion, size_t room)
{
    MUST(c != NULL);
    r->len = 0;
    r->rc = 0;
    r->why = NULL;
    for (size_t at = 0; at < in.len && r->rc == 0; at += portion) {
        size_t len = in.len - at < portion ? in.len - at : portion;
        char *block = fuzz_copy(in.data + at, len);
        take(r, c, (struct bytes){ block, len }, CODING_MORE, room);
        free(block);
    }
    take(r, c, (struct bytes){0}, CODING_LAST, room);
    coding_gzip()->end(c);
}

/* What fails has given less to one who asks for less at a time; and may fail before it is too large. */
static void same(const struct reading *a, const struct reading *b)
{
    bool large = a->rc == -EMSGSIZE || b->rc == -EMSGSIZE;
    MUST(large || (a->rc == b->rc && a->why == b->why));
    MUST(large || a->rc < 0 || a->len == b->len);
    MUST(memcmp(a->data, b->data, a->len < b->len ? a->len : b->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct reading whole, other, again;
    const struct coding *coding = coding_gzip();
    struct sys *sys = sys_linux();
    if (len == 0)
        return 0;
    struct bytes name = text_of(data[0] & 1 ? "gzip" : "deflate"), in = { (const char *)data + 1, len - 1 };
    read_in_portions(&whole, coding->unpack(sys, name), in, len, ROOM);
    read_in_portions(&other, coding->unpack(sys, name), in, 1 + (data[0] >> 1) % 32, CODING_LEAST + (data[0] >> 3));
    same(&whole, &other);
    if (whole.rc == 0) {
        read_in_portions(&other, coding->pack(sys, data[0] % 10), (struct bytes){ whole.data, whole.len }, 1000, ROOM);
        read_in_portions(&again, coding->unpack(sys, text_of("x-gzip")), (struct bytes){ other.data, other.len }, len, ROOM);
        MUST(again.rc == 0 && again.len == whole.len && memcmp(again.data, whole.data, whole.len) == 0);
    }
    return 0;
}
