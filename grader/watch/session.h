/* session.h - what a watch knows of the items, and so which of them is to be run next.
 *
 * OWNERSHIP  The lab is lent. A grade that is learnt is the session's, and what it hands out is lent until the next one.
 *
 * It knows nothing of terminals, processes and time. The trap it exists for: after a save nothing that passed before is
 * known any more. A pass is fresh only if it was seen since the last save, and only fresh passes of all items end the work. */
#ifndef EDDY_GRADER_WATCH_SESSION_H
#define EDDY_GRADER_WATCH_SESSION_H

#include <jansson.h>
#include <stdbool.h>

#include "grader/lab.h"

enum known_state { KNOWN_NOT, KNOWN_PASS, KNOWN_FAIL, KNOWN_OURS };    /* OURS: a fault, or what this machine cannot run */

struct known {
    enum known_state state;
    bool fresh;                     /* seen since the last save */
    bool won, lost;                 /* since then it came to pass, or ceased to */
    json_t *item;                   /* as it stood in the last grade that ran it; NULL until then */
    json_int_t seed;                /* of that grade: replays it */
    int hints;                      /* how many are shown */
};

enum task_kind { TASK_NONE, TASK_ITEM, TASK_ALL, TASK_WHY };

struct task {
    enum task_kind kind;
    int item;                       /* of TASK_ITEM and TASK_WHY: its number in the lab; else 0 */
};

struct session {
    const struct lab *lab;
    int only;                       /* the one item that is watched, or -1 */
    struct known known[LAB_ITEMS];
    json_t *grade;                  /* the last one, or NULL */
    bool stuck;                     /* it judged nothing, and nothing was saved since */
    char trouble[2048];             /* no grade came: what was said instead; "" */
};

/* `only`: an item's id, or NULL. False if the lab has no such item. */
bool session_open(struct session *, const struct lab *, const char *only);
void session_close(struct session *);

/* A file was saved: from now on all that is known was true before. */
void session_saved(struct session *);
/* A grade (docs/grade-json.md), which becomes the session's. False, and it is given back, if it is none of this lab. */
bool session_learn(struct session *, json_t *grade);
/* A run gave no grade: what it said, or a sentence. */
void session_fail(struct session *, const char *words);

/* The item to work on: the first that is not known to pass, visible ones first; or -1. */
int session_current(const struct session *);
/* What is to be run now, so that it is known; TASK_NONE: it is the student's turn. */
struct task session_next(const struct session *);

/* Points of the items that passed: seen since the last save, and before it. */
void session_points(const struct session *, int *fresh, int *stale);
int session_passed(const struct session *);
/* Whether all that can be run here passed since the last save. */
bool session_done(const struct session *);

/* Why the last grade judged nothing: "refused" (the student's to change) or "fault" (ours); NULL if it did, or there is
 * none. */
const char *session_refused(const struct session *);
const char *session_fault(const struct session *);
/* A text of an item's last grade ("expected", "seen", "cause"); "" where there is none. */
const char *known_text(const struct known *, const char *key);

/* What the last run came to, in one line of clean text without the time. */
void session_line(const struct session *, struct task, char *line, size_t size);

#endif
