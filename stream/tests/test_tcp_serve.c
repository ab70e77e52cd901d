/* test_tcp_serve.c - a coroutine for each connection, in virtual time: limits, and every way in which they come to an end. */
#include "stream/tests/tcp_world.h"

static struct listener *l;
static struct future serving;

static void serve(co_fn *fn)
{
    l = listen_at("unix:@serve", 0);
    serving = (struct future){0};
    tcp_serve(l, fn, future_then(&serving, heard, "served"));
}

/* Ten seconds for each connection, whatever the client does. */
static int slow(void *self)
{
    struct future f = {0};
    int rc = await(future_sleep(loop, 10 * SECOND, &f));
    tell(rc == 0 ? "done" : "cut", (int)now_ms());
    stream_close(self);
    return rc;
}

static int fail_at_once(void *self)
{
    stream_close(self);
    return -EBADMSG;
}

static int64_t in_ms(int64_t ms)
{
    return sim_now(sim) + ms * MILLISECOND;
}

/* ---- serving --------------------------------------------------------------------------------------------------------- */

START_TEST(each_connection_has_a_coroutine_of_its_own)
{
    int clients[3];
    serve(echo);
    for (int i = 0; i < 3; i++)
        clients[i] = call_listener(l);
    wait_ms(1);
    ck_assert_int_eq(tcp_running(l), 3);
    for (int i = 2; i >= 0; i--) {
        send_byte(clients[i], "abc"[i]);
        wait_ms(1);
        ck_assert_int_eq(heard_by(clients[i]), "abc"[i]);
        hang_up(clients[i]);
    }
    wait_ms(1);
    ck_assert_int_eq(tcp_running(l), 0);
    ck_assert_str_eq(story, "echo-32 echo-32 echo-32 ");
    ck_assert_str_eq(sim_log(sim), "");
    tcp_close(l);
}
END_TEST

