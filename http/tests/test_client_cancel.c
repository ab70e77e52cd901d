/* test_client_cancel.c - a fetch that nobody wants any more, and a client that closes, in every state: nothing is left, and no
 * connection is kept in a state in which the next one would hear what was meant for another. */
#include "http/tests/client_world.h"

static const char ok[] = LENGTH "2\r\n\r\nok";
static const char away[] = "HTTP/1.1 307 Away\r\nLocation: http://b.example:8080/\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "3\r\nabc\r\n0\r\n\r\n";
static const char chunks[] = "HTTP/1.1 103 Hints\r\n\r\n" CHUNKS "3\r\nabc\r\n3\r\ndef\r\n0\r\nA: b\r\n\r\n";

static struct future wanted;
static int cleaned;             /* producers that have begun less those that have ended */

static int make_body(void *self, struct http_upload *u)
{
    struct future f = {0};
    int rc = 0;
    (void)self;
    cleaned++;
    for (int i = 0; i < 3 && rc >= 0; i++) {
        nap(MILLISECOND);
        rc = await(http_upload_write(u, (struct bytes){ "piece", 5 }, &f));
    }
    cleaned--;
    return rc;
}

/* Ways to ask; the first is the long one. */
enum { WAYS = 5 };

static void begin(int way)
{
    static char url[256];
    what = (struct http_fetch){ .method = "PUT", .produce = make_body, .expect_continue = way == 0 };
    if (way == 0)
        script({ .say = away, .first = 30, .wait = MILLISECOND }, { .say = chunks, .first = 70, .wait = MILLISECOND },
               { .say = ok });
    else
        script({ .say = way == 2 ? ok : chunks, .first = 20, .then = way == 3 ? CLOSE : STAY }, { .say = ok });
    if (way == 4)
        what = (struct http_fetch){ .body = { "body", 4 } };
    struct http_fetch *x = at_url("http://a.example/", url);
    if (way == 2)
        http_open(client, x, &wanted);
    else
        http_fetch(client, x, &wanted);
}

/* ---- when ------------------------------------------------------------------------------------------------------------ */

struct turns {
    struct call call;
    struct future f;
    int left;
};

static void on_turn(void *self, int rc)
{
    struct turns *t = self;
    (void)rc;
    if (--t->left > 0)
        loop_queue(loop, &t->call, on_turn, t, 0);
    else
        future_resolve(&t->f, 0, NULL);
}

static void no_cancel(void *self)
{
    (void)self;
}

/* So many turns of the loop later, in which no time passes. */
static void turns_pass(int n)
{
    static const struct op op = { .name = "turns", .cancel = no_cancel };
    struct turns t = { .left = n };
    future_start(&t.f, loop, &op, &t);
    loop_queue(loop, &t.call, on_turn, &t, 0);
    await(&t.f);
}

/* Whether it is over already. */
static bool wait_until(int ms, int turns)
{
    nap(ms * MILLISECOND);
    turns_pass(turns);
    return future_done(&wanted);
}

static void nothing_runs(void)
{
    struct http_client_load load = http_client_load(client);
    ck_assert_int_eq(cleaned, 0);
    ck_assert(load.running == 0 && load.waiting == 0);
}

/* The next ones hear their own answers. */
static void the_next_are_right(void)
{
    what = (struct http_fetch){0};
    script({ .say = ok });
    gives("http://a.example/", 200, "ok");
    gives("http://b.example:8080/", 200, "ok");
}

static int both(void (*end)(void), int way)
{
    int states = 0;
    for (int ms = 0; ms < 14; ms++)
        for (int turns = 1; turns < 12; turns++) {
            begin(way);
            wait_until(ms, turns);
            bool over = future_done(&wanted) && ms > 10;
            end();
            nothing_runs();
            if (turns % 4 == 0)
                the_next_are_right();
            states++;
            if (over)
                return states;
        }
    return states;
}

/* ---- how ------------------------------------------------------------------------------------------------------------- */

static void cancelled(void)
{
    future_cancel(&wanted);
}

static void closed(void)
{
    http_client_close(client);
    client = NULL;
    ck_assert(future_done(&wanted) && wanted.rc == -ECANCELED);
    ck_assert_int_eq(cleaned, 0);
    client_begin(&(struct http_client_options){0});
}

