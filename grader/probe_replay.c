/* probe_replay.c - the probe without its judge: what was recorded is said to it again. See recording.h.
 *
 * `probe FILE` has no judge at descriptor 3 but a fork of itself, the player, which sends what the judge sent, waits
 * where it waited, and tells on standard error what it is about. So a debugger sees one process that waits for orders,
 * and `run` begins it again. Trap: a program that does something else than when it was recorded would get answers to
 * questions it did not ask; the player stops there and says so. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grader/probe_inside.h"
#include "grader/recording.h"

enum { STEPS = 4096 };

int64_t replay_world;
static int steps[STEPS];                /* the number of each order since then; 0: none is known */

static _Noreturn void refuse(const char *sentence)
{
    fprintf(stderr, "replay: %s\n", sentence);
    _exit(2);
}

/* Kept out of line and in one piece: their names are what a debugger is told. */
__attribute__((noinline, noclone)) void replay_scene(void)
{
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline, noclone)) void replay_step(int number)
{
    __asm__ volatile("" :: "r"(number) : "memory");
}

static int step_of(int64_t id)
{
    return id > replay_world && id <= replay_world + STEPS ? steps[id - replay_world - 1] : 0;
}

void replay_order(int64_t id)
{
    if (id == replay_world)
        replay_scene();
    else if (step_of(id))
        replay_step(step_of(id));
}

static void read_steps(const char *path)
{
    FILE *f = path ? fopen(path, "re") : NULL;
    for (int i = 0; f && i < STEPS && fscanf(f, "%d", &steps[i]) == 1; i++)
        ;
    if (f)
        fclose(f);
}

/* ---- the player -------------------------------------------------------------------------------------------------- */

static bool same(const struct wire *said, const struct wire *recorded)
{
    if (said->kind != recorded->kind)
        return false;
    switch (said->kind) {
    case WIRE_CALL:
        return said->number == recorded->number;
    case WIRE_EVENT:
        return said->len == recorded->len && memcmp(said->data, recorded->data, said->len) == 0;
    default:
        return true;
    }
}

static void tell(enum speaker who, const struct wire *w)
{
    char number[16] = "";
    if (w->kind == WIRE_ORDER && step_of(w->args[0]))
        snprintf(number, sizeof number, "%d", step_of(w->args[0]));
    if (w->kind == WIRE_ORDER)
        fprintf(stderr, "  %4s  %s\n", number, w->data);
    else if (w->kind == WIRE_EVENT)
        fprintf(stderr, "          %s was called\n", w->data);
    else if (who == SPEAKER_PROBE && w->kind == WIRE_DONE && w->result)
        fprintf(stderr, "          it answers %lld\n", (long long)w->result);
}

static void listen_for(int wire, const struct wire *recorded)
{
    static struct wire said;
    if (wire_receive(wire, &said) < 0)
        _exit(0);
    if (said.kind == WIRE_CRASH)
        fprintf(stderr, "          it %s\n", said.data);
    if (!same(&said, recorded))
        refuse("from here on the program does something else than when it was recorded (memory that was never set?)");
}

static _Noreturn void play(FILE *f, int wire)
{
    static struct wire w;
    enum speaker who;
    bool told = false;
    signal(SIGINT, SIG_IGN);            /* Ctrl-C is for the debugger */
    while (recording_next(f, &who, &w)) {
        told = told || !replay_world || (w.kind == WIRE_ORDER && w.args[0] == replay_world);
        if (who == SPEAKER_PROBE)
            listen_for(wire, &w);
        if (told)
            tell(who, &w);
        if (who == SPEAKER_JUDGE && wire_send(wire, &w) < 0)
            _exit(0);
    }
    fprintf(stderr, "replay: here the recording ends\n");
    _exit(0);
}

void replay_begin(const char *path, const char *numbers)
{
    int ends[2];
    FILE *f = fopen(path, "re");
    if (!f || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
        refuse("the recording cannot be opened");
    replay_world = recording_last_world(f);
    read_steps(numbers);
    pid_t player = fork();
    if (player < 0)
        refuse("the player cannot be started");
    close(ends[player == 0 ? 0 : 1]);
    if (player == 0)
        play(f, ends[1]);
    fclose(f);
    if (dup2(ends[0], WIRE_FD) < 0)
        refuse("the wire cannot be placed");
    if (ends[0] != WIRE_FD)
        close(ends[0]);
}
