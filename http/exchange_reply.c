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

enum { HEAD_TEXT = 512 };               /* bytes: the lines that are the server's, and the type's name */

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

int exchange_set(struct exchange *x, const char *name, struct bytes value)
{
    struct sys *sys = x->c->server->sys;
    struct header one[1];
    struct headers h = { .at = one, .room = 1 };
    REQUIRE(!x->began, "exchange_set(\"%s\"): the reply has begun, and its fields are sent", name);
    REQUIRE(!is_the_servers(name), "exchange_set(\"%s\"): how a reply is framed is said by the server alone", name);
    int rc = headers_add(&h, text_of(name), value);
    if (rc < 0)
        return rc;
    size_t len = headers_write(&h, NULL, 0);
    if (x->set_len + len > x->set_size) {
        size_t size = 2 * (x->set_len + len);
        char *larger = sys->memory(sys, x->set, size);
        if (!larger)
            return -ENOMEM;
        x->set = larger;
        x->set_size = size;
    }
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
    return x->owed >= 0 || x->chunks || x->bare;
}

static const char *connection_line(const struct exchange *x)
{
    if (!x->c->keep)
        return "Connection: close\r\n";
    return x->head.version == 10 ? "Connection: keep-alive\r\n" : "";
}

static void send_text(struct connection *c, const char *text)
{
    connection_send(c, text_of(text), NULL);
}

static void send_head(struct exchange *x, const char *type)
{
    struct connection *c = x->c;
    char text[HEAD_TEXT], framing[64] = "";
    if (x->chunks)
        strcpy(framing, "Transfer-Encoding: chunked\r\n");
    else if (x->owed >= 0 && !is_silent(x, x->status))
        snprintf(framing, sizeof framing, "Content-Length: %" PRId64 "\r\n", x->owed);
    snprintf(text, sizeof text, "HTTP/1.1 %d %s\r\nDate: %s\r\n%s%s", x->status, http_reason(x->status), server_date(c->server),
             connection_line(x), framing);
    send_text(c, text);
    if (type) {
        send_text(c, "Content-Type: ");
        send_text(c, type);
        send_text(c, "\r\n");
    }
    if (x->set_len)
        connection_send(c, (struct bytes){ x->set, x->set_len }, NULL);
    send_text(c, "\r\n");
}

static void begin(struct exchange *x, int status, int64_t length, const char *type, bool whole)
{
    REQUIRE(!x->began, "the reply to this request has begun already: it has one");
    REQUIRE(status >= 200 && status <= 999, "a reply of status %d: 200 to 999 can be", status);
    x->began = true;
    x->status = status;
    x->owed = length;
    x->bare = is_silent(x, status) || text_is(x->head.method, "HEAD");
    x->chunks = length < 0 && !x->bare && x->head.version == 11;
    x->c->keep &= may_stay(x, whole);
    send_head(x, type);
}

int exchange_begin(struct exchange *x, int status, int64_t length)
{
    begin(x, status, length, NULL, false);
    return stream_write_error(x->c->stream);
}

/* ---- the body ---------------------------------------------------------------------------------------------------- */

/* What follows on this connection would be taken for the rest of this reply. */
static void break_off(struct exchange *x)
{
    x->broken = true;
    x->c->keep = false;
}

static struct future *refused(struct exchange *x, struct future *f, int rc, const char *why)
{
    static const struct op op = { .name = "exchange write" };
    break_off(x);
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

struct future *exchange_write(struct exchange *x, struct bytes bytes, struct future *f)
{
    if (!x->began)
        begin(x, 200, -1, NULL, false);
    REQUIRE(!x->ended, "exchange_write behind the end of the reply");
    if (x->broken)
        return refused(x, f, -EPIPE, "the reply was broken off: what was promised can no longer be sent");
    if (x->owed >= 0 && (int64_t)bytes.len > x->owed) {
        log_line(LOG_ERROR, "a handler writes more than the length it promised: its connection is closed");
        return refused(x, f, -EMSGSIZE, "more than the length that exchange_begin promised");
    }
    if (x->owed >= 0)
        x->owed -= (int64_t)bytes.len;
    if (x->bare)
        bytes.len = 0;
    if (x->chunks && bytes.len)
        send_chunk(x, bytes, f);
    else
        connection_send(x->c, bytes, f);
    if (f && future_done(f) && f->rc < 0)
        break_off(x);
    return f;
}

void exchange_flush(struct exchange *x)
{
    connection_flush(x->c);
}

int exchange_reply(struct exchange *x, int status, const char *type, struct bytes body)
{
    if (type && !text_is_value(text_of(type)))
        return -EINVAL;
    begin(x, status, (int64_t)body.len, type, true);
    x->owed = 0;
    x->ended = true;
    if (!x->bare && body.len)
        connection_send(x->c, body, NULL);
    return stream_write_error(x->c->stream);
}

/* ---- its end ----------------------------------------------------------------------------------------------------- */

/* Whether that is what became of the client, and no failure of the handler's. */
static bool is_the_clients(const struct exchange *x, int rc)
{
    bool gone = rc == -EPIPE || rc == -ECONNRESET;
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
    exchange_reply(x, status, is_silent(x, status) ? NULL : "text/plain", (struct bytes){ text, (size_t)len });
}

/* Nothing more comes: whether that is all. */
static void reply_over(struct exchange *x, int rc)
{
    if (rc < 0)
        break_off(x);
    if (x->owed > 0 && !x->broken) {
        log_line(LOG_ERROR, "a handler has written %" PRId64 " bytes less than it promised: its connection is closed", x->owed);
        break_off(x);
    }
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
}
