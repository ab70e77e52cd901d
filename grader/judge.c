/* judge.c - orders, and what comes of them. See judge.h.
 *
 * An order is served until it is done: calls are carried out on the world, callbacks are noted and may order more,
 * and so may the world itself while it lets a wait pass. All of that nests, last in first out. Trap: whatever comes
 * from the probe may be forged; it is counted and measured before it is used, and the worst it can do is to fail its
 * own item. */
#include "grader/judge.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grader/judge_inside.h"
#include "grader/lab.h"
#include "grader/sandbox.h"
#include "loop/log.h"
#include "loop/require.h"

enum { DEPTH = 64, RECORDS = 100000 };

static struct judged judged;
static struct judge *open_judges;

void judge_set(const struct judged *j)
{
    judged = *j;
}

const struct judged *judge_get(void)
{
    return &judged;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------ */

static void close_all(void)
{
    while (open_judges)
        judge_close(open_judges);
}

static void open_world(struct judge *j, uint64_t seed)
{
    j->sim = sim_new(seed);
    if (!j->sim)
        verdict_fault("the judge has no memory left");
    log_to(NULL, NULL);             /* the world's log is the probe's business; ours goes where it went */
    j->began = sim_now(j->sim);
}

static void start_probe(struct judge *j, int listener)
{
    int ends[2];
    char *argv[] = { "probe", NULL }, error[256];
    struct lab_budget none = {0};
    const struct lab_budget *budget = judged.lab ? &judged.lab->budget : &none;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        verdict_fault("no socket for the probe: %s", strerror(errno));
    struct sandbox_job job = {
        .program = j->probe, .argv = argv, .wire = ends[1], .listener = listener,
        .wall_ms = budget->wall_ms, .cpu_s = budget->cpu_s, .memory_mb = budget->memory_mb,
        .output_kb = budget->output_kb, .file_kb = budget->file_kb, .processes = 8,
    };
    j->fd = ends[0];
    j->sandbox = sandbox_start(&job, error, sizeof error);
    close(ends[1]);
    if (!j->sandbox)
        verdict_fault("the sandbox: %s", error);
}

struct judge *judge_new_listening(const char *probe, uint64_t seed, int listener)
{
    probe = probe ? probe : judged.probe;
    REQUIRE(probe, "judge_new: no probe was set, call judge_set first");
    struct judge *j = calloc(1, sizeof *j);
    if (!j || !(j->probe = strdup(probe)))
        verdict_fault("the judge has no memory left");
    j->fd = -1;
    j->next = open_judges;
    open_judges = j;
    verdict_on_leaving(close_all);
    open_world(j, seed);
    if (listener <= 0)
        judge_record_open(j);
    start_probe(j, listener);
    return j;
}

struct judge *judge_new(const char *probe, uint64_t seed)
{
    return judge_new_listening(probe, seed, 0);
}

static void free_list(void *first)
{
    for (void *next; first; first = next) {
        memcpy(&next, first, sizeof next);      /* `next` is the first member of all that is kept in lists here */
        free(first);
    }
}

/* The world knows the meanwhiles: end it first. */
static void forget_orders(struct judge *j)
{
    free_list(j->scripts);
    free_list(j->meanwhiles);
    free_list(j->tallies);
    judge_forget_jobs(j);
    j->scripts = NULL;
    j->meanwhiles = NULL;
    j->tallies = NULL;
}

/* A judge that was closed because its item failed is not closed again. */
void judge_close(struct judge *j)
{
    struct judge **at = &open_judges;
    while (*at && *at != j)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = j->next;
    judge_record_close(j);
    judge_forget_sleeps(j);
    if (j->fd >= 0)
        close(j->fd);
    if (j->sandbox)
        sandbox_close(j->sandbox);
    if (j->sim) {
        judge_forget_memory(j);
        sim_close(j->sim);
    }
    forget_orders(j);
    free(j->granted);
    free(j->trace);
    free(j->probe);
    free(j);
}

/* Faults that were not delivered must not hit what ends the old world. */
static void end_faults(struct sim *sim)
{
    for (int call = CALL_NOW + 1; call < CALL_COUNT; call++) {
        sim_fail(sim, (enum sys_call)call, 0, 0);
        sim_storm(sim, (enum sys_call)call, 0, 0);
    }
    sim_fail_any(sim, 0, 0);
    sim_shorten(sim, CALL_READ, 0);
    sim_shorten(sim, CALL_WRITE, 0);
}

void judge_reset(struct judge *j, uint64_t seed)
{
    end_faults(j->sim);
    j->quiet = true;
    judge_order(j, "reset");
    j->quiet = false;
    judge_forget_memory(j);
    sim_close(j->sim);
    forget_orders(j);
    open_world(j, seed);
    memset(j->calls, 0, sizeof j->calls);
    j->most = 0;
    j->trouble[0] = 0;
    j->trace_len = 0;
}

struct sim *judge_sim(struct judge *j)
{
    return j->sim;
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

const char *judge_ms(int64_t ns, char out[32])
{
    if (ns % MILLISECOND == 0)
        snprintf(out, 32, "%lld", (long long)(ns / MILLISECOND));
    else
        snprintf(out, 32, "%lld.%06lld", (long long)(ns / MILLISECOND), (long long)(ns % MILLISECOND));
    return out;
}

static void note(struct judge *j, enum entry_kind kind, const char *before, const char *text)
{
    if (!j->quiet)
        history_add(kind, sim_now(j->sim) - j->began, "%s%s", before, text);
}

void judge_fail(struct judge *j, const char *cause, const char *seen, ...)
{
    char text[512];
    va_list args;
    va_start(args, seen);
    vsnprintf(text, sizeof text, seen, args);
    va_end(args);
    struct verdict *v = verdict_current();
    if (v && v->state == VERDICT_NONE)
        snprintf(v->expected, sizeof v->expected, "the order \"%s\" to be carried out", j->order);
    verdict_fail(cause, "%s", text);
}

/* ---- the wire --------------------------------------------------------------------------------------------------- */

void judge_send(struct judge *j)
{
    int rc = wire_send(j->fd, &j->out);
    if (rc == -EPIPE)
        judge_probe_gone(j);
    if (rc < 0)
        verdict_fault("the wire to the probe: %s", strerror(-rc));
    judge_record(j, true, &j->out);
}

static void receive(struct judge *j)
{
    judge_await(j);
    int rc = wire_receive(j->fd, &j->in);
    if (rc == -EPIPE)
        judge_probe_gone(j);
    if (rc == -EPROTO)
        judge_nonsense(j, "it sent what is no record of the probe's");
    if (rc < 0)
        verdict_fault("the wire to the probe: %s", strerror(-rc));
    judge_record(j, false, &j->in);
    if (++j->records > RECORDS)
        judge_fail(j, j->trouble[0] ? j->trouble : "a loop that never comes to an end",
                   "%d calls and callbacks, and it was not done", RECORDS);
}

/* Nobody speaks before the first order, and between orders. */
static void check_silence(struct judge *j)
{
    char byte;
    ssize_t n = recv(j->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno == ECONNRESET))
        judge_probe_gone(j);
    if (n > 0)
        receive(j);
    if (n > 0 && j->in.kind != WIRE_CRASH)
        judge_nonsense(j, "it spoke without being asked");
}

static void crashed(struct judge *j)
{
    snprintf(j->crash, sizeof j->crash, "%.250s", j->in.data);
    for (char *c = j->crash; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            *c = '?';
    j->crash_counter = j->in.args[1];
    j->crash_main = j->in.args[2];
    judge_probe_gone(j);
}

/* Not to understand an order is our fault, if it is true: only the reference, in which there is no student's code, is
 * believed. */
static int64_t done(struct judge *j, int64_t id)
{
    if (j->in.args[0] != id)
        judge_nonsense(j, "it said that something was done which was not ordered");
    if (j->in.number && judged.reference && strcmp(j->probe, judged.reference) != 0)
        judge_nonsense(j, "it said that it does not understand an order of this lab");
    if (j->in.number)
        verdict_fault("the order \"%s\" was not understood: %.200s", j->order, j->in.data);
    memcpy(j->said, j->in.data, j->in.len + 1);
    return j->in.result;
}

static void callback_called(struct judge *j);

/* Serves the probe until it has done what was ordered last. */
static int64_t serve(struct judge *j, int64_t id)
{
    for (;;) {
        receive(j);
        switch (j->in.kind) {
        case WIRE_CALL:
            judge_serve_call(j);
            break;
        case WIRE_EVENT:
            callback_called(j);
            break;
        case WIRE_CRASH:
            crashed(j);
            break;
        case WIRE_DONE:
            return done(j, id);
        default:
            judge_nonsense(j, "it sent a record that only the judge sends");
        }
    }
}

/* ---- orders ----------------------------------------------------------------------------------------------------- */

static int64_t carry_out(struct judge *j, const char *before, const char *text, size_t len)
{
    if (j->depth == 0) {
        snprintf(j->order, sizeof j->order, "%.*s", (int)len, text);
        j->records = 0;
        check_silence(j);
    }
    if (j->depth == DEPTH)
        judge_fail(j, "callbacks that are called from within each other", "orders within orders, %d deep", DEPTH);
    wire_clear(&j->out, WIRE_ORDER);
    if (!wire_put(&j->out, text, len))
        verdict_fault("an order of %zu bytes does not fit into a record", len);
    j->out.data[len] = 0;
    int64_t id = j->out.args[0] = ++j->orders;
    note(j, ENTRY_STEP, before, j->out.data);
    j->depth++;
    judge_send(j);
    int64_t result = serve(j, id);
    j->depth--;
    return result;
}

int64_t judge_order(struct judge *j, const char *format, ...)
{
    char text[JUDGE_TEXT];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len >= JUDGE_TEXT)
        verdict_fault("an order of %d bytes is too long", len);
    return carry_out(j, "", text, (size_t)len);
}

const char *judge_said(const struct judge *j)
{
    return j->said;
}

int64_t judge_said_number(const struct judge *j, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = j->said; (at = strstr(at, name)); at += len)
        if ((at == j->said || at[-1] == ' ') && at[len] == '=')
            return strtoll(at + len + 1, NULL, 10);
    return -1;
}

