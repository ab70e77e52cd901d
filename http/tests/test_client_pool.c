/* test_client_pool.c - who waits for whom: the queue (case 100), kept connections, the second attempt, and the time of each
 * phase. */
#include "http/tests/client_world.h"

enum { MANY = 1000 };

static const char ok[] = LENGTH "2\r\n\r\nok";

static struct future many[MANY];
static char order[MANY + 1];
static int order_len, answered_ok;

static void on_answer(void *self, int rc)
{
    struct future *f = self;
    order[order_len++] = (char)('a' + (f - many));
    answered_ok += rc == 200;
    if (rc > 0)
        http_response_free(f->value);
}

static void ask_many(int count, const char *url)
{
    static char text[256];
    order_len = answered_ok = 0;
    struct http_fetch *each = at_url(url, text);
    for (int i = 0; i < count; i++) {
        many[i] = (struct future){0};
        http_fetch(client, each, future_then(&many[i], on_answer, &many[i]));
    }
}

static void wait_for_many(int count)
{
    while (order_len < count)
        nap(MILLISECOND);
    order[order_len] = '\0';
}

/* ---- the queue -------------------------------------------------------------------------------------------------------- */

START_TEST(case_100_those_who_wait_come_in_their_order)
{
    client_begin(&(struct http_client_options){ .most = 2 });
    script({ .say = ok, .wait = 10 * MILLISECOND });
    ask_many(4, "/");
    nap(MILLISECOND);
    struct http_client_load load = http_client_load(client);
    ck_assert(load.running == 2 && load.waiting == 2 && load.idle == 0);
    wait_for_many(4);
    ck_assert_str_eq(order, "abcd");
    ck_assert_int_eq(connections, 2);
    ck_assert_int_eq(answered_ok, 4);
    load = http_client_load(client);
    ck_assert(load.running == 0 && load.waiting == 0 && load.idle == 2);
}
END_TEST

START_TEST(case_100_the_time_in_the_queue_counts)
{
    struct future slow = {0};
    client_begin(&(struct http_client_options){ .most = 1 });
    script({ .say = ok, .wait = 300 * MILLISECOND }, { .say = ok });
    http_fetch(client, &(struct http_fetch){ .url = "http://a.example/" }, &slow);
    what.patience.total = 100 * MILLISECOND;
    fails_with("/", -ETIMEDOUT, "GET http://a.example/: queue: time-out in the queue: as many fetches are under way as may be");
    ck_assert_int_eq(now_ms(), 100);
    what.patience.total = 0;
    struct http_response *r = gets("/");
    ck_assert_int_eq(r->spent[HTTP_QUEUE], 200 * MILLISECOND);
    ck_assert(r->reused && r->total == 200 * MILLISECOND);
    gone(r);
    ck_assert_int_eq(await(&slow), 200);
    http_response_free(slow.value);
}
END_TEST

START_TEST(a_busy_origin_does_not_hold_the_others_up)
{
    client_begin(&(struct http_client_options){ .most = 3, .per_origin = 1 });
    script({ .say = ok, .wait = 10 * MILLISECOND });
    ask_many(3, "http://a.example/");
    gives("http://b.example/", 200, "ok");
    ck_assert_int_eq(now_ms(), 10);
    wait_for_many(3);
    ck_assert_int_le(now_ms(), 31);
    ck_assert_int_eq(connections, 2);
}
END_TEST

START_TEST(a_thousand_fetches_use_as_few_connections_as_may_be)
{
    client_begin(&(struct http_client_options){ .most = 8 });
    script({ .say = ok, .wait = MILLISECOND });
    ask_many(MANY, "/");
    wait_for_many(MANY);
    ck_assert_int_eq(answered_ok, MANY);
    ck_assert_int_eq(requests, MANY);
    ck_assert_int_eq(connections, 8);
    ck_assert_int_le(now_ms(), MANY / 8 + 8);
}
END_TEST

/* The lab's arithmetic: 100 fetches of 50 ms, 20 at a time. */
START_TEST(a_hundred_at_twenty_at_a_time_take_five_rounds)
{
    client_begin(&(struct http_client_options){ .most = 20 });
    script({ .say = ok, .wait = 50 * MILLISECOND });
    ask_many(100, "/");
    wait_for_many(100);
    ck_assert_int_le(now_ms(), 251);
}
END_TEST

