/* fuzz_client.c - bytes as what a server says, at once and in portions, to a fetch: it comes to the same end, with the answer
 * that the parsers find in the bytes, or with a sentence; and the next fetch hears its own answer, whatever was left of this
 * one.
 *
 * The trap it exists for: what comes behind an answer is taken for the next one. */
#include "http/client.h"
#include "http/tests/fuzz/fuzz_world.h"
#include "loop/run_sync.h"

enum { MOST_BODY = 600, HEAD = 700 };
#define NEXT "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"

static struct bytes text;               /* what the server says to the first request */
static struct portions how;
static int requests;
static const char *method;

/* ---- the server ------------------------------------------------------------------------------------------------------ */

static bool say_text(struct stream *s)
{
    struct portions p = how;
    struct bytes rest = text;
    struct future f = {0};
    while (rest.len) {
        size_t n = portion_next(&p, rest.len);
        if (await(stream_write(s, (struct bytes){ rest.data, n }, &f)) < 0)
            return false;
        rest = (struct bytes){ rest.data + n, rest.len - n };
        await(future_sleep(loop, MILLISECOND, &f));
    }
    return true;
}

/* Behind what it says it waits three seconds for another request, and ends. */
static int serve(void *self)
{
    struct stream *s = self;
    struct future f = {0};
    bool on = true;
    while (on && await_until(stream_read_until(s, "\r\n\r\n", 65536, &f), loop_time(loop) + 3 * SECOND) > 0)
        on = requests++ == 0 ? say_text(s) : await(stream_write(s, text_of(NEXT), &f)) >= 0;
    stream_close(s);
    return 0;
}

/* ---- what the client makes of it --------------------------------------------------------------------------------------- */

static void note_answer(struct said *out, int status, int fields, struct bytes body)
{
    said_word(out, "status", status);
    said_word(out, "fields", fields);
    said_word(out, "body", (long)body.len);
    said_add(out, body.data, body.len);
}

static void fetch(struct http_client *client, const char *with, struct said *out)
{
    static struct sentence failure;
    struct future f = {0};
    failure.text[0] = '\0';
    out->len = 0;
    int rc = await(http_fetch(client, &(struct http_fetch){ .url = "http://127.0.0.1/", .method = with, .max_redirects = -1,
                                                            .failure = &failure }, &f));
    if (rc < 0) {
        MUST(f.why && failure.text[0]);
        MUST(rc == -EBADMSG || rc == -EPIPE || rc == -EMSGSIZE || rc == -ECONNRESET);
        said_word(out, "failed", 0);
        return;
    }
    struct http_response *r = f.value;
    MUST(r->status == rc);
    note_answer(out, rc, r->headers.count, r->body);
    http_response_free(r);
}

static int visit(void *self)
{
    static struct said next;
    struct future f = {0};
    struct http_client *client = http_client_new(loop, &(struct http_client_options){ .max_head = HEAD, .max_body = MOST_BODY });
    MUST(client != NULL);
    fetch(client, method, self);
    await(future_sleep(loop, 2 * SECOND, &f));          /* the server has said all it has to say */
    fetch(client, NULL, &next);
    MUST(strcmp(next.text, "status 200\nfields 1\nbody 4\nnext") == 0);
    http_client_close(client);
    return 0;
}

static void ask(struct said *out)
{
    struct future serving = {0};
    world_begin();
    struct listener *place = tcp_listen(loop, "127.0.0.1", 80);
    MUST(place != NULL);
    tcp_serve(place, serve, &serving);
    requests = 0;
    portions_begin(&how);
    MUST(loop_run_sync(loop, visit, out) == 0);
    tcp_close(place);
    world_end();
}

/* ---- what the parsers find --------------------------------------------------------------------------------------------- */

static void model(struct said *out)
{
    static struct said body;
    const struct parse_limits limits = { .head = HEAD };
    struct bytes rest = text;
    struct header fields[100];
    struct head head;
    struct problem problem;
    char *block;
    bool whole = false;
    for (ssize_t n = 1; n > 0 && !whole; free(block)) {
        block = fuzz_copy(rest.data, rest.len);
        head.headers = (struct headers){ .at = fields, .room = 100 };
        n = parse_response(block, rest.len, text_of(method), &limits, &head, &problem);
        rest = (struct bytes){ rest.data + (n > 0 ? n : 0), rest.len - (n > 0 ? (size_t)n : 0) };
        whole = n > 0 && head.status >= 200 && model_body(&head, rest, MOST_BODY, &body, &problem) >= 0;
        if (n > 0 && !whole && (head.status >= 200 || head.status == 101))
            n = -EBADMSG;
    }
    out->len = 0;
    if (whole)
        note_answer(out, head.status, head.headers.count, (struct bytes){ body.text, body.len });
    else
        said_word(out, "failed", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct said whole, pieces, found;
    struct portions chosen;
    text = (struct bytes){ (const char *)data, len };
    chosen = portions_of(&text);
    method = text.len && text.data[0] == 'H' ? "HEAD" : "GET";
    text = (struct bytes){ text.data + (text.len > 0), text.len - (text.len > 0) };
    how = (struct portions){0};
    ask(&whole);
    how = chosen;
    ask(&pieces);
    model(&found);
    said_equal(&whole, &pieces, "another answer in other portions");
    said_equal(&found, &whole, "another answer than the parsers find");
    return 0;
}
