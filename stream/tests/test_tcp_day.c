/* test_tcp_day.c - a day in the life of a server: ten virtual hours, in which clients come, go, stall and vanish.
 *
 * It opens at ten. At noon the network is gone for twenty minutes, and later for twenty seconds; from three to four there are
 * hardly any descriptors; at five half of all clients come within a minute; at eight it stops, and gives who is there a quarter
 * of a minute. Every byte is checked at both ends; whoever behaves has got all that he asked for, however often he had to ask;
 * and in the end nothing is left: no descriptor, no timer, no allocation, nothing on its way.
 *
 * The first day has 10^4 clients, the others 300. EDDY_SEEDS=n: n clients on each (176 at least: one of each kind at each time);
 * EDDY_SEED=n: the n-th day alone. */
#include "stream/tests/day_world.h"

/* ---- what clients do: 0, or -errno, and they come again --------------------------------------------------------------- */

static int send_all(struct stream *s, const char *data, size_t len)
{
    struct future f = {0};
    int rc = await_until(stream_write(s, (struct bytes){ data, len }, &f), loop_time(loop) + 2 * HOUR);
    holds(rc != -ETIMEDOUT || stream_error(s) == rc, "the server reads nothing, and does not end it", (long long)len);
    return rc < 0 ? rc : 0;
}

/* Writes a line into `line`; its length. */
static int make_line(struct client *c, char *line, size_t len)
{
    int n = snprintf(line, HEADER, "%u %u %u\n", c->id, (unsigned)c->at, (unsigned)len);
    memcpy(line + n, bytes_of(c->id, c->at), len);
    c->at += len;
    return n + (int)len;
}

static int hear(struct stream *s, const char *line, int len)
{
    struct future f = {0};
    int rc = await_until(stream_read_bytes(s, (size_t)len, &f), loop_time(loop) + 2 * patience);
    holds(rc < 0 || memcmp(f.value, line, (size_t)len) == 0, "a client read other bytes than it sent", len);
    return rc < 0 ? rc : 0;
}

/* Nothing comes but the end. Who only reads never hears of it when the server gave up during the long outage. */
static int hear_the_end(struct stream *s)
{
    struct future f = {0};
    int64_t begin = loop_time(loop), noon = o_clock(12);
    int rc = await_until(stream_read_some(s, 1, &f), begin + 2 * HOUR);
    bool forgotten = rc == -ETIMEDOUT && !stream_error(s);
    holds(rc < 0, "more came than was asked for", rc);
    holds(!forgotten || (noon - patience <= begin && begin < noon + LONG_OUTAGE), "the server does not end it", begin / SECOND);
    return 0;
}

static size_t some_length(struct client *c)
{
    return below(&c->chance, below(&c->chance, 4) ? 200 : LONGEST);
}

static int talk(struct client *c, struct stream *s)
{
    char line[HEADER + LONGEST];
    int rc = 0;
    for (uint64_t left = 1 + below(&c->chance, MOST_LINES); left > 0 && rc == 0; left--) {
        int len = make_line(c, line, some_length(c));
        rc = send_all(s, line, (size_t)len);
        rc = rc ? rc : hear(s, line, len);
        rc = rc ? rc : pause_for(c, 5 * SECOND);
    }
    return rc;
}

static int dribble(struct client *c, struct stream *s)
{
    char line[HEADER + LONGEST];
    int len = make_line(c, line, 1 + below(&c->chance, 30)), rc = 0;
    for (int i = 0; i < len && rc == 0; i++) {
        rc = send_all(s, line + i, 1);
        rc = rc ? rc : pause_for(c, SECOND);
    }
    return rc ? rc : hear(s, line, len);
}

static int half_close(struct client *c, struct stream *s)
{
    char line[HEADER + LONGEST];
    struct future f = {0};
    int len = make_line(c, line, some_length(c)), rc = send_all(s, line, (size_t)len);
    rc = rc ? rc : await(stream_shutdown(s, &f));
    rc = rc ? rc : pause_for(c, 10 * SECOND);
    rc = rc ? rc : hear(s, line, len);
    return rc ? rc : hear_the_end(s);
}

