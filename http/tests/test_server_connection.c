/* test_server_connection.c - what becomes of a connection behind a request: cases 42 to 50, 82 and 83 of Tornado's tests;
 * clients that go at any time; and how a request is executed: who holds what, and when its answer goes out. */
#include "http/server_inside.h"
#include "http/tests/server_world.h"
#include "loop/sim_net.h"
#include "stream/stream_inside.h"
#include "stream/tests/pretended_tls.h"

#define GET(fields) "GET /hello HTTP/1.1\r\n" H fields "\r\n"
#define GET_10(fields) "GET /hello HTTP/1.0\r\n" fields "\r\n"
#define KEPT_10 "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 11\r\nContent-Type: text/plain\r\n\r\nHello world"
#define LAST CLOSING("11", "Hello world")

/* ---- another request, or none ---------------------------------------------------------------------------------------- */

START_TEST(case_42_requests_follow_each_other_on_one_connection)
{
    struct client *c = call_server_at_hello();
    for (int i = 0; i < 3; i++) {
        say(c, GET(""));
        hears(c, HELLO);
    }
    ck_assert_int_eq(http_connections(server), 1);
}
END_TEST

START_TEST(case_42_pipelined_requests_are_answered_in_order_with_one_write)
{
    struct client *c = call_server_at_hello();
    wait_ms(1);
    say(c, GET("") "POST /hello HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab" GET(""));
    uint64_t writes = sim_calls(sim, CALL_WRITE), reads = sim_calls(sim, CALL_READ);
    wait_ms(1);
    ck_assert_uint_eq(sim_calls(sim, CALL_WRITE) - writes, 1);
    ck_assert_uint_eq(sim_calls(sim, CALL_READ) - reads, 1);
    hears(c, HELLO TEXT_OK("19", "Got 2 bytes in POST") HELLO);
    ck_assert_int_eq(calls, 3);
}
END_TEST

START_TEST(case_42_pipelined_requests_come_in_portions_of_any_size)
{
    serve(hello);
    ANSWERS(GET("") "POST /hello HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab" GET("Connection: close\r\n"),
            HELLO TEXT_OK("19", "Got 2 bytes in POST") LAST, false);
}
END_TEST