/* Carries out orders that are separated by ';'. */
static void carry_out_all(struct judge *j, const char *before, const char *orders)
{
    while (*orders) {
        size_t len = strcspn(orders, ";"), blank = strspn(orders, " ");
        const char *rest = orders + len + (orders[len] == ';');
        if (blank < len)
            carry_out(j, before, orders + blank, len - blank);
        orders = rest;
    }
}

void judge_in(struct judge *j, const char *name, int nth, const char *orders)
{
    struct script **last = &j->scripts, *s = calloc(1, sizeof *s + strlen(orders) + 1);
    if (!s)
        verdict_fault("the judge has no memory left");
    snprintf(s->name, sizeof s->name, "%s", name);
    s->nth = nth;
    strcpy(s->orders, orders);
    while (*last)
        last = &(*last)->next;
    *last = s;
}

static void meanwhile(void *self, int what)
{
    struct meanwhile *m = self;
    (void)what;
    if (!m->judge->quiet)
        carry_out_all(m->judge, "meanwhile: ", m->orders);
}

void judge_meanwhile(struct judge *j, int64_t when, const char *orders)
{
    struct meanwhile *m = calloc(1, sizeof *m + strlen(orders) + 1);
    if (!m || sim_at(j->sim, when, meanwhile, m) < 0)
        verdict_fault("the judge has no memory left");
    m->judge = j;
    strcpy(m->orders, orders);
    m->next = j->meanwhiles;
    j->meanwhiles = m;
}

