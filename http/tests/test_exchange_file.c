/* test_exchange_file.c - files that handlers send: whole, in part, between other things, to whoever takes his time or leaves; and
 * what was handed over is ended once, whatever happens. */
#include <fcntl.h>

#include "http/tests/server_world.h"
#include "stream/stream_inside.h"

enum { LONG = 1400000, MIDDLING = 250000, SHORT = 1000 };

#define GET "GET / HTTP/1.1\r\n" H "\r\n"
#define FILE_OK(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"

static char content[LONG];
static int64_t from, size, promised;    /* promised < 0: no length is said */
static bool copies;                     /* as over TLS */
static int said;                        /* what exchange_send_file did */

static int open_file(void)
{
    int fd = sys->open(sys, "/file", O_RDONLY, 0);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static int send_it(struct exchange *x)
{
    static struct wire wire;
    struct stream *s = exchange_stream(x);
    if (copies) {
        wire = *s->wire;
        wire.splice = NULL;
        s->wire = &wire;
    }
    exchange_begin(x, 200, promised);
    return said = exchange_send_file(x, open_file(), from, size);
}

static void begin(void)
{
    server_begin();
    ck_assert_int_eq(sim_disk_add(sim, "/file", content, LONG), 0);
    from = 0;
    size = promised = LONG;
    copies = false;
    said = 1;
}

/* All of what is heard until the end or nothing comes any more: behind a head that is 200, how much of the file, which must be
 * that. */
static size_t hear_body(struct client *c)
{
    size_t at = 0;
    bool head = false;
    for (int quiet = 0; quiet < 50 && !c->failed && !(c->ended && !c->len); quiet++) {
        wait_for(c, 1);
        char *body = head ? c->heard : strstr(c->heard, "\r\n\r\n");
        if (!body || (!head && strncmp(c->heard, "HTTP/1.1 200", 12) != 0))
            continue;
        body += head ? 0 : 4;
        head = true;
        size_t n = c->len - (size_t)(body - c->heard);
        ck_assert_msg(memcmp(body, content + from + at, n) == 0, "it is not the file, from %zu on", at);
        at += n;
        quiet = n ? 0 : quiet;
        c->len = 0;
    }
    return at;
}

START_TEST(a_file_is_the_body_and_the_connection_stays)
{
    static const int64_t parts[][2] = {
        { 0, LONG }, { 1, LONG - 1 }, { LONG - 5, 5 }, { 4095, 70000 }, { 0, SHORT }, { 7, 32768 }, { 7, 32769 }
    };
    serve(send_it);
    struct client *c = call_server();
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
            from = parts[k][0];
            size = promised = parts[k][1];
            say(c, GET);
            ck_assert_uint_eq(hear_body(c), (size_t)size);
            ck_assert_int_eq(said, 0);
            ck_assert(!c->ended);
        }
        copies = true;
    }
    leave_server(c);
}
END_TEST

START_TEST(what_need_not_be_copied_is_not)
{
    serve(send_it);
    struct client *c = call_server();
    say(c, GET);
    ck_assert_uint_eq(hear_body(c), LONG);
    ck_assert_int_ge((int)sim_calls(sim, CALL_SPLICE), 4);
    uint64_t spliced = sim_calls(sim, CALL_SPLICE);
    copies = true;
    say(c, GET);
    ck_assert_uint_eq(hear_body(c), LONG);
    ck_assert_uint_eq(sim_calls(sim, CALL_SPLICE), spliced);
    leave_server(c);
}
END_TEST

START_TEST(an_empty_part_is_nothing)
{
    serve(send_it);
    struct client *c = call_server();
    size = promised = 0;
    say(c, GET);
    hears(c, FILE_OK("0"));
    leave_server(c);
}
END_TEST

static int send_between(struct exchange *x)
{
    struct future f = {0};
    int rc = await(exchange_write(x, text_of("<"), &f));
    if (rc >= 0)
        rc = exchange_send_file(x, open_file(), 10, 4);
    if (rc >= 0)
        rc = exchange_send_file(x, open_file(), 0, 40000);
    if (rc >= 0)
        rc = await(exchange_write(x, text_of(">"), &f));
    return rc < 0 ? rc : 0;
}

