/* test_tls_handshake.c - handshakes that somebody in the middle delays, cuts or changes at every byte, that others than TLS
 * begin, and that are closed or cancelled in every state, also while a job computes.
 *
 * EDDY_SEEDS=n changes and cuts at n / 16 places each. */
#include "stream/tests/tls_world.h"

/* ---- somebody in the middle: between `a` and `b`, byte by byte ---------------------------------------------------- */

enum { TO_B, TO_A };
enum { CHANGES = 100, LONGEST = 50 };

struct way {
    struct stream *from, *to;
    size_t passed, cut, change;     /* bytes; what is after so many is not let through, or has a bit turned over */
    bool dribble;
    struct future done;
};

static struct way ways[2];

static int carry(void *self)
{
    struct way *way = self;
    struct future f = {0}, sent = {0};
    char data[4096];
    int n;
    while ((n = await(stream_read_some(way->from, way->dribble ? 1 : sizeof data, &f))) > 0) {
        size_t len = (size_t)n;
        memcpy(data, f.value, len);
        if (way->change >= way->passed && way->change < way->passed + len)
            data[way->change - way->passed] ^= 0x10;
        if (way->cut < way->passed + len)
            len = way->cut - way->passed;
        way->passed += len;
        if (await(stream_write(way->to, (struct bytes){ data, len }, &sent)) < 0 || way->passed == way->cut)
            break;
    }
    stream_shutdown(way->to, NULL);
    return 0;
}

static struct stream *far_end(struct stream **near)
{
    int fds[2];
    ck_assert_int_eq(w.sys->socketpair(w.sys, fds), 0);
    *near = stream_of(fds[0]);
    return stream_of(fds[1]);
}

static void middle_begin(size_t cut_a, size_t cut_b)
{
    end_stream(&a);
    end_stream(&b);
    end_peer();
    struct stream *to_a = far_end(&a), *to_b = far_end(&b);
    ways[TO_B] = (struct way){ .from = to_a, .to = to_b, .cut = cut_a, .change = SIZE_MAX };
    ways[TO_A] = (struct way){ .from = to_b, .to = to_a, .cut = cut_b, .change = SIZE_MAX };
}

static void middle_go(void)
{
    for (int i = 0; i < 2; i++)
        co_spawn(w.loop, carry, &ways[i], &ways[i].done);
}

static void middle_end(void)
{
    for (int i = 0; i < 2; i++)
        future_cancel(&ways[i].done);
    stream_close(ways[TO_B].from);
    stream_close(ways[TO_B].to);
}

/* ---- a conversation, and what each side made of it ----------------------------------------------------------------- */

struct talk {
    struct stream **s;
    struct tls *tls;
    const char *name;
    struct future done;
    int shaken, read, end;          /* what became of the handshake, the read, and the reading to the end */
    const char *why;
    char heard[64];
};

static const char request[] = "a request\n", reply[] = "the reply\n";
static struct talk asks, answers;

static bool read_line(struct talk *t)
{
    struct future f = {0};
    t->read = await(stream_read_until(*t->s, "\n", sizeof t->heard - 1, &f));
    if (t->read > 0)
        memcpy(t->heard, f.value, (size_t)t->read);
    else
        t->why = f.why;
    return t->read > 0;
}

static int talks(void *self)
{
    struct talk *t = self;
    struct future f = {0};
    bool first = t == &asks;
    t->shaken = await(stream_start_tls(*t->s, t->tls, t->name, &f));
    t->why = f.why;
    if (t->shaken == 0) {
        if (first)
            stream_write(*t->s, text(request), NULL);
        if (read_line(t) && !first)
            stream_write(*t->s, text(reply), NULL);
        stream_shutdown(*t->s, NULL);
        t->end = await(stream_read_until_close(*t->s, 0, &f));
        t->end = t->end < 0 ? t->end : stream_error(*t->s);
    }
    end_stream(t->s);
    return 0;
}

/* Who was told of more than ever comes waits for ever, but for a deadline. */
static void converse(void)
{
    int64_t deadline = loop_time(w.loop) + 10 * SECOND;
    asks = (struct talk){ .s = &a, .tls = client, .name = "example.org" };
    answers = (struct talk){ .s = &b, .tls = server };
    co_spawn(w.loop, talks, &answers, &answers.done);
    co_spawn(w.loop, talks, &asks, &asks.done);
    await_until(&asks.done, deadline);
    await_until(&answers.done, deadline);
}