/* ---- callbacks -------------------------------------------------------------------------------------------------- */

static void check_name(struct judge *j)
{
    if (j->in.len == 0 || j->in.len >= JUDGE_NAME || strlen(j->in.data) != j->in.len)
        judge_nonsense(j, "it told of a callback that has no proper name");
    for (const char *c = j->in.data; *c; c++)
        if (!isgraph((unsigned char)*c))
            judge_nonsense(j, "it told of a callback that has no proper name");
}

static int count_call(struct judge *j, const char *name)
{
    struct tally *t = j->tallies;
    while (t && strcmp(t->name, name) != 0)
        t = t->next;
    if (!t) {
        t = calloc(1, sizeof *t);
        if (!t)
            verdict_fault("the judge has no memory left");
        snprintf(t->name, sizeof t->name, "%s", name);
        t->next = j->tallies;
        j->tallies = t;
    }
    return ++t->count;
}

static void add_to_trace(struct judge *j, const char *name, bool real)
{
    char ms[32], item[JUDGE_NAME + 40];
    int len = snprintf(item, sizeof item, "%s%s%s%s", j->trace_len ? " " : "", name, real ? "" : "@",
                       real ? "" : judge_ms(sim_now(j->sim) - j->began, ms));
    if (j->trace_len + (size_t)len + 1 > j->trace_capacity) {
        size_t capacity = 2 * j->trace_capacity + 1024;
        char *larger = realloc(j->trace, capacity);
        if (!larger)
            verdict_fault("the judge has no memory left");
        j->trace = larger;
        j->trace_capacity = capacity;
    }
    memcpy(j->trace + j->trace_len, item, (size_t)len + 1);
    j->trace_len += (size_t)len;
}

