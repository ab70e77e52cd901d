/* verdict.h - what one item came to, and the history that led there.
 *
 * Lies in memory shared between the grader and the forked test that decides it, so a test that dies leaves its
 * history. The trap it exists for: "assertion failed at line 88" tells a student nothing. A failure here has numbered
 * steps, what was expected, what was seen, and the likely cause. */
#ifndef EDDY_GRADER_VERDICT_H
#define EDDY_GRADER_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict_state {
    VERDICT_NONE,           /* its test did not come to an end: counts as our fault */
    VERDICT_PASS,
    VERDICT_FAIL,           /* the student's */
    VERDICT_FAULT,          /* ours; never lowers a score */
    VERDICT_NOT_RUN         /* this machine cannot; `cause` has the reason */
};

enum entry_kind {
    ENTRY_STEP = '>',       /* what we did: "call_at A 50 ms" */
    ENTRY_EVENT = '<',      /* what the student's code did: "A was called" */
    ENTRY_CALL = '.',       /* what it asked of the kernel: "epoll_wait 50 ms = 0" */
    ENTRY_EXPECT = '='      /* what had to hold, and did */
};

enum { HISTORY_BYTES = 1 << 16 };

struct history {
    uint32_t used, entries, dropped;    /* the oldest are kept, then the newest; `dropped` between are counted, and an
                                           entry in their place says so */
    char data[HISTORY_BYTES];
};

struct verdict {
    enum verdict_state state;
    char expected[512], seen[512], cause[512];
    char where[128];                    /* "checks.c:120" */
    uint64_t seed;                      /* replays it */
    struct history history;
    char metrics[512];                  /* "wakeups=1 cpu_us=312": shown, not graded */
};

/* The verdict that steps and expectations of this process write to. */
void verdict_begin(struct verdict *, uint64_t seed);
struct verdict *verdict_current(void);
/* The test came to its end with every expectation met. */
void verdict_pass(void);

/* Adds a line to the history. `at` is virtual time in ns, or -1. */
void history_add(enum entry_kind, int64_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Forgets the history so far: a new schedule begins. */
void history_clear(void);
/* Reads it back: *cursor begins at 0; false at the end. `text` is lent. */
bool history_next(const struct history *, size_t *cursor, enum entry_kind *, int64_t *at, const char **text);

/* Expectations: note what had to hold, or fail the item, with the likely cause, and leave the test (they do not return
 * then). `what` completes the sentence: "calls of A", "trace". */
#define EXPECT_INT(what, expected, seen, cause)  expect_int(__FILE__, __LINE__, what, expected, seen, cause)
#define EXPECT_TEXT(what, expected, seen, cause) expect_text(__FILE__, __LINE__, what, expected, seen, cause)
#define EXPECT_AT_MOST(what, limit, seen, cause) expect_at_most(__FILE__, __LINE__, what, limit, seen, cause)
void expect_int(const char *file, int line, const char *what, int64_t expected, int64_t seen, const char *cause);
void expect_text(const char *file, int line, const char *what, const char *expected, const char *seen,
                 const char *cause);
void expect_at_most(const char *file, int line, const char *what, int64_t limit, int64_t seen, const char *cause);

/* Ends the test at once: the student's fault, ours, or nobody's. */
__attribute__((noreturn, format(printf, 2, 3))) void verdict_fail(const char *cause, const char *seen, ...);
__attribute__((noreturn, format(printf, 1, 2))) void verdict_fault(const char *why, ...);
__attribute__((noreturn, format(printf, 1, 2))) void verdict_not_run(const char *why, ...);

/* What is called before a failing test is left, which then does not return: for ending what would outlive it. One
 * function. */
void verdict_on_leaving(void (*fn)(void));
/* What ends the process then, in place of libcheck's assertion: for tests inside a test (apart.h). Does not return. */
void verdict_end_by(void (*fn)(void));

/* Adds "name=value" to the metrics. */
void metric(const char *name, int64_t value);

#endif