START_TEST(a_fetch_can_be_cancelled_in_every_state)
{
    for (int way = 0; way < WAYS; way++)
        ck_assert_int_gt(both(cancelled, way), 100);
}
END_TEST

START_TEST(a_client_can_be_closed_in_every_state)
{
    for (int way = 0; way < WAYS; way++)
        ck_assert_int_gt(both(closed, way), 100);
}
END_TEST

START_TEST(one_that_waits_in_the_queue_can_be_cancelled)
{
    struct future first = {0}, third = {0};
    client_begin(&(struct http_client_options){ .most = 1 });
    script({ .say = ok, .wait = 10 * MILLISECOND });
    http_fetch(client, &(struct http_fetch){ .url = "http://a.example/" }, &first);
    http_fetch(client, &(struct http_fetch){ .url = "http://a.example/" }, &wanted);
    http_fetch(client, &(struct http_fetch){ .url = "http://b.example/" }, &third);
    nap(MILLISECOND);
    future_cancel(&wanted);
    ck_assert_int_eq(http_client_load(client).waiting, 1);
    ck_assert_int_eq(await(&first), 200);
    http_response_free(first.value);
    ck_assert_int_eq(await(&third), 200);
    http_response_free(third.value);
    ck_assert_int_eq(requests, 2);
}
END_TEST

START_TEST(one_that_moves_to_a_busy_origin_can_be_cancelled)
{
    struct future busy = {0};
    client_begin(&(struct http_client_options){ .most = 3, .per_origin = 1 });
    script({ .say = ok, .wait = 50 * MILLISECOND }, { .say = away }, { .say = ok });
    http_fetch(client, &(struct http_fetch){ .url = "http://b.example:8080/" }, &busy);
    http_fetch(client, &(struct http_fetch){ .url = "http://a.example/" }, &wanted);
    nap(20 * MILLISECOND);
    ck_assert_int_eq(http_client_load(client).waiting, 1);
    future_cancel(&wanted);
    ck_assert_int_eq(http_client_load(client).running, 1);
    ck_assert_int_eq(await(&busy), 200);
    http_response_free(busy.value);
    http_fetch(client, &(struct http_fetch){ .url = "http://b.example:8080/" }, &busy);
    nap(MILLISECOND);
    future_cancel(&busy);
    nothing_runs();
}
END_TEST

START_TEST(a_piece_can_be_cancelled_and_its_client_closed)
{
    struct future f = {0};
    script({ .say = LENGTH "10\r\n\r\nhalf", .then = HANG });
    struct http_response *r = opens("/");
    ck_assert_int_eq(await(http_body(r, &f)), 4);
    http_body(r, &f);
    future_cancel(&f);
    http_body(r, &f);
    http_client_close(client);
    client = NULL;
    ck_assert_int_eq(await(&f), -ECANCELED);
    ck_assert_int_eq(await(http_body(r, &f)), -ECANCELED);
    ck_assert_str_eq(f.why, "the client was closed before this answer was read to its end");
    ck_assert_int_eq(r->status, 200);
    gone(r);
}
END_TEST

START_TEST(an_answer_that_was_not_delivered_is_freed)
{
    script({ .say = ok });
    static struct future each[2];
    for (int i = 0; i < 2; i++) {
        char url[] = "http://a.example/";
        if (i)
            http_open(client, &(struct http_fetch){ .url = url }, &each[i]);
        else
            http_fetch(client, &(struct http_fetch){ .url = url }, &each[i]);
        nap(MILLISECOND);
        ck_assert(future_done(&each[i]));
    }
    future_cancel(&each[0]);
    http_client_close(client);
    client = NULL;
    ck_assert_int_eq(await(&each[1]), -ECANCELED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_fetch_can_be_cancelled_in_every_state,
        a_client_can_be_closed_in_every_state,
        one_that_waits_in_the_queue_can_be_cancelled,
        one_that_moves_to_a_busy_origin_can_be_cancelled,
        a_piece_can_be_cancelled_and_its_client_closed,
        an_answer_that_was_not_delivered_is_freed,
        NULL
    };
    return run_client("client cancel", tests);
}
