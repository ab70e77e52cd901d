/* tls.c - who we are and whom we believe: what all streams of a struct tls share. See tls.h.
 *
 * Traps: OpenSSL asks for a pass phrase on the terminal, and the whole program waits for it. A session that began with one name
 * must not be gone on with under another: that name may ask more of its clients (CVE-2025-23419). And what has a cache here is
 * grown by strangers: the server keeps nothing, its tickets are with the clients. */
#include "stream/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <strings.h>

#include "loop/require.h"
#include "stream/tls_engine_inside.h"

enum { SESSIONS = 128, LONGEST_PROTOCOL = 255 };

struct tls_named {
    struct tls_named *next;
    struct tls_own *own;            /* held */
    char name[];
};

/* ---- while it shakes hands: on another thread -------------------------------------------------------------------- */

static int no_pass_phrase(char *out, int size, int writing, void *self)
{
    (void)out, (void)size, (void)writing, (void)self;
    return -1;
}

/* Of a client. The engine keeps it until it is back on the loop. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_engine *e = SSL_get_app_data(ssl);
    SSL_SESSION_free(e->fresh);
    e->fresh = session;
    return 1;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *len, const unsigned char *theirs,
                           unsigned theirs_len, void *self)
{
    const struct tls_own *own = self;
    unsigned char *chosen;
    (void)ssl;
    if (SSL_select_next_proto(&chosen, len, own->alpn, own->alpn_len, theirs, theirs_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcasecmp(a, b) == 0 : a == b;
}

static bool fits(const char *pattern, const char *name)
{
    const char *rest = strchr(name, '.');
    return strcasecmp(pattern, name) == 0 || (pattern[0] == '*' && rest && rest != name && strcasecmp(pattern + 1, rest) == 0);
}

static const struct tls_own *find(const struct tls_own *own, const char *name)
{
    const struct tls_named *n = own->names;
    while (n && !(name && fits(n->name, name)))
        n = n->next;
    return n ? n->own : NULL;
}

/* Who is called by name may be another one of us. */
static int meet(SSL *ssl, int *alert, void *self)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const struct tls_own *other = find(self, name);
    if (SSL_session_reused(ssl) && !same(name, SSL_SESSION_get0_hostname(SSL_get_session(ssl)))) {
        *alert = SSL_AD_ACCESS_DENIED;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (other && SSL_version(ssl) < other->lowest) {
        *alert = SSL_AD_PROTOCOL_VERSION;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (other) {
        SSL_set_SSL_CTX(ssl, other->tls.context);
        SSL_set_verify(ssl, other->verify, NULL);
    }
    return SSL_TLSEXT_ERR_OK;
}

/* ---- making one -------------------------------------------------------------------------------------------------- */

static bool wrong(struct sentence *failure, const char *why)
{
    sentence_write(failure, "%s", why);
    ERR_clear_error();
    errno = EINVAL;
    return false;
}

static bool show(struct tls_own *own, const struct tls_options *o, struct sentence *failure)
{
    SSL_CTX *c = own->tls.context;
    const char *key = o->key ? o->key : o->certificate;
    if (!o->certificate)
        return !own->tls.server || wrong(failure, "a TLS server needs a certificate: name its PEM file");
    if (SSL_CTX_use_certificate_chain_file(c, o->certificate) != 1) {
        tls_file_reason(failure, "the certificate in", o->certificate);
        return false;
    }
    if (SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(c) != 1) {
        tls_file_reason(failure, "the private key in", key);
        return false;
    }
    return true;
}

/* Lists of what was revoked may stand among the authorities; then they are looked at. */
static void heed_revocations(SSL_CTX *c)
{
    X509_STORE *store = SSL_CTX_get_cert_store(c);
    const STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(all); i++)
        if (X509_OBJECT_get_type(sk_X509_OBJECT_value(all, i)) == X509_LU_CRL)
            X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
}

