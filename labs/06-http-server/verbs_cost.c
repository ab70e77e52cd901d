/* verbs_cost.c - what a request costs, through the real door: a client and the server in one loop, on one thread.
 *
 * The client is as small as it can be, since what it costs is counted with the server's: it sends the same bytes, and counts
 * those that come back. Trap: a client that sends all at once and listens afterwards waits for itself. */
#include <errno.h>

#include "labs/06-http-server/verbs.h"
#include "stream/stream.h"

enum { DEEPEST = 64, HEARD = 65536 };

/* What a browser says. */
static const char request[] =
    "GET /hello HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 "
    "Firefox/115.0\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5"
    "\r\nAccept-Encoding: gzip, deflate, br\r\nReferer: https://www.example.com/the/page/before/this/one.html\r\nConnection: "
    "keep-alive\r\nCookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\nCache-Control: max-age=0\r\n\r\n";

struct pump {                       /* sends `text` again and again */
    int fd;
    char *text;
    size_t len, sent, portion;      /* portion: bytes that go at a time, when the loop is asked; 0: all of it */
    int64_t left, done;             /* rounds that are not begun; those that are answered */
    size_t answer, heard;           /* bytes of a round's answers, learned in the first; of this round */
    int depth;
    struct timeout next;
};

static void stop(struct pump *p)
{
    loop_remove_timeout(lab_loop(), &p->next);
    loop_stop(lab_loop());
}

static void send_next(void *self, int what)
{
    struct pump *p = self;
    size_t rest = p->len - p->sent, n = p->portion && p->portion < rest ? p->portion : rest;
    (void)what;
    if (probe_sys()->write(probe_sys(), p->fd, p->text + p->sent, n) != (ssize_t)n)
        abort();
    p->sent += n;
    if (p->sent < p->len)
        loop_call_at(lab_loop(), 0, &p->next, send_next, p);
}

static void begin_round(struct pump *p)
{
    p->sent = p->heard = 0;
    p->left--;
    send_next(p, 0);
}

static int answers_in(const char *bytes, size_t len)
{
    int n = 0;
    for (const char *at = bytes; (at = memmem(at, (size_t)(bytes + len - at), "hello", 5)); at++)
        n++;
    return n;
}

/* The first round's answers are counted, and those of the others are as long. */
static void on_answer(void *self, int what)
{
    static char bytes[HEARD];
    struct pump *p = self;
    size_t kept = p->answer ? 0 : p->heard;
    ssize_t n = probe_sys()->read(probe_sys(), p->fd, bytes + kept, sizeof bytes - kept);
    (void)what;
    if (n <= 0 && n != -EAGAIN)
        stop(p);
    if (n <= 0)
        return;
    p->heard += (size_t)n;
    if (!p->answer && answers_in(bytes, p->heard) < p->depth)
        return;
    p->answer = p->answer ? p->answer : p->heard;
    if (p->heard < p->answer)
        return;
    p->done++;
    if (p->left > 0)
        begin_round(p);
    else
        stop(p);
}

/* How many rounds were answered. */
static int64_t pump(struct pump *p)
{
    int fds[2];
    if (probe_sys()->socketpair(probe_sys(), fds) < 0)
        abort();
    p->fd = fds[1];
    struct stream *s = stream_new(lab_loop(), fds[0]);
    if (!s || loop_add_handler(lab_loop(), p->fd, READABLE, on_answer, p) < 0)
        abort();
    http_serve(lab_server(), s);
    begin_round(p);
    loop_start(lab_loop());
    loop_remove_handler(lab_loop(), p->fd);
    probe_sys()->close(probe_sys(), p->fd);
    free(p->text);
    return p->done;
}

/* So many requests, `depth` of them at a time: how many rounds were answered. */
int64_t verb_load(int count, char **words)
{
    struct pump p = { .left = atoll(words[1]) / atoi(words[2]), .depth = atoi(words[2]) };
    size_t one = sizeof request - 1;
    (void)count;
    if (p.depth < 1 || p.depth > DEEPEST)
        return -EINVAL;
    p.len = one * (size_t)p.depth;
    p.text = malloc(p.len);
    if (!p.text)
        abort();
    for (int i = 0; i < p.depth; i++)
        memcpy(p.text + (size_t)i * one, request, one);
    return pump(&p);
}

/* One request whose head has that many bytes, which come in portions, one each time the loop asks the kernel. 1: it is
 * answered. */
int64_t verb_drip(int count, char **words)
{
    struct pump p = { .left = 1, .depth = 1, .len = strtoul(words[1], NULL, 10), .portion = strtoul(words[2], NULL, 10) };
    static const char begin[] = "GET /hello HTTP/1.1\r\nHost: x\r\n";
    size_t used = sizeof begin - 1;
    (void)count;
    p.text = malloc(p.len + 1);
    if (!p.text || p.len < 2 * used)
        abort();
    memset(p.text, 'v', p.len);
    memcpy(p.text, begin, used);
    memcpy(p.text + used, "Long: ", 6);
    memcpy(p.text + p.len - 4, "\r\n\r\n", 4);
    return pump(&p);
}
