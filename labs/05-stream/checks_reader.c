/* checks_reader.c - random conversations from the reader's side, against stream_read.h. H1.
 *
 * What a read must answer, and when, follows from the bytes that had come by then; only a read of "what there is" leaves open
 * how much of it. One that fails is made shorter (grader/checks.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/data.h"
#include "labs/05-stream/checks_peer.h"
#include "labs/05-stream/checks_plan.h"

enum { TRIALS = 100, NEVER = -1, DEFAULT_LIMIT = 100 << 20 };

static const char *const delimiters[] = { "\n", "ab", "aab" };

/* ---- what comes --------------------------------------------------------------------------------------------------- */

struct stream_of {                  /* one of the crowd, as the model has it */
    const struct plan *plan;
    int stream;
    char *bytes;                    /* all that is ever sent to it */
    struct { int at; size_t len; } arrivals[PLAN_STEPS];        /* so many have come by then */
    int arrival_count;
    int end, error;                 /* when it ends; NEVER */
    int closes;
};

/* Steps of one tick keep their order, so this is the order in which the bytes come. */
static void collect(struct stream_of *m)
{
    size_t total = 0;
    for (int i = 0; i < m->plan->count; i++)
        if (m->plan->steps[i].kind == SEND && m->plan->steps[i].stream == m->stream)
            total += (size_t)m->plan->steps[i].len;
    m->bytes = malloc(total + 1);
    if (!m->bytes)
        verdict_fault("the judge has no memory left");
    total = 0;
    for (int at = 0; at <= LAST_TICK; at += 2)
        for (int i = 0; i < m->plan->count; i++) {
            const struct step *s = &m->plan->steps[i];
            if (s->stream != m->stream || s->at != at || s->kind != SEND)
                continue;
            plan_bytes(s, m->bytes + total);
            total += (size_t)s->len;
            m->arrivals[m->arrival_count].at = at;
            m->arrivals[m->arrival_count++].len = total;
        }
}

static const struct step *end_of(const struct plan *p, int stream)
{
    const struct step *end = plan_find(p, stream, SAY_END);
    end = end ? end : plan_find(p, stream, GO);
    return end ? end : plan_find(p, stream, CUT);
}

static struct stream_of model_of(const struct plan *p, int stream)
{
    const struct step *end = end_of(p, stream), *closes = plan_find(p, stream, CLOSE);
    struct stream_of m = { .plan = p, .stream = stream, .end = end ? end->at : NEVER, .closes = closes ? closes->at : NEVER,
                           .error = end && end->kind == CUT ? -ECONNRESET : 0 };
    collect(&m);
    return m;
}

/* ---- what a read must answer --------------------------------------------------------------------------------------- */

struct outcome {
    bool there;
    int rc;
    size_t most;                    /* of "what there is": rc or more, up to this */
};

/* Of so many bytes that have come and were not read. */
static struct outcome consider(const struct step *read, const char *bytes, size_t has, bool ended, int error)
{
    size_t limit = read->limit ? (size_t)read->limit : DEFAULT_LIMIT, len = (size_t)read->len;
    if (read->kind == BYTES || read->kind == INTO || read->kind == PARTIAL)
        limit = len;
    bool more = has > limit;
    size_t seen = more ? limit : has;
    const char *delimiter = delimiters[read->seed];
    const char *found = read->kind == UNTIL ? memmem(bytes, seen, delimiter, strlen(delimiter)) : NULL;
    if (found)
        return (struct outcome){ true, (int)(found - bytes) + (int)strlen(delimiter), 0 };
    if ((read->kind == BYTES || read->kind == INTO) && seen >= len)
        return (struct outcome){ true, (int)len, 0 };
    if ((read->kind == SOME || read->kind == PARTIAL) && seen > 0)
        return (struct outcome){ true, 1, seen };
    if (read->kind == ALL && ended && !more && (seen > 0 || !error))
        return (struct outcome){ true, (int)seen, 0 };
    if (more)
        return (struct outcome){ true, -EMSGSIZE, 0 };
    return (struct outcome){ ended, error ? error : -EPIPE, 0 };
}

static size_t come_by(const struct stream_of *m, int at)
{
    size_t len = 0;
    for (int i = 0; i < m->arrival_count && m->arrivals[i].at <= at; i++)
        len = m->arrivals[i].len;
    return len;
}

