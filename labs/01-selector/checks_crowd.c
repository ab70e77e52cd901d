/* checks_crowd.c - the echo among random clients, on a kernel that interrupts, refuses and takes less than it is given. H3. */
#include <string.h>

#include "labs/01-selector/checks.h"
#include "labs/01-selector/checks_clients.h"

enum { CROWDS = 40, STEPS = 60, SMALLEST = 6, LARGEST = 50, MOST_CLIENTS = 12, STORM = 35, TURNS = 4000 };

enum act { CONNECT, SEND, SAY_ALL, LEAVE, CUT, FALL_SILENT, READ_AGAIN, TURN, EXCHANGE };

struct step {
    enum act act;
    int client, bytes;
};

struct crowd {
    uint64_t seed;
    int shorten, count;
    struct step steps[STEPS];
};

struct current {
    struct server server;
    struct crowd crowd;
};

static void make_crowd(void *self, int i)
{
    static const enum act acts[] = { CONNECT, CONNECT, SEND, SEND, SEND, SEND, SAY_ALL, LEAVE, CUT, FALL_SILENT, READ_AGAIN, TURN,
                                     TURN, EXCHANGE, EXCHANGE };
    static const int sizes[] = { 1, 2, 100, 4095, 4096, 4097, 16384, 50000, 300000 };
    struct crowd *c = &((struct current *)self)->crowd;
    uint64_t dice = dice_mixed(judge_get()->seed * 1000 + (uint64_t)i);
    *c = (struct crowd){ .seed = dice_mixed(dice) >> 1, .shorten = i % 3 ? 0 : 1 + dice_roll(&dice, 3000),
                         .count = SMALLEST + (LARGEST - SMALLEST) * i / CROWDS };
    for (int k = 0; k < c->count; k++)
        c->steps[k] = (struct step){ acts[dice_roll(&dice, sizeof acts / sizeof *acts)], dice_roll(&dice, MOST_CLIENTS),
                                     sizes[dice_roll(&dice, sizeof sizes / sizeof *sizes)] };
    c->steps[0].act = CONNECT;
}

static void take_step(struct server *s, const struct step *step)
{
    int i = step->client;
    struct client *c = &s->clients[i];
    if (step->act == CONNECT && s->count < MOST_CLIENTS)
        client_new(s);
    else if (step->act == TURN)
        judge_order(s->judge, "turns 1");
    else if (step->act == EXCHANGE)
        server_exchange(s);
    if (i >= s->count || c->fd < 0 || step->act == CONNECT || step->act >= TURN)
        return;
    if (step->act == SEND && !c->said_all)
        client_send(s, i, step->bytes);
    else if (step->act == SAY_ALL && !c->said_all)
        client_said_all(s, i);
    else if (step->act == LEAVE)
        client_leave(s, i);
    else if (step->act == CUT)
        client_cut(s, i);
    else if (step->act == FALL_SILENT || step->act == READ_AGAIN)
        c->silent = step->act == FALL_SILENT;
}

static void judge_crowd(void *self, struct judge *j)
{
    struct current *current = self;
    struct server *s = &current->server;
    const struct crowd *c = &current->crowd;
    server_begin(s, "random clients, while reads, writes and accepts are interrupted, put off and cut short");
    judge_order(j, "storm %d %llu", STORM, (unsigned long long)c->seed);
    judge_order(j, "shorten %d", c->shorten);
    for (int i = 0; i < c->count; i++)
        take_step(s, &c->steps[i]);
    for (int i = 0; i < s->count; i++)
        s->clients[i].silent = false;
    server_exchange(s);
    int alive = 0;
    for (int i = 0; i < s->count; i++) {
        if (s->clients[i].fd < 0)
            continue;
        expect_answered(s, i);
        alive += !s->clients[i].said_all;
    }
    expect_connections(s, alive, "those that have said all, or are gone, are closed, and nobody else");
    server_end(s);
}

static struct judge *open_server(void *self)
{
    struct server *s = &((struct current *)self)->server;
    server_open(s, false);
    return s->judge;
}

static int count_steps(const void *self)
{
    return ((const struct current *)self)->crowd.count;
}

static void leave_out(void *self, int first, int count)
{
    struct crowd *c = &((struct current *)self)->crowd;
    memmove(&c->steps[first], &c->steps[first + count], (size_t)(c->count - first - count) * sizeof c->steps[0]);
    c->count -= count;
}

START_TEST(h3)
{
    static struct current c;
    judge_trials(&(struct trials){ .count = CROWDS, .make = make_crowd, .open = open_server, .judge = judge_crowd,
                                   .steps = count_steps, .leave_out = leave_out, .current = &c.crowd, .size = sizeof c.crowd,
                                   .self = &c });
    verdict_pass();
}
END_TEST

void check_crowd_items(Suite *s)
{
    add_item(s, "H3", h3);
}
