/* test_tcp_race.c - TCP over IPv4 and IPv6 in the sim's network: the race between the addresses of a name, when they answer,
 * refuse, say nothing, or answer too late; case 124 of Tornado's with sockets, and 125. */
#include "stream/tests/tcp_world.h"

#include <stdio.h>

#include "loop/executor.h"
#include "loop/sim_net.h"

static struct future f;
static struct sentence said;

/* ---- the world: hosts that listen at port 80 ------------------------------------------------------------------------- */

enum { MOST_HOSTS = 8 };
static int hosts[MOST_HOSTS], host_count;
static const char *host_address[MOST_HOSTS];

static void open_host(void *self, int what)
{
    struct address a;
    int fd, i = *(int *)self;
    (void)what;
    ck_assert_int_eq(address_parse(host_address[i], 80, &a), 0);
    fd = sys->socket(sys, a.at.ss_family, SOCK_STREAM);
    ck_assert_int_eq(sys->bind(sys, fd, (const struct sockaddr *)&a.at, a.len), 0);
    ck_assert_int_eq(sys->listen(sys, fd, 100), 0);
    hosts[i] = fd;
}

static void host_listens(const char *address)
{
    static int numbers[MOST_HOSTS];
    numbers[host_count] = host_count;
    host_address[host_count] = address;
    sim_at(sim, sim_now(sim), open_host, &numbers[host_count]);
    host_count++;
    wait_ms(0);
}

static void close_hosts(void)
{
    while (host_count > 0)
        hang_up(hosts[--host_count]);
}

/* The descriptors of ours that exist, beside those of the loop and the hosts. */
static size_t own_descriptors(size_t before)
{
    return sim_live(sim).descriptors - before;
}

/* ---- connecting ------------------------------------------------------------------------------------------------------- */

static int64_t began;

static void connect_how(const struct tcp_connect *how)
{
    struct tcp_connect all = *how;
    all.port = 80;
    all.failure = &said;
    f = (struct future){0};
    story[0] = '\0';
    began = sim_now(sim);
    tcp_connect(loop, &all, future_then(&f, stop, NULL));
}

static void connect_to(const char *name)
{
    connect_how(&(struct tcp_connect){ .host = name });
}

/* Runs until the answer is there; how many ms after the beginning. */
static int answered(void)
{
    loop_start(loop);
    ck_assert(future_done(&f));
    return (int)((sim_now(sim) - began) / MILLISECOND);
}

/* The winner's other end; ends it. */
static const char *winner(void)
{
    static char text[ADDRESS_TEXT];
    struct address a;
    ck_assert_msg(f.rc == 0, "%s", said.text);
    ck_assert_int_eq(sys->peername(sys, stream_fd(f.value), &a), 0);
    stream_close(f.value);
    return address_text(&a, text);
}

static int connects(void)
{
    static uint64_t seen;
    uint64_t all = sim_calls(sim, CALL_CONNECT), n = all - seen;
    seen = all;
    return (int)n;
}

/* Two of each family, as "a c b d" are tried: a and b are IPv6. */
#define A "2001:db8::1"
#define B "2001:db8::2"
#define C "192.0.2.3"
#define D "192.0.2.4"

static void abcd_begin(void)
{
    tcp_begin();
    ck_assert_ptr_nonnull(loop_executor(loop));     /* and its descriptor */
    host_count = 0;
    sim_host_add(sim, "four.example", A " " B " " C " " D, 0);
    host_listens(A);
    host_listens(B);
    host_listens(C);
    host_listens(D);
    connects();
}

static void abcd_end(void)
{
    close_hosts();
    teardown();
}

START_TEST(case_124_the_first_address_wins_if_it_answers)
{
    connect_to("four.example");
    ck_assert_int_eq(answered(), 0);
    ck_assert_str_eq(winner(), "[2001:db8::1]:80");
    ck_assert_int_eq(connects(), 1);
}
END_TEST

