/* test_chunked.c - bodies in chunks, in portions of every size: cases 34 to 39 of Tornado's tests, as RFC 9112 has them. */
#include "http/chunked.h"

#include "http/tests/heads.h"

struct body {
    char data[256];
    size_t len, taken;
    struct problem problem;
};

/* Takes all it can of what has come so far; each time in a block of exactly that size. 1: the body is whole. */
static int take_all(struct chunked *c, const char *text, size_t len, int64_t most, struct body *b)
{
    while (c->state != CHUNK_TRAILERS) {
        char *block = malloc(len - b->taken + 1);
        struct bytes data;
        memcpy(block, text + b->taken, len - b->taken);
        ssize_t n = chunked_take(c, (struct bytes){ block, len - b->taken }, most, &data, &b->problem);
        if (n > 0 && data.len) {
            memcpy(b->data + b->len, data.data, data.len);
            b->len += data.len;
        }
        free(block);
        if (n <= 0)
            return (int)n;
        b->taken += (size_t)n;
    }
    return 1;
}

/* In portions of `portion` bytes: 1, 0 or -EINVAL. */
static int read_body(const char *text, size_t len, size_t portion, int64_t most, struct body *b)
{
    struct chunked c = {0};
    int rc = 0;
    *b = (struct body){0};
    for (size_t so_far = portion; rc == 0 && so_far < len + portion; so_far += portion)
        rc = take_all(&c, text, so_far < len ? so_far : len, most, b);
    return rc;
}

#define WHOLE(text, expected) is_body(text, sizeof(text) - 1, expected)
static void is_body(const char *text, size_t len, const char *expected)
{
    for (size_t portion = 1; portion <= len; portion++) {
        struct body b;
        ck_assert_msg(read_body(text, len, portion, 1000, &b) == 1, "%s\nis no body: %s", text, b.problem.why);
        ck_assert_str_eq(b.data, expected);
    }
}

/* The same, however it comes. */
#define STATUS(text) status_of(text, sizeof(text) - 1, 100)
static int status_of(const char *text, size_t len, int64_t most)
{
    struct body b;
    int status = read_body(text, len, len, most, &b) < 0 ? b.problem.status : 0;
    for (size_t portion = 1; portion < len; portion++)
        ck_assert_int_eq(read_body(text, len, portion, most, &b) < 0 ? b.problem.status : 0, status);
    return status;
}

START_TEST(case_34_and_35_chunks_are_put_together)
{
    WHOLE("4\r\nfoo=\r\n3\r\nbar\r\n0\r\n", "foo=bar");
    WHOLE("0\r\n", "");
    WHOLE("0001\r\na\r\n000\r\n", "a");
    WHOLE("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n", "01234567890123456789");
    WHOLE("2\r\n\r\n\r\n0\r\n", "\r\n");
}
END_TEST

START_TEST(case_35_a_size_is_hexadecimal_digits)
{
    ck_assert_int_eq(STATUS("1_a\r\n"), 400);
    ck_assert_int_eq(STATUS("0x1\r\n"), 400);
    ck_assert_int_eq(STATUS("+1\r\n"), 400);
    ck_assert_int_eq(STATUS("-1\r\n"), 400);
    ck_assert_int_eq(STATUS(" 1\r\n"), 400);
    ck_assert_int_eq(STATUS("1 \r\n"), 400);
    ck_assert_int_eq(STATUS("\r\n"), 400);
    ck_assert_int_eq(STATUS(";a\r\n"), 400);
    ck_assert_int_eq(STATUS("g\r\n"), 400);
    ck_assert_int_eq(STATUS("1 a\r\n"), 400);
}
END_TEST

