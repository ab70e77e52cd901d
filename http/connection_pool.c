/* connection_pool.c - connections that nobody uses, for the next who asks: the one put back last is the first taken, and still in
 * the cache. The trap it exists for: what the last one has left in it. */
#include <stddef.h>
#include <string.h>

#include "http/server_inside.h"

struct connection *connection_take(struct http_server *server)
{
    struct connection *c = server->spare_connection;
    if (!c)
        return sys_new(server->sys, sizeof *c);
    server->spare_connection = c->next;
    server->spare_connections--;
    memset(c, 0, offsetof(struct connection, read));
    return c;
}

void connection_put(struct connection *c)
{
    struct http_server *server = c->server;
    loop_unqueue(server->loop, &c->behind);
    loop_remove_timeout(server->loop, &c->timer);
    call_remove(&c->place);
    if (server->spare_connections >= POOLED) {
        sys_free(server->sys, c);
        return;
    }
    c->next = server->spare_connection;
    server->spare_connection = c;
    server->spare_connections++;
}

void connections_free(struct http_server *server)
{
    for (struct connection *c; (c = server->spare_connection);) {
        server->spare_connection = c->next;
        sys_free(server->sys, c);
    }
}
