/* checks_writer.c - random conversations from the writer's side, against stream_write.h. H2.
 *
 * When a byte was taken is the world's to say; which bytes, and what each write was answered, follows. One that fails is made
 * shorter (grader/checks.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/data.h"
#include "labs/05-stream/checks_peer.h"
#include "labs/05-stream/checks_plan.h"

enum { TRIALS = 100, NEVER = -1, TEXT = 8192, WORDS = 256, LAST_RECEIVES = 80 };

struct model {                      /* of one stream's writing */
    const struct plan *plan;
    int stream;
    const struct peer *peer;
    int gone, closes, shuts;
    size_t queued;                  /* accepted so far */
    bool dead;                      /* a write was refused, and nobody heard */
    char *bytes;
    char expected[TEXT];
};

/* ---- which steps count --------------------------------------------------------------------------------------------- */

static int tick_of(const struct plan *p, int stream, enum step_kind kind)
{
    const struct step *s = plan_find(p, stream, kind);
    return s ? s->at : NEVER;
}

static bool is_ours(const struct step *s)
{
    return s->kind >= WRITE && s->kind <= CLOSE;
}

/* Only one of ours a tick; none after the close; no shutdown after the other side has gone. */
static bool counts(const struct plan *p, int i)
{
    const struct step *s = &p->steps[i];
    int gone = tick_of(p, s->stream, GO), closes = tick_of(p, s->stream, CLOSE);
    if ((closes != NEVER && s->at > closes) || (s->kind == SHUTDOWN && gone != NEVER && s->at > gone) || s->at >= LAST_RECEIVES)
        return false;
    for (int k = 0; k < i; k++)
        if (p->steps[k].stream == s->stream && is_ours(&p->steps[k]) && p->steps[k].at == s->at)
            return false;
    return is_ours(s);
}

static bool writes(const struct step *s)
{
    return s->kind == WRITE || s->kind == WRITE_OWNED || s->kind == WRITE_UNHEARD;
}

/* The number of the write at i among those of its stream. */
static int number_of(const struct plan *p, int i)
{
    int number = 0;
    for (int k = 0; k < i; k++)
        number += p->steps[k].stream == p->steps[i].stream && writes(&p->steps[k]);
    return number;
}

/* ---- what must be told --------------------------------------------------------------------------------------------- */

static void tell(struct model *m, int number, const char *what, int at)
{
    size_t used = strlen(m->expected);
    snprintf(m->expected + used, TEXT - used, " %c%d%s@%d", plan_name(m->stream), number, what, at);
}

static void tell_rc(struct model *m, int number, int rc, int at)
{
    char text[40];
    if (rc < 0)
        snprintf(text, sizeof text, "=-%s", strerrorname_np(-rc));
    else
        snprintf(text, sizeof text, "=%d", rc);
    tell(m, number, text, at);
}

/* Whether somebody still wants that answer then. */
static bool heard(const struct model *m, int number, int asked, int at)
{
    for (int i = 0; i < m->plan->count; i++) {
        const struct step *s = &m->plan->steps[i];
        if (s->stream == m->stream && s->kind == CANCEL && s->len == number && s->at > asked && s->at <= at && counts(m->plan, i))
            return false;
    }
    return m->closes == NEVER || at <= m->closes;
}

/* What became of bytes that were accepted: when, and how (0: sent). */
static int end_of(const struct model *m, size_t position, int asked, int *rc)
{
    int64_t reached = peer_reached(m->peer, position);
    *rc = 0;
    if (reached >= 0)
        return reached > asked ? (int)reached : asked;
    if (m->closes != NEVER || m->gone == NEVER)     /* at the end there is room for all */
        return m->closes != NEVER ? m->closes : LAST_RECEIVES;
    *rc = -EPIPE;
    return m->gone > asked ? m->gone : asked;
}

static int refusal(const struct model *m, const struct step *s)
{
    int limit = m->plan->limits[m->stream];
    size_t waits = m->queued - peer_taken_before(m->peer, s->at);
    bool failed = m->gone != NEVER && s->at > m->gone && peer_reached(m->peer, m->queued) < 0;
    if (m->dead && !failed)
        return -ENOBUFS;
    if (m->gone != NEVER && s->at > m->gone)
        return -EPIPE;
    if (m->shuts != NEVER && s->at > m->shuts)
        return -EPIPE;
    return limit && waits + (size_t)s->len > (size_t)limit ? -ENOBUFS : 0;
}

