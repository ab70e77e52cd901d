/* files.h - the files of a folder as replies (Tornado's StaticFileHandler; RFC 9110, sections 8.8, 13 and 14).
 *
 * OWNERSHIP  What files_new makes is yours, ended with files_close, when no handler uses it any more (behind http_server_close).
 *            Options are copied.
 * ERRORS     As everywhere. What is wrong with a request is answered: 301 to the same path with a slash, 304, 400, 403, 404, 405,
 *            412, 416; 503 when descriptors or memory have run out.
 *
 *     static int page(struct exchange *x)                         a handler
 *     {
 *         return files_reply(exchange_self(x), x, exchange_head(x)->path);
 *     }
 *
 * A file is opened and read on another thread, in pieces, the next when the client has taken the last: a file of any size costs
 * the same memory. What is larger than 32 KiB is sent without being copied, but over TLS. Two bodies of one file with the same
 * ETag are the same, as far as size, time and inode tell. A Range is answered to GET alone, and where it is one; several, or none
 * that can be read, are the whole file. What stands in several names (links, %41 for A) is one file with several.
 *
 * Text, and what is like it, is packed on its way by a server that has a coding (http_options); or was packed beforehand, once
 * and better, by whoever has put NAME.gz beside NAME: that is a file of its own then, with its tag and its ranges.
 *
 * Traps it exists for: "/%2e%2e/secret", a link that leads out, a name with a zero or a slash in it; "//evil.example/..", which
 * as a Location is another host; read, which sleeps for the disk while all others wait; and a file that becomes shorter while
 * it is sent: what was promised cannot be kept, so the connection is broken off, and nothing is made up. */
#ifndef EDDY_HTTP_FILES_H
#define EDDY_HTTP_FILES_H

#include "http/exchange.h"

#ifdef __cplusplus
extern "C" {
#endif

struct files;

struct files_options {              /* {0} but the root */
    const char *root;
    const char *index;              /* a folder's page; NULL: index.html */
    bool listing;                   /* a folder without one is listed; else 403 */
    bool packed;                    /* NAME.gz, where it is there and no older, is sent for NAME to who takes gzip */
};

/* Opens the root, and may sleep for that: before the loop runs. NULL with errno. */
struct files *files_new(struct loop *, const struct files_options *);
void files_close(struct files *);

/* In a handler, which then returns what this returns: the file at `path`, as it came, percent signs and all; a prefix that you
 * have taken off is not looked at. Above the root is 403. */
int files_reply(struct files *, struct exchange *, struct bytes path);

#ifdef __cplusplus
}
#endif
#endif
