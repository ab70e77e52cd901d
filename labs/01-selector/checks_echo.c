/* checks_echo.c - the echo and its peers that behave: bytes, ends, peers that do not read. E1..E3. */
#include "labs/01-selector/checks.h"
#include "labs/01-selector/checks_clients.h"
#include "labs/01-selector/echo.h"

enum { MOST_TAKEN = 2 << 20 };      /* what two sockets' queues hold is a fraction of that */

/* ---- E1: every byte comes back ---------------------------------------------------------------------------------- */

static void a_byte_at_a_time(struct server *s)
{
    server_begin(s, "two clients, a byte at a time");
    client_new(s);
    client_new(s);
    for (int n = 0; n < 20; n++) {
        client_send(s, n % 2, 1);
        server_exchange(s);
        expect_answered(s, n % 2);
    }
    server_end(s);
}

static void blocks_of_many_sizes(struct server *s)
{
    server_begin(s, "blocks of many sizes, of two clients at once");
    client_new(s);
    client_new(s);
    for (int bytes = 2; bytes < 100000; bytes = bytes * 3 + 1) {
        client_send(s, 0, bytes);
        client_send(s, 1, bytes / 2 + 1);
        server_exchange(s);
        expect_answered(s, 0);
        expect_answered(s, 1);
    }
    server_end(s);
}

START_TEST(e1)
{
    for (int tcp = 0; tcp < 2; tcp++) {
        struct server s;
        server_open(&s, tcp);
        a_byte_at_a_time(&s);
        blocks_of_many_sizes(&s);
        server_close(&s);
    }
    verdict_pass();
}
END_TEST

/* ---- E2: a peer that has said all ------------------------------------------------------------------------------- */

static void says_all_at_once(struct server *s)
{
    server_begin(s, "a client connects, sends, and has said all before it was ever looked at");
    for (int i = 0; i < 2; i++) {
        client_new(s);
        client_send(s, i, i * 3000);
        client_said_all(s, i);
    }
    server_exchange(s);
    expect_answered(s, 0);
    expect_answered(s, 1);
    expect_connections(s, 0, "who has said all, and was answered, is closed");
    server_end(s);
}

static void says_all_and_reads_later(struct server *s)
{
    server_begin(s, "a client sends all it can, has said all, and reads only then");
    client_new(s);
    s->clients[0].silent = true;
    while (s->clients[0].sent < MOST_TAKEN && client_send(s, 0, 65536) > 0)
        server_turns(s, 2000);
    client_said_all(s, 0);
    server_turns(s, 2000);
    EXPECT_INT("open connections", 1, judge_said_number(s->judge, "open"),
               "bytes wait to be sent: a half-closed peer is answered to the last byte");
    s->clients[0].silent = false;
    server_exchange(s);
    expect_answered(s, 0);
    expect_connections(s, 0, "now it was answered, and is closed");
    server_end(s);
}

static void others_go_on(struct server *s)
{
    server_begin(s, "one client has said all; the others go on");
    for (int i = 0; i < 3; i++) {
        client_new(s);
        client_send(s, i, 100);
    }
    server_exchange(s);
    client_said_all(s, 1);
    server_exchange(s);
    for (int i = 0; i < 3; i += 2)
        client_send(s, i, 100);
    server_exchange(s);
    for (int i = 0; i < 3; i++)
        expect_answered(s, i);
    expect_connections(s, 2, "only the one that had said all is closed");
    server_end(s);
}

START_TEST(e2)
{
    struct server s;
    server_open(&s, false);
    says_all_at_once(&s);
    says_all_and_reads_later(&s);
    others_go_on(&s);
    server_close(&s);
    verdict_pass();
}
END_TEST

/* ---- E3: a peer that never reads -------------------------------------------------------------------------------- */

/* Sends until nothing more is taken; more than any queue holds is somebody's memory. */
static void fill(struct server *s, int i)
{
    s->clients[i].silent = true;
    while (client_send(s, i, 65536) > 0) {
        server_turns(s, 2000);
        EXPECT_AT_MOST("bytes taken from a peer that never reads", MOST_TAKEN, s->clients[i].sent,
                       "nothing is received while bytes wait to be sent: a peer that never reads must fill its own memory");
    }
}

static void costs_a_portion(struct server *s)
{
    server_begin(s, "a client sends and never reads");
    client_new(s);
    fill(s, 0);
    EXPECT_AT_MOST("bytes in the echo's hands", ECHO_MOST, judge_said_number(s->judge, "most_held"),
                   "a connection holds ECHO_MOST bytes at most");
    server_turns(s, 2000);
    EXPECT_INT("reads, while bytes wait to be sent", 0, judge_said_number(s->judge, "reads"),
               "nothing is received while bytes wait");
    EXPECT_INT("turns, with nothing that can be done", 0, server_turns(s, 2000),
               "while bytes wait only WRITABLE is watched: READABLE would be told again and again");
    server_end(s);
}

static void delays_nobody(struct server *s)
{
    server_begin(s, "while one client does not read, the others are served");
    client_new(s);
    fill(s, 0);
    for (int i = 1; i < 4; i++) {
        client_new(s);
        client_send(s, i, 5000);
    }
    server_exchange(s);
    for (int i = 1; i < 4; i++)
        expect_answered(s, i);
    s->clients[0].silent = false;
    server_exchange(s);
    expect_answered(s, 0);
    client_send(s, 0, 1);
    server_exchange(s);
    expect_answered(s, 0);
    server_end(s);
}

static void reads_a_little(struct server *s)
{
    server_begin(s, "short writes: each takes 700 bytes at most");
    client_new(s);
    server_exchange(s);
    judge_order(s->judge, "shorten 700");
    client_send(s, 0, 9000);
    server_exchange(s);
    expect_answered(s, 0);
    judge_order(s->judge, "shorten 0");
    for (int n = 1; n <= 3; n++) {
        judge_order(s->judge, "fail write %d 11", n);
        client_send(s, 0, 10000);
        server_exchange(s);
        expect_answered(s, 0);
    }
    server_end(s);
}

START_TEST(e3)
{
    struct server s;
    server_open(&s, false);
    costs_a_portion(&s);
    delays_nobody(&s);
    reads_a_little(&s);
    server_close(&s);
    verdict_pass();
}
END_TEST

void check_echo_items(Suite *s)
{
    add_item(s, "E1", e1);
    add_item(s, "E2", e2);
    add_item(s, "E3", e3);
}