START_TEST(a_handler_that_fails_is_logged_with_its_name)
{
    serve(fail_at_once);
    int client = call_listener(l);
    wait_ms(1);
    ck_assert_str_eq(sim_log(sim), "error: the connection handler fail_at_once failed: Bad message\n");
    ck_assert_int_eq(tcp_running(l), 0);
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(at_the_limit_others_wait_in_the_backlog)
{
    int clients[3];
    serve(echo);
    tcp_limit(l, 2);
    for (int i = 0; i < 3; i++) {
        clients[i] = call_listener(l);
        send_byte(clients[i], 'x');
    }
    wait_ms(1);
    ck_assert_int_eq(tcp_running(l), 2);
    ck_assert_uint_eq(sim_calls(sim, CALL_ACCEPT), 2);
    ck_assert_int_eq(heard_by(clients[2]), '-');
    hang_up(clients[0]);
    wait_ms(1);
    ck_assert_int_eq(heard_by(clients[2]), 'x');
    ck_assert_int_eq(tcp_running(l), 2);
    tcp_limit(l, 0);
    clients[0] = call_listener(l);
    wait_ms(1);
    ck_assert_int_eq(tcp_running(l), 3);
    tcp_close(l);
    for (int i = 0; i < 3; i++)
        hang_up(clients[i]);
}
END_TEST

START_TEST(what_came_back_from_an_accept_is_served)
{
    struct future f = {0};
    l = listen_at("unix:@serve", 0);
    int client = call_listener(l);
    tcp_accept(l, &f);
    wait_ms(1);
    future_cancel(&f);
    tcp_serve(l, echo, &serving);
    send_byte(client, 'x');
    wait_ms(1);
    ck_assert_int_eq(heard_by(client), 'x');
    tcp_close(l);
    hang_up(client);
}
END_TEST

/* ---- the graceful stop ------------------------------------------------------------------------------------------------ */

START_TEST(a_stop_waits_for_what_runs)
{
    serve(slow);
    struct address a = *tcp_address(l, 0);
    int client = call_listener(l);
    wait_ms(1000);
    tcp_stop(l, in_ms(60000));
    ck_assert_int_eq(call_raw(&a), -ECONNREFUSED);
    wait_ms(1);
    ck_assert_str_eq(story, "");
    ck_assert_int_eq(heard_by(client), '-');
    loop_start(loop);                       /* returns as soon as all is done, not at the deadline */
    ck_assert_str_eq(story, "done10000 served0 ");
    ck_assert_int_eq(now_ms(), 10000);
    ck_assert_int_eq(heard_by(client), 'e');
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(at_the_deadline_what_still_runs_is_cancelled_and_counted)
{
    serve(slow);
    int early = call_listener(l);
    wait_ms(5000);
    int late = call_listener(l), later = call_listener(l);
    wait_ms(1000);
    tcp_stop(l, in_ms(6000));
    loop_start(loop);
    ck_assert_str_eq(story, "done10000 cut12000 cut12000 served2 ");
    ck_assert(logged("2 connection handlers still run at the deadline"));
    ck_assert_int_eq(heard_by(late), 'e');
    hang_up(early);
    hang_up(late);
    hang_up(later);
    tcp_close(l);
}
END_TEST

START_TEST(a_deadline_that_has_passed_cancels_in_the_next_turn)
{
    serve(slow);
    int client = call_listener(l);
    wait_ms(1);
    tcp_stop(l, 0);
    ck_assert_str_eq(story, "");
    loop_start(loop);
    ck_assert_str_eq(story, "cut1 served1 ");
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(who_waits_in_the_backlog_at_a_stop_is_served_as_far_as_the_limit_allows)
{
    int clients[3];
    serve(echo);
    tcp_limit(l, 2);
    for (int i = 0; i < 3; i++) {
        clients[i] = call_listener(l);
        send_byte(clients[i], 'x');
    }
    tcp_stop(l, FOREVER);
    ck_assert_int_eq(tcp_running(l), 2);
    wait_ms(1);
    ck_assert_int_eq(heard_by(clients[0]), 'x');
    ck_assert_int_eq(heard_by(clients[1]), 'x');
    ck_assert_int_eq(heard_by(clients[2]), 'r');
    for (int i = 0; i < 3; i++)
        hang_up(clients[i]);
    loop_start(loop);
    ck_assert_str_eq(story, "echo-32 echo-32 served0 ");
    ck_assert_uint_eq(tcp_count(l).accepted, 2);
    tcp_close(l);
}
END_TEST

START_TEST(a_second_stop_moves_the_deadline)
{
    serve(slow);
    int client = call_listener(l);
    wait_ms(1);
    tcp_stop(l, FOREVER);
    tcp_stop(l, in_ms(100));
    tcp_stop(l, in_ms(50));
    loop_start(loop);
    ck_assert_str_eq(story, "cut51 served1 ");
    tcp_stop(l, 0);
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(without_a_connection_a_stop_is_done_at_once)
{
    serve(slow);
    tcp_stop(l, in_ms(1000));
    loop_start(loop);
    ck_assert_str_eq(story, "served0 ");
    ck_assert_int_eq(now_ms(), 0);
    tcp_close(l);
}
END_TEST

START_TEST(serving_what_was_stopped_is_done_at_once)
{
    l = listen_at("unix:@serve", 0);
    tcp_stop(l, FOREVER);
    tcp_serve(l, slow, future_then(&serving, heard, "served"));
    loop_start(loop);
    ck_assert_str_eq(story, "served0 ");
    tcp_close(l);
}
END_TEST

static int stop_all(void *self)
{
    struct future f = {0};
    tcp_stop(l, 0);
    int rc = await(future_sleep(loop, SECOND, &f));
    stream_close(self);
    return rc;
}

START_TEST(a_handler_may_stop_its_listener)
{
    serve(stop_all);
    int client = call_listener(l), other = call_listener(l);    /* taken in one turn with it, or reset with the backlog */
    loop_start(loop);
    ck_assert_str_eq(story, "served2 ");
    ck_assert_str_eq(sim_log(sim), "warning: tcp_stop: 2 connection handlers still run at the deadline, and are cancelled\n");
    hang_up(client);
    hang_up(other);
    tcp_close(l);
}
END_TEST

/* ---- other ends ------------------------------------------------------------------------------------------------------- */

START_TEST(cancelling_it_cancels_the_handlers_and_stops)
{
    serve(slow);
    struct address a = *tcp_address(l, 0);
    int client = call_listener(l);
    wait_ms(1);
    future_cancel(&serving);
    ck_assert_str_eq(story, "cut1 ");
    ck_assert_int_eq(tcp_running(l), 0);
    ck_assert_int_eq(call_raw(&a), -ECONNREFUSED);
    ck_assert_str_eq(sim_log(sim), "");             /* who cancels knows */
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(closing_cancels_the_handlers_and_forgets_who_waits)
{
    serve(slow);
    int client = call_listener(l);
    wait_ms(1);
    tcp_close(l);
    ck_assert_str_eq(story, "cut1 ");
    loop_start(loop);
    ck_assert_str_eq(story, "cut1 ");
    ck_assert_int_eq(heard_by(client), 'e');
    hang_up(client);
}
END_TEST

static void close_it(void *self, int what)
{
    (void)self, (void)what;
    ck_assert_int_eq(tcp_running(l), 1);
    tcp_close(l);
    l = NULL;
}

static void close_when_accepted(void *self, int what)
{
    (void)what;
    if (tcp_running(l))
        close_it(self, 0);
    else
        loop_add_callback(loop, close_when_accepted, NULL);
}

START_TEST(a_handler_that_never_began_leaves_no_stream)
{
    serve(slow);
    int client = call_listener(l);
    loop_add_callback(loop, close_when_accepted, NULL);     /* every turn: so also in the one in which the handler is queued */
    loop_start(loop);
    ck_assert_ptr_null(l);
    ck_assert_str_eq(story, "");
    ck_assert_int_eq(heard_by(client), 'e');
    hang_up(client);
}
END_TEST

START_TEST(without_a_stack_the_connection_is_closed_and_that_is_logged)
{
    serve(slow);
    sim_fail(sim, CALL_MAP, 1, 0);
    int client = call_listener(l);
    wait_ms(1);
    ck_assert_int_eq(heard_by(client), 'e');
    ck_assert_int_eq(tcp_running(l), 0);
    ck_assert(logged("the connection handler slow failed: Cannot allocate memory"));
    hang_up(client);
    tcp_close(l);
}
END_TEST

static int gated(void *self)
{
    struct future f = {0};
    int rc = await(well_draw(&well, &f));
    well.f = NULL;
    tell(rc == 0 ? "done" : "cut", 0);
    stream_close(self);
    return rc;
}

static void stop_now(void *self, int what)
{
    (void)self, (void)what;
    tcp_stop(l, sim_now(sim));
}

/* Turns without the selector, so that the deadline, which has passed, is late; in one of them the gate opens. */
static void spin(void *self, int what)
{
    int *turns = self;
    (void)what;
    if (--*turns == 0 && well.f)
        future_resolve(well.f, 0, NULL);
    if (*turns > -20)
        loop_add_callback(loop, spin, turns);
}

START_TEST(whatever_the_turn_what_had_ended_at_the_deadline_is_not_counted_as_cancelled)
{
    int done = 0, cut = 0;
    for (int phase = 1; phase < 40; phase++) {
        int turns = phase;
        serve(gated);
        int client = call_listener(l);
        wait_ms(1);
        story[0] = '\0';
        loop_add_callback(loop, stop_now, NULL);
        loop_add_callback(loop, spin, &turns);
        loop_start(loop);
        done += strcmp(story, "done0 served0 ") == 0;
        cut += strcmp(story, "cut0 served1 ") == 0;
        ck_assert_msg(done + cut == phase, "phase %d: %s", phase, story);
        hang_up(client);
        tcp_close(l);
    }
    ck_assert_msg(done > 0 && cut > 0, "done %d, cut %d", done, cut);
}
END_TEST

START_TEST(without_descriptors_clients_are_turned_away_and_serving_goes_on)
{
    serve(echo);
    int client = call_listener(l), other = call_listener(l);
    sim_limit_descriptors(sim, other + 1);
    wait_ms(1);
    ck_assert_int_eq(heard_by(client), 'e');
    ck_assert_int_eq(heard_by(other), 'e');
    ck_assert_uint_eq(tcp_count(l).refused, 2);
    sim_limit_descriptors(sim, 0);
    hang_up(client);
    hang_up(other);
    client = call_listener(l);
    send_byte(client, 'x');
    wait_ms(1);
    ck_assert_int_eq(heard_by(client), 'x');
    hang_up(client);
    wait_ms(1);
    tcp_close(l);
}
END_TEST

START_TEST(a_thousand_come_and_go_and_nothing_is_left)
{
    int clients[50];
    serve(echo);
    tcp_limit(l, 7);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 50; i++) {
            clients[i] = call_listener(l);
            send_byte(clients[i], 'x');
        }
        wait_ms(1);
        for (int i = 0; i < 50; i++) {
            ck_assert_int_eq(heard_by(clients[i]), 'x');
            hang_up(clients[i]);
            wait_ms(1);
        }
        story[0] = '\0';
    }
    ck_assert_uint_eq(tcp_count(l).accepted, 1000);
    ck_assert_int_eq(tcp_running(l), 0);
    tcp_close(l);
}
END_TEST

START_TEST(a_second_handler_ends_the_program)
{
    struct future f = {0};
    serve(echo);
    tcp_serve(l, echo, &f);
}
END_TEST

START_TEST(an_accept_beside_it_ends_the_program)
{
    struct future f = {0};
    serve(echo);
    tcp_accept(l, &f);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_connection_has_a_coroutine_of_its_own,
        a_handler_that_fails_is_logged_with_its_name,
        at_the_limit_others_wait_in_the_backlog,
        what_came_back_from_an_accept_is_served,
        a_stop_waits_for_what_runs,
        at_the_deadline_what_still_runs_is_cancelled_and_counted,
        a_deadline_that_has_passed_cancels_in_the_next_turn,
        who_waits_in_the_backlog_at_a_stop_is_served_as_far_as_the_limit_allows,
        a_second_stop_moves_the_deadline,
        without_a_connection_a_stop_is_done_at_once,
        serving_what_was_stopped_is_done_at_once,
        a_handler_may_stop_its_listener,
        cancelling_it_cancels_the_handlers_and_stops,
        closing_cancels_the_handlers_and_forgets_who_waits,
        a_handler_that_never_began_leaves_no_stream,
        without_a_stack_the_connection_is_closed_and_that_is_logged,
        whatever_the_turn_what_had_ended_at_the_deadline_is_not_counted_as_cancelled,
        without_descriptors_clients_are_turned_away_and_serving_goes_on,
        a_thousand_come_and_go_and_nothing_is_left,
        NULL
    };
    const TTest *const aborting[] = { a_second_handler_ends_the_program, an_accept_beside_it_ends_the_program, NULL };
    return run_tcp("tcp: serving", tests, aborting);
}
