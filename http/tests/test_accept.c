/* test_accept.c - what a client takes, and what is worth packing. */
#include "http/accept.h"
#include "loop/tests/support.h"

/* Of one field, or two. */
static enum coding_wish wish(const char *one, const char *two)
{
    struct header at[2];
    struct headers h = { .at = at, .room = 2 };
    if (one)
        ck_assert_int_eq(headers_add(&h, text_of("Accept-Encoding"), text_of(one)), 0);
    if (two)
        ck_assert_int_eq(headers_add(&h, text_of("accept-encoding"), text_of(two)), 0);
    return accept_coding(&h, "gzip");
}

static enum coding_wish says(const char *list)
{
    return wish(list, NULL);
}

START_TEST(a_coding_is_taken_by_its_name_its_old_name_or_a_star)
{
    static const char *const lists[] = {
        "gzip", "GZip", "deflate, gzip, br", "x-gzip", "X-GZIP;q=0.1", "*", "br, *;q=0.1", "gzip ; q=1.000", "gzip;q=0.001",
        "gzip;Q=0.5", "identity;q=0.5, gzip;q=0.5", "*;q=0, gzip;q=0, x-gzip", ", gzip,,", "gzip;q=0.9, identity;q=0.1"
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        ck_assert_msg(says(lists[i]) != CODING_REFUSED, "%s", lists[i]);
    ck_assert_int_eq(wish("br", "gzip"), CODING_TAKEN);
}
END_TEST

START_TEST(it_is_refused_by_who_does_not_name_it_or_likes_it_less)
{
    static const char *const lists[] = {
        "", "br", "identity", "gzip;q=0", "gzip;q=0.0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *", "xgzip", "gzipx", "x-", "gzi",
        "gzip;q=0.4, identity;q=0.5", "identity, gzip;q=0.5"
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        ck_assert_msg(says(lists[i]) == CODING_REFUSED, "%s", lists[i]);
    ck_assert_int_eq(says(NULL), CODING_REFUSED);
}
END_TEST

START_TEST(it_is_demanded_by_who_refuses_what_is_not_packed)
{
    ck_assert_int_eq(says("gzip, identity;q=0"), CODING_DEMANDED);
    ck_assert_int_eq(says("gzip, *;q=0"), CODING_DEMANDED);
    ck_assert_int_eq(wish("gzip;q=0.2", "identity;q=0.0"), CODING_DEMANDED);
    ck_assert_int_eq(says("gzip, *;q=0, identity"), CODING_TAKEN);
    ck_assert_int_eq(says("gzip, *;q=0, identity;q=0.5"), CODING_TAKEN);
    ck_assert_int_eq(says("identity;q=0"), CODING_REFUSED);
}
END_TEST

START_TEST(a_weight_that_is_none_is_a_refusal)
{
    static const char *const lists[] = {
        "gzip;q=", "gzip;q=x", "gzip;q=2", "gzip;q=1.001", "gzip;q=0.0001", "gzip;q=-1", "gzip;q=0,5", "gzip;q=.5", "gzip;q=05",
        "gzip;q=0.x", "gzip;q=\"1\"", "gzip;=1", "gzip;q = 1"
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        ck_assert_msg(says(lists[i]) == CODING_REFUSED, "%s", lists[i]);
    ck_assert_int_eq(says("gzip;q=0."), CODING_REFUSED);
    ck_assert_int_eq(says("gzip;q=1."), CODING_TAKEN);
}
END_TEST

START_TEST(text_is_worth_packing_and_pictures_are_not)
{
    static const char *const worth[] = {
        "text/plain", "TEXT/HTML; charset=utf-8", "text/css;charset=x", "application/json", "application/javascript",
        "application/x-javascript", "application/xml", "application/atom+xml", "application/xhtml+xml", "image/svg+xml ; a=b",
        "application/ld+json", "application/wasm", "font/ttf", "image/bmp"
    };
    static const char *const others[] = {
        "", "image/png", "image/jpeg", "video/mp4", "application/zip", "application/gzip", "application/octet-stream",
        "font/woff2", "text/event-stream", "text/event-stream; charset=utf-8", "text/", "+json", "x-text/plain", "application/pdf"
    };
    for (size_t i = 0; i < sizeof worth / sizeof *worth; i++)
        ck_assert_msg(type_packs(text_of(worth[i])), "%s", worth[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!type_packs(text_of(others[i])), "%s", others[i]);
    ck_assert(!type_packs((struct bytes){0}));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("accept");
    TCase *group = tcase_create("all");
    tcase_add_test(group, a_coding_is_taken_by_its_name_its_old_name_or_a_star);
    tcase_add_test(group, it_is_refused_by_who_does_not_name_it_or_likes_it_less);
    tcase_add_test(group, it_is_demanded_by_who_refuses_what_is_not_packed);
    tcase_add_test(group, a_weight_that_is_none_is_a_refusal);
    tcase_add_test(group, text_is_worth_packing_and_pictures_are_not);
    suite_add_tcase(suite, group);
    return run_suite(suite);
}
