/* checks_kinds.c - what a callback did, and what was done to it. A1..A3. */
#include "labs/03-detector/checks.h"

/* ---- A1: asleep ---------------------------------------------------------------------------------------------------------- */

START_TEST(a1)
{
    struct judge *j = judge_new(NULL, 0);
    scene(j, "one callback reads what is not there, the others are quick");
    called(j, "on_timer", "work 1ms");
    called(j, "on_line", "work 1ms; sleep 30ms read; work 1ms");
    called(j, "on_timer", "work 1ms");
    expect_found(j, "on_line.asleep:read*1",
                 "between begin and end 32 ms passed, of which it worked 2, and waited for nobody: it slept");
    expect_times(j, 0, 30, 30, 1);
    scene(j, "several sleep, in different calls");
    called(j, "A", "sleep 50ms fsync");
    called(j, "B", "sleep 40ms futex");
    called(j, "C", "sleep 30ms nanosleep");
    called(j, "D", "work 3ms; sleep 20ms poll");
    expect_found(j, "A.asleep:fsync*1 B.asleep:futex*1 C.asleep:nanosleep*1 D.asleep:poll*1",
                 "each in its own call: what the watchdog saw in a callback is that callback's");
    scene(j, "asleep again and again, never long");
    called(j, "A", "sleep 8ms read; work 1ms; sleep 8ms read; work 1ms; sleep 8ms read; work 1ms; sleep 8ms read");
    expect_found(j, "A.asleep:read*1", "four sleeps of 8 ms hold the loop up as one of 32 does");
    expect_times(j, 0, 32, 32, 1);
    scene(j, "short sleeps, each in a callback of its own");
    for (int i = 0; i < 8; i++)
        called(j, "A", "sleep 4ms read; work 1ms");
    expect_found(j, "", "none of them held the loop up for 10 ms");
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A2: busy ------------------------------------------------------------------------------------------------------------ */

START_TEST(a2)
{
    struct judge *j = judge_new(NULL, 0);
    scene(j, "a callback computes, another one touches new pages");
    called(j, "quick", "work 4ms 900");
    called(j, "A", "work 40ms");
    called(j, "B", "work 30ms 5000");
    called(j, "C", "work 20ms 300");
    expect_found(j, "A.busy*1 B.faults*1 C.busy*1", "STALL_STORM faults and more are a storm: the work is the kernel's, one page "
                 "after the other");
    expect_times(j, 0, 40, 40, 1);
    expect_times(j, 1, 30, 30, 1);
    scene(j, "asleep, but in no call: a page is read from the disk");
    called(j, "A", "work 1ms; sleep 25ms fault");
    expect_found(j, "A.faults*1", "it sleeps, and the watchdog sees no call: a page is on its way");
    expect_times(j, 0, 25, 25, 1);
    scene(j, "both");
    called(j, "A", "work 30ms; sleep 60ms read");
    called(j, "B", "work 50ms; sleep 25ms read");
    expect_found(j, "A.asleep:read*1 B.busy*1", "a callback is one stall, of the kind that was most of it");
    scene(j, "work in portions, with waits in between");
    called(j, "A", "work 4ms; sleep 2ms read; work 4ms; sleep 2ms read; work 4ms; sleep 1ms read; work 8ms");
    expect_found(j, "A.busy*1", "20 ms of work are 20 ms, in whatever portions");
    expect_times(j, 0, 20, 20, 1);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A3: what others did ------------------------------------------------------------------------------------------------- */

START_TEST(a3)
{
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    scene(j, "ready, while others have the processor");
    called(j, "A", "work 2ms; starve 60ms; work 2ms");
    called(j, "B", "work 2ms; sleep 2ms read; starve 60ms; work 2ms");
    called(j, "C", "starve 8ms; work 4ms; starve 8ms; work 4ms; sleep 3ms futex");
    expect_found(j, "", "60 ms on the wall, of which it was ready for most: delayed, in stall_spent, is not its own");
    scene(j, "asleep for a moment whenever the watchdog looks, and ready for the rest of the time");
    called(j, "A", "starve 4ms; sleep 2ms read; starve 3ms; sleep 2ms read; starve 60ms");
    expect_found(j, "", "it was seen asleep twice, and slept for 4 ms: the kernel says what it was delayed");
    scene(j, "starved in the middle of a stall");
    called(j, "A", "work 15ms; starve 60ms; work 15ms");
    called(j, "B", "sleep 25ms read; starve 60ms");
    expect_found(j, "A.busy*1 B.asleep:read*1", "these are stalls without the others, too");
    expect_times(j, 0, 30, 30, 1);
    expect_times(j, 1, 25, 25, 1);
    scene(j, "a machine that is not there for a while: nobody sleeps, and nothing is counted");
    called(j, "A", "work 2ms; steal 80ms loop; work 2ms");
    called(j, "B", "work 2ms; steal 80ms watchdog; work 2ms");
    expect_found(j, "", "what neither the kernel counts as a sleep nor the watchdog has seen is none");
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_kind_items(Suite *s)
{
    add_item(s, "A1", a1);
    add_item(s, "A2", a2);
    add_item(s, "A3", a3);
}