/* What was heard is what was said, or nothing; and who was cut off knows. */
static void check(const struct talk *t, const char *said, bool whole, size_t place)
{
    ck_assert_msg(t->shaken == 0 || t->why, "byte %zu: a failure without a sentence", place);
    if (t->shaken == 0 && t->read > 0)
        ck_assert_msg(strcmp(t->heard, said) == 0, "byte %zu: heard %s", place, t->heard);
    bool orderly = t->shaken == 0 && t->read > 0 && t->end == -EPIPE;
    ck_assert_msg(!orderly || whole, "byte %zu: an orderly end of what was cut off", place);
    ck_assert_msg(orderly || !whole, "byte %zu: nothing was cut, and yet %d %d %d %s", place, t->shaken, t->read, t->end, t->why);
}

/* From one byte that is tried to the next: of so many bytes, of which so many are usually tried. */
static size_t step_of(size_t bytes, size_t usually)
{
    const char *seeds = getenv("EDDY_SEEDS");
    size_t tried = seeds ? strtoul(seeds, NULL, 10) / 16 : usually;
    return bytes > tried ? bytes / (tried ? tried : 1) : 1;
}

/* How long both ways are when nothing is cut. */
static void measure(size_t whole[2])
{
    middle_begin(SIZE_MAX, SIZE_MAX);
    middle_go();
    converse();
    check(&asks, reply, true, 0);
    check(&answers, request, true, 0);
    whole[TO_B] = ways[TO_B].passed;
    whole[TO_A] = ways[TO_A].passed;
    middle_end();
}

static void without_sessions(void)
{
    server_is(&(struct tls_options){ .certificate = certificate("good") });
    client_is(&(struct tls_options){ .authorities = certificate("authority"), .sessions = -1 });
}

static void cut_everywhere(int way)
{
    size_t whole[2];
    without_sessions();
    measure(whole);
    for (size_t at = 0; at < whole[way]; at += step_of(whole[way], SIZE_MAX)) {
        middle_begin(way == TO_B ? at : SIZE_MAX, way == TO_A ? at : SIZE_MAX);
        middle_go();
        converse();
        middle_end();
        check(way == TO_B ? &answers : &asks, way == TO_B ? request : reply, false, at);
    }
}

START_TEST(what_the_client_says_may_be_cut_at_every_byte)
{
    cut_everywhere(TO_B);
}
END_TEST

START_TEST(what_the_server_says_may_be_cut_at_every_byte)
{
    cut_everywhere(TO_A);
}
END_TEST

/* What is encrypted or signed is not changed unnoticed, and of the rest only what does not matter. */
static void change_everywhere(int way)
{
    size_t whole[2], unnoticed = 0;
    without_sessions();
    measure(whole);
    for (size_t at = 0; at < whole[way]; at += step_of(whole[way], CHANGES)) {
        middle_begin(SIZE_MAX, SIZE_MAX);
        ways[way].change = at;
        middle_go();
        converse();
        middle_end();
        unnoticed += asks.shaken == 0 && answers.shaken == 0 && asks.end == -EPIPE && answers.end == -EPIPE;
        ck_assert_msg(!answers.heard[0] || strcmp(answers.heard, request) == 0, "byte %zu: %s", at, answers.heard);
        ck_assert_msg(!asks.heard[0] || strcmp(asks.heard, reply) == 0, "byte %zu: %s", at, asks.heard);
    }
    ck_assert_uint_le(unnoticed, 8);
}

START_TEST(what_the_client_says_may_be_changed_at_every_byte)
{
    change_everywhere(TO_B);
}
END_TEST

START_TEST(what_the_server_says_may_be_changed_at_every_byte)
{
    change_everywhere(TO_A);
}
END_TEST

START_TEST(a_handshake_may_come_byte_by_byte)
{
    usual_identities();
    middle_begin(SIZE_MAX, SIZE_MAX);
    ways[TO_A].dribble = ways[TO_B].dribble = true;
    middle_go();
    converse();
    middle_end();
    check(&asks, reply, true, 0);
    check(&answers, request, true, 0);
}
END_TEST

/* ---- others than TLS --------------------------------------------------------------------------------------------- */

static void server_hears(const char *data, size_t len, int rc, const char *words)
{
    struct future f = {0}, g = {0};
    new_pair();
    stream_start_tls(a, server, NULL, &f);
    ck_assert_int_eq(w.sys->write(w.sys, peer, data, len), (ssize_t)len);
    ck_assert_int_eq(await(&f), rc);
    ck_assert_msg(strstr(f.why, words), "to %s it says: %s", data, f.why);
    ck_assert_int_eq(await(stream_read_some(a, 0, &g)), rc);
    ck_assert_str_eq(g.why, f.why);
    ck_assert_int_eq(await(stream_shutdown(a, &g)), rc);
}

