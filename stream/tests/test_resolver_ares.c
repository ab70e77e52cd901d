/* test_resolver_ares.c - names looked up by c-ares from a name server of our own, on the real kernel: what it answers, what it
 * refuses, what it sends that is no answer, how long an answer holds, and who hears when somebody does not wait any more. */
#include <stdio.h>

#include "stream/tcp.h"
#include "stream/tests/nameserver_world.h"

/* ---- answers -------------------------------------------------------------------------------------------------------- */

START_TEST(a_name_is_asked_for_on_the_loop_and_leaves_nothing_open)
{
    ck_assert_str_eq(found("a.example", AF_UNSPEC), "[2 192.0.2.1:80 [2001:db8::1]:80]");
    ck_assert_int_eq(server.asked, 2);
    ck_assert_int_eq(door.sockets, 0);
    ck_assert_str_eq(found("A.Example", AF_INET), "[1 192.0.2.1:80]");
    ck_assert_str_eq(found("a.example", AF_INET6), "[1 [2001:db8::1]:80]");
    ck_assert_int_eq(server.asked, 4);
}
END_TEST

START_TEST(what_needs_no_name_server_asks_none)
{
    ck_assert_str_eq(found("127.0.0.1", AF_UNSPEC), "[1 127.0.0.1:80]");
    ck_assert_str_eq(found("localhost", AF_INET), "[1 127.0.0.1:80]");
    ck_assert_int_eq(resolver_override(names, "b.example", 0, 0, "192.0.2.9", 81), 0);
    ck_assert_str_eq(found("b.example", AF_UNSPEC), "[1 192.0.2.9:81]");
    ck_assert_int_eq(server.asked, 0);
}
END_TEST

START_TEST(a_truncated_answer_is_asked_for_again_by_tcp)
{
    ck_assert_str_eq(found("cut.example", AF_INET), "[1 192.0.2.1:80]");
    ck_assert_int_eq(server.asked, 1);
    ck_assert_int_eq(server.asked_by_stream, 1);
    ck_assert_str_eq(found("cut.example", AF_UNSPEC), "[2 192.0.2.1:80 [2001:db8::1]:80]");
    ck_assert_int_eq(server.asked_by_stream, 3);
}
END_TEST

START_TEST(of_very_many_addresses_the_first_are_seen)
{
    struct asked a;
    begin_to_ask(&a, "many.example", AF_INET);
    loop_start(loop);
    ck_assert_int_eq(a.f.rc, MOST_ADDRESSES);
}
END_TEST

START_TEST(what_can_be_reached_comes_first)
{
    ck_assert_str_eq(found("near.example", AF_INET), "[2 127.0.0.1:80 255.255.255.255:80]");
}
END_TEST

START_TEST(what_comes_twice_is_heard_once)
{
    struct asked held;
    begin_to_ask(&held, "hold.example", AF_INET);       /* keeps the socket open, so that the second copy arrives */
    struct asked a;
    begin_to_ask(&a, "twice.example", AF_INET);
    while (!a.times)
        pass_turns(1);
    pass_turns(3);
    ck_assert_int_eq(nameserver_release(&server, 1, FOREVER), 1);
    loop_start(loop);
    ck_assert_int_eq(a.times, 1);
    ck_assert_str_eq(a.text, "[1 192.0.2.1:80]");
    ck_assert_str_eq(held.text, "[1 192.0.2.1:80]");
}
END_TEST

START_TEST(what_is_no_answer_or_another_questions_is_passed_over)
{
    ck_assert_str_eq(found("garbage.example", AF_INET), "[1 192.0.2.1:80]");
    ck_assert_str_eq(found("spoof.example", AF_INET), "[1 192.0.2.1:80]");
    ck_assert_int_eq(server.asked, 2);                  /* and nothing is asked again for it */
}
END_TEST

/* ---- failures ------------------------------------------------------------------------------------------------------- */

static void fails_with(const char *host, int error)
{
    char text[16];
    snprintf(text, sizeof text, "[%d]", error);
    ck_assert_str_eq(found(host, AF_INET), text);
}

START_TEST(each_refusal_has_its_error_and_its_sentence)
{
    fails_with("nxdomain.example", -ENOENT);
    fails_with("nodata.example", -ENODATA);
    ck_assert_str_eq(found("nodata.example", AF_UNSPEC), "[-61]");
    fails_with("servfail.example", -EREMOTEIO);
    fails_with("refused.example", -EREMOTEIO);
    fails_with("broken.example", -EREMOTEIO);
    fails_with("a..example", -EINVAL);
    fails_with("hangup.example", -EAGAIN);
}
END_TEST