/* From `now` on, the first moment at which there is an outcome; NEVER. */
static int when(const struct stream_of *m, const struct step *read, size_t read_so_far, int now, struct outcome *out)
{
    for (int at = now; at < RUN_MS; at++) {
        bool ended = m->end != NEVER && at >= m->end;
        *out = consider(read, m->bytes + read_so_far, come_by(m, at) - read_so_far, ended, m->error);
        if (out->there)
            return at;
    }
    return NEVER;
}

/* ---- what was told ------------------------------------------------------------------------------------------------- */

/* Takes the next word of that stream out of the trace: "=5,hello@10". */
static const char *next_word(const char **trace, char name, char *out, size_t size)
{
    for (const char *word = *trace; *word; word += strspn(word, " ")) {
        size_t len = strcspn(word, " ");
        if (word[0] == name) {
            *trace = word + len;
            snprintf(out, size, "%.*s", (int)len - 1, word + 1);
            return out;
        }
        word += len;
    }
    return "";
}

static void expect_word(char name, const char *expected, const char *seen)
{
    char what[64];
    snprintf(what, sizeof what, "what the next read of stream %c tells", name);
    EXPECT_TEXT(what, expected, seen, *seen ? "which bytes had come by then, which of them were read, and was the end among "
                                              "them?"
                                            : "nothing: it waits for what has come already, or was forgotten");
}

/* How many bytes it took. */
static size_t expect_answer(const struct stream_of *m, const struct outcome *o, size_t so_far, int at, const char *seen)
{
    char expected[80], bytes[DATA_TEXT];
    int rc = o->rc;
    if (o->most && sscanf(seen, "=%d,", &rc) == 1 && (rc < 1 || rc > (int)o->most))
        rc = (int)o->most;
    if (rc < 0)
        snprintf(expected, sizeof expected, "=-%s@%d", strerrorname_np(-rc), at);
    else if (rc == 0)
        snprintf(expected, sizeof expected, "=0@%d", at);
    else
        snprintf(expected, sizeof expected, "=%d,%s@%d", rc, data_text(m->bytes + so_far, (size_t)rc, bytes), at);
    expect_word(plan_name(m->stream), expected, seen);
    return rc > 0 ? (size_t)rc : 0;
}

static bool is_read(const struct step *s)
{
    return s->kind >= UNTIL && s->kind <= PARTIAL;
}

/* The step that gives up the read at i, if it is its turn. */
static int given_up(const struct plan *p, int stream, int i)
{
    for (i++; i < p->count; i++)
        if (p->steps[i].stream == stream && p->steps[i].kind >= UNTIL && p->steps[i].kind <= GIVE_UP)
            return p->steps[i].kind == GIVE_UP ? p->steps[i].at : NEVER;
    return NEVER;
}

static void judge_stream(const struct stream_of *m, const char *trace)
{
    char word[120], expected[40], name = plan_name(m->stream);
    size_t so_far = 0;
    int now = 0;
    for (int i = 0; i < m->plan->count; i++) {
        const struct step *s = &m->plan->steps[i];
        if (s->stream != m->stream || (s->kind != PAUSE && !is_read(s)))
            continue;
        now = s->kind == PAUSE && s->at > now ? s->at : now;
        if (s->kind == PAUSE)
            continue;
        struct outcome o = {0};
        int at = m->closes != NEVER && now > m->closes ? NEVER : when(m, s, so_far, now, &o);
        int up = given_up(m->plan, m->stream, i);
        bool cancelled = up > now && (at == NEVER || at > up);
        int happens = cancelled ? up : at;
        if (happens == NEVER || (m->closes != NEVER && happens > m->closes))
            break;
        now = happens;
        snprintf(expected, sizeof expected, ".cancelled@%d", now);
        if (cancelled)
            expect_word(name, expected, next_word(&trace, name, word, sizeof word));
        else
            so_far += expect_answer(m, &o, so_far, now, next_word(&trace, name, word, sizeof word));
    }
    expect_word(name, "", next_word(&trace, name, word, sizeof word));
}

/* ---- one crowd ----------------------------------------------------------------------------------------------------- */

