/* tls_crowd.h - the other side of the TLS benches: clients of plain blocking OpenSSL, in a process of their own, so that their
 * CPU is not the server's; and the certificate that all servers show. */
#ifndef EDDY_STREAM_BENCH_TLS_CROWD_H
#define EDDY_STREAM_BENCH_TLS_CROWD_H

enum { TLS_RECORD = 16384, TLS_MESSAGE = 4 * TLS_RECORD, TLS_AT_ONCE = 16 };    /* bytes; handshakes */

enum tls_work {
    TLS_ECHOES,             /* an operation is a message there and back, in four records, on one connection */
    TLS_FULL,               /* a connection with a handshake, a byte from the server, and a goodbye, one after the other */
    TLS_RESUMED,            /* the same, and the handshake resumes the one before */
    TLS_CROWDED             /* full ones, of which TLS_AT_ONCE arrive together */
};

struct tls_crowd;

/* Clients of the server at that port of 127.0.0.1, which listens already. */
struct tls_crowd *tls_crowd_new(int port, enum tls_work);
/* Lets it begin so many operations. */
void tls_crowd_go(struct tls_crowd *, long ops);
void tls_crowd_close(struct tls_crowd *);

/* A file with a certificate and its key (RSA, 2048 bits): made once, removed when the program ends. */
const char *tls_identity(void);

#endif