START_TEST(a_name_with_addresses_of_one_family_has_them_for_any)
{
    ck_assert_str_eq(found("near.example", AF_INET6), "[-61]");
    ck_assert_str_eq(found("near.example", AF_UNSPEC), "[2 127.0.0.1:80 255.255.255.255:80]");
}
END_TEST

START_TEST(a_server_that_says_nothing_did_not_answer_and_the_loop_sleeps_until_then)
{
    struct name_servers how = only_server();
    how.patience = 5 * MILLISECOND - 1;         /* that much passes, and as much again for the second try, doubled */
    ask_instead(&how);
    ck_assert_str_eq(found("silent.example", AF_UNSPEC), "[-11]");
    ck_assert_int_eq(server.asked, 4);
    ck_assert_int_le(door.waits, 30);
}
END_TEST

/* Nobody is at 127.0.0.2, and the kernel says so. c-ares closes its socket then, and has another of that number at once. */
START_TEST(a_server_that_is_not_there_is_passed_over)
{
    char at[80];
    struct name_servers how = only_server();
    how.at = at;
    snprintf(at, sizeof at, "127.0.0.2:%d", server.port);
    ask_instead(&how);
    ck_assert_str_eq(found("a.example", AF_UNSPEC), "[-11]");
    snprintf(at, sizeof at, "127.0.0.2:%d,%s", server.port, server.at);
    ask_instead(&how);
    ck_assert_str_eq(found("a.example", AF_UNSPEC), "[2 192.0.2.1:80 [2001:db8::1]:80]");
    ck_assert_str_eq(found("cut.example", AF_INET), "[1 192.0.2.1:80]");
}
END_TEST

START_TEST(a_server_that_cannot_say_is_passed_over_too)
{
    char at[80];
    struct name_servers how = only_server();
    how.at = at;
    snprintf(at, sizeof at, "%s,127.0.0.2:%d", server.at, server.port);
    ask_instead(&how);
    fails_with("servfail.example", -EAGAIN);            /* the last that was asked is not there */
    ck_assert_int_eq(server.asked, 1);
}
END_TEST

START_TEST(what_this_machine_lacks_is_not_blamed_on_the_server)
{
    door_fail(CALL_SOCKET, 1, 100, -EMFILE);
    fails_with("a.example", -EMFILE);
    door_fail(CALL_EPOLL_CTL, 1, 100, -ENOSPC);
    fails_with("a.example", -ENOSPC);
    door_fail(CALL_MEMORY, 3, 100, -ENOMEM);            /* after the question and the look-up: the socket's */
    fails_with("a.example", -ENOMEM);
    door_fail(CALL_MEMORY, 0, 0, 0);
    ck_assert_str_eq(found("a.example", AF_INET), "[1 192.0.2.1:80]");
}
END_TEST

START_TEST(a_list_that_is_none_is_refused_and_leaves_nothing)
{
    static const char *const lists[] = { "", "nonsense", "127.0.0.1;127.0.0.2", "127.0.0.1,ns.example" };
    static const char *const good[] = { "127.0.0.1", "127.0.0.1,127.0.0.2:5353", "[::1]:5353,::1" };
    long blocks = door.blocks;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        errno = 0;
        ck_assert_ptr_null(resolver_new_ares(loop, &(struct name_servers){ .at = lists[i] }));
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_int_eq(door.blocks, blocks);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ask_instead(&(struct name_servers){ .at = good[i], .patience = FOREVER });
    for (unsigned n = 1; n <= 2; n++) {
        door_fail(CALL_MEMORY, n, 1, -ENOMEM);
        ck_assert_ptr_null(resolver_new_ares(loop, NULL));
        ck_assert_int_eq(errno, ENOMEM);
    }
    ask_instead(NULL);
}
END_TEST

/* ---- what is remembered --------------------------------------------------------------------------------------------- */

/* Whether it was asked for: of the name server, in one question. */
static bool asks(const char *host)
{
    int before = server.asked;
    ck_assert_str_eq(found(host, AF_INET), strncmp(host, "alias", 5) == 0 ? "[1 192.0.2.5:80]" : "[1 192.0.2.1:80]");
    ck_assert_int_le(server.asked - before, 1);
    return server.asked > before;
}

START_TEST(an_answer_is_remembered_as_long_as_it_says_and_not_longer)
{
    resolver_remember(names, FOREVER, 0, 100);
    ck_assert(asks("ttl7.example"));
    put_time_forward(6 * SECOND);
    ck_assert(!asks("ttl7.example"));
    put_time_forward(SECOND);
    ck_assert(asks("ttl7.example"));
    ck_assert(asks("ttl0.example") && asks("ttl0.example"));
    ck_assert(asks("ttl-5.example") && asks("ttl-5.example"));
}
END_TEST

