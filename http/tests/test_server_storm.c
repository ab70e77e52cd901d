/* test_server_storm.c - seeded conversations with everything at once: many clients, pipelined requests of every kind in portions
 * of any size, a network with latency and little buffers, clients that read slowly, half-close, reset or leave, and a stop in
 * the middle.
 *
 * A client that stays to the end has heard exactly the answers to what it has asked, in order. Whatever happened, nothing is
 * left and the log says nothing. A failure names its seed: EDDY_FIRST_SEED=n EDDY_SEEDS=1 replays it. */
#include "http/tests/server_world.h"
#include "loop/sim_net.h"

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

int main(void)
{
    const TTest *const tests[] = { whatever_is_said_and_however_it_comes_the_answers_are_right, NULL };
    return run_server("server: a storm", tests, NULL);
}
