/* certificates.h - authorities and certificates, good ones and bad ones, made in a temporary folder for the length of a program.
 *
 *     certificates_begin();                                 in main, before the suite runs: its tests only read
 *     (struct tls_options){ .certificate = certificate("good"), .authorities = certificate("authority") }
 *     certificates_end();                                   removes the folder
 *
 * A file NAME.pem has the certificate and its key behind it, so it is both (also to openssl s_server and Python's
 * load_cert_chain):
 *
 *     authority       whom to believe; the others are signed by it, unless it says otherwise
 *     good            a server's: example.org, *.wild.example, ba*.part.example, localhost, 127.0.0.1, ::1
 *     second          a server's: second.example
 *     elsewhere       a server's: elsewhere.example
 *     expired, early  a server's: example.org, until an hour ago, from tomorrow on
 *     self_signed     a server's: example.org, by itself
 *     unknown         a server's: example.org, by another authority ("stranger")
 *     revoked         a server's: example.org, on the list of "revocations", which is the authority and its list of the revoked
 *     client          a client's: nobody in particular
 *     unknown_client  a client's, by the other authority
 *     locked          a key alone, with a pass phrase
 *
 * All keys are Ed25519: made at once, and all signatures have the same size. The trap it exists for: certificates that are kept
 * in the tree expire, in the middle of somebody's afternoon. */
#ifndef EDDY_STREAM_TESTS_CERTIFICATES_H
#define EDDY_STREAM_TESTS_CERTIFICATES_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop/require.h"

enum { MOST_CERTIFICATES = 16, CERTIFICATE_HOUR = 3600 };

static char certificates_folder[] = "/tmp/eddy-certificates-XXXXXX";
static char certificates_paths[MOST_CERTIFICATES][64];

/* The path of that file; its memory is the program's. */
static inline const char *certificate(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s.pem", certificates_folder, name);
    for (int i = 0; i < MOST_CERTIFICATES; i++) {
        if (certificates_paths[i][0] == '\0')
            strcpy(certificates_paths[i], path);
        if (strcmp(certificates_paths[i], path) == 0)
            return certificates_paths[i];
    }
    REQUIRE(false, "certificate(\"%s\"): raise MOST_CERTIFICATES", name);
    return NULL;
}

struct certificate_made {
    X509 *x;
    EVP_PKEY *key;
};

struct certificate_wanted {
    const char *name, *names;           /* "DNS:example.org"; NULL: an authority's */
    const char *purpose;                /* "serverAuth" */
    const struct certificate_made *issuer;      /* NULL: itself */
    long from, until;                   /* hours from now; 0 and 0: yesterday, and a day */
    long serial;
};

static inline void certificate_extend(X509 *x, X509 *issuer, int what, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, what, value);
    REQUIRE(extension && X509_add_ext(x, extension, -1), "a certificate's extension: %s", value);
    X509_EXTENSION_free(extension);
}

static inline void certificate_save(const char *name, const struct certificate_made *c)
{
    FILE *f = fopen(certificate(name), "w");
    REQUIRE(f && PEM_write_X509(f, c->x) && PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL) && fclose(f) == 0,
            "the certificate %s cannot be written", certificate(name));
}

static inline struct certificate_made certificate_make(const struct certificate_wanted *w)
{
    struct certificate_made c = { X509_new(), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") };
    const struct certificate_made *issuer = w->issuer ? w->issuer : &c;
    X509_NAME *subject = X509_get_subject_name(c.x);
    X509_set_version(c.x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c.x), w->serial);
    X509_gmtime_adj(X509_getm_notBefore(c.x), (w->from || w->until ? w->from : -24) * CERTIFICATE_HOUR);
    X509_gmtime_adj(X509_getm_notAfter(c.x), (w->from || w->until ? w->until : 24) * CERTIFICATE_HOUR);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)w->name, -1, -1, 0);
    X509_set_issuer_name(c.x, X509_get_subject_name(issuer->x));
    X509_set_pubkey(c.x, c.key);
    certificate_extend(c.x, issuer->x, NID_basic_constraints, w->purpose ? "critical,CA:FALSE" : "critical,CA:TRUE");
    certificate_extend(c.x, issuer->x, NID_key_usage, w->purpose ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign");
    certificate_extend(c.x, issuer->x, NID_subject_key_identifier, "hash");
    certificate_extend(c.x, issuer->x, NID_authority_key_identifier, "keyid");
    if (w->purpose)
        certificate_extend(c.x, issuer->x, NID_ext_key_usage, w->purpose);
    if (w->names)
        certificate_extend(c.x, issuer->x, NID_subject_alt_name, w->names);
    REQUIRE(X509_sign(c.x, issuer->key, NULL), "the certificate %s cannot be signed", w->name);
    certificate_save(w->name, &c);
    return c;
}

