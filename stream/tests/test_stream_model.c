/* test_stream_model.c - seeded schedules of reads, writes, half-closes, closes, cancels and waits on both ends of a pair,
 * with calls cut short, interrupted and failing, beside a model that only knows which bytes were written.
 *
 * The byte at a position of a direction is a function of both, so every answer can be foretold: the line is the next line, and
 * what was cancelled is read again. EDDY_SEEDS=n runs n schedules, EDDY_SEED=n the n-th alone. */
#include <stdio.h>

#include "stream/tests/stream_world.h"

enum { SCHEDULES = 10000, PROCESSES = 20, STEPS = 40, SLOTS = 6, LARGEST = 300000 };

enum kind { UNTIL, PAIR, BYTES, SOME, INTO, INTO_PARTIAL, UNTIL_CLOSE, KINDS };

struct way {                        /* one direction, in positions */
    uint64_t accepted, most;        /* surely written; perhaps, where a part was sent of what failed */
    uint64_t read;
    bool shut, gone, torn;          /* the sender: half-closed, closed, failed */
};

struct side;

struct slot {                       /* a write */
    struct side *side;
    struct future f;
    size_t len;
    uint64_t end;
};

struct side {
    struct stream *stream;          /* NULL: closed */
    struct way *out, *in;
    struct future read;
    struct future reader;           /* the coroutine that awaits it, instead of a callback */
    bool reading, in_coroutine, dead;
    enum kind kind;
    size_t len;                     /* what was asked for, or its limit */
    char into[4000];
    struct slot slots[SLOTS];
    int owned, closes;
};

static struct side sides[2];
static struct way ways[2];
static uint64_t seed, chance_state;
static bool errors;                 /* a call fails in this schedule, */
static enum sys_call failing;       /* of this kind */
static char bytes_of[2][1 << 20];

/* ---- the model --------------------------------------------------------------------------------------------------- */

