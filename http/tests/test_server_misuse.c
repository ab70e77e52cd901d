/* test_server_misuse.c - what a handler may not do: each of these ends the program with a sentence. */
#include "http/tests/server_world.h"

static void ask(handler *fn)
{
    serve(fn);
    say(call_server(), "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\n");
    wait_ms(1);
}

static int ask_twice(struct exchange *x)
{
    struct future one = {0}, two = {0};
    exchange_body(x, &one);
    exchange_body(x, &two);
    return 204;
}

static int ask_and_go(struct exchange *x)
{
    static struct future f;
    exchange_body(x, &f);
    return 204;
}

static int two_replies(struct exchange *x)
{
    exchange_reply(x, 200, NULL, text_of("one"));
    return exchange_reply(x, 200, NULL, text_of("two"));
}

static int reply_and_status(struct exchange *x)
{
    exchange_reply(x, 200, NULL, text_of("one"));
    return 404;
}

static int set_behind(struct exchange *x)
{
    exchange_begin(x, 200, -1);
    return exchange_set(x, "A", text_of("b"));
}

static int set_the_servers(struct exchange *x)
{
    return exchange_set(x, "content-length", text_of("+10"));
}

static int interim(struct exchange *x)
{
    (void)x;
    return 100;
}

static int write_behind(struct exchange *x)
{
    exchange_reply(x, 200, NULL, text_of("one"));
    exchange_write(x, text_of("two"), NULL);
    return 0;
}

START_TEST(a_second_exchange_body_ends_the_program)
{
    ask(ask_twice);
}
END_TEST

START_TEST(a_handler_that_leaves_its_exchange_body_behind_ends_the_program)
{
    ask(ask_and_go);
}
END_TEST

START_TEST(a_second_reply_ends_the_program)
{
    ask(two_replies);
}
END_TEST

START_TEST(a_status_behind_a_reply_ends_the_program)
{
    ask(reply_and_status);
}
END_TEST

START_TEST(a_field_behind_the_beginning_ends_the_program)
{
    ask(set_behind);
}
END_TEST

START_TEST(case_54_a_length_of_the_applications_own_ends_the_program)
{
    ask(set_the_servers);
}
END_TEST

START_TEST(an_interim_status_ends_the_program)
{
    ask(interim);
}
END_TEST

START_TEST(a_write_behind_the_end_ends_the_program)
{
    ask(write_behind);
}
END_TEST

START_TEST(a_server_without_a_handler_ends_the_program)
{
    http_server_new(loop, &(struct http_options){0});
}
END_TEST

int main(void)
{
    const TTest *const none[] = { NULL };
    const TTest *const aborting[] = {
        a_second_exchange_body_ends_the_program,
        a_handler_that_leaves_its_exchange_body_behind_ends_the_program,
        a_second_reply_ends_the_program,
        a_status_behind_a_reply_ends_the_program,
        a_field_behind_the_beginning_ends_the_program,
        case_54_a_length_of_the_applications_own_ends_the_program,
        an_interim_status_ends_the_program,
        a_write_behind_the_end_ends_the_program,
        a_server_without_a_handler_ends_the_program,
        NULL
    };
    return run_server("server: misuse", none, aborting);
}