static int stall(struct client *c, struct stream *s)
{
    char line[HEADER + LONGEST];
    int len = make_line(c, line, some_length(c)), rc = 0;
    if (c->kind == STALLS)
        rc = send_all(s, line, 1 + below(&c->chance, (uint64_t)len - 1));
    day.stalled++;
    rc = rc ? 0 : hear_the_end(s);
    day.stalled--;
    return rc;
}

static int never_read(struct client *c, struct stream *s)
{
    char line[HEADER + LONGEST];
    day.stalled++;
    for (int rc = 0; rc == 0;) {
        int len = make_line(c, line, some_length(c));
        rc = send_all(s, line, (size_t)len);
    }
    day.stalled--;
    return 0;
}

static const char *home(const struct client *c, char text[HEADER])
{
    snprintf(text, HEADER, "127.%u.%u.%u", 1 + (c->id >> 16), c->id >> 8 & 255, c->id & 255);
    return text;
}

/* The cable is pulled, at some instant of a line; it is mended when both ends have long forgotten about it. */
static int vanish(struct client *c, struct stream *s)
{
    char line[HEADER + LONGEST], text[HEADER];
    int len = make_line(c, line, some_length(c)), rc = send_all(s, line, (size_t)len);
    pause_for(c, 200 * MILLISECOND);
    sim_net_cut(sim, home(c, text));
    day.stalled++;
    rc = rc ? rc : send_all(s, line, (size_t)len);
    if (rc == 0 && below(&c->chance, 2))
        sleep_until(loop_time(loop) + HOUR);
    day.stalled--;
    return 0;
}

static void mend(struct client *c)
{
    char text[HEADER];
    sleep_until(loop_time(loop) + HOUR);
    sim_net_heal(sim, home(c, text));
}

static int reset(struct client *c, struct stream *s)
{
    char line[HEADER + LONGEST];
    struct future f = {0};
    int len = make_line(c, line, some_length(c));
    send_all(s, line, 1 + below(&c->chance, (uint64_t)len));
    pause_for(c, 100 * MILLISECOND);
    if (!stream_error(s))
        sim_net_reset(sim, stream_fd(s));
    while (await(stream_read_some(s, LONGEST, &f)) > 0)
        ;
    return 0;
}

/* Is gone in the middle of a line, or with an answer that it did not wait for. */
static int leave(struct client *c, struct stream *s)
{
    char line[HEADER + LONGEST];
    struct future f = {0};
    int len = make_line(c, line, some_length(c));
    send_all(s, line, 1 + below(&c->chance, (uint64_t)len));
    await_until(stream_read_some(s, 1, &f), loop_time(loop) + (int64_t)below(&c->chance, 100) * MILLISECOND);
    return 0;
}

static int (*const does[KINDS])(struct client *, struct stream *) = {
    [TALKS] = talk, [DRIBBLES] = dribble, [HALF_CLOSES] = half_close, [TRIES_ADDRESSES] = talk, [ASKS_FOR_NAMES] = talk,
    [STALLS] = stall, [SAYS_NOTHING] = stall, [NEVER_READS] = never_read, [VANISHES] = vanish, [RESETS] = reset, [LEAVES] = leave,
};

/* ---- clients --------------------------------------------------------------------------------------------------------- */

static const char *whither(struct client *c)
{
    static const char *const hosts[] = { "refused.day", "hole.day", "slow.day", "doubtful.day" };
    if (c->kind == TRIES_ADDRESSES || c->kind == ASKS_FOR_NAMES)
        return hosts[(c->kind == ASKS_FOR_NAMES) * 2 + below(&c->chance, 2)];
    return c->kind == VANISHES ? "127.0.0.1" : "server.day";
}

