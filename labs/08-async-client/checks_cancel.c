/* checks_cancel.c - fetches that are given up, and bodies that are taken piece by piece. F5, F6. */
#include <stdio.h>
#include <string.h>

#include "labs/08-async-client/checks.h"

/* ---- F5: cancelled wherever it is ------------------------------------------------------------------------------------ */

struct state {
    const char *called, *fetch;
};

static void expect_as_new(struct judge *j, const char *cause)
{
    EXPECT_INT("fetches under way", 0, judge_order(j, "running"), cause);
    EXPECT_INT("fetches that wait", 0, judge_order(j, "waiting"), cause);
    EXPECT_INT("connections open", 0, origins_count().open,
               "a connection on which something is under way is closed with its fetch");
}

static void in_each_state(struct judge *j)
{
    static const struct state all[] = {
        { "in the name", "http://slow.example/" },
        { "in the connection", "http://lost.example/" },
        { "before the first byte", "http://a.example/hang" },
        { "in the body", "http://a.example/head=90" },
        { "in the body of a POST's answer", "http://a.example/chunks/head=90 method=POST body=12345" },
        { "behind a redirect", "http://a.example/302/http://b.example/hang user=me" },
        { "in the name behind a redirect", "http://a.example/302/http://slow.example/" },
        { "in the body of a redirect", "http://a.example/head=90/302/http://b.example/" },
    };
    char title[100];
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        snprintf(title, sizeof title, "a fetch is cancelled %s", all[i].called);
        scene(j, title, "most=1");
        judge_order(j, "fetch F %s", all[i].fetch);
        judge_order(j, "call_at T 30ms");
        judge_in(j, "T", 1, "free F");
        run_until(j, "50ms");
        expect_as_new(j, "with the fetch goes its place");
        judge_order(j, "fetch H http://a.example/");
        run(j);
        expect_trace(j, "T@30 H=200,hello@50", "a cancel is silent, and the place is free again");
        expect_nothing_left(j, "one function ends all that a fetch has, wherever it is");
    }
}

static void second_attempt(struct judge *j)
{
    scene(j, "a fetch is cancelled on its second attempt", "most=1");
    judge_order(j, "fetch E http://a.example/once");
    judge_order(j, "fetch F http://a.example/hang at=10ms");
    judge_order(j, "call_at T 30ms");
    judge_in(j, "T", 1, "free F");
    run_until(j, "50ms");
    expect_trace(j, "E=200,hello@0 T@30", "a cancel is silent");
    expect_as_new(j, "with the fetch goes its place");
    expect_nothing_left(j, "");
}

static void in_the_queue(struct judge *j)
{
    scene(j, "fetches are cancelled in the queue, and before anything was done", "most=1");
    judge_order(j, "fetch A http://a.example/wait=40");
    judge_order(j, "fetch B http://a.example/");
    judge_order(j, "fetch C http://a.example/");
    judge_order(j, "fetch D http://b.example/");
    judge_order(j, "free B");
    judge_order(j, "fetch E ftp://a.example/");
    judge_order(j, "free E");
    judge_order(j, "call_at T 20ms");
    judge_in(j, "T", 1, "free D");
    run(j);
    expect_trace(j, "T@20 A=200,hello@40 C=200,hello@40", "who has left the queue is passed over, and hears nothing");
    EXPECT_INT("requests", 2, origins_count().requests, "who was cancelled in the queue asks nobody");
    expect_nothing_left(j, "");
}

static void answered_not_delivered(struct judge *j)
{
    scene(j, "two are answered in one moment, and the first one's callback cancels the second", "");
    judge_order(j, "fetch F http://a.example/wait=20");
    judge_order(j, "fetch G http://a.example/wait=20");
    judge_in(j, "F=200,hello", 1, "free G");
    run(j);
    expect_trace(j, "F=200,hello@20", "an answer that nobody gets is given back: undo frees the response");
    expect_nothing_left(j, "undo: http_response_free(f->value)");
    scene(j, "the first one's callback closes the client", "");
    judge_order(j, "fetch F http://a.example/wait=20");
    judge_order(j, "fetch G http://a.example/wait=20");
    judge_order(j, "fetch H http://slow.example/");
    judge_in(j, "F=200,hello", 1, "client_close; free F; free G; free H");
    run(j);
    expect_trace(j, "F=200,hello@20", "http_client_close ends what is under way, and what is answered and not delivered");
    expect_nothing_left(j, "");
}

