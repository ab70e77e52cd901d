/* test_multipart.c - forms in parts, in portions of every size: cases 62 to 65 of Tornado's tests. */
#include "http/multipart.h"

#include "http/tests/heads.h"

/* Reads a form in portions of `portion` bytes: "[name|filename|type]data..." for each part, "." at the end; what is wrong with it
 * in `problem`. */
static const char *parts_of(const char *text, size_t len, size_t portion, struct problem *problem)
{
    static char out[4096];
    struct multipart m;
    size_t at = 0, so_far = 0, taken = 0;
    bool ended = false;
    *problem = (struct problem){0};
    ck_assert_int_eq(multipart_begin(&m, text_of("multipart/form-data; boundary=1234")), 0);
    while (so_far < len) {
        so_far = so_far + portion < len ? so_far + portion : len;
        for (ssize_t n = 1; n > 0 && taken < so_far && !ended;) {
            char *block = malloc(so_far - taken), plain[256];
            enum multipart_event what;
            struct part p;
            struct bytes data;
            memcpy(block, text + taken, so_far - taken);
            n = multipart_take(&m, (struct bytes){ block, so_far - taken }, &what, &p, &data, problem);
            if (n > 0 && what == MULTIPART_PART) {
                ssize_t name = part_text(p.name, false, plain);
                at += (size_t)sprintf(out + at, "[%.*s|", (int)name, plain);
                ssize_t file = part_text(p.filename, p.extended, plain);
                at += (size_t)sprintf(out + at, "%.*s|%.*s]", p.filename.data ? (int)file : 1, p.filename.data ? plain : "-",
                                      (int)p.type.len, p.type.data);
            }
            if (n > 0 && what == MULTIPART_DATA)
                at += (size_t)sprintf(out + at, "%.*s", (int)data.len, data.data);
            ended |= n > 0 && m.state == PART_END;
            taken += n > 0 ? (size_t)n : 0;
            free(block);
        }
    }
    sprintf(out + at, "%s", problem->status ? "!" : ended ? "." : "...");
    return out;
}

#define PARTS(text) every_portion(text, sizeof(text) - 1)
static const char *every_portion(const char *text, size_t len)
{
    static char expected[4096];
    struct problem problem;
    strcpy(expected, parts_of(text, len, len, &problem));
    for (size_t portion = 1; portion < len; portion++)
        ck_assert_str_eq(parts_of(text, len, portion, &problem), expected);
    return expected;
}

#define FILE_PART "Content-Disposition: form-data; name=\"files\"; filename=\"ab.txt\"\r\n\r\n"

START_TEST(case_62_a_form_is_taken_apart)
{
    ck_assert_str_eq(PARTS("--1234\r\n" FILE_PART "Foo\r\n--1234--"), "[files|ab.txt|]Foo.");
    ck_assert_str_eq(PARTS("--1234\r\n" FILE_PART "Foo\r\n--1234--\r\nbehind it --1234\r\n"), "[files|ab.txt|]Foo.");
    ck_assert_str_eq(PARTS("--1234\r\nContent-Disposition: form-data; name=a\r\nContent-Type: text/x\r\n\r\nb\r\n\r\nc\r\n"
                           "--1234\r\n"
                           FILE_PART "\r\n--1234  \r\n" FILE_PART "x\r\n--123\r\n--1234--"),
                     "[a|-|text/x]b\r\n\r\nc[files|ab.txt|][files|ab.txt|]x\r\n--123.");
    ck_assert_str_eq(PARTS("before it\r\n--12\r\n--1234\r\n" FILE_PART "Foo\r\n--1234--"), "[files|ab.txt|]Foo.");
    ck_assert_str_eq(PARTS("--1234--"), ".");
    ck_assert_str_eq(PARTS("\r\n--1234--"), ".");
    ck_assert_str_eq(PARTS("--1234\r\n" FILE_PART "\r\r\n\r\n-\r\n--1234--"), "[files|ab.txt|]\r\r\n\r\n-.");
}
END_TEST

