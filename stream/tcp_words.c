/* tcp_words.c - what an error of a socket means to the one who reads it.
 *
 * The trap it exists for: "Cannot assign requested address" tells somebody who knows already. */
#include <errno.h>

#include "stream/tcp_inside.h"

const char *tcp_why(int rc)
{
    switch (-rc) {
    case ECONNREFUSED:      return "nobody listens there: start the server, or check the address and the port";
    case ETIMEDOUT:         return "nobody answered in time: check the address; a firewall may drop what is sent there";
    case ECONNRESET:        return "the other side cut the connection off at once: ask its log why";
    case ENETUNREACH:
    case EHOSTUNREACH:      return "there is no way to that address: check the network, and that this machine has that family";
    case EADDRINUSE:        return "somebody else has that address and port: stop it, or choose another port";
    case EADDRNOTAVAIL:     return "that address is not one of this machine's: choose one of `ip address`, or none";
    case EAFNOSUPPORT:      return "this machine does not know that family of addresses: choose another one";
    case EACCES:
    case EPERM:             return "that is not allowed: ports below 1024 need root or CAP_NET_BIND_SERVICE, paths permission";
    case ENOENT:            return "there is no such path: start the server, or make its folder";
    case ENOTSOCK:          return "the path is a file that is no socket: remove it, or choose another path";
    case EAGAIN:            return "its queue of connections is full, or no port is free here: try again later";
    case EMFILE:
    case ENFILE:            return "no descriptor is left: close some, or raise the limit (ulimit -n)";
    case ENOMEM:
    case ENOBUFS:           return "no memory is left for another connection: close some";
    default:                return "the kernel refused it: the error says why";
    }
}
