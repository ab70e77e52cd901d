/* checks_memory.c - what is left behind, and what happens when memory is refused. M1. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "grader/data.h"
#include "labs/05-stream/checks.h"
#include "labs/05-stream/checks_peer.h"

enum { MOST = 60 };

static void expect_nothing_left(struct judge *j, const char *cause)
{
    judge_order(j, "loop_close");
    EXPECT_INT("blocks of memory left after all was closed", 0, (int64_t)judge_live(j).blocks, cause);
}

static void in_the_middle(struct judge *j)
{
    scene(j, "closed in the middle of everything");
    struct peer *full = peer_new(j, "L"), *half = peer_new(j, "M"), *ahead = peer_new(j, "N");
    peer_fill(full);
    judge_order(j, "write L W w*9000");
    judge_order(j, "write_owned L V v*9000");
    judge_order(j, "write L - u*90000");
    judge_order(j, "until M R \\n");
    judge_order(j, "until N Q \\n");
    judge_order(j, "on_close N C");
    judge_order(j, "until S P \\n");
    peer_sends(half, 10, "h*90000");
    peer_sends(ahead, 10, "line\\n");
    peer_sends(ahead, 20, "a*50000");
    at(j, 10, "send S all\\nof it");
    run(j);
    expect_nothing_left(j, "r->in, r->lent, and every chunk are given back, whatever they hold");
}

/* A line comes in pieces, and is asked for again where memory was refused. */
static bool read_refused(struct judge *j, unsigned n)
{
    char title[60];
    snprintf(title, sizeof title, "reading: allocation %u is refused", n);
    scene(j, title);
    judge_in(j, "R=-ENOMEM", 0, "until S R \\n");
    judge_in(j, "R=5001,a*5000+\\n", 0, "until S R \\n");
    judge_in(j, "R=70001,b*70000+\\n", 0, "until_close S A");
    judge_in(j, "A=-ENOMEM", 0, "until_close S A");
    sim_fail(judge_sim(j), CALL_MEMORY, n, -ENOMEM);
    judge_order(j, "until S R \\n");
    at(j, 10, "send S a*2000");
    at(j, 20, "send S a*3000+\\n+b*30000");
    at(j, 30, "send S b*40000+\\n+c*3000; end S");
    run(j);
    char seen[1024];
    const char *refused = strstr(judge_trace(j), "=-ENOMEM");
    snprintf(seen, sizeof seen, "%s", judge_trace(j));
    char *hole = strstr(seen, refused ? refused - 1 : " ");
    if (refused) {                  /* the rest must be as if nothing had happened */
        size_t len = strcspn(hole, " ");
        memmove(hole, hole[len] ? hole + len + 1 : hole + len, strlen(hole) - len - (hole[len] ? 1 : 0) + 1);
    }
    EXPECT_TEXT("trace, but for the refusal", "R=5001,a*5000+\\n@20 R=70001,b*70000+\\n@30 A=3000,c*3000@30", seen,
                "-ENOMEM is the read's failure: nothing that has come is lost, and it can be asked for again");
    bool failed = sim_failed(judge_sim(j));
    expect_nothing_left(j, "what was made before the refusal is given back");
    return failed;
}

/* Writes wait for room: one that is refused has sent nothing, and the others all. */
static bool write_refused(struct judge *j, unsigned n)
{
    static const char *const texts[] = { "a*3000", "b*3000", "c*50000", "d*200" };
    char title[60], text[80] = "";
    snprintf(title, sizeof title, "writing: allocation %u is refused", n);
    bare_scene(j, title);
    struct peer *p = peer_new(j, "L");
    peer_fill(p);
    sim_fail(judge_sim(j), CALL_MEMORY, n, -ENOMEM);
    for (int i = 0; i < 4; i++)
        judge_order(j, "write%s L %c %s", i == 2 ? "_owned" : "", 'A' + i, texts[i]);
    bool failed = sim_failed(judge_sim(j));
    peer_receives(p, 10);
    peer_receives(p, 20);
    run(j);
    for (int i = 0; i < 4; i++) {
        char refused[24];
        snprintf(refused, sizeof refused, "%c=-ENOMEM", 'A' + i);
        if (!strstr(judge_trace(j), refused))
            sprintf(text + strlen(text), "%s%s", text[0] ? "+" : "", texts[i]);
    }
    EXPECT_INT("writes that failed", failed, strstr(judge_trace(j), "-ENOMEM") != NULL, "-ENOMEM is the write's failure");
    EXPECT_INT("what was handed over was released", 1, strstr(judge_trace(j), "C.released") != NULL, "also where it failed");
    peer_expect(p, text, false, "of a write that was refused nothing is sent, of the others all");
    expect_nothing_left(j, "a chunk that was made for what was refused is given back");
    return failed;
}

static void a_part_was_sent(struct judge *j)
{
    bare_scene(j, "there is no memory for the rest of a write of which a part was sent");
    struct peer *p = peer_new(j, "L");
    sim_fail(judge_sim(j), CALL_MEMORY, 1, -ENOMEM);
    judge_order(j, "write L A &1*300000");
    judge_order(j, "write L B bbb");
    peer_receives(p, 10);
    peer_receives(p, 20);
    run(j);
    char text[40];
    snprintf(text, sizeof text, "&1*%d", (int)p->got_len < 300000 ? (int)p->got_len : 0);
    EXPECT_TRACE(j, "A=-ENOMEM@0 B=-ENOMEM@0", ((struct symptom[]){
        { "A=-ENOMEM@0 B=3@0", "half of A was sent: what comes behind it stands in the wrong place" },
        { 0 } }), "a part that was sent cannot be taken back, so nothing may come after it");
    peer_expect(p, text, false, "what was sent before the refusal, and nothing else");
    expect_nothing_left(j, "nothing is kept of what cannot be sent");
}

START_TEST(m1)
{
    struct judge *j = judge_new(NULL, 0);
    unsigned reads = 1, writes = 1;
    expect_reading(j);
    expect_writing(j);
    in_the_middle(j);
    a_part_was_sent(j);
    while (reads < MOST && read_refused(j, reads))
        reads++;
    while (writes < MOST && write_refused(j, writes))
        writes++;
    metric("allocations_read", reads - 1);
    metric("allocations_write", writes - 1);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_memory_items(Suite *s)
{
    add_item(s, "M1", m1);
}
