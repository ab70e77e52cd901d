/* test_client_crowd.c - much at once, and much in a row: 10^4 fetches that are all under way, each on a connection of its own;
 * 100 MiB down and up, and 10^5 interim answers, in memory that does not grow.
 *
 * EDDY_SEEDS=n: a hundredth of a percent of each for every one, and at most all of it. */
#include "http/tests/client_world.h"

#define MUST(condition) ((condition) ? (void)0 : ck_abort_msg("not so: %s", #condition))

enum { ALL = 10000, CROWD = 10000, MIB = 100, INTERIM = 100000, PIECE = 65536, PORT = 81 };

static const char ok[] = LENGTH "2\r\n\r\nok";

static int64_t share_of(int64_t whole)
{
    const char *asked = getenv("EDDY_SEEDS");
    int64_t share = asked ? atoll(asked) : ALL;
    return share < ALL ? whole * share / ALL + 1 : whole;
}

/* ---- many at once ------------------------------------------------------------------------------------------------------ */

static struct {
    struct listener *listener;
    struct future accept;
    struct guest {
        struct stream *stream;
        struct future head;
    } guests[CROWD];
    struct future fetches[CROWD];
    int count, came, asked, answered;
} crowd;

static void on_head(void *self, int rc)
{
    (void)self;
    MUST(rc > 0);
    crowd.asked++;
}

static void on_guest(void *self, int rc)
{
    struct guest *g = &crowd.guests[crowd.came];
    (void)self;
    MUST(rc == 0);
    g->stream = crowd.accept.value;
    stream_read_until(g->stream, "\r\n\r\n", 0, future_then(&g->head, on_head, g));
    if (++crowd.came < crowd.count)
        tcp_accept(crowd.listener, future_then(&crowd.accept, on_guest, NULL));
}

static void on_answer(void *self, int rc)
{
    struct future *f = self;
    MUST(rc == 200);
    crowd.answered++;
    http_response_free(f->value);
}

static void all_ask(void)
{
    for (int i = 0; i < crowd.count; i++) {
        struct future *f = &crowd.fetches[i];
        http_fetch(client, &(struct http_fetch){ .url = "http://a.example:81/" }, future_then(f, on_answer, f));
        if (i % 1000 == 999)
            nap(MILLISECOND);               /* the backlog has an end */
    }
    while (crowd.asked < crowd.count)
        nap(MILLISECOND);
}

START_TEST(ten_thousand_fetches_are_under_way_at_once)
{
    crowd.count = (int)share_of(CROWD);
    crowd.listener = tcp_listen_with(loop, &(struct tcp_listen){ .host = "127.0.0.1", .port = PORT, .backlog = 2000 });
    client_begin(&(struct http_client_options){ .most = CROWD, .idle = -1 });
    tcp_accept(crowd.listener, future_then(&crowd.accept, on_guest, NULL));
    size_t before = sim_live(sim).bytes;
    all_ask();
    ck_assert_int_eq(http_client_load(client).running, crowd.count);
    ck_assert_uint_lt((sim_live(sim).bytes - before) / (size_t)crowd.count, 16384);
    int64_t asked = now_ms();
    for (int i = 0; i < crowd.count; i++)
        stream_write(crowd.guests[i].stream, text_of(ok), NULL);
    while (crowd.answered < crowd.count)
        nap(MILLISECOND);
    ck_assert_int_le(now_ms() - asked, 2);
    for (int i = 0; i < crowd.count; i++)
        stream_close(crowd.guests[i].stream);
    tcp_close(crowd.listener);
}
END_TEST

/* ---- much in a row ----------------------------------------------------------------------------------------------------- */

static char piece[PIECE];
static struct listener *other;
static struct future serving;
static int64_t mib, received;

