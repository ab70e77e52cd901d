/* serve_secure.c - see serve_secure.h. A certificate that is made now is never in a file that others can read.
 *
 * Traps: browsers believe no certificate for an address that stands only in its subject: what it is for are its alternative
 * names. And this program is also built where there is no OpenSSL. */
#include "http/programs/serve_secure.h"

#if !__has_include(<openssl/ssl.h>)

bool serve_secure_new(struct sys *sys, const struct serve_options *o, struct tls **out, struct sentence *failure)
{
    (void)sys;
    *out = NULL;
    sentence_write(failure, "this serve was built without OpenSSL, and speaks http alone: build it where libssl-dev is");
    return !o->certificate && !o->self_signed;
}

void serve_secure_close(struct tls *tls)
{
    (void)tls;
}

#else

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "http/parse.h"
#include "stream/address.h"
#include "stream/tls.h"

enum { DAYS = 30, DAY = 24 * 3600 };

/* ---- a certificate that is made now ---------------------------------------------------------------------------------- */

/* For this machine, whatever it is called, and the address it listens at. */
static void write_names(const char *address, char *out, size_t size)
{
    char host[256] = "";
    struct address literal;
    gethostname(host, sizeof host - 1);
    bool is_literal = address_parse(address, 0, &literal) == 0 && literal.at.ss_family != AF_UNIX;
    snprintf(out, size, "DNS:localhost,IP:127.0.0.1,IP:::1%s%s%s%s", host[0] ? ",DNS:" : "", host, is_literal ? ",IP:" : "",
             is_literal ? address : "");
}

static bool extend(X509 *x, int what, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, what, value);
    bool done = extension && X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

static bool fill_in(X509 *x, EVP_PKEY *key, const char *names)
{
    static const unsigned char whose[] = "eddy's serve";
    X509_NAME *subject = X509_get_subject_name(x);
    int64_t serial;
    return RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 && X509_set_version(x, X509_VERSION_3) &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), (uint64_t)serial >> 1) &&
           X509_gmtime_adj(X509_getm_notBefore(x), -DAY) && X509_gmtime_adj(X509_getm_notAfter(x), DAYS * DAY) &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, whose, -1, -1, 0) && X509_set_issuer_name(x, subject) &&
           X509_set_pubkey(x, key) && extend(x, NID_subject_alt_name, names) && extend(x, NID_ext_key_usage, "serverAuth") &&
           X509_sign(x, key, EVP_sha256());
}

/* Into a file without a name: its descriptor, or -1. */
static int make_certificate(const char *address)
{
    char names[512];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    int fd = memfd_create("certificate", MFD_CLOEXEC);
    BIO *file = fd < 0 ? NULL : BIO_new_fd(fd, BIO_NOCLOSE);
    write_names(address, names, sizeof names);
    bool made = key && x && file && fill_in(x, key, names) && PEM_write_bio_X509(file, x) &&
                PEM_write_bio_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    BIO_free(file);
    X509_free(x);
    EVP_PKEY_free(key);
    if (made || fd < 0)
        return fd;
    close(fd);
    return -1;
}

static struct tls *self_signed(struct sys *sys, const char *address, struct sentence *failure)
{
    char path[64];
    int fd = make_certificate(address);
    sentence_write(failure, "no certificate can be made here: make one with openssl, and name it with -c");
    if (fd < 0)
        return NULL;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct tls *tls = tls_server_new(sys, &(struct tls_options){ .certificate = path, .alpn = http_alpn }, failure);
    close(fd);
    return tls;
}

/* ---- the contract ---------------------------------------------------------------------------------------------------- */

bool serve_secure_new(struct sys *sys, const struct serve_options *o, struct tls **out, struct sentence *failure)
{
    *out = NULL;
    if (!o->certificate && !o->self_signed)
        return true;
    *out = o->self_signed ? self_signed(sys, o->address, failure)
                          : tls_server_new(sys, &(struct tls_options){ .certificate = o->certificate, .key = o->key,
                                                                       .alpn = http_alpn }, failure);
    return *out != NULL;
}

void serve_secure_close(struct tls *tls)
{
    if (tls)
        tls_close(tls);
}

#endif
