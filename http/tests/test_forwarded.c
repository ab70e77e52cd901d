/* test_forwarded.c - who is believed, and what. EDDY_SEEDS: how many random fields. */
#include "http/forwarded.h"

#include <stdio.h>

#include "http/tests/heads.h"

/* ---- addresses ------------------------------------------------------------------------------------------------------- */

static const char *address(const char *text)
{
    static char out[ADDRESS_TEXT];
    struct address a;
    size_t len = strlen(text);
    char *exact = malloc(len ? len : 1);
    memcpy(exact, text, len);
    int rc = forwarded_address((struct bytes){ exact, len }, &a);
    free(exact);
    return rc < 0 ? "none" : address_text(&a, out);
}

START_TEST(an_address_is_a_literal_maybe_with_a_port)
{
    ck_assert_str_eq(address("4.4.4.4"), "4.4.4.4:0");
    ck_assert_str_eq(address("4.4.4.4:80"), "4.4.4.4:80");
    ck_assert_str_eq(address("4.4.4.4:_http"), "4.4.4.4:0");
    ck_assert_str_eq(address("2620:0:1cfe:face:b00c::3"), "[2620:0:1cfe:face:b00c::3]:0");
    ck_assert_str_eq(address("[2001:db8::1]"), "[2001:db8::1]:0");
    ck_assert_str_eq(address("[2001:db8::1]:4711"), "[2001:db8::1]:4711");
    ck_assert_str_eq(address("::ffff:10.0.0.1"), "[::ffff:10.0.0.1]:0");
    ck_assert_str_eq(address("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:0");
}
END_TEST

START_TEST(what_is_no_address_is_none)
{
    static const char *const wrong[] = {
        "", "unknown", "_hidden", "www.google.com", "4.4.4.4<script>", "4.4.4", "4.4.4.4.4", "0x7f.0.0.1", "010.0.0.1",
        "4.4.4.4 ", " 4.4.4.4", "4.4.4.4:", "4.4.4.4:65536", "4.4.4.4:-1", "4.4.4.4:80 ", "4.4.4.4:_", "4.4.4.4:_a b",
        "::1%1", "fe80::1%eth0", "[::1", "::1]", "[::1]80", "[::1]:", "[4.4.4.4]", "[]", ":", "::1:80:80:", "unix:/x", "unix:",
        "1::2::3", "[::1]:80:80",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(strcmp(address(wrong[i]), "none") == 0, "%s is %s", wrong[i], address(wrong[i]));
    ck_assert_int_eq(forwarded_address((struct bytes){ "4.4.4.4\0", 8 }, &(struct address){0}), -EINVAL);
}
END_TEST

/* ---- whom to trust --------------------------------------------------------------------------------------------------- */

static bool trusts(const char *list, const char *who)
{
    struct trusted t = {0};
    struct address a;
    struct bytes wrong;
    ck_assert_int_eq(trusted_add(&t, text_of(list), &wrong), 0);
    ck_assert_int_eq(address_parse(who, 80, &a), 0);
    return trusted_has(&t, &a);
}

START_TEST(a_block_is_all_addresses_that_begin_with_its_bits)
{
    ck_assert(trusts("127.0.0.1", "127.0.0.1"));
    ck_assert(!trusts("127.0.0.1", "127.0.0.2"));
    ck_assert(!trusts("127.0.0.1", "126.0.0.1"));
    ck_assert(trusts("10.0.0.0/8, 192.168.4.0/22", "10.255.1.2"));
    ck_assert(trusts("10.0.0.0/8, 192.168.4.0/22", "192.168.7.255"));
    ck_assert(!trusts("10.0.0.0/8, 192.168.4.0/22", "192.168.8.0"));
    ck_assert(!trusts("10.0.0.0/8", "11.0.0.0"));
    ck_assert(trusts("0.0.0.0/0", "1.2.3.4"));
    ck_assert(!trusts("0.0.0.0/0", "::1"));
    ck_assert(!trusts("::/0", "1.2.3.4"));
    ck_assert(trusts("2001:db8::/32", "2001:db8:ffff::1"));
    ck_assert(!trusts("2001:db8::/32", "2001:db9::1"));
    ck_assert(trusts("2001:db8::8/125", "2001:db8::f"));
    ck_assert(!trusts("2001:db8::8/125", "2001:db8::10"));
    ck_assert(!trusts("", "127.0.0.1"));
    ck_assert(!trusts("0.0.0.0/0, ::/0", "unix:@x"));
    ck_assert(trusts("unix:", "unix:@x"));
    ck_assert(!trusts("unix:", "127.0.0.1"));
}
END_TEST

START_TEST(an_ipv4_address_is_the_same_as_an_ipv6_one)
{
    ck_assert(trusts("10.0.0.0/8", "::ffff:10.1.2.3"));
    ck_assert(trusts("::ffff:10.1.2.3", "10.1.2.3"));
    ck_assert(!trusts("::/0", "::ffff:10.1.2.3"));
}
END_TEST

START_TEST(nobody_of_no_family_is_trusted)
{
    struct trusted t = {0};
    struct bytes wrong;
    ck_assert_int_eq(trusted_add(&t, text_of("0.0.0.0/0, ::/0, unix:"), &wrong), 0);
    ck_assert(!trusted_has(&t, &(struct address){0}));
}
END_TEST

START_TEST(a_wrong_list_names_what_is_wrong_with_it)
{
    static const char *const wrongs[] = { "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "/8", "10.0.0.1:80",
                                          "unix:/x", "[::1]", "10.0.0.0/8/8", "10.0.0.0 10.0.0.1" };
    char list[64];
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        struct trusted t = {0};
        struct bytes wrong;
        snprintf(list, sizeof list, "10.0.0.1, %s, ::1", wrongs[i]);
        ck_assert_int_eq(trusted_add(&t, text_of(list), &wrong), -EINVAL);
        SAYS(wrong, wrongs[i]);
    }
    struct trusted many = {0};
    struct bytes wrong;
    for (int i = 0; i < TRUSTED_BLOCKS; i++)
        ck_assert_int_eq(trusted_add(&many, text_of("10.0.0.1"), &wrong), 0);
    ck_assert_int_eq(trusted_add(&many, text_of("::1"), &wrong), -ENOSPC);
    SAYS(wrong, "::1");
}
END_TEST

/* ---- what is said ---------------------------------------------------------------------------------------------------- */

static struct trusted believed;         /* 127.0.0.1 and 5.5.5.5, as Tornado's tests have it; and unix: */
static struct header fields[8];
static struct headers head = { .at = fields, .room = 8 };

static void begin(void)
{
    struct bytes wrong;
    believed = (struct trusted){0};
    ck_assert_int_eq(trusted_add(&believed, text_of("127.0.0.1, 5.5.5.5, unix:"), &wrong), 0);
    head.count = 0;
}

static void say(const char *name, const char *value)
{
    fields[head.count++] = (struct header){ text_of(name), text_of(value) };
}

/* "4.4.4.4:0 https", of what was said since the last time, by `peer` in plain http. */
static const char *heard_from(const char *peer)
{
    static char out[ADDRESS_TEXT + 16];
    char text[ADDRESS_TEXT];
    struct address a;
    bool secure = false;
    ck_assert_int_eq(address_parse(peer, 1234, &a), 0);
    forwarded_read(&believed, &head, &a, &secure);
    snprintf(out, sizeof out, "%s %s", address_text(&a, text), secure ? "https" : "http");
    head.count = 0;
    return out;
}

#define NOBODY "127.0.0.1:1234 http"

static void hears(const char *expected)
{
    ck_assert_str_eq(heard_from("127.0.0.1"), expected);
}

static void one(const char *name, const char *value, const char *expected)
{
    say(name, value);
    const char *heard = heard_from("127.0.0.1");
    ck_assert_msg(strcmp(heard, expected) == 0, "%s: %.100s is %s, not %s", name, value, heard, expected);
}

START_TEST(case_71_who_asks_is_in_its_fields)
{
    hears(NOBODY);
    one("X-Real-IP", "4.4.4.4", "4.4.4.4:0 http");
    one("X-Forwarded-For", "127.0.0.1, 4.4.4.4", "4.4.4.4:0 http");
    one("X-Real-IP", "2620:0:1cfe:face:b00c::3", "[2620:0:1cfe:face:b00c::3]:0 http");
    one("X-Forwarded-For", "::1, 2620:0:1cfe:face:b00c::3", "[2620:0:1cfe:face:b00c::3]:0 http");
    one("X-Real-IP", "4.4.4.4<script>", NOBODY);
    one("X-Forwarded-For", "4.4.4.4, 5.5.5.5<script>", NOBODY);
    one("X-Real-IP", "www.google.com", NOBODY);
    one("X-Forwarded-For", "127.0.0.1, 4.4.4.4, 5.5.5.5", "4.4.4.4:0 http");
}
END_TEST

START_TEST(case_71_how_it_asks_is_in_its_fields)
{
    one("X-Scheme", "https", "127.0.0.1:1234 https");
    one("X-Forwarded-Proto", "https", "127.0.0.1:1234 https");
    one("X-Forwarded-Proto", "HTTPS", "127.0.0.1:1234 https");
    one("X-Forwarded-Proto", "https , http", NOBODY);
    one("X-Forwarded-Proto", "http,https", "127.0.0.1:1234 https");
    one("X-Forwarded-Proto", "unknown", NOBODY);
    one("X-Forwarded-Proto", "https, unknown", NOBODY);
    one("X-Forwarded-Proto", "", NOBODY);
    one("X-Scheme", "https://", NOBODY);
}
END_TEST

START_TEST(over_tls_it_is_https_until_somebody_says_http)
{
    struct address a;
    bool secure = true;
    address_parse("127.0.0.1", 80, &a);
    say("X-Scheme", "unknown");
    forwarded_read(&believed, &head, &a, &secure);
    ck_assert(secure);
    say("X-Forwarded-Proto", "http");
    forwarded_read(&believed, &head, &a, &secure);
    ck_assert(!secure);
}
END_TEST

START_TEST(who_is_not_trusted_is_not_believed)
{
    say("X-Real-Ip", "4.4.4.4");
    say("X-Forwarded-For", "4.4.4.4");
    say("X-Scheme", "https");
    say("Forwarded", "for=4.4.4.4;proto=https");
    ck_assert_str_eq(heard_from("127.0.0.2"), "127.0.0.2:1234 http");
    say("X-Real-Ip", "4.4.4.4");
    ck_assert_str_eq(heard_from("unix:@proxy"), "4.4.4.4:0 http");
}
END_TEST

START_TEST(a_list_is_read_from_its_end_past_those_who_are_trusted)
{
    one("X-Forwarded-For", "6.6.6.6, 4.4.4.4, 5.5.5.5, 127.0.0.1", "4.4.4.4:0 http");
    one("X-Forwarded-For", "127.0.0.1, 5.5.5.5", "127.0.0.1:0 http");
    one("X-Forwarded-For", "4.4.4.4, unknown, 5.5.5.5", "5.5.5.5:0 http");
    one("X-Forwarded-For", "4.4.4.4:80, , ,5.5.5.5 ,", "4.4.4.4:80 http");
    one("X-Forwarded-For", " , ,", NOBODY);
    say("X-Forwarded-For", "6.6.6.6");
    say("Accept", "1.1.1.1");
    say("x-forwarded-for", "4.4.4.4");
    say("X-FORWARDED-FOR", "5.5.5.5, 127.0.0.1");
    hears("4.4.4.4:0 http");
}
END_TEST

START_TEST(a_quote_of_the_clients_takes_nothing_from_what_stands_behind_it)
{
    one("X-Forwarded-For", "\", 4.4.4.4", "4.4.4.4:0 http");
    one("X-Forwarded-Proto", "\"http, https", "127.0.0.1:1234 https");
    one("Forwarded", "for=\", for=4.4.4.4", "4.4.4.4:0 http");
    one("Forwarded", "for=\"\\\", for=4.4.4.4;proto=https", "4.4.4.4:0 https");
    say("Forwarded", "for=\"6.6.6.6");
    say("Forwarded", "for=4.4.4.4");
    hears("4.4.4.4:0 http");
}
END_TEST

START_TEST(no_more_hops_are_passed_than_there_are)
{
    believed.hops = 1;
    one("X-Forwarded-For", "6.6.6.6, 4.4.4.4, 5.5.5.5", "5.5.5.5:0 http");
    believed.hops = 2;
    one("X-Forwarded-For", "6.6.6.6, 4.4.4.4, 5.5.5.5", "4.4.4.4:0 http");
    one("X-Forwarded-For", "6.6.6.6, 127.0.0.1, 5.5.5.5", "127.0.0.1:0 http");
    believed.hops = 3;
    one("X-Forwarded-For", "6.6.6.6, 127.0.0.1, 5.5.5.5", "6.6.6.6:0 http");
}
END_TEST

START_TEST(one_field_holds_before_another_and_twice_is_nothing)
{
    say("X-Forwarded-For", "6.6.6.6");
    say("X-Real-Ip", "4.4.4.4");
    say("X-Forwarded-Proto", "https");
    say("X-Scheme", "http");
    say("Forwarded", "for=7.7.7.7;proto=https");
    hears("4.4.4.4:0 http");
    say("X-Real-Ip", "4.4.4.4");
    say("X-Real-Ip", "4.4.4.4");
    say("X-Forwarded-For", "6.6.6.6");
    hears("6.6.6.6:0 http");
    say("X-Forwarded-Proto", "https");
    say("Forwarded", "for=7.7.7.7");
    hears("127.0.0.1:1234 https");
    say("X-Real-Ip", "nobody");
    say("Forwarded", "for=7.7.7.7;proto=https");
    hears("7.7.7.7:0 https");
}
END_TEST

START_TEST(only_the_fields_that_are_named_are_read)
{
    believed.fields = FORWARDED_STANDARD;
    say("X-Real-Ip", "4.4.4.4");
    say("X-Forwarded-For", "4.4.4.4");
    say("X-Scheme", "https");
    say("X-Forwarded-Proto", "https");
    hears(NOBODY);
    believed.fields = FORWARDED_X_FORWARDED;
    say("X-Real-Ip", "4.4.4.4");
    say("X-Forwarded-For", "6.6.6.6");
    say("X-Scheme", "https");
    hears("6.6.6.6:0 http");
    say("Forwarded", "for=7.7.7.7;proto=https");
    hears(NOBODY);
}
END_TEST

START_TEST(forwarded_is_read_as_rfc_7239_has_it)
{
    one("Forwarded", "for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60:0 http");
    one("Forwarded", "For=\"[2001:db8:cafe::17]:4711\"", "[2001:db8:cafe::17]:4711 http");
    one("Forwarded", "for=192.0.2.43, for=198.51.100.17", "198.51.100.17:0 http");
    one("Forwarded", "for=192.0.2.43;proto=https, for=5.5.5.5;proto=http", "192.0.2.43:0 https");
    one("Forwarded", "PROTO=\"HTTPS\" ; FOR=\"192.0.2.43:80\"", "192.0.2.43:80 https");
    one("Forwarded", "for=\"_gazonk\"", NOBODY);
    one("Forwarded", "for=unknown;proto=https", "127.0.0.1:1234 https");
    one("Forwarded", "proto=https", "127.0.0.1:1234 https");
    one("Forwarded", "for=4.4.4.4;host=\"a,b;c\"", "4.4.4.4:0 http");
    one("Forwarded", "for=4.4.4.4;host=\"a\\\",b\"", "4.4.4.4:0 http");
    one("Forwarded", "for=6.6.6.6, for=\"4.4.4\\.4\"", "4.4.4.4:0 http");
}
END_TEST

START_TEST(what_is_no_element_says_nothing_at_all)
{
    static const char *const wrong[] = {
        "for=4.4.4.4;for=6.6.6.6", "proto=https;proto=https;for=4.4.4.4", "for=[::1]", "for 4.4.4.4",
        "for=4.4.4.4;proto=https;x", "for=4.4.4.4;proto=https;=", "for=\"4.4.4.4", "4.4.4.4",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        one("Forwarded", wrong[i], NOBODY);
    char larger[700] = "host=\"";
    memset(larger + 6, 'a', 600);
    strcpy(larger + 606, "\";for=4.4.4.4");
    one("Forwarded", larger, NOBODY);
}
END_TEST

/* Whatever a client says first: what the proxy adds is what is heard. */
START_TEST(whatever_stands_to_the_left_the_last_entry_holds)
{
    static const char bytes[] = ",;=\"\\ \t.:[]_for0459a";
    const char *asked = getenv("EDDY_SEEDS");
    int times = asked ? atoi(asked) : 20000;
    uint64_t seed = 88172645463325252;
    char text[80];
    for (int i = 0; i < times; i++) {
        size_t len = seed % 40;
        for (size_t k = 0; k < len; k++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            text[k] = bytes[seed % (sizeof bytes - 1)];
        }
        bool standard = i % 2;
        strcpy(text + len, standard ? ", for=4.4.4.4;proto=https" : ", 4.4.4.4");
        char *exact = malloc(strlen(text));
        memcpy(exact, text, strlen(text));
        fields[0] = (struct header){ text_of(standard ? "Forwarded" : "X-Forwarded-For"), { exact, strlen(text) } };
        head.count = 1;
        const char *heard = heard_from("127.0.0.1");
        if (strcmp(heard, standard ? "4.4.4.4:0 https" : "4.4.4.4:0 http") != 0)
            ck_abort_msg("%s is %s", text, heard);
        fields[0].value.len = len;
        head.count = 1;
        heard_from("127.0.0.1");
        free(exact);
    }
}
END_TEST

START_TEST(long_lists_and_many_backslashes_are_read_in_linear_time)
{
    static char text[1 << 20];
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = "5.5.5.5,"[i % 8];
    one("X-Forwarded-For", text, "5.5.5.5:0 http");
    memset(text, '\\', sizeof text - 1);
    text[0] = '"';
    text[sizeof text - 2] = '"';
    one("Forwarded", text, NOBODY);
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = "\\\""[i % 2];
    one("Forwarded", text, NOBODY);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_address_is_a_literal_maybe_with_a_port,
        what_is_no_address_is_none,
        a_block_is_all_addresses_that_begin_with_its_bits,
        an_ipv4_address_is_the_same_as_an_ipv6_one,
        nobody_of_no_family_is_trusted,
        a_wrong_list_names_what_is_wrong_with_it,
        case_71_who_asks_is_in_its_fields,
        case_71_how_it_asks_is_in_its_fields,
        over_tls_it_is_https_until_somebody_says_http,
        who_is_not_trusted_is_not_believed,
        a_list_is_read_from_its_end_past_those_who_are_trusted,
        a_quote_of_the_clients_takes_nothing_from_what_stands_behind_it,
        no_more_hops_are_passed_than_there_are,
        one_field_holds_before_another_and_twice_is_nothing,
        only_the_fields_that_are_named_are_read,
        forwarded_is_read_as_rfc_7239_has_it,
        what_is_no_element_says_nothing_at_all,
        whatever_stands_to_the_left_the_last_entry_holds,
        long_lists_and_many_backslashes_are_read_in_linear_time,
        NULL
    };
    TCase *group = tcase_create("forwarded");
    Suite *suite = suite_create("forwarded");
    tcase_set_timeout(group, 240);
    tcase_add_checked_fixture(group, begin, NULL);
    for (const TTest *const *t = tests; *t; t++)
        tcase_add_test(group, *t);
    suite_add_tcase(suite, group);
    return run_suite(suite);
}
