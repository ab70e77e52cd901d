/* verbs_guest.c - what a client of the server can be told over the wire.
 *
 * It uses its end of the connection and nothing of the server's, so it may act as another thread would, while the loop waits. */
#include <errno.h>

#include "labs/06-http-server/replies.h"
#include "labs/06-http-server/verbs.h"
#include "stream/stream.h"

enum { GUESTS = 64, PORTION = 65536, EVENT = 63 };

static struct guest guests[GUESTS];
static int guest_count;

struct guest *guest_of(const char *name)
{
    for (int i = 0; i < guest_count; i++)
        if (strncmp(guests[i].name, name, sizeof guests[i].name - 1) == 0)
            return &guests[i];
    if (guest_count == GUESTS)
        abort();
    struct guest *g = &guests[guest_count++];
    *g = (struct guest){ .fd = -1 };
    snprintf(g->name, sizeof g->name, "%s", name);
    return g;
}

void guests_end(void)
{
    for (int i = 0; i < guest_count; i++)
        free(guests[i].heard);
    guest_count = 0;
}

/* Over one end of a new connection, or of one that the judge has made. */
int64_t verb_connect(int count, char **words)
{
    int fds[2], rc = count > 2 ? 0 : probe_sys()->socketpair(probe_sys(), fds);
    if (rc < 0)
        return rc;
    if (count > 2)
        fds[0] = atoi(words[2]);
    else
        guest_of(words[1])->fd = fds[1];
    errno = 0;
    struct stream *s = stream_new(lab_loop(), fds[0]);
    if (!s)
        return errno ? -errno : -EIO;
    http_serve(lab_server(), s);
    return 0;
}

int64_t verb_send(int count, char **words)
{
    size_t len;
    struct guest *g = guest_of(words[1]);
    (void)count;
    char *data = lend_data(words[2], &len, "what a client sends");
    if (len >= 5 && !g->heard)
        g->head = memcmp(data, "HEAD ", 5) == 0;
    int64_t n = probe_sys()->write(probe_sys(), g->fd, data, len);
    fence_free(data);
    return n;
}

/* It has said all it will, and still listens. */
int64_t verb_end(int count, char **words)
{
    (void)count;
    return probe_sys()->shutdown(probe_sys(), guest_of(words[1])->fd, SHUT_WR);
}

int64_t verb_gone(int count, char **words)
{
    struct guest *g = guest_of(words[1]);
    int fd = g->fd;
    (void)count;
    g->fd = -1;
    return probe_sys()->close(probe_sys(), fd);
}

static ssize_t hear(struct guest *g)
{
    char *larger = realloc(g->heard, g->len + PORTION + 1);
    if (!larger)
        abort();
    g->heard = larger;
    ssize_t n = probe_sys()->read(probe_sys(), g->fd, g->heard + g->len, PORTION);
    g->len += n > 0 ? (size_t)n : 0;
    g->heard[g->len] = 0;
    return n;
}

static void tell(const struct guest *g, const char *sign, const char *word)
{
    char event[REPLY_WORD + 32];
    snprintf(event, sizeof event, "%s%s%s", g->name, sign, word);
    event[EVENT] = 0;
    probe_event(event, 0);
}

/* Tells each reply that it has heard, and the end. How many replies. */
int64_t verb_receive(int count, char **words)
{
    struct guest *g = guest_of(words[1]);
    char word[REPLY_WORD];
    int64_t replies = 0;
    ssize_t last = 1;
    (void)count;
    while (last > 0)
        last = hear(g);
    for (size_t n; (n = reply_read(g->heard, g->len, g->head, last != -EAGAIN, word)) > 0; replies++) {
        tell(g, "=", word);
        g->len -= n;
        memmove(g->heard, g->heard + n, g->len + 1);
    }
    if (last != -EAGAIN && !g->over)
        tell(g, ".", last == 0 ? "end" : "reset");
    g->over = last != -EAGAIN;
    return replies;
}
