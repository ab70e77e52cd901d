/* resolver_executor.c - names looked up with getaddrinfo, on other threads. See stream/resolver_inside.h, which is the contract.
 *
 * Yours: everything below that says so. The trap: a look-up that runs cannot be stopped, and writes where its answer belongs when
 * nobody waits for that any more. */
#include "stream/resolver_inside.h"

#include <errno.h>
#include <string.h>

#include "loop/executor.h"

/* Yours: sys->lookup is what asks the name servers, and sleeps until they have answered. Who must not sleep, and what belongs to
 * whom while it does? */
static int look_up(void *self, const char *host, int family, struct future *f)
{
    (void)self, (void)host, (void)family, (void)f;
    return -ENOSYS;
}

static void close_nothing(void *self)
{
    (void)self;
}

const struct backend backend_executor = { look_up, close_nothing };
