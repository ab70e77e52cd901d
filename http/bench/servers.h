/* servers.h - the lanes of the HTTP layer's benches; loop/bench/bench.h says how they are measured, visitors.h who asks. */
#ifndef EDDY_HTTP_BENCH_SERVERS_H
#define EDDY_HTTP_BENCH_SERVERS_H

#include "http/bench/visitors.h"
#include "loop/bench/bench.h"

#define UNDER "build/bench/http"                    /* what is written; bench.mk makes it */

enum { FEW = 64, PIPED = 16, IDLE = 10000 };        /* connections; requests at once; connections */
enum { SMALL_FILE = 1024, LARGE_FILE = 1 << 20 };   /* bytes */

/* GET / with nothing but a Host; and as a browser asks, with nine fields, 700 bytes. */
extern const char plain_request[], browser_request[];
/* GET of a file. */
extern const char small_request[], large_request[];

/* Each server's: 64 connections; with nine fields; one connection; 16 requests together on each of the 64. */
extern const struct lane eddy_get, eddy_get_fields, eddy_get_one, eddy_get_piped;
extern const struct lane raw_get, raw_get_fields, raw_get_one, raw_get_piped;
extern const struct lane nginx_get, nginx_get_one, nginx_get_piped, tornado_get;
/* The first with an access log. */
extern const struct lane eddy_get_logged;
/* 64 beside 10,000 that are idle. */
extern const struct lane eddy_get_idle;
/* Static files, of 1 KiB and 1 MiB. */
extern const struct lane eddy_small_file, eddy_large_file, nginx_small_file, nginx_large_file;
/* One head. */
extern const struct lane eddy_parse_one, pico_one;

/* Where the servers' files are, "/small" and "/large", made by whoever asks first. */
const char *bench_files(void);

/* CPU time of one of the peers' processes: what `self` begins with is its pid_t. */
int64_t peer_cpu(void *self);

/* Why it cannot be run here, or NULL. */
const char *idle_unfit(void);
const char *nginx_unfit(void);
const char *tornado_unfit(void);
const char *pico_unfit(void);

/* recv and send of `ours`, per operation. */
void receives_and_sends_once(struct result *);
/* CPU time outside of the kernel; what is spent in it is in the note. */
void user_part_once(struct result *);
/* What an idle connection holds of the heap. */
void idle_memory_once(struct result *);

#endif
