/* resolver.c - names to addresses. See resolver.h.
 *
 * A question is asked once, whoever waits for it, and becomes what is remembered: one object for both. It does not know the
 * port, which is its waiters'. Traps: the last waiter that leaves takes the look-up back, or a client that gives up still costs a
 * thread; and an answer is copied for each waiter, since each of them ends its own. */
#include "stream/resolver.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loop/require.h"
#include "loop/waiters.h"
#include "stream/overrides.h"
#include "stream/resolver_inside.h"

enum { BUCKETS = 256 };

struct question {
    struct resolver *resolver;
    struct question *next;              /* in its bucket */
    struct call age;                    /* among those that are remembered: the one asked for least recently is first */
    struct waiters waiters;             /* those that were not answered */
    struct future job;
    int rc;                             /* remembered: the failure, or how many */
    struct addresses *answer;           /* remembered: NULL for a failure */
    int64_t until;
    int family;
    char host[];
};

struct resolver {
    struct extension extension;         /* the loop's own is one */
    struct loop *loop;
    struct sys *sys;
    const struct backend *backend;
    void *backend_self;
    struct question *buckets[BUCKETS];
    struct calls remembered;            /* questions, by age */
    struct waiters answered;
    struct overrides overrides;
    int64_t answers_hold, failures_hold;
    int count, most;                    /* that are remembered */
    bool own;
};

static const char key;                  /* only its address matters */

/* ---- addresses ------------------------------------------------------------------------------------------------------ */

static struct addresses *copy(struct sys *sys, const struct address *at, int count)
{
    struct addresses *a = sys_new(sys, sizeof *a + (size_t)count * sizeof *at);
    if (!a)
        return NULL;
    a->sys = sys;
    a->count = count;
    memcpy(a->at, at, (size_t)count * sizeof *at);
    return a;
}

void addresses_free(struct addresses *a)
{
    sys_free(a->sys, a);
}

void *resolved_new(struct sys *sys, size_t size)
{
    struct resolved *found = sys_new(sys, size);
    if (!found)
        return NULL;
    found->sys = sys;
    found->ttl = FOREVER;
    return found;
}

void resolved_free(void *found)
{
    sys_free(((struct resolved *)found)->sys, found);
}

/* ---- questions ------------------------------------------------------------------------------------------------------ */

static struct question **bucket_of(struct resolver *r, const char *host, int family)
{
    uint32_t hash = 2166136261u ^ (uint32_t)family;
    for (; *host; host++)
        hash = (hash ^ (uint32_t)tolower((unsigned char)*host)) * 16777619u;
    return &r->buckets[(hash ^ hash >> 16) % BUCKETS];
}

static bool is_remembered(const struct question *q)
{
    return call_queued(&q->age);
}

static void question_end(struct question *q)
{
    struct resolver *r = q->resolver;
    struct question **at = bucket_of(r, q->host, q->family);
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    if (is_remembered(q)) {
        call_remove(&q->age);
        r->count--;
    }
    future_cancel(&q->job);
    if (q->answer)
        addresses_free(q->answer);
    sys_free(r->sys, q);
}

static struct question *question_find(struct resolver *r, const char *host, int family)
{
    for (struct question *q = *bucket_of(r, host, family); q; q = q->next) {
        if (q->family != family || strcasecmp(q->host, host) != 0)
            continue;
        if (!is_remembered(q) || q->until > loop_time(r->loop))
            return q;
        question_end(q);
        return NULL;
    }
    return NULL;
}

static struct question *question_new(struct resolver *r, const char *host, int family)
{
    struct question **bucket = bucket_of(r, host, family), *q = sys_new(r->sys, sizeof *q + strlen(host) + 1);
    if (!q)
        return NULL;
    q->resolver = r;
    q->age.self = q;
    q->family = family;
    strcpy(q->host, host);
    waiters_init(&q->waiters, r->loop);
    q->next = *bucket;
    *bucket = q;
    return q;
}

static void forget_down_to(struct resolver *r, int most)
{
    while (r->count > most)
        question_end(r->remembered.head.next->self);
}

/* ---- answers -------------------------------------------------------------------------------------------------------- */

