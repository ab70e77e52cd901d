/* many.h - deadlines that the probe and the judge make alike. */
#ifndef EDDY_LABS_02_MANY_H
#define EDDY_LABS_02_MANY_H

#include <stdint.h>

static inline uint64_t mixed(uint64_t z)            /* splitmix64 */
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* The i-th of n deadlines, in ns after the beginning: "ascending", "descending", "equal", "shuffled". */
static inline int64_t many_deadline(const char *pattern, uint64_t seed, int64_t i, int64_t n)
{
    switch (pattern[0]) {
    case 'a':
        return i;
    case 'd':
        return n - i;
    case 'e':
        return n;
    default:
        return (int64_t)(mixed(seed + (uint64_t)i) % (uint64_t)n);
    }
}

#endif
