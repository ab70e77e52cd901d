/* tls_crowd.c - the other side of the TLS benches. See tls_crowd.h.
 *
 * Trap: a session comes behind the handshake, with the first bytes: a client that reads none has nothing to resume. */
#include "stream/bench/tls_crowd.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/bench/bench.h"

struct tls_crowd {
    pid_t pid;
    int orders;                         /* how many operations, as a long; closed: the end */
};

/* ---- the other process ------------------------------------------------------------------------------------------- */

static SSL_CTX *context;
static SSL_SESSION *session;
static struct sockaddr_in server;

static SSL *dial(void)
{
    SSL *ssl = SSL_new(context);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!ssl || fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof server) < 0)
        _exit(1);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    SSL_set_fd(ssl, fd);
    return ssl;
}

static void take(SSL *ssl, char *data, int len)
{
    for (int n; len > 0; len -= n)
        if ((n = SSL_read(ssl, data, len)) <= 0)
            _exit(1);
}

static void echo_one(SSL *ssl)
{
    static char data[TLS_MESSAGE];
    for (int done = 0; done < TLS_MESSAGE; done += TLS_RECORD)
        if (SSL_write(ssl, data + done, TLS_RECORD) <= 0)
            _exit(1);
    take(ssl, data, TLS_MESSAGE);
}

static void finish(SSL *ssl)
{
    char byte;
    if (SSL_connect(ssl) != 1)
        _exit(1);
    take(ssl, &byte, 1);
    SSL_SESSION_free(session);
    session = SSL_get1_session(ssl);
    SSL_shutdown(ssl);
    close(SSL_get_fd(ssl));
    SSL_free(ssl);
}

static void visit(bool resuming)
{
    SSL *ssl = dial();
    if (resuming && session && SSL_set_session(ssl, session) != 1)
        _exit(1);
    finish(ssl);
}

static void set_blocking(const SSL *ssl, bool blocking)
{
    int flags = fcntl(SSL_get_fd(ssl), F_GETFL);
    fcntl(SSL_get_fd(ssl), F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

/* All have said their first word before the server has answered any. */
static void visit_together(void)
{
    SSL *all[TLS_AT_ONCE];
    for (int i = 0; i < TLS_AT_ONCE; i++)
        all[i] = dial();
    for (int i = 0; i < TLS_AT_ONCE; i++) {
        set_blocking(all[i], false);
        SSL_connect(all[i]);
        set_blocking(all[i], true);
    }
    for (int i = 0; i < TLS_AT_ONCE; i++)
        finish(all[i]);
}

__attribute__((noreturn)) static void be_a_crowd(enum tls_work work, int orders)
{
    SSL *ssl = NULL;
    long ops;
    if (dup2(orders, 3) != 3 || close_range(4, ~0U, 0) < 0)
        _exit(1);
    context = SSL_CTX_new(TLS_client_method());
    if (work == TLS_ECHOES && SSL_connect(ssl = dial()) != 1)
        _exit(1);
    while (read(3, &ops, sizeof ops) == sizeof ops)
        for (long i = 0; i < ops; i += work == TLS_CROWDED ? TLS_AT_ONCE : 1)
            if (work == TLS_ECHOES)
                echo_one(ssl);
            else if (work == TLS_CROWDED)
                visit_together();
            else
                visit(work == TLS_RESUMED);
    _exit(0);
}

/* ---- this one ------------------------------------------------------------------------------------------------------ */

struct tls_crowd *tls_crowd_new(int port, enum tls_work work)
{
    struct tls_crowd *c = bench_array(1, sizeof *c);
    int orders[2];
    server = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (pipe2(orders, O_CLOEXEC) < 0 || (c->pid = fork()) < 0)
        bench_die("no second process could be made");
    if (c->pid == 0)
        be_a_crowd(work, orders[0]);
    close(orders[0]);
    c->orders = orders[1];
    return c;
}

void tls_crowd_go(struct tls_crowd *c, long ops)
{
    if (write(c->orders, &ops, sizeof ops) != sizeof ops)
        bench_die("the other process is gone");
}

void tls_crowd_close(struct tls_crowd *c)
{
    close(c->orders);
    waitpid(c->pid, NULL, 0);
    free(c);
}

/* ---- the certificate -------------------------------------------------------------------------------------------- */

static char identity[] = "/tmp/eddy-bench-XXXXXX";

static void remove_identity(void)
{
    unlink(identity);
}

static void write_identity(FILE *out)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *x = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 24 * 3600);
    X509_set_pubkey(x, key);
    if (!X509_sign(x, key, EVP_sha256()) || !PEM_write_X509(out, x) || !PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL))
        bench_die("no certificate could be made");
    X509_free(x);
    EVP_PKEY_free(key);
}

const char *tls_identity(void)
{
    static bool made;
    if (made)
        return identity;
    int fd = mkstemp(identity);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out)
        bench_die("no file could be made in /tmp");
    write_identity(out);
    fclose(out);
    atexit(remove_identity);
    made = true;
    return identity;
}
