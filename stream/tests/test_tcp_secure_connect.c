/* test_tcp_secure_connect.c - connecting with TLS, as far as it is TCP's: one deadline, a cancel in every phase, and words that
 * say where. The handshake is a byte (pretended_tls.h): this program links without OpenSSL. */
#include "loop/sim_net.h"
#include "stream/tests/pretended_tls.h"
#include "stream/tests/tcp_world.h"

static struct future f;
static struct sentence said;
static int world;               /* the server's listening socket */

static void open_town(const char *address, int64_t name_takes)
{
    struct address a;
    ck_assert_int_eq(address_parse(address, 443, &a), 0);
    sim_host_add(sim, "town.example", "10.0.0.1 127.0.0.1", name_takes);
    world = sys->socket(sys, AF_INET, SOCK_STREAM);
    ck_assert_int_eq(sys->bind(sys, world, (const struct sockaddr *)&a.at, a.len), 0);
    ck_assert_int_eq(sys->listen(sys, world, 8), 0);
}

/* The server's part of the handshake: 'y' is right, all else is wrong. */
static void shake(int fd, char byte)
{
    ck_assert_int_eq(heard_by(fd), 'y');
    send_byte(fd, byte);
    wait_ms(1);
}

static struct future *go_to_town(const char *name, int64_t deadline)
{
    said.text[0] = '\0';
    f = (struct future){0};
    struct tcp_connect how = { .host = "town.example", .port = 443, .tls = &pretended_client, .tls_name = name,
                               .deadline = deadline, .failure = &said };
    return tcp_connect(loop, &how, future_then(&f, heard, "connect"));
}

static int met(void)
{
    int fd = sys->accept(sys, world, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(a_connect_is_done_when_the_handshake_is)
{
    open_town("10.0.0.1", 0);
    go_to_town(NULL, 0);
    wait_ms(1);
    ck_assert_str_eq(story, "");
    ck_assert_str_eq(pretended_name, "town.example");
    int server = met();
    shake(server, 'y');
    ck_assert_str_eq(story, "connect0 ");
    stream_close(f.value);
    hang_up(server);
    hang_up(world);
}
END_TEST

START_TEST(the_certificate_may_be_for_another_name_if_that_is_said)
{
    char name[] = "other.example";
    open_town("10.0.0.1", SECOND);
    go_to_town(name, 0);
    name[0] = '?';                          /* options are copied */
    wait_ms(1001);
    ck_assert_str_eq(pretended_name, "other.example");
    future_cancel(&f);
    hang_up(world);
}
END_TEST

START_TEST(a_failed_handshake_names_host_and_address_and_no_other_address_is_tried)
{
    open_town("0.0.0.0", 0);
    go_to_town(NULL, 0);
    wait_ms(1);
    int server = met();
    shake(server, 'n');
    ck_assert_str_eq(story, "connect-71 ");
    ck_assert_str_eq(said.text, "cannot connect to town.example at 10.0.0.1:443: the stream could not be read");
    ck_assert_str_eq(f.why, "the stream could not be read");
    wait_ms(1000);
    ck_assert_int_eq(sys->accept(sys, world, NULL, NULL), -EAGAIN);
    hang_up(server);
    hang_up(world);
}
END_TEST

START_TEST(one_deadline_holds_for_name_connection_and_handshake)
{
    open_town("10.0.0.1", SECOND);
    sim_net_latency(sim, 250 * MILLISECOND, 250 * MILLISECOND);
    go_to_town(NULL, 3 * SECOND);           /* the clock begins at 1 s */
    wait_ms(1999);
    ck_assert_str_eq(story, "");
    wait_ms(2);
    ck_assert_str_eq(story, "connect-110 ");
    ck_assert_ptr_nonnull(strstr(said.text, "cannot connect to town.example at 10.0.0.1:443: it has accepted the connection"));
    int server = met();
    wait_ms(1000);
    ck_assert_int_eq(heard_by(server), 'y');
    ck_assert_int_eq(heard_by(server), 'e');
    hang_up(server);
    hang_up(world);
}
END_TEST

START_TEST(while_shaking_hands_no_other_address_is_tried_either)
{
    open_town("0.0.0.0", 0);
    go_to_town(NULL, 0);
    wait_ms(5000);
    hang_up(met());
    ck_assert_int_eq(sys->accept(sys, world, NULL, NULL), -EAGAIN);
    wait_ms(1);
    ck_assert_str_eq(story, "connect-104 ");
    hang_up(world);
}
END_TEST

START_TEST(a_connect_can_be_cancelled_in_every_phase)
{
    open_town("10.0.0.1", SECOND);
    sim_net_latency(sim, 100 * MILLISECOND, 100 * MILLISECOND);
    for (int64_t ms = 0; ms < 1600; ms += 50) {
        go_to_town(NULL, 0);
        wait_ms(ms);
        future_cancel(&f);
        wait_ms(1000);
    }
    ck_assert_str_eq(story, "");
    hang_up(world);
}
END_TEST

START_TEST(a_stream_that_nobody_has_heard_of_is_closed)
{
    open_town("10.0.0.1", 0);
    go_to_town(NULL, 0);
    future_then(&f, NULL, NULL);
    wait_ms(1);
    int server = met();
    shake(server, 'y');
    ck_assert(future_done(&f));
    future_cancel(&f);
    ck_assert_int_eq(heard_by(server), 'e');
    hang_up(server);
    hang_up(world);
}
END_TEST

START_TEST(loop_close_ends_a_connect_in_its_handshake)
{
    open_town("10.0.0.1", 0);
    go_to_town(NULL, 0);
    wait_ms(1);
    loop_close(loop);
    int server = met();
    ck_assert_int_eq(heard_by(server), 'y');
    ck_assert_int_eq(heard_by(server), 'e');
    hang_up(server);
    hang_up(world);
    loop = loop_new(sys);
}
END_TEST

START_TEST(connecting_as_a_server_ends_the_program)
{
    tcp_connect(loop, &(struct tcp_connect){ .host = "127.0.0.1", .tls = &pretended_server }, &f);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_connect_is_done_when_the_handshake_is,
        the_certificate_may_be_for_another_name_if_that_is_said,
        a_failed_handshake_names_host_and_address_and_no_other_address_is_tried,
        one_deadline_holds_for_name_connection_and_handshake,
        while_shaking_hands_no_other_address_is_tried_either,
        a_connect_can_be_cancelled_in_every_phase,
        a_stream_that_nobody_has_heard_of_is_closed,
        loop_close_ends_a_connect_in_its_handshake,
        NULL
    };
    const TTest *const aborting[] = { connecting_as_a_server_ends_the_program, NULL };
    return run_tcp("tcp: secure connections", tests, aborting);
}
