/* checks_memory.c - what is left behind, and what happens when memory is refused. M1. */
#include <errno.h>
#include <stdio.h>

#include "labs/01-selector/checks.h"
#include "labs/01-selector/checks_clients.h"

enum { MOST_ALLOCATIONS = 14 };

/* ---- the selector ----------------------------------------------------------------------------------------------- */

static void expect_nothing_left(struct judge *j, int64_t descriptors, const char *cause)
{
    judge_order(j, "selector_close");
    EXPECT_INT("blocks of memory left after selector_close", 0, (int64_t)judge_live(j).blocks, cause);
    EXPECT_INT("descriptors left after selector_close", descriptors, (int64_t)judge_live(j).descriptors,
               (int64_t)judge_live(j).descriptors < descriptors
                   ? "known descriptors are their owners': the selector only forgets them" : "an epoll is a descriptor too");
}

static void with_descriptors_known(struct judge *j)
{
    scene(j, "selector_close, while descriptors are known");
    judge_order(j, "pipe R W");
    judge_order(j, "socketpair S T");
    give_file(j, "F");
    set(j, "R", "r");
    set(j, "S", "rw");
    set(j, "F", "r");
    judge_order(j, "ask");
    expect_nothing_left(j, 5, "what you keep by descriptor is freed too");
}

static void after_a_ghost(struct judge *j)
{
    scene(j, "selector_close, after a descriptor was closed while a copy of it lives");
    judge_order(j, "pipe R W");
    judge_order(j, "pipe S X");
    set(j, "R", "r");
    set(j, "S", "r");
    judge_order(j, "dup R C");
    judge_order(j, "write W");
    judge_order(j, "close R");
    judge_order(j, "pipe R V");
    set(j, "R", "r");
    for (int i = 0; i < 3; i++)
        expect_told(j, 8, "", "first make A5 pass");
    expect_nothing_left(j, 6, "first make A5 pass");
}

static void cannot_be_made(struct judge *j)
{
    static const struct { enum sys_call call; int error; } faults[] = {
        { CALL_MEMORY, -ENOMEM }, { CALL_EPOLL_CREATE, -EMFILE },
    };
    for (int i = 0; i < 2; i++) {
        judge_reset(j, 0);
        history_clear();
        history_add(ENTRY_STEP, -1, "# selector_new, when %s is refused", sim_call_name(faults[i].call));
        sim_fail(judge_sim(j), faults[i].call, 1, faults[i].error);
        int64_t rc = judge_order(j, "selector_new");
        if (!sim_failed(judge_sim(j)))
            judge_order(j, "selector_close");
        EXPECT_INT("selector_new: NULL, and errno", sim_failed(judge_sim(j)) ? faults[i].error : 0, rc, "say why in errno");
        EXPECT_INT("blocks left", 0, (int64_t)judge_live(j).blocks, "undo what was done before");
        EXPECT_INT("descriptors left", 0, (int64_t)judge_live(j).descriptors, "undo what was done before");
    }
}

/* ---- the echo --------------------------------------------------------------------------------------------------- */

static void expect_nothing_left_of_it(struct server *s)
{
    judge_order(s->judge, "echo_close");
    EXPECT_INT("connections left after echo_close", 0, judge_said_number(s->judge, "open"), "close what is connected");
    EXPECT_INT("descriptors that the selector still tells of", 0, judge_said_number(s->judge, "known"),
               "the listener is lent: have the selector forget it");
    EXPECT_INT("blocks of memory left", 0, judge_order(s->judge, "live"),
               "what is kept of a connection is freed with it, and the table with the server");
}

static void in_the_middle(struct server *s)
{
    server_begin(s, "echo_close in the middle of everything");
    for (int i = 0; i < 4; i++) {
        client_new(s);
        client_send(s, i, 1000);
    }
    server_exchange(s);
    s->clients[3].silent = true;
    for (int64_t n = 1; n > 0 && s->clients[3].sent < 1 << 20; server_turns(s, 2000))
        n = client_send(s, 3, 65536);
    client_leave(s, 1);
    client_said_all(s, 2);
    client_new(s);
    expect_nothing_left_of_it(s);
    for (int i = 0; i < s->count; i++)
        if (s->clients[i].fd >= 0)
            client_leave(s, i);
}

static void after_work(struct server *s)
{
    server_begin(s, "connections that came and went leave nothing");
    for (int i = 0; i < 20; i++) {
        client_new(s);
        client_send(s, i, 100);
        server_exchange(s);
        client_said_all(s, i);
        server_exchange(s);
        expect_answered(s, i);
    }
    int64_t blocks = judge_order(s->judge, "live");
    EXPECT_AT_MOST("blocks of memory, with nobody connected", 6, blocks, "what is kept of a connection is freed when it ends");
    expect_nothing_left_of_it(s);
    for (int i = 0; i < 20; i++)
        client_leave(s, i);
}

/* Whom there is no memory for is closed, the others are served. */
static void nth_refused(struct server *s, int n)
{
    char title[64];
    int closed = 0;
    snprintf(title, sizeof title, "allocation %d is refused", n);
    server_scene(s, title);
    judge_order(s->judge, "fail memory %d %d", n, ENOMEM);
    int64_t rc = judge_order(s->judge, "echo_new");
    if (rc < 0) {
        EXPECT_INT("echo_new: NULL, and errno", -ENOMEM, rc, "say why in errno");
        EXPECT_INT("blocks left after echo_new failed", 0, judge_order(s->judge, "live"), "undo what was done before");
        return;
    }
    for (int i = 0; i < 4; i++) {
        client_new(s);
        client_send(s, i, 100);
        server_exchange(s);
        if (s->clients[i].ended || s->clients[i].reset)
            closed++;
        else
            expect_answered(s, i);
    }
    EXPECT_AT_MOST("clients that were closed", 1, closed, "memory was refused once");
    expect_connections(s, 4 - closed, "whom there is no memory for is closed at once");
    expect_nothing_left_of_it(s);
    for (int i = 0; i < 4; i++)
        client_leave(s, i);
}

START_TEST(m1)
{
    struct judge *j = judge_new(NULL, 0);
    struct server s;
    expect_alive(j);
    with_descriptors_known(j);
    after_a_ghost(j);
    cannot_be_made(j);
    judge_close(j);
    server_open(&s, false);
    in_the_middle(&s);
    after_work(&s);
    for (int n = 1; n <= MOST_ALLOCATIONS; n++)
        nth_refused(&s, n);
    server_close(&s);
    verdict_pass();
}
END_TEST

void check_memory_items(Suite *s)
{
    add_item(s, "M1", m1);
}