static uint64_t chance(uint64_t below)
{
    uint64_t z = chance_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static void holds(bool condition, const char *what, int rc)
{
    if (!condition)
        ck_abort_msg("seed %llu: %s (%d); EDDY_SEED=%llu replays it alone", (unsigned long long)seed, what, rc,
                     (unsigned long long)seed);
}

static void make_bytes(void)
{
    for (uint64_t d = 0; d < 2; d++)
        for (uint64_t at = 0; at < sizeof bytes_of[d]; at++) {
            uint64_t h = (at * 2 + d + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 40;
            bytes_of[d][at] = h % 97 == 0 ? '\n' : (char)('a' + h % 26);
        }
}

static const char *from(const struct way *way, uint64_t at)
{
    return bytes_of[way - ways] + at;
}

/* How many bytes a read of this side needs from where it stands; SIZE_MAX where that cannot be said. */
static size_t needed(const struct side *s)
{
    size_t left = sizeof bytes_of[0] - s->in->read;
    const char *start = from(s->in, s->in->read), *at;
    switch (s->kind) {
    case UNTIL:
        at = memchr(start, '\n', left);
        return at ? (size_t)(at - start) + 1 : SIZE_MAX;
    case PAIR:
        at = memmem(start, left, "ab", 2);
        return at ? (size_t)(at - start) + 2 : SIZE_MAX;
    case BYTES:
    case INTO:
        return s->len;
    default:
        return 1;
    }
}

/* The call that failed may have been one of which nobody heard. */
static void look(struct side *s)
{
    if (!s->stream || stream_error(s->stream) != -EIO)
        return;
    holds(errors && sim_failed(w.sim), "an error that nobody made", -EIO);
    if (failing == CALL_WRITE)
        s->out->torn = true;
    else
        s->dead = true;
}

static void check_answer(struct side *s, size_t len, const char *data)
{
    struct way *way = s->in;
    size_t need = needed(s);
    holds(way->read + len <= way->most, "bytes that were never written", (int)len);
    holds(len == 0 || memcmp(data, from(way, way->read), len) == 0, "other bytes than were written", (int)len);
    holds(len <= s->len || s->kind == UNTIL_CLOSE, "more than the limit", (int)len);
    if (s->kind == UNTIL_CLOSE)
        holds(way->gone || way->torn || s->dead || (way->shut && way->read + len == way->accepted), "all, but for the end",
              (int)len);
    else if (s->kind == SOME || s->kind == INTO_PARTIAL)
        holds(len > 0, "some, and it is nothing", (int)len);
    else
        holds(len == need, "not where the portion ends", (int)len);
    way->read += len;
}

static void check_failure(struct side *s, int rc)
{
    struct way *way = s->in;
    size_t need = needed(s), came = (size_t)(way->accepted - way->read);
    bool whole = !way->gone && !way->torn;
    switch (rc) {
    case -EMSGSIZE:
        holds(s->kind == UNTIL || s->kind == PAIR, "this kind has no limit", s->kind);
        holds(need > s->len, "it would have fitted", rc);
        break;
    case -EPIPE:
        holds(way->shut || way->gone, "an end that nobody made", rc);
        holds(!whole || need > came, "the end before all was read", rc);
        break;
    case -ECONNRESET:
        holds(way->gone, "a reset that nobody made", rc);
        break;
    case -ENOMEM:
        holds(errors, "memory was not refused", rc);
        break;
    default:
        holds(rc == -EIO && s->dead, "another error than was made", rc);
    }
}

static void check_read(struct side *s, int rc)
{
    s->reading = false;
    look(s);
    look(s == sides ? s + 1 : sides);
    if (rc >= 0)
        check_answer(s, (size_t)rc, s->read.value);
    else
        check_failure(s, rc);
    holds(rc >= 0 || s->read.why, "a failure without a sentence", rc);
}

/* ---- reads ------------------------------------------------------------------------------------------------------- */

static void on_read(void *self, int rc)
{
    check_read(self, rc);
}

static struct future *start_read(struct side *s)
{
    switch (s->kind) {
    case UNTIL:
        return stream_read_until(s->stream, "\n", s->len, &s->read);
    case PAIR:
        return stream_read_until(s->stream, "ab", s->len, &s->read);
    case BYTES:
        return stream_read_bytes(s->stream, s->len, &s->read);
    case SOME:
        return stream_read_some(s->stream, s->len, &s->read);
    case UNTIL_CLOSE:
        return stream_read_until_close(s->stream, 0, &s->read);
    default:
        return stream_read_into(s->stream, s->into, s->len, s->kind == INTO_PARTIAL, &s->read);
    }
}

static int reads_here(void *self)
{
    struct side *s = self;
    int rc = s->stream ? await(start_read(s)) : -ECANCELED;
    if (rc == -ECANCELED)
        s->reading = false;
    else
        check_read(s, rc);
    return 0;
}

static void do_read(struct side *s)
{
    if (s->reading || future_done(&s->reader))
        return;
    s->kind = (enum kind)chance(s->in->shut || s->in->gone ? KINDS : UNTIL_CLOSE);
    s->len = 1 + chance(chance(4) ? 300 : sizeof s->into);
    s->reading = true;
    s->in_coroutine = chance(2);
    if (s->in_coroutine) {
        s->reader = (struct future){0};
        co_spawn(w.loop, reads_here, s, &s->reader);
    } else {
        s->read = (struct future){0};
        future_then(&s->read, on_read, s);
        start_read(s);
    }
}

static void cancel_read(struct side *s)
{
    future_cancel(s->in_coroutine ? &s->reader : &s->read);
    s->reader = (struct future){0};
    s->reading = false;
}

/* ---- writes ------------------------------------------------------------------------------------------------------ */

static void on_written(void *self, int rc)
{
    struct slot *slot = self;
    struct side *s = slot->side;
    struct way *way = s->out, *back = s->in;
    if (rc >= 0) {
        holds((size_t)rc == slot->len, "a write of another length", rc);
        holds(way->torn || way->accepted - stream_unsent(s->stream) >= slot->end, "done before it was sent", rc);
        return;
    }
    holds(slot->f.why, "a failure without a sentence", rc);
    bool peer_left = back->gone && (rc == -EPIPE || rc == -ECONNRESET);
    holds(peer_left || rc == -ENOBUFS || (rc == -EPIPE && way->shut) || (errors && (rc == -ENOMEM || rc == -EIO)) ||
          (way->torn && rc == -ENOTCONN), "a write failed for nothing", rc);
}

static void release(void *self)
{
    ((struct side *)self)->owned--;
}

/* What became of it: accepted, refused, or the end of all writing. */
static void account(struct side *s, size_t len, int rc, bool failed)
{
    struct way *way = s->out;
    if (way->torn || way->shut)
        return;
    if (!failed) {
        way->accepted += len;
        way->most = way->accepted;
    } else if ((rc != -ENOBUFS && rc != -ENOMEM) || stream_error(s->stream) == rc) {    /* a part went out, or nobody heard */
        way->torn = true;
        way->most += len;
    }
}

static void do_write(struct side *s)
{
    struct way *way = s->out;
    size_t len = chance(8) ? chance(700) : chance(8) ? chance(20000) : chance(LARGEST);
    struct slot *slot = &s->slots[chance(SLOTS)];
    struct bytes bytes = { from(way, way->accepted), len };
    bool heard = chance(3), owned = chance(3) == 0;
    if (way->accepted + len > sizeof bytes_of[0] - LARGEST || (!heard && stream_error(s->stream)))
        return;
    if (heard && future_name(&slot->f)[0] != 'n')           /* pending still */
        return;
    struct future *f = NULL;
    if (heard) {
        future_cancel(&slot->f);
        *slot = (struct slot){ .side = s, .len = len, .end = way->accepted + len };
        f = future_then(&slot->f, on_written, slot);
    }
    s->owned += owned;
    if (owned)
        stream_write_owned(s->stream, bytes, release, s, f);
    else
        stream_write(s->stream, bytes, f);
    if (heard)
        account(s, len, slot->f.rc, future_done(&slot->f) && slot->f.rc < 0);
    else
        account(s, len, stream_error(s->stream), stream_error(s->stream) != 0);
}

static void cancel_write(struct side *s)
{
    future_cancel(&s->slots[chance(SLOTS)].f);
}

/* ---- ends -------------------------------------------------------------------------------------------------------- */

static void on_closed(void *self, int what)
{
    struct side *s = self;
    holds(++s->closes == 1, "on_close came twice", what);
    holds(stream_unread(s->stream).len == 0 || s->reading, "on_close came before what is unread", what);
}

static void do_shutdown(struct side *s)
{
    s->out->shut = true;
    stream_shutdown(s->stream, NULL);
}

static void do_close(struct side *s)
{
    s->out->accepted -= s->out->torn ? 0 : stream_unsent(s->stream);
    s->out->gone = true;
    stream_close(s->stream);
    s->stream = NULL;
    s->reading = s->in_coroutine && s->reading;
    holds(s->owned == 0, "what was handed over was not released", s->owned);
}

/* ---- a schedule -------------------------------------------------------------------------------------------------- */

static void make_trouble(void)
{
    static const enum sys_call calls[] = { CALL_READ, CALL_WRITE };
    for (int i = 0; i < 2; i++) {
        if (chance(2))
            sim_shorten(w.sim, calls[i], 1 + chance(chance(2) ? 3 : 3000));
        if (chance(2))
            sim_storm(w.sim, calls[i], (unsigned)chance(60), chance(2) ? -EINTR : -EAGAIN);
    }
    errors = chance(4) == 0;
    if (errors && chance(2))
        sim_fail(w.sim, failing = CALL_MEMORY, 1 + (unsigned)chance(30), -ENOMEM);
    else if (errors)
        sim_fail(w.sim, failing = calls[chance(2)], 1 + (unsigned)chance(60), -EIO);
}

static void calm(void)
{
    static const enum sys_call calls[] = { CALL_READ, CALL_WRITE };
    for (int i = 0; i < 2; i++) {
        sim_shorten(w.sim, calls[i], 0);
        sim_storm(w.sim, calls[i], 0, 0);
    }
    if (errors && !sim_failed(w.sim))
        sim_fail(w.sim, failing, 0, 0);
}

static void step(struct side *s)
{
    struct future f = {0};
    uint64_t what = chance(100);
    if (what < 20 || !s->stream)
        await(future_sleep(w.loop, (int64_t)chance(3), &f));
    else if (what < 55)
        do_read(s);
    else if (what < 85)
        do_write(s);
    else if (what < 90)
        cancel_read(s);
    else if (what < 95)
        cancel_write(s);
    else if (what < 97)
        stream_on_close(s->stream, s->closes ? NULL : on_closed, s);
    else if (what < 99)
        do_shutdown(s);
    else if (chance(3) == 0)
        do_close(s);
}

/* Reads what is left, to the end. */
static int drain(void *self)
{
    struct side *s = self;
    s->kind = UNTIL_CLOSE;
    s->reading = true;
    int rc = await(start_read(s));
    holds(rc != -ECANCELED, "the end never comes", rc);
    check_read(s, rc);
    return 0;
}

/* Who cannot write any more cannot tell of the end either: it closes. The others read all there is. */
static void finish(void)
{
    struct future f[2] = {0};
    calm();
    for (int i = 0; i < 2; i++) {
        struct side *s = &sides[i];
        cancel_read(s);
        look(s);
        if (s->stream && s->out->torn)
            do_close(s);
    }
    for (int i = 0; i < 2; i++)
        if (sides[i].stream)
            do_shutdown(&sides[i]);
    for (int i = 0; i < 2; i++)
        if (sides[i].stream)
            co_spawn(w.loop, drain, &sides[i], &f[i]);
    for (int i = 0; i < 2; i++)
        if (sides[i].stream)
            holds(await(&f[i]) == 0, "reading to the end", i);
    pass();
    for (int i = 0; i < 2; i++)
        if (sides[i].stream)
            do_close(&sides[i]);
}

static int schedule(void *self)
{
    int fds[2];
    (void)self;
    w.sys->socketpair(w.sys, fds);
    memset(sides, 0, sizeof sides);
    memset(ways, 0, sizeof ways);
    for (int i = 0; i < 2; i++) {
        sides[i].stream = stream_of(fds[i]);
        sides[i].out = &ways[i];
        sides[i].in = &ways[!i];
        if (chance(3) == 0)
            stream_limit_writes(sides[i].stream, 1 + chance(50000));
    }
    make_trouble();
    for (int i = 0; i < STEPS; i++)
        step(&sides[chance(2)]);
    finish();
    return 0;
}

static void run_schedule(uint64_t n)
{
    seed = n;
    chance_state = n * 7919;
    world_begin(&w);
    int rc = loop_run_sync(w.loop, schedule, NULL);
    holds(rc == 0, "the loop ended", rc);
    world_end(&w);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);
    return value ? strtoull(value, NULL, 10) : otherwise;
}

START_TEST(every_schedule_reads_what_the_model_wrote)
{
    uint64_t each = (number("EDDY_SEEDS", SCHEDULES) + PROCESSES - 1) / PROCESSES, first = (uint64_t)_i * each;
    make_bytes();
    if (getenv("EDDY_SEED"))
        run_schedule(number("EDDY_SEED", 0));
    else
        for (uint64_t n = first; n < first + each; n++)
            run_schedule(n);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { every_schedule_reads_what_the_model_wrote, NULL };
    Suite *suite = suite_create("stream model");
    add_tests_each(suite, "schedules", tests, getenv("EDDY_SEED") ? 1 : PROCESSES);
    return run_suite(suite);
}
