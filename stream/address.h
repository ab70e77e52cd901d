/* address.h - literal addresses, read and written.
 *
 * A host is "192.0.2.1", "2001:db8::1", "fe80::1%2" (a scope by its number), "unix:/run/server.sock", or "unix:@name", which is
 * abstract: not in the file system, and gone with its socket. All else is a name: see resolver.h.
 *
 * The trap it exists for: "0x7f.1", "127.1" and " 127.0.0.1" are addresses to some parsers and names to others, and what is
 * checked by the one and used by the other gets past the check. Here they are none. */
#ifndef EDDY_STREAM_ADDRESS_H
#define EDDY_STREAM_ADDRESS_H

#include "loop/sys.h"
#include "stream/buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ADDRESS_TEXT = 128 };    /* room for the longest */

/* 0; -EINVAL: it is no literal; -ENAMETOOLONG: a path or an abstract name that does not fit (107 bytes). The port, 0 to 65535, is
 * nothing to a unix socket. */
int address_parse(const char *host, int port, struct address *out);
/* Whether it is a literal IPv4 or IPv6 address (Tornado's is_valid_ip). */
bool address_valid_ip(struct bytes text);

/* "192.0.2.1:80", "[2001:db8::1]:80", "unix:/run/server.sock", "unix:@name", "unix:" for one without a name. Returns out. */
const char *address_text(const struct address *, char out[ADDRESS_TEXT]);
/* 0 if it has none. */
int address_port(const struct address *);
void address_set_port(struct address *, int port);
/* The path of a unix socket in the file system, or NULL. */
const char *address_path(const struct address *);

#ifdef __cplusplus
}
#endif
#endif
