/* tls.h - the same streams, encrypted (TLS 1.2 and 1.3, by OpenSSL 3).
 *
 * OWNERSHIP  A struct tls is who we are and whom we believe. It is yours, ended with tls_close; streams that use it live on.
 *            Options are copied. A loop's thread owns it from its first stream on.
 * ERRORS     What OpenSSL cannot do with a file is said in a sentence that names the file. A handshake fails with -EKEYREJECTED
 *            (the certificate is not to be believed: wrong name, unknown or self-signed issuer; or the other side does not
 *            believe ours), -EKEYEXPIRED (it is too old, or not valid yet), -EKEYREVOKED, -EPROTO (the other side does not
 *            speak TLS, or no version, cipher or protocol of ours), -ECONNABORTED (it left in the middle), -EINVAL (that is no
 *            name), or what broke the connection; each with a sentence of its own. Afterwards -ECONNABORTED is an end without
 *            TLS's goodbye: what has come may be cut off.
 *
 *     struct tls *tls = tls_client_new(loop_sys(loop), &(struct tls_options){0}, &failure);
 *     int rc = await(stream_start_tls(s, tls, "example.org", &f));         then read and write as before
 *
 * Handshakes are computed on the loop's executor: a signature takes as long as hundreds of small messages. OpenSSL's own memory
 * is not the door's, and its clock is the machine's: neither can be made to fail, or to jump.
 *
 * Traps it exists for: a connection that was cut off looks like one that has ended, and half a page like a page; text that was
 * sent before the handshake must not be taken for text that came encrypted; and a certificate that nobody has looked at
 * protects from nobody. With TLS 1.3 a client is done before the server has looked at its certificate, and hears of it with its
 * first read. */
#ifndef EDDY_STREAM_TLS_H
#define EDDY_STREAM_TLS_H

#include "stream/sentence.h"
#include "stream/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tls;

enum tls_trust {
    TLS_VERIFY,                     /* of a client: the server's certificate and name; of a server: clients that have one */
    TLS_VERIFY_ALWAYS,              /* of a server: clients without a certificate are refused, too */
    TLS_BELIEVE_ANYBODY             /* encrypted, to whoever it is */
};

struct tls_options {                /* {0}: a client that believes whom this machine believes */
    const char *certificate;        /* PEM file: ours, and those between it and its authority behind it. A server has one */
    const char *key;                /* PEM file, without a pass phrase; NULL: in the same one */
    const char *authorities;        /* PEM file: whom we believe, maybe with their lists of what they have revoked; NULL: a
                                       client whom this machine believes, a server nobody: it asks for no certificates */
    enum tls_trust trust;
    const char *const *alpn;        /* protocols ("h2", "http/1.1"), preferred first, ends with NULL; NULL: not spoken of */
    int lowest;                     /* 0: TLS 1.2; 13: only TLS 1.3 */
    const char *ciphers;            /* of TLS 1.2, as openssl-ciphers(1) has it; NULL: OpenSSL's choice */
    int sessions;                   /* a client: how many it keeps to be resumed, one for each name and port; 0: 128; < 0: none */
};

/* Reads the files, so before the loop runs, or on its executor. NULL with errno, and a sentence (unless NULL). */
struct tls *tls_client_new(struct sys *, const struct tls_options *, struct sentence *failure);
struct tls *tls_server_new(struct sys *, const struct tls_options *, struct sentence *failure);
/* SNI: who asks for that name ("example.org", "*.example.org": one label) meets `other`, a server's, which stays; the first
 * that fits. Who asks for none or another meets this one. Before the first stream. 0 or -ENOMEM. */
int tls_serve_name(struct tls *, const char *name, struct tls *other);
void tls_close(struct tls *);

/* From now on the stream speaks TLS. It must be idle: no read pending, nothing unsent, not shut down (REQUIRE). What was read
 * ahead and not asked for yet is the beginning of the handshake, never text. `name`: a client's: whom it calls (a host, or a
 * literal address: then no SNI), checked against the certificate; NULL only with TLS_BELIEVE_ANYBODY, and for servers. rc 0
 * when both sides have agreed. Reads and writes may begin at once, and wait for that. A failed handshake, or a cancelled one,
 * ends the stream: it can only be closed. f may be NULL.
 * From then on the end is TLS's goodbye; stream_shutdown and stream_close (once all was sent) say it. One who has left without
 * it is -ECONNABORTED. */
struct future *stream_start_tls(struct stream *, struct tls *, const char *name, struct future *f);

struct tls_facts {                  /* of a stream whose handshake is done; strings are lent until it closes */
    const char *version, *cipher;   /* "TLSv1.3", "TLS_AES_256_GCM_SHA384" */
    const char *alpn;               /* what was agreed on; NULL: nothing */
    const char *name;               /* a server's: whom the client called; NULL: nobody by name */
    const char *peer;               /* the subject of the other side's certificate; NULL: it has shown none */
    bool resumed;                   /* the handshake was a short one */
};
/* False: it does not speak TLS, or not yet. */
bool stream_tls(const struct stream *, struct tls_facts *out);

#ifdef __cplusplus
}
#endif
#endif
