/* test_tcp_secure.c - listening with TLS, as far as it is TCP's: who is waited for, for how long, and how it all ends. The
 * handshake is a byte (pretended_tls.h): this program links without OpenSSL. */
#include "loop/sim_net.h"
#include "stream/tests/pretended_tls.h"
#include "stream/tests/tcp_world.h"

static struct listener *l;
static struct future serving, taken;

static void listen_for(int64_t handshake)
{
    l = tcp_listen_with(loop, &(struct tcp_listen){ .host = "127.0.0.1", .tls = &pretended_server, .handshake = handshake });
    ck_assert_ptr_nonnull(l);
}

static void serve(co_fn *fn)
{
    listen_for(0);
    serving = (struct future){0};
    tcp_serve(l, fn, future_then(&serving, heard, "served"));
}

static void await_one(void)
{
    tcp_accept(l, future_then(&taken, heard, "taken"));
}

/* The client's part of the handshake: 'y' is right, all else is wrong. */
static void shake(int fd, char byte)
{
    ck_assert_int_eq(heard_by(fd), 'y');
    send_byte(fd, byte);
    wait_ms(1);
}

static void end_taken(void)
{
    stream_close(taken.value);
    taken = (struct future){0};
}

/* ---- accepting ------------------------------------------------------------------------------------------------------- */

