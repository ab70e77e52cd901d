/* catalogue.h - behaviours that block a loop, that hog it, and that look so and do neither: each a function that a small epoll
 * loop calls, with what a detector is to say of it.
 *
 * The loop's thread does one thing: the operation. What that needs is made before, ended meanwhile and cleared away afterwards
 * by a helper's thread, while the loop waits in its selector as a loop should. The trap it exists for: a case that blocks in
 * its own preparation, and is believed to have blocked where it says. */
#ifndef EDDY_CATALOGUE_H
#define EDDY_CATALOGUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum expected {
    BLOCKS,                         /* asleep in a call, */
    FAULTS,                         /* or in a page fault */
    HOGS,                           /* busy all the time */
    STARVES,                        /* it has no processor: anything but BLOCKED */
    SILENT
};

struct reading {                    /* of the calling thread, all in ns */
    int64_t now, cpu, delay;
    int64_t voluntary, involuntary;
};

struct trial {                      /* one run of an operation */
    const struct behaviour *what;
    int fd[4];                      /* -1: none. fd[0] is the loop's, fd[1] its other end; all are closed afterwards */
    char path[160];                 /* a file of its own, which is removed afterwards; "": none */
    void *memory;                   /* is unmapped afterwards */
    size_t size;
    pid_t child;                    /* is waited for afterwards; 0: none */
    pthread_t thread;               /* is joined afterwards, if has_thread */
    bool has_thread;
    _Atomic bool over;              /* the operation has ended, */
    _Atomic bool stop;              /* and the last of this trial: a rival is to end */
    const char *absent;             /* prepare: why it cannot be had here */
    int number;                     /* which repetition it is */
    int line;                       /* of the operation */
    long result;
    struct reading begin, end;
};

struct behaviour {
    const char *name;
    enum expected expected;
    const char *call;               /* as a report names it, or behind a blank another that is as good; NULL: it has no name */
    void (*operate)(struct trial *);
    void (*prepare)(struct trial *);
    void (*relieve)(struct trial *);    /* ends the block: every millisecond and a half, until it is over */
    void (*clean)(struct trial *);
};

struct family {
    const char *name;
    const struct behaviour *cases;  /* the last one has no name */
};

extern const struct family families[];

/* The operation: what is measured, and its line. */
#define OPERATION(trial, expression) (trial_begin(trial, __LINE__), (void)(expression), trial_end(trial))
void trial_begin(struct trial *, int line);
void trial_end(struct trial *);

/* ---- run.c ------------------------------------------------------------------------------------------------------------ */

enum { RESULT_TRIALS = 200 };

struct result {                     /* of a behaviour */
    const char *absent;
    int line, count, slept, shown;
    int64_t switches;               /* voluntary ones in its callbacks, the operations' and what is around them */
    int64_t began, ended;
    struct {
        int64_t began, took, blocked, switches, delay;
    } trials[RESULT_TRIALS];        /* `shown` of them: those that slept go before others */
};

struct chosen {
    const struct behaviour *what;
    const struct family *family;
    int times;
    struct result result;
};

/* Runs each so often, as a callback of one loop. */
void behaviours_run(struct chosen *, int count);
extern const char *work_folder;     /* for files, on a disk */
extern pthread_t loop_thread;

/* ---- makers.c: what several cases need ---------------------------------------------------------------------------------- */

enum { MANY = 1 << 20 };
extern char bytes[MANY];            /* to write from, and to read into */

/* A broken fixture is no finding: says which, and ends the program. */
long must(long result, const char *what);
int64_t clock_ns(void);
void spin(int64_t ns);              /* busy, without a system call */
void make_pipe(struct trial *);             /* fd[0] reads */
void make_full_pipe(struct trial *);        /* fd[0] writes */
void make_pair(struct trial *);             /* of unix stream sockets */
void make_full_pair(struct trial *);
void make_tcp(struct trial *);
void make_full_tcp(struct trial *);
void make_listener(struct trial *);         /* fd[0], on loopback */
int listener_port(int fd);
void make_file(struct trial *, size_t size);    /* fd[0], path; not in the page cache any more */
void make_nothing_in_cache(int fd);
void fill(int fd);
void send_byte(struct trial *);             /* relieve: to fd[1] */
void take_all(struct trial *);              /* relieve: from fd[1] */
void poke(struct trial *);                  /* relieve: a signal to the loop's thread, whose handler does nothing */
void make_rival(struct trial *, void *(*run)(void *trial));     /* its thread; it ends when told to stop */

/* What has to be made before there is a second thread: files.c, names.c. */
void files_begin(void);
void names_begin(void);

#endif
