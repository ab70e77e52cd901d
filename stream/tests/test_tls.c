/* test_tls.c - streams that speak TLS: reading, writing, and the two ends. */
#include "stream/tests/tls_world.h"
#include "stream/tls_inside.h"

enum { BULK = 400000 };

static char bulk[BULK];

static void fill_bulk(void)
{
    for (size_t i = 0; i < sizeof bulk; i++)
        bulk[i] = (char)(i * 31 + i / 251 + i / 65536);
}

static void usual(void)
{
    usual_identities();
    shakes("example.org");
}

/* ---- reading and writing ------------------------------------------------------------------------------------------ */

START_TEST(both_sides_read_what_the_other_wrote)
{
    struct future f = {0};
    usual();
    writes(a, "hello\n");
    reads(stream_read_until(b, "\n", 0, &f), "hello\n");
    writes(b, "and you\n");
    reads(stream_read_until(a, "\n", 0, &f), "and you\n");
}
END_TEST

START_TEST(every_kind_of_read_finds_its_portion)
{
    struct future f = {0};
    char into[5];
    usual();
    writes(a, "one two\nthree12345678901");
    reads(stream_read_until(b, " ", 0, &f), "one ");
    reads(stream_read_until(b, "\n", 0, &f), "two\n");
    reads(stream_read_into(b, into, sizeof into, false, &f), "three");
    reads(stream_read_bytes(b, 10, &f), "1234567890");
    reads(stream_read_some(b, 0, &f), "1");
    writes(a, "rest");
    stream_shutdown(a, NULL);
    reads(stream_read_until_close(b, 0, &f), "rest");
    ck_assert_int_eq(stream_error(b), -EPIPE);
}
END_TEST

static int send_bulk(void *self)
{
    struct stream *s = self;
    struct future f = {0};
    fill_bulk();
    for (size_t at = 0, n = 1; at < BULK; at += n) {
        n = 1 + (n * 7 + at) % 50000;
        n = n < BULK - at ? n : BULK - at;
        struct bytes bytes = { bulk + at, n };
        int rc = await(n % 2 ? stream_write(s, bytes, &f) : stream_write_owned(s, bytes, NULL, NULL, &f));
        if (rc < 0)
            return rc;
    }
    return await(stream_shutdown(s, &f));
}

static int receive_bulk(void *self)
{
    struct stream *s = self;
    struct future f = {0};
    size_t at = 0;
    int n;
    while ((n = await(stream_read_some(s, 1 + at % 70000, &f))) > 0) {
        MUST(at + (size_t)n <= BULK && memcmp(f.value, bulk + at, (size_t)n) == 0);
        at += (size_t)n;
    }
    ck_assert_uint_eq(at, BULK);
    return n == -EPIPE ? 0 : n;
}

static void both_ways(void)
{
    struct future f[4] = {0}, *all[4] = { &f[0], &f[1], &f[2], &f[3] }, whole = {0};
    co_spawn(w.loop, send_bulk, a, &f[0]);
    co_spawn(w.loop, send_bulk, b, &f[1]);
    co_spawn(w.loop, receive_bulk, a, &f[2]);
    co_spawn(w.loop, receive_bulk, b, &f[3]);
    ck_assert_int_eq(await(future_all(w.loop, all, 4, &whole)), 0);
}

START_TEST(much_goes_both_ways_at_once)
{
    usual();
    both_ways();
}
END_TEST

/* A line there and back; the first read is begun before the handshake, for a socket of Unix is full of a few hundred single
 * bytes. */
static void to_and_fro(int times)
{
    static char line[2000];
    struct future there = {0}, back = {0};
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < times; i++) {
        stream_read_bytes(a, sizeof line, &back);
        stream_write(a, (struct bytes){ line, sizeof line }, NULL);
        ck_assert_int_eq(await(stream_read_until(b, "\n", 0, &there)), sizeof line);
        stream_write(b, (struct bytes){ line, sizeof line }, NULL);
        ck_assert_int_eq(await(&back), sizeof line);
    }
}