START_TEST(case_83_a_plain_request_is_told_from_tls)
{
    usual_identities();
    server_hears("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, -EPROTO, "plain HTTP");
    server_hears("CONNECT x:1 HTTP/1.1\r\n", 22, -EPROTO, "proxy");
    server_hears("EHLO somebody.example\r\n", 23, -EPROTO, "does not speak TLS");
    server_hears("\0\0\0\0\0\0\0\0\0\0\0\0", 12, -EPROTO, "does not speak TLS");
    server_hears("\x16\x03\x01\xff\xff\1\0\0\0\0\0\0", 12, -EPROTO, "does not speak TLS");
    server_hears("\x17\x03\x03\0\1x", 6, -EPROTO, "not what TLS allows");
}
END_TEST

START_TEST(a_server_that_speaks_first_in_plain_text_is_told_from_tls)
{
    struct future f = {0};
    char in[4096];
    usual_identities();
    stream_start_tls(a, client, "example.org", &f);
    say("220 mail.example ESMTP\r\n");
    fails(&f, -EPROTO);
    ck_assert_ptr_nonnull(strstr(f.why, "does not speak TLS"));
    ck_assert_int_gt(w.sys->read(w.sys, peer, in, sizeof in), 0);
}
END_TEST

START_TEST(a_server_that_answers_with_an_alert_is_heard)
{
    struct future f = {0};
    usual_identities();
    stream_start_tls(a, client, "example.org", &f);
    ck_assert_int_eq(w.sys->write(w.sys, peer, "\x15\x03\x03\0\2\2\x28", 7), 7);
    fails(&f, -EPROTO);
    ck_assert_ptr_nonnull(strstr(f.why, "refuses the handshake"));
}
END_TEST

START_TEST(one_who_leaves_in_the_middle_is_told_from_one_who_breaks_off)
{
    struct future f = {0};
    usual_identities();
    stream_start_tls(a, client, "example.org", &f);
    ck_assert_int_eq(w.sys->shutdown(w.sys, peer, SHUT_WR), 0);
    fails(&f, -ECONNABORTED);
    ck_assert_ptr_nonnull(strstr(f.why, "has left"));
    new_pair();
    stream_start_tls(a, client, "example.org", &f);
    pass();
    end_peer();
    fails(&f, -ECONNRESET);
    ck_assert_ptr_nonnull(strstr(f.why, "broke"));
}
END_TEST

START_TEST(a_failed_handshake_leaves_an_alert_behind)
{
    struct future f = {0};
    char in[64];
    usual_identities();
    stream_start_tls(a, server, NULL, &f);
    ck_assert_int_eq(w.sys->write(w.sys, peer, "\x16\x03\x01\0\5hello", 10), 10);
    fails(&f, -EPROTO);
    ck_assert_int_eq(w.sys->read(w.sys, peer, in, sizeof in), 7);
    ck_assert_int_eq(in[0], 0x15);
}
END_TEST

/* ---- closed, cancelled, forgotten -------------------------------------------------------------------------------- */

/* A job takes 10 ms of virtual time; the handshake has 5 of them: what is done at each instant meets every state. */
static void slow_jobs(void)
{
    usual_identities();
    sim_job_time(w.sim, 10 * MILLISECOND, 10 * MILLISECOND);
}

static void wait_ms(int ms)
{
    await(future_sleep(w.loop, ms * MILLISECOND, &(struct future){0}));
}

START_TEST(either_side_may_close_in_every_state)
{
    struct future fa, fb;
    struct heard h = {0};
    slow_jobs();
    for (int side = 0; side < 2; side++)
        for (int ms = 0; ms <= LONGEST; ms += 5) {
            fa = fb = (struct future){0};
            new_pair();
            future_then(side ? &fb : &fa, hear, &h);
            shake("example.org", &fa, &fb);
            wait_ms(ms);
            bool was_done = future_done(side ? &fb : &fa);
            int times = h.times;
            end_stream(side ? &b : &a);
            int rc = await(side ? &fa : &fb);
            ck_assert_int_eq(h.times, times);
            ck_assert_msg(was_done || rc == -ECONNABORTED || rc == -ECONNRESET || rc == -EPIPE || rc == 0, "%s", strerror(-rc));
        }
    end_stream(&a);
    end_stream(&b);
    wait_ms(LONGEST);
}
END_TEST

START_TEST(either_side_may_cancel_in_every_state)
{
    struct future fa, fb, f = {0};
    slow_jobs();
    for (int side = 0; side < 2; side++)
        for (int ms = 0; ms <= LONGEST; ms += 5) {
            struct stream **s = side ? &b : &a;
            struct future *mine = side ? &fb : &fa;
            fa = fb = (struct future){0};
            new_pair();
            shake("example.org", &fa, &fb);
            wait_ms(ms);
            bool was_done = future_done(mine);
            future_cancel(mine);
            if (!was_done) {
                fails(stream_read_some(*s, 0, &f), -ECANCELED);
                fails(stream_write(*s, text("x"), &f), -ECANCELED);
            }
            future_cancel(side ? &fa : &fb);
        }
    end_stream(&a);
    end_stream(&b);
    wait_ms(LONGEST);
}
END_TEST

START_TEST(a_deadline_ends_a_handshake_that_nobody_answers)
{
    struct future f = {0};
    usual_identities();
    stream_start_tls(a, server, NULL, &f);
    ck_assert_int_eq(await_until(&f, loop_time(w.loop) + 5 * SECOND), -ETIMEDOUT);
    fails(stream_read_some(a, 0, &f), -ECANCELED);
    ck_assert_ptr_nonnull(strstr(f.why, "cancelled"));
}
END_TEST

START_TEST(a_coroutine_that_awaits_the_handshake_is_woken_by_a_close)
{
    usual_identities();
    struct talk t = { .s = &a, .tls = server };
    co_spawn(w.loop, talks, &t, &t.done);
    pass();
    end_stream(&a);
    pass();
    ck_assert_int_eq(await(&t.done), 0);
    ck_assert_int_eq(t.shaken, -ECANCELED);
}
END_TEST

START_TEST(an_answer_nobody_has_heard_goes_with_the_stream)
{
    struct future f = {0};
    struct heard h = {0};
    usual_identities();
    future_then(&f, hear, &h);
    say("nonsense of some length");
    stream_start_tls(a, server, NULL, &f);
    while (!future_done(&f)) {
        struct future turn = {0};
        await(future_sleep(w.loop, 0, &turn));
    }
    ck_assert_int_eq(h.times, 0);
    end_stream(&a);
    pass();
    ck_assert_int_eq(h.times, 0);
}
END_TEST

START_TEST(nobody_needs_to_wait_for_the_handshake)
{
    struct future f = {0};
    usual_identities();
    join();
    stream_start_tls(a, client, "example.org", NULL);
    stream_start_tls(b, server, NULL, NULL);
    writes(a, "hello");
    reads(stream_read_some(b, 0, &f), "hello");
    new_pair();
    say("nonsense of some length");
    stream_start_tls(a, server, NULL, NULL);
    fails(stream_read_some(a, 0, &f), -EPROTO);
}
END_TEST

START_TEST(identities_may_be_closed_while_their_streams_live)
{
    struct future fa = {0}, fb = {0}, f = {0};
    usual_identities();
    shake("example.org", &fa, &fb);
    tls_close(client);
    tls_close(server);
    client = server = NULL;
    ck_assert_int_eq(await(&fa), 0);
    ck_assert_int_eq(await(&fb), 0);
    writes(a, "hello");
    reads(stream_read_some(b, 0, &f), "hello");
}
END_TEST

START_TEST(on_close_hears_of_a_failed_handshake)
{
    struct future f = {0};
    struct heard h = {0};
    usual_identities();
    stream_on_close(a, hear, &h);
    stream_start_tls(a, server, NULL, &f);
    say("nonsense of some length");
    fails(&f, -EPROTO);
    pass();
    ck_assert(h.times == 1 && h.what == -EPROTO);
    ck_assert_int_eq(stream_error(a), -EPROTO);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_the_client_says_may_be_cut_at_every_byte,
        what_the_server_says_may_be_cut_at_every_byte,
        what_the_client_says_may_be_changed_at_every_byte,
        what_the_server_says_may_be_changed_at_every_byte,
        a_handshake_may_come_byte_by_byte,
        case_83_a_plain_request_is_told_from_tls,
        a_server_that_speaks_first_in_plain_text_is_told_from_tls,
        a_server_that_answers_with_an_alert_is_heard,
        one_who_leaves_in_the_middle_is_told_from_one_who_breaks_off,
        a_failed_handshake_leaves_an_alert_behind,
        either_side_may_close_in_every_state,
        either_side_may_cancel_in_every_state,
        a_deadline_ends_a_handshake_that_nobody_answers,
        a_coroutine_that_awaits_the_handshake_is_woken_by_a_close,
        an_answer_nobody_has_heard_goes_with_the_stream,
        nobody_needs_to_wait_for_the_handshake,
        identities_may_be_closed_while_their_streams_live,
        on_close_hears_of_a_failed_handshake,
        NULL
    };
    return run_tls("tls handshake", tests, NULL);
}
