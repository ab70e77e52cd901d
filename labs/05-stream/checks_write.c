/* checks_write.c - writes: order, hand-over, limits, ends. W1..W4. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "labs/05-stream/checks.h"
#include "labs/05-stream/checks_peer.h"

static const struct symptom none[] = { { 0 } };

/* ---- what was told, with and without what was released: their order among each other is left open --------------------- */

/* The words of the trace that tell of releases, or the others. */
static const char *told(const struct judge *j, bool released)
{
    static char out[2048];
    size_t used = 0;
    out[0] = 0;
    for (const char *word = judge_trace(j); *word; word += strspn(word, " ")) {
        size_t len = strcspn(word, " ");
        const char *is = memmem(word, len, ".released", 9);
        if ((is != NULL) == released && used + len + 2 < sizeof out)
            used += (size_t)sprintf(out + used, "%s%.*s", used ? " " : "", (int)len, word);
        word += len;
    }
    return out;
}

static void expect_answers(struct judge *j, const char *expected, const struct symptom *symptoms, const char *otherwise)
{
    const char *seen = told(j, false);
    EXPECT_TEXT("trace, but for releases", expected, seen, cause_of(seen, symptoms, otherwise));
}

static void expect_releases(struct judge *j, const char *expected, const struct symptom *symptoms, const char *otherwise)
{
    const char *seen = told(j, true);
    EXPECT_TEXT("releases", expected, seen, cause_of(seen, symptoms, otherwise));
}

/* ---- W1: every byte, in order ----------------------------------------------------------------------------------------- */

static void one_byte_at_a_time(struct judge *j)
{
    scene(j, "the kernel takes one byte at a time");
    struct peer *p = peer_new(j, "L");
    sim_shorten(judge_sim(j), CALL_WRITE, 1);
    judge_order(j, "write L A abc");
    judge_order(j, "write_owned L B defg");
    judge_order(j, "write L C hi");
    judge_order(j, "write L D +");
    peer_receives(p, 10);
    run(j);
    peer_expect(p, "abcdefghi", false, "what was not taken waits, and what comes later stands behind it");
    expect_answers(j, "A=3@0 B=4@0 C=2@0 D=0@0", none, "a write's answer is its length, and comes when its last byte was taken; "
                                                       "in order");
}

static void room_comes_later(struct judge *j)
{
    scene(j, "there is no room, and then there is, a little at a time");
    struct peer *p = peer_new(j, "L");
    judge_order(j, "write L A &1*400000");
    judge_order(j, "write L B &2*10");
    judge_order(j, "write_owned L C &3*200000");
    judge_order(j, "write L D &4*70000");
    for (int ms = 10; ms < 60; ms++)
        peer_at(p, ms, PEER_RECEIVES, NULL, 20000);
    peer_receives(p, 70);
    peer_receives(p, 80);
    peer_receives(p, 90);
    run(j);
    peer_expect(p, "&1*400000+&2*10+&3*200000+&4*70000", false, "a short write: go on where the kernel stopped, not from the "
                                                                "start, and not with the next one");
    char expected[200];
    snprintf(expected, sizeof expected, "A=400000@%d B=10@%d C=200000@%d D=70000@%d", (int)peer_reached(p, 400000),
             (int)peer_reached(p, 400010), (int)peer_reached(p, 600010), (int)peer_reached(p, 670010));
    expect_answers(j, expected, none, "a write is answered when its last byte was taken by the kernel, not before, not later");
}

static void interrupted(struct judge *j)
{
    scene(j, "interrupted, put off, and cut short");
    struct peer *p = peer_new(j, "L");
    sim_storm(judge_sim(j), CALL_WRITE, 60, -EINTR);
    judge_order(j, "write L A abcdef");
    judge_order(j, "write L B gh");
    judge_order(j, "call_at T 10ms");
    peer_receives(p, 20);
    run(j);
    peer_expect(p, "abcdefgh", false, "-EINTR: nothing was taken, try again");
    scene(j, "put off");
    p = peer_new(j, "L");
    sim_storm(judge_sim(j), CALL_WRITE, 60, -EAGAIN);
    judge_order(j, "write L A abcdef");
    judge_order(j, "write L B gh");
    peer_receives(p, 20);
    run(j);
    peer_expect(p, "abcdefgh", false, "-EAGAIN: nothing was taken; wait until the loop tells that there is room");
    expect_trace(j, "A=6@0 B=2@0", "the loop tells at once here");
}

