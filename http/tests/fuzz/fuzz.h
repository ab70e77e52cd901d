/* fuzz.h - what the targets of the fuzzers share: a target is a function of bytes, and a sentence that must hold whatever they
 * are. What does not hold aborts, and whoever called has the bytes.
 *
 * libFuzzer calls the function (`make soak`), or driver.c does (`make test`). The trap it exists for: a fuzzer that only looks
 * for crashes finds no request that is read in two ways. */
#ifndef EDDY_HTTP_TESTS_FUZZ_H
#define EDDY_HTTP_TESTS_FUZZ_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/parse.h"

/* The target. Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(condition) \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition), abort()))

/* A block of exactly so many bytes, so that who looks behind them is caught. */
static inline char *fuzz_copy(const void *data, size_t len)
{
    char *block = malloc(len ? len : 1);
    MUST(block != NULL);
    if (len)
        memcpy(block, data, len);
    return block;
}

/* A view lies in what was given, or is one of nothing. */
static inline bool fuzz_inside(struct bytes view, const char *block, size_t len)
{
    return view.len == 0 || (view.data >= block && view.len <= len && view.data <= block + len - view.len);
}

/* A random number below n, from a state that the input chose. */
static inline size_t fuzz_below(uint64_t *state, size_t n)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(*state >> 33) % n;
}

/* What is left, and the piece up to the first `stop`: how an input is several texts. */
static inline struct bytes fuzz_cut(struct bytes *rest, char stop)
{
    const char *at = rest->len ? memchr(rest->data, stop, rest->len) : NULL;
    struct bytes piece = { rest->data, at ? (size_t)(at - rest->data) : rest->len };
    size_t gone = piece.len + (at != NULL);
    *rest = (struct bytes){ rest->data + gone, rest->len - gone };
    return piece;
}

#endif