START_TEST(case_42_a_client_may_read_one_answer_and_go)
{
    struct client *c = call_server_at_hello();
    say(c, GET("") GET(""));
    leave_server(c);
    wait_ms(1);
    ck_assert_int_eq(http_connections(server), 0);
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

START_TEST(case_43_close_is_a_token_of_a_list)
{
    serve(hello);
    ANSWERS(GET("Connection: close\r\n"), LAST, false);
    ANSWERS(GET("Connection: Close\r\n"), LAST, false);
    ANSWERS(GET("Connection: close, te\r\n"), LAST, false);
    ANSWERS(GET("Connection: te\r\nConnection: x,CLOSE\r\n"), LAST, false);
    ANSWERS(GET("Connection: closed\r\n"), HELLO, true);
}
END_TEST

START_TEST(case_44_http_1_0_ends_unless_it_asks_to_go_on)
{
    serve(hello);
    ANSWERS(GET_10(""), LAST, false);
    ANSWERS(GET_10("Connection: keep-alive\r\n"), KEPT_10, true);
    ANSWERS(GET_10("Connection: Keep-Alive, x\r\n") "\r\n" GET_10(""), KEPT_10 LAST, false);
    ANSWERS("POST /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" GET_10(""),
            "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 19" PLAIN "Got 0 bytes in POST" LAST,
            false);
}
END_TEST

START_TEST(case_45_garbage_behind_a_request_is_refused_behind_its_answer)
{
    struct client *c = call_server_at_hello();
    wait_ms(1);
    say(c, GET("") "garbage\r\n\r\n");
    uint64_t writes = sim_calls(sim, CALL_WRITE);
    wait_for(c, 1);
    ck_assert_uint_eq(sim_calls(sim, CALL_WRITE) - writes, 1);
    ck_assert_int_eq(times_heard(c, "Hello world"), 1);
    ck_assert_int_eq(times_heard(c, "HTTP/1.1 200 OK\r\n"), 1);
    ck_assert_int_eq(status_heard(c), 400);
    ck_assert(c->ended);
}
END_TEST

START_TEST(case_49_a_client_that_has_ended_its_side_gets_its_answers)
{
    struct client *c = call_server_at_hello();
    say(c, GET("") GET(""));
    half_close(c);
    hears(c, HELLO HELLO);
    ck_assert(c->ended);
    wait_ms(1);
    ck_assert_int_eq(http_connections(server), 0);
}
END_TEST

static char large[300000];

static int send_large(struct exchange *x)
{
    memset(large, 'L', sizeof large);
    return exchange_reply(x, 200, NULL, (struct bytes){ large, sizeof large });
}

START_TEST(case_49_also_who_ended_it_in_the_middle_of_another_request)
{
    struct client *c = call_server_at_hello();
    say(c, GET("") "GET /he");
    half_close(c);
    hears(c, HELLO);
    ck_assert(c->ended);
}
END_TEST

START_TEST(case_49_and_the_rest_of_what_the_kernel_did_not_take_at_once)
{
    serve(send_large);
    struct client *c = call_server();
    say(c, GET(""));
    half_close(c);
    wait_ms(10000);
    size_t len = 0;
    for (int i = 0; i < 100 && !c->ended; i++, c->len = 0) {
        wait_for(c, 1);
        len += c->len;
    }
    ck_assert(c->ended);
    ck_assert_uint_gt(len, sizeof large);
    wait_ms(1);
    ck_assert_int_eq(http_connections(server), 0);
}
END_TEST

START_TEST(case_82_the_same_over_a_unix_socket)
{
    serve_at("unix:@http", hello, (struct http_options){0});
    ANSWERS(GET_10(""), LAST, false);
    REFUSED("garbage\r\n\r\n", 400);
    end_server();
    serve_at("unix:/run/http.sock", hello, (struct http_options){0});
    ANSWERS(GET_10(""), LAST, false);
}
END_TEST

START_TEST(case_83_who_does_not_speak_tls_where_it_is_spoken_is_closed_soon)
{
    struct http_options options = { .handler = run_app };
    app = hello;
    server = http_server_new(loop, &options);
    place = http_listen(server, &(struct tcp_listen){ .host = "127.0.0.1", .tls = &pretended_server });
    struct client *c = call_server(), *other = call_server();
    say(c, GET(""));
    wait_for(c, 1);
    ck_assert(c->ended || c->failed);
    ck_assert_int_eq(http_connections(server), 0);
    say(other, "y" GET(""));
    hears(other, "y" HELLO);                                /* and who does is served */
    end_server();
    ck_assert_int_eq(pretended_server.holders + pretended_client.holders, 0);
}
END_TEST

/* ---- clients that go ------------------------------------------------------------------------------------------------- */

/* The whole of what a client might say, and then it goes: at any byte, in any way. */
static void goes_at(const char *request, size_t at, int how)
{
    struct client *c = call_server();
    say_bytes(c, request, at);
    wait_ms(1);
    if (how == 0)
        half_close(c);
    else if (how == 1)
        sim_net_reset(sim, c->fd);
    else
        leave_server(c);
    wait_ms(1);
    if (c->fd) {
        listen_to(c);
        ck_assert(c->ended || c->failed);
        leave_server(c);
    }
    wait_ms(20000);
    ck_assert_int_eq(http_connections(server), 0);
    ck_assert_int_eq(http_running(server), 0);
}

static void goes_at_each(const char *request, handler *fn)
{
    serve(fn);
    for (size_t at = 0; at <= strlen(request); at += split_step())
        for (int how = 0; how < 3; how++)
            goes_at(request, at, how);
    ck_assert_str_eq(sim_log(sim), "");
}

START_TEST(a_client_may_go_at_every_byte_of_its_request)
{
    goes_at_each("POST /hello HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nabcd", hello);
}
END_TEST

START_TEST(a_client_may_go_at_every_byte_of_its_chunks)
{
    goes_at_each("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: y\r\n\r\n", echo_body);
}
END_TEST

static int twice_slowly(struct exchange *x)
{
    struct future f = {0}, wait = {0};
    int rc = 0;
    for (int i = 0; rc >= 0 && i < 9; i++) {
        rc = await(exchange_write(x, text_of("some of it\n"), &f));
        tell("wrote", rc);
        await(future_sleep(loop, 2 * SECOND, &wait));
    }
    return rc < 0 ? rc : 0;
}

START_TEST(case_48_a_client_may_go_while_the_handler_waits_whose_next_wait_fails_when_that_is_known)
{
    serve(twice_slowly);
    struct client *c = call_server();
    say(c, GET(""));
    wait_for(c, 1);
    leave_server(c);
    wait_ms(20000);
    ck_assert_str_eq(story, "wrote11 wrote11 wrote11 wrote-32 ");
    ck_assert_int_eq(http_connections(server), 0);
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

START_TEST(case_48_a_client_may_go_in_the_middle_of_a_download)
{
    serve(send_large);
    for (int how = 0; how < 2; how++) {
        struct client *c = call_server();
        say(c, GET(""));
        wait_for(c, 1);
        if (how)
            sim_net_reset(sim, c->fd);
        leave_server(c);
        wait_ms(1);
        ck_assert_int_eq(http_connections(server), 0);
    }
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

/* ---- the polite end -------------------------------------------------------------------------------------------------- */

START_TEST(behind_the_last_answer_it_reads_on_so_that_no_reset_eats_it)
{
    struct client *c = call_server_at_hello();
    say(c, "garbage\r\n\r\n");
    wait_ms(1);
    for (int i = 0; i < 50; i++) {
        ck_assert(say_bytes(c, large, 10000));              /* nobody has reset it */
        wait_ms(1);
    }
    ck_assert_int_eq(status_heard(c), 400);
    ck_assert(c->ended && !c->failed);
    ck_assert_int_eq(http_connections(server), 1);
    wait_ms(5000);
    ck_assert_int_eq(http_connections(server), 0);          /* but not for ever */
}
END_TEST

/* The kernel takes nothing any more, in whatever way: nobody waits for the client to notice. */
START_TEST(a_connection_that_cannot_be_written_to_ends)
{
    static const char *const said[] = { GET(""), GET("") "GET /h" };
    serve(hello);
    for (int i = 0; i < 2; i++) {
        struct client *c = call_server();
        wait_ms(1);
        say(c, said[i]);
        sim_fail(sim, CALL_WRITE, 1, -EIO);
        wait_for(c, 1);
        ck_assert(sim_failed(sim));
        ck_assert(c->len == 0 && (c->ended || c->failed));
        ck_assert_int_eq(http_connections(server), 0);
    }
    ck_assert(logged("nobody waits for it: Input/output error"));
}
END_TEST

START_TEST(what_is_sent_is_not_held_back_until_more_comes)
{
    serve(hello);
    uint64_t options = sim_calls(sim, CALL_SET_OPTION);
    call_server();
    wait_ms(1);
    ck_assert_uint_eq(sim_calls(sim, CALL_SET_OPTION) - options, 1);    /* TCP_NODELAY */
}
END_TEST

/* ---- who holds what, and when an answer goes out --------------------------------------------------------------------- */

static int mark(struct exchange *x)
{
    struct future f = {0};
    struct bytes a = exchange_header(x, "A");
    tell("begins", *a.data - '0');
    await(future_sleep(loop, SECOND, &f));
    tell("ends", *a.data - '0');                            /* the head is pinned while it runs */
    return 204;
}

START_TEST(one_handler_at_a_time_runs_on_a_connection)
{
    serve(mark);
    struct client *c = call_server();
    say(c, GET("A: 1\r\n") GET("A: 2\r\n"));
    wait_ms(1);
    ck_assert_int_eq(http_running(server), 1);
    wait_ms(3000);
    ck_assert_str_eq(story, "begins1 ends1 begins2 ends2 ");
    hears(c, "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
}
END_TEST

static int hello_or_mark(struct exchange *x)
{
    return exchange_header(x, "A").len ? mark(x) : hello(x);
}

START_TEST(what_was_said_before_a_handler_waits_goes_out_then)
{
    serve(hello_or_mark);
    struct client *c = call_server();
    say(c, GET("") GET("A: 1\r\n"));
    hears(c, HELLO);
    ck_assert_int_eq(http_running(server), 1);
}
END_TEST

/* Three clients ask at the same time: in the turn in which the last of the handlers has ended all answers are there. */
static void answers_in_its_turn(handler *fn)
{
    struct client *c[3];
    serve(fn);
    for (int i = 0; i < 3; i++)
        c[i] = call_server();
    wait_ms(1);
    for (int i = 0; i < 3; i++)
        say(c[i], GET(""));
    while (calls < 3 || http_running(server)) {
        sim_spend(sim, SECOND);
        turn();
    }
    for (int i = 0; i < 3; i++) {
        listen_to(c[i]);
        ck_assert_uint_gt(c[i]->len, 0);
        leave_server(c[i]);
    }
    end_server();
}

START_TEST(an_answer_goes_out_in_the_turn_of_its_handler_not_behind_those_of_the_others)
{
    answers_in_its_turn(hello);
    answers_in_its_turn(slowly);                            /* also of one that has waited */
}
END_TEST

START_TEST(a_request_costs_one_read_and_one_write_and_nothing_is_registered_anew)
{
    struct client *c = call_server_at_hello();
    say(c, GET(""));
    hears(c, HELLO);
    say(c, GET(""));
    uint64_t reads = sim_calls(sim, CALL_READ), writes = sim_calls(sim, CALL_WRITE), others = sim_calls(sim, CALL_EPOLL_CTL);
    uint64_t memory = sim_calls(sim, CALL_MEMORY), maps = sim_calls(sim, CALL_MAP);
    while (calls < 2)
        turn();
    turn();
    ck_assert_uint_eq(sim_calls(sim, CALL_READ) - reads, 1);
    ck_assert_uint_eq(sim_calls(sim, CALL_WRITE) - writes, 1);
    ck_assert_uint_eq(sim_calls(sim, CALL_EPOLL_CTL) - others, 0);
    ck_assert_uint_eq(sim_calls(sim, CALL_MEMORY) - memory, 0);
    ck_assert_uint_eq(sim_calls(sim, CALL_MAP) - maps, 0);
    hears(c, HELLO);
}
END_TEST

/* As many connections, each of which has been answered; they stay. */
static struct sim_live live_with(int count)
{
    for (int i = 0; i < count; i++) {
        struct client *c = call_server();
        say(c, GET(""));
        hears(c, HELLO);
    }
    return sim_live(sim);
}

START_TEST(a_connection_that_waits_holds_neither_a_stack_nor_a_buffer)
{
    serve(hello);
    struct sim_live some = live_with(4), more = live_with(8);
    ck_assert_uint_eq(more.mapped, some.mapped);
    ck_assert_uint_eq(more.blocks - some.blocks, 8 * 3);    /* the connection, its stream, and the loop's handler: a call */
    ck_assert_uint_eq(more.bytes - some.bytes, 8 * (sizeof(struct seat) + sizeof(struct stream) + sizeof(struct call)));
}
END_TEST

/* What the C library's allocator takes for it: in blocks of sixteen, with eight of its own. */
static size_t on_the_heap(size_t size)
{
    return (size + sizeof(void *) + 15) & ~(size_t)15;
}

START_TEST(a_connection_that_waits_holds_512_bytes_at_most)
{
    enum { IN_TABLES = 2 * 16 };        /* the loop's and the selector's, which may be twice as large as needed */
    size_t held = on_the_heap(sizeof(struct seat)) + on_the_heap(sizeof(struct stream)) + on_the_heap(sizeof(struct call));
    ck_assert_uint_le(held + IN_TABLES, 512);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        case_42_requests_follow_each_other_on_one_connection,
        case_42_pipelined_requests_are_answered_in_order_with_one_write,
        case_42_pipelined_requests_come_in_portions_of_any_size,
        case_42_a_client_may_read_one_answer_and_go,
        case_43_close_is_a_token_of_a_list,
        case_44_http_1_0_ends_unless_it_asks_to_go_on,
        case_45_garbage_behind_a_request_is_refused_behind_its_answer,
        case_48_a_client_may_go_while_the_handler_waits_whose_next_wait_fails_when_that_is_known,
        case_48_a_client_may_go_in_the_middle_of_a_download,
        case_49_a_client_that_has_ended_its_side_gets_its_answers,
        case_49_also_who_ended_it_in_the_middle_of_another_request,
        case_49_and_the_rest_of_what_the_kernel_did_not_take_at_once,
        case_82_the_same_over_a_unix_socket,
        case_83_who_does_not_speak_tls_where_it_is_spoken_is_closed_soon,
        a_client_may_go_at_every_byte_of_its_request,
        a_client_may_go_at_every_byte_of_its_chunks,
        behind_the_last_answer_it_reads_on_so_that_no_reset_eats_it,
        a_connection_that_cannot_be_written_to_ends,
        what_is_sent_is_not_held_back_until_more_comes,
        one_handler_at_a_time_runs_on_a_connection,
        what_was_said_before_a_handler_waits_goes_out_then,
        an_answer_goes_out_in_the_turn_of_its_handler_not_behind_those_of_the_others,
        a_request_costs_one_read_and_one_write_and_nothing_is_registered_anew,
        a_connection_that_waits_holds_neither_a_stack_nor_a_buffer,
        a_connection_that_waits_holds_512_bytes_at_most,
        NULL
    };
    return run_server("server: connections", tests, NULL);
}