static void pushed(struct judge *j)
{
    scene(j, "there is a little room, of which the kernel does not tell; and none, and nothing to send: all three are pushed");
    struct peer *p = peer_new(j, "L");
    judge_order(j, "push L");
    judge_order(j, "write L A &1*400000");
    judge_order(j, "push L");
    judge_order(j, "call_at T 20ms");
    judge_in(j, "T", 0, "push L");
    peer_at(p, 10, PEER_RECEIVES, NULL, 60000);
    judge_order(j, "run 15ms");
    size_t before = peer_taken_before(p, 15);
    judge_order(j, "run 30ms");
    EXPECT_INT("bytes were taken at 20 ms", 1, peer_taken_before(p, 30) > before, "stream_push tries although nobody told");
    peer_receives(p, 40);
    peer_receives(p, 50);
    run(j);
    peer_expect(p, "&1*400000", false, "and in order, as always");
}

static void many(struct judge *j)
{
    scene(j, "forty writes behind each other, of all sizes, while there is no room");
    struct peer *p = peer_new(j, "L");
    char text[900] = "", piece[24];
    peer_fill(p);
    for (int i = 0; i < 40; i++) {
        snprintf(piece, sizeof piece, "%s&%d*%d", i ? "+" : "", i, 1 + i * i * (i % 3));
        strcat(text, piece);
        judge_order(j, "write%s L - %s", i % 5 == 4 ? "_owned" : "", piece + (i > 0));
    }
    judge_order(j, "write L Z z");
    strcat(text, "+z");
    for (int ms = 10; ms < 40; ms += 5)
        peer_receives(p, ms);
    run(j);
    peer_expect(p, text, false, "the order of the bytes is the order of the writes");
}

