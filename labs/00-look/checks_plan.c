/* checks_plan.c - what is wrong with the program of a number. See labs/00-look/checks_plan.h. */
#include "labs/00-look/checks_plan.h"

const char *const plan_names[PLAN_NAMES] = {
    "on_accept", "on_request", "on_reply", "on_session", "on_metrics", "on_reload", "on_flush", "on_invite", "on_backup",
    "on_clean",
};

const char *plan_calls(enum plan_kind kind)
{
    static const char *const calls[] = {
        [PLAN_SLEEP] = "clock_nanosleep nanosleep usleep sleep", [PLAN_READ] = "read", [PLAN_LOCK] = "pthread_mutex_lock futex",
        [PLAN_RAW] = "poll ppoll", [PLAN_HOG] = "none", [PLAN_PAGE] = "page-fault",
    };
    return calls[kind];
}

static uint32_t next(uint64_t *dice, uint32_t sides)
{
    *dice = *dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*dice >> 33) % sides;
}

static void shuffle(int *all, int count, uint64_t *dice)
{
    for (int i = count - 1; i > 0; i--) {
        int other = (int)next(dice, (uint32_t)i + 1), kept = all[i];
        all[i] = all[other];
        all[other] = kept;
    }
}

struct plan plan_of(uint32_t number)
{
    uint64_t dice = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
    int kinds[] = { PLAN_SLEEP, PLAN_READ, PLAN_LOCK, PLAN_RAW, PLAN_HOG }, times[] = { 26, 36, 49, 67, 91, 124 };
    int names[PLAN_NAMES];
    struct plan plan;
    for (int i = 0; i < PLAN_NAMES; i++)
        names[i] = i;
    for (int i = 0; i < PLAN_STALLS; i++)
        next(&dice, 1);
    shuffle(kinds, PLAN_STALLS - 1, &dice);
    shuffle(times, PLAN_STALLS, &dice);
    shuffle(names, PLAN_NAMES, &dice);
    int page = PLAN_STALLS / 2 + (int)next(&dice, PLAN_STALLS / 2);
    for (int i = 0; i < PLAN_STALLS; i++) {
        int other = (i + 1 + (int)next(&dice, PLAN_NAMES - 1)) % PLAN_NAMES;
        plan.stalls[i] = (struct plan_stall){
            .kind = i == page ? PLAN_PAGE : (enum plan_kind)kinds[i < page ? i : i - 1],
            .callback = names[i], .suffers = names[other], .at = PLAN_FIRST + i * PLAN_APART, .ms = times[i],
        };
    }
    return plan;
}
