/* checks_read.c - reads of all kinds: delimiters, limits, counts. A1..A3. */
#include <stdio.h>
#include <string.h>

#include "labs/05-stream/checks.h"

static const struct symptom none[] = { { 0 } };

/* ---- A1: a delimiter is found wherever it is cut ------------------------------------------------------------------- */

/* The same two lines, cut at every byte. */
static void cut_everywhere(struct judge *j)
{
    static const char *const bytes[] = { "g", "e", "t", "\\r", "\\n", "x", "\\r", "\\n" };
    char title[80], first[64], rest[64], expected[100];
    for (int cut = 1; cut < 8; cut++) {
        snprintf(title, sizeof title, "two lines, cut behind byte %d", cut);
        scene(j, title);
        snprintf(first, sizeof first, "send S ");
        snprintf(rest, sizeof rest, "send S ");
        for (int i = 0; i < 8; i++)
            strcat(i < cut ? first : rest, bytes[i]);
        judge_order(j, "until S R \\r\\n");
        judge_in(j, "R=5,get\\r\\n", 0, "until S R \\r\\n");
        at(j, 10, first);
        at(j, 20, rest);
        run(j);
        snprintf(expected, sizeof expected, "R=5,get\\r\\n@%d R=3,x\\r\\n@20", cut >= 5 ? 10 : 20);
        EXPECT_TRACE(j, expected, none, "a line may come in any number of pieces, and its delimiter too: it is looked for in "
                                        "all that has come");
    }
}

static void byte_after_byte(struct judge *j)
{
    scene(j, "a line that comes byte after byte");
    judge_order(j, "until S R \\r\\n");
    for (int i = 0; i < 4; i++) {
        const char *const bytes[] = { "send S a", "send S b", "send S \\r", "send S \\n" };
        at(j, 10 + i, bytes[i]);
    }
    run(j);
    expect_trace(j, "R=4,ab\\r\\n@13", "the last byte of the delimiter may come alone");
}

static void several_at_once(struct judge *j)
{
    scene(j, "several lines in one portion: each read gets one of them");
    judge_order(j, "until S R \\n");
    for (int i = 1; i <= 3; i++)
        judge_in(j, (const char *const[]){ "", "R=2,a\\n", "R=3,bb\\n", "R=1,\\n" }[i], 0, "until S R \\n");
    at(j, 10, "send S a\\nbb\\n\\nrest");
    at(j, 20, "send S ed\\n");
    run(j);
    EXPECT_TRACE(j, "R=2,a\\n@10 R=3,bb\\n@10 R=1,\\n@10 R=7,rested\\n@20", ((struct symptom[]){
        { "R=2,a\\n@10", "the second line had come already, and nobody looked: a read begins with what is in the buffer" },
        { "R=2,a\\n@10 R=10,bb\\n\\nrested\\n@20", "the second line was answered only when more came" },
        { 0 } }), "what was not asked for stays in the buffer, for the next read");
}

static void false_beginnings(struct judge *j)
{
    scene(j, "a delimiter that begins twice, and a longer one, cut");
    judge_order(j, "until S R \\r\\n");
    judge_in(j, "R=6,ab\\r\\r\\r\\n", 0, "until S R --end--");
    at(j, 10, "send S ab\\r");
    at(j, 11, "send S \\r");
    at(j, 12, "send S \\r\\n-");
    at(j, 13, "send S --en");
    at(j, 14, "send S d");
    at(j, 15, "send S --tail");
    run(j);
    EXPECT_TRACE(j, "R=6,ab\\r\\r\\r\\n@12 R=8,---end--@15", none, "a search goes on before the last bytes that may be the "
                                                                 "beginning of a delimiter, not behind them");
}

static void long_line(struct judge *j)
{
    scene(j, "a line of 200,000 bytes, in portions of 1,000 and at once");
    judge_order(j, "until S R \\n");
    for (int i = 0; i < 40; i++)
        at(j, 10 + i, "send S z*5000");
    at(j, 50, "send S \\n+y*150000+\\n");
    judge_in(j, "R=200001,z*200000+\\n", 0, "until S R \\n");
    run(j);
    EXPECT_TRACE(j, "R=200001,z*200000+\\n@50 R=150001,y*150000+\\n@50", none, "more than one block of bytes: what has come "
                                                                              "moves with it, and in order");
}

