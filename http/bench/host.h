/* host.h - the server of an HTTP client: a process of its own, which does as little as it can.
 *
 * The trap it exists for: a client that is measured in one process with its server, or beside one that has no time for it, is
 * measured with it. */
#ifndef EDDY_HTTP_BENCH_HOST_H
#define EDDY_HTTP_BENCH_HOST_H

#include <stddef.h>

struct host;

/* Answers each request with 200, four fields and a body of so many bytes. It waits for the connections of its clients, and ends
 * with this process, or with host_close. */
struct host *host_new(size_t body);
int host_port(const struct host *);         /* on 127.0.0.1 */
void host_close(struct host *);

#endif
