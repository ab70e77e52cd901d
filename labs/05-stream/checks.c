/* checks.c - lab 05 from the judge's side: the suite, and what all its checks share. */
#include "labs/05-stream/checks.h"

#include "labs/05-stream/checks_peer.h"

enum { IDLE_WAITS = 300 };

Suite *checks_05_stream(void);

Suite *checks_05_stream(void)
{
    Suite *s = suite_create("05-stream");
    check_read_items(s);
    check_end_items(s);
    check_write_items(s);
    check_reader_items(s);
    check_writer_items(s);
    check_turn_items(s);
    check_cost_items(s);
    check_memory_items(s);
    check_text_items(s);
    return s;
}

static void begin(struct judge *j, const char *title, const char *order)
{
    judge_reset(j, 0);
    history_clear();
    history_add(ENTRY_STEP, -1, "# %s", title);
    sim_limit_idle_waits(judge_sim(j), IDLE_WAITS);
    peers_begin(j);
    if (judge_order(j, "%s", order) != 0)
        verdict_fault("loop_new failed, though nothing is refused");
}

void bare_scene(struct judge *j, const char *title)
{
    begin(j, title, "loop_new");
}

void crowd_scene(struct judge *j)
{
    begin(j, "a random crowd", "loop_new light");
    sim_limit_idle_waits(judge_sim(j), 1000);
}

void scene(struct judge *j, const char *title)
{
    bare_scene(j, title);
    EXPECT_INT("stream_new", 0, judge_order(j, "stream S"), "a stream can be made when nothing is refused");
}

int64_t moment(int64_t ns)
{
    return SECOND + ns;         /* a world begins at 1 s */
}

void at(struct judge *j, int ms, const char *orders)
{
    judge_meanwhile(j, moment(ms * MILLISECOND), orders);
}

void run(struct judge *j)
{
    int64_t rc = judge_order(j, "run");
    const char *trouble = judge_trouble(j);
    EXPECT_INT("loop_start", 0, rc, trouble ? trouble : "the loop must go on to its end");
}

void expect_trace(struct judge *j, const char *expected, const char *cause)
{
    EXPECT_TEXT("trace", expected, judge_trace(j), cause);
}

int64_t moves(const struct judge *j, enum sys_call call)
{
    return (int64_t)judge_calls(j, call);
}

void expect_reading(struct judge *j)
{
    scene(j, "what all streams do: a line is read");
    judge_order(j, "until S R \\n");
    at(j, 5, "send S hello\\n");
    run(j);
    expect_trace(j, "R=6,hello\\n@5", "this item counts only for a stream that reads: first make the item A1 pass");
}

void expect_writing(struct judge *j)
{
    scene(j, "what all streams do: bytes are written");
    judge_order(j, "write S W hello");
    at(j, 5, "receive S");
    run(j);
    expect_trace(j, "W=5@0 S.got=5,hello@5", "this item counts only for a stream that writes: a write's future is answered "
                                             "when the kernel has its bytes");
}