static inline void certificate_end(struct certificate_made c)
{
    X509_free(c.x);
    EVP_PKEY_free(c.key);
}

/* The authority, and behind it the list of those that it has revoked: one of that serial number. */
static inline void certificate_revoke(const struct certificate_made *authority, long serial)
{
    X509_CRL *list = X509_CRL_new();
    X509_REVOKED *one = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -CERTIFICATE_HOUR), *later = X509_gmtime_adj(NULL, 24 * CERTIFICATE_HOUR);
    ASN1_INTEGER_set(number, serial);
    X509_REVOKED_set_serialNumber(one, number);
    X509_REVOKED_set_revocationDate(one, now);
    X509_CRL_set_version(list, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(authority->x));
    X509_CRL_set1_lastUpdate(list, now);
    X509_CRL_set1_nextUpdate(list, later);
    X509_CRL_add0_revoked(list, one);
    REQUIRE(X509_CRL_sign(list, authority->key, NULL), "the list of the revoked cannot be signed");
    FILE *f = fopen(certificate("revocations"), "w");
    REQUIRE(f && PEM_write_X509(f, authority->x) && PEM_write_X509_CRL(f, list) && fclose(f) == 0,
            "the list of the revoked cannot be written");
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(now);
    ASN1_TIME_free(later);
    X509_CRL_free(list);
}

static inline void certificate_lock(const struct certificate_made *c)
{
    FILE *f = fopen(certificate("locked"), "w");
    REQUIRE(f && PEM_write_PrivateKey(f, c->key, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL, NULL) &&
            fclose(f) == 0, "the locked key cannot be written");
}

/* Each test has a process of its own: what OpenSSL (and valgrind) does but once is done before they begin. */
static inline void certificates_warm_up(void)
{
    SSL_CTX *contexts[2] = { SSL_CTX_new(TLS_client_method()), SSL_CTX_new(TLS_server_method()) };
    SSL *ends[2];
    BIO *wires[2];
    SSL_CTX_use_certificate_file(contexts[1], certificate("good"), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(contexts[1], certificate("good"), SSL_FILETYPE_PEM);
    BIO_new_bio_pair(&wires[0], 0, &wires[1], 0);
    for (int i = 0; i < 2; i++) {
        ends[i] = SSL_new(contexts[i]);
        SSL_set_bio(ends[i], wires[i], wires[i]);
    }
    for (int i = 0; i < 4; i++)
        if (i % 2)
            SSL_accept(ends[1]);
        else
            SSL_connect(ends[0]);
    REQUIRE(SSL_is_init_finished(ends[0]) && SSL_is_init_finished(ends[1]), "OpenSSL does not shake hands with itself");
    for (int i = 0; i < 2; i++) {
        SSL_free(ends[i]);
        SSL_CTX_free(contexts[i]);
    }
}

static inline void certificates_begin(void)
{
    REQUIRE(mkdtemp(certificates_folder), "no temporary folder can be made: %s", certificates_folder);
    struct certificate_made authority = certificate_make(&(struct certificate_wanted){ .name = "authority", .serial = 1 });
    struct certificate_made stranger = certificate_make(&(struct certificate_wanted){ .name = "stranger", .serial = 2 });
    const struct certificate_wanted wanted[] = {
        { "good", "DNS:example.org,DNS:*.wild.example,DNS:ba*.part.example,DNS:localhost,IP:127.0.0.1,IP:::1",
          "serverAuth", &authority, 0, 0, 11 },
        { "second", "DNS:second.example", "serverAuth", &authority, 0, 0, 12 },
        { "elsewhere", "DNS:elsewhere.example", "serverAuth", &authority, 0, 0, 13 },
        { "expired", "DNS:example.org", "serverAuth", &authority, -48, -1, 14 },
        { "early", "DNS:example.org", "serverAuth", &authority, 24, 48, 15 },
        { "self_signed", "DNS:example.org", "serverAuth", NULL, 0, 0, 16 },
        { "unknown", "DNS:example.org", "serverAuth", &stranger, 0, 0, 17 },
        { "revoked", "DNS:example.org", "serverAuth", &authority, 0, 0, 18 },
        { "client", NULL, "clientAuth", &authority, 0, 0, 19 },
        { "unknown_client", NULL, "clientAuth", &stranger, 0, 0, 20 },
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        certificate_end(certificate_make(&wanted[i]));
    certificate_revoke(&authority, 18);
    certificate_lock(&authority);
    certificate_end(authority);
    certificate_end(stranger);
    certificates_warm_up();
}

static inline void certificates_end(void)
{
    for (int i = 0; i < MOST_CERTIFICATES && certificates_paths[i][0]; i++)
        unlink(certificates_paths[i]);
    rmdir(certificates_folder);
}

#endif
