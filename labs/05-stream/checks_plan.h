/* checks_plan.h - random crowds of streams: what their other sides do, and what is asked of them.
 *
 * Ticks are ms after the beginning, and whose they are keeps it clear what comes first: the other side acts at even ones; reads
 * that pause or are cancelled, and all of writing, at 1, 5, 9 ...; streams close at 3, 7, 11 ... */
#ifndef EDDY_LABS_05_CHECKS_PLAN_H
#define EDDY_LABS_05_CHECKS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CROWD = 50, PLAN_STEPS = 640, LAST_TICK = 32, RUN_MS = 100 };

enum step_kind {
    SEND, SAY_END, GO, CUT,                                             /* the other side; CUT: with bytes of ours unread */
    RECEIVE,
    UNTIL, BYTES, SOME, ALL, INTO, PARTIAL, PAUSE, GIVE_UP,             /* reads in order; GIVE_UP cancels the one before it */
    WRITE, WRITE_OWNED, WRITE_UNHEARD, CANCEL, SHUTDOWN,
    CLOSE
};

struct step {
    enum step_kind kind;
    int stream, at;
    int len;                    /* bytes; of CANCEL: which of the stream's writes */
    int limit;                  /* of a read; of UNTIL and ALL 0 for none */
    uint32_t seed;              /* of the bytes */
};

struct plan {
    bool writing;               /* the writer's side, or the reader's */
    int interrupted;            /* percent of the reads or writes: -EINTR, or if `put_off` -EAGAIN */
    bool put_off;
    int shorten;                /* bytes at a time; 0: as many as there are */
    int limits[CROWD];          /* what may wait; 0: no limit */
    bool full[CROWD];           /* there is no room at the beginning */
    int count;
    struct step steps[PLAN_STEPS];
};

/* The stream's name in a trace: a letter. */
char plan_name(int stream);
/* Makes one up; `size` from 0 to 100. */
void plan_make(struct plan *, bool writing, int size, uint64_t seed);
/* Whether any step is about that stream. */
bool plan_uses(const struct plan *, int stream);
/* The bytes of a SEND: words and lines. */
void plan_bytes(const struct step *, char *out);
/* The stream's step of that kind, or NULL. */
const struct step *plan_find(const struct plan *, int stream, enum step_kind);

#endif
