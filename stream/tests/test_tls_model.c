/* test_tls_model.c - seeded schedules of reads, writes, cancels, new keys and ends over TLS, both ways at once, with calls cut
 * short and interrupted, beside a model that only knows which bytes were written.
 *
 * The byte at a position of a direction is a function of both. EDDY_SEEDS=n runs n / 20 schedules, EDDY_SEED=n the n-th alone. */
#include <stdio.h>

#include "stream/tests/tls_world.h"
#include "stream/tls_inside.h"

enum { SCHEDULES = 80, PROCESSES = 4, PORTIONS = 12, SLOTS = 4, LARGEST = 60000, LONGEST_WAY = PORTIONS * LARGEST };

struct end {
    struct stream *stream;          /* NULL: closed */
    SSL *ssl;
    const char *out, *in;           /* the bytes of its ways */
    size_t written, read;
    bool shut;                      /* it has said its end */
    struct end *other;
    struct future writing, reading, slots[SLOTS];
    int rc;                         /* how its reading ended */
};

static struct end ends[2];
static uint64_t seed, chance_state;
static int breaks_off;              /* which end closes in the middle; 2: none */
static char bytes_of[2][LONGEST_WAY];

static uint64_t chance(uint64_t below)
{
    uint64_t z = chance_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static void holds(bool condition, const char *what, long number)
{
    if (!condition)
        ck_abort_msg("EDDY_SEED=%llu: %s (%ld)", (unsigned long long)seed, what, number);
}

static void make_bytes(void)
{
    for (int way = 0; way < 2; way++)
        for (size_t i = 0; i < sizeof bytes_of[0]; i++)
            bytes_of[way][i] = (char)(i * 131 + i / 253 + i / 65537 + (size_t)way * 101);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void nap(void)
{
    struct future f = {0};
    await(future_sleep(w.loop, (int64_t)chance(3) * MICROSECOND, &f));
}

static void write_some(struct end *e)
{
    struct future *f = &e->slots[chance(SLOTS)];
    size_t len = chance(3) ? 1 + chance(300) : 1 + chance(LARGEST - 1);
    struct bytes bytes = { e->out + e->written, len };
    e->written += len;
    if (future_name(f)[0] != 'n')           /* pending still */
        f = NULL;
    else
        future_cancel(f);
    if (chance(2))
        stream_write(e->stream, bytes, f);
    else
        stream_write_owned(e->stream, bytes, NULL, NULL, f);
    if (f && chance(3) == 0)
        await(f);
    else if (f && chance(3) == 0)
        future_cancel(f);
}

static int writes_all(void *self)
{
    struct end *e = self;
    for (int i = 0; i < PORTIONS && e->stream; i++) {
        if (chance(6) == 0)
            SSL_key_update(e->ssl, chance(2) ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
        write_some(e);
        if (chance(2))
            nap();
    }
    struct future f = {0};
    if (e->stream) {
        e->shut = true;
        await(stream_shutdown(e->stream, &f));
    }
    return 0;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static struct future *start_read(struct end *e, struct future *f, char *into, size_t size)
{
    switch (chance(4)) {
    case 0:
        return stream_read_some(e->stream, 1 + chance(100000), f);
    case 1:
        return stream_read_bytes(e->stream, 1 + chance(20000), f);
    case 2:
        return stream_read_into(e->stream, into, 1 + chance(size - 1), true, f);
    default:
        return stream_read_until(e->stream, "\n", 0, f);
    }
}

/* Whatever it is that ends it: what is left then is read to the end. */
static int reads_all(void *self)
{
    struct end *e = self;
    char into[3000];
    bool last = false;
    while (e->stream) {
        struct future f = {0};
        if (last)
            stream_read_until_close(e->stream, 0, &f);
        else
            start_read(e, &f, into, sizeof into);
        if (!last && chance(4) == 0) {
            nap();
            future_cancel(&f);
            continue;
        }
        int n = await(&f);
        if (n > 0) {
            holds(e->read + (size_t)n <= LONGEST_WAY && memcmp(f.value, e->in + e->read, (size_t)n) == 0, "other bytes", n);
            e->read += (size_t)n;
        }
        if (last) {
            e->rc = n < 0 ? n : stream_error(e->stream);
            break;
        }
        last = n < 0;
        if (chance(4) == 0)
            nap();
    }
    return 0;
}

/* ---- a schedule -------------------------------------------------------------------------------------------------- */

static void trouble(int error)
{
    static const enum sys_call calls[] = { CALL_READ, CALL_WRITE };
    for (int i = 0; i < 2; i++) {
        if (chance(2))
            sim_shorten(w.sim, calls[i], 1 + chance(chance(4) ? 5000 : 50));
        if (chance(2))
            sim_storm(w.sim, calls[i], (unsigned)chance(60), error);
    }
}

/* OpenSSL's own object, by the way in which it talks about it. */
static void note_ssl(const SSL *ssl, int where, int ret)
{
    (void)where, (void)ret;
    ends[SSL_is_server((SSL *)ssl)].ssl = (SSL *)ssl;
}

static void break_off(struct end *e)
{
    struct future f = {0};
    await(future_sleep(w.loop, (int64_t)chance(40) * MICROSECOND, &f));
    future_cancel(&e->writing);
    future_cancel(&e->reading);
    stream_close(e->stream);
    e->stream = NULL;
}

static void check(const struct end *e)
{
    const struct end *from = e->other;
    holds(e->read <= from->written, "more than was written", (long)e->read);
    if (e->rc == -EPIPE)
        holds(e->read == from->written || !from->shut, "an orderly end before all was read", (long)e->read);
    else
        holds(breaks_off < 2 && (e->rc == -ECONNABORTED || e->rc == -ECONNRESET), "another end", e->rc);
}

static int schedule(void *self)
{
    int fds[2];
    (void)self;
    w.sys->socketpair(w.sys, fds);
    memset(ends, 0, sizeof ends);
    for (int i = 0; i < 2; i++)
        ends[i] = (struct end){ .stream = stream_of(fds[i]), .out = bytes_of[i], .in = bytes_of[!i], .other = &ends[!i] };
    breaks_off = (int)chance(4);
    breaks_off = breaks_off < 2 ? breaks_off : 2;
    trouble(-EINTR);
    struct future f[2] = {0};
    stream_start_tls(ends[1].stream, server, NULL, &f[1]);
    stream_start_tls(ends[0].stream, client, "example.org", &f[0]);
    for (int i = 0; i < 2; i++)
        co_spawn(w.loop, reads_all, &ends[i], &ends[i].reading);
    holds(await(&f[0]) == 0 && await(&f[1]) == 0, "the handshake", f[0].rc);
    trouble(-EAGAIN);
    for (int i = 0; i < 2; i++)
        co_spawn(w.loop, writes_all, &ends[i], &ends[i].writing);
    if (breaks_off < 2)
        break_off(&ends[breaks_off]);
    for (int i = 0; i < 2; i++)
        if (ends[i].stream) {
            holds(await(&ends[i].reading) == 0, "reading to the end", i);
            holds(await(&ends[i].writing) == 0, "writing to the end", i);
            check(&ends[i]);
        }
    for (int i = 0; i < 2; i++)
        end_stream(&ends[i].stream);
    return 0;
}

static void run_schedule(uint64_t n)
{
    seed = n;
    chance_state = n * 7919;
    world_begin(&w);
    usual_identities();
    SSL_CTX_set_info_callback(server->context, note_ssl);
    SSL_CTX_set_info_callback(client->context, note_ssl);
    int rc = loop_run_sync(w.loop, schedule, NULL);
    holds(rc == 0, "the loop ended", rc);
    tls_close(client);
    tls_close(server);
    client = server = NULL;
    world_end(&w);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);
    return value ? strtoull(value, NULL, 10) : otherwise;
}

START_TEST(every_schedule_reads_what_was_written)
{
    uint64_t each = (number("EDDY_SEEDS", SCHEDULES * 20) / 20 + PROCESSES - 1) / PROCESSES, first = (uint64_t)_i * each;
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
    const TTest *const tests[] = { every_schedule_reads_what_was_written, NULL };
    Suite *suite = suite_create("tls model");
    add_tests_each(suite, "schedules", tests, getenv("EDDY_SEED") ? 1 : PROCESSES);
    certificates_begin();
    int rc = run_suite(suite);
    certificates_end();
    return rc;
}