static void weather(size_t bytes_read, size_t bytes_written, unsigned percent, int error)
{
    sim_shorten(w.sim, CALL_READ, bytes_read);
    sim_shorten(w.sim, CALL_WRITE, bytes_written);
    sim_storm(w.sim, CALL_READ, percent, error);
    sim_storm(w.sim, CALL_WRITE, percent, error);
}

/* -EAGAIN from the descriptor by which jobs say that they have ended would be a lie: that storm begins behind the handshake. */
START_TEST(single_bytes_and_storms_change_nothing)
{
    static const size_t shortened[][2] = { { 1, 0 }, { 0, 1 }, { 1, 1 }, { 7, 1000 }, { 1000, 7 }, { 0, 0 } };
    struct future fa, fb, f = {0};
    usual_identities();
    for (size_t i = 0; i < sizeof shortened / sizeof *shortened; i++) {
        new_pair();
        weather(shortened[i][0], shortened[i][1], 40, -EINTR);
        fa = fb = (struct future){0};
        shake("example.org", &fa, &fb);
        to_and_fro(2);
        ck_assert(await(&fa) == 0 && await(&fb) == 0);
        weather(shortened[i][0], shortened[i][1], 40, -EAGAIN);
        to_and_fro(2);
        stream_shutdown(a, NULL);
        ck_assert_int_eq(await(stream_read_until_close(b, 0, &f)), 0);
        weather(0, 0, 0, 0);
    }
}
END_TEST

START_TEST(a_write_is_done_when_its_record_has_reached_the_kernel)
{
    struct future big = {0}, small = {0}, f = {0};
    size_t at = 0;
    usual();
    fill_bulk();
    stream_write(a, (struct bytes){ bulk, BULK }, &big);
    stream_write(a, text("small"), &small);
    pass();
    ck_assert(!future_done(&big) && !future_done(&small));
    ck_assert_uint_gt(stream_unsent(a), 5);
    for (int n; at < BULK && (n = await(stream_read_some(b, 0, &f))) > 0; at += (size_t)n) {
        size_t len = (size_t)n < BULK - at ? (size_t)n : BULK - at;
        ck_assert(memcmp(f.value, bulk + at, len) == 0);
    }
    ck_assert_int_eq(await(&big), BULK);
    ck_assert_int_eq(await(&small), 5);
    ck_assert_uint_eq(stream_unsent(a), 0);
}
END_TEST

START_TEST(a_record_that_has_begun_and_finds_no_memory_for_its_rest_ends_all_writing)
{
    struct future f = {0};
    usual();
    sim_fail(w.sim, CALL_WRITE, 1, -EAGAIN);
    sim_fail(w.sim, CALL_MEMORY, 2, -ENOMEM);
    fails(stream_write(a, text("begun"), &f), -ENOMEM);
    ck_assert_int_eq(stream_error(a), -ENOMEM);
    fails(stream_write(a, text("other"), &f), -ENOMEM);
    end_stream(&a);
    fails(stream_read_some(b, 0, &f), -ECONNABORTED);
}
END_TEST

START_TEST(a_record_that_finds_no_memory_to_wait_in_is_sent_all_the_same)
{
    struct future f = {0};
    usual();
    sim_fail(w.sim, CALL_WRITE, 1, -EAGAIN);
    sim_fail(w.sim, CALL_MEMORY, 1, -ENOMEM);
    writes(a, "once");
    ck_assert(sim_failed(w.sim));
    writes(a, " and again");
    reads(stream_read_bytes(b, 14, &f), "once and again");
}
END_TEST

