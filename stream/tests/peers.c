/* peers.c - one stream of ours that is told what to do: an order a line on its standard input, what became of it a line on its
 * standard output. test_stream_peers.py gives the orders, and is the other side.
 *
 * The trap it exists for: two ends that share one mistake understand each other perfectly. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop/run_sync.h"
#include "stream/tcp.h"

enum { PERIOD = 251, PORTION = 65536, MOST_PORTIONS = 1024 };

static struct loop *loop;
static struct stream *s, *orders;       /* the one under test, NULL: none; and our standard input */
static struct listener *listener;
static int64_t limit;                   /* ns that an order may wait; 0: as long as it takes */
static size_t written;                  /* bytes, by all orders */

/* ---- what is said ------------------------------------------------------------------------------------------------------- */

struct sum {                            /* Adler-32 */
    uint32_t a, b;
    size_t len;
};

static void sum_add(struct sum *sum, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sum->a = (sum->a + (unsigned char)data[i]) % 65521;
        sum->b = (sum->b + sum->a) % 65521;
    }
    sum->len += len;
}

static void say_sum(const struct sum *sum)
{
    printf("%zu bytes, %u\n", sum->len, sum->b << 16 | sum->a);
}

static void say_bytes(const char *data, int len)
{
    struct sum sum = { .a = 1 };
    sum_add(&sum, data, (size_t)len);
    say_sum(&sum);
}

static void say_failure(int rc, const char *why)
{
    printf("%s: %s\n", strerrorname_np(-rc), why ? why : "-");
}

static int wait_for(struct future *f)
{
    return limit ? await_until(f, loop_time(loop) + limit) : await(f);
}

/* A read, and what it gave. */
static void say_read(struct future *f)
{
    int rc = wait_for(f);
    if (rc < 0)
        say_failure(rc, f->why);
    else
        say_bytes(f->value, rc);
}

/* Something else, and how it went. */
static void say_done(struct future *f)
{
    int rc = wait_for(f);
    if (rc < 0)
        say_failure(rc, f->why);
    else
        printf("done\n");
}

/* ---- orders ------------------------------------------------------------------------------------------------------------- */

static void take_stream(struct future *f, const struct sentence *failure)
{
    int rc = wait_for(f);
    if (rc < 0) {
        say_failure(rc, failure ? failure->text : f->why);
        return;
    }
    s = f->value;
    printf("done\n");
}

static void order_connect(const char *port)
{
    struct sentence failure = { "" };
    struct tcp_connect to = { .host = "127.0.0.1", .port = atoi(port), .failure = &failure };
    struct future f = {0};
    take_stream(tcp_connect(loop, &to, &f), &failure);
}

static void order_listen(const char *unused)
{
    (void)unused;
    listener = tcp_listen(loop, "127.0.0.1", 0);
    printf("%d\n", listener ? tcp_port(listener) : 0);
}

static void order_accept(const char *unused)
{
    struct future f = {0};
    (void)unused;
    take_stream(tcp_accept(listener, &f), NULL);
}

static void order_within(const char *ms)
{
    limit = atoi(ms) * MILLISECOND;
    printf("done\n");
}

static void order_line(const char *unused)
{
    struct future f = {0};
    (void)unused;
    say_read(stream_read_until(s, "\n", 4096, &f));
}

static void order_bytes(const char *len)
{
    struct future f = {0};
    say_read(stream_read_bytes(s, (size_t)atoi(len), &f));
}

static void order_some(const char *most)
{
    struct future f = {0};
    say_read(stream_read_some(s, (size_t)atoi(most), &f));
}

static void order_rest(const char *unused)
{
    struct future f = {0};
    (void)unused;
    say_read(stream_read_until_close(s, 0, &f));
}

/* To the end, so many bytes at a time. */
static void order_sip(const char *most)
{
    struct sum sum = { .a = 1 };
    struct future f = {0};
    int rc;
    while ((rc = wait_for(stream_read_some(s, (size_t)atoi(most), &f))) > 0)
        sum_add(&sum, f.value, (size_t)rc);
    if (rc == -EPIPE)
        say_sum(&sum);
    else
        say_failure(rc, f.why);
}

static void order_unread(const char *unused)
{
    (void)unused;
    printf("%zu bytes\n", stream_unread(s).len);
}

