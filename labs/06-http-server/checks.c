/* checks.c - lab 06 from the judge's side: the suite, and what all its checks share. */
#include "labs/06-http-server/checks.h"

#include <stdio.h>
#include <string.h>

#include "labs/06-http-server/checks_client.h"

enum { IDLE_WAITS = 300, TEXT = 3600 };

Suite *checks_06_http_server(void);

Suite *checks_06_http_server(void)
{
    Suite *s = suite_create("06-http-server");
    check_request_items(s);
    check_head_items(s);
    check_chunk_items(s);
    check_keep_items(s);
    check_body_items(s);
    check_time_items(s);
    check_smuggling_items(s);
    check_random_items(s);
    check_loris_items(s);
    check_cost_items(s);
    check_memory_items(s);
    check_text_items(s);
    return s;
}

/* ---- worlds ----------------------------------------------------------------------------------------------------------- */

void bare_scene(struct judge *j, const char *title)
{
    judge_reset(j, 0);
    history_clear();
    history_add(ENTRY_STEP, -1, "# %s", title);
    sim_limit_idle_waits(judge_sim(j), IDLE_WAITS);
    clients_begin(j);
}

static void begin(struct judge *j, const char *title, const char *order, const char *options)
{
    bare_scene(j, title);
    if (judge_order(j, "%s", order) != 0)
        verdict_fault("loop_new failed, though nothing is refused");
    EXPECT_INT("http_server_new", 0, judge_order(j, "server %s", options), "a server can be made when nothing is refused");
}

void scene(struct judge *j, const char *title, const char *options)
{
    begin(j, title, "loop_new", options);
}

void crowd_scene(struct judge *j, const char *title, const char *options)
{
    begin(j, title, "loop_new light", options);
    sim_limit_idle_waits(judge_sim(j), 1000);
}

int64_t moment(int64_t ns)
{
    return SECOND + ns;         /* a world begins at 1 s */
}

void run_until(struct judge *j, int ms)
{
    int64_t rc = judge_order(j, "run %dms", ms);
    const char *trouble = judge_trouble(j);
    EXPECT_INT("loop_start", 0, rc, trouble ? trouble : "the loop must go on to its end");
}

void expect_trace(struct judge *j, const char *expected, const char *cause)
{
    EXPECT_TEXT("trace", expected, judge_trace(j), cause);
}

void expect_nothing_left(struct judge *j, const char *cause)
{
    judge_order(j, "loop_close");
    EXPECT_INT("blocks of memory left after all was closed", 0, (int64_t)judge_live(j).blocks, cause);
}

/* ---- heads ------------------------------------------------------------------------------------------------------------ */

static char *written(const char *text, size_t len)
{
    static char out[TEXT];
    return order_text(text, len, out, sizeof out);
}

static void expect_right(struct judge *j, const char *method, const char *head, const char *options, const char *summary,
                         const char *cause)
{
    size_t len = strlen(head);
    char expected[100];
    judge_order(j, "every %s %s+XY %s", method ? method : "-", written(head, len), options);
    snprintf(expected, sizeof expected, "0-%zu:0 %zu-%zu:%zu", len - 1, len, len + 2, len);
    EXPECT_TEXT("what it is at each length", expected, judge_said(j), cause);
    int64_t rc = method ? judge_order(j, "response %s %s %s", method, written(head, len), options)
                        : judge_order(j, "request %s %s", written(head, len), options);
    EXPECT_INT("the length of the head", (int64_t)len, rc, cause);
    EXPECT_TEXT("what it says", summary, judge_said(j), cause);
}

/* Of the lengths and answers that are said only the first may be 0, and the last must be the status. */
static void expect_wrong(struct judge *j, const char *method, const char *head, const char *options, int status,
                         const char *cause)
{
    char last[64], expected[32];
    size_t len = strlen(head);
    EXPECT_INT("the last answer", -status, judge_order(j, "every %s %s %s", method ? method : "-", written(head, len), options),
               cause);
    const char *said = judge_said(j), *group = strstr(said, ":0 ");
    group = group && strncmp(said, "0-", 2) == 0 ? group + 3 : said;
    snprintf(last, sizeof last, "%.60s", group + strcspn(group, ":"));
    snprintf(expected, sizeof expected, ":%d", -status);
    EXPECT_TEXT("what it is at each length, from the first at which it is refused", expected, last,
                "what is wrong does not become right by what comes behind it");
}

void expect_request(struct judge *j, const char *request, const char *options, const char *summary, const char *cause)
{
    bare_scene(j, "a request that is right");
    expect_right(j, NULL, request, options, summary, cause);
}

void expect_refused(struct judge *j, const char *request, const char *options, int status, const char *cause)
{
    bare_scene(j, "a request that is refused");
    expect_wrong(j, NULL, request, options, status, cause);
}

void expect_response(struct judge *j, const char *method, const char *response, const char *summary, const char *cause)
{
    bare_scene(j, "a response that is right");
    expect_right(j, method, response, "", summary, cause);
}

void expect_no_response(struct judge *j, const char *method, const char *response, const char *cause)
{
    bare_scene(j, "a response that is none");
    expect_wrong(j, method, response, "", 502, cause);
}

void expect_parsing(struct judge *j)
{
    expect_request(j, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "", "GET,/a,host=x",
                   "this item counts only for a parser that parses: first make the item A1 pass");
}

void expect_serving(struct judge *j)
{
    scene(j, "what all servers do: two requests on a connection, one behind the other, are answered", "");
    struct client *c = client_new(j, "c");
    client_says(c, 10, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 0);
    client_says(c, 20, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab", 0);
    run_until(j, 100);
    client_expect(c, "200,hello@10 200,ab@20", "this item counts only for a server that answers: first make the item K1 pass");
}