START_TEST(memory_refused_behind_a_record_that_has_begun_loses_nothing)
{
    struct future f = {0}, first = {0};
    usual();
    sim_fail(w.sim, CALL_WRITE, 1, -EAGAIN);
    stream_write(a, text("begun"), &first);
    ck_assert_uint_eq(stream_unsent(a), 5);
    fill_bulk();
    sim_fail(w.sim, CALL_MEMORY, 1, -ENOMEM);
    fails(stream_write(a, (struct bytes){ bulk, BULK }, &f), -ENOMEM);
    ck_assert_int_eq(stream_error(a), 0);
    ck_assert_int_eq(await(&first), 5);
    writes(a, " and more");
    reads(stream_read_bytes(b, 14, &f), "begun and more");
}
END_TEST

START_TEST(a_line_takes_one_call_to_the_kernel_on_each_side)
{
    struct future f = {0};
    usual();
    writes(a, "first\n");
    reads(stream_read_until(b, "\n", 0, &f), "first\n");
    pass();
    uint64_t reads_before = sim_calls(w.sim, CALL_READ), writes_before = sim_calls(w.sim, CALL_WRITE);
    writes(a, "second\n");
    reads(stream_read_until(b, "\n", 0, &f), "second\n");
    ck_assert_uint_eq(sim_calls(w.sim, CALL_WRITE) - writes_before, 1);
    ck_assert_uint_eq(sim_calls(w.sim, CALL_READ) - reads_before, 1);
}
END_TEST

static SSL *ssl_of_client;

static void note_ssl(const SSL *ssl, int where, int ret)
{
    (void)where, (void)ret;
    ssl_of_client = (SSL *)ssl;
}

/* Its answers find no room, and would fill our memory. */
START_TEST(one_who_asks_for_new_keys_without_end_is_not_listened_to)
{
    struct future f = {0}, back = {0}, more = {0};
    size_t at = 0;
    int asked = 0;
    usual_identities();
    SSL_CTX_set_info_callback(client->context, note_ssl);
    shakes("example.org");
    fill_bulk();
    stream_write(b, (struct bytes){ bulk, BULK }, &back);
    stream_read_until_close(b, 0, &f);
    while (stream_unsent(a) == 0 && ++asked < 20000) {
        SSL_key_update(ssl_of_client, SSL_KEY_UPDATE_REQUESTED);
        stream_write(a, text("x"), NULL);
        if (asked % 16 == 0)
            pass();
    }
    ck_assert_int_lt(asked, 20000);
    stream_shutdown(a, NULL);
    for (int n; at < BULK && (n = await(stream_read_some(a, 0, &more))) > 0; at += (size_t)n)
        ck_assert(memcmp(more.value, bulk + at, (size_t)n) == 0);
    ck_assert_int_eq(await(&f), asked);
    ck_assert_int_eq(await(&back), BULK);
}
END_TEST

/* ---- the ends ---------------------------------------------------------------------------------------------------- */

START_TEST(a_close_says_goodbye)
{
    struct future f = {0};
    usual();
    writes(a, "bye");
    end_stream(&a);
    reads(stream_read_until_close(b, 0, &f), "bye");
    ck_assert_int_eq(stream_error(b), -EPIPE);
    fails(stream_read_some(b, 0, &f), -EPIPE);
}
END_TEST

START_TEST(a_client_that_never_reads_closes_without_a_reset)
{
    struct future f = {0};
    usual();
    writes(a, "to the log");
    pass();
    end_stream(&a);
    reads(stream_read_until(b, "log", 0, &f), "to the log");
    pass();
    fails(stream_read_some(b, 0, &f), -EPIPE);
    fails(stream_write(b, text("x"), &f), -EPIPE);
}
END_TEST

START_TEST(a_half_close_lets_the_other_side_go_on)
{
    struct future f = {0};
    usual();
    ck_assert_int_eq(await(stream_shutdown(a, &f)), 0);
    fails(stream_write(a, text("more"), &f), -EPIPE);
    fails(stream_read_some(b, 0, &f), -EPIPE);
    writes(b, "still here");
    ck_assert_int_eq(await(stream_shutdown(b, &f)), 0);
    reads(stream_read_until_close(a, 0, &f), "still here");
}
END_TEST