START_TEST(case_124_a_failure_starts_the_next_at_once)
{
    sim_net_refuse(sim, A);
    connect_to("four.example");
    ck_assert_int_eq(answered(), 0);
    ck_assert_str_eq(winner(), "192.0.2.3:80");
    ck_assert_int_eq(connects(), 2);
}
END_TEST

START_TEST(case_124_a_failure_within_the_call_starts_the_next_at_once)
{
    sim_net_unreachable(sim, A, -ENETUNREACH);
    sim_net_unreachable(sim, B, -ENETUNREACH);
    sim_net_unreachable(sim, C, -ENETUNREACH);
    connect_to("four.example");
    ck_assert_int_eq(answered(), 0);
    ck_assert_str_eq(winner(), "192.0.2.4:80");
    ck_assert_int_eq(connects(), 4);
}
END_TEST

START_TEST(case_124_silence_starts_the_next_after_250_ms_and_the_loser_is_closed)
{
    size_t before = sim_live(sim).descriptors;
    sim_net_blackhole(sim, A);
    connect_to("four.example");
    wait_ms(249);
    ck_assert_uint_eq(own_descriptors(before), 1);
    ck_assert_int_eq(answered(), 250);
    ck_assert_uint_eq(own_descriptors(before), 1);      /* the winner's */
    ck_assert_str_eq(winner(), "192.0.2.3:80");
    ck_assert_int_eq(connects(), 2);
}
END_TEST

START_TEST(case_124_the_first_may_still_win_and_the_late_one_is_closed)
{
    size_t before = sim_live(sim).descriptors;
    sim_net_latency(sim, 200 * MILLISECOND, 200 * MILLISECOND);     /* there and back: 400 */
    connect_to("four.example");
    ck_assert_int_eq(answered(), 400);
    ck_assert_int_eq(connects(), 2);
    ck_assert_uint_eq(own_descriptors(before), 1);
    ck_assert_str_eq(winner(), "[2001:db8::1]:80");
    wait_ms(1000);
    ck_assert_uint_eq(own_descriptors(before), 0);
    ck_assert_int_eq(connects(), 0);
}
END_TEST

START_TEST(case_124_of_two_that_answer_in_one_turn_one_wins_and_the_other_is_closed)
{
    size_t before = sim_live(sim).descriptors;
    sim_net_latency(sim, 200 * MILLISECOND, 200 * MILLISECOND);
    connect_to("four.example");
    wait_ms(249);
    sim_net_latency(sim, 75 * MILLISECOND, 75 * MILLISECOND);       /* what begins at 250 is there at 400, as is the first */
    wait_ms(150);
    ck_assert_uint_eq(own_descriptors(before), 2);
    ck_assert_int_eq(answered(), 400);
    ck_assert_uint_eq(own_descriptors(before), 1);
    winner();
    ck_assert_uint_eq(own_descriptors(before), 0);
}
END_TEST

START_TEST(case_124_all_fail_and_the_last_error_is_told_with_its_address)
{
    sim_net_refuse(sim, A);
    sim_net_unreachable(sim, B, -EHOSTUNREACH);
    sim_net_refuse(sim, C);
    sim_net_unreachable(sim, D, -ENETUNREACH);
    connect_to("four.example");
    answered();
    ck_assert_int_eq(f.rc, -ENETUNREACH);
    ck_assert_str_eq(said.text, "cannot connect to four.example at 192.0.2.4:80: there is no way to that address: check the "
                     "network, and that this machine has that family (Network is unreachable)");
    ck_assert_int_eq(connects(), 4);
}
END_TEST

