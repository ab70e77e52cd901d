/* checks_end.c - ends, cancels, what was told once, and streams that close. A4..A8. */
#include <errno.h>

#include "labs/05-stream/checks.h"
#include "labs/05-stream/checks_peer.h"

static const struct symptom none[] = { { 0 } };

/* ---- A4: the end comes behind the last byte ------------------------------------------------------------------------- */

static void not_enough(struct judge *j)
{
    scene(j, "the end comes, and what was asked for has not come; what has come can be read otherwise");
    judge_order(j, "until S R \\n");
    judge_in(j, "R=-EPIPE", 0, "bytes S B 2");
    judge_in(j, "B=2,by", 0, "some S C");
    judge_in(j, "C=1,e", 0, "some S D");
    at(j, 10, "send S bye");
    at(j, 20, "end S");
    run(j);
    EXPECT_TRACE(j, "R=-EPIPE@20 B=2,by@20 C=1,e@20 D=-EPIPE@20", ((struct symptom[]){
        { "", "nobody heard of the end: a read of the wire that gives 0 is the end" },
        { "R=-EPIPE@20 B=-EPIPE@20", "the bytes that came before the end were lost with it" },
        { "R=3,bye@20", "a line without its newline is no line: -EPIPE, and the bytes stay" },
        { 0 } }), "-EPIPE when what was asked for can no longer come; what came stays");
}

static void together(struct judge *j)
{
    scene(j, "bytes and the end come together: first the bytes, then the end, of which nobody tells again");
    judge_order(j, "bytes S R 3");
    judge_in(j, "R=3,abc", 0, "until S L \\n");
    judge_in(j, "L=3,de\\n", 0, "until_close S A");
    judge_in(j, "A=1,f", 0, "until_close S Z");
    at(j, 10, "send S abcde\\nf; end S");
    run(j);
    EXPECT_TRACE(j, "R=3,abc@10 L=3,de\\n@10 A=1,f@10 Z=0@10", ((struct symptom[]){
        { "R=3,abc@10 L=3,de\\n@10", "a short read says that there is no more to read, but not that there is no end: BROKEN in "
                                     "s->told is still to be looked at" },
        { 0 } }), "what arrived before the close is delivered before it");
    EXPECT_INT("stream_error", -EPIPE, judge_order(j, "error S"), "an orderly end is -EPIPE there");
}

static void already_there(struct judge *j)
{
    scene(j, "all of it was there before anybody asked");
    at(j, 10, "send S x*100+\\n+rest; end S");
    judge_order(j, "call_at T 30ms");
    judge_in(j, "T", 0, "until_close S A");
    run(j);
    EXPECT_TRACE(j, "T@30 A=105,x*100+\\nrest@30", none, "the read begins with looking: nobody tells again");
}

static void broken_off(struct judge *j)
{
    bare_scene(j, "the connection is cut: what came before it, and then what broke it off");
    struct peer *p = peer_new(j, "L");
    peer_owes(p);
    judge_order(j, "until L R \\n");
    judge_in(j, "R=-ECONNRESET", 0, "until_close L A");
    judge_in(j, "A=2,ab", 0, "until_close L Z");
    peer_sends(p, 10, "ab");
    peer_at(p, 20, PEER_IS_GONE, NULL, 0);
    run(j);
    EXPECT_TRACE(j, "R=-ECONNRESET@20 A=2,ab@20 Z=-ECONNRESET@20", ((struct symptom[]){
        { "R=-EPIPE@20 A=2,ab@20 Z=0@20", "the wire said -ECONNRESET: that is no orderly end, and whoever asks is told so" },
        { 0 } }), "the first error stays: r->error");
    EXPECT_INT("stream_error", -ECONNRESET, judge_order(j, "error L"), "what broke it off");
}

