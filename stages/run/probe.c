/* probe.c - asks a page server at a fixed rate, and says how long each answer took. probe PORT RATE SECONDS
 *
 * Open loop: request n is meant for start + n / RATE, whatever became of the others, and its latency counts from that moment,
 * not from when it was sent at last. The trap it exists for: a prober that waits for the answer before it asks again asks less
 * while the server is stuck, and so hides the very time it was to measure ("coordinated omission").
 *
 * Prints a line per request, in microseconds, or "never" for what had no answer a second after the last one was due; then
 * "late N": by how much, at worst, the prober itself was late to send. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"

static const char request[] = "GET /probe HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";

static struct sys *sys;
static struct loop *loop;
static struct sockaddr_in server = { .sin_family = AF_INET };
static int left;                    /* shots without an end */
static int64_t late;

struct shot {
    struct timeout timeout;
    int64_t due, took;              /* took < 0: no answer */
    int64_t got;                    /* bytes */
    int fd;
    bool sent;
};

static void shot_end(struct shot *s, bool answered)
{
    loop_remove_handler(loop, s->fd);
    close(s->fd);
    s->fd = -1;
    s->took = answered ? sys->now(sys) - s->due : -1;
    if (--left == 0)
        loop_stop(loop);
}

static void on_ready(void *self, int what)
{
    char chunk[4096];
    struct shot *s = self;
    (void)what;
    if (!s->sent) {
        s->sent = true;
        if (send(s->fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0 || loop_update_handler(loop, s->fd, READABLE) < 0)
            shot_end(s, false);
        return;
    }
    ssize_t n = recv(s->fd, chunk, sizeof chunk, 0);
    s->got += n > 0 ? n : 0;
    if (n == 0 || (n < 0 && errno != EAGAIN))
        shot_end(s, n == 0 && s->got > 0);
}

static void on_due(void *self, int what)
{
    struct shot *s = self;
    int64_t behind = sys->now(sys) - s->due;
    (void)what;
    late = behind > late ? behind : late;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool begun = s->fd >= 0 && (connect(s->fd, (struct sockaddr *)&server, sizeof server) == 0 || errno == EINPROGRESS);
    if (!begun || loop_add_handler(loop, s->fd, WRITABLE, on_ready, s) < 0)
        shot_end(s, false);
}

static void on_end(void *self, int what)
{
    (void)self, (void)what;
    loop_stop(loop);
}

int main(int argc, char **argv)
{
    int rate = argc == 4 ? atoi(argv[2]) : 0, count = rate > 0 ? (int)(rate * atof(argv[3])) : 0;
    struct timeout end = {0};
    sys = sys_linux();
    loop = loop_new(sys);
    struct shot *shots = count > 0 ? calloc((size_t)count, sizeof *shots) : NULL;
    if (!loop || !shots) {
        fprintf(stderr, "usage: probe PORT RATE SECONDS\n");
        return 2;
    }
    server.sin_port = htons((uint16_t)atoi(argv[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int64_t start = loop_time(loop) + SECOND / 20;
    for (int i = 0; i < count; i++) {
        shots[i] = (struct shot){ .due = start + i * SECOND / rate, .fd = -1, .took = -1 };
        loop_call_at(loop, shots[i].due, &shots[i].timeout, on_due, &shots[i]);
    }
    loop_call_at(loop, shots[count - 1].due + SECOND, &end, on_end, NULL);
    left = count;
    loop_start(loop);
    for (int i = 0; i < count; i++)
        if (shots[i].took < 0)
            printf("never\n");
        else
            printf("%lld\n", (long long)(shots[i].took / MICROSECOND));
    printf("late %lld\n", (long long)(late / MICROSECOND));
    return 0;
}
