/* exchange_pack.c - replies that travel packed. See exchange.h, coding.h, and http_options.coding.
 *
 * Traps: (a) what was packed holds back its last bytes, for a repetition that may come: so when the handler waits the client
 *            would wait, too. What was written is flushed when everybody has had his turn.
 *        (b) a megabyte takes ten milliseconds, in which nobody else is served. So it goes in portions, and behind each of them
 *            the selector is asked.
 *        (c) a tag and a length are of bytes: those of what is packed are others.
 *        (d) a reply under way holds 290 KB, and a client that takes nothing holds it for long: so they are counted. */
#include <limits.h>
#include <string.h>

#include "http/accept.h"
#include "http/server_inside.h"
#include "loop/co.h"

enum { LEAST = 1024, PORTION = 16384, FLUSH = 2048 };   /* bytes: worth it; at a time; and as many as a flush takes the time of */
enum { PACKERS = 64, LEVEL = 4 };                       /* at once; 4 is twice as fast as 6, and 1/20 larger */

struct packing {
    struct exchange *x;
    struct coder *coder;                /* NULL: all is packed */
    struct call place;                  /* among those that have something to do */
    struct buffer waiting;              /* what was written, and is not packed yet */
    size_t spent;                       /* bytes that were packed since its last turn */
    bool unflushed;
    uint64_t given, packed;             /* bytes that were written, and those of them that were packed */
    struct waiters writes;
    struct future sent;                 /* of what was packed of the first so many bytes: */
    uint64_t sent_to;
    bool sending;
    struct future *drained;             /* pack_drain's */
    char out[PORTION];
};

/* ---- what the handler has said ------------------------------------------------------------------------------------------- */

/* From *at on, 0 at first, the next field that was set. */
static bool next_set(const struct exchange *x, size_t *at, struct header *field)
{
    const char *line = x->set + *at, *end = *at < x->set_len ? memmem(line, x->set_len - *at, "\r\n", 2) : NULL;
    if (!end)
        return false;
    const char *colon = memchr(line, ':', (size_t)(end - line));
    field->name = (struct bytes){ line, (size_t)(colon - line) };
    field->value = (struct bytes){ colon + 2, (size_t)(end - colon) - 2 };
    *at += (size_t)(end - line) + 2;
    return true;
}

static struct bytes get_set(const struct exchange *x, const char *name)
{
    struct header field;
    for (size_t at = 0; next_set(x, &at, &field);)
        if (text_alike(field.name, name))
            return field.value;
    return (struct bytes){0};
}

static bool lists_set(const struct exchange *x, const char *name, const char *item)
{
    struct header field;
    for (size_t at = 0; next_set(x, &at, &field);)
        if (text_alike(field.name, name) && text_lists(field.value, item))
            return true;
    return false;
}

static void remove_set(struct exchange *x, const char *name)
{
    struct header field;
    for (size_t at = 0, from = 0; next_set(x, &at, &field); from = at)
        if (text_alike(field.name, name)) {
            memmove(x->set + from, x->set + at, x->set_len - at);
            x->set_len -= at - from;
            at = from;
        }
}

/* ---- whether ------------------------------------------------------------------------------------------------------------- */

/* Whether it may be another than the handler made it: none that is packed already, or a part, or has a check sum. */
static bool may_change(const struct exchange *x)
{
    static const char *const settled[] = {
        "Content-Encoding", "Content-Range", "Content-Digest", "Repr-Digest", "Digest", "Content-MD5"
    };
    if (x->plain || x->status == 204 || x->status == 205 || x->status == 206 || text_is(x->head.method, "CONNECT"))
        return false;
    for (size_t i = 0; i < sizeof settled / sizeof *settled; i++)
        if (get_set(x, settled[i]).data)
            return false;
    return !lists_set(x, "Cache-Control", "no-transform");
}

static bool is_worth_it(const struct exchange *x, struct bytes type)
{
    return type_packs(type.len ? type : get_set(x, "Content-Type")) && (x->owed < 0 || x->owed >= LEAST);
}

/* ---- tags ---------------------------------------------------------------------------------------------------------------- */

/* A strong tag promises the same bytes (RFC 9110, section 8.8.3.3). False when memory is refused. */
static bool weaken(struct exchange *x)
{
    struct bytes tag = get_set(x, "ETag");
    if (tag.len == 0 || tag.data[0] != '"')
        return true;
    size_t at = (size_t)(tag.data - x->set);
    if (reply_room(x, 2) < 0)
        return false;
    memmove(x->set + at + 2, x->set + at, x->set_len - at);
    memcpy(x->set + at, "W/", 2);
    x->set_len += 2;
    return true;
}

/* Whether the client has what was packed once: the tag that we have set, but weak. */
static bool has_packed(const struct exchange *x)
{
    struct bytes tag = get_set(x, "ETag"), list, item;
    for (int at = 0; headers_next(&x->head.headers, "if-none-match", &at, &list);)
        while (text_next(&list, &item))
            if (item.len == tag.len + 2 && memcmp(item.data, "W/", 2) == 0 && memcmp(item.data + 2, tag.data, tag.len) == 0)
                return true;
    return false;
}

