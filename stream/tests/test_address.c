/* test_address.c - literal addresses, read and written, and all that only looks like one. */
#include "stream/address.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

#include "loop/tests/support.h"

static const char *there_and_back(const char *host, int port)
{
    static char text[ADDRESS_TEXT];
    struct address a;
    if (address_parse(host, port, &a) < 0)
        return "none";
    return address_text(&a, text);
}

START_TEST(a_literal_is_written_as_it_was_read)
{
    ck_assert_str_eq(there_and_back("192.0.2.1", 80), "192.0.2.1:80");
    ck_assert_str_eq(there_and_back("0.0.0.0", 0), "0.0.0.0:0");
    ck_assert_str_eq(there_and_back("::", 65535), "[::]:65535");
    ck_assert_str_eq(there_and_back("2001:DB8:0:0:0:0:0:1", 443), "[2001:db8::1]:443");
    ck_assert_str_eq(there_and_back("::ffff:192.0.2.1", 1), "[::ffff:192.0.2.1]:1");
    ck_assert_str_eq(there_and_back("fe80::1%2", 1), "[fe80::1%2]:1");
    ck_assert_str_eq(there_and_back("unix:/run/a.sock", 0), "unix:/run/a.sock");
    ck_assert_str_eq(there_and_back("unix:@a name", 0), "unix:@a name");
}
END_TEST

START_TEST(what_only_looks_like_an_address_is_none)
{
    static const char *const wrong[] = {
        "", " ", "127.0.0.1 ", " 127.0.0.1", "127.1", "1", "0x7f.0.0.1", "127.0.0.256", "127.0.0.1.", "01.2.3.4", "1.2.3",
        ":", ":::", "::1%", "::1%eth0", "::1%1234567890", "::1%2 ", "1::2::3", "[::1]", "g::1", "example.org", "localhost",
        "::1111111111111111111111111111111111111111111111111111111111111111111", "unix:", "unix:@",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(strcmp(there_and_back(wrong[i], 1), "none") == 0, "\"%s\" was read as an address", wrong[i]);
    ck_assert_str_eq(there_and_back("127.0.0.1", -1), "none");
    ck_assert_str_eq(there_and_back("127.0.0.1", 65536), "none");
}
END_TEST

static bool valid(const char *data, size_t len)
{
    return address_valid_ip((struct bytes){ data, len });
}

START_TEST(valid_ip_says_what_tornado_says_of_its_cases)
{
    ck_assert(valid("127.0.0.1", 9));
    ck_assert(valid("4.4.4.4", 7));
    ck_assert(valid("::1", 3));
    ck_assert(valid("2620:0:1cfe:face:b00c::3", 24));
    ck_assert(!valid("www.google.com", 14));
    ck_assert(!valid("localhost", 9));
    ck_assert(!valid("4.4.4.4<", 8));
    ck_assert(!valid(" 127.0.0.1", 10));
    ck_assert(!valid("", 0));
    ck_assert(!valid(NULL, 0));
    ck_assert(!valid(" ", 1));
    ck_assert(!valid("\n", 1));
    ck_assert(!valid("\0", 1));
    ck_assert(!valid("127.0.0.1\0", 10));
    ck_assert(!valid("unix:/a", 7));
}
END_TEST

START_TEST(a_unix_name_fits_or_is_refused)
{
    char name[200] = "unix:/";
    struct address a;
    memset(name + 6, 'x', 106);
    ck_assert_int_eq(address_parse(name, 0, &a), 0);
    ck_assert_uint_eq(strlen(address_path(&a)), 107);
    ck_assert_str_eq(there_and_back(name, 0), name);
    name[112] = 'x';
    ck_assert_int_eq(address_parse(name, 0, &a), -ENAMETOOLONG);
}
END_TEST

START_TEST(an_abstract_name_is_no_path_and_is_all_its_bytes)
{
    struct address a;
    const struct sockaddr_un *un = (const struct sockaddr_un *)&a.at;
    char text[ADDRESS_TEXT];
    ck_assert_int_eq(address_parse("unix:@abc", 0, &a), 0);
    ck_assert_uint_eq(a.len, offsetof(struct sockaddr_un, sun_path) + 4);
    ck_assert_int_eq(un->sun_path[0], 0);
    ck_assert_ptr_null(address_path(&a));
    a.len = sizeof *un;                 /* as a kernel may tell it: with bytes that cannot be printed, up to the last */
    ck_assert_uint_eq(strlen(address_text(&a, text)), 5 + 108);
    ck_assert(strncmp(text, "unix:@abc???", 12) == 0);
}
END_TEST

START_TEST(a_socket_without_a_name_has_a_text_too)
{
    struct address a = { .at.ss_family = AF_UNIX, .len = sizeof(sa_family_t) };
    char text[ADDRESS_TEXT];
    ck_assert_str_eq(address_text(&a, text), "unix:");
    ck_assert_ptr_null(address_path(&a));
    a.at.ss_family = AF_UNSPEC;
    ck_assert_str_eq(address_text(&a, text), "an address of family 0");
}
END_TEST

START_TEST(only_internet_addresses_have_ports)
{
    struct address a;
    ck_assert_int_eq(address_parse("::1", 5, &a), 0);
    address_set_port(&a, 8080);
    ck_assert_int_eq(address_port(&a), 8080);
    ck_assert_int_eq(address_parse("unix:/a", 5, &a), 0);
    address_set_port(&a, 8080);
    ck_assert_int_eq(address_port(&a), 0);
    ck_assert_str_eq(address_path(&a), "/a");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_literal_is_written_as_it_was_read,
        what_only_looks_like_an_address_is_none,
        valid_ip_says_what_tornado_says_of_its_cases,
        a_unix_name_fits_or_is_refused,
        an_abstract_name_is_no_path_and_is_all_its_bytes,
        a_socket_without_a_name_has_a_text_too,
        only_internet_addresses_have_ports,
        NULL
    };
    Suite *suite = suite_create("address");
    add_tests(suite, "address", tests, 0);
    return run_suite(suite);
}
