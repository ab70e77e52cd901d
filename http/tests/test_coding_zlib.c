/* test_coding_zlib.c - gzip and deflate, in portions of every size, with everything wrong that can be: what Tornado takes for
 * right (a check sum that is cut off, a second member and junk that are dropped), and GHSA-mgf9-4vpg-hj56: what comes out is what
 * is counted. */
#include "http/coding.h"
#include "http/tests/packed.h"
#include "loop/tests/support.h"

enum { ROOM = 4096, LARGE = 300000 };

static struct sim *sim;
static struct sys *sys;
static const struct coding *gzip;

static void setup(void)
{
    sim = sim_new(1);
    sys = sim_sys(sim);
    gzip = coding_gzip();
}

static void teardown(void)
{
    sim_end_empty(sim);
}

/* ---- a body on its way ------------------------------------------------------------------------------------------------ */

struct result {
    ssize_t rc;                 /* the length; -errno */
    const char *why;
    char data[LARGE];
};

/* All that comes out while `in` goes in; each step in a block of exactly `room` bytes. 0 or -errno. */
static ssize_t go_through(struct coder *c, struct bytes in, enum coding_end end, size_t room, struct result *r)
{
    char *block = malloc(room);
    ssize_t n;
    while ((n = gzip->step(c, &in, end, block, room, &r->why)) > 0) {
        MUST((size_t)n <= room && r->rc + n <= LARGE);
        memcpy(r->data + r->rc, block, (size_t)n);
        r->rc += n;
    }
    free(block);
    MUST(n < 0 || in.len == 0);
    return n;
}

/* In portions of `portion` bytes, each in a block of its own; then the end. */
static void go_in_portions(struct coder *c, struct bytes in, size_t portion, size_t room, struct result *r)
{
    ssize_t rc = 0;
    MUST(c != NULL);
    r->rc = 0;
    r->why = NULL;
    for (size_t at = 0; at < in.len && rc == 0; at += portion) {
        size_t len = in.len - at < portion ? in.len - at : portion;
        char *block = malloc(len);
        memcpy(block, in.data + at, len);
        rc = go_through(c, (struct bytes){ block, len }, CODING_MORE, room, r);
        free(block);
    }
    if (rc == 0)
        rc = go_through(c, (struct bytes){0}, CODING_LAST, room, r);
    if (rc < 0)
        r->rc = rc;
    gzip->end(c);
}

static void unpack(const char *name, struct bytes in, size_t portion, size_t room, struct result *r)
{
    go_in_portions(gzip->unpack(sys, text_of(name)), in, portion, room, r);
}

/* It is the same whatever the portions: what it is. */
static const struct result *unpacks(const char *name, struct bytes in)
{
    static struct result whole, pieces;
    unpack(name, in, in.len + 1, ROOM, &whole);
    for (size_t portion = 1; portion <= in.len; portion += portion < 16 ? 1 : in.len / 8 + 1) {
        unpack(name, in, portion, CODING_LEAST + portion % 7, &pieces);
        MUST(pieces.rc == whole.rc && pieces.why == whole.why);
        MUST(whole.rc < 0 || memcmp(pieces.data, whole.data, (size_t)whole.rc) == 0);
    }
    return &whole;
}

#define LITERAL(text) ((struct bytes){ text, sizeof(text) - 1 })

static void gives(const char *name, struct bytes in, const char *text)
{
    const struct result *r = unpacks(name, in);
    ck_assert_msg(r->rc == (ssize_t)strlen(text) && memcmp(r->data, text, strlen(text)) == 0, "%s: %zd, %s", name, r->rc,
                  r->why ? r->why : "");
}

static void is_wrong(const char *name, struct bytes in, const char *why)
{
    const struct result *r = unpacks(name, in);
    ck_assert_msg(r->rc == -EBADMSG && strstr(r->why, why), "%s: %zd, %s", name, r->rc, r->why ? r->why : "");
}

