/* verbs.h - what the files of this lab's verbs share: a loop, a server, and clients of it that are no streams.
 *
 * What is parsed lies in a block of exactly its length, with an inaccessible page behind it (probe.h): whoever looks one byte too
 * far is found at that instruction. */
#ifndef EDDY_LABS_06_VERBS_H
#define EDDY_LABS_06_VERBS_H

#include "grader/data.h"
#include "grader/probe.h"
#include "http/chunked.h"
#include "http/server.h"
#include "loop/loop.h"

struct guest {                      /* a client, on this side of the wire */
    char name[16];
    int fd;                         /* its end of the connection; -1: gone, or the judge has it */
    char *heard;                    /* what it received and was not told yet; ends with a zero */
    size_t len;
    bool head;                      /* its first request was a HEAD: so are all */
    bool over;                      /* it has heard the end */
};

/* Made when it is named first. */
struct guest *guest_of(const char *name);
void guests_end(void);
struct loop *lab_loop(void);
struct http_server *lab_server(void);
/* A time as it is written, as loop_time counts it. */
int64_t moment_of(const char *text);
/* A block with the bytes that `text` stands for, at its end; the caller frees it. */
char *lend_data(const char *text, size_t *len, const char *name);
/* What stands behind "name=" in one of the words; NULL: none has it. */
const char *option_of(int count, char **words, const char *name);

/* verbs_handlers.c. Answers by the path: see there. */
handler answer;
/* verbs_parse.c */
verb_fn verb_request, verb_response, verb_every, verb_chunks, verb_chunk_begin;
/* verbs_guest.c */
verb_fn verb_connect, verb_send, verb_end, verb_gone, verb_receive;
/* verbs_cost.c */
verb_fn verb_load, verb_drip;
#endif