static const char *why(int rc)
{
    switch (-rc) {
    case ENOENT:
        return "there is no such name: check its spelling, /etc/hosts, and the search domains in /etc/resolv.conf";
    case ENODATA:
        return "the name has no address of the family asked for: ask for AF_UNSPEC, or check its A and AAAA records";
    case EAGAIN:
        return "no name server answered: check the network and /etc/resolv.conf, or try again";
    case EREMOTEIO:
        return "a name server answered that it cannot say: the name's own servers may be broken, ask them: dig +trace";
    case EINVAL:
        return "it can be neither a name nor an address, or the port is not 0 to 65535: check what was typed";
    case ENAMETOOLONG:
        return "it is too long: a name has at most 255 characters, the path of a unix socket 107";
    case EAFNOSUPPORT:
        return "this machine does not know that family of addresses: ask for AF_UNSPEC";
    case ENOMEM:
        return "no memory to look it up";
    default:
        return "the look-up failed on this machine: the error says how";
    }
}

const char *resolver_explain(const char *host, int rc, char *out, size_t size)
{
    snprintf(out, size, "%s: %s (%s)", host[0] ? host : "\"\"", why(rc), strerror(-rc));
    return out;
}

static void fail(struct resolver *r, struct future *f, int rc)
{
    waiters_fail(&r->answered, f, rc, why(rc));
}

/* To one waiter, a copy of its own. */
static void give(struct resolver *r, struct future *f, const struct address *at, int count)
{
    int port = (int)f->u.wait.order;
    struct addresses *a = copy(r->sys, at, count);
    if (!a) {
        fail(r, f, -ENOMEM);
        return;
    }
    for (int i = 0; i < count; i++)
        address_set_port(&a->at[i], port);
    waiters_resolve(&r->answered, f, count, a);
}

static int64_t later(const struct resolver *r, int64_t time)
{
    return time_after(loop_time(r->loop), time);
}

/* For how long the answer is remembered. */
static int64_t holds(const struct resolver *r, int rc, const struct resolved *found)
{
    if (rc > 0)
        return found->ttl < r->answers_hold ? found->ttl : r->answers_hold;
    return rc == -ENOENT || rc == -ENODATA ? r->failures_hold : 0;
}

/* Keeps the question, with its answer, or ends it. */
static void remember(struct question *q, int rc, const struct resolved *found)
{
    struct resolver *r = q->resolver;
    int64_t hold = holds(r, rc, found);
    q->answer = hold > 0 && rc > 0 ? copy(r->sys, found->at, rc) : NULL;
    if (hold <= 0 || (rc > 0 && !q->answer)) {
        question_end(q);
        return;
    }
    q->rc = rc;
    q->until = later(r, hold);
    calls_push(&r->remembered, &q->age);
    r->count++;
    forget_down_to(r, r->most);
}

static void on_answer(void *self, int rc)
{
    struct question *q = self;
    struct resolver *r = q->resolver;
    struct resolved *found = q->job.value;
    rc = rc == 0 ? -ENODATA : rc;
    for (struct future *f; (f = waiters_first(&q->waiters));) {
        if (rc > 0)
            give(r, f, found->at, rc);
        else
            fail(r, f, rc);
    }
    remember(q, rc, found);
    if (found)
        resolved_free(found);
}

/* ---- asking --------------------------------------------------------------------------------------------------------- */

static int ask(struct question *q)
{
    struct resolver *r = q->resolver;
    return r->backend->look_up(r->backend_self, q->host, q->family, future_then(&q->job, on_answer, q));
}

/* NULL with errno. */
static struct question *question_ask(struct resolver *r, const char *host, int family)
{
    struct question *q = question_new(r, host, family);
    int rc = q ? ask(q) : -ENOMEM;
    if (rc == 0)
        return q;
    if (q)
        question_end(q);
    errno = -rc;
    return NULL;
}

static void recall(struct question *q, struct future *f)
{
    struct resolver *r = q->resolver;
    call_remove(&q->age);
    calls_push(&r->remembered, &q->age);
    if (q->answer)
        give(r, f, q->answer->at, q->rc);
    else
        fail(r, f, q->rc);
}

/* The question may be remembered, asked already, or new. */
static void answer_later(struct resolver *r, const char *host, int family, struct future *f)
{
    struct question *q = question_find(r, host, family);
    if (q && is_remembered(q)) {
        recall(q, f);
        return;
    }
    q = q ? q : question_ask(r, host, family);
    if (!q) {
        fail(r, f, -errno);
        return;
    }
    f->u.wait.of = q;
    call_remove(&f->u.wait.place);
    calls_push(&q->waiters.pending, &f->u.wait.place);
}

