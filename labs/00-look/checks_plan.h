/* checks_plan.h - what is wrong with the program of a number: the judge's answers, and what build/bin/patient does.
 *
 * One of each kind, in an order, with callbacks and times that the number decides. The one that no wrapper of a call can see is
 * among the last three. */
#ifndef EDDY_LABS_00_PLAN_H
#define EDDY_LABS_00_PLAN_H

#include <stdint.h>

enum plan_kind { PLAN_SLEEP, PLAN_READ, PLAN_LOCK, PLAN_RAW, PLAN_HOG, PLAN_PAGE };

enum { PLAN_STALLS = 6, PLAN_NAMES = 10, PLAN_FIRST = 100, PLAN_APART = 180, PLAN_LARGEST = 999999 };

struct plan_stall {
    enum plan_kind kind;
    int callback, suffers;          /* who does it, and who is due in its first third and has to wait; by plan_names */
    int at, ms;                     /* when it begins, since the program's beginning; how long it lasts */
};

struct plan {
    struct plan_stall stalls[PLAN_STALLS];
};

extern const char *const plan_names[PLAN_NAMES];

struct plan plan_of(uint32_t number);
/* The words by which such a call may be named, separated by blanks. */
const char *plan_calls(enum plan_kind);

#endif
