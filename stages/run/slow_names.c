/* slow_names.c - a slow server of names, for who has none: preloaded (LD_PRELOAD), it makes each look-up of a name take
 * STAGE_SLOW_NAMES ms longer.
 *
 * Trap: a number is no name: nobody is asked for it, so it must stay quick. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <time.h>

static void ask_slowly(const char *host)
{
    const char *set = getenv("STAGE_SLOW_NAMES");
    long ms = set ? atol(set) : 0;
    struct timespec delay = { ms / 1000, ms % 1000 * 1000000 };
    struct in_addr number;
    if (host && inet_pton(AF_INET, host, &number) != 1)
        nanosleep(&delay, NULL);
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    __typeof__(getaddrinfo) *real = (__typeof__(getaddrinfo) *)dlsym(RTLD_NEXT, "getaddrinfo");
    ask_slowly(host);
    return real(host, port, hints, found);
}
