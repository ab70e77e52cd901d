/* judge_inside.h - what the files of the judge share. Nobody else includes it. */
#ifndef EDDY_GRADER_JUDGE_INSIDE_H
#define EDDY_GRADER_JUDGE_INSIDE_H

#include <stdbool.h>
#include <stdio.h>

#include "grader/judge.h"
#include "grader/wire.h"

enum { JUDGE_NAME = 64, JUDGE_TEXT = 4096, DETAIL = 160 };

struct script {                     /* what is ordered when a callback is called */
    struct script *next;
    char name[JUDGE_NAME];
    int nth;
    char orders[];
};

struct meanwhile {                  /* what is ordered at a time */
    struct meanwhile *next;
    struct judge *judge;
    char orders[];
};

struct tally {                      /* how often a callback was called */
    struct tally *next;
    char name[JUDGE_NAME];
    int count;
};

struct granted {                    /* a block of the world's that stands for one in the probe */
    void *block;                    /* NULL: free, and `next` is the index of the next free one */
    uint32_t next;
};

struct mapped {                     /* an area of the world's that stands for a stack in the probe */
    struct mapped *next;
    void *at;
    size_t size;
};

struct judge {
    struct judge *next;             /* of those that are open */
    char *probe;
    struct sandbox *sandbox;
    int fd;
    struct sim *sim;
    int64_t began;

    FILE *record;                   /* judge_record.c; NULL: none */
    struct wire in, out;
    char order[160];                /* the outermost one that runs */
    unsigned depth, records, waiting;
    int64_t orders;                 /* given so far */
    bool quiet;                     /* between two worlds: nothing is noted, nothing is ordered */
    char said[WIRE_DATA];
    char trouble[160];
    char crash[256];                /* what it said of its end */
    int64_t crash_counter, crash_main;

    char *trace;
    size_t trace_len, trace_capacity;
    struct script *scripts;
    struct meanwhile *meanwhiles;
    struct tally *tallies;

    int64_t made, most;             /* calls, of the kernel and of callbacks; most 0: any number */
    void (*too_many)(void *self);
    void *too_many_self;
    uint64_t calls[CALL_COUNT];     /* judge_calls.c */
    struct granted *granted;
    uint32_t granted_count, granted_capacity, granted_free;
    uint32_t generation;            /* of the world: which blocks are of this one */
    struct mapped *mapped;
    struct errand *errands;         /* judge_net.c: jobs that have not ended */
    struct sleeps *sleeps;          /* judge_sleeps.c; NULL: it is not watched */
};

/* judge_calls.c. Carries out the call in j->in, and answers it. */
void judge_serve_call(struct judge *);
void judge_forget_memory(struct judge *);

/* Carries out one kind of call, and says in `detail` (DETAIL bytes) what it was about. */
typedef int64_t serve_fn(struct judge *, struct sys *, char *detail);

/* judge_net.c */
serve_fn serve_socket, serve_bind, serve_listen, serve_accept, serve_connect, serve_socket_error, serve_set_option,
    serve_sockname, serve_peername, serve_lookup, serve_submit, serve_withdraw;
/* The world that knew them has ended. */
void judge_forget_jobs(struct judge *);

/* judge_record.c. Keeps each record that was sent or received. */
void judge_record_open(struct judge *);
void judge_record(struct judge *, bool ours, const struct wire *);
void judge_record_close(struct judge *);

/* judge_sleeps.c. Returns when the probe speaks; meanwhile looks where it sleeps, if that is wanted and takes looks. */
void judge_await(struct judge *);
void judge_forget_sleeps(struct judge *);

/* judge.c */
void judge_send(struct judge *);
/* One call more, of the kernel or of a callback. */
void judge_count(struct judge *);
/* Fails the item: the order that runs was expected to be carried out. */
__attribute__((noreturn, format(printf, 3, 4)))
void judge_fail(struct judge *, const char *cause, const char *seen, ...);
/* "50", or "50.000001": ns as milliseconds. */
const char *judge_ms(int64_t ns, char out[32]);

/* judge_end.c. The probe is gone, or does not keep to the rules: fails the item, or reports our fault. */
__attribute__((noreturn)) void judge_probe_gone(struct judge *);
__attribute__((noreturn)) void judge_nonsense(struct judge *, const char *what);

#endif
