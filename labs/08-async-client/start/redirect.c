/* redirect.c - where an answer sends us. See http/redirect.h, which is the contract.
 *
 * Yours: everything below that says so. Trap: a name and a password in the URL are cut out before anything else is done with it,
 * so that no log, no Host and no later Location ever has them. */
#include "http/redirect.h"

#include <errno.h>
#include <string.h>

#include "http/text_class.h"

static int fails(int rc, const char **why)
{
    if (rc == -ENOMEM)
        *why = "no memory for the URL";
    else if (rc == -EPROTONOSUPPORT)
        *why = "the URL is neither http nor https: nothing else is spoken here";
    else
        *why = "it is no URL of a host: http://host/path is one; spaces and control bytes are written %20, %0A";
    return rc;
}

/* Yours: out->text is memory of the hop's own, with the URL in it, and room for the host behind that; url_parse and url_http
 * (http/url.h) say what it means. After a failure hop_end is called, too. */
int hop_first(struct sys *sys, const char *url, const char *method, bool body, struct hop *out, const char **why)
{
    (void)sys, (void)url;
    *out = (struct hop){ .method = method, .body = body };
    return fails(-EINVAL, why);
}

void hop_end(struct sys *sys, struct hop *hop)
{
    sys_free(sys, hop->text);
    hop->text = NULL;
}

/* Yours. */
bool redirect_asked(int status, struct bytes location)
{
    (void)status, (void)location;
    return false;
}

/* Yours: url_resolve puts a reference and a base together, without a zero behind it. Whether it is a GET from now on, whether the
 * body comes along, and whether it is still the first origin. A hop that could not be made has nothing left. */
int redirect_follow(struct sys *sys, const struct hop *from, int status, struct bytes location, struct hop *out, const char **why)
{
    (void)sys, (void)status, (void)location;
    *out = (struct hop){ .method = from->method };
    return fails(-EINVAL, why);
}
