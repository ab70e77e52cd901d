/* checks_peer.c - the other side of a stream. See checks_peer.h. */
#include "labs/05-stream/checks_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/data.h"

enum { PORTION = 1 << 16 };

struct deed {                       /* what a peer does at a time */
    struct deed *next;
    struct peer *peer;
    enum peer_act act;
    size_t len;
    char bytes[];
};

static struct peer peers[PEERS];
static int peer_count;
static struct deed *deeds;

static struct sys *outside(const struct peer *p)
{
    return sim_sys(judge_sim(p->judge));
}

/* ---- what is done ------------------------------------------------------------------------------------------------- */

static void keep(struct peer *p, const char *bytes, size_t len)
{
    if (p->got_len + len > p->got_capacity) {
        p->got_capacity = 2 * (p->got_len + len);
        p->got = realloc(p->got, p->got_capacity);
        if (!p->got)
            verdict_fault("the judge has no memory left");
    }
    memcpy(p->got + p->got_len, bytes, len);
    p->got_len += len;
}

static void receive(struct peer *p, size_t most)
{
    static char bytes[PORTION];
    while (most > 0 && !p->ended && p->fd >= 0) {
        ssize_t n = outside(p)->read(outside(p), p->fd, bytes, most < PORTION ? most : PORTION);
        if (n == -EAGAIN)
            return;
        p->ended = n <= 0;
        if (n <= 0)
            return;
        size_t skip = p->filled < (size_t)n ? p->filled : (size_t)n;
        p->filled -= skip;
        if (!p->keeps_up && (size_t)n > skip)
            keep(p, bytes + skip, (size_t)n - skip);
        most -= (size_t)n;
    }
}

static void do_deed(void *self, int what)
{
    const struct deed *d = self;
    struct peer *p = d->peer;
    struct sys *sys = outside(p);
    (void)what;
    if (p->fd < 0)
        return;
    switch (d->act) {
    case PEER_SENDS:
        sys->write(sys, p->fd, d->bytes, d->len);
        break;
    case PEER_RECEIVES:
        receive(p, d->len);
        break;
    case PEER_ENDS:
        sys->shutdown(sys, p->fd, SHUT_WR);
        break;
    case PEER_IS_GONE:
        sys->close(sys, p->fd);
        p->fd = -1;
        break;
    }
}

/* ---- what is seen ------------------------------------------------------------------------------------------------- */

/* As fast as the stream: what it has read is there again, what it has written is gone. */
static void keep_up(struct peer *p, enum sys_call call, size_t moved)
{
    static const char more[PORTION];
    while (call == CALL_READ && moved > 0) {
        size_t len = moved < PORTION ? moved : PORTION;
        outside(p)->write(outside(p), p->fd, more, len);
        moved -= len;
    }
    if (call == CALL_WRITE)
        receive(p, SIZE_MAX);
}

static void mark(struct peer *p, int64_t now, size_t more)
{
    size_t before = p->mark_count ? p->marks[p->mark_count - 1].taken : 0;
    int i = p->mark_count < PEER_MARKS ? p->mark_count++ : PEER_MARKS - 1;
    p->marks[i] = (struct mark){ now - moment(0), before + more };
}

static void witness(void *self, enum sys_call call, int64_t fd, int64_t len, int64_t result)
{
    (void)len;
    for (int i = 0; i < peer_count && result > 0 && (call == CALL_READ || call == CALL_WRITE); i++) {
        struct peer *p = &peers[i];
        if (p->stream_fd != fd)
            continue;
        if (call == CALL_READ)
            p->given += (size_t)result;
        else
            mark(p, sim_now(self), (size_t)result);
        if (p->keeps_up)
            keep_up(p, call, (size_t)result);
    }
}

/* ---- making one --------------------------------------------------------------------------------------------------- */

void peers_begin(struct judge *j)
{
    for (struct deed *d; (d = deeds); free(d))
        deeds = d->next;
    for (; peer_count > 0; peer_count--)
        free(peers[peer_count - 1].got);
    sim_watch(judge_sim(j), witness, judge_sim(j));
}

