/* serve_secure.h - whom serve is, when it speaks TLS. */
#ifndef EDDY_HTTP_PROGRAMS_SERVE_SECURE_H
#define EDDY_HTTP_PROGRAMS_SERVE_SECURE_H

#include "http/programs/serve_options.h"
#include "stream/sentence.h"

struct sys;
struct tls;

/* By the options: *out is a server's, NULL where they do not ask for TLS. False: it cannot be, and `failure` says why. */
bool serve_secure_new(struct sys *, const struct serve_options *, struct tls **out, struct sentence *failure);
/* NULL: nothing. */
void serve_secure_close(struct tls *);

#endif
