/* checks_read.h - answers.txt, as it is written:
 *
 *     program: 4711
 *     stall 1: callback=on_flush call=read ms=48 suffered=on_metrics
 *     unseen: 4
 *     asleep: 303 ms
 *     busy: 67 ms
 *
 * # begins a comment; what is missing is 0, or "". */
#ifndef EDDY_LABS_00_READ_H
#define EDDY_LABS_00_READ_H

#include <stddef.h>
#include <stdint.h>

#include "labs/00-look/checks_plan.h"

struct answer {
    char callback[32], call[32], suffered[32];
    double ms;
};

struct answers {
    uint32_t program;
    struct answer stalls[PLAN_STALLS];
    int unseen;
    double asleep, busy;
};

/* 0, or -1 with a sentence that has the line's number. */
int answers_read(const char *text, struct answers *, char *error, size_t size);

#endif