/* Bytes that neither are all alike nor all different. */
static struct bytes some_text(size_t len)
{
    static char text[LARGE];
    uint64_t state = len;
    for (size_t i = 0; i < len; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        text[i] = i % 64 < 48 ? (char)('a' + i % 13) : (char)(state >> 56);
    }
    return (struct bytes){ text, len };
}

static struct bytes packed(struct bytes in, int level)
{
    static struct result r;
    go_in_portions(gzip->pack(sys, level), in, in.len + 1, ROOM, &r);
    MUST(r.rc > 0);
    return (struct bytes){ r.data, (size_t)r.rc };
}

/* ---- what is right ---------------------------------------------------------------------------------------------------- */

START_TEST(what_is_packed_unpacks_to_what_it_was)
{
    static const size_t sizes[] = { 0, 1, 15, 1000, 40000, 200000 };
    static struct result r;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int level = 0; level <= 9; level += 3) {
            struct bytes text = some_text(sizes[i]), small = packed(text, level);
            ck_assert_uint_lt(small.len, text.len < 100 ? 50 : text.len / 2);
            unpack("gzip", small, 1000, 777, &r);
            ck_assert(text_equal((struct bytes){ r.data, (size_t)r.rc }, text));
        }
}
END_TEST

START_TEST(it_is_packed_to_the_same_whatever_its_portions)
{
    static struct result r;
    struct bytes text = some_text(3000), whole = packed(text, 0);
    for (size_t portion = 1; portion < 3000; portion += portion < 16 ? 1 : 500) {
        go_in_portions(gzip->pack(sys, 0), text, portion, CODING_LEAST, &r);
        ck_assert(text_equal((struct bytes){ r.data, (size_t)r.rc }, whole));
    }
}
END_TEST

START_TEST(what_others_have_packed_is_unpacked)
{
    gives("gzip", LITERAL(GZIP_PLAIN), HELLOS);
    gives("GZIP", LITERAL(GZIP_FULL), HELLOS);
    gives("x-gzip", LITERAL(GZIP_FULL), HELLOS);
    gives("deflate", LITERAL(ZLIB), HELLOS);
    gives("Deflate", LITERAL(RAW), HELLOS);
    gives("deflate", LITERAL("\x01\x05\0\xfa\xffhello"), "hello");
    gives("deflate", LITERAL("\x78\x01\x01\x05\0\xfa\xffhello\x06\x2c\x02\x15"), "hello");
}
END_TEST

START_TEST(members_are_one_body)
{
    gives("gzip", LITERAL(GZIP_PLAIN GZIP_FULL), HELLOS HELLOS);
    gives("gzip", LITERAL(GZIP_PLAIN GZIP_EMPTY GZIP_PLAIN), HELLOS HELLOS);
}
END_TEST

START_TEST(no_bytes_are_an_empty_body)
{
    gives("gzip", (struct bytes){0}, "");
    gives("deflate", (struct bytes){0}, "");
}
END_TEST

START_TEST(it_knows_its_names_and_no_others)
{
    static const char *const others[] = { "", "br", "gzi", "gzip2", "gzip, gzip", "gzip,", "identity", "compress", "zlib" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!gzip->knows(text_of(others[i])), "%s", others[i]);
    ck_assert(gzip->knows(text_of("gZip")) && gzip->knows(text_of("X-GZIP")) && gzip->knows(text_of("deflate")));
    ck_assert(gzip->knows(text_of(gzip->name)));
}
END_TEST

START_TEST(a_body_has_one_coding_or_is_left_alone)
{
    struct header at[4];
    struct headers h = { .at = at, .room = 4 };
    ck_assert_ptr_null(coding_of(gzip, &h).data);
    headers_add(&h, text_of("content-Encoding"), text_of(" GZip "));
    ck_assert(text_is(coding_of(gzip, &h), "GZip"));
    headers_add(&h, text_of("Content-Encoding"), text_of("gzip"));
    ck_assert_ptr_null(coding_of(gzip, &h).data);
    h.count = 0;
    headers_add(&h, text_of("Content-Encoding"), text_of("deflate, gzip"));
    ck_assert_ptr_null(coding_of(gzip, &h).data);
}
END_TEST

