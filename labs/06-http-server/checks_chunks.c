/* checks_chunks.c - bodies in chunks. C1, C2. */
#include <stdio.h>
#include <string.h>

#include "labs/06-http-server/checks.h"
#include "labs/06-http-server/checks_client.h"

enum { TEXT = 3600, LARGE = 70000 };

/* In portions of every size: the data, and where the body ends. */
static void expect_data(struct judge *j, const char *body, size_t len, const char *data, const char *cause)
{
    static char order[TEXT];
    char expected[60];
    bare_scene(j, "a body in chunks, in portions of every size, with another request behind it");
    snprintf(expected, sizeof expected, "data=%s", data);
    order_text(body, len, order, sizeof order);
    for (size_t portion = 0; portion <= len && portion <= 40; portion++) {
        EXPECT_INT("where the body ends", (int64_t)len, judge_order(j, "chunks %s+GET %zu", order, portion), cause);
        EXPECT_TEXT("what was taken apart", expected, judge_said(j), cause);
    }
}

static void refuse_chunks(struct judge *j, const char *body, int64_t most, int status, const char *cause)
{
    char order[TEXT];
    bare_scene(j, "chunks that are none, in portions of every size");
    order_text(body, strlen(body), order, sizeof order);
    for (size_t portion = 0; portion <= strlen(body); portion++)
        EXPECT_INT("the answer", -status, judge_order(j, "chunks %s %zu %lld", order, portion, (long long)most), cause);
}

/* ---- C1: a body in chunks has its data, and an end ------------------------------------------------------------------------ */

static void all_kinds(struct judge *j)
{
    static const struct { const char *body, *data; } bodies[] = {
        { "5\r\nhello\r\n0\r\n\r\n", "hello" },
        { "4\r\nfoo=\r\n3\r\nbar\r\n0\r\n\r\n", "foo\\x3dbar" },                                 /* case 34 */
        { "0\r\n\r\n", "" },
        { "1\r\n0\r\n2\r\n\r\n\r\n0000\r\n\r\n", "0\\r\\n" },
        { "00a\r\n0123456789\r\nA\r\nabcdefghij\r\n0\r\n\r\n", "0123456789abcdefghij" },
        { "1;x=y;z=\"a b\"\r\na\r\n1 ;q\r\nb\r\n0;last\r\n\r\n", "ab" },                        /* case 36 */
        { "1\r\na\r\n0\r\nX: y\r\nContent-Length: 7\r\n\r\n", "a" },
        { "00000000000000000000000000000001\r\na\r\n0\r\n\r\n", "a" },
        { 0 }
    };
    for (int i = 0; bodies[i].body; i++)
        expect_data(j, bodies[i].body, strlen(bodies[i].body), bodies[i].data,
                    "a size in hexadecimal digits, perhaps extensions, CR LF, the data, CR LF; 0 and the trailers end it");
}

static void not_all_there(struct judge *j)
{
    static const struct { const char *start, *data; } starts[] = {
        { "", "" }, { "5", "" }, { "5\r", "" }, { "5\r\n", "" }, { "5\r\nhell", "hell" }, { "5\r\nhello", "hello" },
        { "5\r\nhello\r", "hello" }, { "5\r\nhello\r\n", "hello" }, { "5\r\nhello\r\n0\r\n", "hello" },
        { "5\r\nhello\r\n2\r\na", "helloa" }, { "5\r\nhello\r\n0\r\nX: y\r\n", "hello" },
    };
    char order[100], expected[40];
    bare_scene(j, "a body in chunks that is not all there");
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        order_text(starts[i].start, strlen(starts[i].start), order, sizeof order);
        snprintf(expected, sizeof expected, "data=%s", starts[i].data);
        EXPECT_INT("the answer", 0, judge_order(j, "chunks +%s 1", order), "more must come");
        EXPECT_TEXT("what was taken apart so far", expected, judge_said(j),
                    "of a chunk's data what has come is given out at once: the chunk may be larger than all your memory");
    }
}

static void a_large_one(struct judge *j)
{
    static char body[LARGE + 100];
    size_t len = (size_t)sprintf(body, "%x\r\n", LARGE);
    memset(body + len, 'z', LARGE);
    len += LARGE + (size_t)sprintf(body + len + LARGE, "\r\n0\r\n\r\n");
    char order[100], data[40];
    bare_scene(j, "a large chunk, in portions");
    snprintf(data, sizeof data, "data=z*%d", LARGE);
    order_text(body, len, order, sizeof order);
    for (int portion = 0; portion <= LARGE; portion += 17001) {
        EXPECT_INT("where the body ends", (int64_t)len, judge_order(j, "chunks %s %d", order, portion), "data in pieces");
        EXPECT_TEXT("the data", data, judge_said(j), "what has come of a chunk's data is given out at once, in pieces");
    }
}

static void put_together(struct judge *j)
{
    static const struct { int64_t len; const char *text; } sizes[] = { { 1, "1\\r\\n" }, { 255, "ff\\r\\n" },
                                                                       { 65536, "10*4+\\r\\n" } };
    bare_scene(j, "the first line of a chunk");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        judge_order(j, "chunk_begin %lld", (long long)sizes[i].len);
        EXPECT_TEXT("chunked_begin", sizes[i].text, judge_said(j), "the size in hexadecimal digits, and CR LF");
    }
}