static int visit(struct client *c)
{
    struct future f = {0};
    char text[HEADER];
    bool in_haste = c->kind == LEAVES && below(&c->chance, 2);
    int64_t most = in_haste ? (int64_t)below(&c->chance, 80) * MILLISECOND : 20 * SECOND;
    struct tcp_connect how = { .host = whither(c), .port = PORT, .deadline = loop_time(loop) + most,
                               .source = c->kind == VANISHES ? home(c, text) : NULL };
    int rc = await(tcp_connect(loop, &how, &f));
    day.out_of_descriptors += rc == -EMFILE;
    if (rc < 0)
        return in_haste && rc == -ETIMEDOUT ? 0 : rc;
    rc = does[c->kind](c, f.value);
    stream_close(f.value);
    if (c->kind == VANISHES)
        mend(c);
    return rc;
}

static int live(void *self)
{
    struct client *c = self;
    int64_t rest = 2 * SECOND;
    while (visit(c) < 0) {
        day.again++;
        if (day.stopped) {
            day.late++;
            holds(c->at_night, "it came in time, and did not get what it came for", c->id);
            return 0;
        }
        pause_for(c, rest);
        rest = rest < 10 * MINUTE ? rest * 2 : rest;
    }
    day.done[c->kind]++;
    return 0;
}

static void on_time(void *self, int what)
{
    struct client *c = self;
    (void)what;
    co_spawn(loop, live, c, &c->life);
}

/* Each kind comes at each of these times; of those at night, every other one too late. */
static int64_t some_time(unsigned id)
{
    unsigned group = id / KINDS % GROUPS;
    int64_t part = (int64_t)below(&day.chance, MINUTE);
    if (group < 3)
        return o_clock(10) + part * 9 * 60;
    if (group < 12)
        return o_clock(17) + part;
    if (group < 14)
        return o_clock(15) + part / 6;
    if (group == 14)
        return o_clock(12) - 30 * SECOND + part;
    return o_clock(20) + (id % 2 ? part : -MINUTE - part) / 6;
}

static void client_begin(struct client *c, unsigned id)
{
    *c = (struct client){ .id = id, .kind = (enum kind)(id % KINDS), .chance = below(&day.chance, UINT64_MAX),
                          .at_night = id / KINDS % GROUPS == GROUPS - 1 };
    loop_call_at(loop, some_time(id), &c->comes, on_time, c);
}

/* ---- the day --------------------------------------------------------------------------------------------------------- */

static void tell_names(void)
{
    sim_host_add(sim, "server.day", "127.0.0.1 ::1", 5 * MILLISECOND);
    sim_host_add(sim, "refused.day", "127.9.9.9 ::1", 5 * MILLISECOND);
    sim_host_add(sim, "hole.day", "127.9.9.8 ::1", 5 * MILLISECOND);
    sim_host_add(sim, "slow.day", "127.0.0.1 ::1", 3 * SECOND);
    sim_net_refuse(sim, "127.9.9.9");
    sim_net_blackhole(sim, "127.9.9.8");
}

static void outage(int64_t begin, int64_t end)
{
    sleep_until(begin);
    sim_net_cut(sim, "0.0.0.0");
    sim_net_cut(sim, "::");
    sleep_until(end);
    sim_net_heal(sim, "0.0.0.0");
    sim_net_heal(sim, "::");
}

static int weather(void *self)
{
    (void)self;
    outage(o_clock(12), o_clock(12) + LONG_OUTAGE);
    outage(o_clock(13), o_clock(13) + 20 * SECOND);
    sleep_until(o_clock(15));
    sim_limit_descriptors(sim, 12);
    sleep_until(o_clock(16));
    sim_limit_descriptors(sim, 0);
    outage(o_clock(17) + 40 * SECOND, o_clock(17) + 45 * SECOND);
    sleep_until(o_clock(20));
    day.stopped = true;
    tcp_stop(listener, loop_time(loop) + 15 * SECOND);
    return 0;
}

/* A name server that has no answer in every other quarter of an hour. */
static int doubt(void *self)
{
    (void)self;
    while (!day.stopped) {
        sim_host_fail(sim, "doubtful.day", -EAGAIN, 5 * SECOND);
        sleep_until(loop_time(loop) + 15 * MINUTE);
        sim_host_add(sim, "doubtful.day", "127.0.0.1 ::1", 50 * MILLISECOND);
        sleep_until(loop_time(loop) + 15 * MINUTE);
    }
    return 0;
}