START_TEST(case_63_what_is_no_form_in_parts_says_why)
{
    struct multipart m;
    ck_assert_str_eq(PARTS("--1234\r\n" FILE_PART "Foo"), "[files|ab.txt|]...");
    ck_assert_str_eq(PARTS("--1234\r\n" FILE_PART "Foo\r\n--1234"), "[files|ab.txt|]Foo...");
    ck_assert_str_eq(PARTS("--1234\r\nContent-Disposition: form-data; filename=\"ab.txt\"\r\n\r\nFoo\r\n--1234--"), "!");
    ck_assert_str_eq(PARTS("--1234\r\n\r\nFoo\r\n--1234--"), "!");
    ck_assert_str_eq(PARTS("--1234\r\nContent-Disposition: invalid; name=\"files\"\r\n\r\nFoo\r\n--1234--"), "!");
    ck_assert_str_eq(PARTS("--1234\r\nno field\r\n\r\nFoo\r\n--1234--"), "!");
    ck_assert_str_eq(PARTS("--1234x\r\n" FILE_PART "Foo\r\n--1234--"), "!");
    static const char *const none[] = {
        "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"", "text/plain; boundary=a",
        "multipart/form-data; boundary=a;b", "multipart/form-data; boundary=\"a\\\"b\"", "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=01234567890123456789012345678901234567890123456789012345678901234567890", "",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ck_assert_msg(multipart_begin(&m, text_of(none[i])) == (i == 4 ? 0 : -EINVAL), "%s", none[i]);
    ck_assert_int_eq(multipart_begin(&m, text_of("Multipart/Form-Data; charset=x; Boundary=\"a b\"")), 0);
}
END_TEST

/* CVE-2025-47287: ten thousand parts that are wrong are one problem, which is the first one's. */
START_TEST(what_is_wrong_is_said_once_and_nothing_behind_it_is_read)
{
    static const char part[] = "--1234\r\nContent-Disposition: form-data; name=a\rb\r\n\r\nFoo\r\n";   /* 6.5.5: a bare CR */
    enum { MANY = 10000, LEN = sizeof part - 1 };
    char *text = malloc(MANY * LEN);
    struct problem problem;
    for (int i = 0; i < MANY; i++)
        memcpy(text + i * LEN, part, LEN);
    ck_assert_str_eq(parts_of(text, MANY * LEN, MANY * LEN, &problem), "!");
    ck_assert_int_eq(problem.status, 400);
    free(text);
}
END_TEST

/* GHSA-qjxf-f2mg-c6mc. */
START_TEST(case_64_parts_and_their_fields_are_counted)
{
    char *text = malloc(1 << 16);
    struct problem problem;
    for (int count = PART_MAX; count <= PART_MAX + 1; count++) {
        size_t len = 0;
        for (int i = 0; i < count; i++)
            len += (size_t)sprintf(text + len, "%s--1234\r\nContent-Disposition: form-data; name=a\r\n\r\n", i ? "\r\n" : "");
        len += (size_t)sprintf(text + len, "\r\n--1234--");
        const char *said = parts_of(text, len, len, &problem);
        ck_assert_int_eq(said[strlen(said) - 1], count == PART_MAX ? '.' : '!');
    }
    ck_assert_int_eq(problem.status, 413);
    size_t len = (size_t)sprintf(text, "--1234\r\nContent-Disposition: form-data; name=a\r\nX: %011000d\r\n\r\n\r\n--1234--", 0);
    ck_assert_str_eq(parts_of(text, len, len, &problem), "!");
    ck_assert_int_eq(problem.status, 431);
    len = (size_t)sprintf(text, "--1234%05000d", 0);
    memset(text + 6, ' ', len - 6);
    ck_assert_str_eq(parts_of(text, len, len, &problem), "...");
    memset(text + 6, ' ', 20000);
    ck_assert_str_eq(parts_of(text, 20000, 20000, &problem), "!");
    free(text);
}
END_TEST

static const char *name_of(const char *parameter)
{
    static char out[512];
    char text[512];
    struct problem problem;
    int len = sprintf(text, "--1234\r\nContent-Disposition: form-data; name=\"files\"; %s\r\n\r\nFoo\r\n--1234--", parameter);
    const char *said = parts_of(text, (size_t)len, (size_t)len, &problem);
    const char *begin = strchr(said, '|');
    if (!begin)
        return said;
    snprintf(out, sizeof out, "%.*s", (int)(strrchr(said, '|') - begin - 1), begin + 1);
    return out;
}

START_TEST(case_65_filenames_with_all_that_browsers_send)
{
    ck_assert_str_eq(name_of("filename=\"a;b.txt\""), "a;b.txt");
    ck_assert_str_eq(name_of("filename=\"a\\\"b.txt\""), "a\"b.txt");
    ck_assert_str_eq(name_of("filename=\"a%22b.txt\""), "a\"b.txt");
    ck_assert_str_eq(name_of("filename=\"a\\\";b.txt\""), "a\";b.txt");
    ck_assert_str_eq(name_of("filename=\"a\\b.txt\""), "a\\b.txt");
    ck_assert_str_eq(name_of("filename=\"\xc3\xa1.txt\""), "\xc3\xa1.txt");
    ck_assert_str_eq(name_of("filename=plain.txt"), "plain.txt");
    ck_assert_str_eq(name_of("filename=\"\""), "");
    ck_assert_str_eq(name_of("filename*=UTF-8''%C3%A1b.txt"), "\xc3\xa1" "b.txt");
    ck_assert_str_eq(name_of("filename*=iso-8859-1'de'%E1b.txt"), "\xc3\xa1" "b.txt");
    ck_assert_str_eq(name_of("filename*=UTF-8''x; filename=\"y\""), "x");
    ck_assert_str_eq(name_of("filename=\"y\"; filename*=UTF-8''x"), "x");
}
END_TEST

START_TEST(case_65_a_name_with_a_line_or_a_zero_in_it_is_none)
{
    char out[64];
    ck_assert_int_eq(part_text((struct bytes){ "a\0b", 3 }, false, out), -EINVAL);
    ck_assert_int_eq(part_text(text_of("a\x08"), false, out), -EINVAL);
    ck_assert_int_eq(part_text(text_of("a\x7f"), false, out), -EINVAL);
    ck_assert_int_eq(part_text(text_of("UTF-8''a%0d"), true, out), -EINVAL);
    ck_assert_int_eq(part_text(text_of("UTF-8''a%00"), true, out), -EINVAL);
    ck_assert_int_eq(part_text(text_of("UTF-8''a%0"), true, out), -EINVAL);
    ck_assert_int_eq(part_text(text_of("koi8-r''a"), true, out), -EINVAL);
    ck_assert_int_eq(part_text(text_of("UTF-8'a"), true, out), -EINVAL);
    ck_assert_int_eq(part_text(text_of("UTF-8"), true, out), -EINVAL);
    ck_assert_int_eq(part_text(text_of(""), false, out), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        case_62_a_form_is_taken_apart,
        case_63_what_is_no_form_in_parts_says_why,
        what_is_wrong_is_said_once_and_nothing_behind_it_is_read,
        case_64_parts_and_their_fields_are_counted,
        case_65_filenames_with_all_that_browsers_send,
        case_65_a_name_with_a_line_or_a_zero_in_it_is_none,
        NULL
    };
    Suite *suite = suite_create("multipart");
    add_tests(suite, "multipart", tests, 0);
    return run_suite(suite);
}
