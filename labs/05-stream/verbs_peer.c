/* verbs_peer.c - what the other side of a stream can be told over the wire.
 *
 * It uses its end of the connection and nothing of the stream's, so it may act as another thread would, while the loop waits. */
#include <errno.h>

#include "labs/05-stream/verbs.h"

enum { ROOM = 1 << 20 };

int64_t verb_send(int count, char **words)
{
    size_t len;
    (void)count;
    char *data = lend_data(words[2], &len, "what the other side sends");
    int64_t n = probe_sys()->write(probe_sys(), thing_of(words[1])->peer, data, len);
    fence_free(data);
    return n;
}

/* It has said all it will, and still reads. */
int64_t verb_end(int count, char **words)
{
    (void)count;
    return probe_sys()->shutdown(probe_sys(), thing_of(words[1])->peer, SHUT_WR);
}

int64_t verb_gone(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    int fd = t->peer;
    (void)count;
    t->peer = -1;
    return probe_sys()->close(probe_sys(), fd);
}

int64_t verb_receive(int count, char **words)
{
    static char room[ROOM];
    size_t most = count > 2 ? strtoul(words[2], NULL, 10) : ROOM;
    ssize_t n = probe_sys()->read(probe_sys(), thing_of(words[1])->peer, room, most < ROOM ? most : ROOM);
    if (n > 0)
        tell_bytes(words[1], ".got", room, (size_t)n);
    else
        tell_rc(words[1], n == 0 ? ".got_the_end" : ".got", (int)n);
    return n;
}
