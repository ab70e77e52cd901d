/* test_server_zlib_turns.c - replies that are packed in turns: nobody is held up, slow clients hold back who writes, and what is
 * under way when a client leaves, or the server ends, leaves nothing behind. */
#include "http/tests/server_packed_world.h"

enum { LONG = 500000 };

static size_t length;

static int long_reply(struct exchange *x)
{
    tell("begins", (int)exchange_header(x, "Me").len);
    int rc = exchange_reply(x, 200, "text/plain", some_text(length));
    tell("returns", (int)exchange_header(x, "Me").len);
    return rc;
}

static struct client *get(const char *fields)
{
    struct client *c = call_server();
    say(c, "GET / HTTP/1.1\r\n" H TAKES);
    say(c, fields);
    say(c, "\r\n");
    return c;
}

/* ---- turns ----------------------------------------------------------------------------------------------------------- */

/* How often the selector was asked until the server's handlers are over. */
static int count_turns(void *self)
{
    struct future f = {0};
    for (int *turns = self; http_running(server) > 0; ++*turns)
        await(future_sleep(loop, 0, &f));
    return 0;
}

static int spawn_counter(struct exchange *x)
{
    static struct future f;
    f = (struct future){0};
    length = LONG;
    co_spawn(loop, count_turns, exchange_self(x), &f);
    return exchange_reply(x, 200, "text/plain", some_text(length));
}

START_TEST(a_long_one_is_packed_in_portions_between_everybody_elses_turns)
{
    int turns = 0;
    serve_packed(spawn_counter, (struct http_options){ .self = &turns });
    struct client *c = get("");
    hears_packed(c, some_text(LONG));
    ck_assert_int_ge(turns, LONG / 16384);
}
END_TEST

/* The first; who comes behind him asks for little. */
static int long_or_little(struct exchange *x)
{
    if (exchange_header(x, "Me").len == 1)
        return long_reply(x);
    tell("other", http_running(server));
    return 204;
}

START_TEST(others_are_answered_meanwhile)
{
    length = LONG;
    serve_packed(long_or_little, (struct http_options){0});
    struct client *c = call_server(), *other = call_server();
    say(c, "GET / HTTP/1.1\r\n" H TAKES "Me: a\r\n\r\n");
    say(other, "GET / HTTP/1.1\r\n" H "Me: bb\r\n\r\n");
    hears_packed(c, some_text(LONG));
    ck_assert_int_eq(status_heard(other), 204);
    ck_assert_str_eq(story, "begins1 returns1 other2 ");
}
END_TEST

START_TEST(several_long_ones_take_turns)
{
    length = LONG;
    serve_packed(long_reply, (struct http_options){0});
    struct client *all[8];
    for (int i = 0; i < 8; i++)
        all[i] = get("");
    for (int i = 0; i < 8; i++)
        hears_packed(all[i], some_text(LONG));
    ck_assert_int_eq(http_running(server), 0);
}
END_TEST

START_TEST(the_rest_of_a_body_may_come_behind_a_packed_reply)
{
    length = LONG;
    serve_packed(long_reply, (struct http_options){0});
    struct client *c = call_server();
    say(c, "POST / HTTP/1.1\r\n" H TAKES "Content-Length: 1000\r\n\r\n");
    hears_packed(c, some_text(LONG));
    ck_assert_int_eq(http_running(server), 0);
    wait_for(c, 1000);
    memset(said, 'x', 1000);
    say_bytes(c, said, 1000);
    say(c, "GET / HTTP/1.1\r\n" H TAKES "\r\n");
    hears_packed(c, some_text(LONG));
    ck_assert(!c->ended);
}
END_TEST

/* ---- how many at once ------------------------------------------------------------------------------------------------ */

/* Begins, and waits. */
static int waits_in_between(struct exchange *x)
{
    struct future f = {0};
    exchange_set(x, "Content-Type", text_of("text/plain"));
    exchange_begin(x, 200, -1);
    exchange_write(x, text_of("begun\n"), NULL);
    await(future_sleep(loop, SECOND, &f));
    exchange_write(x, text_of("ended\n"), NULL);
    return 0;
}