/* ---- what is wrong ---------------------------------------------------------------------------------------------------- */

/* Anywhere: Tornado does not miss a trailer. */
START_TEST(what_is_cut_off_is_never_taken_for_whole)
{
    static const char full[] = GZIP_FULL, zlib[] = ZLIB, raw[] = RAW, two[] = GZIP_PLAIN GZIP_PLAIN;
    for (size_t len = 1; len < sizeof full - 1; len++)
        is_wrong("gzip", (struct bytes){ full, len }, "ended before its end");
    for (size_t len = 1; len < sizeof zlib - 1; len++)
        is_wrong("deflate", (struct bytes){ zlib, len }, "ended before its end");
    for (size_t len = 1; len < sizeof raw - 1; len++)
        is_wrong("deflate", (struct bytes){ raw, len }, "ended before its end");
    for (size_t len = sizeof GZIP_PLAIN; len < sizeof two - 1; len++)
        is_wrong("gzip", (struct bytes){ two, len }, "ended before its end");
}
END_TEST

START_TEST(every_bit_of_a_check_sum_counts)
{
    char text[] = GZIP_PLAIN, zlib[] = ZLIB;
    for (size_t bit = 0; bit < 64; bit++) {
        char *at = text + sizeof text - 1 - 8 + bit / 8;
        *at ^= (char)(1 << bit % 8);
        is_wrong("gzip", LITERAL(text), "its check sum is another");
        *at ^= (char)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 32; bit++) {
        char *at = zlib + sizeof zlib - 1 - 4 + bit / 8;
        *at ^= (char)(1 << bit % 8);
        is_wrong("deflate", LITERAL(zlib), "its check sum is another");
        *at ^= (char)(1 << bit % 8);
    }
}
END_TEST

/* It is neither dropped, as Tornado does, nor taken for more of the body. */
START_TEST(nothing_stands_behind_the_end)
{
    is_wrong("gzip", LITERAL(GZIP_PLAIN "\r\n"), "belong to nothing");
    is_wrong("gzip", LITERAL(GZIP_PLAIN "\0\0\0\0"), "belong to nothing");
    is_wrong("gzip", LITERAL(GZIP_PLAIN ZLIB), "belong to nothing");
    is_wrong("gzip", LITERAL(GZIP_PLAIN "\x1f"), "ended before its end");
    is_wrong("deflate", LITERAL(ZLIB ZLIB), "belong to nothing");
    is_wrong("deflate", LITERAL(RAW "\n"), "belong to nothing");
}
END_TEST

/* Case 95. */
START_TEST(what_is_not_packed_says_so)
{
    is_wrong("gzip", LITERAL("<html>"), "not packed as its Content-Encoding says");
    is_wrong("gzip", LITERAL(ZLIB), "not packed as its Content-Encoding says");
    is_wrong("gzip", LITERAL("\x1f\x8b\x07\0\0\0\0\0\0\x03" RAW CRC), "not packed as its Content-Encoding says");
    is_wrong("deflate", LITERAL("<html>"), "not packed");
    is_wrong("deflate", LITERAL(GZIP_PLAIN), "not packed");
    is_wrong("deflate", LITERAL(ZLIB_WITH_A_DICTIONARY), "not packed");
    is_wrong("gzip", LITERAL("\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\x07\xff"), "is broken");
}
END_TEST

/* ---- how much at once ------------------------------------------------------------------------------------------------- */

