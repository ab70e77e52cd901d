/* checks_origin.c - the servers a client asks. See checks_origin.h.
 *
 * They act inside of the client's waits, as the world does: when it has connected, written or closed, they look in the same
 * moment. Trap: what is done at a time must not outlive the connection that it is done to. */
#include "labs/08-async-client/checks_origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/data.h"
#include "loop/sim_net.h"

enum { CONNECTIONS = 2048, HEARD = 8192, BODY = 1 << 17, PORTS = 2 };

struct connection {
    int fd;                         /* < 0: closed */
    int number;
    bool once, busy;
    size_t len;
    char heard[HEARD];
};

struct reply {                      /* what is done at a time */
    struct reply *next;
    struct connection *to;
    enum { SAYS, SAYS_LAST, LEAVES } kind;
    bool closes;
    size_t len;
    char bytes[];
};

static struct sim *world;
static int listeners[PORTS];
static struct connection *connections[CONNECTIONS];
static struct origin_request requests[ORIGIN_REQUESTS];
static struct origin_count counted;
static struct reply *replies;
static int busy;
static bool looking;
static uint32_t secret;

static struct sys *outside(void)
{
    return sim_sys(world);
}

/* ---- what is done at a time ---------------------------------------------------------------------------------------- */

static void hang_up(struct connection *c)
{
    if (c->fd < 0)
        return;
    outside()->close(outside(), c->fd);
    c->fd = -1;
    counted.open--;
    busy -= c->busy;
    c->busy = false;
}

static void look(void *self, int what);

