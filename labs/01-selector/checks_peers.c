/* checks_peers.c - the echo and the rest of the world: crowds, peers that are gone, a full house. E4..E6. */
#include <errno.h>

#include "labs/01-selector/checks.h"
#include "labs/01-selector/checks_clients.h"

enum { TURNS = 2000, MOST_TAKEN = 2 << 20 };

/* ---- E4: whoever waits is accepted ------------------------------------------------------------------------------ */

static void all_at_once(struct server *s)
{
    server_begin(s, "thirty clients connect between two turns");
    for (int i = 0; i < 30; i++)
        client_new(s);
    judge_order(s->judge, "turns 1");
    EXPECT_INT("connections after one turn", 30, judge_said_number(s->judge, "open"),
               "on_accept accepts until accept says -EAGAIN: who waits does not wait for another turn");
    for (int i = 0; i < 30; i++)
        client_send(s, i, 10 + i);
    server_exchange(s);
    for (int i = 0; i < 30; i++)
        expect_answered(s, i);
    server_end(s);
}

static void one_who_left(struct server *s)
{
    server_begin(s, "one of three leaves before it was accepted");
    for (int i = 0; i < 3; i++)
        client_new(s);
    client_leave(s, 1);
    client_send(s, 0, 10);
    client_send(s, 2, 10);
    server_exchange(s);
    expect_answered(s, 0);
    expect_answered(s, 2);
    expect_connections(s, 2, "who left is closed");
    server_end(s);
}

static void accept_fails(struct server *s, int error, const char *title)
{
    server_begin(s, title);
    for (int i = 0; i < 3; i++)
        client_new(s);
    judge_order(s->judge, "fail accept 2 %d", error);
    judge_order(s->judge, "turns 1");
    EXPECT_INT("connections after one turn", 3, judge_said_number(s->judge, "open"),
               "neither a signal nor one who left ends the row: accept until -EAGAIN");
    for (int i = 0; i < 3; i++)
        client_send(s, i, 10);
    server_exchange(s);
    for (int i = 0; i < 3; i++)
        expect_answered(s, i);
    server_end(s);
}

START_TEST(e4)
{
    struct server s;
    server_open(&s, false);
    all_at_once(&s);
    one_who_left(&s);
    accept_fails(&s, ECONNABORTED, "accept says that one of three left before it was accepted (ECONNABORTED)");
    accept_fails(&s, EINTR, "accept is interrupted by a signal");
    server_close(&s);
    verdict_pass();
}
END_TEST

/* ---- E5: a peer that is gone ------------------------------------------------------------------------------------ */

/* Client 0 lives before, meanwhile and after. */
static void still_there(struct server *s)
{
    client_send(s, 0, 1000);
    server_exchange(s);
    expect_answered(s, 0);
}

static void cuts_the_connection(struct server *s)
{
    server_begin(s, "one of two clients cuts the connection with bytes in it");
    client_new(s);
    client_new(s);
    s->clients[1].silent = true;
    client_send(s, 1, 100);
    still_there(s);
    client_cut(s, 1);
    still_there(s);
    expect_connections(s, 1, "a read that fails with ECONNRESET is the end of that connection");
    server_end(s);
}

static void leaves_while_bytes_wait(struct server *s, bool cut)
{
    server_begin(s, cut ? "a client that never read cuts the connection while bytes wait to be sent"
                        : "a client that never read closes while bytes wait to be sent");
    client_new(s);
    client_new(s);
    s->clients[1].silent = true;
    for (int64_t n = 1; n > 0 && s->clients[1].sent < MOST_TAKEN; server_turns(s, TURNS))
        n = client_send(s, 1, 65536);
    if (cut)
        client_cut(s, 1);
    else
        client_leave(s, 1);
    still_there(s);
    expect_connections(s, 1, "nobody reads what waits: a write fails (EPIPE, ECONNRESET), and that is the end of it");
    server_end(s);
}

static void sends_and_is_gone(struct server *s)
{
    server_begin(s, "ten clients send and are gone, before anything was received");
    client_new(s);
    for (int i = 1; i <= 10; i++) {
        client_new(s);
        client_send(s, i, 1000 * i);
        client_leave(s, i);
    }
    still_there(s);
    expect_connections(s, 1, "each of them is closed once");
    server_end(s);
}

static void nothing_is_ready(struct server *s)
{
    server_begin(s, "on_readable and on_writable are called for everybody and nobody, when nothing is ready");
    client_new(s);
    still_there(s);
    judge_order(s->judge, "poke");
    EXPECT_INT("connections closed", 0, judge_said_number(s->judge, "closes"),
               "-EAGAIN is no end: what was ready may be over when its turn comes");
    still_there(s);
    expect_connections(s, 1, "");
    server_end(s);
}

static void gone(bool tcp)
{
    struct server s;
    server_open(&s, tcp);
    cuts_the_connection(&s);
    leaves_while_bytes_wait(&s, false);
    leaves_while_bytes_wait(&s, true);
    sends_and_is_gone(&s);
    nothing_is_ready(&s);
    server_close(&s);
}

START_TEST(e5)
{
    gone(false);
    gone(true);
    verdict_pass();
}
END_TEST

/* ---- E6: a full house ------------------------------------------------------------------------------------------- */

enum { MORE_THAN_FIT = 275, FEW_TURNS = 60 };     /* the probe may have 256 descriptors */

static void more_than_fit(struct server *s)
{
    server_begin(s, "more clients than a process may have descriptors (EMFILE)");
    for (int i = 0; i < MORE_THAN_FIT; i++)
        client_new(s);
    server_turns(s, FEW_TURNS);
    int64_t open = judge_said_number(s->judge, "open");
    history_add(ENTRY_STEP, -1, "%lld of %d are connected", (long long)open, MORE_THAN_FIT);
    if (open < 100 || open >= MORE_THAN_FIT)
        verdict_fail("accept until it fails", "%lld of %d are connected", (long long)open, MORE_THAN_FIT);
    EXPECT_INT("turns while the house is full", 0, server_turns(s, FEW_TURNS),
               "the listener stays readable, and nobody can be accepted: do not watch it until somebody leaves");
    client_send(s, 0, 500);
    server_exchange(s);
    expect_answered(s, 0);
    for (int i = 1; i <= 10; i++)
        client_leave(s, i);
    for (int i = 0; i < 10; i++)
        client_send(s, (int)open + i, 50);
    server_exchange(s);
    for (int i = 0; i < 10; i++)
        expect_answered(s, (int)open + i);
    expect_connections(s, open, "whose place became free is somebody else's");
    server_end(s);
}

static void full_with_nobody_in_it(struct server *s)
{
    server_begin(s, "there is no descriptor left, and nobody is connected whose end could be waited for");
    client_new(s);
    client_send(s, 0, 10);
    judge_order(s->judge, "fail accept 1 %d", EMFILE);
    server_exchange(s);
    expect_answered(s, 0);
    server_end(s);
}

START_TEST(e6)
{
    struct server s;
    server_open(&s, false);
    more_than_fit(&s);
    full_with_nobody_in_it(&s);
    server_close(&s);
    verdict_pass();
}
END_TEST

void check_peer_items(Suite *s)
{
    add_item(s, "E4", e4);
    add_item(s, "E5", e5);
    add_item(s, "E6", e6);
}