/* GHSA-mgf9-4vpg-hj56, from the unpacker's side: whoever counts can stop. */
START_TEST(a_bomb_costs_no_more_than_a_page)
{
    static char zeros[65536], out[ROOM], bomb[65536];
    struct coder *c = gzip->pack(sys, 9);
    const char *why;
    size_t len = 0, total = 0;
    ssize_t n;
    for (int i = 0; i <= 128; i++) {
        struct bytes in = { zeros, i < 128 ? sizeof zeros : 0 };
        while ((n = gzip->step(c, &in, i < 128 ? CODING_MORE : CODING_LAST, bomb + len, sizeof bomb - len, &why)) > 0)
            len += (size_t)n;
    }
    gzip->end(c);
    ck_assert_uint_lt(len, 10000);
    c = gzip->unpack(sys, text_of("gzip"));
    struct bytes in = { bomb, len };
    while ((n = gzip->step(c, &in, CODING_LAST, out, ROOM, &why)) > 0) {
        MUST(sim_live(sim).bytes < 65536);
        total += (size_t)n;
    }
    ck_assert_int_eq(n, 0);
    ck_assert_uint_eq(total, 128 * sizeof zeros);
    gzip->end(c);
}
END_TEST

START_TEST(a_flush_lets_out_all_that_went_in)
{
    static struct result small, text;
    const char *why;
    for (size_t room = CODING_LEAST; room < 80; room++) {
        struct coder *in = gzip->pack(sys, 0), *out = gzip->unpack(sys, text_of("gzip"));
        small.rc = text.rc = 0;
        for (int i = 1; i <= 3; i++) {
            ssize_t before = small.rc;
            ck_assert_int_eq(go_through(in, text_of(HELLOS), CODING_FLUSH, room, &small), 0);
            struct bytes came = { small.data + before, (size_t)(small.rc - before) };
            ck_assert_int_eq(go_through(out, came, CODING_MORE, room, &text), 0);
            ck_assert_int_eq(text.rc, i * 19);
            char block[ROOM];
            ck_assert_int_eq(gzip->step(in, &(struct bytes){0}, CODING_FLUSH, block, ROOM, &why), 0);
        }
        ck_assert_int_eq(go_through(out, (struct bytes){0}, CODING_FLUSH, room, &text), 0);
        ck_assert_int_eq(go_through(out, (struct bytes){0}, CODING_LAST, room, &text), -EBADMSG);
        gzip->end(in);
        gzip->end(out);
    }
}
END_TEST

/* ---- memory ----------------------------------------------------------------------------------------------------------- */

/* Packs, or unpacks, where the n-th allocation fails: whether it did. */
static bool memory_fails(bool packs, unsigned n)
{
    static struct result r;
    sim_fail(sim, CALL_MEMORY, n, -ENOMEM);
    errno = 0;
    struct coder *c = packs ? gzip->pack(sys, 0) : gzip->unpack(sys, text_of("gzip"));
    ck_assert(c || errno == ENOMEM);
    if (c)
        go_in_portions(c, LITERAL(GZIP_PLAIN GZIP_PLAIN), 7, CODING_LEAST, &r);
    bool failed = sim_failed(sim);
    if (c && failed)
        ck_assert(r.rc == -ENOMEM && strstr(r.why, "no memory"));
    else if (c)
        ck_assert_int_gt(r.rc, 0);
    ck_assert_uint_eq(sim_live(sim).blocks, 0);
    return failed;
}

START_TEST(memory_that_is_refused_is_all_that_goes_wrong)
{
    unsigned packing = 1, unpacking = 1;
    while (memory_fails(true, packing))
        packing++;
    while (memory_fails(false, unpacking))
        unpacking++;
    ck_assert(packing > 3 && unpacking > 3);        /* each had its coder, zlib's state, and what comes later */
}
END_TEST

/* ---- whatever comes --------------------------------------------------------------------------------------------------- */

static uint64_t state;

static size_t pick(size_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(state >> 33) % below;
}

static size_t mutate(char *text, size_t len)
{
    for (size_t n = pick(4); n > 0 && len > 1; n--) {
        size_t at = pick(len), piece = 1 + pick(len - at);
        size_t how = pick(4);
        if (how == 0)
            text[at] = (char)pick(256);
        else if (how == 1)
            text[at] ^= (char)(1 << pick(8));
        else if (how == 2)
            memmove(text + at, text + at + piece, (len -= piece) - at);
        else
            len = at + 1;
    }
    return len;
}

