/* scan.h - what an object file would do before anybody calls it, and past the door.
 *
 * The trap it exists for: constructors, ifunc resolvers and interposed functions run without being called; the verdict must not
 * depend on code that nobody judged. */
#ifndef EDDY_GRADER_SCAN_H
#define EDDY_GRADER_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct scan_rules {
    const char *reference;      /* the production object: `object` must define exactly its globals */
    const char *allow;          /* names it may leave to the linker, besides `provided`; separated by spaces */
    const char *provided;       /* a static library whose globals it may call */
};

/* Whether the object is fit to be linked. False with a sentence: "your timeouts.c does not define timeouts_next", "your loop.c
 * defines main, which is not a function of loop/loop.h: make it static", "your loop.c has a constructor ...", "... calls
 * nanosleep: go through struct sys". `name` is what the student calls the file. */
bool scan_object(const char *object, const char *name, const struct scan_rules *, char *error, size_t size);

#endif
