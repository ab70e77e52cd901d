/* reader_tests.h - tests that a reader wrote, in the language of the wire.
 *
 *     test a removed timeout does not fire
 *       call_at A 50ms
 *       call_at B 50ms
 *       in A: remove_timeout B
 *       run
 *       answers 0
 *       expect A@50
 *
 * `in NAME:` is what is ordered each time NAME is called, `in NAME 2:` the second time; `at 30ms:` is done by another
 * thread at that moment. `answers` is what the last order answered, a number or a name such as -EEXIST; `expect` is all
 * that was called since the test began, `expect nothing` for nothing. # begins a comment.
 *
 * A test that calls the kernel and callbacks more than 2,000 times fails: it is run against many programs.
 *
 * The trap it exists for: a test that passes everywhere proves nothing. The same tests are run against a right program
 * and against wrong ones. */
#ifndef EDDY_GRADER_READER_TESTS_H
#define EDDY_GRADER_READER_TESTS_H

#include <stddef.h>

struct judge;

struct reader_rules {
    const char *orders;         /* what may be ordered, each with its arguments: "run; call_at NAME TIME"; [] for
                                   what may be missing, ... at the end for any number more */
    const char *before;         /* what is ordered before each test: "loop_new" */
    const char *after;          /* and after it */
    void (*world)(struct judge *);  /* what the judge puts into each test's new world; NULL: nothing */
};

struct reader_tests;

/* Reads them. NULL with a sentence that has the line's number. End them with reader_tests_free. */
struct reader_tests *reader_tests_read(const char *text, const struct reader_rules *, char *error, size_t size);
void reader_tests_free(struct reader_tests *);
int reader_tests_count(const struct reader_tests *);

enum reader_outcome { READER_PASSED, READER_FAILED, READER_FAULT };

struct reader_result {
    enum reader_outcome outcome;
    char test[96];              /* the first that failed */
    char text[700];             /* how: "line 7: expected ..., seen ..." */
};

/* Runs them against that probe, in order, until one fails: a crash and a hang are failures too. Inside a test only:
 * what went wrong with our own side is READER_FAULT. */
struct reader_result reader_tests_run(const struct reader_tests *, const char *probe);

#endif