START_TEST(case_124_the_deadline_closes_all_and_no_further_address_is_tried)
{
    size_t before = sim_live(sim).descriptors;
    sim_net_blackhole(sim, A);
    sim_net_blackhole(sim, C);
    connect_how(&(struct tcp_connect){ .host = "four.example", .deadline = sim_now(sim) + 400 * MILLISECOND });
    wait_ms(399);
    ck_assert_uint_eq(own_descriptors(before), 2);
    ck_assert_int_eq(answered(), 400);
    ck_assert_int_eq(f.rc, -ETIMEDOUT);
    ck_assert_ptr_nonnull(strstr(said.text, "four.example at 192.0.2.3:80: nobody answered in time"));
    ck_assert_uint_eq(own_descriptors(before), 0);
    wait_ms(1000);
    ck_assert_int_eq(connects(), 2);
}
END_TEST

START_TEST(case_124_without_a_deadline_silence_ends_when_the_kernel_gives_up)
{
    sim_net_blackhole(sim, A);
    sim_net_blackhole(sim, B);
    sim_net_blackhole(sim, C);
    sim_net_blackhole(sim, D);
    connect_to("four.example");
    ck_assert_int_ge(answered(), 60000);
    ck_assert_int_eq(f.rc, -ETIMEDOUT);
    ck_assert_int_eq(connects(), 4);
}
END_TEST

START_TEST(case_124_one_family_alone_is_tried_when_asked_for)
{
    sim_net_refuse(sim, A);
    connect_how(&(struct tcp_connect){ .host = "four.example", .family = AF_INET6 });
    ck_assert_int_eq(answered(), 0);
    ck_assert_str_eq(winner(), "[2001:db8::2]:80");
    ck_assert_int_eq(connects(), 2);
}
END_TEST

START_TEST(a_deadline_that_comes_after_the_answer_is_nothing)
{
    connect_how(&(struct tcp_connect){ .host = "four.example", .deadline = sim_now(sim) + SECOND });
    answered();
    wait_ms(2000);
    ck_assert_str_eq(winner(), "[2001:db8::1]:80");
    sim_net_unreachable(sim, A, -ENETUNREACH);
    connect_how(&(struct tcp_connect){ .host = A, .deadline = sim_now(sim) + SECOND });
    answered();
    wait_ms(2000);
    ck_assert_int_eq(f.rc, -ENETUNREACH);
}
END_TEST

START_TEST(the_deadline_holds_for_name_and_connection_together)
{
    sim_host_add(sim, "slow.example", A, 300 * MILLISECOND);
    sim_net_blackhole(sim, A);
    connect_how(&(struct tcp_connect){ .host = "slow.example", .deadline = sim_now(sim) + 500 * MILLISECOND });
    ck_assert_int_eq(answered(), 500);
    ck_assert_int_eq(f.rc, -ETIMEDOUT);
    ck_assert_ptr_nonnull(strstr(said.text, "slow.example at [2001:db8::1]:80: nobody answered"));
}
END_TEST

START_TEST(thirty_two_silent_addresses_begin_every_250_ms)
{
    char list[32 * 32] = "", *at = list;
    size_t before = sim_live(sim).descriptors;
    for (int i = 0; i < 32; i++) {
        char one[32];
        sprintf(one, "198.51.100.%d", i + 1);
        at += sprintf(at, "%s ", one);
        sim_net_blackhole(sim, one);
    }
    sim_host_add(sim, "many.example", list, 0);
    connect_to("many.example");
    for (size_t i = 1; i <= 32; i++) {
        wait_ms(i == 1 ? 1 : 250);
        ck_assert_uint_eq(own_descriptors(before), i);
    }
    future_cancel(&f);
    ck_assert_uint_eq(own_descriptors(before), 0);
}
END_TEST

/* ---- a cancel in every state ------------------------------------------------------------------------------------------ */

START_TEST(at_any_instant_a_connect_can_be_cancelled_and_leaves_nothing)
{
    size_t before = sim_live(sim).descriptors;
    sim_host_add(sim, "four.example", A " " B " " C " " D, 20 * MILLISECOND);
    sim_net_latency(sim, 100 * MILLISECOND, 100 * MILLISECOND);
    sim_net_blackhole(sim, A);
    for (int ms = 0; ms < 500; ms += 5) {       /* the name, a, a with c, the answer heard by nobody */
        connect_to("four.example");
        future_then(&f, NULL, NULL);
        if (ms > 0)
            wait_ms(ms);
        future_cancel(&f);
        ck_assert_uint_eq(own_descriptors(before), 0);
    }
    wait_ms(1000);
}
END_TEST

