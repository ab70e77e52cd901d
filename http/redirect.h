/* redirect.h - where an answer sends us, and what may come along (RFC 9110, section 15.4).
 *
 * OWNERSHIP  A struct hop that was made is ended with hop_end. Methods are lent.
 * ERRORS     -errno, and *why is a static sentence.
 *
 * 303 asks for a GET (of a HEAD, again for a HEAD), and so do 301 and 302 behind a POST: then the body stays behind. 307 and
 * 308 ask for the same again. What is meant for one origin alone (scheme, host, port) does not go to another one, nor back
 * again from there. The fragment is the old one where Location has none.
 *
 * Traps it exists for: a password that goes to whomever a server names; a Location "//evil.example/", which is a host and no
 * path; and one to file:///etc/passwd. */
#ifndef EDDY_HTTP_REDIRECT_H
#define EDDY_HTTP_REDIRECT_H

#include "http/url.h"
#include "loop/sys.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hop {                        /* one request of a fetch */
    char *text;                     /* its URL, without a name and a password */
    struct url url;                 /* views into it */
    const char *host;               /* as a string, its letters small */
    int port;
    bool secure;                    /* https */
    const char *method;
    bool body;                      /* the fetch's body comes along */
    bool trusted;                   /* it is still the first origin: what is meant for that alone comes, too */
};

/* The first one. 0; -EINVAL: it is no http URL of a host; -EPROTONOSUPPORT: another scheme; -ENOMEM. */
int hop_first(struct sys *, const char *url, const char *method, bool body, struct hop *out, const char **why);
void hop_end(struct sys *, struct hop *);

/* Whether an answer of that status sends us elsewhere; `location` {NULL, 0}: it has none. */
bool redirect_asked(int status, struct bytes location);
/* What to ask for then. 0; -EPROTONOSUPPORT, -EINVAL: it leads nowhere that we can go; -ENOMEM. */
int redirect_follow(struct sys *, const struct hop *from, int status, struct bytes location, struct hop *out, const char **why);

#ifdef __cplusplus
}
#endif
#endif
