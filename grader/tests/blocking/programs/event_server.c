/* event_server.c - a server on libevent: GET /NAME stalls as stalls.h has it. --version: it only starts.
 *
 * The trap it exists for: see uv_server.c. */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <string.h>

#include "grader/tests/blocking/programs/stalls.h"

static struct event_base *base;
static int quits;

static void on_end(struct bufferevent *visit, short what, void *none)
{
    (void)what;
    (void)none;
    bufferevent_free(visit);
}

static void on_written(struct bufferevent *visit, void *none)
{
    (void)none;
    bufferevent_free(visit);
    if (quits)
        event_base_loopbreak(base);
}

static void on_read(struct bufferevent *visit, void *none)
{
    struct evbuffer *in = bufferevent_get_input(visit);
    char text[4096] = "", name[32] = "";
    (void)none;
    evbuffer_copyout(in, text, sizeof text - 1);
    if (!strstr(text, "\r\n\r\n") || sscanf(text, "GET /%31s", name) != 1)
        return;
    stall(name);
    quits = !strcmp(name, "quit");
    bufferevent_setcb(visit, NULL, on_written, on_end, NULL);
    evbuffer_add_printf(bufferevent_get_output(visit), "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n%-5.5s", name);
}

static void on_visit(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int len, void *none)
{
    struct bufferevent *visit = bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
    (void)from;
    (void)len;
    (void)none;
    bufferevent_setcb(visit, on_read, NULL, on_end, NULL);
    bufferevent_enable(visit, EV_READ | EV_WRITE);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--version"))
        return 0;
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    base = event_base_new();
    struct evconnlistener *listener = evconnlistener_new_bind(base, on_visit, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16,
                                                              (struct sockaddr *)&at, sizeof at);
    if (!listener || getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&at, &len) < 0)
        return 1;
    printf("port %d\n", ntohs(at.sin_port));
    fflush(stdout);
    event_base_dispatch(base);
    evconnlistener_free(listener);
    event_base_free(base);
    return 7;
}
