/* fuzz_multipart.c - a form in parts: its first line is the Content-Type, then comes the body. However that comes, it has the
 * same parts with the same bytes, or is wrong with the same status. */
#include "http/multipart.h"
#include "http/tests/fuzz/fuzz.h"

enum { MOST = 2048, NOTED = 8 * MOST };

struct reading {
    char text[NOTED];               /* what was read, in the order in which it came */
    size_t len;
    bool in_data;
    int status;
};

static void note(struct reading *r, const char *kind, struct bytes text)
{
    bool data = kind[0] == 'd';
    if (!data || !r->in_data)
        r->text[r->len++] = kind[0];
    MUST(r->len + text.len < NOTED);
    if (text.len)
        memcpy(r->text + r->len, text.data, text.len);
    r->len += text.len;
    r->in_data = data;
}

static void note_part(struct reading *r, const struct part *p, const char *block, size_t len)
{
    char plain[MOST];
    const struct bytes texts[] = { p->name, p->filename, p->type };
    for (int i = 0; i < 3; i++) {
        MUST(fuzz_inside(texts[i], block, len));
        note(r, "p", texts[i]);
    }
    MUST(p->headers.count <= PART_FIELDS && p->name.data);
    for (int extended = 0; extended < 2; extended++) {
        ssize_t n = part_text(p->filename, extended, plain);
        MUST(n <= (ssize_t)p->filename.len && (n >= 0 || n == -EINVAL));
        for (ssize_t i = 0; i < n; i++)
            MUST((unsigned char)plain[i] >= ' ');
    }
}

/* What is next: how much was taken; -EINVAL; 0: more must come. */
static ssize_t take(struct reading *r, struct multipart *m, struct bytes seen)
{
    static struct part part;
    enum multipart_event what;
    struct problem problem = {0};
    struct bytes data;
    char *block = fuzz_copy(seen.data, seen.len);
    ssize_t n = multipart_take(m, (struct bytes){ block, seen.len }, &what, &part, &data, &problem);
    MUST(n <= (ssize_t)seen.len && (n >= 0 || (n == -EINVAL && problem.status >= 400)));
    r->status = problem.status;
    if (n > 0 && what == MULTIPART_PART)
        note_part(r, &part, block, seen.len);
    if (n > 0 && what == MULTIPART_DATA) {
        MUST(fuzz_inside(data, block, seen.len) && data.len <= (size_t)n);
        note(r, "d", data);
    }
    if (n > 0 && what == MULTIPART_PART_ENDS)
        note(r, "e", (struct bytes){0});
    free(block);
    return n;
}

static void read_in_portions(struct reading *r, const struct multipart *begun, struct bytes body, size_t portion)
{
    struct multipart m = *begun;
    size_t taken = 0;
    r->len = 0;
    r->in_data = false;
    r->status = 0;
    for (size_t so_far = 0; so_far < body.len && m.state != PART_END && !r->status;) {
        so_far = so_far + portion < body.len ? so_far + portion : body.len;
        for (ssize_t n = 1; n > 0 && taken < so_far && m.state != PART_END; taken += n > 0 ? (size_t)n : 0)
            n = take(r, &m, (struct bytes){ body.data + taken, so_far - taken });
    }
    note(r, m.state == PART_END ? "." : "?", (struct bytes){0});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct reading whole, pieces;
    static const size_t portions[] = { 1, 3, 11 };
    struct bytes body = { (const char *)data, len < MOST ? len : MOST }, type = fuzz_cut(&body, '\n');
    struct multipart m;
    if (multipart_begin(&m, type) < 0)
        return 0;
    MUST(m.boundary_len > 4 && m.boundary_len <= BOUNDARY_MAX + 4);
    read_in_portions(&whole, &m, body, body.len ? body.len : 1);
    for (size_t i = 0; i < sizeof portions / sizeof *portions; i++) {
        read_in_portions(&pieces, &m, body, portions[i]);
        MUST(whole.status == pieces.status);
        MUST(whole.len == pieces.len && memcmp(whole.text, pieces.text, whole.len) == 0);
    }
    return 0;
}