static void expect_write(struct model *m, const struct step *s, int number)
{
    char bytes[32];
    int rc = refusal(m, s), at = s->at;
    bool closed = false;
    if (rc == 0) {
        snprintf(bytes, sizeof bytes, "&%u*%d", s->seed, s->len);
        data_read(bytes, m->bytes + m->queued, (size_t)s->len);
        m->queued += (size_t)s->len;
        at = end_of(m, m->queued, s->at, &rc);
        closed = m->closes != NEVER && peer_reached(m->peer, m->queued) < 0;
    } else if (rc == -ENOBUFS && s->kind == WRITE_UNHEARD) {
        m->dead = true;
    }
    if (s->kind == WRITE_OWNED)
        tell(m, number, ".released", at);
    if (s->kind != WRITE_UNHEARD && !closed && heard(m, number, s->at, at))
        tell_rc(m, number, rc < 0 ? rc : s->len, at);
}

static void expect_shutdown(struct model *m, const struct step *s)
{
    int rc, at = end_of(m, m->queued, s->at, &rc);
    bool sent = m->queued == 0 || peer_reached(m->peer, m->queued) >= 0;
    if (m->dead)
        tell(m, 99, "=-ENOBUFS", s->at);
    else if (sent || rc < 0 || m->closes == NEVER)
        tell_rc(m, 99, rc, at);
}

static void expect_all(struct model *m)
{
    const struct plan *p = m->plan;
    for (int at = 0; at < LAST_RECEIVES; at++)
        for (int i = 0; i < p->count; i++) {
            const struct step *s = &p->steps[i];
            if (s->stream != m->stream || s->at != at || !counts(p, i))
                continue;
            if (writes(s))
                expect_write(m, s, number_of(p, i));
            else if (s->kind == SHUTDOWN && (m->shuts == NEVER || m->shuts == at))
                expect_shutdown(m, s);
            if (s->kind == SHUTDOWN && m->shuts == NEVER)
                m->shuts = at;
        }
}

/* ---- what was told ------------------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The words that begin with that name, sorted. */
static void sort_words(const char *text, char name, char out[TEXT])
{
    char *copy = strdup(text), *words[WORDS];
    int n = 0;
    for (char *rest = copy, *word; n < WORDS && (word = strtok_r(rest, " ", &rest));)
        if (word[0] == name)
            words[n++] = word;
    qsort(words, (size_t)n, sizeof *words, by_text);
    size_t used = 0;
    out[0] = 0;
    for (int i = 0; i < n; i++)
        used += (size_t)snprintf(out + used, TEXT - used, "%s%s", i ? " " : "", words[i]);
    free(copy);
}

static void expect_told(const struct model *m, const char *trace)
{
    static char expected[TEXT], seen[TEXT];
    char what[60], name = plan_name(m->stream);
    snprintf(what, sizeof what, "what stream %c tells, sorted", name);
    sort_words(m->expected, name, expected);
    sort_words(trace, name, seen);
    EXPECT_TEXT(what, expected, seen, "a write is answered, and what was handed over released, when its last byte was taken, or "
                "when it is known that it never will be");
}

static void expect_bytes(const struct model *m)
{
    const struct peer *p = m->peer;
    size_t taken = peer_taken_before(p, INT32_MAX);
    char what[80];
    bool all = m->gone == NEVER && m->closes == NEVER;
    snprintf(what, sizeof what, "bytes of stream %c that were taken", plan_name(m->stream));
    if (all)
        EXPECT_INT(what, (int64_t)m->queued, (int64_t)taken, "all that was accepted is sent as soon as there is room");
    snprintf(what, sizeof what, "bytes of stream %c that arrived", plan_name(m->stream));
    if (m->gone == NEVER)
        EXPECT_INT(what, (int64_t)taken, (int64_t)p->got_len, "what was taken arrives");
    size_t same = 0;
    while (same < p->got_len && same < m->queued && p->got[same] == m->bytes[same])
        same++;
    snprintf(what, sizeof what, "right bytes of stream %c", plan_name(m->stream));
    EXPECT_INT(what, (int64_t)p->got_len, (int64_t)same, "a byte that was lost, sent twice, or overtaken by another");
    snprintf(what, sizeof what, "the end of stream %c arrived", plan_name(m->stream));
    if (m->gone == NEVER)
        EXPECT_INT(what, m->closes != NEVER || (m->shuts != NEVER && !m->dead), p->ended, "the end stands behind the last byte");
}

/* ---- one crowd ----------------------------------------------------------------------------------------------------- */

static void order_of(const struct plan *p, int i, char *out, size_t size)
{
    const struct step *s = &p->steps[i];
    char name = plan_name(s->stream);
    int number = number_of(p, i);
    if (s->kind == CANCEL)
        snprintf(out, size, "cancel %c%d; ", name, s->len);
    else if (s->kind == SHUTDOWN)
        snprintf(out, size, "shutdown S%c %c99; ", name, name);
    else if (s->kind == CLOSE)
        snprintf(out, size, "close S%c; ", name);
    else if (s->kind == WRITE_UNHEARD)
        snprintf(out, size, "write S%c - &%u*%d; ", name, s->seed, s->len);
    else
        snprintf(out, size, "write%s S%c %c%d &%u*%d; ", s->kind == WRITE_OWNED ? "_owned" : "", name, name, number, s->seed,
                 s->len);
}

