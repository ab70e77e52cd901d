/* verbs.h - what the files of this lab's verbs share: everything has a name.
 *
 * What is lent (futures, URLs, headers, bodies, sentences) lies on pages of its own (probe.h) and goes the moment the contract
 * lets it go, so that code which keeps it longer is found at that instruction. */
#ifndef EDDY_LABS_08_VERBS_H
#define EDDY_LABS_08_VERBS_H

#include "grader/data.h"
#include "grader/probe.h"
#include "http/client.h"
#include "http/client_pool.h"
#include "http/redirect.h"
#include "loop/loop.h"

enum { MOST_TEXT = 512, MOST_HEADERS = 4 };

struct lent {                       /* what a fetch was lent */
    char url[MOST_TEXT], method[16], body[MOST_TEXT], texts[MOST_HEADERS][100], user[64], password[64];
    struct header headers[MOST_HEADERS];
    struct sentence failure;
};

struct thing {
    char name[16];
    struct future *future;          /* of a fetch, a piece, a look-up, a place */
    struct timeout *timeout;
    struct lent *lent;
    struct http_fetch what;         /* of one that begins later, */
    struct timeout begin, end;      /* and of one that is cancelled by itself */
    bool opens, out;                /* by http_open; it is under way */
    struct http_response *response;
    int64_t spent[HTTP_PHASES];
    struct place *place;
    int line;                       /* the number of its connection; 0: none */
    bool hopped;
    struct hop hop;
};

/* Made when it is named first. */
struct thing *thing_of(const char *name);
/* Idle, in place until it is freed. */
struct future *future_of(struct thing *);
struct loop *lab_loop(void);
/* A time as it is written, as loop_time counts it. */
int64_t moment_of(const char *text);
/* Tells the judge "NAME=200,hello", "NAME=0" or "NAME=-ETIMEDOUT,connect"; `behind` stands behind the number. */
void tell(const char *name, int rc, const char *behind);
/* All things in turn; NULL behind the last. */
struct thing *thing_at(int i);
/* Runs what is ready now. */
void turn(void);

/* verbs_fetch.c */
verb_fn verb_client, verb_client_close, verb_fetch, verb_piece, verb_finish, verb_cancel, verb_free, verb_load, verb_spent;
void fetches_end(void);             /* orderly: what is under way, the client */
void fetch_forget(struct thing *);  /* only what we lent */

/* verbs_pool.c */
verb_fn verb_pool, verb_pool_close, verb_enter, verb_leave, verb_join, verb_keep, verb_warm, verb_peer, verb_places, verb_step;
verb_fn verb_hop, verb_follow;
void pool_end(void);
void pool_forget(void);

/* verbs_real.c */
verb_fn verb_real_fetches;
#endif
