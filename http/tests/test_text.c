/* test_text.c - tokens, numbers, lists, parameters; and fields, which are made of them. */
#include "http/tests/heads.h"
#include "http/text_scan.h"

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

START_TEST(every_byte_is_what_the_rfcs_say)
{
    static const char tchar[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        struct bytes one = { &c, 1 };
        ck_assert_msg(text_is_token(one) == (i && strchr(tchar, i)), "byte %d", i);
        ck_assert_msg(text_is_value(one) == (i == '\t' || (i >= ' ' && i != 127)), "byte %d", i);
    }
    ck_assert(!text_is_token(text_of("")));
    ck_assert(text_is_value(text_of("")));
}
END_TEST

/* Sixteen at a time or one by one: the same. Each text lies in a block of its length. */
START_TEST(a_byte_is_the_same_wherever_it_stands)
{
    for (size_t len = 1; len <= 40; len++) {
        char *data = malloc(len);
        for (size_t at = 0; at < len; at++)
            for (int i = 0; i < 256; i++) {
                struct bytes one = { &data[at], 1 };
                memset(data, 'x', len);
                data[at] = (char)i;
                MUST(text_is_token((struct bytes){ data, len }) == text_is_token(one));
                MUST(text_is_value((struct bytes){ data, len }) == text_is_value(one));
                const char *end = text_scan(data, data + len, TARGET);
                MUST(end == (i > ' ' && i != 127 ? data + len : data + at));
            }
        free(data);
    }
}
END_TEST

START_TEST(only_the_case_of_letters_is_passed_over)
{
    ck_assert(text_alike(text_of("Content-LENGTH"), "content-length"));
    ck_assert(!text_alike(text_of("content-lengt"), "content-length"));
    ck_assert(!text_alike(text_of("content-length1"), "content-length"));
    ck_assert(!text_alike((struct bytes){ "a\0b", 3 }, "a"));
    ck_assert(!text_alike(text_of("@"), "`"));
    ck_assert(!text_alike(text_of("\xc1"), "\xe1"));
    ck_assert(text_alike(text_of(NULL), ""));
    ck_assert(text_equal(text_of("ab"), (struct bytes){ "abc", 2 }));
    ck_assert(!text_is(text_of("ab"), "aB"));
}
END_TEST

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

START_TEST(numbers_are_digits_up_to_a_limit)
{
    int64_t n = -1;
    ck_assert_int_eq(text_number(text_of("0"), 0, &n), 0);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(text_number(text_of("00012"), 12, &n), 0);
    ck_assert_int_eq(n, 12);
    ck_assert_int_eq(text_number(text_of("13"), 12, &n), -ERANGE);
    ck_assert_int_eq(text_number(text_of("9223372036854775807"), INT64_MAX, &n), 0);
    ck_assert_int_eq(n, INT64_MAX);
    ck_assert_int_eq(text_number(text_of("9223372036854775808"), INT64_MAX, &n), -ERANGE);
    ck_assert_int_eq(text_number(text_of("99999999999999999999999"), INT64_MAX, &n), -ERANGE);
    ck_assert_int_eq(text_number(text_of("9999999999999999999999x"), INT64_MAX, &n), -EINVAL);
    ck_assert_int_eq(text_number(text_of("1a"), INT64_MAX, &n), -EINVAL);
    ck_assert_int_eq(text_number(text_of(""), INT64_MAX, &n), -EINVAL);
    ck_assert_int_eq(text_hex_number(text_of("fF0"), 0xff0, &n), 0);
    ck_assert_int_eq(n, 0xff0);
    ck_assert_int_eq(text_hex_number(text_of("ff1"), 0xff0, &n), -ERANGE);
    ck_assert_int_eq(text_hex_number(text_of("g"), 0xff0, &n), -EINVAL);
    ck_assert_int_eq(n, 0xff0);
}
END_TEST

/* ---- lists and parameters ---------------------------------------------------------------------------------------- */

static const char *items(const char *list)
{
    static char out[256];
    struct bytes rest = text_of(list), item;
    size_t len = 0;
    while (text_next(&rest, &item))
        len += (size_t)sprintf(out + len, "<%.*s>", (int)item.len, item.data);
    out[len] = 0;
    return out;
}

START_TEST(a_list_has_commas_between_its_items_and_maybe_nothing)
{
    ck_assert_str_eq(items("a, b ,c"), "<a><b><c>");
    ck_assert_str_eq(items(" ,a,\t,, b,"), "<a><b>");
    ck_assert_str_eq(items(""), "");
    ck_assert_str_eq(items(" , ,"), "");
    ck_assert_str_eq(items("\"a,b\", \"c\\\",d\",e"), "<\"a,b\"><\"c\\\",d\"><e>");
    ck_assert_str_eq(items("\"a,b"), "<\"a,b>");
    ck_assert(text_lists(text_of("te, Close"), "close"));
    ck_assert(!text_lists(text_of("closed, clos"), "close"));
}
END_TEST

static const char *parameters(const char *text)
{
    static char out[256];
    struct bytes rest = text_of(text), name, value;
    size_t len = 0;
    int rc;
    while ((rc = text_parameter(&rest, &name, &value)) > 0) {
        char plain[256];
        size_t n = text_unquote(value, plain);
        len += (size_t)sprintf(out + len, "<%.*s|%.*s>", (int)name.len, name.data, (int)n, plain);
    }
    sprintf(out + len, "%s", rc < 0 ? "!" : "");
    return out;
}

