/* tls_words.c - what went wrong with TLS, to the one who reads it.
 *
 * The trap it exists for: "error:0A000086:SSL routines::certificate verify failed" is true of nine mistakes, of nine people. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pemerr.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "stream/tls_engine_inside.h"

struct word {
    int what;
    struct tls_reason reason;
};

/* ---- the other side's certificate -------------------------------------------------------------------------------- */

static const struct word certificates[] = {
    { X509_V_ERR_HOSTNAME_MISMATCH, { -EKEYREJECTED,
      "the certificate is for another name: call the server by a name that it is for, or have that name put into it" } },
    { X509_V_ERR_IP_ADDRESS_MISMATCH, { -EKEYREJECTED,
      "the certificate is not for that address: call the server by its name, or have the address put into it" } },
    { X509_V_ERR_CERT_HAS_EXPIRED, { -EKEYEXPIRED,
      "the other side's certificate has expired: have it renewed; or this machine's clock is wrong" } },
    { X509_V_ERR_CERT_NOT_YET_VALID, { -EKEYEXPIRED,
      "the other side's certificate is not valid yet: this machine's clock is wrong, or the other's was" } },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, { -EKEYREJECTED,
      "the other side's certificate is signed by itself: anybody can make one like it; name it as an authority to believe it" } },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, { -EKEYREJECTED,
      "the authority at the end of the other side's certificates is none that we believe: name it to believe it" } },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, { -EKEYREJECTED,
      "the other side's certificate is signed by somebody unknown: name that authority, or have the ones between sent along" } },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, { -EKEYREJECTED,
      "an authority of the other side's certificate is signed by somebody unknown: name the last one to believe it" } },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, { -EKEYREJECTED,
      "the other side has sent its certificate alone, and its authority is unknown: name that authority" } },
    { X509_V_ERR_CERT_REVOKED, { -EKEYREVOKED,
      "the other side's certificate was revoked by its authority: it must get another one" } },
    { X509_V_ERR_UNABLE_TO_GET_CRL, { -EKEYREJECTED,
      "whether the other side's certificate was revoked is not known: the authorities' file has no list from its authority" } },
    { X509_V_ERR_CRL_HAS_EXPIRED, { -EKEYEXPIRED,
      "the list of what the authority has revoked is too old: fetch a new one" } },
    { X509_V_ERR_INVALID_PURPOSE, { -EKEYREJECTED,
      "the other side's certificate is for another purpose: servers need one for servers, clients one for clients" } },
    { X509_V_ERR_INVALID_CA, { -EKEYREJECTED,
      "the other side's certificate is signed by one that is no authority" } },
    { X509_V_ERR_CERT_SIGNATURE_FAILURE, { -EKEYREJECTED,
      "the signature on the other side's certificate is wrong: somebody changed it, or two authorities have the same name" } },
    { X509_V_ERR_EE_KEY_TOO_SMALL, { -EKEYREJECTED,
      "the key of the other side's certificate is too short to be safe: it must get another one" } },
    { X509_V_ERR_CA_MD_TOO_WEAK, { -EKEYREJECTED,
      "the other side's certificate is signed in a way that can be forged: it must get another one" } },
};
static const struct tls_reason some_certificate = { -EKEYREJECTED,
    "the other side's certificate is not to be believed (`openssl verify` says why)" };

/* ---- what the other side tells us with an alert ------------------------------------------------------------------- */

static const struct word alerts[] = {
    { SSL_AD_HANDSHAKE_FAILURE, { -EPROTO,
      "the other side refuses the handshake: it wants a certificate of ours, or has no cipher in common with us; ask its log" } },
    { SSL_AD_BAD_CERTIFICATE, { -EKEYREJECTED, "the other side does not believe our certificate: ask its log why" } },
    { SSL_AD_UNSUPPORTED_CERTIFICATE, { -EKEYREJECTED, "the other side says that our certificate is for another purpose" } },
    { SSL_AD_CERTIFICATE_REVOKED, { -EKEYREVOKED, "the other side says that our certificate was revoked: get another one" } },
    { SSL_AD_CERTIFICATE_EXPIRED, { -EKEYEXPIRED, "the other side says that our certificate has expired: have it renewed" } },
    { SSL_AD_CERTIFICATE_UNKNOWN, { -EKEYREJECTED, "the other side does not like our certificate: ask its log why" } },
    { SSL_AD_UNKNOWN_CA, { -EKEYREJECTED,
      "the other side does not believe the authority of our certificate: it must name it, or we send those between along" } },
    { SSL_AD_CERTIFICATE_REQUIRED, { -EKEYREJECTED,
      "the other side wants a certificate of ours, and we have shown none: name one" } },
    { SSL_AD_ACCESS_DENIED, { -EKEYREJECTED, "the other side believes who we are, and lets us not in" } },
    { SSL_AD_PROTOCOL_VERSION, { -EPROTO,
      "the other side and we have no version of TLS in common: one of both allows too few" } },
    { SSL_AD_INSUFFICIENT_SECURITY, { -EPROTO, "the other side wants stronger ciphers than we allow" } },
    { SSL_AD_UNRECOGNIZED_NAME, { -EPROTO, "the other side serves nobody of that name" } },
    { SSL_AD_NO_APPLICATION_PROTOCOL, { -EPROTO,
      "the other side and we have no protocol in common (ALPN): allow one that it speaks" } },
    { SSL_AD_DECRYPT_ERROR, { -EPROTO, "the other side could not verify what we have signed: is our key the certificate's?" } },
};
static const struct tls_reason some_alert = { -EPROTO, "the other side has ended it with an alert of TLS: ask its log why" };