START_TEST(an_end_without_goodbye_is_told_apart)
{
    struct future f = {0};
    usual();
    writes(a, "half a pa");
    ck_assert_int_eq(w.sys->shutdown(w.sys, stream_fd(a), SHUT_WR), 0);
    ck_assert_int_eq(await(stream_read_until(b, "\n", 0, &f)), -ECONNABORTED);
    ck_assert_ptr_nonnull(strstr(f.why, "without TLS's goodbye"));
    reads(stream_read_until_close(b, 0, &f), "half a pa");
    ck_assert_int_eq(stream_error(b), -ECONNABORTED);
    writes(b, "it can be written to all the same");
}
END_TEST

START_TEST(a_close_with_bytes_unsent_says_no_goodbye)
{
    struct future f = {0};
    usual();
    fill_bulk();
    stream_write(a, (struct bytes){ bulk, BULK }, NULL);
    ck_assert_uint_gt(stream_unsent(a), 0);
    end_stream(&a);
    int n = await(stream_read_until_close(b, 0, &f));
    ck_assert(n > 0 && n < BULK && memcmp(f.value, bulk, (size_t)n) == 0);
    ck_assert_int_eq(stream_error(b), -ECONNABORTED);
}
END_TEST

START_TEST(on_close_hears_of_both_kinds_of_end)
{
    struct heard orderly = {0}, cut = {0};
    usual();
    stream_on_close(b, hear, &orderly);
    end_stream(&a);
    pass();
    ck_assert(orderly.times == 1 && orderly.what == 0);
    new_pair();
    shakes("example.org");
    stream_on_close(b, hear, &cut);
    ck_assert_int_eq(w.sys->shutdown(w.sys, stream_fd(a), SHUT_WR), 0);
    pass();
    ck_assert(cut.times == 1 && cut.what == -ECONNABORTED);
}
END_TEST

START_TEST(what_was_changed_on_its_way_is_not_given_out)
{
    struct future f = {0};
    char junk[64] = { 23, 3, 3, 0, 59 };
    usual();
    writes(a, "good");
    ck_assert_int_eq(w.sys->write(w.sys, stream_fd(a), junk, sizeof junk), sizeof junk);
    reads(stream_read_some(b, 0, &f), "good");
    fails(stream_read_some(b, 0, &f), -EPROTO);
    ck_assert_ptr_nonnull(strstr(f.why, "changed on its way"));
    fails(stream_read_some(b, 0, &f), -EPROTO);
    fails(stream_write(b, text("x"), &f), -EPROTO);
    fails(stream_read_some(a, 0, &f), -EPROTO);
    ck_assert_ptr_nonnull(strstr(f.why, "alert"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        both_sides_read_what_the_other_wrote,
        every_kind_of_read_finds_its_portion,
        much_goes_both_ways_at_once,
        single_bytes_and_storms_change_nothing,
        a_write_is_done_when_its_record_has_reached_the_kernel,
        a_record_that_has_begun_and_finds_no_memory_for_its_rest_ends_all_writing,
        a_record_that_finds_no_memory_to_wait_in_is_sent_all_the_same,
        memory_refused_behind_a_record_that_has_begun_loses_nothing,
        a_line_takes_one_call_to_the_kernel_on_each_side,
        one_who_asks_for_new_keys_without_end_is_not_listened_to,
        a_close_says_goodbye,
        a_client_that_never_reads_closes_without_a_reset,
        a_half_close_lets_the_other_side_go_on,
        an_end_without_goodbye_is_told_apart,
        a_close_with_bytes_unsent_says_no_goodbye,
        on_close_hears_of_both_kinds_of_end,
        what_was_changed_on_its_way_is_not_given_out,
        NULL
    };
    return run_tls("tls", tests, NULL);
}
