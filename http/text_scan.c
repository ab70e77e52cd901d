/* text_scan.c - how far a token, a target, a value go: most of what parsing a head costs.
 *
 * Targets and values are long: sixteen bytes at a time where the machine has SSE2, as every x86-64 has; then one by one, which is
 * all there is elsewhere. Names are short, and gain nothing from it. The trap it exists for: a view's end is the end of what may
 * be looked at. */
#include "http/text_class.h"

#ifdef __SSE2__
#include <emmintrin.h>

enum { BLOCK = 16 };

/* Those of the bytes that are so, as a mask. */
static __m128i at_most(__m128i bytes, char most)
{
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(most)), bytes);
}

static __m128i are(__m128i bytes, char c)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

static __m128i no_target(__m128i bytes)
{
    return _mm_or_si128(at_most(bytes, ' '), are(bytes, 127));
}

static __m128i no_value(__m128i bytes)
{
    return _mm_or_si128(_mm_andnot_si128(are(bytes, '\t'), at_most(bytes, 31)), are(bytes, 127));
}

/* Over whole blocks, up to the first byte that is none of the class, or to where less than a block is left. */
static inline const char *skip(const char *from, const char *end, enum text_class class)
{
    for (; end - from >= BLOCK; from += BLOCK) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)from);
        int found = _mm_movemask_epi8(class == TARGET ? no_target(bytes) : no_value(bytes));
        if (found)
            return from + __builtin_ctz((unsigned)found);
    }
    return from;
}

#else

static inline const char *skip(const char *from, const char *end, enum text_class class)
{
    (void)end;
    (void)class;
    return from;
}

#endif

static inline const char *one_by_one(const char *from, const char *end, enum text_class class)
{
    while (from < end && text_class(*from) & class)
        from++;
    return from;
}

const char *text_token_end(const char *from, const char *end)
{
    return one_by_one(from, end, TOKEN);
}

const char *text_target_end(const char *from, const char *end)
{
    return one_by_one(skip(from, end, TARGET), end, TARGET);
}

const char *text_value_end(const char *from, const char *end)
{
    return one_by_one(skip(from, end, VALUE), end, VALUE);
}
