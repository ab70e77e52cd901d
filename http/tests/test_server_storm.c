/* test_server_storm.c - crowds that are slow, descriptors that run out, resets in every state; and seeded conversations with
 * everything at once: many clients, pipelined requests of every kind in portions of any size, a network with latency and little
 * buffers, clients that read slowly, half-close, reset or leave, and a stop in the middle.
 *
 * A client that stays to the end has heard exactly the answers to what it has asked, in order. Whatever happened, nothing is
 * left and the log says nothing. A failure names its seed: EDDY_FIRST_SEED=n EDDY_SEEDS=1 replays it. */
#include "http/tests/server_world.h"
#include "loop/sim_net.h"
#include "stream/shelf.h"

enum { GUESTS = 4, REQUESTS = 5, TEXT = 1 << 16 };

struct guest {
    struct client *c;               /* NULL: it has left */
    char says[TEXT], expects[TEXT];
    size_t len, said, heard;        /* of says; of expects */
    bool last;                      /* what it says ends with Connection: close */
};

static struct guest guests[GUESTS];
static uint64_t state, seed;

static unsigned any(unsigned below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

static void right(bool is_so, const char *what)
{
    if (!is_so)
        ck_abort_msg("%s: EDDY_FIRST_SEED=%llu EDDY_SEEDS=1 replays it", what, (unsigned long long)seed);
}

/* ---- the application: what it answers depends on the request alone ----------------------------------------------------- */

static int answer_pieces(struct exchange *x)
{
    struct future in = {0}, out = {0};
    int n, rc = exchange_begin(x, 200, -1);
    while ((n = await(exchange_body(x, &in))) > 0)
        if ((rc = await(exchange_write(x, (struct bytes){ in.value, (size_t)n }, &out))) < 0)
            return rc;
    return n < 0 ? n : 0;
}

static int answer(struct exchange *x)
{
    struct bytes path = exchange_head(x)->path;
    struct future f = {0};
    if (text_is(path, "/slow") && await(future_sleep(loop, 50 * MILLISECOND, &f)) < 0)
        return 503;
    return text_is(path, "/echo") ? echo_body(x) : text_is(path, "/pieces") ? answer_pieces(x) : text_is(path, "/unread") ? 404
        : hello(x);
}

/* ---- what a guest says, and expects ------------------------------------------------------------------------------------ */

static const char *const paths[] = { "/hello", "/slow", "/echo", "/pieces", "/unread" };

static void add_body(struct guest *g, const char *body, size_t len, bool chunks)
{
    char *at = g->says + g->len;
    if (!chunks) {
        g->len += (size_t)sprintf(at, "Content-Length: %zu\r\n\r\n%s", len, body);
        return;
    }
    at += sprintf(at, "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t n; len > 0; body += n, len -= n) {
        n = 1 + any((unsigned)len);
        at += sprintf(at, "%zx\r\n%.*s\r\n", n, (int)n, body);
    }
    at += sprintf(at, "0\r\n%s\r\n", any(2) ? "X: y\r\n" : "");
    g->len = (size_t)(at - g->says);
}

/* What is left of an answer without its head; how a body was cut into pieces is the network's. */
static void ask(struct guest *g, bool last)
{
    char body[3001];
    unsigned kind = any(5);
    size_t len = any(4) ? any(20) : any(3000);
    bool has_body = kind >= 2 || any(2);
    for (size_t i = 0; i < len; i++)
        body[i] = (char)('a' + any(26));
    body[len] = '\0';
    g->len += (size_t)sprintf(g->says + g->len, "%s %s HTTP/1.1\r\nHost: x\r\n%s", has_body ? "POST" : "GET", paths[kind],
                              last ? "Connection: close\r\n" : "");
    if (has_body)
        add_body(g, body, len, any(2));
    else
        g->len += (size_t)sprintf(g->says + g->len, "\r\n");
    char *expects = g->expects + strlen(g->expects);
    if (kind == 4)
        strcpy(expects, "404 Not Found\n");
    else if (kind >= 2)
        strcpy(expects, body);
    else if (has_body)
        sprintf(expects, "Got %zu bytes in POST", len);
    else
        strcpy(expects, "Hello world");
}

/* Takes heads, and sizes of chunks, out of what was heard: what is left are the bodies. */
static void bodies_of(char *text, size_t len, char *out)
{
    const char *end = text + len;
    for (char *at = text; at < end;) {
        char *body = strstr(at, "\r\n\r\n"), *length = strstr(at, "Content-Length: ");
        right(body != NULL, "an answer has no end");
        bool chunks = !length || length > body;
        size_t n = chunks ? 0 : strtoul(length + 16, NULL, 10);
        at = body + 4;
        while (chunks && (n = strtoul(at, &at, 16)) > 0) {
            strncat(out, at + 2, n);
            at += 2 + n + 2;
        }
        strncat(out, at, n);
        at += chunks ? 4 : n;
    }
}

/* ---- a conversation ---------------------------------------------------------------------------------------------------- */

static void arrive(struct guest *g)
{
    int requests = 1 + (int)any(REQUESTS);
    *g = (struct guest){ .c = call_server(), .last = any(2) };
    for (int i = 0; i < requests; i++)
        ask(g, g->last && i == requests - 1);
}

static void go_away(struct guest *g)
{
    if (any(2))
        sim_net_reset(sim, g->c->fd);
    leave_server(g->c);
    g->c = NULL;
}

static void go_on(struct guest *g)
{
    if (g->said < g->len && any(3)) {
        size_t n = 1 + any(any(2) ? 10 : 2000);
        ssize_t sent = sys->write(sys, g->c->fd, g->says + g->said, n < g->len - g->said ? n : g->len - g->said);
        g->said += sent > 0 ? (size_t)sent : 0;
    } else if (g->said == g->len && any(10) == 0) {
        sys->shutdown(sys, g->c->fd, SHUT_WR);
    } else if (any(2)) {
        listen_to(g->c);
    } else if (any(60) == 0) {
        go_away(g);
    }
}

static void is_answered(struct guest *g)
{
    static char bodies[HEARD];
    for (int i = 0; i < 10 || g->said < g->len; i++) {
        ssize_t sent = sys->write(sys, g->c->fd, g->says + g->said, g->len - g->said);
        g->said += sent > 0 ? (size_t)sent : 0;
        wait_for(g->c, 100);
    }
    bodies[0] = '\0';
    bodies_of(g->c->heard, g->c->len, bodies);
    right(strcmp(bodies, g->expects) == 0, "a guest has not heard what it expects");
    right(!g->last || g->c->ended, "the last answer is not the end");
    right(!g->c->failed, "a guest who stays was reset");
}

static void converse(void)
{
    state = seed * 2 + 1;
    sim_net_buffers(sim, 4096 << any(6), 2048 << any(6));
    sim_net_latency(sim, 0, any(2) * 5 * MILLISECOND);
    serve(answer);
    for (int i = 0; i < GUESTS; i++)
        arrive(&guests[i]);
    wait_ms(20);
    for (int steps = (int)any(400); steps > 0; steps--) {
        struct guest *g = &guests[any(GUESTS)];
        if (g->c)
            go_on(g);
        if (any(3) == 0)
            wait_ms(any(20));
    }
    bool stopped = any(3) == 0;
    if (stopped)
        http_stop(server, any(2) ? FOREVER : sim_now(sim) + SECOND, NULL);
    for (struct guest *g = guests; g < guests + GUESTS; g++) {
        if (g->c && !stopped)
            is_answered(g);
        if (g->c)
            leave_server(g->c);
    }
    wait_ms(30000);
    right(http_connections(server) == 0 && http_running(server) == 0, "somebody is left");
    right(stopped || !*sim_log(sim), "something was logged");
    end_server();
}

START_TEST(whatever_is_said_and_however_it_comes_the_answers_are_right)
{
    const char *wanted = getenv("EDDY_SEEDS"), *first = getenv("EDDY_FIRST_SEED");
    uint64_t count = wanted ? strtoull(wanted, NULL, 10) : 300, begin = first ? strtoull(first, NULL, 10) : 1;
    for (seed = begin; seed < begin + count; seed++) {
        converse();
        server_end();
        server_begin();
    }
}
END_TEST

/* ---- crowds ------------------------------------------------------------------------------------------------------------ */

static const char get[] = "GET /hello HTTP/1.1\r\n" H "\r\n";
static int crowd[10000];

/* Under the tools there are fewer. */
static int crowd_size(int most)
{
    return getenv("EDDY_SEEDS") ? most / 20 : most;
}

static void crowd_comes(int count)
{
    for (int i = 0; i < count; i++) {
        crowd[i] = call_listener(place);
        ck_assert_int_gt(crowd[i], 0);
        if (i % 100 == 99)
            wait_ms(1);                 /* the backlog has 128 */
    }
    wait_ms(1);
}

static void crowd_leaves(int count)
{
    for (int i = 0; i < count; i++)
        hang_up(crowd[i]);
    wait_ms(1);
}

/* Somebody else is served at once. */
static void others_are_served(struct client *c)
{
    say(c, get);
    hears(c, HELLO);
}

/* Slow-loris: each of them sends a byte every 8 s, which wins it no time. */
START_TEST(ten_thousand_that_send_a_byte_now_and_then_hold_little_and_end_in_time)
{
    int count = crowd_size(10000);
    serve_at("127.0.0.1", hello, (struct http_options){ .most = 20000 });
    struct client *c = call_server();
    others_are_served(c);
    struct sim_live before = sim_live(sim);
    crowd_comes(count);
    for (int sent = 0; sent < 4; sent++) {
        for (int i = 0; i < count; i++)
            ck_assert_int_eq(sys->write(sys, crowd[i], &get[sent], 1), 1);
        others_are_served(c);
        ck_assert_int_eq(http_connections(server), count + 1);
        struct sim_live now = sim_live(sim);
        ck_assert_uint_eq(now.mapped, before.mapped);
        ck_assert_uint_le((now.bytes - before.bytes) / (unsigned)count, 1500 + SHELF_LITTLE);
        wait_ms(8000);
    }
    ck_assert_int_eq(http_connections(server), 1);
    for (int i = 0; i < count; i++) {
        char heard[200];
        ck_assert_int_gt(sys->read(sys, crowd[i], heard, sizeof heard), 0);
        ck_assert(strncmp(heard, "HTTP/1.1 408", 12) == 0);
    }
    crowd_leaves(count);
    others_are_served(c);
}
END_TEST

enum { HUGE_BODY = 4 << 20 };

static int stream_huge(struct exchange *x)
{
    static const char piece[16384];
    struct future f = {0};
    int rc = exchange_begin(x, 200, HUGE_BODY);
    for (size_t at = 0; rc >= 0 && at < HUGE_BODY; at += sizeof piece)
        rc = await(exchange_write(x, (struct bytes){ piece, sizeof piece }, &f));
    return rc < 0 ? rc : 0;
}

static int huge_or_hello(struct exchange *x)
{
    return text_is(exchange_head(x)->path, "/huge") ? stream_huge(x) : hello(x);
}

/* Half of them take 2 KiB a second of 4 MiB, half of them nothing: who takes is served on, who does not is gone. */
START_TEST(slow_readers_hold_a_bounded_part_of_what_is_sent_to_them)
{
    static char taken[2048];
    int count = crowd_size(400);
    serve_at("127.0.0.1", huge_or_hello, (struct http_options){ .write = 10 * SECOND });
    struct client *c = call_server();
    others_are_served(c);
    crowd_comes(count);
    for (int i = 0; i < count; i++)
        ck_assert_int_gt(sys->write(sys, crowd[i], "GET /huge HTTP/1.1\r\nHost: x\r\n\r\n", 32), 0);
    wait_ms(1);
    for (int second = 0; second < 12; second++) {
        for (int i = 0; i < count; i += 2)
            ck_assert_int_gt(sys->read(sys, crowd[i], taken, sizeof taken), 0);
        others_are_served(c);
        struct sim_live now = sim_live(sim);
        ck_assert_uint_le(now.bytes / (unsigned)count, 128 << 10);
        wait_ms(1000);
    }
    ck_assert_int_eq(http_running(server), count / 2);
    ck_assert_int_eq(http_connections(server), count / 2 + 1);
    crowd_leaves(count);
    wait_ms(10000);
    ck_assert_int_eq(http_connections(server), 1);
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

START_TEST(without_descriptors_those_who_are_there_are_served_and_the_others_when_there_are_some_again)
{
    struct client *c = call_server_at_hello();
    others_are_served(c);
    for (int i = 0; i < 5; i++) {
        crowd[i] = call_listener(place);
        ck_assert_int_gt(sys->write(sys, crowd[i], get, sizeof get - 1), 0);
    }
    sim_limit_descriptors(sim, 3);                  /* no number is free */
    for (int i = 0; i < 5; i++) {
        wait_ms(700);
        others_are_served(c);
    }
    ck_assert_int_eq(http_connections(server), 1);
    ck_assert(logged("descriptor"));
    sim_limit_descriptors(sim, 0);
    wait_ms(1100);
    ck_assert_int_eq(http_connections(server), 6);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(heard_by(crowd[i]), 'H');
    crowd_leaves(5);
    others_are_served(c);
}
END_TEST

/* ---- resets ------------------------------------------------------------------------------------------------------------ */

static int wait_a_while(struct exchange *x)
{
    struct future f = {0};
    await(future_sleep(exchange_loop(x), 2 * SECOND, &f));
    return hello(x);
}

static int write_a_while(struct exchange *x)
{
    struct future f = {0}, pause = {0};
    int rc = 0;
    for (int i = 0; rc >= 0 && i < 5; i++) {
        rc = await(exchange_write(x, text_of("some of it\n"), &f));
        await(future_sleep(exchange_loop(x), SECOND, &pause));
    }
    return rc < 0 ? rc : 0;
}

static int nothing_wanted(struct exchange *x)
{
    (void)x;
    return 404;
}

/* Cases 42 and 48: in each of them the client is reset, early or late; the log says nothing, and the next client is served. */
START_TEST(a_client_may_reset_in_every_state_of_a_connection)
{
    static const struct { const char *state, *says; handler *answers; } states[] = {
        { "before the head", "", hello },
        { "within the head", "GET /hello HT", hello },
        { "between two heads", "GET / HTTP/1.1\r\n" H "\r\nGET", hello },
        { "within a body that is waited for", "POST / HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\nabc", echo_body },
        { "within chunks", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\r\nab", echo_body },
        { "told to go on", "POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", echo_body },
        { "a handler runs", "GET / HTTP/1.1\r\n" H "\r\n", wait_a_while },
        { "a handler runs, another waits", "GET / HTTP/1.1\r\n" H "\r\nGET / HTTP/1.1\r\n" H "\r\n", wait_a_while },
        { "within a reply in pieces", "GET / HTTP/1.1\r\n" H "\r\n", write_a_while },
        { "within a reply that is not taken", "GET / HTTP/1.1\r\n" H "\r\n", stream_huge },
        { "what is not wanted is thrown away", "POST / HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\nabc", nothing_wanted },
        { "lingering behind a refusal", "nonsense\r\n\r\n", hello },
        { "lingering behind a last answer", "GET / HTTP/1.0\r\n\r\n", hello },
    };
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        for (int64_t ms = 0; ms < 3; ms++) {
            serve(states[i].answers);
            struct client *c = call_server();
            say(c, states[i].says);
            wait_ms(ms);
            sim_net_reset(sim, c->fd);
            wait_ms(5000);
            ck_assert_msg(http_connections(server) == 0 && http_running(server) == 0, "%s, %d ms", states[i].state, (int)ms);
            ck_assert_msg(!*sim_log(sim), "%s, %d ms: %s", states[i].state, (int)ms, sim_log(sim));
            leave_server(c);
            app = hello;
            c = call_server();
            others_are_served(c);
            leave_server(c);
            end_server();
        }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        whatever_is_said_and_however_it_comes_the_answers_are_right,
        ten_thousand_that_send_a_byte_now_and_then_hold_little_and_end_in_time,
        slow_readers_hold_a_bounded_part_of_what_is_sent_to_them,
        without_descriptors_those_who_are_there_are_served_and_the_others_when_there_are_some_again,
        a_client_may_reset_in_every_state_of_a_connection,
        NULL
    };
    return run_server("server: a storm", tests, NULL);
}