static void do_reply(void *self, int what)
{
    const struct reply *r = self;
    struct connection *c = r->to;
    (void)what;
    if (c->fd < 0)
        return;
    for (size_t done = 0; done < r->len; ) {
        ssize_t n = outside()->write(outside(), c->fd, r->bytes + done, r->len - done);
        if (n < 0 && n != -EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    if (r->kind == SAYS_LAST && c->busy) {
        c->busy = false;
        busy--;
    }
    if (r->closes || r->kind == LEAVES)
        hang_up(c);
    else if (r->kind == SAYS_LAST)
        look(NULL, 0);
}

static void reply_at(struct connection *c, int64_t when, int kind, bool closes, const char *bytes, size_t len)
{
    struct reply *r = calloc(1, sizeof *r + len);
    if (!r || sim_at(world, when, do_reply, r) < 0)
        verdict_fault("the judge has no memory left");
    *r = (struct reply){ .next = replies, .to = c, .closes = closes, .len = len };
    r->kind = kind;
    memcpy(r->bytes, bytes, len);
    replies = r;
}

/* ---- what a path means ---------------------------------------------------------------------------------------------- */

struct meaning {
    int64_t wait, head, leaves;
    int status, len;
    bool circle, chunks, until_close, echo, close, once, drop, cut, hang, bad, more;
    char location[ORIGIN_TARGET + 2];
};

static const char *after(const char *word, const char *key)
{
    size_t len = strlen(key);
    return strncmp(word, key, len) == 0 ? word + len : NULL;
}

static void read_word(struct meaning *m, const char *word)
{
    const struct { const char *name; bool *flag; } flags[] = {
        { "circle", &m->circle }, { "chunks", &m->chunks }, { "until-close", &m->until_close }, { "echo", &m->echo },
        { "close", &m->close }, { "once", &m->once }, { "drop", &m->drop }, { "cut", &m->cut }, { "hang", &m->hang },
        { "bad", &m->bad }, { "more", &m->more },
    };
    const char *value;
    if ((value = after(word, "wait=")))
        m->wait = atoi(value) * MILLISECOND;
    else if ((value = after(word, "head=")))
        m->head = atoi(value) * MILLISECOND;
    else if ((value = after(word, "leaves=")))
        m->leaves = atoi(value) * MILLISECOND;
    else if ((value = after(word, "len=")))
        m->len = atoi(value) < BODY ? atoi(value) : BODY;
    else if (atoi(word) >= 200 && atoi(word) < 600)
        m->status = atoi(word);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(word, flags[i].name) == 0)
            *flags[i].flag = true;
}

static struct meaning meaning_of(const char *target)
{
    struct meaning m = { .status = 200, .len = -1, .leaves = -1 };
    const char *all = target;
    while (*target == '/') {
        char word[32];
        size_t len = strcspn(target + 1, "/?");
        snprintf(word, sizeof word, "%.*s", (int)(len < 31 ? len : 31), target + 1);
        target += 1 + len;
        read_word(&m, word);
        bool absolute = strncmp(target, "/http", 5) == 0 || strncmp(target, "/ftp", 4) == 0 || strncmp(target, "/file", 5) == 0;
        if (m.status < 300 || m.status >= 400 || m.status == 304)
            continue;
        snprintf(m.location, sizeof m.location, "%.*s", ORIGIN_TARGET, target + absolute);
        break;
    }
    if (m.circle) {
        m.status = 302;
        snprintf(m.location, sizeof m.location, "%s", all);
    }
    return m;
}

/* ---- what is answered ----------------------------------------------------------------------------------------------- */

/* The value of a header, up to the end of its line; "" for none. */
static void header_of(const char *head, const char *name, char *out, size_t size)
{
    const char *at = strcasestr(head, name);
    at = at ? at + strlen(name) : "";
    at += strspn(at, " ");
    snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
}

static void fill_secret(const char *target, char *out, int len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    uint32_t dice = secret ^ data_sum(target, strlen(target));
    for (int i = 0; i < len; i++)
        out[i] = letters[(unsigned char)data_next(&dice) % 26];
}

const char *origin_body(const char *target, int len, char out[40])
{
    static char bytes[BODY];
    fill_secret(target, bytes, len);
    return data_text(bytes, (size_t)len, out);
}

static size_t make_body(const struct connection *c, const struct meaning *m, const char *head, size_t sent, char *out)
{
    char method[16] = "", host[40], auth[8], cookie[8], target[ORIGIN_TARGET];
    sscanf(head, "%15s %95s", method, target);
    if (m->len >= 0) {
        fill_secret(target, out, m->len);
        return (size_t)m->len;
    }
    if (!m->echo)
        return (size_t)sprintf(out, "hello");
    header_of(head, "\nHost:", host, sizeof host);
    header_of(head, "\nAuthorization:", auth, sizeof auth);
    header_of(head, "\nCookie:", cookie, sizeof cookie);
    return (size_t)sprintf(out, "%s,%s,%s,%s,%zu,c%d", method, host, auth[0] ? "auth" : "-", cookie[0] ? "cookie" : "-", sent,
                           c->number);
}

static size_t make_head(const struct meaning *m, size_t len, char *out)
{
    size_t used = (size_t)sprintf(out, "HTTP/1.1 %d Reason\r\n", m->status);
    if (m->location[0])
        used += (size_t)sprintf(out + used, "Location: %s\r\n", m->location);
    if (m->close)
        used += (size_t)sprintf(out + used, "Connection: close\r\n");
    if (m->chunks)
        used += (size_t)sprintf(out + used, "Transfer-Encoding: chunked\r\n");
    else if (!m->until_close)
        used += (size_t)sprintf(out + used, "Content-Length: %zu\r\n", len);
    return used + (size_t)sprintf(out + used, "\r\n");
}

static size_t in_chunks(const char *body, size_t len, char *out)
{
    size_t half = len / 2, used = 0;
    if (half)
        used += (size_t)sprintf(out, "%zx\r\n%.*s\r\n", half, (int)half, body);
    used += (size_t)sprintf(out + used, "%zx\r\n%.*s\r\n", len - half, (int)(len - half), body + half);
    return used + (size_t)sprintf(out + used, "0\r\n\r\n");
}

static void answer(struct connection *c, const struct meaning *m, const char *head, size_t sent)
{
    static char text[512], body[BODY + 1], chunks[BODY + 64];
    int64_t when = sim_now(world) + m->wait;
    size_t len = make_body(c, m, head, sent, body), head_len = make_head(m, len, text);
    bool headless = strncmp(head, "HEAD ",
                            5) == 0 || m->status == 304, closes = m->until_close || m->cut || (m->close && m->leaves < 0);
    const char *bytes = body;
    body[len] = 0;
    if (m->chunks) {
        len = in_chunks(body, len, chunks);
        bytes = chunks;
    }
    if (headless)
        len = 0;
    len = m->cut ? len / 2 : len;
    reply_at(c, when, SAYS, false, text, head_len);
    reply_at(c, when + m->head, SAYS_LAST, closes, bytes, len);
    if (m->more)
        reply_at(c, when + m->head, SAYS, false, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 42);
    if (m->leaves >= 0)
        reply_at(c, when + m->head + m->leaves, LEAVES, true, "", 0);
}

static void note_request(const struct connection *c, const char *head)
{
    struct origin_request *r = &requests[counted.requests < ORIGIN_REQUESTS ? counted.requests++ : ORIGIN_REQUESTS - 1];
    *r = (struct origin_request){ .at = sim_now(world), .connection = c->number };
    sscanf(head, "%*15s %95s", r->target);
    header_of(head, "\nX-Request:", r->request, sizeof r->request);
    history_add(ENTRY_STEP, -1, "the server hears %.*s on connection %d", (int)strcspn(head, "\r"), head, c->number);
}

static void hear(struct connection *c, const char *head, size_t sent)
{
    static const char nonsense[] = "220 mail.example ready, and waiting for you to say hello to it\r\n\r\n";
    note_request(c, head);
    struct meaning m = meaning_of(requests[counted.requests - 1].target);
    if (c->once || m.drop) {
        reply_at(c, sim_now(world) + m.wait, LEAVES, true, "", 0);
        return;
    }
    c->once = m.once;
    c->busy = true;
    busy++;
    counted.most_busy = busy > counted.most_busy ? busy : counted.most_busy;
    if (m.bad)
        reply_at(c, sim_now(world) + m.wait, SAYS_LAST, false, nonsense, sizeof nonsense - 1);
    else if (!m.hang)
        answer(c, &m, head, sent);
}

/* ---- hearing ------------------------------------------------------------------------------------------------------- */

/* The request at the beginning of what was heard: its length, or 0. */
static size_t whole_request(const struct connection *c, size_t *sent)
{
    char length[16];
    const char *end = strstr(c->heard, "\r\n\r\n");
    if (!end)
        return 0;
    size_t head = (size_t)(end - c->heard) + 4;
    header_of(c->heard, "\nContent-Length:", length, sizeof length);
    *sent = strtoul(length, NULL, 10);
    return c->len >= head + *sent ? head + *sent : 0;
}

static void listen_to(struct connection *c)
{
    size_t sent, whole;
    while (c->fd >= 0 && c->len < HEARD - 1) {
        ssize_t n = outside()->read(outside(), c->fd, c->heard + c->len, HEARD - 1 - c->len);
        if (n == -EINTR)
            continue;
        if (n == -EAGAIN)
            break;
        if (n <= 0) {
            hang_up(c);
            return;
        }
        c->len += (size_t)n;
        c->heard[c->len] = 0;
    }
    while (c->fd >= 0 && !c->busy && (whole = whole_request(c, &sent))) {
        static char head[HEARD];
        memcpy(head, c->heard, whole - sent);
        head[whole - sent] = 0;
        memmove(c->heard, c->heard + whole, c->len - whole + 1);
        c->len -= whole;
        hear(c, head, sent);
    }
}

static void take_in(int listener)
{
    for (int fd; (fd = outside()->accept(outside(), listener, NULL, NULL)) >= 0 || fd == -EINTR; ) {
        struct connection *c = fd < 0 ? NULL : calloc(1, sizeof *c);
        if (fd < 0)
            continue;
        if (!c || counted.connections == CONNECTIONS)
            verdict_fault("the judge has no room for another connection");
        *c = (struct connection){ .fd = fd, .number = counted.connections + 1 };
        connections[counted.connections++] = c;
        counted.open++;
        counted.most_open = counted.open > counted.most_open ? counted.open : counted.most_open;
    }
}

static void look(void *self, int what)
{
    (void)self, (void)what;
    looking = false;
    for (int i = 0; i < PORTS; i++)
        take_in(listeners[i]);
    for (int i = 0; i < counted.connections; i++)
        if (connections[i]->fd >= 0)
            listen_to(connections[i]);
}

/* Whatever the client does to a connection, they look when it waits next. */
static void witness(void *self, enum sys_call call, int64_t arg, int64_t arg2, int64_t result)
{
    (void)self, (void)arg, (void)arg2;
    bool seen = call == CALL_CONNECT || (call == CALL_WRITE && result > 0) || call == CALL_CLOSE || call == CALL_SHUTDOWN;
    if (!seen || looking || sim_at(world, sim_now(world), look, NULL) < 0)
        return;
    looking = true;
}

/* ---- the world ----------------------------------------------------------------------------------------------------- */

static void open_ports(void *self, int what)
{
    static const int ports[PORTS] = { 80, 8080 };
    (void)self, (void)what;
    for (int i = 0; i < PORTS; i++) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)ports[i]) };
        listeners[i] = outside()->socket(outside(), AF_INET, SOCK_STREAM);
        if (listeners[i] < 0 || outside()->bind(outside(), listeners[i], (struct sockaddr *)&in, sizeof in) < 0 ||
            outside()->listen(outside(), listeners[i], CONNECTIONS) < 0)
            verdict_fault("the judge's servers cannot listen");
    }
}