START_TEST(f5)
{
    struct judge *j = judge_new(NULL, 0);
    expect_fetching(j);
    in_each_state(j);
    second_attempt(j);
    in_the_queue(j);
    answered_not_delivered(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- F6: piece by piece ---------------------------------------------------------------------------------------------- */

static void all_of_it(struct judge *j)
{
    scene(j, "two pieces, and the end; then the connection is used again", "most=1");
    judge_order(j, "open O http://a.example/chunks/head=10");
    judge_in(j, "O=200", 1, "piece O Q");
    judge_in(j, "Q=2,he", 1, "piece O Q");
    judge_in(j, "Q=3,llo", 1, "piece O Q");
    judge_in(j, "Q=0", 1, "finish O");
    judge_order(j, "fetch F http://a.example/echo");
    run(j);
    expect_trace(j, "O=200@0 Q=2,he@10 Q=3,llo@10 Q=0@10 F=200,GET,a.example,-,-,0,c1@10",
                 "the head is the answer; the body is asked for; when all of it was taken, the connection goes back");
    expect_nothing_left(j, "");
}

static void not_ahead(struct judge *j)
{
    scene(j, "a page of 100,000 bytes that nobody takes", "");
    judge_order(j, "open O http://a.example/len=100000");
    run_until(j, "5ms");
    expect_trace(j, "O=200@0", "the head is the answer");
    int64_t reads = calls(j, CALL_READ);
    run(j);
    EXPECT_INT("reads while nobody asks", 0, calls(j, CALL_READ) - reads, "nothing is read while nobody asks for a piece");
    judge_order(j, "piece O Q");
    run_until(j, "110ms");
    EXPECT_INT("pieces that came", 1, strstr(judge_trace(j), "Q=") != NULL, "and then it is");
    judge_order(j, "finish O");
    EXPECT_INT("fetches under way", 0, judge_order(j, "running"), "who gives the answer up gives its place up");
    run_until(j, "120ms");
    EXPECT_INT("connections open", 0, origins_count().open,
               "an answer that was not read to its end leaves a connection of no use");
    expect_nothing_left(j, "");
}

static void late_pieces(struct judge *j)
{
    scene(j, "pieces that do not come in time", "");
    judge_order(j, "open O http://a.example/head=80 piece=30ms");
    judge_order(j, "open P http://b.example/head=80 total=50ms");
    judge_in(j, "O=200", 1, "piece O Q");
    judge_in(j, "P=200", 1, "piece P R");
    run(j);
    expect_trace(j, "O=200@0 P=200@0 Q=-ETIMEDOUT@30 R=-ETIMEDOUT@50",
                 "a piece has its time, and `total` goes on behind the head");
    expect_nothing_left(j, "");
}

static void under_it(struct judge *j)
{
    scene(j, "the client is closed under a body, and an opened answer is cancelled", "");
    judge_order(j, "open O http://a.example/head=80");
    judge_order(j, "open P http://a.example/wait=20/head=80");
    judge_order(j, "open C http://a.example/wait=60/head=80");
    judge_in(j, "O=200", 1, "piece O Q; call_at T 30ms");
    judge_in(j, "T", 1, "free C; client_close; finish O");
    run(j);
    expect_trace(j, "O=200@0 P=200@20 T@30", "http_client_close ends answers that are open; they stay their owners' to free");
    expect_nothing_left(j, "a response is its owner's, also after http_client_close");
}

START_TEST(f6)
{
    struct judge *j = judge_new(NULL, 0);
    expect_fetching(j);
    all_of_it(j);
    not_ahead(j);
    late_pieces(j);
    under_it(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_cancel_items(Suite *s)
{
    add_item(s, "F5", f5);
    add_item(s, "F6", f6);
}
