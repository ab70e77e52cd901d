/* fuzz_server.c - bytes against a whole server, at once and in portions: the requests that the handler sees are those that the
 * parsers find in the bytes, one behind the other, whatever the portions; each has one reply, which is well-formed, and there is
 * no other but what says why it ends.
 *
 * A head that is wrong is refused when its lines have ended, at the latest: so two ends of lines are behind all that is said.
 * The handler does with the body what the path says: / reads and echoes it, /p in pieces; /n leaves it alone; /w waits first; /e
 * is an error. The trap it exists for: a request that is one in this portion, and two in that. */
#include "http/server.h"
#include "http/tests/fuzz/fuzz_world.h"
#include "loop/co.h"
#include "loop/log.h"

enum { MOST_REQUESTS = 32, MOST_BODY = 600, LARGE = 1 << 16, LINE = 256, HEAD = 700 };

struct conversation {
    struct said requests;           /* as the handler, or the model, has seen them */
    struct said replies;            /* without 100, and dates */
    struct said raw;                /* as it came */
    bool head[MOST_REQUESTS];       /* the method of each was HEAD */
    int count;                      /* of requests */
    int answered;                   /* replies that are no 100 */
    int last;                       /* status of the last */
    bool ended;
};

static struct conversation *now;

/* ---- what the handler sees ------------------------------------------------------------------------------------------- */

static void note_request(struct conversation *c, const struct head *head)
{
    MUST(c->count < MOST_REQUESTS);
    c->head[c->count++] = text_is(head->method, "HEAD");
    said_add(&c->requests, head->method.data, head->method.len);
    said_add(&c->requests, " ", 1);
    said_add(&c->requests, head->target.data, head->target.len);
    said_word(&c->requests, " fields", head->headers.count);
}

static void note_body(struct conversation *c, struct bytes body)
{
    said_word(&c->requests, "body", (long)body.len);
    said_add(&c->requests, body.data, body.len);
    said_word(&c->requests, "", 0);
}

static int echo_pieces(struct exchange *x)
{
    struct future f = {0}, sent = {0};
    static struct said body;            /* a coroutine's stack is small */
    int n;
    body.len = 0;
    while ((n = await(exchange_body(x, &f))) > 0)
        said_add(&body, f.value, (size_t)n);
    if (n < 0)
        return n;
    note_body(now, (struct bytes){ body.text, body.len });
    n = exchange_begin(x, 200, exchange_head(x)->version == 10 ? (int64_t)body.len : -1);
    for (size_t at = 0; at < body.len && n >= 0; at += 7)
        n = await(exchange_write(x, (struct bytes){ body.text + at, body.len - at < 7 ? body.len - at : 7 }, &sent));
    return n < 0 ? n : 0;
}

static int answer(struct exchange *x)
{
    const struct head *head = exchange_head(x);
    char what = head->path.len > 1 ? head->path.data[1] : '/';
    struct future f = {0};
    struct bytes body;
    note_request(now, head);
    if (what == 'e')
        return 404;
    if (what == 'n')
        return exchange_reply(x, 200, NULL, text_of("left alone"));
    if (what == 'p')
        return echo_pieces(x);
    if (what == 'w')
        await(future_sleep(loop, 3 * MILLISECOND, &f));
    int n = exchange_whole_body(x, &body);
    if (n < 0)
        return n;
    note_body(now, body);
    return exchange_reply(x, 200, NULL, body);
}

/* ---- what the parsers find ------------------------------------------------------------------------------------------- */

static const struct parse_limits limits = { .line = LINE, .head = HEAD };

/* The next request: its length; 0 or less: it is not all there, or refused. */
static ssize_t model_next(struct conversation *c, struct bytes rest, bool *more)
{
    struct header fields[100];
    struct head head = { .headers = { .at = fields, .room = 100 } };
    struct problem problem;
    static struct said body;
    ssize_t n = parse_request(rest, &limits, &head, &problem);
    if (n <= 0)
        return n;
    char what = head.path.len > 1 ? head.path.data[1] : '/';
    note_request(c, &head);
    ssize_t length = model_body(&head, (struct bytes){ rest.data + n, rest.len - (size_t)n }, MOST_BODY, &body, &problem);
    bool left = what == 'e' || what == 'n';
    *more = head.keep_alive && length >= 0 && !(left && head.expects_continue);      /* a body that nobody asked for */
    if (length < 0)
        return -1;
    if (!left)
        note_body(c, (struct bytes){ body.text, body.len });
    return n + length;
}

static void model(struct conversation *c, struct bytes rest)
{
    bool more = true;
    c->count = 0;
    c->requests.len = 0;
    while (more && rest.len) {
        ssize_t n = model_next(c, rest, &more);
        if (n <= 0)
            break;
        rest = (struct bytes){ rest.data + n, rest.len - (size_t)n };
    }
}

