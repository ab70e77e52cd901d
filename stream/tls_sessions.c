/* tls_sessions.c - the sessions a client keeps, to shake hands more cheaply the next time. See tls.h.
 *
 * Trap: a session that is used twice lets whoever listens see that both connections are the same client's (RFC 8446, C.4): so
 * it is taken out to be used, and the server gives another. */
#include <errno.h>
#include <openssl/ssl.h>
#include <string.h>

#include "stream/tls_engine_inside.h"

struct tls_kept {
    struct tls_kept *next;
    SSL_SESSION *session;
    int port;
    char name[];
};

static struct tls_kept **find(struct tls_own *own, const char *name, int port)
{
    struct tls_kept **at = &own->kept;
    while (*at && ((*at)->port != port || strcmp((*at)->name, name) != 0))
        at = &(*at)->next;
    return at;
}

static SSL_SESSION *take_out(struct tls_own *own, struct tls_kept **at)
{
    struct tls_kept *kept = *at;
    SSL_SESSION *session = kept->session;
    *at = kept->next;
    own->sessions--;
    sys_free(own->tls.sys, kept);
    return session;
}

SSL_SESSION *tls_session_take(struct tls_own *own, const char *name, int port)
{
    struct tls_kept **at = find(own, name, port);
    return *at ? take_out(own, at) : NULL;
}

static void drop_oldest(struct tls_own *own)
{
    struct tls_kept **at = &own->kept;
    while ((*at)->next)
        at = &(*at)->next;
    SSL_SESSION_free(take_out(own, at));
}

void tls_session_keep(struct tls_own *own, const char *name, int port, SSL_SESSION *session)
{
    struct tls_kept *kept = own->tls.sys->memory(own->tls.sys, NULL, sizeof *kept + strlen(name) + 1);
    SSL_SESSION_free(tls_session_take(own, name, port));
    if (!kept || own->most_sessions == 0) {
        sys_free(own->tls.sys, kept);
        SSL_SESSION_free(session);
        return;
    }
    *kept = (struct tls_kept){ .next = own->kept, .session = session, .port = port };
    strcpy(kept->name, name);
    own->kept = kept;
    if (++own->sessions > own->most_sessions)
        drop_oldest(own);
}

void tls_sessions_end(struct tls_own *own)
{
    while (own->kept)
        SSL_SESSION_free(take_out(own, &own->kept));
}