/* ---- the source ------------------------------------------------------------------------------------------------------- */

START_TEST(a_source_chooses_the_family_and_is_whom_the_other_side_sees)
{
    struct address a;
    char text[ADDRESS_TEXT];
    connect_how(&(struct tcp_connect){ .host = "four.example", .source = "10.0.0.1", .source_port = 4321 });
    ck_assert_int_eq(answered(), 0);
    ck_assert_int_eq(sys->sockname(sys, stream_fd(f.value), &a), 0);
    ck_assert_str_eq(address_text(&a, text), "10.0.0.1:4321");
    ck_assert_str_eq(winner(), "192.0.2.3:80");
}
END_TEST

START_TEST(a_source_port_needs_no_source)
{
    struct address a;
    connect_how(&(struct tcp_connect){ .host = "four.example", .source_port = 4321 });
    answered();
    ck_assert_int_eq(sys->sockname(sys, stream_fd(f.value), &a), 0);
    ck_assert_int_eq(address_port(&a), 4321);
    ck_assert_str_eq(winner(), "[2001:db8::1]:80");
}
END_TEST

START_TEST(case_125_a_source_ip_of_another_machine_fails)
{
    connect_how(&(struct tcp_connect){ .host = "four.example", .source = "8.8.8.8" });
    answered();
    ck_assert_int_eq(f.rc, -EADDRNOTAVAIL);
    ck_assert_ptr_nonnull(strstr(said.text, "that address is not one of this machine's"));
}
END_TEST

START_TEST(case_125_a_source_port_that_is_roots_fails)
{
    sim_host_add(sim, "one.example", A, 0);
    sim_fail(sim, CALL_BIND, 1, -EACCES);
    connect_how(&(struct tcp_connect){ .host = "one.example", .source_port = 1 });
    answered();
    ck_assert_int_eq(f.rc, -EACCES);
    ck_assert_ptr_nonnull(strstr(said.text, "one.example at [2001:db8::1]:80: that is not allowed: ports below 1024 need root"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        case_124_the_first_address_wins_if_it_answers,
        case_124_a_failure_starts_the_next_at_once,
        case_124_a_failure_within_the_call_starts_the_next_at_once,
        case_124_silence_starts_the_next_after_250_ms_and_the_loser_is_closed,
        case_124_the_first_may_still_win_and_the_late_one_is_closed,
        case_124_of_two_that_answer_in_one_turn_one_wins_and_the_other_is_closed,
        case_124_all_fail_and_the_last_error_is_told_with_its_address,
        case_124_the_deadline_closes_all_and_no_further_address_is_tried,
        case_124_without_a_deadline_silence_ends_when_the_kernel_gives_up,
        case_124_one_family_alone_is_tried_when_asked_for,
        a_deadline_that_comes_after_the_answer_is_nothing,
        the_deadline_holds_for_name_and_connection_together,
        thirty_two_silent_addresses_begin_every_250_ms,
        at_any_instant_a_connect_can_be_cancelled_and_leaves_nothing,
        a_source_chooses_the_family_and_is_whom_the_other_side_sees,
        a_source_port_needs_no_source,
        case_125_a_source_ip_of_another_machine_fails,
        case_125_a_source_port_that_is_roots_fails,
        NULL
    };
    TCase *group = tcase_create("tcp: the race");
    tcase_add_checked_fixture(group, abcd_begin, abcd_end);
    for (int i = 0; tests[i]; i++)
        tcase_add_test(group, tests[i]);
    return run_suite(suite_create("tcp: the race"), group);
}
