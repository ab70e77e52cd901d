/* checks.c - items, causes and dice: see checks.h. */
#include "grader/checks.h"

#include <string.h>

void add_item(Suite *s, const char *id, const TTest *test)
{
    TCase *tc = tcase_create(id);
    tcase_add_test(tc, test);
    suite_add_tcase(s, tc);
}

const char *cause_of(const char *trace, const struct symptom *symptoms, const char *otherwise)
{
    for (; symptoms->trace; symptoms++)
        if (strcmp(symptoms->trace, trace) == 0)
            return symptoms->cause;
    return otherwise;
}

uint64_t dice_mixed(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

int dice_roll(uint64_t *dice, int sides)
{
    return (int)(dice_mixed((*dice)++) % (uint64_t)sides);
}