/* RFC 6761: these names are for this machine, and nobody else is asked. */
static bool is_localhost(const char *host)
{
    static const char name[] = "localhost";
    size_t len = strlen(host), name_len = sizeof name - 1;
    if (len > 0 && host[len - 1] == '.')
        len--;
    return len >= name_len && strncasecmp(host + len - name_len, name, name_len) == 0 &&
           (len == name_len || host[len - name_len - 1] == '.');
}

/* What needs nobody else: how many addresses, or -errno; 0: it is a name. */
static int answer_now(const char *host, int family, struct address *out)
{
    int count = 0, rc;
    if (is_localhost(host)) {
        if (family != AF_INET)
            address_parse("::1", 0, &out[count++]);
        if (family != AF_INET6)
            address_parse("127.0.0.1", 0, &out[count++]);
        return count;
    }
    rc = address_parse(host, 0, out);
    if (rc == 0)
        return family == AF_UNSPEC || out->at.ss_family == AF_UNIX || out->at.ss_family == family ? 1 : -ENODATA;
    if (rc == -ENAMETOOLONG || strncmp(host, "unix:", 5) == 0)
        return rc;
    return host[0] ? strlen(host) > LONGEST_NAME ? -ENAMETOOLONG : 0 : -EINVAL;
}

/* ---- the verbs of its futures --------------------------------------------------------------------------------------- */

static void find_cancel(void *f)
{
    struct question *q = waiters_of(f);
    waiters_leave(f);
    if (!waiters_first(&q->waiters))
        question_end(q);
}

static void find_undo(void *self, struct future *f)
{
    (void)self;
    waiters_leave(f);
    if (f->value)
        addresses_free(f->value);
}

/* ---- the public functions ------------------------------------------------------------------------------------------- */

struct resolver *resolver_new_with(struct loop *loop, const struct backend *backend, void *backend_self)
{
    struct resolver *r = sys_new(loop_sys(loop), sizeof *r);
    if (!r)
        return NULL;
    r->backend = backend;
    r->backend_self = backend_self;
    r->loop = loop;
    r->sys = loop_sys(loop);
    calls_init(&r->remembered);
    waiters_init(&r->answered, loop);
    return r;
}

struct resolver *resolver_new(struct loop *loop)
{
    return resolver_new_with(loop, &backend_executor, loop);
}

static void end(struct resolver *r)
{
    for (int i = 0; i < BUCKETS; i++)
        while (r->buckets[i]) {
            waiters_close(&r->buckets[i]->waiters);
            question_end(r->buckets[i]);
        }
    waiters_close(&r->answered);
    r->backend->close(r->backend_self);
    overrides_end(&r->overrides, r->sys);
    sys_free(r->sys, r);
}

void resolver_close(struct resolver *r)
{
    REQUIRE(!r->own, "resolver_close of the loop's own resolver: loop_close does that");
    end(r);
}

static void close_own(struct extension *extension)
{
    end((struct resolver *)extension);
}

struct resolver *loop_resolver(struct loop *loop)
{
    struct resolver *r = (struct resolver *)loop_extension(loop, &key);
    if (r || !(r = resolver_new(loop)))
        return r;
    r->own = true;
    r->extension = (struct extension){ .key = &key, .close = close_own };
    loop_extend(loop, &r->extension);
    return r;
}

struct future *resolver_find(struct resolver *r, const char *host, int port, int family, struct future *f)
{
    static const struct op op = { "resolve", find_cancel, find_undo, waiters_leave };
    struct address now[2];
    const struct override *o = overrides_find(&r->overrides, host, port, family);
    if (o) {
        host = o->to_host;
        port = o->to_port ? o->to_port : port;
    }
    waiters_add(&r->answered, f, &op, NULL);
    f->u.wait.order = (uint64_t)port;
    int count = port < 0 || port > 65535 ? -EINVAL : answer_now(host, family, now);
    if (count > 0)
        give(r, f, now, count);
    else if (count < 0)
        fail(r, f, count);
    else
        answer_later(r, host, family, f);
    return f;
}

int resolver_override(struct resolver *r, const char *host, int port, int family, const char *to_host, int to_port)
{
    return overrides_add(&r->overrides, r->sys, host, port, family, to_host, to_port);
}

void resolver_remember(struct resolver *r, int64_t answers, int64_t failures, int most)
{
    r->answers_hold = answers;
    r->failures_hold = failures;
    r->most = most > 0 ? most : 0;
    forget_down_to(r, r->most);
}

void resolver_forget(struct resolver *r)
{
    forget_down_to(r, 0);
}
