/* test_stream_read.c - every kind of read, however its bytes come in; what a cancel gives back; how long a view lasts; and how a
 * read fails. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "stream/tests/stream_world.h"

#include "stream/shelf.h"

/* ---- one harness for all kinds ----------------------------------------------------------------------------------- */

static const char said[] = "5hello\r\n\r\nrest";

/* A digit, and as many bytes. */
static ssize_t counted(void *self, struct bytes seen, bool ended)
{
    size_t all = seen.len ? 1 + (size_t)(seen.data[0] - '0') : 1;
    (void)self, (void)ended;
    return seen.len >= all ? (ssize_t)all : 0;
}

/* All but the last four, which only the end tells. */
static ssize_t but_four(void *self, struct bytes seen, bool ended)
{
    (void)self;
    return ended && seen.len > 4 ? (ssize_t)seen.len - 4 : 0;
}

static char into[16];

static void read_counted(struct future *f)
{
    stream_read_with(a, counted, NULL, 6, f);
}

static void read_but_four(struct future *f)
{
    stream_read_with(a, but_four, NULL, 0, f);
}

static void read_line(struct future *f)
{
    stream_read_until(a, "\r\n", 8, f);
}

static void read_head(struct future *f)
{
    stream_read_until(a, "\r\n\r\n", 10, f);
}

static void read_letter(struct future *f)
{
    stream_read_until(a, "o", 0, f);
}

static void read_seven(struct future *f)
{
    stream_read_bytes(a, 7, f);
}

static void read_into(struct future *f)
{
    stream_read_into(a, into, 9, false, f);
}

static void read_to_the_end(struct future *f)
{
    stream_read_until_close(a, sizeof said - 1, f);
}

