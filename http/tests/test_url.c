/* test_url.c - addresses of pages: taken apart, resolved (all of RFC 3986's examples), decoded; and what only looks like one. */
#include "http/url.h"

#include <ctype.h>

#include "http/tests/heads.h"

/* "scheme|user|host|port|path|query|fragment", "-" for what is not there. */
static const char *taken(const char *text)
{
    static char out[512];
    struct url u;
    size_t len = 0;
    if (url_parse(text_of(text), &u) < 0)
        return "none";
    const struct bytes parts[] = { u.scheme, u.user, u.host, {0}, u.path, u.query, u.fragment };
    for (int i = 0; i < 7; i++)
        if (i == 3)
            len += (size_t)sprintf(out + len, "%d|", u.port);
        else
            len += (size_t)sprintf(out + len, "%.*s%s", parts[i].data ? (int)parts[i].len : 1,
                                   parts[i].data ? parts[i].data : "-", i < 6 ? "|" : "");
    return out;
}

START_TEST(a_url_is_taken_apart)
{
    ck_assert_str_eq(taken("http://example.org/a?b#c"), "http|-|example.org|0|/a|b|c");
    ck_assert_str_eq(taken("https://u:p@example.org:8443"), "https|u:p|example.org|8443||-|-");
    ck_assert_str_eq(taken("http://[2001:db8::1]:80/?"), "http|-|2001:db8::1|80|/||-");
    ck_assert_str_eq(taken("http://x:/"), "http|-|x|0|/|-|-");
    ck_assert_str_eq(taken("mailto:a@b"), "mailto|-|-|0|a@b|-|-");
    ck_assert_str_eq(taken("//host/p"), "|-|host|0|/p|-|-");
    ck_assert_str_eq(taken("/a:b//c"), "|-|-|0|/a:b//c|-|-");
    ck_assert_str_eq(taken("?q"), "|-|-|0||q|-");
    ck_assert_str_eq(taken(""), "|-|-|0||-|-");
    ck_assert_str_eq(taken("a#?b"), "|-|-|0|a|-|?b");
    ck_assert_str_eq(taken("file:///etc"), "file|-||0|/etc|-|-");
}
END_TEST

START_TEST(what_has_one_host_has_the_right_one)
{
    ck_assert_str_eq(taken("http://good.example:80@evil.example/"), "http|good.example:80|evil.example|0|/|-|-");
    ck_assert_str_eq(taken("http://evil.example#@good.example/"), "http|-|evil.example|0||-|@good.example/");
    ck_assert_str_eq(taken("http://evil.example?@good.example/"), "http|-|evil.example|0||@good.example/|-");
    ck_assert_str_eq(taken("http://a@b@c/"), "none");
    ck_assert_str_eq(taken("http://evil.example\\@good.example/"), "http|evil.example\\|good.example|0|/|-|-");
    ck_assert_str_eq(taken("http://a b/"), "none");
    ck_assert_str_eq(taken("http://a\tb/"), "none");
    ck_assert_str_eq(taken("http://a\nb/"), "none");
    ck_assert_str_eq(taken("http://a\\b/"), "none");
    ck_assert_str_eq(taken("http://[::1/"), "none");
    ck_assert_str_eq(taken("http://[::1]x/"), "none");
    ck_assert_str_eq(taken("http://[1.2.3.4]/"), "none");
    ck_assert_str_eq(taken("http://::1/"), "none");
    ck_assert_str_eq(taken("http://x:70000/"), "none");
    ck_assert_str_eq(taken("http://x:+1/"), "none");
    ck_assert_str_eq(taken("http://x/%4"), "none");
    ck_assert_str_eq(taken("http://%zz/"), "none");
}
END_TEST

START_TEST(only_http_has_pages)
{
    struct url u;
    bool secure;
    int port;
    ck_assert_int_eq(url_parse(text_of("HTTPS://x"), &u), 0);
    ck_assert_int_eq(url_http(&u, &secure, &port), 0);
    ck_assert(secure && port == 443);
    ck_assert_int_eq(url_parse(text_of("http://x:81"), &u), 0);
    ck_assert_int_eq(url_http(&u, &secure, &port), 0);
    ck_assert(!secure && port == 81);
    ck_assert_int_eq(url_parse(text_of("ftp://x"), &u), 0);
    ck_assert_int_eq(url_http(&u, &secure, &port), -EPROTONOSUPPORT);
    ck_assert_int_eq(url_parse(text_of("/x"), &u), 0);
    ck_assert_int_eq(url_http(&u, &secure, &port), -EPROTONOSUPPORT);
    ck_assert_int_eq(url_parse(text_of("http:///x"), &u), 0);
    ck_assert_int_eq(url_http(&u, &secure, &port), -EINVAL);
}
END_TEST