START_TEST(a1)
{
    struct judge *j = judge_new(NULL, 0);
    expect_reading(j);
    cut_everywhere(j);
    byte_after_byte(j);
    several_at_once(j);
    false_beginnings(j);
    long_line(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A2: a limit says no, and loses nothing ------------------------------------------------------------------------- */

static void beyond(struct judge *j)
{
    scene(j, "a line that does not come within 5 bytes; then all that came is read otherwise");
    judge_order(j, "until S R \\n 5");
    judge_in(j, "R=-EMSGSIZE", 0, "bytes S B 8");
    at(j, 10, "send S abc");
    at(j, 20, "send S de");
    at(j, 30, "send S fg\\n");
    run(j);
    EXPECT_TRACE(j, "R=-EMSGSIZE@30 B=8,abcdefg\\n@30", ((struct symptom[]){
        { "R=-EMSGSIZE@20", "five bytes are within a limit of 5: the next one may have been the newline only if it were the "
                            "fifth; but that no more has come is no reason yet" },
        { "R=-EMSGSIZE@30", "the bytes were lost with the failure: they stay, and the stream stays open" },
        { "R=8,abcdefg\\n@30", "the limit is how many bytes are looked at" },
        { 0 } }), "-EMSGSIZE when more than the limit has come and it was not enough; nothing is lost");
}

static void exactly_within(struct judge *j)
{
    scene(j, "a line that comes exactly within its limit, with more behind it");
    judge_order(j, "until S R \\n 5");
    judge_in(j, "R=5,abcd\\n", 0, "until S R \\n 3");
    at(j, 10, "send S abcd\\nxy\\n");
    run(j);
    expect_trace(j, "R=5,abcd\\n@10 R=3,xy\\n@10", "the delimiter's last byte is the limit's last byte: that is enough");
}

static void cut_by_the_limit(struct judge *j)
{
    scene(j, "a delimiter that ends behind the limit");
    judge_order(j, "until S R \\r\\n 5");
    judge_in(j, "R=-EMSGSIZE", 1, "until S R \\r\\n 6");
    at(j, 10, "send S abcd\\r\\n");
    run(j);
    EXPECT_TRACE(j, "R=-EMSGSIZE@10 R=6,abcd\\r\\n@10", ((struct symptom[]){
        { "R=6,abcd\\r\\n@10", "the sixth byte was looked at: `enough` sees no more than the limit" },
        { 0 } }), "the stream stays open: the same can be asked for again, with another limit");
}

static void limit_at_the_end(struct judge *j)
{
    scene(j, "the end comes when exactly the limit has come: that is the end, not the limit");
    judge_order(j, "until S R \\n 5");
    judge_in(j, "R=-EPIPE", 0, "some S B");
    at(j, 10, "send S abcde");
    at(j, 20, "end S");
    run(j);
    expect_trace(j, "R=-EPIPE@20 B=5,abcde@20", "-EMSGSIZE is for when there are more bytes");
}

static void some_within(struct judge *j)
{
    scene(j, "what there is, three at a time; and all until the close, with a limit that is too small");
    judge_order(j, "some S R 3");
    judge_in(j, "R=3,abc", 0, "some S R 3");
    judge_in(j, "R=3,def", 0, "until_close S C 4");
    judge_in(j, "C=-EMSGSIZE", 0, "until_close S C 5");
    at(j, 10, "send S abcdef");
    at(j, 20, "send S ghijk");
    at(j, 30, "end S");
    run(j);
    expect_trace(j, "R=3,abc@10 R=3,def@10 C=-EMSGSIZE@20 C=5,ghijk@30", "a limit is for every read, and no read loses bytes");
}

START_TEST(a2)
{
    struct judge *j = judge_new(NULL, 0);
    expect_reading(j);
    beyond(j);
    exactly_within(j);
    cut_by_the_limit(j);
    limit_at_the_end(j);
    some_within(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A3: so many bytes, what there is, into your memory ---------------------------------------------------------------- */

static void counts(struct judge *j)
{
    scene(j, "exact counts, also none, and none again");
    judge_order(j, "bytes S R 4");
    judge_in(j, "R=4,abcd", 0, "bytes S Z 0");
    judge_in(j, "Z=0", 1, "bytes S R 3");
    at(j, 10, "send S ab");
    at(j, 20, "send S cdef");
    at(j, 30, "send S gh");
    run(j);
    EXPECT_TRACE(j, "R=4,abcd@20 Z=0@20 R=3,efg@30", ((struct symptom[]){
        { "R=4,abcd@20", "no bytes are there at once: a read of none waits for nothing" },
        { 0 } }), "exactly so many: not what there is");
}

static void none_of_nothing(struct judge *j)
{
    scene(j, "none, before anything has come");
    judge_order(j, "bytes S Z 0");
    run(j);
    expect_trace(j, "Z=0@0", "no bytes are there at once, and the answer comes from the loop as always");
}

static void what_there_is(struct judge *j)
{
    scene(j, "what there is: at least a byte, and no waiting for more");
    judge_order(j, "some S R");
    judge_in(j, "R=2,ab", 0, "until S L \\n");
    judge_in(j, "L=2,c\\n", 0, "some S R");
    at(j, 10, "send S ab");
    at(j, 20, "send S c\\nde");
    run(j);
    EXPECT_TRACE(j, "R=2,ab@10 L=2,c\\n@20 R=2,de@20", ((struct symptom[]){
        { "R=2,ab@10 L=2,c\\n@20", "what is in the buffer is what there is: nothing more need come" },
        { 0 } }), "some: seen.len");
}

static void into_memory(struct judge *j)
{
    scene(j, "into memory of the reader's: fully, partly, and from what is there already");
    judge_order(j, "into S F 5");
    judge_in(j, "F=5,abcde", 0, "look F; partial S P 9");
    judge_in(j, "P=2,fg", 0, "partial S P 3");
    judge_in(j, "P=3,hij", 0, "into S F 2");
    at(j, 10, "send S abc");
    at(j, 20, "send S defg");
    at(j, 30, "send S hijkl");
    run(j);
    EXPECT_TRACE(j, "F=5,abcde@20 F.look=5,abcde@20 P=2,fg@20 P=3,hij@30 F=2,kl@30", none,
                 "the bytes are copied to where the reader wants them, and the value is that place");
}

static void in_words_of_ones_own(struct judge *j)
{
    scene(j, "by a function of the reader's: frames that begin with their length");
    judge_order(j, "frame S R");
    judge_in(j, "R=4,3abc", 0, "frame S R");
    judge_in(j, "R=1,0", 0, "frame S R");
    judge_in(j, "R=3,2xy", 0, "frame S R");
    judge_in(j, "R=-EPROTO", 1, "some S B 2");
    judge_in(j, "B=2,q.", 0, "frame S R");
    at(j, 10, "send S 3a");
    at(j, 20, "send S bc02x");
    at(j, 30, "send S yq.en");
    at(j, 40, "send S d");
    at(j, 50, "end S");
    judge_in(j, "R=-EPROTO", 2, "some S B");
    run(j);
    EXPECT_TRACE(j, "R=4,3abc@20 R=1,0@20 R=3,2xy@30 R=-EPROTO@30 B=2,q.@30 R=-EPROTO@30 B=2,en@30", none,
                 "`enough` is asked again with the same bytes and more behind them; what it says below 0 is the failure, and "
                 "loses nothing");
}

static void with_the_end(struct judge *j)
{
    scene(j, "such a function is asked once more at the end, and is told that it is the end");
    judge_order(j, "frame S R");
    at(j, 10, "send S .last");
    at(j, 20, "end S");
    run(j);
    EXPECT_TRACE(j, "R=5,.last@20", ((struct symptom[]){
        { "R=-EPIPE@20", "`enough` was not asked again when the end came: ended is true then" },
        { 0 } }), "ended: no more will come");
}

START_TEST(a3)
{
    struct judge *j = judge_new(NULL, 0);
    expect_reading(j);
    counts(j);
    none_of_nothing(j);
    what_there_is(j);
    into_memory(j);
    in_words_of_ones_own(j);
    with_the_end(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_read_items(Suite *s)
{
    add_item(s, "A1", a1);
    add_item(s, "A2", a2);
    add_item(s, "A3", a3);
}
