/* test_cookie.c - cookies, read as browsers send them, and written: cases 69, 70 and 79 of Tornado's tests. */
#include "http/cookie.h"

#include "http/tests/heads.h"

static const char *cookies(const char *text, size_t len)
{
    static char out[512];
    struct bytes rest = { text, len }, name, value;
    size_t at = 0;
    while (cookie_next(&rest, &name, &value)) {
        char plain[256];
        size_t n = cookie_value(value, plain);
        at += (size_t)sprintf(out + at, "<%.*s|%.*s>", (int)name.len, name.data, (int)n, plain);
    }
    out[at] = 0;
    return out;
}

#define COOKIES(text) cookies(text, sizeof(text) - 1)

START_TEST(case_69_cookies_are_read_as_browsers_send_them)
{
    ck_assert_str_eq(COOKIES("a=b; \"; c=d; e=\"x\\054y\"; a=z"), "<a|b><c|d><e|x,y><a|z>");
    ck_assert_str_eq(COOKIES("chips=ahoy; vienna=finger"), "<chips|ahoy><vienna|finger>");
    ck_assert_str_eq(COOKIES("keebler=\"E=mc2; L=\\\"Loves\\\"; fudge=\\012;\""),
                     "<keebler|\"E=mc2><L|\\\"Loves\\\"><fudge|\\012>");
    ck_assert_str_eq(COOKIES("keebler=E=mc2"), "<keebler|E=mc2>");
    ck_assert_str_eq(COOKIES("a = b ;;=c; d=; e"), "<a|b><d|>");
    ck_assert_str_eq(COOKIES("a=\"\\\"b\\\\\\q\\3\\400\""), "<a|\"b\\q3400>");
    ck_assert_str_eq(COOKIES("a=\""), "<a|\">");
    ck_assert_str_eq(COOKIES("a=\"\\\""), "<a|\\>");
    ck_assert_str_eq(COOKIES(""), "");
}
END_TEST

/* CVE-2024-52804. */
START_TEST(case_70_many_backslashes_are_read_once)
{
    enum { MANY = 1000000 };
    char *text = malloc(MANY + 2), *out = malloc(MANY + 2);
    memset(text, '\\', MANY + 2);
    text[0] = text[MANY + 1] = '"';
    ck_assert_uint_eq(cookie_value((struct bytes){ text, MANY + 2 }, out), MANY / 2);
    for (int i = 0; i < MANY; i += 4)
        memcpy(text + 1 + i, "\\134", 4);
    ck_assert_uint_eq(cookie_value((struct bytes){ text, MANY + 2 }, out), MANY / 4);
    free(text);
    free(out);
}
END_TEST

static const char *written(struct cookie c)
{
    static char out[256];
    ssize_t len = cookie_write(&c, out, sizeof out - 1);
    if (len < 0)
        return len == -EINVAL ? "none" : "no room";
    for (size_t size = 0; size < (size_t)len; size++) {
        char *small = malloc(size ? size : 1);
        MUST(cookie_write(&c, small, size) == -ENOSPC);
        free(small);
    }
    out[len] = 0;
    return out;
}

START_TEST(a_cookie_says_what_it_is_for)
{
    struct cookie c = { .name = text_of("a"), .value = text_of("b") };
    ck_assert_str_eq(written(c), "a=b; Path=/");
    c.path = text_of("/x");
    c.domain = text_of("example.org");
    c.expires = 784111777;
    c.max_age = 60;
    c.secure = c.http_only = true;
    c.same_site = "Lax";
    ck_assert_str_eq(written(c), "a=b; Path=/x; Domain=example.org; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=60; Secure; "
                                 "HttpOnly; SameSite=Lax");
    ck_assert_str_eq(written((struct cookie){ .name = text_of("a"), .max_age = -1 }), "a=; Path=/; Max-Age=0");
}
END_TEST

/* GHSA-78cv-mqj4-43f7. */
START_TEST(case_79_no_byte_of_a_cookie_becomes_an_attribute)
{
    for (int i = 0; i < 256; i++) {
        char c = (char)i, back[4];
        struct bytes one = { &c, 1 }, a = text_of("a"), name, value;
        bool bad = i <= ' ' || i == ';' || i == 127;
        ck_assert((cookie_write(&(struct cookie){ .name = a, .path = one }, (char[64]){0}, 64) == -EINVAL) == bad);
        ck_assert((cookie_write(&(struct cookie){ .name = a, .domain = one }, (char[64]){0}, 64) == -EINVAL) == bad);
        ck_assert((cookie_write(&(struct cookie){ .name = one }, (char[64]){0}, 64) == -EINVAL) == !text_is_token(one));
        char out[64];
        ssize_t len = cookie_write(&(struct cookie){ .name = a, .value = one }, out, sizeof out);
        struct bytes rest = { out, (size_t)len };
        ck_assert_int_gt(len, 0);
        ck_assert(cookie_next(&rest, &name, &value));
        ck_assert_uint_eq(cookie_value(value, back), 1);
        ck_assert_msg(back[0] == c, "byte %d came back as %d", i, back[0]);
    }
    ck_assert_str_eq(written((struct cookie){ .name = text_of("a"), .same_site = "Lax; x" }), "none");
    ck_assert_str_eq(written((struct cookie){ .value = text_of("b") }), "none");
    ck_assert_str_eq(written((struct cookie){ .name = text_of("a"), .value = text_of("b;\r\nc") }),
                     "a=\"b\\073\\015\\012c\"; Path=/");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        case_69_cookies_are_read_as_browsers_send_them,
        case_70_many_backslashes_are_read_once,
        a_cookie_says_what_it_is_for,
        case_79_no_byte_of_a_cookie_becomes_an_attribute,
        NULL
    };
    Suite *suite = suite_create("cookie");
    add_tests(suite, "cookie", tests, 0);
    return run_suite(suite);
}
