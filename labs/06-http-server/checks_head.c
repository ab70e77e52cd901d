/* checks_head.c - how large a head may be, and heads of responses. A4, A5. */
#include <stdio.h>
#include <string.h>

#include "labs/06-http-server/checks.h"

/* ---- A4: as much as is taken, and not a byte more ------------------------------------------------------------------------- */

enum { LINE = 40, HEAD = 120, FIELDS = 8 };

/* A request whose line, or whose head, has so many bytes with its CR LF. */
static const char *sized(size_t line, size_t head)
{
    static char text[2000];
    size_t used = (size_t)sprintf(text, "GET /");
    while (used < line - 11)
        text[used++] = 'a';
    used += (size_t)sprintf(text + used, " HTTP/1.1\r\nHost: x\r\nA: ");
    while (used + 4 < head)
        text[used++] = 'v';
    strcpy(text + used, "\r\n\r\n");
    return text;
}

static const char *summary_of(size_t line)
{
    static char summary[200];
    int used = sprintf(summary, "GET,/");
    for (size_t i = 5; i < line - 11; i++)
        summary[used++] = 'a';
    strcpy(summary + used, ",host=x");
    return summary;
}

static void the_line(struct judge *j)
{
    static const char endless[] = "GET /bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    static const char empty[] = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
    expect_request(j, sized(LINE, 90), "line=40", summary_of(LINE),
                   "a request line of exactly as many bytes as may be, CR LF included");
    expect_refused(j, sized(LINE + 1, 90), "line=40", 414, "one byte more: the line is too long, which is the target's fault");
    expect_refused(j, endless, "line=40", 414, "a line that does not end is too long as soon as more has come than may be");
    expect_refused(j, empty, "line=40", 414, "empty lines without end are no request");
    expect_refused(j, "GET /a HTTP/1.1\r\nHost : x\r\n\r\n", "line=10", 414, "a line may be too long although it came at once");
}

static void the_head(struct judge *j)
{
    char many[400] = "GET /a HTTP/1.1\r\nHost: x\r\n", endless[400] = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
    expect_request(j, sized(20, HEAD), "head=120", summary_of(20),
                   "a head of exactly as many bytes as may be, its empty line included");
    expect_refused(j, sized(20, HEAD + 1), "head=120", 431, "one byte more: the head is too large");
    memset(endless + strlen(endless), 'v', 200);
    expect_refused(j, endless, "head=120", 431, "a head that does not end is too large as soon as as much has come as may be");
    for (int i = 1; i < FIELDS; i++)
        strcat(many, "A: b\r\n");
    strcat(many, "\r\n");
    expect_request(j, many, "", "GET,/a,host=x", "as many fields as there is room for");
    strcpy(many + strlen(many) - 2, "A: b\r\n\r\n");
    expect_refused(j, many, "", 431, "one field more than there is room for");
}

START_TEST(a4)
{
    struct judge *j = judge_new(NULL, 0);
    expect_parsing(j);
    the_line(j);
    the_head(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A5: the other direction ---------------------------------------------------------------------------------------------- */

static const struct {
    const char *method, *response, *summary;
} right[] = {
    { "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200,OK,len=5" },
    { "GET", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200," },
    { "GET", "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n", "404,Not\\sFound,chunked" },
    { "GET", "HTTP/1.1 200 OK\r\n\r\n", "200,OK,until_close,close" },
    { "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "200,OK,len=5,http10,close" },
    { "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", "200,OK,len=5,http10" },
    { "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", "200,OK,len=5,close" },
    { "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n", "200,OK,len=2" },
    { "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200,OK" },
    { "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200,OK" },
    { "HEAD", "HTTP/1.1 200 OK\r\n\r\n", "200,OK" },
    { "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 42\r\n\r\n", "304,Not\\sModified" },
    { "GET", "HTTP/1.1 204 No Content\r\n\r\n", "204,No\\sContent" },
    { "GET", "HTTP/1.1 100 Continue\r\n\r\n", "100,Continue" },
    { "CONNECT", "HTTP/1.1 200 OK\r\n\r\n", "200,OK" },
    { "CONNECT", "HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\n", "404,No,len=5" },
};

static const struct {
    const char *method, *response, *cause;
} wrong[] = {
    { "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      "both: the same smuggling, backwards" },
    { "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "two lengths that differ" },
    { "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "a coding that nobody asked for" },
    { "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "a coding that nobody asked for" },
    { "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "a response that can have no body, and says it has one" },
    { "GET", "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n",
      "a response that can have no body, and says it has one" },
    { "GET", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "chunks in HTTP/1.0" },
    { "GET", "HTTP/1.1 20 OK\r\n\r\n", "a status has three digits" },
    { "GET", "HTTP/1.1 2000 OK\r\n\r\n", "a status has three digits" },
    { "GET", "HTTP/1.1 099 OK\r\n\r\n", "a status begins at 100" },
    { "GET", "ICY 200 OK\r\n\r\n", "another protocol" },
    { "GET", "HTTP/1.1  200 OK\r\n\r\n", "two spaces" },
};

START_TEST(a5)
{
    struct judge *j = judge_new(NULL, 0);
    expect_parsing(j);
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        expect_response(j, right[i].method, right[i].response, right[i].summary,
                        "a response ends as its method, its status, Transfer-Encoding and Content-Length say, in that order");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_no_response(j, wrong[i].method, wrong[i].response, wrong[i].cause);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_head_items(Suite *s)
{
    add_item(s, "A4", a4);
    add_item(s, "A5", a5);
}