/* ---- packing ------------------------------------------------------------------------------------------------------------- */

static const struct coding *coding_for(const struct exchange *x)
{
    return x->c->server->options.coding;
}

static void end_coder(struct packing *p)
{
    if (!p->coder)
        return;
    coding_for(p->x)->end(p->coder);
    p->coder = NULL;
    p->x->c->server->packers--;
}

/* NULL: it goes as it is. */
static struct packing *packing_new(struct exchange *x)
{
    struct http_server *server = x->c->server;
    struct coder *coder = server->packers < PACKERS ? server->options.coding->pack(server->sys, LEVEL) : NULL;
    struct packing *p = coder ? sys_new(server->sys, sizeof *p) : NULL;
    if (!p) {
        if (coder)
            server->options.coding->end(coder);
        return NULL;
    }
    server->packers++;
    p->x = x;
    p->coder = coder;
    p->place.self = p;
    waiters_init(&p->writes, server->loop);
    return p;
}

/* All of a little body, where it becomes smaller; false: nothing has changed. */
static bool pack_whole(struct packing *p, struct bytes *body)
{
    const char *why;
    struct bytes in = *body;
    size_t len = 0;
    ssize_t n;
    while (sizeof p->out - len >= CODING_LEAST &&
           (n = coding_for(p->x)->step(p->coder, &in, CODING_LAST, p->out + len, sizeof p->out - len, &why)) > 0)
        len += (size_t)n;
    bool smaller = sizeof p->out - len >= CODING_LEAST && len < body->len;
    if (smaller)
        *body = (struct bytes){ p->out, len };
    end_coder(p);
    return smaller;
}

/* Packs these bytes, and sends what comes of it. */
static void pack(struct packing *p, struct bytes in, enum coding_end end)
{
    const char *why;
    ssize_t n;
    p->spent += in.len;
    p->packed += in.len;
    p->unflushed = end == CODING_MORE;
    while ((n = coding_for(p->x)->step(p->coder, &in, end, p->out, sizeof p->out, &why)) > 0) {
        p->x->sent += n;
        reply_put(p->x, (struct bytes){ p->out, (size_t)n }, NULL);
    }
}

bool pack_expected(const struct exchange *x)
{
    if (x->began || !coding_for(x) || x->plain)
        return x->packing != NULL;
    return accept_coding(&x->head.headers, coding_for(x)->name) != CODING_REFUSED;
}

/* It can be packed, and the client takes it. `at_once`: the body, which becomes what it is packed. False: it goes as it is. */
static bool begin_packing(struct exchange *x, bool at_once, struct bytes *body)
{
    struct bytes all = *body;
    if (!x->bare && !(x->packing = packing_new(x)))
        return false;
    if ((at_once && !pack_whole(x->packing, &all)) || !weaken(x)) {
        pack_end(x);
        return false;
    }
    *body = all;
    remove_set(x, "Accept-Ranges");
    x->packed = true;
    x->unmeasured = !at_once;
    return true;
}

struct bytes pack_begin(struct exchange *x, struct bytes type, struct bytes body, bool whole)
{
    enum coding_wish wish = accept_coding(&x->head.headers, coding_for(x)->name);
    bool known = x->status == 304, at_once = whole && body.len <= PORTION && !x->bare;
    if (!may_change(x) || !(known || wish == CODING_DEMANDED || is_worth_it(x, type)))
        return body;
    x->varies = !lists_set(x, "Vary", "Accept-Encoding");
    if (known && has_packed(x))
        weaken(x);
    if (known || wish == CODING_REFUSED || x->owed == 0 || !begin_packing(x, at_once, &body))
        return body;
    if (!at_once)
        return (struct bytes){0};
    x->owed = (int64_t)body.len;
    return body;
}

/* ---- one turn after the other -------------------------------------------------------------------------------------------- */

static void on_turn(void *self, int what);

static void wants_a_turn(struct packing *p)
{
    struct http_server *server = p->x->c->server;
    if (!call_queued(&p->place))
        calls_push(&server->packings, &p->place);
    if (!server->packer.armed)
        loop_call_at(server->loop, loop_time(server->loop), &server->packer, on_turn, server);
}

static void answer_up_to(struct packing *p, uint64_t position)
{
    for (struct future *f; (f = waiters_first(&p->writes)) && f->u.wait.order <= position;)
        waiters_resolve(&p->writes, f, (int)(intptr_t)f->u.wait.item, NULL);
}

static void on_sent(void *self, int rc);

