/* verbs.h - what the files of this lab's verbs share: everything has a name.
 *
 * What is lent (futures, delimiters, memory to fill, bytes to write) lies on pages of its own (probe.h) and goes the moment the
 * contract lets it go, so that code which keeps it longer is found at that instruction. */
#ifndef EDDY_LABS_05_VERBS_H
#define EDDY_LABS_05_VERBS_H

#include "grader/data.h"
#include "grader/probe.h"
#include "loop/loop.h"
#include "stream/stream.h"

struct thing {
    char name[16];
    struct stream *stream;
    int peer;                       /* the other end of its connection; -1: none */
    struct future *future;          /* of a read or write */
    struct timeout *timeout;
    char *lent;                     /* its delimiter, what it fills, or what it writes */
    const char *value;              /* its last answer */
    int rc;
    bool reads;                     /* its answers have bytes */
    struct script *script;          /* verbs_script.c */
};

/* Made when it is named first. "-" is nobody: NULL. */
struct thing *thing_of(const char *name);
struct stream *stream_of(const char *name);
/* Idle, in place until it is freed. */
struct future *future_of(struct thing *);
struct loop *lab_loop(void);
/* A time as it is written, as loop_time counts it. */
int64_t moment_of(const char *text);
/* A block with the bytes that `text` stands for. */
char *lend_data(const char *text, size_t *len, const char *name);
void unlend(struct thing *);

/* Tells the judge "NAME=6,hello\n", "NAME=6" or "NAME=-EPIPE". `what` stands behind the name. */
void tell_rc(const char *name, const char *what, int rc);
void tell_bytes(const char *name, const char *what, const char *data, size_t len);

/* Begins a read as its words say ("until R DELIMITER [LIMIT]"), or NULL where they do not. */
struct future *begin_read(struct stream *, struct thing *, int count, char **words);

/* verbs_peer.c */
verb_fn verb_send, verb_end, verb_gone, verb_receive;
/* verbs_script.c */
verb_fn verb_reads, verb_write_many, verb_pour, verb_idle_streams;
void script_end(struct thing *);
#endif