START_TEST(c1)
{
    struct judge *j = judge_new(NULL, 0);
    all_kinds(j);
    not_all_there(j);
    a_large_one(j);
    put_together(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- C2: a size is a number that everybody reads alike -------------------------------------------------------------------- */

static void no_sizes(struct judge *j)
{
    static const struct { const char *body; int status; const char *cause; } bodies[] = {        /* cases 35, 37 */
        { "+1\r\na\r\n0\r\n\r\n", 400, "a sign" },
        { "-1\r\na\r\n0\r\n\r\n", 400, "a sign" },
        { "0x1\r\na\r\n0\r\n\r\n", 400, "strtol reads 0x: it is no digit" },
        { " 1\r\na\r\n0\r\n\r\n", 400, "a space before the size" },
        { "1 \r\na\r\n0\r\n\r\n", 400, "a space behind the size, and no extension" },
        { "1 x\r\na\r\n0\r\n\r\n", 400, "an extension begins with a semicolon" },
        { "1_0\r\na\r\n0\r\n\r\n", 400, "digits alone" },
        { "\r\na\r\n0\r\n\r\n", 400, "no size" },
        { ";x\r\na\r\n0\r\n\r\n", 400, "no size, but an extension" },
        { "1\na\r\n0\r\n\r\n", 400, "a bare LF: others read on to the next CR LF, and find another chunk" },
        { "1;a\nb\r\na\r\n0\r\n\r\n", 400, "a bare LF in an extension" },
        { "1;a\rb\r\na\r\n0\r\n\r\n", 400, "a bare CR in an extension" },
        { "1;a\x01\r\na\r\n0\r\n\r\n", 400, "a control byte in an extension" },
        { "1\r\nab\r\n0\r\n\r\n", 400, "the data is longer than the size says" },
        { "2\r\na\r\n0\r\n\r\n", 400, "the data is shorter than the size says" },
        { "1\r\na\n0\r\n\r\n", 400, "data ends with CR LF" },
        { "1\r\na\r0\r\n\r\n", 400, "data ends with CR LF" },
        { "10000000000000001\r\na\r\n0\r\n\r\n", 413, "2^64 + 1 is 1 to who does not look" },
        { "ffffffffffffffff\r\na\r\n0\r\n\r\n", 413, "2^64 - 1 is -1 to who does not look" },
        { "8000000000000000\r\na\r\n0\r\n\r\n", 413, "2^63 is negative to who does not look" },
        { 0 }
    };
    for (int i = 0; bodies[i].body; i++)
        refuse_chunks(j, bodies[i].body, INT64_MAX, bodies[i].status, bodies[i].cause);
}

static void too_much(struct judge *j)
{
    refuse_chunks(j, "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", 5, 413, "the limit is for all chunks together");
    refuse_chunks(j, "7fffffffffffffff\r\n", 5, 413, "more than is taken, and no need to wait for it");
    refuse_chunks(j, "1\r\na\r\n7fffffffffffffff\r\n", INT64_MAX, 413, "the sum overflows before it is compared");
    bare_scene(j, "exactly as much as is taken");
    EXPECT_INT("where the body ends", 15, judge_order(j, "chunks 5\\r\\nhello\\r\\n0\\r\\n\\r\\n 1 5"), "5 of 5 bytes");
}

/* A first line without end, and extensions without end, each small. */
static void endless(struct judge *j)
{
    bare_scene(j, "what costs the sender nothing");
    EXPECT_INT("the answer", -400, judge_order(j, "chunks 1;a*1100"),
               "a line that does not end is held in memory: 1 KiB of it at most");
    EXPECT_INT("the answer", -400, judge_order(j, "chunks 0*1100"), "zeros without end, too");
    static char order[TEXT];
    size_t used = (size_t)sprintf(order, "chunks ");
    for (int i = 0; i < 5; i++)
        used += (size_t)sprintf(order + used, "1;+a*900+\\r\\nx\\r\\n");
    strcpy(order + used, "0\\r\\n\\r\\n");
    EXPECT_INT("the answer", -400, judge_order(j, "%s", order),
               "extensions are counted over all chunks of a body: 4 KiB at most");
    used = (size_t)sprintf(order, "chunks ");
    for (int i = 0; i < 4; i++)
        used += (size_t)sprintf(order + used, "1;+a*900+\\r\\nx\\r\\n");
    strcpy(order + used, "0\\r\\n\\r\\n");
    EXPECT_TEXT("whether it is taken", "yes", judge_order(j, "%s", order) > 0 ? "yes" : "no", "less than that is only ignored");
}

START_TEST(c2)
{
    struct judge *j = judge_new(NULL, 0);
    bare_scene(j, "a body in chunks");
    EXPECT_INT("where the body ends", 11, judge_order(j, "chunks 1\\r\\na\\r\\n0\\r\\n\\r\\n"),
               "this item counts only for chunks that are read: first make the item C1 pass");
    no_sizes(j);
    too_much(j);
    endless(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_chunk_items(Suite *s)
{
    add_item(s, "C1", c1);
    add_item(s, "C2", c2);
}