/* ---- what the client hears ------------------------------------------------------------------------------------------- */

static void listen_to(struct conversation *c, int fd)
{
    char block[4096];
    ssize_t n;
    while ((n = sys->read(sys, fd, block, sizeof block)) > 0)
        said_add(&c->raw, block, (size_t)n);
    MUST(n == 0 || n == -EAGAIN);
    c->ended = n == 0;
}

static void speak(struct conversation *c, int fd, struct bytes text, struct portions p)
{
    while (text.len && !c->ended) {
        ssize_t n = sys->write(sys, fd, text.data, portion_next(&p, text.len));
        if (n == -EPIPE || n == -ECONNRESET)
            break;
        MUST(n > 0 || n == -EAGAIN);
        text.data += n > 0 ? n : 0;
        text.len -= n > 0 ? (size_t)n : 0;
        pass(MILLISECOND);
        listen_to(c, fd);
    }
}

/* Of a head that is wrong in two ways one is seen first, and the other when it comes at once. */
static void note_reply(struct conversation *c, const struct head *head, struct bytes body)
{
    bool refused = c->answered == c->count;
    said_word(&c->replies, head->keep_alive ? "keeps" : "closes", refused ? 400 : head->status);
    said_add(&c->replies, body.data, refused ? 0 : body.len);
    c->answered++;
    c->last = head->status;
}

/* One reply: its length. It must be all there. */
static size_t take_reply(struct conversation *c, struct bytes rest)
{
    struct header fields[32];
    struct head head = { .headers = { .at = fields, .room = 32 } };
    struct problem problem = {0};
    static struct said body;
    const char *method = c->answered < now->count && now->head[c->answered] ? "HEAD" : "GET";
    char *block = fuzz_copy(rest.data, rest.len);
    ssize_t n = parse_response(block, rest.len, text_of(method), NULL, &head, &problem);
    MUST(n > 0);
    ssize_t length = model_body(&head, (struct bytes){ block + n, rest.len - (size_t)n }, LARGE, &body, &problem);
    MUST(length >= 0 && head.framing != BODY_UNTIL_CLOSE);
    MUST(headers_count(&head.headers, "date") == (head.status != 100));
    if (head.status != 100)
        note_reply(c, &head, (struct bytes){ body.text, body.len });
    free(block);
    return (size_t)(n + length);
}

static void understand(struct conversation *c)
{
    size_t at = 0;
    c->replies.len = 0;
    c->answered = c->last = 0;
    while (at < c->raw.len)
        at += take_reply(c, (struct bytes){ c->raw.text + at, c->raw.len - at });
    MUST(c->answered <= c->count + 1);
    MUST(c->answered <= c->count || (c->last >= 400 && c->ended));
    said_word(&c->replies, "ended", c->ended);
}

static void converse(struct conversation *c, struct listener *place, struct bytes text, struct portions p)
{
    const struct address *a = tcp_address(place, 0);
    int fd = sys->socket(sys, a->at.ss_family, SOCK_STREAM);
    int rc = sys->connect(sys, fd, (const struct sockaddr *)&a->at, a->len);
    MUST(fd >= 0 && (rc == 0 || rc == -EINPROGRESS));
    now = c;
    c->requests.len = c->raw.len = 0;
    c->count = 0;
    c->ended = false;
    portions_begin(&p);
    speak(c, fd, text, p);
    for (int i = 0; i < 4; i++) {
        pass(100 * MILLISECOND);
        listen_to(c, fd);
    }
    understand(c);
    sim_shorten(sim, CALL_READ, 0);
    sim_shorten(sim, CALL_WRITE, 0);
    sys->close(sys, fd);
    pass(MILLISECOND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct conversation whole, pieces, found;
    static char ended[FUZZ_MOST + 4];
    struct bytes text = { (const char *)data, len };
    struct portions p = portions_of(&text);
    if (text.len)
        memcpy(ended, text.data, text.len);
    memcpy(ended + text.len, "\r\n\r\n", 4);
    text = (struct bytes){ ended, text.len + 4 };
    world_begin();
    struct http_server *server = http_server_new(loop, &(struct http_options){ .handler = answer, .limits = limits,
                                                                               .max_body = MOST_BODY });
    struct listener *place = http_listen(server, &(struct tcp_listen){ .host = "127.0.0.1", .port = 80 });
    MUST(place != NULL);
    converse(&whole, place, text, (struct portions){0});
    converse(&pieces, place, text, p);
    MUST(http_connections(server) == 0 && http_running(server) == 0);
    http_server_close(server);
    world_end();
    model(&found, text);
    said_equal(&whole.requests, &pieces.requests, "other requests in other portions");
    said_equal(&whole.replies, &pieces.replies, "other replies in other portions");
    said_equal(&found.requests, &whole.requests, "other requests than the parsers find");
    return 0;
}
