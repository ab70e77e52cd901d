/* test_client_zlib_pieces.c - packed answers piece by piece: how much they cost, what a cancel, a time-out or a close leaves of
 * them, and what becomes of their connections. */
#include "http/tests/packed_world.h"

static const char ok[] = LENGTH "2\r\n\r\nok";

/* ---- piece by piece --------------------------------------------------------------------------------------------------- */

START_TEST(a_bomb_comes_in_pieces_and_costs_one)
{
    struct future f = {0};
    int64_t got = 0;
    int n;
    packing_client();
    struct step st = answer(GZIP, BODY_LENGTH, pack(LARGE, an_x));
    ck_assert_uint_lt(st.len, 4096);
    script_of(&st, 1);
    struct http_response *r = opens("/");
    size_t before = sim_live(sim).bytes;
    while ((n = await(http_body(r, &f))) > 0) {
        ck_assert(n <= MOST_PIECE && *(char *)f.value == 'x');
        ck_assert_uint_lt(sim_live(sim).bytes, before + 100000);
        got += n;
    }
    ck_assert(n == 0 && got == LARGE);
    ck_assert_int_eq(await(http_body(r, &f)), 0);
    ck_assert_uint_le(sim_live(sim).bytes, before);         /* what it was unpacked with has gone before it */
    gone(r);
    ck_assert_int_eq(http_client_load(client).idle, 1);
}
END_TEST

START_TEST(nothing_is_read_while_nobody_asks)
{
    packing_client();
    struct bytes small = pack(MANY, noise);
    ck_assert_uint_gt(small.len, MANY / 2);
    struct step st = answer(GZIP, BODY_LENGTH, small);
    struct future f = {0};
    script_of(&st, 1);
    struct http_response *r = opens("/");
    size_t before = sim_live(sim).bytes;
    ck_assert_int_gt(await(http_body(r, &f)), 0);
    nap(SECOND);
    ck_assert_uint_lt(sim_live(sim).bytes, before + 200000);
    ck_assert_int_eq(take_pieces(r), MANY - MOST_PIECE);
    size_t same = 0;
    while (same < MANY - MOST_PIECE && unpacked[same] == noise(same + MOST_PIECE))
        same++;
    ck_assert_uint_eq(same, MANY - MOST_PIECE);
    gone(r);
}
END_TEST

START_TEST(a_piece_that_was_not_delivered_comes_again)
{
    struct future f = {0};
    packing_client();
    struct step st = answer(GZIP, BODY_CHUNKED, LITERAL(GZIP_FULL));
    for (st.first = 60; st.first < st.len; st.first += 10) {
        script_of(&st, 1);
        struct http_response *r = opens("/");
        size_t len = 0;
        int n;
        do {
            for (int each = 0; each < 3; each++) {
                http_body(r, &f);
                if (each == 1)
                    nap(10 * MILLISECOND);          /* it has been answered by then, or waits for more */
                future_cancel(&f);
            }
            n = await(http_body(r, &f));
            ck_assert_int_ge(n, 0);
            ck_assert(memcmp(f.value ? f.value : "", HELLOS + len, (size_t)n) == 0);
            len += (size_t)n;
        } while (n > 0);
        ck_assert_uint_eq(len, 19);
        gone(r);
        ck_assert_int_eq(http_client_load(client).idle, 1);
    }
}
END_TEST

START_TEST(a_piece_that_does_not_come_has_its_time)
{
    packing_client();
    struct step st = answer(GZIP, BODY_LENGTH, LITERAL(GZIP_PLAIN));
    struct future f = {0};
    what.patience.piece = 2 * SECOND;
    st.len -= 3;
    st.then = HANG;
    script_of(&st, 1);
    struct http_response *r = opens("/");
    ck_assert_int_eq(take_pieces(r), -ETIMEDOUT);
    ck_assert_str_eq(last_why, "time-out: the server did not come to the end of its answer");
    ck_assert_int_eq(now_ms(), 2000);
    http_body(r, &f);
    gone(r);                                        /* with a piece that is waited for */
    ck_assert_int_eq(await(&f), -ECANCELED);
    ck_assert_int_eq(http_client_load(client).running, 0);
}
END_TEST