START_TEST(w1)
{
    struct judge *j = judge_new(NULL, 0);
    expect_writing(j);
    one_byte_at_a_time(j);
    room_comes_later(j);
    interrupted(j);
    pushed(j);
    many(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- W2: what was handed over ------------------------------------------------------------------------------------------ */

static void sent_at_once(struct judge *j)
{
    scene(j, "handed over and sent at once: given back, once");
    struct peer *p = peer_new(j, "L");
    judge_order(j, "write_owned L W abc");
    peer_receives(p, 10);
    run(j);
    peer_expect(p, "abc", false, "the bytes themselves, without a copy");
    expect_answers(j, "W=3@0", none, "an answer as for every write");
    expect_releases(j, "W.released@0", (struct symptom[]){
        { "", "sent at once, and nobody will release it later: do it before you return" },
        { "W.released@0 W.released@0", "released twice: once where it was sent, and once more" },
        { 0 } }, "release(self), once, when the bytes are no longer needed");
}

static void kept(struct judge *j)
{
    scene(j, "handed over while there is no room: not before the last byte was taken");
    struct peer *p = peer_new(j, "L");
    peer_fill(p);
    judge_order(j, "write_owned L A &1*300000");
    judge_order(j, "write L B mid");
    judge_order(j, "write_owned L - &2*5");
    for (int ms = 10; ms < 50; ms += 10)
        peer_receives(p, ms);
    run(j);
    peer_expect(p, "&1*300000+mid+&2*5", false, "not a byte of what was handed over may be touched when it was given back");
    char expected[120];
    snprintf(expected, sizeof expected, "A=300000@%d B=3@%d", (int)peer_reached(p, 300000), (int)peer_reached(p, 300003));
    expect_answers(j, expected, none, "a write is answered when its last byte was taken");
    snprintf(expected, sizeof expected, "A.released@%d L.released@%d", (int)peer_reached(p, 300000),
             (int)peer_reached(p, 300008));
    expect_releases(j, expected, none, "release when the chunk is gone, not when its write was asked for");
}

static void refused(struct judge *j)
{
    scene(j, "handed over and refused: given back all the same");
    struct peer *p = peer_new(j, "L");
    peer_fill(p);
    judge_order(j, "limit L 10");
    judge_order(j, "write_owned L A abcdefgh");
    judge_order(j, "write_owned L B ijk");
    peer_receives(p, 10);
    run(j);
    expect_answers(j, "B=-ENOBUFS@0 A=8@10", none, "eight bytes wait where ten may, and three more do not fit");
    expect_releases(j, "B.released@0 A.released@10", (struct symptom[]){
        { "A.released@10", "what was refused is not needed any more: release it" },
        { 0 } }, "also where it fails");
}

static void closed_or_gone(struct judge *j)
{
    scene(j, "the stream is closed, or the other side goes, while it waits");
    struct peer *p = peer_new(j, "L"), *q = peer_new(j, "M");
    peer_fill(p);
    peer_fill(q);
    judge_order(j, "write_owned L A abc");
    judge_order(j, "write_owned M B def");
    judge_order(j, "call_at T 10ms");
    judge_in(j, "T", 0, "close L; free A; note closed");
    peer_at(q, 20, PEER_IS_GONE, NULL, 0);
    run(j);
    expect_answers(j, "T@10 closed@10 B=-EPIPE@20", none, "closed: silent; gone: whoever waits is told");
    expect_releases(j, "A.released@10 B.released@20", (struct symptom[]){
        { "B.released@20", "stream_write_end gives back what was handed over" },
        { "A.released@10", "when nothing can be sent any more nothing is needed any more" },
        { 0 } }, "once, however it ends");
}

static void cancelled(struct judge *j)
{
    scene(j, "a write that is cancelled is sent, and given back when it has been");
    struct peer *p = peer_new(j, "L");
    peer_fill(p);
    judge_order(j, "write_owned L A abc");
    judge_order(j, "free A");
    peer_receives(p, 10);
    peer_receives(p, 20);
    run(j);
    expect_answers(j, "", none, "a cancel is silent");
    expect_releases(j, "A.released@10", none, "a cancel forgets the future, not the bytes");
    peer_expect(p, "abc", false, "a cancel forgets the future; the bytes are sent all the same");
}

START_TEST(w2)
{
    struct judge *j = judge_new(NULL, 0);
    expect_writing(j);
    sent_at_once(j);
    kept(j);
    refused(j);
    closed_or_gone(j);
    cancelled(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- W3: a full buffer is an answer ------------------------------------------------------------------------------------ */

static void beyond_the_limit(struct judge *j)
{
    scene(j, "what may wait is limited to 1,000 bytes");
    struct peer *p = peer_new(j, "L");
    peer_fill(p);
    judge_order(j, "limit L 1000");
    judge_order(j, "write L A a*600");
    judge_order(j, "write L B b*400");
    judge_order(j, "write L C c");
    judge_order(j, "some L R");
    EXPECT_INT("stream_unsent", 1000, judge_order(j, "unsent L"), "what was refused does not wait");
    peer_sends(p, 10, "hello");
    peer_receives(p, 20);
    judge_order(j, "call_at T 30ms");
    judge_in(j, "T", 0, "write L D d*1000");
    peer_receives(p, 40);
    run(j);
    EXPECT_TRACE(j, "C=-ENOBUFS@0 R=5,hello@10 A=600@20 B=400@20 T@30 D=1000@30", ((struct symptom[]){
        { "B=-ENOBUFS@0 C=-ENOBUFS@0 R=5,hello@10 A=600@20 T@30 D=1000@30", "exactly the limit is within it" },
        { "R=5,hello@10 A=600@20 B=400@20 C=1@20 T@30 D=1000@30", "1,001 bytes wait where 1,000 may" },
        { 0 } }), "the write that is too much fails; the stream stays open, in both directions");
    peer_expect(p, "a*600+b*400+d*1000", false, "nothing of a refused write is sent");
}

static void nobody_waits(struct judge *j)
{
    scene(j, "refused where nobody waits: nothing may come after the hole, and on_close is told");
    struct peer *p = peer_new(j, "L");
    peer_fill(p);
    judge_order(j, "limit L 10");
    judge_order(j, "on_close L C");
    judge_order(j, "write L A abcdefgh");
    judge_order(j, "write L - ijkl");
    judge_order(j, "write L B m");
    peer_receives(p, 20);
    peer_receives(p, 30);
    run(j);
    EXPECT_TRACE(j, "B=-ENOBUFS@0 C=-ENOBUFS@0 A=8@20", ((struct symptom[]){
        { "A=8@20 B=1@20", "\"ijkl\" was refused, and nobody heard of it: what comes later must not be sent, or there is a hole "
                           "in what the other side reads" },
        { 0 } }), "f NULL: a failure ends all writing; what was accepted before is still sent");
    peer_expect(p, "abcdefgh", false, "what was accepted is sent, and nothing behind the hole");
}

static void cancelled_write(struct judge *j)
{
    scene(j, "cancelling a write forgets who waits, and takes no byte back");
    struct peer *p = peer_new(j, "L");
    peer_fill(p);
    judge_order(j, "write L A abc");
    judge_order(j, "write L B def");
    judge_order(j, "write L C ghi");
    judge_order(j, "free B");
    EXPECT_INT("stream_unsent", 9, judge_order(j, "unsent L"), "all of it waits");
    peer_receives(p, 10);
    peer_receives(p, 20);
    run(j);
    expect_trace(j, "A=3@10 C=3@10", "B is cancelled: silent");
    peer_expect(p, "abcdefghi", false, "bytes that were accepted are sent; half a message would be worse than none");
}

START_TEST(w3)
{
    struct judge *j = judge_new(NULL, 0);
    expect_writing(j);
    beyond_the_limit(j);
    nobody_waits(j);
    cancelled_write(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- W4: the end of writing -------------------------------------------------------------------------------------------- */

static void half_close(struct judge *j)
{
    scene(j, "half-close: the other side reads the end behind the last byte, and may go on speaking");
    struct peer *p = peer_new(j, "L");
    judge_order(j, "until L R \\n");
    judge_order(j, "write L A abc");
    judge_order(j, "shutdown L D");
    judge_order(j, "write L B late");
    judge_order(j, "shutdown L E");
    peer_receives(p, 10);
    peer_sends(p, 20, "still here\\n");
    run(j);
    EXPECT_TRACE(j, "A=3@0 D=0@0 B=-EPIPE@0 E=0@0 R=11,still\\shere\\n@20", ((struct symptom[]){
        { "A=3@0 D=0@0 B=4@0 E=0@0 R=11,still\\shere\\n@20", "writing after stream_shutdown is -EPIPE" },
        { 0 } }), "one direction ends, the other goes on; a second shutdown has nothing left to do");
    peer_expect(p, "abc", true, "the end, behind the last byte");
}

static void behind_what_waits(struct judge *j)
{
    scene(j, "half-close while bytes wait: behind the last of them");
    struct peer *p = peer_new(j, "L");
    judge_order(j, "write L A &1*500000");
    judge_order(j, "shutdown L D");
    judge_order(j, "shutdown L -");
    for (int ms = 10; ms < 60; ms += 10)
        peer_receives(p, ms);
    run(j);
    char expected[80];
    snprintf(expected, sizeof expected, "A=500000@%d D=0@%d", (int)peer_reached(p, 500000), (int)peer_reached(p, 500000));
    peer_expect(p, "&1*500000", true, "the shutdown waits until all that was written before has been sent");
    EXPECT_TRACE(j, expected, none, "it is answered when the other side can read the end");
}

static void gone_while_writing(struct judge *j)
{
    scene(j, "the other side goes while writes wait: all of them fail, and what had come can still be read");
    struct peer *p = peer_new(j, "L");
    peer_fill(p);
    judge_order(j, "write L A abc");
    judge_order(j, "write L B def");
    judge_order(j, "shutdown L D");
    judge_order(j, "call_at T 30ms");
    judge_in(j, "T", 0, "write L E ghi; until L R \\n");
    peer_sends(p, 10, "last\\n");
    peer_at(p, 20, PEER_IS_GONE, NULL, 0);
    run(j);
    EXPECT_TRACE(j, "A=-EPIPE@20 B=-EPIPE@20 D=-EPIPE@20 T@30 E=-EPIPE@30 R=5,last\\n@30", ((struct symptom[]){
        { "A=-EPIPE@20 T@30 E=-EPIPE@30 R=5,last\\n@30", "whoever waits behind it waits for ever: all fail" },
        { "A=-EPIPE@20 B=-EPIPE@20 T@30 E=-EPIPE@30 R=5,last\\n@30", "the shutdown waits too" },
        { 0 } }), "nothing can be sent any more: everybody who waits is told, in order");
}

static void told_by_on_close(struct judge *j)
{
    scene(j, "the same, while a read waits and somebody wants to hear of the close");
    struct peer *p = peer_new(j, "L");
    judge_order(j, "on_close L C");
    judge_order(j, "until L R \\n");
    peer_sends(p, 10, "half");
    peer_at(p, 20, PEER_IS_GONE, NULL, 0);
    judge_order(j, "call_at T 30ms");
    judge_in(j, "T", 0, "write L E ghi; some L B");
    run(j);
    expect_trace(j, "R=-EPIPE@20 T@30 E=-EPIPE@30 B=4,half@30 C=0@30", "an orderly close, told when all was read");
}

static void close_while_writing(struct judge *j)
{
    scene(j, "close while writing: the other side reads what was sent, and then the end");
    struct peer *p = peer_new(j, "L");
    judge_order(j, "write L A &1*3000");
    judge_order(j, "write L B &2*500000");
    judge_order(j, "call_at T 10ms");
    judge_in(j, "T", 0, "close L; note closed");
    peer_at(p, 5, PEER_RECEIVES, NULL, 2000);
    peer_receives(p, 20);
    run(j);
    expect_trace(j, "A=3000@0 T@10 closed@10", "stream_close does not wait for what was written and not sent");
    EXPECT_INT("the other side has read the end", 1, p->ended, "closed is closed");
    EXPECT_AT_MOST("bytes of the second write that arrived", 500000 - 1, (int64_t)p->got_len - 3000,
                   "there was no room for all of them");
    char expected[40];
    snprintf(expected, sizeof expected, "&1*3000+&2*%d", (int)p->got_len - 3000);
    peer_expect(p, expected, true, "what was sent before the close arrives");
}

START_TEST(w4)
{
    struct judge *j = judge_new(NULL, 0);
    expect_writing(j);
    half_close(j);
    behind_what_waits(j);
    gone_while_writing(j);
    told_by_on_close(j);
    close_while_writing(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_write_items(Suite *s)
{
    add_item(s, "W1", w1);
    add_item(s, "W2", w2);
    add_item(s, "W3", w3);
    add_item(s, "W4", w4);
}