static void note_callback(struct judge *j, const char *name, bool real)
{
    char text[JUDGE_NAME + 40];
    if (j->in.result)
        snprintf(text, sizeof text, "%s was called with %lld", name, (long long)j->in.result);
    else
        snprintf(text, sizeof text, "%s was called", name);
    if (real && !j->quiet)
        history_add(ENTRY_EVENT, j->in.args[0], "%s", text);
    else
        note(j, ENTRY_EVENT, "", text);
}

static void callback_called(struct judge *j)
{
    char name[JUDGE_NAME], before[JUDGE_NAME + 8];
    bool real = j->in.number == 1;
    check_name(j);
    snprintf(name, sizeof name, "%.63s", j->in.data);
    snprintf(before, sizeof before, "in %s: ", name);
    add_to_trace(j, name, real);
    note_callback(j, name, real);
    judge_count(j);
    int nth = count_call(j, name);
    for (const struct script *s = j->quiet ? NULL : j->scripts; s; s = s->next)
        if (strcmp(s->name, name) == 0 && (s->nth == 0 || s->nth == nth))
            carry_out_all(j, before, s->orders);
    wire_clear(&j->out, WIRE_RETURN);
    judge_send(j);
}

const char *judge_trace(const struct judge *j)
{
    return j->trace_len ? j->trace : "";
}

const char *judge_trouble(const struct judge *j)
{
    return j->trouble[0] ? j->trouble : NULL;
}

uint64_t judge_calls(const struct judge *j, enum sys_call call)
{
    return j->calls[call];
}

void judge_limit(struct judge *j, int64_t most, void (*too_many)(void *self), void *self)
{
    j->made = 0;
    j->most = most;
    j->too_many = too_many;
    j->too_many_self = self;
}

void judge_count(struct judge *j)
{
    if (++j->made > j->most && j->most)
        j->too_many(j->too_many_self);
}

struct sim_live judge_live(const struct judge *j)
{
    return sim_live(j->sim);
}