struct peer *peer_new(struct judge *j, const char *stream)
{
    int fds[2];
    struct sys *sys = sim_sys(judge_sim(j));
    if (peer_count == PEERS || sys->socketpair(sys, fds) < 0)
        verdict_fault("no connection for the stream");
    struct peer *p = &peers[peer_count++];
    *p = (struct peer){ .judge = j, .fd = fds[1], .stream_fd = fds[0] };
    EXPECT_INT("stream_new", 0, judge_order(j, "stream %s %d", stream, fds[0]), "a stream can be made when nothing is refused");
    return p;
}

void peer_fill(struct peer *p)
{
    static const char bytes[PORTION];
    for (size_t size = PORTION; size > 0; size /= 2)
        for (ssize_t n; (n = outside(p)->write(outside(p), p->stream_fd, bytes, size)) > 0;)
            p->filled += (size_t)n;
    p->mark_count = 0;
    history_add(ENTRY_STEP, -1, "(there is no room on the way to the other side)");
}

void peer_owes(struct peer *p)
{
    if (outside(p)->write(outside(p), p->stream_fd, "x", 1) != 1)
        verdict_fault("no room for a byte in a new connection");
    p->filled++;
    p->mark_count = 0;
}

void peer_at(struct peer *p, int ms, enum peer_act act, const char *bytes, size_t len)
{
    struct deed *d = calloc(1, sizeof *d + (bytes ? len : 0));
    if (!d || sim_at(judge_sim(p->judge), moment(ms * MILLISECOND), do_deed, d) < 0)
        verdict_fault("the judge has no memory left");
    d->next = deeds;
    deeds = d;
    d->peer = p;
    d->act = act;
    d->len = len;
    if (bytes)
        memcpy(d->bytes, bytes, len);
}

void peer_sends(struct peer *p, int ms, const char *text)
{
    size_t len = data_read(text, NULL, 0);
    char *bytes = malloc(len + 1);
    if (!bytes)
        verdict_fault("the judge has no memory left");
    data_read(text, bytes, len);
    peer_at(p, ms, PEER_SENDS, bytes, len);
    free(bytes);
    history_add(ENTRY_STEP, -1, "at %d ms the other side sends %.60s", ms, text);
}

void peer_receives(struct peer *p, int ms)
{
    peer_at(p, ms, PEER_RECEIVES, NULL, SIZE_MAX);
    history_add(ENTRY_STEP, -1, "at %d ms the other side receives all there is", ms);
}

/* ---- looking ------------------------------------------------------------------------------------------------------ */

int64_t peer_reached(const struct peer *p, size_t taken)
{
    if (taken == 0)
        return 0;
    for (int i = 0; i < p->mark_count; i++)
        if (p->marks[i].taken >= taken)
            return p->marks[i].at / MILLISECOND;
    return -1;
}

size_t peer_taken_before(const struct peer *p, int64_t ms)
{
    size_t taken = 0;
    for (int i = 0; i < p->mark_count && p->marks[i].at < ms * MILLISECOND; i++)
        taken = p->marks[i].taken;
    return taken;
}

void peer_expect(const struct peer *p, const char *text, bool ended, const char *cause)
{
    char expected[DATA_TEXT + 40], seen[DATA_TEXT + 40], shown[DATA_TEXT];
    size_t len = data_read(text, NULL, 0);
    char *bytes = malloc(len + 1);
    if (!bytes)
        verdict_fault("the judge has no memory left");
    data_read(text, bytes, len);
    snprintf(expected, sizeof expected, "%zu bytes, %s%s", len, data_text(bytes, len, shown), ended ? ", the end" : "");
    snprintf(seen, sizeof seen, "%zu bytes, %s%s", p->got_len, data_text(p->got, p->got_len, shown), p->ended ? ", the end" : "");
    free(bytes);
    EXPECT_TEXT("what the other side received", expected, seen, cause);
}
