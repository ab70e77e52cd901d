/* probe.h - the program that carries the student's code: what a lab's verbs.c is written against.
 *
 * Static, plain C on the wire. Its struct sys asks the judge; its memory comes from pages of their own, each block
 * ending at an inaccessible page and inaccessible after it was freed, so that touching what is no longer one's own is
 * a crash at that very instruction, which the judge can name. */
#ifndef EDDY_GRADER_PROBE_H
#define EDDY_GRADER_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/sys.h"

/* What an order does. words[0] is the verb; the result goes back with DONE. < 0 is an answer like any other. */
typedef int64_t verb_fn(int count, char **words);

struct verb {
    const char *name;
    const char *form;           /* "call_at NAME NS": how it is written, for the message about a wrong one */
    int words;                  /* how many at least, the verb included */
    verb_fn *fn;
};

/* The lab's own, in its verbs.c; ends with {0}. Every lab has these besides:
 *     reset           lab_reset; what is left of the student's memory is freed, and inaccessible
 *     door NAME       "judge", or "real": lab_reset, and then the other door; the costs begin at zero
 *     report          says the costs of the last order through the real door: "waits=3 wakeups=3 switches=1 ... in=A:1"
 *     live            the number of fenced blocks that are not freed; says "blocks=2 bytes=96 crowded=0" */
extern const struct verb lab_verbs[];

/* The listening socket that the judge gave (judge_new_listening). */
enum { PROBE_LISTENER = 4 };

/* The lab's own: ends all that its verbs made, so that the next order begins with an empty world. */
void lab_reset(void);

/* The door the student's code is given: the judge's, or after the order "door real" the kernel's, with its waits
 * counted. A read or write of more than 59,999 bytes is more than one call to the judge. */
struct sys *probe_sys(void);

/* The same for crowds, from now on: its memory is the probe's own, and the clock is asked once a wait. How many blocks came
 * through it since, and were not given back. */
struct sys *probe_sys_light(void);
int64_t probe_light_blocks(void);

/* Tells the judge that the callback `name` was called, and carries out what it orders at this moment. With the real
 * door it is only noted, for the end. The name has no spaces, and is shorter than 64 bytes. */
void probe_event(const char *name, int what);

/* A text that goes back with the DONE of the order that runs now. */
void probe_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A time as orders write it, "50ms", "1.5us", "-3s", "7ns", "forever", in ns. What is none is 0, and said. */
int64_t probe_time(const char *text);

/* With the real door: what is spent from now on is this callback's, until the next, NULL, or the selector. probe_event
 * does it for its name. */
void probe_callback(const char *name);

/* What an order cost through the real door, from its beginning to now, or of the last one to its end. `switches` are
 * voluntary context switches outside of the selector's waits: sleeps. */
struct probe_cost {
    uint64_t waits, wakeups;            /* calls of epoll_wait and poll; without those that only asked, in vain */
    uint64_t switches, major_faults;
    int64_t cpu_ns;
    char slept[256];                    /* where the switches were: "A:1 B:2", "-" between callbacks */
};
struct probe_cost probe_cost(void);

/* Blocks that end at an inaccessible page, zeroed. A freed one is inaccessible. For what the student's code is lent: a
 * freed timeout that it still touches is found at once. `name` is for the judge's words about it. NULL when there is
 * no memory. */
void *fence_new(size_t size, const char *name);
void fence_free(void *);
/* Whether there are so many blocks (4,096) that some have no page of their own: their damage is seen only when they
 * are freed. */
bool fence_crowded(void);

#endif
