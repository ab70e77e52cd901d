/* tls_engine_inside.h - what the files of tls share, and nobody else includes: who we are, and the engine that encrypts.
 *
 * tls.c makes a struct tls; tls_engine.c drives OpenSSL for one stream; tls_wire.c is the layer of that stream: it moves bytes
 * while the engine shakes hands, and lends it the descriptor afterwards.
 *
 * The trap it exists for: a handshake is computed on another thread. What that touches is the engine, and nothing else of ours:
 * so the engine is handed over, and whoever cannot find it knows why. */
#ifndef EDDY_STREAM_TLS_ENGINE_INSIDE_H
#define EDDY_STREAM_TLS_ENGINE_INSIDE_H

#include "stream/tls_inside.h"

struct ssl_st;
struct ssl_session_st;
struct bio_method_st;

/* ---- who we are (tls.c) ------------------------------------------------------------------------------------------ */

struct tls_own {
    struct tls tls;                     /* first: what others know of it */
    enum tls_trust trust;
    int verify;                         /* SSL_VERIFY_... */
    int lowest;                         /* TLS1_2_VERSION ... */
    struct bio_method_st *method;       /* of the engines */
    unsigned char *alpn;                /* as it is on the wire; NULL: none */
    unsigned alpn_len;
    struct tls_named *names;            /* SNI, in the order in which they were said */
    bool used;                          /* a stream has it: other threads may read it */
    struct tls_kept *kept;              /* sessions, the newest first */
    int sessions, most_sessions;
};

/* ---- sessions of a client (tls_sessions.c) ------------------------------------------------------------------------ */

/* Keeps one for that name and port, instead of an older one; it is theirs. Without memory it is not kept. */
void tls_session_keep(struct tls_own *, const char *name, int port, struct ssl_session_st *);
/* Takes it out; NULL if there is none. */
struct ssl_session_st *tls_session_take(struct tls_own *, const char *name, int port);
void tls_sessions_end(struct tls_own *);

/* ---- words (tls_words.c) ------------------------------------------------------------------------------------------ */

struct tls_reason {
    int rc;
    const char *why;
};
/* What OpenSSL's errors of this thread mean; they are forgotten. */
struct tls_reason tls_reason(const struct ssl_st *);
/* Why it could do nothing with a file: errno, and into `failure` a sentence that begins with `what` and the file's name. */
void tls_file_reason(struct sentence *failure, const char *what, const char *file);

/* ---- the engine (tls_engine.c) ------------------------------------------------------------------------------------ */

/* A descriptor, and what it was told: READABLE, WRITABLE, BROKEN. */
struct tls_raw {
    struct stream *stream;
    int told;
};
/* As the system calls, but no call is made where it would be in vain; -EAGAIN. */
ssize_t tls_raw_read(struct tls_raw *, char *data, size_t size);
ssize_t tls_raw_write(struct tls_raw *, const char *data, size_t size);

struct tls_engine {
    struct sys *sys;
    struct tls_own *own;                /* held */
    struct ssl_st *ssl;
    struct tls_raw *raw;                /* lent, for the loop's thread */
    bool direct;                        /* OpenSSL may use it: the handshake is over */
    struct buffer came, going;          /* encrypted: not taken yet, not sent yet */
    int taken;                          /* bytes of a write that are in `going` to their last */
    bool begun;                         /* a write's bytes are partly gone, and it must be gone on with */
    bool parted;                        /* the goodbye is said, or in `going` */
    char *name;                         /* whom we call; NULL: nobody by name */
    int port;
    struct ssl_session_st *fresh;       /* to be kept, on the loop */
    bool done;                          /* both sides have agreed */
    int io;                             /* what broke below OpenSSL in its last call: -errno; 0: nothing, or the end */
    struct tls_reason read_end, write_end;      /* rc 0: it goes on; why NULL: it was not TLS that ended it */
};

/* For one that begins now. `read_ahead` is the beginning of what came. NULL, and *reason. */
struct tls_engine *tls_engine_new(struct tls_raw *, struct tls_own *, const char *name, struct bytes read_ahead,
                                  struct tls_reason *reason);
/* How OpenSSL meets the descriptor: a BIO's method, for all engines of a tls. NULL: no memory. */
struct bio_method_st *tls_engine_method(void);
/* On the loop's thread. */
void tls_engine_free(void *engine);
/* A job: goes as far as it can with what came. 0; what became of it is in `done` and read_end. */
int tls_engine_shake(void *engine);

/* Sends what waits in `going`: 0 when nothing is left, -EAGAIN; -errno: nothing can be sent any more (write_end), and it is
 * forgotten. */
int tls_engine_flush(struct tls_engine *);
/* From here on it is direct. The count; 0: the other side has said goodbye; -EAGAIN; -errno: never again. */
ssize_t tls_engine_read(struct tls_engine *, char *data, size_t size);
/* How many of the bytes the descriptor has; -EAGAIN: it wants to see the same again, and more behind them if you like; -errno:
 * never again. */
ssize_t tls_engine_write(struct tls_engine *, const char *data, size_t size);
/* Says goodbye: 0 when the descriptor has it; -EAGAIN: again when there is room; -errno. */
int tls_engine_goodbye(struct tls_engine *);
/* Gives a fresh session to those that are kept. */
void tls_engine_keep_session(struct tls_engine *);

#endif
