/* fetches.h - the lanes of the client's benches: who asks is measured, and who answers is a host (host.h). */
#ifndef EDDY_HTTP_BENCH_FETCHES_H
#define EDDY_HTTP_BENCH_FETCHES_H

#include "http/bench/host.h"
#include "http/bench/servers.h"

enum { PAGE_BODY = 65536, LONG_BODY = 1 << 20, LONG_AT_ONCE = 4 };  /* bytes; bytes; fetches */

/* Each client's, over connections that it has kept: one fetch after the other; 64 under way all the time; of 64 KiB, taken whole;
 * of 1 MiB, taken in pieces, four at a time. */
extern const struct lane eddy_fetch_one, eddy_fetch, eddy_fetch_page, eddy_fetch_long;
extern const struct lane curl_fetch_one, curl_fetch, curl_fetch_page, curl_fetch_long;
extern const struct lane raw_fetch_one, raw_fetch, tornado_fetch;

/* Why it cannot be run here, or NULL. */
const char *curl_unfit(void);

/* What it asks the allocator for, per fetch. */
void fetch_memory_once(struct result *);

#endif
