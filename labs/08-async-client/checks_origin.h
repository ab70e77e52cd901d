/* checks_origin.h - the servers a client asks, on the judge's side: nobody in the sandbox touches their bytes.
 *
 * They are reached as a.example and c.example (192.0.2.1), b.example (192.0.2.2), slow.example (192.0.2.1, whose look-up takes
 * 300 ms), at ports 80 and 8080. lost.example connects to nobody, shut.example refuses, none.example is no name (which is told
 * after 20 ms).
 * What a server does is written in the path that it is asked for, as words between slashes:
 *
 *     wait=20         ms before the answer          head=20         ms between the head and the body
 *     404             any status                    len=3000        a body of so many bytes; else it is "hello"
 *     chunks          in chunks                     until-close     no length, the end is the end
 *     echo            the body says what was asked: "GET,a.example,auth,cookie,0,c1": the method, Host, whether there were
 *                     credentials and a cookie ("-": none), bytes of the body, the number of the connection
 *     close           says so, and closes           leaves=20       closes so many ms after the answer, and not before
 *     once            closes when it is asked again, without an answer
 *     drop            closes without an answer      cut             closes in the middle of the body
 *     hang            never answers                 bad             answers what is no HTTP
 *     more            says something nobody asked for, behind the answer
 *     circle          302, to itself
 *     302/LOCATION    301, 302, 303, 307, 308: all that stands behind the slash; a path without its first slash
 *
 * The trap they exist for: a server that is asked what it heard by the code that is judged. */
#ifndef EDDY_LABS_08_CHECKS_ORIGIN_H
#define EDDY_LABS_08_CHECKS_ORIGIN_H

#include "grader/judge.h"

enum { ORIGIN_REQUESTS = 2048, ORIGIN_TARGET = 96 };

struct origin_request {             /* that was heard */
    int64_t at;                     /* ns of the world's clock */
    int connection;
    char target[ORIGIN_TARGET];
    char request[40];               /* its header X-Request */
};

struct origin_count {
    int connections;                /* that were made */
    int open, most_open;            /* now, and at most at a time */
    int most_busy;                  /* requests that were not answered yet, at most at a time */
    int requests;
    int descriptors;                /* the servers' own */
};

/* A new world has begun: its servers, names and hosts. Those of the last one are gone. */
void origins_begin(struct judge *);
struct origin_count origins_count(void);
const struct origin_request *origin_request_at(int i);
/* What bodies of "len=" have, from now on: nobody who does not know the number can say it. */
void origins_secret(uint32_t);
/* The body of that request with "len=": as a trace has it. Returns out. */
const char *origin_body(const char *target, int len, char out[40]);

#endif