START_TEST(no_more_than_64_are_packed_at_once_and_the_others_go_as_they_are)
{
    int fds[66], with_coding = 0;
    char heard[4096];
    serve_packed(waits_in_between, (struct http_options){0});
    for (int i = 0; i < 66; i++) {
        fds[i] = call_listener(place);
        ck_assert_int_gt(sys->write(sys, fds[i], "GET / HTTP/1.1\r\n" H TAKES "\r\n", 16 + 9 + 23 + 2), 0);
        wait_ms(1);
    }
    wait_ms(500);
    ck_assert_uint_lt(sim_live(sim).bytes, 64 * 300000 + 4000000);
    wait_ms(1000);
    for (int i = 0; i < 66; i++) {
        ssize_t n = sys->read(sys, fds[i], heard, sizeof heard - 1);
        ck_assert_int_gt(n, 0);
        heard[n] = '\0';
        bool coded = strstr(heard, "Content-Encoding: gzip");
        ck_assert(coded == (i < 64));
        ck_assert(coded || strstr(heard, "ended\n"));
        with_coding += coded;
        hang_up(fds[i]);
    }
    ck_assert_int_eq(with_coding, 64);
    wait_ms(1);
    length = 2000;
    app = long_reply;
    hears_packed(get(""), some_text(2000));
}
END_TEST

/* ---- slow clients, and those who leave ------------------------------------------------------------------------------- */

static int pieces_written;

/* A megabyte, in pieces, each awaited. */
static int writes_much(struct exchange *x)
{
    struct future f = {0};
    struct bytes all = noise(1 << 20);
    exchange_set(x, "Content-Type", text_of("text/plain"));
    exchange_begin(x, 200, 1 << 20);
    for (pieces_written = 0; pieces_written < 32; pieces_written++) {
        int rc = await(exchange_write(x, (struct bytes){ all.data + pieces_written * 32768, 32768 }, &f));
        if (rc < 0) {
            tell("rc", rc);
            ck_assert_ptr_nonnull(f.why);
            return rc;
        }
    }
    return 0;
}

START_TEST(a_slow_client_slows_who_writes)
{
    serve_packed(writes_much, (struct http_options){0});
    struct client *c = get("");
    wait_ms(1000);
    int before = pieces_written;
    ck_assert_int_lt(before, 16);
    wait_for(c, 1);
    wait_ms(1);
    ck_assert_int_gt(pieces_written, before);
    leave_server(c);
    wait_ms(1);
    ck_assert_str_eq(story, "rc-104 ");
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

START_TEST(one_that_takes_nothing_is_gone_after_a_while)
{
    serve_packed(writes_much, (struct http_options){ .write = SECOND });
    get("");
    wait_ms(3000);
    ck_assert_int_eq(http_running(server), 0);
    ck_assert_ptr_nonnull(strstr(story, "rc-"));
}
END_TEST

START_TEST(a_client_that_leaves_while_much_waits_to_be_packed_ends_the_packing)
{
    length = LARGE;
    serve_packed(long_reply, (struct http_options){0});
    for (int i = 0; i < 2; i++) {
        struct client *c = get("");
        leave_server(c);
        wait_ms(1);
        ck_assert_int_eq(http_running(server), 0);
    }
    wait_ms(6000);
    ck_assert_int_eq(http_connections(server), 0);
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

/* ---- the end --------------------------------------------------------------------------------------------------------- */

static int stops_and_replies(struct exchange *x)
{
    int rc = exchange_reply(x, 200, "text/plain", some_text(length));
    http_stop(server, loop_time(loop), NULL);
    return rc;
}

START_TEST(a_stop_at_once_breaks_off_what_is_being_packed)
{
    bool whole;
    length = LONG;
    serve_packed(stops_and_replies, (struct http_options){0});
    struct client *c = get("");
    wait_for(c, 1);
    ck_assert(c->ended);
    unpacked_reply(c, &whole);
    ck_assert(!whole);
}
END_TEST

static int closes_later(struct exchange *x)
{
    exchange_reply(x, 200, "text/plain", some_text(length));
    stop(NULL, 0);
    return 0;
}

START_TEST(a_server_may_be_closed_while_it_packs)
{
    length = LONG;
    serve_packed(closes_later, (struct http_options){0});
    get("");
    loop_start(loop);
    ck_assert_int_eq(http_running(server), 1);
    end_server();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_long_one_is_packed_in_portions_between_everybody_elses_turns,
        others_are_answered_meanwhile,
        several_long_ones_take_turns,
        the_rest_of_a_body_may_come_behind_a_packed_reply,
        no_more_than_64_are_packed_at_once_and_the_others_go_as_they_are,
        a_slow_client_slows_who_writes,
        one_that_takes_nothing_is_gone_after_a_while,
        a_client_that_leaves_while_much_waits_to_be_packed_ends_the_packing,
        a_stop_at_once_breaks_off_what_is_being_packed,
        a_server_may_be_closed_while_it_packs,
        NULL
    };
    return run_server("server: packing in turns", tests, NULL);
}
