/* poison_inside.h - memory that nobody may look at now, although it is not free: AddressSanitizer and valgrind say who does.
 *
 * The trap it exists for: a view that was taken is still there for a while, and reads as if it were valid. Without the tools
 * these do nothing, or next to it. */
#ifndef EDDY_STREAM_POISON_INSIDE_H
#define EDDY_STREAM_POISON_INSIDE_H

#include <stddef.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#elif __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif

static inline void poison(const char *from, size_t len)
{
    (void)from, (void)len;
#ifdef __SANITIZE_ADDRESS__
    __asan_poison_memory_region(from, len);
#elif defined(VALGRIND_MAKE_MEM_NOACCESS)
    VALGRIND_MAKE_MEM_NOACCESS(from, len);
#endif
}

/* What is in it is undefined now. */
static inline void unpoison(const char *from, size_t len)
{
    (void)from, (void)len;
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(from, len);
#elif defined(VALGRIND_MAKE_MEM_NOACCESS)
    VALGRIND_MAKE_MEM_UNDEFINED(from, len);
#endif
}

#endif