static bool believe(struct tls_own *own, const struct tls_options *o, struct sentence *failure)
{
    SSL_CTX *c = own->tls.context;
    bool looks = o->trust != TLS_BELIEVE_ANYBODY && (!own->tls.server || o->authorities);
    if (own->tls.server && o->trust == TLS_VERIFY_ALWAYS && !o->authorities)
        return wrong(failure, "a TLS server that wants certificates of its clients must know whom to believe: name a PEM file of "
                     "authorities");
    if (looks && !o->authorities)
        SSL_CTX_set_default_verify_paths(c);
    if (looks && o->authorities && SSL_CTX_load_verify_file(c, o->authorities) != 1) {
        tls_file_reason(failure, "the authorities in", o->authorities);
        return false;
    }
    if (looks && own->tls.server)
        SSL_CTX_set_client_CA_list(c, SSL_load_client_CA_file(o->authorities));
    if (looks)
        own->verify = SSL_VERIFY_PEER | (o->trust == TLS_VERIFY_ALWAYS ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
    heed_revocations(c);
    SSL_CTX_set_verify(c, own->verify, NULL);
    return true;
}

/* Each with its length before it. */
static bool speak(struct tls_own *own, const char *const *alpn, struct sentence *failure)
{
    size_t len = 0;
    for (int i = 0; alpn && alpn[i]; i++) {
        if (!alpn[i][0] || strlen(alpn[i]) > LONGEST_PROTOCOL)
            return wrong(failure, "a protocol of ALPN has between 1 and 255 bytes");
        len += 1 + strlen(alpn[i]);
    }
    if (len == 0)
        return true;
    own->alpn = sys_new(own->tls.sys, len);
    if (!own->alpn) {
        errno = ENOMEM;
        return false;
    }
    for (int i = 0; alpn[i]; i++) {
        size_t n = strlen(alpn[i]);
        own->alpn[own->alpn_len] = (unsigned char)n;
        memcpy(own->alpn + own->alpn_len + 1, alpn[i], n);
        own->alpn_len += 1 + (unsigned)n;
    }
    if (own->tls.server)
        SSL_CTX_set_alpn_select_cb(own->tls.context, choose_protocol, own);
    else
        SSL_CTX_set_alpn_protos(own->tls.context, own->alpn, own->alpn_len);
    return true;
}

static bool allow(struct tls_own *own, const struct tls_options *o, struct sentence *failure)
{
    SSL_CTX *c = own->tls.context;
    own->lowest = o->lowest == 13 ? TLS1_3_VERSION : TLS1_2_VERSION;
    if (o->lowest != 0 && o->lowest != 12 && o->lowest != 13)
        return wrong(failure, "the lowest version of TLS is 12 (TLS 1.2) or 13 (TLS 1.3)");
    SSL_CTX_set_min_proto_version(c, own->lowest);
    if (o->ciphers && SSL_CTX_set_cipher_list(c, o->ciphers) != 1)
        return wrong(failure, "none of the ciphers is one of TLS 1.2's (`openssl ciphers` lists them)");
    return true;
}

static void set_up(struct tls_own *own, const struct tls_options *o)
{
    SSL_CTX *c = own->tls.context;
    static const unsigned char whose[] = "eddy";
    SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(c, 1);
    SSL_CTX_set_default_passwd_cb(c, no_pass_phrase);
    if (own->tls.server) {
        SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_session_id_context(c, whose, sizeof whose);
        SSL_CTX_set_tlsext_servername_callback(c, meet);
        SSL_CTX_set_tlsext_servername_arg(c, own);
        return;
    }
    own->most_sessions = o->sessions == 0 ? SESSIONS : o->sessions > 0 ? o->sessions : 0;
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c, on_session);
}

static void hold(struct tls *tls, int plus_or_minus_one)
{
    struct tls_own *own = (struct tls_own *)tls;
    tls->holders += plus_or_minus_one;
    if (tls->holders > 0)
        return;
    for (struct tls_named *n; (n = own->names);) {
        own->names = n->next;
        hold(&n->own->tls, -1);
        sys_free(tls->sys, n);
    }
    tls_sessions_end(own);
    SSL_CTX_free(tls->context);
    BIO_meth_free(own->method);
    sys_free(tls->sys, own->alpn);
    sys_free(tls->sys, own);
}

static struct tls *tls_new(struct sys *sys, const struct tls_options *o, bool server, struct sentence *failure)
{
    struct tls_own *own = sys_new(sys, sizeof *own);
    sentence_write(failure, "no memory for TLS");
    if (!own)
        return NULL;
    own->tls = (struct tls){ .start = stream_start_tls, .hold = hold, .sys = sys, .server = server, .holders = 1 };
    own->trust = o->trust;
    ERR_clear_error();
    own->tls.context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    own->method = tls_engine_method();
    if (!own->tls.context || !own->method) {
        errno = ENOMEM;
        goto fail;
    }
    set_up(own, o);
    if (allow(own, o, failure) && show(own, o, failure) && believe(own, o, failure) && speak(own, o->alpn, failure)) {
        ERR_clear_error();
        return &own->tls;
    }
fail:;
    int reason = errno;
    hold(&own->tls, -1);
    errno = reason;
    return NULL;
}

/* ---- the contract ------------------------------------------------------------------------------------------------ */

struct tls *tls_client_new(struct sys *sys, const struct tls_options *o, struct sentence *failure)
{
    return tls_new(sys, o, false, failure);
}

struct tls *tls_server_new(struct sys *sys, const struct tls_options *o, struct sentence *failure)
{
    return tls_new(sys, o, true, failure);
}

int tls_serve_name(struct tls *tls, const char *name, struct tls *other)
{
    struct tls_own *own = (struct tls_own *)tls;
    struct tls_named **at = &own->names;
    REQUIRE(tls->server && other->server && tls != other, "tls_serve_name: names are a server's, and lead to another server");
    REQUIRE(!own->used, "tls_serve_name: before the first stream: handshakes look for names on other threads");
    struct tls_named *n = sys_new(tls->sys, sizeof *n + strlen(name) + 1);
    if (!n)
        return -ENOMEM;
    strcpy(n->name, name);
    n->own = (struct tls_own *)other;
    hold(other, 1);
    while (*at)
        at = &(*at)->next;
    *at = n;
    return 0;
}

void tls_close(struct tls *tls)
{
    hold(tls, -1);
}