START_TEST(an_answer_by_another_name_holds_as_long_as_that_name_does)
{
    resolver_remember(names, FOREVER, 0, 100);
    ck_assert(asks("alias.example"));
    put_time_forward(2 * SECOND);
    ck_assert(!asks("alias.example"));
    put_time_forward(SECOND);
    ck_assert(asks("alias.example"));
}
END_TEST

START_TEST(an_answer_is_not_remembered_longer_than_it_was_told_to)
{
    ck_assert(asks("a.example") && asks("a.example"));      /* as long as nobody says so: not at all */
    resolver_remember(names, 2 * SECOND, SECOND, 100);
    ck_assert(asks("a.example"));
    put_time_forward(SECOND);
    ck_assert(!asks("a.example"));
    put_time_forward(SECOND);
    ck_assert(asks("a.example"));
    for (int i = 0; i < 2; i++)
        fails_with("nxdomain.example", -ENOENT);
    ck_assert_int_eq(server.asked, 5);
}
END_TEST

/* ---- nobody waits any more ------------------------------------------------------------------------------------------ */

/* Until the server holds so many questions. */
static void until_held(int count)
{
    while (server.held_count < count)
        pass_turns(1);
}

START_TEST(many_that_ask_for_one_name_ask_once_and_may_leave_one_by_one)
{
    static struct asked all[100];
    for (int i = 0; i < 100; i++)
        begin_to_ask(&all[i], "hold.example", AF_INET);
    until_held(1);
    for (int i = 0; i < 99; i++)
        future_cancel(&all[i].f);
    ck_assert_int_eq(nameserver_release(&server, 9, FOREVER), 1);
    loop_start(loop);
    ck_assert_int_eq(all[0].times + all[98].times, 0);
    ck_assert_str_eq(all[99].text, "[1 192.0.2.1:80]");
    ck_assert_int_eq(server.asked, 1);
}
END_TEST

START_TEST(the_last_that_leaves_ends_all_that_was_asked)
{
    struct asked a, b;
    begin_to_ask(&a, "hold-a.example", AF_UNSPEC);
    begin_to_ask(&b, "hold-b.example", AF_UNSPEC);
    until_held(4);
    future_cancel(&a.f);
    ck_assert_int_eq(door.sockets, 1);
    future_cancel(&b.f);
    ck_assert_int_eq(door.sockets, 0);
    ck_assert(loop_idle(loop));
    ck_assert_str_eq(found("a.example", AF_INET), "[1 192.0.2.1:80]");
}
END_TEST

START_TEST(what_was_not_sent_yet_is_not_sent)
{
    struct asked a;
    begin_to_ask(&a, "a.example", AF_INET);
    future_cancel(&a.f);
    loop_start(loop);
    ck_assert_int_eq(server.asked, 0);
}
END_TEST

START_TEST(a_name_that_was_given_up_may_be_asked_for_again_at_once)
{
    struct asked other, a;
    begin_to_ask(&other, "hold-other.example", AF_INET);
    begin_to_ask(&a, "hold-a.example", AF_INET);
    until_held(2);
    future_cancel(&a.f);
    begin_to_ask(&a, "hold-a.example", AF_INET);
    until_held(3);
    ck_assert_int_eq(nameserver_release(&server, 9, FOREVER), 3);
    loop_start(loop);
    ck_assert_int_eq(a.times + other.times, 2);
    ck_assert_str_eq(a.text, "[1 192.0.2.1:80]");
}
END_TEST

START_TEST(an_answer_that_came_and_was_not_heard_is_freed)
{
    struct asked a;
    begin_to_ask(&a, "a.example", AF_INET);
    while (door.sockets == 0)
        pass_turns(1);
    while (door.sockets > 0)            /* until c-ares is done; the resolver has not heard yet */
        pass_turns(1);
    future_cancel(&a.f);
    loop_start(loop);
    ck_assert_int_eq(a.times, 0);
}
END_TEST

static int ask_and_keep(void *self)
{
    struct future f = {0};
    *(int *)self = await(resolver_find(names, "hold-c.example", 1, AF_UNSPEC, &f));
    return 0;
}

