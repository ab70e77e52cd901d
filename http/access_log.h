/* access_log.h - a line for each request, written off the loop.
 *
 * OWNERSHIP  What access_log_open makes is yours, ended with access_log_close, behind the servers that were given it
 *            (http_options.log) and before loop_close. Options are copied; a descriptor is lent.
 * ERRORS     NULL with errno, and a line in loop/log.h's log that names the file. Later there are none: a request is answered
 *            whether its line can be written or not. What could not be written is counted, and said in that log.
 *
 *     struct access_log *log = access_log_open(loop, &(struct access_log_options){ .path = "/var/log/eddy/access.log" });
 *     struct http_server *server = http_server_new(loop, &(struct http_options){ .handler = hello, .log = log });
 *     ... on SIGHUP, when logrotate has renamed it: access_log_reopen(log);
 *     http_server_close(server);
 *     access_log_close(log);
 *
 * Lines are put together in one of two buffers, and a job of an executor's writes the other, in portions of whole lines of at
 * most PIPE_BUF bytes: so processes that write to one file (prefork.h), or to one pipe, do not mix theirs. Lines are handed over
 * after a second at most, or when there are 64 KiB of them; the rest of the buffer is for when the job takes its time. A failure
 * is said once, and that it is over; not for each request.
 *
 * Traps it exists for: a disk that sleeps while all clients wait; a reader of a pipe that has stopped, and with it the server; a
 * memory that grows with each line that nobody takes; and a full disk that fills another one with complaints. */
#ifndef EDDY_HTTP_ACCESS_LOG_H
#define EDDY_HTTP_ACCESS_LOG_H

#include "http/access_line.h"
#include "loop/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

struct access_log;

struct access_log_options {
    const char *path;               /* appended to; made, with mode 0640, where it is not. "-": standard output. NULL: fd */
    int fd;                         /* one of yours: a file, a pipe, a socket */
    enum access_format format;
    size_t buffer;                  /* bytes of each of the two; 0: 512 KiB; at least ACCESS_LINE */
};

/* Opens the file at once, on the loop's thread. */
struct access_log *access_log_open(struct loop *, const struct access_log_options *);
/* Puts a line behind the others. Its time is loop_time's here; it becomes that of the world, and the duration until now. Where
 * there is no room, since what was said before could not be written yet, the line is dropped and counted. */
void access_log_put(struct access_log *, struct access_line *);
/* Opens its path anew before it writes again, which is soon; where that fails it goes on with the old one. Of a descriptor:
 * nothing. */
void access_log_reopen(struct access_log *);
/* Lines that were dropped, or could not be written. */
uint64_t access_log_lost(const struct access_log *);
/* Writes what was said, on the loop's thread, which may sleep for the disk; of a pipe that nobody reads for a second the rest is
 * lost. */
void access_log_close(struct access_log *);

#ifdef __cplusplus
}
#endif
#endif