static void forget(void)
{
    for (struct reply *r; (r = replies); free(r))
        replies = r->next;
    for (int i = 0; i < counted.connections; i++)
        free(connections[i]);
    counted = (struct origin_count){0};
    busy = 0;
    looking = false;
    secret = 0;
}

void origins_begin(struct judge *j)
{
    forget();
    world = judge_sim(j);
    sim_host_add(world, "a.example", "192.0.2.1", 0);
    sim_host_add(world, "b.example", "192.0.2.2", 0);
    sim_host_add(world, "c.example", "192.0.2.1", 0);
    sim_host_add(world, "slow.example", "192.0.2.1", 300 * MILLISECOND);
    sim_host_add(world, "lost.example", "192.0.2.9", 0);
    sim_host_add(world, "shut.example", "192.0.2.8", 0);
    sim_host_fail(world, "none.example", -ENOENT, 20 * MILLISECOND);
    sim_net_blackhole(world, "192.0.2.9");
    sim_net_refuse(world, "192.0.2.8");
    if (sim_at(world, sim_now(world), open_ports, NULL) < 0)
        verdict_fault("the judge has no memory left");
    outside()->poll(outside(), NULL, 0, 0);
    sim_watch(world, witness, NULL);
}

struct origin_count origins_count(void)
{
    counted.descriptors = PORTS + counted.open;
    return counted;
}

const struct origin_request *origin_request_at(int i)
{
    return &requests[i];
}

void origins_secret(uint32_t number)
{
    secret = number;
}
