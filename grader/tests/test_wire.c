/* test_wire.c - a record arrives as it was sent, or not at all. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grader/wire.h"

enum { HEAD = offsetof(struct wire, data) };

static int ends[2];
static struct wire sent, got;

static void open_ends(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    memset(&got, 0x55, sizeof got);
}

static void close_ends(void)
{
    close(ends[0]);
    close(ends[1]);
}

static void send_raw(const void *data, size_t len)
{
    ck_assert_int_eq(send(ends[0], data, len, 0), (ssize_t)len);
}

START_TEST(a_record_arrives_as_it_was_sent)
{
    wire_clear(&sent, WIRE_CALL);
    sent.number = 7;
    sent.result = -5;
    sent.args[3] = INT64_MIN;
    ck_assert(wire_put(&sent, "ab", 2));
    ck_assert(wire_put(&sent, "c", 1));
    ck_assert_int_eq(wire_send(ends[0], &sent), 0);
    ck_assert_int_eq(wire_receive(ends[1], &got), 0);
    ck_assert_int_eq(got.kind, WIRE_CALL);
    ck_assert_int_eq(got.number, 7);
    ck_assert_int_eq(got.result, -5);
    ck_assert(got.args[3] == INT64_MIN);
    ck_assert_int_eq(got.len, 3);
    ck_assert_str_eq(got.data, "abc");
}
END_TEST

START_TEST(two_records_stay_two)
{
    wire_clear(&sent, WIRE_ORDER);
    wire_put(&sent, "one", 3);
    wire_send(ends[0], &sent);
    wire_clear(&sent, WIRE_RETURN);
    wire_send(ends[0], &sent);
    ck_assert_int_eq(wire_receive(ends[1], &got), 0);
    ck_assert_str_eq(got.data, "one");
    ck_assert_int_eq(wire_receive(ends[1], &got), 0);
    ck_assert_int_eq(got.kind, WIRE_RETURN);
    ck_assert_str_eq(got.data, "");
}
END_TEST

START_TEST(the_largest_record_fits_and_one_byte_more_does_not)
{
    static char data[WIRE_DATA];
    memset(data, 'x', sizeof data);
    wire_clear(&sent, WIRE_ANSWER);
    ck_assert(!wire_put(&sent, data, WIRE_DATA));
    ck_assert_int_eq(sent.len, 0);
    ck_assert(wire_put(&sent, data, WIRE_DATA - 1));
    ck_assert(!wire_put(&sent, data, 1));
    ck_assert_int_eq(wire_send(ends[0], &sent), 0);
    ck_assert_int_eq(wire_receive(ends[1], &got), 0);
    ck_assert_int_eq(got.len, WIRE_DATA - 1);
    ck_assert_int_eq(strlen(got.data), WIRE_DATA - 1);
    sent.len = WIRE_DATA;
    ck_assert_int_eq(wire_send(ends[0], &sent), -EMSGSIZE);
}
END_TEST

START_TEST(what_is_no_record_is_refused)
{
    wire_clear(&sent, WIRE_DONE);
    send_raw(&sent, HEAD - 1);
    ck_assert_int_eq(wire_receive(ends[1], &got), -EPROTO);
    sent.len = 4;
    send_raw(&sent, HEAD + 3);
    ck_assert_int_eq(wire_receive(ends[1], &got), -EPROTO);
    sent.len = UINT32_MAX;
    send_raw(&sent, HEAD);
    ck_assert_int_eq(wire_receive(ends[1], &got), -EPROTO);
    sent.len = WIRE_DATA;
    send_raw(&sent, HEAD + WIRE_DATA);
    ck_assert_int_eq(wire_receive(ends[1], &got), -EPROTO);
    sent.len = 0;
    sent.kind = 0;
    send_raw(&sent, HEAD);
    ck_assert_int_eq(wire_receive(ends[1], &got), -EPROTO);
    sent.kind = WIRE_CRASH + 1;
    send_raw(&sent, HEAD);
    ck_assert_int_eq(wire_receive(ends[1], &got), -EPROTO);
}
END_TEST

START_TEST(the_end_is_EPIPE_on_both_ways)
{
    wire_clear(&sent, WIRE_DONE);
    close(ends[0]);
    ck_assert_int_eq(wire_receive(ends[1], &got), -EPIPE);
    ck_assert_int_eq(wire_send(ends[1], &sent), -EPIPE);
    ends[0] = -1;
}
END_TEST

START_TEST(a_peer_that_died_with_records_unread_is_EPIPE_too)
{
    wire_clear(&sent, WIRE_DONE);
    ck_assert_int_eq(wire_send(ends[1], &sent), 0);
    close(ends[0]);
    ck_assert_int_eq(wire_receive(ends[1], &got), -EPIPE);
    ends[0] = -1;
}
END_TEST

static uint32_t seed = 1;

static uint32_t next(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

START_TEST(random_datagrams_are_refused_or_whole)
{
    static unsigned char raw[sizeof(struct wire) + 64];
    int whole = 0;
    for (int round = 0; round < 20000; round++) {
        size_t len = next() % 4 ? next() % 200 : next() % sizeof raw;
        for (size_t i = 0; i < len; i += 1 + i / 64)
            raw[i] = (unsigned char)next();
        struct wire *w = (struct wire *)raw;
        if (next() % 2) {
            w->kind = next() % 10;
            w->len = len > HEAD ? (uint32_t)(len - HEAD) - next() % 2 : next() % 3;
        }
        send_raw(raw, len ? len : 1);
        int rc = wire_receive(ends[1], &got);
        ck_assert(rc == 0 || rc == -EPROTO);
        if (rc < 0)
            continue;
        whole++;
        ck_assert_int_eq(got.len, len - HEAD);
        ck_assert(got.kind >= WIRE_ORDER && got.kind <= WIRE_CRASH);
        ck_assert(memcmp(raw, &got, len) == 0);
        ck_assert_int_eq(got.data[got.len], 0);
    }
    ck_assert_int_gt(whole, 1000);
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("wire");
    tcase_add_checked_fixture(c, open_ends, close_ends);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_record_arrives_as_it_was_sent);
    tcase_add_test(c, two_records_stay_two);
    tcase_add_test(c, the_largest_record_fits_and_one_byte_more_does_not);
    tcase_add_test(c, what_is_no_record_is_refused);
    tcase_add_test(c, the_end_is_EPIPE_on_both_ways);
    tcase_add_test(c, a_peer_that_died_with_records_unread_is_EPIPE_too);
    tcase_add_test(c, random_datagrams_are_refused_or_whole);
    Suite *s = suite_create("wire");
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