START_TEST(case_36_extensions_are_passed_over_within_a_limit)
{
    char much[CHUNK_EXTENSIONS + 100];
    WHOLE("1;x=y\r\na\r\n0;last\r\n", "a");
    WHOLE("1 ; x=\"a;b\"\r\na\r\n0\r\n", "a");
    ck_assert_int_eq(STATUS("1;x=\x01\r\n"), 400);
    ck_assert_int_eq(STATUS("1;x\ny\r\n"), 400);
    ck_assert_int_eq(STATUS("1;x\ry\r\n"), 400);
    size_t len = 0;
    for (int i = 0; i < 3; i++)
        len += (size_t)sprintf(much + len, "1;%0900d\r\na\r\n", 0);
    ck_assert_int_eq(status_of(much, len, 100), 0);
    for (int i = 0; i < 2; i++)
        len += (size_t)snprintf(much + len, sizeof much - len, "1;%0700d\r\na\r\n", 0);
    struct body b;
    ck_assert_int_eq(read_body(much, len, len, 100, &b), -EINVAL);
    ck_assert_int_eq(b.problem.status, 400);
}
END_TEST

START_TEST(case_37_what_does_not_fit_its_size_is_an_error_at_once)
{
    ck_assert_int_eq(STATUS("1\r\nabc\r\n0\r\n"), 400);
    ck_assert_int_eq(STATUS("1\r\na\n"), 400);
    ck_assert_int_eq(STATUS("1\r\na\rb"), 400);
    ck_assert_int_eq(STATUS("1\n"), 400);
    ck_assert_int_eq(STATUS("1\r\r\n"), 400);
    ck_assert_int_eq(STATUS("ffffffffffffffff\r\n"), 413);
    ck_assert_int_eq(STATUS("7fffffffffffffff\r\n"), 413);
    ck_assert_int_eq(STATUS("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\r\n"), 413);
    char line[2000];
    memset(line, '0', sizeof line);
    ck_assert_int_eq(status_of(line, 1023, 100), 0);
    ck_assert_int_eq(status_of(line, 1024, 100), 400);
}
END_TEST

START_TEST(case_38_the_limit_is_that_of_the_whole_body)
{
    ck_assert_int_eq(STATUS("64\r\n"), 0);
    ck_assert_int_eq(STATUS("65\r\n"), 413);
    static const char two[] = "2\r\nab\r\n2\r\ncd\r\n0\r\n";
    ck_assert_int_eq(status_of(two, sizeof two - 1, 4), 0);
    ck_assert_int_eq(status_of(two, sizeof two - 1, 3), 413);
}
END_TEST

START_TEST(a_body_that_goes_on_for_ever_holds_no_more_than_a_portion)
{
    struct chunked c = {0};
    struct bytes data;
    struct problem problem;
    ck_assert_int_eq(chunked_take(&c, (struct bytes){ "40000000\r\n", 10 }, INT64_MAX, &data, &problem), 10);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(chunked_take(&c, (struct bytes){ "0123456789", 10 }, INT64_MAX, &data, &problem), 10);
        ck_assert_uint_eq(data.len, 10);
    }
    ck_assert_int_eq(c.total, 10000);
    ck_assert_int_eq(c.left, 0x40000000 - 10000);
}
END_TEST

START_TEST(what_is_written_can_be_read)
{
    static const size_t sizes[] = { 1, 15, 16, 255, 4096, 65536, SIZE_MAX >> 1 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct chunked c = {0};
        struct bytes data;
        struct problem problem;
        char text[CHUNK_TEXT];
        size_t len = chunked_begin(sizes[i], text);
        ck_assert_int_eq(chunked_take(&c, (struct bytes){ text, len }, INT64_MAX, &data, &problem), (ssize_t)len);
        ck_assert_int_eq(c.left, (int64_t)sizes[i]);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        case_34_and_35_chunks_are_put_together,
        case_35_a_size_is_hexadecimal_digits,
        case_36_extensions_are_passed_over_within_a_limit,
        case_37_what_does_not_fit_its_size_is_an_error_at_once,
        case_38_the_limit_is_that_of_the_whole_body,
        a_body_that_goes_on_for_ever_holds_no_more_than_a_portion,
        what_is_written_can_be_read,
        NULL
    };
    Suite *suite = suite_create("chunked");
    add_tests(suite, "chunked", tests, 0);
    return run_suite(suite);
}