START_TEST(closing_while_it_is_asked_tells_coroutines_and_is_silent_for_callbacks)
{
    struct asked sent, cut, waiting;
    int rc = 1;
    co_spawn(loop, ask_and_keep, &rc, NULL);
    begin_to_ask(&sent, "hold.example", AF_UNSPEC);
    begin_to_ask(&cut, "cut.example", AF_INET);
    until_held(4);
    while (!cut.times && door.sockets < 2)          /* in the middle of its TCP connection */
        pass_turns(1);
    begin_to_ask(&waiting, "a.example", AF_INET);
    resolver_close(names);
    names = NULL;
    ck_assert_int_eq(door.sockets, 0);
    loop_start(loop);
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_int_eq(sent.times + waiting.times, 0);
}
END_TEST

START_TEST(half_an_answer_is_given_up_with_the_whole)
{
    struct asked half;
    begin_to_ask(&half, "half.example", AF_UNSPEC);
    while (server.held_count < 1 || server.asked < 2)
        pass_turns(1);
    pass_turns(3);
    future_cancel(&half.f);
    ck_assert_int_eq(door.sockets, 0);
    loop_start(loop);
    ck_assert_int_eq(half.times, 0);
}
END_TEST

/* ---- with others ---------------------------------------------------------------------------------------------------- */

static void connected(void *self, int rc)
{
    struct future *f = self;
    ck_assert_int_eq(rc, 0);
    stream_close(f->value);
}

START_TEST(a_connection_is_made_to_a_name_it_finds)
{
    struct future f = {0};
    struct tcp_connect how = { .host = "near.example", .port = server.port, .resolver = names };
    tcp_connect(loop, &how, future_then(&f, connected, &f));
    loop_start(loop);
    ck_assert(future_done(&f));
    ck_assert_int_eq(server.asked, 2);
}
END_TEST

/* A name of /etc/hosts that c-ares would have to look up; false: there is none on this machine. */
static bool name_in_hosts(char *name)
{
    char line[512], ip[64];
    FILE *f = fopen("/etc/hosts", "r");
    bool is_one = false;
    while (f && !is_one && fgets(line, sizeof line, f))
        is_one = sscanf(line, "%63[0-9.] %63s", ip, name) == 2 && !strstr(name, "localhost");
    if (f)
        fclose(f);
    return is_one;
}

START_TEST(the_hosts_file_is_asked_first_unless_it_is_left_out)
{
    char name[64], text[16];
    struct name_servers how = only_server();
    if (!name_in_hosts(name))
        return;
    how.without_hosts = false;
    ask_instead(&how);
    resolver_remember(names, FOREVER, FOREVER, 10);
    for (int i = 0; i < 2; i++) {                           /* which says nothing of how long it holds */
        snprintf(text, sizeof text, "%.3s", found(name, AF_INET));
        ck_assert_str_eq(text, "[1 ");
    }
    ck_assert_int_eq(server.asked, 0);
    how.without_hosts = true;
    ask_instead(&how);
    found(name, AF_INET);
    ck_assert_int_eq(server.asked, 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_name_is_asked_for_on_the_loop_and_leaves_nothing_open,
        what_needs_no_name_server_asks_none,
        a_truncated_answer_is_asked_for_again_by_tcp,
        of_very_many_addresses_the_first_are_seen,
        what_can_be_reached_comes_first,
        what_comes_twice_is_heard_once,
        what_is_no_answer_or_another_questions_is_passed_over,
        each_refusal_has_its_error_and_its_sentence,
        a_name_with_addresses_of_one_family_has_them_for_any,
        a_server_that_says_nothing_did_not_answer_and_the_loop_sleeps_until_then,
        a_server_that_is_not_there_is_passed_over,
        a_server_that_cannot_say_is_passed_over_too,
        what_this_machine_lacks_is_not_blamed_on_the_server,
        a_list_that_is_none_is_refused_and_leaves_nothing,
        an_answer_is_remembered_as_long_as_it_says_and_not_longer,
        an_answer_by_another_name_holds_as_long_as_that_name_does,
        an_answer_is_not_remembered_longer_than_it_was_told_to,
        many_that_ask_for_one_name_ask_once_and_may_leave_one_by_one,
        the_last_that_leaves_ends_all_that_was_asked,
        what_was_not_sent_yet_is_not_sent,
        a_name_that_was_given_up_may_be_asked_for_again_at_once,
        an_answer_that_came_and_was_not_heard_is_freed,
        closing_while_it_is_asked_tells_coroutines_and_is_silent_for_callbacks,
        half_an_answer_is_given_up_with_the_whole,
        a_connection_is_made_to_a_name_it_finds,
        the_hosts_file_is_asked_first_unless_it_is_left_out,
        NULL
    };
    return run_names("resolver_ares", tests);
}
