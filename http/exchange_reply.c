/* exchange_reply.c - the reply of an exchange. See exchange.h.
 *
 * What a reply says of itself is the server's: Date, Connection, and how its body is framed. Trap: one byte more or less than was
 * promised, and the client takes the rest of this reply for the beginning of the next. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "http/server_inside.h"
#include "loop/log.h"
#include "loop/require.h"

enum { HEAD_TEXT = 512, TYPE_TEXT = 128, LITTLE = 1024 };      /* bytes: the server's lines; a type; what goes along with both, */
enum { SET_TEXT = 256 };                                       /* and what others have set, mostly */

const char *http_reason(int status)
{
    static const struct { int status; const char *reason; } reasons[] = {
        { 100, "Continue" }, { 101, "Switching Protocols" }, { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
        { 203, "Non-Authoritative Information" }, { 204, "No Content" }, { 205, "Reset Content" }, { 206, "Partial Content" },
        { 300, "Multiple Choices" }, { 301, "Moved Permanently" }, { 302, "Found" }, { 303, "See Other" },
        { 304, "Not Modified" }, { 307, "Temporary Redirect" }, { 308, "Permanent Redirect" }, { 400, "Bad Request" },
        { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
        { 406, "Not Acceptable" }, { 408, "Request Timeout" }, { 409, "Conflict" }, { 410, "Gone" }, { 411, "Length Required" },
        { 412, "Precondition Failed" }, { 413, "Content Too Large" }, { 414, "URI Too Long" },
        { 415, "Unsupported Media Type" }, { 416, "Range Not Satisfiable" }, { 417, "Expectation Failed" },
        { 421, "Misdirected Request" }, { 422, "Unprocessable Content" }, { 426, "Upgrade Required" },
        { 428, "Precondition Required" }, { 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" }, { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

/* ---- fields ------------------------------------------------------------------------------------------------------ */

static bool is_the_servers(const char *name)
{
    static const char *const ours[] = { "content-length", "transfer-encoding", "connection", "date" };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (text_alike(text_of(name), ours[i]))
            return true;
    return false;
}

int reply_room(struct exchange *x, size_t len)
{
    struct sys *sys = x->c->server->sys;
    if (x->set_len + len <= x->set_size)
        return 0;
    size_t size = SET_TEXT + 2 * (x->set_len + len);
    char *larger = sys->memory(sys, x->set, size);
    if (!larger)
        return -ENOMEM;
    x->set = larger;
    x->set_size = size;
    return 0;
}

int exchange_set(struct exchange *x, const char *name, struct bytes value)
{
    struct header one[1];
    struct headers h = { .at = one, .room = 1 };
    REQUIRE(!x->began, "exchange_set(\"%s\"): the reply has begun, and its fields are sent", name);
    REQUIRE(!is_the_servers(name), "exchange_set(\"%s\"): how a reply is framed is said by the server alone", name);
    int rc = headers_add(&h, text_of(name), value);
    if (rc < 0)
        return rc;
    size_t len = headers_write(&h, NULL, 0);
    rc = reply_room(x, len);
    if (rc < 0)
        return rc;
    headers_write(&h, x->set + x->set_len, len);
    x->set_len += len;
    return 0;
}

/* ---- the head ---------------------------------------------------------------------------------------------------- */

/* Whether it agrees to a tunnel: then it says nothing of a body, and nothing can follow (RFC 9110, section 9.3.6). */
static bool is_tunnel(const struct exchange *x, int status)
{
    return status / 100 == 2 && text_is(x->head.method, "CONNECT");
}

/* Whether a reply of that status says nothing of a body (RFC 9110, section 6.4.1). */
static bool is_silent(const struct exchange *x, int status)
{
    return status == 204 || status == 304 || is_tunnel(x, status);
}

/* Whether another request may follow. `whole`: the handler wants no more of the body, and it can be said what is left of it. */
static bool may_stay(const struct exchange *x, bool whole)
{
    bool waits = x->head.expects_continue && !x->told_to_go_on;     /* and nobody knows whether it will send the body */
    if (waits || (whole && !body_rest_is_small(x)) || is_tunnel(x, x->status))
        return false;
    return (x->owed >= 0 && !x->unmeasured) || x->chunks || x->bare;
}

static struct bytes connection_line(const struct exchange *x)
{
    if (!x->c->keep)
        return text_of("Connection: close\r\n");
    return x->head.version == 10 ? text_of("Connection: keep-alive\r\n") : text_of("");
}

static void send_text(struct connection *c, const char *text)
{
    connection_send(c, text_of(text), NULL);
}

static inline char *append(char *at, struct bytes text)
{
    if (text.len)
        memcpy(at, text.data, text.len);
    return at + text.len;
}

static char *append_number(char *at, int64_t n)
{
    char digits[20], *first = digits + sizeof digits;
    do
        *--first = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    return append(at, (struct bytes){ first, (size_t)(digits + sizeof digits - first) });
}

static char *append_coding(char *at, const struct exchange *x)
{
    const char *coding = x->c->server->options.coding->name;
    if (x->packed)
        at = append(append(append(at, text_of("Content-Encoding: ")), text_of(coding)), text_of("\r\n"));
    return x->varies ? append(at, text_of("Vary: Accept-Encoding\r\n")) : at;
}

/* The lines that are the server's, and the type's. */
static char *append_ours(char *at, const struct exchange *x, struct bytes type)
{
    at = append(at, server_greeting(x->c->server, x->status));
    at = append(at, connection_line(x));
    if (x->chunks)
        at = append(at, text_of("Transfer-Encoding: chunked\r\n"));
    else if (x->owed >= 0 && !x->unmeasured && !x->silent)
        at = append(append_number(append(at, text_of("Content-Length: ")), x->owed), text_of("\r\n"));
    if (type.len)
        at = append(append(append(at, text_of("Content-Type: ")), type), text_of("\r\n"));
    return x->packed || x->varies ? append_coding(at, x) : at;
}

/* The head, and as much of the body as is there: in one piece, if it is little. */
static void send_head(struct exchange *x, struct bytes type, struct bytes body, bool whole)
{
    struct connection *c = x->c;
    char text[HEAD_TEXT + LITTLE], *at = append_ours(text, x, type);
    struct bytes set = { x->set, x->set_len };
    bool little = set.len + body.len + 2 <= LITTLE;
    if (little)
        at = append(append(append(at, set), text_of("\r\n")), body);
    struct bytes first = { text, (size_t)(at - text) };
    if (little && whole)
        connection_send_last(c, first);
    else
        connection_send(c, first, NULL);
    if (little)
        return;
    connection_send(c, set, NULL);
    send_text(c, "\r\n");
    connection_send(c, body, NULL);
}

static void begin(struct exchange *x, int status, int64_t length, struct bytes type, struct bytes body, bool whole)
{
    REQUIRE(!x->began, "the reply to this request has begun already: it has one");
    REQUIRE(status >= 200 && status <= 999, "a reply of status %d: 200 to 999 can be", status);
    x->began = true;
    x->status = status;
    x->owed = length;
    x->silent = is_silent(x, status);
    x->bare = x->silent || text_is(x->head.method, "HEAD");
    if (x->c->server->options.coding)
        body = pack_begin(x, type, body, whole);
    x->chunks = (length < 0 || x->unmeasured) && !x->bare && x->head.version == 11;
    x->c->keep &= may_stay(x, whole);
    x->sent = x->bare ? 0 : (int64_t)body.len;
    send_head(x, type, x->bare ? (struct bytes){0} : body, whole && !x->unmeasured);
}

int exchange_begin(struct exchange *x, int status, int64_t length)
{
    begin(x, status, length, (struct bytes){0}, (struct bytes){0}, false);
    return stream_write_error(x->c->stream);
}

/* ---- the body ---------------------------------------------------------------------------------------------------- */

void reply_break_off(struct exchange *x)
{
    x->broken = true;
    x->c->keep = false;
}

static struct future *refused(struct exchange *x, struct future *f, int rc, const char *why)
{
    static const struct op op = { .name = "exchange write" };
    if (f)
        future_fail(future_start(f, x->c->server->loop, &op, x), rc, why);
    return f;
}

static struct future *send_chunk(struct exchange *x, struct bytes bytes, struct future *f)
{
    char size[CHUNK_TEXT];
    connection_send(x->c, (struct bytes){ size, chunked_begin(bytes.len, size) }, NULL);
    connection_send(x->c, bytes, f);
    send_text(x->c, "\r\n");
    return f;
}

int reply_take(struct exchange *x, size_t len, const char **why)
{
    int rc = 0;
    if (!x->began)
        begin(x, 200, -1, (struct bytes){0}, (struct bytes){0}, false);
    REQUIRE(!x->ended, "exchange_write behind the end of the reply");
    if (x->broken) {
        *why = "the reply was broken off: what was promised can no longer be sent";
        rc = -EPIPE;
    } else if (x->owed >= 0 && (int64_t)len > x->owed) {
        log_line(LOG_ERROR, "a handler writes more than the length it promised: its connection is closed");
        *why = "more than the length that exchange_begin promised";
        rc = -EMSGSIZE;
    } else if (x->owed >= 0) {
        x->owed -= (int64_t)len;
    }
    if (rc < 0)
        reply_break_off(x);
    else if (!x->bare && !x->packing)
        x->sent += (int64_t)len;
    return rc;
}

struct future *reply_put(struct exchange *x, struct bytes bytes, struct future *f)
{
    return x->chunks && bytes.len ? send_chunk(x, bytes, f) : connection_send(x->c, bytes, f);
}

struct future *exchange_write(struct exchange *x, struct bytes bytes, struct future *f)
{
    const char *why;
    int rc = reply_take(x, bytes.len, &why);
    if (rc < 0)
        return refused(x, f, rc, why);
    if (x->bare)
        bytes.len = 0;
    if (x->packing)
        return pack_write(x, bytes, f);
    reply_put(x, bytes, f);
    if (f && future_done(f) && f->rc < 0)
        reply_break_off(x);
    return f;
}

void exchange_pack(struct exchange *x, bool allowed)
{
    REQUIRE(!x->began, "exchange_pack: the reply has begun, and is packed or not");
    x->plain = !allowed;
}

void exchange_flush(struct exchange *x)
{
    if (x->packing)
        pack_flush(x);
    connection_flush(x->c);
}

int exchange_reply(struct exchange *x, int status, const char *type, struct bytes body)
{
    struct bytes name = text_of(type);
    int rc = name.len > TYPE_TEXT ? exchange_set(x, "Content-Type", name) : text_is_value(name) ? 0 : -EINVAL;
    if (rc < 0)
        return rc;
    begin(x, status, (int64_t)body.len, name.len > TYPE_TEXT ? (struct bytes){0} : name, body, true);
    if (x->unmeasured && !x->bare)
        pack_write(x, body, NULL);
    x->owed = 0;
    x->ended = true;
    return stream_write_error(x->c->stream);
}

/* ---- its end ----------------------------------------------------------------------------------------------------- */

/* Whether that is what became of the client, and no failure of the handler's. */
static bool is_the_clients(const struct exchange *x, int rc)
{
    bool gone = rc == -EPIPE || rc == -ECONNRESET || rc == -ECONNABORTED || rc == -ETIMEDOUT || rc == -EPROTO;
    return x->cancelled || (rc == x->failed && rc != -ENOMEM) || (gone && stream_error(x->c->stream));
}

/* What the handler has not done. */
static void reply_missing(struct exchange *x, int rc)
{
    char text[HEAD_TEXT];
    bool failed = rc < 0 && rc == x->failed;
    int status = rc > 0 ? rc : x->cancelled ? 503 : failed ? x->c->problem.status : 500;
    int len = snprintf(text, sizeof text, "%d %s%s%s\n", status, http_reason(status), failed ? ": " : "",
                       failed ? x->c->problem.why : "");
    if (rc <= 0)
        x->set_len = 0;
    if (failed && status == 415)
        exchange_set(x, "Accept-Encoding", text_of(x->c->server->options.coding->name));
    exchange_reply(x, status, is_silent(x, status) ? NULL : "text/plain", (struct bytes){ text, (size_t)len });
}

/* Nothing more comes: whether that is all. */
static void reply_over(struct exchange *x, int rc)
{
    if (rc < 0)
        reply_break_off(x);
    if (x->owed > 0 && !x->broken && !x->bare) {
        log_line(LOG_ERROR, "a handler has written %" PRId64 " bytes less than it promised: its connection is closed", x->owed);
        reply_break_off(x);
    }
    if (x->packing && !x->broken)
        pack_last(x);
    if (x->chunks && !x->broken)
        send_text(x->c, "0\r\n\r\n");
    x->ended = true;
}

void reply_end(struct exchange *x, int rc)
{
    const void *function = (const void *)x->c->server->options.handler;
    REQUIRE(rc <= 0 || !x->began, "a handler returns status %d, and has replied already", rc);
    if (rc < 0 && !is_the_clients(x, rc))
        log_failure("the handler", function, rc, NULL);
    else if (rc == 0 && !x->began)
        log_failure("the handler", function, -ENODATA, "it has returned 0 without a reply");
    if (x->began)
        reply_over(x, rc);
    else
        reply_missing(x, rc);
    if (x->c->server->options.log)
        exchange_log(x);
}

void reply_problem(struct connection *c, const struct problem *problem)
{
    char text[2 * HEAD_TEXT], body[HEAD_TEXT];
    int len = snprintf(body, sizeof body, "%d %s: %s\n", problem->status, http_reason(problem->status), problem->why);
    snprintf(text, sizeof text, "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\nContent-Length: %d\r\n"
             "Content-Type: text/plain\r\n\r\n%s", problem->status, http_reason(problem->status), server_date(c->server), len,
             body);
    c->keep = false;
    send_text(c, text);
    connection_log(c, problem->status, len);
}