START_TEST(a_parameter_is_a_name_and_a_value_that_may_be_quoted)
{
    ck_assert_str_eq(parameters("; a=b;c=\"d;e\" ; f=\"g\\\"\\\\h\""), "<a|b><c|d;e><f|g\"\\h>");
    ck_assert_str_eq(parameters(""), "");
    ck_assert_str_eq(parameters(" ; ;"), "");
    ck_assert_str_eq(parameters("; a=\"\""), "<a|>");
    ck_assert_str_eq(parameters("; a"), "!");
    ck_assert_str_eq(parameters("; a="), "!");
    ck_assert_str_eq(parameters("; =b"), "!");
    ck_assert_str_eq(parameters("; a=\"b"), "!");
    ck_assert_str_eq(parameters("; a=\"b\\\""), "!");
    ck_assert_str_eq(parameters("; a=\"b\"c"), "!");
    ck_assert_str_eq(parameters("; a=b c"), "!");
    ck_assert_str_eq(parameters("; x=y; a = b"), "<x|y>!");
}
END_TEST

/* CVE-2025-67726. */
START_TEST(case_66_many_semicolons_in_quotes_are_read_once)
{
    enum { MANY = 200000 };
    char *text = malloc(MANY + 8);
    struct bytes name, value;
    int times = 0;
    memcpy(text, "; x=\"", 5);
    memset(text + 5, ';', MANY);
    text[MANY + 5] = '"';
    struct bytes rest = { text, MANY + 6 };
    ck_assert_int_eq(text_parameter(&rest, &name, &value), 1);
    ck_assert_uint_eq(value.len, MANY + 2);
    memset(text, ';', MANY);
    rest = (struct bytes){ text, MANY };
    while (text_parameter(&rest, &name, &value) > 0)
        times++;
    ck_assert_int_eq(times, 0);
    free(text);
}
END_TEST

/* ---- fields ------------------------------------------------------------------------------------------------------ */

START_TEST(fields_keep_their_order_and_their_number)
{
    struct header at[4];
    struct headers h = { .at = at, .room = 4 };
    struct bytes value;
    int from = 0;
    ck_assert_int_eq(headers_add(&h, text_of("Vary"), text_of(" a ")), 0);
    ck_assert_int_eq(headers_add(&h, text_of("X"), text_of("y")), 0);
    ck_assert_int_eq(headers_add(&h, text_of("vary"), text_of("b, C")), 0);
    SAYS(headers_get(&h, "VARY"), "a");
    ck_assert_ptr_null(headers_get(&h, "none").data);
    ck_assert_int_eq(headers_count(&h, "Vary"), 2);
    ck_assert(headers_next(&h, "vary", &from, &value) && text_is(value, "a"));
    ck_assert(headers_next(&h, "vary", &from, &value) && text_is(value, "b, C"));
    ck_assert(!headers_next(&h, "vary", &from, &value));
    ck_assert(headers_list(&h, "Vary", "c") && !headers_list(&h, "Vary", "d"));
    ck_assert_int_eq(headers_add(&h, text_of("Z"), text_of("")), 0);
    ck_assert_int_eq(headers_add(&h, text_of("Q"), text_of("")), -ENOSPC);
    ck_assert_int_eq(headers_remove(&h, "VARY"), 2);
    ck_assert_int_eq(headers_remove(&h, "VARY"), 0);
    ck_assert_int_eq(h.count, 2);
}
END_TEST

START_TEST(case_102_nobody_can_put_a_line_into_a_field)
{
    static const char *const wrong[] = { "a\rb", "a\nb", "a\r\nb: c", "\x7f", "\x01" };
    struct header at[4];
    struct headers h = { .at = at, .room = 4 };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_int_eq(headers_add(&h, text_of("name"), text_of(wrong[i])), -EINVAL);
        ck_assert_int_eq(headers_add(&h, text_of(wrong[i]), text_of("value")), -EINVAL);
    }
    ck_assert_int_eq(headers_add(&h, text_of(""), text_of("value")), -EINVAL);
    ck_assert_int_eq(headers_add(&h, text_of("a b"), text_of("value")), -EINVAL);
    ck_assert_int_eq(headers_add(&h, text_of("name"), (struct bytes){ "a\0b", 3 }), -EINVAL);
    ck_assert_int_eq(h.count, 0);
}
END_TEST

START_TEST(fields_are_written_as_they_are_or_their_length_is_told)
{
    static const char expected[] = "A: b\r\nC: \r\n";
    struct header at[] = { { text_of("A"), text_of("b") }, { text_of("C"), text_of("") } };
    struct headers h = { .at = at, .count = 2, .room = 2 };
    char out[32];
    ck_assert_uint_eq(headers_write(&h, out, sizeof out), sizeof expected - 1);
    ck_assert_int_eq(memcmp(out, expected, sizeof expected - 1), 0);
    for (size_t size = 0; size < sizeof expected; size++) {
        char *small = malloc(size + 1);
        small[size] = '!';
        ck_assert_uint_eq(headers_write(&h, small, size), sizeof expected - 1);
        ck_assert_int_eq(small[size], '!');
        ck_assert_int_eq(memcmp(small, expected, size), 0);
        free(small);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_byte_is_what_the_rfcs_say,
        a_byte_is_the_same_wherever_it_stands,
        only_the_case_of_letters_is_passed_over,
        numbers_are_digits_up_to_a_limit,
        a_list_has_commas_between_its_items_and_maybe_nothing,
        a_parameter_is_a_name_and_a_value_that_may_be_quoted,
        case_66_many_semicolons_in_quotes_are_read_once,
        fields_keep_their_order_and_their_number,
        case_102_nobody_can_put_a_line_into_a_field,
        fields_are_written_as_they_are_or_their_length_is_told,
        NULL
    };
    Suite *suite = suite_create("text");
    add_tests(suite, "text", tests, 0);
    return run_suite(suite);
}
