/* fence.h - what the probe knows of its fenced blocks (probe.h: fence_new, fence_free) beyond what verbs need. */
#ifndef EDDY_GRADER_FENCE_H
#define EDDY_GRADER_FENCE_H

#include <stddef.h>
#include <stdint.h>

/* realloc in one, for the door's memory: the content is not zeroed but filled with rubbish, and a block that is resized
 * always moves. NULL when there is no memory, and then `old` is untouched. */
void *fence_resize(void *old, size_t size);

/* A number that is kept with the block, at first 0. */
int64_t *fence_tag(void *);

/* Frees all that came from fence_resize: the world that it belonged to has ended. */
void fence_abandon(void);

struct fence_usage {
    size_t blocks, bytes;       /* not freed */
    size_t crowded;             /* of these: without a page of their own, being too many or too large */
};
struct fence_usage fence_usage(void);

/* What touching this address means: "touched timeout A, 24 bytes into it, after it was freed". Signal-safe. */
void fence_words(const void *address, char *out, size_t size);

/* Who hears that a block was freed twice, or found damaged when it was freed; does not return. The default says it to
 * standard error and aborts. */
void fence_on_damage(void (*fn)(const char *sentence));

#endif