static bool same(const char *a, const char *b)
{
    struct url x, y;
    return url_parse(text_of(a), &x) == 0 && url_parse(text_of(b), &y) == 0 && url_same_origin(&x, &y);
}

START_TEST(an_origin_is_a_scheme_a_host_and_a_port)
{
    ck_assert(same("http://x/a", "HTTP://X:80/b?c"));
    ck_assert(same("https://u@x/", "https://x:443/"));
    ck_assert(!same("http://x/", "https://x/"));
    ck_assert(!same("http://x/", "http://x:81/"));
    ck_assert(!same("http://x/", "http://xy/"));
    ck_assert(!same("http://x/", "http://y/"));
    ck_assert(!same("ftp://x/", "ftp://x/"));
}
END_TEST

/* ---- resolving --------------------------------------------------------------------------------------------------- */

static const char *resolved(const char *base, const char *reference)
{
    static char out[256];
    struct url u;
    ck_assert_int_eq(url_parse(text_of(base), &u), 0);
    ssize_t len = url_resolve(&u, text_of(reference), out, sizeof out - 1);
    if (len < 0)
        return len == -EINVAL ? "none" : "no room";
    for (size_t size = 0; size < (size_t)len; size++) {
        char *small = malloc(size ? size : 1);
        MUST(url_resolve(&u, text_of(reference), small, size) == -ENOSPC || size >= (size_t)len);
        free(small);
    }
    out[len] = 0;
    return out;
}