static void add_read(const struct step *s, char *order, size_t size)
{
    static const char *const texts[] = { "\\n", "ab", "aab" };
    size_t used = strlen(order);
    char *at = order + used;
    size -= used;
    switch (s->kind) {
    case UNTIL:
        snprintf(at, size, s->limit ? " until,%s,%d" : " until,%s", texts[s->seed], s->limit);
        break;
    case BYTES:
        snprintf(at, size, " bytes,%d", s->len);
        break;
    case SOME:
        snprintf(at, size, " some,%d", s->limit);
        break;
    case ALL:
        snprintf(at, size, " until_close,%d", s->limit);
        break;
    case INTO:
    case PARTIAL:
        snprintf(at, size, " %s,%d", s->kind == INTO ? "into" : "partial", s->len);
        break;
    case PAUSE:
        snprintf(at, size, " at,%dms", s->at);
        break;
    case GIVE_UP:
        snprintf(at, size, " cancel,%dms", s->at);
        break;
    default:
        break;
    }
}

static void other_side(struct peer *peer, const struct step *s)
{
    static char bytes[1 << 17];
    char text[DATA_TEXT];
    size_t len = s->kind == SEND ? (size_t)s->len : 0;
    plan_bytes(s, bytes);
    history_add(ENTRY_STEP, -1, "at %d ms the other side of %c %s%s", s->at, plan_name(s->stream),
                s->kind == SEND ? "sends " : s->kind == SAY_END ? "ends" : s->kind == GO ? "is gone" : "cuts the connection",
                data_text(bytes, len, text));
    peer_at(peer, s->at, s->kind == SEND ? PEER_SENDS : s->kind == SAY_END ? PEER_ENDS : PEER_IS_GONE, bytes, len);
}

static void give_stream(struct judge *j, const struct plan *p, int stream)
{
    char name[2] = { plan_name(stream), 0 }, stream_name[3] = { 'S', name[0], 0 }, order[600];
    struct peer *peer = peer_new(j, stream_name);
    bool any = false;
    snprintf(order, sizeof order, "reads %s %s", stream_name, name);
    for (int i = 0; i < p->count; i++) {
        const struct step *s = &p->steps[i];
        if (s->stream != stream)
            continue;
        any = any || is_read(s) || s->kind == PAUSE;
        if (s->kind <= CUT)
            other_side(peer, s);
        if (s->kind == CUT)
            peer_owes(peer);
        if (s->kind == CLOSE) {
            char event[16], closing[16];
            snprintf(event, sizeof event, "%dms_%s", s->at, name);
            snprintf(closing, sizeof closing, "close %s", stream_name);
            judge_in(j, event, 0, closing);
            judge_order(j, "call_at %s %dms", event, s->at);
        }
        add_read(s, order, sizeof order);
    }
    if (any)
        judge_order(j, "%s", order);
}

static void judge_crowd(void *self, struct judge *j)
{
    const struct plan *p = self;
    crowd_scene(j);
    history_add(ENTRY_STEP, -1, "(of the reads %d %% are %s, and they give %s)", p->interrupted,
                p->put_off ? "put off (-EAGAIN)" : "interrupted", p->shorten ? "little at a time" : "what there is");
    sim_storm(judge_sim(j), CALL_READ, (unsigned)p->interrupted, p->put_off ? -EAGAIN : -EINTR);
    sim_shorten(judge_sim(j), CALL_READ, (size_t)p->shorten);
    for (int stream = 0; stream < CROWD; stream++)
        if (plan_uses(p, stream))
            give_stream(j, p, stream);
    run(j);
    for (int stream = 0; stream < CROWD; stream++)
        if (plan_uses(p, stream)) {
            struct stream_of m = model_of(p, stream);
            judge_stream(&m, judge_trace(j));
            free(m.bytes);
        }
    EXPECT_INT("blocks of memory left", 0, judge_order(j, "loop_close"), "what a stream holds goes when it is closed");
}

/* ---- many ---------------------------------------------------------------------------------------------------------- */

static void make_crowd(void *self, int i)
{
    plan_make(self, false, 100 * i / TRIALS, judge_get()->seed * 1000 + (uint64_t)i * 31);
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

START_TEST(h1)
{
    static struct plan plan;
    judge_trials(&(struct trials){ .count = TRIALS, .make = make_crowd, .judge = judge_crowd, .steps = count_steps,
                                   .leave_out = leave_out, .current = &plan, .size = sizeof plan, .self = &plan });
    verdict_pass();
}
END_TEST

void check_reader_items(Suite *s)
{
    add_item(s, "H1", h1);
}