static void meet(co_fn *each_stream)
{
    mib = share_of(MIB);
    received = 0;
    serving = (struct future){0};
    other = tcp_listen_with(loop, &(struct tcp_listen){ .host = "127.0.0.1", .port = PORT });
    tcp_serve(other, each_stream, &serving);
}

static void part(void)
{
    http_client_close(client);
    client = NULL;
    tcp_close(other);
}

static int send_much(void *self)
{
    struct stream *s = self;
    struct future f = {0};
    char head[128];
    MUST(await(stream_read_until(s, "\r\n\r\n", 0, &f)) > 0);
    snprintf(head, sizeof head, LENGTH "%lld\r\n\r\n", (long long)mib << 20);
    int rc = await(stream_write(s, text_of(head), &f));
    for (int64_t left = mib << 20; rc >= 0 && left > 0; left -= PIECE)
        rc = await(stream_write_owned(s, (struct bytes){ piece, PIECE }, NULL, NULL, &f));
    stream_close(s);
    return rc;
}

START_TEST(a_hundred_mebibytes_are_taken_in_constant_memory)
{
    struct future f = {0};
    int64_t got = 0;
    int n;
    meet(send_much);
    struct http_response *r = opens("http://a.example:81/");
    size_t before = sim_live(sim).bytes, most = 0;
    while ((n = await(http_body(r, &f))) > 0) {
        got += n;
        most = sim_live(sim).bytes > most ? sim_live(sim).bytes : most;
    }
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(got, mib << 20);
    ck_assert_uint_lt(most, before + 3 * PIECE);
    gone(r);
    part();
}
END_TEST

static int take_much(void *self)
{
    struct stream *s = self;
    struct future f = {0};
    int n = await(stream_read_until(s, "\r\n\r\n", 0, &f));
    while (n > 0 && received < mib << 20) {
        n = await(stream_read_some(s, PIECE, &f));
        received += n;
    }
    if (n > 0)
        n = await(stream_write(s, text_of(ok), &f));
    stream_close(s);
    return n;
}

static size_t most_sending;

static int make_much(void *self, struct http_upload *u)
{
    struct future f = {0};
    int rc = 0;
    (void)self;
    for (int64_t left = mib << 20; rc >= 0 && left > 0; left -= PIECE) {
        rc = await(http_upload_write(u, (struct bytes){ piece, PIECE }, &f));
        most_sending = sim_live(sim).bytes > most_sending ? sim_live(sim).bytes : most_sending;
    }
    return rc;
}

START_TEST(a_hundred_mebibytes_are_given_in_constant_memory)
{
    meet(take_much);
    what = (struct http_fetch){ .method = "PUT", .produce = make_much, .length = mib << 20 };
    size_t before = sim_live(sim).bytes;
    most_sending = 0;
    gives("http://a.example:81/", 200, "ok");
    ck_assert_int_eq(received, mib << 20);
    ck_assert_uint_lt(most_sending, before + 5 * PIECE);
    part();
}
END_TEST

static int say_much(void *self)
{
    struct stream *s = self;
    struct future f = {0};
    int rc = await(stream_read_until(s, "\r\n\r\n", 0, &f));
    for (int64_t left = share_of(INTERIM); rc >= 0 && left > 0; left--)
        rc = await(stream_write(s, text_of("HTTP/1.1 102 Processing\r\n\r\n"), &f));
    if (rc >= 0)
        rc = await(stream_write(s, text_of(ok), &f));
    stream_close(s);
    return rc;
}

/* Case 90. */
START_TEST(interim_answers_may_be_any_number)
{
    meet(say_much);
    gives("http://a.example:81/", 200, "ok");
    script({ .say = ok });
    gives("http://a.example/", 200, "ok");
    part();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        ten_thousand_fetches_are_under_way_at_once,
        a_hundred_mebibytes_are_taken_in_constant_memory,
        a_hundred_mebibytes_are_given_in_constant_memory,
        interim_answers_may_be_any_number,
        NULL
    };
    return run_client("client crowd", tests);
}