/* The writes that are packed, and with the kernel; or the client is gone. */
static void answer_writes(struct packing *p)
{
    struct stream *s = p->x->c->stream;
    int rc = stream_write_error(s);
    for (struct future *f; rc < 0 && (f = waiters_first(&p->writes));)
        waiters_fail(&p->writes, f, rc, "the client is gone, or does not read any more");
    if (rc == 0 && stream_unsent(s) == 0)
        answer_up_to(p, p->packed);
    struct future *first = waiters_first(&p->writes);
    if (!first || first->u.wait.order > p->packed || p->sending)
        return;
    p->sending = true;
    p->sent_to = p->packed;
    stream_write(s, (struct bytes){0}, future_then(&p->sent, on_sent, p));
}

static void on_sent(void *self, int rc)
{
    struct packing *p = self;
    p->sending = false;
    if (rc >= 0)
        answer_up_to(p, p->sent_to);
    answer_writes(p);
}

static void flush(struct packing *p)
{
    if (p->unflushed)
        pack(p, (struct bytes){0}, CODING_FLUSH);
}

/* A portion of what waits; and behind the last one what is packed must be of use to the client. How much work it was. */
static size_t take_turn(struct packing *p)
{
    struct bytes waiting = buffer_bytes(&p->waiting);
    if (waiting.len > PORTION)
        waiting.len = PORTION;
    p->spent = 0;
    if (stream_write_error(p->x->c->stream)) {
        buffer_end(&p->waiting, p->x->c->server->sys);
    } else if (waiting.len) {
        pack(p, waiting, CODING_MORE);
        buffer_take(&p->waiting, waiting.len);
    }
    if (buffer_len(&p->waiting)) {
        wants_a_turn(p);
    } else {
        buffer_rest(&p->waiting, p->x->c->server->sys);
        flush(p);
        if (p->drained)
            future_resolve(p->drained, 0, NULL);
        p->drained = NULL;
    }
    answer_writes(p);
    return waiting.len + FLUSH;
}

static void on_turn(void *self, int what)
{
    struct http_server *server = self;
    struct call *place;
    size_t work = 0;
    (void)what;
    while (work < PORTION && (place = calls_pop(&server->packings)))
        work += take_turn(place->self);
    if (!calls_empty(&server->packings) && !server->packer.armed)
        loop_call_at(server->loop, loop_time(server->loop), &server->packer, on_turn, server);
}

/* ---- what is written ----------------------------------------------------------------------------------------------------- */

/* Puts it behind what waits; without memory for that all of it is packed now. */
static void put_off(struct packing *p, struct bytes bytes)
{
    struct sys *sys = p->x->c->server->sys;
    if (bytes.len == 0 || buffer_add(&p->waiting, sys, bytes, SIZE_MAX) == 0)
        return;
    pack(p, buffer_bytes(&p->waiting), CODING_MORE);
    pack(p, bytes, CODING_MORE);
    buffer_end(&p->waiting, sys);
}

struct future *pack_write(struct exchange *x, struct bytes bytes, struct future *f)
{
    static const struct op op = { .name = "exchange write", .cancel = waiters_leave, .delivered = waiters_leave };
    struct packing *p = x->packing;
    size_t left = p->spent < PORTION && buffer_len(&p->waiting) == 0 ? PORTION - p->spent : 0;
    size_t now = bytes.len < left ? bytes.len : left;
    p->given += bytes.len;
    if (f) {
        waiters_add(&p->writes, f, &op, p);
        f->u.wait.order = p->given;
        f->u.wait.item = (void *)(bytes.len < INT_MAX ? bytes.len : INT_MAX);
    }
    if (now)
        pack(p, (struct bytes){ bytes.data, now }, CODING_MORE);
    put_off(p, (struct bytes){ bytes.data + now, bytes.len - now });
    wants_a_turn(p);
    answer_writes(p);
    return f;
}

void pack_flush(struct exchange *x)
{
    if (buffer_len(&x->packing->waiting) == 0)
        flush(x->packing);
}

/* ---- its end ------------------------------------------------------------------------------------------------------------- */

static void drain_forget(void *self)
{
    ((struct packing *)self)->drained = NULL;
}

int pack_drain(struct exchange *x, int rc)
{
    static const struct op op = { .name = "packing of a reply", .cancel = drain_forget };
    struct packing *p = x->packing;
    struct future f = {0};
    if (rc < 0 || buffer_len(&p->waiting) == 0)
        return rc;
    p->drained = future_start(&f, x->c->server->loop, &op, p);
    int waited = await(&f);
    return waited < 0 ? waited : rc;
}

void pack_last(struct exchange *x)
{
    struct packing *p = x->packing;
    if (!p->coder)
        return;
    pack(p, buffer_bytes(&p->waiting), CODING_LAST);
    buffer_end(&p->waiting, x->c->server->sys);
    end_coder(p);
}

void pack_end(struct exchange *x)
{
    struct packing *p = x->packing;
    if (!p)
        return;
    end_coder(p);
    if (call_queued(&p->place))
        call_remove(&p->place);
    future_cancel(&p->sent);
    waiters_close(&p->writes);
    buffer_end(&p->waiting, x->c->server->sys);
    sys_free(x->c->server->sys, p);
    x->packing = NULL;
}