START_TEST(an_answer_that_has_come_whole_and_is_not_unpacked_to_its_end_is_not_over)
{
    struct future f = {0};
    packing_client();
    struct step st = answer(GZIP, BODY_LENGTH, pack(LARGE, an_x));
    script_of(&st, 1);
    struct http_response *r = opens("/");
    ck_assert_int_eq(await(http_body(r, &f)), MOST_PIECE);
    gone(r);
    ck_assert_int_eq(http_client_load(client).idle, 1);         /* all that the server sent has come */
    r = opens("/");
    ck_assert_int_eq(await(http_body(r, &f)), MOST_PIECE);
    http_body(r, &f);
    http_client_close(client);
    client = NULL;
    ck_assert_int_eq(await(&f), -ECANCELED);
    ck_assert_int_eq(await(http_body(r, &f)), -ECANCELED);
    ck_assert_int_eq(r->status, 200);
    gone(r);
}
END_TEST

/* ---- connections ------------------------------------------------------------------------------------------------------ */

START_TEST(the_next_one_on_the_connection_hears_its_own)
{
    packing_client();
    struct step st = answer(GZIP, BODY_CHUNKED, LITERAL(GZIP_PLAIN));
    script(st, st, { .say = ok });
    gives("/", 200, HELLOS);
    gives("/", 200, HELLOS);
    gives("/", 200, "ok");
    ck_assert_int_eq(connections, 1);
    script({ .say = "HTTP/1.1 200 OK\r\n" GZIP "Content-Length: 6\r\n\r\nbroken" }, { .say = ok });
    fails_with("/", -EBADMSG, "not packed");
    ck_assert_int_eq(http_client_load(client).idle, 0);         /* who sends that is not believed any more */
    gives("/", 200, "ok");
}
END_TEST

START_TEST(a_redirects_body_is_thrown_away_as_it_is)
{
    packing_client();
    struct step last = answer(GZIP, BODY_LENGTH, LITERAL(GZIP_PLAIN));
    script({ .say = "HTTP/1.1 302 Moved\r\nLocation: /x\r\n" GZIP "Content-Length: 6\r\n\r\nbroken" }, last);
    struct http_response *r = gets("/");
    body_is(r, HELLOS);
    ck_assert(r->redirects == 1 && connections == 1);
    gone(r);
    struct step moved = answer("Location: /x\r\n" GZIP, BODY_LENGTH, LITERAL(GZIP_PLAIN));
    memcpy(page + 9, "302", 3);
    what.max_redirects = -1;
    script_of(&moved, 1);
    gives("/", 302, HELLOS);
}
END_TEST

/* Members with nothing in them, in small chunks, are work without an answer: others have their turns meanwhile. */
static void on_tick(void *self, int what_for)
{
    int *ticks = self;
    (void)what_for;
    ++*ticks;
    loop_add_callback(loop, on_tick, ticks);
}

START_TEST(who_sends_a_lot_of_nothing_keeps_nobody_else_waiting)
{
    enum { TIMES = 2000 };
    static int ticks;                               /* it ticks until the loop is closed */
    packing_client();
    struct step st = answer(GZIP, BODY_CHUNKED, empty_members(TIMES));
    script_of(&st, 1);
    struct http_response *r = opens("/");
    struct future f = {0};
    nap(SECOND);
    http_body(r, &f);
    on_tick(&ticks, 0);
    ck_assert_int_eq(await(&f), 0);
    ck_assert_int_gt(ticks, TIMES);
    gone(r);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_bomb_comes_in_pieces_and_costs_one,
        nothing_is_read_while_nobody_asks,
        a_piece_that_was_not_delivered_comes_again,
        a_piece_that_does_not_come_has_its_time,
        an_answer_that_has_come_whole_and_is_not_unpacked_to_its_end_is_not_over,
        the_next_one_on_the_connection_hears_its_own,
        a_redirects_body_is_thrown_away_as_it_is,
        who_sends_a_lot_of_nothing_keeps_nobody_else_waiting,
        NULL
    };
    return run_client("client: packed pieces", tests);
}