START_TEST(without_a_length_a_file_is_a_chunk_between_others)
{
    char expected[45000];
    serve(send_between);
    struct client *c = call_server();
    say(c, GET);
    sprintf(expected, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n<\r\n4\r\n%.4s\r\n9c40\r\n%.40000s\r\n"
            "1\r\n>\r\n0\r\n\r\n", content + 10, content);
    hears(c, expected);
    say(c, "GET / HTTP/1.0\r\n\r\n");
    sprintf(expected, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<%.4s%.40000s>", content + 10, content);
    hears(c, expected);
    ck_assert(c->ended);
    leave_server(c);
}
END_TEST

static int send_first(struct exchange *x)
{
    return exchange_send_file(x, open_file(), 0, 100);
}

START_TEST(of_a_head_reply_nothing_is_read)
{
    serve(send_it);
    struct client *c = call_server();
    say(c, "HEAD / HTTP/1.1\r\n" H "\r\n");
    hears(c, FILE_OK("1400000"));
    app = send_first;
    say(c, "HEAD / HTTP/1.1\r\n" H "\r\n");
    hears(c, "HTTP/1.1 200 OK\r\n\r\n");
    ck_assert_uint_eq(sim_calls(sim, CALL_SUBMIT), 0);
    ck_assert(!c->ended);
    ck_assert_str_eq(sim_log(sim), "");
    leave_server(c);
}
END_TEST

/* ---- what goes wrong ------------------------------------------------------------------------------------------------- */

START_TEST(a_file_that_is_too_short_ends_the_connection)
{
    serve(send_it);
    for (int i = 0; i < 4; i++) {
        struct client *c = call_server();
        copies = i % 2;
        from = i < 2 ? 100 : LONG - 10;
        size = promised = i < 2 ? LONG : 100;
        say(c, GET);
        ck_assert_uint_le(hear_body(c), LONG - (size_t)from);
        ck_assert(c->ended);
        ck_assert_int_eq(said, -ENODATA);
        leave_server(c);
    }
    ck_assert(logged("the handler"));
}
END_TEST

START_TEST(more_of_a_file_than_was_promised_is_not_sent)
{
    serve(send_it);
    for (int i = 0; i < 2; i++) {
        struct client *c = call_server();
        copies = i;
        promised = 100000;
        say(c, GET);
        ck_assert_uint_le(hear_body(c), 100000);
        ck_assert_int_eq(said, -EMSGSIZE);
        ck_assert(c->ended);
        leave_server(c);
    }
    ck_assert(logged("a handler writes more than the length it promised"));
}
END_TEST

/* Memory, threads and pipes are refused, one after the other: what was sent is the file's, and never more than was promised. */
START_TEST(whatever_is_refused_nothing_is_left_and_nothing_is_made_up)
{
    static const enum sys_call kinds[] = { CALL_MEMORY, CALL_SUBMIT, CALL_PIPE, CALL_SPLICE, CALL_EVENTFD };
    int whole = 0, broken = 0;
    size = promised = MIDDLING;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (unsigned n = 1; n <= 12; n++) {
            serve(send_it);
            struct client *c = call_server();
            wait_ms(1);
            size_t open = sim_live(sim).descriptors;
            sim_fail(sim, kinds[k], n, -ENOMEM);
            say(c, GET);
            size_t at = hear_body(c);
            sim_fail(sim, kinds[k], 0, 0);
            whole += at == MIDDLING;
            broken += at != MIDDLING;
            leave_server(c);
            wait_ms(10);
            ck_assert_int_eq(http_connections(server), 0);
            ck_assert_uint_le(sim_live(sim).descriptors, open + 2 * 16);
            end_server();
        }
    ck_assert_int_ge(whole, 10);
    ck_assert_int_ge(broken, 5);
}
END_TEST

START_TEST(a_client_that_leaves_at_any_time_leaves_nothing_behind)
{
    serve(send_it);
    sim_job_time(sim, 2 * MILLISECOND, 3 * MILLISECOND);
    size = promised = MIDDLING;
    for (int ms = 0; ms < 24; ms++) {
        struct client *c = call_server();
        copies = ms % 2;
        said = 1;
        say(c, GET);
        wait_ms(ms / 2);
        if (ms % 3)
            listen_to(c);
        leave_server(c);
        wait_ms(100);
        ck_assert_int_eq(http_connections(server), 0);
        ck_assert_int_eq(http_running(server), 0);
        ck_assert_msg(said <= 0, "after %d ms the handler has not heard of it", ms);
    }
}
END_TEST

/* While a thread has it, while it is being sent, and between: server_end sees that nothing is left. */
START_TEST(a_server_may_be_stopped_at_any_time)
{
    sim_job_time(sim, 2 * MILLISECOND, 3 * MILLISECOND);
    size = promised = MIDDLING;
    for (int step = 0; step < 40; step++) {
        struct future stopped = {0};
        serve(send_it);
        struct client *c = call_server();
        copies = step % 2;
        say(c, GET);
        wait_ms(1 + step / 4);
        if (step % 4 < 2) {
            http_stop(server, loop_time(loop) + MILLISECOND, future_then(&stopped, heard, "stopped"));
            wait_ms(5);
            ck_assert_int_eq(http_connections(server), 0);
        }
        end_server();
        leave_server(c);
    }
}
END_TEST

START_TEST(who_takes_nothing_of_a_file_is_gone)
{
    for (int i = 0; i < 2; i++) {
        serve_at("127.0.0.1", send_it, (struct http_options){ .write = 5 * SECOND });
        struct client *c = call_server();
        copies = i;
        say(c, GET);
        wait_ms(4900);
        ck_assert_int_eq(http_connections(server), 1);
        wait_ms(300);
        ck_assert_int_eq(http_connections(server), 0);
        ck_assert_int_eq(said, -EPIPE);
        leave_server(c);
        end_server();
    }
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

/* So little at a time that the kernel does not say within the time-out that there is room. */
START_TEST(who_takes_a_little_of_a_file_now_and_then_gets_all_of_it)
{
    static char in[30000];
    size_t len = 0;
    serve_at("127.0.0.1", send_it, (struct http_options){ .idle = 10 * SECOND, .write = 5 * SECOND });
    struct client *c = call_server();
    say(c, "GET / HTTP/1.0\r\n\r\n");
    for (ssize_t n = 1; n > 0;) {
        wait_ms(4000);
        n = sys->read(sys, c->fd, in, sizeof in);
        len += n > 0 ? (size_t)n : 0;
    }
    ck_assert_int_eq(said, 0);
    ck_assert_uint_gt(len, LONG);
    ck_assert_int_gt(now_ms(), 40000);
    leave_server(c);
}
END_TEST

int main(void)
{
    for (size_t i = 0; i < LONG; i++)
        content[i] = (char)('a' + (i + i / 26 + i / 4001) % 26);
    const TTest *tests[] = {
        a_file_is_the_body_and_the_connection_stays,
        what_need_not_be_copied_is_not,
        an_empty_part_is_nothing,
        without_a_length_a_file_is_a_chunk_between_others,
        of_a_head_reply_nothing_is_read,
        a_file_that_is_too_short_ends_the_connection,
        more_of_a_file_than_was_promised_is_not_sent,
        whatever_is_refused_nothing_is_left_and_nothing_is_made_up,
        a_client_that_leaves_at_any_time_leaves_nothing_behind,
        a_server_may_be_stopped_at_any_time,
        who_takes_nothing_of_a_file_is_gone,
        who_takes_a_little_of_a_file_now_and_then_gets_all_of_it,
        NULL
    };
    TCase *group = tcase_create("exchange: files");
    tcase_set_timeout(group, 240);
    tcase_add_checked_fixture(group, begin, server_end);
    for (const TTest **test = tests; *test; test++)
        tcase_add_test(group, *test);
    return run_suite(suite_create("exchange: files"), group);
}