START_TEST(nobody_gets_a_connection_before_its_handshake)
{
    listen_for(0);
    await_one();
    int client = call_listener(l);
    wait_ms(1);
    ck_assert_str_eq(story, "");
    shake(client, 'y');
    ck_assert_str_eq(story, "taken0 ");
    greet(taken.value, 'x');
    ck_assert_int_eq(heard_by(client), 'x');
    end_taken();
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(who_says_nothing_holds_nobody_up)
{
    listen_for(0);
    await_one();
    int silent = call_listener(l), client = call_listener(l);
    wait_ms(1);
    shake(client, 'y');
    ck_assert_str_eq(story, "taken0 ");
    greet(taken.value, 'x');
    ck_assert_int_eq(heard_by(client), 'x');
    end_taken();
    hang_up(silent);
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(who_is_done_when_nobody_waits_is_for_the_next_who_asks)
{
    int clients[3];
    listen_for(0);
    await_one();
    for (int i = 0; i < 3; i++)
        clients[i] = call_listener(l);
    wait_ms(1);
    for (int i = 2; i >= 0; i--)
        shake(clients[i], 'y');
    ck_assert_str_eq(story, "taken0 ");
    for (int i = 2; i >= 0; i--) {
        greet(taken.value, 'x');
        ck_assert_int_eq(heard_by(clients[i]), 'x');
        end_taken();
        await_one();
        wait_ms(1);
        hang_up(clients[i]);
    }
    ck_assert_str_eq(story, "taken0 taken0 taken0 ");
    future_cancel(&taken);
    tcp_close(l);
}
END_TEST

START_TEST(each_stream_has_its_listeners_data)
{
    int first, second;
    listen_for(0);
    tcp_set_data(l, &first);
    await_one();
    int client = call_listener(l);
    wait_ms(1);
    tcp_set_data(l, &second);
    shake(client, 'y');
    ck_assert_ptr_eq(stream_data(taken.value), &first);
    end_taken();
    hang_up(client);
    tcp_close(l);
}
END_TEST

/* ---- serving ---------------------------------------------------------------------------------------------------------- */

START_TEST(handshakes_stand_in_the_limit)
{
    int clients[3];
    serve(echo);
    tcp_limit(l, 2);
    for (int i = 0; i < 3; i++)
        clients[i] = call_listener(l);
    wait_ms(1);
    ck_assert_uint_eq(tcp_count(l).accepted, 2);
    ck_assert_int_eq(heard_by(clients[2]), '-');
    shake(clients[0], 'y');
    ck_assert_int_eq(tcp_running(l), 1);
    ck_assert_uint_eq(tcp_count(l).accepted, 2);            /* it is a handler now, and still one of two */
    hang_up(clients[1]);
    wait_ms(1);
    ck_assert_uint_eq(tcp_count(l).accepted, 3);
    shake(clients[2], 'y');
    ck_assert_int_eq(tcp_running(l), 2);
    tcp_close(l);
    hang_up(clients[0]);
    hang_up(clients[2]);
}
END_TEST

START_TEST(a_connection_that_was_accepted_goes_to_who_serves_now)
{
    listen_for(0);
    await_one();
    int client = call_listener(l);
    wait_ms(1);
    future_cancel(&taken);
    tcp_serve(l, echo, &serving);
    shake(client, 'y');
    send_byte(client, 'x');
    wait_ms(1);
    ck_assert_int_eq(heard_by(client), 'x');
    tcp_close(l);
    hang_up(client);
}
END_TEST

/* ---- those that fail --------------------------------------------------------------------------------------------------- */

START_TEST(who_does_not_finish_in_time_is_turned_away)
{
    serve(echo);
    int client = call_listener(l);
    wait_ms(9999);
    ck_assert_int_eq(heard_by(client), 'y');
    ck_assert_int_eq(heard_by(client), '-');
    wait_ms(2);
    ck_assert_int_eq(heard_by(client), 'e');
    ck_assert(logged("warning: tls: 127.0.0.1:"));
    ck_assert(logged(" was turned away at 127.0.0.1:"));
    ck_assert(logged(": it did not finish its handshake in time"));
    ck_assert_str_eq(story, "");
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(how_long_that_is_can_be_said)
{
    listen_for(50 * MILLISECOND);
    await_one();
    int client = call_listener(l);
    wait_ms(49);
    ck_assert_str_eq(sim_log(sim), "");
    wait_ms(2);
    ck_assert(logged("did not finish its handshake in time"));
    ck_assert_str_eq(story, "");
    future_cancel(&taken);
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(a_failed_handshake_is_one_line_and_a_close)
{
    serve(echo);
    int client = call_listener(l);
    wait_ms(1);
    shake(client, 'n');
    ck_assert_int_eq(heard_by(client), 'e');
    const char *end_of_line = strchr(sim_log(sim), '\n');
    ck_assert_ptr_nonnull(end_of_line);
    ck_assert_str_eq(end_of_line, "\n");
    ck_assert_ptr_nonnull(strstr(sim_log(sim), ": the stream could not be read"));
    hang_up(client);
    ck_assert_int_eq(tcp_running(l), 0);
    tcp_close(l);
}
END_TEST

static size_t lines(const char *text)
{
    size_t n = 0;
    for (const char *p = sim_log(sim); (p = strstr(p, text)); p++)
        n++;
    return n;
}

static void fail_one(bool leaves)
{
    int client = call_listener(l);
    wait_ms(1);
    if (leaves)
        ck_assert_int_eq(heard_by(client), 'y');        /* what is unread makes the end a reset */
    else
        shake(client, 'n');
    hang_up(client);
    wait_ms(1);
}

START_TEST(of_each_kind_there_is_one_line_a_second)
{
    serve(echo);
    for (int i = 0; i < 100; i++)
        fail_one(i % 10 == 0);
    ck_assert_uint_eq(lines("could not be read"), 1);
    ck_assert_uint_eq(lines("the other side has closed"), 1);
    wait_ms(1000);
    fail_one(false);
    ck_assert_uint_eq(lines("could not be read (and 89 more like it since this was last said)"), 1);
    fail_one(true);
    ck_assert_uint_eq(lines("and 9 more like it"), 1);
    tcp_close(l);
}
END_TEST

/* A server's tls that never gives the same reason twice in ten. */
static struct future *fail_anew(struct stream *s, struct tls *t, const char *name, struct future *done)
{
    static const char *const reasons[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
    static const struct op op = { .name = "never" };
    static int count;
    (void)t, (void)name;
    future_start(done, stream_loop(s), &op, NULL);
    future_fail(done, -EPROTO, reasons[count++ % 10]);
    return done;
}

START_TEST(of_more_kinds_than_are_remembered_the_oldest_is_forgotten)
{
    struct tls moody = { .start = fail_anew, .hold = pretended_hold, .server = true };
    l = tcp_listen_with(loop, &(struct tcp_listen){ .host = "127.0.0.1", .tls = &moody });
    tcp_serve(l, echo, &serving);
    for (int i = 0; i < 12; i++) {
        hang_up(call_listener(l));
        wait_ms(1);
    }
    ck_assert_uint_eq(lines("was turned away"), 12);
    tcp_close(l);
    ck_assert_int_eq(moody.holders, 0);
}
END_TEST

START_TEST(who_has_left_is_named_if_it_was_there_long_enough_to_ask)
{
    serve(echo);
    for (int early = 0; early < 2; early++) {
        int client = call_listener(l);
        sim_fail(sim, CALL_PEERNAME, early, -ENOTCONN);
        wait_ms(1000);
        sim_net_reset(sim, client);
        wait_ms(1);
        ck_assert(logged("tls: 127.0.0.1:"));
        ck_assert_int_eq(logged("tls: somebody who is gone was turned away"), early);
        hang_up(client);
    }
    tcp_close(l);
}
END_TEST

START_TEST(without_memory_a_connection_is_closed_and_the_next_one_is_served)
{
    serve(echo);
    for (unsigned n = 1;; n++) {
        sim_fail(sim, CALL_MEMORY, n, 0);
        int client = call_listener(l);
        wait_ms(1);
        char answer = heard_by(client);
        if (answer == 'y') {
            ck_assert_int_eq(sys->write(sys, client, "yx", 2), 2);
            wait_ms(1);
            answer = heard_by(client);
        }
        bool failed = sim_failed(sim);
        sim_fail(sim, CALL_MEMORY, 0, 0);
        hang_up(client);
        wait_ms(1);
        if (!failed)
            break;
        ck_assert(answer == 'e' || answer == 'r' || answer == 'x');
    }
    ck_assert_int_eq(tcp_running(l), 0);
    tcp_close(l);
}
END_TEST

/* ---- the end ----------------------------------------------------------------------------------------------------------- */

START_TEST(a_stop_waits_for_handshakes_and_serves_them)
{
    serve(echo);
    int client = call_listener(l);
    wait_ms(1);
    tcp_stop(l, sim_now(sim) + SECOND);
    wait_ms(1);
    ck_assert_str_eq(story, "");
    shake(client, 'y');
    send_byte(client, 'x');
    wait_ms(1);
    ck_assert_int_eq(heard_by(client), 'x');
    hang_up(client);
    loop_start(loop);
    ck_assert_str_eq(story, "echo-32 served0 ");
    tcp_close(l);
}
END_TEST

START_TEST(at_the_deadline_handshakes_are_ended)
{
    serve(echo);
    int client = call_listener(l);
    wait_ms(1);
    tcp_stop(l, sim_now(sim) + SECOND);
    loop_start(loop);
    ck_assert_int_eq(now_ms(), 1001);
    ck_assert_str_eq(story, "served0 ");
    ck_assert_str_eq(sim_log(sim), "");
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(a_handshake_that_fails_after_a_stop_is_the_end_of_it)
{
    serve(echo);
    int client = call_listener(l);
    wait_ms(1);
    tcp_stop(l, FOREVER);
    hang_up(client);
    loop_start(loop);
    ck_assert_str_eq(story, "served0 ");
    tcp_close(l);
}
END_TEST

START_TEST(of_those_who_accept_as_many_wait_on_after_a_stop_as_there_are_handshakes)
{
    static struct future second;
    int clients[2];
    listen_for(0);
    await_one();
    tcp_accept(l, future_then(&second, heard, "second"));
    for (int i = 0; i < 2; i++)
        clients[i] = call_listener(l);
    wait_ms(1);
    hang_up(clients[1]);
    wait_ms(1);
    tcp_stop(l, FOREVER);
    wait_ms(1);
    ck_assert_str_eq(story, "second-108 ");
    shake(clients[0], 'y');
    ck_assert_str_eq(story, "second-108 taken0 ");
    end_taken();
    await_one();
    wait_ms(1);
    ck_assert_str_eq(story, "second-108 taken0 taken-108 ");
    hang_up(clients[0]);
    tcp_close(l);
}
END_TEST

START_TEST(who_accepts_is_told_at_the_deadline_too)
{
    listen_for(0);
    await_one();
    int client = call_listener(l);
    wait_ms(1);
    tcp_stop(l, sim_now(sim) + SECOND);
    wait_ms(999);
    ck_assert_str_eq(story, "");
    wait_ms(2);
    ck_assert_str_eq(story, "taken-108 ");
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(cancelling_the_serving_ends_handshakes)
{
    serve(echo);
    int client = call_listener(l);
    wait_ms(1);
    future_cancel(&serving);
    ck_assert_int_eq(heard_by(client), 'y');
    ck_assert_int_eq(heard_by(client), 'e');
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(a_close_ends_handshakes_and_lets_the_tls_go)
{
    serve(echo);
    ck_assert_int_eq(pretended_server.holders, 1);
    int client = call_listener(l), done = call_listener(l);
    wait_ms(1);
    send_byte(done, 'y');                   /* answered, and not heard of */
    tcp_close(l);
    ck_assert_int_eq(pretended_server.holders, 0);
    ck_assert_int_eq(heard_by(client), 'y');
    ck_assert_int_eq(heard_by(client), 'e');
    hang_up(client);
    hang_up(done);
}
END_TEST

START_TEST(a_listener_that_cannot_be_lets_the_tls_go)
{
    ck_assert_ptr_null(tcp_listen_with(loop, &(struct tcp_listen){ .host = "192.0.2.1", .tls = &pretended_server }));
    ck_assert_int_eq(pretended_server.holders, 0);
}
END_TEST

START_TEST(listening_as_a_client_ends_the_program)
{
    tcp_listen_with(loop, &(struct tcp_listen){ .tls = &pretended_client });
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nobody_gets_a_connection_before_its_handshake,
        who_says_nothing_holds_nobody_up,
        who_is_done_when_nobody_waits_is_for_the_next_who_asks,
        each_stream_has_its_listeners_data,
        handshakes_stand_in_the_limit,
        a_connection_that_was_accepted_goes_to_who_serves_now,
        who_does_not_finish_in_time_is_turned_away,
        how_long_that_is_can_be_said,
        a_failed_handshake_is_one_line_and_a_close,
        of_each_kind_there_is_one_line_a_second,
        of_more_kinds_than_are_remembered_the_oldest_is_forgotten,
        who_has_left_is_named_if_it_was_there_long_enough_to_ask,
        without_memory_a_connection_is_closed_and_the_next_one_is_served,
        a_stop_waits_for_handshakes_and_serves_them,
        at_the_deadline_handshakes_are_ended,
        a_handshake_that_fails_after_a_stop_is_the_end_of_it,
        of_those_who_accept_as_many_wait_on_after_a_stop_as_there_are_handshakes,
        who_accepts_is_told_at_the_deadline_too,
        cancelling_the_serving_ends_handshakes,
        a_close_ends_handshakes_and_lets_the_tls_go,
        a_listener_that_cannot_be_lets_the_tls_go,
        NULL
    };
    const TTest *const aborting[] = { listening_as_a_client_ends_the_program, NULL };
    return run_tcp("tcp: secure listeners", tests, aborting);
}