static void interrupted(struct judge *j)
{
    scene(j, "to be interrupted, or to find nothing, is no end");
    sim_storm(judge_sim(j), CALL_READ, 70, -EINTR);
    judge_order(j, "until S R \\n");
    judge_in(j, "R=6,hello\\n", 0, "until S R \\n");
    at(j, 10, "send S hel");
    at(j, 20, "send S lo\\nwor");
    at(j, 30, "send S ld\\n");
    run(j);
    EXPECT_TRACE(j, "R=6,hello\\n@20 R=6,world\\n@30", none, "-EINTR: try again; -EAGAIN: wait until the loop tells");
}

START_TEST(a4)
{
    struct judge *j = judge_new(NULL, 0);
    expect_reading(j);
    not_enough(j);
    together(j);
    already_there(j);
    broken_off(j);
    interrupted(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A5: a read that is cancelled has taken nothing ------------------------------------------------------------------- */

static void while_it_waits(struct judge *j)
{
    scene(j, "cancelled while it waits: what had come is there for the next");
    judge_order(j, "until S R \\n");
    at(j, 10, "send S ab");
    judge_order(j, "call_at A 20ms");
    judge_in(j, "A", 0, "free R; note A.end; bytes S B 3");
    at(j, 30, "send S c\\n");
    run(j);
    EXPECT_TRACE(j, "A@20 A.end@20 B=3,abc@30", ((struct symptom[]){
        { "A@20 A.end@20", "the bytes that came before the cancel are lost, or the next read never began" },
        { "A@20 R=-ECANCELED@20 A.end@20 B=3,abc@30", "a cancel is silent" },
        { 0 } }), "cancel: r->f = NULL, and nothing else");
}

static void answered_not_delivered(struct judge *j)
{
    scene(j, "cancelled when it was answered and not delivered: the bytes go back to where they were");
    judge_order(j, "until S R \\n");
    judge_in(j, "R=2,a\\n", 0, "until S B \\n; cancel B; bytes S C 4");
    at(j, 10, "send S a\\nbc\\nd");
    run(j);
    EXPECT_TRACE(j, "R=2,a\\n@10 C=4,bc\\nd@10", ((struct symptom[]){
        { "R=2,a\\n@10", "the answer that nobody got was taken out of the buffer: its undo must put it back" },
        { 0 } }), "an answer stays in the buffer until the next read begins; undo: taken = 0");
    EXPECT_INT("stream_unread", 0, judge_order(j, "unread S"), "all was read");
}

static void by_another(struct judge *j)
{
    scene(j, "the same, cancelled by somebody whose callback came first");
    judge_order(j, "stream T");
    judge_order(j, "some T Q");
    judge_order(j, "into S R 3");
    judge_in(j, "Q=1,q", 0, "free R; unread S; until S B \\n");
    at(j, 10, "send T q; send S ab\\n");
    run(j);
    EXPECT_TRACE(j, "Q=1,q@10 S.has=3,ab\\n@10 B=3,ab\\n@10", none, "what was copied into the reader's memory is still in the "
                                                                    "buffer, until the answer is delivered");
}

static void delivered(struct judge *j)
{
    scene(j, "delivered is taken: cancelling it afterwards gives nothing back");
    judge_order(j, "until S R \\n");
    judge_in(j, "R=2,a\\n", 0, "cancel R; unread S; some S B");
    at(j, 10, "send S a\\nbc");
    run(j);
    expect_trace(j, "R=2,a\\n@10 S.has=2,bc@10 B=2,bc@10", "whoever has been called has it");
}

static void again_and_again(struct judge *j)
{
    scene(j, "cancelled, asked again, cancelled, and asked again");
    judge_order(j, "bytes S R 9");
    judge_order(j, "call_at A 20ms");
    judge_order(j, "call_at B 30ms");
    judge_in(j, "A", 0, "cancel R; until S R \\n");
    judge_in(j, "B", 0, "cancel R; until_close S R");
    at(j, 10, "send S one");
    at(j, 25, "send S two");
    at(j, 40, "send S three; end S");
    run(j);
    expect_trace(j, "A@20 B@30 R=11,onetwothree@40", "no cancel loses a byte");
}

START_TEST(a5)
{
    struct judge *j = judge_new(NULL, 0);
    expect_reading(j);
    while_it_waits(j);
    answered_not_delivered(j);
    by_another(j);
    delivered(j);
    again_and_again(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A6: told once, remembered ---------------------------------------------------------------------------------------- */

static void before_anybody_asks(struct judge *j)
{
    scene(j, "bytes come before anybody asks: nothing is read, and then at once");
    at(j, 10, "send S hel");
    at(j, 20, "send S lo\\n");
    judge_order(j, "run 30ms");
    EXPECT_INT("reads while nobody asked", 0, moves(j, CALL_READ), "nothing is read while nobody asks: a sender that is faster "
                                                                   "than you fills the kernel's buffers, not your memory");
    judge_order(j, "call_at A 40ms");
    judge_in(j, "A", 0, "until S R \\n");
    run(j);
    EXPECT_TRACE(j, "A@40 R=6,hello\\n@40", ((struct symptom[]){
        { "A@40", "you were told at 10 ms, once: remember it (s->told), and look when the read begins" },
        { 0 } }), "told once");
}

static void more_than_a_read(struct judge *j)
{
    scene(j, "more came than one read takes; the rest is asked for later");
    struct peer *p = peer_new(j, "L");
    peer_sends(p, 10, "a*70000+b*70000+\\n");
    judge_order(j, "bytes L R 7");
    judge_order(j, "call_at A 20ms");
    judge_in(j, "A", 0, "until L R \\n");
    run(j);
    EXPECT_TRACE(j, "R=7,a*7@10 A@20 R=139994,a*69993+b*70000+\\n@20", ((struct symptom[]){
        { "R=7,a*7@10 A@20", "a read that was given all it had room for says nothing of what is left: it was not found drained, "
                             "so it is still told" },
        { 0 } }), "what was told stays true until a read finds it drained");
}

static void the_end_stays(struct judge *j)
{
    scene(j, "an end that came with the last bytes is there when it is asked for");
    judge_order(j, "until S R \\n");
    at(j, 10, "send S a\\nb; end S");
    judge_order(j, "call_at A 20ms");
    judge_order(j, "call_at B 30ms");
    judge_in(j, "A", 0, "some S R");
    judge_in(j, "B", 0, "some S R");
    run(j);
    expect_trace(j, "R=2,a\\n@10 A@20 R=1,b@20 B@30 R=-EPIPE@30", "of an end nobody tells a second time");
}

static void nobody_asks_any_more(struct judge *j)
{
    scene(j, "after an answer nothing is read until somebody asks again");
    struct peer *p = peer_new(j, "L");
    judge_order(j, "until L R \\n");
    peer_sends(p, 10, "one\\n");
    for (int ms = 20; ms < 40; ms++)
        peer_sends(p, ms, "x*5000");
    run(j);
    expect_trace(j, "R=4,one\\n@10", "one read, one answer");
    EXPECT_AT_MOST("bytes that were read", 4, (int64_t)p->given, "the read was answered: what comes later is not yours to take");
}

START_TEST(a6)
{
    struct judge *j = judge_new(NULL, 0);
    expect_reading(j);
    before_anybody_asks(j);
    more_than_a_read(j);
    the_end_stays(j);
    nobody_asks_any_more(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A7: a stream may be closed from anywhere ---------------------------------------------------------------------- */

static void in_its_callback(struct judge *j)
{
    scene(j, "closed in the callback of its own read, with more bytes there");
    judge_order(j, "until S R \\n");
    judge_in(j, "R=2,a\\n", 0, "close S; free R; note closed");
    at(j, 10, "send S a\\nb\\n");
    at(j, 20, "send S c");
    run(j);
    expect_trace(j, "R=2,a\\n@10 closed@10", "the callback comes from the loop, not from inside of your read");
}

static void while_pending(struct judge *j)
{
    scene(j, "closed with a read and a write pending: silent, and what they were lent is gone");
    struct peer *p = peer_new(j, "L");
    peer_fill(p);
    judge_order(j, "bytes L R 9");
    judge_order(j, "write L W abc");
    judge_order(j, "shutdown L D");
    judge_order(j, "call_at A 20ms");
    judge_in(j, "A", 0, "close L; free R; free W; free D; note closed");
    peer_sends(p, 10, "abc");
    peer_sends(p, 30, "def");
    peer_receives(p, 30);
    run(j);
    expect_trace(j, "A@20 closed@20", "stream_close: the futures are detached, and a callback hears nothing");
}

static void answered(struct judge *j)
{
    scene(j, "closed when reads and writes were answered and not delivered");
    judge_order(j, "some S R");
    judge_in(j, "R=3,abc", 0, "write S W xyz; shutdown S D; bytes S R 0; close S; free R; free W; free D; note closed");
    at(j, 10, "send S abc");
    run(j);
    EXPECT_TRACE(j, "R=3,abc@10 closed@10", ((struct symptom[]){
        { "R=3,abc@10 closed@10 R=0@10", "an answer that was not delivered still counts as pending: it is detached too" },
        { 0 } }), "after stream_close nothing calls back");
}

static void in_a_writes_callback(struct judge *j)
{
    scene(j, "closed in the callback of a write, and by another stream in the turn in which both have something");
    judge_order(j, "stream T");
    judge_order(j, "some T Q");
    judge_order(j, "some S R");
    judge_in(j, "Q=1,q", 0, "close S; free R; write T W ok");
    judge_in(j, "W=2", 0, "close T; note closed");
    at(j, 10, "send T q; send S s");
    run(j);
    expect_trace(j, "Q=1,q@10 W=2@10 closed@10", "whoever is closed has nothing more to say");
}

static void in_on_close(struct judge *j)
{
    scene(j, "closed when it hears that the other side has");
    judge_order(j, "on_close S C");
    judge_in(j, "C=0", 0, "close S; note closed");
    at(j, 10, "end S");
    run(j);
    expect_trace(j, "C=0@10 closed@10", "stream_on_close calls from the loop as well");
}

START_TEST(a7)
{
    struct judge *j = judge_new(NULL, 0);
    expect_reading(j);
    expect_writing(j);
    in_its_callback(j);
    while_pending(j);
    answered(j);
    in_a_writes_callback(j);
    in_on_close(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A8: who wants to hear of the close -------------------------------------------------------------------------------- */

static void behind_what_came(struct judge *j)
{
    scene(j, "the other side closes with bytes unread: told when they have been read");
    judge_order(j, "on_close S C");
    at(j, 10, "send S abc\\ndef; end S");
    judge_order(j, "call_at A 20ms");
    judge_in(j, "A", 0, "until S R \\n");
    judge_in(j, "R=4,abc\\n", 0, "call_at B 30ms");
    judge_in(j, "B", 0, "some S R");
    run(j);
    EXPECT_TRACE(j, "A@20 R=4,abc\\n@20 B@30 R=3,def@30 C=0@30", ((struct symptom[]){
        { "C=0@10 A@20 R=4,abc\\n@20 B@30 R=3,def@30", "told with seven bytes unread: for whoever cleans up now they are lost" },
        { "A@20 R=4,abc\\n@20 B@30 R=3,def@30", "never told: after the last answer was delivered, look again (stream_again)" },
        { "A@20 R=4,abc\\n@20 C=0@20 B@30 R=3,def@30", "three bytes were still unread" },
        { 0 } }), "the close is behind all that came");
}

static void without_a_reader(struct judge *j)
{
    scene(j, "nobody reads, nothing comes, and the other side closes; told once");
    judge_order(j, "on_close S C");
    at(j, 20, "end S");
    at(j, 30, "gone S");
    run(j);
    EXPECT_TRACE(j, "C=0@20", ((struct symptom[]){
        { "", "nobody read, so nobody found the end: with on_close the stream looks ahead" },
        { 0 } }), "once");
}

static void after_the_last_answer(struct judge *j)
{
    scene(j, "the last bytes were read, and the close comes later; a reader who waits hears first");
    judge_order(j, "on_close S C");
    judge_order(j, "until S R \\n");
    judge_in(j, "R=2,a\\n", 0, "until S R \\n");
    at(j, 10, "send S a\\n");
    at(j, 20, "end S");
    run(j);
    expect_trace(j, "R=2,a\\n@10 R=-EPIPE@20 C=0@20", "the read fails, and then the close is told");
}

static void broken(struct judge *j)
{
    scene(j, "cut off: told with the reason; taken back: not told");
    judge_order(j, "stream T");
    judge_order(j, "on_close S C");
    judge_order(j, "on_close T D");
    judge_order(j, "on_close T -");
    judge_order(j, "write S - x");
    at(j, 20, "gone S; gone T");
    run(j);
    expect_trace(j, "C=-ECONNRESET@20", "stream_read_error: what broke it off");
}

static void not_enough_is_unread(struct judge *j)
{
    scene(j, "the last read failed with the end, and what had come is still unread");
    judge_order(j, "on_close S C");
    judge_order(j, "until S R \\n");
    at(j, 10, "send S half; end S");
    judge_order(j, "call_at A 20ms");
    judge_in(j, "A", 0, "some S R");
    run(j);
    EXPECT_TRACE(j, "R=-EPIPE@10 A@20 R=4,half@20 C=0@20", ((struct symptom[]){
        { "R=-EPIPE@10 C=0@10 A@20 R=4,half@20", "four bytes were still unread" },
        { 0 } }), "all that came before has been read, and then the close is told");
}

static void the_last_answer_stays(struct judge *j)
{
    scene(j, "looking ahead leaves the last answer where it is");
    judge_order(j, "on_close S C");
    judge_order(j, "until S R \\n");
    judge_order(j, "call_at A 30ms");
    judge_in(j, "A", 0, "look R; until S R \\n");
    at(j, 10, "send S hello\\n");
    at(j, 20, "send S world\\n");
    at(j, 40, "end S");
    run(j);
    EXPECT_TRACE(j, "R=6,hello\\n@10 A@30 R.look=6,hello\\n@30 R=6,world\\n@30 C=0@40", none,
                 "an answer is the reader's until the next read on the stream: what comes meanwhile goes elsewhere (r->lent)");
}

static void one_portion_ahead(struct judge *j)
{
    scene(j, "nobody reads, and much comes: one portion is read ahead, at most");
    struct peer *p = peer_new(j, "L");
    judge_order(j, "on_close L C");
    for (int ms = 10; ms < 20; ms++)
        peer_sends(p, ms, "x*20000");
    peer_sends(p, 20, "\\n");
    judge_order(j, "run 30ms");
    EXPECT_AT_MOST("bytes read while nobody asked", 65536, (int64_t)p->given, "for stream_on_close one portion is read ahead");
    judge_order(j, "until L R \\n");
    peer_at(p, 50, PEER_ENDS, NULL, 0);
    run(j);
    expect_trace(j, "R=200001,x*200000+\\n@30 C=0@50", "what was read ahead is read first");
}

START_TEST(a8)
{
    struct judge *j = judge_new(NULL, 0);
    expect_reading(j);
    behind_what_came(j);
    without_a_reader(j);
    after_the_last_answer(j);
    broken(j);
    not_enough_is_unread(j);
    the_last_answer_stays(j);
    one_portion_ahead(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_end_items(Suite *s)
{
    add_item(s, "A4", a4);
    add_item(s, "A5", a5);
    add_item(s, "A6", a6);
    add_item(s, "A7", a7);
    add_item(s, "A8", a8);
}
