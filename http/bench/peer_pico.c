/* peer_pico.c - picohttpparser, as Debian builds it into libh2o (build/peers, see loop/bench/peers.sh): without SSE4.2.
 *
 * It gives out the same views, and understands nothing of them: neither the target, nor Host, nor how the body is framed. */
#include <dlfcn.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "http/bench/servers.h"

enum { ROOM = 100 };

struct pico_header {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

typedef int pico_parse(const char *data, size_t len, const char **method, size_t *method_len, const char **path, size_t *path_len,
                       int *minor_version, struct pico_header *headers, size_t *count, size_t len_before);

/* The first library that is so called, under build/peers; NULL: none, or it cannot be had here. */
static void *library(const char *pattern)
{
    void *found = NULL;
    glob_t paths;
    if (glob(pattern, 0, NULL, &paths) != 0)
        return NULL;
    if (paths.gl_pathc)
        found = dlopen(paths.gl_pathv[0], RTLD_LAZY | RTLD_GLOBAL);
    globfree(&paths);
    return found;
}

static pico_parse *parser(void)
{
    library("build/peers/usr/lib/*/libwslay.so.1");             /* which the other one needs */
    void *h2o = library("build/peers/usr/lib/*/libh2o-evloop.so.0.13");
    return h2o ? (pico_parse *)dlsym(h2o, "phr_parse_request") : NULL;
}

const char *pico_unfit(void)
{
    return parser() ? NULL : bench_absent("picohttpparser");
}

static void *pico_open(void)
{
    pico_parse **p = bench_array(1, sizeof *p);
    *p = parser();
    if (!*p)
        bench_die("libh2o has no phr_parse_request");
    return p;
}

static void pico_run(void *self, long ops)
{
    pico_parse **p = self;
    struct pico_header headers[ROOM];
    const char *method, *path;
    size_t len = strlen(browser_request), method_len, path_len;
    int minor_version;
    for (long i = 0; i < ops; i++) {
        size_t count = ROOM;
        int n = (*p)(browser_request, len, &method, &method_len, &path, &path_len, &minor_version, headers, &count, 0);
        if (n != (int)len)
            bench_die("picohttpparser refused the browser's request");
    }
}

static void pico_close(void *self)
{
    free(self);
}

const struct lane pico_one = { "picohttpparser", pico_open, pico_run, pico_close };