START_TEST(those_who_move_pass_those_who_wait)
{
    client_begin(&(struct http_client_options){ .most = 2, .per_origin = 1 });
    script({ .say = "HTTP/1.1 302 Moved\r\nLocation: http://b.example/\r\nContent-Length: 0\r\n\r\n", .wait = 10 * MILLISECOND },
           { .say = ok, .wait = 20 * MILLISECOND }, { .say = ok });
    struct future first = {0}, other = {0}, third = {0};
    http_fetch(client, &(struct http_fetch){ .url = "http://a.example/" }, &first);
    http_fetch(client, &(struct http_fetch){ .url = "http://b.example/" }, &other);
    http_fetch(client, &(struct http_fetch){ .url = "http://b.example/" }, &third);
    struct future *all[] = { &first, &other, &third }, done = {0};
    ck_assert_int_eq(await(future_all(loop, all, 3, &done)), 0);
    for (int i = 0; i < 3; i++)
        http_response_free(all[i]->value);
    ck_assert_int_eq(requests, 4);
    ck_assert_int_eq(http_client_load(client).running, 0);
}
END_TEST

/* ---- kept connections -------------------------------------------------------------------------------------------------- */

START_TEST(a_kept_connection_is_used_by_its_own_origin_alone)
{
    script({ .say = ok });
    gives("http://a.example/", 200, "ok");
    gives("http://a.example:8080/", 200, "ok");
    gives("http://b.example/", 200, "ok");
    ck_assert_int_eq(connections, 3);
    struct http_response *r = gets("http://A.example:80/");
    ck_assert(r->reused);
    gone(r);
    what.via = "127.0.0.1";
    gives("http://a.example/", 200, "ok");
    ck_assert_int_eq(connections, 4);
}
END_TEST

START_TEST(a_connection_that_was_idle_for_long_is_closed)
{
    client_begin(&(struct http_client_options){ .idle = 5 * SECOND });
    script({ .say = ok });
    gives("/", 200, "ok");
    nap(3 * SECOND);
    gives("http://b.example/", 200, "ok");
    ck_assert_int_eq(http_client_load(client).idle, 2);
    nap(2 * SECOND + MILLISECOND);
    ck_assert_int_eq(http_client_load(client).idle, 1);
    nap(3 * SECOND);
    ck_assert_int_eq(http_client_load(client).idle, 0);
    client_begin(&(struct http_client_options){ .idle = -1 });
    gives("/", 200, "ok");
    ck_assert_int_eq(http_client_load(client).idle, 0);
}
END_TEST

START_TEST(kept_connections_are_no_more_than_may_be_open)
{
    client_begin(&(struct http_client_options){ .most = 2 });
    script({ .say = ok });
    gives("http://a.example/", 200, "ok");
    gives("http://b.example/", 200, "ok");
    gives("http://a.example:8080/", 200, "ok");
    ck_assert_int_eq(http_client_load(client).idle, 2);
    gives("http://b.example/", 200, "ok");
    ck_assert_int_eq(connections, 3);           /* the one of a.example was idle for longest */
}
END_TEST