START_TEST(whatever_comes_it_is_unpacked_to_one_thing_or_refused)
{
    static const struct bytes seeds[] = { LITERAL(GZIP_FULL), LITERAL(GZIP_PLAIN GZIP_PLAIN), LITERAL(ZLIB), LITERAL(RAW),
                                          LITERAL(ZLIB_WITH_A_DICTIONARY), LITERAL("\x01\x05\0\xfa\xffhello") };
    const char *given = getenv("EDDY_SEEDS");
    int rounds = given && atoi(given) < 10000 ? atoi(given) : 10000, whole = 0, refused = 0;
    char text[256];
    for (int i = 0; i < rounds; i++) {
        static struct result one, other;
        state = (uint64_t)i;
        struct bytes from = seeds[pick(sizeof seeds / sizeof *seeds)];
        memcpy(text, from.data, from.len);
        struct bytes in = { text, mutate(text, from.len) };
        const char *name = pick(2) ? "gzip" : "deflate";
        unpack(name, in, in.len + 1, ROOM, &one);
        unpack(name, in, 1 + pick(in.len + 1), CODING_LEAST + pick(100), &other);
        ck_assert_msg(one.rc == other.rc && one.why == other.why, "round %d", i);
        ck_assert_msg(one.rc >= 0 ? memcmp(one.data, other.data, (size_t)one.rc) == 0 : one.rc == -EBADMSG, "round %d", i);
        whole += one.rc >= 0;
        refused += one.rc < 0;
    }
    ck_assert(rounds < 100 || (whole > rounds / 20 && refused > rounds / 4));
}
END_TEST

/* ---- what is asked for wrongly ---------------------------------------------------------------------------------------- */

START_TEST(nothing_goes_in_behind_the_last)
{
    static struct result r;
    struct coder *c = gzip->pack(sys, 0);
    go_through(c, text_of(HELLOS), CODING_LAST, ROOM, &r);
    go_through(c, text_of(HELLOS), CODING_LAST, ROOM, &r);
}
END_TEST

START_TEST(a_step_has_room)
{
    static struct result r;
    go_through(gzip->pack(sys, 0), text_of(HELLOS), CODING_MORE, CODING_LEAST - 1, &r);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *const *tests, int signo)
{
    TCase *group = tcase_create(name);
    tcase_set_timeout(group, 240);
    tcase_add_checked_fixture(group, setup, teardown);
    for (; *tests; tests++)
        if (signo)
            tcase_add_test_raise_signal(group, *tests, signo);
        else
            tcase_add_test(group, *tests);
    suite_add_tcase(suite, group);
}

int main(void)
{
    const TTest *const passing[] = {
        what_is_packed_unpacks_to_what_it_was,
        it_is_packed_to_the_same_whatever_its_portions,
        what_others_have_packed_is_unpacked,
        members_are_one_body,
        no_bytes_are_an_empty_body,
        it_knows_its_names_and_no_others,
        a_body_has_one_coding_or_is_left_alone,
        what_is_cut_off_is_never_taken_for_whole,
        every_bit_of_a_check_sum_counts,
        nothing_stands_behind_the_end,
        what_is_not_packed_says_so,
        a_bomb_costs_no_more_than_a_page,
        a_flush_lets_out_all_that_went_in,
        memory_that_is_refused_is_all_that_goes_wrong,
        whatever_comes_it_is_unpacked_to_one_thing_or_refused,
        NULL
    };
    const TTest *const aborting[] = { nothing_goes_in_behind_the_last, a_step_has_room, NULL };
    Suite *suite = suite_create("coding: zlib");
    add(suite, "passing", passing, 0);
    add(suite, "aborting", aborting, SIGABRT);
    return run_suite(suite);
}