static const struct kind {
    void (*start)(struct future *);
    const char *gives;
} kinds[] = {
    { read_counted, "5hello" }, { read_but_four, "5hello\r\n\r\n" }, { read_line, "5hello\r\n" },
    { read_head, "5hello\r\n\r\n" }, { read_letter, "5hello" }, { read_seven, "5hello\r" }, { read_into, "5hello\r\n\r" },
    { read_to_the_end, "5hello\r\n\r\nrest" },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void renew(void)
{
    int fds[2];
    end_stream(&a);
    end_peer();
    ck_assert_int_eq(w.sys->socketpair(w.sys, fds), 0);
    a = stream_of(fds[0]);
    peer = fds[1];
}

static void say_part(size_t from, size_t to)
{
    ck_assert_int_eq(w.sys->write(w.sys, peer, said + from, to - from), (ssize_t)(to - from));
}

/* The read begins before everything, or `late`; what it leaves must be the rest. */
static void cut_twice(const struct kind *kind, size_t first, size_t second, bool late)
{
    struct future f = {0}, rest = {0};
    renew();
    if (!late)
        kind->start(&f);
    say_part(0, first);
    pass();
    say_part(first, second);
    if (late)
        kind->start(&f);
    pass();
    say_part(second, sizeof said - 1);
    end_peer();
    reads(&f, kind->gives);
    reads(stream_read_until_close(a, 0, &rest), said + strlen(kind->gives));
}

static void cut_everywhere(size_t step)
{
    for (size_t k = 0; k < KINDS; k++)
        for (size_t first = 0; first < sizeof said; first++)
            for (size_t second = first; second < sizeof said; second += step)
                cut_twice(&kinds[k], first, second, (first + second) % 2);
}

START_TEST(every_kind_of_read_gives_the_same_wherever_its_bytes_are_cut)
{
    cut_everywhere(1);
}
END_TEST

START_TEST(every_kind_of_read_gives_the_same_byte_by_byte_and_interrupted)
{
    sim_shorten(w.sim, CALL_READ, 1);
    sim_storm(w.sim, CALL_READ, 50, -EINTR);
    cut_everywhere(3);
}
END_TEST

START_TEST(every_kind_of_read_gives_the_same_where_readiness_lies)
{
    sim_shorten(w.sim, CALL_READ, 2);
    sim_storm(w.sim, CALL_READ, 50, -EAGAIN);
    cut_everywhere(3);
}
END_TEST

/* Cancelled while it is pending, and again when it is answered and not delivered. */
START_TEST(every_kind_of_read_that_is_cancelled_loses_nothing)
{
    for (size_t k = 0; k < KINDS; k++)
        for (size_t first = 0; first < strlen(kinds[k].gives); first++) {
            struct future f = {0}, all = {0};
            struct heard heard = {0};
            renew();
            kinds[k].start(future_then(&f, hear, &heard));
            say_part(0, first);
            pass();
            ck_assert(!future_done(&f));
            future_cancel(&f);
            say_part(first, sizeof said - 1);
            end_peer();
            pass();
            kinds[k].start(future_then(&f, hear, &heard));
            ck_assert(future_done(&f));
            future_cancel(&f);
            reads(stream_read_until_close(a, 0, &all), said);
            ck_assert_int_eq(heard.times, 0);
        }
}
END_TEST

/* ---- answers ----------------------------------------------------------------------------------------------------- */

START_TEST(an_answer_that_is_taken_back_in_the_same_turn_is_read_again)
{
    struct future f = {0};
    struct heard heard = {0};
    say("hello");
    pass();
    for (size_t k = 0; k < 3; k++) {
        stream_read_some(a, 0, future_then(&f, hear, &heard));
        ck_assert(future_done(&f));
        future_cancel(&f);
    }
    reads(stream_read_some(a, 0, &f), "hello");
    ck_assert_int_eq(heard.times, 0);
}
END_TEST

START_TEST(a_view_is_valid_until_the_next_read_although_the_stream_looks_ahead)
{
    struct future first = {0}, f = {0};
    struct heard closed = {0};
    stream_on_close(a, hear, &closed);
    say("hello");
    reads(stream_read_some(a, 0, &first), "hello");
    say("more");
    pass();
    ck_assert_uint_eq(stream_unread(a).len, 4);
    say("and more");
    end_peer();
    pass();
    gave(&first, "hello");
    ck_assert_int_eq(closed.times, 0);
    reads(stream_read_until_close(a, 0, &f), "moreand more");
    pass();
    gave(&f, "moreand more");
    ck_assert_int_eq(closed.times, 1);
}
END_TEST

START_TEST(a_view_is_poisoned_by_the_next_read)
{
    struct future f = {0};
    say("hello, this is a line\nand another one\n");
    ck_assert_int_eq(await(stream_read_until(a, "\n", 0, &f)), 22);
    const char *view = f.value;
    ck_assert_int_eq(view[7], 't');
#ifdef __SANITIZE_ADDRESS__
    ck_assert(!__asan_address_is_poisoned(view + 8));
    ck_assert_int_eq(await(stream_read_until(a, "\n", 0, &f)), 16);
    ck_assert(__asan_address_is_poisoned(view + 8));
#endif
}
END_TEST

START_TEST(what_came_and_was_not_read_can_be_looked_at)
{
    struct future f = {0};
    say("one\ntwo\n");
    reads(stream_read_until(a, "\n", 0, &f), "one\n");
    struct bytes unread = stream_unread(a);
    ck_assert_uint_eq(unread.len, 4);
    ck_assert(memcmp(unread.data, "two\n", 4) == 0);
}
END_TEST

/* ---- failures ---------------------------------------------------------------------------------------------------- */

static ssize_t never(void *self, struct bytes seen, bool ended)
{
    (void)self, (void)ended;
    return seen.len > 2 ? -EPROTO : 0;
}

START_TEST(what_enough_refuses_fails_the_read_and_stays)
{
    struct future f = {0};
    stream_read_with(a, never, NULL, 0, &f);
    say("ab");
    pass();
    ck_assert(!future_done(&f));
    say("c");
    fails(&f, -EPROTO);
    reads(stream_read_some(a, 0, &f), "abc");
}
END_TEST

START_TEST(all_until_the_close_may_be_as_much_as_the_limit_and_no_more)
{
    struct future f = {0};
    stream_read_until_close(a, 5, &f);
    say("12345");
    pass();
    ck_assert(!future_done(&f));
    end_peer();
    reads(&f, "12345");
    renew();
    say("123456");
    end_peer();
    pass();
    fails(stream_read_until_close(a, 5, &f), -EMSGSIZE);
    reads(stream_read_until_close(a, 6, &f), "123456");
}
END_TEST

START_TEST(too_few_bytes_before_the_end_are_no_answer_and_stay)
{
    struct future f = {0};
    char few[8];
    say("abc");
    end_peer();
    fails(stream_read_bytes(a, 4, &f), -EPIPE);
    fails(stream_read_into(a, few, 4, false, &f), -EPIPE);
    fails(stream_read_until(a, "\n", 0, &f), -EPIPE);
    reads(stream_read_into(a, few, 4, true, &f), "abc");
    fails(stream_read_into(a, few, 4, true, &f), -EPIPE);
}
END_TEST

START_TEST(what_came_before_a_reset_is_read_and_then_the_reset_is_told)
{
    struct future f = {0};
    writes(a, "nobody reads this");
    say("last words");
    end_peer();
    reads(stream_read_bytes(a, 4, &f), "last");
    reads(stream_read_until_close(a, 0, &f), " words");
    ck_assert_int_eq(stream_error(a), -ECONNRESET);
    fails(stream_read_until_close(a, 0, &f), -ECONNRESET);
    fails(stream_read_some(a, 0, &f), -ECONNRESET);
}
END_TEST

START_TEST(a_read_without_memory_fails_and_may_be_asked_again)
{
    struct future f = {0};
    say("hello");
    pass();
    sim_fail(w.sim, CALL_MEMORY, 1, 0);
    fails(stream_read_some(a, 0, &f), -ENOMEM);
    reads(stream_read_some(a, 0, &f), "hello");
    ck_assert_int_eq(stream_error(a), 0);
}
END_TEST

START_TEST(where_a_block_is_at_hand_a_read_needs_no_memory)
{
    struct future f = {0};
    char more[2 * SHELF_LITTLE] = "";
    memset(more, 'x', sizeof more - 1);
    say("hello");
    reads(stream_read_some(a, 0, &f), "hello");
    stream_read_until(a, "s", 0, &f);
    sim_fail(w.sim, CALL_MEMORY, 1, 0);
    say("wor");
    pass();
    ck_assert(!sim_failed(w.sim));
    say("lds");
    reads(&f, "worlds");
    stream_read_until(a, "\n", 0, &f);
    say(more);
    pass();
    ck_assert(sim_failed(w.sim));
    say("\n");
    ck_assert_int_eq(await(&f), sizeof more);
}
END_TEST

START_TEST(a_read_that_fails_in_the_kernel_says_how_for_ever)
{
    struct future f = {0};
    say("hello");
    pass();
    sim_fail(w.sim, CALL_READ, 1, -EIO);
    fails(stream_read_some(a, 0, &f), -EIO);
    fails(stream_read_some(a, 0, &f), -EIO);
    ck_assert_int_eq(stream_error(a), -EIO);
    writes(a, "the other direction is not concerned");
}
END_TEST

/* ---- preconditions ----------------------------------------------------------------------------------------------- */

START_TEST(a_second_read_beside_a_pending_one_is_a_mistake)
{
    struct future f = {0}, g = {0};
    stream_read_some(a, 0, &f);
    stream_read_some(a, 0, &g);
}
END_TEST

START_TEST(an_empty_delimiter_is_a_mistake)
{
    struct future f = {0};
    stream_read_until(a, "", 0, &f);
}
END_TEST

static ssize_t too_much(void *self, struct bytes seen, bool ended)
{
    (void)self, (void)ended;
    return (ssize_t)seen.len + 1;
}

START_TEST(an_enough_that_claims_more_than_it_saw_is_a_mistake)
{
    struct future f = {0};
    say("x");
    stream_read_with(a, too_much, NULL, 0, &f);
    pass();
}
END_TEST

START_TEST(a_second_stream_for_a_descriptor_is_a_mistake)
{
    stream_new(w.loop, stream_fd(a));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_kind_of_read_gives_the_same_wherever_its_bytes_are_cut,
        every_kind_of_read_gives_the_same_byte_by_byte_and_interrupted,
        every_kind_of_read_gives_the_same_where_readiness_lies,
        every_kind_of_read_that_is_cancelled_loses_nothing,
        an_answer_that_is_taken_back_in_the_same_turn_is_read_again,
        a_view_is_valid_until_the_next_read_although_the_stream_looks_ahead,
        a_view_is_poisoned_by_the_next_read,
        what_came_and_was_not_read_can_be_looked_at,
        what_enough_refuses_fails_the_read_and_stays,
        all_until_the_close_may_be_as_much_as_the_limit_and_no_more,
        too_few_bytes_before_the_end_are_no_answer_and_stay,
        what_came_before_a_reset_is_read_and_then_the_reset_is_told,
        a_read_without_memory_fails_and_may_be_asked_again,
        where_a_block_is_at_hand_a_read_needs_no_memory,
        a_read_that_fails_in_the_kernel_says_how_for_ever,
        NULL
    };
    const TTest *const aborting[] = {
        a_second_read_beside_a_pending_one_is_a_mistake,
        an_empty_delimiter_is_a_mistake,
        an_enough_that_claims_more_than_it_saw_is_a_mistake,
        a_second_stream_for_a_descriptor_is_a_mistake,
        NULL
    };
    return run_streams("stream reads", tests, aborting);
}