static void give_ticks(struct judge *j, const struct plan *p)
{
    static char orders[CROWD * 48];
    for (int at = 1; at < LAST_RECEIVES; at += 2) {
        char name[16];
        orders[0] = 0;
        for (int i = 0; i < p->count; i++)
            if (p->steps[i].at == at && counts(p, i))
                order_of(p, i, orders + strlen(orders), sizeof orders - strlen(orders));
        if (!orders[0])
            continue;
        snprintf(name, sizeof name, "%dms", at);
        judge_in(j, name, 0, orders);
        judge_order(j, "call_at %s %dms", name, at);
    }
}

static struct peer *give_stream(struct judge *j, const struct plan *p, int stream)
{
    char name[3] = { 'S', plan_name(stream), 0 };
    struct peer *peer = peer_new(j, name);
    if (p->limits[stream])
        judge_order(j, "limit %s %d", name, p->limits[stream]);
    if (p->full[stream])
        peer_fill(peer);
    for (int i = 0; i < p->count; i++) {
        const struct step *s = &p->steps[i];
        if (s->stream != stream || (s->kind != RECEIVE && s->kind != GO))
            continue;
        history_add(ENTRY_STEP, -1, "at %d ms the other side of %c %s", s->at, name[1], s->kind == GO ? "is gone" : "receives");
        peer_at(peer, s->at, s->kind == GO ? PEER_IS_GONE : PEER_RECEIVES, NULL, (size_t)s->len);
    }
    for (int at = LAST_RECEIVES; at < LAST_RECEIVES + 10; at += 2)
        peer_at(peer, at, PEER_RECEIVES, NULL, SIZE_MAX);
    return peer;
}

static void judge_stream(const struct plan *p, int stream, const struct peer *peer, const char *trace)
{
    static struct model m;
    m = (struct model){ .plan = p, .stream = stream, .peer = peer, .gone = tick_of(p, stream, GO),
                        .closes = tick_of(p, stream, CLOSE), .shuts = NEVER };
    size_t most = 1;
    for (int i = 0; i < p->count; i++)
        if (p->steps[i].stream == stream && writes(&p->steps[i]))
            most += (size_t)p->steps[i].len;
    m.bytes = malloc(most);
    if (!m.bytes)
        verdict_fault("the judge has no memory left");
    expect_all(&m);
    expect_told(&m, trace);
    expect_bytes(&m);
    free(m.bytes);
}

static void judge_crowd(void *self, struct judge *j)
{
    const struct plan *p = self;
    const struct peer *peers[CROWD] = { NULL };
    crowd_scene(j);
    history_add(ENTRY_STEP, -1, "(of the writes %d %% are %s, and they take %s)", p->interrupted,
                p->put_off ? "put off (-EAGAIN)" : "interrupted", p->shorten ? "little at a time" : "what there is room for");
    for (int stream = 0; stream < CROWD; stream++)
        if (plan_uses(p, stream))
            peers[stream] = give_stream(j, p, stream);
    sim_storm(judge_sim(j), CALL_WRITE, (unsigned)p->interrupted, p->put_off ? -EAGAIN : -EINTR);
    sim_shorten(judge_sim(j), CALL_WRITE, (size_t)p->shorten);
    give_ticks(j, p);
    run(j);
    for (int stream = 0; stream < CROWD; stream++)
        if (peers[stream])
            judge_stream(p, stream, peers[stream], judge_trace(j));
    EXPECT_INT("blocks of memory left", 0, judge_order(j, "loop_close"), "what a stream holds goes when it is closed");
}

/* ---- many ---------------------------------------------------------------------------------------------------------- */

static void make_crowd(void *self, int i)
{
    plan_make(self, true, 100 * i / TRIALS, judge_get()->seed * 1000 + (uint64_t)i * 37);
}

static int count_steps(const void *self)
{
    return ((const struct plan *)self)->count;
}

static void leave_out(void *self, int first, int count)
{
    struct plan *p = self;
    memmove(&p->steps[first], &p->steps[first + count], (size_t)(p->count - first - count) * sizeof p->steps[0]);
    p->count -= count;
}

START_TEST(h2)
{
    static struct plan plan;
    judge_trials(&(struct trials){ .count = TRIALS, .make = make_crowd, .judge = judge_crowd, .steps = count_steps,
                                   .leave_out = leave_out, .current = &plan, .size = sizeof plan, .self = &plan });
    verdict_pass();
}
END_TEST

void check_writer_items(Suite *s)
{
    add_item(s, "H2", h2);
}