START_TEST(the_examples_of_rfc_3986_section_5_4)
{
    static const char *const examples[][2] = {
        { "g:h", "g:h" }, { "g", "http://a/b/c/g" }, { "./g", "http://a/b/c/g" }, { "g/", "http://a/b/c/g/" },
        { "/g", "http://a/g" }, { "//g", "http://g" }, { "?y", "http://a/b/c/d;p?y" }, { "g?y", "http://a/b/c/g?y" },
        { "#s", "http://a/b/c/d;p?q#s" }, { "g#s", "http://a/b/c/g#s" }, { "g?y#s", "http://a/b/c/g?y#s" },
        { ";x", "http://a/b/c/;x" }, { "g;x", "http://a/b/c/g;x" }, { "g;x?y#s", "http://a/b/c/g;x?y#s" },
        { "", "http://a/b/c/d;p?q" }, { ".", "http://a/b/c/" }, { "./", "http://a/b/c/" }, { "..", "http://a/b/" },
        { "../", "http://a/b/" }, { "../g", "http://a/b/g" }, { "../..", "http://a/" }, { "../../", "http://a/" },
        { "../../g", "http://a/g" }, { "../../../g", "http://a/g" }, { "../../../../g", "http://a/g" }, { "/./g", "http://a/g" },
        { "/../g", "http://a/g" }, { "g.", "http://a/b/c/g." }, { ".g", "http://a/b/c/.g" }, { "g..", "http://a/b/c/g.." },
        { "..g", "http://a/b/c/..g" }, { "./../g", "http://a/b/g" }, { "./g/.", "http://a/b/c/g/" },
        { "g/./h", "http://a/b/c/g/h" }, { "g/../h", "http://a/b/c/h" }, { "g;x=1/./y", "http://a/b/c/g;x=1/y" },
        { "g;x=1/../y", "http://a/b/c/y" }, { "g?y/./x", "http://a/b/c/g?y/./x" }, { "g?y/../x", "http://a/b/c/g?y/../x" },
        { "g#s/./x", "http://a/b/c/g#s/./x" }, { "g#s/../x", "http://a/b/c/g#s/../x" }, { "http:g", "http:g" },
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        ck_assert_str_eq(resolved("http://a/b/c/d;p?q", examples[i][0]), examples[i][1]);
}
END_TEST

START_TEST(references_from_pages_in_the_wild)
{
    ck_assert_str_eq(resolved("http://a", "b"), "http://a/b");
    ck_assert_str_eq(resolved("https://u:p@[::1]:81/x", "/y"), "https://u:p@[::1]:81/y");
    ck_assert_str_eq(resolved("http://[::1]/x", "y"), "http://[::1]/y");
    ck_assert_str_eq(resolved("http://a/b#f", "c"), "http://a/c#f");
    ck_assert_str_eq(resolved("http://a/b", "//[::2]:1/c"), "http://[::2]:1/c");
    ck_assert_str_eq(resolved("http://a/b", "http://[::2]/../c"), "http://[::2]/c");
    ck_assert_str_eq(resolved("http://a/b", "c d"), "none");
    ck_assert_str_eq(resolved("http://a/b", "http:/.//evil.example/"), "none");     /* no host becomes another */
}
END_TEST

START_TEST(a_path_without_dots_stays_inside)
{
    static const char *const paths[][2] = {
        { "/", "/" }, { "", "" }, { "/..", "/" }, { "/../../etc/passwd", "/etc/passwd" }, { "/a/../../b", "/b" },
        { "/a/./b/.", "/a/b/" },
        { "/a//b", "/a//b" }, { "/a//../b", "/a/b" }, { "/...", "/..." }, { "/a/..", "/" }, { "//..//x", "//x" },
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char out[64];
        size_t len = url_remove_dots(text_of(paths[i][0]), out);
        ck_assert_msg(text_is((struct bytes){ out, len }, paths[i][1]), "%s became %.*s", paths[i][0], (int)len, out);
    }
}
END_TEST

/* ---- percent signs ----------------------------------------------------------------------------------------------- */

START_TEST(case_68_what_is_encoded_is_decoded_once)
{
    char out[64];
    ck_assert_int_eq(url_decode(text_of("a%C3%a9+%2B"), true, out), 5);
    ck_assert_int_eq(memcmp(out, "a\xc3\xa9 +", 5), 0);
    ck_assert_int_eq(url_decode(text_of("a+b%252e"), false, out), 6);
    ck_assert_int_eq(memcmp(out, "a+b%2e", 6), 0);
    ck_assert_int_eq(url_decode(text_of("%"), false, out), -EINVAL);
    ck_assert_int_eq(url_decode(text_of("%2"), false, out), -EINVAL);
    ck_assert_int_eq(url_decode(text_of("%2g"), false, out), -EINVAL);
    ck_assert_int_eq(url_decode(text_of("%00"), false, out), 1);
    for (int i = 0; i < 256; i++) {
        char c = (char)i, code[3], back;
        ssize_t len = url_encode((struct bytes){ &c, 1 }, "/", code, sizeof code);
        ck_assert_int_eq(len, i && (isalnum(i) || strchr("-._~/", i)) && i < 128 ? 1 : 3);
        ck_assert_int_eq(url_decode((struct bytes){ code, (size_t)len }, false, &back), 1);
        ck_assert_int_eq(back, c);
    }
    ck_assert_int_eq(url_encode(text_of("a b"), "", out, 4), -ENOSPC);
}
END_TEST

START_TEST(arguments_come_in_order_also_without_a_value)
{
    struct bytes rest = { "foo=&foo=b=c&&bar&=x&a\0b=1", 26 }, name, value;
    const char *const expected[][2] = { { "foo", "" }, { "foo", "b=c" }, { "bar", "" }, { "", "x" } };
    for (int i = 0; i < 4; i++) {
        ck_assert(url_next_argument(&rest, &name, &value));
        SAYS(name, expected[i][0]);
        SAYS(value, expected[i][1]);
    }
    ck_assert(url_next_argument(&rest, &name, &value));
    ck_assert(text_equal(name, (struct bytes){ "a\0b", 3 }));
    ck_assert(!url_next_argument(&rest, &name, &value));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_url_is_taken_apart,
        what_has_one_host_has_the_right_one,
        only_http_has_pages,
        an_origin_is_a_scheme_a_host_and_a_port,
        the_examples_of_rfc_3986_section_5_4,
        references_from_pages_in_the_wild,
        a_path_without_dots_stays_inside,
        case_68_what_is_encoded_is_decoded_once,
        arguments_come_in_order_also_without_a_value,
        NULL
    };
    Suite *suite = suite_create("url");
    add_tests(suite, "url", tests, 0);
    return run_suite(suite);
}
