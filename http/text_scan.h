/* text_scan.h - how far a token, a target, a value go: most of what parsing a head costs. Only the files of http/ include it.
 *
 * Whole blocks of sixteen bytes at once, where the machine has SSE2, as every x86-64 has; and then one by one. Trap: where in its
 * block the end is could be computed, too; but then all that follows waits for that number, while the lengths of fields are
 * something that a processor guesses right. And a view's end is the end of what may be looked at. */
#ifndef EDDY_HTTP_TEXT_SCAN_H
#define EDDY_HTTP_TEXT_SCAN_H

#include <stdbool.h>

#include "http/text_class.h"

#ifdef __SSE2__
#include <emmintrin.h>

enum { SCAN_BLOCK = 16 };

/* Those of the bytes that are so, as a mask. */
static inline __m128i scan_at_most(__m128i bytes, char most)
{
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(most)), bytes);
}

static inline __m128i scan_are(__m128i bytes, char c)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

/* From `first` on as many as `count`. */
static inline __m128i scan_among(__m128i bytes, char first, char count)
{
    return scan_at_most(_mm_sub_epi8(bytes, _mm_set1_epi8(first)), (char)(count - 1));
}

/* Whether all bytes of a block are of that class: TARGET or VALUE. */
static inline bool scan_block(const char *from, enum text_class kind)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)from);
    __m128i others = kind == TARGET ? scan_at_most(bytes, ' ')
                                    : _mm_andnot_si128(scan_are(bytes, '\t'), scan_at_most(bytes, 31));
    return !_mm_movemask_epi8(_mm_or_si128(others, scan_are(bytes, 127)));
}

#else

enum { SCAN_BLOCK = 1 };

static inline bool scan_block(const char *from, enum text_class kind)
{
    return text_class(*from) & kind;
}

#endif

/* The first byte that may not stand in it; `end`: all may. `kind` is TOKEN, TARGET or VALUE. Tokens are short. */
static inline const char *text_scan(const char *from, const char *end, enum text_class kind)
{
    while (kind != TOKEN && end - from >= SCAN_BLOCK && scan_block(from, kind))
        from += SCAN_BLOCK;
    while (from < end && text_class(*from) & kind)
        from++;
    return from;
}

#endif