START_TEST(who_does_not_want_to_be_kept_is_not)
{
    static const struct header close_it = { { "Connection", 10 }, { "x, close", 8 } };
    script({ .say = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" },
           { .say = "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n" }, { .say = ok });
    gives("/", 200, "");
    gives("/", 200, "");
    what.headers = &close_it;
    what.header_count = 1;
    gives("/", 200, "ok");
    ck_assert_int_eq(http_client_load(client).idle, 0);
    ck_assert_int_eq(connections, 3);
}
END_TEST

START_TEST(a_connection_on_which_the_server_has_spoken_or_ended_is_not_used)
{
    script({ .say = ok, .then = CLOSE, .later = MILLISECOND }, { .say = ok });
    gives("/", 200, "ok");
    ck_assert_int_eq(http_client_load(client).idle, 1);
    nap(2 * MILLISECOND);
    ck_assert_int_eq(http_client_load(client).idle, 0);
    gives("/", 200, "ok");
    static const char late[] = LENGTH "2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    client_begin(&(struct http_client_options){0});
    script({ .say = late, .first = 40 }, { .say = ok });
    gives("/", 200, "ok");
    nap(2 * MILLISECOND);
    gives("/", 200, "ok");
    ck_assert_int_eq(connections, 2);
}
END_TEST

/* ---- the second attempt ------------------------------------------------------------------------------------------------ */

static const char *const closers[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE" };

START_TEST(what_may_be_asked_twice_is_asked_again_once)
{
    for (size_t i = 0; i < sizeof closers / sizeof *closers; i++) {
        client_begin(&(struct http_client_options){0});
        what = (struct http_fetch){0};
        script({ .say = ok }, { .then = i % 2 ? CLOSE : RESET }, { .say = "HTTP/1.1 204 Done\r\n\r\n" });
        gives("/", 200, "ok");
        what.method = closers[i];
        gives("/", 204, "");
        ck_assert_int_eq(requests, 3);
        ck_assert_int_eq(connections, 2);
    }
}
END_TEST

START_TEST(once_means_once)
{
    script({ .say = ok }, { .then = CLOSE });
    gives("/", 200, "ok");
    fails_with("/", -EPIPE, "without an answer");
    ck_assert_int_eq(requests, 3);
    fails_with("/", -EPIPE, "without an answer");               /* a new connection is no reason */
    ck_assert_int_eq(requests, 4);
}
END_TEST

START_TEST(the_second_attempt_is_on_a_new_connection)
{
    script({ .say = ok, .wait = MILLISECOND });
    ask_many(2, "/");
    wait_for_many(2);
    ck_assert_int_eq(http_client_load(client).idle, 2);
    script({ .then = CLOSE }, { .say = ok });
    gives("/", 200, "ok");
    ck_assert_int_eq(connections, 1);
}
END_TEST

START_TEST(what_may_not_be_asked_twice_is_not)
{
    script({ .say = ok }, { .then = CLOSE }, { .say = ok });
    gives("/", 200, "ok");
    what.method = "POST";
    fails_with("/", -EPIPE, "as the request was sent: it may have been done, so it is not sent again");
    ck_assert_int_eq(requests, 2);
}
END_TEST

START_TEST(what_was_answered_with_a_byte_is_not_asked_again)
{
    script({ .say = ok }, { .say = "H", .then = CLOSE }, { .say = ok });
    gives("/", 200, "ok");
    fails_with("/", -EPIPE, "in the middle of its answer");
    ck_assert_int_eq(requests, 2);
}
END_TEST

START_TEST(a_408_on_a_kept_connection_is_no_answer)
{
    static const char late[] = "HTTP/1.1 408 Late\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    script({ .say = ok }, { .say = late, .then = CLOSE }, { .say = ok }, { .say = late, .then = CLOSE },
           { .say = late, .then = CLOSE });
    gives("/", 200, "ok");
    gives("/", 200, "ok");
    ck_assert_int_eq(requests, 3);
    what.method = "POST";
    gives("/", 408, "");
    what.method = NULL;
    gives("/", 408, "");                        /* a new connection is no reason */
    ck_assert_int_eq(requests, 5);
}
END_TEST

/* ---- time, phase by phase ---------------------------------------------------------------------------------------------- */

START_TEST(each_phase_has_its_time)
{
    sim_host_add(sim, "slow.example", "127.0.0.1", 30 * MILLISECOND);
    script({ .say = ok, .wait = 20 * MILLISECOND, .first = 39 });
    struct http_response *r = gets("http://slow.example/");
    ck_assert_int_eq(r->spent[HTTP_NAME], 30 * MILLISECOND);
    ck_assert_int_eq(r->spent[HTTP_CONNECT], 0);
    ck_assert_int_eq(r->spent[HTTP_FIRST_BYTE], 20 * MILLISECOND);
    ck_assert_int_eq(r->spent[HTTP_ANSWER], MILLISECOND);
    ck_assert_int_eq(r->total, 51 * MILLISECOND);
    gone(r);
}
END_TEST

START_TEST(case_100_a_name_that_nobody_knows_in_time)
{
    sim_host_add(sim, "slow.example", "127.0.0.1", 30 * SECOND);
    what.patience.name = 2 * SECOND;
    fails_with("http://slow.example/", -ETIMEDOUT, "GET http://slow.example/: name: time-out: no name server has said in time");
    ck_assert_int_eq(now_ms(), 2000);
    what.patience = (struct http_patience){ .name = -1, .total = 4 * SECOND };
    fails_with("http://slow.example/", -ETIMEDOUT, "name: time-out");
    ck_assert_int_eq(now_ms(), 6000);
}
END_TEST

START_TEST(an_address_that_never_answers)
{
    sim_net_blackhole(sim, "127.0.0.1");
    what.patience.connect = 3 * SECOND;
    fails_with("/", -ETIMEDOUT, "GET http://a.example/: connect: time-out: nobody answered in time");
    ck_assert_int_eq(now_ms(), 3000);
    sim_net_heal(sim, "127.0.0.1");
}
END_TEST

START_TEST(a_server_that_takes_the_request_and_says_nothing)
{
    script({ .then = HANG });
    what.patience.first_byte = 3 * SECOND;
    fails_with("/", -ETIMEDOUT, "GET http://a.example/: first byte: 127.0.0.1:80: time-out: it has the request, and ");
    ck_assert_int_eq(now_ms(), 3000);
    script({ .say = LENGTH "10\r\n\r\nhalf", .then = HANG });
    fails_with("/", -ETIMEDOUT, "answer: 127.0.0.1:80: time-out: it did not come to the end of its answer");
    ck_assert_int_eq(now_ms(), 23000);
    script({ .say = "HTTP/1.1 200", .then = HANG });
    fails_with("/", -ETIMEDOUT, "answer: 127.0.0.1:80: time-out");
    ck_assert_int_eq(http_client_load(client).idle, 0);
}
END_TEST

START_TEST(a_server_that_takes_nothing)
{
    size_t len = 4 << 20;
    char *large = calloc(1, len);
    what = (struct http_fetch){ .method = "PUT", .body = { large, len } };
    script({ .at_once = true, .then = HANG, .wait = 3600 * SECOND });
    fails_with("/", -ETIMEDOUT, "PUT http://a.example/: send: 127.0.0.1:80: time-out: it does not take the request");
    ck_assert_int_eq(now_ms(), 20000);
    free(large);
}
END_TEST

static int sleep_on(void *self, struct http_upload *u)
{
    (void)self, (void)u;
    nap(3600 * SECOND);
    return -ECANCELED;
}

START_TEST(the_time_of_all_holds_for_the_producer_too)
{
    what = (struct http_fetch){ .method = "PUT", .produce = sleep_on };
    script({ .say = ok });
    fails_with("/", -ETIMEDOUT, "send: 127.0.0.1:80: time-out");
    ck_assert_int_eq(now_ms(), 20000);
}
END_TEST

START_TEST(the_time_of_all_ends_when_it_ends)
{
    sim_net_latency(sim, 500 * MILLISECOND, 500 * MILLISECOND);
    script({ .say = ok });
    int64_t before = sim_now(sim);
    gives("/", 200, "ok");
    what.patience.total = sim_now(sim) - before + 1;
    client_begin(&(struct http_client_options){0});
    gives("/", 200, "ok");
    client_begin(&(struct http_client_options){0});
    what.patience.total -= 2;
    fails_with("/", -ETIMEDOUT, "time-out");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        case_100_those_who_wait_come_in_their_order,
        case_100_the_time_in_the_queue_counts,
        a_busy_origin_does_not_hold_the_others_up,
        a_thousand_fetches_use_as_few_connections_as_may_be,
        a_hundred_at_twenty_at_a_time_take_five_rounds,
        those_who_move_pass_those_who_wait,
        a_kept_connection_is_used_by_its_own_origin_alone,
        a_connection_that_was_idle_for_long_is_closed,
        kept_connections_are_no_more_than_may_be_open,
        who_does_not_want_to_be_kept_is_not,
        a_connection_on_which_the_server_has_spoken_or_ended_is_not_used,
        what_may_be_asked_twice_is_asked_again_once,
        once_means_once,
        the_second_attempt_is_on_a_new_connection,
        what_may_not_be_asked_twice_is_not,
        what_was_answered_with_a_byte_is_not_asked_again,
        a_408_on_a_kept_connection_is_no_answer,
        each_phase_has_its_time,
        case_100_a_name_that_nobody_knows_in_time,
        an_address_that_never_answers,
        a_server_that_takes_the_request_and_says_nothing,
        a_server_that_takes_nothing,
        the_time_of_all_holds_for_the_producer_too,
        the_time_of_all_ends_when_it_ends,
        NULL
    };
    return run_client("client pool", tests);
}
