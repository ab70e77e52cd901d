/* watch_world.h - what the tests of watch share: a lab of four items, and grades of it as the grader writes them. */
#ifndef EDDY_GRADER_TESTS_WATCH_WORLD_H
#define EDDY_GRADER_TESTS_WATCH_WORLD_H

#include <jansson.h>
#include <stdio.h>

#include "grader/watch/session.h"
#include "loop/tests/support.h"

#define HINTS { "a question", "a place", "nearly the code" }

static struct lab small_lab = {
    .folder = "labs/02-loop", .id = "02", .name = "02-loop", .title = "The loop",
    .files = { { "loop.c", "loop/loop.c", false }, { "tests.txt", NULL, true } }, .file_count = 2,
    .items = {
        { "A1", "first in, first out", "The grader will queue.", HINTS, 40, false },
        { "H1", "the same with other seeds", "The grader will queue others.", HINTS, 20, true },
        { "A2", "due means due", "The grader will wait.", HINTS, 30, false },
        { "B1", "it sleeps in one place", "The grader will count.", HINTS, 10, false },
    },
    .item_count = 4,
};

enum { A1, H1, A2, B1 };

/* A grade: `states` has a letter an item, in the lab's order: p(ass), f(ail), o(urs: a fault), n(ot run), . for left out, and
 * x where nothing was graded. */
static inline json_t *grade_of(const char *states, json_int_t seed, const char *refused)
{
    json_t *items = json_array();
    for (int i = 0; i < small_lab.item_count; i++) {
        const char *state = states[i] == 'p' ? "pass" : states[i] == 'f' ? "fail" : states[i] == 'o' ? "fault" :
                            states[i] == 'n' ? "not_run" : states[i] == 'x' ? "not_graded" : "left_out";
        json_t *lines = json_pack("[{s:i, s:s, s:n, s:s}, {s:i, s:s, s:i, s:s}, {s:i, s:s, s:n, s:s}]",
                                  "number", 1, "kind", "step", "at_ns", "text", "call_at A 10ms",
                                  "number", 0, "kind", "call", "at_ns", 0, "text", "epoll_wait",
                                  "number", 2, "kind", "expect", "at_ns", "text", "loop_start = 0");
        json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:i}, s:o}", "id", small_lab.items[i].id,
                                               "state", state, "expected", "trace \"A\"", "seen", "trace \"B\"",
                                               "cause", "the wrong end", "metrics", "sleeps", 3, "history", lines));
    }
    return json_pack("{s:s, s:{s:s}, s:I, s:o, s:o?, s:n}", "schema", "eddy/grade/1", "lab", "name", "02-loop",
                     "seed", seed, "items", items, "refused", refused ? json_string(refused) : json_null(), "fault");
}

static inline void learn(struct session *s, const char *states)
{
    ck_assert(session_learn(s, grade_of(states, 7, NULL)));
}

#endif