/* ---- what we found ourselves ------------------------------------------------------------------------------------- */

#define NOT_TLS "the other side does not speak TLS: it sends plain text, or is another kind of server"
#define NO_VERSION "the other side and we have no version of TLS in common: one of both allows too few"
#define NO_CIPHER "the other side and we have no cipher in common: allow more of them"

static const struct word findings[] = {
    { SSL_R_HTTP_REQUEST, { -EPROTO, "the client speaks plain HTTP, and this is a port for HTTPS" } },
    { SSL_R_HTTPS_PROXY_REQUEST, { -EPROTO, "the client takes this server for a proxy, and asks in plain text" } },
    { SSL_R_WRONG_VERSION_NUMBER, { -EPROTO, NOT_TLS } },
    { SSL_R_UNKNOWN_PROTOCOL, { -EPROTO, NOT_TLS } },
    { SSL_R_PACKET_LENGTH_TOO_LONG, { -EPROTO, NOT_TLS } },
    { SSL_R_ENCRYPTED_LENGTH_TOO_LONG, { -EPROTO, NOT_TLS } },
    { SSL_R_RECORD_TOO_SMALL, { -EPROTO, NOT_TLS } },
    { SSL_R_UNSUPPORTED_PROTOCOL, { -EPROTO, NO_VERSION } },
    { SSL_R_VERSION_TOO_LOW, { -EPROTO, NO_VERSION } },
    { SSL_R_NO_PROTOCOLS_AVAILABLE, { -EPROTO, NO_VERSION } },
    { SSL_R_NO_SHARED_CIPHER, { -EPROTO, NO_CIPHER } },
    { SSL_R_NO_CIPHERS_AVAILABLE, { -EPROTO, NO_CIPHER } },
    { SSL_R_NO_SUITABLE_KEY_SHARE, { -EPROTO, "the other side and we have no way to agree on a key in common" } },
    { SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, { -EPROTO, "the other side knows no way of signing that our certificate allows" } },
    { SSL_R_NO_APPLICATION_PROTOCOL, { -EPROTO,
      "the other side and we have no protocol in common (ALPN): allow one that it speaks" } },
    { SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, { -EKEYREJECTED, "the client has shown no certificate, and has to" } },
    { SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, { -EPROTO, "what came was changed on its way, or is not the other side's" } },
    { SSL_R_CALLBACK_FAILED, { -EPROTO,
      "the client goes on with what it began with another name, or allows no version that this name wants" } },
    { ERR_R_MALLOC_FAILURE, { -ENOMEM, "no memory for TLS" } },
};
static const struct tls_reason some_finding = { -EPROTO, "what came from the other side is not what TLS allows" };

#define LOOK_UP(table, key, otherwise) look_up(table, sizeof table / sizeof *table, key, &otherwise)

static struct tls_reason look_up(const struct word *words, size_t count, int what, const struct tls_reason *otherwise)
{
    for (size_t i = 0; i < count; i++)
        if (words[i].what == what)
            return words[i].reason;
    return *otherwise;
}

/* The first that TLS itself has said; what is under it says it in other words. */
static int first_of_tls(void)
{
    unsigned long error, said = 0;
    while ((error = ERR_get_error()) != 0)
        if (said == 0 && (ERR_GET_LIB(error) == ERR_LIB_SSL || ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE))
            said = error;
    return said ? ERR_GET_REASON(said) : 0;
}

struct tls_reason tls_reason(const SSL *ssl)
{
    int reason = first_of_tls();
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return LOOK_UP(certificates, (int)SSL_get_verify_result(ssl), some_certificate);
    if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
        return LOOK_UP(alerts, reason - SSL_AD_REASON_OFFSET, some_alert);
    return LOOK_UP(findings, reason, some_finding);
}

/* ---- our own files ------------------------------------------------------------------------------------------------ */

static bool is(unsigned long error, int library, int reason)
{
    return ERR_GET_LIB(error) == library && ERR_GET_REASON(error) == reason;
}

void tls_file_reason(struct sentence *failure, const char *what, const char *file)
{
    unsigned long error = ERR_peek_error(), last = ERR_peek_last_error();
    const char *said = ERR_reason_error_string(error), *why = said ? said : "OpenSSL does not say why";
    int rc = EINVAL;
    if (ERR_SYSTEM_ERROR(error)) {
        rc = ERR_GET_REASON(error);
        why = strerror(rc);
    } else if (is(error, ERR_LIB_PEM, PEM_R_NO_START_LINE) || is(error, ERR_LIB_OSSL_DECODER, ERR_R_UNSUPPORTED) ||
               is(error, ERR_LIB_X509, X509_R_NO_CERTIFICATE_OR_CRL_FOUND)) {
        why = "there is none in it, in the form of PEM";
    } else if (is(last, ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH)) {
        why = "it is not the one of the certificate";
    } else if (is(error, ERR_LIB_CRYPTO, ERR_R_INTERRUPTED_OR_CANCELLED)) {
        why = "it is locked with a pass phrase, and nobody is there to say it: unlock it with `openssl pkey`";
    } else if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
        rc = ENOMEM;
    }
    sentence_write(failure, "%s %s cannot be used: %s", what, file, why);
    ERR_clear_error();
    errno = rc;
}