/* The next bytes of all that is ever written. */
static struct bytes next_bytes(size_t len)
{
    char *data = malloc(len + 1);
    for (size_t i = 0; i < len; i++)
        data[i] = (char)((written + i) % PERIOD);
    return (struct bytes){ data, len };
}

static void order_write(const char *len)
{
    struct bytes bytes = next_bytes((size_t)atoi(len));
    struct future f = {0};
    stream_write_owned(s, bytes, free, (void *)bytes.data, &f);
    written += bytes.len;
    say_done(&f);
}

/* Writes without waiting, until that is refused. */
static void order_fill(const char *most)
{
    static struct future each[MOST_PORTIONS];
    stream_limit_writes(s, (size_t)atoi(most));
    for (int i = 0; i < MOST_PORTIONS; i++) {
        struct bytes bytes = next_bytes(PORTION);
        stream_write_owned(s, bytes, free, (void *)bytes.data, &each[i]);
        if (future_done(&each[i]) && each[i].rc < 0) {
            printf("%zu bytes, then ", written);
            say_failure(each[i].rc, each[i].why);
            return;
        }
        written += PORTION;
    }
    printf("%zu bytes, then nothing was refused\n", written);
}

static void order_flush(const char *unused)
{
    struct future f = {0};
    (void)unused;
    say_done(stream_write(s, (struct bytes){ "", 0 }, &f));
}

static void order_shutdown(const char *unused)
{
    struct future f = {0};
    (void)unused;
    say_done(stream_shutdown(s, &f));
}

static void order_close(const char *unused)
{
    (void)unused;
    stream_close(s);
    s = NULL;
    printf("done\n");
}

/* A page of a web server, of which another may be asked for afterwards: the head, its length, and so many bytes. */
static void order_get(const char *path)
{
    char request[256];
    struct future f = {0};
    int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: here\r\n\r\n", path), status = 0;
    int rc = wait_for(stream_write(s, (struct bytes){ request, (size_t)len }, &f));
    if (rc >= 0)
        rc = wait_for(stream_read_until(s, "\r\n\r\n", 16384, &f));
    if (rc < 0) {
        say_failure(rc, f.why);
        return;
    }
    char *head = strndup(f.value, (size_t)rc), *length = strcasestr(head, "\r\nContent-Length:");
    sscanf(head, "HTTP/1.1 %d", &status);
    printf("%d, ", status);
    say_read(stream_read_bytes(s, length ? (size_t)atoi(length + 17) : 0, &f));
    free(head);
}

/* ---- being told --------------------------------------------------------------------------------------------------------- */

static const struct order {
    const char *name;
    void (*fn)(const char *argument);
} known[] = {
    { "connect", order_connect }, { "listen", order_listen }, { "accept", order_accept },  { "within", order_within },
    { "line", order_line },       { "bytes", order_bytes },   { "some", order_some },      { "rest", order_rest },
    { "sip", order_sip },         { "unread", order_unread }, { "write", order_write },    { "fill", order_fill },
    { "flush", order_flush },     { "get", order_get },       { "shutdown", order_shutdown }, { "close", order_close },
};

static void obey(char *line)
{
    char *argument = strchr(line, ' ');
    if (argument)
        *argument++ = '\0';
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, line) == 0) {
            known[i].fn(argument ? argument : "");
            return;
        }
    printf("there is no order \"%s\"\n", line);
}

static int obey_all(void *self)
{
    struct future f = {0};
    int len;
    (void)self;
    while ((len = await(stream_read_until(orders, "\n", 4096, &f))) > 0) {
        char *line = strndup(f.value, (size_t)len - 1);
        obey(line);
        free(line);
    }
    return len == -EPIPE ? 0 : len;
}

static int open_descriptors(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

int main(void)
{
    int before = open_descriptors();
    setvbuf(stdout, NULL, _IOLBF, 0);
    loop = loop_new(sys_linux());
    orders = loop ? stream_new(loop, dup(STDIN_FILENO)) : NULL;
    if (!orders) {
        perror("peers");
        return 1;
    }
    int rc = loop_run_sync(loop, obey_all, NULL);
    if (s)
        stream_close(s);
    if (listener)
        tcp_close(listener);
    stream_close(orders);
    loop_close(loop);
    printf("%d descriptors left\n", open_descriptors() - before);
    return rc < 0;
}