static void open_at_ten(uint64_t seed, unsigned count)
{
    day = (struct day){ .seed = seed, .count = count, .limit = (int)count / 5, .chance = seed * 7919 };
    day.clients = calloc(count, sizeof *day.clients);
    sim = sim_new(seed);
    sys = sim_sys(sim);
    loop = loop_new(sys);
    tell_names();
    sim_net_latency(sim, MILLISECOND, 40 * MILLISECOND);
    sim_net_buffers(sim, 4096, 4096);
    listener = tcp_listen(loop, NULL, PORT);
    ck_assert_ptr_nonnull(listener);
    tcp_limit(listener, day.limit);
    tcp_serve(listener, serve, &day.serving);
    co_spawn(loop, weather, NULL, NULL);
    co_spawn(loop, doubt, NULL, NULL);
    for (unsigned i = 0; i < count; i++)
        client_begin(&day.clients[i], i);
}

/* Each thing that may happen did. */
static void check_what_happened(void)
{
    unsigned ended = day.by_end + day.by_reset + day.by_timeout + day.cancelled;
    struct acceptor_count count = tcp_count(listener);
    holds(day.begun == ended && count.accepted == ended, "connections that did not end", (long long)ended);
    holds(future_done(&day.serving) && day.serving.rc == (int)day.cancelled, "those cut off at night", day.serving.rc);
    holds(day.by_end > 0 && day.by_reset > 0 && day.by_timeout > 0 && day.cancelled > 0, "an end that never came", ended);
    holds((count.refused > 0 || day.count < CLIENTS) && day.out_of_descriptors > 0, "there were descriptors enough",
          (long long)count.refused);
    holds(day.again > 0 && day.late > 0, "nobody had to try again, or came too late", day.again);
    holds(day.most_running == day.limit, "the limit was never reached", day.most_running);
    holds(day.most_stalled >= day.count / 8, "it was no crowd that stalled", day.most_stalled);
    for (int k = 0; k < KINDS; k++)
        holds(day.done[k] > 0, "nobody of this kind", k);
}

static void close_at_night(void)
{
    struct sim_live live;
    ck_assert_int_eq(loop_start(loop), 0);
    for (unsigned i = 0; i < day.count; i++)
        holds(future_done(&day.clients[i].life) && day.clients[i].life.rc == 0, "a client has not ended", i);
    check_what_happened();
    tcp_close(listener);
    holds(loop_idle(loop), "a timer or a handler is left", 0);
    loop_close(loop);
    holds(sys->poll(sys, NULL, 0, -1) == -EDEADLK, "something is still on its way", 0);
    live = sim_live(sim);
    holds(live.descriptors == 0, "descriptors are left", (long long)live.descriptors);
    holds(live.blocks == 0, "allocations are left", (long long)live.blocks);
    holds(live.mapped == 0, "stacks are left", (long long)live.mapped);
    holds(!strstr(sim_log(sim), "failed") && !strstr(sim_log(sim), "loop closed"), "something is wrong, says the log", 0);
    sim_close(sim);
    free(day.clients);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);
    return value ? strtoull(value, NULL, 10) : otherwise;
}

START_TEST(ten_hours_with_clients_that_come_go_stall_and_vanish_leave_nothing)
{
    uint64_t seed = number("EDDY_SEED", (uint64_t)_i + 1);
    make_noise();
    uint64_t count = number("EDDY_SEEDS", _i ? FEW_CLIENTS : CLIENTS);
    open_at_ten(seed, count < GROUPS * KINDS ? GROUPS * KINDS : (unsigned)count);
    close_at_night();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { ten_hours_with_clients_that_come_go_stall_and_vanish_leave_nothing, NULL };
    Suite *suite = suite_create("tcp: a day");
    add_tests_each(suite, "days", tests, getenv("EDDY_SEED") ? 1 : DAYS);
    return run_suite(suite);
}
